"""A player: the client that connects to a station's port, directly or through a relay, and keeps the times.

All times are seconds of the running loop's clock.
"""

import asyncio
import contextlib
from typing import Self

from drova_gate.sim.agent import READY, pattern, reset_at_close

__all__ = ["Player", "PlayerDropped"]

_CHUNK = 65536
_CONNECT_SECONDS = 5.0
"""Loopback or a LAN: a connect that takes longer will not come."""
_ANSWER_SECONDS = 10.0
"""Longer than a relay may hold a connection (5 s by default) and a slow station's ready delay together."""


class PlayerDropped(ConnectionError):
    """The other side closed or reset the connection while something was awaited."""


class Player:
    """One connection of one player; use it as an async context manager or ``close`` it."""

    def __init__(self, name: str = "player") -> None:
        self.name = name
        self.connected_at: float | None = None
        self.ready_at: float | None = None
        """When the ready byte came in."""
        self.closed_at: float | None = None
        """When the other side was seen to close or reset."""
        self.dropped = False
        """The other side reset the connection instead of closing it."""
        self._buffer = bytearray()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, host: str, port: int, timeout: float = _CONNECT_SECONDS) -> None:
        """Connect; raises ``ConnectionRefusedError`` or ``TimeoutError``."""
        async with asyncio.timeout(timeout):
            self._reader, self._writer = await asyncio.open_connection(host, port)
        self.connected_at = asyncio.get_running_loop().time()

    async def wait_ready(self, timeout: float = _ANSWER_SECONDS) -> float:
        """Seconds from connect to the ready byte; ``PlayerDropped`` when refused, ``TimeoutError`` when nothing came.

        What comes before the ready byte is dropped, as the real client knows it; what follows is kept for ``receive``.
        """
        if self.connected_at is None:
            raise RuntimeError(f"{self.name}: not connected")
        async with asyncio.timeout(timeout):
            while (found := self._buffer.find(READY)) < 0:
                self._buffer.clear()
                await self._fill()
        del self._buffer[: found + 1]
        self.ready_at = asyncio.get_running_loop().time()
        return self.ready_at - self.connected_at

    async def send(self, data: bytes) -> None:
        """Send, with back-pressure."""
        writer = self._connected_writer()
        try:
            writer.write(data)
            await writer.drain()
        except ConnectionError as error:
            raise self._gone(f"{self.name}: connection lost while sending") from error

    async def receive(self, count: int, timeout: float = _ANSWER_SECONDS) -> bytes:
        """Exactly ``count`` bytes."""
        async with asyncio.timeout(timeout):
            while len(self._buffer) < count:
                await self._fill()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def echo(self, data: bytes, timeout: float = _ANSWER_SECONDS) -> float:
        """Seconds until the agent's echo of ``data`` is back; ``ValueError`` when other bytes came."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.send(data)
        answer = await self.receive(len(data), timeout)
        if answer != data:
            raise ValueError(f"{self.name}: sent {data[:32]!r}..., got {answer[:32]!r}... back")
        return loop.time() - began

    async def bulk(self, count: int, timeout: float = _ANSWER_SECONDS) -> float:
        """Seconds until ``count`` bytes of bulk data are here; ``ValueError`` when a byte is not what it must be."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.send(f"BULK {count}\n".encode())
        async with asyncio.timeout(timeout):
            for start in range(0, count, _CHUNK):
                size = min(_CHUNK, count - start)
                if await self.receive(size, timeout) != pattern(size, start):
                    raise ValueError(f"{self.name}: bulk data differs between byte {start} and byte {start + size}")
        return loop.time() - began

    async def half_close(self) -> None:
        """Close the sending side; receiving goes on."""
        writer = self._connected_writer()
        await self.send(b"")
        writer.write_eof()

    async def receive_rest(self, timeout: float = _ANSWER_SECONDS) -> bytes:
        """Everything until the other side closes; ``PlayerDropped`` when it resets."""
        async with asyncio.timeout(timeout):
            while True:
                try:
                    await self._fill()
                except PlayerDropped:
                    if self.dropped:
                        raise
                    break
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    async def wait_closed(self, timeout: float = _ANSWER_SECONDS) -> float:
        """Wait until the other side closes or resets, whatever it still sends; the loop's time of it."""
        with contextlib.suppress(PlayerDropped):
            await self.receive_rest(timeout)
        if self.closed_at is None:
            raise RuntimeError(f"{self.name}: not connected")
        return self.closed_at

    async def close(self) -> None:
        """Close both sides; may be called twice."""
        if self._writer is None:
            return
        writer, self._writer, self._reader = self._writer, None, None
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def reset(self) -> None:
        """Vanish with RST, as a player whose machine crashed."""
        reset_at_close(self._connected_writer())
        await self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _connected_writer(self) -> asyncio.StreamWriter:
        if self._writer is None:
            raise RuntimeError(f"{self.name}: not connected")
        return self._writer

    async def _fill(self) -> None:
        """Take in the next chunk; ``PlayerDropped`` at the end of the stream."""
        if self._reader is None:
            raise RuntimeError(f"{self.name}: not connected")
        try:
            data = await self._reader.read(_CHUNK)
        except OSError as error:
            self.dropped = True
            raise self._gone(f"{self.name}: connection reset") from error
        if not data:
            raise self._gone(f"{self.name}: connection closed")
        self._buffer += data

    def _gone(self, text: str) -> PlayerDropped:
        if self.closed_at is None:
            self.closed_at = asyncio.get_running_loop().time()
        return PlayerDropped(text)
