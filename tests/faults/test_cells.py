"""Every fault of the matrix against the gate's real code: a pairwise subset, or with ``--all-cells`` the whole."""

import os
from pathlib import Path

import pytest

from drova_gate.demo.matrix import cells, pairwise, share
from drova_gate.demo.matrix_play import run_cells


# A connection that comes in while the simulated world is cut off may be collected unclosed: the simulator's affair, no promise of the gate's.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    "GATE_MATRIX_FOLLOWS" in os.environ, reason="whoever runs the tests plays the whole matrix after them"
)
async def test_every_promise_is_kept_in_every_cell(dealt: tuple[int, int, bool], tmp_path: Path):
    """Whatever strikes at whatever step: judged from what station and cloud wrote down, nothing is broken."""
    number, of, whole = dealt

    outcomes = [one async for one in run_cells(share(cells() if whole else pairwise(), number, of), tmp_path)]

    broken = [
        f"{one.cell.name}: {violation.rule}: {violation.found} (at the end: {one.last_word})"
        for one in outcomes
        for violation in one.violations
    ]
    assert broken == [], "\n".join(["repeat one with: drova_gate demo --fault all --cell NAME", *broken])
