"""What game launchers and browsers leave on the PC of somebody who is signed in."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from drova_gate.sim.windows.files import FileSystem, parent_of
from drova_gate.sim.windows.people import Person
from drova_gate.sim.windows.registry import Registry, Value, number

__all__ = ["LAUNCHERS", "STEAM", "Started", "held_forever", "install", "signed_in", "started"]

STEAM = r"C:\Program Files (x86)\Steam"
_STEAM_ID = "76561198012345678"
_EPIC = r"EpicGamesLauncher\Saved"
_EPIC_WINDOWS_INI = rf"{_EPIC}\Config\Windows\GameUserSettings.ini"
_EPIC_EDITOR_INI = rf"{_EPIC}\Config\WindowsEditor\GameUserSettings.ini"
_EPIC_IDS = r"Software\Epic Games\Unreal Engine\Identifiers"
_UBISOFT = "Ubisoft Game Launcher"
_WARGAMING = r"Wargaming.net\GameCenter"
_CHROME = r"Google\Chrome\User Data"
_EDGE = r"Microsoft\Edge\User Data"
_FIREFOX = r"Mozilla\Firefox"

_LOGIN_USERS = f""""users"
{{
\t"{_STEAM_ID}"
\t{{
\t\t"AccountName"\t\t"station_owner"
\t\t"PersonaName"\t\t"Station owner"
\t\t"RememberPassword"\t\t"1"
\t\t"WantsOfflineMode"\t\t"0"
\t\t"AllowAutoLogin"\t\t"1"
\t\t"MostRecent"\t\t"1"
\t\t"Timestamp"\t\t"1763600000"
\t}}
}}
"""
_LOCAL_VDF = f""""MachineUserConfigStore"
{{
\t"Software"
\t{{
\t\t"Valve"
\t\t{{
\t\t\t"Steam"
\t\t\t{{
\t\t\t\t"ConnectCache"
\t\t\t\t{{
\t\t\t\t\t"1f2e3d4c1"\t\t"{"01000000d08c9ddf0115d1118c7a00c04fc297eb" * 4}"
\t\t\t\t}}
\t\t\t}}
\t\t}}
\t}}
}}
"""
_CONFIG_VDF = f""""InstallConfigStore"
{{
\t"Software"
\t{{
\t\t"Valve"
\t\t{{
\t\t\t"Steam"
\t\t\t{{
\t\t\t\t"AutoUpdateWindowEnabled"\t\t"0"
\t\t\t\t"Accounts"
\t\t\t\t{{
\t\t\t\t\t"station_owner"
\t\t\t\t\t{{
\t\t\t\t\t\t"SteamID"\t\t"{_STEAM_ID}"
\t\t\t\t\t}}
\t\t\t\t}}
\t\t\t}}
\t\t}}
\t}}
}}
"""
_LIBRARY_FOLDERS = """"libraryfolders"
{
\t"0"
\t{
\t\t"path"\t\t"C:\\\\Program Files (x86)\\\\Steam"
\t\t"apps"
\t\t{
\t\t\t"730"\t\t"34567890123"
\t\t}
\t}
}
"""
# A key that repeats in its section is ordinary in Unreal's INI files: an editor must keep all of them.
_EPIC_INI = (
    "[RememberMe]\r\nEnable=True\r\nData=QWxsIG91ciBzZWNyZXRzIGFyZSBzaW11bGF0ZWQ=\r\n\r\n"
    "[Offline]\r\nData=U3RpbGwgb3VyIHNlY3JldHM=\r\n\r\n"
    "[/Script/EpicGamesLauncher.Settings]\r\nPaths=C:/Games\r\nPaths=D:/Games\r\nInstallLocale=ru\r\n"
)
_CHROMIUM_PREFERENCES = (
    '{"account_info":[{"email":"owner@example.com","gaia":"1234567890"}],"profile":{"name":"Owner"}}'
)


def install(files: FileSystem, registry: Registry, person: Person) -> None:
    """Lay out the files and values of a signed-in owner, and what a preparation has to keep."""
    for path, text in _texts(person).items():
        files.make_directory(parent_of(path), parents=True)
        files.write(path, text.encode("utf-8"))
    # Players and guides set this INI read-only so that the launcher cannot reset the settings.
    files.set_attributes(f"{person.local}\\{_EPIC_WINDOWS_INI}", {"a", "r"})
    if "D" in files.letters():
        # Hosts move caches to another disk by a junction; what it leads to is not ours to delete.
        files.make_directory(r"D:\BrowserCache", parents=True)
        files.write(r"D:\BrowserCache\keep.txt", b"owner's own file\r\n")
        files.make_junction(f"{person.local}\\{_CHROME}\\Default\\Cache", r"D:\BrowserCache")
    _install_registry(registry, person)


def _texts(person: Person) -> dict[str, str]:
    local, roaming = person.local, person.roaming
    files = {
        rf"{STEAM}\steam.exe": "MZ",
        rf"{STEAM}\config\loginusers.vdf": _LOGIN_USERS,
        rf"{STEAM}\config\config.vdf": _CONFIG_VDF,
        rf"{STEAM}\config\libraryfolders.vdf": _LIBRARY_FOLDERS,
        rf"{STEAM}\steamapps\appmanifest_730.acf": '"AppState"\n{\n\t"appid"\t\t"730"\n}\n',
        rf"{STEAM}\userdata\52079950\config\localconfig.vdf": '"UserLocalConfigStore"\n{\n}\n',
        rf"{local}\Steam\local.vdf": _LOCAL_VDF,
        rf"{local}\Steam\htmlcache\Network\Cookies": "SQLite format 3\0 steamLoginSecure",
        rf"{local}\Steam\htmlcache\Local State": "{}",
        rf"{local}\{_EPIC_EDITOR_INI}": _EPIC_INI,
        rf"{local}\{_EPIC_WINDOWS_INI}": _EPIC_INI,
        rf"{local}\{_EPIC}\webcache\Cookies": "SQLite format 3\0 EPIC_SSO",
        rf"{local}\{_EPIC}\webcache_4430\Network\Cookies": "SQLite format 3\0 EPIC_SSO",
        rf"{local}\{_EPIC}\Data\catcache.bin": "catalog",
        r"C:\ProgramData\Epic\EpicGamesLauncher\Data\Manifests\A1B2C3.item": '{"AppName":"Fortnite"}',
        r"C:\ProgramData\Epic\UnrealEngineLauncher\LauncherInstalled.dat": '{"InstallationList":[]}',
        rf"{local}\{_UBISOFT}\user.dat": "remembered device",
        rf"{local}\{_UBISOFT}\ConnectSecureStorage.dat": "ticket",
        rf"{local}\{_UBISOFT}\settings.yaml": "misc:\n  game_installation_path: D:/Ubisoft\n",
        rf"{roaming}\{_WARGAMING}\user_info.xml": "<data><user><login>owner@example.com</login></user></data>",
        rf"{roaming}\{_WARGAMING}\preferences.xml": "<protocol/>",
        rf"{roaming}\{_FIREFOX}\profiles.ini": "[Profile0]\r\nName=default\r\nIsRelative=1\r\nPath=Profiles/abc.default\r\n",
        rf"{roaming}\{_FIREFOX}\Profiles\abc.default\cookies.sqlite": "SQLite format 3\0",
        rf"{roaming}\{_FIREFOX}\Profiles\abc.default\logins.json": '{"logins":[{"hostname":"https://example.com"}]}',
        rf"{roaming}\{_FIREFOX}\Profiles\abc.default\signedInUser.json": '{"accountData":{}}',
        rf"{local}\{_FIREFOX}\Profiles\abc.default\cache2\index": "cache",
    }
    for root, extra in ((_CHROME, "Profile 1"), (_EDGE, "")):
        files[rf"{local}\{root}\Local State"] = '{"os_crypt":{"encrypted_key":"RFBBUEk="}}'
        for profile in ["Default", *filter(None, [extra])]:
            files[rf"{local}\{root}\{profile}\Preferences"] = _CHROMIUM_PREFERENCES
            files[rf"{local}\{root}\{profile}\Login Data"] = "SQLite format 3\0 logins"
            files[rf"{local}\{root}\{profile}\Network\Cookies"] = "SQLite format 3\0 cookies"
    return files


def _install_registry(registry: Registry, person: Person) -> None:
    steam = rf"{person.hive}\Software\Valve\Steam"
    machine_steam = r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam"
    registry.set(machine_steam, "InstallPath", Value("REG_SZ", STEAM))
    registry.set(machine_steam, "Language", Value("REG_SZ", "russian"))
    registry.set(steam, "SteamPath", Value("REG_SZ", STEAM.lower().replace("\\", "/")))
    registry.set(steam, "AutoLoginUser", Value("REG_SZ", "station_owner"))
    registry.set(steam, "RememberPassword", number(1))
    registry.set(rf"{person.hive}\{_EPIC_IDS}", "AccountId", Value("REG_SZ", "0123456789abcdef0123456789abcdef"))
    ubisoft = r"HKLM\SOFTWARE\WOW6432Node\Ubisoft\Launcher"
    registry.set(ubisoft, "InstallDir", Value("REG_SZ", "C:\\Program Files (x86)\\Ubisoft\\Ubisoft Game Launcher\\"))
    registry.set(rf"{ubisoft}\Installs\635", "InstallDir", Value("REG_SZ", "D:/Ubisoft/Siege/"))


# -- still signed in? ------------------------------------------------------------------------------------------------


def signed_in(files: FileSystem, registry: Registry, person: Person) -> set[str]:
    """Names of the launchers that still find a usable sign-in on the disk or in the registry."""
    return {name for name, check in LAUNCHERS.items() if check(files, registry, person)}


def _content(files: FileSystem, path: str) -> str:
    return files.read(path).decode("utf-8", "replace") if files.exists(path) else ""


def _steam(files: FileSystem, registry: Registry, person: Person) -> bool:
    return bool(
        "ConnectCache" in _content(files, rf"{person.local}\Steam\local.vdf")
        or re.search(r"\d{17}", _content(files, rf"{STEAM}\config\loginusers.vdf"))
        or registry.text(rf"{person.hive}\Software\Valve\Steam", "AutoLoginUser")
        or files.exists(rf"{person.local}\Steam\htmlcache\Network\Cookies")
    )


def _epic(files: FileSystem, registry: Registry, person: Person) -> bool:
    remembered = (_content(files, rf"{person.local}\{ini}") for ini in (_EPIC_EDITOR_INI, _EPIC_WINDOWS_INI))
    saved = rf"{person.local}\{_EPIC}"
    caches = [name for name in files.listing(saved) if name.startswith("webcache")] if files.is_dir(saved) else []
    return bool(
        any("[RememberMe]" in text or "[Offline]" in text for text in remembered)
        or registry.text(rf"{person.hive}\{_EPIC_IDS}", "AccountId")
        or any(path.endswith("Cookies") for name in caches for path in files.files_below(rf"{saved}\{name}"))
    )


def _ubisoft(files: FileSystem, _registry: Registry, person: Person) -> bool:
    return any(files.exists(rf"{person.local}\{_UBISOFT}\{name}") for name in ("user.dat", "ConnectSecureStorage.dat"))


def _wargaming(files: FileSystem, _registry: Registry, person: Person) -> bool:
    return files.exists(rf"{person.roaming}\{_WARGAMING}\user_info.xml")


def _left(files: FileSystem, root: str, names: tuple[str, ...]) -> bool:
    return any(path.endswith(names) for path in files.files_below(root))


def _chrome(files: FileSystem, _registry: Registry, person: Person) -> bool:
    return _left(files, rf"{person.local}\{_CHROME}", ("\\Cookies", "\\Login Data"))


def _edge(files: FileSystem, _registry: Registry, person: Person) -> bool:
    return _left(files, rf"{person.local}\{_EDGE}", ("\\Cookies", "\\Login Data"))


def _firefox(files: FileSystem, _registry: Registry, person: Person) -> bool:
    return _left(files, rf"{person.roaming}\{_FIREFOX}", ("\\cookies.sqlite", "\\logins.json", "\\signedInUser.json"))


LAUNCHERS: dict[str, Callable[[FileSystem, Registry, Person], bool]] = {
    "steam": _steam,
    "epic": _epic,
    "ubisoft": _ubisoft,
    "wargaming": _wargaming,
    "chrome": _chrome,
    "edge": _edge,
    "firefox": _firefox,
}
"""Launcher to the question whether a player would find it signed in."""


# -- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """A launcher's process as autostart leaves it."""

    image: str
    path: str
    kilobytes: int
    holds: tuple[str, ...] = ()
    child_of: str = ""


def started(person: Person) -> tuple[Started, ...]:
    """Launchers and browsers that run on the owner's desktop, and the files that they hold."""
    return (*_started_launchers(person), *_started_browsers(person))


def _started_launchers(person: Person) -> tuple[Started, ...]:
    local, roaming = person.local, person.roaming
    program = r"C:\Program Files (x86)"
    return (
        Started("steam.exe", rf"{STEAM}\steam.exe", 98_304, (rf"{local}\Steam\local.vdf",)),
        Started(
            "steamwebhelper.exe",
            rf"{STEAM}\bin\cef\cef.win7x64\steamwebhelper.exe",
            151_200,
            (rf"{local}\Steam\htmlcache\Network\Cookies",),
            "steam.exe",
        ),
        Started(
            "EpicGamesLauncher.exe",
            rf"{program}\Epic Games\Launcher\Portal\Binaries\Win64\EpicGamesLauncher.exe",
            180_004,
            (rf"{local}\{_EPIC_EDITOR_INI}",),
        ),
        Started(
            "EpicWebHelper.exe",
            rf"{program}\Epic Games\Launcher\Engine\Binaries\Win64\EpicWebHelper.exe",
            77_312,
            (rf"{local}\{_EPIC}\webcache_4430\Network\Cookies",),
            "EpicGamesLauncher.exe",
        ),
        Started("upc.exe", rf"{program}\Ubisoft\{_UBISOFT}\upc.exe", 120_440, (rf"{local}\{_UBISOFT}\user.dat",)),
        Started(
            "UplayWebCore.exe",
            rf"{program}\Ubisoft\{_UBISOFT}\UplayWebCore.exe",
            64_224,
            (rf"{local}\{_UBISOFT}\ConnectSecureStorage.dat",),
            "upc.exe",
        ),
        Started(
            "wgc.exe",
            r"C:\ProgramData\Wargaming.net\GameCenter\wgc.exe",
            88_112,
            (rf"{roaming}\{_WARGAMING}\user_info.xml",),
        ),
    )


def _started_browsers(person: Person) -> tuple[Started, ...]:
    local, roaming = person.local, person.roaming
    return (
        Started(
            "chrome.exe",
            r"C:\Program Files\Google\Chrome\Application\chrome.exe",
            210_300,
            (rf"{local}\{_CHROME}\Default\Network\Cookies",),
        ),
        Started(
            "msedge.exe",
            r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
            140_700,
            (rf"{local}\{_EDGE}\Default\Network\Cookies",),
        ),
        Started(
            "firefox.exe",
            r"C:\Program Files\Mozilla Firefox\firefox.exe",
            260_880,
            (rf"{roaming}\{_FIREFOX}\Profiles\abc.default\cookies.sqlite",),
        ),
    )


def held_forever(person: Person) -> str:
    """The file of the fault file_in_use: something that is no launcher (a scanner) keeps it open."""
    return rf"{person.local}\Steam\local.vdf"
