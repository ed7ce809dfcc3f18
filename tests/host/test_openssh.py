"""The link against Debian's real sshd on loopback: the parts of SSH that a simulator of ours could get wrong with us."""

import asyncio
import getpass
import logging
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from simulated import kept

from drova_gate.errors import (
    HostKeyChanged,
    LoginRefused,
    OutcomeUnknown,
    ShellNotSupported,
    StationUnreachable,
    TryAgain,
)
from drova_gate.host import link as link_module
from drova_gate.host.commands import Run, Say
from drova_gate.host.link import HostLink, StationAddress

SSHD = shutil.which("sshd") or ("/usr/sbin/sshd" if Path("/usr/sbin/sshd").exists() else None)
SFTP = "/usr/lib/openssh/sftp-server"

pytestmark = [
    pytest.mark.openssh,
    pytest.mark.skipif(not SSHD or not Path(SFTP).exists(), reason="OpenSSH's sshd is not installed"),
]

# Answers the gate's first two commands like cmd.exe, then hands the rest to sh: what is tested here is SSH, not a shell.
ANSWERS = f"""#!/bin/sh
case "$SSH_ORIGINAL_COMMAND" in
  'echo %OS% '*) echo 'Windows_NT $PSVersionTable.PSVersion.Major' ;;
  'echo @@ SystemRoot '*)
    printf '@@ SystemRoot C:\\\\Windows\\r\\n@@ ProgramData C:\\\\ProgramData\\r\\n'
    printf '@@ USERPROFILE C:\\\\Users\\\\gate\\r\\n@@ COMPUTERNAME PC1\\r\\n' ;;
  {SFTP}) exec {SFTP} ;;
  *) eval "$SSH_ORIGINAL_COMMAND" ;;
esac
"""


@dataclass
class Server:
    folder: Path
    port: int
    process: asyncio.subprocess.Process

    def address(self, **changes: object) -> StationAddress:
        settings: dict = {"key_file": self.folder / "user", "host_key": None} | changes
        return StationAddress("127.0.0.1", self.port, getpass.getuser(), **settings)


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def fingerprint_of(path: Path) -> str:
    printed = subprocess.run(["ssh-keygen", "-l", "-f", f"{path}.pub"], check=True, capture_output=True, text=True)
    return printed.stdout.split()[1]


@asynccontextmanager
async def serving(folder: Path, *, max_sessions: int = 10, answers: bool = True) -> AsyncIterator[Server]:
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd, started by root, wants its privilege separation folder
    make_key(folder / "host")
    make_key(folder / "user")
    (folder / "answers").write_text(ANSWERS)
    (folder / "answers").chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"PidFile {folder / 'pid'}",
        f"AuthorizedKeysFile {folder / 'user.pub'}",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin yes",
        f"MaxSessions {max_sessions}",
        f"Subsystem sftp {SFTP}",
        f"ForceCommand {folder / 'answers'}" if answers else "",
    ]
    (folder / "conf").write_text("\n".join(lines) + "\n")
    process = await asyncio.create_subprocess_exec(
        str(SSHD), "-D", "-e", "-f", str(folder / "conf"), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                break
        yield Server(folder, port, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def program(folder: Path, text: str) -> Run:
    """One program to run: a line rendered for cmd.exe means other things to sh."""
    path = folder / f"program{len(list(folder.glob('program*')))}"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return Run(str(path))


SSHD_HERE = 'p=$PPID; while case "$(ps -o comm= $p)" in sshd*) false;; esac; do p=$(ps -o ppid= $p); done; '
"""Finds the sshd process of this connection among the ancestors of a program."""
CUT = SSHD_HERE + "sleep 0.2; kill -9 $p\n"


async def fault_of(link: HostLink, kind: type[Exception]) -> Exception:
    """The link's fault, once it is of this kind."""
    for _ in range(200):
        if isinstance(link.fault, kind) and "not connected yet" not in str(link.fault):
            return link.fault
        await asyncio.sleep(0.05)
    raise AssertionError(link.fault)


async def test_connects_learns_the_key_and_runs(tmp_path, caplog):
    """First use: the key is learned and pinned privately, commands run, their exit status and bytes arrive."""
    caplog.set_level(logging.DEBUG)
    pin = tmp_path / "state" / "pc1.hostkey"
    async with serving(tmp_path) as server, kept(HostLink("pc1", server.address(), pin)) as link:
        await link.wait_up(10)
        done = await link.run([program(tmp_path, "printf '\\230ok'; exit 7")])

        assert (done.exit_status, done.stdout) == (7, "Шok")
        assert link.variables["SystemRoot"] == r"C:\Windows"
        assert (link.connections, link.commands_sent) == (1, 3)
        assert link.fault is None
    fingerprint = fingerprint_of(tmp_path / "host")
    assert pin.read_text() == f"ssh-ed25519 {fingerprint}\n"
    assert pin.stat().st_mode & 0o777 == 0o600
    assert caplog.text.count("learned its host key") == 1
    assert not [record for record in caplog.records if record.name.startswith("asyncssh")]


async def test_changed_host_key_is_refused(tmp_path):
    """Another key than the pinned one: both fingerprints named, no login tried, nothing sent."""
    pin = tmp_path / "pin"
    pin.write_text("ssh-ed25519 SHA256:" + "x" * 43 + "\n")
    async with serving(tmp_path) as server, kept(HostLink("pc1", server.address(), pin)) as link:
        fault = await fault_of(link, HostKeyChanged)

        assert "SHA256:xxx" in str(fault)
        assert str(fault).count("SHA256:") == 2
        assert "no login was tried" in str(fault)
        assert str(pin) in str(fault)
        assert not link.up
        with pytest.raises(HostKeyChanged):
            await link.run([Say("hello")])
        assert link.commands_sent == 0


async def test_host_key_of_the_settings_counts(tmp_path):
    """WINDOWS_HOST_KEY is enough, and nothing is written to the pin file then."""
    async with serving(tmp_path) as server:
        address = server.address(host_key=fingerprint_of(tmp_path / "host"))
        async with kept(HostLink("pc1", address, tmp_path / "pin")) as link:
            await link.wait_up(10)
    assert not (tmp_path / "pin").exists()


async def test_unknown_key_is_a_refused_login(tmp_path):
    """A key that sshd does not know: LoginRefused, with what to do."""
    async with serving(tmp_path) as server:
        make_key(tmp_path / "other")
        async with kept(HostLink("pc1", server.address(key_file=tmp_path / "other"))) as link:
            assert "WINDOWS_LOGIN" in str(await fault_of(link, LoginRefused))


async def test_linux_shell_is_not_supported(tmp_path):
    """A shell that is neither cmd.exe nor PowerShell is named, and nothing more is sent to it."""
    async with serving(tmp_path, answers=False) as server, kept(HostLink("pc1", server.address())) as link:
        await fault_of(link, ShellNotSupported)

        assert link.commands_sent == 1


async def test_max_sessions_is_waited_out(tmp_path):
    """More commands at once than sshd has channels for: each gets its turn."""
    async with serving(tmp_path, max_sessions=3) as server, kept(HostLink("pc1", server.address())) as link:
        await link.wait_up(10)
        done = await asyncio.gather(*(link.run([program(tmp_path, f"sleep 0.1; echo {n}")]) for n in range(6)))

        assert [each.stdout.strip() for each in done] == list("012345")
        assert link.connections == 1


async def test_max_sessions_used_up_by_others(tmp_path, monkeypatch):
    """No channel in time: TryAgain naming MaxSessions, and the connection stays good."""
    monkeypatch.setattr(link_module, "OPEN_PAUSES", (0.01,))
    async with serving(tmp_path, max_sessions=2) as server, kept(HostLink("pc1", server.address())) as link:
        await link.wait_up(10)
        async with asyncio.TaskGroup() as group:
            long = group.create_task(link.run([Run("sleep", ("1",))]))
            await asyncio.sleep(0.3)
            with pytest.raises(TryAgain, match="MaxSessions"):
                await link.run([Say("hello")])
            assert (await long).exit_status == 0
        assert (await link.run([Run("echo", ("again",))])).stdout == "again\n"


async def test_files(tmp_path):
    """Files are written in parallel into a new folder, read back, found, removed; absence is None, never an error."""
    folder = tmp_path / "new"
    files = {f"{folder}/{n}.bin": os.urandom(1000 * n) for n in range(9)}
    async with serving(tmp_path) as server, kept(HostLink("pc1", server.address())) as link:
        await link.wait_up(10)
        await link.write_all(files)
        await link.write_all(files)

        for path, data in files.items():
            assert await link.read(path) == data
        assert await link.read(f"{folder}/none") is None
        assert await link.read(f"{tmp_path}/nowhere/none") is None
        assert await link.exists(f"{folder}/3.bin")
        assert await link.names(str(folder)) == [f"{n}.bin" for n in range(9)]
        assert await link.names_if_there(str(folder)) == [f"{n}.bin" for n in range(9)]
        assert await link.names_if_there(f"{tmp_path}/nowhere") is None
        assert await link.read_at(f"{folder}/8.bin", 7990, 1000) == files[f"{folder}/8.bin"][7990:]
        assert await link.read_at(f"{folder}/8.bin", 9000, 10) == b""
        assert await link.read_at(f"{folder}/none", 0, 10) is None
        assert await link.size_of(f"{folder}/8.bin") == 8000
        assert await link.size_of(f"{folder}/none") is None
        assert (await link.free_space(str(folder)) or 0) > 0
        assert await link.remove(f"{folder}/3.bin")
        assert not await link.remove(f"{folder}/3.bin")
        assert not await link.exists(f"{folder}/3.bin")
        with pytest.raises(TryAgain, match="larger"):
            await link.read(f"{folder}/8.bin", limit=100)
        with pytest.raises(TryAgain):
            await link.write_all({f"{tmp_path}/a/b/c/d": b"x"})


async def test_sftp_channel_that_died_is_opened_anew(tmp_path):
    """Killing the SFTP server costs nothing: the next call opens a new channel on the same connection."""
    async with serving(tmp_path) as server, kept(HostLink("pc1", server.address())) as link:
        await link.wait_up(10)
        await link.write_all({f"{tmp_path}/x": b"1"})
        before = link._live.sftp
        await link.run([program(tmp_path, SSHD_HERE + "kill $(pgrep -P $p sftp-server)")])

        assert await link.read(f"{tmp_path}/x") == b"1"
        assert link._live.sftp is not before
        assert link.connections == 1


async def test_drop_while_running_is_unknown_not_success(tmp_path, caplog):
    """F2: the link breaks under a command: OutcomeUnknown with what was printed, one warning, and up again by itself."""
    caplog.set_level(logging.INFO)
    changes = []
    async with serving(tmp_path) as server, kept(HostLink("pc1", server.address(), tmp_path / "pin")) as link:
        link.on_change = lambda: changes.append(link.up)
        await link.wait_up(10)
        with pytest.raises(OutcomeUnknown) as caught:
            await link.run([program(tmp_path, "echo half; " + CUT)])

        assert caught.value.partial == "half\n"
        link.retry_soon()
        await link.wait_up(10)
        assert link.connections == 2
        assert (await link.run([Run("echo", ("again",))])).stdout == "again\n"
    assert changes[:3] == [True, False, True]
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "SSH link lost" in warnings[0]
    assert "up again after" in caplog.text


async def test_lost_end_of_a_reboot_is_normal(tmp_path, caplog):
    """For the reboot command a lost end is no error, and no warning either."""
    caplog.set_level(logging.INFO)
    async with serving(tmp_path) as server, kept(HostLink("pc1", server.address())) as link:
        await link.wait_up(10)
        done = await link.run([program(tmp_path, "echo bye; " + CUT)], lost_is_fine=True)

        assert (done.exit_status, done.stdout) == (None, "bye\n")
        await fault_of(link, StationUnreachable)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_time_out_is_unknown(tmp_path):
    """No end within the time: OutcomeUnknown with what was printed; the link stays up."""
    async with serving(tmp_path) as server, kept(HostLink("pc1", server.address())) as link:
        await link.wait_up(10)
        with pytest.raises(OutcomeUnknown) as caught:
            await link.run([program(tmp_path, "echo half; sleep 5")], timeout=2.5)

        assert caught.value.partial == "half\n"
        assert link.up


async def test_station_off_is_tried_patiently(caplog):
    """F4: connection refused: one warning, then silence, and no storm of attempts."""
    caplog.set_level(logging.DEBUG, "drova_gate")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        link = HostLink("pc1", StationAddress("127.0.0.1", free.getsockname()[1], "gate"))
        async with kept(link):
            with pytest.raises(StationUnreachable, match="refused"):
                await link.wait_up(1.5)
    tries = [record for record in caplog.records if "no SSH at" in record.getMessage()]
    assert 1 <= len(tries) <= 3
    assert [record.levelno for record in tries].count(logging.WARNING) == 1


async def test_dropped_unclosed_warns(tmp_path):
    """A link that is dropped while up warns: somebody forgot to close it."""
    async with serving(tmp_path) as server:
        link = HostLink("pc1", server.address())
        async with kept(link):
            await link.wait_up(10)
            with pytest.warns(ResourceWarning, match="pc1"):
                link.__del__()
