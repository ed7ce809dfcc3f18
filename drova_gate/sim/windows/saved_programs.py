"""Browsers, messengers, remote access and the rest, as a signed-in owner leaves them; and what is nobody's sign-in."""

from drova_gate.sim.windows.saved import Entry, File, Junction, Partly, Running, Saved, files

__all__ = ["BROWSERS", "BYSTANDERS", "BYSTANDING_SERVICES", "PEOPLE", "TOOLS"]

_PROGRAMS = "%PROGRAMFILES%"
_PREFERENCES = '{"account_info":[{"email":"owner@example.com","gaia":"1234567890"}],"profile":{"name":"Owner"}}'
_COOKIES = "SQLite format 3\0 cookies"
_FIREFOX = r"%APPDATA%\Mozilla\Firefox"


def _chromium(root: str, program: str, *more: File | Junction, profiles: tuple[str, ...] = ("Default",)) -> Saved:
    """A browser of Chromium's family: one folder holds everything of all profiles."""
    profile = root if not profiles else rf"{root}\{profiles[0]}"
    return Saved(
        gone=(
            File(rf"{root}\Local State", '{"os_crypt":{"encrypted_key":"RFBBUEk="}}'),
            *(
                File(rf"{root}\{name}\{part}", text)
                for name in profiles
                for part, text in (
                    ("Preferences", _PREFERENCES),
                    ("Login Data", "logins"),
                    (r"Network\Cookies", _COOKIES),
                )
            ),
            *(each for each in more if isinstance(each, File)),
        ),
        kept=tuple(each for each in more if isinstance(each, Junction)),
        running=(Running(program, rf"{profile}\Network\Cookies", kilobytes=210_300),),
    )


_CHROME = r"%LOCALAPPDATA%\Google\Chrome\User Data"
BROWSERS: dict[str, Saved] = {
    "chrome": _chromium(
        _CHROME,
        rf"{_PROGRAMS}\Google\Chrome\Application\chrome.exe",
        File(r"%LOCALAPPDATA%\Google\Chrome Beta\User Data\Default\Login Data"),
        File(r"%LOCALAPPDATA%\Google\Chrome SxS\User Data\Default\Login Data"),
        # Hosts move caches to another disk by a junction; what it leads to is not ours to delete.
        Junction(rf"{_CHROME}\Default\Cache", r"D:\BrowserCache", "keep.txt"),
        profiles=("Default", "Profile 1"),
    ),
    "edge": _chromium(
        r"%LOCALAPPDATA%\Microsoft\Edge\User Data", r"%PROGRAMFILES(X86)%\Microsoft\Edge\Application\msedge.exe"
    ),
    "firefox": Saved(
        gone=(
            File(
                rf"{_FIREFOX}\profiles.ini",
                "[Profile0]\r\nName=default\r\nIsRelative=1\r\nPath=Profiles/abc.default\r\n",
            ),
            *files(rf"{_FIREFOX}\Profiles\abc.default", "cookies.sqlite", "logins.json", "signedInUser.json"),
        ),
        deep=(File(r"%LOCALAPPDATA%\Mozilla\Firefox\Profiles\abc.default\cache2\index"),),
        kept=(File(rf"{_PROGRAMS}\Mozilla Firefox\distribution\policies.json", "{}"),),
        running=(
            Running(
                rf"{_PROGRAMS}\Mozilla Firefox\firefox.exe",
                rf"{_FIREFOX}\Profiles\abc.default\cookies.sqlite",
                kilobytes=260_880,
            ),
        ),
    ),
    "opera": Saved(
        gone=(
            *files(
                r"%APPDATA%\Opera Software\Opera Stable",
                "Local State",
                r"Default\Login Data",
                r"Default\Network\Cookies",
            ),
            *files(r"%APPDATA%\Opera Software\Opera GX Stable", "Login Data", r"_side_profiles\1\Default\Login Data"),
        ),
        deep=(File(r"%LOCALAPPDATA%\Opera Software\Opera Stable\Cache\data_0"),),
        kept=(File(r"%LOCALAPPDATA%\Programs\Opera\opera.exe", "MZ"),),
        running=(
            Running(
                r"%LOCALAPPDATA%\Programs\Opera\opera.exe",
                r"%APPDATA%\Opera Software\Opera Stable\Default\Network\Cookies",
            ),
        ),
    ),
    "yandex": _chromium(
        r"%LOCALAPPDATA%\Yandex\YandexBrowser\User Data",
        r"%LOCALAPPDATA%\Yandex\YandexBrowser\Application\browser.exe",
        File(r"%LOCALAPPDATA%\Yandex\YandexBrowser\User Data\Default\Ya Passman Data"),
    ),
    "brave": _chromium(
        r"%LOCALAPPDATA%\BraveSoftware\Brave-Browser\User Data",
        rf"{_PROGRAMS}\BraveSoftware\Brave-Browser\Application\brave.exe",
    ),
    "vivaldi": _chromium(r"%LOCALAPPDATA%\Vivaldi\User Data", r"%LOCALAPPDATA%\Vivaldi\Application\vivaldi.exe"),
}
"""Browsers, by name."""


def _discord(name: str) -> tuple[File, ...]:
    return files(
        rf"%APPDATA%\{name}",
        *(r"Local Storage\leveldb\1.ldb", r"Session Storage\1.ldb", r"Network\Cookies", r"IndexedDB\1\1.ldb"),
    )


_TELEGRAM_STORE = r"%LOCALAPPDATA%\Packages\TelegramMessengerLLP.TelegramDesktop_t4vj0pshhgkwm\LocalCache\Roaming"
_WHATSAPP = r"%LOCALAPPDATA%\Packages\5319275A.WhatsAppDesktop_cv1g1gvanyjgm"
_PARSEC = rf"{_PROGRAMS}\Parsec"

PEOPLE: dict[str, Saved] = {
    "discord": Saved(
        gone=(*_discord("discord"), *_discord("discordptb"), *_discord("discordcanary")),
        deep=(File(r"%APPDATA%\discord\Local State", "{}"), File(r"%APPDATA%\discordptb\Preferences", "{}")),
        kept=(File(r"%LOCALAPPDATA%\Discord\app-1.0.9164\Discord.exe", "MZ"),),
        kept_min=(File(r"%APPDATA%\discord\settings.json", '{"IS_MAXIMIZED":true}'),),
        running=(
            Running(r"%LOCALAPPDATA%\Discord\Update.exe"),
            Running(
                r"%LOCALAPPDATA%\Discord\app-1.0.9164\Discord.exe", r"%APPDATA%\discord\Local Storage\leveldb\1.ldb"
            ),
        ),
    ),
    "telegram": Saved(
        gone=(
            *files(r"%APPDATA%\Telegram Desktop\tdata", "key_datas", r"D877F783D5D3EF8C\maps"),
            File(rf"{_TELEGRAM_STORE}\Telegram Desktop UWP\tdata\key_datas"),
        ),
        kept=(
            File(r"%APPDATA%\Telegram Desktop\Telegram.exe", "MZ"),
            File(r"%USERPROFILE%\Downloads\Telegram Desktop\photo.jpg"),
        ),
        running=(
            Running(r"%APPDATA%\Telegram Desktop\Telegram.exe", r"%APPDATA%\Telegram Desktop\tdata\key_datas"),
            Running(r"%APPDATA%\Telegram Desktop\Updater.exe"),
        ),
    ),
    "teamspeak": Saved(
        gone=(File(r"%APPDATA%\TS3Client\settings.db"), *files(r"%APPDATA%\TeamSpeak\Default", "settings.db", "1.dat")),
        deep=(File(r"%APPDATA%\TS3Client\chats\server\1.txt"),),
        kept=(File(r"%APPDATA%\TS3Client\plugins\own.dll", "MZ"),),
        running=(Running(rf"{_PROGRAMS}\TeamSpeak 3 Client\ts3client_win64.exe", r"%APPDATA%\TS3Client\settings.db"),),
    ),
    "whatsapp": Saved(
        gone=files(rf"{_WHATSAPP}\LocalState", "session.db", r"sessions\1\store.db"),
        deep=(
            File(rf"{_WHATSAPP}\LocalCache\EBWebView\Default\Network\Cookies"),
            File(r"%APPDATA%\WhatsApp\Local State"),
        ),
        kept=(File(rf"{_WHATSAPP}\Settings\settings.dat", "regf"),),
        running=(
            Running(
                rf"{_PROGRAMS}\WindowsApps\5319275A.WhatsAppDesktop\WhatsApp.exe", rf"{_WHATSAPP}\LocalState\session.db"
            ),
        ),
    ),
    "parsec": Saved(
        gone=(File(r"%APPDATA%\Parsec\user.bin"), File(r"%PROGRAMDATA%\Parsec\user.bin")),
        kept=(File(r"%PROGRAMDATA%\Parsec\config.json", "{}"), File(r"%APPDATA%\Parsec\config.json", "{}")),
        running=(
            Running(rf"{_PARSEC}\pservice.exe", service=True),
            Running(rf"{_PARSEC}\parsecd.exe", r"%PROGRAMDATA%\Parsec\user.bin", child_of="pservice.exe"),
        ),
        services=("Parsec",),
    ),
}
"""Messengers, voice and remote access, by name."""

_JAGEX = r"%LOCALAPPDATA%\jagex launcher"
_ALBION = r"HKCU\Software\Sandbox Interactive GmbH\Albion Online Client"
_ARENA_KEY = r"HKCU\SOFTWARE\Wizards Of The Coast\MTGA"
_OBS = r"%APPDATA%\obs-studio\basic"
_OBS_KEY = '{"settings":{"key":"live_secret"}}'

TOOLS: dict[str, Saved] = {
    "geforce_now": Saved(
        gone=(File(r"%LOCALAPPDATA%\NVIDIA Corporation\GeForceNOW\sharedstorage.json", '{"token":"secret"}'),),
        kept=(File(r"%LOCALAPPDATA%\NVIDIA Corporation\GeForceNOW\settings.json", "{}"),),
        running=(
            Running(
                r"%LOCALAPPDATA%\NVIDIA Corporation\GeForceNOW\CEF\GeForceNOW.exe",
                r"%LOCALAPPDATA%\NVIDIA Corporation\GeForceNOW\sharedstorage.json",
            ),
        ),
    ),
    "jagex": Saved(
        gone=files(_JAGEX, r"auth\token", r"cefcache\Cookies", "settings.json"),
        kept=(File(rf"{_JAGEX}\games.json", "{}"),),
        running=(Running(r"%PROGRAMFILES(X86)%\Jagex Launcher\JagexLauncher.exe", rf"{_JAGEX}\settings.json"),),
    ),
    "albion": Saved(
        gone=tuple(
            Entry(_ALBION, name, b"owner\0")
            for name in (
                *("LastUsedAccountId_h136571812", "login.last_h1502067074"),
                *("login.hash_h1501923354", "login.accountname_h1930415854"),
            )
        ),
        kept=(Entry(_ALBION, "Screenmanager Resolution Width_h182942802", 1920),),
        running=(Running(r"D:\AlbionOnline\launcher\AlbionLauncher.exe"),),
    ),
    "mtga": Saved(
        gone=(
            Entry(_ARENA_KEY, "LastLoginString_h1", b"owner\0"),
            Entry(_ARENA_KEY, "WAS-RefreshTokenWriteback_h2", b"t\0"),
        ),
        kept=(Entry(_ARENA_KEY, "MasterVolume_h3", 100),),
        running=(Running(rf"{_PROGRAMS}\Wizards of the Coast\MTGA\MTGA.exe"),),
    ),
    "ps_remote_play": Saved(
        gone=(File(r"%LOCALAPPDATA%\Sony Corporation\PS Remote Play\setting.cache"),),
        running=(Running(r"%PROGRAMFILES(X86)%\Sony\PS Remote Play\RemotePlay.exe"),),
    ),
    "oculus": Saved(
        gone=(
            File(r"%APPDATA%\Oculus\sessions\1\session"),
            *files(r"%APPDATA%\OculusClient", "Cookies", r"Local Storage\1.ldb"),
        ),
        deep=files(r"%APPDATA%\Client", "Cookies", r"Local Storage\1.ldb"),
        running=(
            Running(rf"{_PROGRAMS}\Oculus\Support\oculus-runtime\OVRServer_x64.exe", service=True),
            Running(rf"{_PROGRAMS}\Oculus\Support\oculus-client\Client.exe", r"%APPDATA%\OculusClient\Cookies"),
        ),
        services=("OVRService",),
    ),
    "obs": Saved(
        gone=(
            File(rf"{_OBS}\profiles\Без названия\service.json", _OBS_KEY),
            File(rf"{_OBS}\profiles\a & b\service.json", _OBS_KEY),
        ),
        kept=(File(rf"{_OBS}\profiles\Без названия\basic.ini"), File(rf"{_OBS}\scenes\Сцена.json", "{}")),
        running=(Running(rf"{_PROGRAMS}\obs-studio\bin\64bit\obs64.exe"),),
    ),
    "marketapp": Saved(
        gone=files(r"%APPDATA%\marketapp", r"Local Storage\1.ldb", "config.json"),
        kept=(File(r"%LOCALAPPDATA%\Programs\marketapp\MarketApp.exe", "MZ"),),
        running=(Running(r"%LOCALAPPDATA%\Programs\marketapp\MarketApp.exe", r"%APPDATA%\marketapp\config.json"),),
    ),
}
"""Everything else with an account in it, by name."""

BYSTANDING_SERVICES = ("vgc", "FACEITService", "AnyDesk", "RustDesk")
"""Services that run and must go on running: anti-cheats, and the owner's own way in."""

_SHELL_FOLDERS = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
BYSTANDERS = Saved(
    kept=(
        File(r"%PROGRAMDATA%\AnyDesk\service.conf", "ad.anynet.id=123456789\n"),
        File(r"%APPDATA%\AnyDesk\user.conf", "ad.ui.lang=ru\n"),
        File(r"%APPDATA%\RustDesk\config\RustDesk.toml", "enc_id = 'x'\n"),
        File(r"%APPDATA%\RustDesk\config\RustDesk_local.toml", "lang = 'ru'\n"),
        File(r"%LOCALAPPDATA%\Microsoft\Credentials\DFBE70A7E5CC19A398EBF1B96859CE5D", "credential", attributes="hs"),
        File(r"%APPDATA%\Microsoft\Windows\Recent\notes.lnk", "L"),
        File(r"%USERPROFILE%\Downloads\Драйверы\setup.exe", "MZ"),
        Entry(_SHELL_FOLDERS, "Desktop", r"%USERPROFILE%\Desktop"),
        Partly(r"%APPDATA%\Discord Bot\config.json", '{"note":"not Discord"}', (), ('"note"',)),
    ),
    running=(
        # Names that other programs bear as well.
        Running(r"D:\Games\Own Game\Launcher.exe"),
        Running(r"D:\Tools\Client.exe"),
        Running(r"D:\Tools\Games.exe"),
        Running(r"D:\Tools\Updater.exe"),
        Running(r"D:\Tools\Update.exe"),
        Running(r"D:\Server\javaw.exe"),
        Running(rf"{_PROGRAMS}\Zabbix\Agent.exe", service=True),
        Running(r"%LOCALAPPDATA%\Own Browser\browser.exe"),
        Running(r"%PROGRAMFILES(X86)%\Microsoft\EdgeWebView\Application\131.0.2903.86\msedgewebview2.exe"),
        Running(rf"{_PROGRAMS}\Riot Vanguard\vgc.exe", service=True),
        Running(r"%PROGRAMFILES(X86)%\AnyDesk\AnyDesk.exe", service=True),
    ),
)
"""What looks like a launcher's and is none, or is the owner's own: it stays and goes on running."""
