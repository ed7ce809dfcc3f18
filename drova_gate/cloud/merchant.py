"""One question for all stations of a merchant: his newest sessions, shared by all who ask at the same time.

A station's list made from it must be as whole as one asked for that station alone, or it is asked for alone: an absence is never
guessed. That the API answers the common question as expected is checked against its answers to the single ones.
"""

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from drova_gate.cloud.answers import sessions_by_station
from drova_gate.cloud.budget import COMMON_LATE_SECONDS, COMMON_SECONDS
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.http import ApiLine
from drova_gate.cloud.models import Session
from drova_gate.cloud.sessions import SESSIONS_MOST, SESSIONS_PATH
from drova_gate.cloud.token import TokenKeeper
from drova_gate.errors import AnswerNotUnderstood

__all__ = ["MerchantClient", "Window", "merged"]

log = logging.getLogger(__name__)

USUAL = 10
"""Sessions of a station that are kept: as many as its observer asks for."""
PER_STATION = 3
"""Sessions asked for in the common question, for each station that asks."""
LEAST_ASKED = 30
GATHER_SECONDS = 0.02
"""How long the common question waits for others who want its answer too, beyond the moment at which they come together."""
ALONE_AGAIN_SECONDS = 300.0
"""After about which a station is asked for alone once more, to check the common answers."""
DISTRUST_SECONDS = 3600.0
"""For which the common question is not used after an answer that left sessions out."""


@dataclass(frozen=True, slots=True)
class Window:
    """The newest sessions of a merchant, as of one moment."""

    found: dict[UUID, tuple[Session, ...] | AnswerNotUnderstood]
    oldest_ms: int
    """Every session that began after this is in it; 0: all there are."""
    newest_ms: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one station's list."""

    sessions: tuple[Session, ...]
    until_ms: int
    """Sessions that began up to then are all in it, as far as the list goes."""
    alone_again_at: float
    """When it is asked for alone once more."""


def merged(
    known: tuple[Session, ...], until_ms: int, window: tuple[Session, ...], oldest_ms: int
) -> tuple[Session, ...] | None:
    """A station's list from what was known of it and a later window; ``None``: that would not be the whole truth.

    ``until_ms``: the known list is whole up to there. A row of the known list that has left the window must be over, for how it
    stands now nobody has said; one that should be in the window and is not may have been cut off by the API, at a number of its own.
    """
    if oldest_ms > until_ms:
        return None
    inside = {session.uuid for session in window}
    older = tuple(one for one in known if one.uuid not in inside)
    if any(one.created_on > oldest_ms for one in older):
        return None
    if any(one.status not in ("FINISHED", "ABORTED") for one in older):
        return None
    return (window + older)[:USUAL]


class MerchantClient(DrovaClient):
    """The client of all stations that share a merchant token."""

    def __init__(
        self, token: SecretStr, *, base_url: str, keep_token: TokenKeeper, line: ApiLine | None = None
    ) -> None:
        super().__init__(token, base_url=base_url, keep_token=keep_token, line=line)
        self._known: dict[UUID, _Known] = {}
        self._gathering: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[Window]] = []
        self._merchant: UUID | None = None
        self._distrusted_until = float("-inf")

    @property
    def common(self) -> bool:
        """Whether one question serves all stations now."""
        return asyncio.get_running_loop().time() >= self._distrusted_until

    async def sessions(self, server_id: UUID, limit: int = USUAL) -> tuple[Session, ...]:
        """A station's newest sessions, from a question that was sent after this was called."""
        now = asyncio.get_running_loop().time()
        known = self._known.get(server_id)
        if limit > USUAL or not self.common:
            return await super().sessions(server_id, limit)
        if known is None or now >= known.alone_again_at:
            return (await self._alone(server_id))[:limit]
        window = await self._common_answer()
        own = window.found.get(server_id, ())
        if isinstance(own, AnswerNotUnderstood):
            raise own
        whole = merged(known.sessions, known.until_ms, own, window.oldest_ms)
        if whole is None:
            return (await self._alone(server_id))[:limit]
        self._known[server_id] = _Known(whole, max(known.until_ms, window.newest_ms), known.alone_again_at)
        return whole[:limit]

    async def _alone(self, server_id: UUID) -> tuple[Session, ...]:
        """Ask for one station, and compare a common answer with what it says."""
        own = await super().sessions(server_id, USUAL)
        window = await self._common_answer()
        found = window.found.get(server_id, ())
        if isinstance(found, AnswerNotUnderstood):
            raise found
        there = {session.uuid for session in found}
        missing = [one for one in own if one.created_on > window.oldest_ms and one.uuid not in there]
        if missing:
            log.warning(
                "Drova API: the merchant's session list leaves out %s of station %s; each station is asked for alone, for an hour",
                missing[0].uuid,
                server_id,
            )
            self._distrusted_until = asyncio.get_running_loop().time() + DISTRUST_SECONDS
            return own
        # The common answer is the later one: what began meanwhile is in it, and so may be sessions older than the own list's last.
        together = {one.uuid: one for one in (*own, *found)}
        whole = tuple(sorted(together.values(), key=lambda one: one.created_on, reverse=True))[:USUAL]
        until = max((one.created_on for one in whole), default=0)
        # By chance, so that thirty stations do not do so together.
        again = asyncio.get_running_loop().time() + ALONE_AGAIN_SECONDS * random.uniform(0.5, 1.5)
        self._known[server_id] = _Known(whole, max(until, window.newest_ms), again)
        return whole

    async def _common_answer(self) -> Window:
        """Share one question with everybody who asks before it is sent."""
        mine: asyncio.Future[Window] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        if self._gathering is None:
            self._gathering = self.own(self._gather())
        try:
            return await mine
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)

    async def _gather(self) -> None:
        waiting: list[asyncio.Future[Window]] = []
        try:
            # Stations come at full seconds, one a little later than the other: the question waits for all of them.
            late = time.monotonic() % COMMON_SECONDS
            await asyncio.sleep(GATHER_SECONDS + max(0.0, COMMON_LATE_SECONDS - late))
            # Whoever comes from here on asks anew: the answer may be older than his question.
            waiting, self._waiting, self._gathering = self._waiting, [], None
            window = await self._ask()
        except asyncio.CancelledError:
            for one in (*waiting, *self._waiting):
                one.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, it is theirs who wait for the answer
            for one in waiting:
                if not one.done():
                    one.set_exception(error)
        else:
            for one in waiting:
                if not one.done():
                    one.set_result(window)

    async def _ask(self) -> Window:
        if self._merchant is None:
            self._merchant = (await self.account()).uuid
        limit = min(SESSIONS_MOST, max(LEAST_ASKED, PER_STATION * len(self._known)))
        query = {"merchant_id": str(self._merchant), "limit": str(limit)}
        found, count = sessions_by_station(await self._call("GET", SESSIONS_PATH, query=query))
        times = [one.created_on for own in found.values() if not isinstance(own, AnswerNotUnderstood) for one in own]
        # A list that is not full has them all.
        return Window(found, min(times, default=0) if count >= limit else 0, max(times, default=0))
