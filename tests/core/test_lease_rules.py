"""The owner's order, case by case: how it begins, who comes in, who is reminded, when it ends."""

from dataclasses import replace
from typing import Any

import pytest
from test_decide import NOW, cloud, facts, guarded, guarded_host, held, host, kinds, session, verdicts

from drova_gate.core.decide import decide
from drova_gate.core.model import Alarm, CloudFacts, EndLease, Facts, Lease, Phase, Record, Verdict
from drova_gate.core.policy import Policy

SINCE = 1_800_000_000
HOUR = 3600
LEASE = Lease("new disk", hides=True, by="owner", since_wall=SINCE)


def at(seconds: float, **changes: Any) -> dict[str, Any]:
    """So long after the order was given."""
    return {"maintenance": LEASE, "wall_ms": int((SINCE + seconds) * 1000)} | changes


def hidden(*sessions: Any, since: float = NOW - 60) -> CloudFacts:
    return replace(cloud(*sessions, published=False), hidden_since=since)


def alarms(known: Facts, phase: Phase = Phase.MAINTENANCE) -> list[tuple[str, str]]:
    return [(one.text, one.about) for one in decide(phase, known, NOW).actions if isinstance(one, Alarm)]


# -- how it begins -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "phase", "said"),
    [
        ({"cloud": None, "cloud_fault": "no answer"}, Phase.CLEAN, "maintenance waits: no answer"),
        ({"cloud": cloud(published=True)}, Phase.CLEAN, "is being hidden"),
        ({"cloud": cloud()}, Phase.CLEAN, "is being hidden"),
        ({"cloud": hidden(since=NOW - 1)}, Phase.CLEAN, "looks once more"),
        ({"cloud": hidden()}, Phase.MAINTENANCE, "maintenance by owner since"),
        ({"cloud": hidden(), "host": None}, Phase.MAINTENANCE, "without a deadline: new disk"),
        ({"cloud": hidden(), "host": guarded_host()}, Phase.RESETTING, "carries our marker"),
    ],
)
def test_the_hands_come_off_a_hidden_and_free_station(known: dict[str, Any], phase: Phase, said: str):
    """Read back as hidden for longer than the cloud's list lags, nobody in it, nothing of ours on the station."""
    decision = decide(Phase.CLEAN, facts(**(at(60, host=host()) | known)), NOW)

    assert decision.phase is phase
    assert said in decision.reason


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING])
def test_a_guarded_session_comes_to_its_end_first(phase: Phase):
    """Its phase is what it was, and the sentence says that something waits for it."""
    record = guarded(phase, prepared=phase is not Phase.PREPARING)
    known = facts(record, **at(60, cloud=hidden(session()), host=guarded_host(), reset_at=NOW - 5))

    decision = decide(phase, known, NOW)

    assert decision.phase is phase
    assert decision.reason.endswith("; maintenance waits for the end of that")


@pytest.mark.parametrize(
    ("created_ms", "relay", "phase"),
    [
        (SINCE * 1000 - 5000, True, Phase.PREPARING),
        (SINCE * 1000 + 5000, True, Phase.CLEAN),
        (SINCE * 1000 + 5000, False, Phase.PREPARING),
    ],
)
def test_who_came_before_the_order_is_guarded_and_who_comes_after_it_is_kept_out(
    created_ms: int, relay: bool, phase: Phase
):
    """Without a door nobody can be kept out: then he is protected, as ever."""
    late = session(status="HANDSHAKE", created=created_ms)
    known = facts(**at(10, policy=Policy(relay=relay), cloud=hidden(late), host=host(), relay=held()))

    decision = decide(Phase.CLEAN, known, NOW)

    assert decision.phase is phase
    assert verdicts(decision) == ([Verdict.REFUSE] if phase is Phase.CLEAN else [])


def test_a_restart_in_the_midst_of_it_asks_nobody():
    """The record says that the hands were off; neither the cloud nor the station need answer."""
    known = facts(Record(Phase.MAINTENANCE, hidden_by_us=True), **at(60))

    assert decide(Phase.UNKNOWN, known, NOW).phase is Phase.MAINTENANCE


def test_a_quarantine_stays_one_and_is_left_alone():
    """No call, no alarm, no mending reset while the owner works on it; but nobody is let in either."""
    record = guarded(Phase.QUARANTINED, reset_tries=2)
    known = facts(record, **at(60, cloud=hidden(), host_fault="no SSH", reset_at=NOW - 200, relay=held()))

    decision = decide(Phase.QUARANTINED, known, NOW)

    assert decision.phase is Phase.QUARANTINED
    assert kinds(decision) == ["AnswerHeld"]
    assert decision.reason.endswith("; maintenance: hands off")


# -- the door ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, [Verdict.REFUSE]),
        (hidden(session(status="HANDSHAKE")), [Verdict.REFUSE]),
        (hidden(replace(session(status="HANDSHAKE"), own=True)), [Verdict.ADMIT]),
        (replace(hidden(replace(session(status="HANDSHAKE"), own=True)), read_at=NOW - 5), []),
        (replace(hidden(), read_at=NOW), []),
        (replace(hidden(), read_at=NOW + 5), [Verdict.REFUSE]),
    ],
)
def test_the_owner_comes_in_and_nobody_else(answer: CloudFacts | None, expected: list[Verdict]):
    """Once an answer younger than his knock names him; who has no session for longer than the list lags is nobody."""
    known = facts(**at(60, cloud=answer, cloud_fault="" if answer else "no answer", relay=held()))

    assert verdicts(decide(Phase.MAINTENANCE, known, NOW)) == expected


# -- never forgotten -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "number"),
    [(0.9, None), (1, 1), (3.9, 1), (4, 2), (12, 3), (23.9, 3), (24, 4), (47.9, 4), (48, 5), (240, 13)],
)
def test_without_a_deadline_the_owner_is_reminded(hours: float, number: int | None):
    """After 1, 4, 12 hours, then daily; each reminder is another alarm, told once."""
    found = [about for _, about in alarms(facts(**at(hours * HOUR, cloud=hidden())))]

    assert found == ([] if number is None else [f"maintenance reminder {number}"])


@pytest.mark.parametrize(
    ("left", "length", "said"),
    [(1000, 7200, []), (900, 7200, ["ends soon"]), (500, 900, []), (400, 900, ["ends soon"])],
)
def test_the_owner_is_told_before_the_deadline(left: int, length: int, said: list[str]):
    """A quarter of an hour, or half of a short one."""
    lease = replace(LEASE, until_wall=SINCE + length)
    found = [text for text, _ in alarms(facts(**at(length - left, cloud=hidden(), maintenance=lease)))]

    assert [one in text for one, text in zip(said, found, strict=True)] == [True] * len(said)


def test_a_deadline_without_the_cloud_is_late_and_said():
    """It cannot be shown again now anyway, and a clock that nobody vouches for ends nothing."""
    known = facts(**at(HOUR, maintenance=replace(LEASE, until_wall=SINCE + 60), cloud_fault="no answer"))

    assert decide(Phase.MAINTENANCE, known, NOW).phase is Phase.MAINTENANCE
    ((text, _),) = alarms(known)
    assert "its deadline has passed and the cloud does not answer" in text


@pytest.mark.parametrize("phase", list(Phase))
def test_an_order_that_is_over_is_taken_away_in_any_phase(phase: Phase):
    """By the owner's word, with or without the cloud."""
    known = facts(**at(60, maintenance=replace(LEASE, ended=True)))

    assert EndLease("ended by the owner") in decide(phase, known, NOW).actions


def test_a_clock_from_before_the_order_says_nothing():
    """1970: no reminder, no end."""
    known = facts(maintenance=replace(LEASE, until_wall=SINCE + 60), wall_ms=60_000, cloud=hidden())

    assert alarms(known) == []
    assert decide(Phase.MAINTENANCE, known, NOW).phase is Phase.MAINTENANCE


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"host": None, "host_fault": "no SSH"}, "not seen clean: no SSH"),
        ({"host": host(agent_up=False)}, "the Drova agent's port is not open"),
        ({"host": host()}, None),
        ({"host": None, "phase_since": NOW - 500}, None),
    ],
)
def test_a_station_that_stays_hidden_is_not_forgotten(known: dict[str, Any], said: str | None):
    """Ten minutes after the order is over and nobody can see it clean."""
    world = facts(Record(hidden_by_us=True), **({"cloud": hidden(), "phase_since": NOW - 700} | known))
    found = [text for text, about in alarms(world, Phase.CLEAN) if about.startswith("still hidden")]

    assert len(found) == (said is not None)
    assert said is None or said in found[0]
