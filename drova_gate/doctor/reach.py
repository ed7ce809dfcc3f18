"""Checks of the way to the station: TCP, SSH, its host key, the login, its shell, its files, how much it takes at once."""

import asyncio
import re
import shlex
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drova_gate.doctor import facts
from drova_gate.doctor.examination import Blocked, Examination, Spec, Subject
from drova_gate.doctor.verdict import Cure, Verdict, Where, failed, fine, powershell_word, warned
from drova_gate.errors import (
    AnswerNotUnderstood,
    GateError,
    HostKeyChanged,
    LoginRefused,
    OutcomeUnknown,
    SettingsFault,
    SftpMissing,
    ShellNotSupported,
)
from drova_gate.files import is_closed
from drova_gate.host.commands import Shell
from drova_gate.host.pin import Pin, read_pin
from drova_gate.visit import first_answer

__all__ = ["CHECKS"]

TCP_SECONDS = 5.0
"""For a TCP connection on a LAN; a station that is off answers nothing at all."""
BANNER_SECONDS = 5.0
"""sshd names itself at once; one that is out of connections (MaxStartups) says nothing."""
WANTED_SESSIONS = 9
"""The gate's eight commands at once, and its SFTP channel."""
OLD_OPENSSH = 8.0
"""7.7 misread some command lines; everything here was tried with 8 and later."""
DEFAULT_SHELL = r"C:\Windows\System32\cmd.exe"

_AFTER_LOGIN = ShellNotSupported | SftpMissing | AnswerNotUnderstood | OutcomeUnknown
"""Faults of a link whose key was right and whose login was taken."""

_BANNER = re.compile(r"SSH-[\d.]+-(\S+)")
_VERSION = re.compile(r"OpenSSH_(?:for_Windows_)?(\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class _Greeting:
    """What the SSH port did: why it took no connection, or what it said first."""

    refused: str = ""
    answered: bool = False
    """Something at that address said that nobody listens there: the PC is on."""
    named: bool = True
    """The station's name was found."""
    banner: str = ""


async def _greeting(exam: Examination) -> _Greeting:
    config = exam.config
    try:
        async with asyncio.timeout(TCP_SECONDS):
            reader, writer = await asyncio.open_connection(config.host, config.ssh_port)
    except TimeoutError:
        return _Greeting(refused=f"no answer within {TCP_SECONDS:g} s")
    except socket.gaierror as error:
        return _Greeting(refused=error.strerror or str(error), named=False)
    except OSError as error:
        return _Greeting(refused=error.strerror or str(error), answered=isinstance(error, ConnectionRefusedError))
    try:
        async with asyncio.timeout(BANNER_SECONDS):
            line = await reader.readline()
    except (OSError, ValueError):  # TimeoutError is one of the first, an endless line the second
        line = b""
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return _Greeting(banner=line.decode("ascii", "replace").strip()[:100])


async def _link_fault(exam: Examination) -> GateError | None:
    """Wait for the link or its first refusal."""
    try:
        await first_answer(exam.link)
    except GateError as fault:
        return fault
    return None


async def _tcp(exam: Examination) -> Verdict:
    place = f"{exam.config.host}:{exam.config.ssh_port}"
    greeting = await exam.once(_greeting)
    if not greeting.named:
        return failed(
            f"{exam.config.host} is no name that this machine can look up ({greeting.refused})",
            "write the station's address into WINDOWS_HOST, and give it a fixed one in the router's DHCP",
            Cure(Where.STATION, "Get-NetIPAddress -AddressFamily IPv4 | Select-Object IPAddress"),
            Cure(Where.SETTINGS, "WINDOWS_HOST=  # that address"),
        )
    if greeting.refused:
        hint = (
            "the PC is on, and nobody listens on that port: start its OpenSSH server, or set WINDOWS_SSH_PORT"
            if greeting.answered
            else f"is the station on, its OpenSSH server running, and port {exam.config.ssh_port} allowed in its firewall?"
        )
        return failed(
            f"no connection to {place} ({greeting.refused})",
            hint,
            Cure(Where.STATION, "Get-Service sshd | Start-Service; Set-Service sshd -StartupType Automatic"),
            Cure(
                Where.STATION,
                f"Get-NetTCPConnection -State Listen -LocalPort {exam.config.ssh_port}; "
                "Get-NetFirewallRule -Name OpenSSH-Server-In-TCP",
            ),
            Cure(Where.STATION, "Get-NetIPAddress -AddressFamily IPv4  # is WINDOWS_HOST still its address?"),
        )
    return fine(f"{place} takes connections")


async def _banner(exam: Examination) -> Verdict:
    banner = (await exam.once(_greeting)).banner
    named = _BANNER.match(banner)
    if named is None:
        what = f"says {banner!r}" if banner else "says nothing"
        return failed(
            f"the port {what}, not SSH",
            "another program listens there, or sshd is out of connections; set WINDOWS_SSH_PORT, or restart sshd",
            Cure(
                Where.STATION,
                f"Get-Process -Id (Get-NetTCPConnection -State Listen -LocalPort {exam.config.ssh_port}).OwningProcess",
            ),
            Cure(Where.STATION, "Restart-Service sshd"),
        )
    version = _VERSION.match(named[1])
    if version is None:
        return warned(
            f"{named[1]}: not OpenSSH",
            "the gate was tried with Windows' own OpenSSH server only; install that one if a command misbehaves",
            Cure(Where.STATION, "Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0"),
        )
    if float(version[1]) < OLD_OPENSSH:
        return warned(
            f"{named[1]} is old, and known to misread command lines",
            "update Windows, or install OpenSSH 8 or later",
            Cure(Where.STATION, "Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0"),
        )
    return fine(named[1])


async def _host_key(exam: Examination) -> Verdict:
    fault = await exam.once(_link_fault)
    pin_file = exam.state_dir / exam.config.name / "host_key"
    if isinstance(fault, HostKeyChanged):
        forget = (
            Cure(Where.SETTINGS, "WINDOWS_HOST_KEY=  # the new fingerprint, as printed on the station's own screen")
            if exam.config.host_key
            else Cure(Where.ROUTER, shlex.join(["rm", str(pin_file)]))
        )
        return failed(fault.fact, fault.advice, _SHOW_KEY, forget)
    if isinstance(fault, SettingsFault) and is_closed(pin_file):
        return failed(
            f"the pinned one in {pin_file} may not be read by this user, so no login was tried",
            "look as the gate's own user or as root; or set WINDOWS_HOST_KEY",
            Cure(Where.ROUTER, shlex.join(["sudo", "drova_gate", "doctor", exam.config.name])),
        )
    if isinstance(fault, SettingsFault):
        return failed(
            str(fault),
            "delete the file if it is damaged: the key is learned again",
            Cure(Where.ROUTER, shlex.join(["rm", str(pin_file)])),
        )
    if fault is not None and not isinstance(fault, LoginRefused | _AFTER_LOGIN):
        raise Blocked("ssh")  # no key was seen
    shown = exam.link.host_key
    if exam.config.host_key:
        return fine(f"as WINDOWS_HOST_KEY says: {exam.config.host_key}")
    if pinned := _pinned(pin_file):
        return fine(f"the pinned one: {pinned}")
    if shown:
        return warned(
            f"{shown}, not pinned yet",
            "the gate pins what it sees at its first start; compare it with what the station itself shows, and write it"
            " into the settings",
            _SHOW_KEY,
            Cure(Where.SETTINGS, f"WINDOWS_HOST_KEY={shown}"),
        )
    return warned(
        "not pinned yet, and not seen without a login",
        "mend the login first; the gate pins what it sees at its first start",
    )


def _pinned(file: Path) -> Pin | None:
    """The pinned key; ``None`` as well where the settings name one and this user may not read the file."""
    try:
        return read_pin(file)
    except SettingsFault:
        return None


_SHOW_KEY = Cure(
    Where.STATION, r"Get-ChildItem C:\ProgramData\ssh\ssh_host_*_key.pub | ForEach-Object { ssh-keygen -lf $_ }"
)


async def _ssh(exam: Examination) -> Verdict:
    fault = await exam.once(_link_fault)
    config = exam.config
    if isinstance(fault, LoginRefused):
        return failed(
            fault.fact,
            fault.advice,
            Cure(
                Where.ROUTER, shlex.join(["ssh", "-p", str(config.ssh_port), f"{config.login}@{config.host}", "whoami"])
            ),
            Cure(Where.SETTINGS, "WINDOWS_PASSWORD=  # the password of that account"),
            Cure(
                Where.STATION,
                f"Get-LocalUser {powershell_word(config.login)} | Format-List Name, Enabled, PasswordExpires",
            ),
        )
    if isinstance(fault, HostKeyChanged | SettingsFault):
        raise Blocked("host_key")  # no login was tried
    if fault is None or isinstance(fault, _AFTER_LOGIN):
        how = "key" if config.key_file and not config.password else "password"
        return fine(f"logged in as {config.login} by {how}")
    return failed(fault.fact, fault.advice, Cure(Where.STATION, "Restart-Service sshd"))


async def _shell(exam: Examination) -> Verdict:
    fault = await exam.once(_link_fault)
    reset = Cure(Where.STATION, r"Remove-ItemProperty HKLM:\SOFTWARE\OpenSSH DefaultShell")
    if isinstance(fault, OutcomeUnknown):
        return failed(
            f"no first answer: {fault.fact}",
            "is DisableCMD set to 1 for the login? Then cmd.exe waits for a key for ever; or its profile script hangs",
            Cure(
                Where.STATION,
                r"Remove-ItemProperty HKCU:\Software\Policies\Microsoft\Windows\System DisableCMD  # as that account",
            ),
            reset,
        )
    if fault is not None and not isinstance(fault, SftpMissing):
        return failed(fault.fact, fault.advice, reset)
    # With SFTP missing the link does not stay up, and what its shell is cannot be read off it.
    if fault is not None:
        return fine("answers")
    return fine("cmd.exe" if exam.link.shell is Shell.CMD else "PowerShell")


async def _sftp(exam: Examination) -> Verdict:
    fault = await exam.once(_link_fault)
    mend = _sshd_config("Subsystem sftp sftp-server.exe")
    if isinstance(fault, SftpMissing):
        return failed(fault.fact, fault.advice, mend)
    folder = exam.link.variables["ProgramData"]
    if not await exam.link.exists(folder):
        return failed(
            f"{folder} is not to be seen over SFTP", "is its sshd_config limited to one folder (ChrootDirectory)?", mend
        )
    return fine(f"{folder} is there")


def _sshd_config(line: str) -> Cure:
    return Cure(
        Where.BY_HAND,
        rf"in C:\ProgramData\ssh\sshd_config, above its first Match line, write: {line}; then Restart-Service sshd",
    )


async def _max_sessions(exam: Examination) -> Verdict:
    taken = await exam.link.count_sessions(WANTED_SESSIONS)
    mend = _sshd_config("MaxSessions 10")
    if taken < 2:
        return failed(
            "sshd takes one session at a time: SFTP and no command", "set MaxSessions 10 in its sshd_config", mend
        )
    if taken < WANTED_SESSIONS:
        exam.slots = asyncio.Semaphore(taken - 1)
        return warned(
            f"sshd takes {taken} sessions at once; the gate uses up to {WANTED_SESSIONS}",
            "a preparation takes longer; set MaxSessions 10 in its sshd_config",
            mend,
        )
    return fine(f"{WANTED_SESSIONS} at once or more")


async def _admin(exam: Examination) -> Verdict:
    sids = await exam.once(facts.token)
    login = exam.config.login
    join = Cure(Where.STATION, f"Add-LocalGroupMember -SID S-1-5-32-544 -Member {powershell_word(login)}")
    if not sids:
        return warned("whoami.exe tells nothing", "make sure that the login is an administrator", join)
    # High (12288) and System (16384): what an administrator's whole token has.
    if sids & {"S-1-16-12288", "S-1-16-16384"}:
        return fine(f"{login} has an administrator's whole token")
    if "S-1-5-32-544" in sids:
        return failed(
            f"{login} is an administrator, but its token is cut down",
            "sshd must run as a service (LocalSystem), not from somebody's desktop",
            Cure(
                Where.STATION, "Get-CimInstance Win32_Service -Filter \"Name='sshd'\" | Select-Object StartName, State"
            ),
        )
    return failed(f"{login} is no administrator", "nothing can be protected or locked; make it one", join)


_SSH = ("max_sessions",)

CHECKS = (
    Spec("tcp", Subject.WAY, (), _tcp),
    Spec("banner", Subject.WAY, ("tcp",), _banner),
    Spec("host_key", Subject.WAY, ("tcp", "banner"), _host_key),
    Spec("ssh", Subject.WAY, ("tcp", "banner"), _ssh),
    Spec("shell", Subject.WAY, ("ssh",), _shell),
    Spec("sftp", Subject.WAY, ("shell",), _sftp),
    Spec("max_sessions", Subject.WAY, ("sftp",), _max_sessions),
    Spec("admin", Subject.WAY, _SSH, _admin),
)
