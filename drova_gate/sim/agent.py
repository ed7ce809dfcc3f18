"""The Drova agent of a simulated station: what answers on TCP port 7985.

The real wire format is not known beyond one thing: the station says that it is ready with the byte ``0x01`` in the first
data that it sends. Afterwards this agent sends back what it receives, so that a player can check both directions, and
answers ``BULK <n>`` and a newline with ``n`` bytes of :func:`pattern`. A client that closes its sending side still gets everything
that it is owed.

Faults (looked up in the set at each connection, so they can be switched while it runs): ``agent_resets`` (spent at its first
use: it leaves the set), ``agent_silent``, ``ready_glued``, ``agent_refuses``.
"""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Callable, Iterator, MutableSet
from dataclasses import dataclass, field
from typing import Self

from drova_gate.sim.port import Port

__all__ = ["GLUED", "READY", "Agent", "AgentClient", "BulkCommands", "pattern", "reset_at_close"]

READY = b"\x01"
GLUED = b"\x00\x17station speaks first\n"
"""What follows the ready byte in the same chunk under ``ready_glued``."""

_CHUNK = 65536
_BLOCK = bytes(range(251)) * 256
"""Bulk data. 251 is prime: a piece that is lost, doubled or moved by any block size shows at once."""

_BULK_WORD = b"BULK "
_BULK = re.compile(rb"BULK (\d{1,12})\n")
_BULK_BEGUN = re.compile(rb"BULK \d{0,12}")
_OWN_CHUNK_SECONDS = 0.01
"""Pause after the ready byte, so that an echo that is due at once does not share its chunk."""
_WATCH_SECONDS = 0.05
"""How soon a switched ``agent_refuses`` closes or opens the port: quicker than a hand, and thirty stations cost nothing."""


def pattern(count: int, start: int = 0) -> bytes:
    """The bytes ``start .. start + count`` of the bulk data."""
    offset = start % 251
    repeats = (offset + count) // len(_BLOCK) + 1
    return (_BLOCK * repeats)[offset : offset + count]


def reset_at_close(writer: asyncio.StreamWriter) -> None:
    """Drop the connection with RST, as a machine that loses power or crashes does."""
    taken: socket.socket | None = writer.get_extra_info("socket")
    if taken is not None and not writer.transport.is_closing():
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(slots=True, eq=False)
class AgentClient:
    """One live connection to the agent; times are of the loop's clock."""

    peer: tuple[str, int]
    connected_at: float
    ready_at: float | None = None
    """When the ready byte was sent."""
    received: int = 0
    """Bytes that the client sent."""
    sent: int = 0
    finished: bool = False
    """The client closed its sending side."""
    writer: asyncio.StreamWriter = field(repr=False, kw_only=True)


class Agent:
    """Port 7985 of one station; after ``stop`` the same port can be started again."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        ready_delay: float = 0.3,
        faults: MutableSet[str] | None = None,
    ) -> None:
        self._port = Port(host, port)
        self.ready_delay = ready_delay
        """Seconds from a client's connect to the ready byte."""
        self.glued = False
        """Send the ready byte glued to other bytes, as ``ready_glued`` does."""
        self.faults: MutableSet[str] = set() if faults is None else faults
        self.on_ready: Callable[[], None] = lambda: None
        """Called as the ready byte goes out to a client."""
        self.accepted = 0
        """Connections taken since the agent was made."""
        self._clients: dict[asyncio.Task[None], AgentClient] = {}
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._switch: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Stays the same when it is stopped and started again; 0 before the first start, unless it was chosen."""
        return self._port.number

    @property
    def clients(self) -> tuple[AgentClient, ...]:
        """The live connections, oldest first."""
        return tuple(self._clients.values())

    async def start(self) -> None:
        """Open the port (the same as before, if it was open before); nothing happens when it already runs."""
        if self._timer is not None:
            return
        self._port.take()
        if "agent_refuses" not in self.faults:
            await self._listen()
        self._timer = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._look)

    async def stop(self) -> None:
        """Take no more clients and drop each with RST; the port stays held for the next start."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._switch is not None:
            # Waited for, not cancelled: half a switch would leave a socket that nobody owns.
            await self._switch
        await self._stop_listening()
        tasks = list(self._clients)
        self.drop_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Stop for good: the port is given back."""
        await self.stop()
        self._port.give_back()

    def drop_all(self) -> None:
        """Drop every client with RST; the port stays open."""
        for client in self._clients.values():
            reset_at_close(client.writer)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- the port ---------------------------------------------------------------------------------------------------

    async def _stop_listening(self) -> None:
        if self._server is not None:
            # Not wait_closed: since Python 3.12 it waits for the clients too, and they may stay.
            self._server.close()
            self._server = None
            # The loop closes the listening socket in its next turn; only then the port can be bound again.
            await asyncio.sleep(0)

    async def _listen(self) -> None:
        opening = asyncio.ensure_future(asyncio.start_server(self._accept, sock=self._port.bound(), backlog=256))
        try:
            self._server = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The station closes while it boots: what is being opened must be known before it can be closed.
            (await opening).close()
            raise

    def _look(self) -> None:
        """Open or close the port when ``agent_refuses`` was switched."""
        refuses = "agent_refuses" in self.faults
        if refuses == (self._server is not None) and (self._switch is None or self._switch.done()):
            self._switch = asyncio.create_task(self._follow(refuses=refuses), name=f"agent {self.port}: switch")
        self._timer = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._look)

    async def _follow(self, *, refuses: bool) -> None:
        if refuses:
            await self._stop_listening()
        else:
            await self._listen()

    # -- one client -------------------------------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a client; a plain function, so that the task is ours to end."""
        self.accepted += 1
        peer = writer.get_extra_info("peername")
        client = AgentClient((peer[0], peer[1]) if peer else ("", 0), asyncio.get_running_loop().time(), writer=writer)
        task = asyncio.create_task(self._serve(reader, client), name=f"agent {self.port}: client {client.peer}")
        self._clients[task] = client
        task.add_done_callback(self._clients.pop)

    async def _serve(self, reader: asyncio.StreamReader, client: AgentClient) -> None:
        """One client from connect to close; the client's going away is the normal end."""
        writer = client.writer
        try:
            await self._converse(reader, client)
        except OSError:
            pass  # the client reset the connection, or we did
        finally:
            writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, client: AgentClient) -> None:
        silent = "agent_silent" in self.faults
        await asyncio.sleep(self.ready_delay)
        if "agent_resets" in self.faults:
            self.faults.discard("agent_resets")
            reset_at_close(client.writer)
            return
        if silent:
            while data := await reader.read(_CHUNK):
                client.received += len(data)
            client.finished = True
            return
        client.ready_at = asyncio.get_running_loop().time()
        self.on_ready()
        await self._send(client, READY + GLUED if self.glued or "ready_glued" in self.faults else READY)
        await asyncio.sleep(_OWN_CHUNK_SECONDS)
        await self._answer(reader, client)

    async def _answer(self, reader: asyncio.StreamReader, client: AgentClient) -> None:
        """Echo and bulk until the client has finished; then all that is owed goes out, and our side closes too."""
        commands = BulkCommands()
        while data := await reader.read(_CHUNK):
            client.received += len(data)
            for piece in commands.take(data):
                if isinstance(piece, int):
                    await self._send_bulk(client, piece)
                else:
                    await self._send(client, piece)
        client.finished = True
        await self._send(client, commands.rest())

    async def _send_bulk(self, client: AgentClient, count: int) -> None:
        for start in range(0, count, _CHUNK):
            await self._send(client, pattern(min(_CHUNK, count - start), start))

    async def _send(self, client: AgentClient, data: bytes) -> None:
        """Send with back-pressure: at most one chunk waits for a slow client."""
        client.writer.write(data)
        client.sent += len(data)
        await client.writer.drain()


class BulkCommands:
    """Finds ``BULK <n>`` and its newline in a stream; all other bytes pass through without delay."""

    def __init__(self) -> None:
        self._held = b""

    def take(self, data: bytes) -> Iterator[bytes | int]:
        """The next pieces of the stream: bytes to echo, or a count of bulk bytes to send.

        Only ``BULK `` whole waits for its number: a player who types a single ``B`` must see it come back.
        """
        data, self._held = self._held + data, b""
        flushed = searched = 0
        while (found := data.find(_BULK_WORD, searched)) >= 0:
            command = _BULK.match(data, found)
            begun = command is None and _BULK_BEGUN.fullmatch(data, found) is not None
            searched = found + len(_BULK_WORD)
            if command is None and not begun:
                continue
            if found > flushed:
                yield data[flushed:found]
            if command is None:
                self._held = data[found:]
                return
            yield int(command[1])
            flushed = searched = command.end()
        if flushed < len(data):
            yield data[flushed:]

    def rest(self) -> bytes:
        """What was still waiting for its number when the stream ended."""
        held, self._held = self._held, b""
        return held
