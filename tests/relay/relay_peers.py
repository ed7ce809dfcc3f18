"""Both ends of a relayed connection, played with plain asyncio streams, and a gate between them."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

from drova_gate.core.model import Verdict
from drova_gate.relay.door import Door
from drova_gate.relay.listener import Limits, RelayListener
from drova_gate.relay.pipes import PipePool

SPLICE = True
"""Whether relays may splice; the fixture ``way`` turns it off for a test."""

PATIENCE = 10.0
"""Seconds after which a test that waits for a byte is said to hang; a loaded CI machine may be slow."""

LINGER_ABORT = struct.pack("ii", 1, 0)


class Peer:
    """One end of a TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1") -> "Peer":
        async with asyncio.timeout(PATIENCE):
            return cls(*await asyncio.open_connection(host, port))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(PATIENCE):
            await self.writer.drain()

    async def read(self, count: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readexactly(count)

    async def read_to_end(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def sees_reset(self) -> bool:
        """Whether the connection ends with RST (``True``) or in an orderly way."""
        try:
            await self.read_to_end()
        except ConnectionResetError:
            return True
        return False

    async def sees_nothing(self, seconds: float) -> bool:
        """Whether neither a byte nor an end comes within ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    def half_close(self) -> None:
        self.writer.write_eof()

    def reset(self) -> None:
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ABORT)
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class FakeStation:
    """Listens like a station's agent; tests take each connection with ``visit`` and play it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self._visits: asyncio.Queue[Peer] = asyncio.Queue()
        self._peers: list[Peer] = []

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._visited, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        self._server.close()
        for peer in self._peers:
            await peer.close()
        await self._server.wait_closed()

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self._peers.append(peer)
        self._visits.put_nowait(peer)

    async def visit(self) -> Peer:
        async with asyncio.timeout(PATIENCE):
            return await self._visits.get()


def open_door(hold_seconds: float = 0.0, unprotected: Verdict = Verdict.REFUSE) -> Door:
    return Door("pc1", hold_seconds=hold_seconds, unprotected=unprotected)


@contextlib.asynccontextmanager
async def gate(
    target_port: int,
    door: Door | None = None,
    limits: Limits | None = None,
    host: str = "127.0.0.1",
    *,
    watch: bool = True,
) -> AsyncIterator[RelayListener]:
    """A relay that runs; it must leave nothing behind."""
    pipes = PipePool(usable=SPLICE)
    listener = RelayListener(host, 0, host, target_port, door or open_door(), limits, watch=watch, pipes=pipes)
    await listener.start()
    serving = asyncio.create_task(listener.serve())
    try:
        yield listener
    finally:
        await listener.stop()
        await serving
        assert listener.live == 0
        assert (pipes.lent, pipes.spare) == (0, 0)


@contextlib.asynccontextmanager
async def pair(listener: RelayListener, station: FakeStation) -> AsyncIterator[tuple[Peer, Peer]]:
    """A client and the station's end of its relayed connection."""
    client = await Peer.connect(listener.port)
    agent = await station.visit()
    try:
        yield client, agent
    finally:
        await client.close()
        await agent.close()


@contextlib.asynccontextmanager
async def relayed(
    door: Door | None = None, limits: Limits | None = None, *, watch: bool = True
) -> AsyncIterator[tuple[RelayListener, Peer, Peer]]:
    """A relay before a station, a client who is connected, and the station's end of his connection."""
    async with (
        FakeStation() as station,
        gate(station.port, door, limits, watch=watch) as listener,
        pair(listener, station) as (client, agent),
    ):
        yield listener, client, agent


async def turned_away(port: int) -> bool:
    """Whether a new client is refused with RST; that may come while it still connects."""
    try:
        client = await Peer.connect(port)
    except ConnectionResetError:
        return True
    try:
        return await client.sees_reset()
    finally:
        await client.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells us about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.005)


def descriptors() -> list[int]:
    """Open descriptors of this process."""
    return [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]


def sockets_and_pipes() -> int:
    """Open sockets and pipes of this process (libuv opens a /dev/null of its own at its first listening socket)."""
    count = 0
    for descriptor in descriptors():
        with contextlib.suppress(OSError):
            count += str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith(("socket:", "pipe:"))
    return count
