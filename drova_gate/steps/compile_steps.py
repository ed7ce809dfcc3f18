"""One handler for each kind of recipe step: step in, batch lines, staged files and registry edits out. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from drova_gate.core.model import StepOutcome, StepResult
from drova_gate.steps import batch
from drova_gate.steps.edit import drop_ini_sections, drop_vdf_blocks
from drova_gate.steps.payload import ExpectedRegistry, Unreadable
from drova_gate.steps.recipes import (
    DeleteDirectory,
    DeleteFile,
    DeleteKey,
    DeleteValue,
    DropIniSections,
    DropVdfBlocks,
    Level,
    Recipe,
    RecipeStep,
    SetValue,
    WriteFile,
    selected,
)
from drova_gate.steps.registry_file import KeyGone, RegistryEdit, ValueGone, ValueSet
from drova_gate.steps.target import Target

__all__ = ["EDITED", "Originals", "Wipe", "compile_wipe", "originals_wanted"]

Originals = Mapping[str, "bytes | Unreadable | None"]
"""Full path to content; ``None``: not there."""

EDITED = (WriteFile, DropIniSections, DropVdfBlocks)


@dataclass(slots=True)
class Wipe:
    """What the sign-out recipes come to on one station."""

    lines: list[str] = field(default_factory=list)
    staged: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    registry: list[ExpectedRegistry] = field(default_factory=list)
    settled: list[StepResult] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)


def originals_wanted(recipes: tuple[Recipe, ...], target: Target, level: Level) -> tuple[str, ...]:
    """List the files that must be read before the preparation can be compiled."""
    paths = [
        target.path(step.path)
        for recipe in recipes
        if recipe.enabled
        for step in selected(recipe, level)
        if isinstance(step, EDITED)
    ]
    return tuple(dict.fromkeys(path for path in paths if path is not None))


def compile_wipe(recipes: tuple[Recipe, ...], target: Target, level: Level, originals: Originals) -> Wipe:
    """Compile every enabled recipe's steps of this level."""
    wipe = Wipe()
    for recipe in recipes:
        if recipe.enabled:
            for step in selected(recipe, level):
                _compile(wipe, f"{recipe.name}.{step.name}", step, target, originals)
    return wipe


def _compile(wipe: Wipe, name: str, step: RecipeStep, target: Target, originals: Originals) -> None:
    if isinstance(step, SetValue | DeleteValue | DeleteKey):
        wipe.registry.append(ExpectedRegistry(name, (_registry_edit(step, target),), must=False))
        return
    full = target.path(step.path)
    if full is None:
        reason = f"{step.path.partition(chr(92))[0]} was not found on the station: not installed"
        wipe.settled.append(StepResult(name, StepOutcome.SKIPPED, reason))
        return
    match step:
        case DeleteFile():
            wipe.lines += batch.delete_file(name, _written(wipe, step.path))
        case DeleteDirectory():
            wipe.lines += batch.delete_directory(name, _written(wipe, step.path))
        case WriteFile() | DropIniSections() | DropVdfBlocks():
            lines = _edit(wipe, name, step, originals[full])
            if not lines:
                return
            wipe.lines += lines
    wipe.reported.append(name)


def _registry_edit(step: SetValue | DeleteValue | DeleteKey, target: Target) -> RegistryEdit:
    key = target.key(step.key)
    match step:
        case SetValue():
            return ValueSet(key, step.value, step.kind, step.data)
        case DeleteValue():
            return ValueGone(key, step.value)
        case DeleteKey():
            return KeyGone(key)


def _edit(
    wipe: Wipe,
    name: str,
    step: WriteFile | DropIniSections | DropVdfBlocks,
    original: bytes | Unreadable | None,
) -> list[str]:
    path = _written(wipe, step.path)
    if original is None:
        return batch.stays_absent(name, path)
    edited = None if isinstance(original, Unreadable) else _edited(step, original)
    if edited is None:
        if not isinstance(step, WriteFile) and step.unreadable == "keep":
            why = original.why if isinstance(original, Unreadable) else "not a text of its kind"
            wipe.settled.append(StepResult(name, StepOutcome.SKIPPED, f"left as it is: {why}"))
            return []
        # A sign-in that cannot be cut out goes with its file.
        return batch.delete_file(name, path)
    if edited == original:
        wipe.settled.append(StepResult(name, StepOutcome.CLEAN))
        return []
    staged = f"edited{len(wipe.staged) + 1}.new"
    wipe.staged[staged] = edited
    return batch.replace_file(name, path, rf"%DG_HOME%\{staged}")


def _edited(step: WriteFile | DropIniSections | DropVdfBlocks, original: bytes) -> bytes | None:
    match step:
        case WriteFile(content=content):
            return content.encode("utf-8")
        case DropIniSections(sections=sections):
            return drop_ini_sections(original, sections)
        case DropVdfBlocks(blocks=blocks):
            return drop_vdf_blocks(original, blocks)


def _written(wipe: Wipe, path: str) -> str:
    """Write a recipe's path for the batch file; what is not ASCII in it comes in by variables."""
    head, slash, rest = path.partition("\\")
    if head.startswith("{"):
        head = f"%DG_{head[1:-1].upper()}%"
    return head + slash + "".join(_carried(wipe, piece) for piece in re.split(r"([\\*])", rest))


def _carried(wipe: Wipe, piece: str) -> str:
    if piece.isascii():
        return piece
    name = next((name for name, text in wipe.variables.items() if text == piece), f"DG_TEXT{len(wipe.variables) + 1}")
    wipe.variables[name] = piece
    return f"%{name}%"
