"""What the guard sees anyway, kept: taken without waiting, written by a thread of its own. Whatever becomes of the disk, the guard goes on."""

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from drova_gate.archive.files import is_damage, set_aside
from drova_gate.archive.readings import Figures, Listing
from drova_gate.archive.store import Archive
from drova_gate.cloud.catalogue_copy import CatalogueCopy, Heading
from drova_gate.errors import CallOwner

if TYPE_CHECKING:
    from drova_gate.cloud.models import Session

__all__ = ["Feed"]

log = logging.getLogger(__name__)

WRITE_SECONDS = 30.0
"""Between two writes: a session changes four times in its life, and each write costs a router's flash a few pages."""
TRY_AGAIN_SECONDS = 60.0
"""After a disk that refused."""
WAITING_MOST = 200
"""Lists that wait for the disk, each of what has changed; later ones are left out and read again from the API another time."""
CLOSE_SECONDS = 0.3
"""For what waits to reach the disk when the process ends."""


class Feed:
    """Takes what is seen of sessions; ``open`` starts the thread, ``close`` writes what is left and ends it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        """Why nothing is written now; empty: it is."""
        self.listed: dict[UUID, tuple[int | None, int]] | None = None
        """As :meth:`Archive.listed` says, after the last write; ``None``: the archive could not be looked at yet."""
        self.usage_at: dict[UUID, int] | None = None
        """As :meth:`Archive.usage_at` says, after the last write; ``None``: the archive could not be looked at yet."""
        self._seen: dict[UUID, tuple[Session, ...]] = {}
        self._queue: queue.Queue[Listing | Figures | None] = queue.Queue(WAITING_MOST)
        self._thread = threading.Thread(target=self._work, name="history", daemon=True)
        self._archive: Archive | None = None
        self._looked: tuple[Heading | None, frozenset[UUID]] | None = None

    def open(self) -> None:
        """Start writing."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, within a moment, and end."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(None)
            self._thread.join(CLOSE_SECONDS)

    def saw(self, gate_name: str, server: UUID, sessions: "tuple[Session, ...]") -> None:
        """Take a station's newest sessions, as the guard has just read them; what it says again costs next to nothing."""
        # Also when nothing has changed: the guard keeps this tuple anyway, and an equal one of ours would be a second copy in memory.
        if self._seen.get(server) == sessions or self._put(server, sessions, 0, gate_name):
            self._seen[server] = sessions

    def read_whole(self, gate_name: str, server: UUID, sessions: "tuple[Session, ...]", asked: int) -> None:
        """Take a station's whole list."""
        self._put(server, sessions, asked, gate_name)

    def read_figures(self, account: UUID, answer: Mapping[str, Any], at: int) -> None:
        """Take what Drova says the account has earned."""
        self._queued(Figures(account, answer, at))

    def _put(self, server: UUID, sessions: "tuple[Session, ...]", asked: int, gate_name: str) -> bool:
        return self._queued(Listing(server, sessions, asked, int(time.time() * 1000), gate_name))

    def _queued(self, reading: Listing | Figures) -> bool:
        try:
            self._queue.put_nowait(reading)
        except queue.Full:
            return False
        return True

    # -- the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        ended, waiting, due = False, list[Listing | Figures](), 0.0
        while True:
            # What comes after a quiet time is written at once.
            due = time.monotonic() + (WRITE_SECONDS if waiting else 0.0)
            try:
                self._write(waiting)
            except (sqlite3.Error, OSError, CallOwner) as error:
                self._refused(error)
                due = time.monotonic() + TRY_AGAIN_SECONDS
            except Exception:
                # The top of the thread's loop: it ends no earlier than the guard.
                log.exception("history: %d lists were not kept by a fault of the gate's own; goes on", len(waiting))
                waiting.clear()
            else:
                waiting.clear()
                self._wrote()
            if ended:
                break
            ended = self._gather(waiting, due)
        if self._archive is not None:
            with contextlib.suppress(sqlite3.Error):
                self._archive.close()

    def _gather(self, waiting: list[Listing | Figures], due: float) -> bool:
        """Take what comes until the next write is due, and there is something to be written; ``True``: the feed is being closed."""
        while (left := due - time.monotonic()) > 0 or not (waiting or self.fault):
            try:
                reading = self._queue.get(timeout=left if waiting or self.fault else None)
            except queue.Empty:
                break
            if reading is None:
                return True
            if isinstance(reading, Listing) and reading.asked and not self.fault:
                due = 0.0  # a thousand rows are not held in memory for long
            if len(waiting) < WAITING_MOST:
                waiting.append(reading)
            else:
                self._seen.clear()  # what is left out now is taken again with the next readings
        return False

    def _write(self, waiting: Sequence[Listing | Figures]) -> None:
        if self._archive is None:
            self._archive = Archive(self.path)
        self._archive.keep([one for one in waiting if isinstance(one, Listing)])
        for one in waiting:
            if isinstance(one, Figures):
                self._archive.keep_usage(one.account, one.answer, one.at)
        self._title(self._archive)
        self.listed, self.usage_at = self._archive.listed(), self._archive.usage_at()

    def _title(self, archive: Archive) -> None:
        """Take titles of games from the catalogue's copy, if there are games without one or it is another copy."""
        copy, untitled = CatalogueCopy(self.path.parent), archive.untitled()
        looked = (copy.heading(), frozenset(untitled))
        if untitled and looked != self._looked:
            self._looked = looked
            games = copy.games()
            archive.title({one: title for one in untitled if (title := games.title(one))})

    def _refused(self, error: Exception) -> None:
        if self._archive is not None:
            with contextlib.suppress(sqlite3.Error):
                self._archive.close()
            self._archive = None
        if not self.fault and not is_damage(error):
            log.error("history %s: cannot be written (%s); the guard goes on without it", self.path, error)
        if is_damage(error):
            try:
                set_aside(self.path, error)
            except OSError as trouble:
                log.error("history %s: cannot be set aside (%s)", self.path, trouble.strerror)
        self.fault = str(error)

    def _wrote(self) -> None:
        if self.fault:
            log.info("history: written again")
        self.fault = ""
