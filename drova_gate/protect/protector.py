"""What any protector offers: script fragments to send, and readers for what comes back.

A protector never talks to the station itself: the caller puts its fragments into one command together with others,
because every command costs the station 0.1 s.
"""

from dataclasses import dataclass
from typing import Protocol

from drova_gate.errors import GateError
from drova_gate.host.commands import Script

__all__ = ["Protection", "Protector"]


@dataclass(frozen=True, slots=True)
class Protection:
    """What the protector's own list says; an exit code never does."""

    shadowed: frozenset[str] | None
    """Upper-case volume letters whose writes are forgotten; ``None``: the list was not seen."""
    before: frozenset[str] | None = None
    """After ``enter``: the list as it was before it, so that the owner's own Shadow Mode is told from ours."""
    fault: GateError | None = None
    """Why the list is not known or not whole."""


class Protector(Protocol):
    """One way to make a station's disk forget."""

    name: str
    forgets: bool
    """``False``: nothing is rolled back (``DROVA_PROTECTOR=none``)."""

    def status(self) -> Script:
        """Ask which volumes are protected; changes nothing."""

    def enter(self, volumes: frozenset[str]) -> Script:
        """List, enter now, schedule the way out for the next boot, list again."""

    def leave(self, volumes: frozenset[str]) -> Script:
        """Schedule the way out for the next boot; the reboot itself is the caller's."""

    def read_status(self, sections: dict[str, str]) -> Protection:
        """Read what ``status`` printed."""

    def read_enter(self, sections: dict[str, str], volumes: frozenset[str]) -> Protection:
        """Read what ``enter`` printed; a volume of ``volumes`` that is not in the last list is a fault."""
