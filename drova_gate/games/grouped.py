"""What a file of games means: which games, on which stations. Pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from drova_gate.errors import NotKnown
from drova_gate.games.lists import Listed, ListFault
from drova_gate.games.names import GameNames
from drova_gate.games.plan import Wanted
from drova_gate.owner.account import OwnedStation, find_station

__all__ = ["Group", "group_of", "grouped"]

Group = tuple[Wanted, ...]


def grouped(listed: Sequence[Listed], names: GameNames, stations: Sequence[OwnedStation]) -> dict[UUID | None, Group]:
    """Sort the entries by station (``None``: those that name none); ``ListFault`` with every name that is not known."""
    faults: list[str] = []
    found: dict[UUID | None, dict[UUID, tuple[Wanted, str]]] = {}
    for one in listed:
        try:
            game = names.find(one.game)
            station = None if one.station is None else find_station(one.station, stations).uuid
        except NotKnown as error:
            faults.append(f"{one.where}: {error}")
            continue
        group = found.setdefault(station, {})
        if game.product_id in group:
            faults.append(f"{one.where}: game {game.title} is in {group[game.product_id][1]} already")
        group[game.product_id] = (Wanted(game.product_id, game.title, one.enabled, one.paths), one.where)
    if faults:
        raise ListFault(faults)
    return {station: tuple(wanted for wanted, _ in group.values()) for station, group in found.items()}


def group_of(station: UUID, groups: Mapping[UUID | None, Group]) -> Group | None:
    """Find what a station should have: its own entries, else the only list that there is; ``None``: the file does not say."""
    if station in groups:
        return groups[station]
    return next(iter(groups.values())) if len(groups) == 1 else None
