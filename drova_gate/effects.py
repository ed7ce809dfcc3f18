"""What the gate does to a station: prepare it, reset it, wake it, end a stream on it. When, is decided elsewhere."""

import asyncio
import logging
import secrets
from dataclasses import dataclass
from uuid import UUID

from drova_gate.core.model import HostFacts, PreparationReport, Record, StepOutcome
from drova_gate.errors import CallOwner, GateError, OutcomeUnknown, StationUnreachable
from drova_gate.host.evict import evict
from drova_gate.host.look import look
from drova_gate.host.reset import ResetAnswer, reset
from drova_gate.host.wake import wake
from drova_gate.observe import Observer
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.recipes import Level, Recipe
from drova_gate.steps.undo import undo

__all__ = ["Effects", "Preparation"]

log = logging.getLogger(__name__)

PREPARE_LIMIT = 60.0
"""Seconds after which a preparation is given up and looked at anew; it takes one or two."""


LAST_LOOK_LIMIT = 5.0
"""Seconds for the look before a reset; it takes a fraction of one, and the next player waits."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a preparation is made of: the same for every session."""

    recipes: tuple[Recipe, ...]
    lockdown: Lockdown
    level: Level


class Effects:
    """The hands of one station's controller."""

    def __init__(self, name: str, observer: Observer, preparation: Preparation) -> None:
        self._name, self._observer, self._preparation = name, observer, preparation

    async def prepare(self, record: Record, *, again: bool) -> PreparationReport:
        """Prepare the station for the guarded session; whatever goes wrong stands in the report. ``again``: said before."""
        observer = self._observer
        session = record.session or UUID(int=0)
        plan = self._plan(record, record.entered)
        if plan is None:
            fault = observer.console_fault or StationUnreachable(
                f"station {self._name}", "who sits at it and what volumes it has is not known yet", "looks again"
            )
            passing = not isinstance(fault, CallOwner)
            return PreparationReport(
                session, record.marker, frozenset(), frozenset(), (), 0, 0.0, str(fault), passing=passing
            )
        try:
            async with asyncio.timeout(PREPARE_LIMIT):
                return await prepare(observer.link, observer.protector, plan, again=again)
        except TimeoutError:
            fault_text = f"preparation did not end within {PREPARE_LIMIT:.0f} s; looks at the station again"
            return PreparationReport(
                session, record.marker, frozenset(), record.entered, (), 0, PREPARE_LIMIT, fault_text
            )

    async def last_look(self, record: Record) -> HostFacts | None:
        """What the station shows right before its reset; ``None``: it did not say, which holds up no reset."""
        observer = self._observer
        volumes = (observer.volumes or frozenset()) | record.entered
        try:
            async with asyncio.timeout(LAST_LOOK_LIMIT):
                return await look(observer.link, observer.protector, volumes)
        except (TimeoutError, GateError) as error:
            log.info("%s: not looked at once more before its reset (%s)", self._name, str(error) or "no answer")
            return None

    async def reset(self, record: Record, *, plain: bool) -> tuple[ResetAnswer, str]:
        """Send the reset; returns the station's answer and what could not be undone, in words.

        Raises what kept it from being sent. ``plain``: without the protector's program, whose way out is scheduled since its entry.
        """
        observer = self._observer
        undone = (
            "" if observer.protector.forgets else await self._undo(record)
        )  # whatever comes of it, the reset goes out
        try:
            volumes = frozenset[str]() if plain else record.entered
            answer = await reset(observer.link, observer.protector, volumes, secrets.token_hex(8))
        except OutcomeUnknown as error:
            log.warning(
                "%s: the reset was sent and its answer is not known (%s); the station itself will show it",
                self._name,
                error,
            )
            answer = ResetAnswer.UNKNOWN
        return answer, undone

    async def evict(self) -> bool:
        """End the player's stream on the station; ``False``: there was none."""
        return await evict(self._observer.link)

    async def wake(self) -> bool:
        """Call the station over the network; ``False``: nobody has said how."""
        config = self._observer.config
        if config.wol_mac is None:
            return False
        try:
            await wake(config.wol_mac, config.host)
        except OSError as error:
            log.warning("%s: Wake-on-LAN cannot be sent (%s)", self._name, error.strerror)
            return False
        log.info("%s: Wake-on-LAN sent", self._name)
        return True

    async def _undo(self, record: Record) -> str:
        """Nothing is rolled back here: take our lockdown off by hand, or the owner finds his PC locked."""
        plan = self._plan(record, frozenset())
        if plan is None:
            return str(self._observer.console_fault or "who sits at it is not known")
        try:
            steps = await undo(self._observer.link, plan)
        except StationUnreachable:
            raise
        except GateError as error:
            return str(error)
        return ", ".join(step.name for step in steps if step.outcome is StepOutcome.FAILED)

    def _plan(self, record: Record, enter: frozenset[str]) -> PreparationPlan | None:
        observer, preparation = self._observer, self._preparation
        if observer.console is None or observer.volumes is None or not observer.link.up:
            return None
        return PreparationPlan(
            session=record.session or UUID(int=0),
            marker=record.marker,
            boot_stamp=record.boot_stamp,
            volumes=observer.volumes,
            enter=enter,
            console=observer.console,
            program_data=observer.link.variables["ProgramData"],
            level=preparation.level,
            recipes=preparation.recipes,
            lockdown=preparation.lockdown,
            found=observer.places.found,
        )
