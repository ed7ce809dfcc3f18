"""How the checks are told: one line each, wrapped to the terminal, what was skipped for one reason together."""

import re

import pytest

from drova_gate.columns import width
from drova_gate.doctor.output import Table, plan_lines
from drova_gate.doctor.verdict import Check, Cure, Verdict, Where, failed, fine, skipped, warned

SUBJECTS = {"tcp": "way", "banner": "way", "ssh": "way", "shell": "way", "cloud": "Drova"}
LONG = "word " * 40


def told(room: int | None, *checks: tuple[str, Verdict], colour: bool = False, say=str) -> list[str]:
    table = Table(SUBJECTS, room=room, colour=colour, say=say)
    made = [Check(code, verdict) for code, verdict in checks]
    return [line for check in made for line in table.lines(check)] + table.end(made, 1.25)


@pytest.mark.parametrize("room", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(room: int):
    """Long texts, in Russian as well, go on below their own column."""
    lines = told(
        room,
        ("tcp", failed(LONG, LONG)),
        ("ssh", warned("Станция не отвечает. " * 9, LONG)),
        ("shell", skipped("needs ssh")),
    )
    assert max(map(width, lines)) <= room
    assert lines[0] == "  way"
    assert all(line.startswith((" " * 27, "  FAIL  tcp", "  warn  ssh", "  skip  shell")) for line in lines[1:-1])


def test_what_was_skipped_for_one_reason_stands_in_one_line():
    """And does not keep a heading of its own; another reason, or a check that ran, ends it."""
    lines = told(
        None,
        ("tcp", failed("closed", "open it")),
        ("banner", skipped("needs tcp")),
        ("ssh", skipped("needs tcp")),
        ("shell", skipped("needs something else")),
        ("cloud", fine("answers")),
    )
    assert lines == [
        "  way",
        "  FAIL  tcp                closed",
        " " * 27 + "-> open it",
        " " * 30 + "docs/doctor.md#tcp",
        "  skip  2 checks           needs tcp: banner, ssh",
        "  skip  shell              needs something else",
        "  Drova",
        "  ok    cloud              answers",
        "  1 failed (5 checks in 1.2 s)",
    ]


def test_colours_change_no_word():
    """With them and without, the text is the same."""
    checks = (("tcp", failed("closed", "open it")), ("ssh", warned("odd", "look")), ("cloud", fine("answers")))
    painted = told(80, *checks, colour=True)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in painted] == told(80, *checks)
    assert any("\x1b[1;31mFAIL\x1b[0m" in line for line in painted)


def test_texts_reach_the_reader_in_his_language_and_codes_stay():
    """What is said passes through the translation; codes and lines to be copied do not."""
    cures = (Cure(Where.STATION, "Get-Date"), Cure(Where.BY_HAND, "look"))
    lines = told(None, ("tcp", failed("closed", "open it", *cures)), say=str.upper)
    assert "  FAIL  tcp                CLOSED" in lines
    plan = plan_lines("pc1", [Check("tcp", failed("closed", "open it", *cures))], say=str.upper)
    assert plan[2:] == [
        "1. tcp (FAIL): CLOSED",
        "   OPEN IT",
        "   ON THE STATION, IN POWERSHELL AS ADMINISTRATOR:",
        "     Get-Date",
        "   BY HAND:",
        "     LOOK",
        "   DOCS/DOCTOR.MD#tcp",
    ]


def test_the_plan_leaves_lines_to_be_copied_whole():
    """However narrow the terminal is."""
    line = "Set-ItemProperty " + "x" * 200
    plan = plan_lines("pc1", [Check("tcp", failed(LONG, "", Cure(Where.STATION, line)))], room=60)
    assert f"     {line}" in plan
    assert max(len(each) for each in plan if line not in each) <= 60


def test_nothing_to_mend_is_said():
    """A plan for a station that is well."""
    assert plan_lines("pc1", [Check("tcp", fine("open"))]) == ["station pc1: nothing to mend"]
