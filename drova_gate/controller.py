"""The loop of one station: observe, decide, act, one sentence.

What must outlive the process is written before an effect that cannot be told from the outside afterwards (which session, which marker, that
a reset goes out), and once more after the effect was read back.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Action,
    Adopt,
    Alarm,
    AnswerHeld,
    Decision,
    Facts,
    Forget,
    Phase,
    PreparationReport,
    Prepare,
    Publish,
    Record,
    Reset,
    StepOutcome,
)
from drova_gate.errors import (
    CloudForbidden,
    CloudRefused,
    CloudUnauthorised,
    GateError,
    OutcomeUnknown,
    StationUnreachable,
)
from drova_gate.host.reset import ResetAnswer, reset
from drova_gate.observe import Observer
from drova_gate.state import StateFile
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.recipes import Level, Recipe
from drova_gate.steps.undo import undo

__all__ = ["Controller", "Happening", "Preparation"]

log = logging.getLogger(__name__)

PREPARE_LIMIT = 60.0
"""Seconds after which a preparation is given up and looked at anew; it takes one or two."""
LEAST_PAUSE = 0.02
"""Seconds between two cycles: a port scan stirs the door thousands of times a second."""
BROKEN_PAUSE = 5.0
"""Seconds after a fault of our own before the next cycle."""
LONGEST_PAUSE = 60.0
"""Seconds between two cycles at most, even if nothing is due for longer: the watchdog takes a station without cycles for hanging."""
ALARM_AGAIN = 3600.0
"""Seconds for which an alarm must have been silent before it is told again: a fault that flickers is told once, one that returns anew."""
PUBLISH_PAUSE = 10.0
"""Seconds between two tries to hide or show a station."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something worth telling: to a timeline, a status, a notifier."""

    kind: str
    """``held``, ``phase``, ``prepared``, ``not_prepared``, ``admitted``, ``refused``, ``reset``, ``published`` or ``alarm``."""
    text: str
    phase: Phase
    report: PreparationReport | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a preparation is made of: the same for every session."""

    recipes: tuple[Recipe, ...]
    lockdown: Lockdown
    level: Level


def _failed_musts(report: PreparationReport) -> str:
    return "; ".join(
        f"{step.name}: {step.reason}" for step in report.steps if step.must and step.outcome is StepOutcome.FAILED
    )


class Controller:
    """Keeps one station safe around its sessions."""

    def __init__(
        self,
        name: str,
        observer: Observer,
        state: StateFile,
        preparation: Preparation,
        clock: Callable[[], float],
        tell: Callable[[Happening], None] = lambda _: None,
    ) -> None:
        self.name, self.observer = name, observer
        self._state, self._preparation, self._clock, self._tell = state, preparation, clock, tell
        self._wake = asyncio.Event()
        self.phase = Phase.UNKNOWN
        self.reason = "first look"
        self.record = Record()
        self.last_cycle_at = clock()
        self._report: PreparationReport | None = None
        self._report_at: float | None = None
        self._report_tries = 0
        self._reset_at: float | None = None
        self._publish_due = 0.0
        self._alarmed: dict[str, float] = {}
        self._held = 0

    def stir(self) -> None:
        """Something changed: look now. Safe to call at any rate."""
        self._wake.set()

    async def run(self) -> None:
        """Run for ever; a fault of our own in one cycle never ends the loop."""
        await self.start()
        while True:
            self._wake.clear()
            try:
                pause = await self.cycle()
            except Exception:
                # The top of the loop: whatever it was, the station must not be left alone.
                log.exception(
                    "%s: this cycle failed by a fault of the gate's own; goes on in %.0f s", self.name, BROKEN_PAUSE
                )
                pause = BROKEN_PAUSE
            await asyncio.sleep(LEAST_PAUSE)
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def start(self) -> None:
        """Load what the last process left."""
        self.record = await asyncio.to_thread(self._state.load)
        if self.record.phase is Phase.RESETTING and self.record.reset_tries:
            self._reset_at = self._clock()

    async def cycle(self) -> float:
        """Observe, decide, act; returns the seconds until the next reading is due."""
        self._tell_held()
        observed = await self.observer.facts(self.phase, self.record)
        decision = decide(self.phase, self._complete(observed), self._clock())
        await self._enter(decision)
        busy = False
        for action in decision.actions:
            busy = await self._act(action, observed) or busy
        self.last_cycle_at = self._clock()
        return 0.0 if busy else min(LONGEST_PAUSE, max(0.0, self.observer.next_due(self.phase) - self._clock()))

    def _tell_held(self) -> None:
        held = self.observer.held()
        if held > self._held:
            self._tell(Happening("held", "ready byte seen; the player is held at the door", self.phase))
        if held and not self.observer.link.up:
            self.observer.link.retry_soon()
        self._held = held

    def _complete(self, facts: Facts) -> Facts:
        return replace(
            facts,
            report=self._report,
            report_at=self._report_at,
            report_tries=self._report_tries,
            reset_at=self._reset_at,
        )

    async def _enter(self, decision: Decision) -> None:
        if decision.reason != self.reason:
            log.info("%s: %s", self.name, decision.reason)
            self.reason = decision.reason
        if decision.phase is self.phase:
            return
        self.phase = decision.phase
        self._tell(Happening("phase", decision.reason, decision.phase))
        if decision.phase is Phase.RESETTING and not any(isinstance(one, Reset) for one in decision.actions):
            self._reset_at = self._reset_at if self.record.reset_tries else None
        if decision.phase is not Phase.UNKNOWN:
            await self._remember(self._entered(decision))
        if decision.phase in (Phase.RESETTING, Phase.QUARANTINED):
            self.observer.forget_host()

    def _entered(self, decision: Decision) -> Record:
        """The record of the new phase."""
        record = replace(self.record, phase=decision.phase)
        if any(isinstance(one, Forget) for one in decision.actions):
            # In the same write: a clean station that still names its session would be reset a second time after a power cut.
            return _forgotten(record)
        if decision.phase is not Phase.QUARANTINED:
            return replace(record, quarantine_reason="")
        if self.record.phase is Phase.QUARANTINED:
            return record  # after a restart the reason is still the old one
        return replace(record, quarantine_reason=decision.reason.removeprefix("quarantine: "))

    async def _remember(self, record: Record) -> None:
        record = replace(record, server=self.observer.server or record.server)
        if record == self.record:
            return
        self.record = record
        try:
            await self._save(record)
        except OSError as error:
            self._alarm(
                f"the state file cannot be written ({error.strerror}); a restart now would have to guess: free the disk"
            )

    async def _save(self, record: Record) -> None:
        """Write the record in a thread: a router's flash may take 0.1 s for an fsync. A stop waits for a write that has begun."""
        writing = asyncio.get_running_loop().run_in_executor(None, self._state.save, record)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            with suppress(OSError):
                await writing
            raise

    # -- actions -----------------------------------------------------------------------------------------------------

    async def _act(self, action: Action, facts: Facts) -> bool:
        """Do one action; returns whether the facts have changed and the next cycle should follow at once."""
        match action:
            case Prepare(session, created_ms):
                await self._prepare(session, created_ms, facts)
                return True
            case Reset(why):
                await self._reset(why)
                return False
            case AnswerHeld(verdict, why):
                if self.observer.door is not None:
                    self.observer.door.answer(verdict, why)
                    self._tell(Happening("admitted" if verdict == "admit" else "refused", why, self.phase))
            case Publish(visible, why):
                await self._publish(visible=visible, why=why)
            case Adopt(session, created_ms):
                await self._adopt(session, created_ms, facts)
            case Forget():
                await self._forget()
            case Alarm(text):
                self._alarm(text)
        return False

    async def _prepare(self, session: UUID, created_ms: int, facts: Facts) -> None:
        observer, record = self.observer, self.record
        host, volumes = facts.host, observer.volumes
        if host is None:
            return
        if volumes is None:
            volumes = frozenset()
        again = record.session == session
        ours = record.entered if again else frozenset[str]()
        # What the owner put into Shadow Mode himself is his to leave; what a cut-off try of ours entered is ours.
        enter = (volumes - (host.shadowed or frozenset())) | ours
        marker = record.marker if again and record.marker else secrets.token_hex(8)
        stamp = record.boot_stamp if again and record.boot_stamp else secrets.token_hex(8)
        await self._remember(
            replace(
                record,
                session=session,
                session_created_ms=created_ms,
                prepared=False,
                marker=marker,
                boot_stamp=stamp,
                entered=enter,
                reset_tries=0,
            )
        )
        # From here on what was read of the station before is no fact any more, however the preparation ends.
        observer.forget_host()
        report = await self._run_preparation(session, marker, stamp, volumes, enter)
        self._report, self._report_at = report, self._clock()
        self._report_tries = 0 if report.prepared else self._report_tries + 1 if again else 1
        if report.prepared:
            observer.host_became(report, stamp)
            self._alarmed.clear()
            await self._remember(replace(self.record, prepared=True, entered=report.entered))
            self._tell(Happening("prepared", f"prepared and confirmed in {report.seconds:.2f} s", self.phase, report))
        else:
            observer.forget_host()
            # After an unknown outcome the report still counts what was to be entered as ours; what an earlier try entered stays ours.
            await self._remember(replace(self.record, entered=report.entered | ours))
            self._tell(Happening("not_prepared", report.fault or _failed_musts(report), self.phase, report))

    async def _run_preparation(
        self, session: UUID, marker: str, stamp: str, volumes: frozenset[str], enter: frozenset[str]
    ) -> PreparationReport:
        plan = self._plan(session, marker, stamp, volumes, enter)
        if plan is None:
            fault = str(self.observer.console_fault or "who sits at the station is not known yet")
            return PreparationReport(session, marker, frozenset(), frozenset(), (), 0, 0.0, fault)
        try:
            async with asyncio.timeout(PREPARE_LIMIT):
                return await prepare(self.observer.link, self.observer.protector, plan, again=self._report_tries > 0)
        except TimeoutError:
            fault = f"preparation did not end within {PREPARE_LIMIT:.0f} s; looks at the station again"
            return PreparationReport(session, marker, frozenset(), enter, (), 0, PREPARE_LIMIT, fault)

    def _plan(
        self, session: UUID, marker: str, stamp: str, volumes: frozenset[str], enter: frozenset[str]
    ) -> PreparationPlan | None:
        observer, preparation = self.observer, self._preparation
        if observer.console is None or not observer.link.up:
            return None
        return PreparationPlan(
            session=session,
            marker=marker,
            boot_stamp=stamp,
            volumes=volumes,
            enter=enter,
            console=observer.console,
            program_data=observer.link.variables["ProgramData"],
            level=preparation.level,
            recipes=preparation.recipes,
            lockdown=preparation.lockdown,
            found=observer.found,
        )

    async def _reset(self, why: str) -> None:
        before = self.record
        observer = self.observer
        await self._remember(replace(before, phase=Phase.RESETTING, reset_tries=before.reset_tries + 1))
        try:
            if not observer.protector.forgets:
                await self._undo(before)  # whatever comes of it, the reset goes out
            answer = await reset(observer.link, observer.protector, before.entered, secrets.token_hex(8))
        except OutcomeUnknown as error:
            log.warning(
                "%s: the reset was sent and its answer is not known (%s); the station itself will show it",
                self.name,
                error,
            )
            answer = ResetAnswer.UNKNOWN
        except GateError as error:
            # Not sent: the try does not count, and the reset follows as soon as the station takes commands.
            await self._remember(replace(self.record, reset_tries=before.reset_tries))
            self._reset_at = None
            self._alarm(f"the reset waits: {error}", about="the reset waits")
            return
        self._reset_at = self._clock()
        self.observer.forget_host(delay=1.0)
        if answer is ResetAnswer.REFUSED:
            self._alarm("the station refused to reboot; it is asked again, then quarantined")
        self._tell(Happening("reset", f"reset sent: {why}", self.phase))

    async def _undo(self, record: Record) -> None:
        """Nothing is rolled back here: take our lockdown off by hand, or the owner finds his PC locked."""
        plan = self._plan(
            record.session or UUID(int=0),
            record.marker,
            record.boot_stamp,
            self.observer.volumes or frozenset(),
            frozenset(),
        )
        if plan is None:
            return
        try:
            failed = [step.name for step in await undo(self.observer.link, plan) if step.outcome is StepOutcome.FAILED]
        except StationUnreachable:
            raise
        except GateError as error:
            failed = [str(error)]
        if failed:
            self._alarm(f"the lockdown could not be taken off again: {', '.join(failed)}")

    async def _publish(self, *, visible: bool, why: str) -> None:
        now = self._clock()
        client, server = self.observer.access.client, self.observer.server
        if now < self._publish_due or client is None or server is None:
            return
        self._publish_due = now + PUBLISH_PAUSE
        if not visible:
            await self._remember(replace(self.record, hidden_by_us=True))
        try:
            await client.set_published(server, await self.observer.owner(), visible=visible)
        except GateError as error:
            if not visible and isinstance(error, CloudForbidden | CloudRefused | CloudUnauthorised):
                # Plainly refused, so it was not we who hid it, should it be hidden later.
                await self._remember(replace(self.record, hidden_by_us=False))
            text = f"the station could not be {'shown in' if visible else 'hidden from'} the catalogue"
            # The error's own text has an id of the request: new each time.
            self._alarm(f"{text}: {error}", about=text)
            return
        finally:
            self.observer.forget_published()
        if visible:
            await self._remember(replace(self.record, hidden_by_us=False))
        log.info("%s: %s the catalogue (%s)", self.name, "shown again in" if visible else "hidden from", why)
        self._tell(
            Happening("published", f"{'shown in' if visible else 'hidden from'} the catalogue: {why}", self.phase)
        )

    async def _adopt(self, session: UUID, created_ms: int, facts: Facts) -> None:
        host = facts.host
        mine = host is not None and host.marker_session == str(session)
        await self._remember(
            replace(
                self.record,
                session=session,
                session_created_ms=created_ms,
                prepared=mine,
                marker=(host.marker or "") if mine and host else "",
                boot_stamp=(host.boot_stamp or "") if mine and host else "",
                entered=(host.shadowed or frozenset()) if mine and host else frozenset(),
                reset_tries=0,
            )
        )

    async def _forget(self) -> None:
        self._report = self._report_at = self._reset_at = None
        self._report_tries = 0
        self._alarmed.clear()
        self.observer.forget_host()
        await self._remember(_forgotten(replace(self.record, phase=self.phase)))

    def _alarm(self, text: str, *, about: str = "") -> None:
        """Tell an alarm once; ``about`` stands for it where its text differs each time."""
        now, key = self._clock(), about or text
        self._alarmed = {one: at for one, at in self._alarmed.items() if now - at < ALARM_AGAIN}
        told = key in self._alarmed
        self._alarmed[key] = now
        if not told:
            log.error("%s: %s", self.name, text)
            self._tell(Happening("alarm", text, self.phase))


def _forgotten(record: Record) -> Record:
    """The record without its settled session."""
    return Record(phase=record.phase, hidden_by_us=record.hidden_by_us, server=record.server)
