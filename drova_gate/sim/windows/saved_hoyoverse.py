"""HoYoverse's games and HoYoPlay, the world's and China's builds, as a signed-in owner leaves them."""

from drova_gate.sim.windows.saved import Entry, File, Junction, Running, Saved, files

__all__ = ["HOYOVERSE"]

_MIHOYO = r"HKCU\Software\miHoYo"
_COGNOSPHERE = r"HKCU\Software\Cognosphere"
_WORLD, _CHINA, _CLOUD = (
    "MIHOYOSDK_ADL_PROD_OVERSEA_h1158948810",
    "MIHOYOSDK_ADL_PROD_CN_h3123967166",
    "MIHOYOSDK_ADL_0",
)
_UID, _RAIL_UID = "__LastUid___h2153286551", "App_LastUserID_h2841727341"
_HONKAI_UID = "GENERAL_DATA_V2_LastLoginUserId_h47158221"
_LANGUAGE, _SETTINGS = "MIHOYOSDK_CURRENT_LANGUAGE_h2559149783", "GENERAL_DATA_h2389025596"

_GAMES: tuple[tuple[str, str, str], ...] = (
    (rf"{_MIHOYO}\Genshin Impact", _WORLD, _UID),
    (rf"{_COGNOSPHERE}\Star Rail", _WORLD, _RAIL_UID),
    (rf"{_MIHOYO}\ZenlessZoneZero", _WORLD, ""),
    (rf"{_MIHOYO}\Honkai Impact 3rd", _WORLD, _HONKAI_UID),
    (rf"{_MIHOYO}\Honkai Impact 3", _WORLD, _HONKAI_UID),
    (rf"{_MIHOYO}\原神", _CHINA, _UID),
    (rf"{_MIHOYO}\崩坏：星穹铁道", _CHINA, _RAIL_UID),
    (rf"{_MIHOYO}\绝区零", _CHINA, ""),
    (rf"{_MIHOYO}\崩坏3", _CHINA, _HONKAI_UID),
    (rf"{_MIHOYO}\云·原神", _CLOUD, ""),
)
"""Key, the value with the accounts, the value with the last player's number."""
_FOLDERS = {
    "hk4e_global": (r"D:\HoYoPlay\games\Genshin Impact game", "GenshinImpact_Data"),
    "hkrpg_global": (r"D:\HoYoPlay\games\Star Rail Games", "StarRail_Data"),
    "nap_global": (r"D:\HoYoPlay\games\ZenlessZoneZero Game", "ZenlessZoneZero_Data"),
}
"""HoYoPlay's name of a game to its folder and the name of its data."""

_HYP = r"%APPDATA%\Cognosphere\HYP"
_HYP_CHINA = r"%APPDATA%\miHoYo\HYP\1_1"
_HYP_PROGRAM = r"%PROGRAMFILES%\HoYoPlay"


def _number(name: str) -> int | bytes:
    # Unity stores texts as bytes; Star Rail's and Honkai's numbers are DWORDs.
    return b"123456789\0" if name == _UID else 123456789


HOYOVERSE: dict[str, Saved] = {
    "hoyoverse": Saved(
        gone=(
            *(Entry(key, accounts, b'{"accounts":["secret"]}\0') for key, accounts, _ in _GAMES),
            *(Entry(key, last, _number(last)) for key, _, last in _GAMES if last),
            Entry(r"HKCU\Software\miHoYoSDK", "MIHOYOSDK_DEVICE_ID_h1", b"device\0"),
            Entry(rf"{_MIHOYO}\miHoYoSDK", "MIHOYOSDK_SEED_ID_h1", b"seed\0"),
        ),
        deep=(
            *(Entry(key, _LANGUAGE, b"ru\0") for key, _, _ in _GAMES),
            *(
                File(rf"{folder}\{data}\{cache}")
                for folder, data in _FOLDERS.values()
                for cache in (r"webCaches\2.20.0.0\Cache\data_2", r"SDKCaches\1.dat")
            ),
            *files(
                r"%LOCALLOW%\miHoYo", r"Genshin Impact\output_log.txt", r"原神\output_log.txt", r"绝区零\Player.log"
            ),
            *files(r"%LOCALLOW%\miHoYo", r"ZenlessZoneZero\Player.log", r"Honkai Impact 3rd\output_log.txt"),
            File(r"%LOCALLOW%\Cognosphere\Star Rail\Player.log"),
            File(r"%LOCALAPPDATA%\miHoYo\1.dat"),
        ),
        kept=(
            *(Entry(key, _SETTINGS, b"graphics\0") for key, _, _ in _GAMES),
            *(
                Entry(rf"{_COGNOSPHERE}\HYP\1_0\{game}", "GameInstallPath", folder)
                for game, (folder, _) in _FOLDERS.items()
            ),
            Entry(rf"{_MIHOYO}\HYP\1_1\hk4e_cn", "GameInstallPath", r"D:\米哈游\Genshin Impact Game"),
            *(File(rf"{folder}\{data}\Persistent\res.pkg", "resources") for folder, data in _FOLDERS.values()),
            Junction(r"%LOCALAPPDATA%\HoYoverse", r"D:\HoYoverse", "owner's.dat"),
        ),
        running=(Running(rf"{_FOLDERS['hk4e_global'][0]}\GenshinImpact.exe", kilobytes=2_400_000),),
    ),
    "hoyoplay": Saved(
        gone=(
            File(rf"{_HYP}\1_0\fedata\Cache\Cache_Data\data_0"),
            File(rf"{_HYP}\1_1\fedata\Network\Cookies"),
            File(rf"{_HYP_CHINA}\fedata\Network\Cookies"),
        ),
        deep=(
            *files(_HYP, r"1_0\data\account.dat", r"1_1\data\account.dat"),
            File(rf"{_HYP_CHINA}\data\account.dat.crc"),
        ),
        kept=(
            *files(rf"{_HYP}\1_0\data", "gamedata.dat", "gamedata.dat.crc", "usersettings.dat", "usersettings.dat.crc"),
            *files(_HYP_CHINA, r"data\gamedata.dat", r"ico\hk4e.ico"),
            Entry(rf"{_COGNOSPHERE}\HYP\1_0", "HYPDeviceId", "device"),
        ),
        running=(
            Running(rf"{_HYP_PROGRAM}\launcher.exe"),
            Running(rf"{_HYP_PROGRAM}\1.4.0.1\HYP.exe", rf"{_HYP}\1_0\fedata\Cache\Cache_Data\data_0"),
            Running(rf"{_HYP_PROGRAM}\1.4.0.1\HYPHelper.exe", child_of="HYP.exe"),
            Running(rf"{_HYP_PROGRAM}\1.4.0.1\crashreport.exe"),
        ),
    ),
}
"""HoYoverse's programs, by name."""
