"""What outlives the process: one small file per station, written whole or not at all.

A damaged file is set aside, never a reason to crash and never a reason to reboot a player: the next decision starts from what the
station and the cloud say.
"""

import logging
import os
import time
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from drova_gate.core.model import Phase, Record

__all__ = ["StateFile"]

VERSION = 1
"""Of the file's layout; a file of a later version is set aside rather than misread."""

log = logging.getLogger(__name__)


class _Stored(BaseModel):
    """The layout of the file."""

    model_config = ConfigDict(extra="forbid", strict=False)

    version: int
    phase: Phase
    session: UUID | None = None
    session_created_ms: int = 0
    prepared: bool = False
    marker: str = ""
    boot_stamp: str = ""
    entered: str = ""
    reset_tries: int = 0
    hidden_by_us: bool = False
    quarantine_reason: str = ""
    server: UUID | None = None


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
            stored = _Stored.model_validate_json(raw)
        except ValidationError as error:
            self._set_aside(f"{error.error_count()} fault(s), the first: {error.errors(include_input=False)[0]['msg']}")
            return Record()
        if stored.version != VERSION:
            self._set_aside(f"it has version {stored.version}, this program writes {VERSION}")
            return Record()
        values = stored.model_dump(exclude={"version", "entered"})
        return Record(**values, entered=frozenset(stored.entered))

    def save(self, record: Record) -> None:
        """Write the record so that a power cut leaves the old file or the new one; ``OSError`` if the disk refuses."""
        stored = _Stored(
            version=VERSION,
            phase=record.phase,
            session=record.session,
            session_created_ms=record.session_created_ms,
            prepared=record.prepared,
            marker=record.marker,
            boot_stamp=record.boot_stamp,
            entered="".join(sorted(record.entered)),
            reset_tries=record.reset_tries,
            hidden_by_us=record.hidden_by_us,
            quarantine_reason=record.quarantine_reason,
            server=record.server,
        )
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + ".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(stored.model_dump_json(indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            # Without this the rename itself may be lost in a power cut.
            os.fsync(directory)
        finally:
            os.close(directory)

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
