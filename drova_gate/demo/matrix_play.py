"""``drova_gate demo --fault all``: every cell of the matrix, many side by side in as many processes as there are cores."""

import asyncio
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from drova_gate.demo.board import Board, Ending
from drova_gate.demo.matrix import Cell, cells, share
from drova_gate.demo.trial import Outcome, run_cell
from drova_gate.errors import SettingsFault

__all__ = ["MatrixOptions", "play_matrix", "run_cells"]

ABREAST = 12
"""Cells side by side in one process: nearly all of their time is waiting."""
LINE_LIMIT = 1024 * 1024
"""Bytes of one line of a worker's: its evidence is a few hundred."""


@dataclass(frozen=True, slots=True)
class MatrixOptions:
    """What to try and how to show it."""

    only: str | None
    """Cells whose name holds this text."""
    part: str | None
    """``I/N``: every N-th cell from the I-th on, in this very process."""
    as_json: bool
    colour: bool
    live: bool


async def play_matrix(options: MatrixOptions, write: Callable[[str], object]) -> int:
    """Try every cell that was asked for; 0 when no promise was broken in any."""
    wanted = _mixed([cell for cell in cells() if options.only is None or options.only in cell.name])
    if not wanted:
        raise SettingsFault([f"--cell: no cell's name holds {options.only!r}; a name is FAULT-STEP-MODE"])
    if options.part is not None:
        return await _play_part(_part(options.part, wanted), write)
    began = time.monotonic()
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    board = Board(write, wanted, colour=options.colour, live=options.live, width=width)
    if options.as_json:
        broken = 0
        async for line, ending in _from_workers(options, wanted):
            write(line)
            broken += not ending.survived
        write(json.dumps({"event": "verdict", "kept": not broken, "cells": len(wanted)}) + "\n")
        return 1 if broken else 0
    board.open()
    async for _, ending in _from_workers(options, wanted):
        board.add(ending)
    return 1 if board.close(time.monotonic() - began) else 0


def _mixed(wanted: list[Cell]) -> list[Cell]:
    """In an order that is the same each time: neighbours in the table are alike, and all the slow ones at once would be too much."""
    random.Random(len(wanted)).shuffle(wanted)
    return wanted


def _part(text: str, wanted: list[Cell]) -> list[Cell]:
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise SettingsFault([f"--share: {text!r} is no share; write for example 1/2"])
    return list(share(wanted, int(number), int(of)))


async def _play_part(part: list[Cell], write: Callable[[str], object]) -> int:
    broken = 0
    with tempfile.TemporaryDirectory(prefix="drova_gate_matrix_") as folder:
        async for outcome in run_cells(part, Path(folder)):
            broken += not outcome.survived
            write(_line(outcome))
    return 1 if broken else 0


async def run_cells(part: Iterable[Cell], folder: Path, abreast: int = ABREAST) -> AsyncIterator[Outcome]:
    """Run cells side by side in this loop; outcomes come as they end."""
    # What a broken link makes these say is the simulator's and the loop's affair; the gate's own lines are read by each cell.
    for noisy in ("asyncssh", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    room, ended = asyncio.Semaphore(abreast), asyncio.Queue[Outcome]()
    listed = list(part)

    async def run_one(cell: Cell) -> None:
        async with room:
            outcome = await run_cell(cell, folder / cell.name)
            # A matrix leaves a thousand folders otherwise, and a router's /tmp is small.
            await asyncio.to_thread(shutil.rmtree, folder / cell.name, ignore_errors=True)
            ended.put_nowait(outcome)

    async with asyncio.TaskGroup() as group:
        for cell in listed:
            group.create_task(run_one(cell), name=cell.name)
        for _ in listed:
            yield await ended.get()


# -- the workers -------------------------------------------------------------------------------------------------------


async def _from_workers(options: MatrixOptions, wanted: list[Cell]) -> AsyncIterator[tuple[str, Ending]]:
    """What the workers report, as it comes; a worker that dies leaves its cells unreported."""
    by_name = {cell.name: cell for cell in wanted}
    count = min(os.cpu_count() or 1, len(wanted))
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        for number in range(1, count + 1):
            group.create_task(_work(options, f"{number}/{count}", lines), name=f"worker {number}")
        left = count
        while left:
            line = await lines.get()
            if line is None:
                left -= 1
                continue
            told = json.loads(line)
            violations = tuple((one["rule"], one["found"]) for one in told["violations"])
            yield line, Ending(by_name[told["cell"]], violations, told["seconds"], told["last_word"])


async def _work(options: MatrixOptions, part: str, lines: "asyncio.Queue[str | None]") -> None:
    only = ("--cell", options.only) if options.only else ()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drova_gate", "demo", "--fault", "all", "--share", part, *only),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT,
    )
    try:
        if worker.stdout is not None and worker.stderr is not None:
            async with asyncio.TaskGroup() as pipes:
                last_words = pipes.create_task(worker.stderr.read())
                async for raw in worker.stdout:
                    lines.put_nowait(raw.decode())
            if await worker.wait() not in (0, 1):
                sys.stderr.write(
                    f"worker {part}: ended with {worker.returncode}: {last_words.result().decode()[-2000:]}\n"
                )
    finally:
        if worker.returncode is None:
            worker.terminate()
            await worker.wait()
        lines.put_nowait(None)


def _line(outcome: Outcome) -> str:
    return (
        json.dumps(
            {
                "event": "cell",
                "cell": outcome.cell.name,
                "survived": outcome.survived,
                "seconds": round(outcome.seconds, 2),
                "violations": [{"rule": one.rule, "found": one.found} for one in outcome.violations],
                "last_word": outcome.last_word,
            },
            ensure_ascii=False,
        )
        + "\n"
    )
