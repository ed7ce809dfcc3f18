"""Windows Firewall: named rules and rule groups, kept on volume C."""

from dataclasses import dataclass, field

from drova_gate.sim.windows.addresses import covers
from drova_gate.sim.windows.journal import Journal

__all__ = ["Firewall", "Group", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with the words that netsh was given."""

    name: str
    direction: str
    action: str
    protocol: str = "any"
    local_port: str = "any"
    remote_port: str = "any"
    local_address: str = "any"
    remote_address: str = "any"
    profile: str = "any"
    enabled: bool = True
    program: str = ""

    def fits(self, direction: str, protocol: str, address: str, *, local_port: int, remote_port: int) -> bool:
        """Whether a connection's first packet is one that this rule is about."""
        return (
            self.enabled
            and direction == self.direction
            and self.protocol in ("any", protocol)
            and covers(self.remote_address, address)
            and _holds(self.local_port, local_port)
            and _holds(self.remote_port, remote_port)
        )


def _holds(ports: str, port: int) -> bool:
    for word in ports.split(","):
        low, _, high = word.partition("-")
        if word == "any" or (low.isdigit() and int(low) <= port <= int(high or low)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Group:
    """A rule group of Windows itself: its name is localised, its resource id is not."""

    resource: str
    english: str
    russian: str
    rules: int
    enabled: bool = True


@dataclass(slots=True)
class _State:
    rules: list[Rule] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)

    def copy(self) -> "_State":
        """A state that shares nothing that can change."""
        return _State(list(self.rules), dict(self.groups))


class Firewall:
    """Rules by name (several may share one) and groups by resource id."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._now = _State()
        self._base: _State | None = None
        self.installed: dict[str, str] = {}
        """Rules that installers made, by their ids, as the registry holds them; netsh's own are ``rules``."""

    @property
    def rules(self) -> list[Rule]:
        """All rules, oldest first."""
        return list(self._now.rules)

    @property
    def groups(self) -> list[Group]:
        """All rule groups."""
        return list(self._now.groups.values())

    def named(self, name: str) -> list[Rule]:
        """Rules with this name, case-blind; ``all`` names every rule."""
        return [rule for rule in self._now.rules if name.lower() in ("all", rule.name.lower())]

    def blocks(self, direction: str, protocol: str, address: str, *, local_port: int, remote_port: int) -> bool:
        """Whether a new connection is dropped: one block beats every allow, whatever its order; answers belong to their connection."""
        return any(
            rule.action == "block"
            and rule.fits(direction, protocol, address, local_port=local_port, remote_port=remote_port)
            for rule in self._now.rules
        )

    def add(self, rule: Rule) -> None:
        """Add a rule; an equal name does not replace the other one."""
        self._now.rules.append(rule)
        self._journal.record("write", f"firewall rule {rule.name}")

    def delete(self, rules: list[Rule]) -> None:
        """Delete these rules."""
        self._now.rules = [rule for rule in self._now.rules if rule not in rules]
        for rule in rules:
            self._journal.record("write", f"firewall rule {rule.name} deleted")

    def replace(self, old: Rule, new: Rule) -> None:
        """Change a rule in its place."""
        self._now.rules[self._now.rules.index(old)] = new
        self._journal.record("write", f"firewall rule {new.name}")

    def set_group(self, group: Group) -> None:
        """Install a group, or change whether its rules are enabled."""
        self._now.groups[group.resource.lower()] = group
        self._journal.record("write", f"firewall group {group.english} {'on' if group.enabled else 'off'}")

    def begin_shadow(self) -> None:
        """From now on changes will be forgotten at boot."""
        if self._base is None:
            self._base = self._now.copy()

    def forget(self) -> None:
        """Go back to the rules of the moment when volume C entered Shadow Mode."""
        if self._base is not None:
            self._now, self._base = self._base, None

    def keep(self) -> None:
        """Make the present rules the disk's content."""
        self._base = None

    def lasting(self) -> tuple[tuple[Rule, ...], tuple[Group, ...]]:
        """The rules and groups that the disk holds once Shadow Mode's overlay is dropped."""
        state = self._now if self._base is None else self._base
        return tuple(state.rules), tuple(state.groups.values())
