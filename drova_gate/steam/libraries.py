r"""Steam's libraries, as ``steamapps\libraryfolders.vdf`` lists them. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drova_gate.steam.keyvalues import Damaged, read_tree

__all__ = ["Library", "Listed", "app_of", "listed_libraries", "manifest_name", "same_place", "windows_path"]

_ABSOLUTE = re.compile(r"[A-Za-z]:\\")
_MANIFEST = re.compile(r"appmanifest_(\d{1,10})\.acf", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """A library as the list names it."""

    path: str
    apps: frozenset[int] | None = None
    """Apps that Steam noted for it; ``None``: the old layout does not say."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library as it was found."""

    path: str
    there: bool
    """``False``: its volume or folder is gone, or could not be listed."""
    free: int | None = None
    """Bytes; ``None``: not known."""
    noted: frozenset[int] | None = None
    """Apps that Steam's own list has for it."""

    @property
    def volume(self) -> str:
        """Letter of the volume that it lies on."""
        return self.path[:1].upper()

    @property
    def apps_folder(self) -> str:
        """Where its manifests lie."""
        return self.path.rstrip("\\") + r"\steamapps"


def listed_libraries(data: bytes | None, steam: str) -> tuple[Listed, ...]:
    r"""Read the list, Steam's own folder first; ``None`` (no list) leaves that one alone. :class:`Damaged` as it comes.

    New layout (2021): ``"0" { "path" "D:\\x" "apps" { "730" "size" } }``. Old one: ``"1" "D:\\x"``, without Steam's own folder.
    """
    found = [Listed(windows_path(steam))]
    if data is not None:
        for key, value in read_tree(data, "libraryfolders").items():
            if not key.isdecimal():
                continue  # TimeNextStatsReport, ContentStatsID
            one = _listed(value)
            if same_place(one.path, found[0].path):
                found[0] = Listed(found[0].path, one.apps)
            elif not any(same_place(one.path, other.path) for other in found):
                found.append(one)
    return tuple(found)


def _listed(value: object) -> Listed:
    path, apps = value, None
    if isinstance(value, Mapping):
        path, noted = value.get("path"), value.get("apps")
        if isinstance(noted, Mapping):
            apps = frozenset(int(app) for app in noted if app.isdecimal())
    if not isinstance(path, str) or not path.isprintable() or not _ABSOLUTE.match(windows_path(path)):
        raise Damaged(f"names a library without a drive ({str(path)[:60]!r})")
    return Listed(windows_path(path), apps)


def windows_path(path: str) -> str:
    r"""Write a path as Windows does: Steam's own registry value has ``c:/program files (x86)/steam``."""
    plain = path.strip().replace("/", "\\").rstrip("\\")
    return f"{plain[:1].upper()}{plain[1:]}" + ("\\" if len(plain) == 2 else "")


def same_place(one: str, other: str) -> bool:
    """Whether two paths mean one folder: Windows does not tell letters' case apart."""
    return windows_path(one).casefold() == windows_path(other).casefold()


def manifest_name(app_id: int) -> str:
    """Return a manifest's file name."""
    return f"appmanifest_{app_id}.acf"


def app_of(name: str) -> int | None:
    """Return the app whose manifest has this file name; ``None``: it is no manifest."""
    match = _MANIFEST.fullmatch(name)
    return int(match[1]) if match else None
