"""Which sessions are all there, and between which something may be missing."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from drova_gate.archive.coverage import LIST_MOST, Stretch, holes, joined, stretch_of

STRETCHES = st.lists(st.builds(lambda a, b: Stretch(min(a, b), max(a, b)), st.integers(0, 20), st.integers(0, 20)))


@given(STRETCHES)
def test_joined_stretches_cover_the_same_moments_and_never_touch(stretches: list[Stretch]):
    """A moment is covered if one of them covers it; what is left between them are the holes."""
    parts = joined(stretches)

    for moment in range(21):
        inside = any(one.after < moment <= one.until for one in stretches)
        assert any(one.after < moment <= one.until for one in parts) == inside
        assert not (inside and any(after < moment <= until for after, until in holes(stretches)))
    assert all(one.until < other.after for one, other in itertools.pairwise(parts))
    assert joined(reversed(stretches)) == parts


def test_a_full_list_goes_back_to_its_oldest_row():
    """The API lists a thousand; what was before them it does not say."""
    assert stretch_of(range(5, 5 + LIST_MOST), asked=LIST_MOST, older_known=False) == Stretch(5, 4 + LIST_MOST)


def test_a_list_that_could_have_been_longer_goes_back_to_the_beginning():
    """Less than the most that it lists: there is no more."""
    assert stretch_of([7, 9], asked=LIST_MOST, older_known=False) == Stretch(0, 9)
    assert stretch_of([], asked=LIST_MOST, older_known=False) == Stretch(0, 0)


def test_a_list_that_leaves_out_what_is_known_was_cut():
    """Then the API has a bound of its own, below the one that is known."""
    assert stretch_of([7, 9], asked=LIST_MOST, older_known=True) == Stretch(7, 9)


def test_the_guards_ten_rows_say_nothing_of_those_before():
    """However few they are."""
    assert stretch_of([7], asked=0, older_known=False) == Stretch(7, 7)
    assert stretch_of([], asked=0, older_known=False) is None
