"""One relayed connection: bytes, ends, the ready byte and the hold."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from relay_peers import (
    LINGER_ABORT,
    PATIENCE,
    FakeStation,
    Peer,
    gate,
    open_door,
    pair,
    relayed,
    sockets_and_pipes,
    until,
)

from drova_gate.core.model import Verdict
from drova_gate.relay.listener import Limits, RelayListener

pytestmark = pytest.mark.usefixtures("way")

READY = b"\x01"


async def test_bytes_go_both_ways_unchanged() -> None:
    """What one side sends, the other gets, in order, in both directions at once."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        up = bytes(range(256)) * 4000
        down = up[::-1]

        got = await asyncio.gather(client.send(up), agent.send(down), agent.read(len(up)), client.read(len(down)))

        assert got[2] == up
        assert got[3] == down


@pytest.mark.parametrize("first", ["client", "station"])
async def test_half_close_is_passed_on(first: str) -> None:
    """One side ends its stream: the other sees that end and can still answer, then both are closed."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        ends, answers = (client, agent) if first == "client" else (agent, client)
        await ends.send(b"last words")
        ends.half_close()

        assert await answers.read_to_end() == b"last words"
        await answers.send(b"heard")
        answers.half_close()
        assert await ends.read_to_end() == b"heard"
        await until(lambda: listener.live == 0)


@pytest.mark.parametrize("who", ["client", "station"])
async def test_reset_is_passed_on_as_reset(who: str) -> None:
    """RST of one side reaches the other as RST, at once."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        breaks, sees = (client, agent) if who == "client" else (agent, client)
        await agent.send(b"\x02")
        await client.read(1)
        began = time.monotonic()

        breaks.reset()

        assert await sees.sees_reset()
        assert time.monotonic() - began < 1
        await until(lambda: listener.live == 0)


@pytest.mark.parametrize("size", [100, 40_000, 400_000])
async def test_a_reset_right_behind_data_is_noticed(size: int) -> None:
    """Bytes and RST that arrive together: the client's connection ends too (libuv reports a failed socket only once)."""
    async with gate_to_raw_station() as (listener, accept):
        for _ in range(5):
            client = await Peer.connect(listener.port)
            agent = await accept()
            agent.setblocking(False)
            agent.send(READY + bytes(size))
            agent.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ABORT)
            agent.close()

            await client.sees_reset()
            await client.close()
            await until(lambda: listener.live == 0)


@contextlib.asynccontextmanager
async def gate_to_raw_station() -> AsyncIterator[tuple[RelayListener, Callable[[], Awaitable[socket.socket]]]]:
    """A station of plain sockets, which can do two things within one turn of the loop."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        loop = asyncio.get_running_loop()

        async def accept() -> socket.socket:
            async with asyncio.timeout(PATIENCE):
                return (await loop.sock_accept(server))[0]

        async with gate(server.getsockname()[1]) as listener:
            yield listener, accept


async def test_f7_a_reset_of_the_station_before_the_ready_byte_ends_the_client() -> None:
    """F7: the station resets the connection while everybody waits for the ready byte: the client ends too, nothing hangs."""
    door = open_door(hold_seconds=5)
    async with relayed(door) as (listener, client, agent):
        agent.reset()

        assert await client.sees_reset()
        await until(lambda: listener.live == 0)
        assert door.facts(time.monotonic()).live == 0


@pytest.mark.parametrize("hold", [0, 5])
async def test_f8_ready_byte_and_answer_reach_a_client_that_half_closed(hold: float) -> None:
    """F8: a client that has ended its own stream still gets the ready byte and a late answer."""
    door = open_door(hold_seconds=hold)
    async with relayed(door) as (_, client, agent):
        await client.send(b"hello")
        client.half_close()
        assert await agent.read_to_end() == b"hello"

        await agent.send(READY)
        if hold:
            await until(lambda: door.facts(time.monotonic()).held == 1)
            door.answer(Verdict.ADMIT, "prepared")
        await asyncio.sleep(0.02)
        await agent.send(b"late answer")
        await agent.close()

        assert await client.read_to_end() == READY + b"late answer"


async def test_a_half_close_before_the_station_is_connected_is_kept() -> None:
    """A client that connects, sends and ends at once is relayed whole (shutdown() on a half-made connection would undo it)."""
    async with FakeStation() as station, gate(station.port) as listener:
        for _ in range(20):
            client = await Peer.connect(listener.port)
            client.half_close()
            agent = await station.visit()
            assert await agent.read_to_end() == b""
            await agent.send(b"answer")
            await agent.close()
            assert await client.read_to_end() == b"answer"
            await client.close()


@pytest.mark.parametrize("chunk", [READY, b"glued\x01and more", b"\x01\x01\x01"])
async def test_the_ready_byte_and_what_follows_wait_for_the_verdict(chunk: bytes) -> None:
    """Held: bytes before the ready byte pass, then nothing comes until the verdict; then everything, in order."""
    door = open_door(hold_seconds=5)
    async with relayed(door) as (_, client, agent):
        before = chunk[: chunk.index(READY)]
        await agent.send(chunk)
        assert await client.read(len(before)) == before
        await until(lambda: door.facts(time.monotonic()).held == 1)
        await agent.send(b"later")

        await client.send(b"client speaks")
        assert await agent.read(13) == b"client speaks"
        assert await client.sees_nothing(0.1)
        door.answer(Verdict.ADMIT, "prepared")

        rest = chunk[len(before) :] + b"later"
        assert await client.read(len(rest)) == rest
        assert door.facts(time.monotonic()).held == 0


async def test_each_connection_knocks_once() -> None:
    """Ready bytes after the first are data: nobody is held twice."""
    door = open_door(hold_seconds=5)
    async with relayed(door) as (_, client, agent):
        await agent.send(READY)
        await until(lambda: door.facts(time.monotonic()).held == 1)
        door.answer(Verdict.ADMIT, "prepared")
        await client.read(1)

        await agent.send(READY * 5)

        assert await client.read(5) == READY * 5
        assert door.facts(time.monotonic()).held == 0


async def test_without_hold_the_ready_byte_passes_at_once() -> None:
    """hold_seconds=0: the ready byte is seen, said to the door and passed on."""
    door = open_door(hold_seconds=0)
    async with relayed(door) as (_, client, agent):
        woken = asyncio.Event()
        door.stir = woken.set
        await agent.send(b"a\x01b")

        assert await client.read(3) == b"a\x01b"
        assert woken.is_set()


async def test_a_refused_player_gets_no_byte_and_both_ends_are_closed() -> None:
    """REFUSE: the client's connection ends without the ready byte, the station's ends too."""
    door = open_door(hold_seconds=5)
    async with relayed(door) as (listener, client, agent):
        await agent.send(READY)
        await until(lambda: door.facts(time.monotonic()).held == 1)

        door.answer(Verdict.REFUSE, "not protected")

        assert await client.read_to_end() == b""
        await agent.sees_reset()
        await until(lambda: listener.live == 0)


@pytest.mark.parametrize("policy", list(Verdict))
async def test_the_hold_ends_by_itself(policy: Verdict) -> None:
    """No answer within the hold time: the policy's verdict is carried out."""
    door = open_door(hold_seconds=0.1, unprotected=policy)
    async with relayed(door) as (_, client, agent):
        await agent.send(READY + b"x")

        if policy is Verdict.ADMIT:
            assert await client.read(2) == READY + b"x"
        else:
            assert await client.read_to_end() == b""


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_held_player_does_not_see_the_station_end(end: str) -> None:
    """While held nothing shows, not even that the station has gone; the verdict brings it out."""
    door = open_door(hold_seconds=5)
    async with relayed(door) as (listener, client, agent):
        await agent.send(READY)
        await until(lambda: door.facts(time.monotonic()).held == 1)
        if end == "reset":
            agent.reset()
        else:
            await agent.close()
        await client.send(b"are you there?")
        await asyncio.sleep(0.02)
        await client.send(b"hello?")

        assert await client.sees_nothing(0.1)
        assert door.facts(time.monotonic()).held == 1
        door.answer(Verdict.ADMIT, "prepared")

        await client.sees_reset()
        await until(lambda: listener.live == 0)


async def test_a_client_that_goes_while_held_is_not_counted_any_more() -> None:
    """The client resets while it waits: no longer held, no longer live, the station's end is reset."""
    door = open_door(hold_seconds=5)
    async with relayed(door) as (_, client, agent):
        await agent.send(READY)
        await until(lambda: door.facts(time.monotonic()).held == 1)

        client.reset()

        await until(lambda: door.facts(time.monotonic()).held == 0)
        await until(lambda: door.facts(time.monotonic()).live == 0)
        assert await agent.sees_reset()


async def test_held_bytes_are_bounded() -> None:
    """A station that sends on and on while the player is held is slowed down, not stored."""
    door = open_door(hold_seconds=5)
    async with relayed(door) as (listener, client, agent):
        total = 64 * 1024 * 1024
        sending = asyncio.create_task(agent.send(READY + bytes(total)))
        await until(lambda: door.facts(time.monotonic()).held == 1)
        await asyncio.sleep(0.1)
        (relay,) = listener._relays._live

        assert not sending.done()
        assert len(relay._kept) <= 64 * 1024
        door.answer(Verdict.ADMIT, "prepared")
        assert len(await client.read(total + 1)) == total + 1
        await sending


async def test_a_slow_reader_slows_the_sender() -> None:
    """Back-pressure: what the client does not read, the station cannot send; nothing is lost when it reads again."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        await agent.send(READY)
        await client.read(1)
        client.writer.transport.pause_reading()
        total = 64 * 1024 * 1024
        sending = asyncio.create_task(agent.send(bytes(total)))
        await asyncio.sleep(0.2)

        assert not sending.done()
        client.writer.transport.resume_reading()
        assert len(await client.read(total)) == total
        await sending


async def test_a_client_that_talks_before_the_station_is_connected_is_kept_waiting() -> None:
    """Bytes sent before the station has answered arrive whole, after back-pressure."""
    async with FakeStation() as station, gate(station.port) as listener:
        client = await Peer.connect(listener.port)
        data = bytes(range(256)) * 8192
        sending = asyncio.create_task(client.send(data))
        agent = await station.visit()

        assert await agent.read(len(data)) == data
        await sending
        await client.close()


async def test_a_client_that_resets_after_its_half_close_is_noticed() -> None:
    """A client that ends its stream and then dies leaves no connection to the station behind."""
    limits = Limits(connect_seconds=0.2)
    async with FakeStation() as station, gate(station.port, limits=limits) as listener:
        client = await Peer.connect(listener.port)
        agent = await station.visit()
        client.half_close()
        assert await agent.read_to_end() == b""

        client.reset()

        await until(lambda: listener.live == 0)


async def test_no_descriptor_is_left_after_any_end() -> None:
    """However connections end, all their sockets are closed."""
    async with FakeStation() as station, gate(station.port) as listener:
        before = sockets_and_pipes()
        for round_number in range(12):
            client = await Peer.connect(listener.port)
            agent = await station.visit()
            await agent.send(b"x")
            await client.read(1)
            match round_number % 4:
                case 0:
                    client.reset()
                case 1:
                    agent.reset()
                case 2:
                    await client.close()
                case _:
                    await agent.close()
            await client.close()
            await agent.close()
        await until(lambda: listener.live == 0)
        await until(lambda: sockets_and_pipes() <= before)
