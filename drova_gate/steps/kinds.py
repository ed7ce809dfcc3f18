"""The kinds of recipe steps, one class each. Data only.

A kind is read by one reader in ``recipes.py`` and compiled by one handler in ``compile_steps.py``.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ClearKey",
    "DeleteDirectory",
    "DeleteFile",
    "DeleteKey",
    "DeleteValue",
    "DeleteValues",
    "DropIniKeys",
    "DropIniSections",
    "DropJsonKeys",
    "DropVdfBlocks",
    "EditStep",
    "FileStep",
    "KillUnder",
    "Place",
    "RecipeStep",
    "RegistryStep",
    "SetValue",
    "Unreadable",
    "WriteFile",
]

Unreadable = Literal["delete", "keep"]
"""What becomes of a file that cannot be edited: too large, garbled, no text of its kind."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder whose place the registry tells; of several places of one name the first that is found counts."""

    name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class KillUnder:
    """Processes of a name that several programs bear: only those whose path holds ``folder``."""

    image: str
    folder: str


# -- files -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """Delete a file, or all files that wildcards match."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class DeleteDirectory:
    """Delete a directory with everything in it, or all but the named entries at its top; a junction is removed, never followed."""

    name: str
    path: str
    excepted: tuple[str, ...] = ()
    """Names to keep, each with at most one ``*`` at its end."""


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Replace the content of a file that is there; a missing one stays missing."""

    name: str
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class DropIniSections:
    """Take whole sections out of an INI file, every other byte kept."""

    name: str
    path: str
    sections: tuple[str, ...]
    unreadable: Unreadable = "delete"


@dataclass(frozen=True, slots=True)
class DropIniKeys:
    """Take keys out of an INI file by line, in every section or the named one, every other byte kept."""

    name: str
    path: str
    keys: tuple[str, ...]
    """A ``*`` at the end stands for any ending."""
    section: str | None = None
    unreadable: Unreadable = "delete"


@dataclass(frozen=True, slots=True)
class DropJsonKeys:
    """Take keys out of a JSON file, every other byte kept."""

    name: str
    path: str
    keys: tuple[str, ...]
    """Dotted paths; a ``*`` stands for every name of its level."""
    unreadable: Unreadable = "delete"


@dataclass(frozen=True, slots=True)
class DropVdfBlocks:
    """Take named blocks out of a Valve text file, every other byte kept."""

    name: str
    path: str
    blocks: tuple[str, ...]
    unreadable: Unreadable = "delete"


# -- registry --------------------------------------------------------------------------------------------------------


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
    """Delete a registry value; one component of the key may be ``*``."""

    name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class DeleteValues:
    """Delete every value of a key whose name begins with ``prefix``; one component of the key may be ``*``."""

    name: str
    key: str
    prefix: str


@dataclass(frozen=True, slots=True)
class ClearKey:
    """Delete all values of a registry key; its subkeys stay."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class DeleteKey:
    """Delete a registry key with everything below it; one component may be ``*``."""

    name: str
    key: str


EditStep = WriteFile | DropIniSections | DropIniKeys | DropJsonKeys | DropVdfBlocks
FileStep = DeleteFile | DeleteDirectory | EditStep
RegistryStep = SetValue | DeleteValue | DeleteValues | ClearKey | DeleteKey
RecipeStep = FileStep | RegistryStep
