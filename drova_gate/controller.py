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

from drova_gate.alarms import Alarms
from drova_gate.core import record as records
from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Action,
    Adopt,
    Alarm,
    AnswerHeld,
    Bared,
    Decision,
    EndLease,
    Evict,
    Facts,
    Forget,
    OwnHiding,
    Phase,
    PreparationReport,
    Prepare,
    Publish,
    Record,
    Release,
    Reset,
    Wake,
)
from drova_gate.core.offer import closed
from drova_gate.core.proof import unproved
from drova_gate.core.readings import bare
from drova_gate.effects import Effects, Preparation
from drova_gate.errors import GateError
from drova_gate.host.reset import ResetAnswer
from drova_gate.lease import LeaseFile
from drova_gate.observe import Observer
from drova_gate.publishing import Publisher
from drova_gate.state import StateFile

__all__ = ["Controller", "Happening", "Preparation"]

log = logging.getLogger(__name__)

LEAST_PAUSE = 0.02
"""Seconds between two cycles: a port scan stirs the door thousands of times a second."""
BROKEN_PAUSE = 5.0
"""Seconds after a fault of our own before the next cycle."""
LONGEST_PAUSE = 60.0
"""Seconds between two cycles at most, even if nothing is due for longer: the watchdog takes a station without cycles for hanging."""
WAKE_PAUSE = 60.0
"""Seconds between two calls to a station that is off: a PC that hears one needs half a minute to show it."""
EVICT_PAUSE = 5.0
"""Seconds between two evictions: the agent may start the stream again for a player who comes back."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something worth telling: to a timeline, a status, a notifier."""

    kind: str
    """``held``, ``phase``, ``prepared``, ``not_prepared``, ``admitted``, ``refused``, ``reset``, ``published``, ``evicted``, ``woken``,
    ``released``, ``maintenance`` or ``alarm``."""
    text: str
    phase: Phase
    report: PreparationReport | None = None


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
        lease: LeaseFile | None = None,
    ) -> None:
        self.name, self.observer = name, observer
        self._lease = lease
        self._state, self._clock, self._tell = state, clock, tell
        self._effects = Effects(name, observer, preparation)
        self._alarms = Alarms(name, clock, lambda text: self._happened("alarm", text))
        self._publisher = Publisher(name, observer, self._change, self._alarms, clock)
        self._wake = asyncio.Event()
        self.phase = Phase.UNKNOWN
        self.reason = "first look"
        self.record = Record()
        self.last_cycle_at = clock()
        self._phase_since = clock()
        self._report: PreparationReport | None = None
        self._report_at: float | None = None
        self._report_tries = 0
        self._rested_since: float | None = None
        self._reset_at: float | None = None
        self._proved_at: float | None = None
        self._left_at: float | None = None
        self._wake_due = self._evict_due = 0.0
        self._held = 0

    def stir(self) -> None:
        """Something changed: look now. Safe to call at any rate."""
        self.observer.hurry()
        self._wake.set()

    async def run(self) -> None:
        """Run for ever; a fault of our own in one cycle never ends the loop."""
        await self.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.observer.look_when_asked(self.stir), name=f"{self.name}: looks")
            await self._turn()

    async def _turn(self) -> None:
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
        now = self._phase_since = self._clock()
        if self.record.phase is Phase.RESETTING and self.record.reset_tries:
            self._reset_at = now
        if self.record.phase is Phase.QUARANTINED:
            # Whether it is off because it did not come back, or because the owner works on it, nobody knows any more.
            self._reset_at = now - self.observer.policy.wake_until
        if self.record.failed:
            self._rested_since = now
        if self.record.empty_since:
            self._left_at = now - max(0.0, self.observer.wall() - self.record.empty_since)

    async def cycle(self) -> float:
        """Observe, decide, act; returns the seconds until the next reading is due."""
        self._tell_held()
        facts = self._complete(await self.observer.facts(self.phase, self.record))
        decision = decide(self.phase, facts, self._clock())
        await self._enter(decision)
        busy = False
        for action in decision.actions:
            busy = await self._act(action, facts) or busy
        if facts.relay.quiet_since is None:
            self._left_at = None
        await self._remember(records.who_is_in(self.record, facts.relay, facts.wall_ms // 1000))
        wanted = self.record.hidden_by_us or bool(closed(self.phase, facts, self._clock()))
        self.observer.watch_listing(wanted=wanted)
        self.last_cycle_at = self._clock()
        return 0.0 if busy else min(LONGEST_PAUSE, max(0.0, self.observer.next_due(self.phase) - self._clock()))

    def still_wrong(self) -> str:
        """What keeps a quarantined station from being proved clean, by what is known now; empty: nothing."""
        return unproved(self.observer.known(self.record)) or ""

    def _happened(self, kind: str, text: str, report: PreparationReport | None = None) -> None:
        self._tell(Happening(kind, text, self.phase, report))

    def _tell_held(self) -> None:
        held = self.observer.held()
        if held > self._held:
            self._happened("held", "ready byte seen; the player is held at the door")
        if held and not self.observer.link.up:
            self.observer.link.retry_soon()
        self._held = held

    def _complete(self, facts: Facts) -> Facts:
        return replace(
            facts,
            released=self._state.release_asked(),
            phase_since=self._phase_since,
            report=self._report,
            report_at=self._report_at,
            report_tries=self._report_tries,
            rested_since=self._rested_since,
            reset_at=self._reset_at,
            left_at=self._left_at,
            proved_at=self._proved_at,
        )

    async def _enter(self, decision: Decision) -> None:
        if decision.reason != self.reason:
            log.info("%s: %s", self.name, decision.reason)
            self.reason = decision.reason
        if decision.phase is self.phase:
            return
        if self.phase is Phase.MAINTENANCE:
            self.observer.look_anew()
        self.phase, self._phase_since = decision.phase, self._clock()
        self._happened("phase", decision.reason)
        if decision.phase is Phase.RESETTING and not any(isinstance(one, Reset) for one in decision.actions):
            self._reset_at = self._reset_at if self.record.reset_tries else None
        if decision.phase is not Phase.UNKNOWN:
            await self._remember(records.in_phase(self.record, decision))
        if decision.phase in (Phase.RESETTING, Phase.QUARANTINED):
            self.observer.forget_host()

    async def _change(self, change: Callable[[Record], Record]) -> None:
        await self._remember(change(self.record))

    async def _remember(self, record: Record) -> None:
        record = replace(record, server=self.observer.server or record.server)
        if record == self.record:
            return
        self.record = record
        try:
            await self._save(record)
        except OSError as error:
            text = "the state file cannot be written"
            self._alarms.sound(
                f"{text} ({error.strerror}); a restart now would have to guess: free the disk", about=text
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
            case Prepare():
                await self._prepare(action, facts)
                return True
            case Reset():
                await self._reset(action)
            case Wake():
                await self._call_station()
            case Evict(why):
                await self._evict(why)
            case Release():
                await self._release(facts)
            case AnswerHeld():
                self._answer(action, facts)
            case Publish():
                if said := await self._publisher.publish(action, facts):
                    self._happened("published", said)
            case OwnHiding(ours):
                await self._remember(records.hidden(self.record) if ours else records.not_hidden(self.record))
            case EndLease(why):
                await self._end_lease(why, facts)
            case Adopt():
                await self._remember(records.adopted(self.record, action, facts.host))
            case Bared():
                await self._remember(records.bared(self.record, action))
            case Forget():
                await self._forget(action, facts)
            case Alarm(text, about):
                self._alarms.sound(text, about=about)
        return False

    def _answer(self, action: AnswerHeld, facts: Facts) -> None:
        door, newest = self.observer.door, facts.relay.newest_at
        if door is None or newest is None:
            return
        # Who knocked after the facts were read is not the one they speak of.
        door.answer(action.verdict, action.why, knocked_by=newest)
        self._happened("admitted" if action.verdict == "admit" else "refused", action.why)

    async def _prepare(self, action: Prepare, facts: Facts) -> None:
        observer, before = self.observer, self.record
        if facts.host is None:
            return
        again = before.session == action.session
        volumes = observer.volumes or frozenset[str]()
        await self._remember(
            records.preparing(before, action, facts.host, volumes, new_id=lambda: secrets.token_hex(8))
        )
        # From here on what was read of the station before is no fact any more, however the preparation ends.
        observer.forget_host()
        report = await self._effects.prepare(self.record, again=self._report_tries > 0)
        self._report, self._report_at = report, self._clock()
        self._report_tries = 0 if report.prepared else self._report_tries + 1 if again else 1
        if report.prepared:
            observer.host_became(report, self.record.boot_stamp)
            self._alarms.forget()
        else:
            observer.forget_host()
            self._rested_since = self._clock()
        await self._remember(records.prepared(self.record, report, records.ours(before, action.session)))
        if report.prepared:
            self._happened("prepared", f"prepared and confirmed in {report.seconds:.2f} s", report)
        else:
            self._happened("not_prepared", report.fault or records.failed_musts(report), report)

    async def _reset(self, action: Reset) -> None:
        await self._look_back()
        before = self.record
        wall = int(self.observer.wall())
        await self._remember(records.reset_goes_out(before, wall))
        try:
            answer, undone = await self._effects.reset(before, plain=action.plain)
        except GateError as error:
            # Not sent: the try does not count, and the reset follows as soon as the station takes commands.
            await self._remember(replace(self.record, reset_tries=before.reset_tries, resets=before.resets))
            self._reset_at = None
            self._alarms.sound(f"the reset waits: {error}", about="the reset waits")
            return
        self._reset_at = self._clock()
        self.observer.forget_host(delay=1.0)
        if undone:
            self._alarms.sound(f"the lockdown could not be taken off again: {undone}")
        if answer is ResetAnswer.REFUSED:
            self._alarms.sound("the station refused to reboot; it is asked again, then quarantined")
        self._happened("reset", f"reset sent: {action.why}")

    async def _look_back(self) -> None:
        """Before the first reset of a session: what left Shadow Mode since the last look would pass for proved clean after it."""
        if not (self.record.prepared and self.observer.protector.forgets) or self.record.reset_tries:
            return
        if now_bare := bare(self.record, await self._effects.last_look(self.record), self._report_at):
            await self._remember(records.bared(self.record, Bared(now_bare)))

    async def _call_station(self) -> None:
        if self._clock() < self._wake_due:
            return
        self._wake_due = self._clock() + WAKE_PAUSE
        if await self._effects.wake():
            self._happened("woken", "not back after its reset: called by Wake-on-LAN")

    async def _evict(self, why: str) -> None:
        if self._clock() < self._evict_due:
            return
        self._evict_due = self._clock() + EVICT_PAUSE
        try:
            ended = await self._effects.evict()
        except GateError as error:
            self._alarms.sound(f"the stream could not be ended on the station: {error}", about="stream not ended")
            return
        if not ended:
            return
        self._alarms.sound(f"{why}: its stream is ended on the station (DROVA_EVICT=on)")
        self._happened("evicted", why)

    async def _release(self, facts: Facts) -> None:
        held = facts.record.phase is Phase.QUARANTINED or facts.record.bared
        wrong = unproved(facts) if held else None
        await self._remember(records.released(self.record))
        self._rested_since = None
        try:
            await asyncio.to_thread(self._state.release_done)
        except OSError as error:
            self._alarms.sound(f"the order to release the station cannot be taken away ({error.strerror}): delete it")
        self._happened(
            "released", f"released by hand; {f'still wrong: {wrong}' if wrong else 'nothing is held against it'}"
        )

    async def _end_lease(self, why: str, facts: Facts) -> None:
        if self._lease is None or facts.maintenance is None:
            return
        try:
            await asyncio.to_thread(self._lease.end, facts.maintenance)
        except OSError as error:
            text = "the maintenance is over and its file cannot be taken away"
            self._alarms.sound(f"{text} ({error.strerror}): delete {self._lease.path}", about=text)
        self._happened("maintenance", f"the maintenance is over: {why}")

    async def _forget(self, action: Forget, facts: Facts) -> None:
        if unproved(facts) is None and self._reset_at is not None:
            self._proved_at = self._clock()
        self._report = self._report_at = self._reset_at = None
        self._report_tries = 0
        self._alarms.forget()
        self.observer.forget_host()
        await self._remember(records.forgotten(replace(self.record, phase=self.phase), action))
