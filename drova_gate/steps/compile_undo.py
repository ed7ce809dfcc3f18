"""What takes a lockdown off again, without a rollback. Pure.

What a wipe deleted only a rollback brings back; the boot stamp stays, because it proves that Windows has not booted since, and goes
with the next boot.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from drova_gate.host.marks import MARKER_KEY, full_path, marker_file
from drova_gate.steps import batch
from drova_gate.steps.compile_lockdown import DELETE_RULES, HOME_NETWORK, netsh_script, set_group, set_service
from drova_gate.steps.frame import TASK, needed, read_back, restart_explorer, run_batch
from drova_gate.steps.lockdown_switches import BlockedPrograms, FirewallGroup, Lockdown, PolicyValue, Service
from drova_gate.steps.payload import Expected, ExpectedRegistry, ExpectedService, Payload
from drova_gate.steps.registry_file import KeyGone, RegistryEdit, ValueGone, ValueSet, registry_file
from drova_gate.steps.target import Target

__all__ = ["MARKER_STEP", "Undoing", "compile_undo", "undo_all", "undone_marker", "undone_policy"]

MARKER_STEP = "marker.registry"
_QUIET = ">nul 2>nul"


@dataclass(frozen=True, slots=True)
class Undoing:
    """What is to be taken off or restored; nothing else is touched."""

    registry: tuple[ExpectedRegistry, ...] = ()
    rules: bool = False
    """All firewall rules of our name."""
    groups: tuple[FirewallGroup, ...] = ()
    services: tuple[Service, ...] = ()
    markers: frozenset[str] = frozenset()
    """Volumes with our marker file."""
    task: bool = False
    """The scheduled task that starts Explorer, left by a script that was cut short."""


def undo_all(lockdown: Lockdown, target: Target, volumes: frozenset[str]) -> Undoing:
    """Everything that a preparation with this lockdown writes, whether it is there or not."""
    return Undoing(
        registry=(
            *(undone_policy(policy, target) for policy in lockdown.policies),
            *(_blocked(blocked, target) for blocked in lockdown.blocked),
            undone_marker(),
        ),
        rules=bool(lockdown.rules),
        groups=lockdown.groups,
        services=lockdown.services,
        markers=volumes,
    )


def undone_policy(policy: PolicyValue, target: Target) -> ExpectedRegistry:
    """Delete a policy's value, or write what stands there on a Windows that nobody touched."""
    key = target.key(policy.key)
    edit: RegistryEdit = (
        ValueGone(key, policy.value)
        if policy.normal is None
        else ValueSet(key, policy.value, "REG_DWORD", policy.normal)
    )
    return ExpectedRegistry(f"lockdown.{policy.name}", (edit,), policy.must)


def undone_marker() -> ExpectedRegistry:
    """Delete the marker's key, which is ours alone."""
    return ExpectedRegistry(MARKER_STEP, (KeyGone(full_path(MARKER_KEY)),), must=True)


def _blocked(blocked: BlockedPrograms, target: Target) -> ExpectedRegistry:
    edits = (ValueGone(target.key(blocked.key), blocked.value), KeyGone(target.key(blocked.list_key)))
    return ExpectedRegistry(f"lockdown.{blocked.name}", edits, blocked.must)


def compile_undo(undoing: Undoing, target: Target) -> Payload:
    """Compile the undoing; Explorer is started anew once, after the registry is written."""
    markers = {f"marker.{letter}": marker_file(letter) for letter in sorted(undoing.markers)}
    edits = [edit for each in undoing.registry for edit in each.edits]
    lines = [
        *needed(target),
        rf'reg.exe import "%DG_HOME%\undo.reg" {_QUIET}',
        "echo @@ code.registry %errorlevel%",
        *(line for step, path in markers.items() for line in batch.delete_file(step, path)),
        *([f"schtasks.exe /delete /f /tn {TASK} {_QUIET}"] if undoing.task else []),
        *restart_explorer(target),
        *read_back(undoing.registry),
        "echo @@ finished prepare",
        "exit /b 0",
    ]
    home = target.home
    files = {
        rf"{home}\undo.cmd": batch.batch_file(lines),
        rf"{home}\undo.reg": registry_file(edits),
        rf"{home}\undo_network.cmd": batch.batch_file(_network_lines(undoing)),
        rf"{home}\{HOME_NETWORK}": netsh_script(set_group(group.group, "yes") for group in undoing.groups),
    }
    return Payload(
        files,
        run_batch(target, "undo.cmd"),
        run_batch(target, "undo_network.cmd"),
        Expected(
            markers=tuple(markers),
            registry=undoing.registry,
            session=target.session,
            groups=tuple(f"lockdown.{group.name}" for group in undoing.groups),
            services=tuple(ExpectedService(f"lockdown.{each.name}", each.must) for each in undoing.services),
        ),
    )


def _network_lines(undoing: Undoing) -> Iterable[str]:
    if undoing.rules:
        yield DELETE_RULES
    if undoing.groups:
        yield "echo @@ begin firewall"
        yield rf'netsh.exe -f "%DG_HOME%\{HOME_NETWORK}"'
        yield "echo @@ end firewall"
    for service in undoing.services:
        yield from set_service(service.name, service.service, service.normal)
    yield "echo @@ finished network"
