"""``drova_gate demo``: raise the curtain, play, judge, exit."""

import asyncio
import logging
import random
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drova_gate.config import Mode
from drova_gate.demo.live import Hall, row_of, summary_lines
from drova_gate.demo.output import write
from drova_gate.demo.promises import judge
from drova_gate.demo.stage import Act, Stage
from drova_gate.demo.story import play_rental
from drova_gate.demo.timeline import Printer
from drova_gate.errors import SettingsFault
from drova_gate.logs import configure_logging
from drova_gate.sim.faults import FAULTS

__all__ = ["DemoOptions", "list_faults", "play"]

SPREAD_EACH, SPREAD_MOST = 0.4, 15.0
"""On one screen the rentals begin one after the other: seconds for each station, and for all at most."""
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
PLAY_LIMIT = 120.0
"""Seconds after which a play that does not come to its end is broken off: a demonstration never hangs."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to play."""

    mode: Mode
    stations: int
    fault: str | None
    as_json: bool
    colour: bool
    verbose: bool
    live: bool = False
    """Many stations on one screen, instead of a timeline."""


def list_faults() -> None:
    """Print the faults that can be played, a line each."""
    width = max(len(name) for name in FAULTS)
    for name, fault in FAULTS.items():
        sys.stdout.write(
            f"{name:<{width}}  {fault.side:<8}  {fault.line}{' (the player must be refused)' if fault.refused else ''}\n"
        )


async def play(options: DemoOptions) -> int:
    """Play one rental on each station; 0 when every promise was kept."""
    if options.fault is not None and options.fault not in FAULTS:
        raise SettingsFault(
            [f"--fault: {options.fault!r} is not known; drova_gate demo --list-faults prints the names"]
        )
    if not 1 <= options.stations <= 100:
        raise SettingsFault(["--stations: write a number from 1 to 100"])
    _show_log(verbose=options.verbose)
    printer = Printer(
        write,
        as_json=options.as_json,
        colour=options.colour,
        several=options.stations > 1,
        width=min(shutil.get_terminal_size((100, 24)).columns, 120),
        began=asyncio.get_running_loop().time(),
    )
    stations = "a simulated station" if options.stations == 1 else f"each of {options.stations} simulated stations"
    title = f"drova_gate demo: one rental in {options.mode} mode on {stations}"
    with tempfile.TemporaryDirectory(prefix="drova_gate_demo_") as folder:
        if options.live:
            return await _play_live(options, title, Path(folder))
        printer.title(title)
        if options.fault:
            printer.title(f"fault {options.fault}: {FAULTS[options.fault].line}")
        printer.legend()
        stage = Stage(options.mode, options.stations, options.fault, Path(folder), printer.moment)
        async with stage:
            await _perform(stage)
            return _judge(stage, printer)


async def _play_live(options: DemoOptions, title: str, folder: Path) -> int:
    """Play on one screen: a row for each station."""
    hall = Hall(write, title, _screen, colour=options.colour)
    stage = Stage(options.mode, options.stations, options.fault, folder, lambda *_: None)
    write(HIDE_CURSOR)
    try:
        async with stage:
            async with asyncio.TaskGroup() as group:
                drawing = group.create_task(hall.run(stage.acts), name="screen")
                await _perform(stage, spread=min(SPREAD_MOST, SPREAD_EACH * options.stations))
                drawing.cancel()
            hall.draw(stage.acts, whole=True)
            promises = [(act.name, promise) for act in stage.acts for promise in judge(stage, act)]
            now = asyncio.get_running_loop().time()
            rows = [row_of(act, now) for act in stage.acts]
    finally:
        write(SHOW_CURSOR)
    broken = sum(not promise.kept for _, promise in promises)
    last = "every promise kept" if not broken else f"promises BROKEN: {broken}"
    for line in [*summary_lines(rows, promises, colour=options.colour), "", last]:
        write(line + "\n")
    return 1 if broken else 0


async def _perform(stage: Stage, *, spread: float = 0.0) -> None:
    """Play all rentals; their beginnings are ``spread`` over so many seconds, in an order of their own."""
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(act.gate.run(), name=act.name) for act in stage.acts]
        try:
            async with asyncio.timeout(PLAY_LIMIT), asyncio.TaskGroup() as rentals:
                for act in stage.acts:
                    rentals.create_task(_rental(stage, act, random.uniform(0.0, spread)), name=f"{act.name}: rental")
        except TimeoutError:
            for act in stage.acts:
                stage.note(
                    act, "gate", "alarm", f"the play was broken off after {PLAY_LIMIT:.0f} s in phase {act.phase}"
                )
        finally:
            for task in running:
                task.cancel()


async def _rental(stage: Stage, act: Act, delay: float) -> None:
    await asyncio.sleep(delay)
    await play_rental(stage, act)


def _judge(stage: Stage, printer: Printer) -> int:
    broken = 0
    for act in stage.acts:
        promises = judge(stage, act)
        broken += sum(not one.kept for one in promises)
        printer.closing(act, promises)
    printer.verdict(kept=broken == 0, text="every promise kept" if broken == 0 else f"promises BROKEN: {broken}")
    return 1 if broken else 0


def _show_log(*, verbose: bool) -> None:
    """The gate's own log is for ``--verbose``; the stage reads it to its finest lines all the same, so the handler does the sieving."""
    level = logging.INFO if verbose else logging.CRITICAL
    configure_logging("text", logging.getLevelName(level), under_systemd=False)
    for handler in logging.getLogger().handlers:
        handler.setLevel(level)
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


def _screen() -> tuple[int, int]:
    size = shutil.get_terminal_size((100, 40))
    return size.columns, size.lines
