"""The scene of one cell: a station, a cloud, the gate in front of them, and what all of them write down."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drova_gate.demo.gates import Gate
from drova_gate.demo.matrix import Cell, Heals, Step
from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.port import Port
from drova_gate.sim.station import Costs, Station, StationPlan

__all__ = ["RENTERS_FILE", "Arrival", "ResetOrder", "Scene", "until"]

RENTERS_FILE = "left_by_the_renter.txt"
"""What the player writes is his own doing and no write of the gate's."""
MARKER_KEY = r"HKLM\SOFTWARE\drova_gate"
LOOK_SECONDS = 0.01
COSTS = Costs(command=0.02, process=0.01, reboot=0.25, ready=0.05)
"""A quick station on which each step still takes long enough for something to happen in it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A player was let in: what he found on the station at that moment."""

    at: float
    shadowed: bool
    """Every volume was in Shadow Mode."""
    signed_in: frozenset[str]
    """Launchers that would have signed the owner in."""


@dataclass(frozen=True, slots=True)
class ResetOrder:
    """An order to reboot came in over SSH."""

    at: float
    live: tuple[str, ...]
    """Sessions of this station that the cloud shows as going on at that moment."""


@dataclass(slots=True)
class Records:
    """What station and cloud have written down, beside their own journals."""

    arrivals: list[Arrival] = field(default_factory=list)
    resets: list[ResetOrder] = field(default_factory=list)
    turned_away: int = 0
    sessions: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    """What the gate said loudly."""
    leaks: int = 0
    """Lines of its log with a secret in them."""
    hollow: list[str] = field(default_factory=list)
    """Why the cell proves nothing: its fault did not strike, or left no trace."""
    unserved: str = ""
    """How a player fared badly in a healthy world."""
    shown_dirty: bool = False
    """A station that was not clean stood in the catalogue for too long."""
    untold: bool = False
    """The owner was not told of what only he can mend."""


class Scene:
    """Opens and closes everything; ``reach`` and the station's own evidence set off the cell's fault."""

    def __init__(
        self,
        cell: Cell,
        folder: Path,
        strike: Callable[["Scene"], None],
        tasks: asyncio.TaskGroup,
        gate: type[Gate],
    ) -> None:
        self.cell, self.folder = cell, folder
        self.records = Records()
        self.struck = asyncio.Event()
        self.struck_at = 0.0
        self.healed = asyncio.Event()
        self.inside = False
        """A player is in."""
        self.bared = False
        """A disk keeps what its player wrote, and its owner has not looked it through yet."""
        self.ended_clean = False
        """The gate took the station for clean at the end."""
        self.list_empty = False
        """The cloud shows none of its sessions."""
        self._strike, self._gate_kind = strike, gate
        self.tasks = tasks
        self._beside: list[asyncio.Task[None]] = []
        self._parts = AsyncExitStack()
        self._listed = self._script = self._killed = False
        self._catcher = _Catcher(self._said)

    async def open(self) -> None:
        """Switch on the station and the cloud; the gate is not started yet."""
        token, server, owner = (str(uuid.uuid4()) for _ in range(3))
        self.plan = StationPlan(
            name=self.cell.name,
            registrations=((server, token, owner),),
            # Of this cell alone, so that a leak is its own.
            password=f"password-{uuid.uuid4()}",
            shadow_password=f"shadow-{uuid.uuid4().hex[:12]}",
            costs=COSTS,
        )
        self.secrets = (self.plan.password, self.plan.shadow_password, token)
        self.server = server
        self.cloud = await self._parts.enter_async_context(Cloud(CloudPlan()))
        self.cloud.add_server(server, self.cell.name, owner, token=token)
        self.station = await self._parts.enter_async_context(Station(self.plan))
        self.station.watch(self._seen)
        self.before = self.station.machine.lasting()
        logger = logging.getLogger("drova_gate")
        logger.addHandler(self._catcher)
        self._parts.callback(logger.removeHandler, self._catcher)
        logger.setLevel(logging.DEBUG)
        # The gate opens it a moment later, and again after each start.
        self.listen_port = self._parts.enter_context(Port(self.station.host)).number
        self.gate = self._gate_kind(self.cell.mode, self.settings(), self.folder, self.cell.name, self.tasks)
        self._parts.push_async_callback(self.gate.stop)

    async def close(self) -> None:
        """End everything."""
        for task in self._beside:
            task.cancel()
        await self._parts.aclose()

    def settings(self) -> dict[str, str]:
        """The owner's settings for this station."""
        return {
            "WINDOWS_HOST": self.station.host,
            "WINDOWS_SSH_PORT": str(self.station.ssh_port),
            "WINDOWS_LOGIN": self.plan.login,
            "WINDOWS_PASSWORD": self.plan.password,
            "SHADOW_DEFENDER_PASSWORD": self.plan.shadow_password,
            "SHADOW_DEFENDER_DRIVES": "".join(sorted(self.plan.drives)),
            "DROVA_SOCKET_LISTEN": str(self.listen_port),
            "DROVA_LISTEN_HOST": "127.0.0.1",
            "DROVA_TARGET_PORT": str(self.station.agent_port),
            "DROVA_API_URL": self.cloud.url,
            "DROVA_POLL_SECONDS": "0.25",
            "DROVA_STATE_DIR": str(self.folder),
            "DROVA_LOG_LEVEL": "DEBUG",
        }

    # -- the fault ---------------------------------------------------------------------------------------------------

    def reach(self, step: Step) -> None:
        """A step begins; if it is the cell's, the fault strikes in this very moment."""
        if step is self.cell.step and not self.struck.is_set():
            self.struck_at = time.monotonic()
            self.struck.set()
            self._strike(self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the story; it ends with the scene at the latest."""
        self._beside.append(self.tasks.create_task(work))

    async def calm(self, seconds: float) -> None:
        """Wait until nothing is being broken, mended or started anew any more."""
        await until(lambda: all(task.done() for task in self._beside), seconds)

    # -- what station and cloud say ----------------------------------------------------------------------------------

    def offer(self) -> str:
        """The cloud offers the station to a player; the session's uuid."""
        session = self.cloud.start_session(self.server)
        self.cloud.sessions[session].hidden = self.list_empty
        self.records.sessions.append(session)
        return session

    @property
    def looked(self) -> bool:
        """The gate has looked at the station, and the cloud has answered it."""
        asked = any(one.path.endswith("/sessions") and one.status == 200 for one in self.cloud.requests)
        return self._listed and asked

    @property
    def shadowed(self) -> bool:
        """Every volume is in Shadow Mode now."""
        return self.station.machine.shadow.active == set(self.plan.drives)

    @property
    def guarded(self) -> bool:
        """The station is prepared, as it stands there: shadowed, marked, nobody signed in."""
        machine = self.station.machine
        return machine.up and self.shadowed and machine.registry.has_key(MARKER_KEY) and not machine.signed_in()

    @property
    def dirty(self) -> bool:
        """The station is not as a next player must find it."""
        machine = self.station.machine
        left = bool(machine.shadow.active) or machine.registry.has_key(MARKER_KEY)
        return not machine.up or left or self.bared

    @property
    def published(self) -> bool:
        """In the catalogue, by the cloud's own record."""
        return self.cloud.servers[self.server].published

    def live_sessions(self) -> tuple[str, ...]:
        """Sessions that are going on, by the cloud's own record."""
        return tuple(one.uuid for one in self.cloud.sessions.values() if not one.over)

    @property
    def reset_done(self) -> bool:
        """A reboot was ordered."""
        return bool(self.records.resets)

    @property
    def served(self) -> bool:
        """A player is in, on a station that is prepared."""
        return self.inside and self.guarded

    def let_in(self) -> None:
        """Write down what a player finds who is let in now; on a disk that forgets, he leaves something behind."""
        self.inside = True
        if self.shadowed:
            self.station.machine.files.write(rf"C:\{RENTERS_FILE}", b"mine")
        signed_in = frozenset(self.station.machine.signed_in())
        self.records.arrivals.append(Arrival(time.monotonic(), self.shadowed, signed_in))

    def _seen(self, kind: str, subject: str) -> None:
        """The station's evidence, as it comes."""
        if kind == "ready":
            self.reach(Step.READY)
        elif kind == "shadow":
            self._listed = self._listed or "/list" in subject
            if "/enter:" in subject:
                self.reach(Step.PROTECT)
            elif "/list" in subject and self._killed:
                self.reach(Step.CONFIRM)
        elif kind == "write" and subject.endswith("prepare.cmd"):
            self.reach(Step.UPLOAD)
        elif kind == "command":
            self._script = self._script or "prepare.cmd" in subject
            if "shutdown.exe" in subject:
                self.records.resets.append(ResetOrder(time.monotonic(), self.live_sessions()))
                self.reach(Step.RESET_SENT)
        elif kind == "kill" and self._script and not self._killed:
            self._killed = True
            self.reach(Step.PREPARE)
        elif kind == "off" and self.reset_done:
            self.reach(Step.REBOOTING)
        elif kind == "reboot" and self.reset_done:
            self.reach(Step.PROOF)

    def _said(self, level: int, text: str) -> None:
        self.records.leaks += any(secret in text for secret in self.secrets)
        if level >= logging.WARNING and self.cell.name in text:
            self.records.log.append(text)

    # -- the gate ----------------------------------------------------------------------------------------------------

    @property
    def told(self) -> bool:
        """The gate has said something loudly since the fault struck."""
        return self.gate.told_since(self.struck_at)

    def leaked_lines(self) -> int:
        """Lines with a secret in what a gate of its own process has printed."""
        log = self.folder / "gate.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return sum(any(secret in line for secret in self.secrets) for line in lines)

    @property
    def needs_owner(self) -> bool:
        """The fault lasts until the owner mends it."""
        return self.cell.fault.heals is Heals.BY_OWNER


class _Catcher(logging.Handler):
    """Passes on every line of the gate's log, with its trace."""

    def __init__(self, take: Callable[[int, str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        self._take(record.levelno, self.format(record) if record.exc_info else record.getMessage())


async def until(reached: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so, at most for a while; returns whether it is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not reached():  # noqa: ASYNC110 - a simulated station has no event for everything a cell waits for
                await asyncio.sleep(LOOK_SECONDS)
    return reached()
