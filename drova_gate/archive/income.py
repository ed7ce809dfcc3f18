"""What was earned, in Drova's own figures: the answers of its usage statistics, as they were archived. Sessions carry no prices; none are made up."""

import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from drova_gate.archive.reports import Report, clock
from drova_gate.archive.shelf import DESKTOP, Shelf, local
from drova_gate.sheet import Column, minute_cell, one_line

__all__ = ["amount", "income", "income_by_day"]

PERIODS = {"today": "todayStat", "week": "weekStat", "month": "monthStat"}


def amount(value: Any) -> Decimal | None:
    """Read an amount of money, which may come as a number or as text; ``None``: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def money(value: Any) -> str:
    """Write an amount."""
    return one_line(None) if value is None else f"{value:.2f}"


def income(shelf: Shelf, stations: tuple[int, ...], products: tuple[int, ...], by: str) -> Report:
    """Sessions, hours and income of today, this week and this month, by the last archived answer of each account."""
    names, titles = _stations(shelf, stations), _titles(shelf, products)
    rows: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    read_at: int | None = None
    for at, answer in _last_answers(shelf):
        read_at = max(read_at or 0, at)
        for period, stat in ((name, _table(answer.get(key))) for name, key in PERIODS.items()):
            for server, game, figures in _figures(stat, by):
                if not (
                    _meant(server, names, filtered=bool(stations)) and _meant(game, titles, filtered=bool(products))
                ):
                    continue
                _add(rows.setdefault((server, game), {}), {f"{name}_{period}": one for name, one in figures.items()})
    found = []
    for (server, game), figures in rows.items():
        row: dict[str, Any] = {}
        if "station" in by:
            row |= {"station": names.get(server or "") or server, "server_id": server}
        if "game" in by:
            row |= {"game": titles.get(game or "") or game, "product_id": game}
        found.append(row | _plain(figures))
    found.sort(key=lambda row: (-(row.get("income_month") or 0), -(row.get("hours_month") or 0)))
    notes = (
        []
        if read_at is None
        else [f"Drova's own figures as of {minute_cell(local(read_at))}; sessions themselves carry no prices"]
    )
    return Report(_heads(by), found, notes, flexible="game" if "game" in by else "station")


def income_by_day(shelf: Shelf) -> Report:
    """What each day had earned when its figures were read last, all accounts together; days without an archived answer are not there."""
    last: dict[str, dict[bytes, tuple[int, dict[str, Any]]]] = {}
    for at, account, answer in _all_answers(shelf):
        figures = _stat(_table(_table(answer.get("todayStat")).get("totalStat")))
        last.setdefault(f"{local(at):%Y-%m-%d}", {})[account] = at, figures
    heads = [
        Column("day", "DAY"),
        Column("sessions", "SESSIONS", right=True),
        Column("hours", "HOURS", right=True, text=clock),
        Column("income", "INCOME", right=True, text=money),
        Column("read_at", "AS OF", text=_hour),
    ]
    rows = []
    for day, accounts in sorted(last.items()):
        sums: dict[str, Any] = {}
        for _, figures in accounts.values():
            _add(sums, figures)
        rows.append({"day": day, **_plain(sums), "read_at": local(max(at for at, _ in accounts.values()))})
    return Report(heads, rows, ["Drova's own figures of each day, as they were when read last on it"] if rows else [])


def _heads(by: str) -> list[Column]:
    heads = [Column("station", "STATION")] if "station" in by else []
    heads += [Column("game", "GAME")] if "game" in by else []
    for period in PERIODS:
        heads.append(Column(f"income_{period}", period.upper(), right=True, text=money))
    return [
        *heads,
        Column("sessions_month", "SESSIONS", right=True),
        Column("hours_month", "HOURS", right=True, text=clock),
        *(
            Column(f"{name}_{period}", f"{name} {period}", for_machines=True)
            for name in ("sessions", "hours")
            for period in ("today", "week")
        ),
    ]


def _figures(stat: Mapping[str, Any], by: str) -> Iterator[tuple[str | None, str | None, dict[str, Any]]]:
    """Take one period apart: station, game, figures."""
    if by == "game":
        for game, figures in _table(stat.get("perGameStats")).items():
            yield None, game, _stat(figures)
        return
    for server, told in _table(stat.get("perServerStats")).items():
        if by == "station":
            yield server, None, _stat(_table(told).get("totalStat"))
            continue
        for game, figures in _table(_table(told).get("perGameStats")).items():
            yield server, game, _stat(figures)


def _stat(raw: Any) -> dict[str, Any]:
    told = _table(raw)
    sessions, milliseconds, earned = told.get("sessionCount"), told.get("totalMsecs"), amount(told.get("totalIncome"))
    return {
        "sessions": sessions if isinstance(sessions, int) else None,
        "hours": round(milliseconds / 3_600_000, 4) if isinstance(milliseconds, int | float) else None,
        "income": earned,
    }


def _add(sums: dict[str, Any], figures: Mapping[str, Any]) -> None:
    """Add another account's figures; a sum of which a part is not known is not known."""
    for name, value in figures.items():
        before = sums.get(name, 0)
        sums[name] = None if before is None or value is None else before + value


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Amounts are added up exactly, and told as numbers."""
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in figures.items()}


def _table(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _meant(key: str | None, names: Mapping[str, str | None], *, filtered: bool) -> bool:
    return not filtered or key is None or key in names


def _stations(shelf: Shelf, numbers: tuple[int, ...]) -> dict[str, str | None]:
    rows = shelf.base.execute("SELECT id, uuid, coalesce(name, gate_name) FROM stations")
    return {str(UUID(bytes=uuid)): name for number, uuid, name in rows if not numbers or number in numbers}


def _titles(shelf: Shelf, numbers: tuple[int, ...]) -> dict[str, str | None]:
    rows = shelf.base.execute("SELECT id, uuid, title FROM products")
    known: dict[str, str | None] = {
        str(UUID(bytes=uuid)): Shelf.title(title, uuid)
        for number, uuid, title in rows
        if not numbers or number in numbers
    }
    return known if numbers else {str(UUID(bytes=DESKTOP)): "Desktop", **known}


def _last_answers(shelf: Shelf) -> list[tuple[int, dict[str, Any]]]:
    rows = shelf.base.execute("SELECT max(at), answer FROM usage GROUP BY account")
    return [(int(at), _unpacked(answer)) for at, answer in rows]


def _all_answers(shelf: Shelf) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    for at, account, answer in shelf.base.execute("SELECT at, account, answer FROM usage ORDER BY at"):
        yield int(at), account, _unpacked(answer)


def _unpacked(answer: bytes) -> dict[str, Any]:
    try:
        return _table(json.loads(zlib.decompress(answer)))
    except (zlib.error, ValueError, RecursionError):
        return {}


def _hour(moment: datetime | None) -> str:
    return one_line(None) if moment is None else f"{moment:%H:%M}"
