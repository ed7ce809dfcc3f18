"""Readers for what Windows programs print, in any language. Pure: text in, data out.

Nothing here looks at a word that Windows translates: only key paths, registry types, numbers and positions.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "Process",
    "RegistryKey",
    "RegistryKeys",
    "RegistryValue",
    "SessionRow",
    "StepLine",
    "decode",
    "labels",
    "processes",
    "registry_keys",
    "session_rows",
    "step_lines",
]


def decode(data: bytes) -> str:
    """Bytes of Windows programs as text: UTF-8 when it is that, else code page 866, each line by itself; never an error.

    Console programs write the OEM code page: 866 on a Russian Windows, where windows-1251 would be wrong and, strict, fatal. One answer
    may hold both: ``chcp 65001`` holds only for the programs after it.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(map(_decoded_line, data.splitlines(keepends=True)))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp866", errors="replace")


# -- reg query -------------------------------------------------------------------------------------------------------

_DEFAULT_NAMES = frozenset({"(default)", "(по умолчанию)", "(standard)", "(par défaut)", "(predeterminado)"})
"""How reg.exe writes the name of a key's default value (Wine prints ``(Default)`` too)."""

_VALUE_LINE = re.compile(r" {4}(?P<name>.*?) {4}(?P<kind>REG_[A-Z0-9_]+)(?: {4}(?P<data>.*))?")
_HIVE_LINE = re.compile(r"HKEY_[A-Z_]+(?:\\.*)?")


@dataclass(frozen=True, slots=True)
class RegistryValue:
    """One value as ``reg query`` prints it; the default value's name is empty."""

    name: str
    kind: str
    data: str

    @property
    def number(self) -> int | None:
        """A DWORD or QWORD as a number; ``None`` for other types."""
        if self.kind not in ("REG_DWORD", "REG_QWORD"):
            return None
        try:
            return int(self.data, 16)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class RegistryKey:
    """One key with the values that were printed for it."""

    path: str
    values: tuple[RegistryValue, ...] = ()

    def value(self, name: str) -> RegistryValue | None:
        """Find a value by its name, whatever its case."""
        wanted = name.casefold()
        return next((value for value in self.values if value.name.casefold() == wanted), None)

    def text(self, name: str) -> str:
        """Return the value's data, empty when it is not there."""
        found = self.value(name)
        return found.data if found else ""


@dataclass(frozen=True, slots=True)
class RegistryKeys:
    """All keys of one answer, in the order printed."""

    keys: tuple[RegistryKey, ...]

    def get(self, path: str) -> RegistryKey | None:
        """Find a key by its full path (``HKEY_...``), whatever its case."""
        wanted = path.casefold()
        return next((key for key in self.keys if key.path.casefold() == wanted), None)

    def below(self, path: str) -> tuple[RegistryKey, ...]:
        """Keys directly under ``path``."""
        prefix = path.casefold() + "\\"
        return tuple(
            key for key in self.keys if key.path.casefold().startswith(prefix) and "\\" not in key.path[len(prefix) :]
        )

    def __bool__(self) -> bool:
        return bool(self.keys)


def registry_keys(text: str) -> RegistryKeys:
    """Read an answer of ``reg query`` (with or without ``/s``); localised summary lines are passed over."""
    found: dict[str, tuple[str, list[RegistryValue]]] = {}
    values: list[RegistryValue] | None = None
    # Not splitlines(): registry data may hold characters that Python takes for line ends (U+0085, U+2028).
    for line in text.replace("\r\n", "\n").split("\n"):
        if _HIVE_LINE.fullmatch(line):
            # A key is printed once with its values and, without /s, once more among its parent's subkeys.
            _, values = found.setdefault(line.casefold(), (line, []))
        elif values is not None and (match := _VALUE_LINE.fullmatch(line)):
            name = match["name"]
            values.append(
                RegistryValue("" if name.casefold() in _DEFAULT_NAMES else name, match["kind"], match["data"] or "")
            )
    return RegistryKeys(tuple(RegistryKey(path, tuple(listed)) for path, listed in found.values()))


# -- tasklist, qwinsta -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Process:
    """One row of ``tasklist /fo csv /nh``."""

    name: str
    pid: int
    session: int


def processes(text: str) -> tuple[Process, ...]:
    """Read ``tasklist /fo csv /nh``; the localised sentence for *none found* gives no rows."""
    rows = csv.reader(line for line in text.splitlines() if line.startswith('"'))
    return tuple(
        Process(row[0], int(row[1]), int(row[3]))
        for row in rows
        if len(row) >= 4 and row[1].isdecimal() and row[3].isdecimal()
    )


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One row of ``qwinsta``."""

    name: str
    """Session name, such as ``console``, which Windows does not translate; may be empty."""
    user: str
    session: int


def session_rows(text: str) -> tuple[SessionRow, ...]:
    """Read ``qwinsta`` without relying on words or columns; the header has no number and falls out.

    The session number is the last whole number that is followed by a word (its state).
    """
    found = []
    for line in text.splitlines():
        if len(line) < 2 or line[0] not in " >":
            continue
        words = line[1:].split()
        at = next((i for i in range(len(words) - 2, -1, -1) if words[i].isdecimal()), None)
        if at is None:
            continue
        named = not line[1].isspace()
        name = words[0] if named and at > 0 else ""
        found.append(SessionRow(name, " ".join(words[1 if name else 0 : at]), int(words[at])))
    return tuple(found)


# -- our own evidence ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepLine:
    """``@@ step <name> <outcome> [code]``."""

    name: str
    outcome: str
    code: str = ""


def step_lines(text: str) -> tuple[StepLine, ...]:
    """Read the step lines of a preparation, in order; half-written lines (a link that broke) are left out."""
    return tuple(
        StepLine(words[1], words[2], " ".join(words[3:]))
        for words in _marked(text)
        if words[0] == "step" and len(words) >= 3 and words[2] in ("changed", "clean", "skipped", "failed")
    )


def labels(text: str) -> dict[str, str]:
    """Read ``@@ <label> <text>`` lines; the last one of a label counts."""
    return {words[0]: " ".join(words[1:]) for words in _marked(text) if words[0] not in ("begin", "end", "step")}


def _marked(text: str) -> Iterable[list[str]]:
    for line in text.splitlines():
        mark = line.strip()
        if mark.startswith("@@ ") and (words := mark.removeprefix("@@ ").split(" ")) and words[0]:
            yield words
