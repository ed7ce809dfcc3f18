"""The games that Steam has on a station and those that the station offers at Drova: what differs, and the changes. Pure.

An error is never an absence: as long as a library could not be listed, or a manifest is there in any state, nothing is disabled for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from drova_gate.cloud.game_index import SKIPPED, Game
from drova_gate.games.plan import Change, Present, Wanted, changes_for
from drova_gate.steam.matching import Match, steam_app_of
from drova_gate.steam.scan import Scan

__all__ = ["SyncPlan", "plan_sync"]


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a sync would do, and what it leaves alone on purpose."""

    changes: tuple[Change, ...]
    not_ready: tuple[Match, ...] = ()
    """Installed, known to Drova, but not to be played as they are; neither enabled nor disabled."""
    unmatched: tuple[Match, ...] = ()
    """Installed, not in Drova's catalogue."""
    kept: tuple[Game, ...] = ()
    """Enabled, not found, and not disabled: a library could not be read, so nobody knows."""


def plan_sync(
    station: UUID, scan: Scan, matches: Sequence[Match], games: Sequence[Game], present: Mapping[UUID, Present]
) -> SyncPlan:
    """Plan it; ``games`` is the catalogue, of which only what Steam starts is ever touched."""
    ready = {game.product_id: game for one in matches if one.app.ready for game in one.products}
    gone = [
        game
        for game in games
        if (app := steam_app_of(game)) is not None
        and app not in scan.known
        and game.product_id not in SKIPPED
        and (there := present.get(game.product_id)) is not None
        and there.enabled
    ]
    wanted = [Wanted(game.product_id, game.title, enabled=True) for game in ready.values()]
    if scan.complete:
        wanted += [Wanted(game.product_id, game.title, enabled=False) for game in gone]
    return SyncPlan(
        changes=changes_for(station, wanted, present),
        not_ready=tuple(
            one for one in matches if one.products and not any(game.product_id in ready for game in one.products)
        ),
        unmatched=tuple(one for one in matches if not one.products),
        kept=() if scan.complete else tuple(gone),
    )
