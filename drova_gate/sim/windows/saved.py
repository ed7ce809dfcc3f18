"""What a program leaves on the PC of somebody who is signed in to it: the words to say it in.

Paths begin with a drive or with a folder's name as Windows writes it (``%LOCALAPPDATA%``), registry keys with HKCU (the owner's) or HKLM.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from drova_gate.sim.windows.people import Person
from drova_gate.sim.windows.registry import Value

__all__ = ["Entry", "File", "Item", "Junction", "Partly", "Reader", "Running", "Saved", "expand", "files", "user_key"]

_FOLDERS = {
    "USERPROFILE": "",
    "LOCALAPPDATA": r"\AppData\Local",
    "APPDATA": r"\AppData\Roaming",
    "LOCALLOW": r"\AppData\LocalLow",
    "DOCUMENTS": r"\OneDrive\Документы",
}
"""Below the profile. LOCALLOW and DOCUMENTS are no variables of Windows; the owner has his documents in OneDrive."""
_MACHINE = {
    "PROGRAMDATA": r"C:\ProgramData",
    "PROGRAMFILES": r"C:\Program Files",
    "PROGRAMFILES(X86)": r"C:\Program Files (x86)",
}


def expand(path: str, person: Person) -> str:
    """Fill in a path's folder."""

    def folder(found: re.Match[str]) -> str:
        return _MACHINE.get(found[1]) or person.profile + _FOLDERS[found[1]]

    return re.sub(r"^%([^%]+)%", folder, path)


def user_key(key: str, person: Person) -> str:
    """Put the owner's hive in the place of HKCU."""
    return person.hive + key[len("HKCU") :] if key.startswith("HKCU\\") else key


class Reader(Protocol):
    """How to look at a disk and a registry, the simulated ones or others."""

    def content(self, path: str) -> bytes | None:
        """A file's content; ``None`` when there is no such file."""
        ...

    def value(self, key: str, name: str) -> Value | None:
        """A value; ``None`` when it is not there."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """A file that counts as a whole."""

    path: str
    text: str = "saved\r\n"
    attributes: str = ""
    """Of ``r`` read-only, ``h`` hidden, ``s`` system."""

    @property
    def data(self) -> bytes:
        """What lies on the disk."""
        return self.text.encode("utf-8")

    def present(self, reader: Reader) -> bool:
        """Whether it still signs somebody in."""
        return reader.content(self.path) is not None

    def hurt(self, reader: Reader) -> str:
        """What has become of it that should not have; empty when it is as it was."""
        found = reader.content(self.path)
        if found is None:
            return f"{self.path} is gone"
        return "" if found == self.data else f"{self.path} was changed"


@dataclass(frozen=True, slots=True)
class Partly:
    """A file with a sign-in in it and other things that the owner wants to keep."""

    path: str
    text: str
    secrets: tuple[str, ...]
    """Any of them, still there, signs somebody in."""
    keeps: tuple[str, ...]
    attributes: str = ""
    encoding: str = "utf-8"

    @property
    def data(self) -> bytes:
        """What lies on the disk."""
        return self.text.encode(self.encoding)

    def present(self, reader: Reader) -> bool:
        """Whether it still signs somebody in."""
        found = reader.content(self.path)
        return found is not None and any(secret in found.decode(self.encoding, "replace") for secret in self.secrets)

    def hurt(self, reader: Reader) -> str:
        """What has become of the rest that should not have; empty when all of it is there."""
        found = reader.content(self.path)
        if found is None:
            return f"{self.path} is gone"
        lost = [text for text in self.keeps if text.encode(self.encoding) not in found]
        return f"{self.path} lost {', '.join(lost)}" if lost else ""


@dataclass(frozen=True, slots=True)
class Junction:
    """A folder that leads elsewhere, with a file of the owner's behind it: the link may go, the file may not."""

    path: str
    target: str
    file: str

    def present(self, _reader: Reader) -> bool:
        """A link signs nobody in."""
        return False

    def hurt(self, reader: Reader) -> str:
        """What has become of the file behind it."""
        behind = rf"{self.target}\{self.file}"
        return "" if reader.content(behind) is not None else f"{behind}, behind a junction, is gone"


@dataclass(frozen=True, slots=True)
class Entry:
    """A registry value; a sign-in as long as it has other data than an empty text or 0."""

    key: str
    name: str
    data: str | int | bytes = "saved"

    @property
    def typed(self) -> Value:
        """The value as the registry holds it."""
        kind = {str: "REG_SZ", int: "REG_DWORD", bytes: "REG_BINARY"}[type(self.data)]
        return Value(kind, self.data)

    def present(self, reader: Reader) -> bool:
        """Whether it still signs somebody in."""
        found = reader.value(self.key, self.name)
        return found is not None and bool(found.data)

    def hurt(self, reader: Reader) -> str:
        """What has become of it that should not have; empty when it is as it was."""
        found = reader.value(self.key, self.name)
        if found is None:
            return rf"{self.key}\{self.name} is gone"
        return "" if found.data == self.data else rf"{self.key}\{self.name} was changed"


Item = File | Partly | Junction | Entry


@dataclass(frozen=True, slots=True)
class Running:
    """A process as autostart leaves it."""

    path: str
    holds: str = ""
    """A file that nobody can delete while it runs."""
    child_of: str = ""
    """Image of the process that started it."""
    service: bool = False
    """Runs in session 0."""
    kilobytes: int = 64_000

    @property
    def image(self) -> str:
        """Its name in the list of processes."""
        return self.path.rsplit("\\", 1)[1]


@dataclass(frozen=True, slots=True)
class Saved:
    """One program's traces, by what a sign-out has to do with them."""

    gone: tuple[Item, ...] = ()
    """Signs the owner in; the smallest sign-out must take it."""
    deep: tuple[Item, ...] = ()
    """Only the thorough sign-out takes it."""
    kept: tuple[Item, ...] = ()
    """Installed games, saves, settings: no sign-out may take it. What is kept of a file in ``gone`` stands here again."""
    kept_min: tuple[Item, ...] = ()
    """The smallest sign-out must leave it, the thorough one may take it."""
    running: tuple[Running, ...] = ()
    services: tuple[str, ...] = ()
    """Short names of services that must not be running after a sign-out."""

    def items(self) -> Iterable[Item]:
        """Everything that lies there, each once."""
        return dict.fromkeys((*self.gone, *self.deep, *self.kept, *self.kept_min))


def files(folder: str, *names: str) -> tuple[File, ...]:
    """Files of one folder that count as a whole each."""
    return tuple(File(rf"{folder}\{name}") for name in names)
