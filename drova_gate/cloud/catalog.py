"""Whether a game gives its player the desktop: asked once, kept for hours, and known from a daily copy when Drova is down."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from expiringdict import ExpiringDict
from pydantic import ValidationError

from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.files import claim, write_whole
from drova_gate.cloud.models import DESKTOP_PRODUCT, CatalogueItem
from drova_gate.errors import AnswerNotUnderstood, GateError

__all__ = ["Catalogue", "CatalogueCopy"]

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
VERSION = 1
"""Of the copy's layout; any other is fetched anew."""


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
            items = await self._client.catalogue()
            if len(items) < max(1.0, SHRUNK * (old.count if old is not None else 0)):
                raise AnswerNotUnderstood(
                    "Drova API, catalogue",
                    f"{len(items)} games, where there were {old.count if old is not None else 'none yet'}",
                    "the old copy stays",
                )
            await asyncio.to_thread(self._copy.write, items)
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


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line of a copy."""

    fetched: float
    """Seconds since 1970."""
    count: int


class CatalogueCopy:
    """The catalogue on disk: a heading and one game a line, so that reading it never holds the interpreter for long.

    Every method but ``claim`` reads or writes a megabyte: they belong into a worker thread.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "catalogue.jsonl"

    def heading(self) -> Heading | None:
        """Read how old the copy is and how many games it holds; ``None``: there is none that can be used."""
        try:
            with self.path.open("rb") as file:
                return _heading(file.readline())
        except OSError:
            return None

    def items(self) -> tuple[CatalogueItem, ...]:
        """Read the whole copy; empty when there is none. A damaged one is removed, so that it is fetched anew."""
        try:
            first, *lines = self.path.read_bytes().splitlines() or [b""]
        except FileNotFoundError:
            return ()
        except OSError as error:
            log.warning("catalogue: its copy %s cannot be read (%s)", self.path, error.strerror)
            return ()
        heading = _heading(first)
        try:
            items = tuple(CatalogueItem.model_validate_json(line) for line in lines)
        except ValidationError:
            heading = None
        if heading is None or heading.count != len(lines):
            log.warning("catalogue: its copy %s is damaged; removed, it is fetched anew", self.path)
            self.path.unlink(missing_ok=True)
            return ()
        return items

    def flag(self, product_id: UUID) -> bool | None:
        """Whether a game gives the desktop; ``None``: the copy does not say."""
        return next((item.use_default_desktop for item in self.items() if item.product_id == product_id), None)

    def write(self, items: tuple[CatalogueItem, ...]) -> None:
        """Replace the copy; ``OSError`` if the disk refuses."""
        head = json.dumps({"version": VERSION, "fetched": time.time(), "count": len(items)})
        lines = (
            json.dumps(item.model_dump(mode="json", by_alias=True, exclude_unset=True), ensure_ascii=False)
            for item in items
        )
        # JSON may hold half a surrogate pair, UTF-8 may not: such a character becomes "?".
        write_whole(self.path, "\n".join((head, *lines, "")).encode("utf-8", "replace"))

    def claim(self) -> Callable[[], None] | None:
        """Claim the fetching; ``None`` while another station of this folder does it; ``OSError``."""
        return claim(self.path.with_name("catalogue.lock"))


def _heading(line: bytes) -> Heading | None:
    try:
        raw = json.loads(line)
        if raw["version"] != VERSION:
            return None
        return Heading(float(raw["fetched"]), int(raw["count"]))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
