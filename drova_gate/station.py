"""One station's running parts, put together from its settings: link, relay, controller."""

import asyncio
import contextlib
import functools
import logging
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from drova_gate.cloud.access import CloudAccess
from drova_gate.cloud.shared import Clouds
from drova_gate.config import Mode, StationConfig
from drova_gate.controller import Controller, Happening, Preparation
from drova_gate.core.backoff import Backoff
from drova_gate.core.model import Phase, Verdict
from drova_gate.errors import PortNotOpened
from drova_gate.host.link import HostLink, StationAddress
from drova_gate.lease import LeaseFile
from drova_gate.observe import Observer, Timing
from drova_gate.protect.none import NoProtector
from drova_gate.protect.protector import Protector
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.relay.door import Door
from drova_gate.relay.limits import Limits
from drova_gate.relay.listener import RelayListener
from drova_gate.report.past import Past
from drova_gate.report.snapshot import station_snapshot
from drova_gate.state import StateFile
from drova_gate.steps.lockdown import Lockdown, load_lockdown
from drova_gate.steps.recipes import Level, Recipe, load_recipes
from drova_gate.steps.shipped import LAUNCHERS, LOCKDOWN

__all__ = [
    "STOP_LIMIT",
    "Station",
    "limits_of",
    "lockdown_of",
    "open_station",
    "protector_of",
    "recipes_of",
    "station_address",
]

log = logging.getLogger(__name__)

STOP_LIMIT = 1.5
"""Seconds for a clean stop; systemd and people expect it under two. What the players' drain takes comes before."""


ORDERS_SECONDS = 1.0
"""Between two looks at the owner's orders: two ``stat`` calls of a few microseconds."""


class Orders:
    """The files that the owner's commands leave for a running gate: a new one is seen at once, not at the next reading of the station."""

    def __init__(self, seen: Callable[[], object], stir: Callable[[], None]) -> None:
        self._seen, self._stir = seen, stir

    async def watch(self) -> None:
        """Run for ever."""
        before = self._seen()
        while True:
            await asyncio.sleep(ORDERS_SECONDS)
            if (now := self._seen()) != before:
                before = now
                self._stir()


class Station:
    """One station's running parts. ``clouds`` is given only if it is this station's alone, and then closed with it."""

    def __init__(
        self,
        config: StationConfig,
        link: HostLink,
        controller: Controller,
        listener: RelayListener | None,
        access: CloudAccess,
        past: Past,
        orders: "Orders",
        clouds: Clouds | None = None,
    ) -> None:
        self.config, self.link, self.controller, self.listener, self.past = config, link, controller, listener, past
        self._orders = orders
        self._access, self._clouds = access, clouds
        self._made_at = controller.last_cycle_at

    @property
    def name(self) -> str:
        """What the owner calls it."""
        return self.config.name

    @property
    def turned(self) -> bool:
        """Whether a cycle of its loop has ended since it was put together."""
        return self.controller.last_cycle_at > self._made_at

    @property
    def last_turn(self) -> float:
        """When its last cycle ended, or it was put together, by ``time.monotonic()``."""
        return self.controller.last_cycle_at

    @property
    def serving(self) -> bool:
        """Whether taking it down now would touch somebody: a session or its reset is under way, or bytes are relayed."""
        phase = self.controller.phase
        relaying = self.listener is not None and self.listener.live > 0
        return relaying or phase in (Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING)

    def snapshot(self, *, now: float, addresses: bool) -> dict[str, Any]:
        """Its status as JSON values; players' whole addresses only when asked for."""
        return station_snapshot(self.config, self.controller, self.listener, self.past, now=now, addresses=addresses)

    async def run(self) -> None:
        """Run until cancelled; whatever ends it, the link, the relay and the cloud session are closed."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.link.keep_up(), name=f"{self.name}: link")
                group.create_task(self.controller.run(), name=f"{self.name}: controller")
                group.create_task(self._orders.watch(), name=f"{self.name}: orders")
                if self.listener is not None:
                    group.create_task(self._listen(self.listener), name=f"{self.name}: relay")
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_LIMIT):
                    if self.listener is not None:
                        await self.listener.stop(drain_seconds=0.0)
                    await self.link.close()
                    await self._access.close()
                    if self._clouds is not None:
                        await self._clouds.close()

    async def _listen(self, listener: RelayListener) -> None:
        """Listen; a port that cannot be opened is said once and tried again: the station is guarded by polling meanwhile."""
        backoff, said = Backoff(1.0, 30.0, 2.0), False
        while True:
            try:
                await listener.start()
                break
            except PortNotOpened as error:
                if not said:
                    log.error("%s: %s; tries again, and guards the station by polling meanwhile", self.name, error)
                said = True
                await asyncio.sleep(backoff.next(random.random()))
        log.info(
            "%s: players are relayed from port %d to %s:%d",
            self.name,
            listener.port,
            self.config.host,
            self.config.target_port,
        )
        await listener.serve()
        log.info("%s: the relay has ended: %s", self.name, listener.figures())


def open_station(
    config: StationConfig,
    mode: Mode,
    state_dir: Path,
    *,
    tell: Callable[[Happening], None] = lambda _: None,
    timing: Timing | None = None,
    clouds: Clouds | None = None,
    past: Past | None = None,
) -> Station:
    """Put the parts of one station together; nothing is connected yet.

    ``Mode.RUN``: with a relay if the station has a port of its own, else by polling. ``clouds`` is what stations of one process share.
    """
    clock = time.monotonic
    own_dir = state_dir / config.name
    link = HostLink(config.name, station_address(config), own_dir / "host_key")
    protector = protector_of(config)
    if not protector.forgets:
        log.warning(
            "%s: DROVA_PROTECTOR=none: nothing is rolled back by the gate; what players write and what it wipes stays",
            config.name,
        )
    shared = clouds or Clouds(state_dir, clock)
    access = _access(config, shared)
    relayed = mode is Mode.SOCKET or (mode is Mode.RUN and config.listen_port is not None)
    door = _door(config) if relayed else None
    observer = Observer(config, link, protector, access, door, clock, timing or Timing())
    lease = LeaseFile(own_dir / "maintenance")
    observer.maintenance = lease.load
    preparation = Preparation(recipes_of(config), lockdown_of(config), Level(config.wipe))
    observer.places.recipes = preparation.recipes
    past = past or Past()

    def told(happening: Happening) -> None:
        past.note(happening.kind, happening.text, happening.phase)
        tell(happening)

    state = StateFile(own_dir / "state.json")
    controller = Controller(config.name, observer, state, preparation, clock, told, lease)
    link.on_change = controller.stir
    listener = None
    if door is not None and config.listen_port is not None:
        door.stir = controller.stir
        listener = RelayListener(
            config.listen_host, config.listen_port, config.host, config.target_port, door, limits_of(config)
        )
    orders = Orders(lambda: (lease.stamp(), state.release_asked()), controller.stir)
    return Station(config, link, controller, listener, access, past, orders, None if clouds else shared)


def _access(config: StationConfig, clouds: Clouds) -> CloudAccess:
    open_client = clouds.station if config.token is None else clouds.merchant
    return CloudAccess(
        open_client=lambda token: open_client(config.api_url, token),
        merchant=config.token is not None,
        turn=clouds.turn(config.api_url, config.token),
    )


def station_address(config: StationConfig) -> StationAddress:
    """Where the station is and how to log in, by its settings."""
    return StationAddress(config.host, config.ssh_port, config.login, config.password, config.key_file, config.host_key)


def recipes_of(config: StationConfig) -> tuple[Recipe, ...]:
    """Our recipes, with the owner's own in place of those of the same name."""
    return _ours() if config.launchers_dir is None else load_recipes(LAUNCHERS, config.launchers_dir)


@functools.cache
def _ours() -> tuple[Recipe, ...]:
    """The same for thirty stations, and read once."""
    return load_recipes(LAUNCHERS, None)


def lockdown_of(config: StationConfig) -> Lockdown:
    """Our lockdown with the owner's own over it: what is switched on."""
    return _our_lockdown() if config.launchers_dir is None else load_lockdown(LOCKDOWN, config.launchers_dir)


@functools.cache
def _our_lockdown() -> Lockdown:
    return load_lockdown(LOCKDOWN, None)


def limits_of(config: StationConfig) -> Limits:
    """What the station's relay takes on, and from whom."""
    return Limits(connections=config.max_connections, per_address=config.max_per_address, networks=config.allow)


def _door(config: StationConfig) -> Door:
    unprotected = Verdict.ADMIT if config.admit_unprotected else Verdict.REFUSE
    return Door(config.name, hold_seconds=config.hold_seconds, unprotected=unprotected)


def protector_of(config: StationConfig) -> Protector:
    """The protector that the settings name."""
    if config.protector == "none":
        return NoProtector()
    return ShadowDefender(config.protector_password or SecretStr(""))
