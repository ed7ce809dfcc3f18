"""What the compiler hands on: files to upload, commands to run, and what is to be found afterwards. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass

from drova_gate.core.model import StepResult
from drova_gate.host.commands import Script
from drova_gate.steps.kinds import RegistryStep
from drova_gate.steps.registry_file import RegistryEdit
from drova_gate.steps.target import Target

__all__ = [
    "Entries",
    "Expected",
    "ExpectedKill",
    "ExpectedRegistry",
    "ExpectedRegistryStep",
    "ExpectedRule",
    "ExpectedService",
    "Payload",
    "Unreadable",
]


@dataclass(frozen=True, slots=True)
class Entries:
    """The names at the top of a folder."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file to be edited, or a folder to be listed, that could not be read, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class ExpectedRegistry:
    """A step's registry edits, to be read back with their data."""

    step: str
    edits: tuple[RegistryEdit, ...]
    must: bool


@dataclass(frozen=True, slots=True)
class ExpectedRegistryStep:
    """A recipe's registry step: what is left of it shows only in the read-back."""

    name: str
    step: RegistryStep
    changed: bool
    """There was something to do by the earlier look."""
    absent: bool = False
    """A value to set whose key was not there at that look: not installed, and nothing to do unless the key came up since."""


@dataclass(frozen=True, slots=True)
class ExpectedKill:
    """A recipe's processes that may not run any more."""

    step: str
    images: tuple[str, ...]
    under: tuple[tuple[str, int], ...] = ()
    """Image and the number of its rule: what of it lies in the folder only PowerShell tells."""


@dataclass(frozen=True, slots=True)
class ExpectedRule:
    """A firewall rule, to be found in netsh's own listing by our name, the ports and the addresses."""

    step: str
    ports: str
    """As the rule was given them; empty: all."""
    remote: tuple[tuple[int, int, int], ...]
    """IP version, first and last address of each range; empty: all."""
    must: bool


@dataclass(frozen=True, slots=True)
class ExpectedService:
    """A service that refuses to start from now on."""

    step: str
    must: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """Everything that the evidence is compared with."""

    settled: tuple[StepResult, ...] = ()
    """Steps that were decided before anything was sent: not installed, nothing to edit."""
    files: tuple[str, ...] = ()
    """Steps that the script reports by a line of its own."""
    markers: tuple[str, ...] = ()
    """The same, and must."""
    registry: tuple[ExpectedRegistry, ...] = ()
    wiped: tuple[ExpectedRegistryStep, ...] = ()
    """Registry steps of recipes."""
    foreseen: frozenset[str] = frozenset()
    """Branches (lower case) that the script reads back; a maker's key that is not among them was not there before."""
    lanes: tuple[str, ...] = ()
    """Parts of the script that run side by side; each says that it came to its end."""
    killed: tuple[ExpectedKill, ...] = ()
    stopped: tuple[str, ...] = ()
    """Steps that stop a launcher's service."""
    target: Target | None = None
    """Where the registry steps of recipes lead."""
    session: int = 0
    """The console session, where Explorer must run exactly once."""
    rules: tuple[ExpectedRule, ...] = ()
    groups: tuple[str, ...] = ()
    services: tuple[ExpectedService, ...] = ()


@dataclass(frozen=True, slots=True)
class Payload:
    """A compiled preparation (or its undoing)."""

    files: Mapping[str, bytes]
    """Windows path to content."""
    prepare: Script
    network: Script
    expected: Expected
