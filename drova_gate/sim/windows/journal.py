"""The station's diary: every mutation, and whether Shadow Mode would forget it."""

import time
from collections.abc import Callable
from typing import Self

from drova_gate.sim.plan import Entry

__all__ = ["Journal"]


class Journal:
    """Writes entries into the list that the station's owner reads."""

    def __init__(self, entries: list[Entry], shadowed: Callable[[str], bool]) -> None:
        self._entries = entries
        self._shadowed = shadowed
        self._muted = 0
        self.watchers: list[Callable[[Entry], None]] = []
        """Told each entry as it is written."""

    def record(self, kind: str, subject: str, *, volume: str = "C") -> None:
        """Write one entry; while muted (Windows itself at work) nothing is written."""
        if self._muted:
            return
        entry = Entry(time.monotonic(), kind, subject, self._shadowed(volume))
        self._entries.append(entry)
        for watcher in self.watchers:
            watcher(entry)

    def __enter__(self) -> Self:
        """Mute: what follows is done by Windows, not by a caller."""
        self._muted += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._muted -= 1
