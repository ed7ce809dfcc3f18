"""What outlives the process, step by step."""

from dataclasses import fields, replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.core import record as records
from drova_gate.core.model import Adopt, Decision, Forget, HostFacts, Phase, PreparationReport, Prepare, Record

A, B = UUID(int=1), UUID(int=2)
CD = frozenset("CD")
HOST = HostFacts(frozenset(), "", "", "", True, 0.0)
RECORD = Record(
    Phase.IN_SESSION, A, 100, prepared=True, marker="m", boot_stamp="b", entered=CD, hidden_by_us=True, server=B
)


def report(fault: str = "", *, passing: bool = False) -> PreparationReport:
    return PreparationReport(A, "m", CD, CD, (), 3, 1.0, fault, passing)


def test_a_settled_session_leaves_only_what_is_the_stations():
    """Hidden by us, failures, resets of the hour and its id stay; nothing of the session does."""
    kept = {"phase", "hidden_by_us", "failed", "failed_why", "resets", "server"}
    full = replace(RECORD, reset_tries=2, quarantine_reason="x", failed=1, failed_why="y", resets=(1, 2))

    left = records.forgotten(full, Forget())

    for field in fields(Record):
        wanted = full if field.name in kept else Record()
        assert getattr(left, field.name) == getattr(wanted, field.name), field.name


def test_clean_and_forgotten_is_one_write():
    """No power cut between them finds a clean station that names its session."""
    decision = Decision(Phase.CLEAN, (Forget(),), "proved clean")

    assert records.in_phase(replace(RECORD, phase=Phase.RESETTING), decision).session is None


def test_a_second_try_keeps_its_ids_and_its_volumes():
    """The marker on the disk and the volumes that the first try entered are still ours."""
    ids = iter("xyzw")
    first = records.preparing(Record(), Prepare(A, 100), HOST, CD, new_id=lambda: next(ids))
    again = records.preparing(first, Prepare(A, 100), replace(HOST, shadowed=CD), CD, new_id=lambda: next(ids))
    other = records.preparing(
        first, Prepare(B, 200), replace(HOST, shadowed=frozenset("C")), CD, new_id=lambda: next(ids)
    )

    assert (first.marker, first.boot_stamp, first.entered) == ("x", "y", CD)
    assert (again.marker, again.boot_stamp, again.entered) == ("x", "y", CD)
    assert other.marker == "z"
    assert other.entered == frozenset("D"), "what is in Shadow Mode already is the owner's"


def test_what_an_earlier_try_entered_stays_ours_when_a_later_one_succeeds():
    """It finds those volumes in Shadow Mode already and reports that it has entered none; the owner's own are never counted."""
    found = replace(report(), entered=frozenset())

    assert records.prepared(RECORD, found, CD).entered == CD
    assert records.prepared(RECORD, found, frozenset()).entered == frozenset()
    assert records.prepared(RECORD, found, frozenset("CDE")).entered == CD, "E was left out of Shadow Mode since"


def test_only_the_stations_own_failures_count():
    """A broken link says nothing about the station; a preparation that is confirmed wipes the count."""
    once = records.prepared(RECORD, report("not in Shadow Mode: D:"), CD)
    twice = records.prepared(once, report("policy"), CD)

    assert (once.failed, twice.failed, twice.failed_why) == (1, 2, "policy")
    assert records.prepared(twice, report("unknown", passing=True), CD).failed == 2
    assert records.prepared(twice, report(), CD).failed == 0
    assert records.shown(twice, prepare_tries=2).failed == 1, "one more try"
    assert records.released(twice).failed == 0


def test_the_marker_decides_whether_an_adopted_session_is_prepared():
    """The station's own word; volumes that the record knows as ours stay ours."""
    marked = replace(HOST, shadowed=frozenset("CDE"), marker="m", marker_session=str(A), boot_stamp="b")

    assert records.adopted(RECORD, Adopt(A, 100), marked).entered == CD
    assert records.adopted(Record(), Adopt(A, 100), marked).entered == frozenset("CDE")
    assert records.adopted(Record(), Adopt(A, 100), marked).prepared
    assert not records.adopted(RECORD, Adopt(B, 200), marked).prepared
    assert not records.adopted(RECORD, Adopt(A, 100), None).prepared


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 20_000), max_size=30))
def test_resets_are_counted_for_an_hour_whatever_the_clock_does(walls: list[int]):
    """A clock that jumps keeps no reset for longer than an hour of its own time."""
    record = Record()
    for wall in walls:
        record = records.reset_goes_out(record, wall)
        assert record.resets[-1] == wall
        assert all(0 <= wall - sent < 3600 for sent in record.resets)
    assert record.reset_tries == len(walls)
