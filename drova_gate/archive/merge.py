"""Several readings of one session, made one. Pure.

The same session is read many times, by the guard and by commands, and what is late (its end, a score, a review) comes with a later reading.
Merging is a union: each field has the values that were seen, each with the moment it was first seen, and the newest of them is shown. So
the order in which readings arrive does not matter, a reading that comes twice changes nothing, a value that is absent never takes the place
of one that is known, and one that was replaced is still there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Entry", "Reading", "Values", "entry_of", "further_along", "merged"]

_PROGRESS = {"NEW": 0, "HANDSHAKE": 1, "ACTIVE": 2, "ABORTED": 4, "FINISHED": 5}
_UNKNOWN_PROGRESS = 3
"""A status word that nobody here knows: not over, and later than those that are known not to be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One session as one answer of the API told of it."""

    uuid: bytes
    at: int
    """When it was asked for, milliseconds since 1970."""
    status: str
    fields: Mapping[str, Any]
    """What was known, by name; an unknown value is not among them. Fields that this program does not know begin with ``+``."""


Values = tuple[tuple[int, Any], ...]
"""The values of a field, each with the moment at which it was first seen; the newest last."""


@dataclass(frozen=True, slots=True)
class Entry:
    """All that was ever read of one session."""

    uuid: bytes
    first_at: int
    """When it was first read, milliseconds since 1970."""
    status: str
    known: Mapping[str, Values]

    def now(self, field: str) -> Any:
        """The newest value of a field; ``None``: none was ever seen."""
        values = self.known.get(field)
        return values[-1][1] if values else None

    @property
    def past(self) -> dict[str, list[list[Any]]]:
        """Fields that cannot be told from their newest value and ``first_at`` alone."""
        return {
            name: [list(one) for one in values]
            for name, values in self.known.items()
            if len(values) > 1 or values[0][0] != self.first_at
        }


def entry_of(reading: Reading) -> Entry:
    """Make the entry of a session that was read once."""
    known = {name: ((reading.at, value),) for name, value in reading.fields.items()}
    return Entry(reading.uuid, reading.at, reading.status, known)


def merged(one: Entry, other: Entry) -> Entry:
    """Make one entry of two of the same session."""
    known = dict(one.known)
    for name, values in other.known.items():
        known[name] = _union(known[name], values) if name in known else values
    return Entry(one.uuid, min(one.first_at, other.first_at), further_along(one.status, other.status), known)


def further_along(one: str, other: str) -> str:
    """Return the later one of two status words: a session that has ended does not begin again."""
    return max(one, other, key=lambda word: (_PROGRESS.get(word, _UNKNOWN_PROGRESS), word))


def _union(one: Values, other: Values) -> Values:
    first: dict[str, tuple[int, Any]] = {}
    for at, value in (*one, *other):
        key = _key(value)
        if key not in first or at < first[key][0]:
            first[key] = (at, value)
    return tuple(first[key] for key in sorted(first, key=lambda key: (first[key][0], key)))


def _key(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else json.dumps(value, sort_keys=True)
