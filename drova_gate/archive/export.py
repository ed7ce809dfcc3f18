"""Writing sessions into a file for a spreadsheet: CSV, or XLSX in constant memory with its totals as formulas."""

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drova_gate.archive.columns import Field, Kind, heading
from drova_gate.errors import CallOwner
from drova_gate.optional import library_missing
from drova_gate.sheet import safe_cell

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["ROWS_MOST", "write_csv", "write_xlsx"]

ROWS_MOST = 1_048_576 - 2
"""Of one sheet, without its heading and its total: the format's own bound."""
TEXT_MOST = 32_767
"""Characters of one cell: the format's own bound."""
_WORDS = {
    "en": {"sessions": "Sessions", "hours": "Hours", "game": "Game", "total": "Total", "unknown": "unknown"},
    "ru": {"sessions": "Сессии", "hours": "Часы", "game": "Игра", "total": "Всего", "unknown": "неизвестно"},
}
_OPTIONS = {
    # Row after row into the file: a hundred thousand rows would be 600 MB otherwise.
    "constant_memory": True,
    # No text becomes a formula or a link.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
    "remove_timezone": True,
}
_TIMES = {Kind.DAY: "yyyy-mm-dd", Kind.MOMENT: "yyyy-mm-dd hh:mm:ss", Kind.DURATION: "[h]:mm:ss"}


def write_csv(
    path: Path, rows: Iterable[Mapping[str, Any]], fields: Sequence[Field], *, language: str, excel: bool
) -> int:
    """Write CSV (RFC 4180), each cell harmless for a spreadsheet; how many rows. ``excel``: as Russian Excel opens it by itself."""
    count = 0
    with path.open("w", encoding="utf-8-sig" if excel else "utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";" if excel else ",")
        writer.writerow([heading(one, language) for one in fields])
        for row in rows:
            writer.writerow([safe_cell(_text(one.value(row))) for one in fields])
            count += 1
    return count


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def write_xlsx(path: Path, rows: Iterable[Mapping[str, Any]], fields: Sequence[Field], *, language: str) -> int:
    """Write a sheet of sessions and one of hours by game and station; how many rows. ``SomethingMissing`` without the library."""
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415 - optional, and only this needs it
        from xlsxwriter.exceptions import XlsxFileError  # noqa: PLC0415 - see above
    except ImportError as error:
        raise library_missing(
            "export to XLSX", "xlsxwriter", "python3-xlsxwriter", instead="; or export to .csv"
        ) from error
    words, played = _WORDS[language], _Played()
    # What it has written so far lies beside the file, and goes with the folder if it does not come to its end.
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch:
        book = Workbook(str(path), _OPTIONS | {"tmpdir": scratch})
        look = _Look(book)
        count = _write_sessions(book.add_worksheet(words["sessions"]), played.counted(rows), fields, language, look)
        _write_hours(book.add_worksheet(words["hours"]), played, words, look)
        try:
            book.close()
        except XlsxFileError as error:
            raise OSError(str(error)) from error
    return count


class _Look:
    """How cells look."""

    def __init__(self, book: "Workbook") -> None:
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self.bold = book.add_format({"bold": True, "top": 1})
        self.right = book.add_format({"align": "right"})
        self.count = book.add_format({"bold": True, "top": 1, "num_format": "0", "align": "right"})
        self.times = {kind: book.add_format({"num_format": text, "align": "right"}) for kind, text in _TIMES.items()}
        self.sum = book.add_format({"bold": True, "num_format": "[h]:mm:ss", "align": "right"})
        self.total = book.add_format({"bold": True, "top": 1, "num_format": "[h]:mm:ss", "align": "right"})


@dataclass(slots=True)
class _Played:
    """Time played by game and station, added up while rows pass."""

    seconds: dict[str | None, dict[str, float]] = field(default_factory=dict)
    stations: set[str] = field(default_factory=set)

    def counted(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for row in rows:
            if row["seconds"]:
                by_station = self.seconds.setdefault(row["game"], {})
                by_station[row["station"]] = by_station.get(row["station"], 0.0) + round(row["seconds"])
                self.stations.add(row["station"])
            yield row


def _write_sessions(
    sheet: "Worksheet", rows: Iterable[Mapping[str, Any]], fields: Sequence[Field], language: str, look: _Look
) -> int:
    from xlsxwriter.utility import xl_col_to_name  # noqa: PLC0415 - see write_xlsx

    for column, one in enumerate(fields):
        sheet.set_column(column, column, one.width)
        sheet.write_string(0, column, heading(one, language), look.head)
    sheet.freeze_panes(1, 2)
    count, seconds = 0, 0.0
    for row in rows:
        if count >= ROWS_MOST:
            raise CallOwner(
                "export to XLSX",
                f"a sheet has room for {ROWS_MOST} sessions",
                "narrow it with --since and --until, or export to .csv",
            )
        count += 1
        seconds += round(row["seconds"] or 0.0)
        for column, one in enumerate(fields):
            _write(sheet, count, column, one.value(row), one.kind, look)
    if not count:
        return 0
    sheet.autofilter(0, 0, count, len(fields) - 1)
    total = count + 1
    for column, one in enumerate(fields):
        name = xl_col_to_name(column)
        # SUBTOTAL leaves out what a filter hides: 103 counts, 109 adds up.
        if column == 0:
            sheet.write_string(total, column, _WORDS[language]["total"], look.bold)
        elif column == 1:
            sheet.write_formula(total, column, f"=SUBTOTAL(103,A2:A{count + 1})", look.count, count)
        elif one.kind is Kind.DURATION:
            formula = f"=SUBTOTAL(109,{name}2:{name}{count + 1})"
            sheet.write_formula(total, column, formula, look.total, seconds / 86_400)
        else:
            sheet.write_blank(total, column, None, look.bold)
    return count


def _write(sheet: "Worksheet", row: int, column: int, value: Any, kind: Kind, look: _Look) -> None:
    if value is None or value == "":
        return
    if isinstance(value, timedelta):
        sheet.write_number(row, column, value.total_seconds() / 86_400, look.times[Kind.DURATION])
    elif isinstance(value, datetime | date):
        sheet.write_datetime(row, column, value, look.times[kind])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(row, column, value, look.right)
    else:
        sheet.write_string(row, column, str(_text(value))[:TEXT_MOST], look.right if kind is Kind.NUMBER else None)


def _write_hours(sheet: "Worksheet", played: _Played, words: Mapping[str, str], look: _Look) -> None:
    """Write games by stations: the last column and the last row are sums."""
    from xlsxwriter.utility import xl_col_to_name  # noqa: PLC0415 - see write_xlsx

    stations = sorted(played.stations, key=str.casefold)
    games = sorted(played.seconds, key=lambda game: (game or "").casefold())
    last = len(stations)
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, last + 1, 12)
    for column, text in enumerate((words["game"], *stations, words["total"])):
        sheet.write_string(0, column, text, look.head)
    sheet.freeze_panes(1, 1)
    if not stations:
        return
    for row, game in enumerate(games, start=1):
        by_station = played.seconds[game]
        sheet.write_string(row, 0, game or words["unknown"])
        for column, station in enumerate(stations, start=1):
            if station in by_station:
                sheet.write_number(row, column, by_station[station] / 86_400, look.times[Kind.DURATION])
        formula = f"=SUM(B{row + 1}:{xl_col_to_name(last)}{row + 1})"
        sheet.write_formula(row, last + 1, formula, look.sum, sum(by_station.values()) / 86_400)
    total = len(games) + 1
    sheet.write_string(total, 0, words["total"], look.bold)
    for column, which in enumerate((*stations, None), start=1):
        name = xl_col_to_name(column)
        whole = sum(sum(each.values()) if which is None else each.get(which, 0.0) for each in played.seconds.values())
        sheet.write_formula(total, column, f"=SUM({name}2:{name}{total})", look.total, whole / 86_400)
