"""Process life: stations and their tasks, stop signals, systemd's notifications and watchdog, logging."""

import asyncio
import contextlib
import json
import logging
import random
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.token import FileTokenKeeper
from drova_gate.config import Config, Mode, StationConfig
from drova_gate.controller import Controller, Happening, Preparation
from drova_gate.core.backoff import Backoff
from drova_gate.core.model import Verdict
from drova_gate.errors import PortNotOpened
from drova_gate.host.link import HostLink, StationAddress
from drova_gate.observe import CloudAccess, Observer, Timing
from drova_gate.protect.none import NoProtector
from drova_gate.protect.protector import Protector
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.relay.door import Door
from drova_gate.relay.drain import WORD_SECONDS, drain
from drova_gate.relay.limits import Limits
from drova_gate.relay.listener import RelayListener
from drova_gate.state import StateFile
from drova_gate.steps.lockdown import Lockdown, load_lockdown
from drova_gate.steps.recipes import Level, Recipe, load_recipes
from drova_gate.steps.shipped import LAUNCHERS, LOCKDOWN

__all__ = [
    "Process",
    "Station",
    "configure_logging",
    "limits_of",
    "lockdown_of",
    "open_station",
    "protector_of",
    "recipes_of",
    "run",
    "station_address",
]

log = logging.getLogger(__name__)

STOP_LIMIT = 1.5
"""Seconds for a clean stop; systemd and people expect it under two. What the players' drain takes comes before."""
HANGING = 180.0
"""Seconds without a finished cycle of a station after which systemd's watchdog is no longer fed: longer than any bounded wait of one
cycle (a preparation of 60 s, reads of 30 s)."""


@dataclass(frozen=True, slots=True)
class Process:
    """What the process knows of its surroundings; ``cli/`` reads it from the environment."""

    state_dir: Path
    notify_socket: str | None = None
    """systemd's ``NOTIFY_SOCKET``."""
    watchdog_seconds: float | None = None
    """systemd's ``WATCHDOG_USEC`` in seconds."""


class Station:
    """One station's running parts: link, relay, controller."""

    def __init__(
        self,
        config: StationConfig,
        link: HostLink,
        controller: Controller,
        listener: RelayListener | None,
        access: CloudAccess,
    ) -> None:
        self.config, self.link, self.controller, self.listener, self._access = (
            config,
            link,
            controller,
            listener,
            access,
        )

    async def run(self) -> None:
        """Run until cancelled; whatever ends it, the link, the relay and the cloud session are closed."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.link.keep_up(), name=f"{self.config.name}: link")
                group.create_task(self.controller.run(), name=f"{self.config.name}: controller")
                if self.listener is not None:
                    group.create_task(self._listen(self.listener), name=f"{self.config.name}: relay")
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_LIMIT):
                    if self.listener is not None:
                        await self.listener.stop(drain_seconds=0.0)
                    await self.link.close()
                    if self._access.client is not None:
                        await self._access.client.close()

    async def _listen(self, listener: RelayListener) -> None:
        """Listen; a port that cannot be opened is said once and tried again: the station is guarded by polling meanwhile."""
        backoff, said = Backoff(1.0, 30.0, 2.0), False
        while True:
            try:
                await listener.start()
                break
            except PortNotOpened as error:
                if not said:
                    log.error(
                        "%s: %s; tries again, and guards the station by polling meanwhile", self.config.name, error
                    )
                said = True
                await asyncio.sleep(backoff.next(random.random()))
        log.info(
            "%s: players are relayed from port %d to %s:%d",
            self.config.name,
            listener.port,
            self.config.host,
            self.config.target_port,
        )
        await listener.serve()
        log.info("%s: the relay has ended: %s", self.config.name, listener.figures())


def open_station(
    config: StationConfig,
    mode: Mode,
    state_dir: Path,
    *,
    tell: Callable[[Happening], None] = lambda _: None,
    timing: Timing | None = None,
) -> Station:
    """Put the parts of one station together; nothing is connected yet."""
    clock = time.monotonic
    own_dir = state_dir / config.name
    link = HostLink(config.name, station_address(config), own_dir / "host_key")
    protector = protector_of(config)
    if not protector.forgets:
        log.warning(
            "%s: DROVA_PROTECTOR=none: nothing is rolled back by the gate; what players write and what it wipes stays",
            config.name,
        )
    access = CloudAccess(
        open_client=lambda token: _open_client(config, token, state_dir),
        catalogue_dir=state_dir,
        merchant=config.token is not None,
    )
    door = _door(config) if mode is Mode.SOCKET else None
    observer = Observer(config, link, protector, access, door, clock, timing or Timing())
    observer.maintenance = lambda: _maintenance(own_dir / "maintenance")
    preparation = Preparation(recipes_of(config), lockdown_of(config), Level(config.wipe))
    observer.recipes = preparation.recipes
    controller = Controller(config.name, observer, StateFile(own_dir / "state.json"), preparation, clock, tell)
    link.on_change = controller.stir
    listener = None
    if door is not None and config.listen_port is not None:
        door.stir = controller.stir
        listener = RelayListener(
            config.listen_host, config.listen_port, config.host, config.target_port, door, limits_of(config)
        )
    return Station(config, link, controller, listener, access)


def station_address(config: StationConfig) -> StationAddress:
    """Where the station is and how to log in, by its settings."""
    return StationAddress(config.host, config.ssh_port, config.login, config.password, config.key_file, config.host_key)


def limits_of(config: StationConfig) -> Limits:
    """What the station's relay takes on, and from whom."""
    return Limits(connections=config.max_connections, per_address=config.max_per_address, networks=config.allow)


def recipes_of(config: StationConfig) -> tuple[Recipe, ...]:
    """Our recipes, with the owner's own in place of those of the same name."""
    return load_recipes(LAUNCHERS, config.launchers_dir)


def lockdown_of(config: StationConfig) -> Lockdown:
    """Our lockdown with the owner's own over it: what is switched on."""
    return load_lockdown(LOCKDOWN, config.launchers_dir)


def _door(config: StationConfig) -> Door:
    unprotected = Verdict.ADMIT if config.admit_unprotected else Verdict.REFUSE
    return Door(config.name, hold_seconds=config.hold_seconds, unprotected=unprotected)


def protector_of(config: StationConfig) -> Protector:
    """The protector that the settings name."""
    if config.protector == "none":
        return NoProtector()
    return ShadowDefender(config.protector_password or SecretStr(""))


def _open_client(config: StationConfig, token: SecretStr, state_dir: Path) -> DrovaClient:
    keeper = FileTokenKeeper(state_dir / "token") if config.token is not None else None
    return DrovaClient(token, base_url=config.api_url, keep_token=keeper)


def _maintenance(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip() or "by the owner"
    except OSError:
        return None


# -- the process -----------------------------------------------------------------------------------------------------


class Notifier:
    """systemd's notifications; without a socket every call does nothing."""

    def __init__(self, address: str | None) -> None:
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if address else None

    def say(self, text: str) -> None:
        """Send one notification; systemd being away is no reason to stop guarding."""
        if self._socket is not None and self._address:
            with contextlib.suppress(OSError):
                self._socket.sendto(text.encode(), self._address)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()


async def run(config: Config, process: Process) -> None:
    """Run all stations until SIGTERM or SIGINT; a running session is left as it is and picked up at the next start.

    Who plays through the relay may have time to end by himself (``drain_seconds``); a second signal ends that at once.
    """
    loop, stop, at_once = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def asked_to_stop() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    notifier = Notifier(process.notify_socket)
    stations = {station.name: open_station(station, config.mode, process.state_dir) for station in config.stations}

    def anew(name: str) -> Station:
        stations[name] = open_station(stations[name].config, config.mode, process.state_dir)
        return stations[name]

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_supervise(station, partial(anew, name), stop), name=name)
                for name, station in stations.items()
            ]
            tasks.append(group.create_task(_report(stations, notifier, process.watchdog_seconds), name="watchdog"))
            # Started means that the loop runs: a station may well be off now.
            notifier.say("READY=1")
            await stop.wait()
            log.info("stops; running sessions stay as they are and are picked up at the next start")
            notifier.say("STOPPING=1")
            # Their stations stay guarded as long as players are given time; systemd is told not to lose patience.
            await drain(
                [(one.listener, one.config.drain_seconds) for one in stations.values() if one.listener is not None],
                at_once,
                lambda: notifier.say(f"EXTEND_TIMEOUT_USEC={int(3 * WORD_SECONDS * 1e6)}"),
            )
            for task in tasks:
                task.cancel()
    finally:
        # The signal handlers stay until the loop is closed: a second Ctrl-C must not cut the clean stop short.
        notifier.close()


async def _supervise(station: Station, anew: Callable[[], Station], stop: asyncio.Event) -> None:
    """Keep one station running whatever breaks in it, so that it never touches another; once a ``stop`` has begun, let it be.

    A station that has stopped has closed its link and its relay for good: its follower is put together ``anew``.
    """
    backoff = Backoff(1.0, 60.0, 2.0)
    while True:
        try:
            await station.run()
        except* Exception as group:
            # The top of a station's life.
            log.exception(
                "%s: stopped by a fault of the gate's own; started again", station.config.name, exc_info=group
            )
        await asyncio.sleep(backoff.next(random.random()))
        if stop.is_set():
            return  # its door would open again
        station = anew()


async def _report(stations: Mapping[str, Station], notifier: Notifier, watchdog_seconds: float | None) -> None:
    """Feed systemd's watchdog from the loop itself, and only while every station's cycles end."""
    loop = asyncio.get_running_loop()
    said = complained = ""
    while True:
        status = "; ".join(f"{name}: {one.controller.reason}" for name, one in stations.items())
        if status != said:
            notifier.say(f"STATUS={status}")
            said = status
        hanging = ", ".join(
            name for name, one in stations.items() if loop.time() - one.controller.last_cycle_at > HANGING
        )
        if not hanging:
            notifier.say("WATCHDOG=1")
        elif hanging != complained:
            log.error(
                "%s: no cycle has ended for %.0f s; the watchdog is not fed, so systemd restarts the gate",
                hanging,
                HANGING,
            )
        complained = hanging
        await asyncio.sleep(min(1.0, watchdog_seconds / 3) if watchdog_seconds else 1.0)


# -- logging ---------------------------------------------------------------------------------------------------------


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(log_format: str, level: str, *, under_systemd: bool) -> None:
    """Log to standard error; the journal keeps the time itself, so under systemd a line carries none."""
    handler = logging.StreamHandler()
    if log_format == "json":
        handler.setFormatter(_JsonLines())
    else:
        stamp = "" if under_systemd else "%(asctime)s "
        handler.setFormatter(logging.Formatter(f"{stamp}%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("asyncssh", "aiohttp.access"):
        # They log every connection and channel; what matters of it we say ourselves.
        logging.getLogger(noisy).setLevel(logging.WARNING)
