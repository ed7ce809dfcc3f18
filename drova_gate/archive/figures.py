"""What Drova says was earned, read once a day: its figures of a day are gone on the next one, and no list of sessions brings them back."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakKeyDictionary

from drova_gate.archive.feed import Feed
from drova_gate.cloud.budget import Urgency
from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import CloudThrottled, GateError

__all__ = ["Purse", "figures_due", "keep_figures"]

log = logging.getLogger(__name__)

FIRST_SECONDS = 90.0
"""After the start: what the stations need comes first."""
LOOK_SECONDS = 60.0
AGAIN_SECONDS = 900.0
"""After an answer that could not be had, or is not written yet."""
EVENING_SECONDS = (300.0, 1800.0)
"""Before midnight: late, for the figures of the day are to be whole; not all gates at the same minute."""
OLDEST_SECONDS = 26 * 3600.0
"""A day and a bit: the gate was away in the evening."""


@dataclass(frozen=True, slots=True)
class Purse:
    """An account whose figures can be read now."""

    client: DrovaClient
    """With the merchant's token, or that of the only station."""
    turn: Callable[[Urgency], float]
    """Seconds until it may ask: the budget that all stations share."""


def figures_due(read_at: int | None, now: datetime, evening_seconds: float) -> bool:
    """Whether the figures should be read, which were read last at that millisecond; ``now`` is local time, without a zone."""
    if read_at is None or not 0 <= now.timestamp() * 1000 - read_at < OLDEST_SECONDS * 1000:
        return True
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    evening = midnight - timedelta(seconds=evening_seconds)
    return now >= evening and read_at < evening.timestamp() * 1000


async def keep_figures(feed: Feed, purses: Callable[[], Iterable[Purse]]) -> None:
    """Read them for ever, once a day; ``purses`` tells which accounts may be asked for now: none while a player is waited on."""
    evening_seconds, rounds = random.uniform(*EVENING_SECONDS), _Rounds(feed)
    await asyncio.sleep(FIRST_SECONDS * random.uniform(1.0, 1.5))
    while True:
        try:
            for purse in purses():
                await rounds.read(purse, evening_seconds)
        except Exception:
            # The top of the loop, which runs beside the guard: no fault in the history ends that.
            log.exception("history: what was earned was not read by a fault of the gate's own; goes on")
        await asyncio.sleep(LOOK_SECONDS * random.uniform(0.75, 1.25))


class _Rounds:
    """What is remembered between two looks."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._accounts: WeakKeyDictionary[DrovaClient, UUID] = WeakKeyDictionary()
        """By client: an account is asked for its id once."""
        self._not_before: WeakKeyDictionary[DrovaClient, float] = WeakKeyDictionary()

    async def read(self, purse: Purse, evening_seconds: float) -> None:
        """Read one account's figures, if they are due."""
        known, who = self._feed.usage_at, purse.client
        if known is None or self._feed.fault:
            return  # what cannot be kept need not be asked for
        if self._not_before.get(who, 0.0) > time.monotonic():
            return
        account = self._accounts.get(who)
        # Naive: a day is the owner's own, as his clock and the reports count it.
        if account in known and not figures_due(known[account], datetime.now(), evening_seconds):  # noqa: DTZ005
            return
        self._not_before[who] = time.monotonic() + AGAIN_SECONDS
        try:
            if account is None:
                await _turn(purse)
                account = self._accounts[who] = (await purse.client.account()).uuid
                self._not_before[who] = 0.0  # whether its figures are due is known now
                return
            await _turn(purse)
            at = int(time.time() * 1000)
            usage = await purse.client.usage()
        except GateError as error:
            if isinstance(error, CloudThrottled):
                self._not_before[who] += error.retry_after
            log.debug("history: what was earned was not read: %s", error)
            return
        self._feed.read_figures(account, usage.model_dump(mode="json", by_alias=True), at)


async def _turn(purse: Purse) -> None:
    while wait := purse.turn(Urgency.REST):  # noqa: ASYNC110 - a slot in the budget has a time, not an event
        await asyncio.sleep(wait)
