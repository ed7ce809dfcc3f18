"""Installed games beside Drova's catalogue, by the Steam ids that its shop links hold. Pure."""

from dataclasses import dataclass
from uuid import UUID

from drova_gate.cloud.game_index import Game, GameIndex
from drova_gate.steam.manifest import TOOLS, InstalledApp
from drova_gate.steam.scan import Scan

__all__ = ["Match", "match", "steam_app_of"]

_WITHOUT_LINK = {
    UUID("b6346f52-f780-42a9-98a2-1c7d6c4b4473"): 218230,  # PlanetSide 2
    UUID("7d628e11-0bb1-442c-98a4-8106176b13b8"): 261030,  # The Walking Dead: Season Two
}
"""Products that Steam starts although the catalogue has no shop link for them, as owners found out by hand."""


@dataclass(frozen=True, slots=True)
class Match:
    """An installed game and what Drova calls it."""

    app: InstalledApp
    products: tuple[Game, ...] = ()
    """Empty: not in Drova's catalogue. One app may be several products."""


def steam_app_of(game: Game) -> int | None:
    """Return Steam's number of a product that Steam starts; ``None``: another launcher does, or it is not known."""
    return game.steam_id or _WITHOUT_LINK.get(game.product_id)


def match(scan: Scan, catalogue: GameIndex) -> tuple[Match, ...]:
    """Match every game; redistributables and other tools are left out, and so are copies that stations must not offer."""
    return tuple(Match(app, _products(app.app_id, catalogue)) for app in scan.apps if app.app_id not in TOOLS)


def _products(app_id: int, catalogue: GameIndex) -> tuple[Game, ...]:
    by_hand = (catalogue.get(product) for product, app in _WITHOUT_LINK.items() if app == app_id)
    linked = catalogue.by_steam_id(app_id)
    return (*linked, *(game for game in by_hand if game is not None and game not in linked))
