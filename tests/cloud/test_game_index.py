"""Games by id, by Steam's number, by what somebody typed."""

import subprocess
import sys
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.cloud.game_index import SKIPPED, Game, GameIndex, game_of, plain_words, steam_app_id

(COPY,) = SKIPPED
WITCHER = Game(uuid4(), "The Witcher 3: Wild Hunt (Steam)", "Ведьмак 3: Дикая Охота", ("TW3",))
TANKS = Game(uuid4(), "Мир танков", "World of Tanks", ("Танки", "WoT", "Lesta"), required_account="Lesta")
CYBERPUNK = Game(
    uuid4(),
    "Cyberpunk 2077",
    aliases=("Киберпанк",),
    required_account="Steam",
    in_shop_url="https://store.steampowered.com/app/1091500/",
)
CYBERPUNK_COPY = Game(
    COPY, "Cyberpunk 2077", required_account="Steam", in_shop_url="https://store.steampowered.com/app/1091500/"
)
FAR_CRY = Game(UUID("d5f88d94-87d5-11e7-bb31-000000003778"), "Far Cry® 5", required_account="Ubisoft")
TREE = Game(uuid4(), "Ёлки: The Game's Tree")
GTA = Game(uuid4(), "Grand Theft Auto V Legacy (Steam)")
INDEX = GameIndex((GTA, WITCHER, TANKS, CYBERPUNK, CYBERPUNK_COPY, FAR_CRY, TREE))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("the witcher 3: wild hunt (steam)", WITCHER),
        ("witcher", WITCHER),
        ("wicher 3", WITCHER),
        ("ведьмак", WITCHER),
        ("ВИДЬМАК дикая", WITCHER),
        ("tw3", WITCHER),
        ("wild hunt witcher", WITCHER),
        ("танки", TANKS),
        ("world of tanks", TANKS),
        ("Мир  ТАНКОВ!", TANKS),
        ("cyberpnk", CYBERPUNK),
        ("киберпанк 2077", CYBERPUNK),
        ("farcry5", FAR_CRY),
        ("far cry", FAR_CRY),
        ("gta 5", GTA),
        ("GTA V", GTA),
        ("gta5", GTA),
        ("grand theft auto 5", GTA),
        ("елки", TREE),
        ("the games tree", TREE),
    ],
)
def test_what_is_typed_finds_what_is_meant(typed, meant):
    """Case, marks, ё, aliases, Russian and English names, slips, initials, figures, another order."""
    assert INDEX.search(typed, 3)[0] is meant


@pytest.mark.parametrize("typed", ["", "   ", "!!!", "qqqqzzzz", "\ud800"])
def test_what_is_like_nothing_finds_nothing(typed):
    """Better no name than a wrong one."""
    assert INDEX.search(typed) == ()


def test_a_search_ends_where_it_is_told():
    """The nearest come first, no more than asked for."""
    many = GameIndex(Game(uuid4(), f"Far Cry {number}") for number in range(1, 9))
    assert [one.title for one in many.search("far cry 5", 1)] == ["Far Cry 5"]
    assert len(many.search("far cry", 3)) == 3
    assert many.search("far cry", 0) == ()


def test_a_full_name_names_one_game():
    """By title, alias or id; what several are called, or only near, names none."""
    assert INDEX.named("CYBERPUNK 2077") is CYBERPUNK
    assert INDEX.named("wot") is TANKS
    assert INDEX.named(f" {FAR_CRY.product_id} ") is FAR_CRY
    assert INDEX.named("cyberpunk") is None
    assert INDEX.named(str(uuid4())) is None
    assert GameIndex((TANKS, Game(uuid4(), "Мир Танков"))).named("мир танков") is None


def test_a_copy_that_must_be_skipped_has_a_title_and_is_never_offered():
    """A session of it can be named; neither a search nor Steam's number leads there."""
    assert INDEX.title(COPY) == "Cyberpunk 2077"
    assert INDEX.by_steam_id(1091500) == (CYBERPUNK,)
    assert CYBERPUNK_COPY not in INDEX.search("cyberpunk 2077", 10)
    assert INDEX.title(uuid4()) is None
    assert INDEX.by_steam_id(1) == ()


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://store.steampowered.com/app/610370/", 610370),
        ("https://store.steampowered.com/app/610370", 610370),
        ("http://store.steampowered.com/app/610370/Desperados_III/?l=russian", 610370),
        ("https://STORE.steampowered.com/agecheck/app/1091500/", 1091500),
        ("https://store.steampowered.com/bundle/610370/", None),
        ("https://store.epicgames.com/app/610370/", None),
        ("https://store.steampowered.com/app/x/", None),
        ("https://store.steampowered.com/app/99999999999999/", None),
        ("", None),
    ],
)
def test_steams_number_is_read_from_the_shops_address(url, number):
    """Of Steam's shop alone."""
    assert steam_app_id(url) == number


def test_a_game_of_another_launcher_has_no_number_of_steams():
    """A link to Steam's shop does not make Steam its launcher."""
    raw = {"productId": str(uuid4()), "title": "x", "inShopUrl": "https://store.steampowered.com/app/7/"}
    assert game_of({**raw, "requiredAccount": "Steam"}).steam_id == 7
    assert game_of({**raw, "requiredAccount": "Ubisoft"}).steam_id is None
    assert game_of(raw).steam_id is None


@pytest.mark.parametrize(
    ("aliases", "read"),
    [
        (None, ()),
        (["A", " B ", 7, None], ("A", "B")),
        ("A, B;C|D", ("A", "B", "C", "D")),
        (7, ()),
    ],
)
def test_aliases_of_any_form(aliases, read):
    """Their form was never seen filled."""
    assert game_of({"productId": str(uuid4()), "aliases": aliases}).aliases == read


def test_a_game_without_a_title_is_called_by_what_it_has():
    """The other name, or the id: never nothing."""
    identity = str(uuid4())
    assert game_of({"productId": identity, "title": None, "displayName": "Name"}).title == "Name"
    assert game_of({"productId": identity}).title == identity


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=30))
def test_any_text_can_be_searched_for(text):
    """And what is found is offered; a game is found by its own name in any case."""
    found = INDEX.search(text, 10)
    assert len(set(found)) == len(found)
    assert CYBERPUNK_COPY not in found
    if plain_words(text):
        assert GameIndex((TANKS, Game(uuid4(), text))).search(text.upper())


def test_titles_need_neither_models_nor_sockets():
    """A command that only reads the copy must start at once."""
    script = (
        "import sys, drova_gate.cloud.catalogue_copy as c, pathlib;"
        "c.CatalogueCopy(pathlib.Path('/nowhere')).games();"
        "assert not {'pydantic', 'aiohttp', 'asyncio'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
