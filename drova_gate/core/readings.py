"""What the facts of a station mean together: readings that the decision rests on. Pure.

An unknown fact (``None``) gives an unknown reading, never an absence.
"""

from datetime import datetime

from drova_gate.core.model import Facts, HostFacts, Lease, PreparationReport, Record, SessionFact

__all__ = [
    "asked_after",
    "bare",
    "belongs_to_nobody",
    "comes_back",
    "ended",
    "going_on",
    "gone_from",
    "guarded_name",
    "guarded_row",
    "in_force",
    "in_his_way",
    "left_over",
    "letters",
    "live_session",
    "marked",
    "may_prepare",
    "missing",
    "moment",
    "not_seen_out",
    "over",
    "resets_in_the_hour",
    "retry_pause",
    "short",
    "stands",
    "still_shadowed",
    "untouched",
    "wanted",
]

CLOCK_DOUBT_MS = 300_000
"""A session that seems to begin this far in the future says that one of the clocks is wrong: its age is not known."""
HOUR = 3600

# -- spelling --------------------------------------------------------------------------------------------------------


def short(session: SessionFact) -> str:
    """Name a session in a sentence."""
    return str(session.uuid)[:8]


def guarded_name(facts: Facts) -> str:
    """Name the guarded session in a sentence."""
    return str(facts.record.session)[:8]


def letters(volumes: frozenset[str]) -> str:
    """Name volumes in a sentence."""
    return "".join(sorted(volumes))


def moment(wall: int) -> str:
    """Name a moment (seconds since 1970) as the owner's clocks show it."""
    return f"{datetime.fromtimestamp(wall).astimezone():%Y-%m-%d %H:%M}"


# -- readings of the owner's order -----------------------------------------------------------------------------------


def over(facts: Facts) -> str:
    """Why the owner's order has ended; empty: it has not, or there is none.

    A router without a clock of its own begins in 1970, or whenever it was switched off, until it has been set. Before the order was given
    its deadline is not near; and only while the cloud answers, whose certificate a clock that is years ahead would refuse, is it past.
    """
    lease = facts.maintenance
    if lease is None:
        return ""
    if lease.ended:
        return "ended by the owner"
    if lease.until_wall is None or facts.cloud is None or facts.wall_ms < lease.until_wall * 1000:
        return ""
    return f"its deadline {moment(lease.until_wall)} has passed"


def in_force(facts: Facts) -> Lease | None:
    """The owner's order, if it has not ended."""
    return None if over(facts) else facts.maintenance


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


def guarded_row(facts: Facts) -> SessionFact | None:
    """The guarded session's row in the cloud's answer."""
    if facts.cloud is None:
        return None
    return next((one for one in facts.cloud.sessions if one.uuid == facts.record.session), None)


def going_on(sessions: tuple[SessionFact, ...]) -> tuple[SessionFact, ...]:
    """The sessions that are not over, newest first; one that a later FINISHED one has followed is over, whatever its row says."""
    found: list[SessionFact] = []
    for session in sorted(sessions, key=lambda one: one.created_ms, reverse=True):
        if session.status == "FINISHED":
            break
        if not session.over:
            found.append(session)
    return tuple(found)


def live_session(sessions: tuple[SessionFact, ...]) -> SessionFact | None:
    """The session that has the station: the newest that got it, before a newer one that may be a try which the busy station turns away."""
    rows = going_on(sessions)
    return next((one for one in rows if one.status in ("HANDSHAKE", "ACTIVE")), rows[0] if rows else None)


def missing(earlier: tuple[SessionFact, ...], sessions: tuple[SessionFact, ...]) -> tuple[SessionFact, ...]:
    """The earlier known sessions that had the station and that the newest answer leaves out, unless a later one has taken the station since."""
    listed = {one.uuid for one in sessions}
    taken = max((one.created_ms for one in sessions if _took_place(one, None)), default=0)
    return tuple(
        one
        for one in earlier
        if one.uuid not in listed and one.status in ("HANDSHAKE", "ACTIVE") and one.created_ms >= taken
    )


def wanted(session: SessionFact, facts: Facts) -> bool | None:
    """Whether this session is one to prepare for; ``None``: what its product is, is not known."""
    return True if facts.policy.prepare_all else session.desktop


def may_prepare(session: SessionFact | None, created_ms: int, facts: Facts, now: float) -> bool:
    """Whether a session that is not prepared yet cannot have its player in the middle of a game.

    With a relay of ours its player is held, and one of an earlier process had his connection ended with it. Without one only a session that
    is not active yet, or very young, is sure: by the cloud's last answer without it, or, where there was none, by a clock that may be wrong.
    """
    if facts.policy.relay or (session is not None and session.status in ("NEW", "HANDSHAKE")):
        return True
    if facts.proved_at is not None and now - facts.proved_at < facts.policy.fresh_session_seconds:
        return True  # the reset put out whoever was in: he has only just come back
    if session is not None and session.absent_at is not None:
        return now - session.absent_at < facts.policy.fresh_session_seconds
    age_ms = facts.wall_ms - created_ms
    return -CLOCK_DOUBT_MS < age_ms < facts.policy.fresh_session_seconds * 1000


def asked_after(facts: Facts) -> bool:
    """Whether the cloud's answer is younger than the youngest ready byte, so that a session that began with it would be in it."""
    newest = facts.relay.newest_at
    return facts.cloud is not None and (newest is None or facts.cloud.read_at >= newest)


def belongs_to_nobody(facts: Facts) -> bool:
    """Whether whoever is held has no session, when none stands in the list: a new one may come into it late, or it may be empty by mistake.

    Nor is he nobody's while a session that had the station is missing from the list without its end.
    """
    newest, cloud = facts.relay.newest_at, facts.cloud
    if cloud is None or cloud.missing:
        return False
    return newest is None or cloud.read_at - newest >= facts.policy.list_lag_seconds


def comes_back(facts: Facts, now: float) -> bool:
    """Whether who knocks is the guarded session's player, for all that can be told without the cloud.

    He comes in beside an open connection, or soon after one broke; or he is the first since the preparation and comes soon after it, or soon
    after the cloud fell silent, which until then said that his session goes on. A first one who comes hours later may be anybody: his own
    session would have the station reset under him as soon as the cloud tells of it.
    """
    quiet = facts.relay.quiet_since
    if quiet is None:
        return True
    if facts.left_at is not None:
        quiet = facts.left_at  # a restart of the gate ends nobody's connection who was gone already
    heard_of = [quiet]
    if facts.report_at is not None and quiet <= facts.report_at:
        heard_of += [at for at in (facts.report_at, facts.cloud_silent_since) if at is not None]
    return now - max(heard_of) <= facts.policy.back_seconds


# -- readings of the station -----------------------------------------------------------------------------------------


def marked(host: HostFacts | None) -> bool:
    """Whether the station carries a marker of ours for sure."""
    return host is not None and bool(host.marker or host.marked)


def stands(host: HostFacts | None) -> bool:
    """Whether a prepared station is known to be in the boot that it was prepared in; a disk that was not rolled back keeps the marker."""
    return host is not None and bool(host.boot_stamp)


def still_shadowed(facts: Facts) -> frozenset[str] | None:
    """Volumes that we brought into Shadow Mode and that still are; the owner's own do not count."""
    if not facts.record.entered:
        return frozenset()
    if facts.host is None or facts.host.shadowed is None:
        return None
    return facts.host.shadowed & facts.record.entered


def gone_from(record: Record, host: HostFacts | None) -> frozenset[str]:
    """Volumes of ours that the protector's list leaves out; what it lists that is not ours does not count."""
    return record.entered - host.shadowed if host is not None and host.shadowed is not None else frozenset()


def bare(record: Record, host: HostFacts | None, report_at: float | None) -> frozenset[str]:
    """Volumes of ours that have left Shadow Mode since the preparation, which this process ended at ``report_at``.

    Two witnesses: the protector does not vouch for the volume, by its list or because it cannot be asked any more, and the marker on it is
    gone. In one boot what Shadow Mode covered goes only when it is left; a boot takes off all of it.
    """
    if host is None or not record.prepared or not _same_boot(host, report_at):
        return frozenset()
    return (record.entered - (host.shadowed or frozenset())) & host.unmarked


def _same_boot(host: HostFacts, report_at: float | None) -> bool:
    """Whether the station is in the boot that it was prepared in for sure: its stamp is there, or the link, which no boot outlives."""
    return bool(host.boot_stamp) or (report_at is not None and host.linked_at <= report_at)


def not_seen_out(facts: Facts) -> frozenset[str]:
    """Volumes that we brought into Shadow Mode and that may still be."""
    still = still_shadowed(facts)
    return facts.record.entered if still is None else still


def left_over(facts: Facts) -> frozenset[str]:
    """Volumes of ours that are in Shadow Mode for sure and belong to no session: what a release by hand could not see leaves them behind."""
    return (still_shadowed(facts) or frozenset()) if facts.record.session is None else frozenset()


def untouched(facts: Facts) -> bool:
    """Nothing of ours is on the station: no marker, no volume of ours in Shadow Mode."""
    host = facts.host
    return host is not None and host.marker == "" and not host.marked and still_shadowed(facts) == frozenset()


def resets_in_the_hour(facts: Facts) -> int:
    """Resets sent in the last hour; times in the future are those of a clock that was wrong."""
    now = facts.wall_ms // 1000
    return sum(0 <= now - sent < HOUR for sent in facts.record.resets)


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
