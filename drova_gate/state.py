"""What outlives the process: one small file per station, written whole or not at all.

A damaged file is set aside, never a reason to crash and never a reason to reboot a player: the next decision starts from what the
station and the cloud say.
"""

import json
import logging
import os
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from drova_gate.core.model import Phase, Record
from drova_gate.files import give_to_folder, make_folder

__all__ = ["StateFile"]

VERSION = 4
"""Of the file's layout; a file of a later version is set aside rather than misread."""
SINCE_2 = ("failed", "failed_why", "resets")
SINCE_3 = ("empty_since",)
SINCE_4 = ("bared",)
"""What a file of an earlier version does not have: it was never so."""
RELEASE = "release"
"""A file of this name beside the state file is the owner's order to lift a quarantine."""

log = logging.getLogger(__name__)


class StateFile:
    """The state file of one station."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Record:
        """Read the record; a missing file is a first start, a damaged one is set aside and said."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return Record()
        except OSError as error:
            log.error(
                "state file %s: cannot be read (%s); starts from what the station says", self.path, error.strerror
            )
            return Record()
        try:
            return _read(json.loads(raw))
        except (ValueError, RecursionError) as error:
            self._set_aside(str(error))
            return Record()

    def look(self) -> Record | None:
        """Read the record of a gate that may be running, and touch nothing; ``None``: there is none that can be understood. ``OSError``."""
        try:
            return _read(json.loads(self.path.read_bytes()))
        except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
            return None

    def save(self, record: Record) -> None:
        """Write the record so that a power cut leaves the old file or the new one; ``OSError`` if the disk refuses."""
        make_folder(self.path.parent)
        temporary = self.path.with_name(self.path.name + ".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(json.dumps(_written(record), indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        give_to_folder(temporary, self.path.parent)
        temporary.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            # Without this the rename itself may be lost in a power cut.
            os.fsync(directory)
        finally:
            os.close(directory)

    def release_asked(self) -> bool:
        """Whether the owner has ordered that a quarantine be lifted."""
        try:
            return self.path.with_name(RELEASE).exists()
        except OSError:
            # A folder that cannot be looked into is said where the record is read; it must not end the guard.
            return False

    def ask_release(self) -> None:
        """Order it; ``OSError`` if the folder cannot be written."""
        make_folder(self.path.parent)
        order = self.path.with_name(RELEASE)
        order.touch(mode=0o600)
        give_to_folder(order, order.parent)

    def release_done(self) -> None:
        """Take the order away."""
        self.path.with_name(RELEASE).unlink(missing_ok=True)

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged-{int(time.time())}")
        try:
            self.path.replace(aside)
        except OSError as error:
            log.error("state file %s: is damaged (%s) and cannot be renamed (%s)", self.path, why, error.strerror)
            return
        log.error(
            "state file %s: is damaged (%s); set aside as %s, starts from what the station says",
            self.path,
            why,
            aside.name,
        )


def _written(record: Record) -> dict[str, Any]:
    """The layout of the file."""
    return {
        "version": VERSION,
        "phase": record.phase.value,
        "session": None if record.session is None else str(record.session),
        "session_created_ms": record.session_created_ms,
        "prepared": record.prepared,
        "marker": record.marker,
        "boot_stamp": record.boot_stamp,
        "entered": "".join(sorted(record.entered)),
        "bared": "".join(sorted(record.bared)),
        "reset_tries": record.reset_tries,
        "hidden_by_us": record.hidden_by_us,
        "quarantine_reason": record.quarantine_reason,
        "failed": record.failed,
        "failed_why": record.failed_why,
        "resets": list(record.resets),
        "empty_since": record.empty_since,
        "server": None if record.server is None else str(record.server),
    }


def _read(stored: Any) -> Record:
    """The record of a file, or ``ValueError`` that says what is wrong with it: half a record would be worse than none."""
    if not isinstance(stored, dict):
        raise ValueError("it holds no table")  # noqa: TRY004 - one kind of error for a damaged file
    sample = _written(Record())
    for version, later in ((1, (*SINCE_2, *SINCE_3, *SINCE_4)), (2, (*SINCE_3, *SINCE_4)), (3, SINCE_4)):
        if stored.get("version") == version:
            stored = stored | {"version": VERSION} | {name: sample[name] for name in later}
    if stored.get("version") != VERSION:
        raise ValueError(f"it has version {stored.get('version')!r}, this program writes {VERSION}")
    for name, example in sample.items():
        value = stored.get(name)
        kinds = (str, type(None)) if example is None else (type(example),)
        # JSON knows no difference that Python would hide: True is an int here.
        if name not in stored or type(value) not in kinds:
            raise ValueError(f"{name} is {value!r}")
    if any(type(one) is not int for one in stored["resets"]):
        raise ValueError(f"resets is {stored['resets']!r}")
    if unknown := set(stored) - set(sample):
        raise ValueError(f"{', '.join(sorted(map(repr, unknown)))} is no part of it")
    values = {name: stored[name] for name in sample if name != "version"}
    for name in ("session", "server"):
        values[name] = None if values[name] is None else UUID(values[name])
    typed = {
        "phase": Phase(values["phase"]),
        "entered": frozenset(values["entered"]),
        "bared": frozenset(values["bared"]),
        "resets": tuple(values["resets"]),
    }
    return Record(**(values | typed))
