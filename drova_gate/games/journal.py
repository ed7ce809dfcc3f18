"""What a run of many changes has done so far, on disk: after a crash or an outage the same command goes on where it stopped.

One file: a first line with the plan, then a line for each change that is over with, appended and synced before the next write is made.
It is a record, not the truth: what a station really has is read again before anything is done.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from drova_gate.errors import CallOwner
from drova_gate.files import claim, write_whole
from drova_gate.games.plan import Add, Change, Disable, Enable, Paths, SetPaths

__all__ = ["Earlier", "Journal"]

VERSION = 1
"""Of the file's layout; any other is not gone on with."""

_KINDS: dict[str, type[Add | Enable | Disable]] = {"add": Add, "enable": Enable, "disable": Disable}


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run that did not come to its end."""

    name: str
    """Which command it was."""
    began: float
    """Seconds since 1970."""
    changes: tuple[Change, ...]
    over_with: int
    """How many of them it has carried out, found done or given up."""


class Journal:
    """The journal of a state directory: one run at a time."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "games" / "changes.jsonl"

    def claim(self) -> Callable[[], None]:
        """Keep other runs out until the returned function is called; ``CallOwner`` while one is under way."""
        try:
            give_back = claim(self.path.with_suffix(".lock"))
        except OSError as error:
            raise CallOwner("games", f"{self.path.parent} cannot be written ({error.strerror})", "use sudo") from error
        if give_back is None:
            raise CallOwner("games", "another command is changing games now", "wait until it has ended")
        return give_back

    def earlier(self) -> Earlier | None:
        """Read the run that did not end; ``None``: there is none that can be read."""
        try:
            first, *lines = self.path.read_bytes().split(b"\n")
            head = json.loads(first)
            if head["version"] != VERSION:
                return None
            changes = tuple(_change(raw) for raw in head["changes"])
            # The last line is empty, or torn by a power cut.
            return Earlier(str(head["name"]), float(head["began"]), changes, sum(1 for line in lines[:-1] if line))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def begin(self, name: str, changes: Sequence[Change], over_with: Sequence[Change] = ()) -> None:
        """Write the plan down before its first change; ``CallOwner`` if the disk refuses.

        ``over_with``: what an earlier run of it has done, which stays in the count.
        """
        plan = [_raw(change) for change in (*over_with, *changes)]
        head = json.dumps({"version": VERSION, "name": name, "began": time.time(), "changes": plan}, ensure_ascii=False)
        done = [_line(change, "done earlier") for change in over_with]
        try:
            # JSON may hold half a surrogate pair, UTF-8 may not: such a character becomes "?".
            write_whole(self.path, "".join(f"{line}\n" for line in (head, *done)).encode("utf-8", "replace"))
        except OSError as error:
            raise CallOwner(
                f"games {self.path}",
                f"cannot be written ({error.strerror})",
                "make room, or use sudo; nothing was changed",
            ) from error

    def over(self, change: Change, outcome: str) -> None:
        """Note that a change is over with; ``OSError`` if the disk refuses."""
        with self.path.open("ab") as file:
            file.write(f"{_line(change, outcome)}\n".encode("utf-8", "replace"))
            file.flush()
            os.fdatasync(file.fileno())

    def end(self) -> None:
        """Forget the run: it came to its end."""
        self.path.unlink(missing_ok=True)


def _line(change: Change, outcome: str) -> str:
    short = {"kind": change.kind, "station": str(change.station), "product_id": str(change.product_id)}
    return json.dumps(short | {"outcome": outcome, "at": time.time()}, ensure_ascii=False)


def _raw(change: Change) -> dict[str, object]:
    raw: dict[str, object] = {
        "kind": change.kind,
        "station": str(change.station),
        "product_id": str(change.product_id),
        "title": change.title,
    }
    return raw | {"paths": asdict(change.paths)} if isinstance(change, SetPaths) else raw


def _change(raw: dict[str, object]) -> Change:
    """Make a change of its record; ``ValueError``, ``KeyError`` or ``TypeError``."""
    where = UUID(str(raw["station"])), UUID(str(raw["product_id"])), str(raw["title"])
    if raw["kind"] != SetPaths.kind:
        return _KINDS[str(raw["kind"])](*where)
    found = raw["paths"]
    if not isinstance(found, dict):
        raise TypeError("paths: an object expected")
    allowed = found.pop("allowed_paths", None)
    return SetPaths(
        *where, paths=Paths(**found, allowed_paths=tuple(allowed) if isinstance(allowed, list) else allowed)
    )
