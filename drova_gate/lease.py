"""The owner's order to keep hands off a station: one file ``maintenance`` in its folder of the state directory.

JSON is a lease, as ``drova_gate maintenance`` writes it; any other text is a note, written by hand. A file that is there and cannot be read
is a note too: somebody wanted the hands off.
"""

import json
import logging
from pathlib import Path
from typing import Any, TypeGuard

from drova_gate.columns import printable
from drova_gate.core.model import Lease
from drova_gate.files import write_whole

__all__ = ["LEAST_WALL", "LeaseFile"]

log = logging.getLogger(__name__)

LEAST_WALL = 1_767_225_600
"""2026-01-01: an earlier time is that of a clock that has not been set."""
MOST_WALL = 32_503_680_000
"""The year 3000: what a date can be made of, in every time zone."""
MOST_BYTES = 16 * 1024
"""Of a file that somebody wrote by hand."""
WHY_MOST = 300
"""Characters of a reason: it stands in a line of the status."""


class LeaseFile:
    """One station's order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._done: Lease | None = None
        """Ended, and its file could not be taken away."""
        self._said = ""

    def load(self) -> Lease | None:
        """Read the order; ``None``: there is none."""
        try:
            with self.path.open("rb") as file:
                text = file.read(MOST_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            self._done, self._said = None, ""
            return None
        except OSError as error:
            if self._said != str(error):
                log.error("%s: cannot be read (%s); taken as an order to keep hands off", self.path, error.strerror)
            self._said = str(error)
            return Lease("by the owner")
        lease = _read(text)
        return None if lease == self._done else lease

    def save(self, lease: Lease) -> None:
        """Write a lease, whole or not at all; ``OSError`` if the folder cannot be written."""
        write_whole(self.path, json.dumps(_written(lease), ensure_ascii=False, indent=1).encode() + b"\n")

    def end(self, lease: Lease) -> None:
        """Take this order away; another one that the owner has given meanwhile stays. ``OSError``: it counts as taken away all the same."""
        if self.load() == lease:
            self._done = lease
            self.path.unlink(missing_ok=True)
            self._done = None

    def stamp(self) -> tuple[int, int, int] | None:
        """What changes whenever the file does."""
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _written(lease: Lease) -> dict[str, Any]:
    """The layout of the file."""
    return {
        "why": lease.why,
        "by": lease.by,
        "since": lease.since_wall,
        "until": lease.until_wall,
        "show_again": lease.hidden,
        "ended": lease.ended,
    }


def _read(text: str) -> Lease:
    """A lease, or a note; what is half a lease is a note, for its text still says why."""
    note = Lease(_line(text) or "by the owner")
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        return note
    if not isinstance(stored, dict):
        return note
    since, until, hidden = stored.get("since"), stored.get("until"), stored.get("show_again")
    if not _is_wall(since) or not (until is None or _is_wall(until)):
        return note
    return Lease(
        why=_line(str(stored.get("why", ""))) or "by the owner",
        hides=True,
        by=_line(str(stored.get("by", ""))),
        since_wall=since,
        until_wall=until,
        hidden=hidden if isinstance(hidden, bool) else None,
        ended=stored.get("ended") is True,
    )


def _line(text: str) -> str:
    """One printable line."""
    return " ".join(printable(text, " ").split())[:WHY_MOST]


def _is_wall(value: object) -> TypeGuard[int]:
    # JSON's true is an int to Python.
    return type(value) is int and 0 <= value <= MOST_WALL
