"""The orderly stop: doors closed, those who are in may end, a second signal ends it at once."""

import asyncio
import time

import pytest
from relay_peers import FakeStation, Peer, gate, pair

from drova_gate.relay.drain import drain


async def test_it_ends_when_the_last_one_leaves() -> None:
    """Two relays: no new client at either, the one that is in plays on, and when he leaves the drain is over."""
    async with FakeStation() as station, gate(station.port) as busy, gate(station.port) as empty:
        ports = [busy.port, empty.port]
        async with pair(busy, station) as (client, agent):
            words: list[float] = []
            draining = asyncio.create_task(
                drain([(busy, 30), (empty, 30)], asyncio.Event(), lambda: words.append(time.monotonic()))
            )
            await asyncio.sleep(0.05)
            for port in ports:
                with pytest.raises(OSError):
                    await Peer.connect(port)
            await client.send(b"still here")
            assert await agent.read(10) == b"still here"
            assert not draining.done()
            assert words
        async with asyncio.timeout(10):
            await draining
        assert busy.live == 0


async def test_at_once_means_at_once() -> None:
    """A second signal ends the drain though somebody plays; he is cut by the stop that follows."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, _):
        at_once = asyncio.Event()
        draining = asyncio.create_task(drain([(listener, 600)], at_once))
        await asyncio.sleep(0.05)
        assert not draining.done()

        at_once.set()

        async with asyncio.timeout(5):
            await draining
        await listener.stop()
        assert await client.read_to_end() == b""


async def test_without_time_everybody_is_cut() -> None:
    """0 seconds: the stop waits for nobody."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, _):
        began = time.monotonic()

        await drain([(listener, 0)], asyncio.Event())

        assert await client.read_to_end() == b""
        assert time.monotonic() - began < 5
