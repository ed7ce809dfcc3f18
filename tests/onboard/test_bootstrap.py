"""``drova_gate bootstrap`` as its user meets it, and the gate's own key."""

import ast
import errno
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pydantic import SecretStr
from simulated import free_port, kept

from drova_gate.cli import main
from drova_gate.errors import CallOwner, PortNotOpened
from drova_gate.host.address import StationAddress
from drova_gate.host.link import HostLink
from drova_gate.onboard.own_key import keep_own_key, not_written, read_own_key
from drova_gate.onboard.serve import handing_out
from drova_gate.sim.station import Costs, Station, StationPlan
from drova_gate.visit import first_answer

PROGRAM = (sys.executable, "-m", "drova_gate", "bootstrap")


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DROVA_STATE_DIR": str(folder / "state"),
        "ENV_LOCATION": "",
        "HOME": str(folder),
    }


def bootstrap(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        timeout=30,
        check=False,
    )


# -- the key ---------------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_is_ours_alone(tmp_path: Path):
    first = keep_own_key(tmp_path / "state")
    content = first.file.read_bytes()
    again = keep_own_key(tmp_path / "state")

    assert first.is_new
    assert not again.is_new
    assert again.line == first.line
    assert first.file.read_bytes() == content
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.file.parent.stat().st_mode) == 0o700
    assert [one.name for one in first.file.parent.iterdir()] == ["gate_key"], "no half-written file is left"


def test_a_key_that_cannot_be_used_is_not_written_over(tmp_path: Path):
    file = tmp_path / "gate_key"
    file.write_text("something of the owner's", encoding="ascii")

    with pytest.raises(CallOwner, match="is no private key"):
        keep_own_key(tmp_path)

    assert file.read_text(encoding="ascii") == "something of the owner's"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(CallOwner, match="cannot be written"):
        keep_own_key(blocked / "state")
    assert read_own_key(tmp_path) is None


async def test_the_key_opens_a_station_that_was_told_its_line(tmp_path: Path):
    """Made by one library, used by the other, accepted by a server that knows the public half only."""
    key = keep_own_key(tmp_path)
    plan = StationPlan(costs=Costs(0, 0, 0, 0), authorized_key=key.line)
    async with Station(plan) as station:
        address = StationAddress(station.host, station.ssh_port, plan.login, key_file=key.file)
        async with kept(HostLink("pc1", address)) as link:
            await first_answer(link)
            assert link.up


# -- handing it out --------------------------------------------------------------------------------------------------


def test_the_script_is_handed_out_under_its_own_path_only():
    heard: list[str] = []
    with handing_out(b"script", "x.ps1", "127.0.0.1", 0, heard.append) as handing:
        assert fetched(handing.url) == b"script"
        for wrong in ("/", "/x.ps1", "/../x.ps1"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                fetched(re.sub(r"(?<=\d)/.*", wrong, handing.url))
            assert refused.value.code == 404
            refused.value.close()
        assert (handing.fetched, heard) == (1, ["127.0.0.1"])
        with (
            pytest.raises(PortNotOpened, match="--serve-port"),
            handing_out(b"", "x", "127.0.0.1", int(handing.url.split(":")[2].split("/")[0]), heard.append),
        ):
            pass
    with pytest.raises(urllib.error.URLError):
        fetched(handing.url)


def test_handing_out_asks_no_name_service(monkeypatch: pytest.MonkeyPatch):
    """Python's server looks its own address up backwards before it listens: seconds of silence where no DNS answers."""
    asked: list[str] = []
    monkeypatch.setattr(socket, "getfqdn", lambda name="": asked.append(name) or name)
    with handing_out(b"x", "y.ps1", "127.0.0.1", 0, [].append) as handing:
        got = urllib.request.urlopen(handing.url, timeout=5)  # noqa: S310 - our own server's
        assert got.read() == b"x"
        got.close()

    assert asked == []


def test_serving_says_what_to_paste_and_ends_with_ctrl_c(tmp_path: Path):
    """The line that is printed fetches what its digest says; the QR code is drawn beside it."""
    process = subprocess.Popen(
        [*PROGRAM, "--router", "127.0.0.1", "--qr", "--serve-port", str(free_port())],
        env=environment(tmp_path) | {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.decode())
        if "Ctrl-C" in lines[-1]:
            break
    (command,) = [line for line in lines if line.startswith("$f=")]
    url = re.search(r"'(http://[^']+)'", command)
    assert url is not None
    content = fetched(url[1])
    told = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)

    assert hashlib.sha256(content).hexdigest().upper() in command
    assert content.startswith(b"\xef\xbb\xbf")
    assert sum("█" in line for line in lines) > 20
    assert told == b"fetched by 127.0.0.1\n"
    assert process.returncode == 0


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own server's
        content: bytes = answer.read()
    return content


# -- the command -----------------------------------------------------------------------------------------------------


def test_printed_and_written_are_the_same_bytes_and_hold_no_private_key(tmp_path: Path):
    written = bootstrap(tmp_path, "--router", "192.168.1.1", "--login", "Игрок 1", "--port", "2222")
    printed = bootstrap(tmp_path, "--router", "192.168.1.1", "--login", "Игрок 1", "--port", "2222", "--print")

    assert written.returncode == printed.returncode == 0, written.stderr + printed.stderr
    content = (tmp_path / "drova_gate_pc.ps1").read_bytes()
    assert printed.stdout == content
    assert "[string] $Login = 'Игрок 1'".encode() in content
    assert b"[int] $Port = '2222'" in content
    secret = (tmp_path / "state" / "gate_key").read_bytes()
    assert SecretStr(secret.decode()).get_secret_value().split("\n")[1].encode() not in content
    assert b"drova_gate init" in written.stdout
    assert b"made" in written.stderr
    assert b"made" not in printed.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--router", "nonsense"),
        ("--router", "192.168.1.1", "--login", "a;b"),
        ("--router", "192.168.1.1", "--port", "0"),
        ("--router", "192.168.1.1", "--minutes", "1000", "--serve"),
        ("--router", "192.168.1.1", "--qr", "--print"),
        ("--print", "--serve"),
    ],
)
def test_half_typed_arguments_are_said_and_nothing_is_made(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("DROVA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    try:
        code: object = main(["bootstrap", *arguments])
    except SystemExit as usage:
        code = usage.code

    assert code == 2
    assert capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    done = bootstrap(tmp_path, "--router", "192.168.1.1", "--out", "no/such/x.ps1")

    assert done.returncode == 1
    assert b"no/such/x.ps1: cannot be written" in done.stderr


def test_no_half_of_a_script_is_left_and_no_sudo_is_advised_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A limit on file size plays a full disk for every user; half a script stayed behind to be run as administrator."""
    monkeypatch.setenv("DROVA_STATE_DIR", str(tmp_path / "state"))
    out = tmp_path / "pc.ps1"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        code = main(["bootstrap", "--router", "192.168.1.1", "--out", str(out)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert code == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not out.exists()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(CallOwner, match=r"No space left.*; make room there, or set DROVA_STATE_DIR"):
        raise not_written(tmp_path / "gate_key", full)


def test_a_file_that_was_not_opened_is_left_as_it_is(tmp_path: Path):
    """An older file that refused to be written was deleted. A program that runs refuses even root."""
    busy = tmp_path / "busy"
    shutil.copy(str(shutil.which("sleep")), busy)
    with subprocess.Popen([busy, "60"]) as somebody:
        done = bootstrap(tmp_path, "--router", "192.168.1.1", "--out", str(busy))
        somebody.kill()

    assert done.returncode == 1
    assert b"cannot be written" in done.stderr
    assert busy.read_bytes() == Path(str(shutil.which("sleep"))).read_bytes()


def test_an_old_python_is_told_so(tmp_path: Path):
    """A clone is run with whatever there is; what tells it must itself be readable for an old Python."""
    main = Path(__file__).parents[2] / "drova_gate" / "__main__.py"
    for version in ((3, 7), (3, 10)):
        ast.parse(main.read_text(encoding="utf-8"), feature_version=version)
        ast.parse((main.parent / "__init__.py").read_text(encoding="utf-8"), feature_version=version)
    code = f"import sys, runpy; sys.version_info = (3, 10, 12, 'final', 0); runpy.run_path({str(main)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert done.stderr.strip() == (
        "drova_gate: needs Python 3.11 or later, and this is 3.10; run it with python3.11, or install that one first"
    )
