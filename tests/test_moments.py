"""Moments as owners write them."""

import contextlib
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drova_gate.errors import OptionFault
from drova_gate.moments import deadline, moment, period

at = datetime.fromisoformat
NOW = at("2026-11-21 18:45:30")


@pytest.mark.parametrize(
    ("text", "began", "ended"),
    [
        ("2026-11-20", at("2026-11-20"), at("2026-11-21")),
        ("20.11.2026", at("2026-11-20"), at("2026-11-21")),
        ("2026-11-20 18:30", at("2026-11-20 18:30:00"), at("2026-11-20 18:30:00")),
        ("2026-11-20T18:30:05", at("2026-11-20 18:30:05"), at("2026-11-20 18:30:05")),
        (" 20.11.2026  18:30 ", at("2026-11-20 18:30:00"), at("2026-11-20 18:30:00")),
        ("today", at("2026-11-21"), at("2026-11-22")),
        ("Вчера", at("2026-11-20"), at("2026-11-21")),
        ("7d", at("2026-11-14 18:45:30"), at("2026-11-14 18:45:30")),
        ("45s", at("2026-11-21 18:44:45"), at("2026-11-21 18:44:45")),
        ("12 h", at("2026-11-21 06:45:30"), at("2026-11-21 06:45:30")),
    ],
)
def test_a_day_is_its_beginning_or_its_end(text: str, began: datetime, ended: datetime):
    """``--until yesterday`` means all of yesterday."""
    assert moment(text, NOW) == began
    assert moment(text, NOW, end=True) == ended


@pytest.mark.parametrize(
    "text", ["", "2026-31-11", "31.11.2026", "november", "7", "7y", "2026", "99999999d", "-7d", "1e3d"]
)
def test_anything_else_is_no_moment(text: str):
    """Never a guess."""
    with pytest.raises(ValueError):
        moment(text, NOW)


def test_a_machine_s_time_with_its_zone_is_the_same_moment_here():
    """So that what one command prints as JSON can be given to another."""
    assert moment("2026-11-21T12:00:00+00:00", NOW).timestamp() == at("2026-11-21T12:00:00+00:00").timestamp()


@given(st.text(max_size=20))
def test_any_text_is_a_moment_or_a_value_error(text: str):
    """No other error comes out."""
    with contextlib.suppress(ValueError, OverflowError):
        assert moment(text, NOW).tzinfo is None


def test_both_faults_of_a_period_are_told_at_once():
    """And what may be written."""
    with pytest.raises(OptionFault) as caught:
        period("soon", "2026-13-01", NOW)

    assert [one.split(":")[0] for one in caught.value.faults] == ["--since", "--until"]
    assert "21.11.2026" in caught.value.faults[0]


def test_a_period_that_ends_before_it_begins_is_refused():
    """Rather than shown as empty."""
    with pytest.raises(OptionFault, match="is not later than"):
        period("2d", "3d", NOW)


def test_years_beyond_the_clock_are_refused():
    """No date is later than the year 9999, and a day's end would be."""
    assert period("2026-11-20", None, NOW)[0] == int(at("2026-11-20").timestamp() * 1000)
    with pytest.raises(OptionFault):
        period(None, "9999-12-31", NOW)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch):
    """A zone whose clocks are put back and forward."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_hours_are_hours_in_the_night_in_which_the_clock_is_put_back():
    """Days are days of the calendar."""
    before, after = at("2026-10-25 01:30"), at("2026-10-25 12:00")
    assert deadline("2h", before).timestamp() - before.timestamp() == 2 * 3600
    assert after.timestamp() - moment("12h", after).timestamp() == 12 * 3600
    assert deadline("1d", before) == at("2026-10-26 01:30")
    assert moment("7d", after) == at("2026-10-18 12:00")
    half_past_two = at("2026-10-25 02:30")
    assert deadline("45m", half_past_two).timestamp() - half_past_two.timestamp() == 45 * 60
