"""What is allowed in a recipe and yet most likely not meant. Pure."""

import re
from collections.abc import Iterable

from drova_gate.steps.describe import variables_of
from drova_gate.steps.kinds import FileStep
from drova_gate.steps.recipes import Level, Recipe, selected

__all__ = ["doubts"]

_SOMEBODYS_PROFILE = re.compile(r"[a-z]:\\users\\(?!public\\)", re.IGNORECASE)


def doubts(recipe: Recipe) -> tuple[str, ...]:
    """List what an owner should look at again, a line each: where it is, what is odd, what to do."""
    return tuple(_doubts(recipe))


def _doubts(recipe: Recipe) -> Iterable[str]:
    if recipe.verified == "unverified" and recipe.enabled and not recipe.note:
        yield "note: unverified, and nothing says why; write what is uncertain, or where it was seen to work"
    if not recipe.enabled and not recipe.note:
        yield "note: switched off, and nothing says why; write it down for whoever comes next"
    if recipe.full and not recipe.minimum:
        yield "min: there is no step, so DROVA_WIPE=min signs nobody out; is the smallest sign-out not known?"
    steps = recipe.minimum + recipe.full
    files = [step for step in steps if isinstance(step, FileStep)]
    if files and recipe.enabled and not (recipe.kill or recipe.kill_under or recipe.services):
        yield "kill: no process is ended; a file that the running program holds cannot be deleted"
    for label, own, level in (("min", recipe.minimum, Level.MIN), ("full", recipe.full, Level.FULL)):
        done = {step.name for step in selected(recipe, level)}
        for step in own:
            if step.name not in done:
                yield f"[[{label}]] {step.name}: never done, because another step takes the whole of it; take it out"
    for step in files:
        if _SOMEBODYS_PROFILE.match(step.path):
            yield f"{step.name}: {step.path} is one user's folder; write {{profile}}, {{local}} or {{roaming}}"
    used = {variable.strip("{}") for step in files for variable in variables_of(step)}
    for name in dict.fromkeys(place.name for place in recipe.places):
        if name not in used:
            yield f"[[place]] {name}: no path begins with {{{name}}}; use it, or take it out"
