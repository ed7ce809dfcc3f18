"""Turns an English text of the gate into the owner's language, by templates. Pure.

The code speaks English: a text is made where its fact is known, and logs keep it. What people read is turned at the very edge: the text
is compared with the English templates of the catalogue (``{}`` stands for whatever was filled in), and what was filled in is turned
likewise, so that a sentence within a sentence is understood too. A text that no template fits stays as it is: English is better than
nothing.

In a translation ``{}`` takes the fillings in their order, ``{1}`` the second one (from 0), and ``{0|станция|станции|станций}`` adds
nothing but the form that the number in the first one wants.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drova_gate.errors import GateError

__all__ = ["LANGUAGES", "Language", "language_of", "load"]

LANGUAGES = ("en", "ru")
HOLE = "{}"
DEEPEST = 4
"""Sentences within sentences; a text of the other side could go on for ever."""
_FILLED = re.compile(r"\{(\d*)(?:\|([^|{}]*)\|([^|{}]*)\|([^|{}]*))?\}")
_NUMBER = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True)
class _Template:
    """One English text with holes, cut at them."""

    parts: tuple[str, ...]
    translation: str

    def fillings(self, text: str) -> tuple[str, ...] | None:
        """What a text has in the holes; ``None``: it is another text. Each hole takes as little as it can, the last one the rest."""
        first, *others = self.parts
        if not others:
            return () if text == first else None
        last = others.pop()
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return None
        place, end = len(first), len(text) - len(last)
        found = []
        for part in others:
            at = text.find(part, place, end)
            if at < 0:
                return None
            found.append(text[place:at])
            place = at + len(part)
        return (*found, text[place:end])


class Language:
    """The catalogue of one language; English has none and changes nothing."""

    def __init__(self, name: str, catalogue: Mapping[str, str]) -> None:
        self.name = name
        self._whole = {english: text for english, text in catalogue.items() if HOLE not in english}
        templates = [
            _Template(tuple(english.split(HOLE)), text) for english, text in catalogue.items() if HOLE in english
        ]
        # The template that says most in its own words fits best.
        templates.sort(key=lambda one: -sum(map(len, one.parts)))
        self._by_start: dict[str, list[_Template]] = {}
        for one in templates:
            self._by_start.setdefault(one.parts[0][:1], []).append(one)

    def of(self, text: str, *, depth: int = 0) -> str:
        """Turn one text; lines of a text are turned one by one."""
        if not text or (not self._whole and not self._by_start):
            return text
        if "\n" in text:
            return "\n".join(self.of(line, depth=depth) for line in text.split("\n"))
        body = text.strip(" ")
        found = self._found(body, depth)
        return text if found is None else text.replace(body, found, 1)

    def of_error(self, error: "GateError") -> str:
        """Turn an error part by part, as it is put together: ``subject: fact; advice``."""
        parts = getattr(error, "faults", None)
        if parts:
            return "\n".join(self.of(line) for line in parts)
        advice = f"; {self.of(error.advice)}" if error.advice else ""
        return f"{self.of(error.subject)}: {self.of(error.fact)}{advice}"

    def knows(self, template: str) -> bool:
        """Whether an English text or template stands in the catalogue."""
        parts = tuple(template.split(HOLE))
        return template in self._whole or any(one.parts == parts for one in self._by_start.get(parts[0][:1], ()))

    def _found(self, text: str, depth: int) -> str | None:
        if (whole := self._whole.get(text)) is not None:
            return whole
        if depth >= DEEPEST:
            return None
        for template in (*self._by_start.get(text[:1], ()), *self._by_start.get("", ())):
            fillings = template.fillings(text)
            if fillings is not None:
                return _filled(template.translation, [self.of(one, depth=depth + 1) for one in fillings])
        # "subject: fact; what to do", or several of them: each for itself.
        for mark in ("; ", ": ", " | ", ", "):
            head, found, tail = text.partition(mark)
            if found:
                turned = self.of(head, depth=depth + 1), self.of(tail, depth=depth + 1)
                if turned != (head, tail):
                    return found.join(turned)
        return None


def _filled(translation: str, fillings: list[str]) -> str:
    waiting = iter(range(len(fillings)))

    def fill(match: re.Match[str]) -> str:
        which = int(match[1]) if match[1] else next(waiting, len(fillings))
        value = fillings[which] if which < len(fillings) else ""
        return _form(value, match.groups()[1:]) if match[2] is not None else value

    return _FILLED.sub(fill, translation)


def _form(value: str, forms: Iterable[str | None]) -> str:
    """Choose the Russian form for a number: 1 станция, 2 станции, 5 станций, 11 станций."""
    one, few, many = forms
    found = _NUMBER.search(value)
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


def load(name: str) -> Language:
    """Read the catalogue of a language; for English there is none."""
    if name not in LANGUAGES or name == "en":
        return Language("en", {})
    text = resources.files("drova_gate.language").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return Language(name, {english: one for table in tables.values() for english, one in table.items()})
