"""The lockdown as data: policies, blocked programs, firewall rules, services; each with its effect in one line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drova_gate.errors import RecipeFault
from drova_gate.steps.guard import key_fault
from drova_gate.steps.table import Table

__all__ = [
    "BlockedPrograms",
    "FirewallGroup",
    "FirewallRule",
    "Lockdown",
    "PolicyValue",
    "Service",
    "load_lockdown",
    "read_lockdown",
]


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """One registry value that Windows obeys."""

    name: str
    effect: str
    key: str
    value: str
    kind: Literal["REG_SZ", "REG_DWORD"]
    data: str | int
    enabled: bool
    must: bool


@dataclass(frozen=True, slots=True)
class BlockedPrograms:
    """Programs that Explorer refuses to start: a switch, and the list in the subkey of the same name."""

    name: str
    effect: str
    key: str
    value: str
    programs: tuple[str, ...]
    enabled: bool
    must: bool

    @property
    def list_key(self) -> str:
        """Where Windows reads the list: names written beside the switch do nothing."""
        return f"{self.key}\\{self.value}"


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """Outbound traffic to these ports is blocked; never inbound, which would beat Drova's and SSH's own rules."""

    name: str
    effect: str
    protocol: Literal["TCP", "UDP"]
    ports: tuple[int, ...]
    enabled: bool
    must: bool


@dataclass(frozen=True, slots=True)
class FirewallGroup:
    """A group of Windows' own rules to switch off, by its language-neutral id."""

    name: str
    effect: str
    group: str
    enabled: bool
    must: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A service to stop and to keep from starting."""

    name: str
    effect: str
    service: str
    normal: Literal["demand", "auto"]
    """How it starts on a Windows that nobody touched."""
    enabled: bool
    must: bool


@dataclass(frozen=True, slots=True)
class Lockdown:
    """Everything that is switched on."""

    policies: tuple[PolicyValue, ...]
    blocked: tuple[BlockedPrograms, ...]
    rules: tuple[FirewallRule, ...]
    groups: tuple[FirewallGroup, ...]
    services: tuple[Service, ...]


_NEVER = {
    # DisableCMD = 1 refuses cmd.exe /c as well: no SSH command would run.
    ("disablecmd", 1): "with 1 no SSH command runs any more; write 2",
    # reg.exe obeys these and answers in a language of its own.
    ("disableregistrytools", 1): "reg.exe obeys it too, the station could not be read any more",
    ("disableregistrytools", 2): "reg.exe obeys it too, the station could not be read any more",
    ("restrictrun", 1): "it blocks every program that is not listed, games included",
}


def load_lockdown(path: Path) -> Lockdown:
    """Read a lockdown file; ``RecipeFault`` tells every fault at once."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeFault(path.name, f"cannot be read ({error})", "save it as UTF-8 text") from error
    return read_lockdown(path.name, text)


def read_lockdown(file: str, text: str) -> Lockdown:
    """Read a lockdown's text; what is switched off is checked as well, then left out."""
    table = Table.parse(file, text)
    lockdown = Lockdown(
        tuple(_policy(each) for each in table.tables("policy")),
        tuple(_blocked(each) for each in table.tables("blocked_programs")),
        tuple(_rule(each) for each in table.tables("firewall_rule")),
        tuple(_group(each) for each in table.tables("firewall_group")),
        tuple(_service(each) for each in table.tables("service")),
    )
    names = [
        *(each.name for each in lockdown.policies),
        *(each.name for each in lockdown.blocked),
        *(each.name for each in lockdown.rules),
        *(each.name for each in lockdown.groups),
        *(each.name for each in lockdown.services),
    ]
    for name in sorted({name for name in names if names.count(name) > 1}):
        table.fault("name", f"{name!r} is used twice")
    table.close()
    return Lockdown(
        tuple(each for each in lockdown.policies if each.enabled),
        tuple(each for each in lockdown.blocked if each.enabled),
        tuple(each for each in lockdown.rules if each.enabled),
        tuple(each for each in lockdown.groups if each.enabled),
        tuple(each for each in lockdown.services if each.enabled),
    )


def _policy(table: Table) -> PolicyValue:
    kind, data = table.registry_data()
    policy = PolicyValue(
        table.identifier("name"),
        table.text("effect"),
        table.text("key", check=_policy_key_fault),
        table.text("value"),
        kind,
        data,
        *_switches(table),
    )
    if isinstance(policy.data, int) and (why := _NEVER.get((policy.value.casefold(), policy.data))):
        table.fault("value", f"{policy.value} = {policy.data} is never shipped: {why}")
    return policy


def _blocked(table: Table) -> BlockedPrograms:
    return BlockedPrograms(
        table.identifier("name"),
        table.text("effect"),
        table.text("key", check=_policy_key_fault),
        table.text("value"),
        table.texts("programs", check=_program_fault),
        *_switches(table),
    )


def _rule(table: Table) -> FirewallRule:
    return FirewallRule(
        table.identifier("name"),
        table.text("effect"),
        table.choice("protocol", "TCP", "UDP"),
        table.numbers("ports", 1, 65535),
        *_switches(table),
    )


def _group(table: Table) -> FirewallGroup:
    return FirewallGroup(
        table.identifier("name"), table.text("effect"), table.text("group", check=_group_fault), *_switches(table)
    )


def _service(table: Table) -> Service:
    return Service(
        table.identifier("name"),
        table.text("effect"),
        table.text("service", check=_service_fault),
        table.choice("normal", "demand", "auto"),
        *_switches(table),
    )


def _switches(table: Table) -> tuple[bool, bool]:
    return table.flag("enabled", default=True), table.flag("must", default=True)


def _policy_key_fault(key: str) -> str:
    if not key.isascii():
        return "a policy key is written in ASCII"
    return key_fault(key, deletes=False)


def _program_fault(program: str) -> str:
    needed = {"explorer.exe", "rundll32.exe", "conhost.exe", "msiexec.exe", "setup.exe", "ese.exe", "esme.exe"}
    if program.casefold() in needed:
        return "games, Windows or the Drova agent need it"
    plain = program.isascii() and program.casefold().endswith(".exe") and not set(program) & set('\\/:*?"<>|%')
    return (
        ""
        if plain
        else "a program is a plain file name that ends with .exe (a .msc is run by mmc.exe: listing it does nothing)"
    )


def _group_fault(group: str) -> str:
    plain = group.startswith("@") and group.isascii() and not set(group) & set('"%&|<>^ ')
    return "" if plain else 'a group is written by its id, such as "@FirewallAPI.dll,-32752": its name is translated'


def _service_fault(service: str) -> str:
    if service.casefold() in {"sshd", "mpssvc", "schedule", "rpcss", "vgc", "vgk"}:
        return "the gate, the firewall or an anti-cheat needs it"
    return (
        "" if service.isascii() and service.isalnum() else "a service is written by its short name, letters and digits"
    )
