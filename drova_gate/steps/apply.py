"""The passes over the station: protect, upload, prepare and network side by side, confirm.

Nothing is uploaded, wiped or locked before the protector's own list shows every wanted volume.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from drova_gate.core.model import PreparationReport, StepOutcome, StepResult
from drova_gate.errors import (
    CallOwner,
    GateError,
    NotConfirmed,
    OutcomeUnknown,
    RecipeFault,
    StationUnreachable,
    TryAgain,
)
from drova_gate.host.commands import Run, Script, Section, render, sections
from drova_gate.host.identity import Console
from drova_gate.host.link import HostLink
from drova_gate.host.parse import registry_keys
from drova_gate.protect.protector import Protection, Protector
from drova_gate.steps.compile import compile_preparation, compile_undo
from drova_gate.steps.compile_steps import originals_wanted
from drova_gate.steps.confirm import confirm
from drova_gate.steps.edit import LARGEST
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.payload import Payload, Unreadable
from drova_gate.steps.recipes import Level, Recipe, selected
from drova_gate.steps.target import Target

__all__ = ["PreparationPlan", "find_steam", "prepare", "undo"]

log = logging.getLogger(__name__)

PROTECT_SECONDS = 60.0
"""Five calls of the protector's program; entering a volume with many open files has been seen to take 10 s."""
PREPARE_SECONDS = 60.0
"""Kills, deletions of browser profiles of some GB, three more tries for held files, the wait for Explorer."""

_STEAM_KEY = r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam"
_STEAM_PATH = r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Valve\Steam"
_STEAM_SECTION = "steam"
_STEAM_QUESTION: Script = (Section(_STEAM_SECTION, (Run("reg.exe", ("query", _STEAM_KEY, "/v", "InstallPath")),)),)

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class PreparationPlan:
    """Everything that one preparation needs to know."""

    session: UUID
    marker: str
    boot_stamp: str
    volumes: frozenset[str]
    """Every one of them must be in Shadow Mode before anything is written."""
    enter: frozenset[str]
    """Those of them that are to be brought into Shadow Mode now; the others are already."""
    console: Console
    program_data: str
    level: Level
    recipes: tuple[Recipe, ...]
    lockdown: Lockdown
    steam: str | None = None
    """Steam's folder as ``find_steam`` found it earlier (empty: not installed); ``None``: asked for on the way."""


@dataclass(slots=True)
class _Progress:
    """What is known so far: a fault half-way must not lose it."""

    shadowed: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()
    steps: list[StepResult] = field(default_factory=list)
    fault: str = ""


async def prepare(
    link: HostLink, protector: Protector, plan: PreparationPlan, *, again: bool = False
) -> PreparationReport:
    """Prepare the station for a session; whatever goes wrong stands in the report, so that it may simply be tried again.

    ``again``: an earlier try has said loudly what is wrong.
    """
    clock = asyncio.get_running_loop().time
    began, sent = clock(), link.commands_sent
    progress = _Progress()
    try:
        await _prepare(link, protector, plan, progress)
    except OutcomeUnknown as error:
        progress.fault = f"unknown, will look again: {error}"
    except GateError as error:
        progress.fault = str(error)
    report = PreparationReport(
        session=plan.session,
        marker=plan.marker,
        shadowed=progress.shadowed,
        entered=progress.entered,
        steps=tuple(progress.steps),
        commands=link.commands_sent - sent,
        seconds=clock() - began,
        fault=progress.fault,
    )
    _tell(link.subject, report, logging.DEBUG if again else logging.WARNING)
    return report


async def undo(link: HostLink, plan: PreparationPlan) -> tuple[StepResult, ...]:
    """Take exactly our lockdown and marker off again, without a rollback; errors are raised."""
    payload = _compiled(link, lambda: compile_undo(plan.lockdown, _target(plan, ""), plan.volumes))
    await link.write_all(payload.files)
    done, network = await _side_by_side(link, payload, ())
    return confirm(payload.expected, done, network)


async def _prepare(link: HostLink, protector: Protector, plan: PreparationPlan, progress: _Progress) -> None:
    if protector.forgets and not plan.volumes:
        raise NotConfirmed(link.subject, "no volume is named to be protected", "set SHADOW_DEFENDER_DRIVES")
    steam, originals = await _protect(link, protector, plan, progress)
    target = _target(plan, steam)
    wanted = originals_wanted(plan.recipes, target, plan.level)
    originals |= await _read_all(link, [path for path in wanted if path not in originals])
    payload = _compiled(
        link,
        lambda: compile_preparation(
            plan.recipes,
            plan.lockdown,
            target,
            level=plan.level,
            marker=plan.marker,
            boot_stamp=plan.boot_stamp,
            session=plan.session,
            volumes=plan.volumes,
            originals=originals,
        ),
    )
    await link.write_all(payload.files)
    done, network = await _side_by_side(link, payload, protector.status())
    after = protector.read_status(sections(done))
    progress.shadowed = after.shadowed or frozenset()
    progress.steps += [*_shadow_steps(plan.volumes, plan.enter, after), *confirm(payload.expected, done, network)]


async def _protect(
    link: HostLink, protector: Protector, plan: PreparationPlan, progress: _Progress
) -> tuple[str, dict[str, "bytes | Unreadable | None"]]:
    """Enter Shadow Mode and read meanwhile what is to be edited; go on only when every wanted volume is in the list."""
    ask_steam = plan.steam is None and _uses_steam(plan)
    script: Script = protector.enter(plan.enter) if plan.enter else protector.status()
    if ask_steam:
        script = (*script, *_STEAM_QUESTION)
    early = originals_wanted(plan.recipes, _target(plan, plan.steam or ""), plan.level)
    # Until the answer is here those volumes may be in Shadow Mode by our doing, so they are ours to leave.
    progress.entered = plan.enter
    done, originals = await _both(lambda: link.run(script, timeout=PROTECT_SECONDS), lambda: _read_all(link, early))
    parts = sections(done.stdout)
    protection = protector.read_enter(parts, plan.enter) if plan.enter else protector.read_status(parts)
    progress.shadowed = protection.shadowed or frozenset()
    if protection.shadowed is not None:
        progress.entered = plan.enter & progress.shadowed
    elif isinstance(protection.fault, CallOwner):
        progress.entered = frozenset()  # the program is missing, or refused its password: nothing was entered
    if protection.fault is not None:
        raise protection.fault
    if lacking := plan.volumes - progress.shadowed:
        raise NotConfirmed(
            link.subject,
            f"not in Shadow Mode: {', '.join(f'{letter}:' for letter in sorted(lacking))}",
            "nothing was wiped, nothing locked; look at the protector on the station",
        )
    return (_steam_folder(parts) if ask_steam else plan.steam or ""), originals


async def _read_all(link: HostLink, paths: Iterable[str]) -> dict[str, "bytes | Unreadable | None"]:
    """Read files to be edited, all at once; one that cannot be read is told apart from one that is not there."""

    async def read_one(path: str) -> bytes | Unreadable | None:
        try:
            return await link.read(path, limit=LARGEST)
        except (StationUnreachable, OutcomeUnknown):
            raise
        except TryAgain as error:
            return Unreadable(error.fact)

    listed = tuple(paths)
    return dict(zip(listed, await _all([partial(read_one, path) for path in listed]), strict=True))


async def _side_by_side(link: HostLink, payload: Payload, last: Script) -> tuple[str, str]:
    """Run both commands at once; ``last`` follows the preparation in its command."""
    done, network = await _both(
        lambda: link.run((*payload.prepare, *last), timeout=PREPARE_SECONDS),
        lambda: link.run(payload.network, timeout=PREPARE_SECONDS),
    )
    return done.stdout, network.stdout


async def _both(one: Callable[[], Coroutine[Any, Any, A]], other: Callable[[], Coroutine[Any, Any, B]]) -> tuple[A, B]:
    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(_settled(one)), group.create_task(_settled(other))
    return _value(first.result()), _value(second.result())


async def _all(parts: Iterable[Callable[[], Coroutine[Any, Any, A]]]) -> list[A]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_settled(part)) for part in parts]
    return [_value(task.result()) for task in tasks]


async def _settled(part: Callable[[], Coroutine[Any, Any, A]]) -> A | GateError:
    """Keep a fault until the others are done: cancelling a command here would not stop it on the station."""
    try:
        return await part()
    except GateError as error:
        return error


def _value(result: A | GateError) -> A:
    if isinstance(result, GateError):
        raise result
    return result


def _compiled(link: HostLink, compile_: Callable[[], Payload]) -> Payload:
    """Compile, and render once, so that what a shell cannot carry is found before anything is uploaded."""
    try:
        payload = compile_()
        render(link.shell, payload.prepare)
        render(link.shell, payload.network)
    except ValueError as error:
        raise RecipeFault(
            link.subject, f"its preparation cannot be written down ({error})", "look for a percent sign in its paths"
        ) from error
    return payload


def _target(plan: PreparationPlan, steam: str) -> Target:
    console = plan.console
    account = rf"{console.domain}\{console.user}" if console.domain else console.user
    folders = {
        "profile": console.profile,
        "local": console.local,
        "roaming": console.roaming,
        # The two that have no variable of their own stand beside those that have.
        "local_low": rf"{console.profile}\AppData\LocalLow",
        "program_files_x86": rf"{plan.program_data[:2]}\Program Files (x86)",
        "program_data": plan.program_data,
    }
    return Target(
        user_hive=rf"HKEY_USERS\{console.sid}" if console.sid else "HKEY_CURRENT_USER",
        session=console.session_id,
        task_user="" if console.same_as_login else account,
        folders=folders | ({"steam": steam} if steam else {}),
    )


async def find_steam(link: HostLink) -> str:
    """Ask where Steam is installed; empty: it is not."""
    return _steam_folder(sections((await link.run(_STEAM_QUESTION)).stdout))


def _steam_folder(parts: dict[str, str]) -> str:
    key = registry_keys(parts.get(_STEAM_SECTION, "")).get(_STEAM_PATH)
    found = key.text("InstallPath").rstrip("\\") if key else ""
    # Left over from an old installation it may be anything.
    return found if re.fullmatch(r"[A-Za-z]:\\[^%\"]+", found) else ""


def _uses_steam(plan: PreparationPlan) -> bool:
    return any(
        getattr(step, "path", "").startswith("{steam}")
        for recipe in plan.recipes
        if recipe.enabled
        for step in selected(recipe, plan.level)
    )


def _shadow_steps(volumes: frozenset[str], entered: frozenset[str], after: Protection) -> Iterable[StepResult]:
    for letter in sorted(volumes):
        step = f"shadow.{letter}"
        if after.shadowed is None:
            yield StepResult(step, StepOutcome.FAILED, str(after.fault or "its list was not seen"), must=True)
        elif letter not in after.shadowed:
            yield StepResult(step, StepOutcome.FAILED, "left Shadow Mode while the station was prepared", must=True)
        else:
            yield StepResult(step, StepOutcome.CHANGED if letter in entered else StepOutcome.CLEAN, must=True)


def _tell(subject: str, report: PreparationReport, level: int) -> None:
    if report.fault:
        log.log(level, "%s: not prepared: %s", subject, report.fault)
        return
    failed = [step for step in report.steps if step.outcome is StepOutcome.FAILED]
    for step in failed:
        log.log(level, "%s: %s%s: %s", subject, step.name, " (must)" if step.must else "", step.reason)
    log.log(
        logging.INFO if report.prepared else min(level, logging.INFO),
        "%s: %s in %.1f s with %d commands: %d steps changed, %d failed",
        subject,
        "prepared" if report.prepared else "not prepared",
        report.seconds,
        report.commands,
        sum(step.outcome is StepOutcome.CHANGED for step in report.steps),
        len(failed),
    )
