"""Evidence against expectation: what the station printed becomes one result for each step. Pure.

Presence is not enough: a policy counts when it reads back with its type and data. Whatever was not seen to its end is a failure with
that reason, never a success.
"""

from collections.abc import Iterable

from drova_gate.core.model import StepOutcome, StepResult
from drova_gate.host.commands import sections
from drova_gate.host.parse import Process, RegistryKeys, labels, processes, registry_keys, step_lines
from drova_gate.steps.compile_lockdown import RULE_NAME
from drova_gate.steps.payload import Expected, ExpectedRegistry, ExpectedRule
from drova_gate.steps.registry_file import KeyGone, RegistryEdit, ValueGone, ValueSet

__all__ = ["confirm"]

_NOT_SEEN = "not seen: the script did not come to its end"
_SERVICE_MISSING = 1060
"""Windows error of sc.exe: there is no such service."""
_SERVICE_NOT_RUNNING = 1062

_REASONS = {
    "held": "still in use, it could not be deleted",
    "appeared": "came up while it was being looked at",
    "directory": "a directory of that name, left alone",
    "file": "a file of that name, left alone",
}


def confirm(expected: Expected, prepare: str, network: str) -> tuple[StepResult, ...]:
    """Compare what the two commands printed with what was to be done."""
    whole = labels(prepare).get("finished") == "prepare"
    parts = sections(prepare)
    running = processes(parts["processes"]) if "processes" in parts else None
    registry = registry_keys(parts["registry"]) if whole and "registry" in parts else None
    return (
        *expected.settled,
        *_reported(expected.files, prepare, whole=whole, must=False),
        *_killed(expected, running),
        *_stopped(expected, prepare),
        *(_registry(each, registry) for each in expected.registry),
        *_reported(expected.markers, prepare, whole=whole, must=True),
        _explorer(expected.session, running),
        *_network(expected, network),
    )


def _reported(names: Iterable[str], output: str, *, whole: bool, must: bool) -> Iterable[StepResult]:
    """Read the script's own lines: the last look decides, an earlier change is not forgotten."""
    found: dict[str, StepResult] = {}
    for line in step_lines(output):
        outcome = StepOutcome(line.outcome)
        earlier = found.get(line.name)
        if outcome is StepOutcome.CLEAN and earlier is not None and earlier.outcome is not StepOutcome.CLEAN:
            outcome = StepOutcome.CHANGED if earlier.outcome is not StepOutcome.SKIPPED else StepOutcome.SKIPPED
        found[line.name] = StepResult(line.name, outcome, _REASONS.get(line.code, line.code), must)
    for name in names:
        seen = found.get(name)
        yield seen if seen is not None and whole else StepResult(name, StepOutcome.FAILED, _NOT_SEEN, must)


def _killed(expected: Expected, running: tuple[Process, ...] | None) -> Iterable[StepResult]:
    for step, images in expected.killed:
        if running is None:
            yield StepResult(step, StepOutcome.FAILED, _NOT_SEEN)
            continue
        wanted = {image.casefold() for image in images}
        alive = sorted({process.name for process in running if process.name.casefold() in wanted})
        if alive:
            yield StepResult(step, StepOutcome.FAILED, f"still running: {', '.join(alive)}")
        else:
            yield StepResult(step, StepOutcome.CLEAN)


def _stopped(expected: Expected, prepare: str) -> Iterable[StepResult]:
    codes = labels(prepare)
    for step in expected.stopped:
        code = _number(codes.get(f"code.{step}"))
        if code == 0:
            yield StepResult(step, StepOutcome.CHANGED)
        elif code in (_SERVICE_MISSING, _SERVICE_NOT_RUNNING):
            yield StepResult(step, StepOutcome.CLEAN)
        else:
            yield StepResult(step, StepOutcome.FAILED, _NOT_SEEN if code is None else f"sc.exe stop ended with {code}")


def _registry(expected: ExpectedRegistry, found: RegistryKeys | None) -> StepResult:
    # Without a single key read, reg.exe itself may be barred: then absence proves nothing.
    if not found:
        return StepResult(expected.step, StepOutcome.FAILED, "the registry could not be read back", expected.must)
    wrong = [fault for edit in expected.edits if (fault := _edit_fault(edit, found))]
    if wrong:
        return StepResult(expected.step, StepOutcome.FAILED, "; ".join(wrong), expected.must)
    return StepResult(expected.step, StepOutcome.CHANGED, must=expected.must)


def _edit_fault(edit: RegistryEdit, found: RegistryKeys) -> str:
    key = found.get(edit.key)
    match edit:
        case KeyGone():
            return f"{edit.key} is still there" if key is not None or found.below(edit.key) else ""
        case ValueGone(name=name):
            return f"{name} is still there" if key is not None and key.value(name) is not None else ""
        case ValueSet(name=name, kind=kind, data=data):
            value = key.value(name) if key is not None else None
            if value is None:
                return f"{name} is not there"
            same = value.number == data if isinstance(data, int) else value.data == data
            return "" if value.kind == kind and same else f"{name} reads back as {value.kind} {value.data}, not {data}"


def _explorer(session: int, running: tuple[Process, ...] | None) -> StepResult:
    step = "lockdown.explorer"
    if running is None:
        return StepResult(step, StepOutcome.FAILED, _NOT_SEEN, must=True)
    shells = [process.session for process in running if process.name.casefold() == "explorer.exe"]
    if shells == [session]:
        return StepResult(step, StepOutcome.CHANGED, must=True)
    where = f"it runs in sessions {', '.join(map(str, shells))}" if shells else "it did not come back"
    return StepResult(step, StepOutcome.FAILED, f"{where}, not once in the console session {session}", must=True)


def _network(expected: Expected, network: str) -> Iterable[StepResult]:
    listing = sections(network).get("firewall")
    for rule in expected.rules:
        yield _rule(rule, listing)
    for group in expected.groups:
        yield _group(group, listing)
    codes = labels(network)
    for service in expected.services:
        code = _number(codes.get(f"code.{service.step}"))
        if code == 0:
            yield StepResult(service.step, StepOutcome.CHANGED, must=service.must)
        elif code == _SERVICE_MISSING:
            yield StepResult(service.step, StepOutcome.SKIPPED, "there is no such service", service.must)
        else:
            reason = _NOT_SEEN if code is None else f"sc.exe config ended with {code}"
            yield StepResult(service.step, StepOutcome.FAILED, reason, service.must)


def _rule(rule: ExpectedRule, listing: str | None) -> StepResult:
    """Find the rule in netsh's own list: its labels are translated, our name and the port list are not."""
    if listing is None:
        return StepResult(rule.step, StepOutcome.FAILED, _NOT_SEEN, rule.must)
    last_words = [words[-1] for line in listing.splitlines() if (words := line.split())]
    if RULE_NAME in last_words and rule.ports in last_words:
        return StepResult(rule.step, StepOutcome.CHANGED, must=rule.must)
    return StepResult(
        rule.step, StepOutcome.FAILED, "netsh does not list the rule: is the Windows Firewall service on?", rule.must
    )


def _group(step: str, listing: str | None) -> StepResult:
    """Look for netsh's closing count (``Updated 24 rule(s).`` in any language) after the list of our rules."""
    if listing is None:
        return StepResult(step, StepOutcome.FAILED, _NOT_SEEN)
    tail = listing.splitlines()[-4:]
    if any(word.rstrip(".").isdecimal() and int(word.rstrip(".")) for line in tail for word in line.split()):
        return StepResult(step, StepOutcome.CHANGED)
    return StepResult(step, StepOutcome.FAILED, "netsh found no rule of that group")


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
