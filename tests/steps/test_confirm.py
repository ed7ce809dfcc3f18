"""Evidence against expectation: nothing counts as done that was not read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_targets import MARKER, SESSION, compiled

from drova_gate.core.model import StepOutcome, StepResult
from drova_gate.steps.confirm import confirm
from drova_gate.steps.payload import Expected
from drova_gate.steps.registry_file import KeyGone, ValueGone

STEAM = r"HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Valve\Steam"
IDENTIFIERS = r"HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Epic Games\Unreal Engine\Identifiers"
PAYLOAD = compiled()
EXPECTED = PAYLOAD.expected


def registry_text(expected: Expected) -> str:
    """Answer as ``reg query`` does when everything stuck."""
    keys: dict[str, list[str]] = {}
    for each in expected.registry:
        for edit in each.edits:
            if isinstance(edit, KeyGone):
                continue
            rows = keys.setdefault(edit.key, [])
            if not isinstance(edit, ValueGone):
                data = f"0x{edit.data:x}" if isinstance(edit.data, int) else edit.data
                rows.append(f"    {edit.name}    {edit.kind}    {data}")
    keys |= {
        STEAM: ["    AutoLoginUser    REG_SZ    ", "    RememberPassword    REG_DWORD    0x0"],
        IDENTIFIERS: [],
    }
    return "\r\n".join(line for key, rows in keys.items() for line in ("", key, *rows))


PROCESSES = (
    '"-","0","-","0","-"\r\n"System","4","Services","0","1 КБ"\r\n"explorer.exe","812","Console","1","90 112 КБ"\r\n'
)
PREPARE = (
    "".join(f"@@ step {name} changed\r\n" for name in (*EXPECTED.files, *EXPECTED.markers))
    + "@@ wipe done\r\n"
    + "".join(f"@@ lane.{lane} done\r\n" for lane in EXPECTED.lanes)
    + f"@@ begin processes\r\n{PROCESSES}@@ end processes\r\n@@ begin registry\r\n{registry_text(EXPECTED)}\r\n@@ end registry\r\n@@ finished prepare\r\n"
)
NETWORK = (
    "@@ begin firewall\r\nОК.\r\n\r\nИмя правила:                          drova_gate\r\n----\r\nУдаленный порт:         139,445\r\n"
    "Имя правила:                          drova_gate\r\nУдаленный порт:         137,138,1900,3702,5353,5355\r\nОК.\r\n\r\n"
    "Обновлено правил: 24.\r\nОК.\r\n\r\n@@ end firewall\r\n@@ code.firewall 0\r\n"
    + "".join(f"@@ code.{service.step} 0\r\n" for service in EXPECTED.services)
    + "".join(f"@@ code.{step} 0\r\n" for step in EXPECTED.stopped)
    + "@@ finished network\r\n"
)


def results(prepare: str = PREPARE, network: str = NETWORK) -> dict[str, StepResult]:
    return {step.name: step for step in confirm(EXPECTED, prepare, network)}


def failed(found: dict[str, StepResult]) -> dict[str, str]:
    return {name: step.reason for name, step in found.items() if step.outcome is StepOutcome.FAILED}


def test_everything_in_place_is_confirmed():
    """A whole answer with every value leaves no failure, and every lockdown policy is a must."""
    found = results()
    assert failed(found) == {}
    assert found["lockdown.no_run"].must
    assert found["lockdown.blocked_programs"].must
    assert not found["steam.auto_login"].must


@pytest.mark.parametrize(
    ("old", "new", "step", "reason", "must"),
    [
        (
            "    NoLogoff    REG_DWORD    0x1",
            "    NoLogoff    REG_DWORD    0x0",
            "lockdown.no_sign_out",
            "NoLogoff reads back as REG_DWORD 0x0, not 1",
            True,
        ),
        ("    NoRun    REG_DWORD    0x1\r\n", "", "lockdown.no_run", "NoRun is not there", True),
        (
            "    NoRun    REG_DWORD    0x1",
            "    NoRun    REG_SZ    1",
            "lockdown.no_run",
            "NoRun reads back as REG_SZ 1, not 1",
            True,
        ),
        ("    1    REG_SZ    Commit.exe\r\n", "", "lockdown.blocked_programs", "1 is not there", True),
        (
            f"    marker    REG_SZ    {MARKER}",
            "    marker    REG_SZ    other",
            "marker.registry",
            f"marker reads back as REG_SZ other, not {MARKER}",
            True,
        ),
        (
            "    RememberPassword    REG_DWORD    0x0",
            "    RememberPassword    REG_DWORD    0x1",
            "steam.remember",
            "RememberPassword reads back as REG_DWORD 0x1, not 0",
            False,
        ),
        (
            "Unreal Engine\\Identifiers",
            "Unreal Engine\\Identifiers\r\n    AccountId    REG_SZ    abc",
            "epic.account",
            "AccountId is still there",
            False,
        ),
        (
            "step epic.settings changed",
            "step epic.settings failed held",
            "epic.settings",
            "still in use, it could not be deleted",
            False,
        ),
        ("@@ step marker.D changed\r\n", "@@ step marker.D failed\r\n", "marker.D", "", True),
        ('"System"', '"Steam.EXE"', "steam.processes", "still running: Steam.EXE", False),
        (
            '"explorer.exe"',
            '"other.exe"',
            "lockdown.explorer",
            "it did not come back, not once in the console session 1",
            True,
        ),
        (
            '"Console","1"',
            '"Services","0"',
            "lockdown.explorer",
            "it runs in sessions 0, not once in the console session 1",
            True,
        ),
        (
            '"System","4","Services","0"',
            '"explorer.exe","4","Console","1"',
            "lockdown.explorer",
            "it runs in sessions 1, 1, not once in the console session 1",
            True,
        ),
    ],
)
def test_what_is_not_there_fails_by_name(old: str, new: str, step: str, reason: str, must: bool):
    """One thing wrong on the station is one failed step with its reason, and only lockdown and marker are musts."""
    assert old in PREPARE
    found = results(PREPARE.replace(old, new, 1))
    assert failed(found) == {step: reason}
    assert found[step].must is must


@pytest.mark.parametrize(
    ("old", "new", "step", "outcome", "must"),
    [
        ("139,445", "", "lockdown.no_file_shares", StepOutcome.FAILED, True),
        (
            "Обновлено правил: 24.\r\nОК.\r\n",
            "Ни одно правило не соответствует.\r\n",
            "lockdown.network_discovery",
            StepOutcome.FAILED,
            False,
        ),
        ("code.lockdown.ssdp 0", "code.lockdown.ssdp 1060", "lockdown.ssdp", StepOutcome.SKIPPED, False),
        ("code.lockdown.ssdp 0", "code.lockdown.ssdp 5", "lockdown.ssdp", StepOutcome.FAILED, False),
    ],
)
def test_network_part_is_judged_by_names_and_numbers(old: str, new: str, step: str, outcome: StepOutcome, must: bool):
    """Firewall rules count when netsh lists them; a service that a Windows lacks is no fault."""
    assert old in NETWORK
    found = results(network=NETWORK.replace(old, new))
    assert (found[step].outcome, found[step].must) == (outcome, must)
    assert set(failed(found)) == ({step} if outcome is StepOutcome.FAILED else set())


def test_barred_registry_is_no_absence():
    """reg.exe that shows nothing proves nothing: values that were to go are not taken for gone."""
    cut = (
        PREPARE[: PREPARE.index("@@ begin registry")]
        + "@@ begin registry\r\n@@ end registry\r\n@@ finished prepare\r\n"
    )
    assert results(cut)["epic.account"].outcome is StepOutcome.FAILED


@pytest.mark.parametrize(
    ("looks", "outcome"),
    [
        ((), StepOutcome.CLEAN),
        (("changed", ""), StepOutcome.CHANGED),
        (("", "changed"), StepOutcome.CHANGED),
        (("changed", "failed held"), StepOutcome.FAILED),
        (("failed held", ""), StepOutcome.CHANGED),
        (("failed held", "failed held", "changed"), StepOutcome.CHANGED),
        (("skipped directory", "skipped directory"), StepOutcome.SKIPPED),
    ],
)
def test_last_look_decides_and_earlier_finds_count(looks: tuple[str, ...], outcome: StepOutcome):
    """Wiped in the first pass and not found in the second is *changed*; come back and held is *failed*; never found is *clean*."""
    name = EXPECTED.files[0]
    said = "".join((f"@@ step {name} {look}\r\n" if look else "") + "@@ wipe done\r\n" for look in looks)
    without = PREPARE.replace(f"@@ step {name} changed\r\n", "")
    assert results(without.replace("@@ wipe done\r\n", said or "@@ wipe done\r\n"))[name].outcome is outcome


@pytest.mark.parametrize("lane", EXPECTED.lanes)
def test_lane_that_did_not_end_is_not_seen(lane: str):
    """A part that ran beside the others and broke off takes what rests on it with it."""
    assert f"@@ lane.{lane} done\r\n" in PREPARE
    found = results(PREPARE.replace(f"@@ lane.{lane} done\r\n", ""))
    assert found["marker.C"].outcome is StepOutcome.FAILED
    assert found["lockdown.no_run"].reason == "the registry could not be read back"
    assert found["steam.auto_login"].outcome is StepOutcome.FAILED


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, len(PREPARE) - 20))
def test_broken_output_is_never_a_success(cut: int):
    """Wherever the output breaks off, every must-step that rests on it fails."""
    found = results(PREPARE[:cut])
    assert found["lockdown.no_run"].outcome is StepOutcome.FAILED
    assert found["marker.registry"].outcome is StepOutcome.FAILED
    assert found["marker.C"].outcome is StepOutcome.FAILED


@settings(max_examples=60, deadline=None)
@given(noise=st.text(max_size=300))
def test_noise_is_never_an_error(noise: str):
    """Whatever the station prints, the answer is a result for every step."""
    assert set(results(noise, noise)) == set(results())
    assert all(
        step.outcome is StepOutcome.FAILED
        for name, step in results(noise).items()
        if step.must and "no_file" not in name and "discovery" not in name
    )


def test_nothing_expected_twice():
    """Each step has one name."""
    names = [step.name for step in confirm(EXPECTED, PREPARE, NETWORK)]
    assert len(names) == len(set(names))
    assert str(SESSION) in PREPARE
