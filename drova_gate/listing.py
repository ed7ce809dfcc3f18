"""Whether a station stands in the catalogue: asked only while it matters."""

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import GateError

__all__ = ["Listing"]

log = logging.getLogger(__name__)


class Listing:
    """The catalogue's word about one station, read every so many seconds."""

    def __init__(self, name: str, clock: Callable[[], float], every: float) -> None:
        self.published: bool | None = None
        """``None``: not known."""
        self.hidden_since: float | None = None
        """Since when every reading found it hidden, by the clock."""
        self.wanted = False
        """It matters now."""
        self._name, self._clock, self._every = name, clock, every
        self._due = 0.0

    async def read(self, client: DrovaClient, server: UUID | None, owner: Callable[[], Awaitable[UUID]]) -> None:
        """Read it, if it matters and is due."""
        if not self.wanted:
            self._know(published=None)
            return
        now = self._clock()
        if now < self._due or server is None:
            return
        self._due = now + self._every
        try:
            self._know(published=(await client.server(server, await owner())).published)
        except GateError as error:
            # What the catalogue shows is one fact, who plays is another: the second is known.
            self._know(published=None)
            log.debug("%s: whether the station is in the catalogue: %s", self._name, error)

    def confirmed(self, *, published: bool) -> None:
        """It was changed, and read back."""
        self._know(published=published)
        self._due = self._clock() + self._every

    def forget(self) -> None:
        """It was written to, and what came of it is not known: ask anew."""
        self._know(published=None)
        self._due = 0.0

    def _know(self, *, published: bool | None) -> None:
        self.published = published
        if published is not False:
            self.hidden_since = None
        elif self.hidden_since is None:
            self.hidden_since = self._clock()
