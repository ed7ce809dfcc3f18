"""Rows for people and for machines: a table on a terminal, JSON, CSV. Pure.

A row is a mapping of plain values; a column says how one of them looks in a table. JSON and CSV get the values themselves, under the
columns' keys, so that a script does not depend on what a heading is called.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from drova_gate.columns import lines_of, printable, width

__all__ = ["Column", "Row", "csv_text", "fitting", "json_text", "minute_cell", "one_line", "safe_cell", "table_lines"]

Row = Mapping[str, Any]

NOTHING = "-"
"""Shown in a table for a value that is not there."""
STEERING = dict.fromkeys([*set(range(0x20)) - {0x09, 0x0A, 0x0D}, *range(0x7F, 0xA0)], "?")
"""The control characters (C0 and C1) that have no business in a cell."""
ESCAPED = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""JSON leaves them as they are, and some terminals obey them."""
GAP = 2
"""Places between two columns."""
FLEXIBLE_LEAST = 14
"""Places below which a cut text says too little: other columns give way before."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheets (OWASP, "CSV injection")."""


def one_line(value: Any) -> str:
    """Write any value on one line of a terminal: what would steer the terminal becomes a question mark."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))


def minute_cell(moment: datetime | None) -> str:
    """Write a moment by this machine's clock and zone, to the minute."""
    return NOTHING if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``key`` names the row's value, ``head`` stands above it, ``text`` writes it."""

    key: str
    head: str
    right: bool = False
    """Aligned to the right: numbers, durations, money."""
    text: Callable[[Any], str] = one_line
    for_machines: bool = False
    """Only in JSON and CSV: ids and the like."""
    said: bool = False
    """Holds our own words, which people read in their language; a title or a name is never turned."""
    gives_way: int = 0
    """On a narrow terminal the column with the greatest number is left out first; 0: never."""


def fitting(
    columns: Sequence[Column], rows: Sequence[Row], *, flexible: str | None = None, room: int | None = None
) -> list[Column]:
    """Choose the columns that a terminal of so many places has room for, the flexible one cut if need be."""
    seen = [column for column in columns if not column.for_machines]
    if room is None:
        return seen
    wide = {
        column.key: max(width(text) for text in (column.head, *(_shown(column, row) for row in rows)))
        for column in seen
    }
    if flexible in wide:
        wide[flexible] = min(wide[flexible], FLEXIBLE_LEAST)
    while sum(wide[one.key] + GAP for one in seen) - GAP > room:
        first = max(seen, key=lambda column: column.gives_way)
        if not first.gives_way:
            break
        seen.remove(first)
    return seen


def table_lines(
    columns: Sequence[Column], rows: Sequence[Row], *, flexible: str | None = None, room: int | None = None
) -> list[str]:
    """Lay the rows out; where the lines would be wider than ``room`` places the column ``flexible`` is cut, and then the longest names."""
    seen = [column for column in columns if not column.for_machines]
    texts = [[_shown(column, row) for column in seen] for row in rows]
    cut = next((place for place, column in enumerate(seen) if column.key == flexible), 0)
    return lines_of(
        [column.head for column in seen],
        texts,
        right=frozenset(place for place, column in enumerate(seen) if column.right),
        flexible=cut,
        # Numbers and times are whole or not there.
        names=frozenset(
            place
            for place, column in enumerate(seen)
            if place != cut and not column.right and column.text is not minute_cell
        ),
        room=room if flexible is not None else None,
    )


def _shown(column: Column, row: Row) -> str:
    return one_line(column.text(row.get(column.key)))


def json_text(rows: Sequence[Row]) -> str:
    """Write the rows as a JSON list, every value of theirs, whether a column shows it or not."""
    text = json.dumps([{key: _plain(value) for key, value in row.items()} for row in rows], ensure_ascii=False)
    return text.translate(ESCAPED)


def csv_text(columns: Sequence[Column], rows: Sequence[Row], *, delimiter: str = ",", heads: bool = False) -> str:
    """Write the rows as CSV (RFC 4180) under the columns' keys, or their ``heads``."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([safe_cell(column.head if heads else column.key) for column in columns])
    for row in rows:
        writer.writerow([safe_cell(_plain(row.get(column.key))) for column in columns])
    return text.getvalue()


def safe_cell(value: Any) -> Any:
    """Make a text harmless for a spreadsheet: an apostrophe before what would be a formula; numbers stay numbers.

    What would steer a terminal becomes a question mark: CSV is looked at there too.
    """
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        value = value.translate(STEERING)
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value
