"""What a lockdown is made of: policies, blocked programs, firewall rules and groups, services. Data only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["BlockedPrograms", "FirewallGroup", "FirewallRule", "Lockdown", "PolicyValue", "Service", "Switch"]


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """One registry value that Windows obeys."""

    name: str
    effect: str
    key: str
    value: str
    kind: Literal["REG_SZ", "REG_DWORD"]
    data: str | int
    normal: int | None
    """What stands there on a Windows that nobody touched; ``None``: no such value."""
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
    """Outbound traffic is blocked; never inbound, which would beat Drova's and SSH's own rules."""

    name: str
    effect: str
    protocol: Literal["TCP", "UDP", "any"]
    ports: tuple[int, ...]
    """The other side's ports; empty: all."""
    remote: tuple[str, ...]
    """Addresses, ranges and networks of the other side; empty: all. ``lan`` stands for the private networks without the router."""
    leave_out: tuple[str, ...]
    """Addresses that stay reachable: a block beats every allow, so they are cut out of ``remote``."""
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


Switch = PolicyValue | BlockedPrograms | FirewallRule | FirewallGroup | Service


@dataclass(frozen=True, slots=True)
class Lockdown:
    """Switches by their kinds."""

    policies: tuple[PolicyValue, ...] = ()
    blocked: tuple[BlockedPrograms, ...] = ()
    rules: tuple[FirewallRule, ...] = ()
    groups: tuple[FirewallGroup, ...] = ()
    services: tuple[Service, ...] = ()

    def __iter__(self) -> Iterator[Switch]:
        """All switches, kind by kind."""
        yield from self.policies
        yield from self.blocked
        yield from self.rules
        yield from self.groups
        yield from self.services

    @property
    def applied(self) -> "Lockdown":
        """Those that are switched on."""
        return Lockdown.of(switch for switch in self if switch.enabled)

    @staticmethod
    def of(switches: Iterable[Switch]) -> "Lockdown":
        """Sort switches by their kinds."""
        listed = tuple(switches)
        return Lockdown(
            tuple(each for each in listed if isinstance(each, PolicyValue)),
            tuple(each for each in listed if isinstance(each, BlockedPrograms)),
            tuple(each for each in listed if isinstance(each, FirewallRule)),
            tuple(each for each in listed if isinstance(each, FirewallGroup)),
            tuple(each for each in listed if isinstance(each, Service)),
        )

    def with_rules(self, rules: Iterable[FirewallRule]) -> "Lockdown":
        """Put other firewall rules in the place of these."""
        return replace(self, rules=tuple(rules))
