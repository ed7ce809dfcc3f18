"""Recipe steps in words: one line for each, as an owner reads it. Pure."""

import re

from drova_gate.steps.guard import FOLDERS
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
    EditStep,
    FileStep,
    Place,
    RecipeStep,
    RegistryStep,
    SetValue,
    WriteFile,
)

__all__ = ["describe", "kind_of", "meaning", "place_line", "variables_of"]

_VARIABLE = re.compile(r"\{\w+\}")


def kind_of(step: RecipeStep) -> str:
    """Name a step's kind by the word that a recipe writes."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(step).__name__).lower()


def describe(step: RecipeStep) -> str:
    """Say in one line what a step does; the content that a file is given is left out."""
    return _registry(step) if isinstance(step, RegistryStep) else _file(step)


def variables_of(step: RecipeStep) -> tuple[str, ...]:
    """List the variables in a step's path, with their braces."""
    return tuple(_VARIABLE.findall(step.path)) if isinstance(step, FileStep) else ()


def meaning(variable: str) -> str:
    """Say where a variable leads on a usual station; empty for a recipe's own places."""
    return FOLDERS.get(variable.strip("{}"), "").replace("*", "<user>")


def place_line(place: Place) -> str:
    """Say where the registry tells a recipe's own place."""
    return f"{{{place.name}}} is where {place.key} : {place.value} says"


def _file(step: FileStep) -> str:
    match step:
        case DeleteFile(path=path):
            return f"delete file{'s' if '*' in path else ''} {path}"
        case DeleteDirectory(path=path, excepted=excepted):
            return f"delete folder{'s' if '*' in path else ''} {path}" + (
                f", all but {_listed(excepted)}" if excepted else ""
            )
        case _:
            return _edit(step)


def _edit(step: EditStep) -> str:
    match step:
        case WriteFile(path=path, content=content):
            return f"replace the content of {path} ({len(content.encode())} bytes)"
        case DropIniSections(path=path, sections=sections):
            what = _listed(tuple(f"[{section}]" for section in sections))
        case DropIniKeys(path=path, keys=keys, section=section):
            what = _listed(keys) + (f" of [{section}]" if section else "")
        case DropJsonKeys(path=path, keys=keys):
            what = _listed(keys)
        case DropVdfBlocks(path=path, blocks=blocks):
            what = f"block{'s' if len(blocks) > 1 else ''} {_listed(blocks)}"
    return f"take {what} out of {path}" + (" (left as it is when unreadable)" if step.unreadable == "keep" else "")


def _registry(step: RegistryStep) -> str:
    match step:
        case SetValue(key=key, value=value, data=data):
            return f"set {key} : {_value(value)} = {data}" if data != "" else f"empty {key} : {_value(value)}"
        case DeleteValue(key=key, value=value):
            return f"delete value {key} : {_value(value)}"
        case DeleteValues(key=key, prefix=prefix):
            return f"delete values {key} : {prefix}*"
        case ClearKey(key=key):
            return f"delete all values of {key}"
        case DeleteKey(key=key):
            return f"delete key {key}"


def _value(name: str) -> str:
    return name or "(default)"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)
