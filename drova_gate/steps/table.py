"""TOML read strictly, with messages an owner understands: file, key, what is wrong, what is allowed."""

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from drova_gate.errors import RecipeFault

__all__ = ["LOCKDOWN_FILE", "Table", "read_tables", "read_text"]

_MISSING = object()
_LARGEST = 1 << 20
"""Bytes of a recipe file: ours have 1 to 4 KB; beyond a megabyte it is something else."""

LOCKDOWN_FILE = "lockdown.toml"
"""The owner's lockdown lies among his recipes and is read by a reader of its own."""

_Choice = TypeVar("_Choice", bound=str)


def read_tables(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every recipe (``*.toml``) of a folder with its text, by name; ``RecipeFault`` for one that cannot be read."""
    for path in sorted(folder.glob("*.toml")):
        if path.name != LOCKDOWN_FILE:
            yield path, read_text(path)


def read_text(path: Path) -> str:
    """Read one file; ``RecipeFault`` when it cannot be read or is no text of a recipe's size."""
    try:
        if path.stat().st_size > _LARGEST:
            raise RecipeFault(path.name, "the file is larger than 1 MB", "this is no recipe, take it out")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeFault(path.name, "is not UTF-8 text", "save it as UTF-8") from error
    except OSError as error:
        raise RecipeFault(
            path.name, f"cannot be read ({error.strerror})", "the gate must be able to read it"
        ) from error


class Table:
    """One TOML table: each key is taken once, faults are gathered, ``close`` raises them all."""

    def __init__(self, file: str, place: str, content: dict[str, Any], faults: list[str]) -> None:
        self._file = file
        self._place = place
        self._content = content
        self._faults = faults
        self._asked: set[str] = set()
        self._inner: list[Table] = []

    @classmethod
    def parse(cls, file: str, text: str) -> "Table":
        """Read a file's text; ``RecipeFault`` with the line for what is no TOML."""
        try:
            return cls(file, "", tomllib.loads(text), [])
        except tomllib.TOMLDecodeError as error:
            raise RecipeFault(file, f"not valid TOML: {error}", "paths are best written in single quotes") from error

    def fault(self, key: str, text: str) -> None:
        """Note one fault of this table."""
        self._faults.append(f"{self._place}{key}: {text}")

    def close(self) -> None:
        """Raise ``RecipeFault`` with every fault, unknown keys among them."""
        self._note_unknown()
        if self._faults:
            raise RecipeFault(self._file, f"\n{self._file}: ".join(self._faults))

    def text(
        self,
        key: str,
        *,
        default: str | None = None,
        check: Callable[[str], str] | None = None,
        allow_empty: bool = False,
        lines: bool = False,
    ) -> str:
        """Take a text; ``check`` says what is wrong with it, or nothing."""
        found = self._take(key, default)
        if not isinstance(found, str):
            self._wrong(key, found, "a text in quotes")
            return ""
        if not found and not allow_empty:
            self.fault(key, "is empty")
        elif not lines and any(char < " " for char in found):
            self.fault(key, "holds a line end or another control character")
        elif check is not None and (fault := check(found)):
            self.fault(key, f"'{found}': {fault}")  # as it was written: repr would double every backslash
        return found

    def identifier(self, key: str) -> str:
        """Take a name of small letters, digits and underscores: it appears in evidence lines and logs."""

        def check(name: str) -> str:
            return (
                ""
                if re.fullmatch(r"[a-z0-9_]{1,40}", name)
                else "a name is 1 to 40 small letters, digits and underscores"
            )

        return self.text(key, check=check)

    def texts(
        self, key: str, *, default: tuple[str, ...] | None = None, check: Callable[[str], str] | None = None
    ) -> tuple[str, ...]:
        """Take a list of texts; with no default it must not be empty."""
        found = self._take(key, default)
        if not isinstance(found, list | tuple) or not all(isinstance(item, str) and item for item in found):
            self._wrong(key, found, 'a list of texts: ["one", "two"]')
            return ()
        if not found and default is None:
            self.fault(key, "the list is empty")
        for item in found:
            if any(char < " " for char in item):
                self.fault(key, f"{item!r} holds a control character")
            elif check is not None and (fault := check(item)):
                self.fault(key, f"'{item}': {fault}")
        return tuple(found)

    def flag(self, key: str, *, default: bool) -> bool:
        """Take ``true`` or ``false``."""
        found = self._take(key, default)
        if isinstance(found, bool):
            return found
        self._wrong(key, found, "true or false")
        return default

    def numbers(
        self, key: str, lowest: int, highest: int, *, default: tuple[int, ...] | None = None
    ) -> tuple[int, ...]:
        """Take a list of whole numbers within limits; with no default it must not be empty."""
        found = self._take(key, default)
        listed = isinstance(found, list | tuple) and all(type(item) is int for item in found)
        if not isinstance(found, list | tuple) or not listed or (not found and default is None):
            self._wrong(key, found, "a list of whole numbers: [139, 445]")
            return ()
        if not all(lowest <= item <= highest for item in found):
            self.fault(key, f"numbers from {lowest} to {highest} are allowed")
        return tuple(found)

    def whole_number(self, key: str, lowest: int, highest: int, *, default: int | None) -> int | None:
        """Take a whole number within limits; the default may be ``None``."""
        found = self._take(key, _MISSING if default is None else default)
        if found is _MISSING or (type(found) is int and lowest <= found <= highest):
            return found if type(found) is int else None
        self._wrong(key, found, f"a whole number from {lowest} to {highest}")
        return default

    def choice(self, key: str, *allowed: _Choice, default: _Choice | None = None) -> _Choice:
        """Take one of the allowed words; for another one the fault is noted and the last word stands in."""
        return self.known(key, *allowed, default=default) or allowed[-1]

    def known(self, key: str, *allowed: _Choice, default: _Choice | None = None) -> _Choice | None:
        """Take one of the allowed words; ``None``, with the fault noted, for another one."""
        found = self._take(key, default)
        for word in allowed:
            if word == found:
                return word
        if found is not _MISSING:
            self.fault(key, f"{found!r} is not known{_nearest(str(found), allowed)}; allowed are {', '.join(allowed)}")
        return None

    def holds_only(self, *keys: str) -> bool:
        """Whether no other key was written; asks for nothing."""
        return self._content.keys() <= set(keys)

    def pass_over(self) -> None:
        """Ask nothing more of this table: its kind is unknown, so its other keys cannot be judged."""
        self._asked |= self._content.keys()

    def registry_data(
        self, default: tuple[Literal["REG_SZ", "REG_DWORD"], str | int] | None = None
    ) -> tuple[Literal["REG_SZ", "REG_DWORD"], str | int]:
        """Take ``data``: a whole number is a DWORD, a text is a string value."""
        found = self._take("data", None if default is None else default[1])
        if type(found) is int and 0 <= found <= 0xFFFFFFFF:
            return "REG_DWORD", found
        if isinstance(found, str) and not any(char < " " for char in found):
            return "REG_SZ", found
        self._wrong("data", found, "a whole number from 0 to 4294967295 (DWORD) or a text of one line")
        return "REG_SZ", ""

    def tables(self, key: str) -> list["Table"]:
        """Take a list of tables, ``[[key]]``; none is an empty list."""
        found = self._take(key, ())
        if not isinstance(found, list | tuple) or not all(isinstance(item, dict) for item in found):
            self._wrong(key, found, f"tables, each under its own [[{key}]]")
            return []
        made = []
        for number, item in enumerate(found, 1):
            label = item.get("name") if isinstance(item.get("name"), str) else number
            made.append(Table(self._file, f"{self._place}[[{key}]] {label}: ", item, self._faults))
        self._inner += made
        return made

    def _take(self, key: str, default: object) -> object:
        self._asked.add(key)
        if key in self._content:
            return self._content[key]
        if default is None:
            unknown = [name for name in self._content if name not in self._asked]
            self.fault(key, "is missing" + _nearest(key, unknown, "you wrote"))
            return _MISSING
        return default

    def _wrong(self, key: str, found: object, allowed: str) -> None:
        if found is not _MISSING:
            self.fault(key, f"{found!r} is not allowed; write {allowed}")

    def _note_unknown(self) -> None:
        for key in self._content.keys() - self._asked:
            self.fault(key, f"is not known{_nearest(key, self._asked)}; known are {', '.join(sorted(self._asked))}")
        for table in self._inner:
            table._note_unknown()  # noqa: SLF001 - the same class


def _nearest(word: str, known: "set[str] | list[str] | tuple[str, ...]", lead: str = "did you mean") -> str:
    import difflib  # noqa: PLC0415 - see config.py

    close = difflib.get_close_matches(word, list(known), n=1)
    return f" ({lead} {close[0]!r}?)" if close else ""
