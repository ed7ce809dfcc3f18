"""How long the doctor takes: all checks of one station, side by side, and with one command at a time.

The simulated station takes what a real one takes: 0.10 s for an SSH command and 0.05 s for each process it starts. One command at a time is what
an sshd with MaxSessions 2 leaves; both run in one go, so the ratio is the result. It must stay under 5 s.

    python benchmarks/doctor.py [--repeats N] [--quick]
"""

import argparse
import asyncio
import logging
import statistics
import tempfile
import time
from pathlib import Path

from drova_gate.config import Mode, read_config
from drova_gate.doctor.run import examine
from drova_gate.doctor.verdict import Outcome
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Station, StationPlan

LIMIT_SECONDS = 5.0


async def one_visit(folder: Path, sessions: int) -> tuple[float, int]:
    """Seconds, and commands sent."""
    plan = StationPlan(max_sessions=sessions)
    server, token, owner = plan.registrations[0]
    async with Cloud() as cloud, Station(plan) as station:
        cloud.add_server(server, plan.name, owner, token=token)
        settings = {
            "WINDOWS_HOST": station.host,
            "WINDOWS_SSH_PORT": str(station.ssh_port),
            "WINDOWS_LOGIN": plan.login,
            "WINDOWS_PASSWORD": plan.password,
            "SHADOW_DEFENDER_PASSWORD": plan.shadow_password,
            "DROVA_TARGET_PORT": str(station.agent_port),
            "DROVA_API_URL": cloud.url,
        }
        (config,) = read_config(Mode.VALIDATE, settings).stations
        began = time.perf_counter()
        checks = await examine(config, folder)
        took = time.perf_counter() - began
        if bad := [check.code for check in checks if check.outcome is Outcome.FAIL]:
            raise SystemExit(f"checks that should not fail: {bad}")
        return took, len(station.commands)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one repeat: a smoke run")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    repeats = 1 if options.quick else options.repeats
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            took, commands = asyncio.run(one_visit(Path(folder), 10))
            alone, _ = asyncio.run(one_visit(Path(folder), 2))
            rows.append((took, alone, took / alone, float(commands)))
    print(f"{'':44} {'min':>8} {'median':>8} {'max':>8}   ({repeats} repeats)")
    labels = ("all checks of one station, s", "one command at a time, s", "ratio", "SSH commands")
    for label, values in zip(labels, zip(*rows, strict=True), strict=True):
        print(f"{label:44} {min(values):8.2f} {statistics.median(values):8.2f} {max(values):8.2f}")
    if min(row[0] for row in rows) > LIMIT_SECONDS:
        raise SystemExit(f"slower than {LIMIT_SECONDS:g} s")


if __name__ == "__main__":
    main()
