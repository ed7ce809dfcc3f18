"""The owner's order to keep hands off a station: the gate's real parts against the simulator."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from stages import PATIENT, playing, set_up, until

from drova_gate.config import Mode
from drova_gate.core.model import Lease, Phase, Record
from drova_gate.demo.stage import Act, Stage
from drova_gate.lease import LeaseFile
from drova_gate.sim.player import Player, PlayerDropped
from drova_gate.state import StateFile
from drova_gate.station import open_station

NOTHING: list[str] = []


def order(folder: Path, **changes: object) -> LeaseFile:
    """Leave a lease, as the command does."""
    file = LeaseFile(folder / "pc1" / "maintenance")
    lease = Lease("new disk", hides=True, by="owner", since_wall=int(time.time()) - 1)
    file.save(replace(lease, **changes))  # type: ignore[arg-type]  # keyword names are checked by replace itself
    return file


def end(file: LeaseFile) -> None:
    """``maintenance off``."""
    lease = file.load()
    assert lease is not None
    file.save(replace(lease, ended=True))


def shown(world: Stage, act: Act) -> bool:
    return world.cloud.servers[act.server].published


def published_calls(world: Stage) -> list[str]:
    return [one.path.rpartition("/")[2] for one in world.cloud.requests if "set_published" in one.path]


def alarms(act: Act) -> list[str]:
    return [moment.text for moment in act.moments if moment.who == "gate" and moment.kind == "alarm"]


def phases(act: Act) -> list[str]:
    return [moment.text for moment in act.moments if moment.who == "gate" and moment.kind == "phase"]


async def in_maintenance(act: Act) -> None:
    await until(lambda: act.phase is Phase.MAINTENANCE)


async def knocks(act: Act) -> bool:
    """Whether a player who comes to the door is let in."""
    player = Player("somebody")
    try:
        await player.connect("127.0.0.1", act.gate.config.listen_port or 0)
        await player.wait_ready(5.0)
    except (PlayerDropped, TimeoutError):
        return False
    finally:
        await player.close()
    return True


@pytest.mark.parametrize("mode", [Mode.SOCKET, Mode.POLL])
async def test_a_free_station_is_hidden_left_alone_and_shown_again(mode: Mode, tmp_path: Path):
    """And the order is seen while the gate rests between two readings."""
    world = set_up(tmp_path, mode)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        file = order(tmp_path)
        await in_maintenance(act)
        assert not shown(world, act)
        assert act.gate.controller.record.hidden_by_us
        assert "by owner since" in act.gate.controller.reason

        end(file)
        await until(lambda: shown(world, act))
        await until(lambda: act.gate.controller.reason == "clean and free")
        assert not file.path.exists()
        await until(lambda: not act.gate.controller.record.hidden_by_us)
        assert published_calls(world) == ["false", "true"]
        assert not world.cloud.refused
        assert alarms(act) == NOTHING


async def test_a_session_is_guarded_to_its_clean_end_first(tmp_path: Path):
    """Hidden at once; the player stays, and may come back; his reset is proved; only then the hands come off."""
    world = set_up(tmp_path, pace=PATIENT)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        current = world.cloud.start_session(act.server)
        assert await knocks(act)
        world.cloud.set_status(current, "ACTIVE")
        order(tmp_path)
        await until(lambda: not shown(world, act))
        await until(lambda: "maintenance waits" in act.gate.controller.reason)
        assert act.phase is Phase.IN_SESSION
        assert await knocks(act)

        world.cloud.finish(current)
        await in_maintenance(act)
        assert [text for text in phases(act) if text.startswith("proved clean")]
        assert not act.station.machine.shadow.active
        assert published_calls(world) == ["false"]


async def test_what_the_owner_hid_stays_hidden(tmp_path: Path):
    """Before and after: nothing is written to the cloud at all."""
    world = set_up(tmp_path)
    async with playing(world) as act:
        world.cloud.servers[act.server].published = False
        await until(lambda: act.phase is Phase.CLEAN)
        file = order(tmp_path)
        await in_maintenance(act)
        end(file)
        await until(lambda: act.phase is Phase.CLEAN and not file.path.exists())
        await asyncio.sleep(0.5)
        assert not shown(world, act)
        assert published_calls(world) == NOTHING


async def test_a_deadline_ends_it(tmp_path: Path):
    """The owner hears so shortly before, and the file goes with it."""
    world = set_up(tmp_path)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        deadline = int(time.time()) + 7200
        file = order(tmp_path, until_wall=deadline)
        await in_maintenance(act)
        assert alarms(act) == NOTHING
        act.gate.controller.observer.wall = lambda: deadline - 600.0
        await until(lambda: any("ends soon" in text for text in alarms(act)))
        assert not shown(world, act)
        act.gate.controller.observer.wall = lambda: deadline + 1.0
        await until(lambda: shown(world, act))
        assert not file.path.exists()
        assert any("its deadline" in text for text in phases(act))


async def test_a_clock_that_was_not_set_does_not_end_it(tmp_path: Path):
    """A router starts in 1970: neither the deadline nor the age of the order mean anything before it has been set."""
    world = set_up(tmp_path)
    async with playing(world) as act:
        observer, right = act.gate.controller.observer, time.time
        observer.wall = lambda: 60.0
        order(tmp_path, since_wall=int(time.time()) - 86_400, until_wall=int(time.time()) - 60)
        await in_maintenance(act)
        await asyncio.sleep(0.5)
        assert act.phase is Phase.MAINTENANCE
        assert alarms(act) == NOTHING
        observer.wall = right
        act.gate.controller.stir()
        await until(lambda: shown(world, act) and act.phase is Phase.CLEAN)


async def test_it_survives_the_gate(tmp_path: Path):
    """Stopped and started anew on the same folder: nothing is shown, nothing hidden a second time, and its end is what it was."""
    world = set_up(tmp_path)
    async with world:
        (act,) = world.acts
        async with asyncio.TaskGroup() as group:
            running = group.create_task(act.gate.run())
            await until(lambda: act.phase is Phase.CLEAN)
            file = order(tmp_path)
            await in_maintenance(act)
            running.cancel()
        act.gate = open_station(act.gate.config, Mode.SOCKET, tmp_path, timing=world.pace.timing)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(act.gate.run())
            await in_maintenance(act)
            assert not shown(world, act)
            end(file)
            await until(lambda: shown(world, act))
            running.cancel()
        assert published_calls(world) == ["false", "true"]


async def test_a_gate_that_starts_in_the_midst_of_it_keeps_its_hands_off(tmp_path: Path):
    """Even while neither the cloud nor the station answers; then the owner ends it, and it is shown as soon as it is seen clean."""
    StateFile(tmp_path / "pc1" / "state.json").save(Record(Phase.MAINTENANCE, hidden_by_us=True))
    file = order(tmp_path)
    world = set_up(tmp_path, fault="agent_refuses")
    async with playing(world) as act:
        world.cloud.servers[act.server].published = False
        world.cloud.faults.add("cloud_500")
        await act.station.power_off()
        await in_maintenance(act)
        await asyncio.sleep(0.5)
        assert alarms(act) == NOTHING
        world.cloud.faults.discard("cloud_500")
        await act.station.power_on()
        end(file)
        await until(lambda: act.phase is Phase.CLEAN)
        await asyncio.sleep(0.5)
        assert not shown(world, act)

        act.station.faults.discard("agent_refuses")
        await until(lambda: shown(world, act))


async def test_what_the_command_hid_without_a_gate_is_shown_by_the_gate(tmp_path: Path):
    """The lease says whose hiding it is, and that is remembered before the lease is taken away."""
    file = order(tmp_path, hidden=True, ended=True)
    world = set_up(tmp_path)
    async with playing(world) as act:
        world.cloud.servers[act.server].published = False
        await until(lambda: shown(world, act))
        assert not file.path.exists()


@pytest.mark.parametrize("fault", ["cloud_500", "publish_lies"])
async def test_the_hands_come_off_only_when_it_is_hidden_indeed(fault: str, tmp_path: Path):
    """A cloud that is down, or says that it hides the station and does not: waited for, guarded meanwhile, said."""
    world = set_up(tmp_path)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        world.cloud.faults.add(fault)
        order(tmp_path)
        await until(lambda: "maintenance waits" in act.gate.controller.reason)
        if fault == "publish_lies":
            await until(lambda: any("could not be hidden" in text for text in alarms(act)))
        else:
            await asyncio.sleep(1.5)
        assert act.phase is Phase.CLEAN
        assert shown(world, act)

        world.cloud.faults.discard(fault)
        act.gate.controller._publisher._due[False] = 0.0
        await in_maintenance(act)
        assert not shown(world, act)


@pytest.mark.parametrize("fault", ["cloud_500", "publish_lies"])
async def test_it_is_not_forgotten_hidden(fault: str, tmp_path: Path):
    """The order is over while the cloud is down or lies: tried until it reads as shown."""
    world = set_up(tmp_path)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        file = order(tmp_path)
        await in_maintenance(act)
        world.cloud.faults.add(fault)
        end(file)
        await until(lambda: act.phase is not Phase.MAINTENANCE)
        await asyncio.sleep(1.0)
        assert act.gate.controller.record.hidden_by_us
        world.cloud.faults.discard(fault)
        act.gate.controller._publisher._due[True] = 0.0
        await until(lambda: shown(world, act))
        await until(lambda: not act.gate.controller.record.hidden_by_us)


async def test_the_owner_tests_his_station_and_nobody_else_gets_in(tmp_path: Path):
    """At the door of a station in maintenance: the owner's own session passes, a stranger's does not."""
    world = set_up(tmp_path, pace=PATIENT)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        order(tmp_path)
        await in_maintenance(act)
        stranger = world.cloud.start_session(act.server)
        assert not await knocks(act)
        world.cloud.abort(stranger)
        own = world.cloud.world.sessions[world.cloud.start_session(act.server)]
        own.client_id = own.merchant_id
        assert await knocks(act)
        assert act.phase is Phase.MAINTENANCE
        assert not act.station.machine.shadow.active


async def test_a_player_on_a_station_in_maintenance_is_told_where_no_door_is_ours(tmp_path: Path):
    """Poll mode: he is in, and the owner has to know; nothing is done to the station."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        order(tmp_path)
        await in_maintenance(act)
        world.cloud.set_status(world.cloud.start_session(act.server), "ACTIVE")
        await until(lambda: any("on a station in maintenance" in text for text in alarms(act)))
        assert act.phase is Phase.MAINTENANCE


async def test_a_note_by_hand_keeps_the_hands_off_at_once(tmp_path: Path):
    """As it ever was: any text, nothing hidden, deleted to end it."""
    world = set_up(tmp_path)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        note = tmp_path / "pc1" / "maintenance"
        note.write_text("cleaning the fans\n")
        await in_maintenance(act)
        assert act.gate.controller.reason == "maintenance: cleaning the fans"
        note.unlink()
        await until(lambda: act.gate.controller.reason == "clean and free")
        assert published_calls(world) == NOTHING


# -- the file ------------------------------------------------------------------------------------------------------------


def test_a_lease_is_kept_as_it_was_given(tmp_path: Path):
    """Whole, for its owner alone."""
    file = LeaseFile(tmp_path / "pc1" / "maintenance")
    lease = Lease("новый диск 🎮", True, "owner", 1_800_000_000, 1_800_003_600, hidden=True, ended=True)
    file.save(lease)
    assert file.load() == lease
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "by the owner"),
        (b"fans", "fans"),
        (b"\xff\xfe \x1b[2J", "\ufffd\ufffd [2J"),
        (b"[1]", "[1]"),
        (b'{"why": "x"}', '{"why": "x"}'),
        (b'{"why": "x", "since": "now"}', '{"why": "x", "since": "now"}'),
        (b'{"since": 1, "until": 1e30}', '{"since": 1, "until": 1e30}'),
        (b'{"since": true}', '{"since": true}'),
        (b"[" * 100_000, "[" * 300),
    ],
)
def test_any_other_text_is_a_note(tmp_path: Path, text: bytes, why: str):
    """Half a lease too: somebody wanted the hands off."""
    file = LeaseFile(tmp_path / "maintenance")
    file.path.write_bytes(text)
    assert file.load() == Lease(why)


def test_what_cannot_be_read_is_an_order_too(tmp_path: Path):
    """A folder of that name, a file of root's: not the same as none."""
    file = LeaseFile(tmp_path / "maintenance")
    assert file.load() is None
    file.path.mkdir()
    assert file.load() == Lease("by the owner")


def test_another_order_given_meanwhile_is_not_taken_away(tmp_path: Path):
    """The owner asked for more time in the moment in which the first one ended."""
    file = LeaseFile(tmp_path / "maintenance")
    first = Lease("work", hides=True, since_wall=1_800_000_000, until_wall=1_800_000_060)
    longer = replace(first, until_wall=1_800_009_000)
    file.save(longer)
    file.end(first)
    assert file.load() == longer
    file.end(longer)
    assert not file.path.exists()
