"""Shops and their launchers, as a signed-in owner leaves them: Steam, Epic, Ubisoft, EA, Origin, Battle.net, GOG, Xbox, Amazon, itch."""

from drova_gate.sim.windows.saved import Entry, File, Junction, Partly, Running, Saved, files
from drova_gate.sim.windows.saved_steam import APPS, LIBRARY_FOLDERS, STEAM, manifest_path, manifest_text

__all__ = ["STEAM", "STORES"]

_X86 = "%PROGRAMFILES(X86)%"
_STEAM_ID = "76561198012345678"
_COOKIES = "SQLite format 3\0 cookies"

_LOGIN_USERS = f""""users"
{{
\t"{_STEAM_ID}"
\t{{
\t\t"AccountName"\t\t"station_owner"
\t\t"PersonaName"\t\t"Station owner"
\t\t"RememberPassword"\t\t"1"
\t\t"AllowAutoLogin"\t\t"1"
\t\t"MostRecent"\t\t"1"
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
\t\t\t\t"CellIDServerOverride"\t\t"66"
\t\t\t}}
\t\t}}
\t}}
}}
"""
_STEAM_CONFIG = Partly(
    rf"{STEAM}\config\config.vdf",
    _CONFIG_VDF,
    secrets=(_STEAM_ID, "station_owner"),
    keeps=('"AutoUpdateWindowEnabled"', '"CellIDServerOverride"'),
)
_STEAM_USER = r"HKCU\Software\Valve\Steam"
_STEAM_MACHINE = r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam"

_EPIC = r"%LOCALAPPDATA%\EpicGamesLauncher\Saved"
# A key that repeats in its section is ordinary in Unreal's INI files: an editor must keep all of them.
_EPIC_KEPT = "[/Script/EpicGamesLauncher.Settings]\r\nPaths=C:/Games\r\nPaths=D:/Games\r\nInstallLocale=ru\r\n"
_EPIC_INI = (
    "[RememberMe]\r\nEnable=True\r\nData=QWxsIG91ciBzZWNyZXRzIGFyZSBzaW11bGF0ZWQ=\r\n\r\n"
    "[Offline]\r\nData=U3RpbGwgb3VyIHNlY3JldHM=\r\n\r\n" + _EPIC_KEPT
)
_EPIC_SETTINGS = (
    Partly(rf"{_EPIC}\Config\WindowsEditor\GameUserSettings.ini", _EPIC_INI, ("Data=",), (_EPIC_KEPT,)),
    # Players and guides set this INI read-only so that the launcher cannot reset the settings.
    Partly(rf"{_EPIC}\Config\Windows\GameUserSettings.ini", _EPIC_INI, ("Data=",), (_EPIC_KEPT,), attributes="r"),
)
_EPIC_PROGRAM = rf"{_X86}\Epic Games\Launcher"

_UBISOFT = r"%LOCALAPPDATA%\Ubisoft Game Launcher"
_UBISOFT_PROGRAM = rf"{_X86}\Ubisoft\Ubisoft Game Launcher"
_UBISOFT_KEY = r"HKLM\SOFTWARE\WOW6432Node\Ubisoft\Launcher"
_EA = r"%LOCALAPPDATA%\Electronic Arts\EA Desktop"
_EA_PROGRAM = r"%PROGRAMFILES%\Electronic Arts\EA Desktop\EA Desktop"
_ORIGIN = r"%APPDATA%\Origin"

_BLIZZARD = r"HKCU\SOFTWARE\Blizzard Entertainment\Battle.net"
_BATTLENET_CONFIG = Partly(
    r"%APPDATA%\Battle.net\Battle.net.config",
    '{\r\n    "Client": {\r\n        "SavedAccountNames": "owner@example.com",\r\n        "AutoLogin": "true",\r\n'
    '        "AutoLoginCN": "false",\r\n        "RememberAccountName": "true",\r\n        "LoginSettings": {"AllowedRegions": "EU"},\r\n'
    '        "Install": {"DefaultInstallPath": "D:/Games"}\r\n    },\r\n    "Games": {"prometheus": {"LastPlayed": "1763600000"}}\r\n}\r\n',
    secrets=("owner@example.com", "AutoLogin", "RememberAccountName"),
    keeps=('"LoginSettings": {"AllowedRegions": "EU"}', '"DefaultInstallPath": "D:/Games"', '"Games": {"prometheus"'),
)

_GALAXY = r"HKCU\Software\GOG.com\Galaxy"
_GALAXY_DATA = r"%PROGRAMDATA%\GOG.com\Galaxy"
_GALAXY_PROGRAM = rf"{_X86}\GOG Galaxy"

_PACKAGES = r"%LOCALAPPDATA%\Packages"
_XBOX_APP = rf"{_PACKAGES}\Microsoft.GamingApp_8wekyb3d8bbwe"
_XBOX_IDENTITY = rf"{_PACKAGES}\Microsoft.XboxIdentityProvider_8wekyb3d8bbwe"
_AAD = rf"{_PACKAGES}\Microsoft.AAD.BrokerPlugin_cw5n1h2txyewy"
_AMAZON = r"%LOCALAPPDATA%\Amazon Games\Data"

STORES: dict[str, Saved] = {
    "steam": Saved(
        gone=(
            File(r"%LOCALAPPDATA%\Steam\local.vdf", _LOCAL_VDF),
            Partly(rf"{STEAM}\config\loginusers.vdf", _LOGIN_USERS, (_STEAM_ID,), ('"users"',)),
            Entry(_STEAM_USER, "AutoLoginUser", "station_owner"),
            Entry(_STEAM_USER, "RememberPassword", 1),
            File(r"%LOCALAPPDATA%\Steam\htmlcache\Network\Cookies", _COOKIES),
            File(r"%LOCALAPPDATA%\Steam\htmlcache\Local State", "{}"),
        ),
        deep=(_STEAM_CONFIG, File(rf"{STEAM}\ssfn7312345678901234567"), File(rf"{STEAM}\ssfn19", attributes="rh")),
        kept=(
            File(rf"{STEAM}\steam.exe", "MZ"),
            File(rf"{STEAM}\config\libraryfolders.vdf", LIBRARY_FOLDERS),
            *(File(manifest_path(app), manifest_text(app)) for app in APPS if app.app_id == 730),
            File(rf"{STEAM}\userdata\52079950\config\localconfig.vdf", '"UserLocalConfigStore"\n{\n}\n'),
            Entry(_STEAM_MACHINE, "InstallPath", STEAM),
            Entry(_STEAM_MACHINE, "Language", "russian"),
            Entry(_STEAM_USER, "SteamPath", STEAM.lower().replace("\\", "/")),
            _STEAM_CONFIG,
        ),
        running=(
            Running(rf"{STEAM}\steam.exe", r"%LOCALAPPDATA%\Steam\local.vdf", kilobytes=98_304),
            Running(
                rf"{STEAM}\bin\cef\cef.win7x64\steamwebhelper.exe",
                r"%LOCALAPPDATA%\Steam\htmlcache\Network\Cookies",
                child_of="steam.exe",
                kilobytes=151_200,
            ),
        ),
        services=("Steam Client Service",),
    ),
    "epic": Saved(
        gone=(
            *_EPIC_SETTINGS,
            Entry(
                r"HKCU\Software\Epic Games\Unreal Engine\Identifiers", "AccountId", "0123456789abcdef0123456789abcdef"
            ),
            File(rf"{_EPIC}\webcache\Cookies", _COOKIES),
            File(rf"{_EPIC}\webcache_4430\Network\Cookies", _COOKIES),
        ),
        deep=(
            File(r"%LOCALAPPDATA%\Epic Games\Epic Online Services\UI Helper\Cache\Cookies", _COOKIES),
            File(r"%LOCALAPPDATA%\Epic Games\EOSOverlay\BrowserCache\Cookies", _COOKIES),
        ),
        kept=(
            File(r"%PROGRAMDATA%\Epic\EpicGamesLauncher\Data\Manifests\A1B2C3.item", '{"AppName":"Fortnite"}'),
            File(r"%PROGRAMDATA%\Epic\UnrealEngineLauncher\LauncherInstalled.dat", '{"InstallationList":[]}'),
            File(rf"{_EPIC}\Data\catcache.bin", "catalog"),
        ),
        kept_min=_EPIC_SETTINGS,
        running=(
            Running(
                rf"{_EPIC_PROGRAM}\Portal\Binaries\Win64\EpicGamesLauncher.exe",
                rf"{_EPIC}\Config\WindowsEditor\GameUserSettings.ini",
                kilobytes=180_004,
            ),
            Running(
                rf"{_EPIC_PROGRAM}\Engine\Binaries\Win64\EpicWebHelper.exe",
                rf"{_EPIC}\webcache_4430\Network\Cookies",
                child_of="EpicGamesLauncher.exe",
            ),
        ),
    ),
    "ubisoft": Saved(
        gone=files(_UBISOFT, "user.dat", "ConnectSecureStorage.dat"),
        deep=(File(rf"{_UBISOFT_PROGRAM}\cache\http2\Cookies", _COOKIES),),
        kept=(
            File(rf"{_UBISOFT_PROGRAM}\savegames\1f2e\635\1.save", "progress"),
            File(rf"{_UBISOFT_PROGRAM}\games\Siege\game.exe", "MZ"),
            Entry(_UBISOFT_KEY, "InstallDir", "C:\\Program Files (x86)\\Ubisoft\\Ubisoft Game Launcher\\"),
            Entry(rf"{_UBISOFT_KEY}\Installs\635", "InstallDir", "D:/Ubisoft/Siege/"),
        ),
        kept_min=(File(rf"{_UBISOFT}\settings.yaml", "misc:\n  game_installation_path: D:/Ubisoft\n"),),
        running=(
            Running(rf"{_UBISOFT_PROGRAM}\upc.exe", rf"{_UBISOFT}\user.dat", kilobytes=120_440),
            Running(
                rf"{_UBISOFT_PROGRAM}\UplayWebCore.exe", rf"{_UBISOFT}\ConnectSecureStorage.dat", child_of="upc.exe"
            ),
        ),
    ),
    "ea": Saved(
        gone=files(_EA, "cookie.ini", "user_1012345678.ini"),
        deep=(
            File(rf"{_EA}\CEF\BrowserCache\EADesktop\Cookies", _COOKIES),
            File(r"%PROGRAMDATA%\EA Desktop\530c11479fe252fc5aabc24935b9776d4900eb3ba58fdc271e0d6229413ad40e\IS"),
            File(r"%PROGRAMDATA%\EA Desktop\machine.ini"),
        ),
        kept=(
            File(r"%PROGRAMDATA%\EA Desktop\InstallData\Battlefield\base.json", "{}"),
            File(r"%PROGRAMDATA%\EA Desktop\Logs\EADesktop.log", "log"),
            Entry(r"HKLM\SOFTWARE\WOW6432Node\Origin Games\1026023", "InstallDir", "D:\\EA\\Battlefield\\"),
        ),
        running=(
            Running(rf"{_EA_PROGRAM}\EADesktop.exe", rf"{_EA}\cookie.ini"),
            Running(rf"{_EA_PROGRAM}\EABackgroundService.exe", r"%PROGRAMDATA%\EA Desktop\machine.ini", service=True),
        ),
        services=("EABackgroundService",),
    ),
    "origin": Saved(
        gone=(
            *files(_ORIGIN, "local.xml", "local_1a2b.xml", r"ConsolidatedCache\1\a.dat", r"NucleusCache\1\a.dat"),
            *files(r"%PROGRAMDATA%\Origin", "1.olc", "Main.olc"),
        ),
        deep=(File(rf"{_ORIGIN}\Telemetry\t.dat"), File(r"%LOCALAPPDATA%\Origin\Web Cache\Cookies", _COOKIES)),
        kept=(File(r"%PROGRAMDATA%\Origin\LocalContent\Titanfall\Origin.OFR.50.mfst", "?id=1&state=kReadyToStart"),),
        running=(Running(rf"{_X86}\Origin\Origin.exe", rf"{_ORIGIN}\local.xml"),),
        services=("Origin Web Helper Service",),
    ),
    "battlenet": Saved(
        gone=(
            _BATTLENET_CONFIG,
            File(r"%LOCALAPPDATA%\Battle.net\Account\1012345678\account.db"),
            Entry(rf"{_BLIZZARD}\Identity", "", b"\x01\x02"),
            Entry(rf"{_BLIZZARD}\Identity", "A1", b"\x01\x02"),
            Entry(rf"{_BLIZZARD}\UnifiedAuth", "B2", b"\x03\x04"),
            Entry(rf"{_BLIZZARD}\EncryptionKey", "C3", b"\x05\x06"),
            Entry(rf"{_BLIZZARD}\Authenticator", "D4", b"\x07"),
            Entry(rf"{_BLIZZARD}\Launch Options\Pro", "WEB_TOKEN", b"\x08"),
            Entry(rf"{_BLIZZARD}\Launch Options\WoW & Classic", "WEB_TOKEN", b"\x09"),
        ),
        deep=files(
            r"%LOCALAPPDATA%\Battle.net",
            *("CachedData.db", "CachedData.db-journal", "CachedData.db-shm", "CachedData.db-wal"),
            *(r"BrowserCaches\common\Cookies", r"BrowserCache\Cookies", r"Cache\1\a"),
        ),
        kept=(
            File(r"%PROGRAMDATA%\Battle.net\Agent\product.db", "games"),
            Entry(rf"{_BLIZZARD}\Launch Options\Pro", "REGION", "EU"),
            Entry(rf"{_BLIZZARD}\Launch Options\WoW & Classic", "REGION", "EU"),
            _BATTLENET_CONFIG,
        ),
        running=(
            Running(rf"{_X86}\Battle.net\Battle.net.exe", r"%LOCALAPPDATA%\Battle.net\Account\1012345678\account.db"),
            Running(rf"{_X86}\Battle.net\Battle.net Helper.exe", child_of="Battle.net.exe"),
            Running(r"%PROGRAMDATA%\Battle.net\Agent\Agent.9124\Agent.exe"),
        ),
    ),
    "gog": Saved(
        gone=(
            Entry(_GALAXY, "refreshToken"),
            Entry(rf"{_GALAXY}\settings", "username", "owner@example.com"),
            Entry(rf"{_GALAXY}\settings", "userId", "51234567890123456"),
            *files(rf"{_GALAXY_DATA}\webcache\common", "Cookies", "Cookies-journal"),
            *files(rf"{_GALAXY_DATA}\webcache\common", r"Local Storage\leveldb\1.ldb", r"Session Storage\1.ldb"),
            File(rf"{_GALAXY_DATA}\tokens.json", "{}"),
            File(r"%LOCALAPPDATA%\GOG.com\Galaxy\tokens.json", "{}"),
        ),
        deep=files(rf"{_GALAXY_DATA}\storage", "galaxy-2.0.db", "galaxy-2.0.db-wal"),
        kept=(
            Entry(r"HKLM\SOFTWARE\WOW6432Node\GOG.com\Games\1207658924", "path", r"D:\GOG Games\Witcher"),
            Entry(rf"{_GALAXY}\settings", "language", "ru-RU"),
        ),
        running=(
            Running(rf"{_GALAXY_PROGRAM}\GalaxyClient.exe", rf"{_GALAXY_DATA}\webcache\common\Cookies"),
            Running(rf"{_GALAXY_PROGRAM}\GalaxyClient Helper.exe", child_of="GalaxyClient.exe"),
        ),
        services=("GalaxyClientService", "GalaxyCommunication"),
    ),
    "xbox": Saved(
        gone=(
            *files(r"%LOCALAPPDATA%\Microsoft\TokenBroker", r"Cache\a1.tbres", r"Accounts\b2.tbacct"),
            *files(_XBOX_APP, r"AC\TokenBroker\Cache\c3.tbres", r"LocalState\user.json", r"LocalCache\Local\data.bin"),
            *files(_XBOX_IDENTITY, r"AC\TokenBroker\Cache\d4.tbres", r"LocalState\x.dat", r"LocalCache\y.dat"),
        ),
        deep=(
            *files(rf"{_AAD}\AC\TokenBroker", r"Accounts\e5.tbacct", r"Cache\f6.tbres"),
            File(rf"{_PACKAGES}\Microsoft.Windows.CloudExperienceHost_cw5n1h2txyewy\AC\TokenBroker\Cache\g7.tbres"),
            *files(r"%LOCALAPPDATA%\Microsoft", r"OneAuth\accounts\h8", r"IdentityCache\1\i9"),
        ),
        kept=(
            File(rf"{_XBOX_APP}\Settings\settings.dat", "regf"),
            File(rf"{_AAD}\Settings\settings.dat", "regf"),
            Entry(r"HKCU\Software\Microsoft\IdentityCRL\UserExtendedProperties\owner@example.com", "cid", "1a2b3c"),
        ),
        running=(
            Running(
                r"%PROGRAMFILES%\WindowsApps\Microsoft.GamingApp\XboxPcApp.exe", rf"{_XBOX_APP}\LocalState\user.json"
            ),
        ),
    ),
    "amazon": Saved(
        gone=(
            File(r"%APPDATA%\@amzn\aga-electron-platform\Amazon Games UI\Network\Cookies", _COOKIES),
            File(r"%APPDATA%\electron-platform\Amazon Games UI\Cookies", _COOKIES),
            File(rf"{_AMAZON}\Electron\Local Storage\1.ldb"),
        ),
        kept=files(rf"{_AMAZON}\Games\Sql", "GameInstallInfo.sqlite", "GameProductInfo.sqlite"),
        running=(
            Running(r"%LOCALAPPDATA%\Amazon Games\App\Amazon Games.exe", rf"{_AMAZON}\Electron\Local Storage\1.ldb"),
        ),
    ),
    "itch": Saved(
        gone=(File(r"%APPDATA%\itch\Partitions\itchio-1234567\Cookies", _COOKIES),),
        deep=files(r"%APPDATA%\itch\db", "butler.db", "butler.db-wal"),
        kept=(
            File(r"%APPDATA%\itch\preferences.json", '{"lang":"ru"}'),
            File(r"%APPDATA%\itch\apps\a-game\game.exe", "MZ"),
            Junction(r"%APPDATA%\itch\Partitions\itchio-1234567\Cache", r"D:\Кэш & Co", "owner's.txt"),
        ),
        running=(
            Running(r"%LOCALAPPDATA%\itch\app-26.1.9\itch.exe", r"%APPDATA%\itch\Partitions\itchio-1234567\Cookies"),
        ),
    ),
}
"""Shops, by name."""
