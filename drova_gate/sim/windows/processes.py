"""Running processes: what tasklist shows, what taskkill ends, which files they hold."""

from collections.abc import Iterator
from dataclasses import dataclass

from drova_gate.sim.windows.journal import Journal

__all__ = ["Process", "Processes"]

_FIRST_PID = 1000
_PID_STEP = 4
"""Windows hands out process ids in multiples of four."""


@dataclass(frozen=True, slots=True)
class Process:
    """One running process."""

    pid: int
    image: str
    session: int
    path: str = ""
    user: str = "SYSTEM"
    kilobytes: int = 10_000
    parent: int = 0
    window: bool = False
    """An explorer.exe that only shows a folder, because a shell was there already."""
    holds: frozenset[str] = frozenset()
    """Lower-case paths of files that nobody can delete or write while it runs."""
    protected: bool = False
    """Cannot be ended, not even by an administrator."""


class Processes:
    """The process table."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._table: dict[int, Process] = {}
        self._next = _FIRST_PID

    def __iter__(self) -> Iterator[Process]:
        return iter(list(self._table.values()))

    def __len__(self) -> int:
        return len(self._table)

    def get(self, pid: int) -> Process | None:
        """The process with this id."""
        return self._table.get(pid)

    def named(self, image: str, session: int | None = None) -> list[Process]:
        """Processes by image name, in one session or all."""
        return [
            process
            for process in self
            if process.image.lower() == image.lower() and (session is None or process.session == session)
        ]

    def start(
        self,
        image: str,
        session: int,
        *,
        path: str = "",
        user: str = "SYSTEM",
        kilobytes: int = 10_000,
        parent: int = 0,
        window: bool = False,
        holds: frozenset[str] = frozenset(),
        protected: bool = False,
        pid: int | None = None,
    ) -> Process:
        """Put a process into the table."""
        if pid is None:
            pid = self._next
            self._next += _PID_STEP
        held = frozenset(held.lower() for held in holds)
        process = Process(pid, image, session, path, user, kilobytes, parent, window, held, protected)
        self._table[pid] = process
        self._journal.record("start", f"{image} (session {session})")
        return process

    def kill(self, pid: int) -> Process:
        """End a process: it lets go of its files."""
        process = self._table.pop(pid)
        self._journal.record("kill", process.image)
        return process

    def children(self, pid: int) -> list[Process]:
        """Every process started by this one, directly or not."""
        found: list[Process] = []
        for process in self:
            if process.parent == pid and process.pid != pid:
                found += [*self.children(process.pid), process]
        return found

    def holds(self, path: str) -> bool:
        """Whether some process holds this file (lower-case path)."""
        return any(path in process.holds for process in self._table.values())

    def clear(self) -> None:
        """Power off."""
        self._table.clear()
