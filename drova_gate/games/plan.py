"""From the games that a station should have and those that it has to the changes between the two. Pure.

Nothing is ever taken off a station: the API has no call for that which anybody knows. A game that should not be there is disabled.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

__all__ = [
    "Add",
    "Change",
    "Disable",
    "Enable",
    "Paths",
    "Present",
    "SetPaths",
    "Wanted",
    "changes_for",
    "counted",
    "still_to_do",
]


@dataclass(frozen=True, slots=True)
class Paths:
    """How a station starts a game, where the owner says so himself; ``None``: Drova's default holds."""

    game_path: str | None = None
    work_path: str | None = None
    args: str | None = None
    allowed_paths: str | tuple[str, ...] | None = None
    """What else the player's programs may touch; as the API sends it."""


@dataclass(frozen=True, slots=True)
class Present:
    """A game that a station has."""

    enabled: bool
    paths: Paths | None = None
    """``None``: not looked at."""
    default_allowed_paths: str | tuple[str, ...] | None = None
    """What holds where the owner's own word is ``None``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A game as a station should have it."""

    product_id: UUID
    title: str
    enabled: bool
    paths: Paths | None = None
    """``None``: they stay as they are."""


@dataclass(frozen=True, slots=True)
class _OnStation:
    kind: ClassVar[str]
    station: UUID
    product_id: UUID
    title: str


@dataclass(frozen=True, slots=True)
class Add(_OnStation):
    """Put a game on a station's list; that does not enable it."""

    kind: ClassVar[str] = "add"


@dataclass(frozen=True, slots=True)
class SetPaths(_OnStation):
    """Say how the station starts the game."""

    kind: ClassVar[str] = "set paths"
    paths: Paths


@dataclass(frozen=True, slots=True)
class Enable(_OnStation):
    """Offer the game to players."""

    kind: ClassVar[str] = "enable"


@dataclass(frozen=True, slots=True)
class Disable(_OnStation):
    """Offer the game to players no longer."""

    kind: ClassVar[str] = "disable"


Change = Add | SetPaths | Enable | Disable


def changes_for(station: UUID, wanted: Iterable[Wanted], present: Mapping[UUID, Present]) -> tuple[Change, ...]:
    """List what makes a station as wanted; games that ``wanted`` does not name stay as they are.

    First what players must no longer get, for it may not be there any more; then game by game, each complete before the next and
    enabled last: wherever it stops, no player meets half a game. Titles give the order, so that the same wish is the same plan.
    """
    by_title = sorted(wanted, key=lambda one: (one.title.casefold(), one.product_id.int))
    off: list[Change] = []
    on: list[Change] = []
    for one in by_title:
        where = (station, one.product_id, one.title)
        there = present.get(one.product_id)
        if there is None and not one.enabled:
            continue  # absent and disabled are the same to players, and each addition is a write
        if not one.enabled and there is not None and there.enabled:
            off.append(Disable(*where))
        if there is None:
            on.append(Add(*where))
        if one.paths is not None and one.paths != (Paths() if there is None else there.paths):
            on.append(SetPaths(*where, paths=one.paths))
        if one.enabled and (there is None or not there.enabled):
            on.append(Enable(*where))
    return (*off, *on)


def still_to_do(change: Change, present: Mapping[UUID, Present]) -> bool:
    """Whether a change is not yet true; paths that nobody has looked at count as other ones."""
    there = present.get(change.product_id)
    match change:
        case Add():
            return there is None
        case Enable():
            return there is None or not there.enabled
        case Disable():
            return there is not None and there.enabled
        case SetPaths():
            return there is None or there.paths != change.paths


def counted(changes: Iterable[Change]) -> str:
    """Sum changes up in words: "3 to add, 5 to enable"."""
    counts = Counter(change.kind for change in changes)
    words = {"disable": "to disable", "add": "to add", "set paths": "to get other paths", "enable": "to enable"}
    return ", ".join(f"{counts[kind]} {text}" for kind, text in words.items() if counts[kind]) or "nothing to change"
