"""The budget of requests: what all stations together may ask, who goes first, and what a 429 means for all."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.cloud.budget import (
    BACKLOG_MOST,
    BUSY_PER_SECOND,
    COMMON_LATE_SECONDS,
    COMMON_SECONDS,
    PRESSING_BURST,
    PRESSING_PER_SECOND,
    REST_BURST,
    REST_PER_SECOND,
    Budget,
    CommonTurn,
    Turn,
    Urgency,
)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def asked(stations: int, seconds: float, urgency: Urgency, pace: float = 1.0) -> dict[int, list[float]]:
    """Let stations ask as their observers do: when due, wait as told, come back, go."""
    clock = Clock()
    budget = Budget(clock)
    turns = [Turn(budget, clock) for _ in range(stations)]
    due = [clock.now + 0.01 * number for number in range(stations)]
    went: dict[int, list[float]] = {number: [] for number in range(stations)}
    end = clock.now + seconds
    while (station := min(range(stations), key=due.__getitem__)) is not None and due[station] < end:
        clock.now = max(clock.now, due[station])
        wait = turns[station].wait(urgency)
        if wait:
            due[station] = clock.now + wait
            continue
        budget.spend()
        went[station].append(clock.now)
        due[station] = clock.now + pace
    return went


def test_thirty_stations_at_rest_ask_three_times_a_second_and_all_get_their_turn():
    """The goal: at most 3 requests a second, and no station is left out."""
    went = asked(30, 60.0, Urgency.REST)

    assert sum(map(len, went.values())) <= 60 * REST_PER_SECOND + REST_BURST
    assert sum(map(len, went.values())) >= 60 * REST_PER_SECOND * 0.95
    assert all(4 <= len(times) <= 8 for times in went.values())


def test_a_few_stations_at_rest_are_not_slowed():
    """Three stations at their own pace of 3 s stay far below the budget."""
    went = asked(3, 30.0, Urgency.REST, pace=3.0)

    assert all(len(times) == 10 for times in went.values())


def test_stations_in_session_share_a_quicker_lane():
    """Thirty sessions at once: ten requests a second, so each end is seen within three seconds."""
    went = asked(30, 30.0, Urgency.BUSY)

    assert sum(map(len, went.values())) <= 30 * BUSY_PER_SECOND + 10
    assert all(max(b - a for a, b in itertools.pairwise(times)) <= 3.2 for times in went.values())


def test_a_held_player_waits_for_nobody():
    """However long the others' backlog, a pressing question goes at once, even when its own station had booked a later turn."""
    clock = Clock()
    budget = Budget(clock)
    for _ in range(100):
        Turn(budget, clock).wait(Urgency.REST)
    own = Turn(budget, clock)

    assert own.wait(Urgency.REST) > 10
    for _ in range(100):
        Turn(budget, clock).wait(Urgency.BUSY)
    assert own.wait(Urgency.PRESSING) == 0


def test_a_scan_of_all_doors_is_no_flood_of_the_api():
    """Thirty stations that press ten times a second: bounded all the same."""
    went = asked(30, 20.0, Urgency.PRESSING, pace=0.1)

    assert sum(map(len, went.values())) <= 20 * PRESSING_PER_SECOND + PRESSING_BURST


@given(st.lists(st.tuples(st.sampled_from(Urgency), st.floats(0, 0.4)), min_size=1, max_size=120))
@settings(max_examples=60, deadline=None)
def test_no_station_at_rest_starves(calls: list[tuple[Urgency, float]]):
    """Whatever presses, a first booking at rest is at most the backlog and its own turn away; waits never grow while one waits."""
    clock = Clock()
    budget = Budget(clock)
    patient = Turn(budget, clock)
    left = patient.wait(Urgency.REST)
    assert left <= 1 / REST_PER_SECOND
    for urgency, pause in calls:
        clock.now += pause
        if urgency is not Urgency.REST:
            Turn(budget, clock).wait(urgency)
            budget.spend()
    fresh = Turn(budget, clock).wait(Urgency.REST)

    assert 0 <= fresh <= BACKLOG_MOST + 1 / REST_PER_SECOND + 1e-9


def test_a_429_is_everybodys_pause_and_the_longest_holds():
    """Two of them: the later end counts."""
    clock = Clock()
    budget = Budget(clock)
    budget.pause(20)
    budget.pause(5)
    clock.now += 6

    assert budget.paused() == 14
    clock.now += 14
    assert budget.paused() == 0


def test_stations_of_one_merchant_go_at_the_same_moments():
    """Thirty stations that come at odd times leave together; one that is a little late goes with the others; a held player goes at once."""
    clock = Clock()
    clock.now = 1000.4
    turns = [CommonTurn(clock) for _ in range(30)]
    ends = set()
    for number, turn in enumerate(turns):
        clock.now = 1000.2 + 0.02 * number
        ends.add(round(clock.now + turn.wait(Urgency.REST), 6))
    assert ends == {1001.0}
    clock.now = 1001.0 + COMMON_LATE_SECONDS / 2
    assert turns[0].wait(Urgency.REST) == 0
    assert COMMON_SECONDS - turns[0].wait(Urgency.REST) + COMMON_LATE_SECONDS > 0
    clock.now = 1005.5
    late = CommonTurn(clock)
    assert late.wait(Urgency.BUSY) == 0.5
    assert late.wait(Urgency.PRESSING) == 0
