"""What has been on one station lately: kept for the status, in memory only."""

import time
from dataclasses import dataclass, field

from drova_gate.core.model import Phase

__all__ = ["LastReset", "Past"]


@dataclass(frozen=True, slots=True)
class LastReset:
    """A reset; times are seconds since 1970."""

    sent_at: float
    proved_at: float | None = None
    """``None``: not proved yet."""

    @property
    def seconds(self) -> float | None:
        """From the order to the proof."""
        return None if self.proved_at is None else max(0.0, self.proved_at - self.sent_at)


@dataclass(slots=True)
class Past:
    """Follows a station's happenings."""

    phase_since: float = field(default_factory=time.time)
    last_reset: LastReset | None = None
    last_alarm: str = ""
    last_alarm_at: float = 0.0
    proved_now: bool = False
    """The last happening was a reset's proof."""

    def note(self, kind: str, text: str, phase: Phase) -> None:
        """Take one happening in."""
        now, last = time.time(), self.last_reset
        self.proved_now = kind == "phase" and phase is Phase.CLEAN and last is not None and last.proved_at is None
        if kind == "phase":
            self.phase_since = now
            if self.proved_now and last is not None:
                self.last_reset = LastReset(last.sent_at, now)
        elif kind == "reset":
            # A second try belongs to the same reset: its time counts from the first order.
            if last is None or last.proved_at is not None:
                self.last_reset = LastReset(now)
        elif kind == "alarm":
            self.last_alarm, self.last_alarm_at = text, now
