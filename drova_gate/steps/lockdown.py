"""Lockdown files: ours, and the owner's own, which replaces entries by their names and adds new ones.

An entry named like one of ours keeps what it does not say: ``name`` and ``enabled = true`` alone switch one of ours on.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from drova_gate.steps.guard import key_fault
from drova_gate.steps.lan import address_fault, remote_fault
from drova_gate.steps.lockdown_switches import (
    BlockedPrograms,
    FirewallGroup,
    FirewallRule,
    Lockdown,
    PolicyValue,
    Service,
    Switch,
)
from drova_gate.steps.table import LOCKDOWN_FILE, Table, read_text

__all__ = ["Lockdown", "load_lockdown", "load_switches", "read_lockdown"]

S = TypeVar("S", PolicyValue, BlockedPrograms, FirewallRule, FirewallGroup, Service)

_COMMANDS_STOP = "with 1 no SSH command runs any more; write 2"
_NOT_READABLE = "reg.exe obeys it too, the station could not be read any more"
_ONLY: dict[str, tuple[tuple[int, ...], str]] = {
    "disablecmd": ((0, 2), _COMMANDS_STOP),
    "disableregistrytools": ((0,), _NOT_READABLE),
    "restrictrun": ((0,), "it blocks every program that is not listed, games included"),
    "disablemsi": ((0,), "the installers of games and their runtimes stop"),
    "enablescripts": ((1,), "a policy beats our own -ExecutionPolicy: no PowerShell script of ours would run"),
    "enablelua": ((1,), "switching UAC off or on breaks anti-cheats and needs a restart"),
}
"""Values with which Windows would be locked against ourselves or against games: the only data that they may have, and why."""


def load_lockdown(ours: Path, owners: Path | None = None) -> Lockdown:
    """Read what is switched on; ``RecipeFault`` tells every fault of a file at once."""
    return load_switches(ours, owners).applied


def load_switches(ours: Path, owners: Path | None = None) -> Lockdown:
    """Read all switches, on or off: our file, then the ``lockdown.toml`` of the owner's folder, if it holds one."""
    found = read_lockdown(ours.name, read_text(ours))
    if owners is None or not (file := owners / LOCKDOWN_FILE).exists():
        return found
    return read_lockdown(str(file), read_text(file), found)


def read_lockdown(file: str, text: str, ours: Lockdown | None = None) -> Lockdown:
    """Read a lockdown's text over ``ours``: all switches of both."""
    table = Table.parse(file, text)
    known = {switch.name: switch for switch in ours or Lockdown()}
    found: list[Switch] = [
        *_entries(table, "policy", PolicyValue, _policy, known),
        *_entries(table, "blocked_programs", BlockedPrograms, _blocked, known),
        *_entries(table, "firewall_rule", FirewallRule, _rule, known),
        *_entries(table, "firewall_group", FirewallGroup, _group, known),
        *_entries(table, "service", Service, _service, known),
    ]
    names = [switch.name for switch in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        table.fault("name", f"{name!r} is used twice")
    table.close()
    return Lockdown.of({**known, **dict(zip(names, found, strict=True))}.values())


# -- entries ---------------------------------------------------------------------------------------------------------

_TABLES: dict[type[Switch], str] = {
    PolicyValue: "policy",
    BlockedPrograms: "blocked_programs",
    FirewallRule: "firewall_rule",
    FirewallGroup: "firewall_group",
    Service: "service",
}


def _entries(
    table: Table, key: str, kind: type[S], read: Callable[[Table, str, S | None], S], known: dict[str, Switch]
) -> Iterable[S]:
    for each in table.tables(key):
        name = each.identifier("name")
        ours = known.get(name)
        if isinstance(ours, kind):
            yield read(each, name, ours)
        elif ours is not None:
            each.fault("name", f"{name!r} is one of [[{_TABLES[type(ours)]}]]: write it there")
            each.pass_over()
        elif known and each.holds_only("name", "enabled", "must"):
            import difflib  # noqa: PLC0415 - see config.py

            # It was meant to switch one of ours, so a list of missing keys would mislead.
            near = difflib.get_close_matches(name, [other for other in known if isinstance(known[other], kind)], n=1)
            guess = f"did you mean {near[0]!r}?" if near else "the names stand in: drova_gate lockdown list"
            each.fault("name", f"there is no {name!r} ({guess})")
            each.pass_over()
        else:
            yield read(each, name, None)


def _policy(table: Table, name: str, ours: PolicyValue | None) -> PolicyValue:
    kind, data = table.registry_data((ours.kind, ours.data) if ours else None)
    policy = PolicyValue(
        name,
        _effect(table, ours),
        table.text("key", default=ours.key if ours else None, check=_policy_key_fault),
        table.text("value", default=ours.value if ours else None),
        kind,
        data,
        table.whole_number("normal", 0, 0xFFFFFFFF, default=ours.normal if ours else None),
        *_switches(table, ours),
    )
    _refuse_self_harm(table, policy.value, policy.data)
    return policy


def _blocked(table: Table, name: str, ours: BlockedPrograms | None) -> BlockedPrograms:
    blocked = BlockedPrograms(
        name,
        _effect(table, ours),
        table.text("key", default=ours.key if ours else None, check=_policy_key_fault),
        table.text("value", default=ours.value if ours else None),
        table.texts("programs", default=ours.programs if ours else None, check=_program_fault),
        *_switches(table, ours),
    )
    _refuse_self_harm(table, blocked.value, 1)
    for program in {one for one in blocked.programs if blocked.programs.count(one) > 1}:
        table.fault("programs", f"{program!r} is listed twice")
    return blocked


def _rule(table: Table, name: str, ours: FirewallRule | None) -> FirewallRule:
    rule = FirewallRule(
        name,
        _effect(table, ours),
        table.choice("protocol", "TCP", "UDP", "any", default=ours.protocol if ours else None),
        table.numbers("ports", 1, 65535, default=ours.ports if ours else ()),
        table.texts("remote", default=ours.remote if ours else (), check=remote_fault),
        table.texts("leave_out", default=ours.leave_out if ours else (), check=address_fault),
        *_switches(table, ours),
    )
    if rule.protocol == "any" and rule.ports:
        table.fault("ports", "a port belongs to TCP or UDP: choose one as the protocol, or take the ports out")
    if not rule.ports and not rule.remote:
        table.fault("remote", "without ports and addresses everything would be blocked; write at least one of them")
    if rule.leave_out and not rule.remote:
        table.fault("leave_out", 'without remote there is nothing to leave it out of; write remote = ["lan"]')
    return rule


def _group(table: Table, name: str, ours: FirewallGroup | None) -> FirewallGroup:
    return FirewallGroup(
        name,
        _effect(table, ours),
        table.text("group", default=ours.group if ours else None, check=_group_fault),
        *_switches(table, ours),
    )


def _service(table: Table, name: str, ours: Service | None) -> Service:
    return Service(
        name,
        _effect(table, ours),
        table.text("service", default=ours.service if ours else None, check=_service_fault),
        table.choice("normal", "demand", "auto", default=ours.normal if ours else None),
        *_switches(table, ours),
    )


def _effect(table: Table, ours: Switch | None) -> str:
    return table.text("effect", default=ours.effect if ours else None)


def _switches(table: Table, ours: Switch | None) -> tuple[bool, bool]:
    # Whoever writes a whole entry of his own wants it.
    enabled = table.flag("enabled", default=ours.enabled if ours else True)
    return enabled, table.flag("must", default=ours.must if ours else True)


# -- what would do harm ----------------------------------------------------------------------------------------------


def _refuse_self_harm(table: Table, value: str, data: str | int) -> None:
    allowed, why = _ONLY.get(value.casefold(), ((), ""))
    if why and data not in allowed:
        table.fault("value", f"{value} = {data} is never written: {why}")


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
    needed = {"sshd", "mpssvc", "bfe", "schedule", "rpcss", "dhcp", "dnscache", "nsi", "esme", "vgc", "vgk"}
    if service.casefold() in needed:
        return "the gate, the network, the Drova agent or an anti-cheat needs it"
    return (
        "" if service.isascii() and service.isalnum() else "a service is written by its short name, letters and digits"
    )
