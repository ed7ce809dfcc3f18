"""What an owner may have meant by a name that nobody knows. Pure."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from drova_gate.columns import printable
from drova_gate.errors import NotKnown

__all__ = ["meant", "nearest_names", "not_known"]

T = TypeVar("T")


CLOSE = 0.5
"""Part of the letters that must agree: "pc" finds "pc1", "Dota" finds "Dota 2"."""
MOST = 3
ID_LEAST = 8
"""Characters of an id that stand for the whole."""
CUT_LEAST = 8
"""Characters of a name that is cut in its middle."""


def meant(name: str, known: Mapping[T, Sequence[str]]) -> list[T]:
    """Return those that go by a name; ``known``: the names of each, the last one its id. Several: the name does not tell them apart.

    As written weighs more than in another letter case, that more than as a table shows it, and that more than the beginning of an id.
    """
    wanted = name.strip().casefold()
    ways: tuple[Callable[[Sequence[str]], bool], ...] = (
        lambda names: name in names,
        lambda names: wanted in (one.casefold() for one in names),
        lambda names: any(_shown_as(wanted, printable(one).casefold()) for one in names),
        lambda names: len(wanted) >= ID_LEAST and names[-1].startswith(wanted),
    )
    for fits in ways:
        if found := [one for one, names in known.items() if fits(names)]:
            return found
    return []


def _shown_as(wanted: str, shown: str) -> bool:
    """Whether it is what a table shows: no character that steers a terminal or is not seen there, a long name without its middle."""
    head, cut, tail = wanted.partition("…")
    if not cut or len(head) + len(tail) < CUT_LEAST:
        return wanted == shown.strip()
    return len(shown) > len(head) + len(tail) and shown.startswith(head) and shown.endswith(tail)


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that look most like this one, whatever the letters' case; the best first."""
    by_fold: dict[str, str] = {}
    for one in known:
        by_fold.setdefault(one.casefold(), one)
    wanted = name.casefold()
    inside = [by_fold[fold] for fold in by_fold if wanted and wanted in fold]
    close = [by_fold[fold] for fold in difflib.get_close_matches(wanted, by_fold, n=MOST, cutoff=CLOSE)]
    return list(dict.fromkeys([*sorted(inside, key=len)[:MOST], *close]))[:MOST]


def not_known(what: str, name: str, known: Iterable[str], where: str) -> NotKnown:
    """Make the error for a name that is not known; ``where`` tells how to see those that are."""
    near = nearest_names(name, known)
    advice = f"did you mean {', '.join(near)}? {where} shows all" if near else f"{where} shows those that are"
    return NotKnown(f"{what} {name!r}", "is not known", advice)
