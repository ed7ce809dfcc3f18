"""Keeping a link up: connect, wait for its end, wait a little, connect again. Knows nothing of SSH."""

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from drova_gate.core.backoff import Backoff
from drova_gate.errors import CallOwner, GateError, StationUnreachable

__all__ = ["Keeper"]

log = logging.getLogger(__name__)


class Keeper(ABC):
    """The life of a link: up or down, why, and one log line for each change."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fault: GateError | None = StationUnreachable(f"station {name}", "not connected yet", "connects now")
        """Why the link is down; ``None`` while it is up."""
        self.answered = False
        """Whether a first try to connect has ended, well or not."""
        self.connections = 0
        self.linked_at = 0.0
        """When the link came up, by the loop's clock."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when the link comes up, goes down, or stays down for another reason."""
        self._told: type[GateError] | None = None
        self._closing = asyncio.Event()
        self._end_expected = False
        self._is_up = asyncio.Event()
        self._hurry = asyncio.Event()

    @property
    def subject(self) -> str:
        """How log lines and errors name the station."""
        return f"station {self.name}"

    @property
    @abstractmethod
    def up(self) -> bool:
        """Whether the link can be used now."""

    @abstractmethod
    async def _connect(self) -> str:
        """Bring the link up and return a word about it for the log."""

    @abstractmethod
    async def _ended(self) -> str:
        """Wait until the link that is up ends, and return why."""

    @abstractmethod
    async def _drop(self) -> None:
        """Let go of the link, whatever state it is in."""

    async def keep_up(self) -> None:
        """Connect and connect again, until closed or cancelled."""
        soon = Backoff(first=1.0, cap=30.0, factor=2.0)
        # Newer sshd shut out an address for longer with each refused login (PerSourcePenalties).
        patient = Backoff(first=60.0, cap=600.0, factor=2.0)
        clock = asyncio.get_running_loop().time
        down_since: float | None = None
        try:
            while not self._closing.is_set():
                waits = soon
                try:
                    word = await self._connect()
                except GateError as fault:
                    self._went_down(fault)
                    waits = patient if isinstance(fault, CallOwner) else soon
                    down_since = clock() if down_since is None else down_since
                else:
                    if self._closing.is_set():
                        break
                    self._came_up(word, None if down_since is None else clock() - down_since)
                    soon.reset()
                    patient.reset()
                    why = await self._ended()
                    down_since = clock()
                    await self._drop()
                    self._went_down(StationUnreachable(self.subject, f"SSH link lost ({why})", "connects again"))
                if not self._closing.is_set():
                    await self._pause(waits.next(random.random()))
        finally:
            await self._drop()

    def retry_soon(self) -> None:
        """Shorten the wait before the next try: the station showed a sign of life. After a refused login it stays."""
        if not isinstance(self.fault, CallOwner):
            self._hurry.set()

    async def wait_up(self, timeout: float) -> None:
        """Wait until the link is up; otherwise raise why it is not."""
        try:
            async with asyncio.timeout(timeout):
                while not self.up:
                    self._is_up.clear()
                    await self._is_up.wait()
        except TimeoutError:
            raise self.down() from None

    async def close(self) -> None:
        """End the link; ``keep_up`` returns."""
        self._closing.set()
        self._hurry.set()
        await self._drop()

    def down(self) -> GateError:
        """Return the reason for the link being down, as an error to raise."""
        return self.fault or StationUnreachable(self.subject, "SSH link lost", "connects again")

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        self._hurry.clear()

    def _came_up(self, word: str, after: float | None) -> None:
        self.fault, self._told, self._end_expected = None, None, False
        self.answered = True
        self.connections += 1
        self.linked_at = asyncio.get_running_loop().time()
        self._is_up.set()
        again = "" if after is None else f" again after {after:.0f} s"
        log.info("%s: SSH link is up%s (%s)", self.subject, again, word)
        self.on_change()

    def _went_down(self, fault: GateError) -> None:
        """Tell the first failure of a kind loudly, the rest quietly."""
        was_up, self.fault = self.fault is None, fault
        self.answered = True
        first, self._told = type(fault) is not self._told, type(fault)
        if was_up and (self._end_expected or self._closing.is_set()):
            log.info("%s: SSH link ended as expected", self.subject)
        else:
            log.log(logging.WARNING if first else logging.DEBUG, "%s", fault)
        if first:
            self.on_change()
