"""Which game is on which station, in rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drova_gate.columns import cut
from drova_gate.games.plan import Paths
from drova_gate.games.sync import Offer
from drova_gate.sheet import Column, Row, one_line

__all__ = [
    "LEGEND",
    "LONG_COLUMNS",
    "WIDE_LEGEND",
    "Shelf",
    "differing",
    "long_rows",
    "other_paths",
    "short_columns",
    "short_rows",
    "wide_columns",
    "wide_rows",
]

ABSENT = "absent"
NAMES_PLACES = 28
"""Of a list of stations in a table; with --station and in JSON they are whole."""
LEGEND = (
    "on: enabled, off: disabled, -: absent; !: Drova says it is not available there; ?: Drova has not released it there"
)
WIDE_LEGEND = "!: Drova says that it is not available there; ?: Drova has not released it there"

LONG_COLUMNS = (
    Column("product_id", "ID", for_machines=True),
    Column("title", "GAME"),
    Column("station_id", "STATION ID", for_machines=True),
    Column("station", "STATION"),
    Column("state", "STATE"),
    Column("available", "AVAILABLE"),
    Column("verified", "VERIFIED"),
)
"""A row for each game and station: what machines read, and what ``games sync FILE`` takes."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A station and its games."""

    station: UUID
    name: str
    offers: Mapping[UUID, Offer]


def _titles(shelves: Sequence[Shelf]) -> list[tuple[str, UUID]]:
    """Every game of these stations, by title."""
    titles: dict[UUID, str] = {}
    for shelf in shelves:
        for offer in shelf.offers.values():
            titles.setdefault(offer.product_id, offer.title)
    return sorted(((title, game) for game, title in titles.items()), key=lambda one: (one[0].casefold(), one[1].int))


def differing(shelves: Sequence[Shelf]) -> set[UUID]:
    """Games that are not in the same state on all of these stations; absent and disabled are two states."""
    found = set()
    for _, game in _titles(shelves):
        if len({_state(shelf.offers.get(game)) for shelf in shelves}) > 1:
            found.add(game)
    return found


def long_rows(shelves: Sequence[Shelf], games: set[UUID] | None = None) -> list[Row]:
    """List each game on each station, absent ones too; ``games``: these alone."""
    return [
        _long_row(title, game, shelf)
        for title, game in _titles(shelves)
        if games is None or game in games
        for shelf in shelves
    ]


def _long_row(title: str, game: UUID, shelf: Shelf) -> dict[str, Any]:
    offer = shelf.offers.get(game)
    return {
        "product_id": game,
        "title": title,
        "station_id": shelf.station,
        "station": shelf.name,
        "state": _state(offer),
        "available": None if offer is None else offer.available,
        "verified": None if offer is None else offer.verified,
    }


def short_columns(shelves: Sequence[Shelf]) -> list[Column]:
    """List the columns of ``short_rows``: one for each station."""
    return [Column("title", "GAME"), *(Column(str(shelf.station), shelf.name) for shelf in shelves)]


def short_rows(shelves: Sequence[Shelf], games: set[UUID] | None = None) -> list[Row]:
    """Lay a row for each game with a cell for each station."""
    return [
        {"title": title, "product_id": game} | {str(shelf.station): _cell(shelf.offers.get(game)) for shelf in shelves}
        for title, game in _titles(shelves)
        if games is None or game in games
    ]


def _cut_names(names: str | None) -> str:
    return cut(one_line(names), NAMES_PLACES)


def wide_columns() -> list[Column]:
    """List the columns of ``wide_rows``."""
    return [
        Column("title", "GAME"),
        Column("on", "ON", right=True),
        Column("off", "OFF ON", text=_cut_names, gives_way=2),
        Column("absent", "ABSENT ON", text=_cut_names, gives_way=1),
        Column("remarks", "! OR ? ON", text=_cut_names, gives_way=3),
    ]


def wide_rows(shelves: Sequence[Shelf], games: set[UUID] | None = None) -> list[Row]:
    """Lay a row for each game where the stations are too many for a column each."""
    rows: list[Row] = []
    for title, game in _titles(shelves):
        if games is not None and game not in games:
            continue
        by_state: dict[str, list[str]] = {"enabled": [], "disabled": [], ABSENT: []}
        remarks = []
        for shelf in shelves:
            offer = shelf.offers.get(game)
            by_state[_state(offer)].append(shelf.name)
            if mark := _mark(offer):
                remarks.append(f"{shelf.name} {mark}")
        rows.append(
            {
                "title": title,
                "on": f"{len(by_state['enabled'])} of {len(shelves)}",
                "off": ", ".join(by_state["disabled"]),
                "absent": ", ".join(by_state[ABSENT]),
                "remarks": ", ".join(remarks),
            }
        )
    return rows


def other_paths(one: Paths, other: Paths) -> dict[str, tuple[Any, Any]]:
    """Name the paths in which two stations differ, each with both values."""
    names = {"game path": "game_path", "work path": "work_path", "args": "args", "allowed paths": "allowed_paths"}
    pairs = {words: (getattr(one, field), getattr(other, field)) for words, field in names.items()}
    return {words: pair for words, pair in pairs.items() if pair[0] != pair[1]}


def _state(offer: Offer | None) -> str:
    return ABSENT if offer is None else offer.state


def _mark(offer: Offer | None) -> str:
    if offer is None:
        return ""
    return ("!" if offer.available is False else "") + ("" if offer.ready else "?")


def _cell(offer: Offer | None) -> str:
    if offer is None:
        return "-"
    return f"{'on' if offer.enabled else 'off'} {_mark(offer)}".rstrip()
