"""Installed apps beside Drova's catalogue, by the Steam id that the catalogue's shop links hold. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from drova_gate.steam.manifest import TOOLS, InstalledApp
from drova_gate.steam.scan import Scan

__all__ = ["CatalogueGame", "Match", "SteamCatalogue", "match"]


class CatalogueGame(Protocol):
    """What is needed of a game of the catalogue."""

    @property
    def product_id(self) -> UUID:
        """Its id."""

    @property
    def title(self) -> str | None:
        """What it is called."""


class SteamCatalogue(Protocol):
    """A catalogue that can be asked by Steam id."""

    def by_steam_id(self, steam_id: int) -> Sequence[CatalogueGame]:
        """Games with this id in their shop link; one app may be sold as several products."""


@dataclass(frozen=True, slots=True)
class Match:
    """An installed game and what Drova calls it."""

    app: InstalledApp
    products: tuple[CatalogueGame, ...] = ()
    """Empty: not in Drova's catalogue."""


def match(scan: Scan, catalogue: SteamCatalogue | None, skipped: Iterable[UUID] = ()) -> tuple[Match, ...]:
    """Match every game; tools are left out, and products to be skipped are passed over. Without a catalogue none is matched."""
    leave = frozenset(skipped)
    found: list[Match] = []
    for app in scan.apps:
        if app.app_id in TOOLS:
            continue
        games = catalogue.by_steam_id(app.app_id) if catalogue is not None else ()
        found.append(Match(app, tuple(game for game in games if game.product_id not in leave)))
    return tuple(found)
