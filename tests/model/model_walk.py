"""Walking through the model: every story up to a length, or one given story; each is brought back to health and judged."""

import copy
from collections.abc import Iterable, Mapping

from model_events import Event
from model_world import World

__all__ = ["Found", "story", "walk"]

Found = dict[str, list[str]]
"""What was broken, and the first story that did it."""

SETTLE = 10.0
"""Seconds until the gate has had its first look."""
PAUSES = (3.0, 400.0)
"""Between two events: in the middle of things, and after everything has run its course."""
RECOVERY = 8 * 3600.0
"""Seconds of health after which nothing may be left of any trouble."""


def walk(world: World, events: Mapping[str, Event], depth: int, after: Iterable[tuple[str, float]] = ()) -> Found:
    """Play every story of ``depth`` events that begins with ``after``; empty: nothing was broken."""
    found: Found = {}
    world.run(SETTLE)
    told: list[str] = []
    for name, pause in after:
        events[name](world)
        world.run(pause)
        told.append(name)
    found |= dict.fromkeys(world.broken, told)
    _walk(world, events, depth, told, found)
    return found


def _walk(world: World, events: Mapping[str, Event], depth: int, told: list[str], found: Found) -> None:
    for name, event in events.items():
        for pause in PAUSES if depth > 1 else PAUSES[:1]:
            here = _copy(world)
            event(here)
            here.run(pause)
            path = [*told, name, f"{pause:g} s"]
            for broken in _recovered(_copy(here)):
                found.setdefault(broken, path)
            if depth > 1 and not here.broken:
                _walk(here, events, depth - 1, path, found)


def story(world: World, events: Mapping[str, Event], told: Iterable[tuple[str, float]]) -> list[str]:
    """Play one story of events and pauses; what was broken."""
    world.run(SETTLE)
    for name, pause in told:
        events[name](world)
        world.run(pause)
    return _recovered(world)


def _recovered(world: World) -> list[str]:
    world.heal()
    world.run(RECOVERY)
    world.judge_rest()
    return world.broken


def _copy(world: World) -> World:
    """A world of its own, for what happens next."""
    new = copy.copy(world)
    twins = {id(row): copy.copy(row) for row in world.rows}
    new.rows = list(twins.values())
    # Rows that have left the list are over: nothing changes them any more.
    new.inside = None if world.inside is None else twins.get(id(world.inside), world.inside)
    new.knocks = [(at, twins.get(id(row), row)) for at, row in world.knocks]
    new.broken, new.faults, new.reset_seconds = list(world.broken), set(world.faults), []
    new.first_seen, new.absent = dict(world.first_seen), dict(world.absent)
    return new
