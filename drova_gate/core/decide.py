"""The decision: where a station stands and what closes the gap. Pure: no clock, no network, no asyncio.

Level-triggered: each call looks at what *is*. A phase changes only when a fact confirms it, and an unknown fact (``None``) never
counts as an absence: without an answer the phase stays and the reason names what is missing.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from drova_gate.core.maintenance import begins, described, goes_on, lease_actions, said_beside
from drova_gate.core.model import (
    Action,
    Adopt,
    Alarm,
    AnswerHeld,
    Bared,
    Decision,
    Facts,
    Forget,
    Phase,
    Prepare,
    Release,
    SessionFact,
    Verdict,
)
from drova_gate.core.offer import offer
from drova_gate.core.proof import end, quarantined, refuse, released, resetting
from drova_gate.core.readings import (
    asked_after,
    bare,
    belongs_to_nobody,
    comes_back,
    ended,
    going_on,
    gone_from,
    guarded_name,
    guarded_row,
    in_force,
    in_his_way,
    left_over,
    letters,
    live_session,
    marked,
    may_prepare,
    not_seen_out,
    retry_pause,
    short,
    stands,
    untouched,
    wanted,
)

__all__ = ["decide"]


def decide(phase: Phase, facts: Facts, now: float) -> Decision:
    """Decide the next phase, the actions and the one sentence of this cycle."""
    decision = _decided(phase, facts, now)
    # Whose the hiding is, comes before a new one: else what is hidden now would pass for what the owner's command has shown.
    beside = (*lease_actions(decision.phase, facts, now), *offer(decision, facts, now))
    return replace(
        decision,
        actions=tuple(dict.fromkeys((*decision.actions, *beside))),
        reason=decision.reason + said_beside(decision, facts),
    )


def _decided(phase: Phase, facts: Facts, now: float) -> Decision:
    if facts.released and phase is Phase.QUARANTINED:
        return released(facts)
    if phase in _FROM_THE_RECORD and (live := _prepared_for_another(facts)) is not None:
        why = f"the station says that it was prepared for session {short(live)}, which goes on: adopted"
        # Whoever waits at a station that was being reset is let in by the next decision, from what then is.
        held = _admit(facts, why) if phase is Phase.UNKNOWN else ()
        return Decision(Phase.IN_SESSION, (Adopt(live.uuid, live.created_ms), *held), why)
    if phase in _ENDS_A_SESSION and facts.host is None and _another_goes_on(facts, now):
        why = f"session {guarded_name(facts)} is over and another goes on: {facts.host_fault or 'the station has not answered yet'}"
        return Decision(phase, (), why)
    decision = _BY_PHASE[phase](facts, now)
    if facts.released and phase is not Phase.UNKNOWN:
        return replace(decision, actions=(*decision.actions, Release()))
    return decision


def _admit(facts: Facts, why: str) -> tuple[Action, ...]:
    return (AnswerHeld(Verdict.ADMIT, why),) if facts.relay.held else ()


# -- phases ----------------------------------------------------------------------------------------------------------


def _unknown(facts: Facts, now: float) -> Decision:
    record = facts.record
    if record.phase in (Phase.RESETTING, Phase.QUARANTINED):
        return Decision(
            record.phase,
            refuse(facts, "the station is not proved clean"),
            f"was {record.phase} when the gate stopped: goes on",
        )
    if record.session is not None:
        return _unknown_guarded(facts, now)
    lease = in_force(facts)
    if lease is not None and record.phase is Phase.MAINTENANCE:
        return Decision(Phase.MAINTENANCE, (), described(lease))
    if ordered := begins(Phase.UNKNOWN, facts):
        return ordered
    if facts.cloud is None:
        return Decision(Phase.UNKNOWN, (), f"first look: {facts.cloud_fault or 'the cloud has not answered yet'}")
    if facts.host is None or facts.host.marker is None:
        return Decision(Phase.UNKNOWN, (), f"first look: {facts.host_fault or 'the station has not answered yet'}")
    live = live_session(facts.cloud.sessions)
    if live is not None and wanted(live, facts) and not may_prepare(live, live.created_ms, facts, now):
        alarm = f"session {short(live)} was already going on at the gate's start and is not prepared; a player may be in it, so nothing is changed now"
        return Decision(Phase.IN_SESSION, (Adopt(live.uuid, live.created_ms), Alarm(alarm)), alarm)
    return _clean(facts, now)


def _unknown_guarded(facts: Facts, now: float) -> Decision:
    record = facts.record
    over = ended(facts)
    if over and _reset_already(facts):
        why = f"session {guarded_name(facts)} is over and its station has booted since; another goes on, which a reset would end for nothing"
        return Decision(Phase.CLEAN, (Forget(),), why)
    if over:
        # A preparation that was begun may still run on the station, whose link ended with the gate: nothing seen yet is no proof.
        waited = record.phase is Phase.PREPARING and not record.boot_stamp
        return _cut_short(facts, over) if waited else end(facts, over)
    if record.prepared:
        why = f"session {guarded_name(facts)} goes on, prepared before the gate's restart: guarded, nothing changed"
        return Decision(Phase.IN_SESSION, _admit(facts, why) if _surely_his(facts, over, now) else (), why)
    if over is None:
        return Decision(
            Phase.UNKNOWN,
            (),
            f"guards session {guarded_name(facts)} as it was left: {facts.cloud_fault or 'the cloud has not answered yet'}",
        )
    if may_prepare(guarded_row(facts), record.session_created_ms, facts, now):
        why = f"session {guarded_name(facts)} goes on and is not prepared: prepares it now"
        return Decision(Phase.PREPARING, (), why)
    if facts.host is None or facts.host.marker is None:
        why = f"session {guarded_name(facts)} goes on: {facts.host_fault or 'the station has not answered yet'}"
        return Decision(Phase.UNKNOWN, (), why)
    if adopted := _prepared_unnoted(facts):
        return adopted
    alarm = f"session {guarded_name(facts)} goes on, its preparation was cut off, a player may be in it: nothing is changed now"
    return Decision(Phase.IN_SESSION, (Alarm(alarm),), alarm)


def _reset_already(facts: Facts) -> bool:
    """Whether the record is older than the reset of its session (it could not be written since), and the next player is in.

    With a relay of ours he is at the door, and a reset makes sure. Without one he is on the station, which carries nothing any more of what
    was confirmed there once, and a reset would take off nothing but him.
    """
    host, live = facts.host, live_session(facts.cloud.sessions) if facts.cloud is not None else None
    if facts.policy.relay or facts.record.bared or live is None or live.uuid == facts.record.session:
        return False
    return facts.record.prepared and host is not None and host.boot_stamp == "" and untouched(facts)


def _prepared_unnoted(facts: Facts) -> Decision | None:
    """What the station says where the gate was stopped between the end of the preparation and its note."""
    record, host = facts.record, facts.host
    if record.session is None or host is None or host.marker_session != str(record.session) or record.failed:
        return None
    why = f"session {guarded_name(facts)} goes on and the station says that it was prepared for it: adopted"
    return Decision(Phase.IN_SESSION, (Adopt(record.session, record.session_created_ms),), why)


def _another_goes_on(facts: Facts, now: float) -> bool:
    """Whether the station is worth a first look before it is reset: the record may be an old one, if none could be written since."""
    live = live_session(facts.cloud.sessions) if facts.cloud is not None else None
    if live is None or live.uuid == facts.record.session or not ended(facts):
        return False
    return facts.phase_since is not None and now - facts.phase_since < facts.policy.unguarded_seconds


def _prepared_for_another(facts: Facts) -> SessionFact | None:
    """The session that goes on and for which the station says that it was prepared, while the record names another one.

    Nobody but us prepares it: then the record is the older of the two.
    """
    live = live_session(facts.cloud.sessions) if facts.cloud is not None else None
    if live is None or facts.host is None or not facts.host.marker or facts.host.marker_session != str(live.uuid):
        return None
    return None if live.uuid == facts.record.session else live


def _too_late(session: UUID) -> str:
    return f"session {str(session)[:8]} is not prepared, and its player may be in the middle of a game: nothing is changed now"


def _clean(facts: Facts, now: float) -> Decision:
    if ordered := begins(Phase.CLEAN, facts):
        return ordered
    if facts.cloud is None:
        return Decision(Phase.CLEAN, (), f"clean; {facts.cloud_fault or 'the cloud has not answered yet'}")
    live = live_session(facts.cloud.sessions)
    if live is None:
        return _clean_idle(facts, now)
    prepares = wanted(live, facts)
    if prepares is None:
        return Decision(
            Phase.CLEAN,
            (),
            f"session {short(live)}: whether its product {live.product} is a desktop is not known yet; asks again",
        )
    if not prepares:
        why = f"session {short(live)} is no desktop session: left alone"
        # Whose ready byte it is cannot be told while a newer session is offered that is to be prepared for.
        sure = asked_after(facts) and not any(
            wanted(one, facts) is not False
            for one in going_on(facts.cloud.sessions)
            if one.created_ms > live.created_ms
        )
        return Decision(Phase.CLEAN, _admit(facts, why) if sure else (), why)
    if _unreset(facts, live.uuid, live):
        return end(facts, "the station still carries the last session's marker")
    if facts.host is None:
        # Guarded from now on: should it vanish from the list, its player must not pass for nobody's.
        why = f"session {short(live)} waits for preparation: {facts.host_fault or 'the station has not answered yet'}"
        return Decision(Phase.PREPARING, (Adopt(live.uuid, live.created_ms),), why)
    if not may_prepare(live, live.created_ms, facts, now):
        return Decision(
            Phase.IN_SESSION, (Adopt(live.uuid, live.created_ms), Alarm(_too_late(live.uuid))), _too_late(live.uuid)
        )
    return Decision(
        Phase.PREPARING,
        (Prepare(live.uuid, live.created_ms),),
        f"desktop session {short(live)} ({live.status}): prepares the station",
    )


def _unreset(facts: Facts, session: UUID, row: SessionFact | None) -> bool:
    """Whether the station was not reset after an earlier session.

    In poll mode an active player is in already: a reboot would cost him his session, a second preparation does not.
    """
    foreign = facts.host is not None and bool(facts.host.marker) and facts.host.marker_session != str(session)
    return (
        (foreign or bool(left_over(facts)))
        and facts.cloud is not None
        and (facts.policy.relay or (row is not None and not row.active))
    )


def _clean_idle(facts: Facts, now: float) -> Decision:
    host = facts.host
    if marked(host):
        return end(facts, "no session is going on, and the station carries our marker")
    if still := left_over(facts):
        return end(facts, f"no session is going on, and {letters(still)} is in Shadow Mode of ours")
    # Once they were seen out of it, whoever puts them into Shadow Mode, it is not we.
    actions: tuple[Action, ...] = (Forget(),) if facts.record.entered and untouched(facts) else ()
    if facts.relay.held and belongs_to_nobody(facts):
        actions += _admit(facts, "no session in the cloud's list")
    if host is None:
        return Decision(
            Phase.CLEAN, actions, f"clean when last seen; {facts.host_fault or 'the station has not answered yet'}"
        )
    if host.protector_fault:
        return Decision(
            Phase.CLEAN,
            (*actions, Alarm(host.protector_fault)),
            f"free, but cannot be protected: {host.protector_fault}",
        )
    if host.agent_up is False:
        since = host.agent_down_since
        long = since is not None and now - since > facts.policy.agent_wait_seconds
        text = "the Drova agent's port is closed: nobody can play there; look whether the agent runs"
        return Decision(
            Phase.CLEAN, (*actions, Alarm(text)) if long else actions, "clean, but the Drova agent's port is not open"
        )
    if host.shadowed:
        return Decision(
            Phase.CLEAN,
            actions,
            f"clean and free; the owner's own Shadow Mode on {letters(host.shadowed)} is left alone",
        )
    return Decision(Phase.CLEAN, actions, "clean and free")


def _preparing(facts: Facts, now: float) -> Decision:
    record, report = facts.record, facts.report
    over = ended(facts)
    if over:
        return _cut_short(facts, over)
    if record.session is not None and _unreset(facts, record.session, guarded_row(facts)):
        return end(facts, "the station still carries the last session's marker")
    if report is not None and report.session == record.session:
        if report.prepared:
            why = f"session {guarded_name(facts)} is prepared and confirmed in {report.seconds:.2f} s with {report.commands} commands"
            return Decision(Phase.IN_SESSION, _admit(facts, why), why)
        fault = report.fault or "; ".join(
            f"{step.name}: {step.reason}" for step in report.steps if step.must and step.outcome == "failed"
        )
        alarm = Alarm(f"session {guarded_name(facts)} is NOT prepared: {fault}")
        if in_his_way(facts, report):
            return Decision(
                Phase.IN_SESSION,
                (alarm,),
                f"session {guarded_name(facts)} is not prepared ({fault}); each further try would close its player's programs: left as it is",
            )
        if facts.report_at is not None and now - facts.report_at < retry_pause(facts):
            return Decision(
                Phase.PREPARING,
                (alarm,),
                f"session {guarded_name(facts)} is not prepared ({fault}); tries again shortly",
            )
        if facts.host is not None and record.session is not None:
            return Decision(
                Phase.PREPARING,
                (alarm, Prepare(record.session, record.session_created_ms)),
                f"session {guarded_name(facts)}: tries preparation again after: {fault}",
            )
    if facts.host is None or record.session is None:
        return Decision(
            Phase.PREPARING,
            (),
            f"session {guarded_name(facts)} waits for preparation: {facts.host_fault or 'the station has not answered yet'}",
        )
    if facts.cloud is not None and not may_prepare(guarded_row(facts), record.session_created_ms, facts, now):
        late = _too_late(record.session)
        return _prepared_unnoted(facts) or Decision(Phase.IN_SESSION, (Alarm(late),), late)
    return Decision(
        Phase.PREPARING,
        (Prepare(record.session, record.session_created_ms),),
        f"session {guarded_name(facts)}: prepares the station",
    )


def _cut_short(facts: Facts, over: str) -> Decision:
    """The session ended before its preparation did."""
    # Without a boot stamp of its own no preparation was ever begun.
    if (untouched(facts) or not facts.record.boot_stamp) and not facts.record.bared:
        return Decision(
            Phase.CLEAN,
            (*refuse(facts, "the session is over"), Forget(not_seen_out(facts))),
            f"session {guarded_name(facts)} is over ({over}) and nothing was changed on the station",
        )
    return end(facts, over)


def _in_session(facts: Facts, now: float) -> Decision:
    record = facts.record
    over = ended(facts)
    if over:
        return end(facts, over)
    doubt = (
        f"; {facts.cloud_fault or 'the cloud has not answered yet'}, so it is taken as going on" if over is None else ""
    )
    if record.prepared and record.boot_stamp and record.session is not None and _booted(facts):
        why = f"session {guarded_name(facts)} goes on, but the station has booted anew and forgot its preparation: prepares it again"
        return Decision(Phase.PREPARING, (Prepare(record.session, record.session_created_ms),), why)
    alarms = _shadow_gone(facts) if record.prepared else ()
    sure = _surely_his(facts, over, now)
    if record.prepared:
        why = f"session {guarded_name(facts)} is prepared: a further connection changes nothing"
        return Decision(
            Phase.IN_SESSION,
            (*(_admit(facts, why) if sure else ()), *alarms),
            f"in session {guarded_name(facts)}{doubt}",
        )
    why = f"session {guarded_name(facts)} is not prepared"
    held = _admit(facts, why) if facts.policy.admit_unprotected and sure else ()
    return Decision(
        Phase.IN_SESSION, (*held, *alarms), f"in session {guarded_name(facts)}, which is not prepared{doubt}"
    )


def _shadow_gone(facts: Facts) -> tuple[Action, ...]:
    """What is said, and remembered, of volumes that have left Shadow Mode while a player is in: no reason to reboot him."""
    host, name = facts.host, guarded_name(facts)
    gone, now_bare = gone_from(facts.record, host), bare(facts.record, host, facts.report_at)
    noted = (Bared(now_bare),) if now_bare - facts.record.bared else ()
    if now_bare - gone:
        text = f"session {name}: the marker is gone from {letters(now_bare)} in the middle of the session, and the protector cannot be asked: it is taken for out of Shadow Mode; what is written there now stays"
        return (Alarm(text), *noted)
    if host is None or not gone:
        return ()
    if host.marked is not None and not now_bare:
        if away := gone - host.marked - host.unmarked:
            text = f"session {name}: {letters(away)} is not there any more in the middle of the session; look whether the disk is unplugged or locked"
            return (Alarm(text),)
        if gone <= host.marked:
            text = f"session {name}: the protector's list leaves out {letters(gone)} in the middle of the session, and its marker is still there: the list is not believed"
            return (Alarm(text),)
    text = f"session {name}: Shadow Mode is gone from {letters(now_bare or gone)} in the middle of the session; what is written there now stays"
    return (Alarm(text), *noted)


def _surely_his(facts: Facts, over: str | None, now: float) -> bool:
    """Whether who knocks is the guarded session's player, and his station still is what it was prepared to be."""
    # A ready byte may also be the next player's: one answer younger than it must still show our session as going on.
    his = comes_back(facts, now) if over is None else asked_after(facts)
    # Nor is the station's own state what it was when its link has ended since: it may have booted anew, and its disk forgot everything.
    return his and stands(facts.host)


def _booted(facts: Facts) -> bool:
    """Whether the station has booted since this session's preparation: the stamp is gone, and the link was made anew, which no boot outlives.

    Both, because a player who takes the stamp away must not have his programs closed by a second preparation.
    """
    host = facts.host
    return host is not None and host.boot_stamp == "" and (facts.report_at is None or host.linked_at > facts.report_at)


def _maintenance(facts: Facts, _now: float) -> Decision:
    return goes_on(facts)


_BY_PHASE: dict[Phase, Callable[[Facts, float], Decision]] = {
    Phase.UNKNOWN: _unknown,
    Phase.CLEAN: _clean,
    Phase.PREPARING: _preparing,
    Phase.IN_SESSION: _in_session,
    Phase.RESETTING: resetting,
    Phase.QUARANTINED: quarantined,
    Phase.MAINTENANCE: _maintenance,
}

_FROM_THE_RECORD = (Phase.UNKNOWN, Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING, Phase.QUARANTINED)
"""Phases that rest on the record, which may be older than the station: not every write of it gets through."""
_ENDS_A_SESSION = (Phase.UNKNOWN, Phase.PREPARING, Phase.IN_SESSION)
"""Phases in which the end of the session in the record leads to a reset."""
