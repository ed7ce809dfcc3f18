"""Registry changes as data, and the ``.reg`` file that ``reg import`` takes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

__all__ = ["KeyGone", "RegistryEdit", "ValueGone", "ValueSet", "registry_file"]


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A value is to be there with this data; ``key`` is the full path, ``HKEY_...``."""

    key: str
    name: str
    kind: Literal["REG_SZ", "REG_DWORD"]
    data: str | int


@dataclass(frozen=True, slots=True)
class ValueGone:
    """A value is to be gone; its key may stay."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class KeyGone:
    """A key is to be gone with everything below it."""

    key: str


RegistryEdit = ValueSet | ValueGone | KeyGone


def registry_file(edits: Iterable[RegistryEdit]) -> bytes:
    """Render edits in their order: UTF-16LE with a byte order mark and CRLF, the one form in which Cyrillic survives."""
    lines = ["Windows Registry Editor Version 5.00", ""]
    for head, group in groupby(edits, key=_head):
        lines += [head, *(_line(edit) for edit in group if not isinstance(edit, KeyGone)), ""]
    return "".join(f"{line}\r\n" for line in ("\ufeff" + lines[0], *lines[1:])).encode("utf-16-le")


def _head(edit: RegistryEdit) -> str:
    return f"[-{edit.key}]" if isinstance(edit, KeyGone) else f"[{edit.key}]"


def _line(edit: ValueSet | ValueGone) -> str:
    name = f'"{_escaped(edit.name)}"' if edit.name else "@"
    if isinstance(edit, ValueGone):
        return f"{name}=-"
    if isinstance(edit.data, int):
        return f"{name}=dword:{edit.data:08x}"
    return f'{name}="{_escaped(edit.data)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
