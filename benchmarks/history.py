"""A hundred stations' thousand sessions: read into the archive, shown, and reported on, against a plain file of the same rows in one run.

The simulated cloud is a process of its own; every figure of ours is a whole command, from its start to its end. The peer is what owners' tools do:
one JSON file, loaded whole and gone through in Python, also as a process of its own.

    python benchmarks/history.py [--quick]
"""

import argparse
import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

STATIONS, SESSIONS = 100, 1000
QUICK_STATIONS = 20
SYNC_SECONDS, SHOW_SECONDS = 10.0, 0.5
"""What a hundred thousand sessions may take."""
START_SECONDS = 60.0

REPORTS = {
    "the newest 50": (),
    "hours by station and game": ("--report", "hours"),
    "hours by day": ("--report", "hours", "--by", "day"),
    "hours by hour of day": ("--report", "hours", "--by", "hour"),
    "income": ("--report", "income"),
    "visitors": ("--report", "visitors"),
    "trials": ("--report", "trials"),
    "scores": ("--report", "scores"),
    "a game's last week": ("--game", "Dota 2", "--since", "7d"),
}
PEER = """
import collections, json, sys
rows = json.load(open(sys.argv[1]))
hours, count = collections.Counter(), collections.Counter()
for row in rows:
    key = row["server_id"], row["product_id"]
    count[key] += 1
    hours[key] += (row["finished_on"] - row["created_on"]) / 3.6e6 if row["finished_on"] else 0.0
print("\\n".join(f"{key} {count[key]} {played:.1f}" for key, played in hours.most_common(50)))
"""
"""The same question as "hours by station and game"."""


@contextlib.contextmanager
def simulator(stations: int, folder: Path) -> Iterator[dict[str, str]]:
    """A cloud with a past; the settings that reach it."""
    out = folder / "sim.env"
    command = [
        sys.executable,
        "-m",
        "drova_gate.sim",
        "--cloud-only",
        str(stations),
        "--history",
        str(SESSIONS),
        "--merchant",
    ]
    with out.open("w") as file:
        process = subprocess.Popen(command, stdout=file)
    try:
        deadline = time.monotonic() + START_SECONDS
        while "ready" not in out.read_text():
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit("the simulator did not start")
            time.sleep(0.1)
        known = dict(re.findall(r"^(\w+)=(.*)$", out.read_text(), re.MULTILINE))
        yield {name: known[name] for name in ("DROVA_API_URL", "DROVA_TOKEN")}
    finally:
        process.terminate()
        process.wait()


def cpu_of_children() -> float:
    """Seconds that ended commands have computed; the simulator has not ended yet."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds_of(arguments: tuple[str, ...], environment: dict[str, str], *, times: int = 1) -> tuple[float, float, str]:
    """The middle of several runs of a command by the clock, what one of them computed, and what it printed."""
    found, printed, before = [], "", cpu_of_children()
    for _ in range(times):
        began = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        found.append(time.perf_counter() - began)
        if ended.returncode:
            raise SystemExit(f"{' '.join(arguments)}: {ended.stderr}")
        printed = ended.stdout
    return statistics.median(found), (cpu_of_children() - before) / times, printed


def main() -> int:
    """Print the figures; 1 when an aim is missed with all hundred stations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STATIONS} stations, one run each")
    quick = parser.parse_args().quick
    stations, times = (QUICK_STATIONS, 1) if quick else (STATIONS, 5)
    missed = []
    with tempfile.TemporaryDirectory() as name, simulator(stations, Path(name)) as settings:
        folder = Path(name)
        environment = {"PATH": os.environ["PATH"], "DROVA_STATE_DIR": name, "TZ": "Europe/Moscow", **settings}
        gate = ("-m", "drova_gate", "history")
        for what in ("sync", "sync again"):
            seconds, cpu, said = seconds_of((*gate, "sync"), environment)
            print(f"{what:<28} {seconds:6.2f} s   CPU {cpu:5.2f} s   {said.strip()}")
            if seconds > SYNC_SECONDS:
                missed.append(f"{what}: {seconds:.1f} s, under {SYNC_SECONDS:.0f}")
        print(f"{'size':<28} {(folder / 'history.sqlite').stat().st_size / 1e6:6.1f} MB")
        found = {}
        for what, options in REPORTS.items():
            found[what], cpu, _ = seconds_of((*gate, "show", *options), environment, times=times)
            print(f"{what:<28} {found[what]:6.2f} s   CPU {cpu:5.2f} s")
            if found[what] > SHOW_SECONDS:
                missed.append(f"{what}: {found[what]:.2f} s, under {SHOW_SECONDS}")
        _, _, rows = seconds_of((*gate, "show", "--json", "--limit", "0", "--addresses"), environment)
        (folder / "all.json").write_text(rows)
        peer, cpu, _ = seconds_of(("-c", PEER, str(folder / "all.json")), environment, times=times)
        count = len(json.loads(rows))
        print(
            f"{'the peer: a JSON file':<28} {peer:6.2f} s   CPU {cpu:5.2f} s   {count} sessions, {len(rows) / 1e6:.0f} MB"
        )
        print(f"{'ratio, hours to the peer':<28} {found['hours by station and game'] / peer:6.2f}")
    for line in missed:
        print(f"goal missed: {line}")
    return 1 if missed and not quick else 0


if __name__ == "__main__":
    sys.exit(main())
