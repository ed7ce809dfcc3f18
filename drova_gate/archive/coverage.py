"""For which stretches of time a station's sessions are all in the archive, and where the holes are. Pure.

A list of a station's newest sessions says: of what began between its oldest and its newest row nothing is missing. Stretches of several
lists that touch become one; what lies between two of them was never listed, and is said rather than guessed.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["LIST_MOST", "Stretch", "holes", "joined", "stretch_of"]

LIST_MOST = 1000
"""Rows that the API lists at most, whatever is asked; there is no second page."""


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Sessions that began after ``after`` and up to ``until`` are all known; milliseconds since 1970."""

    after: int
    """0: since the station's first session."""
    until: int


def stretch_of(created: Sequence[int], *, asked: int, older_known: bool) -> Stretch | None:
    """The stretch that one list covers; ``created``: when its rows began, in any order.

    Only a list that could have had more rows than it has goes back to the beginning, and only if none is known that it leaves out
    (``older_known``): then the API has cut it, at a number of its own.
    """
    if len(created) < asked and asked >= LIST_MOST and not older_known:
        return Stretch(0, max(created, default=0))
    return Stretch(min(created), max(created)) if created else None


def joined(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Make one stretch of those that touch; in order of time."""
    found: list[Stretch] = []
    for one in sorted(stretches):
        if found and one.after <= found[-1].until:
            found[-1] = Stretch(found[-1].after, max(found[-1].until, one.until))
        else:
            found.append(one)
    return tuple(found)


def holes(stretches: Iterable[Stretch]) -> tuple[tuple[int, int], ...]:
    """Return what lies between the stretches: after the first of each pair and before the second sessions may be missing."""
    parts = joined(stretches)
    return tuple((one.until, other.after) for one, other in itertools.pairwise(parts))
