"""What must hold for every decision, whatever the facts."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Adopt,
    AnswerHeld,
    CloudFacts,
    EndLease,
    Evict,
    Facts,
    HostFacts,
    Lease,
    Phase,
    Prepare,
    Publish,
    Record,
    RelayFacts,
    Reset,
    SessionFact,
    Verdict,
    Wake,
)
from drova_gate.core.policy import Policy
from drova_gate.core.readings import in_force, live_session

IDS = [UUID(int=number) for number in range(1, 5)]
ids = st.sampled_from(IDS)
letters = st.frozensets(st.sampled_from("CDE"))
times = st.floats(0, 1000)
statuses = st.sampled_from(["NEW", "HANDSHAKE", "ACTIVE", "FINISHED", "ABORTED", "PAUSED"])
sessions = st.builds(
    SessionFact, ids, ids, statuses, st.integers(0, 10**6), st.none() | st.booleans(), own=st.booleans()
)


def _as_read(sessions: tuple[SessionFact, ...], read_at: float, published: bool | None, since: float) -> CloudFacts:
    """Hidden since some time, or not hidden."""
    return CloudFacts(sessions, read_at, published, since if published is False else None)


clouds = st.builds(_as_read, st.lists(sessions, max_size=4).map(tuple), times, st.none() | st.booleans(), times)
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
    marked=st.none() | letters,
    unmarked=letters,
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
    bared=letters,
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
leases = st.builds(
    Lease,
    why=st.just("work"),
    hides=st.booleans(),
    since_wall=st.integers(0, 5000),
    until_wall=st.none() | st.integers(5001, 10_000),
    hidden=st.none() | st.booleans(),
    ended=st.booleans(),
)
worlds = st.builds(
    Facts,
    record=records,
    policy=policies,
    cloud=st.none() | clouds,
    host=st.none() | hosts,
    relay=relays,
    maintenance=st.none() | leases,
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


# -- the owner's order -------------------------------------------------------------------------------------------------


@thorough
@given(phases, worlds, times)
def test_a_station_under_a_lease_is_never_shown_and_hidden_where_it_is(phase: Phase, world: Facts, now: float):
    """Whatever the phase; and a lease is never taken away while it is in force."""
    lease = in_force(world)
    if lease is None:
        return
    actions = decide(phase, world, now).actions
    assert not any(isinstance(action, EndLease) for action in actions)
    if lease.hides:
        assert not any(isinstance(action, Publish) and action.visible for action in actions)
    if lease.hides and world.cloud is not None and world.cloud.published:
        assert any(isinstance(action, Publish) and not action.visible for action in actions)


@thorough
@given(worlds, times)
def test_maintenance_does_nothing_to_the_station_and_lets_nobody_in_but_the_owner(world: Facts, now: float):
    """Hands off; at the door the owner himself, or under a bare note whoever comes."""
    lease = in_force(world)
    decision = decide(Phase.MAINTENANCE, world, now)
    assert not any(isinstance(action, Prepare | Reset | Evict | Wake | Adopt) for action in decision.actions)
    if lease is None:
        assert decision.phase is Phase.UNKNOWN
        return
    assert decision.phase is Phase.MAINTENANCE
    for action in decision.actions:
        if isinstance(action, AnswerHeld) and action.verdict is Verdict.ADMIT and lease.hides:
            live = live_session(world.cloud.sessions) if world.cloud is not None else None
            assert live is not None
            assert live.own


@thorough
@given(phases, worlds, times)
def test_the_hands_come_off_a_free_and_hidden_station_alone(phase: Phase, world: Facts, now: float):
    """A lease begins where nobody has the station, nothing of ours stands on it, and it reads as hidden."""
    lease = in_force(world)
    decision = decide(phase, world, now)
    if lease is None or not lease.hides or phase is Phase.MAINTENANCE or decision.phase is not Phase.MAINTENANCE:
        return
    if phase is Phase.UNKNOWN and world.record.phase is Phase.MAINTENANCE:
        return
    assert world.cloud is not None
    assert world.cloud.published is False
    assert live_session(world.cloud.sessions) is None
    assert world.record.session is None or phase is Phase.CLEAN
    assert world.host is None or not world.host.marker


@thorough
@given(phases, worlds, times)
def test_a_deadline_means_nothing_to_a_clock_before_it_or_without_the_cloud(phase: Phase, world: Facts, now: float):
    """A router that starts in 1970, or cannot ask anybody, does not end what the owner has ordered."""
    lease = world.maintenance
    if lease is None or lease.ended or lease.until_wall is None:
        return
    ends = any(isinstance(action, EndLease) for action in decide(phase, world, now).actions)
    assert ends == (world.cloud is not None and world.wall_ms >= lease.until_wall * 1000)
