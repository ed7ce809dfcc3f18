"""The Russian catalogue: whole, without leftovers, and true to what is filled in."""

import functools
import re
from collections import Counter
from pathlib import Path

import pytest
from english import STAY_ENGLISH, all_said, canonical, stays_english
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.core.model import Phase
from drova_gate.language import catalogue
from drova_gate.language.catalogue import load, pairs_of
from drova_gate.language.words import ALONE, HOLES, LEAST_OWN
from drova_gate.steam.manifest import State

FOLDER = Path(catalogue.__file__).parent / "ru"
PAIRS = [
    (english.removeprefix(ALONE), russian)
    for file in sorted(FOLDER.glob("*.txt"))
    for english, russian in pairs_of(file.read_text(encoding="utf-8"))
]
SYSTEM = frozenset(english for english, _ in pairs_of((FOLDER / "system.txt").read_text(encoding="utf-8")))
"""What the operating system and libraries say: no source of ours has it."""
RU = load("ru")
said_once = functools.cache(all_said)
"""Reading the whole source takes seconds: not at the collection, which each worker of the suite does for itself."""

FILLED_IN = frozenset(
    {
        *(
            "{#} GB",
            "{#} MB",
            "{#} s",
            "{#} h",
            "{#} d",
            "seconds",
            "minutes",
            "hours",
            "days",
            "by {}",
            "without a deadline",
            "{} and {#} more",
        ),
        *(f"{{#}} {phase}" for phase in Phase),
        "docs/doctor.md",
        *("cloud", "[y/N]", "[Y/n]", "yes", "no", "English", "Russian", "sleeps", "hibernates", "Windows Update"),
        *(
            "enable",
            "disable",
            "add",
            "unused",
            "installed",
            "verified",
            "repaired",
            "failed",
            "skipped",
            "with a player",
            *(flag.name.lower().replace("_", " ") for flag in State if flag.name),
            *("TODAY", "WEEK", "MONTH", "account", "balance", "exportable"),
        ),
    }
)
"""Words that are only ever filled in, so that no net sees them."""
COUNTED = re.compile(r"\{#\} (.+)")
"""How many there are of something that has a word."""


def test_every_text_that_can_be_said_is_known():
    unknown = [
        f"{place}: {text}" for text, place in said_once().items() if not stays_english(text) and not RU.knows(text)
    ]
    assert not unknown, "write it into drova_gate/language/ru: " + "\n".join(unknown)


def test_no_exception_is_left_over():
    assert set(STAY_ENGLISH) <= set(said_once())


def test_nothing_stands_in_the_catalogue_that_nobody_says():
    said = {canonical(text) for text in said_once()}
    words = said | FILLED_IN | SYSTEM | {"change", "changes", "station"}
    shapes = [(re.compile(".*".join(map(re.escape, text.split("{}")))), _own(text)) for text in said if "{}" in text]
    left = [
        english
        for english, _ in PAIRS
        if english not in words
        and canonical(english.replace("{#}", "{}")) not in words
        and not ((counted := COUNTED.fullmatch(english)) and counted[1] in words)
        # One case of a template, written out for the sake of grammar.
        and not any(own * 2 > _own(english) and shape.fullmatch(english) for shape, own in shapes)
    ]
    assert not left, "nothing says this any more: " + "\n".join(left)


def _own(text: str) -> int:
    return len(HOLES.sub("", text).replace(" ", ""))


def test_a_translation_uses_what_is_filled_in():
    """Every hole, and no other; and each form of a word has its three cases."""
    wrong = []
    for english, russian in PAIRS:
        holes = len(HOLES.findall(english))
        named = {int(one) for one in re.findall(r"\{(\d+)\}", russian)}
        forms = re.findall(r"\{(\d+)(\|[^}]*)\}", russian)
        plain = russian.count("{}")
        whole = plain == holes and not named if plain else named == set(range(holes))
        if not whole or any(int(at) not in named or one.count("|") != 3 for at, one in forms):
            wrong.append(f"{english}\n    {russian}")
    assert not wrong, "\n".join(wrong)


def test_no_text_is_translated_twice():
    assert [one for one, count in Counter(english for english, _ in PAIRS).items() if count > 1] == []


WORDS = st.text(st.sampled_from("αβγδεζηθ0123456789"), min_size=1, max_size=12).map(lambda word: f"<{word}>")
RUSSIAN = {word for _, russian in PAIRS for word in re.findall(r"\w{3,}", russian)}


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_nothing_filled_in_is_lost_and_nothing_is_added(data: st.DataObject):
    """Whatever a station is called, it is in the Russian text too; and the text has no word of its own but the catalogue's."""
    english = data.draw(
        st.sampled_from(
            [
                one
                for one, other in PAIRS
                if "{}" in one and "{#}" not in one and one != other and _own(one) >= LEAST_OWN
            ]
        )
    )
    fillings = [data.draw(WORDS) for _ in range(english.count("{}"))]
    left = iter(fillings)
    text = re.sub(r"\{\}", lambda _: next(left), english)
    said = RU.of(text)
    assert said != text
    for one in fillings:
        assert one in said
    assert set(re.findall(r"\w{3,}", said)) <= RUSSIAN | set(re.findall(r"\w{3,}", text))


@given(st.lists(st.sampled_from([english for english, _ in PAIRS]), min_size=1, max_size=4), st.text(max_size=30))
@settings(deadline=None, max_examples=100)
def test_texts_put_together_are_turned_one_by_one(parts: list[str], name: str):
    """However they nest, nothing crashes, and it ends."""
    text = f"{name}: " + "; ".join(parts)
    assert RU.of(text)
    assert RU.of(RU.of(text))


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        (
            "session 834d5cb8 is not prepared (pc1: no SSH at 10.0.0.1:22 (timed out); is it on, and its OpenSSH server running? tries again); tries again shortly",
            "сессия 834d5cb8 не подготовлена (pc1: нет SSH на 10.0.0.1:22 (время вышло); станция включена, её сервер OpenSSH работает? пробую снова); скоро повторю",
        ),
        (
            "maintenance by owner since 2026-11-21 20:00, until 2026-11-21 22:30: new disk; hidden for 3 days by now: end it when the work is done (drova_gate maintenance off)",
            "обслуживание (кто: owner) с 2026-11-21 20:00, до 2026-11-21 22:30: new disk; скрыта уже 3 дня: закончите обслуживание, когда всё сделано (drova_gate maintenance off)",
        ),
        (
            "quarantine (the station has not come back 900 s after its reset (sent at 12:00:01 UTC), after 2 resets): it does not answer",
            "карантин (станция не вернулась через 900 с после сброса (отправлен в 12:00:01 UTC), сбросов было: 2): она не отвечает",
        ),
        ("verified: 'maybe' is not allowed; write yes, no", "verified: 'maybe' нельзя; напишите yes, no"),
        ("yes", "да"),
        ("station 'pcx': is not known", "станция 'pcx': неизвестное имя"),
        (
            "it shows host key SHA256:a, pinned is SHA256:b; no login was tried; if you put Windows on it anew, delete /x; if not, another machine answers at pc1",
            "она показывает ключ SHA256:a, а запомнен SHA256:b; войти не пытались; если вы переустановили Windows, удалите /x; если нет, по адресу pc1 отвечает другая машина",
        ),
        ("did you mean pc1? drova_gate stations shows all", "может быть, pc1? Все показывает drova_gate stations"),
        ("21 stations: 20 clean; the gate runs for 3 h", "21 станция: чиста: 20; шлюз работает 3 ч"),
        (
            "in session 358c7e9d; no whole answer within 10 s, so it is taken as going on",
            "в сессии 358c7e9d; нет полного ответа за 10 с, поэтому считаю, что она идёт",
        ),
    ],
)
def test_sentences_as_they_are_shown(english: str, russian: str):
    assert RU.of(english) == russian
