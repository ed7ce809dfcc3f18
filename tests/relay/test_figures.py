"""What the relay counts, and who may connect at all."""

import ipaddress
import logging
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relay_peers import FakeStation, gate, open_door, pair, turned_away, until

from drova_gate.config import read_networks
from drova_gate.core.model import Verdict
from drova_gate.relay.figures import Refusal
from drova_gate.relay.limits import Limits

READY = b"\x01"


async def test_the_figures_of_one_visit() -> None:
    """Connections, bytes each way, time to ready and time held are those of what happened; live ones count too."""
    door = open_door(hold_seconds=5)
    async with FakeStation() as station, gate(station.port, door) as listener:
        async with pair(listener, station) as (client, agent):
            await client.send(b"12345")
            await agent.read(5)
            await agent.send(READY)
            await until(lambda: listener.figures().held_now == 1)
            assert listener.connections()[0].held
            door.answer(Verdict.ADMIT, "prepared")
            await client.read(1)

            figures = listener.figures()
            (connection,) = listener.connections()

            assert (figures.connections_now, figures.connections_ever, figures.held_now) == (1, 1, 0)
            assert (figures.bytes_to_clients, figures.bytes_to_station) == (1, 5)
            assert (connection.bytes_to_client, connection.bytes_to_station) == (1, 5)
            assert connection.client.startswith("127.0.0.1:")
            assert not connection.held
            assert connection.ready_after_seconds == figures.to_ready.last
            assert figures.to_ready.count == figures.held.count == 1
            assert figures.held.last is not None
            assert 0 <= figures.held.last < 5
        await until(lambda: listener.live == 0)

        figures = listener.figures()
        assert (figures.connections_now, figures.connections_ever) == (0, 1)
        assert (figures.bytes_to_clients, figures.bytes_to_station) == (1, 5)
        assert figures.line is not None
        assert 0 < figures.line.round_trip_seconds < 5
        assert figures.line.segments_sent >= 1
        assert figures.line.segments_sent_again == 0


async def test_the_end_of_a_visit_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """When a player leaves, the log says how long, how much and how the line was."""
    caplog.set_level(logging.INFO, "drova_gate")
    async with FakeStation() as station, gate(station.port) as listener:
        async with pair(listener, station) as (client, agent):
            await agent.send(READY)
            await client.read(1)
        await until(lambda: listener.live == 0)

    (line,) = [record.getMessage() for record in caplog.records if "left after" in record.getMessage()]
    assert "1 bytes to it, 0 from it" in line
    assert "round trip" in line


async def test_refusals_are_counted_by_reason() -> None:
    """Too many, a stranger, a station that is off, a refused player: each under its own name."""
    door = open_door(hold_seconds=5)
    async with (
        FakeStation() as station,
        gate(station.port, door, Limits(per_address=1)) as listener,
        pair(listener, station) as (client, agent),
    ):
        assert await turned_away(listener.port)
        await agent.send(READY)
        await until(lambda: door.facts(time.monotonic()).held == 1)
        door.answer(Verdict.REFUSE, "not clean")
        assert await client.read_to_end() == b""
        refusals = listener.figures().refusals
        assert {reason: count for reason, count in refusals.items() if count} == {
            Refusal.ADDRESS_FULL: 1,
            Refusal.VERDICT: 1,
        }
    async with gate(station.port) as listener:
        assert await turned_away(listener.port)
        assert listener.figures().refusals[Refusal.STATION_OFF] == 1
        assert listener.figures().refusals[Refusal.VERDICT] == 0


async def test_only_allowed_networks_come_in(caplog: pytest.LogCaptureFixture) -> None:
    """DROVA_ALLOW: an address in none of the networks is turned away before the station hears of it."""
    async with FakeStation() as station:
        async with gate(station.port, limits=Limits(networks=read_networks("10.0.0.0/8"))) as listener:
            assert await turned_away(listener.port)
            assert listener.figures().refusals[Refusal.NETWORK] == 1
            assert listener.figures().connections_ever == 0
            assert any("DROVA_ALLOW" in record.getMessage() for record in caplog.records)
        async with (
            gate(station.port, limits=Limits(networks=read_networks("10.0.0.0/8 127.0.0.1"))) as listener,
            pair(listener, station) as (client, agent),
        ):
            await client.send(b"x")
            assert await agent.read(1) == b"x"


@pytest.mark.parametrize("text", ["192.168.0.0/33", "home", "1.2.3", "10.0.0.0/8, x"])
def test_a_wrong_network_is_named(text: str) -> None:
    """A part that is no network is named, with an example of what to write."""
    with pytest.raises(ValueError, match="write for example"):
        read_networks(text)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.ip_addresses(v=4), st.integers(8, 32)), min_size=1, max_size=4), st.ip_addresses(v=4))
def test_networks_mean_what_the_standard_says(parts: list[tuple[ipaddress.IPv4Address, int]], client: object) -> None:
    """Whatever networks are written, host bits or not, a client is allowed exactly when one of them holds it."""
    networks = [ipaddress.ip_network(f"{address}/{bits}", strict=False) for address, bits in parts]

    limits = Limits(networks=read_networks(", ".join(f"{address}/{bits}" for address, bits in parts)))

    assert limits.allows(str(client)) == any(client in network for network in networks)


def test_no_networks_means_everybody() -> None:
    """An empty DROVA_ALLOW shuts nobody out."""
    assert read_networks("  ") == ()
    assert Limits().allows("203.0.113.7")
    assert Limits(networks=read_networks("fe80::/10")).allows("fe80::1%eth0")
