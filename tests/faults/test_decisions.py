"""What cells of the matrix found in the decision, each held by the pure function too."""

from dataclasses import replace
from uuid import UUID

import pytest

from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Adopt,
    AnswerHeld,
    CloudFacts,
    Facts,
    HostFacts,
    Phase,
    Record,
    RelayFacts,
    Reset,
    SessionFact,
    Verdict,
)
from drova_gate.core.policy import Policy

A, B, DESKTOP = UUID(int=1), UUID(int=2), UUID("9fd0eb43-b2bb-4ce3-93b8-9df63f209098")
NOW = 1000.0
OVER = SessionFact(A, DESKTOP, "FINISHED", 100, desktop=None)
LIVE = SessionFact(B, DESKTOP, "ACTIVE", 200, desktop=True)
OLD = Record(Phase.IN_SESSION, A, 100, prepared=True, marker="a", boot_stamp="a", entered=frozenset("CD"))
"""Never written since the first session: the disk was full."""
FOR_B = HostFacts(frozenset("CD"), "b", str(B), "b", None, NOW, NOW - 1)


def facts(record: Record = OLD, host: HostFacts | None = FOR_B, **more: object) -> Facts:
    cloud = CloudFacts((LIVE, OVER), NOW)
    return replace(Facts(record, Policy(relay=True), cloud=cloud, host=host, phase_since=NOW - 1), **more)  # type: ignore[arg-type]  # checked by replace itself


@pytest.mark.parametrize(
    "phase", [Phase.UNKNOWN, Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING, Phase.QUARANTINED]
)
def test_the_station_knows_better_than_an_old_record(phase: Phase):
    """A session that goes on, on a station prepared for it, is adopted, whatever stands in the record: never rebooted."""
    decision = decide(phase, facts(replace(OLD, phase=phase)), NOW)

    assert decision.phase is Phase.IN_SESSION
    assert Adopt(B, 200) in decision.actions
    assert not any(isinstance(action, Reset) for action in decision.actions)


@pytest.mark.parametrize("phase", [Phase.UNKNOWN, Phase.PREPARING, Phase.IN_SESSION])
def test_a_look_comes_before_the_reset_of_a_station_that_another_plays_on(phase: Phase):
    """Right after a start the station has not been seen: the order to reboot waits for the look."""
    decision = decide(phase, facts(host=None), NOW)

    assert decision.phase is phase
    assert not any(isinstance(action, Reset) for action in decision.actions)


def test_the_look_is_not_waited_for_without_end():
    """A station that cannot be seen is reset as soon as it can be reached, as ever."""
    decision = decide(Phase.IN_SESSION, facts(host=None, phase_since=NOW - 1000), NOW)

    assert decision.phase is Phase.RESETTING


def test_a_station_prepared_for_the_session_that_ended_is_reset():
    """The other way round: the next session waits for its reset."""
    host = replace(FOR_B, marker="a", marker_session=str(A), boot_stamp="a")

    decision = decide(Phase.IN_SESSION, facts(host=host), NOW)

    assert decision.phase is Phase.RESETTING
    assert any(isinstance(action, Reset) for action in decision.actions)


# -- a station that boots anew in mid-session --------------------------------------------------------------------------

KNOCKS = RelayFacts(held=1, oldest_at=NOW - 0.1, newest_at=NOW - 0.1, live=1)
GOES_ON = CloudFacts((replace(LIVE, uuid=A, created_ms=100),), NOW)


def answers(host: HostFacts | None) -> list[Verdict]:
    decision = decide(Phase.IN_SESSION, facts(host=host, cloud=GOES_ON, relay=KNOCKS), NOW)
    return [action.verdict for action in decision.actions if isinstance(action, AnswerHeld)]


def test_nobody_comes_back_in_unseen():
    """The link ended, perhaps with the boot: until the station was looked at, whoever comes back is held, not let in."""
    assert answers(None) == []


def test_nobody_comes_back_in_to_a_station_that_forgot():
    """It booted anew: it is prepared again first."""
    assert answers(replace(FOR_B, shadowed=frozenset(), marker="", marker_session="", boot_stamp="")) == []


def test_whoever_comes_back_to_a_prepared_station_is_let_in():
    """A further connection in mid-session changes nothing."""
    assert answers(replace(FOR_B, marker="a", marker_session=str(A), boot_stamp="a")) == [Verdict.ADMIT]


# -- a list that is empty for a while ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("waited", "verdicts"), [(0.0, []), (1.4, []), (1.5, [Verdict.ADMIT]), (4.0, [Verdict.ADMIT])])
def test_an_empty_list_is_not_believed_at_once(waited: float, verdicts: list[Verdict]):
    """A new session may come into the list late: its player must not pass for nobody's and get an unprepared station."""
    nobody = Facts(
        Record(Phase.CLEAN),
        Policy(relay=True),
        cloud=CloudFacts((), NOW),
        host=HostFacts(frozenset(), "", "", "", True, NOW, NOW - 1),
        relay=RelayFacts(held=1, oldest_at=NOW - waited, newest_at=NOW - waited, live=1),
    )

    decision = decide(Phase.CLEAN, nobody, NOW)

    assert [action.verdict for action in decision.actions if isinstance(action, AnswerHeld)] == verdicts
