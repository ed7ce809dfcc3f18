"""What the stations earned, in rows: today, this week, this month, by station or by game. Pure.

Sums are Drova's own where it sends them: what it counts, and in which unit of money, only Drova knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from drova_gate.cloud.models import Account, OpenDeal, PrepaidStats, Stat, Usage, UsagePeriod
from drova_gate.sheet import Column, Row

__all__ = [
    "PERIODS",
    "TOTAL",
    "Earned",
    "account_rows",
    "amount",
    "deal_rows",
    "earned",
    "prepaid_rows",
    "usage_columns",
]

PERIODS = ("today", "week", "month")
TOTAL = "total"
HOUR_MSECS = 3_600_000


@dataclass(frozen=True, slots=True)
class Earned:
    """What one station or game, or all of them, brought in one period."""

    period: str
    what: UUID | None
    """``None``: all together."""
    sessions: int | None
    msecs: int | None
    income: int | float | str | None
    """As Drova sent it."""


def earned(usage: Usage, *, by_game: bool) -> list[Earned]:
    """List what came in, by station or by game, and the sum of each period."""
    found = []
    for name, period in zip(PERIODS, (usage.today_stat, usage.week_stat, usage.month_stat), strict=True):
        parts = _parts(period, by_game=by_game)
        found += [Earned(name, what, *_figures(stat)) for what, stat in parts.items()]
        total = period.total_stat
        found.append(Earned(name, None, *(_figures(total) if total is not None else _summed(parts.values()))))
    return found


def _parts(period: UsagePeriod, *, by_game: bool) -> dict[UUID, Stat | None]:
    if by_game:
        return dict(period.per_game_stats)
    return {station: one.total_stat for station, one in period.per_server_stats.items()}


def _figures(stat: Stat | None) -> tuple[int | None, int | None, Any]:
    return (None, None, None) if stat is None else (stat.session_count, stat.total_msecs, stat.total_income)


def _summed(stats: Iterable[Stat | None]) -> tuple[int | None, int | None, Any]:
    """Add up what Drova has not; a sum of which a part is not known is not known."""
    rows = [_figures(one) for one in stats]
    counts, msecs = [one[0] for one in rows], [one[1] for one in rows]
    money = [amount(one[2]) for one in rows]
    return (
        None if None in counts else sum(one or 0 for one in counts),
        None if None in msecs else sum(one or 0 for one in msecs),
        None if None in money else str(sum((one or Decimal(0) for one in money), Decimal(0))),
    )


def amount(sent: object) -> Decimal | None:
    """Read an amount of whatever JSON type; ``None``: it is no number."""
    if sent is None or isinstance(sent, bool):
        return None
    try:
        found = Decimal(str(sent).replace(" ", "").replace("\u00a0", "").replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def usage_columns(head: str) -> list[Column]:
    """List the columns of a table of ``usage_lines``."""
    columns = [Column("name", head)]
    for period in PERIODS:
        columns += [
            # First what never gives way to a narrow terminal: its heading names the period.
            Column(f"{period} income", f"{period.upper()}: INCOME", right=True),
            Column(f"{period} hours", "HOURS", right=True, gives_way=1),
            Column(f"{period} sessions", "SESSIONS", right=True, gives_way=2),
        ]
    return columns


def usage_lines(rows: Iterable[Earned], names: Mapping[UUID, str]) -> list[Row]:
    """Lay one line for each station or game, the richest month first, and the sums below."""
    lines: dict[UUID | None, dict[str, Any]] = {}
    for one in rows:
        line = lines.setdefault(one.what, {"name": TOTAL if one.what is None else names.get(one.what, str(one.what))})
        line |= {
            f"{one.period} sessions": one.sessions,
            f"{one.period} hours": None if one.msecs is None else f"{one.msecs / HOUR_MSECS:.1f}",
            f"{one.period} income": one.income,
        }
    total = lines.pop(None, None)
    ordered = sorted(lines.values(), key=_by_month)
    return [*ordered, *([total] if total is not None and ordered else [])]


def _by_month(line: Mapping[str, Any]) -> tuple[Decimal, Decimal, str]:
    hours = amount(line.get("month hours")) or Decimal(0)
    return -(amount(line.get("month income")) or Decimal(0)), -hours, str(line["name"]).casefold()


def account_rows(account: Account) -> list[tuple[str, Any]]:
    """Name what the account says of money."""
    return [
        ("account", account.name),
        ("balance", account.balance),
        ("exportable", account.exportable_money),
    ]


def prepaid_rows(stats: PrepaidStats) -> list[tuple[str, Any]]:
    """Name the prepaid minutes."""
    return [
        ("minutes allowed to sell", stats.allowed_to_sell_minutes),
        ("minutes sold", stats.sold_minutes),
        ("minutes used", stats.used_minutes),
        ("prepaid balance", stats.balance),
    ]


def deal_rows(deals: Iterable[OpenDeal]) -> list[Row]:
    """Lay a line for each payment that is under way."""
    return [
        {
            "deal": one.deal_id,
            "created_on": one.created_on,
            "sum": one.sum,
            "payout": one.payout,
            "terminal": one.terminal_index,
        }
        for one in deals
    ]
