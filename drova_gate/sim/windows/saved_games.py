"""Launchers of single games and publishers, as a signed-in owner leaves them."""

import json

from drova_gate.sim.windows.saved import Entry, File, Junction, Partly, Running, Saved, files

__all__ = ["GAMES", "WITHOUT_SIGN_IN"]

_X86 = "%PROGRAMFILES(X86)%"
_COOKIES = "SQLite format 3\0 cookies"

_RIOT = r"%LOCALAPPDATA%\Riot Games\Riot Client"
_SOCIAL = r"Rockstar Games\Social Club"
_ROCKSTAR_PROGRAM = r"%PROGRAMFILES%\Rockstar Games\Launcher"
_WARGAMING = r"%APPDATA%\Wargaming.net\GameCenter"
_LESTA = r"%APPDATA%\Lesta\GameCenter"

_BSG_KEPT = '"gameRootDir":"D:\\\\Battlestate Games\\\\EFT","language":"ru","sysInfCheck":"1763600000"'
_BSG_SETTINGS = Partly(
    r"%APPDATA%\Battlestate Games\BsgLauncher\settings",
    '{"login":"owner@example.com","at":"access-token",'
    + _BSG_KEPT
    + ',"rt":"refresh-token","atet":1763600000,"keepLoggedIn":true,"saveLogin":true}',
    secrets=("owner@example.com", "access-token", "refresh-token", '"atet"', "keepLoggedIn", "saveLogin"),
    keeps=(_BSG_KEPT,),
)

_KURO_ACCOUNTS = '{"account_list":[{"cuid":"123456789","token":"secret"}],"last_login_cuid":"123456789"}'
_KURO_GAME = r"D:\Wuthering Waves\Wuthering Waves Game"

_ENDFIELD = r"%LOCALLOW%\Gryphline\Endfield"
_ENDFIELD_CHINA = r"%LOCALLOW%\Hypergryph\Endfield"
_ARENA = r"%APPDATA%\arena_breakout_infinite_launcher"
_DELTA = r"%APPDATA%\df_launcher_global_30029601"

_MY_COM_KEPT = "LangUI=ru_RU\r\nHotKey=Ctrl+Shift+Z\r\nИграПоУмолчанию=Аллоды\r\n[Games]\r\nPath1=D:\\Игры\\Warface\r\n"


def _my_com(path: str) -> Partly:
    # The byte order mark is part of the file, as Notepad and the launcher write it.
    text = (
        "\ufeff[Main]\r\nMyComUserMagic=m1\r\nMyComUserMagic2=m2\r\nMyComUserMagic4=m4\r\nMyComUserLogin=owner@example.com\r\n"
        "MyComUserUid=1234567\r\nCurrentUserName=Владелец\r\nCurrentUserNick=owner\r\nCurrentUserAvatarFileName=a.png\r\n"
        "FirstAuth=1\r\nLastAUITime=1763600000\r\nLastAGSTime=1763600000\r\ncLastLoginTime=1763600000\r\n"
        + _MY_COM_KEPT
    )
    secrets = ("MyComUser", "CurrentUser", "FirstAuth", "LastAUITime", "LastAGSTime", "cLastLoginTime")
    return Partly(path, text, secrets, ("\ufeff[Main]\r\n", _MY_COM_KEPT), encoding="utf-16-le")


_VKPLAY = _my_com(r"%LOCALAPPDATA%\GameCenter\GameCenter.ini")
_MYGAMES = _my_com(r"%LOCALAPPDATA%\MyComGames\MyComGames.ini")

_MINECRAFT = r"%APPDATA%\.minecraft"
_MINECRAFT_KEPT = json.dumps({"profiles": {"Своя сборка": {"lastVersionId": "1.20.1"}}}, ensure_ascii=False)[1:-1]
_MINECRAFT_PROFILES = Partly(
    rf"{_MINECRAFT}\launcher_profiles.json",
    '{"authenticationDatabase":{"1a2b":{"accessToken":"secret"}},' + _MINECRAFT_KEPT + "}",
    secrets=("authenticationDatabase", "accessToken"),
    keeps=(_MINECRAFT_KEPT,),
)
_ROBLOX = r"%LOCALAPPDATA%\Roblox"
_FACEIT_KEY = r"HKCU\SOFTWARE\FACEIT\FACEIT Client"
_MAJESTIC = r"%APPDATA%\majestic-launcher"
_MAJESTIC_KEY = r"HKCU\Software\MAJESTIC-LAUNCHER"


def _rockstar_documents(documents: str) -> tuple[File, ...]:
    return files(
        rf"{documents}\{_SOCIAL}",
        *(r"Profiles\1A2B3C\autosignin.dat", r"Profiles\1A2B3C\signintransfer.dat", r"Launcher\Renderer\Cookies"),
    )


GAMES: dict[str, Saved] = {
    "riot": Saved(
        gone=files(
            rf"{_RIOT}\Data",
            *(
                "RiotGamesPrivateSettings.yaml",
                "RiotClientPrivateSettings.yaml",
                r"Cookies\Cookies",
                r"Sessions\1.json",
            ),
        ),
        deep=(
            File(rf"{_RIOT}\Data\RiotClientInstalls.json", "{}"),
            File(r"%LOCALAPPDATA%\Riot Games\Beta\Data\RiotGamesPrivateSettings.yaml"),
            File(r"%APPDATA%\riot-client-ux\Network\Cookies", _COOKIES),
        ),
        kept=(
            File(rf"{_RIOT}\Config\RiotClientSettings.yaml", "install:\n    globals:\n        locale: ru_RU\n"),
            File(r"%PROGRAMDATA%\Riot Games\RiotClientInstalls.json", "{}"),
        ),
        running=(
            Running(
                r"C:\Riot Games\Riot Client\RiotClientServices.exe", rf"{_RIOT}\Data\RiotGamesPrivateSettings.yaml"
            ),
            Running(r"C:\Riot Games\Riot Client\UX\Riot Client.exe", child_of="RiotClientServices.exe"),
        ),
    ),
    "rockstar": Saved(
        # Documents moved to OneDrive one day; what was there before stayed behind.
        gone=(*_rockstar_documents("%DOCUMENTS%"), *_rockstar_documents(r"%USERPROFILE%\Documents")),
        deep=(
            File(r"%DOCUMENTS%\Rockstar Games\Social Club\Launcher\settings.xml"),
            File(r"%DOCUMENTS%\Rockstar Games\Launcher\s.dat"),
            File(r"%USERPROFILE%\Documents\Rockstar Games\Launcher\s.dat"),
            File(r"%LOCALAPPDATA%\Rockstar Games\Launcher\settings_user.dat"),
            File(r"%LOCALAPPDATA%\Rockstar Games\Social Club\Renderer\Cookies", _COOKIES),
            File(r"%APPDATA%\Rockstar Games\Launcher\c.dat"),
        ),
        kept=(
            File(r"%DOCUMENTS%\Rockstar Games\GTA V\Profiles\1A2B3C\SGTA50000", "progress"),
            File(r"%USERPROFILE%\Documents\Rockstar Games\Red Dead Redemption 2\Profiles\1A2B3C\SRDR30000", "progress"),
            *files(r"%PROGRAMDATA%\Rockstar Games\Launcher", "titles.dat", "recognised_titles.dat"),
        ),
        running=(
            Running(rf"{_ROCKSTAR_PROGRAM}\RockstarService.exe", service=True),
            Running(
                rf"{_ROCKSTAR_PROGRAM}\Launcher.exe",
                rf"%DOCUMENTS%\{_SOCIAL}\Profiles\1A2B3C\autosignin.dat",
            ),
            Running(
                r"%PROGRAMFILES%\Rockstar Games\Social Club\SocialClubHelper.exe",
                rf"%DOCUMENTS%\{_SOCIAL}\Launcher\Renderer\Cookies",
                child_of="Launcher.exe",
            ),
        ),
        services=("Rockstar Service",),
    ),
    "wargaming": Saved(
        gone=(File(rf"{_WARGAMING}\user_info.xml", "<data><user><login>owner@example.com</login></user></data>"),),
        kept=(
            File(rf"{_WARGAMING}\preferences.xml", "<protocol/>"),
            File(r"%PROGRAMDATA%\Wargaming.net\GameCenter\data\games.xml", "<games/>"),
        ),
        running=(Running(r"%PROGRAMDATA%\Wargaming.net\GameCenter\wgc.exe", rf"{_WARGAMING}\user_info.xml"),),
    ),
    "lesta": Saved(
        gone=(File(rf"{_LESTA}\user_info.xml", "<data><user><login>owner@example.com</login></user></data>"),),
        deep=(File(rf"{_LESTA}\cef\Cookies", _COOKIES),),
        kept=(File(r"%PROGRAMDATA%\Lesta\GameCenter\data\games.xml", "<games/>"),),
        kept_min=(File(rf"{_LESTA}\preferences.xml", "<protocol/>"),),
        running=(Running(r"%PROGRAMDATA%\Lesta\GameCenter\lgc.exe", rf"{_LESTA}\user_info.xml"),),
    ),
    "bsg": Saved(
        gone=(_BSG_SETTINGS,),
        deep=(File(r"%LOCALAPPDATA%\Battlestate Games\BsgLauncher\CefCache\Cookies", _COOKIES),),
        kept=(_BSG_SETTINGS,),
        running=(Running(r"C:\Battlestate Games\BsgLauncher\BsgLauncher.exe", _BSG_SETTINGS.path),),
    ),
    "kuro": Saved(
        gone=(
            File(r"%APPDATA%\KR_G153\A1730\KRSDKUserLauncherCache.json", '{"oauthCode":"secret"}'),
            File(r"%APPDATA%\KR_G153\A1834\KRSDKUserCache.json", _KURO_ACCOUNTS),
            File(r"%APPDATA%\KR_G152\A1381\KRSDKUserCache.json", _KURO_ACCOUNTS, attributes="r"),
        ),
        deep=(
            File(r"%APPDATA%\KRLauncher\G153\C50004\KRWebViewUserData\EBWebView\Default\Local Storage\leveldb\1.ldb"),
        ),
        kept=(
            File(r"%APPDATA%\KRLauncher\G153\C50004\kr_starter_game.json", '{"path":"D:/Wuthering Waves"}'),
            File(r"%APPDATA%\KR_G153\A1730\KRSDKConfig.json", "{}"),
            File(rf"{_KURO_GAME}\Client\Saved\LocalStorage\LocalStorage.db", "settings"),
        ),
        running=(
            Running(r"D:\Wuthering Waves\launcher.exe"),
            Running(
                r"D:\Wuthering Waves\2.1.0.0\launcher_main.exe", r"%APPDATA%\KR_G153\A1730\KRSDKUserLauncherCache.json"
            ),
            Running(
                rf"{_KURO_GAME}\Client\Binaries\Win64\Client-Win64-Shipping.exe",
                r"%APPDATA%\KR_G153\A1834\KRSDKUserCache.json",
            ),
        ),
    ),
    "gryphline": Saved(
        gone=(
            *files(rf"{_ENDFIELD}\sdk_data_1a2b3c", "login_cache", "login_cache.crc", "gf_login_cache", "mmkv.default"),
            File(rf"{_ENDFIELD}\sdklogs\HGWebview.log", "https://example.com/?token=secret"),
            *files(_ENDFIELD_CHINA, r"sdk_data_4d5e6f\login_cache", r"sdklogs\HGWebview.log"),
        ),
        deep=(
            File(rf"{_ENDFIELD}\other.dat"),
            File(r"%LOCALAPPDATA%\Games\9f8e7d\cache_storage\Network\Cookies", _COOKIES),
            File(r"%LOCALAPPDATA%\PlatformProcess\Cache\1"),
        ),
        kept=(File(r"%LOCALAPPDATA%\Games\9f8e7d\settings.json", "{}"), File(r"%LOCALLOW%\Gryphline\Other\save.dat")),
        kept_min=(File(rf"{_ENDFIELD}\Player.log", "log"),),
        running=(
            Running(
                r"%PROGRAMFILES%\GRYPHLINK\1.0.0\Games.exe",
                r"%LOCALAPPDATA%\Games\9f8e7d\cache_storage\Network\Cookies",
            ),
        ),
    ),
    "arena_breakout": Saved(
        gone=(
            File(rf"{_ARENA}\last_user.dat"),
            File(rf"{_ARENA}\30061\service\intl_auth.txt"),
            File(rf"{_ARENA}_Steam\29158\service\intl_auth.txt"),
        ),
        deep=(File(rf"{_ARENA}\webview\Cookies", _COOKIES),),
        kept_min=(File(rf"{_ARENA}\30061\service\config.txt"),),
        running=(Running(r"D:\Arena\arena_breakout_infinite_launcher.exe", rf"{_ARENA}\30061\service\intl_auth.txt"),),
    ),
    "delta_force": Saved(
        gone=(
            File(rf"{_DELTA}\29158\service\intl_auth.txt"),
            File(rf"{_DELTA}_Steam\29160\service\intl_auth.txt"),
        ),
        kept=(File(rf"{_DELTA}\29158\service\config.txt"),),
        running=(Running(r"D:\Delta Force\launcher\df_launcher_global.exe", rf"{_DELTA}\29158\service\intl_auth.txt"),),
    ),
    "vkplay": Saved(
        gone=(_VKPLAY,),
        kept_min=(_VKPLAY,),
        running=(Running(r"%LOCALAPPDATA%\GameCenter\GameCenter.exe", _VKPLAY.path),),
    ),
    "mygames": Saved(
        gone=(_MYGAMES,),
        kept=(_MYGAMES,),
        running=(Running(r"%LOCALAPPDATA%\MyComGames\MyComGames.exe", _MYGAMES.path),),
    ),
    "fourgame": Saved(
        gone=(
            File(r"%PROGRAMDATA%\Innova\4game_cis\accounts-live.db"),
            File(r"%LOCALAPPDATA%\Innova\4game_cis\CEF\global\Local Storage\leveldb\1.ldb"),
        ),
        kept=(File(r"%PROGRAMDATA%\Innova\4game_cis\games.db"),),
        running=(
            Running(rf"{_X86}\Innova\4game2.0\Innova.Launcher.exe", r"%PROGRAMDATA%\Innova\4game_cis\accounts-live.db"),
        ),
    ),
    "roblox": Saved(
        gone=(
            *files(rf"{_ROBLOX}\LocalStorage", "RobloxCookies.dat", "appStorage.json"),
            *files(rf"{_ROBLOX}\UniversalApp\WebView2\EBWebView\Default\Network", "Cookies", "Cookies-journal"),
            File(rf"{_ROBLOX}\RobloxStudio\WebView2\EBWebView\Default\Network\Cookies", _COOKIES),
        ),
        kept=(File(rf"{_ROBLOX}\GlobalBasicSettings_13.xml", "<roblox/>"),),
        running=(
            Running(
                rf"{_ROBLOX}\Versions\version-1a2b\RobloxPlayerBeta.exe", rf"{_ROBLOX}\LocalStorage\RobloxCookies.dat"
            ),
        ),
    ),
    "minecraft": Saved(
        gone=(
            *files(_MINECRAFT, "launcher_accounts.json", "launcher_accounts_microsoft_store.json"),
            *files(_MINECRAFT, "launcher_msa_credentials.bin", "launcher_msa_credentials_microsoft_store.bin"),
            File(rf"{_MINECRAFT}\webcache2\Cookies", _COOKIES),
            _MINECRAFT_PROFILES,
        ),
        kept=(
            File(rf"{_MINECRAFT}\saves\Мой мир\level.dat", "world"),
            File(rf"{_MINECRAFT}\versions\1.20.1\1.20.1.json", "{}"),
            _MINECRAFT_PROFILES,
        ),
        running=(
            Running(rf"{_X86}\Minecraft Launcher\MinecraftLauncher.exe", rf"{_MINECRAFT}\launcher_accounts.json"),
            Running(rf"{_MINECRAFT}\runtime\java-runtime-gamma\bin\javaw.exe", child_of="MinecraftLauncher.exe"),
        ),
    ),
    "faceit": Saved(
        gone=(Entry(_FACEIT_KEY, "token"), File(r"%APPDATA%\FACEIT\Network\Cookies", _COOKIES)),
        kept=(File(r"%LOCALAPPDATA%\FACEITApp\FACEIT.exe", "MZ"), Entry(_FACEIT_KEY, "language", "ru")),
        running=(Running(r"%LOCALAPPDATA%\FACEITApp\FACEIT.exe", r"%APPDATA%\FACEIT\Network\Cookies"),),
    ),
    "majestic": Saved(
        gone=files(
            _MAJESTIC,
            *(
                r"Local Storage\leveldb\1.ldb",
                r"Session Storage\1.ldb",
                r"IndexedDB\1\1.ldb",
                r"Network\Cookies",
                "Cookies",
            ),
        ),
        kept=(
            *files(
                _MAJESTIC, "prefs.latest.json", "hashMap_v3.json", "hashMap_v3_RO.json", r"Multiplayer\majestic.json"
            ),
            File(rf"{_MAJESTIC}\Multiplayer\backupMap.json", "{}"),
            Junction(rf"{_MAJESTIC}\Multiplayer\backup", r"D:\GTA backup", "game.rpf"),
            Entry(_MAJESTIC_KEY, "gta_v_path", r"D:\GTA V"),
        ),
        running=(
            Running(
                r"%LOCALAPPDATA%\MajesticLauncher\Majestic Launcher.exe", rf"{_MAJESTIC}\Local Storage\leveldb\1.ldb"
            ),
        ),
    ),
}
"""Launchers of games, by name."""

WITHOUT_SIGN_IN: dict[str, Saved] = {
    "gta5rp": Saved(
        kept=(
            Entry(r"HKCU\Software\RAGE-MP", "game_v_path", r"D:\GTA V"),
            Entry(r"HKCU\Software\GTA5RPLauncher", "path", r"D:\GTA V"),
            File(r"D:\RAGEMP\client_resources\server\.storage", "notes"),
        ),
        running=(Running(r"D:\RAGEMP\GTA5RPLauncher.exe"), Running(r"D:\RAGEMP\ragemp_v.exe")),
    )
}
"""Programs that are ended, but hold no sign-in that anybody knows of."""
