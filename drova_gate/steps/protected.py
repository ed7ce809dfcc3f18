"""Paths, keys, processes and services that no recipe may take, whatever its author meant. Data only."""

__all__ = [
    "FOLDERS",
    "NOTHING_BELOW_KEYS",
    "NOTHING_BELOW_PATHS",
    "PROTECTED_IMAGES",
    "PROTECTED_KEYS",
    "PROTECTED_PATHS",
    "PROTECTED_SERVICES",
    "SHARED_FOLDERS",
    "SHARED_IMAGES",
    "SHARED_PATHS",
]

FOLDERS: dict[str, str] = {
    "profile": r"C:\Users\*",
    "local": r"C:\Users\*\AppData\Local",
    "roaming": r"C:\Users\*\AppData\Roaming",
    "local_low": r"C:\Users\*\AppData\LocalLow",
    "documents": r"C:\Users\*\Documents",
    "program_data": r"C:\ProgramData",
    "program_files": r"C:\Program Files",
    "program_files_x86": r"C:\Program Files (x86)",
}
"""Variables of a path, with the place that stands for them while a recipe is checked; a ``[[place]]`` adds its own."""

SHARED_PATHS = (
    *FOLDERS.values(),
    r"C:\Windows",
    r"C:\Users\Public",
    r"C:\Users\*\AppData\Local\Microsoft\Windows",
    r"C:\Users\*\AppData\Local\Packages",
    r"C:\Users\*\AppData\Roaming\Microsoft\Windows",
    r"C:\Users\*\Desktop",
    r"C:\Users\*\Documents",
    r"C:\Users\*\Downloads",
    r"C:\Users\*\Music",
    r"C:\Users\*\Pictures",
    r"C:\Users\*\Saved Games",
    r"C:\Users\*\Videos",
    r"C:\ProgramData\Microsoft",
    r"C:\ProgramData\drova_gate",
    r"C:\ProgramData\ssh",
)
"""Folders that many programs share: none of them may go, nor be taken for one program's own place."""

PROTECTED_PATHS = (
    *SHARED_PATHS,
    r"C:\Program Files\Shadow Defender",
    r"C:\Program Files (x86)\Shadow Defender",
    # Without these the launchers forget the installed games, or saves are lost.
    r"C:\ProgramData\Epic\EpicGamesLauncher\Data\Manifests",
    r"C:\ProgramData\Epic\UnrealEngineLauncher\LauncherInstalled.dat",
    r"C:\ProgramData\EA Desktop\InstallData",
    r"C:\ProgramData\Origin\LocalContent",
    r"C:\ProgramData\Battle.net\Agent\product.db",
    r"C:\Program Files (x86)\Steam",
    r"C:\Program Files (x86)\Steam\steam.exe",
    r"C:\Program Files (x86)\Steam\steamapps",
    r"C:\Program Files (x86)\Steam\userdata",
    r"C:\Program Files (x86)\Steam\config\libraryfolders.vdf",
)

NOTHING_BELOW_PATHS = (
    r"C:\Windows",
    r"C:\ProgramData\ssh",
    r"C:\ProgramData\drova_gate",
    r"C:\Program Files\OpenSSH",
    r"C:\Program Files\Shadow Defender",
    r"C:\Program Files (x86)\Shadow Defender",
    r"C:\$Recycle.Bin",
    r"C:\System Volume Information",
)
"""Nothing below these is a launcher's sign-in either."""

PROTECTED_KEYS = (
    r"HKCU\Software\Classes",
    r"HKCU\Software\Microsoft\Windows\CurrentVersion",
    r"HKCU\Software\Policies\Microsoft",
    r"HKCU\Control Panel",
    r"HKCU\Environment",
    # Where HoYoPlay keeps which games are installed.
    r"HKCU\Software\Cognosphere\HYP",
    r"HKCU\Software\miHoYo\HYP",
    r"HKLM\SOFTWARE\Classes",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion",
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion",
    r"HKLM\SOFTWARE\Policies\Microsoft",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft",
)

NOTHING_BELOW_KEYS = (
    r"HKLM\SYSTEM",
    r"HKLM\SAM",
    r"HKLM\SECURITY",
    r"HKLM\HARDWARE",
    # The Drova agent's registration, the SSH server, our own marker.
    r"HKLM\SOFTWARE\ITKey",
    r"HKLM\SOFTWARE\OpenSSH",
    r"HKLM\SOFTWARE\drova_gate",
)

# Windows itself, the link that we work through, the Drova agent, and hosts that every other program shares.
PROTECTED_IMAGES = frozenset(
    {
        # Anti-cheat: several need a reboot to come back.
        "beservice.exe",
        "beservice_x64.exe",
        "easyanticheat.exe",
        "easyanticheat_eos.exe",
        "faceitservice.exe",
        "hoyokprotect.exe",
        "mhyprot.exe",
        "vgc.exe",
        "vgtray.exe",
        "cmd.exe",
        "conhost.exe",
        "csrss.exe",
        "dllhost.exe",
        "dwm.exe",
        "ctfmon.exe",
        "defender.exe",
        "ese.exe",
        "esme.exe",
        "explorer.exe",
        "fontdrvhost.exe",
        "lsass.exe",
        "msedgewebview2.exe",
        "powershell.exe",
        "pwsh.exe",
        "rundll32.exe",
        "services.exe",
        "sftp-server.exe",
        "sihost.exe",
        "searchhost.exe",
        "shellexperiencehost.exe",
        "smss.exe",
        "spoolsv.exe",
        "startmenuexperiencehost.exe",
        "taskmgr.exe",
        "sshd.exe",
        "svchost.exe",
        "taskhostw.exe",
        "userinit.exe",
        "wininit.exe",
        "winlogon.exe",
    }
)
SHARED_IMAGES = frozenset(
    {
        "agent.exe",
        "browser.exe",
        "client.exe",
        "games.exe",
        "gamecenter.exe",
        "launcher.exe",
        "setup.exe",
        "update.exe",
        "updater.exe",
        "javaw.exe",
        "java.exe",
        "node.exe",
    }
)
"""Names that several programs bear: killing by name would hit a stranger."""

PROTECTED_SERVICES = frozenset(
    {
        # Windows, and what the gate works through.
        "appinfo",
        "audioendpointbuilder",
        "audiosrv",
        "bfe",
        "brokerinfrastructure",
        "coremessagingregistrar",
        "cryptsvc",
        "dcomlaunch",
        "dhcp",
        "dnscache",
        "eventlog",
        "gpsvc",
        "lanmanworkstation",
        "lsm",
        "mpssvc",
        "nsi",
        "plugplay",
        "power",
        "profsvc",
        "rpceptmapper",
        "rpcss",
        "samss",
        "schedule",
        "ssh-agent",
        "sshd",
        "systemeventsbroker",
        "termservice",
        "themes",
        "usermanager",
        "winmgmt",
        "wlansvc",
        # The Drova agent.
        "ese",
        "esme",
        # Anti-cheat: several need a reboot to come back.
        "bedaisy",
        "beservice",
        "easyanticheat",
        "easyanticheat_eos",
        "easyanticheatsys",
        "faceit",
        "faceitservice",
        "hoyokprotect",
        "hoyoprotect",
        "mhyprot",
        "mhyprot2",
        "mhyprot3",
        "vgc",
        "vgk",
    }
)

SHARED_FOLDERS = frozenset(
    {
        "appdata",
        "bin",
        "common files",
        "desktop",
        "documents",
        "downloads",
        "games",
        "launcher",
        "local",
        "locallow",
        "program files",
        "program files (x86)",
        "programdata",
        "programs",
        "roaming",
        "steamapps",
        "common",
        "system32",
        "temp",
        "users",
        "windows",
    }
)
"""Names of folders that hold programs of many makers."""
