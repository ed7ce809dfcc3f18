"""Whether a station may be offered to players, and what becomes of one who is on a station that should have none. Pure.

These hold beside whatever a phase decides: a station that cannot be protected is hidden, shown again only if it was we who hid it and
only when nothing of ours is on it; the owner is told of players whom nobody can guard.
"""

from drova_gate.core.model import Action, Adopt, Alarm, Decision, Evict, Facts, Phase, Publish
from drova_gate.core.readings import in_force, letters, live_session, short, untouched, wanted

__all__ = ["closed", "offer"]


def offer(decision: Decision, facts: Facts, now: float) -> tuple[Action, ...]:
    """What is due about catalogue, warnings and evictions in the phase that was just decided."""
    phase = decision.phase
    # What the record says of a session holds again once it was adopted: its station may turn out to be prepared for it.
    adopts = any(isinstance(one, Adopt) for one in decision.actions)
    evictions = () if adopts else _evictions(phase, facts)
    return (*_catalogue(phase, facts, now), *_warnings(phase, facts, now), *evictions)


def closed(phase: Phase, facts: Facts, now: float) -> str:
    """Why the station is no offer to players; empty: it may be one."""
    host, record, policy = facts.host, facts.record, facts.policy
    lease = in_force(facts)
    if lease is not None and lease.hides:
        return f"maintenance: {lease.why}"
    if phase is Phase.QUARANTINED:
        return "quarantine"
    if phase in (Phase.UNKNOWN, Phase.MAINTENANCE):
        return ""
    if record.bared:
        # It will be in quarantine after its reset: whoever takes it until then would meet a reboot, or without a relay that disk.
        return f"Shadow Mode was gone from {letters(record.bared)} in the middle of a session"
    # In mid-session the player may have deleted the program: the reset brings it back.
    if phase in (Phase.CLEAN, Phase.PREPARING) and host is not None and host.protector_fault:
        return "it cannot be protected"
    if record.failed >= policy.prepare_tries and not _rested(facts, now):
        return f"its preparation failed {record.failed} times: {record.failed_why}"
    if _unguarded(phase, facts, now):
        return "it cannot be reached to be prepared"
    return ""


def _rested(facts: Facts, now: float) -> bool:
    return facts.rested_since is not None and now - facts.rested_since >= facts.policy.rest_seconds


def _catalogue(phase: Phase, facts: Facts, now: float) -> tuple[Action, ...]:
    why = closed(phase, facts, now)
    if why:
        seen = facts.cloud is not None and facts.cloud.published
        return (Publish(visible=False, why=why),) if seen else ()
    if not (facts.record.hidden_by_us and phase is Phase.CLEAN and untouched(facts)):
        return ()
    if not _agent_answers(facts, now):
        return ()
    again = facts.record.failed >= facts.policy.prepare_tries
    return (Publish(visible=True, why="one more player may try it" if again else "clean again"),)


def _agent_answers(facts: Facts, now: float) -> bool:
    """The agent's port takes connections, or for long could not be asked without disturbing whoever hangs on it."""
    up = facts.host.agent_up if facts.host is not None else False
    if up is not None:
        return up
    return facts.phase_since is not None and now - facts.phase_since > facts.policy.agent_wait_seconds


def _unguarded(phase: Phase, facts: Facts, now: float) -> bool:
    """A session stands there whose station cannot be reached, for longer than a link takes to come up."""
    if facts.host is not None or facts.cloud is None or phase not in (Phase.CLEAN, Phase.PREPARING):
        return False
    live = live_session(facts.cloud.sessions)
    if live is None or live.seen_at is None or live.status == "NEW" or not wanted(live, facts):
        return False
    return now - live.seen_at >= facts.policy.unguarded_seconds


def _warnings(phase: Phase, facts: Facts, now: float) -> tuple[Action, ...]:
    policy = facts.policy
    found: tuple[Action, ...] = ()
    if _unguarded(phase, facts, now):
        what = "its player is refused" if policy.relay else "its player is in, unprotected"
        text = f"a session is going on and the station cannot be reached, {what}: {facts.host_fault}"
        found += (Alarm(text, about="a session and no station"),)
    silent = facts.cloud_silent_since
    if silent is not None and not policy.relay and now - silent > policy.silence_seconds and phase in _WAITING:
        text = f"{facts.cloud_fault}; without the cloud nobody knows of a player who comes in, and his station is not prepared"
        found += (Alarm(text, about="no cloud and no relay"),)
    return found


_WAITING = (Phase.UNKNOWN, Phase.CLEAN)
"""Phases in which the next player is still to come."""


def _evictions(phase: Phase, facts: Facts) -> tuple[Action, ...]:
    """Without a relay, and if the owner wants it so: no stream from a station that is known to be unprotected."""
    policy, record = facts.policy, facts.record
    if policy.relay or not policy.evict or facts.host is None or facts.cloud is None:
        return ()
    live = live_session(facts.cloud.sessions)
    if live is None or live.status not in ("HANDSHAKE", "ACTIVE"):
        return ()
    if phase is Phase.QUARANTINED:
        return (Evict(f"session {short(live)} is on a station in quarantine"),)
    if live.uuid != record.session or record.prepared or not wanted(live, facts):
        return ()
    if facts.host.shadowed is None and facts.host.marker_session == str(live.uuid):
        return ()  # it was prepared for him, and nobody says that it is not any more
    if phase is Phase.IN_SESSION:
        return (Evict(f"session {short(live)} is not prepared"),)
    if phase is Phase.PREPARING and record.failed >= policy.prepare_tries:
        return (Evict(f"session {short(live)} cannot be prepared: {record.failed_why}"),)
    return ()
