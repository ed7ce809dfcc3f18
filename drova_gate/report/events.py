"""The record of what happened: append-only, in SQLite, written by a thread of its own; whatever becomes of it, the guard goes on."""

import contextlib
import json
import logging
import queue
import sqlite3
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from drova_gate.controller import Controller, Happening
from drova_gate.core.model import StepResult
from drova_gate.files import make_folder
from drova_gate.report.past import Past

__all__ = ["Event", "EventStore", "alarm_of", "event_of"]

log = logging.getLogger(__name__)

WAITING_MOST = 2000
"""Events that wait for the disk; later ones are counted and lost. A rental makes about ten."""
BATCH_MOST = 200
SIZE_MOST = 64 * 1024 * 1024
"""Bytes; a rental takes about 2 KiB, so this is thirty thousand of them. Beyond it the oldest go."""
PAGE = 4096
PRUNE_SECONDS = 6 * 3600.0
TRY_AGAIN_SECONDS = 30.0
"""After a disk that refused."""
CLOSE_SECONDS = 0.5
"""For the last events to reach the disk when the process ends."""
VERSION = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, station TEXT NOT NULL, session TEXT, kind TEXT NOT NULL,
    phase TEXT NOT NULL, text TEXT NOT NULL, seconds REAL, steps BLOB
);
CREATE INDEX IF NOT EXISTS events_at ON events (at);
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the record."""

    at: float
    """Seconds since 1970."""
    station: str
    session: str | None
    kind: str
    """A :class:`Happening`'s kind."""
    phase: str
    text: str
    seconds: float | None = None
    """How long it took, where it is something that takes time."""
    steps: tuple[tuple[str, str, str, bool], ...] = ()
    """Of a preparation: name, outcome, reason, whether it is a must."""


def event_of(station: str, controller: Controller, past: Past, happening: Happening) -> Event:
    """Make the record's line of a happening; a proof takes the time since the reset was sent."""
    report, seconds = happening.report, None
    session = controller.record.session or _live(controller)
    if report is not None:
        session, seconds = report.session, report.seconds
    elif past.proved_now and past.last_reset is not None:
        seconds = past.last_reset.seconds
    return Event(
        at=time.time(),
        station=station,
        session=None if session is None else str(session),
        kind=happening.kind,
        phase=happening.phase.value,
        text=happening.text,
        seconds=seconds,
        steps=() if report is None else tuple(_plain(step) for step in report.steps),
    )


def _live(controller: Controller) -> UUID | None:
    """The session that goes on, before it is the guarded one."""
    return next((one.uuid for one in controller.observer.sessions if one.status not in ("FINISHED", "ABORTED")), None)


def alarm_of(station: str, text: str) -> Event:
    """Make the record's line of an alarm that no controller has raised."""
    return Event(time.time(), station, None, "alarm", "", text)


def _plain(step: StepResult) -> tuple[str, str, str, bool]:
    return step.name, step.outcome.value, step.reason, step.must


class EventStore:
    """Takes events at any rate without waiting; ``open`` starts the thread, ``close`` writes what is left and ends it."""

    def __init__(self, path: Path, *, days: float) -> None:
        self.path, self.days = path, days
        self.fault = ""
        """Why nothing is written now; empty: it is."""
        self.lost = 0
        self._queue: queue.Queue[Event | None] = queue.Queue(WAITING_MOST)
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)
        self._base: sqlite3.Connection | None = None
        self._prune_at = 0.0

    def open(self) -> None:
        """Start writing."""
        self._thread.start()

    def add(self, event: Event) -> None:
        """Take one event; it is written soon."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write what waits, within a second, and end."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(None)
            self._thread.join(CLOSE_SECONDS)

    # -- the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        ended, batch, retry_at = False, list[Event](), 0.0
        while not ended:
            ended = self._fill(batch, max(0.0, retry_at - time.monotonic()) if retry_at else None)
            if not batch or (time.monotonic() < retry_at and not ended):
                continue
            try:
                self._write(batch)
            except (sqlite3.Error, OSError) as error:
                retry_at = time.monotonic() + TRY_AGAIN_SECONDS
                self._refused(error)
            else:
                batch.clear()
                retry_at = 0.0
                self._wrote()
        if self._base is not None:
            with contextlib.suppress(sqlite3.Error):
                self._base.close()

    def _fill(self, batch: list[Event], patience: float | None) -> bool:
        """Wait for events and take them; ``True``: the store is being closed."""
        try:
            event = self._queue.get(timeout=patience)
            while True:
                if event is None:
                    return True
                if len(batch) >= WAITING_MOST:
                    self.lost += 1  # the disk refuses, and this has gone on for long
                else:
                    batch.append(event)
                if len(batch) >= BATCH_MOST and patience is None:
                    return False
                event = self._queue.get_nowait()
        except queue.Empty:
            return False

    def _write(self, batch: list[Event]) -> None:
        base = self._opened()
        while True:
            try:
                self._insert(base, batch)
                break
            except sqlite3.OperationalError as error:
                if not self._is_too_large(base):
                    raise
                log.debug("events: %s; the oldest tenth goes", error)
                with base:
                    base.execute(
                        "DELETE FROM events WHERE id <= (SELECT min(id) + (max(id) - min(id)) / 10 FROM events)"
                    )
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_SECONDS
            with base:
                base.execute("DELETE FROM events WHERE at < ?", (time.time() - self.days * 86400,))

    def _insert(self, base: sqlite3.Connection, batch: list[Event]) -> None:
        rows = [
            (one.at, one.station, one.session, one.kind, one.phase, one.text, one.seconds, _packed(one))
            for one in batch
        ]
        with base:
            base.executemany(
                "INSERT INTO events (at, station, session, kind, phase, text, seconds, steps) VALUES (?,?,?,?,?,?,?,?)",
                rows,
            )

    @staticmethod
    def _is_too_large(base: sqlite3.Connection) -> bool:
        """Whether it is our own bound that refuses, and there is something left to delete."""
        used, free = (int(base.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count"))
        return (used - free + BATCH_MOST) * PAGE >= SIZE_MOST

    def _opened(self) -> sqlite3.Connection:
        if self._base is None:
            make_folder(self.path.parent)
            self.path.touch(mode=0o600)
            base = sqlite3.connect(self.path, check_same_thread=False, timeout=5.0)
            try:
                base.execute("PRAGMA journal_mode=WAL")
                # With WAL this loses at most the last events in a power cut, never the file; and spares a router's flash.
                base.execute("PRAGMA synchronous=NORMAL")
                base.execute("PRAGMA cache_size=-256")
                base.execute(f"PRAGMA max_page_count={SIZE_MOST // PAGE}")
                base.executescript(_TABLE)
                base.execute(f"PRAGMA user_version={VERSION}")
            except sqlite3.Error:
                base.close()
                raise
            self._base = base
        return self._base

    def _refused(self, error: Exception) -> None:
        if self._base is not None:
            with contextlib.suppress(sqlite3.Error):
                self._base.close()
            self._base = None
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            self._set_aside(error)
        elif not self.fault:
            log.error(
                "events %s: cannot be written (%s); the guard goes on without the record: free the disk",
                self.path,
                error,
            )
        self.fault = str(error)

    def _set_aside(self, error: Exception) -> None:
        """A damaged file is kept for whoever wants to look, and a new one is begun."""
        aside = f"{self.path.name}.damaged-{int(time.time())}"
        try:
            self.path.replace(self.path.with_name(aside))
            for end in ("-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        except OSError as trouble:
            if not self.fault:
                log.error("events %s: is damaged (%s) and cannot be renamed (%s)", self.path, error, trouble.strerror)
            return
        log.error("events %s: is damaged (%s); set aside as %s, a new one is begun", self.path, error, aside)

    def _wrote(self) -> None:
        if self.fault:
            log.info("events: written again; %d were lost meanwhile", self.lost)
        self.fault, self.lost = "", 0


def _packed(event: Event) -> bytes | None:
    """The steps of a preparation are fifty texts: packed they take a quarter of the room."""
    return zlib.compress(json.dumps(event.steps, ensure_ascii=False).encode()) if event.steps else None
