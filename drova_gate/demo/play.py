"""``drova_gate demo``: raise the curtain, play, judge, exit."""

import asyncio
import logging
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drova_gate.config import Mode
from drova_gate.daemon import configure_logging
from drova_gate.demo.promises import judge
from drova_gate.demo.stage import Stage
from drova_gate.demo.story import play_rental
from drova_gate.demo.timeline import Printer
from drova_gate.errors import SettingsFault
from drova_gate.sim.faults import FAULTS

__all__ = ["DemoOptions", "list_faults", "play"]

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
        _write,
        as_json=options.as_json,
        colour=options.colour,
        several=options.stations > 1,
        width=min(shutil.get_terminal_size((100, 24)).columns, 120),
        began=asyncio.get_running_loop().time(),
    )
    stations = "a simulated station" if options.stations == 1 else f"each of {options.stations} simulated stations"
    printer.title(f"drova_gate demo: one rental in {options.mode} mode on {stations}")
    if options.fault:
        printer.title(f"fault {options.fault}: {FAULTS[options.fault].line}")
    printer.legend()
    with tempfile.TemporaryDirectory(prefix="drova_gate_demo_") as folder:
        stage = Stage(options.mode, options.stations, options.fault, Path(folder), printer.moment)
        async with stage:
            await _perform(stage)
            return _judge(stage, printer)


async def _perform(stage: Stage) -> None:
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(act.gate.run(), name=act.name) for act in stage.acts]
        try:
            async with asyncio.timeout(PLAY_LIMIT), asyncio.TaskGroup() as rentals:
                for act in stage.acts:
                    rentals.create_task(play_rental(stage, act), name=f"{act.name}: rental")
        except TimeoutError:
            for act in stage.acts:
                stage.note(
                    act, "gate", "alarm", f"the play was broken off after {PLAY_LIMIT:.0f} s in phase {act.phase}"
                )
        finally:
            for task in running:
                task.cancel()


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


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (``| head``): the play goes on to its end, for the exit code's sake.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
