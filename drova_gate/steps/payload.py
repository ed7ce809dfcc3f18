"""What the compiler hands on: files to upload, commands to run, and what is to be found afterwards. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass

from drova_gate.core.model import StepResult
from drova_gate.host.commands import Script
from drova_gate.steps.registry_file import RegistryEdit

__all__ = ["Expected", "ExpectedRegistry", "ExpectedRule", "ExpectedService", "Payload", "Unreadable"]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file to be edited that could not be read, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class ExpectedRegistry:
    """A step's registry edits, to be read back with their data."""

    step: str
    edits: tuple[RegistryEdit, ...]
    must: bool


@dataclass(frozen=True, slots=True)
class ExpectedRule:
    """A firewall rule, to be found in netsh's own listing by our name and the ports."""

    step: str
    ports: str
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
    killed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Step name and the images that may not run any more."""
    stopped: tuple[str, ...] = ()
    """Steps that stop a launcher's service."""
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
