"""Many stations in one process: each in a task tree of its own, started apart, replaced when it stops or hangs, added and removed at run time."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from drova_gate.config import StationConfig
from drova_gate.core.backoff import Backoff
from drova_gate.errors import CallOwner
from drova_gate.relay.listener import RelayListener
from drova_gate.station import Station

__all__ = ["HANGING", "Fleet", "Member", "supervise"]

log = logging.getLogger(__name__)

START_SPACING = 0.1
"""Seconds between the starts of two stations: thirty log in within three seconds, not in one."""
HANGING = 180.0
"""Seconds without a finished cycle of a station after which it is put together anew: longer than any bounded wait of one cycle
(a preparation of 60 s, reads of 30 s)."""
LOOK_SECONDS = 1.0
"""Between two looks at what hangs and at what waits for its session's end."""
LET_GO_SECONDS = 5.0
"""For a station's tasks to end after they were told to; whoever takes longer hangs in something that cannot be ended."""
HEALTHY_SECONDS = 600.0
"""After so long a life a fault is a new one: the pauses between restarts begin anew."""


@dataclass(slots=True)
class Member:
    """One station of the fleet."""

    station: Station
    task: "asyncio.Task[None] | None" = None
    wanted: StationConfig | None = None
    """Settings that wait for the end of a session."""
    leaving: bool = False
    """Leaves after its session's reset."""
    replacing: bool = False
    stuck_since: float | None = None
    """When its last cycle ended, seconds since 1970; ``None``: it turns."""
    restarts: int = 0

    @property
    def config(self) -> StationConfig:
        """The settings that it runs with."""
        return self.station.config


@dataclass(slots=True)
class _Plan:
    """What new settings mean for the fleet."""

    added: list[StationConfig] = field(default_factory=list)
    changed: list[StationConfig] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class Fleet:
    """Runs stations: ``open`` them, then ``run`` until cancelled. ``opened`` puts one together; ``alarm`` is told what an owner must know (station, text)."""

    def __init__(
        self,
        opened: Callable[[StationConfig], Station],
        alarm: Callable[[str, str], None] = lambda *_: None,
        *,
        hanging: float = HANGING,
    ) -> None:
        self._opened, self._alarm, self._hanging = opened, alarm, hanging
        self._group: asyncio.TaskGroup | None = None
        self.members: dict[str, Member] = {}
        self.stopping = False
        """A stop has begun: what ends now is left as it is, because its door would open again."""

    def open(self, configs: Iterable[StationConfig]) -> None:
        """Put all stations together, before any of them is touched: what is wrong with their settings stops the start."""
        self.members = {config.name: Member(self._opened(config)) for config in configs}

    async def run(self) -> None:
        """Start the stations one after the other and look after them."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for number, member in enumerate(self.members.values()):
                    self._start(member, number * START_SPACING)
                while True:
                    await asyncio.sleep(LOOK_SECONDS)
                    try:
                        self.look_after()
                    except Exception:
                        # The top of the loop: looking after one station must not end the others.
                        log.exception("stations: could not be looked after by a fault of the gate's own; goes on")
        finally:
            self._group = None

    # -- what is told of it ------------------------------------------------------------------------------------------

    @property
    def started(self) -> bool:
        """Whether every station's loop has turned since the start."""
        return bool(self.members) and all(one.station.turned or one.restarts for one in self.members.values())

    @property
    def stuck(self) -> tuple[str, ...]:
        """Stations whose loop does not turn."""
        return tuple(name for name, one in self.members.items() if one.stuck_since is not None)

    def relays(self) -> list[tuple[RelayListener, float]]:
        """Every relay, and for how many seconds its players may go on at a stop."""
        return [
            (one.station.listener, one.config.drain_seconds)
            for one in self.members.values()
            if one.station.listener is not None
        ]

    # -- new settings ------------------------------------------------------------------------------------------------

    def change(self, configs: Iterable[StationConfig]) -> None:
        """Take new settings: stations come, change and go, but a session that is under way is left to end as it began."""
        plan = self._plan(tuple(configs))
        for name in plan.kept:
            member = self.members[name]
            if member.leaving or member.wanted is not None:
                log.info("%s: stays as it is", name)
            member.leaving, member.wanted = False, None
        for number, config in enumerate(plan.added):
            self._add(config, number * START_SPACING)
        for config in plan.changed:
            member = self.members[config.name]
            member.wanted, member.leaving = config, False
            if member.station.serving:
                log.info(
                    "%s: its new settings wait until its session is over and it is proved clean (now %s)",
                    config.name,
                    member.station.controller.phase,
                )
        for name in plan.removed:
            member = self.members[name]
            member.leaving, member.wanted = True, None
            if member.station.serving:
                log.info("%s: is removed once its session is over and it is proved clean", name)
        log.info(
            "settings read anew: %d stations as before, %d changed, %d new, %d removed",
            len(plan.kept),
            len(plan.changed),
            len(plan.added),
            len(plan.removed),
        )
        self.look_after()

    def _plan(self, configs: tuple[StationConfig, ...]) -> _Plan:
        plan, named = _Plan(), {config.name for config in configs}
        for config in configs:
            member = self.members.get(config.name)
            if member is None:
                plan.added.append(config)
            elif member.config != config:
                plan.changed.append(config)
            else:
                plan.kept.append(config.name)
        plan.removed = [name for name in self.members if name not in named]
        return plan

    def _add(self, config: StationConfig, delay: float) -> None:
        try:
            member = Member(self._opened(config))
        except CallOwner as error:
            log.error("%s: is not added: %s", config.name, error)
            return
        self.members[config.name] = member
        self._start(member, delay)
        log.info("%s: is added", config.name)

    # -- looking after them ------------------------------------------------------------------------------------------

    def look_after(self) -> None:
        """Carry out what waited for the end of a session; put together anew what hangs."""
        now = time.monotonic()
        for name, member in list(self.members.items()):
            if member.replacing or self.stopping:
                continue
            idle = now - member.station.last_turn
            if idle > self._hanging:
                self._replace_stuck(name, member, idle)
            elif member.leaving and not member.station.serving:
                self._let_go(member, None)
            elif member.wanted is not None and not member.station.serving:
                self._switch(member, member.wanted)

    def _replace_stuck(self, name: str, member: Member, idle: float) -> None:
        if member.stuck_since is None:
            member.stuck_since = time.time() - idle
            since = time.strftime("%H:%M:%S", time.localtime(member.stuck_since))
            text = f"no cycle has ended since {since} ({idle:.0f} s); it is put together anew"
            log.error("%s: %s", name, text)
            self._alarm(name, text)
        self._switch(member, member.config)

    def _switch(self, member: Member, config: StationConfig) -> None:
        member.wanted = None
        try:
            station = self._opened(config)
        except CallOwner as error:
            log.error("%s: goes on with its old settings: %s", config.name, error)
            return
        self._let_go(member, station)

    def _let_go(self, member: Member, station: Station | None) -> None:
        member.replacing = True
        if self._group is not None:
            self._group.create_task(self._replace(member, station), name=f"{member.config.name}: replaced")

    async def _replace(self, member: Member, station: Station | None) -> None:
        """End a station's tasks, then start its successor, if it has one."""
        name = member.config.name
        if member.task is not None:
            member.task.cancel()
            _, left = await asyncio.wait({member.task}, timeout=LET_GO_SECONDS)
            if left:
                log.error("%s: its tasks do not end; the watchdog is not fed, so systemd restarts the gate", name)
                member.stuck_since = member.stuck_since or time.time()
                await asyncio.wait(left)
        if station is None:
            del self.members[name]
            log.info("%s: is removed%s", name, _left_behind(member.station))
            return
        member.restarts += member.stuck_since is not None
        member.station, member.stuck_since, member.replacing = station, None, False
        self._start(member, 0.0)
        log.info("%s: %s", name, "runs with its new settings" if station.config != member.config else "runs anew")

    # -- life --------------------------------------------------------------------------------------------------------

    def _start(self, member: Member, delay: float) -> None:
        if self._group is not None:
            member.task = self._group.create_task(self._live(member, delay), name=member.config.name)

    async def _live(self, member: Member, delay: float) -> None:
        await asyncio.sleep(delay)

        def anew() -> Station:
            member.restarts += 1
            member.station = self._opened(member.config)
            return member.station

        await supervise(member.station, anew, self._alarm, lambda: self.stopping)


def _left_behind(station: Station) -> str:
    return "; it stays hidden from the catalogue" if station.controller.record.hidden_by_us else ""


async def supervise(
    station: Station,
    anew: Callable[[], Station],
    alarm: Callable[[str, str], None] = lambda *_: None,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Keep one station running whatever breaks in it, so that it never touches another; once the gate is ``stopping``, let it be.

    A station that has stopped has closed its link and its relay for good: its follower is put together ``anew``.
    """
    backoff = Backoff(1.0, 60.0, 2.0)
    while True:
        began = time.monotonic()
        try:
            await station.run()
        except* Exception as group:
            # The top of a station's life.
            log.exception("%s: stopped by a fault of the gate's own; started again", station.name, exc_info=group)
            alarm(station.name, f"stopped by a fault of the gate's own ({group.exceptions[0]!r}); started again")
        if stopping():
            return
        if time.monotonic() - began > HEALTHY_SECONDS:
            backoff.reset()
        station = await _followed(station, anew, backoff)


async def _followed(station: Station, anew: Callable[[], Station], backoff: Backoff) -> Station:
    """Put a station's follower together, however often that takes: the owner's recipes may be broken just now."""
    while True:
        await asyncio.sleep(backoff.next(random.random()))
        try:
            return anew()
        except Exception:
            # The top of a station's life, as above.
            log.exception("%s: cannot be put together anew; tried again", station.name)
