"""What is looked up on a station before a session: installed places, the documents folder, registry names, services.

It changes seldom, so it is read when the link comes up and after a reset, not on the way from the ready byte to the player. What is
out of date shows in the read-back, and costs one more command then.
"""

import logging
import pickle
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drova_gate.errors import GateError
from drova_gate.host.commands import Run, Script, Section, Shell, render, sections
from drova_gate.host.identity import Console
from drova_gate.host.link import HostLink
from drova_gate.host.parse import registry_keys
from drova_gate.steps.guard import found_place_fault
from drova_gate.steps.kinds import RegistryStep
from drova_gate.steps.recipes import Level, Recipe, selected
from drova_gate.steps.registry_steps import Read, branches, read_index
from drova_gate.steps.target import Target, hive_of

__all__ = [
    "Found",
    "Places",
    "find_places",
    "found_script",
    "found_scripts",
    "makers_listed",
    "read_found",
    "registry_keys_of",
    "software_key",
]

log = logging.getLogger(__name__)

FIND_SECONDS = 60.0
"""Some twenty calls of reg.exe on a station that may be busy."""
_ROOM = 6000
"""Characters of one question: cmd.exe takes 8191, and the protector's calls may stand before it."""

_PLACES, _BRANCHES, _SERVICES = "places", "branches", "services"
_SHELL_FOLDERS = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
_SERVICES_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services"
_UTF8 = Run("chcp.com", ("65001",))
"""Names outside the console's code page would arrive as question marks."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found."""

    places: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Recipe and place to the folder; one that is missing is not installed."""
    documents: str = ""
    """The console user's documents folder; empty: where it usually is."""
    registry: Read = field(default_factory=dict)
    """The branches that recipes touch."""
    services: frozenset[str] | None = None
    """Installed services in lower case; ``None``: not known."""


def software_key(target_hive: str) -> str:
    """The key whose subkeys tell which makers' programs were ever run by this user."""
    return rf"{target_hive}\Software"


def makers_listed(read: Read, target_hive: str) -> bool:
    r"""Whether the list of makers was read: Windows' own key is always in it (``Software`` itself is not printed, it holds no values)."""
    return rf"{software_key(target_hive)}\Microsoft".casefold() in read


def registry_keys_of(recipes: Iterable[Recipe], target: Target, level: Level) -> list[str]:
    """List the full keys of all registry steps."""
    return [
        target.key(step.key)
        for recipe in recipes
        if recipe.enabled
        for step in selected(recipe, level)
        if isinstance(step, RegistryStep)
    ]


def found_script(recipes: tuple[Recipe, ...], console: Console) -> Script:
    """Ask for everything, with reg.exe alone."""
    target = Target(user_hive=hive_of(console.sid), session=console.session_id, task_user="", folders={})
    places = dict.fromkeys((place.key, place.value) for recipe in recipes if recipe.enabled for place in recipe.places)
    roots = branches(registry_keys_of(recipes, target, Level.FULL))
    return (
        _UTF8,
        Section(
            _PLACES,
            (
                *(Run("reg.exe", ("query", target.key(key), "/v", value)) for key, value in places),
                Run("reg.exe", ("query", rf"{target.user_hive}\{_SHELL_FOLDERS}", "/v", "Personal")),
            ),
        ),
        Section(
            _BRANCHES,
            (
                Run("reg.exe", ("query", software_key(target.user_hive))),
                *(Run("reg.exe", ("query", root, *(("/s",) if deep else ()))) for root, deep in roots.items()),
            ),
        ),
        Section(_SERVICES, (Run("reg.exe", ("query", _SERVICES_KEY)),)),
    )


def read_found(parts: Mapping[str, str], recipes: tuple[Recipe, ...], console: Console) -> Found:
    """Read what ``found_script`` printed; a folder that cannot be one program's own counts as not found."""
    target = Target(user_hive=hive_of(console.sid), session=console.session_id, task_user="", folders={})
    told = registry_keys(parts.get(_PLACES, ""))
    places = dict[tuple[str, str], str]()
    for recipe in recipes:
        for place in recipe.places:
            key = told.get(target.key(place.key))
            folder = _folder(key.text(place.value)) if key else ""
            if folder and (recipe.name, place.name) not in places:
                places[recipe.name, place.name] = folder
    shell_folders = told.get(rf"{target.user_hive}\{_SHELL_FOLDERS}")
    services = registry_keys(parts.get(_SERVICES, ""))
    return Found(
        places,
        _documents(shell_folders.text("Personal") if shell_folders else "", console),
        read_index(registry_keys(parts.get(_BRANCHES, ""))),
        frozenset(key.path.rpartition("\\")[2].casefold() for key in services.keys) if services else None,
    )


def found_scripts(shell: Shell, recipes: tuple[Recipe, ...], console: Console) -> list[Script]:
    """Ask for everything in as few commands as the shell can carry: one, but for very many recipes of the owner's own."""
    script = found_script(recipes, console)
    if _fits(shell, script):
        return [script]
    if len(recipes) == 1:
        return []  # what of it is there shows in the read-back
    half = len(recipes) // 2
    return [*found_scripts(shell, recipes[:half], console), *found_scripts(shell, recipes[half:], console)]


def _fits(shell: Shell, script: Script) -> bool:
    try:
        return len(render(shell, script).text) <= _ROOM
    except ValueError:
        return False


async def find_places(link: HostLink, recipes: tuple[Recipe, ...], console: Console) -> Found:
    """Look with one command, or with a few where the owner has very many recipes."""
    parts = dict[str, str]()
    for script in found_scripts(link.shell, recipes, console):
        for name, text in sections((await link.run(script, timeout=FIND_SECONDS)).stdout).items():
            # Each part ends its own last line: the next one's first key must begin one.
            parts[name] = f"{parts[name]}\n{text}" if name in parts else text
    return read_found(parts, recipes, console)


def _folder(text: str) -> str:
    # Steam writes slashes; left over from an old installation it may be anything.
    folder = text.strip().strip('"').replace("/", "\\").rstrip("\\")
    return folder if folder and not found_place_fault(folder) else ""


def _documents(text: str, console: Console) -> str:
    folder = re.sub("%userprofile%", lambda _: console.profile, text, flags=re.IGNORECASE).rstrip("\\")
    return folder if re.fullmatch(r'[A-Za-z]:\\[^%"<>|?*]+', folder) else ""


class Places:
    """What was looked up on one station since its last boot."""

    def __init__(self, link: HostLink) -> None:
        self._link = link
        self.recipes: tuple[Recipe, ...] = ()
        """They name what is looked up."""
        self._packed = b""
        """It is kept for every station and wanted once a session: packed it takes a tenth of the memory."""

    @property
    def found(self) -> Found | None:
        """What was found, unpacked for whoever asks; ``None``: nothing was looked up yet."""
        found: Found | None = pickle.loads(zlib.decompress(self._packed)) if self._packed else None  # noqa: S301 - made below
        return found

    def forget(self) -> None:
        """It may be another Windows now, or another person's hive."""
        self._packed = b""

    async def look_up(self, console: Console | None) -> None:
        """Look up once what recipes name by the registry; if that fails, a preparation asks on its way."""
        if console is None or self._packed:
            return
        try:
            found = await find_places(self._link, self.recipes, console)
        except GateError as error:
            log.debug("%s: places were not looked up (%s): asked on the way", self._link.subject, error)
        else:
            # A window of 4 KiB: with the usual one the packing itself takes, and leaves to the process, a quarter of a megabyte.
            packing = zlib.compressobj(wbits=12, memLevel=4)
            self._packed = packing.compress(pickle.dumps(found)) + packing.flush()
