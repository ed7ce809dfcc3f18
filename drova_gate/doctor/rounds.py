"""The doctor's round: all stations side by side, told one after the other."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drova_gate.config import Config, StationConfig
from drova_gate.doctor.checks import CHECKS
from drova_gate.doctor.output import Table, json_text, plan_lines
from drova_gate.doctor.run import examine
from drova_gate.doctor.verdict import Check, Outcome, broken, skipped

__all__ = ["FAILED", "PLANNED", "WELL", "Telling", "examine_all"]

log = logging.getLogger(__name__)

WELL, FAILED, PLANNED = 0, 1, 3
"""Exit codes: nothing failed; something did; a plan was shown and nothing done. 2 is the argument parser's."""
AT_ONCE = 8
"""Stations: each takes some eight commands at a time, and a router has one core."""

_SUBJECTS = {spec.code: spec.subject for spec in CHECKS}


@dataclass(frozen=True, slots=True)
class Telling:
    """How the results are told."""

    print_lines: Callable[[Iterable[str]], object]
    as_json: bool = False
    fix_plan: bool = False
    colour: bool = False
    room: int | None = None
    """Places of a terminal line; ``None``: nothing is wrapped."""
    say: Callable[[str], str] = str
    """Into the reader's language; machines get English."""


async def examine_all(config: Config, state_dir: Path, telling: Telling, settings_files: Sequence[Path] = ()) -> int:
    """Check all stations of the settings; an exit code."""
    slots = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        runs = [_Run(station, state_dir, settings_files, slots) for station in config.stations]
        for run in runs:
            group.create_task(run.work())
        codes = [await _told(run, telling) for run in runs]
    return max(codes, default=WELL)


class _Run:
    """One station's examination, and a queue of what it found."""

    def __init__(
        self, config: StationConfig, state_dir: Path, settings_files: Sequence[Path], slots: asyncio.Semaphore
    ) -> None:
        self.config = config
        self.found: asyncio.Queue[Check | None] = asyncio.Queue()
        self.seconds = 0.0
        self._state_dir, self._settings_files, self._slots = state_dir, settings_files, slots

    async def work(self) -> None:
        """Examine; the end is marked with ``None``."""
        told = 0

        def tell(check: Check) -> None:
            nonlocal told
            told += 1
            self.found.put_nowait(check)

        async with self._slots:
            began = asyncio.get_running_loop().time()
            try:
                await examine(self.config, self._state_dir, settings_files=self._settings_files, tell=tell)
            except Exception as error:
                log.debug("station %s", self.config.name, exc_info=True)
                for check in _untold(told, error):
                    self.found.put_nowait(check)
            self.seconds = asyncio.get_running_loop().time() - began
        self.found.put_nowait(None)


def _untold(told: int, error: Exception) -> Iterable[Check]:
    """What stands for the checks that were not made."""
    first, *others = CHECKS[told:] or CHECKS[-1:]
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    yield Check(first.code, broken(error))
    yield from (Check(spec.code, skipped(f"needs {first.code}")) for spec in others)


async def _told(run: _Run, telling: Telling) -> int:
    """Tell one station's results as they come."""
    name, host = run.config.name, run.config.host
    table = Table(_SUBJECTS, room=telling.room, colour=telling.colour, say=telling.say)
    streams = not telling.as_json and not telling.fix_plan
    if streams:
        telling.print_lines([telling.say(f"station {name}") + (f" ({host})" if host != name else "")])
    checks: list[Check] = []
    while (check := await run.found.get()) is not None:
        checks.append(check)
        if streams:
            # Line by line: a station that is off takes its time.
            telling.print_lines(table.lines(check))
    wrong = any(check.outcome in (Outcome.FAIL, Outcome.WARN) for check in checks)
    failed = any(check.outcome is Outcome.FAIL for check in checks)
    if telling.as_json:
        telling.print_lines([json_text(name, host, checks, _SUBJECTS, run.seconds)])
    elif telling.fix_plan:
        telling.print_lines([*plan_lines(name, checks, room=telling.room, say=telling.say), ""])
    else:
        telling.print_lines(table.end(checks, run.seconds))
    if telling.fix_plan:
        return PLANNED if wrong else WELL
    return FAILED if failed else WELL
