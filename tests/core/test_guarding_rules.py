"""The decision about stations that cannot be guarded, adopted sessions, and resets that do not prove anything."""

from dataclasses import replace
from uuid import UUID

import pytest
from test_decide import (
    CD,
    NOW,
    SENT,
    cloud,
    facts,
    guarded,
    guarded_host,
    held,
    host,
    kinds,
    report,
    resetting,
    session,
    uuid,
    verdicts,
)

from drova_gate.core import record as records
from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Adopt,
    Alarm,
    Evict,
    Facts,
    Forget,
    Lease,
    Phase,
    Publish,
    Record,
    RelayFacts,
    Release,
    Reset,
    Verdict,
)
from drova_gate.core.policy import Policy
from drova_gate.core.readings import missing

POLL = Policy(relay=False)


def published(known: Facts, phase: Phase, now: float = NOW) -> list[bool]:
    return [one.visible for one in decide(phase, known, now).actions if isinstance(one, Publish)]


# -- adoption ------------------------------------------------------------------------------------------------------------


def test_a_preparation_whose_note_was_lost_is_adopted_in_poll_mode():
    """Killed between the preparation's end and its note: the marker says so, the player may be in, nothing is changed."""
    cut_off = guarded(Phase.PREPARING, prepared=False)
    old = replace(session(created=0), absent_at=NOW - 1800)

    decision = decide(Phase.UNKNOWN, facts(cut_off, policy=POLL, cloud=cloud(old), host=guarded_host()), NOW)

    assert (decision.phase, decision.actions) == (Phase.IN_SESSION, (Adopt(uuid("A"), 100),))


def test_a_preparation_that_is_known_to_have_failed_is_not_adopted():
    """The marker is there, a lock is not: that it failed was written down."""
    failed = guarded(Phase.PREPARING, prepared=False, failed=1)
    old = replace(session(created=0), absent_at=NOW - 1800)

    decision = decide(Phase.UNKNOWN, facts(failed, policy=POLL, cloud=cloud(old), host=guarded_host()), NOW)

    assert kinds(decision) == ["Alarm"]


def test_a_session_that_ended_before_anything_was_begun_needs_no_reset():
    """Behind a relay, killed before the first command: nobody was let in, nothing of ours is there."""
    begun = guarded(Phase.PREPARING, prepared=False, entered=CD)

    decision = decide(Phase.UNKNOWN, facts(begun, cloud=cloud(session(status="ABORTED")), host=host()), NOW)

    assert (decision.phase, decision.actions) == (Phase.CLEAN, (Forget(),))


def test_who_comes_back_after_our_own_reset_is_prepared_for():
    """Poll mode, back to back: the reset put the second session's player out, so he is not in the middle of a game."""
    second = replace(session("B", created=200), absent_at=NOW - 1800)
    known = facts(policy=POLL, cloud=cloud(second), host=host())

    assert kinds(decide(Phase.CLEAN, known, NOW)) == ["Adopt", "Alarm"]
    assert kinds(decide(Phase.CLEAN, replace(known, proved_at=NOW - 2), NOW)) == ["Prepare"]


# -- which session has the station ---------------------------------------------------------------------------------------------


def test_a_try_on_a_busy_station_does_not_hide_who_has_it():
    """A NEW game session above the running desktop one: the desktop one is prepared for, nobody is let in as a gamer."""
    answer = cloud(session("G", "NEW", created=200, desktop=False), session("A", "HANDSHAKE", created=100))

    decision = decide(Phase.CLEAN, facts(cloud=answer, host=host(), relay=held()), NOW)

    assert kinds(decision) == ["Prepare"]


def test_a_desktop_try_does_not_disturb_the_game_that_runs():
    """A NEW desktop session while a game is played: nothing is prepared, and whose ready byte it is, is not guessed."""
    answer = cloud(session("A", "NEW", created=200), session("G", "ACTIVE", created=100, desktop=False))

    decision = decide(Phase.CLEAN, facts(cloud=answer, host=host(), relay=held()), NOW)

    assert (decision.phase, decision.actions) == (Phase.CLEAN, ())


def test_a_session_that_waits_for_its_station_is_guarded_already():
    """Should it vanish from the list, its player must not pass for nobody's."""
    waits = decide(Phase.CLEAN, facts(cloud=cloud(session()), host=None, relay=held()), NOW)
    assert (waits.phase, waits.actions) == (Phase.PREPARING, (Adopt(uuid("A"), 100),))

    begun = guarded(Phase.PREPARING, prepared=False, marker="", boot_stamp="", entered=frozenset())
    vanished = decide(Phase.PREPARING, facts(begun, cloud=cloud(), host=None, relay=held()), NOW)
    assert (vanished.phase, verdicts(vanished)) == (Phase.PREPARING, [])


def test_a_session_that_waited_is_not_prepared_on_top_of_the_last_one():
    """The station is back and carries another session's marker: reset first."""
    begun = guarded(Phase.PREPARING, prepared=False, marker="", boot_stamp="", entered=frozenset())

    decision = decide(Phase.PREPARING, facts(begun, cloud=cloud(session()), host=guarded_host("B")), NOW)

    assert kinds(decision) == ["Reset"]


@pytest.mark.parametrize(("quiet", "admitted"), [(None, True), (5.0, True), (600.0, False)])
def test_a_silent_cloud_admits_who_comes_back_and_nobody_later(quiet: float | None, admitted: bool):
    """Nobody can tell the next player from the last one: only a broken connection or an open one speaks for him."""
    relay = replace(held(), quiet_since=None if quiet is None else NOW - quiet)
    known = facts(guarded(), cloud=None, host=guarded_host(), relay=relay, report=report(), report_at=NOW - 3600)

    assert verdicts(decide(Phase.IN_SESSION, known, NOW)) == ([Verdict.ADMIT] if admitted else [])


@pytest.mark.parametrize(
    ("prepared", "silent", "admitted"),
    [(5.0, None, True), (600.0, 5.0, True), (600.0, 600.0, False), (600.0, None, False)],
)
def test_the_first_since_the_preparation_is_its_player_for_a_while(
    prepared: float, silent: float | None, admitted: bool
):
    """Soon after it, or after the cloud's last word that the session goes on; hours later it may be anybody."""
    known = facts(
        guarded(),
        cloud=None,
        host=guarded_host(),
        relay=replace(held(), quiet_since=NOW - 7200),
        report=report(),
        report_at=NOW - prepared,
        cloud_silent_since=None if silent is None else NOW - silent,
    )

    assert verdicts(decide(Phase.IN_SESSION, known, NOW)) == ([Verdict.ADMIT] if admitted else [])


@pytest.mark.parametrize(("left", "admitted"), [(None, True), (10.0, True), (600.0, False)])
@pytest.mark.parametrize("phase", [Phase.UNKNOWN, Phase.IN_SESSION])
def test_a_restart_of_the_gate_brings_nobody_back_who_was_gone_before_it(
    phase: Phase, left: float | None, admitted: bool
):
    """It ends the connections that are open: only by the record can it be told that there was none."""
    known = facts(
        guarded(),
        cloud=None,
        host=guarded_host(),
        relay=replace(held(), quiet_since=NOW - 2),
        left_at=None if left is None else NOW - left,
    )

    assert verdicts(decide(phase, known, NOW)) == ([Verdict.ADMIT] if admitted else [])


def test_who_is_in_is_noted_as_it_changes():
    """Written twice a visit, not in each cycle; nothing without a prepared session."""
    quiet, busy = RelayFacts(quiet_since=NOW), RelayFacts(quiet_since=None)
    left = records.who_is_in(guarded(), quiet, 100)

    assert left.empty_since == 100
    assert records.who_is_in(left, quiet, 200) == left
    assert records.who_is_in(left, busy, 300).empty_since == 0
    assert records.who_is_in(replace(left, prepared=False), quiet, 300).empty_since == 0


# -- what a release leaves behind ----------------------------------------------------------------------------------------------


def test_a_release_by_hand_keeps_what_it_could_not_see():
    """The station is off: whether our volumes are still in Shadow Mode is seen later, and they are ours to leave then."""
    unseen = facts(resetting(phase=Phase.QUARANTINED), host=None, released=True)
    assert Forget(CD) in decide(Phase.QUARANTINED, unseen, NOW).actions

    left = Record(phase=Phase.CLEAN, entered=CD)
    back = decide(Phase.CLEAN, facts(left, cloud=cloud(), host=replace(host(), shadowed=CD)), NOW)
    assert (back.phase, kinds(back)) == (Phase.RESETTING, ["Reset"])

    out = decide(Phase.CLEAN, facts(left, cloud=cloud(), host=host()), NOW)
    assert (out.phase, kinds(out)) == (Phase.CLEAN, ["Forget"]), "from now on Shadow Mode there is the owner's own"


def test_the_next_session_waits_for_what_a_release_left_in_shadow_mode():
    """Prepared on top, the volumes would pass for the owner's own and stay in Shadow Mode."""
    left = facts(Record(phase=Phase.CLEAN, entered=CD), cloud=cloud(session()), host=replace(host(), shadowed=CD))

    assert kinds(decide(Phase.CLEAN, left, NOW)) == ["Reset"]


# -- a session that is missing from the list -----------------------------------------------------------------------------------


def test_whoever_knocks_while_a_session_is_missing_is_not_nobodys():
    """It had the station by an earlier answer, and missing is no end: its player must not get an unprepared station."""
    shown = (session("B", "HANDSHAKE", created=200), session("A", "FINISHED", created=100))
    answer = cloud(shown[1])
    waits = replace(held(), newest_at=NOW - 4)

    nobody = facts(cloud=answer, host=host(), relay=waits)
    assert verdicts(decide(Phase.CLEAN, nobody, NOW)) == [Verdict.ADMIT]
    somebody = replace(nobody, cloud=replace(answer, missing=missing(shown, answer.sessions)))
    assert verdicts(decide(Phase.CLEAN, somebody, NOW)) == []


@pytest.mark.parametrize(
    ("left_out", "later", "is_missing"),
    [
        ("HANDSHAKE", [], True),
        ("ACTIVE", ["NEW"], True),
        ("ACTIVE", ["FINISHED"], False),
        ("NEW", [], False),
        ("ABORTED", [], False),
    ],
)
def test_a_missing_session_is_forgotten_with_the_next_one(left_out: str, later: list[str], is_missing: bool):
    """A later one that got the station is its end; one that never got the station is not missed."""
    before = (session("A", left_out, created=100),)
    answer = tuple(session("B", status, created=200) for status in later)

    assert missing(before, answer) == (before if is_missing else ())


# -- resets ----------------------------------------------------------------------------------------------------------------


def test_a_reset_that_was_ignored_is_sent_again_without_the_program_that_may_have_hung():
    """The way out is scheduled since the entry: a plain forced reboot is enough."""
    known = facts(resetting(), host=replace(host(), boot_stamp="b1"), reset_at=SENT)

    (again,) = [one for one in decide(Phase.RESETTING, known, SENT + 61).actions if isinstance(one, Reset)]

    assert again.plain


@pytest.mark.parametrize(("phase", "action"), [(Phase.IN_SESSION, "Alarm"), (Phase.RESETTING, "Alarm")])
def test_ten_resets_an_hour_are_a_loop(phase: Phase, action: str):
    """The eleventh is not sent: quarantine, said."""
    looped = guarded(phase, resets=tuple(range(3000, 3010)), reset_tries=int(phase is Phase.RESETTING))
    known = facts(
        looped,
        cloud=cloud(session(status="FINISHED")),
        host=replace(guarded_host(), marker="" if phase is Phase.RESETTING else "m1"),
        reset_at=SENT if phase is Phase.RESETTING else None,
        wall_ms=3_100_000,
    )

    decision = decide(phase, known, SENT + 61)

    assert decision.phase is Phase.QUARANTINED
    assert action in kinds(decision)
    assert "10 resets within an hour" in decision.reason
    later = decide(phase, replace(known, wall_ms=7_200_000), SENT + 61)
    assert "Reset" in kinds(later), "an hour later it is no loop any more"


def test_a_station_that_stays_away_is_called_and_told_with_the_time():
    """Two minutes after its reset; not for ever."""
    known = facts(resetting(), host=None, host_fault="no SSH", reset_at=SENT, wall_ms=int((SENT + 130) * 1000))

    decision = decide(Phase.RESETTING, known, SENT + 130)

    assert kinds(decision) == ["Wake", "Alarm"]
    (alarm,) = [one for one in decision.actions if isinstance(one, Alarm)]
    assert "130 s after its reset (sent at 00:16:10 UTC)" in alarm.text
    assert kinds(decide(Phase.QUARANTINED, known, SENT + 2000)) == []


def test_a_reset_that_cannot_be_sent_for_long_is_quarantine():
    """Its station must not stay an offer while nobody can reach it."""
    known = facts(resetting(reset_tries=0), host=None, host_fault="no SSH", phase_since=NOW - 301)

    assert decide(Phase.RESETTING, known, NOW).phase is Phase.QUARANTINED


@pytest.mark.parametrize(
    ("change", "mends"),
    [
        ({}, True),
        ({"cloud": None}, False),
        ({"cloud": cloud(session("B", created=200))}, False),
        ({"maintenance": Lease("new disk")}, False),
        ({"reset_at": NOW - 500}, False),
        ({"host": host(agent_up=False)}, False),
        ({"host": None}, False),
    ],
)
def test_quarantine_tries_one_more_reset_where_it_helps_and_harms_nobody(change: dict[str, object], mends: bool):
    """The station carries our lockdown, nobody has it, the last try is ten minutes ago."""
    known = facts(
        resetting(phase=Phase.QUARANTINED, reset_tries=2), cloud=cloud(), host=guarded_host(), reset_at=NOW - 700
    )

    assert ("Reset" in kinds(decide(Phase.QUARANTINED, replace(known, **change), NOW))) is mends  # type: ignore[arg-type]  # field names


# -- release ---------------------------------------------------------------------------------------------------------------


def test_a_release_lifts_the_quarantine_and_says_what_is_wrong():
    """By hand: out of quarantine at once, whatever is still missing."""
    known = facts(resetting(phase=Phase.QUARANTINED), cloud=cloud(), host=host(agent_up=False), released=True)

    decision = decide(Phase.QUARANTINED, known, NOW)

    assert (decision.phase, decision.actions) == (Phase.CLEAN, (Release(), Forget()))
    assert "still wrong: the Drova agent's port is not open yet" in decision.reason


def test_a_release_touches_no_session():
    """In session it only takes back what was held against the station."""
    decision = decide(
        Phase.IN_SESSION, facts(guarded(), cloud=cloud(session()), host=guarded_host(), released=True), NOW
    )

    assert (decision.phase, decision.actions) == (Phase.IN_SESSION, (Release(),))


# -- offers ----------------------------------------------------------------------------------------------------------------


def test_a_station_that_fails_twice_is_hidden_even_in_mid_session():
    """And shown only when its session is over, it is clean, and it has rested."""
    bad = guarded(Phase.PREPARING, prepared=False, failed=2, failed_why="D: not in Shadow Mode")
    busy = facts(bad, cloud=cloud(session(), published=True), host=host(), report=report("no"), report_at=NOW)
    assert published(busy, Phase.PREPARING) == [False]

    idle = facts(Record(failed=2, hidden_by_us=True), cloud=cloud(published=False), host=host(), rested_since=NOW - 10)
    assert published(idle, Phase.CLEAN) == []
    assert published(idle, Phase.CLEAN, NOW + 3600) == [True]


def test_a_closed_agent_keeps_a_hidden_station_hidden():
    """Nobody could play there."""
    known = facts(Record(hidden_by_us=True), cloud=cloud(published=False), host=host(agent_up=False))

    assert published(known, Phase.CLEAN) == []


def eviction(known: Facts, phase: Phase) -> list[Evict]:
    return [one for one in decide(phase, known, NOW).actions if isinstance(one, Evict)]


def test_a_stream_is_ended_only_where_the_owner_wants_it_and_the_station_is_known_to_be_unprotected():
    """Poll mode, DROVA_EVICT=on, an answer of both sides; never a prepared player, never behind a relay, never on a guess."""
    policy = Policy(relay=False, evict=True)
    bad = facts(guarded(prepared=False), policy=policy, cloud=cloud(session()), host=guarded_host())

    assert eviction(bad, Phase.IN_SESSION)
    assert eviction(replace(bad, record=resetting(phase=Phase.QUARANTINED)), Phase.QUARANTINED)
    for safe in (
        replace(bad, record=guarded()),
        replace(bad, policy=POLL),
        replace(bad, policy=Policy(relay=True, evict=True)),
        replace(bad, cloud=None),
        replace(bad, host=None),
        replace(bad, cloud=cloud(session(status="FINISHED"))),
        replace(bad, cloud=cloud(session(desktop=False))),
        replace(bad, record=replace(guarded(prepared=False), session=UUID(int=9), session_created_ms=200)),
    ):
        assert eviction(safe, Phase.IN_SESSION) == []
