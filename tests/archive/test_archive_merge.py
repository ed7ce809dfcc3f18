"""Readings of one session in any order make one entry; nothing that was known is lost."""

import functools
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drova_gate.archive.merge import Entry, Reading, entry_of, further_along, merged

UUID = b"u" * 16
NAMES = ("finished", "score", "review", "+parent")
VALUES = st.one_of(st.integers(0, 3), st.sampled_from(["", "5", "ok"]), st.booleans(), st.just([1, {"a": None}]))
READINGS = st.lists(
    st.builds(
        lambda at, status, fields: Reading(UUID, at, status, fields),
        st.integers(0, 5),
        st.sampled_from(["NEW", "HANDSHAKE", "ACTIVE", "FINISHED", "ABORTED", "RECONNECTING"]),
        st.dictionaries(st.sampled_from(NAMES), VALUES),
    ),
    min_size=1,
    max_size=4,
)


def fed(readings: list[Reading]) -> Entry:
    """As the store does it: one after the other."""
    return functools.reduce(merged, map(entry_of, readings))


@given(READINGS)
def test_the_order_of_arrival_never_matters(readings: list[Reading]):
    """Whatever comes first, by the guard or by a command, the same is known in the end."""
    results = [fed(list(order)) for order in itertools.permutations(readings)]

    assert all(one == results[0] for one in results)


@given(READINGS)
def test_nothing_that_was_read_is_lost(readings: list[Reading]):
    """Every value of every field is still there, with the earliest moment at which it was seen; the newest is shown."""
    entry = fed(readings)

    for name in NAMES:
        seen = [(one.at, repr(one.fields[name])) for one in readings if name in one.fields]
        kept = [(at, repr(value)) for at, value in entry.known.get(name, ())]
        assert {text for _, text in kept} == {text for _, text in seen}
        assert all(at == min(when for when, text in seen if text == kept_text) for at, kept_text in kept)
        assert (entry.now(name) is None) == (not seen) or entry.now(name) is not None


@given(READINGS)
def test_reading_the_same_again_changes_nothing(readings: list[Reading]):
    """So an unchanged list costs no write."""
    entry = fed(readings)

    for reading in readings:
        assert merged(entry, entry_of(reading)) == entry


def test_an_absent_value_never_replaces_a_known_one():
    """Field lesson 32: the list shows the end late, and sometimes leaves out again what it had shown."""
    entry = fed([Reading(UUID, 1, "FINISHED", {"finished": 7, "score": 1}), Reading(UUID, 2, "FINISHED", {})])

    assert (entry.now("finished"), entry.now("score")) == (7, 1)


def test_a_value_that_is_replaced_is_still_there():
    """A player who changes his review: the newer one is shown, the older one is kept."""
    entry = fed([Reading(UUID, 1, "FINISHED", {"review": "bad"}), Reading(UUID, 9, "FINISHED", {"review": "good"})])

    assert entry.now("review") == "good"
    assert entry.past == {"review": [[1, "bad"], [9, "good"]]}


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        ("NEW", "ACTIVE", "ACTIVE"),
        ("FINISHED", "ACTIVE", "FINISHED"),
        ("RECONNECTING", "ACTIVE", "RECONNECTING"),
        ("RECONNECTING", "ABORTED", "ABORTED"),
        ("ABORTED", "FINISHED", "FINISHED"),
        ("", "NEW", ""),
    ],
)
def test_what_has_ended_does_not_begin_again(one: str, other: str, later: str):
    """An old answer that comes late must not wake a session."""
    assert further_along(one, other) == further_along(other, one) == later
