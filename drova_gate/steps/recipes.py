"""Sign-out recipes: what wipes one launcher's saved sign-in, as data. Schema and loader.

A recipe is a TOML file. ``[[min]]`` steps are the smallest wipe, ``[[full]]`` steps are added when certainty is worth more than comfort
(the disk forgets anyway). There is one class per kind of step, and one handler for it in ``compile_steps.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from drova_gate.errors import RecipeFault
from drova_gate.steps.guard import image_fault, key_fault, path_fault
from drova_gate.steps.table import Table, read_tables

__all__ = [
    "DeleteDirectory",
    "DeleteFile",
    "DeleteKey",
    "DeleteValue",
    "DropIniSections",
    "DropVdfBlocks",
    "Level",
    "Recipe",
    "RecipeStep",
    "SetValue",
    "WriteFile",
    "load_recipes",
    "read_recipe",
    "selected",
]


class Level(StrEnum):
    """How much of a recipe is done (``DROVA_WIPE``)."""

    MIN = "min"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """Delete a file, or all files that a wildcard in one component matches."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class DeleteDirectory:
    """Delete a directory with everything in it; a junction is removed, never followed."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Replace the content of a file that is there; a missing one stays missing."""

    name: str
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class DropIniSections:
    """Take whole sections out of an INI file, every other byte kept; what is no INI file is deleted when ``unreadable`` says so."""

    name: str
    path: str
    sections: tuple[str, ...]
    unreadable: Literal["delete", "keep"]


@dataclass(frozen=True, slots=True)
class DropVdfBlocks:
    """Take named blocks out of a Valve text file, every other byte kept."""

    name: str
    path: str
    blocks: tuple[str, ...]
    unreadable: Literal["delete", "keep"]


@dataclass(frozen=True, slots=True)
class SetValue:
    """Set a registry value."""

    name: str
    key: str
    value: str
    kind: Literal["REG_SZ", "REG_DWORD"]
    data: str | int


@dataclass(frozen=True, slots=True)
class DeleteValue:
    """Delete a registry value."""

    name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class DeleteKey:
    """Delete a registry key with everything below it."""

    name: str
    key: str


FileStep = DeleteFile | DeleteDirectory | WriteFile | DropIniSections | DropVdfBlocks
RegistryStep = SetValue | DeleteValue | DeleteKey
RecipeStep = FileStep | RegistryStep


@dataclass(frozen=True, slots=True)
class Recipe:
    """One launcher's sign-out."""

    name: str
    title: str
    enabled: bool
    verified: Literal["field", "sources", "unverified"]
    """``field``: seen to work on real stations; ``sources``: several sources agree; ``unverified``: one, or an inference."""
    sources: tuple[str, ...]
    kill: tuple[str, ...]
    services: tuple[str, ...]
    minimum: tuple[RecipeStep, ...]
    full: tuple[RecipeStep, ...]


def selected(recipe: Recipe, level: Level) -> tuple[RecipeStep, ...]:
    """Choose the steps of a level; a step inside something that another one deletes is left out."""
    steps = recipe.minimum if level is Level.MIN else recipe.minimum + recipe.full
    roots = [step.path for step in steps if isinstance(step, DeleteDirectory)]
    files = [step.path for step in steps if isinstance(step, DeleteFile)]

    def needless(step: RecipeStep) -> bool:
        if isinstance(step, SetValue | DeleteValue | DeleteKey):
            return False
        path = step.path.casefold()
        inside = any(path.startswith(root.casefold() + "\\") for root in roots)
        return inside or (not isinstance(step, DeleteFile) and any(path == file.casefold() for file in files))

    return tuple(step for step in steps if not needless(step))


def load_recipes(ours: Path, owners: Path | None = None) -> tuple[Recipe, ...]:
    """Read our recipes and the owner's, whose own replace ours of the same name; ``RecipeFault`` tells every fault at once."""
    found = {recipe.name: recipe for recipe in _read_folder(ours)}
    if owners is not None:
        if not owners.is_dir():
            raise RecipeFault("DROVA_LAUNCHERS_DIR", f"{owners} is not a folder", "create it or take the setting out")
        found |= {recipe.name: recipe for recipe in _read_folder(owners)}
    return tuple(found[name] for name in sorted(found))


def _read_folder(folder: Path) -> Iterable[Recipe]:
    recipes, faults = dict[str, Recipe](), list[str]()
    for path, text in read_tables(folder):
        try:
            recipe = read_recipe(path.name, text)
        except RecipeFault as fault:
            faults.append(str(fault))
            continue
        if recipe.name in recipes:
            faults.append(f"{path.name}: name: {recipe.name!r} is taken by another file of this folder")
        recipes[recipe.name] = recipe
    if faults:
        raise RecipeFault(f"recipes in {folder}", "\n".join(faults))
    return recipes.values()


def read_recipe(file: str, text: str) -> Recipe:
    """Read one recipe; ``RecipeFault`` names the file, the key and what is allowed."""
    table = Table.parse(file, text)
    recipe = Recipe(
        name=table.identifier("name"),
        title=table.text("title"),
        enabled=table.flag("enabled", default=True),
        verified=table.choice("verified", "field", "sources", "unverified"),
        sources=table.texts("sources", default=()),
        kill=table.texts("kill", default=(), check=image_fault),
        services=table.texts("services", default=(), check=_service_fault),
        minimum=tuple(_step(step) for step in table.tables("min")),
        full=tuple(_step(step) for step in table.tables("full")),
    )
    names = [step.name for step in recipe.minimum + recipe.full]
    for name in names:
        if names.count(name) > 1:
            table.fault("name", f"two steps are called {name!r}")
    if not names:
        table.fault("min", "there is no step: write at least one [[min]] table")
    if recipe.verified != "unverified" and not recipe.sources:
        table.fault("sources", f"verified = {recipe.verified!r} needs at least one source")
    table.close()
    return recipe


def _step(table: Table) -> RecipeStep:
    name = table.identifier("name")
    kind = table.known("kind", *_KINDS)
    if kind is None:
        table.pass_over()
        return DeleteFile(name, "")  # stands in until the fault is raised
    return _KINDS[kind](name, table)


def _deleted_path(table: Table) -> str:
    return table.text("path", check=lambda path: path_fault(path, deletes=True))


def _edited_path(table: Table) -> str:
    return table.text("path", check=lambda path: path_fault(path, deletes=False))


def _delete_file(name: str, table: Table) -> RecipeStep:
    return DeleteFile(name, _deleted_path(table))


def _delete_directory(name: str, table: Table) -> RecipeStep:
    return DeleteDirectory(name, _deleted_path(table))


def _write_file(name: str, table: Table) -> RecipeStep:
    return WriteFile(name, _edited_path(table), table.text("content", allow_empty=True, lines=True))


def _drop_ini_sections(name: str, table: Table) -> RecipeStep:
    return DropIniSections(
        name,
        _edited_path(table),
        table.texts("sections"),
        table.choice("unreadable", "delete", "keep", default="delete"),
    )


def _drop_vdf_blocks(name: str, table: Table) -> RecipeStep:
    return DropVdfBlocks(
        name, _edited_path(table), table.texts("blocks"), table.choice("unreadable", "delete", "keep", default="delete")
    )


def _set_value(name: str, table: Table) -> RecipeStep:
    key = table.text("key", check=lambda key: key_fault(key, deletes=False))
    kind, data = table.registry_data()
    return SetValue(name, key, table.text("value", allow_empty=True), kind, data)


def _delete_value(name: str, table: Table) -> RecipeStep:
    key = table.text("key", check=lambda key: key_fault(key, deletes=False))
    return DeleteValue(name, key, table.text("value", allow_empty=True))


def _delete_key(name: str, table: Table) -> RecipeStep:
    return DeleteKey(name, table.text("key", check=lambda key: key_fault(key, deletes=True)))


_KINDS = {
    "delete_file": _delete_file,
    "delete_directory": _delete_directory,
    "write_file": _write_file,
    "drop_ini_sections": _drop_ini_sections,
    "drop_vdf_blocks": _drop_vdf_blocks,
    "set_value": _set_value,
    "delete_value": _delete_value,
    "delete_key": _delete_key,
}


def _service_fault(service: str) -> str:
    plain = service.isascii() and all(char.isalnum() or char in " ._-" for char in service)
    return "" if plain else "a service is named by letters, digits, blanks, dots and dashes (its short name)"
