"""What is made of Steam's own log: lines as real clients wrote them, cut anywhere, mixed with other games' lines."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drova_gate.sim.windows.saved_steam import APPS, STEAM, manifest_text
from drova_gate.steam.following import Following, Phase, Verdict
from drova_gate.steam.manifest import InstalledApp, read_manifest

# ValveSoftware's client of October 2016, from a public report (steamtricks, issue 13), to its end.
REPAIRED = """\
[2016-10-07 14:10:16] Start validating appID 1530
[2016-10-07 14:10:16] Scheduler update appID 1530: Priority First, legacy=no, restore="", timeSinceLastPlayed=115043
[2016-10-07 14:10:16] AppID 1530 state changed : Fully Installed,Update Running,
[2016-10-07 14:10:16] AppID 1530 update changed : Running,
[2016-10-07 14:10:16] AppID 1530 update changed : Running,Reconfiguring,
[2016-10-07 14:10:16] AppID 1530 update changed : Running,
[2016-10-07 14:10:16] AppID 1530 update changed : Running,Validating,
[2016-10-07 14:10:16] Validating files (all active,full) ...
[2016-10-07 14:10:16] Validation: size mismatch "/vol/ssd/steamlib/steamapps/common/Multiwinia/run_steam.sh"
[2016-10-07 14:10:16] File validation finished: 19 files (58120432 bytes) total, 1 files (659 bytes) mismatched (181 msec).
[2016-10-07 14:10:16] AppID 1530 state changed : Update Required,Fully Installed,Files Missing,Update Running,
[2016-10-07 14:10:17] AppID 1530 update started : download 0/400, store 0/0, reuse 0/0, delta 0/0, stage 0/659
[2016-10-07 14:10:17] AppID 1530 update changed : Running,Downloading,
[2016-10-07 14:10:18] AppID 1530 update changed : Running,Committing,
[2016-10-07 14:10:18] AppID 1530 update changed : None
[2016-10-07 14:10:18] AppID 1530 state changed : Fully Installed,
[2016-10-07 14:10:18] AppID 1530 scheduler finished : removed from schedule (result No Error, state 0xc)
"""
CLEAN = re.sub(r", 1 files \(659 bytes\)", ", 0 files (0 bytes)", REPAIRED)
OTHER = REPAIRED.replace("1530", "570")


def heard(text: str, app_id: int = 1530) -> Following:
    following = Following(app_id)
    following.hear(text)
    return following


def upto(text: str, words: str) -> str:
    return text[: text.index("\n", text.index(words)) + 1]


def app(flags: int, **changes: object) -> InstalledApp:
    return read_manifest(manifest_text(APPS[1], StateFlags=flags, **changes).encode(), STEAM, 730)


def test_a_repair_is_told_with_its_files_and_bytes():
    result = heard(REPAIRED).result
    assert result is not None
    assert (result.verdict, result.files, result.wrong_files, result.wrong_bytes) == (Verdict.REPAIRED, 19, 1, 659)


def test_a_clean_game_is_verified():
    result = heard(CLEAN).result
    assert result is not None
    assert (result.verdict, result.files, result.wrong_files, result.reason) == (Verdict.VERIFIED, 19, 0, "")


def test_the_words_of_later_clients():
    text = re.sub(r"File validation finished.*", "Validation: full scan found 2/20469 mismatching files", REPAIRED)
    result = heard(text).result
    assert result is not None
    assert (result.verdict, result.files, result.wrong_files, result.wrong_bytes) == (Verdict.REPAIRED, 20469, 2, None)


@pytest.mark.parametrize(
    ("words", "phase"),
    [
        ("Start validating", Phase.QUEUED),
        ("state changed : Fully Installed,Update Running", Phase.QUEUED),
        ("Running,Validating", Phase.CHECKING),
        ("size mismatch", Phase.CHECKING),
        ("File validation finished", Phase.REPAIRING),
        ("Running,Committing", Phase.REPAIRING),
        ("update changed : None", Phase.REPAIRING),
    ],
)
def test_phases_on_the_way(words: str, phase: Phase):
    following = heard(upto(REPAIRED, words))
    assert (following.phase, following.result) == (phase, None)


def test_fully_installed_while_it_is_checked_is_no_end():
    following = heard(upto(CLEAN, "Validating files"))
    following.see(app(4))
    assert not following.resting
    assert following.result is None


def test_other_games_lines_are_not_ours():
    assert heard(OTHER).phase is Phase.ASKED
    following = heard(upto(REPAIRED, "Start validating") + OTHER)
    assert following.result is None
    result = heard(
        upto(REPAIRED, "Validating files") + OTHER + REPAIRED[len(upto(REPAIRED, "Validating files")) :]
    ).result
    assert result is not None
    # Their check's sum came between, so ours is not known; what is not known is not invented.
    assert result.verdict is Verdict.VERIFIED
    assert result.files is None


def test_an_update_that_ends_before_ours_begins_is_not_ours():
    before = "[x] AppID 1530 scheduler finished : removed from schedule (result No Error, state 0xc)\n"
    assert heard(before).result is None
    assert heard(before + upto(CLEAN, "Validating files")).result is None


def test_a_client_that_writes_no_last_word_comes_to_rest():
    following = heard(upto(CLEAN, "update changed : None"))
    assert not following.resting
    following.hear("[x] AppID 1530 state changed : Fully Installed,\n")
    assert following.resting
    result = following.settled()
    assert (result.verdict, following.phase) == (Verdict.VERIFIED, Phase.OVER)


@pytest.mark.parametrize("word", ["Disk write failure", "No connection", "Corrupt game files", "Canceled"])
def test_a_failure_carries_steams_own_word(word: str):
    result = heard(CLEAN.replace("No Error", word)).result
    assert result is not None
    assert (result.verdict, result.reason) == (Verdict.FAILED, f"Steam says: {word}")


def test_a_job_that_stays_in_the_queue_is_not_over():
    queued = "[x] AppID 1530 state changed : Fully Installed,Update Queued,\n"
    kept = "[x] AppID 1530 scheduler finished : staying in schedule (result No Connection, state 0x40c)\n"
    following = heard(upto(CLEAN, "Start validating") + queued + kept)
    assert (following.phase, following.result, following.last_word) == (Phase.QUEUED, None, "No Connection")


def test_what_steam_does_not_verify_is_skipped():
    result = heard(
        '[x] Start validating appID 1530\n[x] AppID 1530 is marked "NoUpdatesAfterInstall" - skipping validation\n'
    ).result
    assert result is not None
    assert (result.verdict, "NoUpdatesAfterInstall" in result.reason) == (Verdict.SKIPPED, True)


def test_bytes_are_shown_only_of_this_repair():
    following = heard(upto(REPAIRED, "Running,Downloading"), 1530)
    assert following.download == (0, 400)
    following.see(app(1318, BytesToDownload=400, BytesDownloaded=100))
    assert following.download == (100, 400)
    following.see(app(1318, BytesToDownload=9_000, BytesDownloaded=9_000))
    assert following.download == (100, 400)


def test_without_a_log_a_manifest_seen_at_work_and_then_at_rest_has_to_do():
    following = Following(730)
    following.see(app(4), no_log=True)
    assert following.result is None
    following.see(app(260), no_log=True)
    following.see(None, no_log=True)
    assert following.phase is Phase.CHECKING
    following.see(app(4), no_log=True)
    assert following.result is not None
    assert (following.result.verdict, "manifest alone" in following.result.reason) == (Verdict.VERIFIED, True)


@given(st.lists(st.integers(0, len(REPAIRED)), max_size=8))
def test_it_does_not_matter_where_a_reading_ends(cuts: list[int]):
    whole, following = heard(REPAIRED), Following(1530)
    edges = [0, *sorted(cuts), len(REPAIRED)]
    for start, end in pairwise(edges):
        following.hear(REPAIRED[start:end])
    assert following.result == whole.result


@given(
    st.lists(
        st.sampled_from([*REPAIRED.splitlines(), *OTHER.splitlines(), "AppID 1530 ", "[", "AppID x state changed :"])
    )
)
def test_no_order_of_lines_ends_a_check_that_has_not_begun(lines: list[str]):
    following = heard("".join(f"{line}\n" for line in lines))
    if following.result is not None:
        assert any("Start validating appID 1530" in line for line in lines)
