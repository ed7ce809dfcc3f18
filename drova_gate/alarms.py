"""Alarms: what the owner must hear, told once, and once more when it comes back after long silence."""

import logging
from collections.abc import Callable

__all__ = ["Alarms"]

log = logging.getLogger(__name__)

AGAIN = 3600.0
"""Seconds for which an alarm must have been silent before it is told again: a fault that flickers is told once, one that returns anew."""


class Alarms:
    """The alarms of one station."""

    def __init__(self, name: str, clock: Callable[[], float], tell: Callable[[str], None]) -> None:
        self._name, self._clock, self._tell = name, clock, tell
        self._told: dict[str, float] = {}

    def sound(self, text: str, *, about: str = "") -> None:
        """Tell an alarm once; ``about`` stands for it where its text differs each time."""
        now, key = self._clock(), about or text
        self._told = {one: at for one, at in self._told.items() if now - at < AGAIN}
        known = key in self._told
        self._told[key] = now
        if not known:
            log.error("%s: %s", self._name, text)
            self._tell(text)

    def forget(self) -> None:
        """What was told is over: it would be news again."""
        self._told.clear()
