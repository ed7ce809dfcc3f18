"""The pauses between tries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.core.backoff import Backoff

firsts = st.floats(0.001, 60)
factors = st.floats(1, 10)
chances = st.lists(st.floats(0, 1), min_size=1, max_size=50)


@settings(deadline=None, max_examples=100)
@given(firsts, firsts, factors, chances)
def test_every_pause_lies_between_half_of_the_first_and_the_cap(first, more, factor, chance):
    """No chance and no number of failures leads to a pause of nothing or of more than the cap."""
    backoff = Backoff(first, first + more, factor)
    for value in chance:
        assert first / 2 <= backoff.next(value) <= first + more


@settings(deadline=None, max_examples=100)
@given(firsts, factors, st.integers(2, 60))
def test_pauses_never_shrink_while_failures_go_on(first, factor, count):
    """With the same chance each pause is at least as long as the one before."""
    backoff = Backoff(first, first * 100, factor)
    pauses = [backoff.next(1.0) for _ in range(count)]
    assert pauses == sorted(pauses)


def test_pauses_double_up_to_the_cap_and_start_over_after_a_reset():
    """1, 2, 4, 5, 5, then 1 again."""
    backoff = Backoff(1, 5, 2)
    assert [backoff.next(1.0) for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next(0.0) == 0.5


def test_a_night_of_failures_does_not_overflow():
    """Ten thousand failures in a row still give the cap."""
    backoff = Backoff(1, 60, 10)
    assert [backoff.next(1.0) for _ in range(10_000)][-1] == 60


@pytest.mark.parametrize(
    ("first", "cap", "factor"), [(0, 1, 2), (-1, 1, 2), (2, 1, 2), (1, 2, 0.5), (float("nan"), 1, 2)]
)
def test_impossible_pauses_are_refused(first, cap, factor):
    """A back-off that would spin or shrink cannot be made."""
    with pytest.raises(ValueError, match="back-off needs"):
        Backoff(first, cap, factor)
