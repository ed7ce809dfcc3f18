"""What the gates of this machine hold against a station: read from their state, which is left as it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from drova_gate.core.model import Phase
from drova_gate.lease import LeaseFile
from drova_gate.state import StateFile

__all__ = ["Held", "Holds", "read_holds"]

MAINTENANCE = "maintenance"
"""A file of this name beside a station's state keeps the gate's hands off it."""


@dataclass(frozen=True, slots=True)
class Held:
    """Why a station is kept from players, and how to end that."""

    name: str
    """The gate's name for the station."""
    why: str
    release: str
    """The command that ends it in order."""
    hides_again: bool = True
    """The gate would hide it again if somebody showed it."""


@dataclass(frozen=True, slots=True)
class Holds:
    """All that is held against stations, by their ids."""

    by_server: dict[UUID, Held]
    unread: str = ""
    """What could not be read: there may be more."""


def read_holds(state_dirs: Iterable[Path]) -> Holds:
    """Read the state of every station of these directories."""
    found: dict[UUID, Held] = {}
    unread = ""
    for directory in dict.fromkeys(state_dirs):
        try:
            folders = sorted(one for one in directory.iterdir() if one.is_dir())
            for folder in folders:
                record = StateFile(folder / "state.json").look()
                if record is None or record.server is None:
                    continue
                if held := _held(folder, record.phase, record.quarantine_reason, hidden=record.hidden_by_us):
                    found[record.server] = held
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            unread = f"{error.filename or directory} cannot be read ({error.strerror})"
    return Holds(found, unread)


def _held(folder: Path, phase: Phase, reason: str, *, hidden: bool) -> Held | None:
    name = folder.name
    lease = LeaseFile(folder / MAINTENANCE).load()
    if lease is not None and not lease.ended:
        end = f"drova_gate maintenance off {name}"
        return Held(name, f"it is under maintenance ({lease.why})", end, hides_again=lease.hides)
    if phase is Phase.QUARANTINED:
        return Held(
            name, f"the gate holds it in quarantine{f' ({reason})' if reason else ''}", f"drova_gate release {name}"
        )
    if hidden:
        why = f"the gate has hidden it until it is clean ({reason or phase.value})"
        return Held(name, why, f"drova_gate release {name}")
    return None
