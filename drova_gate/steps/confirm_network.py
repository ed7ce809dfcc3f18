"""The network part's evidence against expectation: rules, groups and services. Pure.

Labels of netsh are translated. Read are our own name, the ports, the addresses, and the count in its closing line.
"""

from collections.abc import Iterable

from drova_gate.core.model import StepOutcome, StepResult
from drova_gate.host.commands import sections
from drova_gate.host.parse import labels
from drova_gate.steps.compile_lockdown import RULE_NAME
from drova_gate.steps.lan import listed_ranges
from drova_gate.steps.payload import Expected, ExpectedRule

__all__ = ["confirm_network", "listed_rules"]

_NOT_SEEN = "not seen: the script did not come to its end"
_SERVICE_MISSING = 1060
"""Windows error of sc.exe: there is no such service."""


def confirm_network(expected: Expected, network: str) -> Iterable[StepResult]:
    """Compare what the network part printed with what was to be done."""
    listing = sections(network).get("firewall")
    for rule in expected.rules:
        yield _rule(rule, listing)
    for group in expected.groups:
        yield _group(group, listing)
    codes = labels(network)
    for service in expected.services:
        code = codes.get(f"code.{service.step}", "")
        if code == "0":
            yield StepResult(service.step, StepOutcome.CHANGED, must=service.must)
        elif code == str(_SERVICE_MISSING):
            yield StepResult(service.step, StepOutcome.SKIPPED, "there is no such service", service.must)
        else:
            reason = f"sc.exe config ended with {code}" if code.lstrip("-").isdecimal() else _NOT_SEEN
            yield StepResult(service.step, StepOutcome.FAILED, reason, service.must)


def listed_rules(listing: str) -> tuple[str, ...]:
    """Take our rules out of netsh's list, each as the text below its name."""
    lines = listing.splitlines()
    # A line of dashes follows each name: the one thing there that no language changes.
    heads = [at - 1 for at, line in enumerate(lines) if at and len(line) > 3 and not line.strip("-")]
    ends = [*heads, len(lines)][1:]
    return tuple(
        "\n".join(lines[head + 2 : end])
        for head, end in zip(heads, ends, strict=True)
        if lines[head].split()[-1:] == [RULE_NAME]
    )


def _rule(rule: ExpectedRule, listing: str | None) -> StepResult:
    if listing is None:
        return StepResult(rule.step, StepOutcome.FAILED, _NOT_SEEN, rule.must)
    of_these_ports = [text for text in listed_rules(listing) if not rule.ports or rule.ports in _last_words(text)]
    if any(listed_ranges(text) == rule.remote for text in of_these_ports):
        return StepResult(rule.step, StepOutcome.CHANGED, must=rule.must)
    return StepResult(
        rule.step, StepOutcome.FAILED, "netsh does not list the rule: is the Windows Firewall service on?", rule.must
    )


def _last_words(text: str) -> set[str]:
    return {words[-1] for line in text.splitlines() if (words := line.split())}


def _group(step: str, listing: str | None) -> StepResult:
    """Look for netsh's closing count (``Updated 24 rule(s).`` in any language) after the list of our rules."""
    if listing is None:
        return StepResult(step, StepOutcome.FAILED, _NOT_SEEN)
    tail = listing.splitlines()[-4:]
    if any(word.rstrip(".").isdecimal() and int(word.rstrip(".")) for line in tail for word in line.split()):
        return StepResult(step, StepOutcome.CHANGED)
    return StepResult(step, StepOutcome.FAILED, "netsh found no rule of that group")
