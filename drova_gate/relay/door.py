"""The door: where the relay asks whether a player may come in, and the controller answers."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from drova_gate.core.model import RelayFacts, Verdict

__all__ = ["Door", "Visitor"]

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Visitor:
    """One client connection at a station's door; two visitors are never equal."""

    host: str
    """The client's address; an IPv4 client of an IPv6 socket shows as IPv4."""
    port: int
    opened_at: float
    """When the connection was accepted, ``time.monotonic()``."""

    @property
    def address(self) -> str:
        """The whole address, for whoever asks for it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Name the visitor for a log line; a player's whole address is nobody's business there."""
        if ":" in self.host:
            return f"[{':'.join(self.host.split(':')[:2])}:*]:{self.port}"
        return f"{'.'.join(self.host.split('.')[:2])}.*.*:{self.port}"


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Someone whose ready byte was seen and who waits for the verdict."""

    since: float
    verdict: asyncio.Future[Verdict]


def _nobody_to_wake() -> None:
    """Stand in until a controller has come."""


class Door:
    """The meeting point of one station's relay and its controller.

    The relay calls ``opened``, ``knock`` and ``closed``; the controller calls ``facts`` and ``answer`` and sets ``stir``,
    which is called when a connection opens, a ready byte was seen or a connection closes. All in one event loop.
    """

    def __init__(self, name: str, *, hold_seconds: float, unprotected: Verdict = Verdict.REFUSE) -> None:
        self.name = name
        """The station, for log lines."""
        self.hold_seconds = hold_seconds
        """How long a player is held at most; 0: never held."""
        self.unprotected = unprotected
        """The verdict when no answer came in time."""
        self.stir: Callable[[], None] = _nobody_to_wake
        """Wakes the controller; must not block and must not raise."""
        self._open: set[Visitor] = set()
        self._admitted: set[Visitor] = set()
        self._quiet_since = time.monotonic()
        self._waiting: dict[Visitor, _Waiting] = {}

    @property
    def holds(self) -> bool:
        """Whether players are held at all."""
        return self.hold_seconds > 0

    # -- the relay's side ------------------------------------------------------------------------------------------------

    def opened(self, visitor: Visitor) -> None:
        """A client connected."""
        self._open.add(visitor)
        self.stir()

    def closed(self, visitor: Visitor) -> None:
        """A client's connection ended; harmless when said twice."""
        if visitor in self._open:
            self._open.discard(visitor)
            if visitor in self._admitted:
                self._admitted.discard(visitor)
                self._quiet_since = time.monotonic()
            self.stir()

    async def knock(self, visitor: Visitor) -> Verdict:
        """Say that the ready byte was seen, wait for the verdict.

        Returns within ``hold_seconds``, with ``unprotected`` when no answer came. Cancelling it (the client is gone) ends
        the wait: nobody who stopped waiting stays counted.
        """
        verdict = await self._verdict(visitor)
        if verdict is Verdict.ADMIT and visitor in self._open:
            self._admitted.add(visitor)
        return verdict

    async def _verdict(self, visitor: Visitor) -> Verdict:
        if not self.holds:
            self.stir()
            return Verdict.ADMIT
        waiting = _Waiting(time.monotonic(), asyncio.get_running_loop().create_future())
        self._waiting[visitor] = waiting
        try:
            self.stir()
            async with asyncio.timeout(self.hold_seconds):
                return await waiting.verdict
        except TimeoutError:
            self._say_too_late(visitor)
            return self.unprotected
        finally:
            del self._waiting[visitor]

    def _say_too_late(self, visitor: Visitor) -> None:
        """Tell the owner loudly what became of a player for whom nothing was confirmed in time."""
        if self.unprotected is Verdict.ADMIT:
            logger.warning(
                "station %s: not confirmed as prepared %g s after the ready byte, player %s is ADMITTED UNPROTECTED; "
                "the lines before this one say why; DROVA_UNPROTECTED=refuse would keep him out",
                self.name,
                self.hold_seconds,
                visitor,
            )
        else:
            logger.warning(
                "station %s: not confirmed as prepared %g s after the ready byte, player %s is refused; "
                "the lines before this one say why (DROVA_HOLD_SECONDS is the most that a player is held)",
                self.name,
                self.hold_seconds,
                visitor,
            )

    # -- the controller's side -------------------------------------------------------------------------------------------

    def facts(self, now: float) -> RelayFacts:
        """Who is at the door; ``now`` is ``time.monotonic()``. Whose wait has run out by then is no longer counted."""
        times = [
            waiting.since
            for waiting in self._waiting.values()
            if not waiting.verdict.done() and now - waiting.since < self.hold_seconds
        ]
        return RelayFacts(
            held=len(times),
            oldest_at=min(times, default=None),
            newest_at=max(times, default=None),
            live=len(self._open),
            quiet_since=None if self._admitted else self._quiet_since,
        )

    def answer(self, verdict: Verdict, why: str, *, knocked_by: float = math.inf) -> None:
        """Give everyone who waits now, and waited at ``knocked_by``, this verdict; whoever knocks later waits for the next answer."""
        for visitor, waiting in self._waiting.items():
            if waiting.verdict.done() or waiting.since > knocked_by:
                continue
            waiting.verdict.set_result(verdict)
            logger.info(
                "station %s: player %s %s after %.3f s; %s",
                self.name,
                visitor,
                "admitted" if verdict is Verdict.ADMIT else "refused",
                time.monotonic() - waiting.since,
                why,
            )
