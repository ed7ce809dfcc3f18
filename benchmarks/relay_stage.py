"""The cast of the relay benchmark: the relays as processes, the load generator, and what each process has cost."""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drova_gate.relay.door import Door
from drova_gate.relay.limits import Limits
from drova_gate.relay.listener import RelayListener
from drova_gate.relay.pipes import PipePool
from drova_gate.relay.polling import RelayLoop

HERE = Path(__file__).resolve().parent
HAPROXY = "haproxy"
"""The name of the peer that everything is compared with."""


@dataclass(frozen=True)
class Contestant:
    """One relay: how it is started, what it needs."""

    name: str
    command: Callable[[int, int, Path], list[str]]
    """From the port to listen on, the station's port and a folder for files to the command line."""
    program: str = sys.executable


def _haproxy(*settings: str) -> Callable[[int, int, Path], list[str]]:
    def command(listen: int, station: int, folder: Path) -> list[str]:
        options = "\n".join(f"  {line}" for line in settings if line.startswith("option"))
        tuning = "\n".join(f"  {line}" for line in settings if not line.startswith("option"))
        path = folder / f"haproxy-{listen}.cfg"
        path.write_text(
            f"global\n  nbthread 1\n  maxconn 4000\n{tuning}\n"
            f"defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n{options}\n"
            f"listen relay\n  bind 127.0.0.1:{listen}\n  server station 127.0.0.1:{station}\n"
        )
        return [HAPROXY, "-db", "-q", "-f", str(path)]

    return command


def _socat(listen: int, station: int, _: Path) -> list[str]:
    return ["socat", f"TCP-LISTEN:{listen},fork,reuseaddr,nodelay,backlog=512", f"TCP:127.0.0.1:{station},nodelay"]


def _ours(design: str, loop: str) -> Callable[[int, int, Path], list[str]]:
    def command(listen: int, station: int, _: Path) -> list[str]:
        return [sys.executable, str(HERE / "relay.py"), "--serve", design, loop, str(listen), str(station)]

    return command


CONTESTANTS = (
    Contestant(HAPROXY, _haproxy(), HAPROXY),
    Contestant(
        "haproxy spliced",
        _haproxy("tune.pipesize 1048576", "option splice-request", "option splice-response"),
        HAPROXY,
    ),
    Contestant("socat", _socat, "socat"),
    Contestant("4 KiB asyncio", _ours("streams", "asyncio")),
    Contestant("gate asyncio", _ours("gate", "asyncio")),
    Contestant("gate uvloop", _ours("gate", "uvloop")),
    Contestant("gate copying", _ours("copy", "asyncio")),
)


def present(contestant: Contestant) -> bool:
    """Whether this machine has what the relay needs."""
    if contestant.name.endswith("uvloop"):
        try:
            import uvloop  # noqa: F401, PLC0415 - only asked for here
        except ImportError:
            return False
    return shutil.which(contestant.program) is not None


class Running:
    """A relay as a process, and what it has cost so far."""

    def __init__(self, contestant: Contestant, port: int, station: int, folder: Path) -> None:
        self.name = contestant.name
        self.port = port
        self.process = subprocess.Popen(
            contestant.command(port, station, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _processes(self) -> list[int]:
        """The process and its children (socat forks one for each connection)."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [self.process.pid, *(int(child) for child in children.read_text().split())]

    def cpu_seconds(self) -> float:
        """CPU time of all its threads, from the scheduler's nanosecond clock."""
        total = 0
        for pid in self._processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    total += int((thread / "schedstat").read_text().split()[0])
        return total / 1e9

    def resident_bytes(self) -> int:
        """Memory in RAM."""
        pages = 0
        for pid in self._processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """Open descriptors."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self._processes())

    def run_on(self, cpu: int) -> None:
        """Keep it on one CPU."""
        for pid in self._processes():
            os.sched_setaffinity(pid, {cpu})

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def cast(names: list[str], station: int) -> Iterator[list[Running]]:
    """All relays that this machine can run, up and listening."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        running = []
        for contestant in CONTESTANTS:
            if (names and contestant.name not in names) or not present(contestant):
                continue
            relay = Running(contestant, free_port(), station, Path(folder))
            ends.callback(relay.stop)
            running.append(relay)
        for relay in running:
            _await_listening(relay)
        yield running


def _await_listening(relay: Running) -> None:
    """Wait for the port without connecting: a connection would need a station."""
    wanted = f":{relay.port:04X} 00000000:0000 0A"
    end = time.monotonic() + 10
    while wanted not in Path("/proc/net/tcp").read_text():
        if time.monotonic() > end or relay.process.poll() is not None:
            raise SystemExit(f"{relay.name}: did not begin to listen")
        time.sleep(0.02)


# -- the load --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def load_generator() -> Iterator[Path]:
    """The compiled ``relay_load.c``."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("the load generator is written in C: install gcc (apt-get install gcc libc6-dev)")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "relay_load"
        subprocess.run([compiler, "-O2", "-pthread", "-o", program, HERE / "relay_load.c"], check=True)
        yield program


@contextlib.contextmanager
def awake(program: Path, cpus: list[int]) -> Iterator[None]:
    """Keep the CPUs from halting while something is measured."""
    spinners = [subprocess.Popen([program, "spin"], stderr=subprocess.DEVNULL) for _ in cpus]
    try:
        for spinner, cpu in zip(spinners, cpus, strict=True):
            os.sched_setaffinity(spinner.pid, {cpu})
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def play(program: Path, mode: str, station: int, port: int, amount: float, cpu: int) -> list[float]:
    """Run one scene to its end; the numbers it printed."""
    done = subprocess.run(
        ["taskset", "-c", str(cpu), program, mode, str(station), str(port), str(amount)],
        capture_output=True,
        text=True,
        check=False,
        timeout=amount + 60,
    )
    if done.returncode:
        raise SystemExit(f"{mode} through port {port}: {done.stderr.strip()}")
    return [float(word) for word in done.stdout.split()]


@contextlib.contextmanager
def standing(program: Path, mode: str, station: int, port: int, count: int) -> Iterator[None]:
    """Open connections that stay until the end."""
    with subprocess.Popen(
        [program, mode, str(station), str(port), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "open":
            raise SystemExit(f"{mode} through port {port}: the connections did not open")
        yield
        process.communicate("")


def tcp_memory_bytes() -> int:
    """Kernel memory of all TCP sockets of the machine."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return int(words[words.index("mem") + 1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


# -- a network like a router's -----------------------------------------------------------------------------------------------

SIOCETHTOOL = 0x8946
OFFLOADS = {"tso": 0x1F, "gso": 0x24, "gro": 0x2C}
"""``ETHTOOL_STSO``, ``ETHTOOL_SGSO``, ``ETHTOOL_SGRO`` of linux/ethtool.h."""


def shrink_loopback() -> None:
    """Loopback of this (own) network namespace: up, MTU 1500, packets neither built nor joined by the kernel."""
    subprocess.run(["ip", "link", "set", "lo", "up", "mtu", "1500"], check=True)
    with socket.socket() as sock:
        for command in OFFLOADS.values():
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", b"lo", ctypes.addressof(value)))


# -- the Python relays, as programs --------------------------------------------------------------------------------------------


def serve(design: str, loop: str, listen: int, station: int) -> None:
    """Be one of the Python relays until killed; the gate's on the loop that the daemon would run on."""
    if design == "streams":
        asyncio.run(_serve_streams(listen, station))
        return
    factory: Callable[[], asyncio.AbstractEventLoop] = RelayLoop
    if loop == "uvloop":
        import uvloop  # noqa: PLC0415 - optional

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve_gate(design, listen, station))


async def _serve_gate(design: str, listen: int, station: int) -> None:
    listener = RelayListener(
        "127.0.0.1",
        listen,
        "127.0.0.1",
        station,
        Door("benchmark", hold_seconds=0),
        Limits(connections=100_000, per_address=100_000),
        pipes=PipePool(usable=design != "copy"),
    )
    await listener.start()
    await listener.serve()


async def _serve_streams(listen: int, station: int) -> None:
    """The usual first design: asyncio streams, 4 KiB at a time."""

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(4096):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", station)
        await asyncio.gather(pour(reader, back), pour(there, writer))

    server = await asyncio.start_server(visited, "127.0.0.1", listen, backlog=512)
    await server.serve_forever()
