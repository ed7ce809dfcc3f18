"""The decision, case by case: phase, actions and the sentence."""

from dataclasses import replace
from uuid import UUID, uuid5

import pytest

from drova_gate.core.decide import decide
from drova_gate.core.model import (
    Adopt,
    Alarm,
    AnswerHeld,
    Bared,
    CloudFacts,
    Decision,
    Facts,
    Forget,
    HostFacts,
    Lease,
    Phase,
    PreparationReport,
    Prepare,
    Publish,
    Record,
    RelayFacts,
    SessionFact,
    StepOutcome,
    StepResult,
    Verdict,
)
from drova_gate.core.policy import Policy

SPACE = UUID("8f7a3f0e-3a4c-4d39-9d8e-6f6f2a3b1c00")
DESKTOP = UUID("9fd0eb43-b2bb-4ce3-93b8-9df63f209098")
NOW = 1000.0
CD = frozenset("CD")
C, D, NONE = frozenset("C"), frozenset("D"), frozenset[str]()


def uuid(name: str) -> UUID:
    return uuid5(SPACE, name)


def session(name: str = "A", status: str = "ACTIVE", created: int = 100, desktop: bool | None = True) -> SessionFact:
    return SessionFact(uuid(name), DESKTOP, status, created, desktop)


def cloud(*sessions: SessionFact, read_at: float = NOW, published: bool | None = None) -> CloudFacts:
    return CloudFacts(sessions, read_at, published)


def host(**changes: object) -> HostFacts:
    clean = HostFacts(
        shadowed=frozenset(),
        marker="",
        marker_session="",
        boot_stamp="",
        agent_up=True,
        read_at=NOW,
        linked_at=NOW - 1,
        marked=NONE,
    )
    return replace(clean, **changes)  # type: ignore[arg-type]  # keyword names are checked by replace itself


def guarded_host(name: str = "A") -> HostFacts:
    return host(shadowed=CD, marker="m1", marker_session=str(uuid(name)), boot_stamp="b1", marked=None)


def guarded(phase: Phase = Phase.IN_SESSION, name: str = "A", **changes: object) -> Record:
    record = Record(phase, uuid(name), 100, prepared=True, marker="m1", boot_stamp="b1", entered=CD)
    return replace(record, **changes)  # type: ignore[arg-type]  # as above


def facts(record: Record | None = None, **changes: object) -> Facts:
    policy = changes.pop("policy", Policy(relay=True))
    return Facts(record=record or Record(), policy=policy, **changes)  # type: ignore[arg-type]  # as above


def held(count: int = 1, newest: float = NOW - 0.1) -> RelayFacts:
    return RelayFacts(held=count, oldest_at=newest, newest_at=newest, live=count)


def kinds(decision: Decision) -> list[str]:
    return [type(action).__name__ for action in decision.actions]


def verdicts(decision: Decision) -> list[Verdict]:
    return [action.verdict for action in decision.actions if isinstance(action, AnswerHeld)]


# -- promise 2: an error is never an absence -------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.IN_SESSION, Phase.PREPARING])
def test_no_answer_of_the_cloud_never_ends_a_session(phase: Phase):
    """Without an answer the phase stays and nothing is reset."""
    record = guarded(phase)

    decision = decide(phase, facts(record, cloud=None, cloud_fault="the cloud: 401", host=guarded_host()), NOW)

    assert decision.phase in (Phase.IN_SESSION, Phase.PREPARING)
    assert "Reset" not in kinds(decision)


def test_an_empty_list_never_ends_a_session():
    """A session that vanishes from the list goes on."""
    decision = decide(Phase.IN_SESSION, facts(guarded(), cloud=cloud(), host=guarded_host()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.IN_SESSION, [])


@pytest.mark.parametrize("status", ["FINISHED", "ABORTED"])
def test_the_end_of_that_very_session_resets_once(status: str):
    """FINISHED and ABORTED of the guarded uuid end it."""
    decision = decide(Phase.IN_SESSION, facts(guarded(), cloud=cloud(session(status=status)), host=guarded_host()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.RESETTING, ["Reset"])
    assert f"{status} by the cloud" in decision.reason


def test_the_end_of_another_session_changes_nothing():
    """An older session that shows FINISHED is not ours."""
    answer = cloud(session("A"), session("old", "FINISHED", created=50))

    decision = decide(Phase.IN_SESSION, facts(guarded(), cloud=answer, host=guarded_host()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.IN_SESSION, [])


@pytest.mark.parametrize("status", ["HANDSHAKE", "ACTIVE", "FINISHED"])
def test_back_to_back_sessions_with_finished_never_seen(status: str):
    """Another session's start on the same station ends ours, and its player is not let in before the reset."""
    answer = cloud(session("B", status, created=200), session("A", created=100))

    decision = decide(Phase.IN_SESSION, facts(guarded(), cloud=answer, host=guarded_host(), relay=held()), NOW)

    assert decision.phase is Phase.RESETTING
    assert verdicts(decision) == [Verdict.REFUSE]


@pytest.mark.parametrize("status", ["NEW", "ABORTED", "SOMETHING_NEW"])
def test_a_try_that_the_busy_station_turned_away_is_no_end(status: str):
    """While our own row runs, a later session that never got the station proves nothing."""
    answer = cloud(session("B", status, created=200), session("A", created=100))

    decision = decide(Phase.IN_SESSION, facts(guarded(), cloud=answer, host=guarded_host()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.IN_SESSION, [])


def test_unknown_status_is_no_end_and_a_session_to_prepare():
    """A word nobody knows is neither an end nor a reason to let the station go."""
    assert (
        decide(
            Phase.IN_SESSION, facts(guarded(), cloud=cloud(session(status="PAUSED")), host=guarded_host()), NOW
        ).phase
        is Phase.IN_SESSION
    )
    assert kinds(decide(Phase.CLEAN, facts(cloud=cloud(session(status="PAUSED")), host=host()), NOW)) == ["Prepare"]


# -- clean -----------------------------------------------------------------------------------------------------------


def test_a_desktop_session_is_prepared():
    """A running desktop session on a clean station starts the preparation."""
    decision = decide(Phase.CLEAN, facts(cloud=cloud(session()), host=host()), NOW)

    assert decision.phase is Phase.PREPARING
    assert decision.actions == (Prepare(uuid("A"), 100),)


def test_other_products_are_left_alone_and_their_player_let_in():
    """A game session is released at once, unless the owner wants all prepared."""
    other = facts(cloud=cloud(session(desktop=False)), host=host(), relay=held())

    decision = decide(Phase.CLEAN, other, NOW)

    assert decision.phase is Phase.CLEAN
    assert verdicts(decision) == [Verdict.ADMIT]
    assert (
        decide(Phase.CLEAN, replace(other, policy=Policy(relay=True, prepare_all=True)), NOW).phase is Phase.PREPARING
    )


def test_an_unknown_product_flag_is_no_guess():
    """Neither released nor prepared until the product's flag is known."""
    decision = decide(Phase.CLEAN, facts(cloud=cloud(session(desktop=None)), host=host(), relay=held()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.CLEAN, [])
    assert "not known yet" in decision.reason


def test_no_session_releases_only_on_an_answer_younger_than_the_ready_byte():
    """An answer from before the ready byte cannot speak about the session that it belongs to."""
    early = facts(cloud=cloud(read_at=NOW - 3), host=host(), relay=held(newest=NOW - 2))
    late = facts(cloud=cloud(read_at=NOW - 0.4), host=host(), relay=held(newest=NOW - 2))

    assert verdicts(decide(Phase.CLEAN, early, NOW)) == []
    assert verdicts(decide(Phase.CLEAN, late, NOW)) == [Verdict.ADMIT]


def test_the_owners_own_shadow_mode_is_left_alone():
    """Volumes in Shadow Mode without our marker are the owner's."""
    decision = decide(Phase.CLEAN, facts(cloud=cloud(), host=host(shadowed=frozenset("C"))), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.CLEAN, [])
    assert "owner's own Shadow Mode on C" in decision.reason


def test_a_marker_without_a_session_is_reset():
    """What a lost state file left behind is cleaned, once no session is going on."""
    decision = decide(Phase.CLEAN, facts(cloud=cloud(), host=guarded_host()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.RESETTING, ["Reset"])


def test_the_next_player_is_not_let_onto_a_station_that_was_not_reset():
    """A new session on a station with the last one's marker: reset first, the held player refused."""
    decision = decide(Phase.CLEAN, facts(cloud=cloud(session("B")), host=guarded_host("A"), relay=held()), NOW)

    assert decision.phase is Phase.RESETTING
    assert verdicts(decision) == [Verdict.REFUSE]


def test_an_active_player_in_poll_mode_is_prepared_again_not_rebooted():
    """Without a door of ours the player is in already: never reboot him."""
    decision = decide(
        Phase.CLEAN, facts(policy=Policy(relay=False), cloud=cloud(session("B")), host=guarded_host("A")), NOW
    )

    assert kinds(decision) == ["Prepare"]


# -- preparing -------------------------------------------------------------------------------------------------------


def report(fault: str = "", steps: tuple[StepResult, ...] = ()) -> PreparationReport:
    return PreparationReport(uuid("A"), "m1", CD, CD, steps, 3, 1.1, fault)


def test_prepared_lets_the_held_player_in():
    """A confirmed preparation is the only way from preparing to in session."""
    decision = decide(
        Phase.PREPARING,
        facts(
            guarded(Phase.PREPARING, prepared=False),
            cloud=cloud(session()),
            host=guarded_host(),
            relay=held(),
            report=report(),
            report_at=NOW,
        ),
        NOW,
    )

    assert decision.phase is Phase.IN_SESSION
    assert verdicts(decision) == [Verdict.ADMIT]
    assert "in 1.10 s with 3 commands" in decision.reason


def test_a_failed_must_step_is_not_prepared():
    """A must-step that failed keeps the player out and is named."""
    steps = (StepResult("lockdown.NoRun", StepOutcome.FAILED, "reads 0, wanted 1", must=True),)
    known = facts(
        guarded(Phase.PREPARING, prepared=False),
        cloud=cloud(session()),
        host=host(),
        relay=held(),
        report=report(steps=steps),
        report_at=NOW,
    )

    decision = decide(Phase.PREPARING, known, NOW + 0.1)

    assert decision.phase is Phase.PREPARING
    assert verdicts(decision) == []
    assert "lockdown.NoRun" in decision.reason


def test_a_refused_protection_is_tried_again_after_a_pause():
    """Loud, then again after the pause, while the session goes on."""
    known = facts(
        guarded(Phase.PREPARING, prepared=False),
        cloud=cloud(session()),
        host=host(),
        report=report("Shadow Defender refused"),
        report_at=NOW,
    )

    assert kinds(decide(Phase.PREPARING, known, NOW + 1)) == ["Alarm"]
    assert kinds(decide(Phase.PREPARING, known, NOW + 6)) == ["Alarm", "Prepare"]


def test_a_session_that_ends_before_anything_was_changed_needs_no_reset():
    """Protection refused, session over, nothing of ours on the station: clean, without a reboot."""
    known = facts(
        guarded(Phase.PREPARING, prepared=False),
        cloud=cloud(session(status="ABORTED")),
        host=host(),
        report=report("no"),
        report_at=NOW,
    )

    decision = decide(Phase.PREPARING, known, NOW)

    assert (decision.phase, kinds(decision)) == (Phase.CLEAN, ["Forget"])


def test_aborted_while_preparing_resets():
    """What was begun on the station is rolled back."""
    known = facts(guarded(Phase.PREPARING, prepared=False), cloud=cloud(session(status="ABORTED")), host=guarded_host())

    assert kinds(decide(Phase.PREPARING, known, NOW)) == ["Reset"]


# -- in session ------------------------------------------------------------------------------------------------------


def test_a_second_connection_changes_nothing():
    """A further connection of a prepared session is relayed."""
    decision = decide(
        Phase.IN_SESSION, facts(guarded(), cloud=cloud(session()), host=guarded_host(), relay=held()), NOW
    )

    assert (decision.phase, verdicts(decision)) == (Phase.IN_SESSION, [Verdict.ADMIT])


def test_a_reboot_in_mid_session_is_prepared_again():
    """The station booted anew and forgot everything: its player is out, so it is prepared again, never reset."""
    decision = decide(Phase.IN_SESSION, facts(guarded(), cloud=cloud(session()), host=host()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.PREPARING, ["Prepare"])


def test_a_boot_stamp_that_is_gone_without_a_new_link_is_no_reboot():
    """A player who takes the stamp away does not have his programs closed by a second preparation; no boot outlives the link."""
    gone = replace(guarded_host(), boot_stamp="", linked_at=NOW - 500)
    seen = facts(guarded(), cloud=cloud(session()), host=gone, report_at=NOW - 400)

    assert decide(Phase.IN_SESSION, seen, NOW).phase is Phase.IN_SESSION

    anew = replace(seen, host=replace(gone, linked_at=NOW - 30))
    assert kinds(decide(Phase.IN_SESSION, anew, NOW)) == ["Prepare"]


def test_shadow_mode_lost_in_mid_session_is_said():
    """A volume that left Shadow Mode while the player is in is an alarm, not a reboot."""
    decision = decide(
        Phase.IN_SESSION,
        facts(guarded(), cloud=cloud(session()), host=replace(guarded_host(), shadowed=frozenset("C"))),
        NOW,
    )

    assert decision.phase is Phase.IN_SESSION
    assert next(action.text for action in decision.actions if isinstance(action, Alarm)).count("gone from D") == 1


def gone_from_d(**changes: object) -> Facts:
    station = replace(guarded_host(), **({"shadowed": C} | changes))  # type: ignore[arg-type]  # as above
    return facts(guarded(), cloud=cloud(session()), host=station)


@pytest.mark.parametrize(
    ("marked", "unmarked", "remembered"),
    [(C, D, [Bared(D)]), (CD, NONE, []), (None, NONE, []), (C, NONE, [])],
    ids=["gone", "there", "not known", "unplugged"],
)
def test_a_disk_that_left_shadow_mode_is_remembered(
    marked: frozenset[str] | None, unmarked: frozenset[str], remembered: list[Bared]
):
    """Only if its marker went with it, as everything does that Shadow Mode covered: a list alone may be wrong. Said in any case, once."""
    decision = decide(Phase.IN_SESSION, gone_from_d(marked=marked, unmarked=unmarked), NOW)

    assert [action for action in decision.actions if isinstance(action, Bared)] == remembered
    assert [type(action) for action in decision.actions].count(Alarm) == 1
    assert decision.phase is Phase.IN_SESSION

    again = replace(gone_from_d(marked=marked, unmarked=unmarked), record=guarded(bared=D))
    assert "Bared" not in kinds(decide(Phase.IN_SESSION, again, NOW))


def alarm_of(decision: Decision) -> str:
    (text,) = [one.text for one in decision.actions if isinstance(one, Alarm)]
    return text


def test_a_disk_that_is_away_is_not_said_to_carry_its_marker():
    """Unplugged or locked, it has no file, and nothing is written to it either."""
    decision = decide(Phase.IN_SESSION, gone_from_d(marked=C), NOW)

    assert "D is not there any more" in alarm_of(decision)


def test_a_disk_that_was_not_asked_is_not_bare():
    """SHADOW_DEFENDER_DRIVES was narrowed in mid-session, and the list says nothing."""
    seen = gone_from_d(shadowed=NONE, marked=C)

    assert "Bared" not in kinds(decide(Phase.IN_SESSION, seen, NOW))


def test_a_marker_that_goes_while_the_protector_cannot_be_asked_bares_its_disk():
    """Who leaves Shadow Mode can delete CmdTool.exe right after it: what cannot be asked vouches for nothing."""
    decision = decide(Phase.IN_SESSION, gone_from_d(shadowed=None, marked=C, unmarked=D), NOW)

    assert Bared(D) in decision.actions
    assert "the protector cannot be asked" in alarm_of(decision)
    covered = decide(Phase.IN_SESSION, gone_from_d(shadowed=None, marked=CD), NOW)
    assert (kinds(covered), covered.phase) == ([], Phase.IN_SESSION)


@pytest.mark.parametrize(
    ("stamp", "linked_at", "bares"),
    [("b", NOW, True), (None, NOW - 40, True), (None, NOW, False), ("", NOW - 40, True)],
    ids=["stamped", "linked since before", "linked anew", "the stamp was taken away"],
)
def test_only_in_the_boot_of_its_preparation_is_a_disk_bare(stamp: str | None, linked_at: float, *, bares: bool):
    """A boot takes markers and Shadow Mode off, and all that was written: a look that does not tell whether it was one proves nothing."""
    seen = replace(
        gone_from_d(shadowed=NONE, marked=NONE, unmarked=CD, boot_stamp=stamp, linked_at=linked_at), report_at=NOW - 20
    )

    assert (Bared(CD) in decide(Phase.IN_SESSION, seen, NOW).actions) is bares


@pytest.mark.parametrize("phase", [Phase.IN_SESSION, Phase.RESETTING])
def test_a_station_with_a_bare_disk_is_hidden_before_its_quarantine(phase: Phase):
    """Without a relay whoever took it before its reset is proved would be in."""
    seen = facts(
        guarded(phase, bared=D, reset_tries=int(phase is Phase.RESETTING)),
        cloud=replace(cloud(session()), published=True),
        host=guarded_host(),
        reset_at=NOW - 30 if phase is Phase.RESETTING else None,
    )

    assert any(isinstance(one, Publish) and not one.visible for one in decide(phase, seen, NOW).actions)


@pytest.mark.parametrize(
    ("relay", "station", "phase"),
    [
        (False, host(marked=frozenset()), Phase.CLEAN),
        (True, host(marked=frozenset()), Phase.RESETTING),
        (False, host(marked=frozenset("D")), Phase.RESETTING),
        (False, host(boot_stamp="b1"), Phase.RESETTING),
        (False, host(boot_stamp=None), Phase.RESETTING),
        (False, host(shadowed=None), Phase.RESETTING),
    ],
    ids=[
        "booted and bare of ours",
        "at the door",
        "a marker is left",
        "the same boot",
        "boot not known",
        "list not known",
    ],
)
def test_an_old_record_does_not_reset_the_next_player_for_nothing(relay: bool, station: HostFacts, phase: Phase):
    """The state file could not be written, A was reset, B is in, and the gate starts again: its file still guards A."""
    seen = facts(
        guarded(),
        cloud=cloud(session("B", created=200), session("A", "FINISHED")),
        host=station,
        policy=Policy(relay=relay),
    )

    assert decide(Phase.UNKNOWN, seen, NOW).phase is phase


# -- resetting -------------------------------------------------------------------------------------------------------

SENT = NOW - 30


def resetting(**changes: object) -> Record:
    return replace(guarded(Phase.RESETTING, reset_tries=1), **changes)  # type: ignore[arg-type]  # as above


def test_a_reset_that_could_not_be_sent_is_sent_when_the_station_is_back():
    """The reset waits for the link and follows."""
    assert kinds(decide(Phase.RESETTING, facts(resetting(reset_tries=0), host=None), NOW)) == []
    assert kinds(decide(Phase.RESETTING, facts(resetting(reset_tries=0), host=guarded_host()), NOW)) == ["Reset"]


def test_proof_of_a_clean_station():
    """New boot, marker gone, nothing of ours in Shadow Mode, port open: clean, and forgotten."""
    decision = decide(Phase.RESETTING, facts(resetting(), host=host(), reset_at=SENT), NOW)

    assert (decision.phase, decision.actions) == (Phase.CLEAN, (Forget(),))


@pytest.mark.parametrize(
    ("station", "missing"),
    [
        (host(agent_up=False), "port is not open"),
        (host(agent_up=None), "port is not open"),
        (host(shadowed=None, protector_fault="Shadow Defender: password refused"), "password refused"),
    ],
)
def test_what_is_not_proved_is_waited_for_and_then_quarantined(station: HostFacts, missing: str):
    """Every missing piece of the proof keeps the station out of the catalogue."""
    assert decide(Phase.RESETTING, facts(resetting(), host=station, reset_at=SENT), NOW).phase is Phase.RESETTING

    late = decide(
        Phase.RESETTING,
        facts(resetting(), host=replace(station, read_at=NOW + 400, linked_at=NOW), reset_at=SENT),
        NOW + 400,
    )

    assert late.phase is Phase.QUARANTINED
    assert missing in late.reason


def test_a_station_that_ignores_its_reset_gets_a_second_and_then_quarantine():
    """Bounded tries, told apart by the boot stamp and the link that never dropped."""
    station = replace(guarded_host(), linked_at=SENT - 100)
    known = facts(resetting(), host=station, reset_at=SENT)

    assert kinds(decide(Phase.RESETTING, known, NOW)) == []
    assert kinds(decide(Phase.RESETTING, known, SENT + 61)) == ["Reset"]
    assert (
        decide(Phase.RESETTING, replace(known, record=resetting(reset_tries=2)), SENT + 61).phase is Phase.QUARANTINED
    )


def test_a_reading_from_before_the_reset_proves_nothing():
    """Facts older than the reset are the dying system's."""
    decision = decide(Phase.RESETTING, facts(resetting(), host=host(read_at=SENT - 1), reset_at=SENT), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.RESETTING, [])


def test_a_disk_that_was_not_rolled_back_is_quarantined_at_once():
    """Rebooted with the marker still there: nobody comes in."""
    decision = decide(
        Phase.RESETTING,
        facts(resetting(), host=host(marker="m1", marker_session="x"), reset_at=SENT, relay=held()),
        NOW,
    )

    assert decision.phase is Phase.QUARANTINED
    assert verdicts(decision) == [Verdict.REFUSE]


@pytest.mark.parametrize("reset_tries", [1, 2])
def test_one_disk_that_was_not_rolled_back_is_enough(reset_tries: int):
    """The system disk forgot everything, another one did not."""
    seen = facts(resetting(reset_tries=reset_tries), host=host(marked=frozenset("D")), reset_at=SENT)

    decision = decide(Phase.RESETTING, seen, NOW)

    assert (decision.phase, kinds(decision)) == (Phase.QUARANTINED, ["Alarm"])
    assert "D still carries the marker" in decision.reason


def test_the_proof_of_a_station_whose_disk_was_bare_for_a_while_is_none():
    """New boot, no marker, no Shadow Mode: all true of a disk, too, that keeps what was written to it in mid-session. Only the owner ends that."""
    record = resetting(bared=frozenset("D"))

    decision = decide(Phase.RESETTING, facts(record, host=host(marked=frozenset()), reset_at=SENT), NOW)

    assert decision.phase is Phase.QUARANTINED
    assert "Shadow Mode was gone from D in the middle of session" in decision.reason

    kept = replace(record, phase=Phase.QUARANTINED, quarantine_reason=decision.reason.removeprefix("quarantine: "))
    later = decide(Phase.QUARANTINED, facts(kept, host=host(), cloud=cloud(), reset_at=SENT), NOW + 90_000)
    assert (later.phase, later.reason) == (Phase.QUARANTINED, decision.reason)
    assert "Reset" not in kinds(later)

    freed = decide(Phase.QUARANTINED, facts(kept, host=host(), cloud=cloud(), released=True), NOW)
    assert freed.phase is Phase.CLEAN
    assert "still wrong: Shadow Mode was gone from D" in freed.reason


def test_disks_that_did_not_answer_prove_nothing():
    """What could not be read is no absence: it is asked again, and nobody is let in before."""
    decision = decide(Phase.RESETTING, facts(resetting(), host=host(marked=None), reset_at=SENT), NOW)

    assert decision.phase is Phase.RESETTING
    assert "whether its disks carry the marker" in decision.reason


def test_a_bared_disk_is_not_forgotten_with_a_preparation_that_was_cut_short():
    """It booted anew in mid-session and was to be prepared again; then the session ended, with nothing of ours on the station."""
    record = guarded(Phase.PREPARING, prepared=False, bared=frozenset("D"))

    decision = decide(
        Phase.PREPARING, facts(record, cloud=cloud(session(status="FINISHED")), host=host(marked=frozenset())), NOW
    )

    assert (decision.phase, kinds(decision)) == (Phase.RESETTING, ["Reset"])


def test_a_free_station_with_a_marker_on_another_disk_is_reset():
    """The first look after a start asks all disks."""
    decision = decide(Phase.UNKNOWN, facts(cloud=cloud(), host=host(marked=frozenset("D"))), NOW)

    assert kinds(decision) == ["Reset"]


def test_a_station_that_comes_back_shadowed_is_reset_again():
    """Our volumes came back in Shadow Mode: exit and reboot once more."""
    decision = decide(Phase.RESETTING, facts(resetting(), host=host(shadowed=CD), reset_at=SENT), NOW)

    assert kinds(decision) == ["Reset"]
    assert "CD in Shadow Mode" in decision.reason


def test_a_station_that_never_comes_back_is_quarantined():
    """Not reachable for longer than a reset may take."""
    decision = decide(Phase.RESETTING, facts(resetting(), host=None, reset_at=SENT), SENT + 301)

    assert decision.phase is Phase.QUARANTINED


def test_the_next_player_waits_for_the_proof():
    """While a reset is under way every ready byte is refused, whatever the cloud says."""
    decision = decide(
        Phase.RESETTING, facts(resetting(), cloud=cloud(session("B", created=200)), reset_at=SENT, relay=held()), NOW
    )

    assert verdicts(decision) == [Verdict.REFUSE]


# -- quarantine ------------------------------------------------------------------------------------------------------


def test_quarantine_hides_only_what_is_visible():
    """Hidden by the owner stays the owner's; visible is hidden by us."""
    record = resetting(phase=Phase.QUARANTINED)

    assert kinds(decide(Phase.QUARANTINED, facts(record, cloud=cloud(published=True)), NOW)) == ["Publish"]
    assert kinds(decide(Phase.QUARANTINED, facts(record, cloud=cloud(published=False)), NOW)) == []


def test_out_of_quarantine_shows_only_what_we_hid():
    """Proved clean: shown again if it was we who hid it."""
    ours = decide(Phase.QUARANTINED, facts(resetting(phase=Phase.QUARANTINED, hidden_by_us=True), host=host()), NOW)
    owners = decide(Phase.QUARANTINED, facts(resetting(phase=Phase.QUARANTINED), host=host()), NOW)

    assert ours.actions == (Forget(), Publish(visible=True, why="clean again"))
    assert owners.actions == (Forget(),)


# -- first look ------------------------------------------------------------------------------------------------------


def test_a_prepared_session_is_adopted_without_a_change():
    """After a restart of the gate the guarded session goes on untouched."""
    decision = decide(Phase.UNKNOWN, facts(guarded(), cloud=cloud(session()), host=guarded_host(), relay=held()), NOW)

    assert decision.phase is Phase.IN_SESSION
    assert kinds(decision) == ["AnswerHeld"]


def test_a_session_that_ended_while_the_gate_was_away_is_reset_once():
    """Session over, station still shadowed: one reset."""
    decision = decide(
        Phase.UNKNOWN, facts(guarded(), cloud=cloud(session(status="FINISHED")), host=guarded_host()), NOW
    )

    assert kinds(decision) == ["Reset"]


def test_a_reset_under_way_is_not_repeated():
    """After a restart in mid-reset the gate waits for the proof."""
    decision = decide(Phase.UNKNOWN, facts(resetting(), cloud=cloud(), host=host()), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.RESETTING, [])


def test_a_lost_state_file_adopts_what_the_station_says():
    """The station's own marker names the session it was prepared for."""
    decision = decide(Phase.UNKNOWN, facts(cloud=cloud(session()), host=guarded_host()), NOW)

    assert decision.phase is Phase.IN_SESSION
    assert decision.actions[0] == Adopt(uuid("A"), 100)


def test_a_session_in_mid_game_is_not_prepared_at_the_first_look():
    """Poll mode, an old active session, not prepared: an alarm, no killed launcher."""
    old = facts(policy=Policy(relay=False), cloud=cloud(session(created=0)), host=host(), wall_ms=3_600_000)

    decision = decide(Phase.UNKNOWN, old, NOW)

    assert decision.phase is Phase.IN_SESSION
    assert kinds(decision) == ["Adopt", "Alarm"]


def test_a_wrong_clock_of_the_router_is_no_reason_to_touch_a_player():
    """A session that seems to begin in the far future: its age is not known, so it is not young."""
    future = facts(policy=Policy(relay=False), cloud=cloud(session(created=10**12)), host=host(), wall_ms=0)

    assert "Prepare" not in kinds(decide(Phase.UNKNOWN, future, NOW))


@pytest.mark.parametrize("known", [{"cloud": None, "host": host()}, {"cloud": cloud(), "host": None}])
def test_the_first_look_waits_for_both_sides(known: dict[str, object]):
    """Nothing is guessed while one side is silent."""
    decision = decide(Phase.UNKNOWN, facts(**known), NOW)

    assert (decision.phase, kinds(decision)) == (Phase.UNKNOWN, [])


# -- maintenance -----------------------------------------------------------------------------------------------------


def test_maintenance_keeps_the_hands_off():
    """No preparation, no reset, players pass."""
    known = facts(cloud=cloud(session()), host=host(), maintenance=Lease("new disk"), relay=held())

    decision = decide(Phase.CLEAN, known, NOW)

    assert (decision.phase, verdicts(decision)) == (Phase.MAINTENANCE, [Verdict.ADMIT])
    assert decide(Phase.MAINTENANCE, replace(known, maintenance=None), NOW).phase is Phase.UNKNOWN


def test_maintenance_does_not_leave_a_guarded_session():
    """A session that is guarded is brought to its end first."""
    known = facts(guarded(), cloud=cloud(session()), host=guarded_host(), maintenance=Lease("new disk"))

    assert decide(Phase.IN_SESSION, known, NOW).phase is Phase.IN_SESSION


@pytest.mark.parametrize(("away", "expected"), [(10, Phase.PREPARING), (1800, Phase.IN_SESSION)])
def test_a_session_that_began_during_an_outage_is_not_prepared_in_mid_game(away: float, expected: Phase):
    """Poll mode: what counts is the cloud's last answer without the session, not a clock."""
    late = replace(session(created=0), absent_at=NOW - away)
    known = facts(policy=Policy(relay=False), cloud=cloud(late), host=host(), wall_ms=0)

    decision = decide(Phase.CLEAN, known, NOW)

    assert decision.phase is expected
    assert ("Alarm" in kinds(decision)) == (expected is Phase.IN_SESSION)


def test_a_preparation_that_waited_for_the_station_does_not_begin_in_mid_game():
    """Poll mode: the station was away since the session began; now its player may be in a game."""
    late = replace(session(created=0), absent_at=NOW - 1800)
    known = facts(guarded(Phase.PREPARING, prepared=False), policy=Policy(relay=False), cloud=cloud(late), host=host())

    decision = decide(Phase.PREPARING, known, NOW)

    assert (decision.phase, kinds(decision)) == (Phase.IN_SESSION, ["Alarm"])


def test_a_failed_repair_after_a_reboot_is_not_begun_anew_each_cycle():
    """In session and not prepared: a station without our stamp is no reason to prepare without a pause."""
    known = facts(guarded(prepared=False), cloud=cloud(session()), host=host())

    assert kinds(decide(Phase.IN_SESSION, known, NOW)) == []
