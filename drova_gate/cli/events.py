"""``drova_gate events``: what has happened."""

import argparse
import sqlite3
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from drova_gate.cli.owner import add_only_station
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import colour, print_lines, state_dirs
from drova_gate.moments import ACCEPTED, period
from drova_gate.nearest import not_known
from drova_gate.report.ask import places
from drova_gate.report.reading import Reader, as_json
from drova_gate.report.table import event_lines

__all__ = ["add"]

FILE_NAME = "events.sqlite"
FOLLOW_SECONDS = 0.5
USUAL = 50
"""Events that are shown when nobody says how many."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "show the record of sessions, preparations, resets and alarms"
    command = commands.add_parser(
        "events", help=text, description=text, epilog="Example: drova_gate events pc1 --since 12h"
    )
    command.add_argument("--follow", action="store_true", help="go on with what happens, until Ctrl-C")
    add_only_station(command, "this station alone")
    command.add_argument(
        "--since", metavar="WHEN", help=f"what has happened since then: {ACCEPTED} (without: the last {USUAL})"
    )
    command.add_argument(
        "--steps", action="store_true", help="show every step of a preparation, not only those that failed"
    )
    command.add_argument("--json", action="store_true", help="print JSON lines for machines")
    command.add_argument(
        "--env", type=Path, help="read DROVA_STATE_DIR from this settings file (instead of ENV_LOCATION)"
    )
    command.set_defaults(command=_events)


def _events(options: argparse.Namespace) -> int:
    begin, _ = period(options.since, None, datetime.now())  # noqa: DTZ005 - local time, as its owner reads a clock
    since = None if begin is None else begin / 1000
    directories = state_dirs(options.env)
    readers = [Reader(path) for path in places(directories, FILE_NAME)]
    if not readers:
        where = ", ".join(map(str, directories))
        complain(
            f"no record of events in {where}; the gate writes it once it runs. If it runs as another user, use sudo"
        )
        return 1
    try:
        if options.station and not options.follow:
            _refuse_a_misspelt(options.station, readers)
        return _print_all(readers, options, since)
    except sqlite3.Error as error:
        complain(f"the record of events cannot be read: {error}; the gate sets a damaged one aside when it writes")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for reader in readers:
            reader.close()


def _refuse_a_misspelt(station: str, readers: list[Reader]) -> None:
    known = frozenset[str]().union(*(reader.stations() for reader in readers))
    if station not in known:
        raise not_known("station", station, sorted(known), "drova_gate events")


def _print_all(readers: list[Reader], options: argparse.Namespace, since: float | None) -> int:
    last = None if since is not None else USUAL
    while True:
        found: list[dict[str, Any]] = []
        for reader in readers:
            found += reader.new(station=options.station, since=since, last=last)
        lines: list[str] = []
        for event in sorted(found, key=lambda event: event["at"]):
            lines += (
                [as_json(event)]
                if options.json
                else event_lines(event, colour=colour(), steps=options.steps, say=spoken().of)
            )
        if not print_lines(lines) or not options.follow:
            return 0
        last = None
        time.sleep(FOLLOW_SECONDS)
