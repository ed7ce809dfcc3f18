"""Templates turned into the owner's language."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.errors import SettingsFault, StationUnreachable
from drova_gate.language.catalogue import load
from drova_gate.language.words import Language, language_of

RU = Language(
    "ru",
    {
        "no SSH at {}:{}": "нет SSH на {}:{}",
        "is the station on?": "станция включена?",
        "{} of {} stations are {}": "{2}: {0|станция|станции|станций} {0} из {1}",
        "hidden": "скрыто",
        "first look: {}": "первый взгляд: {}",
        "{} is no TCP port": "{} — не TCP-порт",
        "is missing": "не задан",
    },
)


def test_what_is_filled_in_is_turned_too():
    assert RU.of("first look: no SSH at 10.0.0.1:22") == "первый взгляд: нет SSH на 10.0.0.1:22"


@pytest.mark.parametrize(
    ("number", "word"),
    [(1, "станция"), (2, "станции"), (5, "станций"), (11, "станций"), (21, "станция"), (112, "станций")],
)
def test_a_russian_word_takes_the_form_of_its_number(number: int, word: str):
    assert RU.of(f"{number} of 30 stations are hidden") == f"скрыто: {word} {number} из 30"


def test_an_error_is_turned_part_by_part():
    error = StationUnreachable("pc1", "no SSH at 10.0.0.1:22", "is the station on?")
    assert RU.of_error(error) == "pc1: нет SSH на 10.0.0.1:22; станция включена?"
    assert RU.of_error(SettingsFault(["WINDOWS_HOST: is missing", "X: 'a' is no TCP port"])) == (
        "WINDOWS_HOST: не задан\nX: 'a' — не TCP-порт"
    )


def test_a_text_that_nobody_knows_stays_as_it_is():
    assert RU.of("something else") == "something else"
    assert load("en").of("is missing") == "is missing"


@given(st.text())
@settings(deadline=None)
def test_whatever_the_other_side_says_it_comes_through(text: str):
    """No crash, and nothing that was filled in is lost."""
    assert text.strip(" ") in RU.of(f"first look: {text}") or RU.of(text) != text or "\n" in text


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "DROVA_LANG": "en"}, "en"),
        ({"LANG": "C.UTF-8", "DROVA_LANG": "RU"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "rue"}, "en"),
    ],
)
def test_the_language_is_the_owners_word_then_the_locales(environment: dict[str, str], name: str):
    assert language_of(environment) == name


def test_the_russian_catalogue_can_be_read():
    assert load("ru").of("WINDOWS_HOST: is missing; write the station's address, e.g. 192.168.1.20") == (
        "WINDOWS_HOST: не задан; напишите адрес станции, например 192.168.1.20"
    )
