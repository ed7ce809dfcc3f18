"""What the facts of a station mean together: readings that the decision rests on. Pure.

An unknown fact (``None``) gives an unknown reading, never an absence.
"""

from drova_gate.core.model import Facts, HostFacts, PreparationReport, SessionFact

__all__ = ["ended", "in_his_way", "live_session", "marked", "retry_pause", "still_shadowed", "untouched", "wanted"]

# -- readings of the session list ------------------------------------------------------------------------------------


def ended(facts: Facts) -> str | None:
    """Why the guarded session is over; empty: it is not; ``None``: nobody can tell now.

    Only FINISHED or ABORTED of that very session ends it, or the start of a later one on this station. A session that is
    missing from the list is not over.
    """
    guarded, cloud = facts.record.session, facts.cloud
    if cloud is None or guarded is None:
        return None
    own = next((session for session in cloud.sessions if session.uuid == guarded), None)
    if own is not None and own.over:
        return f"{own.status} by the cloud"
    for later in cloud.sessions:
        if later.uuid != guarded and later.created_ms > facts.record.session_created_ms and _took_place(later, own):
            return f"session {str(later.uuid)[:8]} started on this station ({later.status})"
    return ""


def _took_place(later: SessionFact, own: SessionFact | None) -> bool:
    """A later session proves the end of ours if it got the station.

    A later ABORTED or NEW one may be a try that the busy station turned away, whether our own row is in the list or was pushed out of it
    by such tries. A word nobody knows proves something only when our own row does not say that it runs.
    """
    if own is None:
        return later.status not in ("NEW", "ABORTED")
    return later.status in ("HANDSHAKE", "ACTIVE", "FINISHED")


def live_session(sessions: tuple[SessionFact, ...]) -> SessionFact | None:
    """The newest session that is going on; one that a later session has followed is not, whatever its row says."""
    for session in sorted(sessions, key=lambda one: one.created_ms, reverse=True):
        if not session.over:
            return session
        if session.status == "FINISHED":
            return None
    return None


def wanted(session: SessionFact, facts: Facts) -> bool | None:
    """Whether this session is one to prepare for; ``None``: what its product is, is not known."""
    return True if facts.policy.prepare_all else session.desktop


# -- readings of the station -----------------------------------------------------------------------------------------


def marked(host: HostFacts | None) -> bool:
    """Whether the station carries a marker of ours for sure."""
    return host is not None and bool(host.marker)


def still_shadowed(facts: Facts) -> frozenset[str] | None:
    """Volumes that we brought into Shadow Mode and that still are; the owner's own do not count."""
    if not facts.record.entered:
        return frozenset()
    if facts.host is None or facts.host.shadowed is None:
        return None
    return facts.host.shadowed & facts.record.entered


def untouched(facts: Facts) -> bool:
    """Nothing of ours is on the station: no marker, no volume of ours in Shadow Mode."""
    return facts.host is not None and facts.host.marker == "" and still_shadowed(facts) == frozenset()


# -- readings of the last preparation ----------------------------------------------------------------------------------


def retry_pause(facts: Facts) -> float:
    """Seconds from a failed preparation to the next: longer each time, but a player who knocks anew is worth a try at once."""
    policy, newest = facts.policy, facts.relay.newest_at
    if newest is not None and facts.report_at is not None and newest > facts.report_at:
        return policy.prepare_retry_seconds
    # Bounded before the power is taken: a session may last a day.
    return min(policy.prepare_retry_cap, policy.prepare_retry_seconds * 2.0 ** min(max(0, facts.report_tries - 1), 16))


def in_his_way(facts: Facts, report: PreparationReport) -> bool:
    """Without a relay the player is in: a preparation that ran through, failed, and is run again and again takes his programs away."""
    return not facts.policy.relay and bool(report.steps) and facts.report_tries >= facts.policy.prepare_tries_in_game
