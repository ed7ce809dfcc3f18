"""Registry steps of recipes against what a registry holds: which edits they come to, what must be read to know. Pure.

``reg.exe`` knows no wildcards, so what a step names by a prefix or a ``*`` is looked up: before the session, and once more in the
read-back, where whatever came up meanwhile shows.
"""

from collections.abc import Iterable, Mapping

from drova_gate.host.parse import RegistryKey, RegistryKeys
from drova_gate.steps.kinds import ClearKey, DeleteKey, DeleteValue, DeleteValues, RegistryStep, SetValue
from drova_gate.steps.registry_file import KeyGone, RegistryEdit, ValueGone, ValueSet
from drova_gate.steps.target import Target

__all__ = ["Read", "branch_covers", "branches", "fault_of", "is_there", "makers_key", "read_index", "to_do"]

Read = Mapping[str, RegistryKey]
"""Keys that were read, by their full path in lower case."""

_SHARED = frozenset({"microsoft", "classes", "policies"})
"""Keys below ``Software`` that hold programs of many makers: never read with everything below them."""


def read_index(keys: RegistryKeys) -> dict[str, RegistryKey]:
    """Index keys by their path."""
    return {key.path.casefold(): key for key in keys.keys}


def to_do(step: RegistryStep, target: Target, read: Read) -> tuple[RegistryEdit, ...]:
    """List the edits that the step still comes to: none when what was read is as the step wants it."""
    key = target.key(step.key)
    match step:
        case SetValue():
            wanted = ValueSet(key, step.value, step.kind, step.data)
            return (wanted,) if fault_of(wanted, read) else ()
        case DeleteKey():
            return tuple(KeyGone(found) for found in _matching(key, read))
        case DeleteValue(value=name):
            return tuple(
                ValueGone(found, name)
                for found in _matching(key, read)
                if read[found.casefold()].value(name) is not None
            )
        case DeleteValues(prefix=prefix):
            return _values(_matching(key, read), read, prefix.casefold())
        case ClearKey():
            return _values(_matching(key, read), read, "")


def fault_of(edit: RegistryEdit, read: Read) -> str:
    """Say how what was read differs from what the edit wants; empty when it does not."""
    key = read.get(edit.key.casefold())
    match edit:
        case KeyGone():
            return f"{edit.key} is still there" if key is not None or _anything_below(edit.key, read) else ""
        case ValueGone(name=name):
            return f"{name} is still there" if key is not None and key.value(name) is not None else ""
        case ValueSet(name=name, kind=kind, data=data):
            value = key.value(name) if key is not None else None
            if value is None:
                return f"{name} is not there"
            same = value.number == data if isinstance(data, int) else value.data == data
            return "" if value.kind == kind and same else f"{name} reads back as {value.kind} {value.data}, not {data}"


def is_there(key: str, read: Read) -> bool:
    """Whether a key was read, or one below it: ``reg.exe`` does not print a key that holds keys alone."""
    return key.casefold() in read or _anything_below(key, read)


def _values(keys: Iterable[str], read: Read, prefix: str) -> tuple[RegistryEdit, ...]:
    return tuple(
        ValueGone(key, value.name)
        for key in keys
        for value in read[key.casefold()].values
        if value.name.casefold().startswith(prefix)
    )


def _matching(key: str, read: Read) -> tuple[str, ...]:
    """Full paths, as they were read, of the keys that are meant; a ``*`` is one whole component."""
    if "*" not in key:
        found = read.get(key.casefold())
        return (found.path,) if found is not None else ()
    before, after = key.casefold().split("*")
    return tuple(
        each.path
        for path, each in read.items()
        if path.startswith(before) and path.endswith(after) and "\\" not in path[len(before) : len(path) - len(after)]
        if len(path) > len(before) + len(after)
    )


def _anything_below(key: str, read: Read) -> bool:
    prefix = key.casefold() + "\\"
    return any(path.startswith(prefix) for path in read)


# -- what must be read -----------------------------------------------------------------------------------------------


def makers_key(key: str) -> str:
    r"""Return the maker's own key below ``Software`` (``...\Software\Valve``); empty where several makers share it."""
    parts = key.split("\\")
    lower = [part.casefold() for part in parts]
    if "software" not in lower:
        return ""
    at = lower.index("software") + 1
    if lower[at : at + 1] == ["wow6432node"]:
        at += 1
    return "" if at >= len(parts) or lower[at] in _SHARED else "\\".join(parts[: at + 1])


def branches(keys: Iterable[str]) -> dict[str, bool]:
    """Choose the fewest branches to query: key to whether everything below it is wanted too."""
    groups = dict[str, list[str]]()
    for key in dict.fromkeys(keys):
        maker = makers_key(key)
        groups.setdefault((maker or key).casefold(), []).append(key)
    found = dict[str, bool]()
    for listed in groups.values():
        root = _shared_part(listed)
        found[root] = any(key.casefold() != root.casefold() for key in listed)
    return found


def branch_covers(root: str, key: str) -> bool:
    """Whether a query of ``root`` (with what is below it) shows ``key``."""
    return f"{key}\\".casefold().startswith(f"{root}\\".casefold())


def _shared_part(keys: list[str]) -> str:
    split = [key.partition("\\*")[0].split("\\") for key in keys]
    shared = split[0]
    for parts in split[1:]:
        same = 0
        while same < min(len(shared), len(parts)) and shared[same].casefold() == parts[same].casefold():
            same += 1
        shared = shared[:same]
    return "\\".join(shared)
