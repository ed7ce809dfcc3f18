"""Faults that a review of the loop found, each played against the simulator or the pure decision."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from stages import PATIENT, Unprotected, playing, set_up, until

from drova_gate.alarms import Alarms
from drova_gate.config import Mode
from drova_gate.core.backoff import Backoff
from drova_gate.core.decide import decide
from drova_gate.core.model import (
    CloudFacts,
    Facts,
    HostFacts,
    Phase,
    PreparationReport,
    Prepare,
    Record,
    RelayFacts,
    SessionFact,
    StepOutcome,
    StepResult,
)
from drova_gate.core.policy import Policy
from drova_gate.core.record import prepared
from drova_gate.demo.stage import Act, Moment, Stage
from drova_gate.demo.story import play_rental
from drova_gate.fleet import supervise
from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.player import Player
from drova_gate.sim.station import Costs
from drova_gate.state import StateFile
from drova_gate.station import Station as GateStation
from drova_gate.station import open_station

A, B, DESKTOP = UUID(int=1), UUID(int=2), UUID("9fd0eb43-b2bb-4ce3-93b8-9df63f209098")
CD = frozenset("CD")
NOW = 1000.0


def session(uuid: UUID = A, status: str = "ACTIVE", created: int = 100) -> SessionFact:
    return SessionFact(uuid, DESKTOP, status, created, desktop=True)


def cloud(sessions: Iterable[SessionFact]) -> CloudFacts:
    return CloudFacts(tuple(sessions), NOW)


def guarded(**changes: object) -> Record:
    record = Record(Phase.IN_SESSION, A, 100, prepared=True, marker="m", boot_stamp="b", entered=CD)
    return replace(record, **changes)  # type: ignore[arg-type]  # keyword names are checked by replace itself


GUARDED_HOST = HostFacts(CD, "m", str(A), "b", None, NOW, NOW - 1)
CLEAN_HOST = HostFacts(frozenset(), "", "", "", True, NOW, NOW - 1)


# -- promise 2: no player is rebooted for what others tried ----------------------------------------------------------


@pytest.mark.parametrize("status", ["NEW", "ABORTED"])
def test_tries_that_were_turned_away_push_the_guarded_session_out_of_the_list(status: str):
    """Ten tries on a busy station fill the list; none of them says that the player has gone."""
    tries = [session(UUID(int=10 + number), status, 200 + number) for number in range(10)]

    decision = decide(Phase.IN_SESSION, Facts(guarded(), Policy(), cloud(tries), host=GUARDED_HOST), NOW)

    assert (decision.phase, decision.actions) == (Phase.IN_SESSION, ())


async def test_the_end_of_a_session_behind_many_tries_is_seen(tmp_path: Path):
    """The guarded session is asked for until it is in the answer, however many tries came after it."""
    world = set_up(tmp_path, pace=PATIENT)
    async with playing(world) as act:
        player = Player("the player")
        await until(lambda: act.phase is Phase.CLEAN)
        act.session = world.cloud.start_session(act.server)
        await player.connect("127.0.0.1", act.gate.config.listen_port or 0)
        await player.wait_ready(10.0)
        world.cloud.set_status(act.session, "ACTIVE")
        for _ in range(12):
            world.cloud.set_status(world.cloud.start_session(act.server), "ABORTED")
        boots = act.station.machine.boot_count
        await asyncio.sleep(1.0)
        assert (act.phase, act.station.machine.boot_count) == (Phase.IN_SESSION, boots)

        world.cloud.finish(act.session)
        await until(lambda: act.phase is Phase.CLEAN)
        assert act.station.machine.boot_count == boots + 1
        await player.close()


# -- preparing -------------------------------------------------------------------------------------------------------


def failed(*, ran: bool) -> PreparationReport:
    steps = (StepResult("lockdown.x", StepOutcome.FAILED, "reads otherwise", must=True),) if ran else ()
    return PreparationReport(A, "m", CD, CD, steps, 3, 1.0, "" if ran else "not in Shadow Mode: D:")


def tried(tries: int, *, relay: bool, ran: bool, newest: float | None = None) -> Facts:
    return Facts(
        guarded(phase=Phase.PREPARING, prepared=False),
        Policy(relay=relay),
        cloud([session()]),
        host=GUARDED_HOST,
        relay=RelayFacts(held=int(newest is not None), newest_at=newest),
        report=failed(ran=ran),
        report_at=NOW,
        report_tries=tries,
    )


def test_a_preparation_that_fails_again_and_again_is_tried_ever_more_seldom():
    """Not every two seconds for hours; a player who knocks anew is worth a try at once."""
    seldom = tried(9, relay=True, ran=False)

    assert not [one for one in decide(Phase.PREPARING, seldom, NOW + 30).actions if isinstance(one, Prepare)]
    assert [one for one in decide(Phase.PREPARING, seldom, NOW + 61).actions if isinstance(one, Prepare)]
    knocks = tried(9, relay=True, ran=False, newest=NOW + 3)
    assert [one for one in decide(Phase.PREPARING, knocks, NOW + 3).actions if isinstance(one, Prepare)]


def test_a_polled_players_programs_are_not_closed_over_and_over():
    """Without a relay he is in: what ran through and failed three times is left as it is, said loudly."""
    decision = decide(Phase.PREPARING, tried(3, relay=False, ran=True), NOW + 120)

    assert decision.phase is Phase.IN_SESSION
    assert not [one for one in decision.actions if isinstance(one, Prepare)]


async def test_a_failing_preparation_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The first try is loud, the same again is quiet."""
    caplog.set_level(logging.DEBUG)
    world = set_up(tmp_path, Mode.POLL, "shadow_partial")
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        world.cloud.start_session(act.server)
        await until(lambda: len(act.reports) >= 3, 15)

    assert (
        len(
            [one for one in caplog.records if one.levelno >= logging.WARNING and ": not prepared: " in one.getMessage()]
        )
        == 1
    )


def test_volumes_of_an_earlier_try_stay_ours():
    """A try that could not even begin says nothing about what the one before it entered."""
    nothing_entered = PreparationReport(A, "m", frozenset(), frozenset(), (), 0, 0.0, "nobody is signed in")

    assert prepared(guarded(prepared=False), nothing_entered, earlier=CD).entered == CD


async def test_a_list_that_was_not_seen_is_not_an_empty_one(tmp_path: Path):
    """Shadow Mode was ordered and the program said nothing: the volumes count as ours until the station says otherwise."""
    world = set_up(tmp_path, Mode.POLL)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        act.station.faults.add("shadow_silent")
        record = replace(act.gate.controller.record, session=UUID(world.cloud.start_session(act.server)))
        await until(lambda: bool(act.reports))
        report = act.reports[0]

        assert "not in Shadow Mode" in report.fault or "its list" in report.fault
        assert prepared(replace(record, entered=CD), report, earlier=CD).entered == CD


# -- crash points ----------------------------------------------------------------------------------------------------


async def test_no_power_cut_finds_a_clean_station_that_still_names_its_session(tmp_path: Path):
    """Such a record would reset the station a second time at the next start, with the next player in it perhaps."""
    saved: list[Record] = []

    class Remembering(StateFile):
        def save(self, record: Record) -> None:
            saved.append(record)
            super().save(record)

    play = set_up(tmp_path)
    async with playing(play) as act:
        act.gate.controller._state = Remembering(tmp_path / "pc1" / "state.json")
        await play_rental(play, act)
        await until(lambda: act.phase is Phase.CLEAN)

    assert any(one.phase is Phase.RESETTING for one in saved)
    assert [one for one in saved if one.phase is Phase.CLEAN and one.session is not None] == []


async def test_the_reason_of_a_quarantine_outlives_a_restart(tmp_path: Path):
    """The owner reads why, not that it was so before."""
    StateFile(tmp_path / "pc1" / "state.json").save(
        Record(Phase.QUARANTINED, A, 100, quarantine_reason="its disk was not rolled back", entered=CD)
    )
    async with playing(set_up(tmp_path, fault="never_comes_back")) as act:
        await act.station.power_off()
        await until(lambda: act.phase is Phase.QUARANTINED)
        await asyncio.sleep(0.3)

        assert act.gate.controller.record.quarantine_reason == "its disk was not rolled back"


# -- DROVA_PROTECTOR=none --------------------------------------------------------------------------------------------


async def test_a_station_without_a_protector_is_prepared(tmp_path: Path):
    """No volume is to be confirmed where nothing is protected."""
    play = set_up(tmp_path, kind=Unprotected)
    async with playing(play) as act:
        await play_rental(play, act)
        await until(lambda: act.phase is Phase.CLEAN)

        assert [one.fault for one in act.reports] == [""]
        assert act.station.machine.boot_count == act.boots_before + 1


async def test_a_lockdown_that_cannot_be_taken_off_is_no_endless_row_of_reboots(tmp_path: Path):
    """Its disk takes no byte, so nothing can be undone: two resets, then quarantine; once it can, one more try mends it."""
    play = set_up(tmp_path, kind=Unprotected)
    async with playing(play) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        boots = act.station.machine.boot_count
        current = play.cloud.start_session(act.server)
        await until(lambda: act.phase is Phase.IN_SESSION)
        act.station.faults.add("disk_full")
        play.cloud.finish(current)
        await until(lambda: act.phase is Phase.QUARANTINED, 20)
        await asyncio.sleep(0.5)
        assert act.station.machine.boot_count == boots + 2

        act.station.faults.discard("disk_full")
        observer = act.gate.controller.observer
        observer.policy = replace(observer.policy, mend_seconds=0.1)
        await until(lambda: act.phase is Phase.CLEAN, 20)
        assert act.station.machine.boot_count == boots + 3


# -- alarms and the log ----------------------------------------------------------------------------------------------


def test_two_alarms_in_turn_are_told_once_each():
    """A station that cannot be protected and a catalogue that cannot be changed are two facts, not a new one every ten seconds."""
    told: list[str] = []
    now = [0.0]
    alarms = Alarms("pc1", lambda: now[0], told.append)
    for number in range(5):
        alarms.sound("Shadow Defender: refuses the password")
        alarms.sound(f"not hidden (X-Request-Id {number})", about="not hidden")
        now[0] += 600
    assert len(told) == 2

    now[0] += 3600
    alarms.sound("Shadow Defender: refuses the password")
    assert len(told) == 3, "after an hour of silence it is news"


async def test_an_outage_of_the_cloud_is_one_line_not_one_for_each_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Each answer carries another X-Request-Id: it must not become a new reason each time."""
    caplog.set_level(logging.INFO)
    world = set_up(tmp_path)
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        act.gate.controller.observer._cloud_backoff = Backoff(0.1, 0.1)
        world.cloud.faults.add("cloud_500")
        await until(lambda: sum(one.status == 500 for one in world.cloud.requests) > 8)

    told = [one for one in caplog.records if one.levelno >= logging.INFO and "500" in one.getMessage()]
    assert len([one for one in told if one.name.startswith("drova_gate")]) <= 2


# -- the cloud -------------------------------------------------------------------------------------------------------


class Reserved(Cloud):
    """A cloud that tells nobody what its catalogue shows."""

    @web.middleware
    async def _front(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path.startswith("/server-manager/servers"):
            return web.json_response({"message": "Forbidden"}, status=403)
        return await super()._front(request, handler)


async def test_a_catalogue_that_is_not_told_does_not_hide_the_sessions(tmp_path: Path):
    """Whether the station is shown and who plays on it are two facts: without the first the second is still known."""
    StateFile(tmp_path / "pc1" / "state.json").save(Record(Phase.CLEAN, hidden_by_us=True))
    world = set_up(tmp_path)
    world.cloud = Reserved(CloudPlan())
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        world.cloud.start_session(act.server)
        await until(lambda: act.phase is Phase.IN_SESSION)


async def test_a_cloud_that_falls_silent_does_not_shut_a_prepared_player_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """His station is ready and the hold runs: the cloud's ten seconds are not his."""
    monkeypatch.setattr("drova_gate.observe.ADMIT_SECONDS", 0.2)

    def shown(_: Act, moment: Moment) -> None:
        if moment.kind == "prepared":
            world.cloud.faults.add("cloud_timeout")

    world = Stage(
        Mode.SOCKET, 1, None, tmp_path, shown, pace=replace(PATIENT, costs=Costs(command=0.1, process=0.0, ready=0.05))
    )
    async with playing(world) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        player = Player("the player")
        world.cloud.start_session(act.server)
        await player.connect("127.0.0.1", act.gate.config.listen_port or 0)
        await player.wait_ready(10.0)
        await player.close()


async def test_a_registration_refused_in_an_outage_gets_another_turn(tmp_path: Path):
    """Two registrations, the last used one stale: after a 401 for both, each is tried again, not the stale one for ever."""
    async with playing(set_up(tmp_path)) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        observer = act.gate.controller.observer
        (live,) = observer._registrations
        stale = replace(live, server_id=uuid4())
        observer._registrations = (stale, live)
        observer._refused.clear()
        observer._choose_registration()
        chosen = []
        for _ in range(4):
            observer._registration_refused()
            chosen.append(observer.registration)

        assert chosen.count(live) == 2


# -- process life ----------------------------------------------------------------------------------------------------


async def test_a_station_started_again_after_a_fault_of_ours_has_a_link(tmp_path: Path):
    """What has stopped has closed its link for good: it is put together anew, or it would never log in again."""
    play = set_up(tmp_path)
    async with play:
        (act,) = play.acts
        broken = act.gate
        started: list[GateStation] = []

        def anew() -> GateStation:
            started.append(open_station(broken.config, Mode.SOCKET, tmp_path))
            return started[-1]

        class Unreadable(StateFile):
            def load(self) -> Record:
                raise RuntimeError("a fault of ours")

        broken.controller._state = Unreadable(tmp_path / "state.json")
        supervising = asyncio.create_task(supervise(broken, anew))
        await until(lambda: bool(started) and started[-1].link.up, 5)
        supervising.cancel()
        await asyncio.gather(supervising, return_exceptions=True)


async def test_nothing_due_for_long_is_no_hanging(tmp_path: Path):
    """A cloud that asks for ten minutes of patience while the station is off must not make the watchdog kill the gate."""
    async with playing(set_up(tmp_path)) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        controller = act.gate.controller
        controller.observer._cloud_due = controller.observer._sight.due = time.monotonic() + 600.0

        assert await controller.cycle() <= 60.0


async def test_a_name_that_is_not_answered_does_not_hold_up_the_stop(tmp_path: Path):
    """The line is down and the look-up sits in a thread: SIGTERM ends the process all the same."""
    program = (
        "import socket, sys, time\n"
        "sys.modules['uvloop'] = None\n"
        "socket.getaddrinfo = lambda *_, **__: time.sleep(20)\n"
        "from drova_gate.cli import main\n"
        "sys.exit(main(['poll']))\n"
    )
    settings = {
        "PATH": os.environ["PATH"],
        "WINDOWS_HOST": "pc.example",
        "WINDOWS_LOGIN": "gate",
        "WINDOWS_PASSWORD": "x",
        "SHADOW_DEFENDER_PASSWORD": "x",
        "DROVA_STATE_DIR": str(tmp_path),
        "ENV_LOCATION": "",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=settings, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    while b"first look" not in await process.stderr.readline():
        pass
    await asyncio.sleep(0.3)
    began = time.monotonic()
    process.terminate()
    async with asyncio.timeout(15):
        assert await process.wait() == 0

    assert time.monotonic() - began < 2


async def test_a_stop_waits_for_a_write_of_the_state_that_has_begun(tmp_path: Path):
    """A cancelled controller leaves no thread behind that still writes into its folder."""

    class SlowFlash(StateFile):
        def save(self, record: Record) -> None:
            time.sleep(0.3)
            super().save(record)

    async with set_up(tmp_path) as play:
        controller = play.acts[0].gate.controller
        controller._state = SlowFlash(tmp_path / "slow" / "state.json")
        remembering = asyncio.create_task(controller._remember(Record(phase=Phase.CLEAN)))
        await asyncio.sleep(0.05)
        remembering.cancel()
        await asyncio.gather(remembering, return_exceptions=True)

    assert remembering.cancelled()
    assert StateFile(tmp_path / "slow" / "state.json").load().phase is Phase.CLEAN
