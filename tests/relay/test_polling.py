"""How the relay's sockets are watched, on its own loop and beside others: nobody is missed, nobody is called in vain."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from drova_gate.relay.polling import MOVE_AFTER_EVENTS, Poller, RelayLoop, poller_on

try:
    import uvloop
except ImportError:  # no wheel for this machine
    LOOPS = [RelayLoop, asyncio.new_event_loop]
else:
    LOOPS = [RelayLoop, asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    one, two = socket.socketpair()
    one.setblocking(False)
    two.setblocking(False)
    yield one, two
    one.close()
    two.close()


@pytest.fixture(params=LOOPS, ids=lambda made: made.__name__)
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of each kind, not running."""
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def poller(loop: asyncio.AbstractEventLoop) -> Iterator[Poller]:
    """What watches the relay's sockets there."""
    with poller_on(loop) as made:
        yield made


def turn(loop: asyncio.AbstractEventLoop, seconds: float = 0.05) -> None:
    """Let the loop run for a moment."""
    loop.run_until_complete(asyncio.sleep(seconds))


def test_callbacks_come_while_there_is_something_and_no_longer(
    loop: asyncio.AbstractEventLoop, poller: Poller, ends: tuple[socket.socket, socket.socket]
) -> None:
    """Readable and writable are told apart; after the removal nobody is called, and a second removal is harmless."""
    one, two = ends
    fd = one.fileno()
    heard: list[bytes] = []
    written: list[int] = []

    def write() -> None:
        written.append(one.send(b"out"))
        poller.remove_writer(fd)

    poller.add_reader(fd, lambda: heard.append(one.recv(100)))
    poller.add_writer(fd, write)
    two.send(b"in")
    turn(loop)
    poller.remove_reader(fd)
    poller.remove_reader(fd)
    poller.remove_writer(fd)
    two.send(b"more")
    turn(loop)

    assert heard == [b"in"]
    assert written == [3]
    assert two.recv(100) == b"out"


def test_a_callback_that_fails_is_said_and_the_others_are_served(
    loop: asyncio.AbstractEventLoop, poller: Poller, ends: tuple[socket.socket, socket.socket]
) -> None:
    """A fault in one connection's callback never ends the loop."""
    one, two = ends
    said: list[str] = []
    loop.set_exception_handler(lambda _, context: said.append(str(context["exception"])))

    def fail() -> None:
        one.recv(100)
        raise ValueError("oops")

    poller.add_reader(one.fileno(), fail)
    two.send(b"x")
    turn(loop)
    two.send(b"x")
    turn(loop)

    assert said == ["oops", "oops"]


def test_an_event_of_a_closed_socket_does_not_reach_its_successor(
    loop: asyncio.AbstractEventLoop, poller: Poller
) -> None:
    """Two events at once: the first callback closes the second's socket, whose number a new one gets at once."""
    first, far_first = socket.socketpair()
    second, far_second = socket.socketpair()
    fresh: list[socket.socket] = []
    called: list[str] = []

    def replace(mine: socket.socket, other: socket.socket) -> None:
        mine.recv(100)
        if fresh:
            return
        number = other.fileno()
        poller.remove_reader(number)
        other.close()
        one, two = socket.socketpair()
        fresh.extend((one, two))
        assert number in (one.fileno(), two.fileno())
        poller.add_reader(number, lambda: called.append("stale"))

    poller.add_reader(first.fileno(), lambda: replace(first, second))
    poller.add_reader(second.fileno(), lambda: replace(second, first))
    far_first.send(b"x")
    far_second.send(b"x")
    turn(loop)

    assert fresh
    assert called == []
    for sock in (first, far_first, second, far_second, *fresh):
        sock.close()


def test_timers_and_tasks_run_while_the_sockets_are_busy(
    loop: asyncio.AbstractEventLoop, poller: Poller, ends: tuple[socket.socket, socket.socket]
) -> None:
    """A socket that always has something to say starves neither a timer nor a task."""
    one, two = ends
    two.send(b"x")
    count = 0

    def busy() -> None:
        nonlocal count
        count += 1

    async def live() -> tuple[float, int]:
        began = time.monotonic()
        await asyncio.sleep(0.05)
        for _ in range(100):
            await asyncio.sleep(0)
        return time.monotonic() - began, count

    poller.add_reader(one.fileno(), busy)
    took, seen = loop.run_until_complete(live())

    assert 0.04 <= took < 5  # libuv counts in whole milliseconds of its own clock
    assert seen > 100


def test_what_a_callback_asks_of_the_loop_happens_at_once(
    loop: asyncio.AbstractEventLoop, poller: Poller, ends: tuple[socket.socket, socket.socket]
) -> None:
    """A callback that sets an event or a timer wakes who waits for it, though the loop slept for long."""
    one, two = ends
    read, later = asyncio.Event(), asyncio.Event()

    def callback() -> None:
        one.recv(100)
        read.set()
        loop.call_later(0.02, later.set)

    async def live() -> float:
        loop.call_later(60, lambda: None)
        loop.call_later(0.02, two.send, b"x")
        began = time.monotonic()
        async with asyncio.timeout(20):
            await read.wait()
            await later.wait()
        return time.monotonic() - began

    poller.add_reader(one.fileno(), callback)

    assert loop.run_until_complete(live()) < 5


def test_a_busy_descriptor_is_served_on_and_can_pause(
    loop: asyncio.AbstractEventLoop, poller: Poller, ends: tuple[socket.socket, socket.socket]
) -> None:
    """Many events, a pause, many more, waiting for room, a last pause: whichever way it is watched, nothing is lost."""
    one, two = ends
    fd = one.fileno()
    heard: list[bytes] = []
    room: list[bool] = []

    def read() -> None:
        heard.append(one.recv(1))
        two.send(b"x")

    two.send(b"x")
    poller.add_reader(fd, read)
    while len(heard) < 2 * MOVE_AFTER_EVENTS:
        turn(loop, 0.005)
    poller.add_writer(fd, lambda: (room.append(True), poller.remove_writer(fd)))
    turn(loop)
    assert room == [True]
    poller.remove_reader(fd)
    before = len(heard)
    turn(loop)
    assert len(heard) == before

    poller.add_writer(fd, lambda: (room.append(True), poller.remove_writer(fd)))
    poller.add_reader(fd, read)
    while len(heard) < before + 2 * MOVE_AFTER_EVENTS:
        turn(loop, 0.005)
    poller.remove_reader(fd)
    poller.remove_reader(fd)

    assert room == [True, True]


async def _everyday_life(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Threads, a child process, a signal, a server: all that the gate uses of asyncio."""
    seen = [await asyncio.to_thread(lambda: "thread")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print('child')", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    seen.append(out.decode().strip())
    signalled = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR2, signalled.set)
    os.kill(os.getpid(), signal.SIGUSR2)
    await signalled.wait()
    loop.remove_signal_handler(signal.SIGUSR2)
    server = await asyncio.start_server(lambda _, writer: (writer.write(b"server"), writer.close()), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    seen.append((await reader.read()).decode())
    writer.close()
    server.close()
    await server.wait_closed()
    return seen


def test_asyncio_lives_as_ever_on_it() -> None:
    """Threads, child processes, signals and streams work on the loop."""
    with asyncio.Runner(loop_factory=RelayLoop) as runner:
        seen = runner.run(_everyday_life(runner.get_loop()))

    assert seen == ["thread", "child", "server"]
