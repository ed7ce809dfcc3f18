"""What must hold at the end of every cell, judged from what the station and the cloud wrote down. Pure over those records."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drova_gate.config import Mode
from drova_gate.demo.scene import RENTERS_FILE, Scene

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["RULES", "Violation", "judge"]

RULES = {
    "writes": "writes outside Shadow Mode",
    "live": "reboots ordered while a session was going on",
    "shown": "stations shown in the catalogue while not clean",
    "entry": "players let in to a station that was not prepared",
    "served": "players badly served in a healthy world",
    "lost": "disks that are not as the owner left them",
    "resets": "sessions with more than their one reset, or none",
    "left": "stations left hidden, locked or shadowed",
    "told": "owners not told of what only they can mend",
    "secrets": "secrets in the log",
    "calls": "calls that no correct client makes",
    "ends": "cells that did not come to their end",
}
"""What is counted, and how people call it; every figure must be 0."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule broken in one cell, with its evidence."""

    rule: str
    found: str


def judge(scene: Scene) -> tuple[Violation, ...]:
    """Judge one cell that has been played to its end."""
    return tuple(Violation(rule, found) for rule, check in _CHECKS.items() for found in check(scene))


def _writes(scene: Scene) -> Iterable[str]:
    outside = [
        entry.subject
        for entry in scene.station.journal
        if entry.kind == "write" and not entry.shadowed and RENTERS_FILE not in entry.subject
    ]
    if outside:
        yield f"{len(outside)}: {', '.join(outside[:4])}"


def _live(scene: Scene) -> Iterable[str]:
    for order in scene.records.resets:
        if order.live:
            yield f"a reboot was ordered while session {order.live[0][:8]} was going on"


def _shown(scene: Scene) -> Iterable[str]:
    if scene.records.shown_dirty:
        yield "not clean, and not hidden in time"


def _entry(scene: Scene) -> Iterable[str]:
    if scene.cell.mode is not Mode.SOCKET:
        return  # without a door of its own the gate lets nobody in
    for number, arrival in enumerate(scene.records.arrivals, 1):
        missing = [] if arrival.shadowed else ["no Shadow Mode"]
        missing += [f"signed in: {', '.join(sorted(arrival.signed_in))}"] if arrival.signed_in else []
        if missing:
            after = arrival.at - scene.struck_at if scene.struck.is_set() else 0.0
            yield f"arrival {number}, {after:+.2f} s from the fault: {'; '.join(missing)}"


def _served(scene: Scene) -> Iterable[str]:
    # Without a relay the gate may have come too late to change anything: then it has to say so.
    if scene.records.unserved and (scene.cell.mode is Mode.SOCKET or not scene.told):
        yield scene.records.unserved


def _lost(scene: Scene) -> Iterable[str]:
    now = scene.station.machine.lasting()
    for part, before in scene.before.items():
        if now[part] != before:
            yield f"{part}: {_difference(before, now[part])}"


def _difference(before: object, now: object) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        lost, new = before.keys() - now.keys(), now.keys() - before.keys()
        changed = {key for key in before.keys() & now.keys() if before[key] != now[key]}
        found = [
            f"{word} {', '.join(sorted(keys)[:3])}"
            for word, keys in (("lost", lost), ("new", new), ("changed", changed))
            if keys
        ]
        return "; ".join(found)
    return "not as before"


def _resets(scene: Scene) -> Iterable[str]:
    fault, count = scene.cell.fault, len(scene.records.resets)
    touched = any(entry.kind == "shadow" and "/enter:" in entry.subject for entry in scene.station.journal)
    most = len(scene.records.sessions) + fault.more_resets
    if count > most:
        yield f"{count} orders to reboot, at most {most}"
    booted = sum(entry.kind == "reboot" for entry in scene.station.journal)
    if touched and not booted:
        yield "the station was changed and never rebooted"


def _left(scene: Scene) -> Iterable[str]:
    machine: Machine = scene.station.machine
    if not machine.up:
        yield "off"
        return
    if machine.shadow.active or machine.shadow.at_boot:
        yield f"in Shadow Mode: {''.join(sorted(machine.shadow.active | machine.shadow.at_boot))}"
    if not scene.published:
        yield "hidden from the catalogue"
    if scene.dirty:
        yield "it carries the gate's marker or Shadow Mode"


def _told(scene: Scene) -> Iterable[str]:
    if scene.records.untold:
        yield "no alarm"


def _secrets(scene: Scene) -> Iterable[str]:
    leaks = scene.records.leaks + scene.leaked_lines()
    if leaks:
        yield f"{leaks} lines"


def _calls(scene: Scene) -> Iterable[str]:
    for refusal in scene.cloud.refused[:2]:
        yield f"{refusal.method} {refusal.path}: {refusal.message}"


def _ends(scene: Scene) -> Iterable[str]:
    yield from scene.records.hollow
    if not scene.ended_clean:
        yield f"the gate never took the station for clean: {scene.gate.phase}"


_CHECKS: dict[str, Callable[[Scene], Iterable[str]]] = {
    "writes": _writes,
    "live": _live,
    "shown": _shown,
    "entry": _entry,
    "served": _served,
    "lost": _lost,
    "resets": _resets,
    "left": _left,
    "told": _told,
    "secrets": _secrets,
    "calls": _calls,
    "ends": _ends,
}
