"""The passes over the station: protect, upload, prepare and network side by side, confirm.

Nothing is uploaded, wiped or locked before the protector's own list shows every wanted volume.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from drova_gate.core.model import PreparationReport, StepOutcome, StepResult
from drova_gate.errors import CallOwner, GateError, NotConfirmed, OutcomeUnknown, StationUnreachable
from drova_gate.host.commands import Script, sections
from drova_gate.host.identity import Console
from drova_gate.host.link import HostLink
from drova_gate.host.parse import RegistryKeys, registry_keys
from drova_gate.host.sent import sent_here
from drova_gate.protect.protector import Protection, Protector
from drova_gate.steps.compile import PREPARED_FILE, compile_again, compile_check, compile_preparation
from drova_gate.steps.compile_steps import Originals, originals_wanted
from drova_gate.steps.confirm import Later, confirm, left_over
from drova_gate.steps.found import Found, find_places, found_scripts, read_found
from drova_gate.steps.lan import NEIGHBOURS_QUESTION, around, asks, read_neighbours
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.payload import Payload
from drova_gate.steps.recipes import Level, Recipe
from drova_gate.steps.side_by_side import both, compiled, read_files, read_folders, side_by_side
from drova_gate.steps.target import Target, target_of

__all__ = ["PreparationPlan", "compiled", "prepare", "side_by_side", "target_of"]

log = logging.getLogger(__name__)

PROTECT_SECONDS = 60.0
"""Four calls of the protector's program; entering a volume with many open files has been seen to take 10 s."""
AGAIN_SECONDS = 30.0
_SECOND_LOOKS = 2
"""Passes over the registry for what came up since it was looked up: the first may find a branch, the second what is in it."""


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
    found: Found | None = None
    """What ``find_places`` found earlier; ``None``: looked for on the way."""


@dataclass(slots=True)
class _Progress:
    """What is known so far: a fault half-way must not lose it."""

    shadowed: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()
    steps: list[StepResult] = field(default_factory=list)
    fault: str = ""
    passing: bool = False


async def prepare(
    link: HostLink, protector: Protector, plan: PreparationPlan, *, again: bool = False
) -> PreparationReport:
    """Prepare the station for a session; whatever goes wrong stands in the report, so that it may simply be tried again.

    ``again``: an earlier try has said loudly what is wrong.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    progress = _Progress()
    try:
        with sent_here() as sent:
            await _prepare(link, protector, plan, progress)
    except OutcomeUnknown as error:
        progress.fault = f"unknown, will look again: {error}"
        progress.passing = True
    except GateError as error:
        progress.fault = str(error)
        progress.passing = isinstance(error, StationUnreachable)
    report = PreparationReport(
        session=plan.session,
        marker=plan.marker,
        shadowed=progress.shadowed,
        entered=progress.entered,
        steps=tuple(progress.steps),
        commands=sent.commands,
        seconds=clock() - began,
        fault=progress.fault,
        passing=progress.passing,
    )
    _tell(link.subject, report, logging.DEBUG if again else logging.WARNING)
    return report


async def _prepare(link: HostLink, protector: Protector, plan: PreparationPlan, progress: _Progress) -> None:
    if protector.forgets and not plan.volumes:
        raise NotConfirmed(link.subject, "no volume is named to be protected", "set SHADOW_DEFENDER_DRIVES")
    draft = _Draft(link, plan)
    await _protect(link, protector, draft, progress)
    if draft.wiped_for == plan.marker:
        steps, after = await _check(link, protector, draft)
        if all(step.outcome is not StepOutcome.FAILED for step in steps if step.must):
            progress.shadowed = after.shadowed or frozenset()
            kept = (
                replace(step, outcome=StepOutcome.CLEAN) if step.outcome is StepOutcome.CHANGED else step
                for step in steps
            )
            progress.steps += [*_shadow_steps(plan.volumes, progress.entered, after), *kept, *draft.unwritten]
            return
        if lacking := _lacking(plan, after):
            raise _not_shadowed(link.subject, lacking)
    payload = await draft.payload()
    await link.write_all(payload.files)
    done, network = await side_by_side(link, payload, protector.status())
    after, later = await _second_look(link, protector, draft, payload, done)
    progress.shadowed = after.shadowed or frozenset()
    progress.steps += [
        *_shadow_steps(plan.volumes, progress.entered, after),
        *confirm(payload.expected, done, network, later),
        *draft.unwritten,
    ]


class _Draft:
    """A preparation that is being written: what of it is known already is done while the protector's command runs."""

    def __init__(self, link: HostLink, plan: PreparationPlan) -> None:
        self.plan = plan
        self.lockdown = plan.lockdown
        self.unwritten: tuple[StepResult, ...] = ()
        self.wiped_for = ""
        """The marker of the session that this station was wiped for last, as its disk says."""
        self._link = link
        self._found = plan.found
        self._looks = () if plan.found is not None else tuple(found_scripts(link.shell, plan.recipes, plan.console))
        self._originals: Originals = {}
        self._payload: Payload | None = None

    @property
    def questions(self) -> Script:
        """What the station must still be asked."""
        script: Script = NEIGHBOURS_QUESTION if asks(self.plan.lockdown) else ()
        return script if self._found is not None or len(self._looks) != 1 else (*script, *self._looks[0])

    @property
    def target(self) -> Target:
        """The station as the compiler sees it."""
        found = self._found or Found()
        return target_of(self.plan.console, self.plan.program_data, found.documents, found.places)

    async def begin(self) -> None:
        """Read what is to be edited and compile, as far as nothing must be asked."""
        if not self.plan.enter:
            read = await read_files(self._link, [rf"{self.target.home}\{PREPARED_FILE}"])
            content = next(iter(read.values()))
            self.wiped_for = content.decode("ascii", "replace").strip() if isinstance(content, bytes) else ""
        if self._found is None and len(self._looks) != 1:
            # More than one command can carry: looked up beside the protector's.
            self._found = await find_places(self._link, self.plan.recipes, self.plan.console)
        if not self.questions:
            await self._compile()

    def answered(self, output: str) -> None:
        """Take the answers to ``questions``."""
        if self._found is None:
            self._found = read_found(sections(output), self.plan.recipes, self.plan.console)
        self.lockdown, self.unwritten = around(self.plan.lockdown, read_neighbours(output))

    async def payload(self) -> Payload:
        """Compile what could not be compiled earlier."""
        return self._payload or await self._compile()

    async def _compile(self) -> Payload:
        plan, target = self.plan, self.target
        files, folders = originals_wanted(plan.recipes, target, plan.level)
        read, listed = await both(lambda: read_files(self._link, files), lambda: read_folders(self._link, folders))
        self._payload = compiled(
            self._link,
            lambda: compile_preparation(
                plan.recipes,
                self.lockdown,
                target,
                level=plan.level,
                marker=plan.marker,
                boot_stamp=plan.boot_stamp,
                session=plan.session,
                volumes=plan.volumes,
                originals=read | listed,
                found=self._found,
                wiped=self.wiped_for == plan.marker,
            ),
        )
        return self._payload


async def _protect(link: HostLink, protector: Protector, draft: _Draft, progress: _Progress) -> None:
    """Enter Shadow Mode and write the preparation meanwhile; go on only when every wanted volume is in the list."""
    plan = draft.plan
    script: Script = protector.enter(plan.enter) if plan.enter else protector.status()
    # Until the answer is here those volumes may be in Shadow Mode by our doing, so they are ours to leave.
    progress.entered = plan.enter
    done, _ = await both(lambda: link.run((*script, *draft.questions), timeout=PROTECT_SECONDS), draft.begin)
    parts = sections(done.stdout)
    protection = protector.read_enter(parts, plan.enter) if plan.enter else protector.read_status(parts)
    progress.shadowed = protection.shadowed or frozenset()
    if protection.shadowed is not None:
        # What was in Shadow Mode when we came is the owner's own, begun since we looked last.
        progress.entered = plan.enter & progress.shadowed - (protection.before or frozenset())
    elif isinstance(protection.fault, CallOwner):
        progress.entered = frozenset()  # the program is missing, or refused its password: nothing was entered
    if protection.fault is not None:
        raise protection.fault
    if lacking := _lacking(plan, protection):
        raise _not_shadowed(link.subject, lacking)
    draft.answered(done.stdout)


async def _check(link: HostLink, protector: Protector, draft: _Draft) -> tuple[tuple[StepResult, ...], Protection]:
    """Look whether a station that was prepared for this session still is; nothing is killed, wiped or restarted."""
    payload = compile_check(await draft.payload(), draft.target)
    await link.write_all(payload.files)
    done, network = await side_by_side(link, payload, protector.status())
    return confirm(payload.expected, done, network), protector.read_status(sections(done))


async def _second_look(
    link: HostLink, protector: Protector, draft: _Draft, payload: Payload, done: str
) -> tuple[Protection, Later | None]:
    """Do what the read-back shows to be left in the registry; nothing left, which is usual, costs nothing.

    Each pass is followed by the protector's list, and none is begun once a volume is missing there.
    """
    after, later = protector.read_status(sections(done)), None
    for _ in range(_SECOND_LOOKS):
        edits, roots = left_over(payload.expected, done, later)
        if not roots or _lacking(draft.plan, after):
            break
        again = compiled(link, lambda edits=edits, roots=roots: compile_again(edits, roots, draft.target))  # type: ignore[misc]  # bound now
        await link.write_all(again.files)
        parts = sections((await link.run((*again.prepare, *protector.status()), timeout=AGAIN_SECONDS)).stdout)
        read = registry_keys(parts["registry"]) if "registry" in parts else RegistryKeys(())
        after, later = protector.read_status(parts), (later or Later()).after(roots, read)
    return after, later


def _lacking(plan: PreparationPlan, protection: Protection) -> frozenset[str]:
    """Wanted volumes that the protector's list does not show."""
    return plan.volumes - (protection.shadowed or frozenset())


def _not_shadowed(subject: str, lacking: frozenset[str]) -> NotConfirmed:
    letters = ", ".join(f"{letter}:" for letter in sorted(lacking))
    return NotConfirmed(
        subject,
        f"not in Shadow Mode: {letters}",
        "nothing is wiped, nothing locked from here on; look at the protector on the station",
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
