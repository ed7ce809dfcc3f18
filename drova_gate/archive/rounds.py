"""The whole lists of all guarded stations, read now and then: what the guard's ten newest rows do not show, a score or a review that came late."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from drova_gate.archive.coverage import LIST_MOST
from drova_gate.archive.feed import Feed
from drova_gate.cloud.budget import Urgency
from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import CloudThrottled, GateError

__all__ = ["Source", "is_due", "keep_whole"]

log = logging.getLogger(__name__)

FIRST_SECONDS = 60.0
"""After the start: by then every station has been looked at, and what it needs comes first."""
SPACING_SECONDS = 20.0
"""Between two lists: each is 430 KB of JSON, and thirty stations have the whole day."""
FULL_SECONDS = 6 * 3600.0
"""Age at which a whole list is read again: a review that comes late is seen the same day."""
AGAIN_SECONDS = 900.0
"""After a list that could not be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A station whose list can be read now."""

    gate_name: str
    server: UUID
    client: DrovaClient
    turn: Callable[[Urgency], float]
    """Seconds until it may ask: the budget that all stations share."""


def is_due(full_at: int | None, hole_until: int, now: int) -> bool:
    """Whether a station's whole list should be read; milliseconds since 1970.

    It was never read, it is old (or from the future: a clock that was set), or there is a hole that has come about since: the gate was away.
    """
    return full_at is None or not 0 <= now - full_at < FULL_SECONDS * 1000 or hole_until > full_at


async def keep_whole(feed: Feed, sources: Callable[[], Iterable[Source]]) -> None:
    """Read lists for ever, one at a time and seldom; ``sources`` tells which stations may be asked now: none while a player is waited on."""
    failed: dict[UUID, float] = {}
    await asyncio.sleep(FIRST_SECONDS * random.uniform(1.0, 1.5))
    while True:
        try:
            await _read_one(feed, sources, failed)
        except Exception:
            # The top of the loop, which runs beside the guard: no fault in the history ends that.
            log.exception("history: a list was not read by a fault of the gate's own; goes on")
        await asyncio.sleep(SPACING_SECONDS * random.uniform(0.75, 1.25))


async def _read_one(feed: Feed, sources: Callable[[], Iterable[Source]], failed: dict[UUID, float]) -> None:
    """Read the list that is due longest, if any."""
    if feed.listed is None or feed.fault:
        return  # what cannot be kept need not be asked for
    now, listed = time.time() * 1000, feed.listed
    due = [
        one
        for one in sources()
        if is_due(*listed.get(one.server, (None, 0)), int(now)) and failed.get(one.server, 0.0) <= time.monotonic()
    ]
    source = min(due, key=lambda one: listed.get(one.server, (None, 0))[0] or 0, default=None)
    if source is None:
        return
    while wait := source.turn(Urgency.REST):  # noqa: ASYNC110 - a slot in the budget has a time, not an event
        await asyncio.sleep(wait)
    try:
        sessions = await source.client.sessions(source.server, limit=LIST_MOST)
    except GateError as error:
        pause = error.retry_after if isinstance(error, CloudThrottled) else 0.0
        failed[source.server] = time.monotonic() + AGAIN_SECONDS + pause
        log.debug("history: the list of %s was not read: %s", source.gate_name, error)
        return
    failed.pop(source.server, None)
    feed.read_whole(source.gate_name, source.server, sessions, LIST_MOST)
