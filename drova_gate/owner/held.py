"""What the gates of this machine hold against a station: read from their state, which is left as it is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from drova_gate.core.model import Phase, Record
from drova_gate.lease import LeaseFile
from drova_gate.owner.account import OwnedStation
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
    by_name: dict[str, Held] = field(default_factory=dict)
    """By the gate's name, where it has never learned the station's id."""
    unread: str = ""
    """What could not be read: there may be more."""

    def of(self, station: OwnedStation) -> Held | None:
        """What is held against this one."""
        return self.by_server.get(station.uuid) or self.by_name.get(station.gate_name or "")


def read_holds(state_dirs: Iterable[Path]) -> Holds:
    """Read the state of every station of these directories."""
    found: dict[UUID, Held] = {}
    by_name: dict[str, Held] = {}
    unread = ""
    for directory in dict.fromkeys(state_dirs):
        try:
            for folder in _folders(directory):
                record = StateFile(folder / "state.json").look()
                known = record or Record()
                held = _held(folder, known.phase, known.quarantine_reason, hidden=known.hidden_by_us)
                if held is None:
                    continue
                if known.server is None:
                    by_name[folder.name] = held
                else:
                    found[known.server] = held
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            unread = f"{error.filename or directory} cannot be read ({error.strerror})"
    return Holds(found, by_name, unread)


def _folders(directory: Path) -> list[Path]:
    """Stations' folders: one below a state directory, or two where each station has a unit of its own."""
    below = sorted(one for one in directory.iterdir() if one.is_dir())
    return below + [two for one in below for two in sorted(one.iterdir()) if two.is_dir()]


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
