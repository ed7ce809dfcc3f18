"""Bulk through kernel pipes: lent only while needed, never passed on with bytes inside, and done without where they fail."""

import asyncio
import errno
import fcntl
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from relay_peers import FakeStation, Peer, gate, pair, relayed, until

from drova_gate.relay import pipes
from drova_gate.relay.limits import Limits
from drova_gate.relay.pipes import Pipe, PipePool

READY = b"\x01"
MEBIBYTE = 1024 * 1024


async def ready(client: Peer, agent: Peer) -> None:
    """Get the ready byte over with: before it nothing is spliced."""
    await agent.send(READY)
    assert await client.read(1) == READY


async def stall(client: Peer, agent: Peer, pool: PipePool, lent: int) -> asyncio.Task[None]:
    """The client stops reading, the station sends until bytes are stuck in a pipe."""
    await ready(client, agent)
    client.writer.transport.pause_reading()
    sending = asyncio.create_task(agent.send(os.urandom(MEBIBYTE) * 32))
    await until(lambda: pool.lent == lent)
    await asyncio.sleep(0.05)
    return sending


async def end(sending: asyncio.Task[None]) -> None:
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


@pytest.mark.parametrize("direction", ["down", "up"])
async def test_bulk_is_spliced_and_the_pipe_comes_back(direction: str) -> None:
    """Bulk goes through a pipe, which waits in the pool again as soon as the bytes have passed."""
    data = os.urandom(8 * MEBIBYTE)
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        await ready(client, agent)
        source, sink = (agent, client) if direction == "down" else (client, agent)

        _, got = await asyncio.gather(source.send(data), sink.read(len(data)))

        assert got == data
        await until(lambda: listener.pipes.lent == 0)
        assert listener.pipes.spare >= 1
        # Small messages again, and bulk again, on the same connection.
        await source.send(b"small")
        assert await sink.read(5) == b"small"
        _, got = await asyncio.gather(source.send(data), sink.read(len(data)))
        assert got == data


async def test_a_plain_relay_splices_without_a_ready_byte() -> None:
    """watch=False: nothing is looked at, so bulk is spliced from the start."""
    data = bytes(8 * MEBIBYTE)
    async with relayed(watch=False) as (listener, client, agent):
        await asyncio.gather(agent.send(data), client.read(len(data)))
        assert listener.pipes.spare + listener.pipes.lent >= 1


async def test_a_stuck_pipe_stays_with_its_connection() -> None:
    """A reader that stalls keeps one pipe; it gets every byte once it reads again, and the pipe is free."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        sending = await stall(client, agent, listener.pipes, 1)

        client.writer.transport.resume_reading()

        assert len(await client.read(32 * MEBIBYTE)) == 32 * MEBIBYTE
        await sending
        await until(lambda: listener.pipes.lent == 0)


@pytest.mark.parametrize("who", ["client", "station"])
async def test_a_pipe_with_bytes_inside_is_never_used_again(who: str) -> None:
    """A connection breaks with bytes stuck in its pipe: the next connections get their own bytes and no others."""
    async with FakeStation() as station, gate(station.port) as listener:
        for _ in range(4):
            async with pair(listener, station) as (client, agent):
                sending = await stall(client, agent, listener.pipes, 1)
                (relay,) = listener._relays._live
                assert relay.down._pipe is not None
                assert relay.down._pipe.level > 0
                (client if who == "client" else agent).reset()
                # A station's reset shows when something is written to it: it is not read while bytes are stuck.
                if who == "station":
                    await client.send(b"?")
                    await asyncio.sleep(0.01)
                    if listener.live:
                        await client.send(b"?")
                await until(lambda: listener.live == 0)
                await end(sending)
            assert listener.pipes.lent == 0

            data = os.urandom(4 * MEBIBYTE)
            async with pair(listener, station) as (client, agent):
                await ready(client, agent)
                _, got = await asyncio.gather(agent.send(data), client.read(len(data)))
                assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


def test_a_pool_closes_a_pipe_that_comes_back_with_bytes() -> None:
    """The pool itself holds the line: a pipe with bytes inside is closed, an empty one is kept."""
    pool = PipePool()
    full, empty = pool.take(), pool.take()
    assert full is not None
    assert empty is not None
    full.level = 1

    pool.give_back(full)
    pool.give_back(empty)

    assert (pool.lent, pool.spare) == (0, 1)
    assert pool.take() is empty
    empty.close()


async def test_more_stuck_readers_than_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all pipes are lent, further bulk is copied: nothing waits, nothing is lost."""
    monkeypatch.setattr(pipes, "LENT_PIPES", 1)
    async with (
        FakeStation() as station,
        gate(station.port) as listener,
        pair(listener, station) as (stuck, stuck_agent),
    ):
        sending = await stall(stuck, stuck_agent, listener.pipes, 1)
        async with pair(listener, station) as (client, agent):
            await ready(client, agent)
            data = os.urandom(4 * MEBIBYTE)
            _, got = await asyncio.gather(agent.send(data), client.read(len(data)))
            assert got == data
        await end(sending)
        stuck_agent.reset()


def refuse_splice(number: int, when: Callable[[int, int], bool]) -> Callable[..., int]:
    """``os.splice`` of a system that refuses some of the calls."""
    real = os.splice

    def splice(source: int, sink: int, count: int, **rest: Any) -> int:
        if when(source, sink):
            raise OSError(number, os.strerror(number))
        return real(source, sink, count, **rest)

    return splice


def is_pipe(descriptor: int) -> bool:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith("pipe:")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPERM, errno.ENOSYS])
@pytest.mark.parametrize("stage", ["fill", "pour"])
async def test_without_splice_bulk_is_copied(
    number: int, stage: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A kernel or a seccomp filter that refuses splice, to or from a socket: said once, all bytes arrive in order."""
    caplog.set_level(logging.INFO, "drova_gate")
    monkeypatch.setattr(os, "splice", refuse_splice(number, lambda source, _: is_pipe(source) == (stage == "pour")))
    data = os.urandom(8 * MEBIBYTE)
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        await ready(client, agent)

        _, got, _, back = await asyncio.gather(
            agent.send(data), client.read(len(data)), client.send(data), agent.read(len(data))
        )

        assert got == data
        assert back == data
        assert not listener.pipes.usable
        assert sum("does not splice" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("allowed", [64, 256], ids=lambda kibibytes: f"{kibibytes} KiB")
async def test_smaller_pipes_are_taken_without_complaint(
    allowed: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F_SETPIPE_SZ refused (pipe-user-pages-soft): the next smaller size is used, at last the kernel's own."""
    real = fcntl.fcntl

    def refuse(descriptor: int, command: int, *rest: Any) -> int:
        if command == fcntl.F_SETPIPE_SZ and rest[0] > allowed * 1024:
            raise PermissionError(errno.EPERM, "over the soft limit")
        return real(descriptor, command, *rest)

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    pipe = Pipe()
    assert pipe.grow() == allowed * 1024
    pipe.close()
    data = os.urandom(8 * MEBIBYTE)
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        await ready(client, agent)
        _, got = await asyncio.gather(agent.send(data), client.read(len(data)))

        assert got == data
        assert listener.pipes.spare >= 1
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_no_descriptor_left_for_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors when bulk begins: it is copied."""

    def refuse(_: int) -> tuple[int, int]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pipe2", refuse)
    data = os.urandom(4 * MEBIBYTE)
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        await ready(client, agent)
        _, got = await asyncio.gather(agent.send(data), client.read(len(data)))

        assert got == data
        assert (listener.pipes.lent, listener.pipes.spare) == (0, 0)


@pytest.mark.usefixtures("way")
async def test_a_gigabyte_before_the_station_answers(caplog: pytest.LogCaptureFixture) -> None:
    """A client that pushes far more than fits while the station reads nothing is slowed down; our memory does not grow.

    The log says that the station is silent and how much went there; another session goes on.
    """
    limits = Limits(connect_seconds=0.2, silence_seconds=0.2)
    async with (
        FakeStation() as station,
        gate(station.port, limits=limits) as listener,
        pair(listener, station) as (other, other_agent),
        pair(listener, station) as (client, agent),
    ):
        await ready(other, other_agent)
        agent.writer.transport.pause_reading()
        block = bytes(MEBIBYTE)
        pushed = 0

        async def push() -> None:
            nonlocal pushed
            for _ in range(1024):
                await client.send(block)
                pushed += 1

        pushing = asyncio.create_task(push())
        await until(lambda: any("bytes went there meanwhile" in record.getMessage() for record in caplog.records))
        (relay,) = (relay for relay in listener._relays._live if relay.up.carried)

        await other.send(b"still here")
        assert await other_agent.read(10) == b"still here"
        assert not pushing.done()
        assert pushed < 64
        assert len(relay.up._pending or b"") <= 256 * 1024
        await end(pushing)
        client.reset()
