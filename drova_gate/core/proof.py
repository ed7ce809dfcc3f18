"""The way back: one reset, its proof, and quarantine for a station that is not proved clean. Pure."""

from datetime import UTC, datetime

from drova_gate.core.model import (
    Action,
    Alarm,
    AnswerHeld,
    Decision,
    Facts,
    Forget,
    HostFacts,
    Phase,
    Release,
    Reset,
    Verdict,
    Wake,
)
from drova_gate.core.readings import (
    going_on,
    guarded_name,
    in_force,
    letters,
    marked,
    not_seen_out,
    resets_in_the_hour,
    still_shadowed,
    untouched,
)

__all__ = ["end", "missing_proof", "quarantined", "refuse", "released", "resetting", "unproved"]


def refuse(facts: Facts, why: str) -> tuple[Action, ...]:
    """Turn away whoever is held."""
    return (AnswerHeld(Verdict.REFUSE, why),) if facts.relay.held else ()


def end(facts: Facts, why: str) -> Decision:
    """The session is over, or the station carries what it must not: one reset, and nobody in until it is proved."""
    if _never_touched(facts):
        return _nothing_to_reset(facts)
    if loop := _loop(facts):
        return _quarantine(facts, f"{loop}, and {why}")
    return _reset(facts, f"{why}: resets the station", Reset(why))


def resetting(facts: Facts, now: float) -> Decision:
    """Wait for the proof of the reset that was sent; what does not come is tried again, or kept out."""
    policy, host = facts.policy, facts.host
    refused = refuse(facts, "the station is being reset")
    if facts.reset_at is None:
        if host is None and facts.phase_since is not None and now - facts.phase_since > policy.reset_wait_seconds:
            waited = now - facts.phase_since
            return _quarantine(facts, f"its reset could not be sent for {waited:.0f} s: {facts.host_fault}")
        if host is None:
            why = f"the reset waits: {facts.host_fault or 'the station has not answered yet'}"
            return Decision(Phase.RESETTING, refused, why)
        if _never_touched(facts):
            return _nothing_to_reset(facts)
        return _reset(facts, "sends the reset", Reset("the reset was not sent yet"))
    waited = now - facts.reset_at
    if host is None or host.boot_stamp is None or host.marker is None or host.read_at < facts.reset_at:
        if waited > policy.reset_wait_seconds:
            return _quarantine(
                facts, f"the station has not come back {waited:.0f} s after its reset{_sent(facts, now)}"
            )
        actions = (*refused, *_calls(facts, now))
        return Decision(Phase.RESETTING, actions, "reset sent; the station is not back yet")
    if host.boot_stamp or host.linked_at < facts.reset_at:
        if waited < policy.reset_ignored_seconds:
            return Decision(Phase.RESETTING, refused, "reset sent; the station has not gone down yet")
        return _reset_again(facts, f"{waited:.0f} s after its reset the station has not rebooted", plain=True)
    if marked(host) and policy.protector_forgets:
        if host.marked and not host.marker:
            rest = f"{letters(host.marked)} still carries the marker: that disk was not rolled back"
            return _quarantine(facts, f"the station has rebooted, and {rest}")
        return _quarantine(facts, "the station has rebooted and still carries the marker: its disk was not rolled back")
    if marked(host):
        return _reset_again(facts, "the station has rebooted and still carries our lockdown")
    missing = unproved(facts)
    if missing is None:
        proof = f"proved clean {waited:.0f} s after the reset: new boot, no marker, no Shadow Mode, port open"
        return Decision(Phase.CLEAN, (Forget(),), proof)
    if _missing(facts, host) is None:
        return _quarantine(facts, missing)
    if still := still_shadowed(facts):
        return _reset_again(facts, f"the station came back with {letters(still)} in Shadow Mode")
    if waited > policy.reset_wait_seconds:
        return _quarantine(facts, f"{waited:.0f} s after its reset{_sent(facts, now)}: {missing}")
    return Decision(Phase.RESETTING, refused, f"rebooted; {missing}")


def quarantined(facts: Facts, now: float) -> Decision:
    """Nobody in; out of it once proved clean, and now and then one more reset where that may mend it."""
    missing = unproved(facts)
    if missing is None:
        return Decision(Phase.CLEAN, (Forget(),), "proved clean after all: out of quarantine")
    if _may_mend(facts, now):
        return _reset(facts, f"quarantine: {missing}; tries one more reset", Reset(f"quarantine: {missing}"))
    # The owner may have switched it off to work on it.
    calls = _calls(facts, now) if in_force(facts) is None else ()
    actions = (*refuse(facts, "the station is in quarantine"), *calls)
    why = facts.record.quarantine_reason or "not proved clean"
    return Decision(
        Phase.QUARANTINED, actions, f"quarantine: {missing}" if why == missing else f"quarantine ({why}): {missing}"
    )


def released(facts: Facts) -> Decision:
    """The owner lifts a quarantine: said with what is still wrong. What the station still carries is reset away like anything else."""
    missing = unproved(facts)
    wrong = f"still wrong: {missing}" if missing else "nothing is wrong with it any more"
    return Decision(Phase.CLEAN, (Release(), Forget(not_seen_out(facts))), f"released from quarantine by hand; {wrong}")


def unproved(facts: Facts) -> str | None:
    """What is still missing for the proof of a clean station; ``None``: nothing."""
    if facts.host is None:
        return facts.host_fault or "the station does not answer"
    return _missing(facts, facts.host) or _bared(facts)


def _missing(facts: Facts, host: HostFacts) -> str | None:
    return missing_proof(host, still_shadowed(facts), disks=bool(facts.record.entered))


def missing_proof(host: HostFacts, still: frozenset[str] | None, *, disks: bool = False) -> str | None:
    """What a look at the station lacks for the proof; ``still``: volumes of ours that are in Shadow Mode. ``None``: nothing.

    ``disks``: it must have asked the disks for the marker's files.
    """
    if host.boot_stamp != "":
        return "it has not rebooted since its session"
    if host.marker is None or host.marker:
        return "it carries the marker of its last session"
    if host.marked:
        return f"{letters(host.marked)} carries the marker of its last session"
    if disks and host.marked is None:
        return "whether its disks carry the marker of its last session is not known"
    if host.shadowed is None:
        return host.protector_fault or "the protector does not list its volumes"
    if still:
        return f"{letters(still)} is in Shadow Mode"
    if not host.agent_up:
        return "the Drova agent's port is not open yet"
    return None


def _bared(facts: Facts) -> str | None:
    """What no reset takes off and no look finds any more; ``None``: nothing. Only the owner can tell that the disk is well."""
    if not facts.record.bared:
        return None
    return f"Shadow Mode was gone from {letters(facts.record.bared)} in the middle of session {guarded_name(facts)}, and what was written there then has stayed"


def _reset(facts: Facts, reason: str, action: Reset) -> Decision:
    return Decision(Phase.RESETTING, (*refuse(facts, "the station is being reset"), action), reason)


def _reset_again(facts: Facts, why: str, *, plain: bool = False) -> Decision:
    if facts.record.reset_tries >= facts.policy.reset_tries:
        return _quarantine(facts, f"{why}, after {facts.record.reset_tries} resets")
    if loop := _loop(facts):
        return _quarantine(facts, f"{loop}, and {why}")
    return _reset(facts, f"{why}: resets it again", Reset(why, plain=plain))


def _never_touched(facts: Facts) -> bool:
    """Behind a relay of ours, a session that was not prepared for has let nobody in: where nothing of ours is left, no reset is due."""
    host, record = facts.host, facts.record
    if (
        not facts.policy.relay
        or facts.policy.admit_unprotected
        or record.prepared
        or record.reset_tries
        or record.bared
    ):
        return False
    return untouched(facts) and host is not None and host.boot_stamp == "" and record.session is not None


def _nothing_to_reset(facts: Facts) -> Decision:
    why = f"session {guarded_name(facts)} is over, nobody was let in and nothing of ours is on the station"
    return Decision(Phase.CLEAN, (*refuse(facts, "the session is over"), Forget()), why)


def _loop(facts: Facts) -> str:
    """What is wrong with one more reset now; empty: nothing."""
    sent = resets_in_the_hour(facts)
    return f"{sent} resets within an hour" if sent >= facts.policy.resets_an_hour else ""


def _may_mend(facts: Facts, now: float) -> bool:
    """One more reset may help and harms nobody: the station carries what a reset takes off, nobody has it, the last try is long ago."""
    host, policy = facts.host, facts.policy
    if host is None or in_force(facts) is not None or _loop(facts):
        return False
    if facts.cloud is None or going_on(facts.cloud.sessions):
        return False
    if not (host.boot_stamp or host.marker or still_shadowed(facts)):
        return False
    # Bounded before the power is taken.
    doublings = min(max(0, facts.record.reset_tries - policy.reset_tries), 16)
    pause = min(policy.mend_cap, policy.mend_seconds * 2.0**doublings)
    return facts.reset_at is None or now - facts.reset_at > pause


def _calls(facts: Facts, now: float) -> tuple[Action, ...]:
    """A station that stays away after its reset is called, and the owner hears since when."""
    policy = facts.policy
    if facts.host is not None or facts.reset_at is None:
        return ()
    waited = now - facts.reset_at
    if not policy.wake_seconds < waited < policy.wake_until:
        return ()
    text = (
        f"session {guarded_name(facts)} is over and its station is not back {waited:.0f} s after its reset"
        f"{_sent(facts, now)}: {facts.host_fault or 'it does not answer'}; look whether it is switched on"
    )
    return (Wake(), Alarm(text, about="not back after its reset"))


def _sent(facts: Facts, now: float) -> str:
    """When the reset was sent, by the gate's clock."""
    if facts.reset_at is None:
        return ""
    at = datetime.fromtimestamp(facts.wall_ms / 1000 - (now - facts.reset_at), UTC)
    return f" (sent at {at:%H:%M:%S} UTC)"


def _quarantine(facts: Facts, why: str) -> Decision:
    actions: tuple[Action, ...] = (
        *refuse(facts, "the station is in quarantine"),
        Alarm(f"quarantine: {why}; look at the station"),
    )
    return Decision(Phase.QUARANTINED, actions, f"quarantine: {why}")
