"""Writing the archive: batches of readings, merged with what is there; each batch is stored whole or not at all."""

import json
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from drova_gate.archive.coverage import LIST_MOST, Stretch, holes, joined, stretch_of
from drova_gate.archive.files import CACHE_KIB, open_for_writing
from drova_gate.archive.merge import Entry, Values, entry_of, merged
from drova_gate.archive.readings import Listing, reading_of

__all__ = ["Archive", "Kept"]

_PLAIN = ("created", "finished", "billing", "address", "comment", "score", "reason", "review")
_IDS = {"station": "stations", "product": "products", "player": "players", "merchant": "merchants"}
"""Fields that are ids, and the tables that hold each of them once."""
_COLUMNS = ("uuid", *_IDS, *_PLAIN, "status", "extra", "first_at", "past")
_ASKED_AT_ONCE = 500
"""Ids in one question; SQLite's own bound was 999 once."""
_WRITE = (
    f"INSERT INTO sessions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608 - names of ours
    f"ON CONFLICT (uuid) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
_READ = f"SELECT {', '.join(_COLUMNS)} FROM sessions WHERE uuid IN "  # noqa: S608 - names of ours
_TOLD = len(_COLUMNS) - 2
"""Columns that tell of the session; the last two tell when it was read."""


@dataclass(slots=True)
class Kept:
    """What became of readings."""

    new: int = 0
    changed: int = 0
    same: int = 0

    def add(self, other: "Kept") -> None:
        """Count another's too."""
        self.new, self.changed, self.same = self.new + other.new, self.changed + other.changed, self.same + other.same


class Archive:
    """The archive, open to be written; calls come one after the other. ``close`` at the end.

    Every method may raise ``sqlite3.Error`` (the disk refuses, another writer holds it): nothing is half written then.
    """

    def __init__(self, path: Path, *, cache_kib: int = CACHE_KIB) -> None:
        self.path = path
        self._base = open_for_writing(path, cache_kib)
        self._in_use = threading.Lock()
        self._ids: dict[str, dict[bytes, int]] = {table: {} for table in _IDS.values()}

    def close(self) -> None:
        """Close the file; what was stored is stored, and what is being stored is waited for."""
        with self._in_use:
            self._base.close()

    # -- sessions ----------------------------------------------------------------------------------------------------

    def keep(self, listings: Iterable[Listing]) -> Kept:
        """Store lists of sessions, in one go."""
        kept = Kept()
        with self._together():
            for listing in listings:
                kept.add(self._keep(listing))
        return kept

    def _keep(self, listing: Listing) -> Kept:
        kept, rows = Kept(), list[tuple[Any, ...]]()
        station = self._station(listing)
        found = self._rows([one.uuid.bytes for one in listing.sessions])
        created = [one.created_on for one in listing.sessions]
        stretch = stretch_of(created, asked=listing.asked, older_known=self._older_known(station, created))
        for session in listing.sessions:
            reading = reading_of(session, listing.at)
            row = self._row(reading.uuid, reading.status, reading.at, reading.fields, {})
            old = found.get(reading.uuid)
            if old is None:
                kept.new += 1
            elif old[-1] is None and old[-2] <= reading.at and old[:_TOLD] == row[:_TOLD]:
                kept.same += 1  # the usual case, told without taking the row apart
                continue
            else:
                before = self._entry(old)
                entry = merged(before, entry_of(reading))
                if entry == before:
                    kept.same += 1
                    continue
                now = {name: entry.now(name) for name in entry.known}
                row = self._row(entry.uuid, entry.status, entry.first_at, now, entry.past)
                kept.changed += 1
            found[reading.uuid] = row
            rows.append(row)
        self._base.executemany(_WRITE, rows)
        if stretch is not None:
            self._cover(station, stretch)
        return kept

    def _station(self, listing: Listing) -> int:
        """The station's number; what else the list says of it is kept."""
        number = self._id("stations", listing.server.bytes)
        if listing.gate_name is not None:
            self._base.execute(
                "UPDATE stations SET gate_name = ? WHERE id = ? AND gate_name IS NOT ?",
                (listing.gate_name, number, listing.gate_name),
            )
        if listing.asked >= LIST_MOST:
            self._base.execute(
                "UPDATE stations SET full_at = ? WHERE id = ? AND coalesce(full_at, 0) < ?",
                (listing.at, number, listing.at),
            )
        return number

    def _rows(self, uuids: Sequence[bytes]) -> dict[bytes, tuple[Any, ...]]:
        """What is stored of these sessions, row by row."""
        found: dict[bytes, tuple[Any, ...]] = {}
        for start in range(0, len(uuids), _ASKED_AT_ONCE):
            part = uuids[start : start + _ASKED_AT_ONCE]
            for row in self._base.execute(f"{_READ} ({', '.join('?' * len(part))})", part):
                found[row[0]] = row
        return found

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        """Take a row apart: all that was ever read of its session."""
        values = dict(zip(_COLUMNS, row, strict=True))
        first_at = values["first_at"]
        now = {name: values[name] for name in _PLAIN if values[name] is not None}
        now |= {name: self._uuid(table, values[name]) for name, table in _IDS.items() if values[name] is not None}
        if values["extra"]:
            now |= {f"+{name}": value for name, value in json.loads(values["extra"]).items()}
        known: dict[str, Values] = {name: ((first_at, value),) for name, value in now.items()}
        if values["past"]:
            for name, past in json.loads(values["past"]).items():
                known[name] = tuple((at, bytes.fromhex(value) if name in _IDS else value) for at, value in past)
        return Entry(values["uuid"], first_at, values["status"], known)

    def _uuid(self, table: str, number: int) -> bytes:
        found = self._base.execute(f"SELECT uuid FROM {table} WHERE id = ?", (number,)).fetchone()  # noqa: S608 - a name of ours
        return bytes(found[0])

    def _row(
        self, uuid: bytes, status: str, first_at: int, now: Mapping[str, Any], past: Mapping[str, list[list[Any]]]
    ) -> tuple[Any, ...]:
        ids = [None if (value := now.get(name)) is None else self._id(table, value) for name, table in _IDS.items()]
        extra = {name[1:]: value for name, value in now.items() if name[0] == "+"}
        told = {name: values if name not in _IDS else _shown(values) for name, values in past.items()}
        return (
            uuid,
            *ids,
            *map(now.get, _PLAIN),
            status,
            json.dumps(extra, sort_keys=True) if extra else None,
            first_at,
            json.dumps(told, sort_keys=True) if told else None,
        )

    def _id(self, table: str, uuid: bytes) -> int:
        known = self._ids[table]
        if uuid not in known:
            row = self._base.execute(f"SELECT id FROM {table} WHERE uuid = ?", (uuid,)).fetchone()  # noqa: S608 - a name of ours
            if row is None:
                row = (self._base.execute(f"INSERT INTO {table} (uuid) VALUES (?)", (uuid,)).lastrowid,)  # noqa: S608 - see above
            known[uuid] = int(row[0])
        return known[uuid]

    # -- what is whole -----------------------------------------------------------------------------------------------

    def _older_known(self, station: int, created: Sequence[int]) -> bool:
        """Whether a session is archived that a list leaves out though it is older than all of its rows."""
        oldest = min(created, default=2**62)
        row = self._base.execute(
            "SELECT 1 FROM sessions WHERE created < ? AND station = ? LIMIT 1", (oldest, station)
        ).fetchone()
        return row is not None

    def _cover(self, station: int, stretch: Stretch) -> None:
        before = self._stretches(station)
        after = joined([*before, stretch])
        if after != before:
            self._base.execute("DELETE FROM stretches WHERE station = ?", (station,))
            self._base.executemany(
                "INSERT INTO stretches VALUES (?, ?, ?)", [(station, one.after, one.until) for one in after]
            )

    def _stretches(self, station: int) -> tuple[Stretch, ...]:
        rows = self._base.execute("SELECT after, until FROM stretches WHERE station = ? ORDER BY after", (station,))
        return tuple(Stretch(*row) for row in rows)

    def listed(self) -> dict[UUID, tuple[int | None, int]]:
        """By station: when its whole list was read last, and when the newest hole ends (0: there is none)."""
        found: dict[UUID, tuple[int | None, int]] = {}
        for number, uuid, full_at in self._base.execute("SELECT id, uuid, full_at FROM stations").fetchall():
            ends = [until for _, until in holes(self._stretches(number))]
            found[UUID(bytes=uuid)] = (full_at, max(ends, default=0))
        return found

    # -- what belongs to sessions ------------------------------------------------------------------------------------

    def name_stations(self, names: Mapping[UUID, str]) -> None:
        """Keep what stations are called at Drova."""
        with self._together():
            for server, name in names.items():
                self._base.execute(
                    "UPDATE stations SET name = ? WHERE id = ? AND name IS NOT ?",
                    (name, self._id("stations", server.bytes), name),
                )

    def untitled(self) -> set[UUID]:
        """Games whose title is not known."""
        rows = self._base.execute("SELECT uuid FROM products WHERE title IS NULL")
        return {UUID(bytes=row[0]) for row in rows.fetchall()}

    def title(self, titles: Mapping[UUID, str]) -> None:
        """Keep titles of games, of those that were played."""
        with self._together():
            self._base.executemany(
                "UPDATE products SET title = ? WHERE uuid = ? AND title IS NOT ?",
                [(title, product.bytes, title) for product, title in titles.items()],
            )

    def keep_usage(self, account: UUID, answer: Mapping[str, Any], at: int) -> bool:
        """Keep an answer of the usage statistics, unless it says what the last one said; whether it was new."""
        packed = zlib.compress(json.dumps(answer, sort_keys=True).encode())
        with self._together():
            last = self._base.execute(
                "SELECT at, answer FROM usage WHERE account = ? ORDER BY at DESC LIMIT 1", (account.bytes,)
            ).fetchone()
            # The same figures on another day, as its owner counts days, are another day's figures.
            if last is not None and last[1] == packed and _day(last[0]) == _day(at):
                self._base.execute("UPDATE usage SET at = ? WHERE account = ? AND at = ?", (at, account.bytes, last[0]))
                return False
            self._base.execute("INSERT INTO usage (at, account, answer) VALUES (?, ?, ?)", (at, account.bytes, packed))
            return True

    def usage_at(self) -> dict[UUID, int]:
        """By account: when its usage statistics were read last."""
        rows = self._base.execute("SELECT account, max(at) FROM usage GROUP BY account").fetchall()
        return {UUID(bytes=account): int(at) for account, at in rows}

    # -- notes of the archive's own ----------------------------------------------------------------------------------

    def note(self, name: str) -> Any:
        """Read a note; ``None``: there is none."""
        row = self._base.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def write_note(self, name: str, value: float | str | None) -> None:
        """Keep a note."""
        with self._together():
            self._base.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    @contextmanager
    def _together(self) -> Iterator[None]:
        """All of it or nothing. The lock is taken at once: a reader that becomes a writer may be refused in the middle."""
        with self._in_use:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                for known in self._ids.values():
                    known.clear()  # ids that were given in what is now undone
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise


def _day(at: int) -> date:
    return datetime.fromtimestamp(at / 1000).astimezone().date()


def _shown(values: list[list[Any]]) -> list[list[Any]]:
    return [[at, value.hex()] for at, value in values]
