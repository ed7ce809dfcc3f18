"""A thousand days of a hall of thirty stations on a virtual clock, with everything going wrong now and then.

Counts what was broken, and shows how long stations take to be clean again. The gate's decisions are the real ones; stations, cloud and players are the tests' model (``tests/model``).

    python benchmarks/days.py            a thousand days, about a minute on two cores
    python benchmarks/days.py --quick    thirty days, a few seconds
"""

import argparse
import multiprocessing
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "model"))

from model_events import EVENTS
from model_world import GAME, World

DAY = 86_400.0
STATIONS = 30
RENTALS_A_DAY = 3.0
TROUBLE_EVERY = 2 * DAY
"""Seconds between two troubles of one station: far more than any hall sees."""
TROUBLES = (
    "cloud down",
    "link down",
    "kill soon",
    "kill later",
    "kill in the middle",
    "kill at the end",
    "boots by itself",
    "shadow",
    "partial",
    "policy",
    "refused",
    "hang",
    "ignored",
    "back shadowed",
    "kept",
    "stays off",
    "publish broken",
    "agent closed",
    "clock jumps",
    "vanishes",
)
TROUBLE_LASTS = (60.0, 6 * 3600.0)


@dataclass(slots=True)
class Tally:
    """What came of one station's days."""

    rentals: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    resets: list[float] = field(default_factory=list)
    left: int = 0
    """Whether it was not clean, free and shown a day after the last trouble."""


def live(station: int, days: float) -> Tally:
    """Play one station's days; odd stations have no relay."""
    chance = random.Random(station)
    world = World(relay=station % 2 == 0)
    world.run(10)
    tally, end = Tally(), world.now + days * DAY
    trouble_at = world.now + chance.expovariate(1 / TROUBLE_EVERY)
    while world.now < end:
        _rest(world, chance.expovariate(RENTALS_A_DAY / DAY), chance)
        _rental(world, tally, chance, trouble_at)
        if world.now > trouble_at:
            trouble_at = world.now + chance.expovariate(1 / TROUBLE_EVERY)
        for what in world.broken:
            tally.broken[what] += 1
        world.broken.clear()
    world.heal()
    world.run(DAY)
    world.judge_rest()
    tally.left = len(world.broken)
    tally.resets = world.reset_seconds
    return tally


def _rest(world: World, seconds: float, chance: random.Random) -> None:
    """Nothing is rented; whatever trouble there was has been seen to by the time the next player comes, or not."""
    world.run(min(seconds, chance.uniform(*TROUBLE_LASTS)))
    world.heal()
    world.run(seconds)


def _rental(world: World, tally: Tally, chance: random.Random, trouble_at: float) -> None:
    """One rental, and perhaps a trouble before, in the midst of, or after it."""
    tally.rentals += 1
    when = chance.choice(("before", "start", "middle", "end")) if world.now > trouble_at else ""
    name = chance.choice(TROUBLES)

    def trouble(now: str) -> None:
        if when == now:
            EVENTS[name](world)
            tally.troubles[name] += 1

    trouble("before")
    if chance.random() < 0.2:
        world.offer(GAME)
    else:
        world.offer()
    world.run(chance.choice((0.3, 1.0, 3.0)))
    trouble("start")
    world.run(20)
    for _ in range(2):
        world.arrive()  # a refused player tries again
        world.run(8)
    length = min(chance.expovariate(1 / 5400.0) + 300, 8 * 3600)
    world.run(length / 2)
    trouble("middle")
    world.run(length / 2)
    ending = chance.random()
    if ending < 0.02:
        world.next_without_end()
        world.run(length / 4)
    world.finish("ABORTED" if ending > 0.9 else "FINISHED")
    trouble("end")
    world.run(300)


def report(days: float, tallies: list[Tally], seconds: float) -> int:
    """Print what came of it; 1 if anything was broken."""
    rentals, resets = sum(one.rentals for one in tallies), sorted(s for one in tallies for s in one.resets)
    troubles, broken = Counter[str](), Counter[str]()
    for one in tallies:
        troubles += one.troubles
        broken += one.broken
    left = sum(one.left for one in tallies)
    print(
        f"{days:g} days of {len(tallies)} stations in {seconds:.0f} s: {rentals} rentals, {troubles.total()} troubles"
    )
    print("troubles: " + ", ".join(f"{name} {count}" for name, count in sorted(troubles.items())))
    cuts = statistics.quantiles(resets, n=1000) if len(resets) > 2 else [0.0] * 999
    print(
        f"from the reset to the proof, {len(resets)} resets (a boot takes 40 s): "
        f"p50 {cuts[499]:.0f} s, p90 {cuts[899]:.0f} s, p99 {cuts[989]:.0f} s, p99.9 {cuts[998]:.0f} s, longest {max(resets, default=0):.0f} s"
    )
    for top in (60, 120, 300, 600, 3600, 6 * 3600, float("inf")):
        low = {60: 0, 120: 60, 300: 120, 600: 300, 3600: 600, 6 * 3600: 3600}.get(top, 6 * 3600)
        count = sum(low <= one < top for one in resets)
        print(f"  {low / 60:>4.0f} to {top / 60:>4.0f} min {count:>7} {'#' * round(50 * count / max(1, len(resets)))}")
    print(f"stations left hidden, locked or shadowed at the end: {left}")
    print(f"violations: {broken.total() or 0}" + "".join(f"\n  {count} x {what}" for what, count in broken.items()))
    return 1 if broken or left else 0


def main() -> int:
    """Play all stations, side by side."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="thirty days instead of a thousand")
    options.add_argument("--days", type=float, default=0.0)
    chosen = options.parse_args()
    days = chosen.days or (30.0 if chosen.quick else 1000.0)
    began = time.monotonic()
    with multiprocessing.Pool() as pool:
        tallies = pool.starmap(live, [(station, days) for station in range(STATIONS)], chunksize=1)
    return report(days, tallies, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
