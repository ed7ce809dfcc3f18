"""What becomes of stations that cannot be guarded: hidden, told, evicted, woken, released; the gate's real parts against the simulator."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from stages import PATIENT, playing, set_up, until

from drova_gate.config import Mode, StationConfig
from drova_gate.core.model import Phase, Record, Verdict
from drova_gate.core.policy import Policy
from drova_gate.demo.stage import Act, Stage
from drova_gate.host.commands import Run
from drova_gate.host.reset import reset_script
from drova_gate.host.wake import magic_packet, wake_addresses
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.relay.door import Door, Visitor
from drova_gate.sim.cloud import GAME
from drova_gate.sim.player import Player
from drova_gate.sim.station import Station, StationPlan
from drova_gate.sim.windows.program import Call
from drova_gate.state import StateFile

A = UUID(int=1)
MAC = "001a2b3c4d5e"


class Evicting(Stage):
    """A stage whose owner wants unprotected streams ended."""

    def _config(self, name: str, plan: StationPlan, station: Station) -> StationConfig:
        return replace(super()._config(name, plan, station), evict=True)


class Wakeable(Stage):
    """A stage whose station may be called over the network."""

    def _config(self, name: str, plan: StationPlan, station: Station) -> StationConfig:
        return replace(super()._config(name, plan, station), wol_mac=MAC)


def shown(world: Stage, act: Act) -> bool:
    return world.cloud.servers[act.server].published


def patient(act: Act, **changes: object) -> Policy:
    """Change the policy's times."""
    observer = act.gate.controller.observer
    observer.policy = replace(observer.policy, **changes)  # type: ignore[arg-type]  # keyword names are checked by replace itself
    return observer.policy


def told(act: Act, kind: str) -> list[str]:
    return [moment.text for moment in act.moments if moment.who == "gate" and moment.kind == kind]


def streams(act: Act) -> int:
    return len(act.station.machine.processes.named("ese.exe"))


# -- stations that cannot be prepared ----------------------------------------------------------------------------------


async def test_a_station_that_fails_its_preparations_is_hidden_until_it_has_rested(tmp_path: Path):
    """Two failures in a row: no offer any more. After the session, proved clean and an hour later, one more player may try."""
    world = set_up(tmp_path, Mode.POLL, "policy_not_kept")
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        current = world.cloud.start_session(act.server)
        await until(lambda: not shown(world, act))
        world.cloud.finish(current)
        await until(lambda: act.phase is Phase.CLEAN)
        await asyncio.sleep(1.0)
        assert not shown(world, act)

        patient(act, rest_seconds=0.0)
        await until(lambda: shown(world, act))
        # One more failure hides it again.
        await until(lambda: act.gate.controller.record.failed == 1)


async def test_the_owner_releases_what_was_hidden(tmp_path: Path):
    """A file named release beside the state file: taken away once obeyed; the station is shown again."""
    StateFile(tmp_path / "pc1" / "state.json").save(
        Record(Phase.CLEAN, hidden_by_us=True, failed=2, failed_why="lockdown.x: reads otherwise")
    )
    world = set_up(tmp_path)
    async with playing(world) as act:
        world.cloud.servers[act.server].published = False
        await until(lambda: act.phase is Phase.CLEAN)
        await asyncio.sleep(0.5)
        assert not shown(world, act)

        StateFile(tmp_path / "pc1" / "state.json").ask_release()
        act.gate.controller.stir()
        await until(lambda: shown(world, act))
        await until(lambda: bool(told(act, "released")))
        assert not (tmp_path / "pc1" / "release").exists()


async def test_a_quarantine_that_is_released_says_what_is_still_wrong(tmp_path: Path):
    """Lifted by hand while its agent is still closed."""
    StateFile(tmp_path / "pc1" / "state.json").save(Record(Phase.QUARANTINED, A, 100, quarantine_reason="no proof"))
    world = set_up(tmp_path, fault="agent_refuses")
    async with playing(world) as act:
        await until(lambda: act.gate.controller.observer.known(Record()).host is not None)
        await asyncio.sleep(0.3)
        assert act.phase is Phase.QUARANTINED
        assert "port is not open" in act.gate.controller.still_wrong()

        StateFile(tmp_path / "pc1" / "state.json").ask_release()
        act.gate.controller.stir()
        await until(lambda: act.phase is Phase.CLEAN)
        await until(lambda: bool(told(act, "released")))
        assert "port is not open" in told(act, "released")[0]


# -- whose hiding it is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden_by_us", [True, False])
async def test_only_what_we_hid_is_shown_again(hidden_by_us: bool, tmp_path: Path):
    """Across a restart: hidden by us before, shown when proved clean; hidden by the owner, left hidden."""
    StateFile(tmp_path / "pc1" / "state.json").save(Record(Phase.QUARANTINED, A, 100, hidden_by_us=hidden_by_us))
    world = set_up(tmp_path)
    async with world:
        world.cloud.servers[world.acts[0].server].published = False
        async with asyncio.TaskGroup() as group:
            (act,) = world.acts
            running = group.create_task(act.gate.run())
            await until(lambda: act.phase is Phase.CLEAN)
            if hidden_by_us:
                await until(lambda: shown(world, act))
            else:
                await asyncio.sleep(0.8)
                assert not shown(world, act)
            running.cancel()


async def test_a_crash_before_the_hiding_itself_costs_nothing(tmp_path: Path):
    """The note is written, the station was never hidden: it is no longer ours to show, and nothing is written to the cloud."""
    StateFile(tmp_path / "pc1" / "state.json").save(Record(Phase.CLEAN, hidden_by_us=True))
    world = set_up(tmp_path)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        await until(lambda: not act.gate.controller.record.hidden_by_us)

        assert [one.path for one in world.cloud.requests if "set_published" in one.path] == []


# -- without a door ------------------------------------------------------------------------------------------------------


async def test_an_unprotected_stream_is_ended_where_the_owner_wants_it(tmp_path: Path):
    """Poll mode, DROVA_EVICT=on: the preparation fails twice, the stream's process is gone; the agent's own stays."""
    world = set_up(tmp_path, Mode.POLL, "policy_not_kept", kind=Evicting)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        world.cloud.set_status(world.cloud.start_session(act.server), "ACTIVE")
        assert streams(act) == 1
        await until(lambda: streams(act) == 0)

        assert act.station.machine.processes.named("esme.exe")
        await until(lambda: bool(told(act, "evicted")))


async def test_a_protected_stream_is_never_ended(tmp_path: Path):
    """The same setting, a station that is prepared."""
    world = set_up(tmp_path, Mode.POLL, kind=Evicting)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        world.cloud.set_status(world.cloud.start_session(act.server), "ACTIVE")
        await until(lambda: act.phase is Phase.IN_SESSION)
        await asyncio.sleep(0.5)

        assert (streams(act), told(act, "evicted")) == (1, [])


async def test_a_session_on_a_station_that_cannot_be_reached_is_told_and_hidden(tmp_path: Path):
    """Poll mode: the player is in and SSH is down."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        patient(act, unguarded_seconds=0.3)
        await act.station.power_off()
        await until(lambda: not act.gate.controller.observer.link.up)
        world.cloud.start_session(act.server)
        await until(lambda: not shown(world, act))

        assert any("the station cannot be reached" in text for text in told(act, "alarm"))


async def test_a_silent_cloud_is_an_alarm_where_no_door_is_ours(tmp_path: Path):
    """Nobody would know of the next player."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        patient(act, silence_seconds=0.2)
        world.cloud.faults.add("cloud_500")
        await until(lambda: any("nobody knows of a player" in text for text in told(act, "alarm")))


# -- the station itself ----------------------------------------------------------------------------------------------------


async def test_a_closed_agent_is_no_free_station(tmp_path: Path):
    """Nobody can play there: said in the sentence at once, as an alarm when it lasts."""
    world = set_up(tmp_path, fault="agent_refuses")
    async with playing(world) as act:
        await until(lambda: "port is not open" in act.gate.controller.reason)
        assert act.phase is Phase.CLEAN
        patient(act, agent_wait_seconds=0.1)
        await until(lambda: any("port is closed" in text for text in told(act, "alarm")))

        act.station.faults.discard("agent_refuses")
        await until(lambda: act.gate.controller.reason == "clean and free")


async def test_a_station_that_hangs_shuts_out_nobody_who_needs_no_preparation(tmp_path: Path):
    """The station takes the look and never answers it: the player of a game comes in all the same, within his hold."""
    world = set_up(tmp_path, pace=PATIENT)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        hung = asyncio.Event()

        async def never_ends(_: Call) -> int:
            hung.set()
            await asyncio.Event().wait()
            return 0

        act.station.machine.programs["reg.exe"] = never_ends
        await asyncio.wait_for(hung.wait(), 10)
        player = Player("a gamer")
        world.cloud.start_session(act.server, GAME)
        await player.connect("127.0.0.1", act.gate.config.listen_port or 0)
        await player.wait_ready(10.0)
        await player.close()

        assert told(act, "admitted") == [one for one in told(act, "admitted") if "no desktop session" in one] != []


async def test_a_station_that_does_not_come_back_is_called_and_told_with_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Wake-on-LAN goes out, to the right address; the alarm says when the reset was sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        # A station on 127.0.0.1 has its network's broadcast address on loopback too.
        listener.bind(("127.0.0.255", 0))
        listener.settimeout(10)
        monkeypatch.setattr("drova_gate.host.wake.PORT", listener.getsockname()[1])
        world = set_up(tmp_path, fault="never_comes_back", kind=Wakeable)
        async with playing(world) as act:
            await until(lambda: act.phase is Phase.CLEAN)
            patient(act, wake_seconds=0.2, reset_wait_seconds=3.0)
            current = world.cloud.start_session(act.server)
            await until(lambda: act.phase is Phase.IN_SESSION)
            world.cloud.finish(current)
            packet = await asyncio.to_thread(listener.recv, 1024)
            await until(lambda: act.phase is Phase.QUARANTINED)

    assert packet == b"\xff" * 6 + bytes.fromhex(MAC) * 16
    assert any("sent at" in text and "UTC" in text for text in told(act, "alarm"))
    assert told(act, "woken")


@pytest.mark.parametrize(
    ("station", "addresses"),
    [
        ("192.168.1.20", ("255.255.255.255", "192.168.1.255")),
        ("pc1.lan", ("255.255.255.255",)),
        ("fe80::1", ("255.255.255.255",)),
    ],
)
def test_where_a_wake_up_goes(station: str, addresses: tuple[str, ...]):
    """To everybody, and to the station's own network where its address says which."""
    assert wake_addresses(station) == addresses


@pytest.mark.parametrize("mac", ["", "001a2b3c4d", "001a2b3c4d5e6f"])
def test_what_is_no_mac_address_makes_no_packet(mac: str):
    """Six bytes, no more, no fewer."""
    with pytest.raises(ValueError, match="no MAC address"):
        magic_packet(mac)


def test_a_plain_reset_uses_no_program_but_windows_own():
    """What may have hung the first one is left out of the second; the way out is scheduled since the entry."""
    script = reset_script(ShadowDefender(SecretStr("secret")), frozenset(), "b")

    assert [step.program for step in script if isinstance(step, Run)] == ["reg.exe", "shutdown.exe"]
    assert len(script) == 2


# -- the door --------------------------------------------------------------------------------------------------------------


async def test_a_verdict_is_for_those_whom_the_facts_speak_of():
    """Who knocks after the facts were read waits for the next answer."""
    door = Door("pc1", hold_seconds=5)
    early, late = (asyncio.create_task(door.knock(Visitor("203.0.113.7", port, 0.0))) for port in (1, 2))
    await asyncio.sleep(0)
    first = min(waiting.since for waiting in door._waiting.values())
    door.answer(Verdict.ADMIT, "no session", knocked_by=first)

    assert await early is Verdict.ADMIT
    assert not late.done()
    door.answer(Verdict.REFUSE, "resets")
    assert await late is Verdict.REFUSE


async def test_quiet_is_counted_from_the_last_player_who_was_let_in():
    """Whoever was turned away leaves no trace in it."""
    door = Door("pc1", hold_seconds=5)
    began = door.facts(0.0).quiet_since
    for verdict, expected in ((Verdict.REFUSE, True), (Verdict.ADMIT, False)):
        visitor = Visitor("203.0.113.7", 1, 0.0)
        door.opened(visitor)
        knock = asyncio.create_task(door.knock(visitor))
        await asyncio.sleep(0)
        door.answer(verdict, "")
        await knock
        assert (door.facts(0.0).quiet_since is None) is (verdict is Verdict.ADMIT)
        door.closed(visitor)
        assert (door.facts(0.0).quiet_since == began) is expected
