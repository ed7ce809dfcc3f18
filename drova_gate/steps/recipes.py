"""Sign-out recipes: what wipes one launcher's saved sign-in, as data. Schema and loader.

A recipe is a TOML file. ``[[min]]`` steps are the smallest wipe, ``[[full]]`` steps are added when certainty is worth more than comfort
(the disk forgets anyway).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from drova_gate.errors import RecipeFault
from drova_gate.steps.guard import (
    folder_part_fault,
    image_fault,
    kept_name_fault,
    key_fault,
    path_fault,
    place_name_fault,
    service_fault,
)
from drova_gate.steps.kinds import (
    ClearKey,
    DeleteDirectory,
    DeleteFile,
    DeleteKey,
    DeleteValue,
    DeleteValues,
    DropIniKeys,
    DropIniSections,
    DropJsonKeys,
    DropVdfBlocks,
    FileStep,
    KillUnder,
    Place,
    RecipeStep,
    SetValue,
    Unreadable,
    WriteFile,
)
from drova_gate.steps.table import Table, read_tables

__all__ = ["KINDS", "Level", "Recipe", "load_owners", "load_recipes", "read_recipe", "selected"]


class Level(StrEnum):
    """How much of a recipe is done (``DROVA_WIPE``)."""

    MIN = "min"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One launcher's sign-out."""

    name: str
    title: str
    enabled: bool
    verified: Literal["field", "sources", "unverified"]
    """``field``: seen to work on real stations; ``sources``: several sources agree; ``unverified``: one, or an inference."""
    sources: tuple[str, ...]
    note: str
    """What an owner should know; empty: nothing."""
    kill: tuple[str, ...]
    kill_under: tuple[KillUnder, ...]
    services: tuple[str, ...]
    places: tuple[Place, ...]
    minimum: tuple[RecipeStep, ...]
    full: tuple[RecipeStep, ...]


def selected(recipe: Recipe, level: Level) -> tuple[RecipeStep, ...]:
    """Choose the steps of a level; a step inside something that another one deletes is left out."""
    steps = recipe.minimum if level is Level.MIN else recipe.minimum + recipe.full
    roots = [step.path for step in steps if isinstance(step, DeleteDirectory) and not step.excepted]
    files = [step.path for step in steps if isinstance(step, DeleteFile)]

    def needless(step: RecipeStep) -> bool:
        if not isinstance(step, FileStep):
            return False
        path = step.path.casefold()
        inside = any(path.startswith(root.casefold() + "\\") for root in roots)
        emptied = isinstance(step, DeleteDirectory) and step.excepted and any(path == root.casefold() for root in roots)
        edited = not isinstance(step, DeleteFile | DeleteDirectory)
        return bool(inside or emptied or (edited and any(path == file.casefold() for file in files)))

    return tuple(step for step in steps if not needless(step))


def load_recipes(ours: Path, owners: Path | None = None) -> tuple[Recipe, ...]:
    """Read our recipes and the owner's, whose own replace ours of the same name; ``RecipeFault`` tells every fault at once."""
    found = {recipe.name: recipe for recipe in _read_folder(ours)}
    if owners is not None:
        found |= {recipe.name: recipe for recipe in load_owners(owners)}
    return tuple(found[name] for name in sorted(found))


def load_owners(folder: Path) -> tuple[Recipe, ...]:
    """Read the owner's own recipes alone; ``RecipeFault`` tells every fault at once."""
    if not folder.is_dir():
        raise RecipeFault("DROVA_LAUNCHERS_DIR", f"{folder} is not a folder", "create it or take the setting out")
    return tuple(_read_folder(folder))


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
    places = tuple(_place(each) for each in table.tables("place"))
    known = frozenset(place.name for place in places)
    recipe = Recipe(
        name=table.identifier("name"),
        title=table.text("title"),
        enabled=table.flag("enabled", default=True),
        verified=table.choice("verified", "field", "sources", "unverified"),
        sources=table.texts("sources", default=()),
        note=table.text("note", default="", allow_empty=True),
        kill=table.texts("kill", default=(), check=image_fault),
        kill_under=tuple(_kill_under(each) for each in table.tables("kill_under")),
        services=table.texts("services", default=(), check=service_fault),
        places=places,
        minimum=tuple(_step(step, known) for step in table.tables("min")),
        full=tuple(_step(step, known) for step in table.tables("full")),
    )
    _check_whole(recipe, table)
    table.close()
    return recipe


def _check_whole(recipe: Recipe, table: Table) -> None:
    names = [step.name for step in recipe.minimum + recipe.full]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            table.fault("name", f"two steps are called {name!r}")
    if not names and recipe.enabled and not (recipe.kill or recipe.kill_under):
        table.fault("min", "there is nothing to do: write at least one [[min]] table, or kill")
    if recipe.verified != "unverified" and not recipe.sources:
        table.fault("sources", f"verified = {recipe.verified!r} needs at least one source")


def _place(table: Table) -> Place:
    return Place(
        table.text("name", check=place_name_fault),
        table.text("key", check=lambda key: key_fault(key, deletes=False, reads=True)),
        table.text("value"),
    )


def _kill_under(table: Table) -> KillUnder:
    return KillUnder(
        table.text("image", check=lambda image: image_fault(image, shared=True)),
        table.text("folder", check=folder_part_fault),
    )


def _step(table: Table, places: frozenset[str]) -> RecipeStep:
    name = table.identifier("name")
    kind = table.known("kind", *KINDS)
    if kind is None:
        table.pass_over()
        return DeleteFile(name, "")  # stands in until the fault is raised
    return KINDS[kind](name, table, places)


def _deleted_path(table: Table, places: frozenset[str]) -> str:
    return table.text("path", check=lambda path: path_fault(path, deletes=True, places=places))


def _edited_path(table: Table, places: frozenset[str]) -> str:
    return table.text("path", check=lambda path: path_fault(path, deletes=False, places=places))


def _unreadable(table: Table) -> Unreadable:
    return table.choice("unreadable", "delete", "keep", default="delete")


def _delete_file(name: str, table: Table, places: frozenset[str]) -> RecipeStep:
    return DeleteFile(name, _deleted_path(table, places))


def _delete_directory(name: str, table: Table, places: frozenset[str]) -> RecipeStep:
    excepted = table.texts("except", default=(), check=kept_name_fault)
    # What keeps something does not take the directory itself: one that only holds protected things may be named.
    path = table.text("path", check=lambda path: path_fault(path, deletes=True, places=places, kept=excepted))
    if excepted and "*" in path:
        table.fault("except", "goes with a path without wildcards: write a step for each directory")
    return DeleteDirectory(name, path, excepted)


def _write_file(name: str, table: Table, places: frozenset[str]) -> RecipeStep:
    return WriteFile(name, _edited_path(table, places), table.text("content", allow_empty=True, lines=True))


def _drop_ini_sections(name: str, table: Table, places: frozenset[str]) -> RecipeStep:
    return DropIniSections(name, _edited_path(table, places), table.texts("sections"), _unreadable(table))


def _drop_ini_keys(name: str, table: Table, places: frozenset[str]) -> RecipeStep:
    section = table.text("section", default="", allow_empty=True)
    keys = table.texts("keys", check=_ini_key_fault)
    return DropIniKeys(name, _edited_path(table, places), keys, section or None, _unreadable(table))


def _drop_json_keys(name: str, table: Table, places: frozenset[str]) -> RecipeStep:
    return DropJsonKeys(
        name, _edited_path(table, places), table.texts("keys", check=_json_key_fault), _unreadable(table)
    )


def _drop_vdf_blocks(name: str, table: Table, places: frozenset[str]) -> RecipeStep:
    return DropVdfBlocks(name, _edited_path(table, places), table.texts("blocks"), _unreadable(table))


def _set_value(name: str, table: Table, places: frozenset[str]) -> RecipeStep:  # noqa: ARG001 - one signature for all kinds
    key = table.text("key", check=lambda key: key_fault(key, deletes=False))
    kind, data = table.registry_data()
    return SetValue(name, key, table.text("value", allow_empty=True), kind, data)


def _delete_value(name: str, table: Table, places: frozenset[str]) -> RecipeStep:  # noqa: ARG001 - one signature for all kinds
    key = table.text("key", check=lambda key: key_fault(key, deletes=False, wild=True))
    return DeleteValue(name, key, table.text("value", allow_empty=True))


def _delete_values(name: str, table: Table, places: frozenset[str]) -> RecipeStep:  # noqa: ARG001 - one signature for all kinds
    key = table.text("key", check=lambda key: key_fault(key, deletes=True, wild=True))
    return DeleteValues(name, key, table.text("prefix"))


def _clear_key(name: str, table: Table, places: frozenset[str]) -> RecipeStep:  # noqa: ARG001 - one signature for all kinds
    return ClearKey(name, table.text("key", check=lambda key: key_fault(key, deletes=True)))


def _delete_key(name: str, table: Table, places: frozenset[str]) -> RecipeStep:  # noqa: ARG001 - one signature for all kinds
    return DeleteKey(name, table.text("key", check=lambda key: key_fault(key, deletes=True, wild=True)))


KINDS: dict[str, Callable[[str, Table, frozenset[str]], RecipeStep]] = {
    "delete_file": _delete_file,
    "delete_directory": _delete_directory,
    "write_file": _write_file,
    "drop_ini_sections": _drop_ini_sections,
    "drop_ini_keys": _drop_ini_keys,
    "drop_json_keys": _drop_json_keys,
    "drop_vdf_blocks": _drop_vdf_blocks,
    "set_value": _set_value,
    "delete_value": _delete_value,
    "delete_values": _delete_values,
    "clear_key": _clear_key,
    "delete_key": _delete_key,
}
"""Every kind by the word a recipe writes, with its reader."""


def _ini_key_fault(key: str) -> str:
    if "*" in key[:-1]:
        return "a wildcard stands only at the end of a key"
    return "" if key != "*" and "=" not in key else "write the key's name, such as CurrentUserName or MyComUser*"


def _json_key_fault(key: str) -> str:
    parts = key.split(".")
    if not all(parts):
        return "levels are joined by single dots: Client.AutoLogin"
    return (
        ""
        if parts[-1] != "*" and all("*" not in part or part == "*" for part in parts)
        else ("a wildcard stands for every name of a level above the last: Games.*.token")
    )
