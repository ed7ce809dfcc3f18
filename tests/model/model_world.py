"""A tiny world on a virtual clock: one station, its cloud, its players, and the gate's pure logic that drives them.

The gate's part is the real one (``decide``, the record's changes, the readings); the station, the cloud, the relay and the file on the
router's disk are a few fields each. Whatever breaks a promise is written down in ``World.broken``, judged by what is true in the world, not
by what the gate believes.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from drova_gate.core import record as records
from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Adopt,
    AnswerHeld,
    Bared,
    CloudFacts,
    Decision,
    EndLease,
    Evict,
    Facts,
    Forget,
    HostFacts,
    Lease,
    OwnHiding,
    Phase,
    PreparationReport,
    Prepare,
    Publish,
    Record,
    RelayFacts,
    Release,
    Reset,
    SessionFact,
    StepOutcome,
    StepResult,
    Verdict,
)
from drova_gate.core.policy import Policy
from drova_gate.core.proof import unproved
from drova_gate.core.readings import bare, missing

__all__ = ["Decide", "Killed", "World"]

Decide = Callable[[Phase, Facts, float], Decision]

CD = frozenset("CD")
NOTHING = frozenset[str]()
DESKTOP, GAME = UUID(int=1), UUID(int=2)
HOLD = 5.0
"""Seconds for which the relay holds a player."""
BOOT = 40.0
"""Seconds from a reset to a link."""
TURNOVER = 25.0
"""The least time from one player's end to the next one's arrival, where the cloud is silent and nothing but time tells the two apart: while it
answers they may come as close together as they like."""
TOLD_WITHIN = 120.0
"""Seconds in which a station that is no offer must be hidden, with a cloud that can be reached."""
LONG_STEP = 300.0


class Killed(Exception):
    """SIGKILL, at an instant between two effects."""


class Row:
    """One session of the cloud."""

    def __init__(self, uuid: UUID, created: float, product: UUID) -> None:
        self.uuid, self.created, self.product = uuid, created, product
        self.status = "HANDSHAKE"
        self.gone = False
        """True in the world; the list may still say otherwise."""
        self.listed = True
        self.shown_over = True
        """Whether the list tells its end."""

    @property
    def said(self) -> str:
        """The status that the list shows."""
        return "ACTIVE" if self.gone and not self.shown_over else self.status


class World:
    """Everything there is, and what was broken."""

    def __init__(self, *, relay: bool = True, policy: Policy | None = None, decide: Decide = decide) -> None:
        self.policy = policy or Policy(relay=relay)
        self.decide = decide
        self.now = 1000.0
        self.wall_skew = 0.0
        self.broken: list[str] = []
        self.told: list[str] = []
        # The station.
        self.on = self.link = self.agent = True
        self.boots_at: float | None = None
        self.linked_at = 0.0
        self.shadow = NOTHING
        self.disk_marker = self.marker = ""
        self.files = self.disk_files = NOTHING
        """Volumes with a file of the marker, now and on the disk under Shadow Mode."""
        self.bare = self.bare_noted = False
        """A disk was out of Shadow Mode under a player since, and keeps what he wrote; the gate has noted it. Until the owner's release."""
        self.stamp = ""
        self.locked = False
        """Every lock held when the marker was set."""
        self.prepared_at: float | None = None
        """When that was, in this boot."""
        self.faults: set[str] = set()
        """``shadow`` and ``partial``: Shadow Mode is not entered; ``policy``: a lock does not hold; ``refused``: the protector's
        password; ``ignored``, ``back_shadowed``, ``kept``: of the next reboot; ``stays_off``; ``hang``: the link breaks in a preparation."""
        self.used = False
        """Somebody was in since our last reset, or something of ours was put there."""
        self.been: UUID | None = None
        """The desktop session whose player was in since the last boot."""
        self.reset_boots = False
        """The boot that is under way is ours."""
        self.said_in: frozenset[UUID] = frozenset()
        """Sessions that have the station, by the cloud's word since our last reset."""
        # The cloud.
        self.rows: list[Row] = []
        self.rentals = 0
        self.freed_at = self.now - TURNOVER
        """When the last session ended."""
        self.cloud_up, self.published, self.publish_works, self.owner_hid = True, True, True, False
        self.closed_since: float | None = None
        # The owner.
        self.lease: Lease | None = None
        self.working = self.attentive = False
        """He was told that the hands are off, and has not said that he is done; he looks through a disk as asked, and releases the station."""
        # The players.
        self.inside: Row | None = None
        self.inside_prepared = False
        self.knocks: list[tuple[float, Row]] = []
        # The gate.
        self.saved = Record()
        self.kill_in = -1
        self.reset_seconds: list[float] = []
        self._sent_at: float | None = None
        self.start_gate()

    # -- the gate's process ------------------------------------------------------------------------------------------

    def start_gate(self) -> None:
        """A new process: it knows what the file says."""
        self.phase, self.record, self.alive = Phase.UNKNOWN, self.saved, True
        self.phase_since = self.now
        self.report: PreparationReport | None = None
        self.report_at: float | None = None
        self.report_tries = 0
        self.rested_since = self.now if self.record.failed else None
        self.reset_at: float | None = None
        self.proved_at: float | None = None
        if self.record.phase is Phase.RESETTING and self.record.reset_tries:
            self.reset_at = self.now
        if self.record.phase is Phase.QUARANTINED:
            self.reset_at = self.now - self.policy.wake_until
        self.left_at: float | None = None
        if self.record.empty_since:
            self.left_at = self.now - max(0.0, self.now + self.wall_skew - self.record.empty_since)
        self.first_seen: dict[UUID, float] = {}
        self.absent: dict[UUID, float | None] = {}
        self.shown: tuple[SessionFact, ...] = ()
        self.answered_at: float | None = None
        self.silent_since: float | None = None
        self.publish_due = 0.0
        self.hidden_since: float | None = None
        self.released = False
        self.knocks = []
        self.linked_at = self.quiet_since = self.now

    def kill(self, instants: int = 0) -> None:
        """Kill the gate now, or at a later instant; it is started again a moment afterwards."""
        if instants:
            self.kill_in = instants
        else:
            self._died()

    def _died(self) -> None:
        self.kill_in = -1
        if self.policy.relay:
            self.player_leaves()  # his connection ended with the process
        self.now += 2.0
        self.start_gate()

    def _instant(self) -> None:
        if self.kill_in > 0:
            self.kill_in -= 1
            if self.kill_in == 0:
                raise Killed

    def _remember(self, record: Record) -> None:
        self._instant()
        self.record = self.saved = record
        self.bare_noted = self.bare_noted or bool(record.bared)
        self._instant()

    # -- time --------------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass: cycles close together while things change, further apart when nothing does."""
        end, step, quiet = self.now + seconds, 0.5, 0
        while self.now < end:
            before = self.phase
            busy = self.cycle()
            if busy or self.phase is not before:
                step, quiet = 0.5, 0
            else:
                quiet += 1
                step = min(step * 2, LONG_STEP)
            if quiet > 1 and self._settled():
                step = end - self.now
            # A gate that died in this cycle has taken longer than that.
            self.now = max(self.now, min(end, self.now + step))
            self._pass()

    def _settled(self) -> bool:
        """Nothing is under way that time alone would change."""
        if self.record.hidden_by_us or self.boots_at is not None or self.knocks or self.faults or not self.cloud_up:
            return False
        if self.lease is not None:
            return False
        return self.link and self.on and self.phase in (Phase.CLEAN, Phase.IN_SESSION) and not self.record.failed

    def _pass(self) -> None:
        if self.boots_at is not None and self.now >= self.boots_at:
            self.boot()
        # The relay lets nobody wait longer.
        self.knocks = [(at, row) for at, row in self.knocks if self.now - at < HOLD]
        self._judge_offer()

    def _judge_offer(self) -> None:
        """Promise: never in the catalogue while it is no offer, as long as the cloud can be reached."""
        reachable = self.cloud_up and self.publish_works
        bad = (self.phase is Phase.QUARANTINED or self.under_lease) and reachable and self.published
        if not bad:
            self.closed_since = None
        elif self.closed_since is None:
            self.closed_since = self.now
        elif self.now - self.closed_since > TOLD_WITHIN + LONG_STEP:
            self._broken(f"in the catalogue while in {'maintenance' if self.under_lease else 'quarantine'}")

    def _broken(self, what: str) -> None:
        if what not in self.broken:
            self.broken.append(what)

    # -- one cycle of the gate ---------------------------------------------------------------------------------------

    def cycle(self) -> bool:
        """Facts, decision, actions; returns whether something was done."""
        if self.attentive and self.phase is Phase.QUARANTINED and self.record.bared:
            self.released = True
        try:
            facts = self.facts()
            decision = self.decide(self.phase, facts, self.now)
            changed = self._enter(decision)
            for action in decision.actions:
                changed = self._act(action, facts) or changed
            if facts.relay.quiet_since is None:
                self.left_at = None
            noted = records.who_is_in(self.record, facts.relay, facts.wall_ms // 1000)
            if noted != self.record:
                self._remember(noted)
            self._judge_note(facts)
        except Killed:
            self._died()
            return True
        return changed

    def facts(self) -> Facts:
        """What the observer would say, and the controller would add."""
        cloud = None
        if self.cloud_up:
            rows = [row for row in reversed(self.rows) if row.listed][:5]
            self.said_in |= {row.uuid for row in rows if row.said in ("HANDSHAKE", "ACTIVE")}
            for row in rows:
                self.first_seen.setdefault(row.uuid, self.now)
                self.absent.setdefault(row.uuid, self.answered_at)
            asked = (
                self.record.hidden_by_us
                or self.phase is Phase.QUARANTINED
                or bool(self.record.failed)
                or bool(self.faults)
                or self.lease is not None
            )
            if not asked or self.published:
                self.hidden_since = None
            elif self.hidden_since is None:
                self.hidden_since = self.now
            listed = tuple(
                SessionFact(
                    row.uuid,
                    row.product,
                    row.said,
                    int(row.created * 1000),
                    row.product == DESKTOP,
                    self.absent[row.uuid],
                    self.first_seen[row.uuid],
                )
                for row in rows
            )
            gone = missing(self.shown, listed)
            self.shown = (*listed, *gone)
            cloud = CloudFacts(listed, self.now, self.published if asked else None, self.hidden_since, gone)
            self.answered_at, self.silent_since = self.now, None
        elif self.silent_since is None:
            self.silent_since = self.now
        host = self._host()
        return Facts(
            record=self.record,
            policy=self.policy,
            cloud=cloud,
            cloud_fault="" if cloud else "no answer",
            cloud_silent_since=self.silent_since,
            host=host,
            host_fault="" if host else "no link",
            relay=self._at_the_door(),
            maintenance=self.lease,
            released=self.released,
            wall_ms=int((self.now + self.wall_skew) * 1000),
            report=self.report,
            report_at=self.report_at,
            report_tries=self.report_tries,
            phase_since=self.phase_since,
            rested_since=self.rested_since,
            reset_at=self.reset_at,
            left_at=self.left_at,
            proved_at=self.proved_at,
        )

    def _at_the_door(self) -> RelayFacts:
        times = [at for at, _ in self.knocks]
        oldest, newest = min(times, default=None), max(times, default=None)
        quiet = None if self.inside is not None else self.quiet_since
        return RelayFacts(len(times), oldest, newest, len(times), quiet)

    def _host(self) -> HostFacts | None:
        if not (self.on and self.link):
            return None
        told = "refused" not in self.faults
        resting = self.phase in (Phase.CLEAN, Phase.MAINTENANCE)
        return HostFacts(
            shadowed=self.shadow if told else None,
            marker="m" if self.marker else "",
            marker_session=self.marker,
            boot_stamp=self.stamp,
            agent_up=self.agent,
            read_at=self.now,
            linked_at=self.linked_at,
            protector_fault="" if told else "refuses the password",
            marked=None if resting else self.files,
            unmarked=NOTHING if resting else CD - self.files,
        )

    def _enter(self, decision: Decision) -> bool:
        if decision.phase is self.phase:
            return False
        self.phase, self.phase_since = decision.phase, self.now
        if decision.phase is Phase.MAINTENANCE:
            self.working = True
            if self.inside is not None and self.inside_prepared and not self.inside.gone:
                self._broken("maintenance began on a guarded player")
        if decision.phase is Phase.RESETTING and not any(isinstance(one, Reset) for one in decision.actions):
            self.reset_at = self.reset_at if self.record.reset_tries else None
        if decision.phase is not Phase.UNKNOWN:
            self._remember(records.in_phase(self.record, decision))
        return True

    def _act(self, action: object, facts: Facts) -> bool:
        match action:
            case Prepare():
                self._prepare(action, facts)
            case Reset():
                self._reset()
            case AnswerHeld(verdict, _):
                self._answer(verdict)
            case Publish(visible, _):
                return self._publish(visible, facts)
            case Adopt():
                self._remember(records.adopted(self.record, action, facts.host))
            case Bared() as bared:
                self._remember(records.bared(self.record, bared))
            case Release():
                self.released, self.rested_since = False, None
                if facts.record.phase is Phase.QUARANTINED:
                    self.bare = self.bare_noted = False
                self._remember(records.released(self.record))
            case OwnHiding(ours):
                self._remember(records.hidden(self.record) if ours else records.not_hidden(self.record))
            case EndLease():
                if self.under_lease:
                    self._broken("a lease was taken away before its end")
                self._instant()
                self.lease, self.working = None, False
                self._instant()
            case Evict():
                if self.inside is not None and self.inside_prepared:
                    self._broken("a prepared player was evicted")
                self.player_leaves()
            case Forget() as forget:
                if self._sent_at is not None:
                    self.reset_seconds.append(self.now - self._sent_at)
                    self._sent_at = None
                if unproved(facts) is None and self.reset_at is not None:
                    self.proved_at = self.now
                self.report = self.report_at = self.reset_at = None
                self.report_tries = 0
                self._remember(records.forgotten(replace(self.record, phase=self.phase), forget))
            case _:
                return False
        return True

    def _prepare(self, action: Prepare, facts: Facts) -> None:
        assert facts.host is not None
        self._judge_hands()
        before = self.record
        again = before.session == action.session
        self._remember(records.preparing(before, action, facts.host, CD, new_id=lambda: "b"))
        report = self._prepared(action.session, self.record)
        self._instant()
        self.report, self.report_at = report, self.now
        self.report_tries = 0 if report.prepared else self.report_tries + 1 if again else 1
        if not report.prepared:
            self.rested_since = self.now
        self._remember(records.prepared(self.record, report, records.ours(before, action.session)))

    def _prepared(self, session: UUID, record: Record) -> PreparationReport:
        """What steps/apply does on the station, in its order; what is in Shadow Mode before it, it takes for the owner's."""
        self.now += 1.0
        before = self.shadow

        def report(
            fault: str, entered: frozenset[str], *, passing: bool = False, steps: tuple[StepResult, ...] = ()
        ) -> PreparationReport:
            return PreparationReport(session, "m", self.shadow, entered, steps, 3, 1.0, fault, passing)

        if not (self.on and self.link):
            return report("link lost", NOTHING, passing=True)
        if self.faults & {"shadow", "refused"}:
            return report("not in Shadow Mode", NOTHING)
        self.used = True
        if "partial" in self.faults and "D" not in self.shadow:  # it cannot be entered; it does not fall out of it
            self.shadow |= frozenset("C")
            return report("D is not in Shadow Mode", record.entered & frozenset("C") - before)
        self.shadow |= record.entered
        self._instant()
        if self.shadow != CD:
            return report("not in Shadow Mode", record.entered & self.shadow - before)
        if "hang" in self.faults:
            self.faults.discard("hang")
            self.link_down()
            return report("unknown", record.entered, passing=True)
        self.marker, self.stamp, self.locked = str(session), record.boot_stamp, "policy" not in self.faults
        self.files = CD
        self.prepared_at = self.now
        if self.inside is not None and self.inside.uuid == session:
            self.inside_prepared = self.locked and self.shadow == CD
        if self.shadow != CD:
            self._broken("written outside Shadow Mode")
        if "policy" in self.faults:
            lock = StepResult("lockdown.x", StepOutcome.FAILED, "reads otherwise", must=True)
            return report("", record.entered - before, steps=(lock,))
        return report("", record.entered - before)

    def _reset(self) -> None:
        host = self._host()
        last_look = None if host is None else replace(host, marked=self.files, unmarked=CD - self.files)
        before = self.record
        if not before.reset_tries and (now_bare := bare(before, last_look, self.report_at)):
            self._remember(records.bared(self.record, Bared(now_bare)))
        before = self.record
        self._judge_hands()
        self._judge_reset(before)
        self._remember(records.reset_goes_out(before, int(self.now + self.wall_skew)))
        if not (self.on and self.link):
            self._remember(replace(self.record, reset_tries=before.reset_tries, resets=before.resets))
            self.reset_at = None
            return
        self.stamp = "fresh"
        self._sent_at = self.now if self._sent_at is None else self._sent_at
        if "ignored" in self.faults:
            self.faults.discard("ignored")
        else:
            self.reset_boots = True
            self.reboot()
        self._instant()
        self.reset_at = self.now

    @property
    def under_lease(self) -> bool:
        """The owner's order is in force, by the world's own clock."""
        lease = self.lease
        return lease is not None and not lease.ended and (lease.until_wall is None or self.now < lease.until_wall)

    def _judge_hands(self) -> None:
        """Promise: nothing is done to a station whose owner was told that the hands are off."""
        if self.working and self.under_lease:
            self._broken("the owner's work was disturbed")

    def _judge_reset(self, before: Record) -> None:
        """Promises: no player whose station is prepared is rebooted; no second reset of a station that is clean already.

        The first reset of a session is no second one where nobody can tell that the station is clean. Either its preparation was cut off, the
        record says that Shadow Mode was about to be entered, and the protector, which refuses its password, does not say how far that came.
        Or the cloud has said since the last reset that it has the station, and without a relay nothing else tells whether its player was in.
        """
        inside = self.inside
        if inside is not None and self.inside_prepared and not inside.gone:
            self._broken("a player was rebooted")
        covered = "refused" in self.faults and bool(before.entered)
        visited = not self.policy.relay and before.session in self.said_in
        untold = not before.reset_tries and (covered or visited)
        if self.on and self.link and not (self.used or self.marker or self.shadow or self.stamp or untold):
            self._broken("a clean station was reset")

    def _judge_note(self, facts: Facts) -> None:
        """Promise: what a look shows of a disk that left Shadow Mode under its player outlives the session."""
        host = facts.host
        if host is None or not host.boot_stamp or not self.phase is facts.record.phase is Phase.IN_SESSION:
            return
        # A protector that cannot be asked vouches for nothing.
        uncovered = CD - (host.shadowed or NOTHING)
        if facts.record.prepared and uncovered & host.unmarked and not self.saved.bared:
            self._broken("a disk that left Shadow Mode was not noted")

    def _answer(self, verdict: Verdict) -> None:
        for _, row in self.knocks:
            if verdict is Verdict.ADMIT:
                self.come_in(row)
        self.knocks = []

    def _publish(self, visible: bool, facts: Facts) -> bool:
        tries = self.policy.prepare_tries
        if facts.cloud is not None and facts.cloud.published:
            self._remember(records.shown(self.record, tries) if visible else records.not_hidden(self.record))
            if visible:
                return True
        if self.now < self.publish_due:
            return False
        self.publish_due = self.now + 10.0
        if not visible:
            self._remember(records.hidden(self.record))
        if not self.cloud_up or not self.publish_works:
            return False
        if visible and self.owner_hid:
            self._broken("the owner's own hiding was undone")
        if visible and self.under_lease:
            self._broken("shown while in maintenance")
        if visible and self.bare_noted:
            self._broken("shown with a disk that keeps what a player wrote")
        if visible and (self.marker or self.faults & {"refused"}):
            self._broken("shown while not clean")
        self.published = visible
        self._instant()
        if visible:
            self._remember(records.shown(self.record, self.policy.prepare_tries))
        return True

    # -- what the station does ---------------------------------------------------------------------------------------

    def reboot(self) -> None:
        """The station goes down now and comes up later."""
        self.on, self.knocks = False, []
        self.player_leaves()
        self.boots_at = None if "stays_off" in self.faults else self.now + BOOT

    def boot(self) -> None:
        """Windows is up: what Shadow Mode covered is gone."""
        kept = "kept" in self.faults
        if not kept and self.shadow:
            self.marker, self.files = self.disk_marker, self.disk_files
        elif self.marker:
            self.disk_marker, self.disk_files = self.marker, self.files
        if "back_shadowed" in self.faults:
            self.faults.discard("back_shadowed")
        else:
            self.shadow = NOTHING
        self.faults.discard("kept")
        self.stamp, self.on, self.boots_at, self.been, self.prepared_at = "", True, None, None, None
        if self.reset_boots:
            self.used = self.reset_boots = False
            self.said_in = frozenset()
        self.linked_at = self.now

    def link_down(self) -> None:
        """SSH is lost."""
        self.link = False

    def link_up(self) -> None:
        """SSH is back."""
        self.link, self.linked_at = True, self.now

    def leave_shadow(self) -> None:
        """A player who knows the password takes a disk out of Shadow Mode: what it covered is gone at once, what he writes now stays."""
        if self.on and self.inside is not None and "D" in self.shadow:
            self.shadow, self.files, self.bare = self.shadow - {"D"}, self.files - {"D"}, True

    def own_boot(self) -> None:
        """The station boots by itself."""
        self.reboot()

    # -- what players and the cloud do -------------------------------------------------------------------------------

    def offer(self, product: UUID = DESKTOP) -> None:
        """A rental begins, and its player comes to the door."""
        if not self.published and not self.rows:
            return
        if self.current is None and not self.cloud_up:
            self.run(max(0.0, self.freed_at + TURNOVER - self.now))
        row = Row(UUID(int=100 + self.rentals), self.now, product)
        self.rentals += 1
        if self.current is not None:
            row.status, row.gone = "NEW", True  # the busy station turns it away
        self.rows.append(row)
        del self.rows[:-20]
        self.arrive()

    def arrive(self) -> None:
        """The newest session's player comes to the door (again)."""
        row = self.current
        if row is None or not self.on or self.inside is row:
            return
        if self.policy.relay:
            self.knocks.append((self.now, row))
        else:
            self.come_in(row)

    def come_in(self, row: Row) -> None:
        """A player gets to the desktop."""
        if row.gone:
            return
        ready = self.marker == str(row.uuid) and self.shadow == CD and self.locked
        if self.policy.relay and self.working and self.under_lease:
            self._broken("a player was admitted to a station in maintenance")
        if self.policy.relay and not self.policy.admit_unprotected:
            if self.bare_noted and row.uuid != self.saved.session:
                self._broken("a player was admitted to a disk that keeps what another wrote")
            own_doing = self.bare and self.been == row.uuid
            if row.product == DESKTOP and not (ready or own_doing or self._just_prepared() or self._untold(row)):
                self._broken("a player was admitted to an unprepared station")
            if self.been not in (None, row.uuid):
                self._broken("a player was admitted to a station that was not reset")
        row.status, self.inside, self.inside_prepared, self.used = "ACTIVE", row, ready, True
        if row.product == DESKTOP:
            self.been = row.uuid

    def _just_prepared(self) -> bool:
        """Whether nobody has been in since the station was prepared, a moment ago, and the cloud, which alone knows for whom, is silent.

        Then it is as good as prepared for whoever comes: protected, signed out, locked. In these seconds it is nearly always the player whose
        station it is, after a crash of Windows or a link that broke, and a rule that kept out every other one would keep him out too. The same
        holds for the moment in which the cloud falls silent, whose last word, that his session goes on, was wrong.
        """
        if self.cloud_up or self.prepared_at is None or self.been is not None:
            return False
        known_at = max(self.prepared_at, self.prepared_at if self.silent_since is None else self.silent_since)
        return self.now - known_at <= self.policy.back_seconds and self.shadow == CD and self.locked

    def _untold(self, row: Row) -> bool:
        """Whether nobody could know of his session: the cloud leaves it out of its list, and has never shown it to this process.

        Or it says that the session goes on for which the station is prepared, and in which nobody has been yet.
        """
        if row.listed or not self.cloud_up:
            return False
        its_own = next((one for one in self.rows if str(one.uuid) == self.marker), None)
        taken_for = its_own is not None and its_own.listed and its_own.said == "ACTIVE" and self.been is None
        return row.uuid not in self.first_seen or (taken_for and self.shadow == CD and self.locked)

    def player_leaves(self) -> None:
        """His connection ends."""
        if self.inside is not None:
            self.inside, self.quiet_since = None, self.now

    @property
    def current(self) -> Row | None:
        """The session that goes on in truth."""
        return next((row for row in reversed(self.rows) if not row.gone), None)

    def finish(self, status: str = "FINISHED", *, shown: bool = True) -> None:
        """The current session ends; ``shown`` in the list, or not."""
        row = self.current
        if row is not None:
            row.status, row.gone, row.shown_over = status, True, shown
            self.freed_at = self.now
            self.player_leaves()
            self.knocks = [(at, one) for at, one in self.knocks if one is not row]

    def next_without_end(self) -> None:
        """The next session begins; the end of this one is never shown."""
        self.finish(shown=False)
        self.run(TURNOVER)
        self.offer()

    def vanish(self) -> None:
        """The current session is missing from the list."""
        if self.current is not None:
            self.current.listed = False

    # -- what the owner orders ---------------------------------------------------------------------------------------

    def order_maintenance(self, seconds: float | None = None) -> None:
        """``maintenance on``, while the gate runs."""
        if self.lease is None:
            self.lease = Lease(
                "work", True, "owner", int(self.now), None if seconds is None else int(self.now + seconds)
            )

    def order_without_gate(self) -> None:
        """``maintenance on``, while no gate runs: the command hides the station itself, and notes that before it does."""
        if self.lease is None and self.cloud_up and self.publish_works:
            self.order_maintenance()
            if self.lease is not None and self.published:
                self.lease, self.published = replace(self.lease, hidden=True), False
        self.kill()

    def end_without_gate(self) -> None:
        """``maintenance off``, while no gate runs: the command shows the station itself, unless a session is still to be settled."""
        lease, record = self.lease, self.saved
        self.end_maintenance()
        ours = lease is not None and (lease.hidden or record.hidden_by_us)
        free = record.session is None and record.phase in (Phase.UNKNOWN, Phase.CLEAN, Phase.MAINTENANCE)
        seen = self.on and self.link and self.agent and not self.marker and "refused" not in self.faults
        if self.lease is not None and ours and free and seen and self.cloud_up and self.publish_works:
            self.lease, self.published = replace(self.lease, hidden=False), True
        self.kill()

    def end_maintenance(self) -> None:
        """``maintenance off``."""
        if self.lease is not None:
            self.lease, self.working = replace(self.lease, ended=True), False

    # -- the end of all trouble --------------------------------------------------------------------------------------

    def heal(self) -> None:
        """The world is well again: faults gone but for those that spend themselves, sessions over and listed, everything reachable.

        A disk that was not rolled back has been cleaned by its owner.
        """
        self.faults &= {"ignored", "back_shadowed"}
        self.disk_marker, self.disk_files = "", NOTHING
        self.attentive = True
        if not self.shadow:
            self.marker, self.files = "", NOTHING
        self.finish()
        for row in self.rows:
            row.listed = row.shown_over = True
            if row.status == "NEW":
                row.status = "ABORTED"
        self.cloud_up = self.publish_works = self.agent = True
        self.end_maintenance()
        self.kill_in = -1
        if not self.link:
            self.link_up()
        if not self.on and self.boots_at is None:
            self.boots_at = self.now + BOOT

    def judge_rest(self) -> None:
        """Promise: every phase is left once the world is well, and nothing stays hidden, locked or shadowed."""
        left = []
        if self.phase is not Phase.CLEAN or self.record.session is not None:
            left.append(f"phase {self.phase}")
        if self.marker or self.files or self.shadow:
            left.append("locked or shadowed")
        if not self.published and not self.owner_hid:
            left.append("hidden")
        if left:
            self._broken(f"left behind in a healthy world: {', '.join(left)}")
