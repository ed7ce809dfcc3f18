"""The relay's port: opening, limits, a station that is off, a system that is short of descriptors, the stop."""

import asyncio
import contextlib
import logging
import os
import resource
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from relay_peers import FakeStation, Peer, descriptors, gate, open_door, pair, relayed, turned_away, until

from drova_gate.errors import PortNotOpened
from drova_gate.relay.listener import Limits, RelayListener


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "port", "advice"),
    [
        ("127.0.0.1", None, "DROVA_SOCKET_LISTEN"),
        ("203.0.113.9", 0, "DROVA_LISTEN_HOST"),
        ("no such host", 0, "DROVA_LISTEN_HOST"),
        ("127.0.0.1", 70000, "65535"),
    ],
    ids=["taken", "not ours", "no address", "no port"],
)
async def test_a_port_that_does_not_open_says_what_to_do(host: str, port: int | None, advice: str) -> None:
    """Taken, not local, no address, no port: an error for the owner, with the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listener = RelayListener(host, taken.getsockname()[1] if port is None else port, "127.0.0.1", 1, open_door())

        with pytest.raises(PortNotOpened) as caught:
            await listener.start()

        assert advice in str(caught.value)


def test_a_privileged_port_without_rights_says_what_to_do() -> None:
    """Port 80 for an ordinary user: told to take a higher port or to grant the right."""
    floor = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if floor <= 1:
        pytest.skip("this system gives every port to everybody")
    script = """
        import asyncio, concurrent.futures.thread, encodings.idna, os
        from drova_gate.errors import PortNotOpened
        from drova_gate.relay.door import Door
        from drova_gate.relay.listener import RelayListener
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            asyncio.run(RelayListener("127.0.0.1", 1, "127.0.0.1", 2, Door("pc1", hold_seconds=0)).start())
        except PortNotOpened as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False, timeout=30
    )

    assert "CAP_NET_BIND_SERVICE" in done.stdout, done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_both_internets(host: str) -> None:
    """IPv4 and IPv6, towards clients and towards the station."""
    try:
        station = FakeStation(host)
        await station.open()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    async with gate(station.port, host=host) as listener:
        client = await Peer.connect(listener.port, host)
        agent = await station.visit()
        await client.send(b"hi")
        assert await agent.read(2) == b"hi"
        await client.close()
    await station.shut()


async def test_an_ipv4_client_of_an_ipv6_socket_shows_as_ipv4() -> None:
    """Listening on "::" serves IPv4 as well, and the client's address is written as people know it."""
    door = open_door()
    async with FakeStation() as station:
        listener = RelayListener("::", 0, "127.0.0.1", station.port, door)
        try:
            await listener.start()
        except PortNotOpened:
            pytest.skip("no IPv6 on this machine")
        serving = asyncio.create_task(listener.serve())
        client = await Peer.connect(listener.port)
        await station.visit()
        (relay,) = listener._relays._live

        assert relay.visitor.host == "127.0.0.1"
        await client.close()
        await listener.stop()
        await serving


async def test_a_station_given_by_name_is_looked_up() -> None:
    """WINDOWS_HOST may be a name."""
    async with FakeStation() as station:
        listener = RelayListener("127.0.0.1", 0, "localhost", station.port, open_door())
        await listener.start()
        serving = asyncio.create_task(listener.serve())
        # "localhost" may mean ::1 first, where nobody listens: any definite outcome is fine, hanging is not.
        client = await Peer.connect(listener.port)
        listener._target.address = (socket.AF_INET, ("127.0.0.1", station.port))
        again = await Peer.connect(listener.port)
        await station.visit()
        await client.close()
        await again.close()
        await listener.stop()
        await serving


async def test_a_station_whose_name_is_unknown_turns_clients_away(caplog: pytest.LogCaptureFixture) -> None:
    """No address for the name: refused at once with a clear line, no crash."""
    listener = RelayListener("127.0.0.1", 0, "no-such-station.invalid", 1, open_door())
    await listener.start()
    serving = asyncio.create_task(listener.serve())

    assert await turned_away(listener.port)
    assert any("no-such-station.invalid" in line for line in warnings(caplog))
    await listener.stop()
    await serving


async def test_a_station_that_is_off_is_said_once_loudly_then_quietly(caplog: pytest.LogCaptureFixture) -> None:
    """Off: clients are refused at once, one warning for all of them; back on: said once."""
    caplog.set_level(logging.DEBUG, "drova_gate")
    station = FakeStation()
    station.port = closed_port()
    async with gate(station.port) as listener:
        for _ in range(5):
            assert await turned_away(listener.port)
        (line,) = warnings(caplog)
        assert f"127.0.0.1:{station.port}" in line
        assert "see that it is on" in line

        await station.open()
        for _ in range(2):
            async with pair(listener, station) as (client, agent):
                await agent.send(b"x")
                await client.read(1)
        assert sum("again" in record.getMessage() for record in caplog.records) == 1
        await station.shut()


async def test_a_station_that_does_not_answer_at_all_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """No SYN-ACK within the connect time: the client is refused, with the reason in the log."""
    # A listener with a full backlog drops further SYNs, as a machine that is switched off does.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = []
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
            fillers.append(filler)
        async with gate(deaf.getsockname()[1], limits=Limits(connect_seconds=0.2)) as listener:
            assert await turned_away(listener.port)
            assert any("no answer within" in line for line in warnings(caplog))
        for filler in fillers:
            filler.close()


async def test_a_station_that_accepts_and_says_nothing_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """Silence is said in the log after a while; the connection itself lives on."""
    limits = Limits(connect_seconds=0.2, silence_seconds=0.1)
    async with relayed(limits=limits) as (_, client, agent):
        await until(lambda: any("has not said that it is ready" in line for line in warnings(caplog)))
        await agent.send(b"late")
        assert await client.read(4) == b"late"


async def test_idle_connections_end_only_when_asked_for() -> None:
    """With an idle time a connection without bytes is ended; one that speaks is not."""
    limits = Limits(connect_seconds=0.2, idle_seconds=0.3)
    async with (
        FakeStation() as station,
        gate(station.port, limits=limits) as listener,
        pair(listener, station) as (client, agent),
        pair(listener, station) as (talker, _),
    ):
        began = time.monotonic()
        while listener.live == 2 and time.monotonic() - began < 5:
            await talker.send(b"x")
            await asyncio.sleep(0.02)

        assert await client.sees_reset()
        assert await agent.sees_reset()
        assert listener.live == 1


async def test_the_limit_in_all_and_per_address() -> None:
    """Beyond the limits clients are turned away; when one leaves there is room again."""
    limits = Limits(connections=3, per_address=2)
    async with (
        FakeStation() as station,
        gate(station.port, limits=limits) as listener,
        pair(listener, station) as (one, _),
        pair(listener, station) as (_, _),
    ):
        assert await turned_away(listener.port)

        await one.close()
        await until(lambda: listener.live == 1 or len(listener._relays._half_closed) == 1)
        for relay in list(listener._relays._half_closed):
            relay.close("test")
        async with pair(listener, station) as (client, agent):
            await client.send(b"x")
            assert await agent.read(1) == b"x"
    limits = Limits(connections=1, per_address=2)
    async with FakeStation() as station, gate(station.port, limits=limits) as listener, pair(listener, station):
        assert await turned_away(listener.port)


async def test_a_port_scan_does_not_touch_the_session(caplog: pytest.LogCaptureFixture) -> None:
    """5000 connections in a few seconds: the running session's round trips stay short, the log stays short."""
    async with relayed(limits=Limits(per_address=8)) as (listener, client, agent):
        scan = subprocess.Popen([sys.executable, "-c", SCAN, str(listener.port)])
        slowest = 0.0
        while scan.poll() is None:
            began = time.monotonic()
            await client.send(b"ping")
            assert await agent.read(4) == b"ping"
            await agent.send(b"pong")
            assert await client.read(4) == b"pong"
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.005)

        assert scan.returncode == 0
        assert slowest < 1
        assert 1 <= len(warnings(caplog)) <= 3
        assert any("limit per address" in line for line in warnings(caplog))


SCAN = """
import socket, sys
for _ in range(5000):
    with socket.socket() as probe:
        probe.settimeout(5)
        probe.connect_ex(("127.0.0.1", int(sys.argv[1])))
"""


async def test_running_out_of_descriptors_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    """EMFILE: one loud line, a pause instead of a busy loop, the running session unharmed, and clients again afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        late = socket.socket()
        late.setblocking(False)
        highest = max(descriptors())
        plugs = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        try:
            with contextlib.suppress(OSError):
                while True:
                    plugs.append(os.dup(0))
            used = time.process_time()
            late.connect_ex(("127.0.0.1", listener.port))
            await until(lambda: any("LimitNOFILE" in line for line in warnings(caplog)))
            await client.send(b"still here")
            assert await agent.read(10) == b"still here"
            await asyncio.sleep(0.3)
            assert time.process_time() - used < 0.25
        finally:
            for plug in plugs:
                os.close(plug)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await station.visit()
        assert len(warnings(caplog)) == 1
        late.close()


async def test_stop_lets_live_connections_end() -> None:
    """Stopping: no new clients at once, those that are there may finish, then it is over."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, agent):
        port = listener.port
        stopping = asyncio.create_task(listener.stop(drain_seconds=10))
        await asyncio.sleep(0)
        with pytest.raises(OSError):
            await Peer.connect(port)
        await client.send(b"bye")
        assert await agent.read(3) == b"bye"
        assert not stopping.done()

        await client.close()
        await agent.close()

        async with asyncio.timeout(5):
            await stopping


async def test_stop_cuts_what_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    """After the drain time what is still there is cut, and that is said."""
    async with FakeStation() as station, gate(station.port) as listener, pair(listener, station) as (client, _):
        began = time.monotonic()

        await listener.stop(drain_seconds=0.1)

        assert 0.05 < time.monotonic() - began < 5
        assert await client.read_to_end() == b""
        assert any("DROVA_DRAIN_SECONDS" in line for line in warnings(caplog))


async def test_cancelling_serve_cuts_everything_at_once() -> None:
    """The daemon's task group cancels: sockets closed, held players gone, no task left, the cancellation not swallowed."""
    door = open_door(hold_seconds=5)
    async with FakeStation() as station:
        listener = RelayListener("127.0.0.1", 0, "127.0.0.1", station.port, door)
        await listener.start()
        serving = asyncio.create_task(listener.serve())
        async with pair(listener, station) as (client, agent):
            await agent.send(b"\x01")
            await until(lambda: door.facts(time.monotonic()).held == 1)

            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await serving

            assert await client.read_to_end() == b""
            assert listener.live == 0
            assert door.facts(time.monotonic()).held == 0


async def test_two_stations_in_one_process() -> None:
    """Each station has its own port, door and limits; they do not mix."""
    async with (
        FakeStation() as first,
        FakeStation() as second,
        gate(first.port) as one,
        gate(second.port) as two,
        pair(one, first) as (client, agent),
        pair(two, second) as (other_client, other_agent),
    ):
        await client.send(b"to the first")
        await other_client.send(b"to the second")
        assert await agent.read(12) == b"to the first"
        assert await other_agent.read(13) == b"to the second"
