"""``drova_gate money``: what there is on the account, and what the stations earned."""

import argparse
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from drova_gate.cli.owner import add_env, with_owner
from drova_gate.cli.showing import add_showing, fitted_table, for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines, terminal_room
from drova_gate.errors import CloudForbidden, GateError
from drova_gate.moments import minute
from drova_gate.sheet import Column, Row, one_line

if TYPE_CHECKING:
    from drova_gate.owner.account import Owner
    from drova_gate.owner.income import Earned

__all__ = ["add"]

T = TypeVar("T")


def minute_sent(sent: int | None) -> str:
    """Say when; ``sent``: milliseconds since 1970."""
    return one_line(None) if sent is None else minute(sent / 1000)


_PAIR = (Column("name", "", said=True), Column("value", "", right=True))
_DEALS = (
    Column("created_on", "OPEN DEAL OF", text=minute_sent),
    Column("sum", "SUM", right=True),
    Column("payout", "PAYOUT", right=True),
    Column("deal", "ID"),
)
_FOR_MACHINES = tuple(
    Column(key, key.upper())
    for key in ("part", "period", "id", "name", "sessions", "msecs", "income", "value", "sum", "payout", "created_on")
)
"""One table of everything: ``part`` says what a row is about."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "show the account, prepaid minutes, open deals, and what the stations earned today, this week, this month"
    parser = commands.add_parser(
        "money", help=text, description=text, epilog="Example: drova_gate money --by game --csv"
    )
    parser.add_argument(
        "--by", choices=("station", "game"), default="station", help="what the earnings are sorted by (station)"
    )
    add_env(parser)
    add_showing(parser)
    parser.set_defaults(command=_money)


def _money(options: argparse.Namespace) -> int:
    return with_owner(options, lambda owner: _shown(options, owner))


class _Parts:
    """What of the whole could be had; the rest is said and left out."""

    def __init__(self) -> None:
        self.failed = False

    async def ask(self, what: str, question: Awaitable[T]) -> T | None:
        """Await an answer; ``None`` when there is none."""
        try:
            return await question
        except CloudForbidden as error:
            complain(f"{what}: left out, for this token may not see it ({error.subject}: {error.fact})")
        except GateError as error:
            self.failed = True
            complain(f"{what}: left out: {error}")
        return None


async def _shown(options: argparse.Namespace, owner: "Owner") -> int:
    from drova_gate.owner import income  # noqa: PLC0415 - its models are not needed for --help
    from drova_gate.owner.titles import titles_of  # noqa: PLC0415 - see above

    parts, client = _Parts(), owner.client
    account = await parts.ask("account", owner.account())
    prepaid = await parts.ask("prepaid minutes", client.prepaid_stats(owner.user_id))
    deals = await parts.ask("open deals", client.open_deals())
    usage = await parts.ask("earnings", client.usage())
    pairs = {
        "account": [] if account is None else income.account_rows(account),
        "prepaid": [] if prepaid is None else income.prepaid_rows(prepaid),
    }
    rows = [] if usage is None else income.earned(usage, by_game=options.by == "game")
    ids = {one.what for one in rows if one.what is not None}
    if options.by == "game":
        names = await titles_of(ids, client, owner.state_dir)
    else:
        stations = await parts.ask("stations' names", owner.stations()) or ()
        names = {one.uuid: one.name for one in stations}
    open_deals = income.deal_rows(deals or ())
    if for_machines(options):
        show(options, _FOR_MACHINES, _rows(options, pairs, open_deals, rows, names))
    else:
        table = fitted_table(
            income.usage_columns(options.by.upper()),
            income.usage_lines(rows, names),
            flexible="name",
            room=terminal_room(),
        )
        nothing_earned = [spoken().of("nothing was earned this month")] if usage is not None else []
        _print(pairs, open_deals, table if table[1:] else nothing_earned)
        if not owner.whole:
            complain("money: as one station's token shows it; log in for the whole account: drova_gate login")
    nothing = account is None and prepaid is None and deals is None and usage is None
    return 1 if parts.failed or nothing else 0


def _print(pairs: dict[str, list[tuple[str, Any]]], deals: Sequence[Row], earnings: Sequence[str]) -> None:
    named = [{"name": name, "value": value} for part in pairs.values() for name, value in part]
    lines = fitted_table(_PAIR, named, flexible=None, room=None)[1:] if named else []
    for more in (fitted_table(_DEALS, deals, flexible=None, room=None) if deals else [], earnings):
        if more:
            lines += ["", *more]
    print_lines(lines)


def _rows(
    options: argparse.Namespace,
    pairs: dict[str, list[tuple[str, Any]]],
    deals: Sequence[Row],
    rows: "Sequence[Earned]",
    names: dict[UUID, str],
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"part": part, "name": name, "value": value} for part, several in pairs.items() for name, value in several
    ]
    found += [{"part": "deal", "id": one["deal"]} | dict(one) for one in deals]
    return found + [
        {
            "part": options.by if one.what is not None else "total",
            "period": one.period,
            "id": one.what,
            "name": None if one.what is None else names.get(one.what, str(one.what)),
            "sessions": one.sessions,
            "msecs": one.msecs,
            "income": one.income,
        }
        for one in rows
    ]
