"""An SSH server that behaves as OpenSSH on Windows does: no terminal, ten sessions, commands that outlive their link."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncssh

from drova_gate.sim.port import Port
from drova_gate.sim.sftp import Files, Sftp

__all__ = ["Door", "SshFront", "Write"]

log = logging.getLogger(__name__)

_SFTP_VERSION = 3
"""The one that OpenSSH speaks."""
MAX_SESSIONS = 10
"""Of one connection, an open SFTP channel included: sshd's default."""

Write = Callable[[bytes], None]


@dataclass(slots=True)
class Door:
    """What stands behind the server: who may log in, what runs a command, where the files are."""

    login: str
    password: str
    execute: Callable[[str, Write, Write], Awaitable[int]]
    """Run a command to its end, writing stdout and stderr; its exit code. ``OSError``: the machine went down."""
    files: Files
    home: str
    """The login's profile folder: where relative SFTP paths begin."""
    authorized_key: str | None = None
    max_sessions: int = MAX_SESSIONS
    version: str = "OpenSSH_for_Windows_9.5"
    sftp: bool = True
    refuses_logins: Callable[[], bool] = lambda: False
    entered: Callable[[], None] = lambda: None
    """Called at each successful login."""
    began: Callable[[str], None] = lambda _: None
    """Called with each command's text as it comes in."""
    ended: Callable[[str], None] = lambda _: None
    """Called when a command has run to its end."""
    commands: list[str] = field(default_factory=list)


class SshFront:
    """One sshd on loopback; it can be closed and opened again on the same port."""

    def __init__(self, door: Door, *, host: str = "127.0.0.1") -> None:
        self.door = door
        self._port = Port(host)
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.running: set[asyncio.Task[None]] = set()
        """Commands at work; they outlive the connection that sent them."""
        self._sessions: dict[asyncio.Task[None], _Session] = {}
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._listener: asyncssh.SSHAcceptor | None = None
        self._down = False

    @property
    def port(self) -> int:
        """Stays the same when it is closed and opened again; 0 before the first time."""
        return self._port.number

    @property
    def host_key_fingerprint(self) -> str:
        """``SHA256:...``."""
        return self.host_key.get_fingerprint()

    @property
    def links(self) -> int:
        """Connections that are up."""
        return len(self._connections)

    async def open(self) -> None:
        """Take connections."""
        if self._listener is not None:
            return
        self._down = False
        opening = asyncio.ensure_future(self._listen())
        try:
            self._listener = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The station closes while it boots: what is being opened must be known before it can be closed.
            (await opening).close()
            raise

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            sock=self._port.bound(),
            server_factory=lambda: _Server(self),
            server_host_keys=[self.host_key],
            server_version=self.door.version,
            # Windows' sshd prefers these too, and they are the cheap ones here.
            encryption_algs=["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"],
            compression_algs=["none"],
            encoding=None,
            allow_scp=False,
            agent_forwarding=False,
            gss_host=None,
        )

    def new_host_key(self) -> None:
        """From the next connection on another host key is shown."""
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        if self._listener is not None:
            self._listener.update(server_host_keys=[self.host_key])

    def cut(self) -> None:
        """Cut every link at once; commands run on."""
        for connection in list(self._connections):
            connection.abort()

    async def shut(self) -> None:
        """Cut every link and take no more: connections are refused. Commands run on."""
        self._down = True
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
            await listener.wait_closed()
        waiting = [connection.wait_closed() for connection in self._connections]
        self.cut()
        await asyncio.gather(*waiting)

    async def stop_commands(self) -> None:
        """The machine went down: nothing runs any more."""
        tasks = [task for task in self.running if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Close for good."""
        await self.shut()
        await self.stop_commands()
        self._port.give_back()

    # -- called by the connections -------------------------------------------------------------------------------

    def connected(self, connection: asyncssh.SSHServerConnection) -> None:
        """A connection is up; one that was accepted as the machine went down is cut like the others."""
        self._connections.add(connection)
        if self._down:
            connection.abort()

    def disconnected(self, connection: asyncssh.SSHServerConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def start(self, session: "_Session", command: str) -> None:
        """Run a command in a task of the front's own: no connection's end ends it."""
        self.door.commands.append(command)
        self.door.began(command)
        task = asyncio.create_task(
            self._run(session, command), name=f"ssh {self.port}: command {len(self.door.commands)}"
        )
        self.running.add(task)
        self._sessions[task] = session
        task.add_done_callback(self.running.discard)
        task.add_done_callback(self._sessions.pop)

    def kill_commands(self, code: int) -> None:
        """End every command at work in its middle, as Task Manager does; its channel ends with this exit code."""
        for task, session in list(self._sessions.items()):
            task.cancel()
            session.leave(code)

    async def _run(self, session: "_Session", command: str) -> None:
        try:
            code = await self.door.execute(command, session.send_stdout, session.send_stderr)
        except OSError as error:
            log.debug("ssh %d: a command ended with its machine: %s", self.port, error)
            return
        self.door.ended(command)
        session.leave(code)


class _Server(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, front: SshFront) -> None:
        self._front = front
        self._connection: asyncssh.SSHServerConnection | None = None
        self.sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._front.connected(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncssh's signature
        if self._connection is not None:
            self._front.disconnected(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 -- asyncssh's signature
        return True

    def auth_completed(self) -> None:
        self._front.door.entered()

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        door = self._front.door
        return not door.refuses_logins() and username.lower() == door.login.lower() and password == door.password

    def public_key_auth_supported(self) -> bool:
        return self._front.door.authorized_key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        door = self._front.door
        if door.refuses_logins() or door.authorized_key is None or username.lower() != door.login.lower():
            return False
        return key.public_data == asyncssh.import_public_key(door.authorized_key).public_data

    def session_requested(self) -> "asyncssh.SSHServerSession[bytes]":
        if self.sessions >= self._front.door.max_sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        self.sessions += 1
        return _Session(self._front, self)


class _Session(asyncssh.SSHServerProcess[bytes]):
    """One channel: a command, or SFTP; neither a terminal nor an interactive shell."""

    def __init__(self, front: SshFront, server: _Server) -> None:
        door = front.door
        super().__init__(self._begin, lambda channel: Sftp(channel, door.files, door.home), _SFTP_VERSION, False)
        self._front, self._server = front, server

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.sessions -= 1
        super().connection_lost(exc)

    def pty_requested(self, term_type: str, term_size: object, term_modes: object) -> bool:  # noqa: ARG002 -- asyncssh's signature
        return False

    def shell_requested(self) -> bool:
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp" and self._front.door.sftp

    def _begin(self, _: "asyncssh.SSHServerProcess[bytes]") -> None:
        self._front.start(self, self.command or "")

    def send_stdout(self, data: bytes) -> None:
        """Pass on what the command printed; nobody there to read is no error of the command."""
        if data and not self.is_closing():
            self.channel.write(data)

    def send_stderr(self, data: bytes) -> None:
        """Likewise for stderr."""
        if data and not self.is_closing():
            self.channel.write(data, asyncssh.EXTENDED_DATA_STDERR)

    def leave(self, code: int) -> None:
        """Send the exit status and close the channel; asyncssh, on either side, keeps the lowest 8 bits of Windows' 32."""
        if not self.is_closing():
            self.exit(code)
