r"""What no recipe may ever delete, whatever its author meant. Pure.

A path or key is refused when it *is* one of the protected ones, when it is an ancestor of one (deleting ``C:\Users`` deletes every
profile), or when a wildcard in it could match one.
"""

import fnmatch
import re
from collections.abc import Collection

from drova_gate.steps.protected import (
    FOLDERS,
    NOTHING_BELOW_KEYS,
    NOTHING_BELOW_PATHS,
    PROTECTED_IMAGES,
    PROTECTED_KEYS,
    PROTECTED_PATHS,
    PROTECTED_SERVICES,
    SHARED_FOLDERS,
    SHARED_IMAGES,
    SHARED_PATHS,
)

__all__ = [
    "FOLDERS",
    "folder_part_fault",
    "found_place_fault",
    "image_fault",
    "kept_name_fault",
    "key_fault",
    "path_fault",
    "place_name_fault",
    "service_fault",
    "split_key",
]

_HIVES = {
    "hkcu": "HKCU",
    "hkey_current_user": "HKCU",
    "hklm": "HKLM",
    "hkey_local_machine": "HKLM",
}
_BAD_IN_COMPONENT = re.compile(r'[<>:"|?/\x00-\x1f\x7f%]')
_LEAST_LITERAL = 3
"""Characters that the first and the last component must hold beside a wildcard: ``*`` alone could mean anything."""
_MOST_WILD = 2
"""Components that may hold a wildcard: each is one loop of the batch file."""
_KEY_LITERALS = 2
r"""Names before a wildcard in a key: ``Software`` and the maker's own."""
_TAKEN_NAMES = frozenset({"home", "user", "held"})
"""Variables of the batch file itself."""


def path_fault(path: str, *, deletes: bool, places: Collection[str] = (), kept: Collection[str] = ()) -> str:
    """Say why this path is not accepted; empty when it is.

    ``places``: variables that the recipe's own ``[[place]]`` tables add. ``kept``: names at the directory's top that stay.
    """
    parts, fault = _path_parts(path, places)
    fault = fault or _wildcard_fault(parts[1:], deletes=deletes)
    if fault:
        return fault
    whole = _canonical(parts)
    if len(whole) < 2:
        return "this is a whole drive or a whole base folder"
    for protected in NOTHING_BELOW_PATHS:
        if _covers(_listed(protected), whole):
            return f"nothing in {protected} may be touched"
    for protected in PROTECTED_PATHS if deletes else ():
        lower = _listed(protected)
        if not _covers(whole, lower):
            continue
        below = lower[len(whole) : len(whole) + 1]
        if protected not in SHARED_PATHS and below and any(_covers([name.casefold()], below) for name in kept):
            continue
        return f"this would take {protected} with it"
    return ""


def _wildcard_fault(parts: list[str], *, deletes: bool) -> str:
    wild = [part for part in parts if "*" in part]
    if not wild:
        return ""
    if not deletes:
        return "a wildcard is allowed only where something is deleted"
    if len(wild) > _MOST_WILD:
        return f"only {_MOST_WILD} components may hold a wildcard"
    for part in dict.fromkeys((parts[0], parts[-1])):
        if "*" in part and len(part.replace("*", "")) < _LEAST_LITERAL:
            return f"the component {part!r} needs at least {_LEAST_LITERAL} characters beside its wildcard"
    return ""


def found_place_fault(folder: str) -> str:
    """Say why a folder that a station's registry names is not taken for a program's own place; empty when it is."""
    parts, fault = _path_parts(folder, ())
    if fault:
        return fault
    if folder.startswith("{") or "*" in folder:
        return "not a folder"
    whole = _canonical(parts)
    if len(whole) < 2:
        return "a whole drive"
    for protected in NOTHING_BELOW_PATHS:
        if _covers(_listed(protected), whole):
            return f"it lies in {protected}"
    for shared in SHARED_PATHS:
        if _covers(whole, _listed(shared)):
            return f"it would take {shared} with it"
    return ""


def split_key(key: str) -> tuple[str, str]:
    r"""Split ``HKCU\Software\x`` into ``("HKCU", r"Software\x")``; an unknown hive comes back empty."""
    hive, _, rest = key.partition("\\")
    return _HIVES.get(hive.casefold(), ""), rest


def key_fault(key: str, *, deletes: bool, wild: bool = False, reads: bool = False) -> str:
    """Say why this registry key is not accepted; empty when it is.

    ``wild``: one whole component may be ``*``. ``reads``: nothing is changed, so that every program's key will do.
    """
    hive, rest = split_key(key)
    if not hive:
        return "a key begins with HKCU (the console user's hive) or HKLM"
    names = rest.split("\\")
    if any(not part or part != part.strip() for part in names) or not re.fullmatch(r"[^\x00-\x1f\[\]\"%]+", rest):
        return "a key is HIVE\\Name\\Name, without blank parts, brackets, quotes and percent signs"
    if fault := _key_wildcard_fault(names, wild=wild):
        return fault
    whole = [hive.casefold(), *rest.casefold().split("\\")]
    for protected in () if reads else NOTHING_BELOW_KEYS:
        if _covers(protected.casefold().split("\\"), whole):
            return f"nothing in {protected} may be touched"
    if len(whole) < 3:
        return f"{key} is too wide: name the program's own key"
    for protected in PROTECTED_KEYS if deletes else ():
        if _covers(whole, protected.casefold().split("\\")):
            return f"this would take {protected} with it"
    return ""


def _key_wildcard_fault(names: list[str], *, wild: bool) -> str:
    if not any("*" in name for name in names):
        return ""
    if not wild:
        return "a wildcard is not allowed here"
    if names.count("*") != sum("*" in name for name in names) or names.count("*") > 1:
        return "a * stands for one whole component of a key, once"
    if names.index("*") < _KEY_LITERALS:
        return f"a * stands only below a program's own key: {_KEY_LITERALS} names come before it"
    return ""


def image_fault(image: str, *, shared: bool = False) -> str:
    """Say why a process of this name is not to be killed; empty when it is. ``shared``: its path is looked at too."""
    name = image.casefold()
    if not (name.endswith(".exe") and name.isascii()) or set(name) & set('\\/:*?"<>|&^%!,;='):
        return "a process is named by its plain file name that ends with .exe"
    if name in PROTECTED_IMAGES:
        return "Windows, the SSH link, the Drova agent, an anti-cheat or other programs need it"
    if name in SHARED_IMAGES and not shared:
        return "several programs bear this name: kill it by its folder, with kill_under"
    return ""


def folder_part_fault(folder: str) -> str:
    r"""Say why a part of a path does not single out one program's folder; empty when it does (``\Rockstar Games\``)."""
    names = folder.strip("\\").split("\\")
    if not (folder.startswith("\\") and folder.endswith("\\")) or not all(names):
        return "a folder is written with backslashes on both sides: '\\Rockstar Games\\'"
    if any(_BAD_IN_COMPONENT.search(name) or name != name.strip(" ") or "*" in name for name in names):
        return "plain folder names, without wildcards"
    if not folder.isascii() or set(folder) & set("'`$!^&"):
        return "plain ASCII letters: it travels in a command"
    if all(name.casefold() in SHARED_FOLDERS for name in names):
        return "too many programs lie in such a folder: name the program's own"
    return ""


def place_name_fault(name: str) -> str:
    """Say why a place may not be called so; empty when it may."""
    if not re.fullmatch(r"[a-z0-9_]{1,30}", name):
        return "a place's name is 1 to 30 small letters, digits and underscores"
    return f"{{{name}}} is one of Windows' own folders" if name in FOLDERS or name in _TAKEN_NAMES else ""


def kept_name_fault(name: str) -> str:
    """Say why this is no name of an entry to be kept; empty when it is."""
    plain = name.removesuffix("*")
    if not plain or "*" in plain or "\\" in plain or _BAD_IN_COMPONENT.search(plain):
        return "a name at the directory's top, with a * at most at its end"
    return ""


def service_fault(service: str) -> str:
    """Say why this service is not to be stopped; empty when it may be."""
    if not (service.isascii() and all(char.isalnum() or char in " ._-" for char in service)):
        return "a service is named by letters, digits, blanks, dots and dashes (its short name)"
    if service.casefold() in PROTECTED_SERVICES:
        return "Windows, the gate's own link, the Drova agent or an anti-cheat needs it"
    return ""


def _path_parts(path: str, places: Collection[str]) -> tuple[list[str], str]:
    parts = path.split("\\")
    head, rest = parts[0], parts[1:]
    variable = re.fullmatch(r"\{(\w+)\}", head)
    if variable and variable[1] not in FOLDERS and variable[1] not in places:
        import difflib  # noqa: PLC0415 - see config.py

        known = [f"{{{name}}}" for name in (*FOLDERS, *sorted(places))]
        near = difflib.get_close_matches(head, known, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        return [], f"unknown variable {head}{meant}; known are {', '.join(known)} and those of [[place]] tables"
    if not variable and not re.fullmatch(r"[A-Za-z]:", head):
        return [], "a path begins with a variable such as {local} or with a drive such as D:, and uses backslashes"
    for part in rest:
        if not part or part != part.strip(" ") or part.endswith(".") or _BAD_IN_COMPONENT.search(part):
            return [], f"the component {part!r} is not a plain file or folder name"
    return (parts, "") if rest else ([], "this is a whole drive or a whole base folder")


def _canonical(parts: list[str]) -> list[str]:
    """Path components with the variable filled in and every drive taken for C: (Windows may be on another one)."""
    rest = [part.casefold() for part in parts[1:]]
    if not parts[0].startswith("{"):
        return ["c:", *rest]
    name = parts[0][1:-1]
    # A place of the recipe's own stands where programs usually are.
    return [*_listed(FOLDERS.get(name, rf"C:\Program Files (x86)\{name}")), *rest]


def _listed(path: str) -> list[str]:
    return path.casefold().split("\\")


def _covers(upper: list[str], lower: list[str]) -> bool:
    """Whether ``upper`` is ``lower`` or an ancestor of it; wildcards on either side count as a match."""
    return len(upper) <= len(lower) and all(
        fnmatch.fnmatchcase(low, _literal(up)) or fnmatch.fnmatchcase(up, _literal(low))
        for up, low in zip(upper, lower, strict=False)
    )


def _literal(part: str) -> str:
    """Keep ``*`` as the only special character: fnmatch would read brackets as a set."""
    return part.replace("[", "[[]")
