"""More recipes than are shipped: copies of ours, each with names, paths, keys and processes of its own."""

from dataclasses import replace
from typing import Any

from drova_gate.steps.recipes import Recipe

__all__ = ["many"]


def many(shipped: tuple[Recipe, ...], count: int) -> tuple[Recipe, ...]:
    """As many recipes as wanted: ours, then copies of them."""
    return tuple(_copy(shipped[at % len(shipped)], at // len(shipped)) for at in range(count))


def _copy(recipe: Recipe, number: int) -> Recipe:
    if number == 0:
        return recipe
    return replace(
        recipe,
        name=f"{recipe.name}_{number}",
        kill=tuple(f"{image.removesuffix('.exe')} {number}.exe" for image in recipe.kill),
        kill_under=tuple(replace(kill, folder=_renamed(kill.folder, 1, number)) for kill in recipe.kill_under),
        services=tuple(f"{service} {number}" for service in recipe.services),
        places=tuple(replace(place, key=_renamed(place.key, 2, number)) for place in recipe.places),
        minimum=tuple(_step(step, number) for step in recipe.minimum),
        full=tuple(_step(step, number) for step in recipe.full),
    )


def _step(step: Any, number: int) -> Any:
    if hasattr(step, "key"):
        return replace(step, key=_renamed(step.key, 2, number))
    return replace(step, path=_renamed(step.path, 1, number))


def _renamed(path: str, at: int, number: int) -> str:
    r"""Give one component another name: ``{local}\Steam\x`` becomes ``{local}\Steam 1\x``."""
    parts = path.split("\\")
    at = min(at, len(parts) - 1)
    parts[at] = f"{parts[at]} {number}"
    return "\\".join(parts)
