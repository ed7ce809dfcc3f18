"""The matrix as data: whole, without meaningless cells, and its subset holds every pair."""

from collections import Counter

import pytest

from drova_gate.config import Mode
from drova_gate.demo.matrix import MATRIX, STEPS, Step, cells, pairwise, share
from drova_gate.demo.strikes import STRIKES

WANTED = {
    "gate_killed",
    "maintenance",
    "ssh_drop",
    "power_cut",
    "cloud_401",
    "cloud_429",
    "cloud_500",
    "cloud_timeout",
    "cloud_garbage",
    "cloud_empty",
    "shadow_missing",
    "shadow_silent",
    "shadow_password",
    "shadow_partial",
    "shadow_left",
    "comes_back_shadowed",
    "disk_full",
    "upload_cut",
    "script_killed",
    "explorer_gone",
    "reboot_never",
    "never_comes_back",
    "self_reboot",
    "host_key_changed",
    "clock_forward",
    "clock_1970",
    "station_clock",
    "state_truncated",
    "state_newer",
    "state_read_only",
    "router_disk_full",
}


def test_every_fault_that_was_asked_for_is_a_row():
    """No row is lost, and each has something that strikes."""
    assert set(MATRIX) == WANTED == set(STRIKES)


@pytest.mark.parametrize("name", MATRIX)
def test_a_row_has_a_line_for_people(name: str):
    """Its own name, one short line, a reason wherever more than one reset is let pass."""
    fault = MATRIX[name]

    assert fault.name == name
    assert 15 <= len(fault.line) <= 80
    assert not fault.line.endswith(".")
    assert bool(fault.more_resets_why) == (fault.more_resets > 0)


def test_a_kill_is_tried_at_every_step_in_both_modes():
    """Nothing of the most important row is left out."""
    tried = {(cell.step, cell.mode) for cell in cells([MATRIX["gate_killed"]])}

    assert tried == {(step, mode) for step in STEPS for mode in (Mode.SOCKET, Mode.POLL)}


@pytest.mark.parametrize(
    ("name", "step", "tried"),
    [
        ("ssh_drop", Step.PROOF, True),
        ("ssh_drop", Step.REBOOTING, False),
        ("power_cut", Step.REBOOTING, False),
        ("script_killed", Step.PREPARE, True),
        ("script_killed", Step.UPLOAD, False),
        ("shadow_partial", Step.PROTECT, True),
        ("shadow_partial", Step.UPLOAD, False),
        ("never_comes_back", Step.REBOOTING, True),
        ("never_comes_back", Step.PROOF, False),
    ],
)
def test_only_meaningless_cells_are_left_out(name: str, step: Step, tried: bool):
    """A fault is tried as long as what it breaks is still to be used."""
    assert MATRIX[name].tried_at(step) is tried


def test_names_are_unique_and_fit_for_files():
    """A cell's name is its folder and what people repeat it by."""
    names = [cell.name for cell in cells()]

    assert len(set(names)) == len(names) > 500
    assert all(name.replace("_", "").replace("-", "").isalnum() for name in names)


def test_the_subset_holds_every_pair():
    """Each fault in both modes, each step in both modes; few cells, the same ones each time."""
    subset = pairwise()

    assert {(cell.fault.name, cell.mode) for cell in subset} == {(cell.fault.name, cell.mode) for cell in cells()}
    assert {(cell.step, cell.mode) for cell in subset if not cell.fault.process} == {
        (step, mode) for step in STEPS for mode in (Mode.SOCKET, Mode.POLL)
    }
    assert len(subset) <= 70
    assert [cell.name for cell in subset] == [cell.name for cell in pairwise()]


@pytest.mark.parametrize("of", [1, 2, 7])
def test_shares_are_the_whole_once(of: int):
    """Several processes try every cell, and none twice."""
    dealt = Counter(cell.name for number in range(1, of + 1) for cell in share(cells(), number, of))

    assert dealt == Counter(cell.name for cell in cells())
