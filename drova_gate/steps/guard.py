r"""What no recipe may ever delete, whatever its author meant. Pure.

A path or key is refused when it *is* one of the protected ones, when it is an ancestor of one (deleting ``C:\Users`` deletes every
profile), or when a wildcard in it could match one.
"""

import fnmatch
import re

__all__ = ["FOLDERS", "image_fault", "key_fault", "path_fault", "split_key"]

FOLDERS: dict[str, str] = {
    "profile": r"C:\Users\*",
    "local": r"C:\Users\*\AppData\Local",
    "roaming": r"C:\Users\*\AppData\Roaming",
    "local_low": r"C:\Users\*\AppData\LocalLow",
    "program_data": r"C:\ProgramData",
    "program_files_x86": r"C:\Program Files (x86)",
    "steam": r"C:\Program Files (x86)\Steam",
}
"""Variables of a path, with the place that stands for them while a recipe is checked."""

_PROTECTED_PATHS = (
    *FOLDERS.values(),
    r"C:\Windows",
    r"C:\Program Files",
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
    # Without these the launchers forget the installed games, or saves are lost.
    r"C:\ProgramData\Epic\EpicGamesLauncher\Data\Manifests",
    r"C:\ProgramData\Epic\UnrealEngineLauncher\LauncherInstalled.dat",
    r"C:\Program Files (x86)\Steam\steam.exe",
    r"C:\Program Files (x86)\Steam\steamapps",
    r"C:\Program Files (x86)\Steam\userdata",
    r"C:\Program Files (x86)\Steam\config\libraryfolders.vdf",
)

_NOTHING_BELOW_PATHS = (r"C:\Windows", r"C:\ProgramData\ssh", r"C:\ProgramData\drova_gate")
"""Nothing below these is a launcher's sign-in either."""

_PROTECTED_KEYS = (
    r"HKCU\Software\Classes",
    r"HKCU\Software\Microsoft\Windows\CurrentVersion",
    r"HKCU\Software\Policies\Microsoft",
    r"HKCU\Control Panel",
    r"HKCU\Environment",
    r"HKLM\SOFTWARE\Classes",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion",
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion",
    r"HKLM\SOFTWARE\Policies\Microsoft",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft",
)

_NOTHING_BELOW_KEYS = (
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
_PROTECTED_IMAGES = frozenset(
    {
        "cmd.exe",
        "conhost.exe",
        "csrss.exe",
        "dllhost.exe",
        "dwm.exe",
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
        "smss.exe",
        "sshd.exe",
        "svchost.exe",
        "taskhostw.exe",
        "wininit.exe",
        "winlogon.exe",
    }
)
_SHARED_IMAGES = frozenset(
    {
        "agent.exe",
        "browser.exe",
        "client.exe",
        "games.exe",
        "gamecenter.exe",
        "launcher.exe",
    }
)
"""Names that several programs bear: killing by name would hit a stranger."""

_HIVES = {
    "hkcu": "HKCU",
    "hkey_current_user": "HKCU",
    "hklm": "HKLM",
    "hkey_local_machine": "HKLM",
}
_BAD_IN_COMPONENT = re.compile(r'[<>:"|?/\x00-\x1f\x7f%]')
_LEAST_LITERAL = 3
"""Characters that a component with a wildcard must hold beside it: ``*`` alone could mean anything."""


def path_fault(path: str, *, deletes: bool) -> str:
    """Say why this path is not accepted; empty when it is."""
    parts, fault = _path_parts(path)
    if fault:
        return fault
    wild = [part for part in parts if "*" in part]
    if len(wild) > 1:
        return "only one component may hold a wildcard"
    if wild and not deletes:
        return "a wildcard is allowed only where something is deleted"
    if wild and len(wild[0].replace("*", "")) < _LEAST_LITERAL:
        return f"the component {wild[0]!r} needs at least {_LEAST_LITERAL} characters beside its wildcard"
    whole = _canonical(parts)
    if len(whole) < 2:
        return "this is a whole drive or a whole base folder"
    for protected in _NOTHING_BELOW_PATHS:
        if _covers(_listed(protected), whole):
            return f"nothing in {protected} may be touched"
    for protected in _PROTECTED_PATHS if deletes else ():
        if _covers(whole, _listed(protected)):
            return f"this would take {protected} with it"
    return ""


def split_key(key: str) -> tuple[str, str]:
    r"""Split ``HKCU\Software\x`` into ``("HKCU", r"Software\x")``; an unknown hive comes back empty."""
    hive, _, rest = key.partition("\\")
    return _HIVES.get(hive.casefold(), ""), rest


def key_fault(key: str, *, deletes: bool) -> str:
    """Say why this registry key is not accepted; empty when it is."""
    hive, rest = split_key(key)
    if not hive:
        return "a key begins with HKCU (the console user's hive) or HKLM"
    if any(not part or part != part.strip() for part in rest.split("\\")) or not re.fullmatch(
        r"[^\x00-\x1f\[\]]+", rest
    ):
        return "a key is HIVE\\Name\\Name, without blank or bracketed parts"
    whole = [hive.casefold(), *rest.casefold().split("\\")]
    for protected in _NOTHING_BELOW_KEYS:
        if _covers(protected.casefold().split("\\"), whole):
            return f"nothing in {protected} may be touched"
    if len(whole) < 3:
        return f"{key} is too wide: name the program's own key"
    for protected in _PROTECTED_KEYS if deletes else ():
        if _covers(whole, protected.casefold().split("\\")):
            return f"this would take {protected} with it"
    return ""


def image_fault(image: str) -> str:
    """Say why processes of this name may not be killed; empty when they may."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._()-]*\.exe", image):
        return "an image is a plain file name that ends with .exe"
    if image.casefold() in _PROTECTED_IMAGES:
        return "Windows, the SSH link or the Drova agent needs it"
    if image.casefold() in _SHARED_IMAGES:
        return "several programs bear this name, a stranger's would be killed"
    return ""


def _path_parts(path: str) -> tuple[list[str], str]:
    parts = path.split("\\")
    head, rest = parts[0], parts[1:]
    variable = re.fullmatch(r"\{(\w+)\}", head)
    if variable and variable[1] not in FOLDERS:
        return [], f"unknown variable {head}; known are {', '.join('{' + name + '}' for name in FOLDERS)}"
    if not variable and not re.fullmatch(r"[A-Za-z]:", head):
        return [], "a path begins with a variable such as {local} or with a drive such as D:, and uses backslashes"
    for part in rest:
        if not part or part != part.strip(" ") or part.endswith(".") or _BAD_IN_COMPONENT.search(part):
            return [], f"the component {part!r} is not a plain file or folder name"
    return parts, ""


def _canonical(parts: list[str]) -> list[str]:
    """Path components with the variable filled in and every drive taken for C: (Windows may be on another one)."""
    head = parts[0]
    if head.startswith("{"):
        return [*_listed(FOLDERS[head[1:-1]]), *(part.casefold() for part in parts[1:])] if len(parts) > 1 else []
    return ["c:", *(part.casefold() for part in parts[1:])]


def _listed(path: str) -> list[str]:
    return path.casefold().split("\\")


def _covers(upper: list[str], lower: list[str]) -> bool:
    """Whether ``upper`` is ``lower`` or an ancestor of it; wildcards on either side count as a match."""
    return len(upper) <= len(lower) and all(
        fnmatch.fnmatchcase(low, _literal(up)) or fnmatch.fnmatchcase(up, _literal(low))
        for up, low in zip(upper, lower, strict=False)
    )


def _literal(part: str) -> str:
    """Keep ``*`` as the only special character: fnmatch would read brackets as a set."""
    return part.replace("[", "[[]")
