"""The one SSH connection to a station: kept up, its host key pinned, its SFTP channel kept open.

With ``files.py`` the only module of the package (the simulator apart) that knows asyncssh; its errors end here.
"""

import asyncio
import logging
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from drova_gate.errors import OutcomeUnknown, SettingsFault, SftpMissing, TryAgain
from drova_gate.host.address import StationAddress, host_key_changed, key_unusable, login_refused, unreachable
from drova_gate.host.commands import Command, Shell, Step, render
from drova_gate.host.files import FILES_SECONDS, Channel, StationFiles
from drova_gate.host.keeper import Keeper
from drova_gate.host.parse import decode
from drova_gate.host.pin import Pin, host_key_algorithms, read_pin, write_pin
from drova_gate.host.sent import note_sent
from drova_gate.host.shellprobe import PROBE, ask_variables, read_shell, read_variables

__all__ = ["Completed", "HostLink", "StationAddress"]

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15.0
"""TCP, key exchange and login together. A Windows that has just booted takes some seconds to load the login's profile."""
PROBE_SECONDS = 20.0
"""For each of the first commands: PowerShell's cold start on a booting disk takes up to 10 s."""
KEEPALIVE_SECONDS = 15
KEEPALIVE_MISSES = 3
"""A station whose power was cut is noticed after 45 s; sshd itself never asks (ClientAliveInterval 0)."""
CLOSE_SECONDS = 2.0
"""For a polite good-bye to a station that may be gone."""
CHANNELS = 8
"""Commands at once: sshd allows 10 channels (MaxSessions), SFTP is one, one is left for a person."""
OPEN_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Waits when sshd refuses a channel: another program on this connection or a small MaxSessions; commands take 0.1-2 s."""

_PROGRAM = re.compile(r"([\w-]+\.(?:exe|cmd))", re.IGNORECASE)

# AES-GCM first: asyncssh's own first choice, chacha20, costs 39 % more CPU for each command (measured).
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)


@dataclass(frozen=True, slots=True)
class Completed:
    """A command's end. ``exit_status`` is ``None`` only where the caller said that a lost end is fine."""

    exit_status: int | None
    stdout: str
    stderr: str


class _Client(asyncssh.SSHClient):
    """Checks the host key before any login and remembers why the connection ended."""

    def __init__(self, pin: Pin | None) -> None:
        self.pin = pin
        self.seen: Pin | None = None
        self.ended: Exception | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 -- asyncssh's signature
        self.seen = Pin(key.get_fingerprint(), key.get_algorithm())
        if self.pin is None:
            self.pin = self.seen  # a later key exchange of this connection must show the same
        return self.pin.fingerprint == self.seen.fingerprint

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = exc


@dataclass(slots=True)
class _Live:
    """One connection that is up."""

    connection: asyncssh.SSHClientConnection
    client: _Client
    sftp: asyncssh.SFTPClient
    shell: Shell = Shell.CMD
    variables: dict[str, str] = field(default_factory=dict)
    reopening: asyncio.Lock = field(default_factory=asyncio.Lock)


class HostLink(Keeper, StationFiles):
    """A station's SSH link. ``keep_up`` holds it open; everything else uses it or says at once that it is down."""

    def __init__(self, name: str, address: StationAddress, pin_file: Path | None = None) -> None:
        super().__init__(name)
        self.address = address
        self.pin_file = pin_file
        self.commands_sent = 0
        self._live: _Live | None = None
        self._unsaved_pin: Pin | None = None
        self._channels = asyncio.Semaphore(CHANNELS)

    @property
    def up(self) -> bool:
        """Whether commands can be sent now."""
        return self._live is not None and not self._live.connection.is_closed()

    @property
    def shell(self) -> Shell:
        """The shell behind sshd; the link must be up."""
        return self._required().shell

    @property
    def variables(self) -> Mapping[str, str]:
        """SystemRoot, ProgramData, USERPROFILE and COMPUTERNAME; the link must be up."""
        return self._required().variables

    @property
    def host_key(self) -> str:
        """Fingerprint of the key that the station showed; empty while the link is down."""
        seen = self._live.client.seen if self._live else None
        return seen.fingerprint if seen else ""

    def __del__(self) -> None:
        if self._live is not None:
            warnings.warn(
                f"SSH link to {self.subject} was dropped unclosed", ResourceWarning, source=self, stacklevel=2
            )

    # -- connecting --------------------------------------------------------------------------------------------------

    async def _connect(self) -> str:
        # asyncssh logs every command it sends at INFO, and passwords stand in commands.
        asyncssh.set_log_level(logging.WARNING)
        self._live = await self._open_link()
        return str(self._live.shell)

    async def _ended(self) -> str:
        live = self._live
        if live is None:
            return "closed"
        await live.connection.wait_closed()
        return str(live.client.ended or "closed by the station")

    async def _drop(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            await _hang_up(live.connection)

    async def _open_link(self) -> _Live:
        pin = self._pin()
        client = _Client(pin)
        try:
            connection, _ = await asyncssh.create_connection(
                lambda: client, self.address.host, self.address.port, **self._options(pin)
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise host_key_changed(self.subject, self.address, self.pin_file, pin, client.seen) from error
        except asyncssh.PermissionDenied as error:
            raise login_refused(self.subject, self.address) from error
        except (OSError, asyncssh.Error) as error:
            raise unreachable(self.subject, self.address, _reason(error)) from error
        try:
            live = await self._greet(connection, client)
        except BaseException:
            await _hang_up(connection)
            raise
        self._learn(client.seen)
        return live

    def _options(self, pin: Pin | None) -> dict[str, Any]:
        password = self.address.password
        return {
            "username": self.address.login,
            "password": password.get_secret_value() if password else None,
            "client_keys": [self._key(self.address.key_file)] if self.address.key_file else None,
            "preferred_auth": "publickey,password",
            # An empty list of known keys: then asyncssh asks the client object, which compares with the pin.
            "known_hosts": ([], [], [], [], [], [], []),
            "server_host_key_algs": host_key_algorithms(pin),
            "encryption_algs": list(CIPHERS),
            "compression_algs": ["none"],
            # Nothing of the user's own ssh set-up may change what we do.
            "config": None,
            "agent_path": None,
            "gss_host": None,
            "x509_trusted_certs": None,
            "x509_trusted_cert_paths": None,
            "connect_timeout": CONNECT_SECONDS,
            "login_timeout": CONNECT_SECONDS,
            "keepalive_interval": KEEPALIVE_SECONDS,
            "keepalive_count_max": KEEPALIVE_MISSES,
        }

    def _key(self, path: Path) -> asyncssh.SSHKey:
        try:
            return asyncssh.read_private_key(path)
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise key_unusable(self.subject, path, error) from error

    async def _greet(self, connection: asyncssh.SSHClientConnection, client: _Client) -> _Live:
        """Find out the shell and the variables, open SFTP."""
        probe = await self._exec(connection, Command(PROBE, PROBE), PROBE_SECONDS)
        shell = read_shell(self.subject, probe.stdout)
        asked = await self._exec(connection, render(shell, ask_variables()), PROBE_SECONDS)
        variables = read_variables(self.subject, asked.stdout)
        try:
            async with asyncio.timeout(FILES_SECONDS):
                sftp = await connection.start_sftp_client()
                if "?" in variables["USERPROFILE"]:
                    # A name outside the console's code page; SFTP speaks UTF-8 and starts in the profile.
                    variables["USERPROFILE"] = (await sftp.realpath(".")).lstrip("/").replace("/", "\\")
        except (OSError, asyncssh.Error) as error:
            raise SftpMissing(
                self.subject, f"SFTP does not start ({_reason(error)})", "look for Subsystem sftp in its sshd_config"
            ) from error
        return _Live(connection, client, sftp, shell, variables)

    def _pin(self) -> Pin | None:
        if self.address.host_key:
            return Pin(self.address.host_key)
        # The file is read anew each time: an owner who deletes it need not restart us.
        return (read_pin(self.pin_file) if self.pin_file else None) or self._unsaved_pin

    def _learn(self, seen: Pin | None) -> None:
        """Pin the key of the first connection; in memory only if the file cannot be written."""
        if seen is None or self._pin() is not None:
            return
        if self.pin_file is None:
            self._unsaved_pin = seen
            return
        try:
            write_pin(self.pin_file, seen)
        except OSError as error:
            self._unsaved_pin = seen
            log.warning("%s: host key file cannot be written (%s); mend the folder", self.subject, error)
        else:
            log.info("%s: learned its host key %s; pinned in %s", self.subject, seen, self.pin_file)

    # -- commands ----------------------------------------------------------------------------------------------------

    async def run(self, script: Iterable[Step], *, timeout: float = 30.0, lost_is_fine: bool = False) -> Completed:
        """Run a script as one command; an end that never came is ``OutcomeUnknown`` unless ``lost_is_fine``."""
        steps = tuple(script)
        live = self._required()
        if not steps:
            return Completed(0, "", "")
        try:
            command = render(live.shell, steps)
        except ValueError as error:  # above all a password that this shell cannot carry
            raise SettingsFault([f"{self.subject}: {error}; change the password or the path"]) from error
        self._end_expected = self._end_expected or lost_is_fine
        async with self._channels:
            try:
                return await self._exec(live.connection, command, timeout)
            except OutcomeUnknown as unknown:
                if not lost_is_fine:
                    raise
                return Completed(None, unknown.partial, "")

    async def _exec(self, connection: asyncssh.SSHClientConnection, command: Command, timeout: float) -> Completed:
        """Send one command and take its end; never with a terminal, which would garble output and exit codes."""
        log.debug("%s: sends %s", self.subject, command)
        process: asyncssh.SSHClientProcess[bytes] | None = None
        try:
            async with asyncio.timeout(timeout):
                process = await self._start(connection, command)
                out, err = await process.communicate()
        except TimeoutError as error:
            partial = decode(process.collect_output()[0]) if process else ""
            raise OutcomeUnknown(
                self.subject,
                f"no end of {_short(command)} within {timeout:g} s",
                "looks at the station again",
                partial=partial,
            ) from error
        finally:
            if process is not None:
                process.close()
        if process.exit_status is None:
            raise OutcomeUnknown(
                self.subject,
                f"the link broke while {_short(command)} ran",
                "looks at the station again",
                partial=decode(out),
            )
        return Completed(process.exit_status, decode(out), decode(err))

    async def _start(
        self, connection: asyncssh.SSHClientConnection, command: Command
    ) -> "asyncssh.SSHClientProcess[bytes]":
        for pause in (*OPEN_PAUSES, None):
            try:
                process = await connection.create_process(command.text, encoding=None, stdin=asyncssh.DEVNULL)
            except asyncssh.ChannelOpenError as error:
                if error.code != asyncssh.OPEN_CONNECT_FAILED and connection.is_closed():
                    raise OutcomeUnknown(
                        self.subject, f"the link broke while {_short(command)} was sent", "looks at the station again"
                    ) from error
                if connection.is_closed():
                    raise unreachable(self.subject, self.address, _reason(error)) from error
                # "open failed": MaxSessions is used up; the connection stays good.
                if pause is None:
                    raise TryAgain(
                        self.subject, f"sshd opens no channel ({error.reason})", "set MaxSessions 10 in its sshd_config"
                    ) from error
                await asyncio.sleep(pause)
            except (OSError, asyncssh.Error) as error:
                raise OutcomeUnknown(
                    self.subject, f"the link broke while {_short(command)} was sent", "looks at the station again"
                ) from error
            else:
                self.commands_sent += 1
                note_sent()
                return process
        raise AssertionError  # the last pause is None: it raised

    async def count_sessions(self, wanted: int) -> int:
        """Count how many channels sshd gives at once, up to ``wanted``, that of SFTP included.

        The others are SFTP as well, for a moment: they run no command, and need no shell.
        """
        connection = self._required().connection
        opening = (connection.start_sftp_client() for _ in range(wanted - 1))
        opened = await asyncio.gather(*opening, return_exceptions=True)
        channels = [each for each in opened if isinstance(each, asyncssh.SFTPClient)]
        for channel in channels:
            channel.exit()
        await asyncio.gather(*(channel.wait_closed() for channel in channels), return_exceptions=True)
        self._required()  # a link that broke counts nothing
        return 1 + len(channels)

    def _channel(self) -> Channel:
        return self._required()

    def _required(self) -> _Live:
        if self._live is None or self._live.connection.is_closed():
            raise self.down()
        return self._live


async def _hang_up(connection: asyncssh.SSHClientConnection) -> None:
    """Say good-bye, but not for ever: the station may be gone."""
    connection.close()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.wait_closed()
    except TimeoutError:
        connection.abort()


def _short(command: Command) -> str:
    """Name the programs of a command: its whole text is for the debug log, not for an owner."""
    names = list(dict.fromkeys(_PROGRAM.findall(str(command))))
    return ", ".join(names[-3:]) or "a command"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__
