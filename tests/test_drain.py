"""The stop of the daemon while somebody plays through its relay."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from simulated import free_port, quick_station, settings_of

from drova_gate.fleet import supervise
from drova_gate.sim.player import Player
from drova_gate.sim.station import Station


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int, socket.socket]]:
    """``drova_socket`` with a minute for those who play, its port, and what systemd hears of it."""
    port = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        async with quick_station() as (station, cloud):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "drova_gate", "socket"),
                env=settings_of(
                    station,
                    cloud,
                    PATH=os.environ["PATH"],
                    DROVA_SOCKET_LISTEN=str(port),
                    DROVA_LISTEN_HOST="127.0.0.1",
                    DROVA_ALLOW="127.0.0.0/8",
                    DROVA_DRAIN_SECONDS="60",
                    DROVA_STATE_DIR=str(tmp_path / "state"),
                    ENV_LOCATION="",
                    NOTIFY_SOCKET=str(tmp_path / "notify"),
                ),
                stderr=subprocess.DEVNULL,
            )
            yield process, port, systemd
            if process.returncode is None:
                process.kill()
                await process.wait()


async def come_in(port: int) -> Player:
    """A player who is in: connected as soon as the port is there, and past the ready byte."""
    player = Player()
    async with asyncio.timeout(20):
        while True:
            try:
                await player.connect("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                break
    await player.wait_ready()
    return player


async def door_is_shut(port: int) -> None:
    """Wait until nobody is let in any more."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            writer.close()
            await asyncio.sleep(0.02)


def heard(systemd: socket.socket) -> str:
    """All that systemd was told until now."""
    told = ""
    while True:
        try:
            told += systemd.recv(4096).decode() + "\n"
        except BlockingIOError:
            return told


async def test_who_plays_at_a_stop_plays_on(gate: tuple[asyncio.subprocess.Process, int, socket.socket]):
    """SIGTERM shuts the door, the player plays on and systemd is told to wait; when he leaves the gate ends."""
    process, port, systemd = gate
    player = await come_in(port)

    process.send_signal(signal.SIGTERM)
    await door_is_shut(port)
    await player.echo(b"still here")
    assert process.returncode is None
    assert "EXTEND_TIMEOUT_USEC=15000000" in heard(systemd)

    await player.close()
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_a_second_signal_ends_the_stop_at_once(gate: tuple[asyncio.subprocess.Process, int, socket.socket]):
    """Two SIGTERMs: the player is cut, and the gate has ended within two seconds."""
    process, port, _ = gate
    player = await come_in(port)
    process.send_signal(signal.SIGTERM)
    await door_is_shut(port)

    process.send_signal(signal.SIGTERM)

    async with asyncio.timeout(2.5):
        assert await process.wait() == 0
    await player.close()


async def test_a_station_that_breaks_during_the_stop_opens_no_door_again():
    """A fault of the gate's own while players are given time: the station is not put together anew."""

    class Broken:
        """A station whose run ends in a fault."""

        name = "pc1"

        async def run(self) -> None:
            raise RuntimeError("a fault of ours")

    def anew() -> Station:
        raise AssertionError("its door would open again")

    async with asyncio.timeout(5):
        await supervise(Broken(), anew, stopping=lambda: True)
