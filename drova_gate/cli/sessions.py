"""``drova_gate sessions``: who played when, on which station, and how it ended."""

import argparse
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from drova_gate.cli.owner import add_env, add_station, with_owner
from drova_gate.cli.showing import add_showing, for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.stations import add_addresses, cut_name, cut_place
from drova_gate.cli.where import places
from drova_gate.errors import OptionFault
from drova_gate.moments import minute, period
from drova_gate.report.table import duration
from drova_gate.sheet import Column, Row, minute_cell

if TYPE_CHECKING:
    from drova_gate.cloud.models import Session
    from drova_gate.owner.account import Owner

__all__ = ["add"]

USUAL = 20
"""Sessions shown when nobody says how many, or since when."""
MOST = 1000
"""The API lists no more."""

SHORT = (
    Column("started", "STARTED", text=minute_cell),
    Column("station", "STATION", text=cut_name),
    Column("game", "GAME"),
    Column("seconds", "LASTED", right=True, text=duration, said=True),
    Column("status_text", "END", said=True),
)
COLUMNS = (
    *SHORT,
    Column("billing", "BILLING", gives_way=4),
    Column("from", "FROM", gives_way=3),
    Column("place", "PLACE", text=cut_place, said=True, gives_way=2),
    Column("remark", "REMARK", said=True, gives_way=1),
)
FOR_MACHINES = tuple(
    Column(key, key.upper(), for_machines=True)
    for key in (
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
        "client_id",
    )
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which sessions are wanted; milliseconds since 1970."""

    since_ms: int | None
    until_ms: int | None
    limit: int | None

    @property
    def bounded(self) -> bool:
        return self.since_ms is not None or self.until_ms is not None

    def wants(self, session: "Session") -> bool:
        began = session.created_on
        return (self.since_ms is None or began >= self.since_ms) and (self.until_ms is None or began < self.until_ms)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "show the sessions of the account, newest first"
    command = commands.add_parser(
        "sessions",
        help=text,
        description=f"Show the sessions of the account, newest first: the last {USUAL}, or all of a time. "
        f"Drova tells the last {MOST}; older ones: drova_gate history.",
        epilog="Example: drova_gate sessions --since 2026-11-01 --until 2026-11-07 --station pc1",
    )
    command.add_argument(
        "--since", metavar="WHEN", help="that began since then: 2h, 30m, 3d, 2026-11-21, '2026-11-21 18:00'"
    )
    command.add_argument("--until", metavar="WHEN", help="that began before then; a day is included as a whole")
    command.add_argument("--limit", metavar="N", help=f"so many at most (1 to {MOST})")
    command.add_argument("--short", action="store_true", help="fewer columns")
    add_station(command)
    add_addresses(command)
    add_showing(command)
    add_env(command)
    command.set_defaults(command=lambda options: _sessions(options, _asked(command, options)))


def _asked(command: argparse.ArgumentParser, options: argparse.Namespace) -> _Asked:
    limit = None
    if options.limit is not None:
        if not re.fullmatch(r"[0-9]{1,4}", options.limit) or not 1 <= int(options.limit) <= MOST:
            command.error(f"--limit: {options.limit!r} is no number from 1 to {MOST}")
        limit = int(options.limit)
    try:
        # Naive: moments are local time, as their reader's clock shows it.
        since, until = period(options.since, options.until, datetime.now())  # noqa: DTZ005
    except OptionFault as fault:
        command.error("; ".join(fault.faults))
    return _Asked(since, until, limit)


def _sessions(options: argparse.Namespace, asked: _Asked) -> int:
    async def work(owner: "Owner") -> int:
        from drova_gate.owner.overview import past_sessions  # noqa: PLC0415 - see guard.py

        stations = await owner.chosen(options.station)
        asked_for = MOST if asked.bounded else asked.limit or USUAL
        past = await past_sessions(owner, stations, limit=asked_for, every_station=not options.station)
        wanted = [one for one in past.sessions if asked.wants(one)]
        shown = wanted[: asked.limit or (MOST if asked.bounded else USUAL)]
        rows = await _rows(owner, {one.uuid: one.name for one in stations}, shown, options)
        columns = (*(SHORT if options.short else COLUMNS), *(() if options.short else FOR_MACHINES))
        show(options, columns, rows, flexible="game", nothing=spoken().of("no session in that time"))
        # Without a time so many are asked for as are shown: how many there are nobody has counted.
        if asked.bounded and len(shown) < len(wanted) and not for_machines(options):
            complain(f"the newest {len(shown)} of {len(wanted)}; --limit shows more")
        if asked.since_ms is not None and past.whole_since_ms > asked.since_ms:
            begin = minute(past.whole_since_ms / 1000)
            complain(
                f"sessions: Drova tells the last {MOST} alone, those before {begin} may be missing; drova_gate history has them"
            )
        for fault in past.faults:
            complain(fault)
        return 1 if past.faults else 0

    return with_owner(options, work)


async def _rows(
    owner: "Owner", names: "dict[UUID, str]", sessions: "list[Session]", options: argparse.Namespace
) -> list[Row]:
    from drova_gate.owner.rows import Spelling, session_row  # noqa: PLC0415 - see guard.py
    from drova_gate.owner.titles import titles_of  # noqa: PLC0415 - see guard.py

    titles = await titles_of((one.product_id for one in sessions), owner.client, owner.state_dir)
    with places(options) as known:
        spelling = Spelling(titles, known.text, now=time.time(), addresses=options.addresses)
        return [session_row(one, names.get(one.server_id, str(one.server_id)), spelling) for one in sessions]
