"""A station prepared our way and one command per channel, side by side: seconds, commands, what is proved, what is left behind.

The simulated station takes what a real one takes: 0.10 s for an SSH command and 0.05 s for each process that it starts. Both ways do the same
work on stations alike, each on a fresh one, in rotated order; the ratio is the result. What is left is counted from the simulator's own record.
Then how ours grows with the number of recipes, and, where Wine is installed, the files and the registry on Wine's real cmd.exe and reg.exe.

    python benchmarks/prepare.py [--repeats N] [--quick] [--no-wine]
"""

import argparse
import asyncio
import logging
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncssh
import peers
from copies import many
from prepare_wine import WineResult, on_wine
from pydantic import SecretStr

from drova_gate.core.model import StepOutcome
from drova_gate.host.identity import read_console
from drova_gate.host.link import HostLink, StationAddress
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.sim.station import Station, StationPlan
from drova_gate.sim.windows.launchers import started
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.found import find_places
from drova_gate.steps.lockdown import load_lockdown
from drova_gate.steps.recipes import Level, Recipe, load_recipes
from drova_gate.steps.shipped import LAUNCHERS, LOCKDOWN
from drova_gate.steps.target import target_of

SEVEN = ("chrome", "edge", "epic", "firefox", "steam", "ubisoft", "wargaming")
"""Launchers and browsers that today's tools know."""
SESSION = UUID("11111111-2222-4333-8444-555555555555")
VOLUMES = "CD"
FIVE = 5
"""Channels at a time after which today's tools stopped losing commands."""
MOST = 9
"""As many as OpenSSH's MaxSessions of 10 leaves beside the SFTP channel."""


SHOWN = 3
"""Names in a line of what was left or hurt."""


@dataclass(frozen=True, slots=True)
class Result:
    """One preparation."""

    seconds: float
    commands: int
    steps: int
    confirmed: int
    """Steps whose effect was read back."""
    saved: int
    """Sign-ins that the station had for these recipes."""
    left: tuple[str, ...]
    """Those of them that are still usable."""
    hurt: tuple[str, ...]
    """Installed games, saves, settings and programs of the owner's that it cost."""
    before: float = 0.0
    """Seconds of what was looked up when the link came up, long before the ready byte."""
    cpu: float = 0.0
    """CPU seconds of gate and simulator together: what of the time is this machine's own, and not the station's."""


Way = Callable[[tuple[Recipe, ...]], Awaitable[Result]]


@asynccontextmanager
async def station(*, all_running: bool = False) -> AsyncIterator[tuple[Station, HostLink]]:
    """A fresh station with everything signed in, and a link to it that is up; of the launchers a handful runs, as after a boot, or all."""
    plan = StationPlan()
    async with Station(plan) as made, asyncio.TaskGroup() as group:
        if not all_running:
            closed = {each.path for each in started(made.machine.owner) if each.launcher not in ("", *SEVEN)}
            for process in [each for each in made.machine.processes if each.path in closed]:
                made.machine.processes.kill(process.pid)
        address = StationAddress(made.host, made.ssh_port, plan.login, password=SecretStr(plan.password))
        link = HostLink(plan.name, address)
        keeping = group.create_task(link.keep_up())
        try:
            await link.wait_up(10)
            yield made, link
        finally:
            await link.close()
            keeping.cancel()


def signed_in(made: Station, recipes: tuple[Recipe, ...]) -> tuple[str, ...]:
    """What the simulator's own record says of the recipes' sign-ins."""
    return tuple(sorted(made.machine.signed_in() & {recipe.name for recipe in recipes if recipe.enabled}))


async def our_way(recipes: tuple[Recipe, ...], *, all_running: bool = False) -> Result:
    """Compiled: what the gate does from the ready byte on. Console and places are known from the link's first look, as in the gate."""
    async with station(all_running=all_running) as (made, link):
        saved = len(signed_in(made, recipes))
        began = time.perf_counter()
        console = await read_console(link)
        found = await find_places(link, recipes, console)
        before = time.perf_counter() - began
        plan = PreparationPlan(
            session=SESSION,
            marker="0123456789abcdef0123456789abcdef",
            boot_stamp="feedbeef",
            volumes=frozenset(VOLUMES),
            enter=frozenset(VOLUMES),
            console=console,
            program_data=link.variables["ProgramData"],
            level=Level.FULL,
            recipes=recipes,
            lockdown=load_lockdown(LOCKDOWN),
            found=found,
        )
        spent = time.process_time()
        report = await prepare(link, ShadowDefender(SecretStr(made.plan.shadow_password)), plan)
        spent = time.process_time() - spent
        if not report.prepared:
            raise SystemExit(f"not prepared: {report.fault or [step for step in report.steps if step.must]}")
        confirmed = sum(step.outcome is not StepOutcome.FAILED for step in report.steps)
        hurt = tuple(made.machine.damaged(deep=True))
        left = signed_in(made, recipes)
        return Result(report.seconds, report.commands, len(report.steps), confirmed, saved, left, hurt, before, spent)


def peers_way(at_once: int) -> Way:
    """One command per channel, so many at a time; it is told what ours had to find out."""

    async def way(recipes: tuple[Recipe, ...]) -> Result:
        async with station() as (made, link):
            saved = len(signed_in(made, recipes))
            console = await read_console(link)
            found = await find_places(link, recipes, console)
            target = target_of(console, link.variables["ProgramData"], found.documents, found.places)
            lockdown = load_lockdown(LOCKDOWN)
            work = peers.Work(recipes, lockdown, target, Level.FULL, VOLUMES, made.plan.shadow_password)
            async with asyncssh.connect(
                made.host,
                made.ssh_port,
                username=made.plan.login,
                password=made.plan.password,
                known_hosts=None,
                client_keys=None,
                config=None,
                agent_path=None,
            ) as connection:
                seconds, commands, refused = await peers.prepare(connection, work, at_once)
            if refused:
                raise SystemExit(f"{refused} of {commands} commands were refused: the comparison would flatter us")
            hurt = tuple(made.machine.damaged(deep=True))
            return Result(seconds, commands, 0, 0, saved, signed_in(made, recipes), hurt)

    return way


OURS = "ours, compiled"
WAYS: dict[str, Way] = {
    OURS: our_way,
    "one command per channel, 5 at a time": peers_way(FIVE),
    "one command per channel, 9 at a time": peers_way(MOST),
}


async def compared(
    recipes: tuple[Recipe, ...], repeats: int, names: Sequence[str] = tuple(WAYS)
) -> dict[str, list[Result]]:
    """Each way so many times, each time another one first."""
    results: dict[str, list[Result]] = {name: [] for name in names}
    for number in range(repeats):
        turn = number % len(names)
        for name in (*names[turn:], *names[:turn]):
            results[name].append(await WAYS[name](recipes))
    return results


async def worst_case(recipes: tuple[Recipe, ...], repeats: int) -> list[Result]:
    """Ours while every launcher there is runs at once."""
    return [await our_way(recipes, all_running=True) for _ in range(repeats)]


# -- output ----------------------------------------------------------------------------------------------------------


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):7.2f}  [{min(values):.2f} .. {max(values):.2f}]"


def print_comparison(title: str, results: dict[str, list[Result]]) -> None:
    print(f"\n{title}")
    print(
        f"  {'':38} {'seconds, median [range]':26} {'x ours':>6}  {'commands':>8}  {'confirmed':>9}"
        f"  {'sign-ins left':>13}  {'hurt':>4}"
    )
    ours = [result.seconds for result in results[OURS]]
    for name, runs in results.items():
        ratio = statistics.median(run.seconds / mine for run, mine in zip(runs, ours, strict=True))
        worst = max(runs, key=lambda run: len(run.left))
        hurt = max(runs, key=lambda run: len(run.hurt)).hurt
        confirmed = f"{runs[0].confirmed}/{runs[0].steps}" if runs[0].steps else "none"
        print(
            f"  {name:38} {spread([run.seconds for run in runs]):26} {ratio:6.1f}  {runs[0].commands:8}  {confirmed:>9}"
            f"  {f'{len(worst.left)} of {worst.saved}':>13}  {len(hurt):4}"
        )
        for label, which in (("left", worst.left), ("hurt", hurt)):
            if which:
                more = f" and {len(which) - SHOWN} more" if len(which) > SHOWN else ""
                print(f"      {label}: {', '.join(which[:SHOWN])}{more}")
    before = statistics.median(run.before for run in results[OURS])
    print(
        f"  Ours looked the station up when the link came up, in {before:.2f} s off this clock; the other way is told what was found."
    )


async def growth(sizes: Sequence[int], repeats: int) -> None:
    shipped = tuple(recipe for recipe in load_recipes(LAUNCHERS) if recipe.enabled)
    print(
        "\nGrowth of ours with the number of recipes (beyond ours: copies of them, with paths, keys and processes of their own)"
    )
    print(f"  {'recipes':>7}  {'seconds, median [range]':26} {'of it CPU':>9}  {'commands':>8}  {'confirmed':>9}")
    runs: dict[int, list[Result]] = {size: [] for size in sizes}
    for number in range(repeats):
        turn = number % len(sizes)
        for size in (*sizes[turn:], *sizes[:turn]):
            runs[size].append(await our_way(many(shipped, size)))
    for size, results in runs.items():
        print(
            f"  {size:7}  {spread([run.seconds for run in results]):26} {statistics.median(run.cpu for run in results):9.2f}"
            f"  {results[0].commands:8}"
            f"  {f'{results[0].confirmed}/{results[0].steps}':>9}"
        )


def print_wine(rounds: list[list[WineResult]]) -> None:
    print(
        "\nFiles and registry values alone, on Wine's own cmd.exe and reg.exe (which start many times slower than Windows' own)"
    )
    print(f"  {'':38} {'seconds, median [range]':26} {'commands':>8}  {'sign-ins left':>13}")
    for runs in zip(*rounds, strict=True):
        worst = max(runs, key=lambda run: len(run.left))
        print(
            f"  {runs[0].way:38} {spread([run.seconds for run in runs]):26} {runs[0].commands:8}"
            f"  {f'{len(worst.left)} of {worst.saved}':>13}"
        )
        if worst.left:
            print(f"      left: {', '.join(worst.left)} (Wine's reg query prints ? for what is not ASCII)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="once, and not all of it: a smoke run")
    parser.add_argument("--no-wine", action="store_true", help="leave Wine out even where it is installed")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    recipes = load_recipes(LAUNCHERS)
    seven = tuple(recipe for recipe in recipes if recipe.name in SEVEN)
    repeats = 1 if options.quick else options.repeats
    names = list(WAYS)[:2] if options.quick else list(WAYS)
    print(f"simulated station: 0.10 s a command, 0.05 s a process; {repeats} repeats")
    print_comparison(
        f"The {len(seven)} launchers and browsers that today's tools know", asyncio.run(compared(seven, repeats, names))
    )
    if not options.quick:
        on = sum(recipe.enabled for recipe in recipes)
        results = asyncio.run(compared(recipes, repeats))
        results[f"ours, with all {on} programs running"] = asyncio.run(worst_case(recipes, repeats))
        print_comparison(f"All {on} recipes", results)
    asyncio.run(growth((10, 45) if options.quick else (10, 45, 200), repeats))
    if options.quick or options.no_wine:
        return
    if shutil.which("wine") is None:
        print("\nWine is not installed: nothing is measured on it")
        return
    print_wine(asyncio.run(on_wine(seven, recipes, min(repeats, 3), FIVE)))


if __name__ == "__main__":
    main()
