"""A disk that keeps what a player wrote: found by list and marker together, kept out until its owner has looked it through."""

from dataclasses import replace
from pathlib import Path

import pytest
from stages import QUICK, playing, set_up, until

from drova_gate.config import Mode
from drova_gate.core.model import Phase
from drova_gate.demo.stage import Act, Stage
from drova_gate.sim.windows.installation import CMDTOOL
from drova_gate.sim.windows.shadow import Change
from drova_gate.state import StateFile

RARELY = replace(QUICK, timing=replace(QUICK.timing, look=60.0))
"""As a real gate looks at a settled station."""


async def prepared(world: Stage, act: Act) -> str:
    await until(lambda: act.phase is Phase.CLEAN)
    session = world.cloud.start_session(act.server)
    await until(lambda: act.phase is Phase.IN_SESSION and act.gate.controller.record.prepared)
    return session


def leave(act: Act, letter: str) -> None:
    """What a player does who knows the password."""
    assert act.station.machine.shadow.exit(letter, now=True) is Change.DONE


async def test_what_left_shadow_mode_right_before_the_end_is_found_by_the_last_look(tmp_path: Path):
    """Nobody looked in between: the reset's proof is true of that disk, and its next player would have met what was written there."""
    world = set_up(tmp_path, Mode.POLL, pace=RARELY)
    async with playing(world) as act:
        session = await prepared(world, act)
        leave(act, "D")
        world.cloud.finish(session)
        await until(lambda: act.phase is Phase.QUARANTINED)

        assert "Shadow Mode was gone from D" in act.gate.controller.reason
        assert act.station.machine.boot_count == 2
        await until(lambda: not world.cloud.servers[act.server].published)

        StateFile(tmp_path / "pc1" / "state.json").ask_release()
        act.gate.controller.stir()
        await until(lambda: act.phase is Phase.CLEAN and world.cloud.servers[act.server].published)
        assert act.gate.controller.record.bared == frozenset()


async def test_a_restart_forgets_no_bare_disk(tmp_path: Path):
    """It stands in the record, before the reset goes out."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        await prepared(world, act)
        leave(act, "D")
        await until(lambda: act.gate.controller.record.bared)

    assert StateFile(tmp_path / "pc1" / "state.json").load().bared == frozenset("D")


async def test_a_list_that_says_nothing_is_told_and_not_believed(tmp_path: Path):
    """The markers are still there: nothing has left Shadow Mode, and after its reset the station is clean."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        session = await prepared(world, act)
        act.station.faults.add("shadow_silent")
        await until(lambda: any("the list is not believed" in line for line in world.log_lines))
        act.station.faults.discard("shadow_silent")
        world.cloud.finish(session)
        await until(lambda: act.phase is Phase.CLEAN)

        assert act.station.machine.boot_count == 2


async def test_a_boot_of_the_stations_own_bares_nothing(tmp_path: Path):
    """It takes Shadow Mode off and the markers with it, and all that was written: the session ended before it was prepared again."""
    world = set_up(tmp_path, Mode.POLL, pace=RARELY)
    async with playing(world) as act:
        session = await prepared(world, act)
        world.cloud.finish(session)
        await act.station.reboot()
        await until(lambda: act.phase is Phase.CLEAN)

        assert act.gate.controller.record.bared == frozenset()


async def test_the_other_disks_marker_is_part_of_the_proof(tmp_path: Path):
    """The system disk is rolled back, D is not: for long only the registry was asked, which lies on the system disk."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        session = await prepared(world, act)
        with act.station.machine.quietly():
            act.station.machine.files.commit(r"D:\drova_gate.marker")
        world.cloud.finish(session)
        await until(lambda: act.phase is Phase.QUARANTINED)

        assert "D still carries the marker" in act.gate.controller.reason


async def test_deleting_the_protectors_program_after_it_hides_no_bare_disk(tmp_path: Path):
    """In the last minute, between two looks: the reset brings the program back, and its list knows nothing of before."""
    world = set_up(tmp_path, Mode.POLL, pace=RARELY)
    async with playing(world) as act:
        session = await prepared(world, act)
        leave(act, "D")
        with act.station.machine.quietly():
            act.station.machine.files.delete(CMDTOOL)
        world.cloud.finish(session)
        await until(lambda: act.phase is Phase.QUARANTINED)

        assert "Shadow Mode was gone from D" in act.gate.controller.reason
        assert act.station.machine.boot_count == 2


async def test_a_player_who_deletes_the_protectors_program_alone_bares_nothing(tmp_path: Path):
    """Players do: the markers are still there, and after its reset the station is clean."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        session = await prepared(world, act)
        with act.station.machine.quietly():
            act.station.machine.files.delete(CMDTOOL)
        await until(
            lambda: (host := act.gate.controller.observer.known(act.gate.controller.record).host) and host.marked
        )
        world.cloud.finish(session)
        await until(lambda: act.phase is Phase.CLEAN)

        assert act.station.machine.boot_count == 2


@pytest.mark.parametrize("fault", [None, "powershell_shell"], ids=["cmd", "powershell"])
async def test_an_unplugged_disk_is_said_and_not_bare(tmp_path: Path, fault: str | None):
    """A box on USB counts as a fixed disk; nothing can be written to one that is not there."""
    world = set_up(tmp_path, Mode.POLL, fault)
    async with playing(world) as act:
        session = await prepared(world, act)
        act.station.machine.unplug("D")
        await until(lambda: any("D is not there any more" in line for line in world.log_lines))
        world.cloud.finish(session)
        await until(lambda: act.phase is Phase.CLEAN)

        assert act.station.machine.boot_count == 2


async def test_a_station_whose_disk_is_bare_is_hidden_at_once_and_released_only_after_its_reset(tmp_path: Path):
    """Without a relay the next player would be in before its quarantine is decided; in mid-session nobody has gone through the disk."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        session = await prepared(world, act)
        leave(act, "D")
        await until(lambda: not world.cloud.servers[act.server].published)
        assert act.phase is Phase.IN_SESSION

        StateFile(tmp_path / "pc1" / "state.json").ask_release()
        act.gate.controller.stir()
        await until(lambda: not StateFile(tmp_path / "pc1" / "state.json").release_asked())
        world.cloud.finish(session)
        await until(lambda: act.phase is Phase.QUARANTINED)
        assert not world.cloud.servers[act.server].published


@pytest.mark.parametrize("fault", ["ssh_drop_preparing", "policy_not_kept"])
async def test_a_station_that_was_prepared_by_a_second_try_is_watched_like_any_other(tmp_path: Path, fault: str):
    """The second try finds all disks in Shadow Mode already, and says that it has entered none."""
    world = set_up(tmp_path, Mode.POLL, fault)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        world.cloud.start_session(act.server)
        await until(lambda: act.station.machine.shadow.active and act.phase is Phase.PREPARING)
        if fault == "policy_not_kept":
            await until(lambda: act.gate.controller.record.failed)
            act.station.faults.discard(fault)
        await until(lambda: act.phase is Phase.IN_SESSION and act.gate.controller.record.prepared)
        assert act.gate.controller.record.entered == frozenset("CD")

        leave(act, "D")
        await until(lambda: act.gate.controller.record.bared == frozenset("D"))
