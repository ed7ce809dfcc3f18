"""A station that was left locked outside Shadow Mode: what is found, what is done about it, and when it is refused."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
from simulated import config_of, quick_plan, quick_station, settings_of, written

from drova_gate.cli import main
from drova_gate.config import StationConfig
from drova_gate.core.model import Phase, Record
from drova_gate.host.identity import read_console
from drova_gate.host.link import HostLink
from drova_gate.protect.none import NoProtector
from drova_gate.repair import FAILED, SETTLED, TO_DO, repair_station
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Station
from drova_gate.sim.windows.registry import Value, number
from drova_gate.state import StateFile
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.lockdown import load_lockdown
from drova_gate.steps.recipes import Level
from drova_gate.steps.shipped import LOCKDOWN
from drova_gate.visit import first_answer, visiting

EXPLORER = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
MARKER = "0123456789abcdef0123456789abcde1"


@dataclass
class House:
    """One station, its cloud, and the owner's settings."""

    station: Station
    cloud: Cloud
    config: StationConfig
    state_dir: Path

    @asynccontextmanager
    async def link(self) -> AsyncIterator[HostLink]:
        async with visiting(self.config, self.state_dir) as link:
            await first_answer(link)
            yield link

    async def lock(self, owners: Path | None = None) -> None:
        """Prepare the station without a protector: what a gate of an owner's wrong setting, or a failed reset, leaves behind."""
        async with self.link() as link:
            plan = PreparationPlan(
                session=UUID(int=7),
                marker=MARKER,
                boot_stamp="feedbeef",
                volumes=frozenset("CD"),
                enter=frozenset(),
                console=await read_console(link),
                program_data=link.variables["ProgramData"],
                level=Level.FULL,
                recipes=(),
                lockdown=load_lockdown(LOCKDOWN, owners),
            )
            report = await prepare(link, _Shadowless(), plan)
            assert report.prepared, report

    def record(self, phase: Phase) -> None:
        StateFile(self.state_dir / self.config.name / "state.json").save(Record(phase=phase))

    def disk(self) -> dict[str, object]:
        """Everything that a repair is to bring back: registry, firewall, services, files of ours."""
        machine = self.station.machine
        return {
            "registry": {
                (path.casefold(), name): value
                for hive in ("HKLM", machine.owner.hive)
                for path, key in machine.registry.walk(hive)
                for name, value in key.values.values()
                if "HARDWARE" not in path
            },
            "rules": machine.firewall.rules,
            "groups": machine.firewall.groups,
            "services": {each.name: each.start for each in machine.services.all()},
            "home": machine.files.exists(r"C:\ProgramData\drova_gate"),
            "marks": [letter for letter in "CD" if machine.files.exists(f"{letter}:\\drova_gate.marker")],
        }


class _Shadowless(NoProtector):
    """A protector that claims every volume: the disk keeps all."""

    def read_status(self, sections: dict[str, str]):
        return replace(super().read_status(sections), shadowed=frozenset("CD"))


@asynccontextmanager
async def house(tmp_path: Path, *faults: str, **changes: object) -> AsyncIterator[House]:
    """A clean station between two rentals."""
    async with quick_station(quick_plan(*faults, **changes)) as (station, cloud):
        yield House(station, cloud, config_of(station, cloud, drives=frozenset("CD")), tmp_path)


# -- plan and repair -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shell", "language", "faults"),
    [
        ("cmd", "ru", ()),
        ("cmd", "en", ()),
        ("powershell", "ru", ()),
        ("powershell", "en", ()),
        ("cmd", "ru", ("other_console_user",)),
        ("powershell", "ru", ("other_console_user", "console_session_2")),
    ],
)
async def test_repair_brings_back_exactly_what_was(
    shell: str, language: str, faults: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The plan changes nothing and names everything; the repair ends where the station was before; a second one finds nothing."""
    async with house(tmp_path, *faults, shell=shell, language=language) as home:
        before = home.disk()
        await home.lock()
        locked = home.disk()
        home.station.journal.clear()

        assert await repair_station(home.config, home.state_dir, act=False) == TO_DO
        told = capsys.readouterr().out
        assert home.disk() == locked
        assert written(home.station) == []
        for part in ("lockdown.no_run", "lockdown.blocked_programs", "rule(s) named drova_gate", "FDResPub", "-32752"):
            assert part in told
        assert "nothing was changed" in told

        shells = [process.pid for process in home.station.machine.processes.named("explorer.exe")]
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED
        assert home.disk() == before
        now = [process.pid for process in home.station.machine.processes.named("explorer.exe")]
        assert len(now) == 1
        assert now != shells
        assert home.station.machine.shell_running()

        capsys.readouterr()
        home.station.journal.clear()
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED
        assert "nothing of ours is left" in capsys.readouterr().out
        assert written(home.station) == []


async def test_station_that_was_never_prepared_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An owner's own choices look like switched-off switches and disabled services; without a trace of us they are his."""
    async with house(tmp_path) as home:
        machine = home.station.machine
        machine.services.set_start("SSDPSRV", "disabled")
        machine.firewall.set_group(replace(machine.firewall.groups[0], enabled=False))
        machine.registry.set(rf"{machine.owner.hive}\{EXPLORER}", "NoDriveTypeAutoRun", number(255))
        home.station.journal.clear()
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED
        assert written(home.station) == []
        told = capsys.readouterr().out
        assert "nothing of ours is left" in told
        assert "keep     lockdown.ssdp" in told
        assert "keep     lockdown.no_autoplay" in told


async def test_owner_s_own_policies_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Other data than ours, values of other names, entries of his own in the list of blocked programs, a rule of another name."""
    async with house(tmp_path) as home:
        machine = home.station.machine
        explorer = rf"{machine.owner.hive}\{EXPLORER}"
        machine.registry.set(explorer, "NoInternetIcon", number(1))
        machine.registry.set(rf"{explorer}\DisallowRun", "99", Value("REG_SZ", "minesweeper.exe"))
        await home.lock()
        machine.registry.set(explorer, "NoRun", number(0))
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED
        registry = machine.registry
        assert registry.get(explorer, "NoInternetIcon") == number(1)
        assert registry.get(explorer, "NoRun") == number(0)
        assert registry.get(explorer, "NoClose") is None
        assert registry.get(explorer, "DisallowRun") == number(1)
        assert [name for name, _ in registry.key(rf"{explorer}\DisallowRun").values.values()] == ["99"]
        told = capsys.readouterr().out
        assert "keep     lockdown.no_run" in told
        assert "minesweeper.exe" in told


async def test_switches_of_an_earlier_setting_go_as_well(tmp_path: Path):
    """What a lockdown.toml of the owner switched on, and later no more, is ours beside other traces; normal values are written back."""
    owners = tmp_path / "own"
    owners.mkdir()
    names = ("no_windows_keys", "hide_settings_pages", "no_power_at_sign_in")
    (owners / "lockdown.toml").write_text(
        "".join(f'[[policy]]\nname = "{name}"\nenabled = true\n' for name in names)
        + '[[firewall_rule]]\nname = "no_lan"\nenabled = true\n'
    )
    async with house(tmp_path) as home:
        system = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
        home.station.machine.registry.set(system, "ShutdownWithoutLogon", number(1))
        before = home.disk()
        await home.lock(owners)
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED
        assert home.disk() == before


async def test_owner_s_own_entries_are_taken_off(tmp_path: Path):
    """A policy that only the owner's lockdown.toml knows is found by it."""
    owners = tmp_path / "own"
    owners.mkdir()
    (owners / "lockdown.toml").write_text(
        '[[policy]]\nname = "kiosk"\neffect = "x"\nkey = \'HKCU\\Software\\Policies\\Acme\\Club\'\nvalue = "Kiosk"\ndata = "on"\n'
    )
    async with house(tmp_path) as home:
        await home.lock(owners)
        config = replace(home.config, launchers_dir=owners)
        assert await repair_station(config, home.state_dir, act=True) == SETTLED
        hive = home.station.machine.owner.hive
        assert home.station.machine.registry.get(rf"{hive}\Software\Policies\Acme\Club", "Kiosk") is None


async def test_half_a_preparation_is_found(tmp_path: Path):
    """A script that was cut short: its task, its marker files and the uploaded folder alone."""
    async with house(tmp_path) as home:
        before = home.disk()
        await home.lock()
        machine = home.station.machine
        machine.services.set_start("FDResPub", "demand")
        machine.registry.delete_key(r"HKLM\SOFTWARE\drova_gate")
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED
        assert home.disk() == before


async def test_what_cannot_be_taken_off_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A value that stays: exit code 1, its name, and the folder stays as the trace for the next try."""
    async with house(tmp_path) as home:
        await home.lock()
        registry = home.station.machine.registry
        delete = registry.delete_value

        def stubborn(path: str, name: str) -> None:
            if name.casefold() != "noclose":
                delete(path, name)

        registry.delete_value = stubborn  # type: ignore[method-assign]  # something on the station holds on to it
        assert await repair_station(home.config, home.state_dir, act=True) == FAILED
        told = capsys.readouterr().out
        assert "FAILED   lockdown.no_shutdown: NoClose is still there" in told
        assert home.station.machine.files.exists(r"C:\ProgramData\drova_gate")
        registry.delete_value = delete  # type: ignore[method-assign]  # it has let go
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED


# -- refused ---------------------------------------------------------------------------------------------------------


async def refused(home: House, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a repair that must be refused, and change nothing; what was said."""
    disk = home.disk()
    home.station.journal.clear()
    assert await repair_station(home.config, home.state_dir, act=True) == FAILED
    assert home.disk() == disk
    assert written(home.station) == []
    return capsys.readouterr().out


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING])
async def test_refused_while_the_gate_is_at_work(phase: Phase, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with house(tmp_path) as home:
        await home.lock()
        home.record(phase)
        assert f"the gate's own record says {phase}; let the gate run" in await refused(home, capsys)


@pytest.mark.parametrize("phase", [Phase.CLEAN, Phase.QUARANTINED, Phase.MAINTENANCE])
async def test_not_refused_between_sessions(phase: Phase, tmp_path: Path):
    async with house(tmp_path) as home:
        await home.lock()
        home.record(phase)
        assert await repair_station(home.config, home.state_dir, act=True) == SETTLED


@pytest.mark.parametrize("status", ["NEW", "HANDSHAKE", "ACTIVE"])
async def test_refused_during_a_session(status: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Whatever the gate's record says: Drova's word counts."""
    async with house(tmp_path) as home:
        await home.lock()
        home.record(Phase.CLEAN)
        session = home.cloud.start_session(home.station.plan.registrations[0][0])
        home.cloud.set_status(session, status)
        assert f"a session is on ({status})" in await refused(home, capsys)
        home.cloud.finish(session)
        assert await repair_station(home.config, home.state_dir, act=False) == TO_DO


async def test_refused_when_the_cloud_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """No answer is no permission."""
    async with house(tmp_path) as home:
        await home.lock()
        home.config = replace(home.config, api_url="http://127.0.0.1:9")
        assert "whether a session is on is not known" in await refused(home, capsys)


async def test_refused_in_shadow_mode(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The disk forgets by itself: a restart is the right thing."""
    async with house(tmp_path) as home:
        await home.lock()
        home.station.machine.shadow.enter("D", now=True)
        assert "D: in Shadow Mode; leave Shadow Mode with a restart" in await refused(home, capsys)


async def test_refused_when_shadow_mode_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with house(tmp_path, "shadow_missing") as home:
        assert "whether it is in Shadow Mode is not known" in await refused(home, capsys)


async def test_refused_with_nobody_at_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The policies lie in the hive of whoever sits there, which is not loaded."""
    async with house(tmp_path, "nobody_signed_in") as home:
        assert "sign in there" in await refused(home, capsys)


async def test_station_that_is_off_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with house(tmp_path) as home:
        await home.station.power_off()
        assert await repair_station(home.config, home.state_dir, act=True) == FAILED
        assert "not repaired" in capsys.readouterr().out


async def test_cancelled_repair_passes_on(tmp_path: Path):
    """A repair that is interrupted ends as cancelled, and leaves no task behind."""
    async with house(tmp_path) as home:
        await home.lock()
        task = asyncio.create_task(repair_station(home.config, home.state_dir, act=True))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# -- the command -----------------------------------------------------------------------------------------------------


async def command(home: House, *arguments: str) -> tuple[int, str]:
    """Run drova_gate repair as an owner's script would: with settings in the environment, without a terminal."""
    environment = settings_of(home.station, home.cloud, PATH=os.environ["PATH"], DROVA_STATE_DIR=str(home.state_dir))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drova_gate", "repair", *arguments),
        cwd=home.state_dir,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_command_plans_without_a_terminal_and_acts_when_told(tmp_path: Path):
    """Nobody to ask: the plan alone, and an exit code that says so; --yes does it. No secret is printed."""
    async with house(tmp_path) as home:
        await home.lock()
        locked = home.disk()
        code, told = await command(home)
        assert (code, "run it with --yes" in told) == (TO_DO, True)
        assert home.disk() == locked
        code, done = await command(home, "--yes")
        assert (code, "read back" in done) == (SETTLED, True)
        plan = home.station.plan
        for secret in (plan.password, plan.shadow_password, plan.registrations[0][1]):
            assert secret not in told + done


def test_command_knows_the_stations_of_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """--station with a name that the settings do not have is a settings fault, before anything is connected."""
    monkeypatch.chdir(tmp_path)
    # The tests' own variable would pass for a mistyped setting.
    monkeypatch.delenv("GATE_API_SAMPLES", raising=False)
    for name in ("WINDOWS_HOST", "WINDOWS_LOGIN", "WINDOWS_PASSWORD", "SHADOW_DEFENDER_PASSWORD"):
        monkeypatch.setenv(name, "pc1")
    assert main(["repair", "--station", "pc9"]) == 78
    assert "station 'pc9' is not known; the settings name pc1" in capsys.readouterr().err
