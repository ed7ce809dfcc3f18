"""Evidence against expectation: what the station printed becomes one result for each step. Pure.

Presence is not enough: a policy counts when it reads back with its type and data. Whatever was not seen to its end is a failure with
that reason, never a success.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drova_gate.core.model import StepOutcome, StepResult
from drova_gate.host.commands import sections
from drova_gate.host.parse import (
    Process,
    RegistryKey,
    RegistryKeys,
    labels,
    processes,
    registry_keys,
    step_lines,
)
from drova_gate.steps.confirm_network import confirm_network
from drova_gate.steps.payload import Expected, ExpectedKill, ExpectedRegistry, ExpectedRegistryStep
from drova_gate.steps.registry_file import RegistryEdit
from drova_gate.steps.registry_steps import Read, branch_covers, fault_of, is_there, makers_key, read_index, to_do
from drova_gate.steps.target import Target

__all__ = ["Later", "confirm", "left_over"]

_NOT_SEEN = "not seen: the script did not come to its end"
_WIPE_DONE = "@@ wipe done"
_SERVICE_MISSING = 1060
"""Windows error of sc.exe: there is no such service."""
_SERVICE_NOT_RUNNING = 1062

_REASONS = {
    "held": "still in use, it could not be deleted",
    "appeared": "came up while it was being looked at",
    "directory": "a directory of that name, left alone",
    "file": "a file of that name, left alone",
}


@dataclass(frozen=True, slots=True)
class Later:
    """What was read of the registry in further passes."""

    roots: tuple[str, ...] = ()
    keys: tuple[RegistryKey, ...] = ()
    earlier: tuple["Later", ...] = ()
    """The same before each further pass: what it showed, the next pass may have taken away."""

    def after(self, roots: Iterable[str], keys: RegistryKeys) -> "Later":
        """Put one more pass on top: what it read anew replaces what was read before."""
        listed = tuple(roots)
        kept = (key for key in self.keys if not any(branch_covers(root, key.path) for root in listed))
        return Later((*self.roots, *listed), (*kept, *keys.keys), (*self.earlier, self))


def confirm(expected: Expected, prepare: str, network: str, later: "Later | None" = None) -> tuple[StepResult, ...]:
    """Compare what the commands printed with what was to be done; ``later``: what a second pass over the registry read."""
    whole = _whole(expected, prepare)
    parts = sections(prepare)
    running = processes(parts["processes"]) if "processes" in parts else None
    before = processes(parts["first"]) if "first" in parts else None
    read = _read(expected, prepare)
    again = None if read is None else _joined(read, later)
    return (
        *expected.settled,
        *_wiped_files(expected.files, prepare, whole=whole),
        *(_killed(each, running, before, labels(prepare)) for each in expected.killed),
        *_stopped(expected, network),
        *(_wiped(each, expected, read, again, later) for each in expected.wiped),
        *(_registry(each, read) for each in expected.registry),
        *_reported(expected.markers, prepare, whole=whole),
        _explorer(expected.session, running),
        *confirm_network(expected, network),
    )


def left_over(
    expected: Expected, prepare: str, later: "Later | None" = None
) -> tuple[tuple[RegistryEdit, ...], tuple[str, ...]]:
    """List what the read-back shows is still to be done in the registry, and the branches to be read (again) for it.

    Empty when all is as wanted; a branch without edits is one that came up after it was looked for, and was not read yet.
    """
    read, target = _read(expected, prepare), expected.target
    if not read or target is None:
        return (), ()
    read = _joined(read, later)
    edits, roots = list[RegistryEdit](), dict[str, None]()
    for each in expected.wiped:
        key = target.key(each.step.key)
        if _unread(key, expected, read, later):
            roots[makers_key(key)] = None
        elif not _not_installed(each, target, read) and (left := to_do(each.step, target, read)):
            edits += left
            roots |= dict.fromkeys(edit.key for edit in left)
    return tuple(dict.fromkeys(edits)), tuple(roots)


def _whole(expected: Expected, prepare: str) -> bool:
    told = labels(prepare)
    ended = not expected.files or told.get("wipe") == "done"
    return (
        ended
        and told.get("finished") == "prepare"
        and all(told.get(f"lane.{lane}") == "done" for lane in expected.lanes)
    )


def _read(expected: Expected, prepare: str) -> Read | None:
    parts = sections(prepare)
    if not _whole(expected, prepare) or "registry" not in parts:
        return None
    return read_index(registry_keys(parts["registry"]))


def _joined(read: Read, later: "Later | None") -> Read:
    """Put what was read later in the place of the branches that were read anew: a key that is gone is not printed."""
    if later is None:
        return read
    kept = {path: key for path, key in read.items() if not any(branch_covers(root, path) for root in later.roots)}
    return kept | read_index(RegistryKeys(later.keys))


def _unread(key: str, expected: Expected, read: Read, later: "Later | None" = None) -> bool:
    """Whether a maker's key is there that was not foreseen, so that what is below it was not read."""
    maker = makers_key(key)
    if not maker or maker.casefold() not in read:
        return False
    wanted = key.partition("\\*")[0]
    seen = (
        *(root for root in expected.foreseen if makers_key(f"{root}\\x") != f"{root}\\x"),
        *(later.roots if later else ()),
    )
    return not any(branch_covers(root, wanted) for root in seen)


def _wiped_files(names: Iterable[str], output: str, *, whole: bool) -> Iterable[StepResult]:
    """Read the wipe's own lines; it runs twice and more, and prints nothing for what it did not find.

    The last look decides; what an earlier one found, held or not, and the last one did not has gone.
    """
    *looks, _ = output.split(_WIPE_DONE)
    seen = [{line.name: line for line in step_lines(look)} for look in looks]
    for name in names:
        if not whole or not seen:
            yield StepResult(name, StepOutcome.FAILED, _NOT_SEEN)
            continue
        last = seen[-1].get(name)
        earlier = [look[name].outcome for look in seen[:-1] if name in look and look[name].outcome != "clean"]
        if last is not None and last.outcome != "clean":
            yield StepResult(name, StepOutcome(last.outcome), _REASONS.get(last.code, last.code))
        elif "skipped" in earlier:
            yield StepResult(name, StepOutcome.SKIPPED, "has gone since")
        else:
            yield StepResult(name, StepOutcome.CHANGED if earlier else StepOutcome.CLEAN)


def _reported(names: Iterable[str], output: str, *, whole: bool) -> Iterable[StepResult]:
    """Read the script's own lines of steps that must print one."""
    found = {line.name: line for line in step_lines(output)}
    for name in names:
        line = found.get(name)
        if line is None or not whole:
            yield StepResult(name, StepOutcome.FAILED, _NOT_SEEN, must=True)
        else:
            yield StepResult(name, StepOutcome(line.outcome), _REASONS.get(line.code, line.code), must=True)


def _killed(
    expected: ExpectedKill,
    running: tuple[Process, ...] | None,
    before: tuple[Process, ...] | None,
    told: Mapping[str, str],
) -> StepResult:
    if running is None:
        return StepResult(expected.step, StepOutcome.FAILED, _NOT_SEEN)
    wanted = {image.casefold() for image in expected.images}
    alive = {process.name for process in running if process.name.casefold() in wanted}
    ended = any(process.name.casefold() in wanted for process in before or ())
    for image, rule in expected.under:
        killed, _, left = told.get(f"under.{rule}", "").partition(" ")
        ended = ended or killed not in ("", "0")
        there = any(process.name.casefold() == image.casefold() for process in running)
        looked_for = any(process.name.casefold() == image.casefold() for process in before or ())
        # A name that was not there at first is a stranger's as likely as ours: only one that was looked at counts.
        if there and looked_for and left != "0":
            alive.add(image)
    if alive:
        return StepResult(expected.step, StepOutcome.FAILED, f"still running: {', '.join(sorted(alive))}")
    return StepResult(expected.step, StepOutcome.CHANGED if ended else StepOutcome.CLEAN)


def _stopped(expected: Expected, network: str) -> Iterable[StepResult]:
    codes = labels(network)
    for step in expected.stopped:
        code = _number(codes.get(f"code.{step}"))
        if code == 0:
            yield StepResult(step, StepOutcome.CHANGED)
        elif code in (_SERVICE_MISSING, _SERVICE_NOT_RUNNING):
            yield StepResult(step, StepOutcome.CLEAN)
        else:
            yield StepResult(step, StepOutcome.FAILED, _NOT_SEEN if code is None else f"sc.exe stop ended with {code}")


def _wiped(
    each: ExpectedRegistryStep, expected: Expected, read: Read | None, again: Read | None, later: "Later | None"
) -> StepResult:
    # Without a single key read, reg.exe itself may be barred: then absence proves nothing.
    if not read or not again or expected.target is None:
        return StepResult(each.name, StepOutcome.FAILED, "the registry could not be read back")
    if _unread(expected.target.key(each.step.key), expected, again, later):
        return StepResult(each.name, StepOutcome.FAILED, "came up while it was being looked at")
    if _not_installed(each, expected.target, again):
        return StepResult(each.name, StepOutcome.SKIPPED, "its key is not there: not installed")
    left = to_do(each.step, expected.target, again)
    if left:
        faults = (fault_of(edit, again) for edit in left)
        return StepResult(each.name, StepOutcome.FAILED, "; ".join(fault for fault in faults if fault))
    states = (read, *(_joined(read, pass_) for pass_ in (later.earlier if later else ())))
    changed = each.changed or any(to_do(each.step, expected.target, state) for state in states)
    return StepResult(each.name, StepOutcome.CHANGED if changed else StepOutcome.CLEAN)


def _not_installed(each: ExpectedRegistryStep, target: Target, read: Read) -> bool:
    """Whether a value is not to be set because its key neither was there nor came up since."""
    return each.absent and not is_there(target.key(each.step.key), read)


def _registry(expected: ExpectedRegistry, read: Read | None) -> StepResult:
    if not read:
        return StepResult(expected.step, StepOutcome.FAILED, "the registry could not be read back", expected.must)
    wrong = [fault for edit in expected.edits if (fault := fault_of(edit, read))]
    if wrong:
        return StepResult(expected.step, StepOutcome.FAILED, "; ".join(wrong), expected.must)
    return StepResult(expected.step, StepOutcome.CHANGED, must=expected.must)


def _explorer(session: int, running: tuple[Process, ...] | None) -> StepResult:
    step = "lockdown.explorer"
    if running is None:
        return StepResult(step, StepOutcome.FAILED, _NOT_SEEN, must=True)
    shells = [process.session for process in running if process.name.casefold() == "explorer.exe"]
    if shells == [session]:
        return StepResult(step, StepOutcome.CHANGED, must=True)
    where = f"it runs in sessions {', '.join(map(str, shells))}" if shells else "it did not come back"
    return StepResult(step, StepOutcome.FAILED, f"{where}, not once in the console session {session}", must=True)


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
