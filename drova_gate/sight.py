"""What one station shows: a look when it is due, in the background, so that a station which hangs holds up nobody's verdict."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from drova_gate.core.model import HostFacts, Phase, PreparationReport
from drova_gate.errors import GateError
from drova_gate.host.link import HostLink
from drova_gate.host.look import look
from drova_gate.protect.protector import Protector

__all__ = ["Sight"]

log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds that a cycle waits for a look: as long as one command may take. A booting Windows needs ten."""
HELD_PATIENCE = 1.0
"""Seconds, while a player is held: whether his session needs a preparation at all, the cloud says."""
BROKEN_PAUSE = 5.0
"""Seconds after a fault of our own before the next look."""


class Sight:
    """The looks at one station: the last one's facts, or why there are none."""

    def __init__(
        self,
        link: HostLink,
        protector: Protector,
        clock: Callable[[], float],
        *,
        settled: float,
        soon: float,
        learn: Callable[[Phase], Awaitable[bool]],
        agent_open: Callable[[Phase], Awaitable[bool | None]],
        held: Callable[[], int],
        relinked: Callable[[], None],
        find: Callable[[], Awaitable[None]],
        volumes: Callable[[], frozenset[str] | None],
    ) -> None:
        self.host: HostFacts | None = None
        self.fault = ""
        self.due = 0.0
        """When the next look is due, by the clock."""
        self._link, self._protector, self._clock = link, protector, clock
        self._settled, self._soon = settled, soon
        self._learn, self._agent_open, self._held, self._relinked, self._find = learn, agent_open, held, relinked, find
        self._volumes = volumes
        self._phase = Phase.UNKNOWN
        self._ours = frozenset[str]()
        self._seen_connection = 0
        self._linked_at = 0.0
        self._agent_down_since: float | None = None
        self._forgotten = 0
        self._asked = asyncio.Event()
        self._done = asyncio.Event()
        self._looking = self._overdue = False
        self._began = 0.0
        self._limit: asyncio.Timeout | None = None

    def forget(self, delay: float = 0.0) -> None:
        """What was read no longer holds, nor what is being read now: look anew after ``delay`` seconds."""
        self._forgotten += 1
        self.host, self.fault, self.due = None, "", self._clock() + delay

    def became(self, report: PreparationReport, boot_stamp: str) -> None:
        """A confirmed preparation is a reading of the station too."""
        self.forget(self._soon)
        self.host = HostFacts(
            shadowed=report.shadowed,
            marker=report.marker,
            marker_session=str(report.session),
            boot_stamp=boot_stamp,
            agent_up=None,
            read_at=self._clock(),
            linked_at=self._linked_at,
        )

    def hurry(self) -> None:
        """Wait less for the look that is under way, if a player is held; not at all where the last one's facts will do."""
        if self._limit is not None and self._held():
            soon = asyncio.get_running_loop().time() + (HELD_PATIENCE if self.host is None else 0.0)
            self._limit.reschedule(min(soon, self._limit.when() or soon))

    async def read(self, phase: Phase, ours: frozenset[str]) -> None:
        """Look if it is due; a look that takes too long goes on without us. ``ours``: volumes that we brought into Shadow Mode."""
        self._phase, self._ours = phase, ours
        if not self._link.up:
            self.host = None
            self.fault = str(self._link.fault) if self._link.fault else "the SSH link is not up yet"
            return
        now = self._clock()
        if self._link.connections != self._seen_connection:
            self._seen_connection, self._linked_at, self.due = self._link.connections, now, 0.0
            self._relinked()
        if now >= self.due:
            await self._wait()

    async def _wait(self) -> None:
        if not self._looking:
            self._overdue, self._began = False, self._clock()
            self._done.clear()
            self._asked.set()
        if not self._overdue:
            try:
                async with asyncio.timeout(PATIENCE) as self._limit:
                    self.hurry()
                    await self._done.wait()
            except TimeoutError:
                self._overdue = True
            else:
                return
            finally:
                self._limit = None
        if self.host is not None and self._clock() - self._began < PATIENCE:
            # Somebody waits at the door, and a preparation asks the station itself: what was seen last holds until this look ends.
            self.due = self._clock() + self._soon
            return
        self.host, self.fault = (
            None,
            f"{self._link.subject}: takes commands and does not answer them; look whether it hangs",
        )
        self.due = self._clock() + self._soon

    async def look_when_asked(self, stir: Callable[[], None]) -> None:
        """Run for ever beside the cycles: look whenever one asks; ``stir`` when it had stopped waiting."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            self._looking = True
            try:
                await self._look()
            except Exception:
                # The top of the loop: without looks the station would be left alone.
                log.exception("%s: this look failed by a fault of the gate's own", self._link.subject)
                self.host, self.fault = None, "the look failed by a fault of the gate's own"
                self.due = self._clock() + BROKEN_PAUSE
            finally:
                self._looking = False
                self._done.set()
            if self._overdue:
                self._overdue = False
                stir()

    async def _look(self) -> None:
        phase, forgotten, began = self._phase, self._forgotten, self._clock()
        try:
            known = await self._learn(phase)
            # A free station's disks are left asleep: what was proved to forget is looked at again when there is something to prove.
            resting = phase in (Phase.CLEAN, Phase.MAINTENANCE)
            disks = frozenset() if resting else (self._volumes() or frozenset()) | self._ours
            seen = await look(self._link, self._protector, disks)
            agent_up = await self._agent_open(phase)
        except GateError as error:
            if forgotten == self._forgotten:
                self.host, self.fault, self.due = None, str(error), self._clock() + self._soon
            return
        if forgotten != self._forgotten:
            return  # the station was changed meanwhile: whatever this look saw, it may be no more
        if agent_up is False and self._agent_down_since is None:
            self._agent_down_since = began
        elif agent_up is not False:
            self._agent_down_since = None
        self.fault = ""
        self.host = replace(seen, agent_up=agent_up, read_at=began, agent_down_since=self._agent_down_since)
        settled = phase in (Phase.CLEAN, Phase.IN_SESSION, Phase.MAINTENANCE) and known and agent_up is not False
        pause = self._settled if settled else self._soon
        if (
            phase not in (Phase.PREPARING, Phase.IN_SESSION)
            and not seen.shadowed
            and seen.marker == ""
            and not self._held()
        ):
            # On the owner's own disk, and while nobody waits: what is not looked up now, a preparation asks on its way.
            await self._find()
        self.due = self._clock() + pause
