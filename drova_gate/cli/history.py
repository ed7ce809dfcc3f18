"""``drova_gate history``: the owner's archive of all sessions."""

import argparse

from drova_gate.cli.owner import add_env, add_station
from drova_gate.cli.showing import add_showing
from drova_gate.moments import ACCEPTED

__all__ = ["add"]

REPORTS = ("hours", "income", "visitors", "trials", "scores")
BY = ("station-game", "station", "game", "day", "month", "weekday", "hour")
_USUAL = 50


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and what it can do."""
    text = "the archive of all sessions: read it from Drova, look at it, export it"
    command = commands.add_parser("history", help=text, description=text, epilog="Example: drova_gate history sync")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    _add_sync(actions)
    _add_show(actions)
    _add_export(actions)


def _add_sync(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "read the sessions of all stations from Drova into the archive; one that was stopped goes on where it was"
    command = actions.add_parser(
        "sync", help=text, description=text, epilog="Example: drova_gate history sync --station pc1"
    )
    add_station(command)
    add_env(command)
    command.set_defaults(command=_sync)


def _add_show(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "show archived sessions, or a report about them"
    command = actions.add_parser(
        "show",
        help=text,
        description=f"{text}. A session belongs to the time at which it began.",
        epilog="Examples: drova_gate history show --since 7d --station pc1; "
        "drova_gate history show --report hours --by day --since 30d --plot hours.svg",
    )
    command.add_argument("--report", choices=REPORTS, help="instead of the sessions themselves")
    command.add_argument("--by", choices=BY, help="for hours and income: what they are told by (station-game)")
    _add_choice(command)
    command.add_argument(
        "--limit", type=_number, default=_USUAL, metavar="N", help=f"no more rows than these; 0: all ({_USUAL})"
    )
    command.add_argument("--addresses", action="store_true", help="show players' whole addresses")
    command.add_argument(
        "--plot", metavar="FILE", help="draw the report into this .svg or .png file (needs matplotlib)"
    )
    limits = command.add_argument_group("what counts in reports")
    limits.add_argument("--visits", type=_number, default=2, metavar="N", help="visitors: from so many sessions on (2)")
    limits.add_argument("--score", type=_number, default=3, metavar="N", help="scores: up to this one is bad (3)")
    limits.add_argument(
        "--same-address", type=_number, default=2, metavar="N", help="trials: accounts of one address (2)"
    )
    limits.add_argument(
        "--same-network", type=_number, default=4, metavar="N", help="trials: accounts of one /24 or /64 network (4)"
    )
    limits.add_argument("--same-player", type=_number, default=3, metavar="N", help="trials: of one account (3)")
    add_showing(command)
    command.set_defaults(command=_show)


def _add_export(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "write archived sessions into a file for a spreadsheet: FILE.xlsx or FILE.csv"
    command = actions.add_parser(
        "export",
        help=text,
        description=f"{text}. XLSX has the totals as formulas, and needs the library xlsxwriter.",
        epilog="Example: drova_gate history export november.xlsx --since 2026-11-01 --language ru",
    )
    command.add_argument("file", metavar="FILE", help="its ending decides: .xlsx or .csv")
    _add_choice(command)
    command.add_argument("--addresses", action="store_true", help="write players' whole addresses")
    command.add_argument("--language", choices=("en", "ru"), help="of the headings (as everything else)")
    command.add_argument(
        "--excel", action="store_true", help="CSV as Russian Excel opens it by itself: semicolons, and a mark for UTF-8"
    )
    command.add_argument("--force", action="store_true", help="write over a file that is there")
    command.set_defaults(command=_export)


def _add_choice(command: argparse.ArgumentParser) -> None:
    """Add what says which sessions are meant, and where the archive is."""
    command.add_argument("--since", metavar="WHEN", help=f"began then or later: {ACCEPTED}")
    command.add_argument("--until", metavar="WHEN", help="began before that; a day is meant with all of it")
    add_station(command)
    command.add_argument(
        "--game", metavar="TITLE", action="append", default=[], help="this game alone; may be repeated"
    )
    command.add_argument("--player", metavar="ID", help="this player alone; the beginning of the id is enough")
    command.add_argument("--status", metavar="WORD", help="such sessions alone, e.g. ABORTED")
    command.add_argument(
        "--timezone", metavar="NAME", help="tell times of this zone, e.g. Europe/Moscow (this machine's)"
    )
    command.add_argument("--archive", metavar="FILE", help="this archive instead of the gate's")
    add_env(command)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number; write 0 or more")
    return int(text)


def _sync(options: argparse.Namespace) -> int:
    from drova_gate.cli.history_sync import run  # noqa: PLC0415 - only who uses it waits for its imports

    return run(options)


def _show(options: argparse.Namespace) -> int:
    from drova_gate.cli.history_show import run  # noqa: PLC0415 - see above

    return run(options)


def _export(options: argparse.Namespace) -> int:
    from drova_gate.cli.history_export import run  # noqa: PLC0415 - see above

    return run(options)
