"""The agent on port 7985: ready byte, echo, bulk, half-close, and its four faults."""

import asyncio
import random
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.sim.agent import GLUED, READY, Agent, BulkCommands, pattern
from drova_gate.sim.player import Player, PlayerDropped


def played(pieces):
    """Run a stream through BulkCommands; the echoed bytes and the bulk counts, in order."""
    commands, out = BulkCommands(), []
    for piece in pieces:
        out.extend(commands.take(piece))
    out.append(commands.rest())
    merged = []
    for item in out:
        if isinstance(item, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += item
        elif item != b"":
            merged.append(item)
    return merged


@given(st.lists(st.binary(max_size=40), max_size=8))
@settings(deadline=None, max_examples=100)
def test_bytes_without_a_command_pass_unchanged(pieces):
    """Whatever is no BULK command comes back byte for byte, however it is cut."""
    whole = b"".join(pieces)

    assert b"".join(played(pieces)) == whole if b"BULK" not in whole else True


@given(st.binary(max_size=6).filter(lambda data: b"BULK" not in data), st.integers(0, 10**9), st.data())
@settings(deadline=None, max_examples=100)
def test_a_bulk_command_is_found_however_it_is_cut_after_its_word(before, count, data):
    """BULK <n> yields n, and what stands around it is echoed."""
    stream = before + f"BULK {count}\n".encode() + b"after"
    cut = data.draw(st.integers(len(before) + 5, len(stream)))

    assert played([stream[:cut], stream[cut:]]) == [item for item in (before, count, b"after") if item != b""]


@pytest.mark.parametrize("stream", [b"BULK five\n", b"BULK 5 \n", b"BULK", b"BULK 1234567890123\n", b"BULK 77"])
def test_what_only_looks_like_a_bulk_command_is_echoed(stream):
    """A command is the word, a number and a newline, nothing else."""
    assert played([stream]) == [stream]


@pytest.mark.parametrize("start", [0, 1, 250, 251, 65536, 65536 * 7 + 3])
def test_pattern_is_the_same_stream_from_any_start(start):
    """Bulk data asked for in pieces equals bulk data asked for at once."""
    assert pattern(600, start) == pattern(start + 600)[start:]


async def test_ready_byte_comes_after_its_delay_in_a_chunk_of_its_own():
    """The first data of the station is 0x01 alone, not before the delay."""
    async with Agent(ready_delay=0.05) as agent:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
        writer.write(b"hello")

        assert await reader.read(100) == READY
        assert loop.time() - began >= 0.05
        assert await reader.read(100) == b"hello"

        [client] = agent.clients
        assert client.received == 5
        assert client.ready_at is not None
        writer.close()
        await writer.wait_closed()


async def test_ready_glued_brings_more_in_the_same_chunk():
    """Under ready_glued other bytes follow the ready byte at once."""
    async with Agent(ready_delay=0, faults={"ready_glued"}) as agent:
        reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)

        assert await reader.read(100) == READY + GLUED

        writer.close()
        await writer.wait_closed()


async def test_agent_resets_the_first_connection_only():
    """Under agent_resets the first client gets RST before the ready byte, the second is served."""
    faults = {"agent_resets"}
    async with Agent(ready_delay=0, faults=faults) as agent, Player() as first, Player() as second:
        await first.connect("127.0.0.1", agent.port)
        with pytest.raises(PlayerDropped):
            await first.wait_ready()
        await second.connect("127.0.0.1", agent.port)
        await second.wait_ready()

        assert first.dropped
        assert first.ready_at is None
        assert faults == set()


async def test_agent_silent_sends_nothing():
    """Under agent_silent a client waits for ever, and can leave."""
    async with Agent(ready_delay=0, faults={"agent_silent"}) as agent, Player() as player:
        await player.connect("127.0.0.1", agent.port)
        await player.send(b"anybody there?")
        with pytest.raises(TimeoutError):
            await player.wait_ready(0.1)

        await player.half_close()
        assert await player.receive_rest() == b""


async def test_agent_refuses_closes_the_port_and_keeps_its_number():
    """Under agent_refuses connects are refused; switched off, the same port answers again."""
    faults = {"agent_refuses"}
    async with Agent(ready_delay=0, faults=faults) as agent, Player() as player:
        port = agent.port
        assert port > 0
        with pytest.raises(ConnectionRefusedError):
            await Player().connect("127.0.0.1", port)

        faults.clear()
        await asyncio.sleep(0.12)
        await player.connect("127.0.0.1", port)
        await player.wait_ready()

        faults.add("agent_refuses")
        await asyncio.sleep(0.12)
        with pytest.raises(ConnectionRefusedError):
            await Player().connect("127.0.0.1", port)
        await player.echo(b"those inside stay")


async def test_stop_resets_clients_and_start_takes_the_same_port():
    """A reboot drops every connection with RST; afterwards the port is the same."""
    agent = Agent(ready_delay=0)
    await agent.start()
    await agent.start()
    port = agent.port
    async with Player() as player, Player() as waiting, Player() as late:
        await player.connect("127.0.0.1", port)
        await player.wait_ready()
        agent.ready_delay = 30
        await waiting.connect("127.0.0.1", port)
        await asyncio.sleep(0.02)
        await agent.stop()
        await player.wait_closed()
        await waiting.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await late.connect("127.0.0.1", port)

        assert player.dropped
        assert waiting.dropped
        assert agent.clients == ()

        agent.ready_delay = 0
        await agent.start()
        assert agent.port == port
        await late.connect("127.0.0.1", port)
        await late.wait_ready()
    await agent.close()


async def test_drop_all_resets_clients_and_keeps_the_port_open():
    """drop_all ends the players of now, not those to come."""
    async with Agent(ready_delay=0) as agent, Player() as player, Player() as following:
        await player.connect("127.0.0.1", agent.port)
        await player.wait_ready()
        agent.drop_all()
        await player.wait_closed()
        await following.connect("127.0.0.1", agent.port)
        await following.wait_ready()

        assert player.dropped
        assert agent.accepted == 2


async def test_a_client_that_half_closes_gets_everything_owed():
    """Ready byte, echo and bulk still come after the client closed its sending side (F8)."""
    async with Agent(ready_delay=0.05) as agent, Player() as player:
        await player.connect("127.0.0.1", agent.port)
        await player.send(b"one\nBULK 300000\ntwo")
        await player.half_close()
        await player.wait_ready()

        assert await player.receive_rest() == b"one\n" + pattern(300000) + b"two"
        assert not player.dropped


async def test_a_reader_that_stalls_costs_no_memory():
    """Bulk data waits for the client: little more than the kernel's buffers is sent ahead."""
    async with Agent(ready_delay=0) as agent, Player() as player:
        await player.connect("127.0.0.1", agent.port)
        await player.wait_ready()
        await player.send(b"BULK 900000000\n")
        await asyncio.sleep(0.3)

        [client] = agent.clients
        assert client.sent < 64 * 1024 * 1024
        await player.reset()


async def test_megabytes_both_ways_arrive_whole():
    """Echo under load returns every byte in order."""
    async with Agent(ready_delay=0) as agent, Player() as player:
        await player.connect("127.0.0.1", agent.port)
        await player.wait_ready()
        data = random.Random(1).randbytes(2_000_000)
        async with asyncio.TaskGroup() as group:
            group.create_task(player.send(data))
            received = group.create_task(player.receive(len(data)))

        assert received.result() == data


async def test_a_stopped_agents_port_stays_its_own():
    """A stranger who asks for that port, or for any free one, does not get it while the station is down."""
    async with Agent(ready_delay=0) as agent:
        await agent.stop()
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", agent.port))
        await agent.start()
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", agent.port))
