"""What must hold for every decision, whatever the facts."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Adopt,
    AnswerHeld,
    CloudFacts,
    Evict,
    Facts,
    HostFacts,
    Phase,
    Policy,
    Prepare,
    Publish,
    Record,
    RelayFacts,
    Reset,
    SessionFact,
    Verdict,
)

IDS = [UUID(int=number) for number in range(1, 5)]
ids = st.sampled_from(IDS)
letters = st.frozensets(st.sampled_from("CDE"))
times = st.floats(0, 1000)
statuses = st.sampled_from(["NEW", "HANDSHAKE", "ACTIVE", "FINISHED", "ABORTED", "PAUSED"])
sessions = st.builds(SessionFact, ids, ids, statuses, st.integers(0, 10**6), st.none() | st.booleans())
clouds = st.builds(CloudFacts, st.lists(sessions, max_size=4).map(tuple), times, st.none() | st.booleans())
hosts = st.builds(
    HostFacts,
    shadowed=st.none() | letters,
    marker=st.none() | st.sampled_from(["", "m1", "m2"]),
    marker_session=st.none() | st.sampled_from(["", str(IDS[0]), str(IDS[1])]),
    boot_stamp=st.none() | st.sampled_from(["", "b1"]),
    agent_up=st.none() | st.booleans(),
    read_at=times,
    linked_at=times,
    protector_fault=st.sampled_from(["", "refused"]),
)
records = st.builds(
    Record,
    phase=st.sampled_from(Phase),
    session=st.none() | ids,
    session_created_ms=st.integers(0, 10**6),
    prepared=st.booleans(),
    marker=st.sampled_from(["", "m1"]),
    boot_stamp=st.sampled_from(["", "b1"]),
    entered=letters,
    reset_tries=st.integers(0, 3),
    hidden_by_us=st.booleans(),
    failed=st.integers(0, 3),
    resets=st.sampled_from([(), (3000,), tuple(range(3000, 3012))]),
)
relays = st.builds(
    RelayFacts, held=st.integers(0, 3), oldest_at=st.none() | times, newest_at=st.none() | times, live=st.integers(0, 3)
)
policies = st.builds(
    Policy,
    prepare_all=st.booleans(),
    admit_unprotected=st.booleans(),
    relay=st.booleans(),
    protector_forgets=st.booleans(),
    evict=st.booleans(),
)
worlds = st.builds(
    Facts,
    record=records,
    policy=policies,
    cloud=st.none() | clouds,
    host=st.none() | hosts,
    relay=relays,
    maintenance=st.none() | st.just("work"),
    wall_ms=st.integers(0, 10**7),
    reset_at=st.none() | times,
    released=st.booleans(),
    phase_since=st.none() | times,
    rested_since=st.none() | times,
    proved_at=st.none() | times,
)
phases = st.sampled_from(Phase)
thorough = settings(max_examples=120, deadline=None)


@thorough
@given(phases, worlds, times)
def test_every_world_has_a_decision_with_one_sentence(phase: Phase, world: Facts, now: float):
    """No world crashes it, and the sentence is never empty nor more than one line."""
    decision = decide(phase, world, now)

    assert decision.reason
    assert "\n" not in decision.reason


@thorough
@given(phases, worlds, times)
def test_without_an_answer_of_the_cloud_no_running_session_is_reset(phase: Phase, world: Facts, now: float):
    """Promise 2: a silent cloud never leads from a session to a reset."""
    silent = Facts(**{name: getattr(world, name) for name in Facts.__slots__} | {"cloud": None})
    decision = decide(phase, silent, now)

    if phase in (Phase.IN_SESSION, Phase.PREPARING, Phase.CLEAN) or (
        phase is Phase.UNKNOWN and world.record.phase not in (Phase.RESETTING, Phase.QUARANTINED)
    ):
        assert not any(isinstance(action, Reset) for action in decision.actions)


@thorough
@given(phases, worlds, times)
def test_at_most_one_reset_and_never_beside_a_preparation(phase: Phase, world: Facts, now: float):
    """One decision resets at most once and never does both."""
    actions = decide(phase, world, now).actions

    assert sum(isinstance(action, Reset) for action in actions) <= 1
    assert not (
        any(isinstance(action, Reset) for action in actions) and any(isinstance(action, Prepare) for action in actions)
    )


@thorough
@given(worlds, times)
def test_nobody_is_admitted_while_a_station_is_not_proved_clean(world: Facts, now: float):
    """Promise 3: in resetting and quarantine a held player is never admitted by the decision that stays there."""
    for phase in (Phase.RESETTING, Phase.QUARANTINED):
        decision = decide(phase, world, now)
        adopted = [str(action.session) for action in decision.actions if isinstance(action, Adopt)]
        if adopted and world.host is not None and world.host.marker:
            # The record is the older of the two: the station says for whom it was prepared since.
            assert adopted == [world.host.marker_session]
            continue
        assert not any(
            isinstance(action, AnswerHeld) and action.verdict is Verdict.ADMIT for action in decision.actions
        )


@thorough
@given(phases, worlds, times)
def test_only_what_we_hid_is_shown_again(phase: Phase, world: Facts, now: float):
    """Promise 7: a station that the owner hid is never shown by us."""
    for action in decide(phase, world, now).actions:
        if isinstance(action, Publish) and action.visible:
            assert world.record.hidden_by_us


@thorough
@given(worlds, times)
def test_clean_after_a_reset_rests_on_the_whole_proof(world: Facts, now: float):
    """From resetting to clean: new boot, marker gone, no volume of ours in Shadow Mode, agent's port open.

    Unless the owner says so, or no reset was ever due.
    """
    if world.released or (world.policy.relay and not world.record.prepared and not world.record.reset_tries):
        return
    for phase in (Phase.RESETTING, Phase.QUARANTINED):
        if decide(phase, world, now).phase is Phase.CLEAN:
            seen = world.host
            assert seen is not None
            assert seen.boot_stamp == ""
            assert seen.agent_up
            assert seen.shadowed is not None
            assert not seen.shadowed & world.record.entered
            assert seen.marker == "" or not world.policy.protector_forgets


@thorough
@given(phases, worlds, times)
def test_a_decision_does_not_depend_on_the_order_of_the_list(phase: Phase, world: Facts, now: float):
    """The API documents no order: sessions with different birth times decide alike in any order."""
    if world.cloud is None or len({one.created_ms for one in world.cloud.sessions}) < len(world.cloud.sessions):
        return
    if len({one.uuid for one in world.cloud.sessions}) < len(world.cloud.sessions):
        return
    turned = CloudFacts(world.cloud.sessions[::-1], world.cloud.read_at, world.cloud.published)
    other = Facts(**{name: getattr(world, name) for name in Facts.__slots__} | {"cloud": turned})

    first, second = decide(phase, world, now), decide(phase, other, now)

    assert (first.phase, [type(one) for one in first.actions]) == (second.phase, [type(one) for one in second.actions])


@thorough
@given(phases, worlds, times)
def test_no_prepared_player_is_evicted_and_nobody_behind_a_relay(phase: Phase, world: Facts, now: float):
    """The last means is for streams that are known to be unprotected."""
    for action in decide(phase, world, now).actions:
        if isinstance(action, Evict):
            assert not world.policy.relay
            assert world.policy.evict
            assert world.cloud is not None
            assert world.host is not None
            assert (
                phase is Phase.QUARANTINED
                or decide(phase, world, now).phase is Phase.QUARANTINED
                or not world.record.prepared
            )


@thorough
@given(phases, worlds, times)
def test_no_loop_of_resets(phase: Phase, world: Facts, now: float):
    """Ten in an hour, and no more."""
    recent = sum(0 <= world.wall_ms // 1000 - sent < 3600 for sent in world.record.resets)
    if recent >= world.policy.resets_an_hour and world.reset_at is not None:
        assert not any(isinstance(action, Reset) for action in decide(phase, world, now).actions)


@thorough
@given(phases, worlds, times)
def test_a_station_in_quarantine_is_not_left_in_the_catalogue(phase: Phase, world: Facts, now: float):
    """Known to be shown: hidden in the same cycle."""
    decision = decide(phase, world, now)
    if decision.phase is Phase.QUARANTINED and world.cloud is not None and world.cloud.published:
        assert any(isinstance(action, Publish) and not action.visible for action in decision.actions)
