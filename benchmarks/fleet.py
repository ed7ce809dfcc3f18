"""Many stations in one process: resident memory, CPU, API requests and descriptors at rest, and how soon the end of a session is seen.

The gate is `drova_gate run`, a process of its own; the simulated stations and cloud run in another. Goals for 30 stations: under 75 MB, under 2 % of
a core, at most 3 requests a second; and the cost of each further station must stay flat.

    python benchmarks/fleet.py [--seconds 60] [--quick]
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from process_figures import cpu_seconds, descriptors, free_port, resident_mb

SIZES = (1, 10, 30, 100)
MEMORY_GOAL, CPU_GOAL, REQUESTS_GOAL = 75.0, 2.0, 3.0
GOAL_AT = 30
SPEED = 20
"""How much faster than a real PC the simulated one is: what is measured here is the gate's waiting, not the station's."""


@dataclass
class Hall:
    """The simulator, the gate, and how to reach both."""

    size: int
    api: str
    servers: dict[str, str]
    state: Path
    gate: subprocess.Popen[bytes]

    def sim(self, path: str, body: dict[str, str]) -> dict:
        """Give the simulator an order."""
        with contextlib.closing(http.client.HTTPConnection(self.api.removeprefix("http://"), timeout=20)) as line:
            line.request("POST", f"/sim{path}", json.dumps(body), {"Content-Type": "application/json"})
            return json.loads(line.getresponse().read() or b"{}")

    def status(self) -> dict:
        """Ask the gate how it is."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(10)
            asking.connect(str(self.state / "status.sock"))
            asking.sendall(b'{"command": "status"}\n')
            return json.loads(b"".join(iter(lambda: asking.recv(65536), b"")))

    def phases(self) -> dict[str, str]:
        """What each station does; empty while the gate does not answer."""
        with contextlib.suppress(OSError, ValueError):
            return {one["name"]: one["phase"] for one in self.status()["stations"]}
        return {}


@dataclass
class Figures:
    """What a gate weighs."""

    size: int
    start: float
    memory: float
    cpu: float
    requests: float
    descriptors: int
    detection: dict[str, list[float]] = field(default_factory=dict)


@contextlib.contextmanager
def hall(size: int, mode: str) -> Iterator[Hall]:
    """Run a simulator and a gate of so many stations; ``mode``: socket, poll or merchant (poll with a merchant's token)."""
    with tempfile.TemporaryDirectory(prefix="fleet_") as folder, contextlib.ExitStack() as parts:
        text = Path(folder) / "sim.env"
        with text.open("w") as out:
            simulator = subprocess.Popen(
                [sys.executable, "-m", "drova_gate.sim", "--stations", str(size), "--speed", str(SPEED)],
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        parts.callback(end, simulator)
        until(lambda: "# ready" in text.read_text(), 60, "the simulator does not start")
        settings, servers = stations_file(text.read_text(), mode)
        config = Path(folder) / "stations.toml"
        config.write_text(settings)
        state = Path(folder) / "s"
        gate = subprocess.Popen(
            [sys.executable, "-m", "drova_gate", "run"],
            env={
                "PATH": os.environ["PATH"],
                "DROVA_CONFIG": str(config),
                "DROVA_STATE_DIR": str(state),
                "ENV_LOCATION": "",
                "DROVA_LOG_LEVEL": "ERROR",
            },
            stderr=subprocess.DEVNULL if "FLEET_LOG" not in os.environ else None,
        )
        parts.callback(end, gate)
        api = re.search(r"^DROVA_API_URL=(.*)$", text.read_text(), re.MULTILINE)
        assert api is not None
        yield Hall(size, api[1], servers, state, gate)


def stations_file(announced: str, mode: str) -> tuple[str, dict[str, str]]:
    """The simulator's announcement as a DROVA_CONFIG file, and the server id of each station."""
    tables, servers = [], {}
    for block in re.split(r"^# station ", announced, flags=re.MULTILINE)[1:]:
        name, server = re.match(r"(\S+), Drova server (\S+)", block).groups()
        known = dict(re.findall(r"^((?:WINDOWS|SHADOW|DROVA)_\w+)=(.*)$", block, re.MULTILINE))
        known["DROVA_LISTEN_HOST"] = "127.0.0.1"
        if mode == "socket":
            known["DROVA_SOCKET_LISTEN"] = str(free_port())
        if mode == "merchant":
            known["DROVA_TOKEN"] = re.search(r"^# DROVA_TOKEN=(.*)$", block, re.MULTILINE)[1]
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in known.items())
        tables.append(f'[[station]]\nname = "{name}"\n{lines}')
        servers[name] = server
    return "\n".join(tables), servers


def at_rest(size: int, mode: str, seconds: float, rounds: int) -> Figures:
    """Weigh a gate that nobody rents from, then let sessions end on it."""
    with hall(size, mode) as one:
        began = time.monotonic()
        until(lambda: set(one.phases().values()) == {"clean"}, 120, "not all stations become clean")
        start = time.monotonic() - began
        time.sleep(min(5.0, seconds / 2))  # what was read at the start is behind it
        before, asked, at = cpu_seconds(one.gate.pid), one.status()["requests"], time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - at
        cpu, requests = 100 * (cpu_seconds(one.gate.pid) - before) / took, (one.status()["requests"] - asked) / took
        figures = Figures(size, start, resident_mb(one.gate.pid), cpu, requests, descriptors(one.gate.pid))
        for sessions in sorted({1, size}):
            if rounds:
                figures.detection[f"{sessions} at once"] = detection(one, sessions, rounds)
        return figures


def detection(one: Hall, count: int, rounds: int) -> list[float]:
    """Seconds from FINISHED in the cloud to the reset that was sent, for sessions that end at moments of their own."""
    found: list[float] = []
    for _ in range(rounds):
        names = random.sample(sorted(one.servers), count)
        since = time.time()
        sessions = {name: one.sim("/session", {"server": one.servers[name]})["session"] for name in names}
        for session in sessions.values():
            one.sim(f"/session/{session}/status", {"status": "ACTIVE"})
        until(lambda: all(one.phases().get(name) == "in_session" for name in names), 120, "not all are prepared")  # noqa: B023
        ended: dict[str, float] = {}
        for name in names:
            time.sleep(random.uniform(0, 2.0 / count))
            one.sim(f"/session/{sessions[name]}/status", {"status": "FINISHED"})
            ended[name] = time.time()
        until(lambda: all(one.phases().get(name) == "clean" for name in names), 120, "not all become clean again")  # noqa: B023
        with contextlib.closing(sqlite3.connect(one.state / "events.sqlite")) as base:
            for name, at in ended.items():
                rows = base.execute(
                    "SELECT min(at) FROM events WHERE station = ? AND kind = 'reset' AND at > ?", (name, since)
                )
                found.append(rows.fetchone()[0] - at)
    return found


# -- the machine's word ----------------------------------------------------------------------------------------------


def until(reached: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise SystemExit(otherwise)
        time.sleep(0.1)


def end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# -- the table -------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0, help="at rest, for each size")
    parser.add_argument("--rounds", type=int, default=3, help="of sessions that end, for each size")
    parser.add_argument(
        "--mode", choices=("socket", "poll", "merchant"), action="append", help="may be repeated; default: all"
    )
    parser.add_argument("--size", type=int, action="append", help="may be repeated; default: 1, 10, 30, 100")
    parser.add_argument("--quick", action="store_true", help="30 stations, some seconds: a smoke run")
    options = parser.parse_args()
    sizes = options.size or ([GOAL_AT] if options.quick else list(SIZES))
    modes = options.mode or (["socket"] if options.quick else ["socket", "poll", "merchant"])
    seconds, rounds = (8.0, 1) if options.quick else (options.seconds, options.rounds)
    missed: list[str] = []
    for mode in modes:
        print(f"{mode} mode, {seconds:.0f} s at rest")
        print("stations    start   resident     CPU   requests/s  descriptors   FINISHED to reset sent, p50 / p99")
        rows = []
        for size in sizes:
            row = at_rest(size, mode, seconds, rounds)
            rows.append(row)
            seen = "   ".join(f"{name}: {quantiles(times)}" for name, times in row.detection.items())
            print(
                f"{size:>8}  {row.start:>5.1f} s  {row.memory:>6.1f} MB  {row.cpu:>5.2f} %  {row.requests:>10.2f}"
                f"  {row.descriptors:>11}   {seen}",
                flush=True,
            )
            missed += goals(mode, row)
        if len(rows) > 1:
            first, last = rows[0], rows[-1]
            each = 1024 * (last.memory - first.memory) / (last.size - first.size)
            print(
                f"each further station: {each:.0f} KiB, {(last.cpu - first.cpu) / (last.size - first.size):.3f} % CPU"
            )
        print()
    for line in missed:
        print(f"goal missed: {line}")
    print("all goals reached" if not missed else f"{len(missed)} goals missed")
    sys.exit(1 if missed else 0)


def goals(mode: str, row: Figures) -> list[str]:
    if row.size != GOAL_AT:
        return []
    found = {
        f"{row.memory:.1f} MB, under {MEMORY_GOAL:.0f}": row.memory < MEMORY_GOAL,
        f"{row.cpu:.2f} % of a core, under {CPU_GOAL:.0f}": row.cpu < CPU_GOAL,
        f"{row.requests:.2f} requests/s, at most {REQUESTS_GOAL:.0f}": row.requests <= REQUESTS_GOAL * 1.05,
    }
    return [f"{mode}, {row.size} stations: {text}" for text, reached in found.items() if not reached]


def quantiles(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{statistics.median(ordered):.2f} / {ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]:.2f} s"


if __name__ == "__main__":
    main()
