"""Every short story of events and faults, played to its end: no promise is broken, and a healthy world is left healthy."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_events import EVENTS, EXTRA
from model_walk import story, walk
from model_world import Decide, World

from drova_gate.core.decide import decide
from drova_gate.core.model import (
    AnswerHeld,
    Bared,
    Decision,
    Facts,
    Forget,
    OwnHiding,
    Phase,
    Prepare,
    Publish,
    Reset,
    Verdict,
)
from drova_gate.core.policy import Policy
from drova_gate.core.readings import going_on, in_force

RELAY = pytest.mark.parametrize("relay", [True, False], ids=["socket", "poll"])


@RELAY
def test_every_story_of_two_events_keeps_every_promise(relay: bool):
    """All pairs, with a short and a long pause between them."""
    assert walk(World(relay=relay), EVENTS, depth=2) == {}


@settings(max_examples=60, deadline=None)
@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([0.4, 3.0, 30.0, 400.0])), max_size=12),
)
def test_no_longer_story_breaks_a_promise(relay: bool, told: list[tuple[str, float]]):
    """Whatever twelve things happen, with whatever pauses."""
    assert story(World(relay=relay), EVENTS, told) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=8))
def test_evictions_hit_nobody_whose_station_is_prepared(names: list[str]):
    """Poll mode with DROVA_EVICT=on: the same promises, and no prepared player loses his stream."""
    world = World(policy=Policy(relay=False, evict=True))

    assert story(world, EVENTS, [(name, 30.0) for name in names]) == []


@RELAY
@pytest.mark.parametrize("before", ["rental", "game", "finished"])
def test_a_lost_state_file_costs_nothing_but_memory(relay: bool, before: str):
    """The gate is killed and its file is gone: the station's own marker is enough."""
    told = [("rental", 30.0), (before, 30.0), ("state lost", 30.0)]

    assert story(World(relay=relay), EVENTS | EXTRA, told) == []


# -- stories that once broke a promise ---------------------------------------------------------------------------------

Story = list[tuple[str, float]]
NEXT_UNSEEN = ("next, end not shown", 30.0)
TOLD: dict[str, Story] = {
    "a second try of a preparation finds its disks in Shadow Mode, and its player takes one out of it": [
        ("hang", 3.0),
        ("rental", 30.0),
        ("link up", 30.0),
        ("leaves Shadow Mode", 30.0),
    ],
    "the first to come hours after the preparation, the cloud silent, is another player": [
        ("kill at the end", 400.0),
        ("next, end not shown", 4000.0),
        ("cloud down", 3.0),
        NEXT_UNSEEN,
        ("boots by itself", 1.0),
        NEXT_UNSEEN,
        ("link up", 4000.0),
        ("link up", 1.0),
        ("shadow", 400.0),
        ("kill", 30.0),
    ],
    "the cloud's last word before it falls silent is of a session whose end it never showed": [
        ("next, end not shown", 1.0),
        NEXT_UNSEEN,
        ("aborted", 4000.0),
        ("cloud down", 1.0),
        ("rental", 30.0),
    ],
    "nobody comes for minutes after the station has booted anew, then another player": [
        ("rental", 4000.0),
        ("cloud down", 0.4),
        ("boots by itself", 400.0),
        ("next, end not shown", 0.4),
    ],
    "the next player knocks at a station that has just booted anew": [
        ("rental", 30.0),
        ("cloud down", 3.0),
        ("boots by itself", 30.0),
        ("next, end not shown", 3.0),
    ],
    "a session ends and the next begins while the cloud is silent": [
        ("rental", 30.0),
        ("cloud down", 3.0),
        ("finished", 3.0),
        ("rental", 3.0),
    ],
    "the gate is restarted after a player has left, the cloud silent, and the next one comes": [
        ("rental", 30.0),
        ("cloud down", 3.0),
        ("finished", 30.0),
        ("kill", 3.0),
        ("rental", 3.0),
    ],
    "a player comes back to a station that has booted and kept its disk": [
        ("kept", 4000.0),
        ("rental", 30.0),
        ("boots by itself", 4000.0),
        ("arrives again", 3.0),
    ],
    "a session that the gate has seen is missing when its player comes": [
        ("rental", 30.0),
        ("finished", 3.0),
        ("rental", 3.0),
        ("vanishes", 400.0),
        ("arrives again", 30.0),
    ],
    "a session is missing, and the one before it, whose end was never shown, stands there as active": [
        ("rental", 4000.0),
        ("next, end not shown", 0.4),
        ("vanishes", 4000.0),
        ("arrives again", 400.0),
    ],
    "a preparation was cut off and the protector refuses to say how far it got": [
        ("kill in the middle", 1.0),
        ("aborted", 3.0),
        ("next, end not shown", 0.4),
        ("refused", 400.0),
        ("next, end not shown", 4000.0),
    ],
    "the gate dies while a session waits for a station that is off": [
        ("kill in the middle", 30.0),
        ("boots by itself", 30.0),
        ("rental", 0.4),
    ],
    "a session whose end was never shown stands there as active after its reset": [
        ("rental", 3.0),
        NEXT_UNSEEN,
        ("aborted", 3.0),
        ("game", 4000.0),
        ("aborted", 1.0),
    ],
    "a session that waited for its station goes missing and is told to have ended": [
        ("link down", 1.0),
        ("boots by itself", 1.0),
        ("next, end not shown", 0.4),
        ("vanishes", 400.0),
        ("link up", 4000.0),
    ],
    "a player does not come back after the reset for the session before his": [
        NEXT_UNSEEN,
        ("next, end not shown", 1.0),
        ("kill later", 1.0),
        ("clock jumps", 400.0),
    ],
    "a station is released while it is off and comes back in Shadow Mode": [
        ("rental", 30.0),
        ("stays off", 30.0),
        ("aborted", 400.0),
        ("back shadowed", 30.0),
        ("release", 1.0),
    ],
    "a station is released while it is off, with the next session waiting": [
        ("rental", 30.0),
        ("stays off", 3.0),
        ("next, end not shown", 3.0),
        ("owner hides", 4000.0),
        ("release", 3.0),
        ("back shadowed", 1.0),
    ],
    "the owner's command shows a station that is to be hidden for another reason": [
        ("shadow", 0.4),
        NEXT_UNSEEN,
        ("finished", 30.0),
        ("maintenance for an hour", 30.0),
        ("maintenance off, no gate", 30.0),
    ],
}


@RELAY
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_a_story_that_once_broke_a_promise_breaks_none(relay: bool, told: Story):
    """Found by walks at random, each mended where its cause was."""
    assert story(World(relay=relay), EVENTS, told) == []


@pytest.mark.parametrize(
    "told",
    [
        [("kill at the end", 30.0), ("clock jumps", 30.0), ("rental", 400.0)],
        [("clock jumps", 30.0), ("kill at the end", 0.4), ("rental", 1.0), ("kill later", 400.0)],
        [("kill at the end", 1.0), ("rental", 0.4), ("refused", 30.0)],
        [("kill at the end", 30.0), ("next, end not shown", 0.4), ("partial", 400.0)],
        [("kill at the end", 0.4), ("rental", 1.0), ("hang", 1.0), ("kill", 4000.0), ("link up", 4000.0)],
    ],
    ids=["at once", "by a wrong clock", "the protector refuses to say", "entered already", "seen late"],
)
def test_a_player_whose_station_turns_out_to_be_prepared_keeps_his_stream(told: Story):
    """The gate was killed before it noted the end of the preparation, and the station knows better."""
    assert story(World(policy=Policy(relay=False, evict=True)), EVENTS, told) == []


# -- the walk finds what is planted ----------------------------------------------------------------------------------


def _silence_ends(phase: Phase, facts: Facts, now: float) -> Decision:
    """A cloud that does not answer ends the session."""
    if phase is Phase.IN_SESSION and facts.cloud is None and facts.host is not None:
        return Decision(Phase.RESETTING, (Reset("no answer"),), "no answer")
    return decide(phase, facts, now)


def _absence_ends(phase: Phase, facts: Facts, now: float) -> Decision:
    """A session that is missing from the list is over."""
    if phase is Phase.IN_SESSION and facts.cloud is not None and not going_on(facts.cloud.sessions):
        return Decision(Phase.RESETTING, (Reset("not in the list"),), "not in the list")
    return decide(phase, facts, now)


def _any_boot_is_proof(phase: Phase, facts: Facts, now: float) -> Decision:
    """A station that answers after its reset is clean."""
    if phase is Phase.RESETTING and facts.reset_at is not None and facts.host is not None and now - facts.reset_at > 5:
        return Decision(Phase.CLEAN, (Forget(),), "it answers")
    return decide(phase, facts, now)


def _admits_early(phase: Phase, facts: Facts, now: float) -> Decision:
    """A held player is let in while his station is being prepared."""
    decision = decide(phase, facts, now)
    if decision.phase is Phase.PREPARING and facts.relay.held:
        return replace(decision, actions=(AnswerHeld(Verdict.ADMIT, "soon ready"), *decision.actions))
    return decision


def _resets_at_each_start(phase: Phase, facts: Facts, now: float) -> Decision:
    """A restart of the gate sends the reset that was under way once more."""
    decision = decide(phase, facts, now)
    if phase is Phase.UNKNOWN and decision.phase is Phase.RESETTING:
        return replace(decision, actions=(Reset("again"),))
    return decision


def _shows_all(phase: Phase, facts: Facts, now: float) -> Decision:
    """A clean station is shown, whoever hid it."""
    decision = decide(phase, facts, now)
    if decision.phase is Phase.CLEAN and facts.cloud is not None and facts.cloud.published is False:
        return replace(decision, actions=(*decision.actions, Publish(visible=True, why="clean")))
    return decision


def _quarantine_for_ever(phase: Phase, facts: Facts, now: float) -> Decision:
    """Nothing leads out of quarantine."""
    if phase is Phase.QUARANTINED:
        return Decision(Phase.QUARANTINED, (), "quarantine")
    return decide(phase, facts, now)


def _never_hides(phase: Phase, facts: Facts, now: float) -> Decision:
    """A station in quarantine stays in the catalogue."""
    decision = decide(phase, facts, now)
    return replace(decision, actions=tuple(one for one in decision.actions if not isinstance(one, Publish)))


def _prepares_on_top(phase: Phase, facts: Facts, now: float) -> Decision:
    """The next session is prepared on a station that was not reset."""
    decision = decide(phase, facts, now)
    if phase is Phase.IN_SESSION and decision.phase is Phase.RESETTING and facts.cloud is not None:
        live = going_on(facts.cloud.sessions)
        if live and facts.host is not None and live[0].uuid != facts.record.session:
            return Decision(Phase.PREPARING, (Prepare(live[0].uuid, live[0].created_ms),), "the next one")
    return decision


def _resets_twice(phase: Phase, facts: Facts, now: float) -> Decision:
    """A station that is proved clean is reset once more, to be sure."""
    decision = decide(phase, facts, now)
    if phase is Phase.RESETTING and decision.phase is Phase.CLEAN and facts.record.reset_tries == 1:
        return Decision(Phase.RESETTING, (Reset("to be sure"),), "to be sure")
    return decision


def _begins_at_once(phase: Phase, facts: Facts, now: float) -> Decision:
    """The hands come off a player's station."""
    if phase is Phase.IN_SESSION and in_force(facts) is not None:
        return Decision(Phase.MAINTENANCE, (), "at once")
    return decide(phase, facts, now)


def _works_on(phase: Phase, facts: Facts, now: float) -> Decision:
    """A session that comes to a station in maintenance is prepared for."""
    decision = decide(phase, facts, now)
    if phase is Phase.MAINTENANCE and facts.cloud is not None and facts.host is not None:
        live = going_on(facts.cloud.sessions)
        if live and in_force(facts) is not None:
            return Decision(Phase.PREPARING, (Prepare(live[0].uuid, live[0].created_ms),), "a player")
    return decision


def _lets_all_in(phase: Phase, facts: Facts, now: float) -> Decision:
    """Whoever knocks at a station in maintenance comes in."""
    decision = decide(phase, facts, now)
    if decision.phase is Phase.MAINTENANCE and facts.relay.held:
        return replace(decision, actions=(AnswerHeld(Verdict.ADMIT, "hands off"),))
    return decision


def _forgets_whose_hiding_it_is(phase: Phase, facts: Facts, now: float) -> Decision:
    """What the owner's command has hidden is nobody's to show again."""
    decision = decide(phase, facts, now)
    return replace(decision, actions=tuple(one for one in decision.actions if not isinstance(one, OwnHiding)))


def _shows_in_maintenance(phase: Phase, facts: Facts, now: float) -> Decision:
    """Nobody plays, so it is shown."""
    decision = decide(phase, facts, now)
    if decision.phase is Phase.MAINTENANCE and facts.record.hidden_by_us:
        return replace(decision, actions=(Publish(visible=True, why="free"),))
    return decision


def _never_ends(phase: Phase, facts: Facts, now: float) -> Decision:
    """Nobody looks at the deadline."""
    kept = facts.maintenance and replace(facts.maintenance, until_wall=None, ended=False)
    return decide(phase, replace(facts, maintenance=kept), now)


def _trusts_the_proof(phase: Phase, facts: Facts, now: float) -> Decision:
    """A station that has booted without its marker is clean, whatever was seen in mid-session."""
    return decide(phase, replace(facts, record=replace(facts.record, bared=frozenset())), now)


def _notes_nothing(phase: Phase, facts: Facts, now: float) -> Decision:
    """A disk that left Shadow Mode is said, and forgotten."""
    decision = decide(phase, facts, now)
    return replace(decision, actions=tuple(one for one in decision.actions if not isinstance(one, Bared)))


RENTED = [("rental", 3.0)]
BARED = [("rental", 30.0), ("leaves Shadow Mode", 30.0)]
NOT_ROLLED_BACK = [("rental", 3.0), ("kept", 3.0), ("finished", 800.0)]


@pytest.mark.parametrize(
    ("bug", "after", "found"),
    [
        (_silence_ends, RENTED, "a player was rebooted"),
        (_absence_ends, RENTED, "a player was rebooted"),
        (_any_boot_is_proof, RENTED, "left behind in a healthy world: locked or shadowed"),
        (_admits_early, [], "a player was admitted to an unprepared station"),
        (_resets_at_each_start, RENTED, "a clean station was reset"),
        (_shows_all, [], "the owner's own hiding was undone"),
        (_quarantine_for_ever, NOT_ROLLED_BACK, "left behind in a healthy world: phase quarantined"),
        (_never_hides, NOT_ROLLED_BACK, "in the catalogue while in quarantine"),
        (_prepares_on_top, RENTED, "a player was admitted to a station that was not reset"),
        (_resets_twice, RENTED, "a clean station was reset"),
        (_trusts_the_proof, BARED, "a player was admitted to a disk that keeps what another wrote"),
        (_notes_nothing, RENTED, "a disk that left Shadow Mode was not noted"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_planted_bug_is_found(bug: Decide, after: list[tuple[str, float]], found: str):
    """The walk can fail: two more events are enough to catch each of these."""
    broken = walk(World(relay=True, decide=bug), EVENTS, depth=2, after=after)

    assert any(one.startswith(found) for one in broken), broken


ORDERS = (
    "rental",
    "finished",
    "arrives again",
    "kill",
    "maintenance",
    "maintenance for an hour",
    "maintenance, no gate",
)


@pytest.mark.parametrize(
    ("bug", "after", "found"),
    [
        (_begins_at_once, RENTED, "maintenance began on a guarded player"),
        (_works_on, [("rental", 3.0), ("finished", 400.0)], "the owner's work was disturbed"),
        (_lets_all_in, [("rental", 3.0), ("finished", 400.0)], "a player was admitted to a station in maintenance"),
        (_forgets_whose_hiding_it_is, [], "left behind in a healthy world: hidden"),
        (_shows_in_maintenance, [], "shown while in maintenance"),
        (_never_ends, [], "left behind in a healthy world: phase maintenance"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_bug_planted_in_the_maintenance_is_found(bug: Decide, after: list[tuple[str, float]], found: str):
    """The same for what the owner orders, with the events that have to do with it."""
    broken = walk(World(relay=True, decide=bug), {name: EVENTS[name] for name in ORDERS}, depth=2, after=after)

    assert any(one.startswith(found) for one in broken), broken
