"""What an owner may have meant by a name that nobody knows. Pure."""

import difflib
from collections.abc import Iterable

from drova_gate.errors import NotKnown

__all__ = ["nearest_names", "not_known"]

CLOSE = 0.5
"""Part of the letters that must agree: "pc" finds "pc1", "Dota" finds "Dota 2"."""
MOST = 3


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
