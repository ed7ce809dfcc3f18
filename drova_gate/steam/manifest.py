r"""One app's manifest, ``steamapps\appmanifest_<id>.acf``: what Steam says about an installed game. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntFlag

from drova_gate.columns import printable
from drova_gate.steam.keyvalues import Damaged, Tree, read_tree

__all__ = ["TOOLS", "InstalledApp", "State", "read_manifest", "state_words", "update_words"]

TOOLS = frozenset({228980, 1007, 250820})
"""No games: Steamworks Common Redistributables, Steamworks SDK Redist, SteamVR. A manifest does not say what kind of app it is."""


class State(IntFlag):
    """Steam's EAppState, as SteamDB reads it from the client; from VALIDATING on as older clients wrote it (Lutris' notes)."""

    UNINSTALLED = 1
    UPDATE_REQUIRED = 2
    FULLY_INSTALLED = 4
    UPDATE_QUEUED = 8
    UPDATE_OPTIONAL = 16
    FILES_MISSING = 32
    SHARED_ONLY = 64
    FILES_CORRUPT = 128
    UPDATE_RUNNING = 256
    UPDATE_PAUSED = 512
    UPDATE_STARTED = 1024
    UNINSTALLING = 2048
    BACKUP_RUNNING = 4096
    APP_RUNNING = 8192
    COMPONENT_IN_USE = 16384
    MOVING_FOLDER = 32768
    UPDATE_HIDDEN = 65536
    VALIDATING = 131072
    ADDING_FILES = 262144
    PREALLOCATING = 524288
    DOWNLOADING = 1048576
    STAGING = 2097152
    COMMITTING = 4194304
    UPDATE_STOPPING = 8388608


_HARMLESS = (
    State.FULLY_INSTALLED
    | State.UPDATE_QUEUED
    | State.UPDATE_OPTIONAL
    | State.SHARED_ONLY
    | State.APP_RUNNING
    | State.COMPONENT_IN_USE
    | State.UPDATE_HIDDEN
)
"""What may stand beside "fully installed" in a game that can be played at once."""
_BUSY = (
    State.UPDATE_RUNNING
    | State.UNINSTALLING
    | State.BACKUP_RUNNING
    | State.MOVING_FOLDER
    | State.VALIDATING
    | State.ADDING_FILES
    | State.PREALLOCATING
    | State.DOWNLOADING
    | State.STAGING
    | State.COMMITTING
    | State.UPDATE_STOPPING
)
_UPDATES = {0: "always", 1: "at launch", 2: "first of all"}
"""Steam's menu: always keep updated; only when I launch it; high priority. There is no "never"."""


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """One installed app."""

    app_id: int
    name: str
    in_library: str
    """The library's folder."""
    flags: int
    """StateFlags as written, unknown bits included."""
    size: int | None = None
    """Bytes on the disk."""
    build: str | None = None
    updated_at: datetime | None = None
    update_behaviour: int | None = None
    update_result: int = 0
    """0: the last update went well."""
    to_download: int = 0
    downloaded: int = 0
    to_stage: int = 0
    staged: int = 0

    @property
    def state(self) -> str:
        """The flags in words."""
        return state_words(self.flags)

    @property
    def updates(self) -> str:
        """When Steam updates it, in words."""
        return update_words(self.update_behaviour)

    @property
    def ready(self) -> bool:
        """Whether it can be played as it is: all there, no update wanted or under way."""
        return bool(self.flags & State.FULLY_INSTALLED) and not self.flags & ~int(_HARMLESS)

    @property
    def busy(self) -> bool:
        """Whether Steam is at work on its files."""
        return bool(self.flags & _BUSY)

    @property
    def volume(self) -> str:
        """Letter of the volume that it lies on."""
        return self.in_library[:1].upper()


def state_words(flags: int) -> str:
    """Write state flags in words; a bit that nobody here knows is written as a number."""
    words = [flag.name.lower().replace("_", " ") for flag in State if flags & flag and flag.name]
    unknown = flags & ~sum(State)
    if unknown:
        words.append(f"{unknown:#x}")
    return ", ".join(words) or "not installed"


def update_words(behaviour: int | None) -> str:
    """Write AutoUpdateBehavior in words."""
    return "" if behaviour is None else _UPDATES.get(behaviour, str(behaviour))


def read_manifest(data: bytes, library: str, app_id: int) -> InstalledApp:
    """Read a manifest that is named for this app; :class:`Damaged` says what is wrong with it."""
    tree = read_tree(data, "AppState")
    written = _number(tree, "appid")
    if written != app_id:
        raise Damaged(f"is named for app {app_id}, but says appid {tree.get('appid')!r}")
    flags = _number(tree, "StateFlags")
    if flags is None:
        raise Damaged("says no StateFlags")
    name = tree.get("name")
    updated = _number(tree, "LastUpdated")
    build = tree.get("buildid")
    return InstalledApp(
        app_id=app_id,
        name=(_plain(name) if isinstance(name, str) else "") or f"app {app_id}",
        in_library=library,
        flags=flags,
        size=_number(tree, "SizeOnDisk"),
        build=build if isinstance(build, str) and build not in ("", "0") else None,
        updated_at=_moment(updated),
        update_behaviour=_number(tree, "AutoUpdateBehavior"),
        update_result=_number(tree, "UpdateResult") or 0,
        to_download=_number(tree, "BytesToDownload") or 0,
        downloaded=_number(tree, "BytesDownloaded") or 0,
        to_stage=_number(tree, "BytesToStage") or 0,
        staged=_number(tree, "BytesStaged") or 0,
    )


def _plain(name: str) -> str:
    """Write a name without what would steer a terminal: a player can write files there."""
    return printable(name).strip()


def _number(tree: Tree, key: str) -> int | None:
    """Return a whole number of at most 64 bits; ``None``: it is not there, or no number."""
    value = tree.get(key.lower())
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or len(value) > 20:
        return None
    return int(value)


def _moment(seconds: int | None) -> datetime | None:
    if not seconds:
        return None  # 0: not updated since it was installed
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
