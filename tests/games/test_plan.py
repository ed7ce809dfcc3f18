"""The plan: applied it makes the lists equal, in any order of stations, from any point at which it stopped."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.games.plan import (
    Add,
    Change,
    Disable,
    Enable,
    Paths,
    Present,
    SetPaths,
    Wanted,
    changes_for,
    counted,
    still_to_do,
)

GAMES = [UUID(int=number) for number in range(1, 7)]
STATION = UUID(int=100)

games = st.sampled_from(GAMES)
paths = st.builds(Paths, st.none() | st.sampled_from(["C:\\a.exe", ""]), allowed_paths=st.none() | st.just(("C:\\x",)))
shelves = st.dictionaries(games, st.builds(Present, st.booleans(), paths))
wishes = st.lists(
    st.builds(Wanted, games, st.sampled_from(["Dota 2", "dota 2", "Игра"]), st.booleans(), st.none() | paths),
    unique_by=lambda one: one.product_id,
)


def applied(changes: list[Change] | tuple[Change, ...], shelf: dict[UUID, Present]) -> dict[UUID, Present]:
    """What a station has after these changes; a change that makes no sense fails the test."""
    after = dict(shelf)
    for change in changes:
        game = change.product_id
        match change:
            case Add():
                assert game not in after
                after[game] = Present(enabled=False, paths=Paths())
            case Enable():
                assert not after[game].enabled
                after[game] = Present(True, after[game].paths)
            case Disable():
                assert after[game].enabled
                after[game] = Present(False, after[game].paths)
            case SetPaths(paths=new):
                assert after[game].paths != new
                after[game] = Present(after[game].enabled, new)
    return after


@settings(max_examples=60, deadline=None)
@given(wishes, shelves)
def test_carried_out_it_gives_players_what_was_wanted_and_nothing_else_changes(wanted, shelf):
    after = applied(changes_for(STATION, wanted, shelf), shelf)
    by_id = {one.product_id: one for one in wanted}
    for game in GAMES:
        wish, there = by_id.get(game), after.get(game)
        if wish is None:
            assert there == shelf.get(game)
        else:
            assert (there is not None and there.enabled) is wish.enabled
            assert wish.enabled or (game in after) is (game in shelf)  # nothing is added only to be disabled
            if there is not None and wish.paths is not None:
                assert there.paths == wish.paths


@settings(max_examples=60, deadline=None)
@given(wishes, shelves)
def test_a_second_plan_is_empty(wanted, shelf):
    after = applied(changes_for(STATION, wanted, shelf), shelf)
    assert changes_for(STATION, wanted, after) == ()


@settings(max_examples=60, deadline=None)
@given(wishes, shelves, st.data())
def test_from_any_point_at_which_it_stopped_it_ends_in_the_same_state(wanted, shelf, data):
    changes = changes_for(STATION, wanted, shelf)
    stopped = data.draw(st.integers(0, len(changes)))
    half = applied(changes[:stopped], shelf)
    rest = changes_for(STATION, wanted, half)
    assert rest == changes[stopped:]
    assert [one for one in changes if still_to_do(one, half)] == list(rest)


@settings(max_examples=60, deadline=None)
@given(wishes, shelves, st.randoms())
def test_the_order_in_which_things_are_listed_never_matters(wanted, shelf, chance):
    shuffled, other_shelf = list(wanted), list(shelf.items())
    chance.shuffle(shuffled)
    chance.shuffle(other_shelf)
    assert changes_for(STATION, shuffled, dict(other_shelf)) == changes_for(STATION, wanted, shelf)


@settings(max_examples=60, deadline=None)
@given(wishes, shelves)
def test_no_player_meets_half_a_game_wherever_it_stops(wanted, shelf):
    changes = changes_for(STATION, wanted, shelf)
    kinds = [change.kind for change in changes]
    assert kinds[: kinds.count("disable")] == ["disable"] * kinds.count("disable")
    for place, change in enumerate(changes):
        if isinstance(change, Enable):
            assert not [one for one in changes[place + 1 :] if one.product_id == change.product_id]


def test_a_plan_is_summed_up_in_words():
    wanted = [Wanted(GAMES[0], "A", True, Paths("x")), Wanted(GAMES[1], "B", False), Wanted(GAMES[2], "C", True)]
    shelf = {GAMES[1]: Present(True), GAMES[2]: Present(False)}
    changes = changes_for(STATION, wanted, shelf)
    assert [type(one) for one in changes] == [Disable, Add, SetPaths, Enable, Enable]
    assert counted(changes) == "1 to disable, 1 to add, 1 to get other paths, 2 to enable"
    assert counted(()) == "nothing to change"
