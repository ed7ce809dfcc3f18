"""Many stations in one process: apart from each other, changed while they run, and told of as they are."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
from simulated import QUICK, free_port, quick_station, settings_of
from stages import until

from drova_gate.cloud.shared import Clouds
from drova_gate.config import Mode, StationConfig, read_config
from drova_gate.core.model import Phase, Record
from drova_gate.errors import RecipeFault
from drova_gate.fleet import Fleet, supervise
from drova_gate.observe import Timing
from drova_gate.report.ask import ask
from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.player import Player
from drova_gate.sim.station import Station, StationPlan
from drova_gate.state import StateFile
from drova_gate.station import Station as GateStation
from drova_gate.station import open_station

TIMING = Timing(idle_poll=0.2, idle_relay=0.3, look=0.5, look_soon=0.1, held_poll=0.1, arrival_poll=0.1)
OWNER = "11111111-2222-4333-8444-555555555555"


@dataclass
class Hall:
    """Simulated stations and their cloud, the settings to reach them, and a fleet that guards them."""

    cloud: Cloud
    stations: dict[str, Station]
    configs: dict[str, StationConfig]
    fleet: Fleet
    alarms: list[tuple[str, str]]

    def rent(self, name: str) -> str:
        session = self.cloud.start_session(self.stations[name].plan.registrations[0][0])
        self.cloud.set_status(session, "ACTIVE")
        return session

    def phase(self, name: str) -> Phase | None:
        member = self.fleet.members.get(name)
        return member.station.controller.phase if member else None

    def clean(self, *names: str) -> bool:
        return all(self.phase(name) is Phase.CLEAN for name in names)


def leading_to(station: Station, cloud: Cloud, **more: str) -> dict[str, str]:
    """The settings of one of them."""
    return settings_of(station, cloud, DROVA_LISTEN_HOST="127.0.0.1", DROVA_POLL_SECONDS="0.2", **more)


@asynccontextmanager
async def rooms(count: int) -> AsyncIterator[tuple[Cloud, dict[str, Station]]]:
    async with AsyncExitStack() as parts:
        cloud = await parts.enter_async_context(Cloud(CloudPlan()))
        stations: dict[str, Station] = {}
        for number in range(1, count + 1):
            name, ids = f"pc{number}", tuple(f"{number:08x}-0000-4000-8000-00000000000{part}" for part in (1, 2))
            plan = StationPlan(name=name, costs=QUICK, registrations=((ids[0], ids[1], OWNER),))
            stations[name] = await parts.enter_async_context(Station(plan))
            cloud.add_server(ids[0], name, OWNER, token=ids[1])
        yield cloud, stations


@asynccontextmanager
async def hall(
    folder: Path, count: int = 3, *, guarded: int | None = None, hanging: float = 60.0
) -> AsyncIterator[Hall]:
    async with rooms(count) as (cloud, stations):
        configs = {
            name: replace(read_config(Mode.RUN, leading_to(station, cloud)).stations[0], name=name)
            for name, station in stations.items()
        }
        clouds, alarms = Clouds(folder, time.monotonic), list[tuple[str, str]]()

        def opened(config: StationConfig) -> GateStation:
            return open_station(config, Mode.RUN, folder, timing=TIMING, clouds=clouds)

        fleet = Fleet(opened, lambda name, text: alarms.append((name, text)), hanging=hanging)
        fleet.open(list(configs.values())[: guarded or count])
        async with asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            try:
                yield Hall(cloud, stations, configs, fleet, alarms)
            finally:
                running.cancel()
                await asyncio.wait({running})
                await clouds.close()


async def test_stations_are_started_apart_and_all_turn(tmp_path: Path):
    """Started is said only when every loop has turned."""
    async with hall(tmp_path) as one:
        await until(lambda: len(one.fleet.members) == 3)
        assert not one.fleet.started
        await until(lambda: one.fleet.started)
        await until(lambda: one.clean("pc1", "pc2", "pc3"))
        assert one.fleet.stuck == ()


async def test_a_station_that_breaks_is_started_anew_and_the_others_do_not_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """A fault of our own in one tree: an alarm, a restart; the other's controller is the same one as before."""
    async with hall(tmp_path, 2) as one:
        await until(lambda: one.clean("pc1", "pc2"))
        broken, other = one.fleet.members["pc1"].station, one.fleet.members["pc2"].station

        def breaks() -> bool:
            raise RuntimeError("a fault of ours")

        broken.link.on_change = breaks  # type: ignore[assignment]  # called by the link's own task
        broken.link._required().connection.abort()
        await until(lambda: one.fleet.members["pc1"].station is not broken)
        await until(lambda: one.clean("pc1"))

        assert one.fleet.members["pc2"].station is other
        assert one.clean("pc2")
        assert [name for name, _ in one.alarms] == ["pc1"]
        assert "a fault of the gate's own" in caplog.text


async def test_a_follower_that_cannot_be_put_together_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The station breaks while the owner's recipes are broken too: neither ends the supervision."""
    async with hall(tmp_path, 1) as one:
        await until(lambda: one.clean("pc1"))
        opened: list[GateStation] = []

        def anew() -> GateStation:
            if len(opened) < 1:
                opened.append(one.fleet.members["pc1"].station)
                raise RecipeFault("steam.toml", "is broken", "mend it")
            opened.append(open_station(one.configs["pc1"], Mode.RUN, tmp_path / "other", timing=TIMING))
            return opened[-1]

        broken = open_station(one.configs["pc1"], Mode.RUN, tmp_path / "first", timing=TIMING)

        async def fails() -> None:
            raise RuntimeError("a fault of ours")

        broken.controller.start = fails  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as group:
            supervising = group.create_task(supervise(broken, anew))
            await until(lambda: len(opened) == 2 and opened[1].link.up)
            supervising.cancel()
    assert "cannot be put together anew" in caplog.text


async def test_a_station_that_hangs_is_put_together_anew_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Its loop waits for something that never comes: which station, since when; its follower turns again, the others never stopped."""
    async with hall(tmp_path, 2, hanging=1.0) as one:
        await until(lambda: one.clean("pc1", "pc2"))
        stuck, other = one.fleet.members["pc1"].station, one.fleet.members["pc2"].station
        stuck.controller.cycle = asyncio.Event().wait  # type: ignore[assignment,method-assign]
        stuck.controller.stir()
        # The others turn as their facts come due; here often enough to be seen.
        async with asyncio.timeout(15):
            while one.fleet.members["pc1"].station is stuck or not one.clean("pc1"):
                other.controller.stir()
                await asyncio.sleep(0.05)

        assert one.fleet.members["pc2"].station is other
        assert one.fleet.members["pc1"].restarts == 1
        assert one.fleet.stuck == ()
        assert [(name, "no cycle has ended since" in text) for name, text in one.alarms] == [("pc1", True)]


async def test_new_settings_add_change_and_remove_stations_that_are_free(tmp_path: Path):
    """Those that stay as they are keep their very tasks."""
    async with hall(tmp_path, 4, guarded=3) as one:
        await until(lambda: one.clean("pc1", "pc2", "pc3"))
        before = {name: member.station for name, member in one.fleet.members.items()}
        changed = replace(one.configs["pc2"], hold_seconds=9.0)
        one.fleet.change([one.configs["pc1"], changed, one.configs["pc4"]])
        await until(lambda: set(one.fleet.members) == {"pc1", "pc2", "pc4"})
        await until(lambda: one.clean("pc1", "pc2", "pc4"))

        assert one.fleet.members["pc1"].station is before["pc1"]
        assert one.fleet.members["pc2"].station is not before["pc2"]
        assert one.fleet.members["pc2"].config.hold_seconds == 9.0


async def test_a_session_under_way_keeps_its_station_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Changed and removed in mid-session: nothing happens to the player; afterwards one is switched, the other leaves, both reset."""
    caplog.set_level(logging.INFO)
    async with hall(tmp_path, 2) as one:
        await until(lambda: one.clean("pc1", "pc2"))
        sessions = [one.rent("pc1"), one.rent("pc2")]
        await until(lambda: {one.phase("pc1"), one.phase("pc2")} == {Phase.IN_SESSION})
        playing = one.fleet.members["pc1"].station
        one.fleet.change([replace(one.configs["pc1"], hold_seconds=9.0)])
        await asyncio.sleep(1.3)  # longer than between two looks

        assert one.fleet.members["pc1"].station is playing
        assert "pc2" in one.fleet.members
        assert [station.machine.boot_count for station in one.stations.values()] == [1, 1]
        for session in sessions:
            one.cloud.finish(session)
        await until(lambda: "pc2" not in one.fleet.members)
        await until(lambda: one.fleet.members["pc1"].station is not playing and one.clean("pc1"))

        assert [station.machine.boot_count for station in one.stations.values()] == [2, 2]
        assert one.fleet.members["pc1"].config.hold_seconds == 9.0
        assert "its new settings wait until its session is over" in caplog.text
        assert "is removed once its session is over" in caplog.text


async def test_a_player_on_a_relay_is_not_cut_by_new_settings(tmp_path: Path):
    """Bytes are relayed for a session that is none of the gate's: the switch waits for their end."""
    async with hall(tmp_path, 1) as one:
        await until(lambda: one.clean("pc1"))
        relayed = replace(one.configs["pc1"], listen_port=free_port(), hold_seconds=0.0)
        one.fleet.change([relayed])
        await until(lambda: one.fleet.members["pc1"].config == relayed and one.clean("pc1"))
        await until(
            lambda: one.fleet.members["pc1"].station.listener is not None and reachable(relayed.listen_port or 0)
        )
        player = Player("player")
        await player.connect("127.0.0.1", relayed.listen_port or 0)
        await player.wait_ready(5)
        one.fleet.change([replace(relayed, poll_seconds=0.3)])
        await asyncio.sleep(1.3)
        assert await player.echo(b"still here") < 5
        await player.close()
        await until(lambda: one.fleet.members["pc1"].config.poll_seconds == 0.3)


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_settings_that_come_back_before_the_end_change_nothing(tmp_path: Path):
    """The owner takes his change back in mid-session: the station stays what it is."""
    async with hall(tmp_path, 1) as one:
        await until(lambda: one.clean("pc1"))
        one.rent("pc1")
        await until(lambda: one.phase("pc1") is Phase.IN_SESSION)
        station = one.fleet.members["pc1"].station
        one.fleet.change([])
        one.fleet.change([replace(one.configs["pc1"], hold_seconds=9.0)])
        one.fleet.change([one.configs["pc1"]])
        member = one.fleet.members["pc1"]

        assert (member.station, member.leaving, member.wanted) == (station, False, None)


async def test_new_settings_that_cannot_be_opened_leave_the_old_ones_running(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """A recipe file of the owner's is broken: said, and the station goes on."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "steam.toml").write_text("not = [a recipe", encoding="utf-8")
    async with hall(tmp_path / "state", 1) as one:
        await until(lambda: one.clean("pc1"))
        station = one.fleet.members["pc1"].station
        broken = replace(one.configs["pc1"], launchers_dir=recipes)
        with pytest.raises(RecipeFault):
            open_station(broken, Mode.RUN, tmp_path / "state")
        one.fleet.change([broken, replace(broken, name="pc9")])

        assert one.fleet.members["pc1"].station is station
        assert set(one.fleet.members) == {"pc1"}
        assert "goes on with its old settings" in caplog.text
        assert "is not added" in caplog.text


# -- the process -----------------------------------------------------------------------------------------------------


def written(folder: Path, stations: dict[str, Station], cloud: Cloud, **more: str) -> Path:
    file = folder / "stations.toml"
    tables = [
        f'[[station]]\nname = "{name}"\n'
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in leading_to(station, cloud, **more).items())
        for name, station in stations.items()
    ]
    file.write_text("\n".join(tables), encoding="utf-8")
    return file


@asynccontextmanager
async def daemon(folder: Path, config: Path, notify: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        "PATH": os.environ["PATH"],
        "DROVA_CONFIG": str(config),
        "DROVA_STATE_DIR": str(folder / "state"),
        "ENV_LOCATION": "",
        "NOTIFY_SOCKET": notify,
        "WATCHDOG_USEC": "3000000",
    }
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "drova_gate", "run", env=environment, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await process.wait()


async def command(folder: Path, *words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "drova_gate",
        *words,
        env={
            "PATH": os.environ["PATH"],
            "DROVA_STATE_DIR": str(folder / "state"),
            "ENV_LOCATION": "",
            "COLUMNS": "160",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def states(folder: Path, what: str = "phase") -> dict[str, str]:
    with contextlib.suppress(Exception):
        found = ask(folder / "state" / "status.sock", None, addresses=False)
        return {one["name"]: one[what] for one in found["stations"]}
    return {}


@asynccontextmanager
async def systemd(folder: Path) -> AsyncIterator[list[str]]:
    """What systemd would be told, as it comes."""
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / "notify"))
        notify.setblocking(False)
        asyncio.get_running_loop().add_reader(notify, lambda: told.append(notify.recv(4096).decode()))
        yield told
        asyncio.get_running_loop().remove_reader(notify)


async def test_a_process_with_many_stations_from_its_start_to_its_stop(tmp_path: Path):
    """Ready when all loops turn, a fed watchdog, a status with the player's address masked, a record, a clean stop, no secret anywhere."""
    async with (
        systemd(tmp_path) as told,
        rooms(2) as (cloud, stations),
        daemon(tmp_path, written(tmp_path, stations, cloud), str(tmp_path / "notify")) as process,
    ):
        await until(lambda: states(tmp_path) == {"pc1": "clean", "pc2": "clean"})
        await until(lambda: "READY=1" in told and told.count("WATCHDOG=1") > 1)
        session = cloud.start_session(stations["pc1"].plan.registrations[0][0], client_ip="203.0.113.7")
        cloud.set_status(session, "ACTIVE")
        await until(lambda: states(tmp_path).get("pc1") == "in_session")
        code, table, _ = await command(tmp_path, "status")
        _, whole, _ = await command(tmp_path, "status", "--json", "--addresses", "--station", "pc1")
        cloud.finish(session)
        await until(lambda: states(tmp_path).get("pc1") == "clean")
    (one,) = json.loads(whole)["stations"]
    log = (tmp_path / "log").read_text()
    recorded, text, _ = await command(tmp_path, "events", "--steps")

    assert (code, process.returncode, recorded) == (0, 0, 0)
    assert "desktop" in table
    assert "203.0.*.*" in table
    assert one["session"]["address"] == "203.0.113.7"
    assert one["protection"]["shadowed"]
    assert any(line.startswith("STATUS=2 stations: ") for line in told)
    assert told[-1] == "STOPPING=1"
    assert "prepared and confirmed" in text
    assert "lockdown.no_run" in text
    assert "Traceback" not in log
    for secret in ("203.0.113", stations["pc1"].plan.password, stations["pc1"].plan.shadow_password):
        assert secret not in log + text + table + "".join(told)
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "events.sqlite")) as base:
        (seconds,) = base.execute("SELECT seconds FROM events WHERE text LIKE 'proved clean%'").fetchone()
    assert 0 < seconds < 15


async def test_the_status_remembers_the_last_reset_over_a_restart(tmp_path: Path):
    """When it was and how long it took, from the record of the process before."""
    async with rooms(1) as (cloud, stations):
        file = written(tmp_path, stations, cloud)
        async with daemon(tmp_path, file):
            await until(lambda: states(tmp_path) == {"pc1": "clean"})
            session = cloud.start_session(stations["pc1"].plan.registrations[0][0])
            cloud.set_status(session, "ACTIVE")
            await until(lambda: states(tmp_path).get("pc1") == "in_session")
            cloud.finish(session)
            await until(lambda: states(tmp_path).get("pc1") == "clean")
            before = ask(tmp_path / "state" / "status.sock", None, addresses=False)["stations"][0]["last_reset"]
        async with daemon(tmp_path, file):
            await until(lambda: states(tmp_path) == {"pc1": "clean"})
            after = ask(tmp_path / "state" / "status.sock", None, addresses=False)["stations"][0]["last_reset"]

    assert before["proved"]
    assert after["seconds"] == pytest.approx(before["seconds"], abs=0.1)
    assert after["at"] == pytest.approx(before["at"], abs=0.1)


async def test_sighup_reads_the_settings_again_and_faulty_ones_change_nothing(tmp_path: Path):
    """One line per fault and the old settings go on; good ones add a station, and the session under way is left alone."""
    async with rooms(3) as (cloud, stations):
        file = written(tmp_path, dict(list(stations.items())[:2]), cloud)
        async with daemon(tmp_path, file) as process:
            await until(lambda: states(tmp_path) == {"pc1": "clean", "pc2": "clean"})
            session = cloud.start_session(stations["pc1"].plan.registrations[0][0])
            cloud.set_status(session, "ACTIVE")
            await until(lambda: states(tmp_path).get("pc1") == "in_session")
            file.write_text(file.read_text(encoding="utf-8") + "\nwindows_hots = 1\n", encoding="utf-8")
            process.send_signal(signal.SIGHUP)
            await until(lambda: "all stations go on with the old ones" in (tmp_path / "log").read_text())
            written(tmp_path, stations, cloud)
            process.send_signal(signal.SIGHUP)
            await until(lambda: states(tmp_path) == {"pc1": "in_session", "pc2": "clean", "pc3": "clean"})
    log = (tmp_path / "log").read_text()

    assert "settings: station pc2: windows_hots is no setting" in log
    assert "2 stations as before, 0 changed, 1 new, 0 removed" in log
    assert [station.machine.boot_count for station in stations.values()] == [1, 1, 1]


async def test_recipes_of_the_owners_that_are_broken_stop_the_start(tmp_path: Path):
    """Exit code 78 like any wrong setting, the file is named, no station is touched."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "steam.toml").write_text("not = [a recipe", encoding="utf-8")
    async with rooms(1) as (cloud, stations):
        file = written(tmp_path, stations, cloud, DROVA_LAUNCHERS_DIR=str(recipes))
        async with daemon(tmp_path, file) as process:
            async with asyncio.timeout(20):
                await process.wait()

    assert process.returncode == 78
    assert "steam.toml" in (tmp_path / "log").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert stations["pc1"].commands == []


async def test_status_says_what_to_do_when_no_gate_runs(tmp_path: Path):
    """Exit code 3 and one line that says what to do."""
    code, out, err = await command(tmp_path, "status")

    assert code == 3
    assert "systemctl start drova_gate" in out + err
    assert (await command(tmp_path, "events"))[0] == 1
    assert (await command(tmp_path, "release", "pc1"))[0] == 1
    assert (await command(tmp_path, "events", "--since", "tomorrow"))[0] == 2


async def test_a_quarantined_station_shows_in_the_exit_code_and_may_be_released_by_hand(tmp_path: Path):
    """Status exits with 1; release says what is still wrong, and the station is out of quarantine soon after."""
    plan = StationPlan(name="pc1", costs=QUICK, faults=frozenset({"agent_refuses"}))
    async with quick_station(plan) as (station, cloud):
        StateFile(tmp_path / "state" / "pc1" / "state.json").save(
            Record(
                phase=Phase.QUARANTINED,
                session=UUID(int=1),
                quarantine_reason="no answer after 2 resets",
                reset_tries=2,
                marker="0" * 16,
                boot_stamp="1" * 16,
            )
        )
        async with daemon(tmp_path, written(tmp_path, {"pc1": station}, cloud)):
            await until(lambda: states(tmp_path).get("pc1") == "quarantined")
            code, table, err = await command(tmp_path, "status")
            released, said, trouble = await command(tmp_path, "release", "pc1")
            await until(lambda: states(tmp_path).get("pc1") != "quarantined")
            again, nothing, _ = await command(tmp_path, "release", "pc1")

    assert code == 1, table + err
    assert "drova_gate release pc1" in table
    assert released == 0, trouble
    assert "still wrong: " in said
    assert again == 0
    assert "is not quarantined" in nothing


async def test_release_names_the_file_that_would_end_the_next_session_in_quarantine(tmp_path: Path):
    """It stays on a disk that was not rolled back, and each reset brings it to light again."""
    async with quick_station(StationPlan(name="pc1", costs=QUICK)) as (station, cloud):
        with station.machine.quietly():
            station.machine.files.write(r"D:\drova_gate.marker", b"0" * 16)
        StateFile(tmp_path / "state" / "pc1" / "state.json").save(
            Record(phase=Phase.QUARANTINED, session=UUID(int=1), prepared=True, entered=frozenset("CD"), reset_tries=1)
        )
        async with daemon(tmp_path, written(tmp_path, {"pc1": station}, cloud)):
            await until(lambda: "D carries the marker" in states(tmp_path, "reason").get("pc1", ""))
            _, said, _ = await command(tmp_path, "release", "pc1")

    assert r"D:\drova_gate.marker is still there: delete it" in said


async def test_a_bare_disk_cannot_be_released_before_its_reset(tmp_path: Path):
    """Nobody has gone through it in the middle of the session: the order would be used up, and the quarantine follow."""
    async with quick_station(StationPlan(name="pc1", costs=QUICK)) as (station, cloud):
        session = cloud.start_session(station.plan.registrations[0][0])
        file = StateFile(tmp_path / "state" / "pc1" / "state.json")
        known = Record(phase=Phase.IN_SESSION, session=UUID(session), bared=frozenset("D"), hidden_by_us=True)
        file.save(known)
        async with daemon(tmp_path, written(tmp_path, {"pc1": station}, cloud)):
            await until(lambda: states(tmp_path).get("pc1") == "in_session")
            code, said, _ = await command(tmp_path, "release", "pc1")

    assert code == 0
    assert "is not quarantined yet" in said
    assert "gone through D" in said
    assert not file.release_asked()
