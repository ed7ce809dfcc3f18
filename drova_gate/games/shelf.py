"""What a station has: its games as the cloud lists them, and how it starts one."""

from collections.abc import Sequence
from uuid import UUID

from drova_gate.cloud.models import ProductSettings
from drova_gate.errors import GateError
from drova_gate.games.plan import Paths, Present
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.asking import ask_all

__all__ = ["paths_of", "paths_of_games", "shelf_of"]


async def shelf_of(station: OwnedStation) -> dict[UUID, Present]:
    """Ask which games a station has; their paths are not looked at."""
    found = await station.client.station_products(station.uuid, station.user_id)
    return {one.product_id: Present(one.enabled) for one in found}


async def paths_of_games(station: OwnedStation, games: Sequence[UUID]) -> dict[UUID, Present | GateError]:
    """Ask how a station starts each of these games: a request for each, a few at a time."""

    async def ask(game: UUID) -> Present:
        found = await station.client.station_product(station.uuid, game)
        return Present(found.enabled, paths_of(found), found.default_allowed_paths)

    return dict(zip(games, await ask_all(games, ask), strict=True))


def paths_of(found: ProductSettings) -> Paths:
    """Take the owner's own paths from what the cloud says of a game on a station."""
    return Paths(found.game_path, found.work_path, found.args, found.allowed_paths)
