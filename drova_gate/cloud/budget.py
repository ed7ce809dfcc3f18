"""How many requests a second all stations of one process make together: who goes now, who waits, and for how long. Pure.

A caller that has to wait is told until when and comes back: nothing queues, so nobody who waits is in the way of one who must not.
"""

import math
from collections.abc import Callable
from enum import IntEnum

__all__ = ["Budget", "CommonTurn", "Turn", "Urgency"]

REST_PER_SECOND = 3.0
"""Requests of stations on which nothing goes on, all together: the pace that owners' tools keep without being throttled."""
BUSY_PER_SECOND = 10.0
"""Of stations on which something goes on, all together: the end of a session must be seen soon, on thirty stations at once."""
REST_BURST = 3
"""Requests at rest that may go at once after a quiet time."""
BUSY_BURST = 10
PRESSING_PER_SECOND = 20.0
"""Of stations at whose door players wait: never reached by real players, but a scan of thirty ports must not become a flood of the API."""
PRESSING_BURST = 30
COMMON_SECONDS = 1.0
"""Stations of one merchant ask at the same full seconds, so that one question serves them all."""
COMMON_LATE_SECONDS = 0.15
"""Whoever comes so little after a full second still goes with it."""
BACKLOG_MOST = 10.0
"""Seconds by which other calls may push back those that have to wait: no station may be out of sight for long."""


class Urgency(IntEnum):
    """Who goes first."""

    REST = 0
    """Nothing goes on: the next session may be seen some seconds later."""
    BUSY = 1
    """A session goes on, or its reset: its end, or what the station may do next, is waited for."""
    PRESSING = 2
    """A player waits at the door."""


class Budget:
    """The requests to one address; ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lanes = {
            Urgency.REST: _Lane(REST_PER_SECOND, REST_BURST),
            Urgency.BUSY: _Lane(BUSY_PER_SECOND, BUSY_BURST),
            Urgency.PRESSING: _Lane(PRESSING_PER_SECOND, PRESSING_BURST),
        }
        self._paused_until = float("-inf")
        self._granted = 0

    def book(self, urgency: Urgency) -> float:
        """Book a request: the moment from which it may be sent. Who is more pressing does not wait for what the others have booked."""
        now = self._clock()
        if urgency is Urgency.PRESSING:
            self._lanes[Urgency.BUSY].push(now)
        return self._lanes[urgency].book(now)

    def grant(self) -> None:
        """Note that a booked request may go now."""
        self._granted = min(self._granted + 1, BUSY_BURST)

    def spend(self) -> None:
        """Count a request that is sent; for one that nobody has booked those at rest make way."""
        if self._granted:
            self._granted -= 1
        else:
            self._lanes[Urgency.REST].push(self._clock())

    def pause(self, seconds: float) -> None:
        """Note that the other side asks everyone for patience."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def paused(self) -> float:
        """Seconds for which nobody may ask; 0: anybody may."""
        return max(0.0, self._paused_until - self._clock())


class _Lane:
    """Evenly spaced slots, of which a few may be taken at once after a quiet time."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._spacing = 1 / per_second
        self._slack = (burst - 1) / per_second
        self._next = float("-inf")
        """When the next slot would be if all were taken evenly."""

    def book(self, now: float) -> float:
        due = max(self._next, now - self._slack)
        self._next = due + self._spacing
        return max(now, due)

    def push(self, now: float) -> None:
        self._next = min(max(self._next, now - self._slack) + self._spacing, max(self._next, now + BACKLOG_MOST))


class Turn:
    """One station's turn to ask: ``wait`` books it, and says 0 once it has come."""

    def __init__(self, budget: Budget, clock: Callable[[], float]) -> None:
        self._budget, self._clock = budget, clock
        self._booked: tuple[float, Urgency] | None = None

    def wait(self, urgency: Urgency) -> float:
        """Seconds to wait before asking; 0: now, and the turn is used up."""
        if self._booked is None or urgency > self._booked[1]:
            # A slot that was booked with less urgency stays unused: the next one at rest comes that much later.
            self._booked = (self._budget.book(urgency), urgency)
        left = self._booked[0] - self._clock()
        if left > 0:
            return left
        self._booked = None
        self._budget.grant()
        return 0.0


class CommonTurn:
    """The turn of a station whose question is asked together with others': at full seconds of the clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._booked: float | None = None

    def wait(self, urgency: Urgency) -> float:
        """Seconds to wait before asking; 0: now, and the turn is used up."""
        now = self._clock()
        if self._booked is None:
            self._booked = math.ceil((now - COMMON_LATE_SECONDS) / COMMON_SECONDS) * COMMON_SECONDS
        left = self._booked - now
        if left > 0 and urgency is not Urgency.PRESSING:
            return left
        self._booked = None
        return 0.0
