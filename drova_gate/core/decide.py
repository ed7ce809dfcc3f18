"""The decision: where a station stands and what closes the gap. Pure: no clock, no network, no asyncio.

Level-triggered: each call looks at what *is*. A phase changes only when a fact confirms it, and an unknown fact (``None``) never
counts as an absence: without an answer the phase stays and the reason names what is missing.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from drova_gate.core.model import (
    Action,
    Adopt,
    Alarm,
    AnswerHeld,
    Decision,
    Facts,
    Forget,
    Phase,
    Prepare,
    Publish,
    Reset,
    SessionFact,
    Verdict,
)
from drova_gate.core.readings import (
    ended,
    in_his_way,
    live_session,
    marked,
    retry_pause,
    still_shadowed,
    untouched,
    wanted,
)

__all__ = ["decide", "ended", "live_session"]

CLOCK_DOUBT_MS = 300_000
"""A session that seems to begin this far in the future says that one of the clocks is wrong: its age is not known."""


def decide(phase: Phase, facts: Facts, now: float) -> Decision:
    """Decide the next phase, the actions and the one sentence of this cycle."""
    decision = _BY_PHASE[phase](facts, now)
    return replace(decision, actions=_once(decision.actions))


def _once(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    return tuple(dict.fromkeys(actions))


# -- spelling --------------------------------------------------------------------------------------------------------


def _short(session: SessionFact) -> str:
    return str(session.uuid)[:8]


def _guarded(facts: Facts) -> str:
    return str(facts.record.session)[:8]


def _letters(volumes: frozenset[str]) -> str:
    return "".join(sorted(volumes))


# -- answers to held players -----------------------------------------------------------------------------------------


def _admit(facts: Facts, why: str) -> tuple[Action, ...]:
    return (AnswerHeld(Verdict.ADMIT, why),) if facts.relay.held else ()


def _refuse(facts: Facts, why: str) -> tuple[Action, ...]:
    return (AnswerHeld(Verdict.REFUSE, why),) if facts.relay.held else ()


def _asked_after(facts: Facts) -> bool:
    """The cloud's answer is younger than the youngest ready byte, so a session that began with it would be in it."""
    newest = facts.relay.newest_at
    return facts.cloud is not None and (newest is None or facts.cloud.read_at >= newest)


# -- phases ----------------------------------------------------------------------------------------------------------


def _unknown(facts: Facts, now: float) -> Decision:
    record = facts.record
    if record.phase in (Phase.RESETTING, Phase.QUARANTINED):
        return Decision(
            record.phase,
            _refuse(facts, "the station is not proved clean"),
            f"was {record.phase} when the gate stopped: goes on",
        )
    if record.session is not None:
        return _unknown_guarded(facts, now)
    if facts.maintenance is not None:
        return Decision(Phase.MAINTENANCE, (), f"maintenance: {facts.maintenance}")
    if facts.cloud is None:
        return Decision(Phase.UNKNOWN, (), f"first look: {facts.cloud_fault or 'the cloud has not answered yet'}")
    if facts.host is None or facts.host.marker is None:
        return Decision(Phase.UNKNOWN, (), f"first look: {facts.host_fault or 'the station has not answered yet'}")
    live = live_session(facts.cloud.sessions)
    if live is not None and facts.host.marker_session == str(live.uuid):
        why = f"the station says that it was prepared for session {_short(live)}, which goes on: adopted"
        return Decision(Phase.IN_SESSION, (Adopt(live.uuid, live.created_ms), *_admit(facts, why)), why)
    if live is not None and wanted(live, facts) and not _may_prepare(live, live.created_ms, facts, now):
        alarm = f"session {_short(live)} was already going on at the gate's start and is not prepared; a player may be in it, so nothing is changed now"
        return Decision(Phase.IN_SESSION, (Adopt(live.uuid, live.created_ms), Alarm(alarm)), alarm)
    return _clean(facts, now)


def _unknown_guarded(facts: Facts, now: float) -> Decision:
    record = facts.record
    over = ended(facts)
    if over:
        return _end(facts, over)
    if record.prepared:
        why = f"session {_guarded(facts)} goes on, prepared before the gate's restart: guarded, nothing changed"
        return Decision(Phase.IN_SESSION, _admit(facts, why), why)
    if over is None:
        return Decision(
            Phase.UNKNOWN,
            (),
            f"guards session {_guarded(facts)} as it was left: {facts.cloud_fault or 'the cloud has not answered yet'}",
        )
    own = next((one for one in facts.cloud.sessions if one.uuid == record.session), None) if facts.cloud else None
    if _may_prepare(own, record.session_created_ms, facts, now):
        return Decision(Phase.PREPARING, (), f"session {_guarded(facts)} goes on and is not prepared: prepares it now")
    alarm = (
        f"session {_guarded(facts)} goes on, its preparation was cut off, a player may be in it: nothing is changed now"
    )
    return Decision(Phase.IN_SESSION, (Alarm(alarm),), alarm)


def _may_prepare(session: SessionFact | None, created_ms: int, facts: Facts, now: float) -> bool:
    """Whether a session that is not prepared yet cannot have its player in the middle of a game.

    With a relay of ours its player is held, and one of an earlier process had his connection ended with it. Without one only a session that
    is not active yet, or very young, is sure: by the cloud's last answer without it, or, where there was none, by a clock that may be wrong.
    """
    if facts.policy.relay or (session is not None and session.status in ("NEW", "HANDSHAKE")):
        return True
    if session is not None and session.absent_at is not None:
        return now - session.absent_at < facts.policy.fresh_session_seconds
    age_ms = facts.wall_ms - created_ms
    return -CLOCK_DOUBT_MS < age_ms < facts.policy.fresh_session_seconds * 1000


def _too_late(session: UUID) -> str:
    return f"session {str(session)[:8]} is not prepared, and its player may be in the middle of a game: nothing is changed now"


def _clean(facts: Facts, now: float) -> Decision:
    if facts.maintenance is not None:
        return Decision(Phase.MAINTENANCE, _admit(facts, "maintenance: hands off"), f"maintenance: {facts.maintenance}")
    if facts.cloud is None:
        return Decision(Phase.CLEAN, (), f"clean; {facts.cloud_fault or 'the cloud has not answered yet'}")
    live = live_session(facts.cloud.sessions)
    if live is None:
        return _clean_idle(facts)
    prepares = wanted(live, facts)
    if prepares is None:
        return Decision(
            Phase.CLEAN,
            (),
            f"session {_short(live)}: whether its product {live.product} is a desktop is not known yet; asks again",
        )
    if not prepares:
        why = f"session {_short(live)} is no desktop session: left alone"
        return Decision(Phase.CLEAN, _admit(facts, why) if _asked_after(facts) else (), why)
    foreign = facts.host is not None and bool(facts.host.marker) and facts.host.marker_session != str(live.uuid)
    # In poll mode an active player is in already: a reboot would cost him his session, a second preparation does not.
    if foreign and (facts.policy.relay or not live.active):
        return _end(facts, "the station still carries the last session's marker")
    if facts.host is None:
        why = f"session {_short(live)} waits for preparation: {facts.host_fault or 'the station has not answered yet'}"
        return Decision(Phase.CLEAN, (), why)
    if not _may_prepare(live, live.created_ms, facts, now):
        return Decision(
            Phase.IN_SESSION, (Adopt(live.uuid, live.created_ms), Alarm(_too_late(live.uuid))), _too_late(live.uuid)
        )
    return Decision(
        Phase.PREPARING,
        (Prepare(live.uuid, live.created_ms),),
        f"desktop session {_short(live)} ({live.status}): prepares the station",
    )


def _clean_idle(facts: Facts) -> Decision:
    host = facts.host
    if marked(host):
        return _end(facts, "no session is going on, and the station carries our marker")
    actions: tuple[Action, ...] = ()
    if facts.relay.held and _asked_after(facts):
        actions = _admit(facts, "no session in the cloud's list")
    unprotected = host.protector_fault if host is not None else ""
    if unprotected and facts.cloud is not None and facts.cloud.published:
        actions += (Publish(visible=False, why="it cannot be protected"),)
    if facts.record.hidden_by_us and untouched(facts) and not unprotected:
        actions += (Publish(visible=True, why="clean again"),)
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
    if host.shadowed:
        return Decision(
            Phase.CLEAN,
            actions,
            f"clean and free; the owner's own Shadow Mode on {_letters(host.shadowed)} is left alone",
        )
    return Decision(Phase.CLEAN, actions, "clean and free")


def _preparing(facts: Facts, now: float) -> Decision:
    record, report = facts.record, facts.report
    over = ended(facts)
    if over:
        if untouched(facts):
            return Decision(
                Phase.CLEAN,
                (*_refuse(facts, "the session is over"), Forget()),
                f"session {_guarded(facts)} is over ({over}) and nothing was changed on the station",
            )
        return _end(facts, over)
    if report is not None and report.session == record.session:
        if report.prepared:
            why = f"session {_guarded(facts)} is prepared and confirmed in {report.seconds:.2f} s with {report.commands} commands"
            return Decision(Phase.IN_SESSION, _admit(facts, why), why)
        fault = report.fault or "; ".join(
            f"{step.name}: {step.reason}" for step in report.steps if step.must and step.outcome == "failed"
        )
        alarm = Alarm(f"session {_guarded(facts)} is NOT prepared: {fault}")
        if in_his_way(facts, report):
            return Decision(
                Phase.IN_SESSION,
                (alarm,),
                f"session {_guarded(facts)} is not prepared ({fault}); each further try would close its player's programs: left as it is",
            )
        if facts.report_at is not None and now - facts.report_at < retry_pause(facts):
            return Decision(
                Phase.PREPARING, (alarm,), f"session {_guarded(facts)} is not prepared ({fault}); tries again shortly"
            )
        if facts.host is not None and record.session is not None:
            return Decision(
                Phase.PREPARING,
                (alarm, Prepare(record.session, record.session_created_ms)),
                f"session {_guarded(facts)}: tries preparation again after: {fault}",
            )
    if facts.host is None or record.session is None:
        return Decision(
            Phase.PREPARING,
            (),
            f"session {_guarded(facts)} waits for preparation: {facts.host_fault or 'the station has not answered yet'}",
        )
    own = next((one for one in facts.cloud.sessions if one.uuid == record.session), None) if facts.cloud else None
    if facts.cloud is not None and not _may_prepare(own, record.session_created_ms, facts, now):
        return Decision(Phase.IN_SESSION, (Alarm(_too_late(record.session)),), _too_late(record.session))
    return Decision(
        Phase.PREPARING,
        (Prepare(record.session, record.session_created_ms),),
        f"session {_guarded(facts)}: prepares the station",
    )


def _in_session(facts: Facts, _now: float) -> Decision:
    record, host = facts.record, facts.host
    over = ended(facts)
    if over:
        return _end(facts, over)
    doubt = (
        f"; {facts.cloud_fault or 'the cloud has not answered yet'}, so it is taken as going on" if over is None else ""
    )
    if (
        host is not None
        and record.prepared
        and record.boot_stamp
        and host.boot_stamp == ""
        and host.marker == ""
        and record.session is not None
    ):
        why = f"session {_guarded(facts)} goes on, but the station has booted anew and forgot its preparation: prepares it again"
        return Decision(Phase.PREPARING, (Prepare(record.session, record.session_created_ms),), why)
    alarms: tuple[Action, ...] = ()
    lost = record.entered - host.shadowed if host is not None and host.shadowed is not None else frozenset[str]()
    if record.prepared and lost:
        alarms = (
            Alarm(
                f"session {_guarded(facts)}: Shadow Mode is gone from {_letters(lost)} in the middle of the session; what is written there now stays"
            ),
        )
    # A ready byte may also be the next player's: one answer younger than it must still show our session as going on.
    sure = over is None or _asked_after(facts)
    if record.prepared:
        why = f"session {_guarded(facts)} is prepared: a further connection changes nothing"
        return Decision(
            Phase.IN_SESSION, (*(_admit(facts, why) if sure else ()), *alarms), f"in session {_guarded(facts)}{doubt}"
        )
    why = f"session {_guarded(facts)} is not prepared"
    held = _admit(facts, why) if facts.policy.admit_unprotected and sure else ()
    return Decision(Phase.IN_SESSION, (*held, *alarms), f"in session {_guarded(facts)}, which is not prepared{doubt}")


def _end(facts: Facts, why: str) -> Decision:
    """The session is over, or the station carries what it must not: one reset, and nobody in until it is proved."""
    return Decision(
        Phase.RESETTING, (*_refuse(facts, "the station is being reset"), Reset(why)), f"{why}: resets the station"
    )


def _resetting(facts: Facts, now: float) -> Decision:
    policy, host, record = facts.policy, facts.host, facts.record
    refused = _refuse(facts, "the station is being reset")
    if facts.reset_at is None:
        if host is None:
            return Decision(
                Phase.RESETTING, refused, f"the reset waits: {facts.host_fault or 'the station has not answered yet'}"
            )
        return Decision(Phase.RESETTING, (*refused, Reset("the reset was not sent yet")), "sends the reset")
    waited = now - facts.reset_at
    if host is None or host.boot_stamp is None or host.marker is None or host.read_at < facts.reset_at:
        if waited > policy.reset_wait_seconds:
            return _quarantine(facts, f"the station has not come back {waited:.0f} s after its reset")
        return Decision(Phase.RESETTING, refused, "reset sent; the station is not back yet")
    if host.boot_stamp or host.linked_at < facts.reset_at:
        if waited < policy.reset_ignored_seconds:
            return Decision(Phase.RESETTING, refused, "reset sent; the station has not gone down yet")
        return _reset_again(facts, f"{waited:.0f} s after its reset the station has not rebooted")
    if host.marker and policy.protector_forgets:
        return _quarantine(facts, "the station has rebooted and still carries the marker: its disk was not rolled back")
    if host.marker:
        return _reset_again(facts, "the station has rebooted and still carries our lockdown")
    missing = _unproved(facts)
    if missing is None:
        shown: tuple[Action, ...] = (Publish(visible=True, why="proved clean"),) if record.hidden_by_us else ()
        return Decision(
            Phase.CLEAN,
            (Forget(), *shown),
            f"proved clean {waited:.0f} s after the reset: new boot, no marker, no Shadow Mode, port open",
        )
    still = still_shadowed(facts)
    if still:
        return _reset_again(facts, f"the station came back with {_letters(still)} in Shadow Mode")
    if waited > policy.reset_wait_seconds:
        return _quarantine(facts, f"{waited:.0f} s after its reset: {missing}")
    return Decision(Phase.RESETTING, refused, f"rebooted; {missing}")


def _unproved(facts: Facts) -> str | None:
    """What is still missing for the proof of a clean station; ``None``: nothing."""
    host = facts.host
    if host is None:
        return facts.host_fault or "the station does not answer"
    if host.boot_stamp != "":
        return "it has not rebooted since its session"
    if host.marker is None or host.marker:
        return "it carries the marker of its last session"
    if host.shadowed is None:
        return host.protector_fault or "the protector does not list its volumes"
    if still := still_shadowed(facts):
        return f"{_letters(still)} is in Shadow Mode"
    if not host.agent_up:
        return "the Drova agent's port is not open yet"
    return None


def _reset_again(facts: Facts, why: str) -> Decision:
    if facts.record.reset_tries >= facts.policy.reset_tries:
        return _quarantine(facts, f"{why}, after {facts.record.reset_tries} resets")
    return Decision(
        Phase.RESETTING, (*_refuse(facts, "the station is being reset"), Reset(why)), f"{why}: resets it again"
    )


def _quarantine(facts: Facts, why: str) -> Decision:
    actions: tuple[Action, ...] = (
        *_refuse(facts, "the station is in quarantine"),
        Alarm(f"quarantine: {why}; look at the station"),
    )
    return Decision(Phase.QUARANTINED, actions, f"quarantine: {why}")


def _quarantined(facts: Facts, _now: float) -> Decision:
    missing = _unproved(facts)
    if missing is None:
        shown: tuple[Action, ...] = (Publish(visible=True, why="proved clean"),) if facts.record.hidden_by_us else ()
        return Decision(Phase.CLEAN, (Forget(), *shown), "proved clean after all: out of quarantine")
    actions = _refuse(facts, "the station is in quarantine")
    if facts.cloud is not None and facts.cloud.published:
        actions += (Publish(visible=False, why="quarantine"),)
    return Decision(
        Phase.QUARANTINED, actions, f"quarantine ({facts.record.quarantine_reason or 'not proved clean'}): {missing}"
    )


def _maintenance(facts: Facts, _now: float) -> Decision:
    if facts.maintenance is None:
        return Decision(Phase.UNKNOWN, (), "maintenance is over: looks at the station anew")
    return Decision(Phase.MAINTENANCE, _admit(facts, "maintenance: hands off"), f"maintenance: {facts.maintenance}")


_BY_PHASE: dict[Phase, Callable[[Facts, float], Decision]] = {
    Phase.UNKNOWN: _unknown,
    Phase.CLEAN: _clean,
    Phase.PREPARING: _preparing,
    Phase.IN_SESSION: _in_session,
    Phase.RESETTING: _resetting,
    Phase.QUARANTINED: _quarantined,
    Phase.MAINTENANCE: _maintenance,
}
