"""The archive's file: opened, begun, told from one that is damaged or of a later version.

It holds what nobody can read again from the API, so nothing here ever deletes: a damaged file is set aside whole.
"""

import logging
import os
import sqlite3
import time
from pathlib import Path

from drova_gate.errors import CallOwner
from drova_gate.files import give_to_folder, make_folder

__all__ = ["CACHE_KIB", "FILE_NAME", "is_damage", "open_for_reading", "open_for_writing", "set_aside"]

log = logging.getLogger(__name__)

FILE_NAME = "history.sqlite"
VERSION = 1
"""Of the layout, in SQLite's ``user_version``; 0 is an empty file."""
PATIENCE_SECONDS = 10.0
"""For another writer: a batch takes far less than a second."""
CACHE_KIB = 256
"""Of the file in memory; a command that writes a hundred thousand rows at once takes more than the gate."""
READING_KIB = 16 * 1024
_DAMAGED = (11, 26)
"""SQLITE_CORRUPT and SQLITE_NOTADB, without their extended part."""

# Names and ids are kept once: a session is a row of about 90 bytes, and its indexes are small enough for a router's flash and memory.
_TABLES = """
CREATE TABLE stations (id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, name TEXT, gate_name TEXT, full_at INTEGER);
CREATE TABLE products (id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, title TEXT);
CREATE TABLE players (id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE);
CREATE TABLE merchants (id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, station INTEGER NOT NULL, product INTEGER, player INTEGER, merchant INTEGER,
    created INTEGER NOT NULL, finished INTEGER, status TEXT NOT NULL, billing TEXT, address TEXT, comment TEXT,
    score, reason, review TEXT, extra TEXT, first_at INTEGER NOT NULL, past TEXT
);
CREATE INDEX sessions_created ON sessions (created);
CREATE TABLE stretches (station INTEGER NOT NULL, after INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (station, after)) WITHOUT ROWID;
CREATE TABLE usage (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, account BLOB NOT NULL, answer BLOB NOT NULL);
CREATE TABLE notes (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""


def open_for_writing(path: Path, cache_kib: int = CACHE_KIB) -> sqlite3.Connection:
    """Open the archive, begun if there is none; ``sqlite3.Error`` or ``OSError`` if the disk refuses, ``CallOwner`` for a later version."""
    folder = path.parent
    make_folder(folder)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        give_to_folder(path, folder)  # SQLite gives its other files to the archive's owner by itself
    base = sqlite3.connect(path, timeout=PATIENCE_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        _check_version(base, path)
        base.execute("PRAGMA journal_mode=WAL")
        # With WAL a power cut may lose the last batch, never the file, and what it held is still in the API's list.
        base.execute("PRAGMA synchronous=NORMAL")
        base.execute(f"PRAGMA cache_size=-{cache_kib}")
        if _version(base) == 0:
            _begin(base)
    except BaseException:
        base.close()
        raise
    return base


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the archive to read; it works beside a gate that writes, and in a folder that cannot be written. ``sqlite3.Error``, ``CallOwner``."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    base = sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS)
    try:
        try:
            _check_version(base, path)
        except sqlite3.OperationalError:
            if path.with_name(path.name + "-wal").exists():
                raise
            # SQLite wants to make its lock file beside the archive; where it may not, nobody else writes there either.
            base.close()
            base = sqlite3.connect(f"{uri}&immutable=1", uri=True)
            _check_version(base, path)
        _check_begun(base, path)
        base.execute(f"PRAGMA cache_size=-{READING_KIB}")
        base.execute("PRAGMA temp_store=MEMORY")
    except BaseException:
        base.close()
        raise
    return base


def is_damage(error: Exception) -> bool:
    """Whether it is the file that is at fault: not a full disk, nor a fault of this program."""
    return isinstance(error, sqlite3.DatabaseError) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def set_aside(path: Path, error: Exception) -> Path:
    """Keep a damaged file under another name, so that a new one can be begun; ``OSError``."""
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    path.replace(aside)
    for end in ("-wal", "-shm"):
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + end))
    log.error(
        "history %s: is damaged (%s); set aside as %s, a new one is begun. Most of it can be had back: sqlite3 %s .recover",
        path,
        error,
        aside.name,
        aside.name,
    )
    return aside


def _begin(base: sqlite3.Connection) -> None:
    base.execute("BEGIN IMMEDIATE")
    try:
        if _version(base) == 0:  # another may have begun it meanwhile
            for statement in _TABLES.split(";"):
                base.execute(statement)
            base.execute(f"PRAGMA user_version={VERSION}")
        base.execute("COMMIT")
    except BaseException:
        base.execute("ROLLBACK")
        raise


def _version(base: sqlite3.Connection) -> int:
    return int(base.execute("PRAGMA user_version").fetchone()[0])


def _check_version(base: sqlite3.Connection, path: Path) -> None:
    if (found := _version(base)) > VERSION:
        raise CallOwner(
            f"history {path}",
            f"was written by a later drova_gate (version {found}, this one reads up to {VERSION})",
            "install the later one; nothing was changed",
        )


def _check_begun(base: sqlite3.Connection, path: Path) -> None:
    if _version(base) == 0:
        # Its first writer is at it this very moment, or was stopped then.
        raise CallOwner(
            f"history {path}", "nothing is in it yet", "run drova_gate history sync, or try again in a moment"
        )
