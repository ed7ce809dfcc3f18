"""The registry: typed values, case-blind names, hives on volume C, memory-only hives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from drova_gate.sim.windows.journal import Journal

__all__ = ["Key", "KeyNotFound", "Registry", "Value", "VolatileParent", "number"]

REG_NONE = "REG_NONE"
_SHORT = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_LONG = frozenset(_SHORT.values())


class KeyNotFound(LookupError):
    """There is no such key or value (Windows error 2)."""


class VolatileParent(OSError):
    """A lasting subkey cannot be created under a memory-only key (Windows error 1021)."""


@dataclass(frozen=True, slots=True)
class Value:
    """A typed value: text for REG_SZ and REG_EXPAND_SZ, a tuple for REG_MULTI_SZ, else a number or bytes."""

    kind: str
    data: str | int | bytes | tuple[str, ...]


def number(value: int) -> Value:
    """A REG_DWORD."""
    return Value("REG_DWORD", value)


@dataclass(slots=True)
class Key:
    """A key with its values (in order of creation) and subkeys."""

    name: str
    values: dict[str, tuple[str, Value]] = field(default_factory=dict)
    """Lower-case name (empty: the default value) to the written name and the value."""
    children: dict[str, "Key"] = field(default_factory=dict)
    volatile: bool = False
    """Lives in memory: gone at boot."""

    def copy(self) -> "Key":
        """A copy that shares nothing that can change."""
        return Key(
            self.name, dict(self.values), {name: key.copy() for name, key in self.children.items()}, self.volatile
        )

    def subkeys(self) -> list["Key"]:
        """Subkeys in the order in which Windows enumerates them."""
        return [self.children[name] for name in sorted(self.children, key=str.upper)]

    def without_volatile(self) -> "Key":
        """What a hive's file on the disk holds."""
        kept = {name: key.without_volatile() for name, key in self.children.items() if not key.volatile}
        return Key(self.name, dict(self.values), kept)


class Registry:
    r"""All hives; HKCU is the SSH user's, the others are ``HKU\<SID>``. Paths take short and long root names."""

    def __init__(self, journal: Journal, current_user: str, keeps: Callable[[str, str, Value], Value]) -> None:
        self._journal = journal
        self._current_user = current_user
        self._keeps = keeps
        self._root = _empty_root()
        self._base: Key | None = None

    # -- Shadow Mode and boot -----------------------------------------------------------------------------------

    def begin_shadow(self) -> None:
        """From now on what is written will be forgotten at boot."""
        if self._base is None:
            self._base = self._root.without_volatile()

    def forget(self) -> None:
        """Go back to what stood there when volume C entered Shadow Mode."""
        if self._base is not None:
            self._root, self._base = self._base, None

    def keep(self) -> None:
        """Make what is in memory the disk's content."""
        self._base = None

    def drop_memory(self) -> None:
        """What a boot does to memory-only keys: none of them is left."""
        self._root = self._root.without_volatile()

    def lasting(self) -> Key:
        """What the hives' files hold once Shadow Mode's overlay is dropped."""
        return self._base if self._base is not None else self._root.without_volatile()

    # -- reading -------------------------------------------------------------------------------------------------

    def resolve(self, path: str) -> list[str]:
        """The path's parts from the true root; ``KeyNotFound`` for an unknown root."""
        parts = [part for part in path.split("\\") if part]
        if not parts:
            raise KeyNotFound(path)
        root = _SHORT.get(parts[0].upper(), parts[0].upper())
        rest = parts[1:]
        if root not in _LONG:
            raise KeyNotFound(path)
        if root == "HKEY_CURRENT_USER":
            return ["HKEY_USERS", self._current_user, *rest]
        if root == "HKEY_CLASSES_ROOT":
            return ["HKEY_LOCAL_MACHINE", "SOFTWARE", "Classes", *rest]
        if root == "HKEY_CURRENT_CONFIG":
            return ["HKEY_LOCAL_MACHINE", "SYSTEM", "CurrentControlSet", "Hardware Profiles", "Current", *rest]
        return [root, *rest]

    def key(self, path: str) -> Key:
        """The key; ``KeyNotFound`` when it is not there."""
        found = self._root
        for part in self.resolve(path):
            inner = found.children.get(part.lower())
            if inner is None:
                raise KeyNotFound(path)
            found = inner
        return found

    def has_key(self, path: str) -> bool:
        """Whether the key is there."""
        try:
            self.key(path)
        except KeyNotFound:
            return False
        return True

    def get(self, path: str, name: str = "") -> Value | None:
        """A value, or ``None`` when the key or the value is not there."""
        try:
            found = self.key(path).values.get(name.lower())
        except KeyNotFound:
            return None
        return found[1] if found else None

    def text(self, path: str, name: str = "") -> str:
        """A text value; empty when it is not there or no text."""
        value = self.get(path, name)
        return value.data if value is not None and isinstance(value.data, str) else ""

    def walk(self, path: str) -> Iterator[tuple[str, Key]]:
        """The key and everything below, each with its path as written."""
        key = self.key(path)
        yield path, key
        for child in key.subkeys():
            yield from self.walk(f"{path}\\{child.name}")

    # -- writing -------------------------------------------------------------------------------------------------

    def create_key(self, path: str, *, volatile: bool = False) -> Key:
        """The key, made if needed together with its parents; ``VolatileParent`` for a lasting one in memory."""
        found = self._root
        for depth, part in enumerate(self.resolve(path)):
            inner = found.children.get(part.lower())
            if inner is None:
                # Hives are loaded by Windows only: nothing can be created right under a root.
                if depth == 0 or (depth == 1 and not volatile and not self._loading):
                    raise KeyNotFound(path)
                if found.volatile and not volatile:
                    raise VolatileParent(path)
                inner = Key(part, volatile=volatile)
                found.children[part.lower()] = inner
                self._wrote(path, volatile=volatile)
            found = inner
        return found

    _loading = False

    def load(self, path: str, *, volatile: bool = False) -> Key:
        """Create a hive's root (or anything else) as Windows does."""
        self._loading = True
        try:
            return self.create_key(path, volatile=volatile)
        finally:
            self._loading = False

    def set(self, path: str, name: str, value: Value) -> None:
        """Set a value; the key and its parents are made if needed."""
        key = self.create_key(path)
        written = key.values.get(name.lower(), (name, value))[0]
        key.values[name.lower()] = (written, self._keeps(path, name, value))
        self._wrote(f"{path}\\{name}", volatile=key.volatile)

    def delete_value(self, path: str, name: str) -> None:
        """Delete a value; ``KeyNotFound`` when it is not there."""
        key = self.key(path)
        if name.lower() not in key.values:
            raise KeyNotFound(f"{path}\\{name}")
        del key.values[name.lower()]
        self._wrote(f"{path}\\{name}", volatile=key.volatile)

    def delete_key(self, path: str) -> None:
        """Delete a key with everything below; ``KeyNotFound`` when it is not there."""
        parts = self.resolve(path)
        key = self.key(path)
        if len(parts) < 3:  # a root or a hive
            raise PermissionError(5, "access is denied", path)
        parent = self._root
        for part in parts[:-1]:
            parent = parent.children[part.lower()]
        del parent.children[parts[-1].lower()]
        self._wrote(path, volatile=key.volatile)

    def _wrote(self, subject: str, *, volatile: bool) -> None:
        self._journal.record("volatile" if volatile else "write", subject)


def _empty_root() -> Key:
    root = Key("")
    for name in ("HKEY_LOCAL_MACHINE", "HKEY_USERS"):
        root.children[name.lower()] = Key(name)
    return root
