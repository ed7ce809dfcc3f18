"""``drova_gate history show``: archived sessions and reports about them."""

import argparse
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from drova_gate.addresses import masked
from drova_gate.archive.files import FILE_NAME
from drova_gate.cli.showing import for_machines, show
from drova_gate.cli.speech import spoken
from drova_gate.cli.surroundings import print_lines, state_dirs
from drova_gate.errors import CallOwner, OptionFault
from drova_gate.moments import minute, period
from drova_gate.report.ask import places
from drova_gate.report.table import duration
from drova_gate.sheet import Column, Row, minute_cell, one_line
from drova_gate.vocabulary import STATUSES

if TYPE_CHECKING:
    from drova_gate.archive.reports import Report
    from drova_gate.archive.shelf import Shelf, Wanted

__all__ = ["opened", "run", "use_timezone", "wanted_of", "warn_of_holes"]

HOLES_SAID = 5
NEVER = "history: nothing is archived yet; run drova_gate history sync"


def run(options: argparse.Namespace) -> int:
    """Show what is asked for."""
    use_timezone(options.timezone)
    _check(options)
    with opened(options) as shelf:
        wanted = wanted_of(options, shelf)
        report = _report(options, shelf, wanted)
        rows = report.rows[: options.limit] if options.limit else report.rows
        if options.plot:
            from drova_gate.archive.plot import draw  # noqa: PLC0415 - matplotlib takes a second to import

            draw(Path(options.plot), options.report, options.by, report, spoken().of)
        machine = for_machines(options)
        if not machine:
            of = spoken().of
            print_lines([of(note) if isinstance(note, str) else ", ".join(map(of, note)) for note in report.notes])
        show(options, report.columns, rows, flexible=report.flexible, nothing=_nothing(options, shelf))
        if not machine and len(rows) < len(report.rows):
            print_lines([spoken().of(f"{len(rows)} of {len(report.rows)} rows; --limit 0 shows all")])
        if options.report != "income":
            warn_of_holes(shelf, _seen(options, wanted, rows))
    return 0


def _seen(options: argparse.Namespace, wanted: "Wanted", rows: "Sequence[Row]") -> "Wanted":
    """Return the time that is really told of: of the newest fifty sessions nobody wants to hear what was missing last year."""
    if options.report is None and rows and len(rows) == options.limit:
        return replace(wanted, since=min(row["created_on"] for row in rows))
    return wanted


@contextmanager
def opened(options: argparse.Namespace) -> "Iterator[Shelf]":
    """Open the archive that is meant; ``CallOwner`` when there is none, or it cannot be read."""
    from drova_gate.archive.shelf import Shelf  # noqa: PLC0415 - see history.py

    path = _path(options)
    try:
        shelf = Shelf(path)
        try:
            yield shelf
        finally:
            shelf.close()
    except sqlite3.Error as error:
        raise CallOwner(
            f"history {path}",
            f"cannot be read ({error})",
            "if it is the gate's own, use sudo; a damaged one is set aside when it is next written",
        ) from error


def _path(options: argparse.Namespace) -> Path:
    if options.archive:
        found = Path(options.archive)
        if not found.is_file():
            raise OptionFault([f"--archive: {found} is no file; write the path of a {FILE_NAME}"])
        return found
    directories = state_dirs(options.env)
    archives = places(directories, FILE_NAME)
    if not archives:
        raise CallOwner(
            "history",
            f"there is no archive in {', '.join(map(str, directories))}",
            "run drova_gate history sync; if the gate runs as another user, use sudo",
        )
    if len(archives) > 1:
        raise OptionFault([f"--archive: there are several; write which one: {', '.join(map(str, archives))}"])
    return archives[0]


def use_timezone(name: str | None) -> None:
    """Let this process tell times in another zone; ``OptionFault`` for one that nobody knows."""
    if name is None:
        return
    from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415 - only who names a zone waits for it

    from drova_gate.nearest import nearest_names  # noqa: PLC0415 - see above

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        near = nearest_names(name, available_timezones())
        advice = f"did you mean {', '.join(near)}?" if near else "write one such as Europe/Moscow"
        raise OptionFault([f"--timezone: {name!r} is not known; {advice}"]) from error
    # SQLite and Python both ask the C library, which looks here.
    os.environ["TZ"] = name
    time.tzset()


def wanted_of(options: argparse.Namespace, shelf: "Shelf") -> "Wanted":
    """Which sessions the options mean; ``OptionFault`` or ``NotKnown`` for what they cannot mean."""
    from drova_gate.archive.shelf import Wanted  # noqa: PLC0415 - see history.py

    since, until = period(options.since, options.until, datetime.now())  # noqa: DTZ005 - local time, as its owner reads a clock
    return Wanted(
        since,
        until,
        shelf.stations(options.station),
        shelf.products(options.game),
        None if options.player is None else shelf.player(options.player),
        None if options.status is None else _status(options.status.strip()),
    )


def _status(text: str) -> str:
    """Read a status as it is shown, or as Drova writes it."""
    return next((word for word, shown in STATUSES.items() if shown == text.casefold()), text.upper())


def warn_of_holes(shelf: "Shelf", wanted: "Wanted") -> None:
    """Say on standard error where sessions may be missing: what is shown is not all there was."""
    found = shelf.holes(wanted)
    between, before = [one for one in found if one.after], [one for one in found if not one.after]
    lines = [
        f"history: sessions of {one_line(one.station)} between {minute(one.after / 1000)} and {minute(one.until / 1000)} were not archived: "
        "Drova lists a thousand, and there were more before they were read"
        for one in between[:HOLES_SAID]
    ]
    if len(between) > HOLES_SAID:
        lines.append(f"history: and {len(between) - HOLES_SAID} more such times")
    if before:
        last = max(before, key=lambda one: one.until)
        which = one_line(last.station) if len(before) == 1 else f"{len(before)} stations"
        lines.append(
            f"history: of {which} nothing before {minute(last.until / 1000)} is sure to be there: Drova lists a thousand sessions, older ones were "
            "never archived"
        )
    print_lines([spoken().of(line) for line in lines], to_errors=True)


def _check(options: argparse.Namespace) -> None:
    faults = []
    if options.by and options.report not in ("hours", "income"):
        faults.append("--by: belongs to --report hours or --report income; leave it out")
    if options.report == "income":
        if options.by in ("month", "weekday", "hour"):
            faults.append(
                "--by: Drova tells income by station, game and day; write one of station-game, station, game, day"
            )
        if options.since or options.until or options.player or options.status:
            faults.append(
                "--report income: Drova tells today, this week and this month; leave --since, --until, --player and --status out"
            )
        if options.by == "day" and (options.station or options.game):
            faults.append("--by day: is told for all stations and games together; leave --station and --game out")
    if options.plot and not options.report:
        faults.append("--plot: draws a report; say which one with --report")
    if faults:
        raise OptionFault(faults)


def _report(options: argparse.Namespace, shelf: "Shelf", wanted: "Wanted") -> "Report":
    from drova_gate.archive import income, reports  # noqa: PLC0415 - see history.py
    from drova_gate.archive.trials import Limits  # noqa: PLC0415 - see history.py

    by = options.by or "station-game"
    match options.report:
        case None:
            return _sessions(options, shelf, wanted)
        case "hours" if by in ("day", "month", "weekday", "hour"):
            return reports.hours_in_time(shelf, wanted, by)
        case "hours":
            return reports.hours(shelf, wanted, by)
        case "income" if by == "day":
            return income.income_by_day(shelf)
        case "income":
            return income.income(shelf, wanted.stations, wanted.products, by)
        case "visitors":
            limit = options.limit or None
            return reports.visitors(shelf, wanted, least=options.visits, newest=limit, addresses=options.addresses)
        case "trials":
            limits = Limits(options.same_address, options.same_network, options.same_player)
            return reports.trials(shelf, wanted, limits, addresses=options.addresses)
        case _:
            return reports.scores(shelf, wanted, up_to=options.score)


def _sessions(options: argparse.Namespace, shelf: "Shelf", wanted: "Wanted") -> "Report":
    from drova_gate.archive.reports import Report  # noqa: PLC0415 - see history.py

    rows = [
        row if options.addresses else row | {"from": masked(row["from"])}
        for row in shelf.sessions(wanted, newest=options.limit or None)
    ]
    columns = [
        Column("started", "STARTED", text=minute_cell),
        Column("seconds", "LASTED", right=True, text=duration, said=True),
        Column("station", "STATION"),
        Column("game", "GAME"),
        Column("client_id", "PLAYER", text=lambda player: one_line(player and player[:8]), gives_way=2),
        Column("from", "FROM", gives_way=4),
        Column("status_text", "END", said=True),
        Column("billing", "BILLING", gives_way=3),
        Column("remark", "REMARK", said=True),
        *(Column(name, name, for_machines=True) for name in _MACHINES),
    ]
    total = shelf.number(wanted)
    notes = [f"the newest {len(rows)} of {total} sessions; --limit 0 shows all"] if len(rows) < total else []
    return Report(columns, rows, notes, flexible="remark")


_MACHINES = (
    "ended",
    "status",
    "abort_comment",
    "score",
    "score_reason",
    "score_reason_text",
    "score_text",
    "uuid",
    "server_id",
    "product_id",
    "merchant_id",
    "created_on",
    "finished_on",
    "extra",
)


def _nothing(options: argparse.Namespace, shelf: "Shelf") -> str:
    if options.report == "income":
        return "no usage statistics are archived yet; run drova_gate history sync"
    return "nothing of the kind is archived" if shelf.count else NEVER
