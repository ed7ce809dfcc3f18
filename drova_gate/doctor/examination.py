"""One station under examination: its settings, its link, and what several checks ask, asked once."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from drova_gate.cloud.http import ApiLine
from drova_gate.config import StationConfig
from drova_gate.doctor.verdict import Verdict
from drova_gate.host.commands import Step, sections
from drova_gate.host.link import HostLink

__all__ = ["Blocked", "Examination", "Spec", "Subject"]

T = TypeVar("T")

SLOTS = 7
"""Commands at once: what the link allows, less one for whoever else looks."""
COMMAND_SECONDS = 60.0
"""For one command: PowerShell's cold start on a booting disk takes up to 10 s, a search of the registry some seconds."""


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a question that several checks ask ended with."""

    error: Exception


class Blocked(Exception):
    """A check rests, this time, on one that is not well."""

    def __init__(self, root: str) -> None:
        self.root = root
        super().__init__(root)


class Examination:
    """What the checks of one station share."""

    def __init__(
        self,
        config: StationConfig,
        state_dir: Path,
        settings_files: Sequence[Path],
        link: HostLink,
        line: ApiLine,
        group: asyncio.TaskGroup,
    ) -> None:
        self.config, self.state_dir, self.settings_files = config, state_dir, settings_files
        self.link, self.line = link, line
        self.slots = asyncio.Semaphore(SLOTS)
        """Commands at once; fewer once it is known how many the station's sshd takes."""
        self.blocker: Callable[[str], Awaitable[str | None]] = _unblocked
        """For ``rest_on``."""
        self._group = group
        self._asked: dict[object, asyncio.Task[object]] = {}

    async def once(self, ask: "Callable[[Examination], Coroutine[Any, Any, T]]") -> T:
        """Ask a question, or wait for its answer if another check has asked it; a fault is everybody's."""
        task = self._asked.get(ask)
        if task is None:
            asking = _caught(ask, self)
            try:
                task = self._asked[ask] = self._group.create_task(asking)
            except RuntimeError:  # the checks are being ended
                asking.close()
                raise
        # Shielded: a check that is given up must not take the answer away from the others.
        answer = await asyncio.shield(task)
        if isinstance(answer, _Raised):
            raise answer.error
        return cast("T", answer)

    async def rest_on(self, code: str) -> None:
        """Wait for a check that this one needs only sometimes; ``Blocked`` when it is not well."""
        if root := await self.blocker(code):
            raise Blocked(root)

    async def run(self, script: Iterable[Step]) -> dict[str, str]:
        """Run a script that changes nothing; the sections of its output."""
        return sections(await self.output(script))

    async def output(self, script: Iterable[Step]) -> str:
        """Run a script that changes nothing; its whole output."""
        async with self.slots:
            return (await self.link.run(script, timeout=COMMAND_SECONDS)).stdout


async def _unblocked(_: str) -> str | None:
    return None


async def _caught(ask: Callable[[Examination], Awaitable[object]], exam: Examination) -> object:
    try:
        return await ask(exam)
    except Exception as error:  # noqa: BLE001 - raised in every check that asks; here it would end them all
        return _Raised(error)


class Subject:
    """Headings of the table, in order."""

    ROUTER = "router"
    WAY = "the way to the station"
    WINDOWS = "Windows"
    DESKTOP = "desktop"
    PROTECTION = "protection"
    DROVA = "Drova"


@dataclass(frozen=True, slots=True)
class Spec:
    """One check: its stable code, where it stands, which checks it rests on, and how it looks."""

    code: str
    subject: str
    needs: tuple[str, ...]
    look: Callable[[Examination], Awaitable[Verdict]]
