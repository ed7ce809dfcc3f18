"""``drova_gate maintenance``: what an owner types, against the gate's real parts and without them."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from simulated import settings_of
from stages import playing, set_up, until

from drova_gate.cli import main
from drova_gate.core.model import Lease, Phase, Record
from drova_gate.demo.stage import Act, Stage
from drova_gate.lease import LeaseFile
from drova_gate.moments import deadline
from drova_gate.report.server import StatusServer
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Station, StationPlan
from drova_gate.state import StateFile

NOW = datetime(2026, 11, 21, 23, 0)  # noqa: DTZ001 - local time, as owners write it
OWNER = "7b7c1c1e-52a3-4f0e-9d0a-000000000001"


@asynccontextmanager
async def asked(world: Stage, folder: Path, phase: Phase = Phase.CLEAN) -> AsyncIterator[Act]:
    """A gate that runs and answers as the daemon does."""
    async with playing(world) as act, asyncio.TaskGroup() as group:

        def status(name: str | None, *, addresses: bool) -> dict[str, Any]:
            assert name is None
            now = time.monotonic()
            shown = act.gate.snapshot(now=now, addresses=addresses)
            return {"started_at": 1.0, "stations": [shown | {"state_dir": str(folder / "pc1"), "stuck_since": None}]}

        serving = group.create_task(StatusServer(folder, None, status).run())
        await until(lambda: act.phase is phase and (folder / "status.sock").exists())
        yield act
        serving.cancel()


async def say(*words: str) -> int:
    return await asyncio.to_thread(main, ["maintenance", *words])


def shown(world: Stage, act: Act) -> bool:
    return world.cloud.servers[act.server].published


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of its own, and English."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DROVA_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DROVA_LANG", "en")


# -- with a gate -----------------------------------------------------------------------------------------------------------


async def test_on_waits_until_the_hands_are_off_and_off_until_it_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The usual evening: on, a look at the list, more time, off."""
    world = set_up(tmp_path)
    async with asked(world, tmp_path) as act:
        assert await say("on", "PC1", "--until", "2h", "--why", "new disk") == 0
        assert not shown(world, act)
        out = capsys.readouterr().out
        assert "pc1: maintenance is ordered, until " in out
        assert "in maintenance, hidden from players; when you are done: drova_gate maintenance off pc1" in out

        file = LeaseFile(tmp_path / "pc1" / "maintenance")
        first = file.load()
        assert first is not None
        assert await say("on", "pc1", "--until", "3h", "--no-wait") == 0
        assert await say("on", "pc1", "--no-wait") == 0
        later = file.load()
        assert later is not None
        assert (later.since_wall, later.why) == (first.since_wall, "new disk")
        assert later.until_wall == pytest.approx((first.until_wall or 0) + 3600, abs=60)

        assert await say("on", "pc1", "--until", "never", "--no-wait") == 0
        endless = file.load()
        assert endless is not None
        assert endless.until_wall is None

        capsys.readouterr()
        assert await say("list", "--json") == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["station"], row["state"], row["why"]) == ("pc1", "in maintenance", "new disk")

        assert await say("off", "--all") == 0
        assert shown(world, act)
        assert "shown in the catalogue again" in capsys.readouterr().out
        assert await say("off", "pc1") == 0
        assert "is not under maintenance" in capsys.readouterr().out


async def test_on_shows_what_it_waits_for_and_ctrl_c_leaves_the_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A player is in: the command says so, line by line; interrupted, the gate goes on."""
    world = set_up(tmp_path)
    async with asked(world, tmp_path) as act:
        current = world.cloud.start_session(act.server)
        await until(lambda: act.phase is Phase.IN_SESSION)
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "drova_gate", "maintenance", "on", "pc1", stderr=asyncio.subprocess.PIPE
        )
        assert command.stderr is not None
        async with asyncio.timeout(20):
            while not (await command.stderr.readline()).startswith(b"pc1: in session "):
                assert command.returncode is None
        command.send_signal(signal.SIGINT)
        rest = (await command.stderr.read()).decode()
        assert await command.wait() == 130
        assert "the order stays and the gate goes on; to take it back: drova_gate maintenance off pc1" in rest

        world.cloud.finish(current)
        await until(lambda: act.phase is Phase.MAINTENANCE)


async def test_a_gate_that_stops_meanwhile_is_waited_for_and_then_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A restart takes a few seconds; who does not come back carries the order out when he does."""
    monkeypatch.setattr("drova_gate.cli.running.AWAY_SECONDS", 0.9)
    world = set_up(tmp_path)
    async with asyncio.TaskGroup() as group:
        async with asked(world, tmp_path) as act:
            world.cloud.start_session(act.server)
            await until(lambda: act.phase is Phase.IN_SESSION)
            waiting = group.create_task(say("on", "pc1"))
            await until((tmp_path / "pc1" / "maintenance").exists)
            await asyncio.sleep(0.6)
        assert await waiting == 1
    assert "its gate does not answer; waits for it" in (told := capsys.readouterr().err)
    assert "its gate has stopped; the order stays" in told


async def test_a_quarantined_station_is_left_alone_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It will not become clean by waiting: the owner is told where he stands."""
    StateFile(tmp_path / "pc1" / "state.json").save(Record(Phase.QUARANTINED, quarantine_reason="no proof"))
    world = set_up(tmp_path, fault="agent_refuses")
    async with asked(world, tmp_path, Phase.QUARANTINED) as act:
        assert await say("on", "pc1") == 0
        assert "nothing is done to it until you end the maintenance" in capsys.readouterr().out
        act.station.faults.discard("agent_refuses")
        await until(lambda: act.phase is Phase.MAINTENANCE)
        assert not shown(world, act)


async def test_an_unknown_station_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nothing is written for a name that nobody knows."""
    world = set_up(tmp_path)
    async with asked(world, tmp_path):
        assert await say("on", "pc11") == 1
        assert "did you mean pc1?" in capsys.readouterr().err
    assert not list(tmp_path.glob("*/maintenance"))


def test_a_clock_that_was_not_set_keeps_no_deadline(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The router has been on for a minute and knows no time."""
    monkeypatch.setattr("drova_gate.cli.maintenance.time.time", lambda: 60.0)
    assert main(["maintenance", "on", "pc1"]) == 1
    assert "1970" in capsys.readouterr().err


# -- without a gate --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def alone(folder: Path) -> AsyncIterator[tuple[Cloud, str, Station]]:
    """A station and its cloud; no gate runs, but one has, and knows which station it is."""
    server = str(uuid4())
    plan = StationPlan(name="pc1", registrations=((server, str(uuid4()), OWNER),))
    async with Cloud() as cloud, Station(plan) as station:
        cloud.add_merchant_token("merchant", OWNER)
        cloud.add_server(server, "Игровой 🎮", OWNER)
        settings = settings_of(
            station, cloud, SHADOW_DEFENDER_DRIVES="".join(sorted(plan.drives)), DROVA_TOKEN="merchant"
        )
        (folder / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
        StateFile(folder / station.host / "state.json").save(replace(Record(Phase.CLEAN), server=UUID(server)))
        yield cloud, server, station


async def test_without_a_gate_it_is_hidden_and_shown_from_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Read back both times; the lease is there for the gate meanwhile, and says whose hiding it is."""
    async with alone(tmp_path) as (cloud, server, station):
        assert await say("on", station.host, "--why", "new disk") == 0
        assert not cloud.servers[server].published
        file = LeaseFile(tmp_path / station.host / "maintenance")
        lease = file.load()
        assert lease is not None
        assert (lease.hidden, lease.why) == (True, "new disk")
        assert "no gate runs" in capsys.readouterr().err
        assert await say() == 0
        assert "no gate runs" in capsys.readouterr().out

        assert await say("off", station.host) == 0
        assert cloud.servers[server].published
        assert file.load() is None
        assert not cloud.refused
        assert "shown in the catalogue again (read back)" in capsys.readouterr().out


async def test_without_a_gate_what_was_hidden_stays_hidden(tmp_path: Path):
    """The owner's own hiding."""
    async with alone(tmp_path) as (cloud, server, station):
        cloud.servers[server].published = False
        assert await say("on", station.host) == 0
        assert await say("off", station.host) == 0
        assert not cloud.servers[server].published


async def test_without_a_gate_a_station_that_is_not_seen_clean_stays_hidden(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Off, its agent closed, or left in a session by the last gate: the order is over, and the gate shows it."""
    async with alone(tmp_path) as (cloud, server, station):
        file = LeaseFile(tmp_path / station.host / "maintenance")
        lease = Lease("work", hides=True, since_wall=int(time.time()), hidden=True)
        cloud.servers[server].published = False
        file.save(lease)
        station.faults.add("agent_refuses")
        await asyncio.sleep(0.2)
        assert await say("off", station.host) == 1
        assert "port is not open" in capsys.readouterr().err
        assert not cloud.servers[server].published
        kept = file.load()
        assert kept is not None
        assert kept.ended
        assert kept.hidden


async def test_without_a_gate_what_is_left_of_a_session_is_the_gates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The last gate was stopped in mid-session, or the station carries its marker: nothing is shown by hand."""
    async with alone(tmp_path) as (cloud, server, station):
        file, state = (
            LeaseFile(tmp_path / station.host / "maintenance"),
            StateFile(tmp_path / station.host / "state.json"),
        )
        cloud.servers[server].published = False
        state.save(Record(Phase.IN_SESSION, UUID(int=1), server=UUID(server)))
        file.save(Lease("work", hides=True, since_wall=int(time.time()), hidden=True))
        assert await say("off", station.host) == 1
        assert "the gate left it in_session" in capsys.readouterr().err
        assert not cloud.servers[server].published


async def test_what_was_shown_without_a_gate_is_told_to_the_next_one(tmp_path: Path):
    """Its record says that it had hidden the station: what the owner hides from now on is his."""
    async with alone(tmp_path) as (cloud, server, station):
        state = StateFile(tmp_path / station.host / "state.json")
        state.save(Record(Phase.MAINTENANCE, hidden_by_us=True, server=UUID(server)))
        cloud.servers[server].published = False
        file = LeaseFile(tmp_path / station.host / "maintenance")
        file.save(Lease("work", hides=True, since_wall=int(time.time())))
        assert await say("off", station.host) == 0
        assert cloud.servers[server].published
        kept = file.load()
        assert kept is not None
        assert (kept.ended, kept.hidden) == (True, False)


@pytest.mark.parametrize("fault", ["publish_lies", "cloud_500"])
async def test_without_a_gate_a_cloud_that_does_not_hide_is_said(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The lease is left: the gate hides the station when it starts."""
    async with alone(tmp_path) as (cloud, server, station):
        cloud.faults.add(fault)
        assert await say("on", station.host, "--no-wait") == 1
        assert "the gate carries it out when it starts" in capsys.readouterr().err
        assert LeaseFile(tmp_path / station.host / "maintenance").load() is not None
        assert cloud.servers[server].published


# -- moments ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", "2026-11-22 01:00"),
        ("1h30m", "2026-11-22 00:30"),
        ("1h 30m", "2026-11-22 00:30"),
        ("3d", "2026-11-24 23:00"),
        ("23:30", "2026-11-21 23:30"),
        ("02:00", "2026-11-22 02:00"),
        ("tomorrow 08:00", "2026-11-22 08:00"),
        ("завтра 8:00", "2026-11-22 08:00"),
        ("2026-11-22T08:00", "2026-11-22 08:00"),
        ("2026-11-22 08:00", "2026-11-22 08:00"),
        ("22.11.2026 08:00", "2026-11-22 08:00"),
    ],
)
def test_deadlines_as_owners_write_them(text: str, expected: str):
    """At 23:00 on the 21st."""
    assert f"{deadline(text, NOW):%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("22:30", "has passed"),
        ("today 22:30", "has passed"),
        ("2020-01-01T00:00", "has passed"),
        ("0h", "has passed"),
        ("soon", "no time to come"),
        ("25:00", "no time to come"),
        ("", "no time to come"),
        ("2026-02-30T08:00", "no time to come"),
        ("99999w", "more than a year"),
        ("99999w99999w99999w", "more than a year"),
    ],
)
def test_what_is_no_deadline_is_refused(text: str, why: str):
    """With what may be written instead."""
    with pytest.raises(ValueError, match=why):
        deadline(text, NOW)


def test_the_past_is_refused_before_anything_is_done(capsys: pytest.CaptureFixture[str]):
    """As wrong usage."""
    with pytest.raises(SystemExit) as ended:
        main(["maintenance", "on", "pc1", "--until", "2020-01-01T00:00"])
    assert ended.value.code == 2
    assert "has passed" in capsys.readouterr().err
