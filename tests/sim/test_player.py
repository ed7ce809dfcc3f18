"""The player: what he sees of a port, and when."""

import asyncio

import pytest

from drova_gate.sim.agent import GLUED, Agent, reset_at_close
from drova_gate.sim.player import Player, PlayerDropped


async def test_player_measures_the_time_to_the_ready_byte():
    """wait_ready returns the seconds since connect, and they are kept."""
    async with Agent(ready_delay=0.1) as agent, Player("first") as player:
        await player.connect("127.0.0.1", agent.port)
        seconds = await player.wait_ready()

        assert 0.1 <= seconds < 2
        assert player.connected_at is not None
        assert player.ready_at == player.connected_at + seconds
        assert await player.echo(b"\x01 a word") < 2
        assert await player.bulk(200_001) < 5


async def test_player_keeps_what_follows_the_ready_byte():
    """Bytes glued to the ready byte are received afterwards."""
    async with Agent(ready_delay=0) as agent, Player() as player:
        agent.glued = True
        await player.connect("127.0.0.1", agent.port)
        await player.wait_ready()

        assert await player.receive(len(GLUED)) == GLUED


@pytest.mark.parametrize("reset", [False, True])
async def test_player_tells_a_close_from_a_reset(reset):
    """Refused by FIN or by RST: both are PlayerDropped, and the player knows which."""

    def refuse(_reader, writer):
        if reset:
            reset_at_close(writer)
        else:
            writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, Player() as player:
        await player.connect("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(PlayerDropped):
            await player.wait_ready()

        assert player.dropped is reset
        assert player.closed_at is not None
        assert await player.wait_closed() == player.closed_at


async def test_player_reset_is_seen_by_the_agent():
    """A player who vanishes leaves no client behind."""
    async with Agent(ready_delay=0) as agent, Player() as player:
        await player.connect("127.0.0.1", agent.port)
        await player.wait_ready()
        await player.reset()
        for _ in range(100):
            if not agent.clients:
                break
            await asyncio.sleep(0.01)

        assert agent.clients == ()


async def test_wrong_bytes_are_named():
    """Other bytes than the sent ones raise ValueError instead of passing for an echo."""

    async def lie(reader, writer):
        await reader.read(100)
        writer.write(b"xx")
        writer.close()

    server = await asyncio.start_server(lie, "127.0.0.1", 0)
    async with server, Player() as player:
        await player.connect("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(ValueError, match="got b'xx'"):
            await player.echo(b"ab")


async def test_an_unconnected_player_says_so():
    """Use before connect is a mistake of the caller, named as such; close is always allowed."""
    player = Player("nobody")
    for call in (player.wait_ready(), player.send(b"x"), player.receive(1), player.half_close(), player.wait_closed()):
        with pytest.raises(RuntimeError, match="nobody: not connected"):
            await call
    await player.close()
