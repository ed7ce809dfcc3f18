"""The stage of a demonstration: simulated cloud and stations, and the gate's real parts pointed at them."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from drova_gate.config import Mode, StationConfig
from drova_gate.controller import Happening
from drova_gate.core.model import Phase, PreparationReport
from drova_gate.observe import Timing
from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.faults import FAULTS
from drova_gate.sim.port import Port
from drova_gate.sim.station import Costs, Station, StationPlan
from drova_gate.station import Station as GateStation
from drova_gate.station import open_station

__all__ = ["RENTERS_FILE", "Act", "Moment", "Pace", "Stage"]


RENTERS_FILE = "left_by_the_renter.txt"
"""What the player writes is his own doing and no write of the gate's."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the play goes, in seconds. The gate's limits that depend on a real PC's boot time shrink along."""

    costs: Costs = field(default_factory=Costs)
    """What the simulated station takes; the defaults are a real Windows PC's, except for the boot."""
    start: float = 15.0
    """The most that the play waits for the gate's first look; a station that is off for its first seconds included."""
    hold: float = 5.0
    grace: float = 3.0
    """Beyond the hold, until a held player must have been let in or refused."""
    patience: float = 16.0
    """How long a refused player goes on trying, as the real client does."""
    play: float = 1.5
    """How long the player plays."""
    reset_wait: float = 12.0
    """How long a reset may take to be proved: the simulated PC boots in a second instead of a minute."""
    reset_ignored: float = 4.0
    """When a reset that was ignored is sent again."""
    end: float = 30.0
    """The most that the play waits for the end of a rental."""
    timing: Timing = field(default_factory=lambda: Timing(idle_poll=1.0, idle_relay=3.0, look=5.0, look_soon=0.5))
    poll: float = 0.5


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, by the loop's clock."""

    at: float
    who: str
    """``player``, ``gate``, ``station`` or ``cloud``."""
    kind: str
    text: str


@dataclass(slots=True)
class Act:
    """One station's part of the play and what came of it."""

    name: str
    server: str
    station: Station
    gate: GateStation
    moments: list[Moment] = field(default_factory=list)
    reports: list[PreparationReport] = field(default_factory=list)
    session: str = ""
    ready_sent_at: float | None = None
    """When the gate saw the ready byte (socket mode), or the player did (poll mode)."""
    prepared_at: float | None = None
    player_in_at: float | None = None
    signed_in_when_let_in: frozenset[str] | None = None
    """Launchers with a usable sign-in at the moment the player came in."""
    signed_in_before: frozenset[str] = frozenset()
    session_began_at: float = 0.0
    session_ended_at: float | None = None
    commands_before: int = 0
    clean_at: float | None = None
    boots_before: int = 0

    @property
    def phase(self) -> Phase:
        """The gate's phase for this station."""
        return self.gate.controller.phase


class _LogCatcher(logging.Handler):
    """Keeps every log line of the gate, for the proof that no secret stands in any; passes on what an owner would be warned of."""

    def __init__(self, lines: list[str], warn: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._lines, self._warn = lines, warn

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        self._lines.append(text)
        if record.levelno >= logging.WARNING:
            self._warn(text)


class Stage:
    """Opens and closes everything; ``acts`` has one entry per station."""

    def __init__(
        self,
        mode: Mode,
        stations: int,
        fault: str | None,
        state_dir: Path,
        show: Callable[[Act, Moment], None],
        *,
        pace: Pace | None = None,
    ) -> None:
        self.mode, self.fault, self.pace = mode, fault, pace or Pace()
        self._count, self._state_dir, self._show = stations, state_dir, show
        self.acts: list[Act] = []
        self.log_lines: list[str] = []
        self.secrets: list[str] = []
        self.cloud = Cloud(CloudPlan())
        self._parts = AsyncExitStack()
        self._catcher = _LogCatcher(self.log_lines, self._warned)
        self._level_before = logging.NOTSET

    async def __aenter__(self) -> Self:
        await self._parts.__aenter__()
        logger = logging.getLogger("drova_gate")
        logger.addHandler(self._catcher)
        self._level_before = logger.level
        logger.setLevel(min(logger.level or logging.INFO, logging.DEBUG))
        await self._parts.enter_async_context(self.cloud)
        if self._side("cloud"):
            self.cloud.faults.add(self.fault or "")
        for number in range(1, self._count + 1):
            await self._add(number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._parts.__aexit__(kind, error, trace)
        logger = logging.getLogger("drova_gate")
        logger.removeHandler(self._catcher)
        logger.setLevel(self._level_before)

    def note(self, act: Act, who: str, kind: str, text: str) -> None:
        """Add a moment to the timeline."""
        moment = Moment(asyncio.get_running_loop().time(), who, kind, text)
        act.moments.append(moment)
        self._show(act, moment)

    def _warned(self, line: str) -> None:
        """A warning in the gate's log is a moment of the station that it names."""
        found = re.match(r"(?:station )?(\S+): (?:station \1: )?(.*)", line, re.DOTALL)
        for act in self.acts:
            if found is not None and found[1] == act.name:
                with suppress(RuntimeError):  # logged outside the loop, by a thread: the line is kept all the same
                    self.note(act, "gate", "log", found[2])

    def _side(self, side: str) -> bool:
        return self.fault is not None and FAULTS[self.fault].side == side

    async def _add(self, number: int) -> None:
        name, server, owner, token = f"pc{number}", str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4())
        faults = frozenset({self.fault} if self.fault and (self._side("station") or self._side("agent")) else ())
        plan = StationPlan(name=name, registrations=((server, token, owner),), costs=self.pace.costs, faults=faults)
        self.cloud.add_server(server, name, owner, token=token)
        station = await self._parts.enter_async_context(Station(plan))
        self.secrets += [plan.password, plan.shadow_password, token]
        config = self._config(name, plan, station)
        act = Act(name, server, station, gate=None)  # type: ignore[arg-type]  # set in the next lines: the gate tells its happenings to the act
        act.gate = open_station(
            config,
            self.mode,
            self._state_dir,
            tell=lambda happening: self._told(act, happening),
            timing=self.pace.timing,
        )
        observer = act.gate.controller.observer
        observer.policy = replace(
            observer.policy, reset_wait_seconds=self.pace.reset_wait, reset_ignored_seconds=self.pace.reset_ignored
        )
        self.acts.append(act)

    def _config(self, name: str, plan: StationPlan, station: Station) -> StationConfig:
        return StationConfig(
            name=name,
            host=station.host,
            login=plan.login,
            password=SecretStr(plan.password),
            key_file=None,
            ssh_port=station.ssh_port,
            host_key=None,
            protector="shadow_defender",
            protector_password=SecretStr(plan.shadow_password),
            drives=frozenset(plan.drives),
            listen_port=self._parts.enter_context(Port(station.host)).number if self.mode is Mode.SOCKET else None,
            listen_host="127.0.0.1",
            target_port=station.agent_port,
            api_url=self.cloud.url,
            token=None,
            hold_seconds=self.pace.hold,
            admit_unprotected=False,
            prepare_all=False,
            wipe="full",
            launchers_dir=None,
            poll_seconds=self.pace.poll,
        )

    def _told(self, act: Act, happening: Happening) -> None:
        now = asyncio.get_running_loop().time()
        if happening.kind == "held" and act.ready_sent_at is None:
            act.ready_sent_at = now
        if happening.report is not None:
            act.reports.append(happening.report)
        if happening.kind == "prepared":
            act.prepared_at = now
        if happening.kind == "reset" and act.session_ended_at is None:
            act.session_ended_at = time.monotonic()
        self.note(act, "gate", happening.kind, happening.text)
