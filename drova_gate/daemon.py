"""Process life: stop and reload signals, systemd's notifications and watchdog, what all stations share."""

import asyncio
import logging
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from drova_gate.archive.feed import Feed
from drova_gate.archive.figures import Purse, keep_figures
from drova_gate.archive.files import FILE_NAME as HISTORY_NAME
from drova_gate.archive.rounds import Source, keep_whole
from drova_gate.cloud.shared import Clouds
from drova_gate.config import Config, StationConfig
from drova_gate.controller import Happening
from drova_gate.core.model import Phase
from drova_gate.errors import CallOwner, SettingsFault
from drova_gate.fleet import Fleet
from drova_gate.notify import Notifier
from drova_gate.relay.drain import WORD_SECONDS, drain
from drova_gate.report.events import EventStore, alarm_of, event_of
from drova_gate.report.past import LastReset, Past
from drova_gate.report.reading import last_resets
from drova_gate.report.server import StatusServer
from drova_gate.station import Station, open_station

__all__ = ["Process", "run"]

log = logging.getLogger(__name__)

NOTIFY_SECONDS = 1.0
"""Between two notifications at most; a watchdog of less than three seconds makes it less."""
CLOSE_SECONDS = 0.3
"""For what stations share to be closed, when they have ended."""


@dataclass(frozen=True, slots=True)
class Process:
    """What the process knows of its surroundings; ``cli/`` reads it from the environment."""

    state_dir: Path
    notify_socket: str | None = None
    """systemd's ``NOTIFY_SOCKET``."""
    watchdog_seconds: float | None = None
    """systemd's ``WATCHDOG_USEC`` in seconds."""
    runtime_dir: Path | None = None
    """systemd's ``RUNTIME_DIRECTORY``: where the status socket is put, instead of the state directory."""
    read_again: Callable[[], Config] | None = None
    """Reads the settings anew, for SIGHUP; ``SettingsFault`` tells what is wrong."""


class Guard:
    """All stations of a process and what they share."""

    def __init__(self, config: Config, process: Process) -> None:
        self.config, self.process = config, process
        self.clouds = Clouds(process.state_dir, time.monotonic)
        self.events = EventStore(process.state_dir / "events.sqlite", days=config.events_days)
        self.history = Feed(process.state_dir / HISTORY_NAME)
        self.fleet = Fleet(self._open, lambda name, text: self.events.add(alarm_of(name, text)))
        self.started_at = time.time()
        self._pasts = {
            name: Past(last_reset=LastReset(proved_at - seconds, proved_at))
            for name, (proved_at, seconds) in last_resets(self.events.path).items()
        }
        """By station: what the status tells of its past outlives its parts."""

    def _open(self, config: StationConfig) -> Station:
        past = self._pasts.setdefault(config.name, Past())

        def told(happening: Happening) -> None:
            self.events.add(event_of(config.name, station.controller, past, happening))

        station = open_station(
            config, self.config.mode, self.process.state_dir, tell=told, clouds=self.clouds, past=past
        )
        station.controller.observer.listed = partial(self.history.saw, config.name)
        return station

    def lists(self) -> list[Source]:
        """The stations whose whole list of sessions may be asked for now: none while a player is waited on."""
        return [
            Source(one.name, observer.server, client, self.clouds.turn(one.config.api_url, None))
            for one in self._quiet()
            if (observer := one.controller.observer).server is not None
            and (client := observer.access.client) is not None
        ]

    def purses(self) -> list[Purse]:
        """The accounts whose figures may be asked for now, each once.

        Of several stations' own tokens each may be told of its station alone, and would stand for the account.
        """
        stations = self._quiet()
        found = {
            id(access.client): Purse(access.client, self.clouds.turn(one.config.api_url, None))
            for one in stations
            if (access := one.controller.observer.access).client is not None and (access.merchant or len(stations) == 1)
        }
        return list(found.values())

    def _quiet(self) -> list[Station]:
        """All stations, or none while a player is waited on at one of them."""
        stations = [one.station for one in self.fleet.members.values()]
        busy = any(one.controller.phase is Phase.PREPARING or one.controller.observer.held() for one in stations)
        return [] if busy else stations

    def reload(self) -> None:
        """Read the settings again; faulty ones change nothing."""
        if self.process.read_again is None:
            return
        try:
            config = self.process.read_again()
        except SettingsFault as fault:
            for line in fault.faults:
                log.error("settings: %s", line)
            log.error("settings: not read anew because of these faults; all stations go on with the old ones")
            return
        logging.getLogger().setLevel(config.log_level)
        fixed = ("state_dir", "log_format", "events_days", "status_group")
        if any(getattr(config, name) != getattr(self.config, name) for name in fixed):
            log.warning(
                "settings: DROVA_STATE_DIR, DROVA_LOG_FORMAT, DROVA_EVENTS_DAYS and DROVA_STATUS_GROUP are taken at the start alone; "
                "restart the gate for them"
            )
        self.fleet.change(config.stations)

    def status(self, station: str | None, *, addresses: bool) -> dict[str, Any]:
        """The whole status, as JSON values."""
        now = time.monotonic()
        members = [one for name, one in self.fleet.members.items() if station in (None, name)]
        return {
            "started_at": self.started_at,
            "requests": self.clouds.requests,
            "events_fault": self.events.fault,
            "history_fault": self.history.fault,
            "stations": [
                one.station.snapshot(now=now, addresses=addresses)
                | {
                    "state_dir": str(self.process.state_dir / one.config.name),
                    "stuck_since": one.stuck_since,
                    "restarts": one.restarts,
                    "leaving": one.leaving,
                }
                for one in members
            ],
        }

    def sentence(self) -> str:
        """The state of all in a line."""
        members = self.fleet.members
        if len(members) == 1:
            return "".join(one.station.controller.reason for one in members.values())
        count = Counter(one.station.controller.phase.value for one in members.values())
        loud = [
            f"{name}: {one.station.controller.reason}"
            for name, one in members.items()
            if one.station.controller.phase is Phase.QUARANTINED
        ]
        stuck = [f"{name} does not turn" for name in self.fleet.stuck]
        phases = ", ".join(f"{number} {phase}" for phase, number in count.most_common())
        return "; ".join([f"{len(members)} stations: {phases}", *stuck, *loud])


async def run(config: Config, process: Process) -> None:
    """Run all stations until SIGTERM or SIGINT; a running session is left as it is and picked up at the next start.

    Who plays through the relay may have time to end by himself (``drain_seconds``); a second signal ends that at once.
    """
    loop, stop, at_once = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def asked_to_stop() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    guard = Guard(config, process)
    guard.fleet.open(config.stations)
    loop.add_signal_handler(signal.SIGHUP, partial(_reload, guard))
    notifier = Notifier(process.notify_socket)
    server = StatusServer(process.runtime_dir or process.state_dir, config.status_group, guard.status)
    try:
        guard.events.open()
        guard.history.open()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(guard.fleet.run(), name="stations"),
                group.create_task(_report(guard, notifier, process.watchdog_seconds), name="watchdog"),
                group.create_task(server.run(), name="status"),
                group.create_task(keep_whole(guard.history, guard.lists), name="history"),
                group.create_task(keep_figures(guard.history, guard.purses), name="figures"),
            ]
            await stop.wait()
            log.info("stops; running sessions stay as they are and are picked up at the next start")
            notifier.say("STOPPING=1")
            guard.fleet.stopping = True
            # Their stations stay guarded as long as players are given time; systemd is told not to lose patience.
            await drain(
                guard.fleet.relays(),
                at_once,
                lambda: notifier.say(f"EXTEND_TIMEOUT_USEC={int(3 * WORD_SECONDS * 1e6)}"),
            )
            for task in tasks:
                task.cancel()
    finally:
        # The signal handlers stay until the loop is closed: a second Ctrl-C must not cut the clean stop short.
        notifier.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await guard.clouds.close()
        except TimeoutError:
            pass
        guard.events.close()
        guard.history.close()


def _reload(guard: Guard) -> None:
    """The top of a signal's life: whatever is wrong with the new settings, the stations go on."""
    try:
        guard.reload()
    except (CallOwner, OSError) as error:
        log.error("settings: not read anew: %s", error)


async def _report(guard: Guard, notifier: Notifier, watchdog_seconds: float | None) -> None:
    """Tell systemd: ready once every station's loop has turned; alive from the loop itself, and only while every station's loop turns."""
    ready = False
    pause = min(NOTIFY_SECONDS, watchdog_seconds / 3) if watchdog_seconds else NOTIFY_SECONDS
    while True:
        if not ready and guard.fleet.started:
            ready = True
            notifier.say("READY=1")
            log.info("guards %d station%s", len(guard.fleet.members), "" if len(guard.fleet.members) == 1 else "s")
        notifier.status(guard.sentence())
        if not guard.fleet.stuck:
            notifier.say("WATCHDOG=1")
        # Quick until the start is told: whoever starts us waits for it.
        await asyncio.sleep(pause if ready else 0.05)
