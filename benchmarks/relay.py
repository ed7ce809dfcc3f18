"""The relay against its peers, side by side: ``python benchmarks/relay.py [--quick]``.

Every relay is visited once in each repeat, in rotated order; what counts is the median of the ratios to HAProxy's default
TCP mode within each repeat, with their range. Absolute figures belong to the machine. Both ends of all connections are one
small C program (compiled here). Bulk runs with the relay on a CPU of its own; round trips and connections with everything
on one CPU, because waking another one costs more than the relay itself.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from relay_picture import draw
from relay_stage import (
    HAPROXY,
    Running,
    awake,
    cast,
    free_port,
    load_generator,
    play,
    serve,
    shrink_loopback,
    standing,
    tcp_memory_bytes,
)

DIRECT = "direct"
MEASURES = {
    "bulk_cpu": "bulk: CPU s/GB",
    "bulk_rate": "bulk: GB/s",
    "trip": "64 B trip, median us",
    "trip_cpu": "64 B trip: CPU us",
    "conn": "connection, median us",
    "conn_cpu": "connection: CPU us",
}
GOALS = {
    ("gate asyncio", "bulk_cpu"): ("<=", 0.55),
    ("gate uvloop", "bulk_cpu"): ("<=", 0.55),
    ("gate asyncio", "bulk_rate"): (">=", 1.5),
    ("gate uvloop", "bulk_rate"): (">=", 1.5),
    ("gate asyncio", "trip"): ("<=", 1.0),
    ("gate uvloop", "trip"): ("<=", 0.9),
    ("gate asyncio", "conn_cpu"): ("<=", 1.25),
    ("gate uvloop", "conn_cpu"): ("<=", 1.25),
}
"""As ratios to HAProxy's default."""
SPLICED_GOAL = 1.2
"""Bulk CPU per GB, as a ratio to HAProxy that is made to splice."""
SMALL_PACKETS_GOAL = 0.6
"""Bulk CPU per GB at MTU 1500 without offloads, as a ratio to HAProxy's default."""
IDLE_KIBIBYTES, IDLE_DESCRIPTORS, STALLED_MEGABYTES = 2.0, 2.0, 2.0

Samples = dict[str, dict[str, list[float]]]
"""By relay and measure: one value for each repeat."""


def measure(program: Path, relays: list[Running], station: int, options: argparse.Namespace) -> Samples:
    """All repeats."""
    samples: Samples = defaultdict(lambda: defaultdict(list))
    cpus = sorted(os.sched_getaffinity(0))
    ends, own = cpus[0], cpus[-1]
    scenes = ["bulk"] if options.mtu_1500 else ["bulk", "ping", "conn"]
    with awake(program, sorted({ends, own})):
        for repeat in range(options.repeats):
            for scene in scenes:
                turn = repeat % len(relays)
                for relay in relays[turn:] + relays[:turn]:
                    relay.run_on(own if scene == "bulk" else ends)
                    one_scene(program, scene, relay, station, ends, options.seconds, samples[relay.name])
                direct(program, scene, station, ends, options.seconds, samples[DIRECT])
            print(f"repeat {repeat + 1} of {options.repeats} done", file=sys.stderr)
    return samples


def one_scene(
    program: Path, scene: str, relay: Running, station: int, cpu: int, seconds: float, into: dict[str, list[float]]
) -> None:
    """One relay in one scene."""
    before = relay.cpu_seconds()
    numbers = play(program, scene, station, relay.port, seconds, cpu)
    # The children of a forking relay are gone with their connections, and their CPU with them: not counted.
    used = None if relay.name == "socat" else relay.cpu_seconds() - before
    record(scene, numbers, used, into)


def direct(program: Path, scene: str, station: int, cpu: int, seconds: float, into: dict[str, list[float]]) -> None:
    """The same scene without a relay."""
    record(scene, play(program, scene, station, station, seconds, cpu), None, into)


def record(scene: str, numbers: list[float], used: float | None, into: dict[str, list[float]]) -> None:
    """Turn a scene's numbers into measures."""
    if scene == "bulk":
        count, seconds = numbers
        into["bulk_rate"].append(count / seconds / 1e9)
        if used is not None:
            into["bulk_cpu"].append(used / (count / 1e9))
        return
    count, median, _ = numbers
    name = "trip" if scene == "ping" else "conn"
    into[name].append(median / 1000)
    if used is not None:
        into[f"{name}_cpu"].append(used / count * 1e6)


def ratios(samples: Samples, name: str, measured: str, to: str = HAPROXY) -> list[float]:
    """A relay's ratios to a peer, repeat by repeat."""
    return [
        value / peer
        for value, peer in zip(samples[name].get(measured, []), samples[to].get(measured, []), strict=False)
    ]


def print_table(samples: Samples) -> None:
    """Absolute medians, and the ratio to HAProxy with its range."""
    measures = [measured for measured in MEASURES if any(measured in found for found in samples.values())]
    print("\n| relay | " + " | ".join(MEASURES[measured] for measured in measures) + " |")
    print("|---" * (len(measures) + 1) + "|")
    for name, found in samples.items():
        cells = []
        for measured in measures:
            if measured not in found:
                cells.append("-")
                continue
            cell = f"{statistics.median(found[measured]):.3g}"
            if among := ratios(samples, name, measured):
                cell += f" (x{statistics.median(among):.2f}, {min(among):.2f}-{max(among):.2f})"
            cells.append(cell)
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_goals(samples: Samples, *, small_packets: bool) -> None:
    """What was to be reached, and by how much it was."""
    print()
    goals = {(name, "bulk_cpu"): ("<=", SMALL_PACKETS_GOAL) for name in ("gate asyncio", "gate uvloop")}
    for (name, measured), (sign, goal) in (goals if small_packets else GOALS).items():
        if among := ratios(samples, name, measured):
            say_goal(f"{name}, {MEASURES[measured]} / haproxy", statistics.median(among), sign, goal)
    for name in ("gate asyncio", "gate uvloop"):
        if not small_packets and (among := ratios(samples, name, "bulk_cpu", "haproxy spliced")):
            say_goal(f"{name}, bulk: CPU s/GB / haproxy spliced", statistics.median(among), "<=", SPLICED_GOAL)


def say_goal(what: str, value: float, sign: str, goal: float) -> None:
    """One line for one goal."""
    met = value <= goal if sign == "<=" else value >= goal
    print(f"{'reached' if met else 'MISSED '}  {what}: {value:.2f} (goal {sign} {goal:g})")


def weigh(program: Path, relays: list[Running], station: int, count: int, stalled: int) -> None:
    """Memory and descriptors of idle connections, kernel memory of readers that do not read."""
    print(f"\n{count} idle connections, {stalled} stalled readers:")
    plain = kernel_memory(program, station, station, stalled)
    for relay in relays:
        if relay.name == "socat":
            continue  # a process for each connection: 2.6 MB
        with standing(program, "idle", station, relay.port, 20):
            pass
        time.sleep(0.3)
        memory, descriptors = relay.resident_bytes(), relay.descriptors()
        with standing(program, "idle", station, relay.port, count):
            time.sleep(0.5)
            cpu = relay.cpu_seconds()
            time.sleep(1)
            cpu = relay.cpu_seconds() - cpu
            each = (relay.resident_bytes() - memory) / count / 1024
            handles = (relay.descriptors() - descriptors) / count
        time.sleep(0.5)
        memory = relay.resident_bytes()
        kernel = (kernel_memory(program, station, relay.port, stalled) - plain) / stalled / 1e6
        print(
            f"  {relay.name}: {each:.1f} KiB and {handles:.1f} descriptors each, {cpu * 100:.2f} % CPU; "
            f"{kernel:.2f} MB of kernel memory for a stalled reader"
        )
        if relay.name.startswith("gate"):
            say_goal(f"{relay.name}, KiB resident of an idle connection", each, "<=", IDLE_KIBIBYTES)
            say_goal(f"{relay.name}, descriptors of an idle connection", handles, "<=", IDLE_DESCRIPTORS)
            say_goal(f"{relay.name}, MB of kernel memory of a stalled reader", kernel, "<=", STALLED_MEGABYTES)


def kernel_memory(program: Path, station: int, port: int, count: int) -> int:
    """TCP memory of the machine while so many readers are stalled, over what it was."""
    before = tcp_memory_bytes()
    with standing(program, "stall", station, port, count):
        return tcp_memory_bytes() - before


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds; its figures mean nothing")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each scene")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="RELAY", help="only these (haproxy is what ratios refer to)"
    )
    parser.add_argument("--weights", action="store_true", help="also memory of idle and stalled connections")
    parser.add_argument(
        "--mtu-1500", action="store_true", help="bulk in an own network namespace, like a router's packets"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the ratios")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all samples")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--in-namespace", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds = 1, 0.2
    return options


def main() -> None:
    """Run what was asked for."""
    options = arguments()
    if options.serve:
        design, loop, listen, station = options.serve
        serve(design, loop, int(listen), int(station))
        return
    if options.mtu_1500 and not options.in_namespace:
        if shutil.which("unshare") is None or shutil.which("ip") is None:
            raise SystemExit("--mtu-1500 needs unshare (util-linux) and ip (iproute2)")
        own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", *own, "--net", sys.executable, *sys.argv, "--in-namespace"]
        raise SystemExit(subprocess.run(command, check=False).returncode)
    if options.in_namespace:
        shrink_loopback()
    station = free_port()
    with load_generator() as program, cast(options.only, station) as relays:
        print(f"load: {program.name} (C); relays: {', '.join(relay.name for relay in relays)}", file=sys.stderr)
        samples = measure(program, relays, station, options)
        print_table(samples)
        print_goals(samples, small_packets=options.mtu_1500)
    if options.weights:
        count, stalled = (100, 5) if options.quick else (1000, 50)
        # Anew: memory that the scenes above have left to a process would be filled first, and not be seen.
        with load_generator() as program, cast(options.only, station) as relays:
            weigh(program, relays, station, count, stalled)
    if options.picture:
        options.picture.write_text(draw(samples, MEASURES, ratios), encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(samples, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
