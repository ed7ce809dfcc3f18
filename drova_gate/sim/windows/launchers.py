"""The launchers, browsers and messengers of a signed-in owner: laid out on a new PC, and judged afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass

from drova_gate.sim.windows.files import FileSystem, parent_of
from drova_gate.sim.windows.people import Person
from drova_gate.sim.windows.registry import Registry, Value, number
from drova_gate.sim.windows.saved import Entry, Item, Junction, Reader, Running, Saved, expand, user_key
from drova_gate.sim.windows.saved_games import GAMES, WITHOUT_SIGN_IN
from drova_gate.sim.windows.saved_hoyoverse import HOYOVERSE
from drova_gate.sim.windows.saved_programs import BROWSERS, BYSTANDERS, BYSTANDING_SERVICES, PEOPLE, TOOLS
from drova_gate.sim.windows.saved_steam import STEAM, game_files
from drova_gate.sim.windows.saved_stores import STORES
from drova_gate.sim.windows.services import Service

__all__ = [
    "LAUNCHERS",
    "STEAM",
    "Started",
    "damaged",
    "held_forever",
    "install",
    "left_of",
    "owners_files",
    "owners_services",
    "signed_in",
    "started",
]

LAUNCHERS: dict[str, Saved] = {**STORES, **GAMES, **HOYOVERSE, **PEOPLE, **BROWSERS, **TOOLS}
"""Everything that the owner is signed in to, by name."""

_EVERYTHING = {**LAUNCHERS, **WITHOUT_SIGN_IN, "": BYSTANDERS}
"""With what is nobody's sign-in; the empty name stands for programs that no sign-out has to do with."""

_SHELL_FOLDERS = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
_STEAM_KEY = r"HKCU\Software\Valve\Steam"


# -- laid out --------------------------------------------------------------------------------------------------------


def owners_files() -> Iterable[tuple[str, bytes, str]]:
    """Every file: its path with a folder's name in front, its content, its attributes."""
    for item in _items():
        if not isinstance(item, Entry | Junction):
            yield item.path, item.data, item.attributes


def owners_services() -> tuple[Service, ...]:
    """Services that the launchers and the owner have installed; all of them run."""
    names = [name for saved in _EVERYTHING.values() for name in saved.services]
    return tuple(Service(name, name, "auto") for name in (*names, *BYSTANDING_SERVICES))


def install(files: FileSystem, registry: Registry, person: Person) -> None:
    """Lay out the files and values of a signed-in owner, and what a preparation has to keep."""
    there = files.letters()
    for written, data, attributes in owners_files():
        path = expand(written, person)
        if path[0] in there:
            _put(files, path, data)
            if attributes:
                files.set_attributes(path, {"a", *attributes})
    for item in _items():
        if isinstance(item, Entry):
            registry.set(user_key(item.key, person), item.name, item.typed)
        elif isinstance(item, Junction) and item.target[0] in there:
            _put(files, rf"{item.target}\{item.file}", b"owner's own file\r\n")
            link = expand(item.path, person)
            files.make_directory(parent_of(link), parents=True)
            files.make_junction(link, item.target)
    for path, data in game_files():
        if path[0] in there:
            _put(files, path, data)
    # Steam runs, and somebody is signed in to it.
    registry.set(user_key(rf"{_STEAM_KEY}\ActiveProcess", person), "ActiveUser", number(52_079_950))
    documents = Value("REG_EXPAND_SZ", expand("%DOCUMENTS%", person).replace(person.profile, "%USERPROFILE%"))
    registry.set(user_key(_SHELL_FOLDERS, person), "Personal", documents)


def _put(files: FileSystem, path: str, data: bytes) -> None:
    files.make_directory(parent_of(path), parents=True)
    files.write(path, data)


def _items() -> Iterable[Item]:
    for saved in _EVERYTHING.values():
        yield from saved.items()


# -- still signed in? ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Desk:
    """A simulated PC, seen from its owner."""

    files: FileSystem
    registry: Registry
    person: Person

    def content(self, path: str) -> bytes | None:
        full = expand(path, self.person)
        return self.files.read(full) if self.files.exists(full) and not self.files.is_dir(full) else None

    def value(self, key: str, name: str) -> Value | None:
        return self.registry.get(user_key(key, self.person), name)


def signed_in(files: FileSystem, registry: Registry, person: Person) -> set[str]:
    """Names of the launchers that still find a usable sign-in on the disk or in the registry."""
    desk = _Desk(files, registry, person)
    return {name for name in LAUNCHERS if left_of(name, desk)}


def left_of(name: str, reader: Reader, *, deep: bool = False) -> tuple[Item, ...]:
    """What of a launcher's sign-in is still there; ``deep``: what only the thorough sign-out takes as well."""
    saved = LAUNCHERS[name]
    return tuple(item for item in (*saved.gone, *(saved.deep if deep else ())) if item.present(reader))


def damaged(files: FileSystem, registry: Registry, person: Person, *, deep: bool = False) -> list[str]:
    """What of the owner's own things was hurt: installed games, saves, settings, files behind junctions, other programs' files.

    ``deep``: a thorough sign-out was wanted, which may take settings that the smallest one leaves.
    """
    desk, letters = _Desk(files, registry, person), files.letters()
    return [
        f"{name or 'owner'}: {hurt}"
        for name, saved in _EVERYTHING.items()
        for item in (*saved.kept, *(() if deep else saved.kept_min))
        if _volume(item) in letters and (hurt := item.hurt(desk))
    ]


def _volume(item: Item) -> str:
    """Letter of the volume that it lies on; a registry and a profile lie on C."""
    if isinstance(item, Entry):
        return "C"
    path = item.target if isinstance(item, Junction) else item.path
    return "C" if path.startswith("%") else path[0]


# -- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """A program's process as autostart leaves it."""

    image: str
    path: str
    kilobytes: int
    holds: tuple[str, ...]
    child_of: str
    service: bool
    launcher: str
    """Whose process it is; empty for a program that has nothing to do with any sign-out."""


def started(person: Person) -> tuple[Started, ...]:
    """Everything that runs on the owner's desktop: launchers with the files that they hold, and strangers."""
    return tuple(_started(name, process, person) for name, saved in _EVERYTHING.items() for process in saved.running)


def _started(launcher: str, process: Running, person: Person) -> Started:
    return Started(
        process.image,
        expand(process.path, person),
        process.kilobytes,
        (expand(process.holds, person),) if process.holds else (),
        process.child_of,
        process.service,
        launcher,
    )


def held_forever(person: Person) -> str:
    """The file of the fault file_in_use: something that is no launcher (a scanner) keeps it open."""
    return expand(r"%LOCALAPPDATA%\Steam\local.vdf", person)
