"""Where Windows keeps its firewall's rules: one value each, without a translated word."""

from typing import TYPE_CHECKING

from drova_gate.sim.windows.firewall import Group, Rule
from drova_gate.sim.windows.registry import Value

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["RULES_KEY", "mirror"]

RULES_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
_NUMBERS = {"tcp": "6", "udp": "17", "icmpv4": "1", "icmpv6": "58"}


def mirror(machine: "Machine") -> None:
    """Write the firewall's present rules down; what stands there already is left alone."""
    registry = machine.registry
    wanted = dict(machine.firewall.installed)
    for group in machine.firewall.groups:
        wanted |= _group(group)
    for number, rule in enumerate(machine.firewall.rules, 1):
        wanted[f"{{{number:08X}-0000-4000-8000-000000000000}}"] = _rule(rule)
    held = {name: value.data for name, value in registry.create_key(RULES_KEY).values.values()}
    for name in held.keys() - wanted.keys():
        registry.delete_value(RULES_KEY, name)
    for name, text in wanted.items():
        if held.get(name) != text:
            registry.set(RULES_KEY, name, Value("REG_SZ", text))


def _group(group: Group) -> dict[str, str]:
    resource = group.resource.rpartition("-")[2]
    active = "TRUE" if group.enabled else "FALSE"
    return {
        f"SIM{resource}-{number}": f"v2.31|Action=Allow|Active={active}|Dir=In|Protocol=17|Profile=Private|"
        f"Name=@FirewallAPI.dll,-{32700 + number}|EmbedCtxt={group.resource}|"
        for number in range(1, group.rules + 1)
    }


def _rule(rule: Rule) -> str:
    parts = [
        "v2.31",
        f"Action={rule.action.capitalize()}",
        f"Active={'TRUE' if rule.enabled else 'FALSE'}",
        f"Dir={rule.direction.capitalize()}",
    ]
    if rule.protocol != "any":
        parts.append(f"Protocol={_NUMBERS.get(rule.protocol, rule.protocol)}")
    parts += [f"LPort={port}" for port in rule.local_port.split(",") if port != "any"]
    parts += [f"RPort={port}" for port in rule.remote_port.split(",") if port != "any"]
    parts += [f"RA4={address}" for address in rule.remote_address.split(",") if address != "any"]
    parts += [f"App={rule.program}"] if rule.program else []
    return "|".join([*parts, f"Name={rule.name}", ""])
