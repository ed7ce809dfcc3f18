"""Rows for people and machines."""

import csv
import io
import json
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from drova_gate.columns import cut_middle, width
from drova_gate.sheet import FORMULA_STARTS, Column, csv_text, json_text, minute_cell, one_line, table_lines

COLUMNS = (
    Column("name", "NAME"),
    Column("hours", "HOURS", right=True, text=lambda hours: f"{hours:.1f}"),
    Column("uuid", "ID", for_machines=True),
)
STATION = UUID("11111111-2222-4333-8444-555555555555")


def test_a_table_shows_what_people_read_and_aligns_russian_and_emoji():
    rows = [{"name": "Игровой ПК 🎮", "hours": 12.5, "uuid": STATION}, {"name": "pc1", "hours": 3, "uuid": STATION}]
    lines = table_lines(COLUMNS, rows)
    assert lines[0].split() == ["NAME", "HOURS"]
    assert len({width(line) for line in lines}) == 1, lines
    assert str(STATION) not in "\n".join(lines)


def test_a_station_named_with_escape_sequences_cannot_steer_the_terminal():
    lines = table_lines((Column("name", "NAME"),), [{"name": "\x1b[2J\x07pc\n1"}])
    assert lines[1] == "?[2J?pc?1"


def test_json_has_every_value_and_csv_every_column():
    at = datetime(2026, 11, 21, tzinfo=UTC)
    rows = [{"name": "ПК", "hours": 2, "uuid": STATION, "at": at, "tags": ("a", "b")}]
    assert json.loads(json_text(rows)) == [
        {"name": "ПК", "hours": 2, "uuid": str(STATION), "at": at.isoformat(), "tags": ["a", "b"]}
    ]
    assert list(csv.reader(io.StringIO(csv_text(COLUMNS, rows)))) == [
        ["name", "hours", "uuid"],
        ["ПК", "2", str(STATION)],
    ]


@given(
    st.text()
    | st.builds("".join, st.tuples(st.text(" \t\x00", max_size=3), st.sampled_from(FORMULA_STARTS), st.text()))
)
def test_no_csv_cell_is_run_as_a_formula(text: str):
    cell = list(csv.reader(io.StringIO(csv_text((Column("a", "A"),), [{"a": text}]), newline="")))[1:]
    assert not "".join(cell[0] if cell else []).lstrip(" ").startswith(FORMULA_STARTS)


def test_a_negative_number_stays_a_number():
    assert csv_text((Column("a", "A"),), [{"a": -5}]) == "a\r\n-5\r\n"


@given(st.text())
def test_one_line_is_one_line(text: str):
    assert len(one_line(text).splitlines()) == 1


def test_json_is_json_though_a_number_is_none():
    def refuse(word: str) -> None:
        raise AssertionError(word)

    rows = json.loads(json_text([{"a": float("nan"), "b": [float("-inf"), 1.5]}]), parse_constant=refuse)
    assert rows == [{"a": "nan", "b": ["-inf", 1.5]}]


def test_csv_on_a_terminal_cannot_steer_it():
    assert csv_text((Column("a", "A"),), [{"a": "\x1b[2J\x9bпк\n1"}]) == 'a\r\n"?[2J?пк\n1"\r\n'


@given(st.text())
def test_json_is_one_line_of_what_it_was(text: str):
    written = json_text([{"a": text}])
    assert json.loads(written) == [{"a": text}]
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in written)


def test_a_blank_that_does_not_break_is_a_blank():
    assert one_line("Ёлка\u00a0с пробелом") == "Ёлка с пробелом"


def test_names_that_differ_at_their_end_differ_when_they_are_cut():
    """Owners number their stations: the numbers are what tells them apart."""
    names = [f"Санкт-Петербург RTX 5080 #0{number}" for number in (1, 2)]
    assert [cut_middle(name, 24) for name in names] == ["Санкт-Петерб…TX 5080 #01", "Санкт-Петерб…TX 5080 #02"]


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_name_is_cut_to_its_room(name: str, room: int):
    shown = cut_middle(name, room)
    assert width(shown) <= room
    assert (shown == name) is (width(name) <= room)


def test_long_names_give_way_where_nothing_else_can_and_times_stay_whole():
    """A line that breaks on the terminal is no row any more."""
    columns = (
        Column("began", "BEGAN", text=minute_cell),
        Column("station", "STATION"),
        Column("game", "GAME"),
        Column("score", "SCORE", right=True),
        Column("review", "REVIEW"),
    )
    row = {
        "began": datetime(2026, 11, 21, 18, 30, tzinfo=UTC),
        "station": "Санкт-Петербург RTX 5080 #01",
        "game": "PLAYERUNKNOWN'S BATTLEGROUNDS (PUBG)",
        "score": 1,
        "review": "фризы и задержка 200 мс, играть невозможно",
    }
    whole = table_lines(columns, [row], flexible="review", room=None)
    for room in range(72, width(whole[1]) + 1):
        _, line = table_lines(columns, [row], flexible="review", room=room)
        assert width(line) <= room
        assert line.startswith(minute_cell(row["began"]) + "  Санкт-")
        assert "#01  " in line
