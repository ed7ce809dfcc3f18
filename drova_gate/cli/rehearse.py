"""``drova_gate rehearse``: a session without a player."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from drova_gate.cli.owner import add_env, agreed
from drova_gate.cli.speech import complain, say, spoken
from drova_gate.cli.status import gathered
from drova_gate.cli.surroundings import colour, print_lines, read_settings, run_loop, state_dir_of
from drova_gate.columns import printable
from drova_gate.config import Config, Mode, StationConfig
from drova_gate.errors import CallOwner, GateError
from drova_gate.nearest import not_known

if TYPE_CHECKING:
    from drova_gate.rehearse.report import Rehearsal, Step

__all__ = ["add"]

FAILED, NOT_DONE, BROKEN_OFF = 1, 3, 130
CODE_WIDTH = len("nothing_left")
LONGEST_WAIT = 1440.0
"""Minutes: a day."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    command = commands.add_parser(
        "rehearse",
        help="play a session without a player: a real preparation and reset, each step confirmed and timed",
        description="Prepares the station as for a player, confirms every step, resets it and waits for the proof that it is clean. "
        "The station REBOOTS. Refuses while somebody plays, and while the station is shown in the catalogue unless --hide.",
        epilog="Example: drova_gate rehearse pc1 --hide. Exit code 0: every step was confirmed; 1: refused, or a step failed; 3: nothing was done.",
    )
    command.add_argument(
        "station", metavar="STATION", nargs="?", help="may be left out when the settings name only one"
    )
    command.add_argument(
        "--hide", action="store_true", help="hide the station for the rehearsal, and show it again after it"
    )
    command.add_argument("--steps", action="store_true", help="show every step of the preparation")
    command.add_argument("--json", action="store_true", help="print the report as JSON for machines")
    command.add_argument(
        "--wait",
        type=_minutes,
        default=15.0,
        metavar="MINUTES",
        help="for the station to come back (default: 15)",
    )
    command.add_argument("--yes", action="store_true", help="do not ask")
    add_env(command)
    command.set_defaults(command=_rehearse)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    # Neither for ever nor for no time at all: "nan" is a float too.
    if not 0 < minutes <= LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"{text} is no time to wait; write minutes, up to {LONGEST_WAIT:g}")
    return minutes


def _rehearse(options: argparse.Namespace) -> int:
    config = read_settings(Mode.VALIDATE, options.env)
    station = _chosen(config, options.station)
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py
    from drova_gate.rehearse.play import Options, rehearse  # noqa: PLC0415 - see guard.py

    configure_logging(config.log_format, "DEBUG" if config.log_level == "DEBUG" else "CRITICAL", under_systemd=False)
    if not agreed(f"{station.name} will be prepared as for a player and then REBOOTED. Begin?", yes=options.yes):
        return NOT_DONE
    if not options.json:
        say(f"rehearsal of {station.name}: this takes as long as the station needs to boot")
    played = Options(
        hide=options.hide,
        wait_seconds=options.wait * 60,
        gate_phase=_asked(options.env, station.name),
        tell=(lambda _: None) if options.json else _print_step,
    )
    from asyncio import CancelledError  # noqa: PLC0415 - a command without a loop starts in half the time

    try:
        result = run_loop(lambda: _cancelled_by_signals(rehearse(station, state_dir_of(config), played)))
    except GateError as error:
        complain(error)
        return FAILED
    except CancelledError:
        return BROKEN_OFF
    _print_result(result, options)
    return 0 if result.passed else FAILED


async def _cancelled_by_signals(playing: "Awaitable[Rehearsal]") -> "Rehearsal":
    """A terminal that goes away (SIGHUP) breaks the rehearsal off as Ctrl-C does: with the reset, and the station given back."""
    import asyncio  # noqa: PLC0415 - see above

    task = asyncio.current_task()
    # Signals come to the main thread alone; another one is a caller's own, who breaks it off himself.
    if task is not None and threading.current_thread() is threading.main_thread():
        for one in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(one, task.cancel)
    return await playing


def _print_result(result: "Rehearsal", options: argparse.Namespace) -> None:
    if options.json:
        sys.stdout.write(json.dumps(result.as_json(), ensure_ascii=False) + "\n")
        return
    if options.steps and result.report is not None:
        for step in result.report.steps:
            why = f": {spoken().of(step.reason)}" if step.reason else ""
            sys.stdout.write(f"      {step.outcome.value:<8}  {step.name}{printable(why)}\n")
    say(result.verdict())


def _print_step(step: "Step") -> None:
    mark = "ok  " if step.ok else "FAIL"
    if colour():
        mark = f"\x1b[{32 if step.ok else 31}m{mark}\x1b[0m"
    took = spoken().of(f"{step.seconds:.1f} s")
    # Nobody may be there to read it any more, or no room for it; the station is given back all the same.
    try:
        print_lines([f"  {mark}  {took:>8}  {step.code:<{CODE_WIDTH}}  {printable(spoken().of(step.text))}"])
    except CallOwner as full:
        complain(full)
    except OSError:
        pass


def _asked(env: Path | None, name: str) -> Callable[[], str | None]:
    """How the phase is asked that a running gate has for the station."""

    def phase() -> str | None:
        stations = gathered(env, name)[0]["stations"]
        return str(stations[0]["phase"]) if stations else None

    return phase


def _chosen(config: Config, name: str | None) -> StationConfig:
    stations = {one.name: one for one in config.stations}
    if name in stations:
        return stations[name]
    if name is None and len(stations) == 1:
        return config.stations[0]
    raise not_known("station", name or "", stations, f"the settings name {', '.join(stations)}; drova_gate status")
