"""Whole rentals, the gate's real code against the simulator: every fault, both modes, every promise."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from stages import QUICK
from typed import typed

from drova_gate.config import Mode
from drova_gate.core.model import Phase
from drova_gate.demo.matrix import cells
from drova_gate.demo.promises import judge
from drova_gate.demo.stage import Act, Stage
from drova_gate.demo.story import play_rental
from drova_gate.sim.faults import FAULTS
from drova_gate.sim.station import Costs

IN_MATRIX = {cell.fault.name for cell in cells()}
"""Those are played at every step by polling too (``tests/faults``): once more here would tell nothing new."""


async def rent(mode: Mode, fault: str | None, folder: Path, stations: int = 1) -> Stage:
    """Play one rental per station and return the stage, closed, for judgement."""
    # An abort in the middle of a preparation needs a preparation that takes a moment.
    pace = replace(QUICK, costs=Costs(reboot=0.2, ready=0.05)) if fault == "aborted_preparing" else QUICK
    stage = Stage(mode, stations, fault, folder, lambda *_: None, pace=pace)
    async with stage, asyncio.TaskGroup() as group:
        running = [group.create_task(act.gate.run()) for act in stage.acts]
        async with asyncio.timeout(50), asyncio.TaskGroup() as rentals:
            for act in stage.acts:
                rentals.create_task(play_rental(stage, act))
        for task in running:
            task.cancel()
    return stage


def broken(stage: Stage) -> list[str]:
    return [f"{one.text}: {one.found}" for act in stage.acts for one in judge(stage, act) if not one.kept]


def story(act: Act) -> str:
    return "\n".join(f"{moment.who} {moment.kind}: {moment.text}" for moment in act.moments)


@pytest.mark.parametrize("mode", [Mode.SOCKET, Mode.POLL])
async def test_a_rental_goes_by_and_every_promise_is_kept(mode: Mode, tmp_path: Path):
    """Player in, station prepared and confirmed, player out, one reset, proved clean."""
    stage = await rent(mode, None, tmp_path)

    (act,) = stage.acts
    assert broken(stage) == [], story(act)
    assert act.phase is Phase.CLEAN
    assert act.reports[0].prepared
    assert act.signed_in_before, "the station had sign-ins to lose"
    assert stage.cloud.refused == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_ends_rightly_with_a_relay(fault: str, tmp_path: Path):
    """Socket mode: what must be refused is refused, everything else is served, every promise kept."""
    stage = await rent(Mode.SOCKET, fault, tmp_path)

    assert broken(stage) == [], story(stage.acts[0])


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in IN_MATRIX])
async def test_every_fault_ends_rightly_by_polling(fault: str, tmp_path: Path):
    """Poll mode: no door of ours, the same promises about disk, player and reset."""
    stage = await rent(Mode.POLL, fault, tmp_path)

    assert broken(stage) == [], story(stage.acts[0])


async def test_three_stations_in_one_process(tmp_path: Path):
    """Each station's rental goes by on its own."""
    stage = await rent(Mode.SOCKET, None, tmp_path, stations=3)

    assert broken(stage) == []
    assert all(act.phase is Phase.CLEAN for act in stage.acts)


def test_the_command_prints_events_for_machines():
    """``drova_gate demo --json``: one JSON object a line, a verdict at the end, exit code 0."""
    done = subprocess.run(
        [sys.executable, "-m", "drova_gate", "demo", "--json"], capture_output=True, text=True, check=False, timeout=50
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1]["event"] == "verdict"
    assert lines[-1]["kept"] is True
    assert any(line["event"] == "moment" and line["kind"] == "prepared" for line in lines)


async def test_the_list_of_faults_has_a_line_each():
    """``--list-faults`` names every fault once."""
    code, out, _ = await typed("demo", "--list-faults")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(FAULTS)


async def test_an_unknown_fault_says_what_to_do():
    """A misspelt name is a settings fault, not a play without a fault."""
    code, _, err = await typed("demo", "--fault", "nonsense")

    assert code == 78
    assert "--list-faults" in err
