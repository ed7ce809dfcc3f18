"""A session without a player: what is confirmed, what is refused, and that the station is always given back."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from simulated import config_of, quick_plan, quick_station, settings_of, written

from drova_gate.config import Mode, StationConfig
from drova_gate.core.model import Lease, Phase, Record
from drova_gate.errors import CallOwner, PlayerInside
from drova_gate.lease import LeaseFile
from drova_gate.observe import Timing
from drova_gate.rehearse.play import Options, rehearse
from drova_gate.rehearse.report import Rehearsal, Step
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Station
from drova_gate.state import StateFile
from drova_gate.station import open_station


@dataclass
class House:
    station: Station
    cloud: Cloud
    config: StationConfig
    state_dir: Path
    server: str

    def folder(self, name: str) -> Path:
        return self.state_dir / self.config.name / name

    async def rehearse(self, **options: object) -> Rehearsal:
        return await rehearse(self.config, self.state_dir, Options(**{"wait_seconds": 20.0} | options))  # type: ignore[arg-type] -- a test's shorthand

    @property
    def shown(self) -> bool:
        return self.cloud.servers[self.server].published

    @property
    def writes(self) -> list[str]:
        return [one.path for one in self.cloud.requests if "set_published" in one.path]


@asynccontextmanager
async def house(tmp_path: Path, *faults: str, shown: bool = False) -> AsyncIterator[House]:
    async with quick_station(quick_plan(*faults), shown=shown) as (station, cloud):
        config = config_of(station, cloud, poll_seconds=0.2)
        yield House(station, cloud, config, tmp_path, station.plan.registrations[0][0])
        assert not cloud.refused


async def test_every_step_is_confirmed_and_the_station_is_as_before(tmp_path: Path):
    told = []
    async with house(tmp_path) as home:
        result = await home.rehearse(tell=told.append)
        assert [step.code for step in result.steps] == ["hidden", "prepared", "reset", "nothing_left", "shown"]
        assert told == result.steps
        assert result.passed, result.steps
        assert result.report is not None
        assert result.report.shadowed == frozenset("CD")
        assert not home.station.machine.shadow.active
        assert home.station.machine.boot_count == 2
        assert not home.shown
        assert home.writes == []
    assert not home.folder("maintenance").exists()
    assert json.loads(json.dumps(result.as_json()))["passed"] is True
    assert "would be safe" in result.verdict()


async def test_a_shown_station_is_refused_or_hidden_for_it_and_shown_again(tmp_path: Path):
    async with house(tmp_path, shown=True) as home:
        with pytest.raises(CallOwner, match="--hide"):
            await home.rehearse()
        assert written(home.station) == []
        assert home.writes == []
        result = await home.rehearse(hide=True)
        assert result.passed, result.steps
        assert [path.rpartition("/")[2] for path in home.writes] == ["false", "true"]
        assert home.shown


async def test_while_a_player_is_inside_nothing_happens(tmp_path: Path):
    async with house(tmp_path) as home:
        home.cloud.start_session(home.server)
        with pytest.raises(PlayerInside, match="wait until he has left"):
            await home.rehearse(hide=True)
        assert written(home.station) == []
    assert not home.folder("maintenance").exists()


@pytest.mark.parametrize("phase", [Phase.IN_SESSION, Phase.RESETTING, Phase.QUARANTINED])
async def test_a_gate_at_work_is_left_alone(tmp_path: Path, phase: Phase):
    async with house(tmp_path) as home:
        StateFile(home.folder("state.json")).save(Record(phase=phase))
        with pytest.raises(CallOwner, match=phase.value):
            await home.rehearse()


async def test_an_owner_at_work_is_left_alone(tmp_path: Path):
    async with house(tmp_path) as home:
        LeaseFile(home.folder("maintenance")).save(Lease("drivers", hides=True))
        with pytest.raises(CallOwner, match="maintenance"):
            await home.rehearse()
        assert home.folder("maintenance").exists()


async def test_where_the_order_cannot_be_written_nothing_is_begun(tmp_path: Path):
    """A full disk of the router: the owner was shown a trace. A limit on file size plays it for every user."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with house(tmp_path, shown=True) as home:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
            with pytest.raises(CallOwner, match=r"maintenance: cannot be written \(File too large\); use sudo"):
                await home.rehearse(hide=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert home.writes == []
        assert written(home.station) == []


async def test_shadow_mode_that_does_not_hold_is_found_and_nothing_is_wiped(tmp_path: Path):
    async with house(tmp_path, "shadow_silent", shown=True) as home:
        result = await home.rehearse(hide=True)
        assert not result.passed
        assert "not in Shadow Mode by its own list" in result.verdict()
        # Rebooted all the same: whatever was begun is over. And shown again, for it is proved clean.
        assert home.station.machine.boot_count == 2
        assert home.shown


async def test_a_disk_that_is_not_rolled_back_is_found_and_the_station_stays_hidden(tmp_path: Path):
    async with house(tmp_path, "not_rolled_back", shown=True) as home:
        result = await home.rehearse(hide=True, wait_seconds=4.0)
        assert not result.passed
        assert "marker" in result.verdict()
        assert not home.shown
        assert "stays hidden" in result.steps[-1].text
        assert result.steps[-1].text.endswith("drova_gate publish pc1"), "to be copied as it stands"


async def test_a_rehearsal_that_is_broken_off_sends_the_reset_and_gives_the_station_back(tmp_path: Path):
    async with house(tmp_path) as home:
        prepared = asyncio.Event()

        def tell(step: object) -> None:
            if getattr(step, "code", "") == "prepared":
                prepared.set()

        playing = asyncio.create_task(home.rehearse(tell=tell))
        await prepared.wait()
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        async with asyncio.timeout(10):
            while home.station.machine.boot_count < 2:
                await asyncio.sleep(0.05)
        assert not home.station.machine.shadow.active
    assert not home.folder("maintenance").exists()


async def test_a_rehearsal_that_is_broken_off_after_its_reset_sends_no_second_one(tmp_path: Path):
    """It told the owner to restart by hand a station that was just starting from the rehearsal's own reset."""
    async with house(tmp_path, shown=True) as home:
        told: list[Step] = []
        playing = asyncio.create_task(home.rehearse(hide=True, tell=told.append))
        async with asyncio.timeout(10):
            while home.station.machine.up:
                await asyncio.sleep(0.01)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing

        assert [(one.code, one.ok) for one in told[-2:]] == [("reset", False), ("shown", False)]
        assert "sent, and not waited for" in told[-2].text
        assert told[-2].text.endswith("drova_gate doctor pc1")
        assert not home.shown


async def test_a_station_that_could_not_be_shown_again_is_shown_by_the_next_gate(tmp_path: Path):
    """Drova did not answer for a moment, the order to show it was taken away, and a clean station stayed hidden for good."""
    async with house(tmp_path, shown=True) as home:

        def tell(step: Step) -> None:
            if step.code == "nothing_left":
                home.cloud.faults.add("cloud_500")

        result = await home.rehearse(hide=True, tell=tell)
        home.cloud.faults.clear()
        assert (result.steps[-1].code, result.steps[-1].ok) == ("shown", False)
        assert result.steps[-1].text.endswith("the gate shows it when it runs; or: drova_gate publish pc1")
        assert not home.shown
        gate = open_station(
            home.config, Mode.POLL, tmp_path, timing=replace(Timing(), idle_poll=0.2, look_soon=0.05, published=0.3)
        )
        running = asyncio.create_task(gate.run())
        try:
            async with asyncio.timeout(15):
                while not home.shown or home.folder("maintenance").exists():
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def by_hand(home: House, folder: Path) -> dict[str, str]:
    """The environment of an owner who types the command himself."""
    more = {"PATH": os.environ["PATH"], "HOME": str(folder), "ENV_LOCATION": "", "DROVA_STATE_DIR": str(home.state_dir)}
    return settings_of(home.station, home.cloud, **more)


async def test_a_disk_that_fills_up_under_the_output_leaves_no_station_behind(tmp_path: Path):
    """``rehearse >file``: the line that did not fit ended the rehearsal, and once more its way out, before the station was given back."""
    async with house(tmp_path, shown=True) as home:
        environment = by_hand(home, tmp_path)
        out = tmp_path / "out"
        out.write_bytes(b"." * 100_000)

        def nearly_full() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_100, 100_100))

        program = (sys.executable, "-m", "drova_gate", "rehearse", "--yes", "--hide")
        with out.open("ab") as file:
            playing = await asyncio.create_subprocess_exec(
                *program, env=environment, stdout=file, stderr=subprocess.PIPE, preexec_fn=nearly_full
            )
        async with asyncio.timeout(40):
            _, said = await playing.communicate()
        assert playing.returncode == 0
        assert said.count(b"standard output: cannot be written") == 1
        assert home.station.machine.boot_count == 2
        assert not home.station.machine.shadow.active
        assert home.shown
        assert not (home.state_dir / home.config.host / "maintenance").exists()


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM])
async def test_a_terminal_that_goes_away_leaves_no_station_behind(how: signal.Signals, tmp_path: Path):
    """The owner's own SSH session broke: his station stayed in Shadow Mode, locked and hidden."""
    async with house(tmp_path) as home:
        environment = by_hand(home, tmp_path)
        program = (sys.executable, "-m", "drova_gate", "rehearse", "--yes")
        playing = await asyncio.create_subprocess_exec(*program, env=environment, stdout=subprocess.PIPE)
        assert playing.stdout is not None
        async with asyncio.timeout(30):
            while b"prepared" not in await playing.stdout.readline():
                pass
            # Whoever read it has gone, too.
            playing._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined] # no other way to close the reading end
            playing.send_signal(how)
            assert await playing.wait() == 130
            while home.station.machine.boot_count < 2:
                await asyncio.sleep(0.05)
        assert not home.station.machine.shadow.active
        assert not (home.state_dir / home.config.host / "maintenance").exists()


async def test_a_running_gate_keeps_its_hands_off_and_shows_the_station_again(tmp_path: Path):
    async with house(tmp_path, shown=True) as home:
        gate = open_station(
            home.config,
            Mode.POLL,
            tmp_path,
            timing=replace(Timing(), idle_poll=0.2, look=0.5, look_soon=0.05, published=0.3),
        )
        running = asyncio.create_task(gate.run())
        try:
            async with asyncio.timeout(10):
                while gate.controller.phase is not Phase.CLEAN:
                    await asyncio.sleep(0.05)
            result = await home.rehearse(hide=True, gate_phase=lambda: gate.controller.phase.value)
            assert result.passed, result.steps
            async with asyncio.timeout(15):
                while not home.shown or gate.controller.phase is not Phase.CLEAN:
                    await asyncio.sleep(0.05)
            assert home.station.machine.boot_count == 2
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
