"""Exports: the columns that the field's sheets know, in their order, each value under its own heading; totals as formulas; no cell runs."""

import csv
import io
import json
import math
import sys
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from archive_rows import GAME, MINUTE, OLD_GAME, OTHER, SERVER, T0, listing, session

from drova_gate.archive.columns import chosen, finished
from drova_gate.archive.export import write_csv, write_xlsx
from drova_gate.archive.plot import draw
from drova_gate.archive.reports import Report, hours, hours_in_time, scores
from drova_gate.archive.shelf import Shelf, Wanted
from drova_gate.archive.store import Archive
from drova_gate.errors import CallOwner, SettingsFault, SomethingMissing

COMMUNITY = [
    "station_name",
    "game_name",
    "creator_ip",
    "city",
    "range_km",
    "asn",
    "date",
    "duration",
    "start_time",
    "finish_time",
    "billing_type",
    "status",
    "abort_comment",
    "client_id",
    "uuid",
    "server_id",
    "merchant_id",
    "product_id",
    "created_on",
    "finished_on",
    "score",
    "score_reason",
    "score_text",
    "parent",
    "sched_hints",
]
EVIL = '=HYPERLINK("http://x.example/")'

pytestmark = pytest.mark.usefixtures("moscow")


@pytest.fixture
def shelf(tmp_path: Path):
    archive = Archive(tmp_path / "history.sqlite")
    archive.keep(
        [
            listing(
                session(0, score="4", score_reason=2, score_text=EVIL, parent="p1", sched_hints={"gpu": 1}),
                session(1, finished_on=None, status="ACTIVE", product_id=str(OLD_GAME)),
                session(2, finished_on=T0 + 30 * 60 * MINUTE, abort_comment="+7 900"),
            ),
            listing(session(0, server=OTHER), server=OTHER),
        ]
    )
    archive.name_stations({SERVER: "@Зал 1", OTHER: "<b>'ПК' 🎮</b>"})
    archive.title({GAME: "-Dota 2", OLD_GAME: "Фортнайт"})
    archive.close()
    shelf = Shelf(archive.path)
    yield shelf
    shelf.close()


def rows(shelf: Shelf, *, locate=None, language: str = "en") -> list[dict[str, object]]:
    found = shelf.sessions(Wanted(), oldest_first=True)
    return [finished(row, addresses=True, locate=locate, language=language) for row in found]


def test_every_value_stands_under_its_own_heading(shelf: Shelf, tmp_path: Path):
    """Field lesson 36: columns were misaligned once, and nobody saw it."""
    fields = chosen(places=True, extras=shelf.extras())
    write_csv(
        tmp_path / "all.csv", rows(shelf, locate=lambda _: ("Тула", "Provider")), fields, language="en", excel=False
    )
    first, _, running, long = csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text(encoding="utf-8")))

    assert list(first) == [name for name in COMMUNITY if name != "range_km"]
    assert first["creator_ip"] == "203.0.113.0"
    assert (first["city"], first["asn"], first["date"]) == ("Тула", "Provider", "2026-05-17")
    assert (first["start_time"], first["finish_time"], first["duration"]) == (
        "2026-05-17 09:40:00",
        "2026-05-17 10:10:00",
        "0:30:00",
    )
    assert (first["created_on"], first["finished_on"]) == (str(T0), str(T0 + 30 * MINUTE))
    assert (first["server_id"], first["product_id"], first["parent"]) == (str(SERVER), str(GAME), "p1")
    assert (first["score"], first["score_reason"], first["sched_hints"]) == ("4", "lags", '{"gpu": 1}')
    assert (running["finish_time"], running["duration"], running["finished_on"]) == ("", "", "")
    assert long["duration"] == "28:00:00"


def test_a_field_that_nobody_knows_keeps_no_export_from_its_end(tmp_path: Path):
    """What JSON may hold, and neither SQLite nor UTF-8 can."""
    archive = Archive(tmp_path / "history.sqlite")
    archive.keep(
        [listing(session(0, new=math.inf, parent="\ud800", sched_hints=[{"\ud800": -math.inf}, 10**30, None]))]
    )
    archive.close()
    shelf = Shelf(archive.path)
    fields = chosen(places=False, extras=shelf.extras())
    assert write_csv(tmp_path / "out.csv", rows(shelf), fields, language="en", excel=False) == 1
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8")))
    shelf.close()
    assert (row["parent"], json.loads(row["sched_hints"])) == ("?", [{"?": "-inf"}, str(10**30), None])


def test_no_cell_of_a_csv_runs(shelf: Shelf, tmp_path: Path):
    """A player writes the review, an owner the station's name: neither becomes a formula."""
    fields = chosen(places=False, extras=frozenset())
    write_csv(tmp_path / "excel.csv", rows(shelf), fields, language="ru", excel=True)
    raw = (tmp_path / "excel.csv").read_bytes()
    table = list(csv.reader(io.StringIO(raw.decode("utf-8-sig")), delimiter=";"))

    assert raw.startswith(b"\xef\xbb\xbf")
    assert table[0][:3] == ["Станция", "Игра", "IP клиента"]
    assert not [cell for line in table for cell in line if cell.startswith(("=", "+", "-", "@", "\t"))]
    assert "'" + EVIL in table[1]
    assert {len(line) for line in table} == {len(fields)}


def test_a_workbook_has_real_times_and_totals_as_formulas(shelf: Shelf, tmp_path: Path):
    """Read back by another library: types, alignment, sums that follow a filter, hours by game and station."""
    fields = chosen(places=False, extras=frozenset())
    assert write_xlsx(tmp_path / "all.xlsx", rows(shelf, language="ru"), fields, language="ru") == 4
    sheet, played = openpyxl.load_workbook(tmp_path / "all.xlsx").worksheets
    heads = [cell.value for cell in sheet[1]]
    at = {name: number for number, name in enumerate(heads, start=1)}

    assert (sheet.title, played.title) == ("Сессии", "Часы")
    assert heads[:5] == ["Станция", "Игра", "IP клиента", "Дата", "Продолжительность"]
    assert sheet.cell(2, at["Начало сессии"]).value == datetime.fromisoformat("2026-05-17 09:40:00")
    assert sheet.cell(2, at["Продолжительность"]).value == timedelta(minutes=30)
    assert sheet.cell(2, at["Продолжительность"]).alignment.horizontal == "right"
    assert sheet.cell(2, at["Оценка"]).value == 4
    assert sheet.cell(2, at["Причина оценки"]).value == "тормозит"
    review = sheet.cell(2, at["Отзыв"])
    assert (review.value, review.data_type) == (EVIL, "s")
    assert [cell.value for cell in sheet[6]][:5] == [
        "Всего",
        "=SUBTOTAL(103,A2:A5)",
        None,
        None,
        "=SUBTOTAL(109,E2:E5)",
    ]
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(5, len(heads)).coordinate}"
    assert [cell.value for cell in played[1]] == ["Игра", "<b>'ПК' 🎮</b>", "@Зал 1", "Всего"]
    assert [cell.value for cell in played[2]] == [
        "-Dota 2",
        timedelta(minutes=30),
        timedelta(hours=28, minutes=30),
        "=SUM(B2:C2)",
    ]
    assert [cell.value for cell in played[3]] == ["Всего", "=SUM(B2:B2)", "=SUM(C2:C2)", "=SUM(D2:D2)"]
    shown = openpyxl.load_workbook(tmp_path / "all.xlsx", data_only=True).worksheets
    assert shown[1].cell(3, 4).value == timedelta(hours=29)
    assert shown[0].cell(6, 2).value == 4


def test_nothing_to_export_is_still_a_workbook(tmp_path: Path):
    """A heading, and no totals of nothing."""
    fields = chosen(places=False, extras=frozenset())
    assert write_xlsx(tmp_path / "none.xlsx", [], fields, language="en") == 0
    sheet, _ = openpyxl.load_workbook(tmp_path / "none.xlsx").worksheets

    assert sheet.max_row == 1


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And that CSV needs none."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(SomethingMissing, match=r"pip install xlsxwriter; or export to \.csv"):
        write_xlsx(tmp_path / "x.xlsx", [], (), language="en")


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_reports_are_drawn(shelf: Shelf, tmp_path: Path, ending: str, recwarn: pytest.WarningsRecorder):
    """Whatever stations are called; a letter that no font has is no warning."""
    for name, by, report in (
        ("hours", "day", hours_in_time(shelf, Wanted(), "day")),
        ("hours", None, hours(shelf, Wanted(), "station-game")),
        ("scores", None, scores(shelf, Wanted(), up_to=5)),
    ):
        path = tmp_path / f"{name}-{by}.{ending}"
        draw(path, name, by, report)
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG") if ending == "png" else b"<svg" in content[:1000]
        assert len(content) > 3000
        assert path.stat().st_mode & 0o777 == 0o600
    assert not recwarn.list


def test_what_cannot_be_drawn_is_said(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another ending, nothing to draw, no folder, no library."""
    report = hours(shelf, Wanted(), "game")
    with pytest.raises(SettingsFault, match=r"neither in \.svg nor in \.png"):
        draw(tmp_path / "x.jpg", "hours", None, report)
    with pytest.raises(CallOwner, match="nothing to draw"):
        draw(tmp_path / "x.svg", "hours", None, Report((), ()))
    with pytest.raises(CallOwner, match="cannot be written"):
        draw(tmp_path / "nowhere" / "x.svg", "hours", None, report)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SomethingMissing, match=r"pip install matplotlib"):
        draw(tmp_path / "x.svg", "hours", None, report)
