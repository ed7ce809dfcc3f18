"""The lockdown as registry values, a netsh script and service commands. Pure."""

from collections.abc import Iterable
from typing import Literal

from drova_gate.steps.lan import merged
from drova_gate.steps.lockdown_switches import FirewallRule, Lockdown
from drova_gate.steps.payload import ExpectedRegistry, ExpectedRule, ExpectedService
from drova_gate.steps.registry_file import ValueSet
from drova_gate.steps.target import Target

__all__ = [
    "DELETE_RULES",
    "HOME_NETWORK",
    "RULE_NAME",
    "lockdown_registry",
    "netsh_script",
    "network_lines",
    "network_script",
    "network_steps",
    "set_group",
    "set_service",
]

HOME_NETWORK = "network.txt"
"""The script for ``netsh -f``."""

RULE_NAME = "drova_gate"
"""One name for all our rules, so that one call deletes whatever an earlier preparation left."""

_QUIET = ">nul 2>nul"

# A call of its own: it fails when there is no such rule, and a netsh script may end at a failing line.
DELETE_RULES = f'netsh.exe advfirewall firewall delete rule name="{RULE_NAME}" {_QUIET}'
"""Takes all our rules away."""


def lockdown_registry(lockdown: Lockdown, target: Target) -> tuple[ExpectedRegistry, ...]:
    """List every policy value, with the numbered list of blocked programs in its subkey."""
    policies = [
        ExpectedRegistry(
            f"lockdown.{policy.name}",
            (ValueSet(target.key(policy.key), policy.value, policy.kind, policy.data),),
            policy.must,
        )
        for policy in lockdown.policies
    ]
    blocked = [
        ExpectedRegistry(
            f"lockdown.{each.name}",
            (
                ValueSet(target.key(each.key), each.value, "REG_DWORD", 1),
                *(
                    ValueSet(target.key(each.list_key), str(number), "REG_SZ", program)
                    for number, program in enumerate(each.programs, 1)
                ),
            ),
            each.must,
        )
        for each in lockdown.blocked
    ]
    return (*policies, *blocked)


def network_lines(lockdown: Lockdown) -> Iterable[str]:
    """Write the network batch file: it runs beside the other one, so its length costs nothing."""
    if lockdown.rules:
        yield DELETE_RULES
    if lockdown.rules or lockdown.groups:
        yield "echo @@ begin firewall"
        yield rf'netsh.exe -f "%DG_HOME%\{HOME_NETWORK}"'
        yield "echo @@ end firewall"
        yield "echo @@ code.firewall %errorlevel%"
    for service in lockdown.services:
        yield from set_service(service.name, service.service, "disabled")
        yield f"sc.exe stop {service.service} {_QUIET}"
    yield "echo @@ finished network"


def set_service(name: str, service: str, start: str) -> Iterable[str]:
    """Configure how a service starts; the blank after the equals sign is part of the grammar of sc.exe."""
    yield f"sc.exe config {service} start= {start} {_QUIET}"
    yield f"echo @@ code.lockdown.{name} %errorlevel%"


def network_script(lockdown: Lockdown) -> bytes:
    """Write the netsh script: rules added and listed first, the group last (an id of Windows that a version may lack)."""
    lines = [_rule(rule) for rule in lockdown.rules]
    if lockdown.rules:
        lines.append(f'advfirewall firewall show rule name="{RULE_NAME}"')
    return netsh_script([*lines, *(set_group(group.group, "no") for group in lockdown.groups)])


def set_group(group: str, enable: Literal["yes", "no"]) -> str:
    """Switch the rules of a group on or off."""
    return f'advfirewall firewall set rule group="{group}" new enable={enable}'


def netsh_script(lines: Iterable[str]) -> bytes:
    """Render a script for ``netsh -f``."""
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def network_steps(
    lockdown: Lockdown,
) -> tuple[tuple[ExpectedRule, ...], tuple[str, ...], tuple[ExpectedService, ...]]:
    """Name what the network part is to have done."""
    return (
        tuple(
            ExpectedRule(f"lockdown.{rule.name}", _ports(rule), merged(rule.remote), rule.must)
            for rule in lockdown.rules
        ),
        tuple(f"lockdown.{group.name}" for group in lockdown.groups),
        tuple(ExpectedService(f"lockdown.{service.name}", service.must) for service in lockdown.services),
    )


def _rule(rule: FirewallRule) -> str:
    # remoteport: a client's own port is random, localport would block nothing.
    ports = f" remoteport={_ports(rule)}" if rule.ports else ""
    remote = f" remoteip={','.join(rule.remote)}" if rule.remote else ""
    return (
        f'advfirewall firewall add rule name="{RULE_NAME}" dir=out action=block '
        f"protocol={rule.protocol}{ports}{remote} profile=any"
    )


def _ports(rule: FirewallRule) -> str:
    return ",".join(str(port) for port in rule.ports)
