"""Names that the tests of the client share, and a peer that answers with raw bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

STATION_TOKEN = "station-token-5b1d0655cc4d"
MERCHANT_TOKEN = "merchant-token-9e3a77d1f0b2"
SECRETS = (STATION_TOKEN, MERCHANT_TOKEN, "renewed-token-")
SERVER = UUID("6a1f3d1e-2f64-4e7b-8d3c-0c9a4f1b2c3d")
OTHER = UUID("7b2f3d1e-2f64-4e7b-8d3c-0c9a4f1b2c3e")
USER = UUID("11111111-2222-4333-8444-555555555555")


@dataclass
class RawPeer:
    """An HTTP peer that answers with the bytes it is given, and keeps what it was sent."""

    url: str = ""
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    bodies: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """By path: another status and body."""
    methods: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """By method, before the path: another status and body."""
    hang: bool = False
    hang_after_headers: bool = False
    cut: bool = False
    """Close the connection instead of answering."""
    requests: list[str] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next(
                    (int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0
                )
                sent = (await reader.readexactly(length)).decode()
                self.requests.append(head + sent)
                self.arrived.append(asyncio.get_running_loop().time())
                if self.cut:
                    return
                if self.hang:
                    await reader.read()
                    return
                method, path = head.split()[:2]
                usual = self.bodies.get(path.split("?")[0], (self.status, self.body))
                status, body = self.methods.get(method, usual)
                lines = {"Content-Length": str(len(body)), "X-Request-Id": "request-4711", **self.headers}
                text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
                writer.write(f"HTTP/1.1 {status}\r\n{text}\r\n".encode())
                if self.hang_after_headers:
                    await writer.drain()
                    await reader.read()
                    return
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def raw_peer() -> AsyncIterator[RawPeer]:
    peer = RawPeer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()
        await server.wait_closed()
        for _ in range(20):  # handlers end with their client's connection
            await asyncio.sleep(0)


async def until(reached: Callable[[], object]) -> None:
    """Wait until something outside of this task has happened; 5 s are a hang."""
    async with asyncio.timeout(5):
        while not reached():
            await asyncio.sleep(0.001)
