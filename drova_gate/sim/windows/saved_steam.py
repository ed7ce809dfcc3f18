"""Steam's games as an owner has them: three libraries, their manifests, the list of libraries, the client's own log."""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "APPS",
    "CYRILLIC",
    "LIBRARIES",
    "LIBRARY_FOLDERS",
    "LOG",
    "STEAM",
    "SteamApp",
    "game_files",
    "manifest_path",
    "manifest_text",
]

STEAM = r"C:\Program Files (x86)\Steam"
SECOND = r"D:\SteamLibrary"
CYRILLIC = r"D:\Игры\Библиотека Steam"
LIBRARIES = (STEAM, SECOND, CYRILLIC)
LOG = rf"{STEAM}\logs\content_log.txt"
_UPDATED = 1_763_500_000
"""November 2025."""


@dataclass(frozen=True, slots=True)
class SteamApp:
    """One app in Steam's books."""

    app_id: int
    name: str
    folder: str
    in_library: str = SECOND
    gigabytes: float = 20.0
    flags: int = 4
    updates: int = 0
    to_download: int = 0
    downloaded: int = 0

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return int(self.gigabytes * 1_000_000_000)


APPS = (
    SteamApp(228980, "Steamworks Common Redistributables", "Steamworks Shared", STEAM, 0.6),
    SteamApp(730, "Counter-Strike 2", "Counter-Strike Global Offensive", STEAM, 34.567890123),
    SteamApp(570, "Dota 2", "dota 2 beta", STEAM, 61.2, updates=2),
    SteamApp(1091500, "Cyberpunk 2077", "Cyberpunk 2077", gigabytes=85.1, updates=1),
    SteamApp(271590, "Grand Theft Auto V Legacy", "Grand Theft Auto V", gigabytes=119.7),
    SteamApp(578080, "PUBG: BATTLEGROUNDS", "PUBG", gigabytes=42.0),
    SteamApp(1245620, "ELDEN RING", "ELDEN RING", gigabytes=67.3, updates=1),
    SteamApp(1174180, "Red Dead Redemption 2", "Red Dead Redemption 2", CYRILLIC, 121.4),
    SteamApp(292030, "Ведьмак 3: Дикая Охота", "The Witcher 3", CYRILLIC, 58.9, updates=1),
    # Half updated: Update Required, Fully Installed, Update Started.
    SteamApp(252490, "Rust", "Rust", CYRILLIC, 31.0, flags=1030, to_download=2_000_000_000, downloaded=700_000_000),
    SteamApp(1627720, "Lies of P™ Демо", "Lies of P", CYRILLIC, 9.9),
    SteamApp(3527290, 'PEAK "beta"', "PEAK", STEAM, 4.1),
)
"""A dozen; two of them are in no catalogue of Drova's, and one is no game."""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _block(name: str, lines: Iterable[str], depth: int = 0) -> list[str]:
    tabs = "\t" * depth
    return [f"{tabs}{_quoted(name)}", f"{tabs}{{", *lines, f"{tabs}}}"]


def _pair(key: str, value: object, depth: int = 1) -> str:
    return "\t" * depth + f"{_quoted(key)}\t\t{_quoted(str(value))}"


def manifest_text(app: SteamApp, **changes: object) -> str:
    """An ``appmanifest_*.acf`` as Steam writes it."""
    build = 20_000_000 + app.app_id % 1000
    values: dict[str, object] = {
        "appid": app.app_id,
        "universe": 1,
        "LauncherPath": rf"{STEAM}\steam.exe",
        "name": app.name,
        "StateFlags": app.flags,
        "installdir": app.folder,
        "LastUpdated": _UPDATED + app.app_id % 86_400,
        "LastPlayed": 0,
        "SizeOnDisk": app.size,
        "StagingSize": 0,
        "buildid": build,
        "LastOwner": "76561198012345678",
        "DownloadType": 1,
        "UpdateResult": 0,
        "BytesToDownload": app.to_download,
        "BytesDownloaded": app.downloaded,
        "BytesToStage": app.to_download,
        "BytesStaged": app.downloaded,
        "TargetBuildID": build,
        "AutoUpdateBehavior": app.updates,
        "AllowOtherDownloadsWhileRunning": 0,
        "ScheduledAutoUpdate": 0,
        **changes,
    }
    lines = [_pair(key, value) for key, value in values.items()]
    depot = [_pair("manifest", 4_485_654_213_482_970_041, 3), _pair("size", app.size, 3)]
    lines += _block("InstalledDepots", _block(str(app.app_id + 1), depot, 2), 1)
    lines += _block("UserConfig", [_pair("language", "russian", 2)], 1)
    return "\n".join([*_block("AppState", lines), ""])


def manifest_path(app: SteamApp) -> str:
    """Where it lies."""
    return rf"{app.in_library}\steamapps\appmanifest_{app.app_id}.acf"


def _library(number: int, path: str) -> list[str]:
    apps = [_pair(str(app.app_id), app.size, 3) for app in APPS if app.in_library == path]
    lines = [_pair("path", path, 2), _pair("label", "", 2), _pair("totalsize", 0, 2), *_block("apps", apps, 2)]
    return _block(str(number), lines, 1)


LIBRARY_FOLDERS = "\n".join(
    [*_block("libraryfolders", [line for place in enumerate(LIBRARIES) for line in _library(*place)]), ""]
)
"""Both copies of ``libraryfolders.vdf``."""

_OLD_LOG = (
    "[2025-11-20 21:03:10] Loaded 12 apps from install folder.\n"
    "[2025-11-20 21:03:11] AppID 730 state changed : Fully Installed,\n"
    "[2025-11-20 21:03:11] AppID 730 scheduler finished : removed from schedule (result No Error, state 0xc)\n"
)


def game_files() -> Iterable[tuple[str, bytes]]:
    """Every file that has to do with games, beside the ones that a sign-out must leave alone."""
    yield rf"{STEAM}\steamapps\libraryfolders.vdf", LIBRARY_FOLDERS.encode()
    yield LOG, _OLD_LOG.encode()
    for app in APPS:
        yield manifest_path(app), manifest_text(app).encode()
