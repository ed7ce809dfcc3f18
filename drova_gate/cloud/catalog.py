"""Whether a game gives its player the desktop: asked once, kept for hours, and known from a daily copy when Drova is down."""

import asyncio
import logging
import time
from pathlib import Path
from uuid import UUID

from expiringdict import ExpiringDict

from drova_gate.cloud.catalogue_copy import CatalogueCopy
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.game_index import GameIndex, game_of
from drova_gate.cloud.models import DESKTOP_PRODUCT
from drova_gate.errors import AnswerNotUnderstood, GateError

__all__ = ["Catalogue"]

log = logging.getLogger(__name__)

PRODUCTS_KEPT = 256
"""Games of one station that were played lately; a thousand are in the whole catalogue."""
PRODUCT_SECONDS = 6 * 3600.0
"""A game's flag changes when somebody at Drova edits it; twice in an evening is soon enough."""
STALE_SECONDS = 60.0
"""How long a flag from the copy stands in for Drova's own word before that is asked for again."""
COPY_SECONDS = 24 * 3600.0
"""Age at which the copy is fetched anew: 1.4 MB for something that changes a few times a week."""
LOOK_SECONDS = 3600.0
"""Between two looks at the copy's age, and between two tries after a failure."""
SHRUNK = 0.5
"""A new catalogue with less than this part of the old one's games is a broken answer."""


class Catalogue:
    """The flags of games for one client; without a folder there is no daily copy."""

    def __init__(self, client: DrovaClient, directory: Path | None) -> None:
        self._client = client
        self._copy = CatalogueCopy(directory) if directory is not None else None
        self._flags = ExpiringDict(PRODUCTS_KEPT, PRODUCT_SECONDS)
        self._titles = ExpiringDict(PRODUCTS_KEPT, PRODUCT_SECONDS)
        self._stale = ExpiringDict(PRODUCTS_KEPT, STALE_SECONDS)
        self._refreshing: asyncio.Task[None] | None = None
        self._look_at = float("-inf")
        self._failed = False

    async def use_default_desktop(self, product_id: UUID) -> bool:
        """Whether the player of this product gets the desktop; an error when nobody can say, never a guess."""
        self._refresh_beside()
        if product_id == DESKTOP_PRODUCT:
            return True
        for kept in (self._flags, self._stale):
            flag = kept.get(product_id)
            if isinstance(flag, bool):
                return flag
        try:
            product = await self._client.product(product_id)
        except GateError as error:
            copied = await asyncio.to_thread(self._copy.flag, product_id) if self._copy is not None else None
            if copied is None:
                raise
            log.debug("%s; product %s is taken from the catalogue's copy", error, product_id)
            self._stale[product_id] = copied
            return copied
        self._flags[product_id] = product.use_default_desktop
        self._titles[product_id] = product.title
        return product.use_default_desktop

    def title(self, product_id: UUID) -> str | None:
        """What the game is called, if it was asked about lately."""
        title = self._titles.get(product_id)
        return title if isinstance(title, str) else None

    async def games(self) -> GameIndex:
        """All games for looking them up, at most a day old; an older copy when Drova cannot be asked, a ``GateError`` without any."""
        fault: Exception | None = None
        if self._copy is not None:
            try:
                await self.refresh()
            except (GateError, OSError) as error:
                fault = error
            games = await asyncio.to_thread(self._copy.games)
            if len(games):
                if fault is not None:
                    log.warning("catalogue: not fetched (%s); titles are from the copy", fault)
                return games
            if isinstance(fault, GateError):
                raise fault
        # Also where the disk refuses a copy, and while another process fetches the first one: no copy is not "no games".
        items = await self._client.catalogue()
        return GameIndex(game_of(item.model_dump(mode="json", by_alias=True)) for item in items)

    async def refresh(self) -> None:
        """Fetch the copy if it is a day old and nobody else does; the old one stays when the new one is empty or broken."""
        if self._copy is None:
            return
        give_back = self._copy.claim()
        if give_back is None:
            return
        try:
            old = await asyncio.to_thread(self._copy.heading)
            if old is not None and abs(time.time() - old.fetched) < COPY_SECONDS:
                return
            answer = await self._client.catalogue_since(old.etag if old is not None else "")
            if answer is None and not await asyncio.to_thread(self._copy.confirm):
                # "Not changed" is said of what was sent, not of what the disk made of it.
                answer = await self._client.catalogue_since("")
            if answer is None:
                return
            items, etag = answer
            if len(items) < max(1.0, SHRUNK * (old.count if old is not None else 0)):
                raise AnswerNotUnderstood(
                    "Drova API, catalogue",
                    f"{len(items)} games, where there were {old.count if old is not None else 'none yet'}",
                    "the old copy stays",
                )
            await asyncio.to_thread(self._copy.write, items, etag)
        finally:
            give_back()

    def _refresh_beside(self) -> None:
        """Look after the copy beside the calls: nobody waits for it."""
        now = asyncio.get_running_loop().time()
        if self._copy is None or now < self._look_at or (self._refreshing and not self._refreshing.done()):
            return
        self._look_at = now + LOOK_SECONDS
        self._refreshing = self._client.own(self._refresh_said())

    async def _refresh_said(self) -> None:
        try:
            await self.refresh()
        except (GateError, OSError) as error:
            level = logging.DEBUG if self._failed else logging.WARNING
            log.log(level, "catalogue: not fetched (%s); goes on with what is there, tries again in an hour", error)
            self._failed = True
        else:
            if self._failed:
                log.info("catalogue: fetched again")
            self._failed = False
