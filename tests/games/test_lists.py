"""Lists that owners keep, the folder of the anti-cheat, the games that are known: pure, and fed with anything."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.cloud.game_index import SKIPPED, Game, GameIndex
from drova_gate.errors import NotKnown
from drova_gate.games.known import eac_folder, known_games, renewed
from drova_gate.games.lists import ListFault, parsed_csv, parsed_toml
from drova_gate.games.names import GameNames
from drova_gate.games.overview import LONG_COLUMNS, Shelf, differing, long_rows
from drova_gate.games.sync import Offer
from drova_gate.sheet import csv_text

FOLDER = eac_folder()
GAMES = [UUID(int=number) for number in range(1, 5)]
TITLES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
offers = st.dictionaries(st.sampled_from(GAMES), st.tuples(TITLES, st.booleans()), min_size=1).map(
    lambda found: {game: Offer(game, title, enabled) for game, (title, enabled) in found.items()}
)


@settings(max_examples=60, deadline=None)
@given(offers, offers)
def test_what_is_printed_as_csv_says_the_same_when_it_is_read(first, second):
    shelves = [Shelf(UUID(int=100), "=1+1", first), Shelf(UUID(int=101), "Зал; 2", second)]
    for entry, row in zip(parsed_csv(csv_text(LONG_COLUMNS, long_rows(shelves))), long_rows(shelves), strict=True):
        assert UUID(entry.game) == row["product_id"]
        assert entry.enabled is (row["state"] == "enabled")
        assert entry.station == str(row["station_id"])


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="game,;\n\"'=xТ1 [].").map(lambda text: f"game,enabled\n{text}")))
def test_no_file_breaks_the_reading(text):
    for parse in (parsed_csv, parsed_toml):
        try:
            entries: object = parse(text)
        except ListFault as fault:
            entries = fault.faults
        assert entries


def test_a_list_by_hand_may_say_it_in_russian_and_leave_cells_out():
    listed = parsed_csv("game;enabled;args\nМетро;нет;\n'=x;да;'-novid\n")
    assert [(one.game, one.enabled, one.where) for one in listed] == [
        ("Метро", False, "line 2"),
        ("=x", True, "line 3"),
    ]
    assert listed[0].paths is None
    assert listed[1].paths is not None
    assert listed[1].paths.args == "-novid"


@pytest.mark.parametrize(
    ("paths", "after", "found"),
    [
        (None, None, 0),
        ("", "", 0),
        (FOLDER.new, FOLDER.new, 0),
        (f"{FOLDER.old}\\sub", f"{FOLDER.old}\\sub", 0),
        (FOLDER.old.upper(), FOLDER.new, 1),
        (f"C:\\a;{FOLDER.old}\\\n{FOLDER.old}", f"C:\\a;{FOLDER.new}\\\n{FOLDER.new}", 2),
        (("C:\\a", FOLDER.old), ("C:\\a", FOLDER.new), 1),
    ],
)
def test_the_old_folder_is_renewed_where_it_is_a_whole_entry(paths, after, found):
    assert (renewed(paths, FOLDER).paths, renewed(paths, FOLDER).found) == (after, found)


@pytest.mark.parametrize(
    "paths", [f"x {FOLDER.old}", f'"C:\\a;{FOLDER.old};b"', f'"{FOLDER.old}', ("x", f"- {FOLDER.old}")]
)
def test_a_doubtful_entry_is_left_to_a_person(paths):
    left = renewed(paths, FOLDER)
    assert (left.paths, left.found, left.doubtful) == (paths, 0, True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([FOLDER.old, FOLDER.new, "C:\\a", '"', ";", " ", "\n", f'"{FOLDER.old}"'])).map("".join)
)
def test_renewed_once_is_renewed(paths):
    once = renewed(paths, FOLDER)
    if not once.doubtful:
        again = renewed(once.paths, FOLDER)
        assert (again.paths, again.found) == (once.paths, 0)
    else:
        assert once.paths == paths


def test_the_shipped_data_names_no_game_twice_and_claims_nothing_unseen():
    known = known_games()
    assert len({one.product_id for one in known}) == len(known)
    assert all(one.files and one.sources and not one.verified for one in known)
    assert not {one.product_id for one in known} & SKIPPED


def test_games_that_only_a_station_knows_are_found_too():
    own, other = uuid4(), uuid4()
    names = GameNames(GameIndex([Game(other, "Dota 2")]), [{own: "Моя игра", other: "Дота"}])
    assert names.find("моя ИГРА").product_id == own
    assert names.find("дота").product_id == other
    assert names.find(str(own)).title == "Моя игра"
    with pytest.raises(NotKnown, match="did you mean Моя игра"):
        names.find("игра")


def test_stations_differ_where_a_game_is_absent_or_in_another_state():
    game, other = GAMES[:2]
    shelves = [
        Shelf(UUID(int=100), "a", {game: Offer(game, "A", enabled=True), other: Offer(other, "B", enabled=True)}),
        Shelf(UUID(int=101), "b", {game: Offer(game, "A", enabled=True)}),
    ]
    assert differing(shelves) == {other}
    assert differing(shelves[:1]) == set()
