"""Reading the whole list of many stations at once, politely; what is stored stays, and a sync that stopped is gone on with."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from drova_gate.archive.coverage import LIST_MOST
from drova_gate.archive.readings import Listing
from drova_gate.archive.store import Archive, Kept
from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import (
    AnswerNotUnderstood,
    CloudForbidden,
    CloudRefused,
    CloudThrottled,
    CloudUnavailable,
    GateError,
)

__all__ = ["Progress", "Target", "sync"]

ABREAST = 4
"""Requests at once: what a browser with the cabinet open makes."""
TRIES = 4
"""For one list, when the API does not answer or asks for patience."""
PAUSE_SECONDS = 1.0
"""After the first failure; then twice as long each time."""
PATIENCE_SECONDS = 120.0
"""The longest pause that is waited through; whoever asks for more is asked again by the next sync."""
RESUME_SECONDS = 3600.0
"""For so long a sync that stopped can be gone on with; later the lists that it read are old themselves."""
BEGAN = "sync_began"
"""The note about a sync that has not come to its end."""


@dataclass(frozen=True, slots=True)
class Target:
    """A station whose list is read."""

    server: UUID
    name: str
    client: DrovaClient


@dataclass(slots=True)
class Progress:
    """How far a sync has come."""

    total: int
    done: int = 0
    resumed: int = 0
    """Stations that an earlier sync, which stopped, had read."""
    kept: Kept = field(default_factory=Kept)
    faults: list[tuple[str, GateError]] = field(default_factory=list)
    """Stations whose list could not be had, whatever was tried, while others' could."""


async def sync(
    archive: Archive,
    targets: Sequence[Target],
    progress: Progress,
    tell: Callable[[], None] = lambda: None,
    *,
    resumable: bool = True,
) -> None:
    """Read and store all lists; ``tell`` is called after each. An error that would meet every station ends it: what was stored stays.

    ``resumable``: all stations are read, so that the next call can go on where this one stopped.
    """
    left = list(targets)
    if resumable:
        left = await asyncio.to_thread(_left, archive, targets)
        progress.resumed = progress.done = len(targets) - len(left)
    await _Lists(archive, left, progress, tell).read()
    if resumable:
        await asyncio.to_thread(archive.write_note, BEGAN, None)


def _left(archive: Archive, targets: Sequence[Target]) -> list[Target]:
    """The stations that are still to be read, those first that were never read or longest ago; begins a new sync if none is under way."""
    now = int(time.time() * 1000)
    began, listed = archive.note(BEGAN), archive.listed()
    if not isinstance(began, int) or not 0 <= now - began < RESUME_SECONDS * 1000:
        archive.write_note(BEGAN, began := now)
    read_at = {one.server: listed.get(one.server, (None, 0))[0] or 0 for one in targets}
    return sorted((one for one in targets if read_at[one.server] < began), key=lambda one: read_at[one.server])


class _Lists:
    """The lists of one sync: a few at once, each stored before the next is asked for by the same worker."""

    def __init__(
        self, archive: Archive, targets: Sequence[Target], progress: Progress, tell: Callable[[], None]
    ) -> None:
        self._archive, self._progress, self._tell = archive, progress, tell
        self._left = list(reversed(targets))
        self._writing = asyncio.Lock()
        self._quiet_until = 0.0
        self._fault: GateError | None = None
        """What would meet every station: nothing more is asked for."""

    async def read(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(ABREAST, len(self._left))):
                    group.create_task(self._work())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the disk refuses one as it would refuse the others
        if self._fault is not None:
            raise self._fault

    async def _work(self) -> None:
        while self._left:
            target = self._left.pop()
            try:
                listing = await self._list(target)
            except (AnswerNotUnderstood, CloudForbidden, CloudRefused) as error:
                self._progress.faults.append((target.name, error))
            except GateError as error:
                # The other workers end what they have in hand: an answer that has come is stored.
                self._fault = self._fault or error
                self._left.clear()
                return
            else:
                async with self._writing:
                    self._progress.kept.add(await asyncio.to_thread(self._archive.keep, [listing]))
            self._progress.done += 1
            self._tell()

    async def _list(self, target: Target) -> Listing:
        """Ask for a list, again if it may help."""
        loop = asyncio.get_running_loop()
        for number in range(TRIES):
            await asyncio.sleep(max(0.0, self._quiet_until - loop.time()))
            at = int(time.time() * 1000)
            try:
                sessions = await target.client.sessions(target.server, limit=LIST_MOST)
            except CloudUnavailable as error:
                pause = error.retry_after if isinstance(error, CloudThrottled) else PAUSE_SECONDS * 2**number
                if number == TRIES - 1 or pause > PATIENCE_SECONDS or self._fault is not None:
                    raise
                # All workers wait: what the API asks of one it asks of everybody.
                self._quiet_until = max(self._quiet_until, loop.time() + pause)
            else:
                return Listing(target.server, sessions, LIST_MOST, at)
        raise AssertionError("unreachable")
