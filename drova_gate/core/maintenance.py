"""The owner's order to keep hands off his station: when it is in force, how it begins, what it holds back, who is reminded of it. Pure.

A *lease* hides the station first, lets the session that goes on come to its clean end, and only then takes the hands off; it ends by its
deadline or by the owner's word. A *note* takes the hands off at once and hides nothing.
"""

from drova_gate.core.model import (
    Action,
    Alarm,
    AnswerHeld,
    Decision,
    EndLease,
    Facts,
    Lease,
    OwnHiding,
    Phase,
    SessionFact,
    Verdict,
)
from drova_gate.core.proof import refuse
from drova_gate.core.readings import (
    HOUR,
    asked_after,
    belongs_to_nobody,
    in_force,
    left_over,
    live_session,
    marked,
    moment,
    over,
    short,
)

__all__ = ["begins", "described", "goes_on", "lease_actions", "said_beside"]

REMINDERS = (HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR)
"""Ages at which the owner is reminded of an order without a deadline; then every day."""


def described(lease: Lease) -> str:
    """Say the order in words that stay the same as long as it does."""
    if not lease.hides:
        return f"maintenance: {lease.why}"
    ends = f"until {moment(lease.until_wall)}" if lease.until_wall is not None else "without a deadline"
    who = f"by {lease.by} " if lease.by else ""
    return f"maintenance {who}since {moment(lease.since_wall)}, {ends}: {lease.why}"


def said_beside(decision: Decision, facts: Facts) -> str:
    """What a phase's sentence leaves out while the order waits for that phase to end."""
    lease = in_force(facts)
    if lease is None or "maintenance" in decision.reason:
        return ""
    if decision.phase is Phase.QUARANTINED:
        return "; maintenance: hands off"
    if not lease.hides:
        return ""
    live = live_session(facts.cloud.sessions) if facts.cloud is not None else None
    free = decision.phase is Phase.CLEAN and live is None
    return "; maintenance is next" if free else "; maintenance waits for the end of that"


def begins(phase: Phase, facts: Facts) -> Decision | None:
    """What an order does to a station without a guarded session; ``None``: there is no order, or something must come to its end first."""
    lease = in_force(facts)
    if lease is None:
        return None
    if not lease.hides:
        return Decision(Phase.MAINTENANCE, _admitted(facts), described(lease))
    if facts.cloud is None:
        return Decision(phase, (), f"maintenance waits: {facts.cloud_fault or 'the cloud has not answered yet'}")
    refused = refuse(facts, "maintenance is about to begin")
    live = live_session(facts.cloud.sessions)
    if live is not None:
        if not facts.policy.relay or live.created_ms < lease.since_wall * 1000:
            return None
        # Nobody knocks twice at the same moment: he came in the seconds in which the station was still shown.
        return Decision(phase, refused, f"maintenance waits: session {short(live)} came after it and is not let in")
    if marked(facts.host) or left_over(facts):
        return None
    hidden = facts.cloud.hidden_since
    if hidden is None:
        return Decision(phase, refused, "maintenance waits: the station is being hidden from the catalogue")
    if facts.cloud.read_at - hidden < facts.policy.list_lag_seconds:
        return Decision(phase, refused, "maintenance waits: hidden; looks once more whether somebody has come")
    return Decision(Phase.MAINTENANCE, refused, described(lease))


def goes_on(facts: Facts) -> Decision:
    """The order is in force: hands off, and nobody at the door but the owner himself. Over: look at the station anew."""
    lease = in_force(facts)
    if lease is None:
        why = over(facts)
        return Decision(Phase.UNKNOWN, (), f"maintenance is over{why and f' ({why})'}: looks at the station anew")
    held = _at_the_door(facts) if lease.hides else _admitted(facts)
    return Decision(Phase.MAINTENANCE, held, described(lease))


def lease_actions(phase: Phase, facts: Facts, now: float) -> tuple[Action, ...]:
    """What is due about the order itself, whatever the phase: taken over, taken away, not forgotten."""
    lease = facts.maintenance
    if lease is None:
        return _still_hidden(phase, facts, now)
    found = _whose_hiding(lease, facts)
    if why := over(facts):
        return (*found, EndLease(why))
    return (*found, *_reminders(lease, facts), *_intruder(phase, lease, facts))


def _whose_hiding(lease: Lease, facts: Facts) -> tuple[Action, ...]:
    """What the owner's command did to the catalogue while no gate ran."""
    ours, shown = facts.record.hidden_by_us, facts.cloud is not None and facts.cloud.published
    if lease.hidden and not ours and not shown:
        return (OwnHiding(ours=True),)
    if lease.hidden is False and lease.ended and ours:
        return (OwnHiding(ours=False),)
    return ()


# -- the door --------------------------------------------------------------------------------------------------------


def _admitted(facts: Facts) -> tuple[Action, ...]:
    return (AnswerHeld(Verdict.ADMIT, "maintenance: hands off"),) if facts.relay.held else ()


def _at_the_door(facts: Facts) -> tuple[Action, ...]:
    """The owner tests his station; a stranger would find it open to all its accounts."""
    if facts.cloud is None:
        return refuse(facts, f"maintenance, and who this is, is not known: {facts.cloud_fault}")
    live = live_session(facts.cloud.sessions)
    if live is None:
        return refuse(facts, "maintenance") if belongs_to_nobody(facts) else ()
    if not live.own:
        return refuse(facts, "maintenance")
    return _admitted(facts) if asked_after(facts) else ()


def _intruder(phase: Phase, lease: Lease, facts: Facts) -> tuple[Action, ...]:
    """Without a door of ours nobody can be kept out: then the owner has to know."""
    if phase is not Phase.MAINTENANCE or not lease.hides or facts.policy.relay or facts.cloud is None:
        return ()
    live = live_session(facts.cloud.sessions)
    if live is None or live.own or not _in(live):
        return ()
    text = f"session {short(live)} is on a station in maintenance: its player is in, and nothing is prepared for him"
    return (Alarm(text, about=f"player in maintenance {live.uuid}"),)


def _in(session: SessionFact) -> bool:
    return session.status in ("HANDSHAKE", "ACTIVE")


# -- never forgotten ---------------------------------------------------------------------------------------------------


def _reminders(lease: Lease, facts: Facts) -> tuple[Action, ...]:
    if not lease.hides:
        return ()
    wall = facts.wall_ms // 1000
    age = wall - lease.since_wall
    if age < 0:
        return ()  # a router's clock begins in 1970: it says nothing about the order until it has been set
    if lease.until_wall is None:
        count = _reminders_by(age)
        text = f"{described(lease)}; hidden for {_hours(age)} by now: end it when the work is done (drova_gate maintenance off)"
        return (Alarm(text, about=f"maintenance reminder {count}"),) if count else ()
    left = lease.until_wall - wall
    if left <= 0:
        text = f"{described(lease)}; its deadline has passed and the cloud does not answer: it ends when the cloud does"
        return (Alarm(text, about=f"maintenance is late {lease.until_wall}"),)
    if left <= min(facts.policy.ends_soon_seconds, (lease.until_wall - lease.since_wall) / 2):
        text = f"{described(lease)}; ends soon, and the station is shown again: for more time order it anew with another --until"
        return (Alarm(text, about=f"maintenance ends soon {lease.until_wall}"),)
    return ()


def _reminders_by(age: float) -> int:
    """How many reminders are due by this age."""
    return sum(age >= one for one in REMINDERS[:-1]) + int(age // REMINDERS[-1])


def _still_hidden(phase: Phase, facts: Facts, now: float) -> tuple[Action, ...]:
    """A station that we hid must not be forgotten behind something that keeps it from being seen clean."""
    if not facts.record.hidden_by_us or phase not in (Phase.UNKNOWN, Phase.CLEAN) or facts.phase_since is None:
        return ()
    waited, host = now - facts.phase_since, facts.host
    if waited < facts.policy.still_hidden_seconds or (host is not None and host.agent_up is not False):
        return ()
    missing = facts.host_fault if host is None else "the Drova agent's port is not open"
    text = f"still hidden from the catalogue, because it is not seen clean: {missing or 'the station does not answer'}"
    return (Alarm(text, about=f"still hidden {_reminders_by(waited)}"),)


def _hours(seconds: float) -> str:
    hours = int(seconds // HOUR)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
