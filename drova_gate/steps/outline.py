"""What a preparation would do, in its order, without a station. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from drova_gate.steps.describe import describe, kind_of, meaning, place_line, variables_of
from drova_gate.steps.kinds import KillUnder, RegistryStep
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.recipes import Level, Recipe, selected

__all__ = ["Item", "Outline", "Part", "counts", "kill_line", "outline", "where"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be done: the step's name in logs and evidence, its kind, and what it does."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the preparation."""

    title: str
    items: tuple[Item, ...] = ()


Outline = tuple[Part, ...]


def outline(recipes: tuple[Recipe, ...], lockdown: Lockdown, level: Level) -> Outline:
    """Put everything that is switched on into the order of the preparation."""
    active = [recipe for recipe in recipes if recipe.enabled]
    files, registry = list[Item](), list[Item]()
    for recipe in active:
        for step in selected(recipe, level):
            item = Item(f"{recipe.name}.{step.name}", kind_of(step), describe(step))
            (registry if isinstance(step, RegistryStep) else files).append(item)
    return (
        Part("Shadow Mode on every protected volume, read back; without it nothing of what follows is done"),
        Part("End processes, with their children", tuple(_ended(active))),
        Part("At the same time: lock the desktop", tuple(_policies(lockdown))),
        Part("Wipe files", tuple(files)),
        Part("End Explorer and what came back; write the registry, HKCU meaning the console user's", tuple(registry)),
        Part("Mark the station as prepared; start Explorer in the console session; wipe again what was still held"),
        Part("Beside all this, in a command of its own: stop services", tuple(_stopped(active))),
        Part("And close the network", tuple(_network(lockdown))),
        Part("Read back every step above; a policy or Shadow Mode that is not there means not prepared"),
    )


def counts(parts: Outline) -> dict[str, int]:
    """Count what is to be done by its kind, the commonest first."""
    return dict(Counter(item.kind for part in parts for item in part.items).most_common())


def where(recipes: Iterable[Recipe], level: Level) -> list[str]:
    """Say where the variables of these recipes' paths lead, a line each."""
    found = dict[str, None]()
    places = list[str]()
    for recipe in recipes:
        own = {f"{{{place.name}}}" for place in recipe.places}
        for step in selected(recipe, level):
            found |= dict.fromkeys(name for name in variables_of(step) if name not in own)
        places += map(place_line, recipe.places)
    return [*(f"{name} is {meaning(name)}" for name in sorted(found)), *dict.fromkeys(places)]


def kill_line(kill: KillUnder) -> str:
    """Say which of the processes of a common name are ended."""
    return rf"{kill.image} (only where its path holds {kill.folder})"


def _ended(active: Iterable[Recipe]) -> Iterable[Item]:
    for recipe in active:
        for image in recipe.kill:
            yield Item(f"{recipe.name}.processes", "kill", image)
        for kill in recipe.kill_under:
            yield Item(f"{recipe.name}.processes", "kill_under", kill_line(kill))


def _stopped(active: Iterable[Recipe]) -> Iterable[Item]:
    for recipe in active:
        for number, service in enumerate(recipe.services, 1):
            yield Item(f"{recipe.name}.service{number}", "stop_service", service)


def _policies(lockdown: Lockdown) -> Iterable[Item]:
    for policy in lockdown.policies:
        yield Item(f"lockdown.{policy.name}", "policy", policy.effect)
    for blocked in lockdown.blocked:
        text = f"{blocked.effect}: {len(blocked.programs)} programs"
        yield Item(f"lockdown.{blocked.name}", "blocked_programs", text)


def _network(lockdown: Lockdown) -> Iterable[Item]:
    for rule in lockdown.rules:
        yield Item(f"lockdown.{rule.name}", "firewall_rule", rule.effect)
    for group in lockdown.groups:
        yield Item(f"lockdown.{group.name}", "firewall_group", group.effect)
    for service in lockdown.services:
        yield Item(f"lockdown.{service.name}", "disable_service", service.effect)
