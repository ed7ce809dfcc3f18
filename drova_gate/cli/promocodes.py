"""``drova_gate promocodes``: prepaid play for whoever has the code: which codes there are, and new ones."""

import argparse
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from drova_gate.cli.money import minute_sent
from drova_gate.cli.owner import add_env, add_yes, agreed, answered, with_owner
from drova_gate.cli.showing import add_showing, for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines
from drova_gate.errors import CallOwner, GateError
from drova_gate.sheet import Column

if TYPE_CHECKING:
    from drova_gate.cloud.models import PrepaidStats, Promocode
    from drova_gate.owner.account import Owner
    from drova_gate.owner.promocodes import Issued, PromocodeBook

__all__ = ["add"]

SHOWN_ONLY = 3
"""Exit code of an order that was shown and not given."""
COUNT_MOST = 9999
"""Codes that the API issues at once."""
MINUTES_MOST = 60 * 24 * 366
"""A year of play in one code is a slip of the finger."""
BIG_COUNT, BIG_MINUTES = 100, 6000
"""From so many codes, or so many minutes in all (a hundred hours), the owner types the count instead of "y"."""

_COLUMNS = (
    Column("promocode", "CODE"),
    Column("minutes", "MINUTES", right=True),
    Column("created_on", "ISSUED", text=minute_sent),
    Column("expired_on", "GOOD UNTIL", text=minute_sent),
    Column("state", "STATE", said=True),
    Column("id", "ID", for_machines=True),
)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    text = "show and issue promocodes: prepaid play for whoever has the code"
    parser = commands.add_parser(
        "promocodes", help=text, description=text, epilog="Example: drova_gate promocodes list"
    )
    inner = parser.add_subparsers(required=True, metavar="COMMAND")

    text = "show the codes that nobody has used yet"
    listed = inner.add_parser(
        "list", help=text, description=text, epilog="Example: drova_gate promocodes list --all --csv"
    )
    listed.add_argument("--all", action="store_true", help="and those issued from here that are used or expired")
    add_env(listed)
    add_showing(listed)
    listed.set_defaults(command=_list)

    text = "issue COUNT codes of MINUTES of play each. Sent once; the codes are printed and kept in the state directory"
    issued = inner.add_parser("issue", help=text, description=text, epilog="Example: drova_gate promocodes issue 5 60")
    issued.add_argument("count", metavar="COUNT", type=_number("COUNT", COUNT_MOST))
    issued.add_argument("minutes", metavar="MINUTES", type=_number("MINUTES", MINUTES_MOST))
    issued.add_argument("--again", action="store_true", help="although the same was ordered within the last minute")
    issued.add_argument("--force", action="store_true", help="although it is more than Drova allows you to sell")
    add_env(issued)
    add_showing(issued)
    add_yes(issued)
    issued.set_defaults(command=_issue)


def _number(name: str, most: int) -> Any:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{name} is a whole number from 1 to {most}")
        return int(text)

    return read


def _list(options: argparse.Namespace) -> int:
    return with_owner(options, lambda owner: _listed(options, owner))


async def _listed(options: argparse.Namespace, owner: "Owner") -> int:
    from drova_gate.owner.promocodes import PromocodeBook  # noqa: PLC0415 - its models are not needed for --help

    unused = await owner.client.promocodes()
    rows = _rows(unused, "unused")
    if options.all:
        there = {one.promocode for one in unused}
        rows += _rows(
            (one for one in PromocodeBook(owner.state_dir).codes() if one.promocode not in there), "used or expired"
        )
    show(options, _COLUMNS, rows, nothing=spoken().of("there are no unused codes"))
    return 0


def _issue(options: argparse.Namespace) -> int:
    async def work(owner: "Owner") -> int:
        from drova_gate.owner.promocodes import PromocodeBook  # noqa: PLC0415 - see _listed

        book = PromocodeBook(owner.state_dir)
        give_back = book.claim()
        try:
            return await _issued(options, owner, book)
        finally:
            give_back()

    return with_owner(options, work)


async def _issued(options: argparse.Namespace, owner: "Owner", book: "PromocodeBook") -> int:
    from drova_gate.owner.promocodes import issue  # noqa: PLC0415 - see _listed

    stats = await _allowed(options, owner)
    _refuse_repeated(options, book)
    if not for_machines(options):
        print_lines(spoken().of(line) for line in _order_lines(options, stats))
    if not _agreed(options):
        if for_machines(options):
            complain("promocodes: nothing was issued; --yes does it")
        return SHOWN_ONLY
    began = time.time()
    try:
        issued = await issue(owner.client, book, options.count, options.minutes)
    except GateError:
        raise
    except BaseException:
        if (last := book.last()) is not None and last.at >= began:
            complain(
                "promocodes: broken off; they may have been issued: look at drova_gate promocodes list before you try again"
            )
        raise
    return _told(options, issued, book)


async def _allowed(options: argparse.Namespace, owner: "Owner") -> "PrepaidStats | None":
    """Ask what may be sold; ``CallOwner`` when the order is more than that."""
    try:
        stats = await owner.client.prepaid_stats(owner.user_id)
    except GateError as error:
        complain(f"promocodes: what you may sell is not known ({error})")
        return None
    whole = options.count * options.minutes
    if stats.allowed_to_sell_minutes is not None and whole > stats.allowed_to_sell_minutes and not options.force:
        fact = f"{whole} minutes in all, and Drova allows you to sell {stats.allowed_to_sell_minutes}"
        raise CallOwner("promocodes", fact, "order less, or --force; nothing was issued")
    return stats


def _refuse_repeated(options: argparse.Namespace, book: "PromocodeBook") -> None:
    from drova_gate.owner.promocodes import AGAIN_SECONDS  # noqa: PLC0415 - see _listed

    last = book.last()
    if last is None or options.again or last.outcome == "refused":
        return
    age = time.time() - last.at
    if 0 <= age < AGAIN_SECONDS and (last.count, last.minutes) == (options.count, options.minutes):
        outcome = "were issued" if last.outcome == "issued" else "may have been issued"
        fact = f"the same {options.count} codes {outcome} {age:.0f} s ago"
        raise CallOwner("promocodes", fact, "look at drova_gate promocodes list; if you want them twice: --again")


def _order_lines(options: argparse.Namespace, stats: "PrepaidStats | None") -> list[str]:
    whole = options.count * options.minutes
    codes = "1 code" if options.count == 1 else f"{options.count} codes"
    allowed = None if stats is None else stats.allowed_to_sell_minutes
    return [
        f"{codes} of {_minutes(options.minutes)} each: {_minutes(whole)} ({whole / 60:.1f} h) of play in all",
        "whoever has a code can play for it; no way to take codes back is known",
        f"Drova allows you to sell: {'not known' if allowed is None else _minutes(allowed)}",
    ]


def _minutes(count: int) -> str:
    return f"{count} minute{'' if count == 1 else 's'}"


def _agreed(options: argparse.Namespace) -> bool:
    if options.yes or for_machines(options):
        return bool(options.yes)
    big = options.count >= BIG_COUNT or options.count * options.minutes >= BIG_MINUTES
    if not big or not sys.stdin.isatty() or not sys.stdout.isatty():
        return agreed(spoken().of("issue them?"), yes=False)
    try:
        question = spoken().of(f"that is much: type {options.count} to issue them")
        return answered(f"{question}: ").strip() == str(options.count)
    except EOFError:
        return False


def _told(options: argparse.Namespace, issued: "Issued", book: "PromocodeBook") -> int:
    """Print what came, whatever else went wrong."""
    show(options, _COLUMNS, _rows(issued.codes, "unused"))
    if issued.codes and issued.not_kept:
        complain(f"promocodes: not kept in {book.path} ({issued.not_kept}): write them down now")
    elif issued.codes and not for_machines(options):
        print_lines([spoken().of(f"kept in {book.path}")])
    if issued.unknown is None:
        return 0
    complain(issued.unknown)
    if not issued.looked:
        complain(
            "promocodes: the list could not be asked either; look before you try again: drova_gate promocodes list"
        )
    elif issued.codes:
        complain(f"promocodes: {len(issued.codes)} of {options.count} have appeared in the list since: they are above")
    else:
        complain(
            "promocodes: none has appeared in the list yet; look again before you try again: drova_gate promocodes list"
        )
    return 1


def _rows(codes: "Iterable[Promocode]", state: str) -> list[dict[str, Any]]:
    return [
        {
            "promocode": one.promocode,
            "minutes": None if one.playtime_msecs is None else round(one.playtime_msecs / 60_000),
            "created_on": one.created_on,
            "expired_on": one.expired_on,
            "state": state,
            "id": one.id,
        }
        for one in codes
    ]
