"""Every check tells its planted fault, says what to do, and leaves the others alone."""

import asyncio
import grp
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_faults import FAULTS, Fault
from doctor_world import World, world

from drova_gate.cli import _parser, main
from drova_gate.config import Mode, read_config
from drova_gate.doctor import router
from drova_gate.doctor.checks import CHECKS, CODES
from drova_gate.doctor.examination import Examination, Spec
from drova_gate.doctor.output import plan_lines
from drova_gate.doctor.rounds import Telling, examine_all
from drova_gate.doctor.verdict import Outcome, Verdict, Where, fine, powershell_word
from drova_gate.host import link
from drova_gate.report.server import StatusServer
from drova_gate.settings import SETTINGS
from drova_gate.sim.station import Costs
from drova_gate.sim.windows.firewall_registry import mirror

TROUBLE = (Outcome.WARN, Outcome.FAIL)
NEEDS = {spec.code: {*spec.needs, *(["registration"] if spec.code == "token" else [])} for spec in CHECKS}


def resting_on(codes: Iterable[str]) -> list[Spec]:
    """These checks and all that they rest on: less work than all of them a hundred times over."""
    wanted = set(codes)
    while more := {need for code in wanted for need in NEEDS[code]} - wanted:
        wanted |= more
    return [spec for spec in CHECKS if spec.code in wanted]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_planted_fault_is_told(fault: Fault, tmp_path: Path):
    """By its own check, in its own words, with what to do; and nothing on the station is changed."""
    async with world(tmp_path, **fault.plan) as here:
        fault.plant(here)
        before = here.machine.lasting()

        checks = await here.examine(resting_on(fault.expected))

        assert here.machine.lasting() == before
        assert [each.kind for each in here.station.journal if each.kind not in ("login", "shadow")] == []
    for code, (outcome, words) in fault.expected.items():
        verdict = checks[code].verdict
        assert verdict.outcome is outcome, (code, verdict)
        assert words in verdict.found, (code, verdict)
    assert [check for check in checks.values() if "itself broke" in check.verdict.found] == []
    assert [check for check in checks.values() if check.outcome in TROUBLE and not check.verdict.hint] == []
    for cure in (cure for check in checks.values() for cure in check.verdict.cures):
        if cure.where is Where.ROUTER and cure.text.startswith("drova_gate "):
            _parser().parse_args(shlex.split(cure.text)[1:])  # leaves with code 2 where a command is not so
        if cure.where is Where.SETTINGS:
            assert cure.text.partition("=")[0] in {setting.name for setting in SETTINGS}


def test_every_way_in_which_a_check_can_end_is_planted():
    """A check whose source can warn or fail does so in a test here, or in one of those below."""
    elsewhere = {("tcp", Outcome.FAIL), ("banner", Outcome.FAIL)}
    planted = {(code, outcome) for fault in FAULTS for code, (outcome, _) in fault.expected.items()} | elsewhere
    possible = set()
    for spec in CHECKS:
        source = inspect.getsource(spec.look)
        possible |= {(spec.code, Outcome.WARN)} if re.search(r"\bwarned\(", source) else set()
        possible |= {(spec.code, Outcome.FAIL)} if re.search(r"\bfailed\(", source) else set()
    assert possible - planted == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files to groups takes root")
@pytest.mark.parametrize(("group", "mode"), [(0, 0o644), (1, 0o664), (0, 0o666)])
async def test_a_file_is_closed_to_others_and_not_to_the_service(
    group: int, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """``chmod 0600 stations.toml`` took root's file away from the service's group as well: its next start ended."""
    service = grp.getgrgid(1)
    monkeypatch.setattr(router, "SERVICE_GROUP", service.gr_name)
    async with world(tmp_path) as here:
        file = here.folder / "stations.toml"
        file.write_text("", encoding="utf-8")
        os.chown(file, 0, group)
        file.chmod(mode)
        here.settings_files = (file,)
        found = await here.examine([spec for spec in CHECKS if spec.code == "settings_file"])
        (cure,) = found["settings_file"].verdict.cures
        subprocess.run(["sh", "-c", cure.text], check=True, timeout=10)
        again = await here.examine([spec for spec in CHECKS if spec.code == "settings_file"])

    assert again["settings_file"].outcome is Outcome.OK
    assert file.stat().st_gid == service.gr_gid
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("room", [5_000_000, 50_000_000])
async def test_a_full_disk_of_the_router(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Little room is said, no room is a failure."""
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=room))
    async with world(tmp_path) as here:
        checks = await here.examine([spec for spec in CHECKS if spec.code == "state_dir"])
    assert checks["state_dir"].outcome is (Outcome.FAIL if room < 10_000_000 else Outcome.WARN)


async def test_a_state_folder_that_is_made_later_is_fine(tmp_path: Path):
    """Before the gate's first start there is none."""
    async with world(tmp_path) as here:
        shutil.rmtree(here.state_dir)
        checks = await here.examine([spec for spec in CHECKS if spec.code == "state_dir"])
        assert not here.state_dir.exists()
    assert checks["state_dir"].outcome is Outcome.OK


async def test_a_station_that_is_off(tmp_path: Path):
    """What does not need it is checked all the same; the rest names what it needs, not what that needs in its turn."""
    async with world(tmp_path) as here:
        await here.station.power_off()
        checks = await here.examine()
    assert {code for code, check in checks.items() if check.outcome is Outcome.FAIL} == {"tcp", "agent_port"}
    assert {check.verdict.found for check in checks.values() if check.outcome is Outcome.SKIP} == {"needs tcp"}
    assert checks["cloud"].outcome is checks["router_clock"].outcome is Outcome.OK
    assert "nobody listens" in checks["tcp"].verdict.hint


async def test_a_name_that_nobody_knows(tmp_path: Path):
    """It is told from a station that is off: another thing is to be done."""
    async with world(tmp_path) as here:
        here.settings["WINDOWS_HOST"] = "no-such-station.invalid"
        checks = await here.examine(resting_on(["tcp"]))
    assert "is no name" in checks["tcp"].verdict.found
    assert "WINDOWS_HOST" in checks["tcp"].verdict.hint


@asynccontextmanager
async def stranger(greeting: bytes) -> AsyncIterator[int]:
    """Another program on the SSH port."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("greeting", [b"220 FTP ready\r\n", b"", b"\xff" * 100_000])
async def test_another_program_on_the_port(greeting: bytes, tmp_path: Path):
    """What is not SSH is said so, and no key and no login are guessed at."""
    async with world(tmp_path) as here, stranger(greeting) as port:
        here.settings["WINDOWS_SSH_PORT"] = str(port)
        checks = await here.examine()
    assert checks["banner"].outcome is Outcome.FAIL
    assert checks["host_key"].verdict == checks["ssh"].verdict == checks["protector"].verdict
    assert checks["ssh"].verdict.found == "needs banner"


async def test_a_server_that_hangs_up_after_its_banner(tmp_path: Path):
    """No key was seen, so none is called right."""
    async with world(tmp_path) as here, stranger(b"SSH-2.0-OpenSSH_for_Windows_9.5\r\n") as port:
        here.settings["WINDOWS_SSH_PORT"] = str(port)
        checks = await here.examine()
    assert checks["ssh"].outcome is Outcome.FAIL
    assert (checks["host_key"].outcome, checks["host_key"].verdict.found) == (Outcome.SKIP, "needs ssh")


async def test_a_shell_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As cmd.exe with DisableCMD=1, which waits for a key: it is told that the login was fine and the shell is not."""
    monkeypatch.setattr(link, "PROBE_SECONDS", 0.1)
    async with world(tmp_path, costs=Costs(command=30.0, process=0.0)) as here:
        checks = await here.examine()
    assert checks["ssh"].outcome is Outcome.OK
    assert checks["shell"].outcome is Outcome.FAIL
    assert "DisableCMD" in checks["shell"].verdict.hint


async def test_a_check_that_breaks_ends_no_other(tmp_path: Path):
    """A fault of ours is told as such; what rests on it is skipped, the others go on."""

    async def broken(_: Examination) -> Verdict:
        raise ZeroDivisionError("by us")

    async def also(_: Examination) -> Verdict:
        return fine("runs")

    checks = (Spec("broken", "x", (), broken), Spec("rests", "x", ("broken",), also), Spec("free", "x", (), also))
    async with world(tmp_path) as here:
        found = await here.examine(checks)
    assert found["broken"].outcome is Outcome.FAIL
    assert "ZeroDivisionError" in found["broken"].verdict.found
    assert found["rests"].verdict.found == "needs broken"
    assert found["free"].outcome is Outcome.OK


async def test_what_several_checks_ask_breaks_once_for_all_of_them(tmp_path: Path):
    """A question that fails is everybody's fault, and the group of checks lives on."""

    async def ask(_: Examination) -> str:
        raise ValueError("asked badly")

    async def look(exam: Examination) -> Verdict:
        return fine(await exam.once(ask))

    async with world(tmp_path) as here:
        found = await here.examine((Spec("one", "x", (), look), Spec("two", "x", (), look)))
    assert [check.outcome for check in found.values()] == [Outcome.FAIL, Outcome.FAIL]


async def test_the_station_goes_off_in_the_middle(tmp_path: Path):
    """Whatever was under way ends with a verdict."""

    async def later(here: World) -> None:
        while len(here.station.commands) < 6:
            await asyncio.sleep(0)
        await here.station.power_off()

    async with world(tmp_path, costs=Costs(command=0.05, process=0.01)) as here, asyncio.TaskGroup() as group:
        off = group.create_task(later(here))
        async with asyncio.timeout(20):
            checks = await here.examine()
        await off
    assert len(checks) == len(CHECKS)
    assert [check for check in checks.values() if "itself broke" in check.verdict.found] == []


async def test_a_renters_names_cannot_break_out_of_a_line_to_be_copied(tmp_path: Path):
    """A firewall rule's name stands whole inside quotes, and cannot steer the terminal."""
    name = "x'; Remove-Item C: \x1b[2J"
    async with world(tmp_path) as here:
        here.machine.firewall.installed = {name: "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=22|Name=x|"}
        with here.machine.quietly():
            mirror(here.machine)
        checks = await here.examine(resting_on(["firewall_ssh"]))
    text = "\n".join(plan_lines("pc1", checks.values()))
    assert "-Name 'x''; Remove-Item C:  [2J' -RemoteAddress 192.168.1.2" in text
    assert "\x1b" not in text
    assert powershell_word("a\u2019b") == "'a\u2019\u2019b'", "PowerShell takes that one for a quote, too"


async def test_a_port_that_the_running_gate_has_is_fine(tmp_path: Path):
    """The gate is asked whether it guards this station."""

    def status(station: str | None, *, addresses: bool) -> dict[str, object]:
        return {"stations": [{"name": "pc1"}] if station == "pc1" else []}

    listen = [spec for spec in CHECKS if spec.code == "listen_port"]
    async with world(tmp_path) as here, asyncio.TaskGroup() as group:
        here.settings |= {"DROVA_SOCKET_LISTEN": str(here.station.agent_port), "DROVA_LISTEN_HOST": "127.0.0.1"}
        server = group.create_task(StatusServer(here.state_dir, None, status).run())
        while not (here.state_dir / "status.sock").exists():
            await asyncio.sleep(0.01)
        checks = await here.examine(listen)
        server.cancel()
    assert checks["listen_port"].outcome is Outcome.OK
    assert "the running gate's" in checks["listen_port"].verdict.found


async def test_a_fault_below_the_checks_ends_one_station_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of two stations one has a link that breaks by a fault of ours: it is told, with every code, and the other one is whole."""

    async def breaks(self: link.HostLink) -> str:
        if self.name == "bad":
            raise ZeroDivisionError("by us")
        return await connect(self)

    connect = link.HostLink._connect
    monkeypatch.setattr(link.HostLink, "_connect", breaks)
    lines: list[str] = []
    async with world(tmp_path) as here:
        stations = tuple(replace(here.config, name=name) for name in ("bad", "good"))
        config = replace(read_config(Mode.VALIDATE, here.settings), stations=stations)
        code = await examine_all(config, here.state_dir, Telling(lines.extend, as_json=True))
    bad, good = (json.loads(line) for line in lines)
    assert code == 1
    assert [check["code"] for check in bad["checks"]] == [check["code"] for check in good["checks"]] == list(CODES)
    assert bad["failed"] == 1
    assert "ZeroDivisionError: by us" in json.dumps(bad)
    assert good["failed"] == 0


def test_a_station_that_nobody_knows_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """``--station`` with a typing error: what the settings name, exit code 78."""
    for name, value in {
        "WINDOWS_HOST": "pc1",
        "WINDOWS_LOGIN": "x",
        "WINDOWS_PASSWORD": "x",
        "DROVA_PROTECTOR": "none",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENV_LOCATION", "")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--station", "pc2"]) == 78
    assert "'pc2' is not known; the settings name pc1" in capsys.readouterr().err
