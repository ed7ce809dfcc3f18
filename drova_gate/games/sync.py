"""The same list of games on several stations: what is copied from one to another, and what is left out and why. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from drova_gate.cloud.game_index import SKIPPED
from drova_gate.cloud.models import DESKTOP_PRODUCT, StationProduct
from drova_gate.games.plan import Paths, Wanted

__all__ = ["READY", "LeftOut", "Offer", "copied", "emptied", "offer_of", "why_left_out"]

EMPTIED_PART, EMPTIED_LEAST = 0.5, 10
"""More than this part of a station's games, and at least so many, are not disabled at once by a list that may not be whole."""

READY = (2, "READY")
"""How Drova writes that a game is released on a station: a number in some lists, a word in others."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A game on a station."""

    product_id: UUID
    title: str
    enabled: bool
    ready: bool = True
    """Drova has released it there."""
    paths: Paths | None = None
    """``None``: not looked at."""
    available: bool | None = None
    """Whether the station can offer it now, by Drova's word; ``None``: not said."""
    verified: str | float | None = None
    """As Drova sent it."""

    @property
    def state(self) -> str:
        """The word for it in lists."""
        return "enabled" if self.enabled else "disabled"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A game that is not copied, and stays on the other stations as it is."""

    title: str
    why: str


def offer_of(found: StationProduct) -> Offer:
    """Take a game from a station's list."""
    title = found.title or str(found.product_id)
    ready = found.verified in READY
    return Offer(found.product_id, title, found.enabled, ready, None, found.available, found.verified)


def why_left_out(game: Offer) -> str | None:
    """Say why a game must not be copied to another station; ``None``: it may."""
    if game.product_id == DESKTOP_PRODUCT:
        return "it is the desktop itself: drova_gate desktop on|off"
    if game.product_id in SKIPPED:
        return "it is a copy of a game that Drova has twice; the other one is to be offered"
    if not game.ready:
        return "Drova has not released it on the station that it would be copied from"
    return None


def copied(
    source: Sequence[Offer], target: Iterable[Offer], *, keep_others: bool = False
) -> tuple[tuple[Wanted, ...], tuple[LeftOut, ...]]:
    """Say what a station should have to be like the source; what only the station has is disabled, unless others are kept."""
    left_out = tuple(LeftOut(one.title, why) for one in source if (why := why_left_out(one)) is not None)
    wanted = [Wanted(one.product_id, one.title, one.enabled, one.paths) for one in source if why_left_out(one) is None]
    if not keep_others:
        named = {one.product_id for one in source}
        wanted += [
            Wanted(one.product_id, one.title, enabled=False)
            for one in target
            if one.product_id not in named and one.product_id != DESKTOP_PRODUCT
        ]
    return tuple(wanted), left_out


def emptied(offers: Iterable[Offer], wanted: Iterable[Wanted]) -> tuple[int, int] | None:
    """Say how many of how many games a station would lose, if that is so many that the list may not be whole."""
    on = {one.product_id for one in offers if one.enabled}
    lost = sum(not one.enabled and one.product_id in on for one in wanted)
    return (lost, len(on)) if lost >= EMPTIED_LEAST and lost > EMPTIED_PART * len(on) else None
