r"""What a preparation left on a station, and what is to be done about it. Pure: answers in, a plan out.

Ours is a value that holds exactly what a switch of the lockdown writes. The switches that are on speak for themselves; a value that only
a switched-off one would write (an earlier setting, or the owner's own choice), a disabled service and a group that is off are taken for
ours only beside another trace of a preparation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from drova_gate.host.commands import Run, Script, Section, sections
from drova_gate.host.marks import MARKER_KEY, full_path, marker_file
from drova_gate.host.parse import RegistryKeys, labels, registry_keys
from drova_gate.steps.compile_lockdown import RULE_NAME, lockdown_registry
from drova_gate.steps.compile_undo import Undoing, undone_marker, undone_policy
from drova_gate.steps.frame import TASK, policy_roots
from drova_gate.steps.lockdown_switches import BlockedPrograms, FirewallGroup, Lockdown, PolicyValue, Service
from drova_gate.steps.payload import ExpectedRegistry
from drova_gate.steps.registry_file import KeyGone, RegistryEdit, ValueGone
from drova_gate.steps.target import Target

__all__ = ["Finding", "RepairPlan", "Verb", "plan_repair", "question"]

_RULES_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
"""Where Windows keeps its firewall's rules, without a translated word; it can be read with the firewall's service off, too."""
_PROOF_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
"""A key that is always there: when it reads, what is not found is really missing."""
_DISABLED = "4"
"""SERVICE_DISABLED, as ``sc.exe qc`` numbers the ways of starting; the word after it is a constant of Windows, not translated."""


class Verb(StrEnum):
    """What is done about a finding."""

    REMOVE = "remove"
    RESTORE = "restore"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing on the station."""

    verb: Verb
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """Everything found, and the undoing of what is ours."""

    findings: tuple[Finding, ...]
    undoing: Undoing

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return any(finding.verb is not Verb.KEEP for finding in self.findings)


def question(switches: Lockdown, target: Target) -> Script:
    """Ask for everything that a preparation writes; changes nothing."""
    roots = policy_roots(lockdown_registry(switches, target))
    return (
        Section("proof", (Run("reg.exe", ("query", _PROOF_KEY, "/v", "CurrentBuildNumber")),)),
        Section(
            "policies", tuple(Run("reg.exe", ("query", key, *(("/s",) if deep else ()))) for key, deep in roots.items())
        ),
        Section("rules", (_find_rules(f"Name={RULE_NAME}"),)),
        Section("groups", tuple(_find_rules(f"EmbedCtxt={group.group}") for group in switches.groups)),
        *(Section(f"service.{each.name}", (Run("sc.exe", ("qc", each.service)),)) for each in switches.services),
        Section("marker", (Run("reg.exe", ("query", MARKER_KEY)),)),
        Section("task", (Run("schtasks.exe", ("/query", "/tn", TASK), label="task"),)),
    )


def _find_rules(text: str) -> Run:
    return Run("reg.exe", ("query", _RULES_KEY, "/f", text, "/d"))


def plan_repair(
    switches: Lockdown, target: Target, answer: str, *, markers: frozenset[str], home: bool
) -> RepairPlan | None:
    """Compare the answer to ``question`` with what the switches write; ``None``: the registry was not readable.

    ``markers`` are the volumes that hold our marker file, ``home`` says that the folder of uploaded scripts is there.
    """
    parts = sections(answer)
    if not registry_keys(parts.get("proof", "")) or "task" not in parts:
        return None
    policies = registry_keys(parts.get("policies", ""))
    marker = registry_keys(parts.get("marker", "")).get(full_path(MARKER_KEY)) is not None
    rules = len(_rules(parts.get("rules", ""), f"Name={RULE_NAME}"))
    task = labels(answer).get("task") == "ok"
    found = _Found()
    for policy in switches.policies:
        found.policy(policy, target, policies)
    for blocked in switches.blocked:
        found.blocked(blocked, target, policies)
    trace = bool(found.certain or marker or markers or rules or task or home)
    found.settle(trace=trace)
    off = [group for group in switches.groups if _is_off(group, parts.get("groups", ""))]
    disabled = [each for each in switches.services if _is_disabled(parts.get(f"service.{each.name}", ""))]
    findings = (
        *found.findings,
        *([Finding(Verb.REMOVE, "firewall", f"{rules} rule(s) named {RULE_NAME}")] if rules else []),
        *(_restored(group, f"all rules of {group.group} are off; all of them go on", trace=trace) for group in off),
        *(_restored(each, f"{each.service} is disabled; it starts on {each.normal}", trace=trace) for each in disabled),
        *_marks(target, markers, marker=marker, task=task, home=home),
    )
    undoing = Undoing(
        registry=(*found.certain, *([undone_marker()] if marker else [])),
        rules=bool(rules),
        groups=tuple(group for group in off if trace and group.enabled),
        services=tuple(each for each in disabled if trace and each.enabled),
        markers=markers,
        task=task,
    )
    return RepairPlan(findings, undoing)


class _Found:
    """Registry findings, gathered: certain ones, and those that need another trace."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.certain: list[ExpectedRegistry] = []
        self._doubtful: list[tuple[Finding, ExpectedRegistry]] = []

    def policy(self, policy: PolicyValue, target: Target, keys: RegistryKeys) -> None:
        key = keys.get(target.key(policy.key))
        value = key.value(policy.value) if key else None
        if value is None:
            return
        name, place = f"lockdown.{policy.name}", f"{policy.key} : {policy.value}"
        held = value.number if value.kind == "REG_DWORD" else value.data
        if value.kind != policy.kind or held != policy.data:
            if policy.enabled and held != policy.normal:
                self.findings.append(Finding(Verb.KEEP, name, f"{place} is {held}, not ours ({policy.data})"))
            return
        verb = Verb.REMOVE if policy.normal is None else Verb.RESTORE
        becomes = "" if policy.normal is None else f", becomes {policy.normal}"
        finding = Finding(verb, name, f"{place} = {policy.data}{becomes}")
        undone = undone_policy(policy, target)
        if policy.enabled:
            self.findings.append(finding)
            self.certain.append(undone)
        else:
            self._doubtful.append((finding, undone))

    def blocked(self, blocked: BlockedPrograms, target: Target, keys: RegistryKeys) -> None:
        key, listed = keys.get(target.key(blocked.key)), keys.get(target.key(blocked.list_key))
        switch = key.value(blocked.value) if key else None
        entries = listed.values if listed else ()
        programs = {program.casefold() for program in blocked.programs}
        ours = [each for each in entries if each.name.isdecimal() and each.data.casefold() in programs]
        others = [each for each in entries if each not in ours]
        name = f"lockdown.{blocked.name}"
        if others:
            shown = ", ".join(each.data for each in others[:3]) + (" ..." if len(others) > 3 else "")
            self.findings.append(
                Finding(Verb.KEEP, name, f"{blocked.list_key} holds entries that are not ours: {shown}")
            )
        edits: list[RegistryEdit] = [ValueGone(target.key(blocked.list_key), each.name) for each in ours]
        if not others:
            edits = [KeyGone(target.key(blocked.list_key))] if listed else []
            edits += [ValueGone(target.key(blocked.key), blocked.value)] if switch and switch.number == 1 else []
        if edits:
            what = f"{blocked.list_key}: {len(ours)} programs" + ("" if others else ", the list and its switch")
            self.findings.append(Finding(Verb.REMOVE, name, what))
            self.certain.append(ExpectedRegistry(name, tuple(edits), blocked.must))

    def settle(self, *, trace: bool) -> None:
        """Decide about what only a switched-off switch would write."""
        for finding, undone in self._doubtful:
            if trace:
                self.findings.append(replace(finding, what=f"{finding.what} (switched off now)"))
                self.certain.append(undone)
            else:
                what = f"{finding.what}: the switch is off and nothing else of ours is here, so it is the owner's"
                self.findings.append(Finding(Verb.KEEP, finding.name, what))


def _rules(listing: str, part: str) -> list[str]:
    """Rules of a registry search that hold exactly this part; the search itself takes it anywhere in the text."""
    return [
        value.data
        for key in registry_keys(listing).keys
        for value in key.values
        if part.casefold() in value.data.casefold().split("|")
    ]


def _is_off(group: FirewallGroup, listing: str) -> bool:
    """Whether the group has rules, and not one of them is active."""
    listed = _rules(listing, f"EmbedCtxt={group.group}")
    return bool(listed) and not any("|Active=TRUE|" in rule for rule in listed)


def _is_disabled(configuration: str) -> bool:
    """Whether ``sc.exe qc`` says that the service is disabled."""
    return any(line.split()[-2:] == [_DISABLED, "DISABLED"] for line in configuration.splitlines())


def _restored(switch: FirewallGroup | Service, what: str, *, trace: bool) -> Finding:
    if trace and switch.enabled:
        return Finding(Verb.RESTORE, f"lockdown.{switch.name}", what)
    return Finding(Verb.KEEP, f"lockdown.{switch.name}", f"{what.partition(';')[0]}; nothing says that it was us")


def _marks(target: Target, markers: frozenset[str], *, marker: bool, task: bool, home: bool) -> Iterable[Finding]:
    if marker:
        yield Finding(Verb.REMOVE, "marker", MARKER_KEY)
    for letter in sorted(markers):
        yield Finding(Verb.REMOVE, "marker", marker_file(letter))
    if task:
        yield Finding(Verb.REMOVE, "task", f"the scheduled task {TASK}")
    if home:
        yield Finding(Verb.REMOVE, "scripts", target.home)
