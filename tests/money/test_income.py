"""Rows of earnings: Drova's own sums, ours only where it has none, amounts as they were sent."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.cloud.models import Usage
from drova_gate.owner.income import TOTAL, amount, earned, usage_columns, usage_lines
from drova_gate.sheet import table_lines

ONE, TWO = str(uuid4()), str(uuid4())


def stat(count: int, money: object, hours: float = 1.0) -> dict[str, object]:
    return {"sessionCount": count, "totalIncome": money, "totalMsecs": round(hours * 3_600_000)}


def usage(total: object = None, **stations: dict[str, object]) -> Usage:
    period = {
        "perGameStats": {},
        "perServerStats": {
            {"one": ONE, "two": TWO}[name]: {"totalStat": one, "perGameStats": {}} for name, one in stations.items()
        },
    } | ({} if total is None else {"totalStat": total})
    return Usage.model_validate({"todayStat": period, "weekStat": period, "monthStat": period})


def test_the_total_is_drovas_own():
    rows = earned(usage(stat(9, "1 234,50"), one=stat(1, 5)), by_game=False)
    total = next(row for row in rows if row.what is None)
    assert (total.sessions, total.income) == (9, "1 234,50")


def test_a_total_that_drova_does_not_send_is_added_up_unless_a_part_is_not_known():
    rows = earned(usage(one=stat(1, "0.1"), two=stat(2, 0.2)), by_game=False)
    assert [(row.sessions, row.income) for row in rows if row.what is None] == [(3, "0.3")] * 3
    rows = earned(usage(one=stat(1, "much"), two=stat(2, 2)), by_game=False)
    assert [(row.sessions, row.income) for row in rows if row.what is None] == [(3, None)] * 3


def test_the_richest_comes_first_and_the_total_last():
    rows = earned(usage(stat(3, 30), one=stat(1, "9.5"), two=stat(2, "20")), by_game=False)
    lines = usage_lines(rows, {UUID(ONE): "Зал 1", UUID(TWO): "pc2"})
    assert [line["name"] for line in lines] == ["pc2", "Зал 1", TOTAL]
    table = table_lines(usage_columns("STATION"), lines)
    assert table[1].split() == ["pc2", "20", "1.0", "2"] * 1 + ["20", "1.0", "2"] * 2
    assert table[-1].startswith("total")


def test_nothing_earned_is_no_table():
    assert usage_lines(earned(usage(), by_game=True), {}) == []


@pytest.mark.parametrize(
    ("sent", "read"),
    [(5, "5"), ("1 234,50", "1234.50"), (None, None), (True, None), ("NaN", None), (float("inf"), None), ("", None)],
)
def test_amounts_of_any_json_type(sent: object, read: str | None):
    assert amount(sent) == (None if read is None else Decimal(read))


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_no_amount_breaks_it(sent: object):
    found = amount(sent)
    assert found is None or found.is_finite()
