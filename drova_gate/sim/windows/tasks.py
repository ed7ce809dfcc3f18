"""Scheduled tasks, kept on volume C."""

from dataclasses import dataclass

from drova_gate.sim.windows.journal import Journal

__all__ = ["Task", "Tasks"]


@dataclass(frozen=True, slots=True)
class Task:
    """One registered task."""

    name: str
    command: str
    user: str
    """Account that it runs as, without its domain."""
    interactive: bool
    """``/it``: runs in that user's session, and only while he is signed in."""


class Tasks:
    """The task scheduler's library."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._table: dict[str, Task] = {}
        self._base: dict[str, Task] | None = None

    def get(self, name: str) -> Task | None:
        """A task by its name, case-blind, with or without the leading backslash."""
        return self._table.get(_key(name))

    def all(self) -> list[Task]:
        """Every task, sorted by name."""
        return [self._table[name] for name in sorted(self._table)]

    def put(self, task: Task) -> None:
        """Register a task, replacing one of the same name."""
        self._table[_key(task.name)] = task
        self._journal.record("write", f"task {task.name}")

    def delete(self, name: str) -> None:
        """Remove a task that is there."""
        del self._table[_key(name)]
        self._journal.record("write", f"task {name} deleted")

    def begin_shadow(self) -> None:
        """From now on changes will be forgotten at boot."""
        if self._base is None:
            self._base = dict(self._table)

    def forget(self) -> None:
        """Go back to the tasks of the moment when volume C entered Shadow Mode."""
        if self._base is not None:
            self._table, self._base = self._base, None

    def keep(self) -> None:
        """Make the present tasks the disk's content."""
        self._base = None

    def lasting(self) -> dict[str, Task]:
        """The tasks that the disk holds once Shadow Mode's overlay is dropped."""
        return dict(self._table if self._base is None else self._base)


def _key(name: str) -> str:
    return name.lstrip("\\").lower()
