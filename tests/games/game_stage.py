"""The owner, his stations and games of the tests."""

from uuid import UUID

from drova_gate.games.plan import Add, Change, Disable, Enable
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.cloud_world import StationProduct

USER = UUID("7b7c1c1e-52a3-4f0e-9d0a-000000000001")
MERCHANT = "merchant-token"
ONE, TWO, THREE = (UUID(f"00000000-0000-4000-8000-00000000000{number}") for number in (1, 2, 3))
STATIONS = {ONE: "pc1", TWO: "Зал 2", THREE: "🎮 pc3"}


def games_of(cloud: Cloud) -> list[UUID]:
    """Games of the catalogue that are nothing special."""
    return [UUID(one) for one, product in cloud.world.products.items() if not product.desktop][2:]


def put(cloud: Cloud, station: UUID, game: UUID, enabled: bool = True, **paths: str | None) -> StationProduct:
    """Give a station a game."""
    entry = StationProduct(enabled=enabled, **paths)
    cloud.servers[str(station)].products[str(game)] = entry
    return entry


def enabled_on(cloud: Cloud, station: UUID) -> set[UUID]:
    """What players of a station can choose."""
    return {UUID(one) for one, entry in cloud.servers[str(station)].products.items() if entry.enabled}


def adding(station: UUID, games: list[UUID]) -> list[Change]:
    """Changes that add and enable these games."""
    return [change for game in games for change in (Add(station, game, str(game)), Enable(station, game, str(game)))]


def disabling(station: UUID, games: list[UUID]) -> list[Change]:
    """Changes that disable these games."""
    return [Disable(station, game, str(game)) for game in games]
