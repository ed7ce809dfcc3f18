"""The commands as their users meet them: processes, signals, exit codes."""

import argparse
import asyncio
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest
from simulated import QUICK, free_port, quick_station, settings_of
from stages import until
from typed import typed

from drova_gate import cli
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Station, StationPlan

PROGRAMS = ("drova_poll", "drova_socket", "drova_validate", "drova_gate")


def environment_of(station: Station, cloud: Cloud, folder: Path) -> dict[str, str]:
    return settings_of(
        station,
        cloud,
        PATH=os.environ["PATH"],
        DROVA_SOCKET_LISTEN=str(free_port()),
        DROVA_LISTEN_HOST="127.0.0.1",
        DROVA_STATE_DIR=str(folder / "state"),
        ENV_LOCATION="",
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Station, Cloud, dict[str, str]]]:
    """A quick station, a cloud that knows it, and the settings to reach both."""
    async with quick_station() as (station, cloud):
        yield station, cloud, environment_of(station, cloud, tmp_path)


async def run(*command: str, env: dict[str, str], seconds: float = 30) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drova_gate", *command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(seconds):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize("command", ["poll", "socket", "validate"])
async def test_wrong_settings_stop_the_start_with_78(command: str, tmp_path: Path):
    """One line per fault, exit code 78, nothing else."""
    code, out, err = await run(
        command, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ENV_LOCATION": "", "WINDOWS_SSH_PROT": "22"}
    )

    assert code == 78
    assert out == ""
    lines = err.splitlines()
    assert any("WINDOWS_HOST" in line for line in lines)
    assert any("WINDOWS_SSH_PROT" in line and "WINDOWS_SSH_PORT" in line for line in lines)
    assert all(line.startswith("settings: ") for line in lines)


async def test_a_missing_settings_file_is_named(tmp_path: Path):
    """ENV_LOCATION that leads nowhere is a fault."""
    code, _, err = await run("poll", "--env", str(tmp_path / "none.env"), env={"PATH": os.environ["PATH"]})

    assert code == 78
    assert "none.env" in err


async def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path):
    """A folder, and bytes that are no text: a fault each, no traceback."""
    strange = tmp_path / "strange.env"
    strange.write_bytes(b"WINDOWS_HOST=\xff\xfe\n")
    for file in (tmp_path, strange):
        code, _, err = await run("poll", "--env", str(file), env={"PATH": os.environ["PATH"]})

        assert code == 78, err
        assert err.startswith("settings: --env: ")
        assert str(file) in err
        assert len(err.splitlines()) == 1


async def test_the_demonstration_prints_its_timeline_and_nothing_else():
    """Standard error stays empty, no line is wider than the terminal, nothing is told twice."""
    code, out, err = await run("demo", env={"PATH": os.environ["PATH"], "COLUMNS": "80"})

    assert err == ""
    assert code == 0, out
    assert max(map(len, out.splitlines())) <= 80
    told = [line[13:] for line in out.splitlines() if re.match(r"\(|  +\+", line)]
    assert len(told) == len(set(told)) > 8
    assert "\x1b" not in out


async def test_the_demonstration_goes_on_when_its_reader_has_gone():
    """``drova_gate demo | head -1``: no traceback, and the exit code is the play's."""
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m drova_gate demo | head -1; exit ${{PIPESTATUS[0]}}",
        executable="/bin/bash",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(40):
        out, err = await process.communicate()

    assert (process.returncode, err) == (0, b""), err.decode()
    assert out.startswith(b"drova_gate demo:")


async def test_settings_come_from_file_credentials_and_environment(
    world: tuple[Station, Cloud, dict[str, str]], tmp_path: Path
):
    """The environment beats a credential, a credential beats the file; passwords are taken as they stand."""
    _, _, settings = world
    file = tmp_path / "pc.env"
    wrong = settings | {"WINDOWS_PASSWORD": "wrong", "WINDOWS_SSH_PORT": "1"}
    file.write_text(
        "".join(f"{name}='{value}'\n" for name, value in wrong.items() if name not in ("PATH", "ENV_LOCATION")),
        encoding="utf-8",
    )
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "WINDOWS_PASSWORD").write_text(settings["WINDOWS_PASSWORD"] + "\n", encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "CREDENTIALS_DIRECTORY": str(credentials),
        "WINDOWS_SSH_PORT": settings["WINDOWS_SSH_PORT"],
    }

    code, out, err = await run("validate", "--env", str(file), env=environment)

    assert code == 0, out + err


async def test_validate_finds_a_good_station_good_and_changes_nothing(world: tuple[Station, Cloud, dict[str, str]]):
    """Every check ok, exit code 0, not one write in the station's journal, no refused call in the cloud."""
    station, cloud, settings = world

    code, out, err = await run("validate", env=settings)

    assert code == 0, out + err
    assert "FAIL" not in out
    for check in ("tcp", "ssh", "sftp", "protector", "volumes", "console", "registration", "cloud", "agent_port"):
        assert re.search(rf"ok +{check} ", out), out
    assert [entry for entry in station.journal if entry.kind in ("write", "volatile", "kill", "reboot")] == []
    assert cloud.refused == []
    for secret in (station.plan.password, station.plan.shadow_password, station.plan.registrations[0][1]):
        assert secret not in out + err


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("shadow_password", "protector"),
        ("shadow_missing", "protector"),
        ("login_refused", "ssh"),
        ("no_registration", "registration"),
        ("agent_refuses", "agent_port"),
    ],
)
async def test_validate_names_what_is_wrong(
    fault: str, check: str, world: tuple[Station, Cloud, dict[str, str]], tmp_path: Path
):
    """A planted fault fails its own check, with a hint, and the exit code is 1."""
    _, cloud, _ = world
    async with Station(StationPlan(name="bad", costs=QUICK, faults=frozenset({fault}))) as station:
        code, out, err = await typed("validate", **environment_of(station, cloud, tmp_path))

    assert code == 1, out + err
    assert re.search(rf"FAIL +{check} .*\n +-> \S", out), out
    assert err == "", "what the table says is not said again"


async def test_sigterm_stops_within_two_seconds_and_leaves_a_session_as_it_is(
    world: tuple[Station, Cloud, dict[str, str]],
):
    """A running session is neither reset nor touched; the next start picks it up and changes nothing."""
    station, cloud, settings = world
    session = cloud.start_session(station.plan.registrations[0][0])
    cloud.set_status(session, "ACTIVE")
    state = Path(settings["DROVA_STATE_DIR"])

    first = await start("poll", settings)
    await until(lambda: any('"prepared": true' in file.read_text() for file in state.glob("*/state.json")))
    took = await stop(first)
    written = len([entry for entry in station.journal if entry.kind == "write"])
    second = await start("poll", settings)
    await until((state / "status.sock").exists)
    await asyncio.sleep(1.5)
    await stop(second)

    assert took < 2
    assert station.machine.boot_count == 1
    assert len([entry for entry in station.journal if entry.kind == "write"]) == written
    assert written > 0


async def test_a_taken_port_is_said_and_the_daemon_lives_on(world: tuple[Station, Cloud, dict[str, str]]):
    """Port taken: a named line, and the station is guarded all the same."""
    station, cloud, settings = world
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(settings["DROVA_SOCKET_LISTEN"])))
        taken.listen()
        process = await start("socket", settings)
        session = cloud.start_session(station.plan.registrations[0][0])
        cloud.set_status(session, "ACTIVE")
        state = Path(settings["DROVA_STATE_DIR"])
        await until(lambda: any('"prepared": true' in file.read_text() for file in state.glob("*/state.json")))
        await stop(process)
    log = (await process.stderr.read()).decode() if process.stderr else ""

    assert settings["DROVA_SOCKET_LISTEN"] in log
    assert log.count("tries again, and guards the station by polling") == 1


async def start(command: str, settings: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drova_gate", command, env=settings, stderr=subprocess.PIPE
    )


async def stop(process: asyncio.subprocess.Process) -> float:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        await process.wait()
    assert process.returncode == 0
    return time.monotonic() - began


def test_every_program_of_the_package_exists():
    """The console scripts lead to functions that are there."""
    from drova_gate import cli  # noqa: PLC0415 - only this test needs it

    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    for program in PROGRAMS:
        (function,) = re.findall(rf'^{program} = "drova_gate\.cli:(\w+)"$', text, re.MULTILINE)
        assert callable(getattr(cli, function))


def test_every_module_adds_the_commands_that_the_table_names():
    """The table is what a command's start reads instead of all modules: a command that is not in it could not be started alone."""
    for module, names in cli._COMMANDS.items():
        commands = argparse.ArgumentParser().add_subparsers()
        import_module(f"drova_gate.cli.{module}").add(commands)
        assert tuple(commands.choices) == names, module


def test_the_guard_loads_no_other_commands_code():
    """It runs for months on a router: what it does not need takes memory for nothing."""
    code = (
        "import sys; from drova_gate.cli import _parser; _parser('run');"
        "print([one for one in sys.modules if one.startswith('drova_gate.cli.')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "drova_gate.cli.guard" in said
    assert "drova_gate.cli.history" not in said


async def test_a_running_guard_carries_nothing_that_it_never_uses(world: tuple[Station, Cloud, dict[str, str]]):
    """With a station's link up, all that a guard needs is loaded; the C++ library is not, which one list type would bring along."""
    station, _, settings = world
    process = await start("poll", settings)
    await until(lambda: station.journal)
    loaded = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
    await stop(process)

    assert "cryptography" in loaded
    assert "_frozenlist" not in loaded


def test_a_guard_goes_without_half_of_what_certificates_take():
    """Without pyOpenSSL there is no X.509 in asyncssh, but it loads a megabyte before it finds out; all the rest of it is there."""
    code = (
        "import sys; from drova_gate.cli.light import go_light; go_light(); import drova_gate.host.link, asyncssh;"
        "print(*sys.modules); assert asyncssh.generate_private_key('ssh-ed25519')"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "asyncssh.connection" in said
    assert "cryptography.x509" not in said


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="only glibc has several heaps")
def test_a_guards_threads_share_one_heap():
    """What one busy minute took would stay in each thread's own."""
    code = (
        "import ctypes, threading; from drova_gate.cli.light import go_light; go_light();"
        "at = threading.Barrier(4); keep = [];"
        "work = lambda: (keep.append(bytes(5000)), at.wait());"
        "threads = [threading.Thread(target=work) for _ in range(4)];"
        "[one.start() for one in threads]; [one.join() for one in threads];"
        "ctypes.CDLL(None).malloc_stats()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert re.findall(r"^Arena \d+:$", said, re.MULTILINE) == ["Arena 0:"]
