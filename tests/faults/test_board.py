"""How the matrix is shown: the table, the figures, the exit code."""

import json
import subprocess
import sys

import pytest
from typed import typed

from drova_gate.demo.board import Board, Ending
from drova_gate.demo.invariants import RULES
from drova_gate.demo.matrix import MATRIX, Cell, cells

DROP = cells([MATRIX["ssh_drop"]])


def survived(cell: Cell) -> Ending:
    return Ending(cell, (), 3.0)


def board(*, live: bool = False, colour: bool = False) -> tuple[Board, list[str]]:
    written: list[str] = []
    return Board(written.append, DROP, colour=colour, live=live), written


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "drova_gate", "demo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )


def test_a_row_is_written_when_its_last_cell_has_ended():
    """Into a pipe each line is final."""
    shown, written = board()
    shown.open()
    head = len(written)
    for cell in DROP[:-1]:
        shown.add(survived(cell))
    assert written[head:] == []

    shown.add(survived(DROP[-1]))

    assert [line.split() for line in written[head:]] == [["ssh_drop", *["++"] * 11]]
    assert shown.close(12.0) == 0


def test_a_violation_is_named_with_its_evidence():
    """The sign in the table, the cell, the rule in words, the evidence, the figure."""
    shown, written = board()
    shown.open()
    for cell in DROP[1:]:
        shown.add(survived(cell))
    shown.add(Ending(DROP[0], (("live", "it was rebooted"),), 3.0, "clean and free"))

    assert shown.close(12.0) == 1
    text = "".join(written)
    assert "X+" in text
    assert f"{DROP[0].name}\n    {RULES['live']}: it was rebooted\n    at the end: clean and free\n" in text
    assert [line.split()[-1] for line in text.splitlines() if line.startswith(RULES["live"])] == ["1"]
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("violations")] == ["1"]


def test_cells_that_never_reported_are_no_success():
    """A worker that died leaves a gap, and a gap is a failure."""
    shown, written = board()
    shown.open()
    shown.add(survived(DROP[0]))

    assert shown.close(12.0) == len(DROP) - 1
    assert "never reported" in "".join(written)


def test_the_live_table_is_drawn_in_place():
    """On a terminal the same rows are drawn again over themselves, without a line more."""
    shown, written = board(live=True)
    shown.open()
    before = "".join(written).count("\n")
    shown.add(survived(DROP[0]))

    again = "".join(written)
    assert again.count("\n") - before == 2
    assert "\x1b[2A" in again
    assert "1 of 22 cells" in again


def test_the_command_tries_cells_and_counts_them():
    """``drova_gate demo --fault all``: a table, figures, exit code 0 without a violation."""
    done = demo("--fault", "all", "--cell", "station_clock-proof")

    assert done.returncode == 0, done.stdout + done.stderr
    figures = {
        line[:50].strip(): line[50:].strip()
        for line in done.stdout.splitlines()
        if line.startswith(tuple(RULES.values()))
    }
    assert figures == dict.fromkeys(RULES.values(), "0")
    assert "2 cells of 1 faults" in done.stdout


def test_the_command_prints_cells_for_machines():
    """``--json``: one object a cell and a verdict."""
    done = demo("--fault", "all", "--cell", "station_clock-proof-poll", "--json")

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["cell", "verdict"]
    assert (lines[0]["cell"], lines[0]["violations"]) == ("station_clock-proof-poll", [])
    assert lines[1]["kept"] is True


@pytest.mark.parametrize("wrong", [("--cell", "nonsense"), ("--share", "3/2"), ("--share", "x")])
async def test_a_wrong_wish_says_what_to_write(wrong: tuple[str, str]):
    """A settings fault, before anything is played."""
    code, _, err = await typed("demo", "--fault", "all", *wrong)

    assert code == 78
    assert wrong[0] in err
    assert wrong[1] in err
