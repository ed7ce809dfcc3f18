"""Turns an English text of the gate into the owner's language, by templates. Pure.

The code speaks English: a text is made where its fact is known, and logs keep it. What people read is turned at the very edge: the text
is compared with the English templates of the catalogue (``{}`` stands for whatever was filled in, ``{#}`` for a number alone), and what
was filled in is turned likewise, so that a sentence within a sentence is understood too. Where several templates fit, and where a text
may also be several ones put together (``subject: fact; advice``), that reading wins which leaves the least unexplained. A text that
nothing fits stays as it is: English is better than nothing.

In a translation ``{}`` takes the fillings in their order, ``{1}`` the second one (from 0), and ``{0|станция|станции|станций}`` adds
nothing but the form that the number in the first one wants.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from drova_gate.errors import GateError

__all__ = ["ALONE", "HOLES", "LANGUAGES", "LEAST_OWN", "Language", "language_of"]

LANGUAGES = ("en", "ru")
MARKS = ("; ", ": ", " | ", ", ", " (", ". ")
"""What stands between texts that are put together."""
SPLITS = {"; ": 6, ": ": 4, " (": 3}
"""How many of a mark's places are tried."""
PIECES_MOST = 1000
"""Parts of one text that are looked at, however it nests; what the other side says may be anything."""
LONGEST = 4000
KEPT_MOST = 2000
"""Texts that are remembered: a watched table says the same things every second."""
LEAST_OWN = 5
"""Characters that a template between two fillings must have to be believed where neither of them is known: ``, and `` is in many texts."""
ALONE = "="
START = 3
"""Letters by which templates are found."""
HOLES = re.compile(r"\{(#?)\}")
_FILLED = re.compile(r"\{(\d*)(?:\|([^|{}]*)\|([^|{}]*)\|([^|{}]*))?\}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_AS_TYPED = re.compile(r"'[^']*'|(?:sudo )?drova_gate(?: [\w=./-]+)+")
"""A value in quotes, a command of ours."""
_ONLY_A_NUMBER = re.compile(r"[-+]?\d[\d.,:]*")


class _Turned(NamedTuple):
    text: str
    known: int
    """How many characters of the English text, blanks aside, the catalogue explains."""


@dataclass(frozen=True, slots=True)
class _Template:
    """One English text with holes, cut at them."""

    parts: tuple[str, ...]
    numbers: tuple[bool, ...]
    translation: str
    own: int
    """The weight of what stands outside the holes."""
    longest: str
    """The part by which most other texts are told from this one."""

    @property
    def is_between(self) -> bool:
        """Whether it only joins what is filled in."""
        return not self.parts[0] and not self.parts[-1]

    @classmethod
    def cut(cls, english: str, translation: str) -> Self:
        """Cut a template at its holes."""
        pieces = HOLES.split(english)
        parts = tuple(pieces[::2])
        numbers = tuple(one == "#" for one in pieces[1::2])
        return cls(parts, numbers, translation, sum(map(_weight, parts)), max(parts, key=len))

    def fillings(self, text: str) -> tuple[str, ...] | None:
        """What a text has in the holes; ``None``: it is another text. Each hole takes as little as it can, the last one the rest."""
        first, last = self.parts[0], self.parts[-1]
        if len(text) < self.own or not text.endswith(last) or not text.startswith(first):
            return None
        place, end = len(first), len(text) - len(last)
        found = []
        for part in self.parts[1:-1]:
            at = text.find(part, place, end)
            if at < 0:
                return None
            found.append(text[place:at])
            place = at + len(part)
        if place > end:
            return None
        found.append(text[place:end])
        for one, number in zip(found, self.numbers, strict=True):
            if number and not _is_number(one):
                return None
        return tuple(found)


class Language:
    """The catalogue of one language; English has none and changes nothing."""

    def __init__(self, name: str, catalogue: Mapping[str, str]) -> None:
        self.name = name
        self._catalogue = dict(catalogue)
        self._alone = {english[1:]: text for english, text in catalogue.items() if english.startswith(ALONE)}
        """Words that are turned where they are all that is said: in a sentence they may be what is to be typed."""
        for english, text in catalogue.items():
            if english.startswith(MARKS):
                # What is hung on to a sentence is also found when it was cut off there.
                self._catalogue.setdefault(english[2:], text.removeprefix(english[:2]))
        self._starts: dict[str, list[str]] = {}
        """The templates with holes by the letters that they begin with."""
        self._cut: dict[str, list[_Template]] = {}
        """Those of them that were asked for: a command says little, and is to answer at once."""
        self._kept: dict[str, str] = {}
        for english in self._catalogue:
            hole = english.find("{")
            if hole >= 0:
                self._starts.setdefault(english[: min(hole, START)], []).append(english)

    def of(self, text: str) -> str:
        """Turn one text; lines of a text are turned one by one."""
        if not text or self.name == "en":
            return text
        if "\n" in text:
            return "\n".join(map(self.of, text.split("\n")))
        if (kept := self._kept.get(text)) is None:
            if len(self._kept) >= KEPT_MOST:
                self._kept.clear()
            kept = self._alone.get(text.strip(" ")) or (text if len(text) > LONGEST else self._turned(text, {}).text)
            self._kept[text] = kept
        return kept

    def of_error(self, error: "GateError") -> str:
        """Turn an error part by part, as it is put together: ``subject: fact; advice``."""
        parts = getattr(error, "faults", None)
        if parts:
            return "\n".join(map(self.of, parts))
        advice = f"; {self.of(error.advice)}" if error.advice else ""
        return f"{self.of(error.subject)}: {self.of(error.fact)}{advice}"

    def knows(self, template: str) -> bool:
        """Whether an English text or template is explained to its last letter, whatever may stand in its holes."""
        if template in self._alone:
            return True
        pieces = HOLES.split(template)
        marked = "1".join(pieces[::2])  # a number fits every hole
        return self._turned(marked, {}).known >= _weight(marked) - len(pieces) // 2

    def _turned(self, text: str, seen: dict[str, _Turned]) -> _Turned:
        body = text.strip(" ")
        if body not in seen:
            seen[body] = _Turned(body, 0)  # what refers to itself, or comes after too much, stays as it is
            if body and len(seen) < PIECES_MOST and not _AS_TYPED.fullmatch(body):
                seen[body] = self._best(body, seen)
        turned, known = seen[body]
        at = text.find(body)
        return _Turned(text[:at] + turned + text[at + len(body) :], known)

    def _best(self, text: str, seen: dict[str, _Turned]) -> _Turned:
        if (whole := self._catalogue.get(text)) is not None:
            return _Turned(whole, _weight(text))
        best, rank = _Turned(text, 0), (0, 0, 0)
        if " " not in text:
            return best
        for start in {text[:length] for length in range(START + 1)}:
            for template in self._beginning(start):
                if template.longest not in text or (fillings := template.fillings(text)) is None:
                    continue
                turned = [self._turned(one, seen) for one in fillings]
                known = template.own + sum(one.known for one in turned)
                if template.is_between and known == template.own < LEAST_OWN and not any(map(_is_number, fillings)):
                    continue
                # A filling with a semicolon is most likely this text's end and the beginning of the next one.
                found = known, -sum("; " in one or one.endswith(":") for one in fillings), template.own
                if found > rank:
                    best, rank = _Turned(_filled(template.translation, [one.text for one in turned]), known), found
        return self._split(text, seen, best, rank)

    def _beginning(self, start: str) -> list[_Template]:
        found = self._cut.get(start)
        if found is None:
            cut = [_Template.cut(one, self._catalogue[one]) for one in self._starts.get(start, ())]
            found = self._cut[start] = [one for one in cut if one.numbers]
        return found

    def _split(self, text: str, seen: dict[str, _Turned], best: _Turned, rank: tuple[int, int, int]) -> _Turned:
        """Read the text as two, each for itself, where that explains more of it."""
        for mark in MARKS:
            for head, tail in _parts(text, mark):
                if not head or not tail:
                    continue
                if mark == " (":
                    if not tail.endswith(")"):
                        continue
                    first, second = self._turned(head, seen), self._turned(tail[:-1], seen)
                    put_together = f"{first.text} ({second.text})"
                else:
                    first, second = self._turned(head, seen), self._turned(tail, seen)
                    put_together = f"{first.text}{mark}{second.text}"
                found = first.known + second.known, 0, 0
                if first.known + second.known and found > rank:
                    best, rank = _Turned(put_together, found[0]), found
        return best


def _weight(text: str) -> int:
    return len(text) - text.count(" ")


def _parts(text: str, mark: str) -> Iterator[tuple[str, str]]:
    """Where a text may be two. A list is taken apart from its beginning; a sentence may have the mark in its own words."""
    place = text.find(mark)
    for _ in range(SPLITS.get(mark, 1)):
        if place < 0:
            return
        yield text[:place], text[place + len(mark) :]
        place = text.find(mark, place + 1)


def _is_number(text: str) -> bool:
    return _ONLY_A_NUMBER.fullmatch(text) is not None


def _filled(translation: str, fillings: list[str]) -> str:
    waiting = iter(range(len(fillings)))

    def fill(match: re.Match[str]) -> str:
        which = int(match[1]) if match[1] else next(waiting, len(fillings))
        value = fillings[which] if which < len(fillings) else ""
        return _form(value, match.groups()[1:]) if match[2] is not None else value

    return _FILLED.sub(fill, translation)


def _form(value: str, forms: Iterable[str | None]) -> str:
    """Choose the Russian form for a number: 1 станция, 2 станции, 5 станций, 11 станций; 1.5 станции."""
    one, few, many = forms
    found = _NUMBER.search(value)
    if found and found[1]:
        return few or ""
    number = abs(int(found[0])) if found else 0
    if number % 10 == 1 and number % 100 != 11:
        return one or ""
    if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14:
        return few or ""
    return many or ""


def language_of(environment: Mapping[str, str]) -> str:
    """Choose by ``DROVA_LANG``, else by the locale as other programs do; English where nothing is said or known."""
    for name in ("DROVA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        said = environment.get(name, "").strip().lower()
        if said:
            return "ru" if re.match(r"ru(_|\.|@|-|$)", said) else "en"
    return "en"
