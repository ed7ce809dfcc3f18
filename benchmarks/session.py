"""One session's figures: ready byte to confirmed preparation, commands sent, against the one-command-at-a-time way; memory at rest.

The simulated station takes what a real one takes: 0.10 s for an SSH command and 0.05 s for each process it starts. The peer's way sends one command
per registry value and kill over the same link: 66 of them (``--peer-commands``), as today's tools do. Both run in one go, so the ratio is the result.

    python benchmarks/session.py [--repeats N] [--quick]
"""

import argparse
import asyncio
import contextlib
import logging
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from process_figures import cpu_seconds, free_port, resident_mb

from drova_gate.config import Mode
from drova_gate.core.model import Phase
from drova_gate.demo.stage import Act, Pace, Stage
from drova_gate.demo.story import play_rental
from drova_gate.host.commands import Run

PEER_COMMANDS = 66
"""Commands that the leaner of today's tools sends around one session's start; the other sends 85."""


async def one_rental(folder: Path, peer_commands: int) -> tuple[float, float, int, float]:
    """Play one rental: seconds from ready byte to prepared, seconds of the preparation alone, commands, seconds of the peer's way."""
    stage = Stage(Mode.SOCKET, 1, None, folder, lambda *_: None, pace=Pace(play=0.1))
    async with stage, asyncio.TaskGroup() as group:
        act = stage.acts[0]
        running = group.create_task(act.gate.run())
        await play_rental(stage, act)
        report = next(one for one in act.reports if one.prepared)
        if act.ready_sent_at is None or act.prepared_at is None or act.phase is not Phase.CLEAN:
            raise SystemExit(f"the rental failed: {act.gate.controller.reason}")
        figures = (
            act.prepared_at - act.ready_sent_at,
            report.seconds,
            report.commands,
            await peers_way(act, peer_commands),
        )
        running.cancel()
    return figures


async def peers_way(act: Act, commands: int) -> float:
    """The same station, one command after another: seconds."""
    link = act.gate.link
    began = time.perf_counter()
    for _ in range(commands):
        await link.run((Run("reg.exe", ("query", r"HKLM\SOFTWARE\drova_gate")),))
    return time.perf_counter() - began


def memory_at_rest(seconds: float) -> tuple[float, float]:
    """Resident MB and CPU percent of a gate process of its own with one station that nobody rents."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as parts:
        env_file = Path(folder) / "sim.env"
        with env_file.open("w") as out:
            simulator = subprocess.Popen([sys.executable, "-m", "drova_gate.sim"], stdout=out)
        parts.callback(simulator.wait)
        parts.callback(simulator.send_signal, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while "DROVA_API_URL=" not in env_file.read_text() or "WINDOWS_PASSWORD=" not in env_file.read_text():
            if time.monotonic() > deadline:
                raise SystemExit("the simulator did not start")
            time.sleep(0.1)
        known = dict(re.findall(r"^(\w+)=(.*)$", env_file.read_text(), re.MULTILINE))
        environment = {
            "PATH": os.environ["PATH"],
            **known,
            "DROVA_STATE_DIR": folder,
            "DROVA_SOCKET_LISTEN": str(free_port()),
        }
        gate = subprocess.Popen(
            [sys.executable, "-m", "drova_gate", "socket"], env=environment, stderr=subprocess.DEVNULL
        )
        parts.callback(gate.wait)
        parts.callback(gate.send_signal, signal.SIGTERM)
        time.sleep(4)
        before, at = cpu_seconds(gate.pid), time.monotonic()
        time.sleep(seconds)
        used = 100 * (cpu_seconds(gate.pid) - before) / (time.monotonic() - at)
        return resident_mb(gate.pid), used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--peer-commands", type=int, default=PEER_COMMANDS)
    parser.add_argument("--quick", action="store_true", help="two repeats, a short rest: a smoke run")
    options = parser.parse_args()
    repeats = 2 if options.quick else options.repeats
    logging.disable(logging.CRITICAL)
    rows = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(asyncio.run(one_rental(Path(folder), options.peer_commands)))
    ready, alone, commands, peer = (list(column) for column in zip(*rows, strict=True))
    ratios = [mine / theirs for mine, theirs in zip(ready, peer, strict=True)]
    print(f"{'':44} {'min':>8} {'median':>8} {'max':>8}   ({repeats} repeats)")
    for label, values in (
        ("ready byte to confirmed preparation, s", ready),
        ("the preparation alone, s", alone),
        ("SSH commands for it", commands),
        (f"one command at a time ({options.peer_commands}), unconfirmed, s", peer),
        ("ratio, ours to one at a time", ratios),
    ):
        print(f"{label:44} {min(values):8.2f} {statistics.median(values):8.2f} {max(values):8.2f}")
    resident, used = memory_at_rest(3 if options.quick else 20)
    print(f"{'gate process at rest, one station: MB resident':44} {'':8} {resident:8.1f}")
    print(f"{'gate process at rest, one station: % of a core':44} {'':8} {used:8.2f}")


if __name__ == "__main__":
    main()
