"""Checks of the station's Windows: which one it is, its clock, what waits for a reboot, whether it sleeps, what bars us."""

import csv
import re
import time

from drova_gate.doctor import facts
from drova_gate.doctor.examination import Examination, Spec, Subject
from drova_gate.doctor.verdict import Cure, Verdict, Where, failed, fine, skipped, warned
from drova_gate.errors import NobodySignedIn

__all__ = ["CHECKS"]

OLDEST_BUILD = 10240
"""The first Windows 10."""
SSH_BUILD = 17763
"""1809, the first one with an OpenSSH server of its own."""
ELEVEN_BUILD = 22000
"""Windows 11 still calls itself ``Windows 10`` in its registry."""
LANGUAGES = {"0409": "English", "0419": "Russian"}
CLOCK_OFF = 60.0
CLOCK_WRONG = 3600.0
"""Seconds. An hour off, and launchers cannot sign in: certificates and codes carry times."""
SLEEP_SETTINGS = {
    "29f6c1db-86da-48c5-9fdb-f2b67b1f44da": "sleeps",
    "9d7815a6-7ee4-497e-8888-515a05f02364": "hibernates",
}
"""Power settings by their GUID, which no language changes."""

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOLDS_INDENT = 4
_INDEX = re.compile(r"0x[0-9a-f]{8}\s*$")


async def _registry(exam: Examination) -> Verdict:
    if facts.value(await exam.once(facts.system), facts.WINDOWS_KEY, "CurrentBuildNumber") is None:
        return failed(
            "reg.exe reads nothing",
            "DisableRegistryTools is most likely set for the login: it bars reg.exe, too; take it out",
            Cure(
                Where.STATION,
                rf"Remove-ItemProperty HKCU:\{facts.POLICIES_SYSTEM} DisableRegistryTools  # as that account",
            ),
        )
    return fine("reg.exe reads it")


async def _windows(exam: Examination) -> Verdict:
    keys = await exam.once(facts.system)

    def said(key: str, name: str) -> str:
        found = facts.value(keys, key, name)
        return found.data if found else ""

    number = said(facts.WINDOWS_KEY, "CurrentBuildNumber")
    build = int(number) if number.isdecimal() else 0
    name = said(facts.WINDOWS_KEY, "ProductName")
    if build >= ELEVEN_BUILD:
        name = name.replace("Windows 10", "Windows 11")
    code = said(rf"{facts.CONTROL}\Nls\Language", "InstallLanguage")
    version = said(facts.WINDOWS_KEY, "DisplayVersion") or said(facts.WINDOWS_KEY, "ReleaseId")
    language = LANGUAGES.get(code, f"language {code or '?'}")
    whole = f"{name} {version}, build {number or '?'}, {language}"
    if build < OLDEST_BUILD:
        return failed(whole, "the gate is made for Windows 10 and 11; install one of them")
    if build < SSH_BUILD:
        return warned(
            f"{whole}: has no OpenSSH server of its own",
            "update Windows to 1809 or later; a server installed by hand works, and gets no updates",
        )
    return fine(whole)


async def _code_page(exam: Examination) -> Verdict:
    page = facts.value(await exam.once(facts.system), rf"{facts.CONTROL}\Nls\CodePage", "OEMCP")
    shown = page.data if page else "not told"
    if shown not in ("437", "866", "65001"):
        return warned(
            f"{shown}: not one of those that were tried (437, 866, 65001)",
            "names of people and folders may look odd in messages; what the gate acts on it asks for in UTF-8",
        )
    return fine(shown)


async def _station_clock(exam: Examination) -> Verdict:
    answer = await exam.once(facts.clock)
    read_at = time.time()
    keys = await exam.once(facts.system)
    named = facts.value(keys, rf"{facts.CONTROL}\TimeZoneInformation", "TimeZoneKeyName")
    zone = f"time zone {named.data}" if named else "time zone not told"
    if not answer.isdecimal():
        return warned(
            "PowerShell does not tell its clock",
            "look whether powershell.exe runs there",
            Cure(Where.STATION, "Get-Date"),
        )
    ahead = int(answer) - read_at
    mend = Cure(Where.STATION, "Start-Service w32time; w32tm /resync /force")
    how = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    if abs(ahead) > CLOCK_WRONG:
        return failed(
            f"{how}; {zone}", "launchers cannot sign in with a clock that is so wrong; set it, or this machine's", mend
        )
    if abs(ahead) > CLOCK_OFF:
        return warned(f"{how}; {zone}", "set one of the two by the network's time", mend)
    return fine(f"as this machine's; {zone}")


async def _pending_reboot(exam: Examination) -> Verdict:
    keys = await exam.once(facts.update)
    waiting = []
    if facts.has_key(keys, rf"{facts.COMPONENTS}\RebootPending"):
        waiting.append("Windows' components")
    if facts.has_key(keys, rf"{facts.UPDATE}\RebootRequired"):
        waiting.append("Windows Update")
    if facts.value(keys, rf"{facts.CONTROL}\Session Manager", "PendingFileRenameOperations"):
        waiting.append("files to be replaced")
    if waiting:
        return warned(
            f"a reboot is waited for: {', '.join(waiting)}",
            "reboot it now, outside Shadow Mode: the next reset would take minutes, and what it installs may be lost",
            Cure(Where.STATION, "shutdown /r /t 0"),
        )
    return fine("nothing waits for a reboot")


async def _fast_startup(exam: Examination) -> Verdict:
    keys = await exam.once(facts.update)
    power = rf"{facts.CONTROL}\Session Manager\Power"
    fast = facts.value(keys, power, "HiberbootEnabled")
    hibernation = facts.value(keys, rf"{facts.CONTROL}\Power", "HibernateEnabled")
    if fast is None or fast.number == 0:
        return fine("off")
    if hibernation is not None and hibernation.number == 0:
        return fine("off, because hibernation is")
    return warned(
        "on: a shutdown is no fresh start, and Windows comes back as it was",
        "the gate reboots and is not touched by it; whoever shuts the PC down meets it, so switch it off",
        Cure(
            Where.STATION,
            r"Set-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Power' HiberbootEnabled 0",
        ),
    )


async def _sleep(exam: Examination) -> Verdict:
    times = sleep_times((await exam.once(facts.surroundings)).get("sleep", ""))
    if not times:
        return warned("powercfg.exe tells nothing", "see to it that the PC never sleeps", *_NO_SLEEP)
    found = [f"{SLEEP_SETTINGS[guid]} after {seconds // 60} min" for guid, seconds in times.items() if seconds]
    if found:
        return warned(
            f"{' and '.join(found)} without input",
            "a station that sleeps is offline for players and for the gate; switch it off",
            *_NO_SLEEP,
        )
    return fine("never by itself")


_NO_SLEEP = (
    Cure(Where.STATION, "powercfg /change standby-timeout-ac 0"),
    Cure(Where.STATION, "powercfg /change hibernate-timeout-ac 0"),
)


def sleep_times(listing: str) -> dict[str, int]:
    """Read ``powercfg /query``: seconds on mains by the settings' GUIDs; each block ends with what holds, mains before battery."""
    found: dict[str, int] = {}
    guid = ""
    for line in listing.splitlines():
        if named := _GUID.search(line.lower()):
            guid = named[0]
        # What is possible (minimum, maximum, step) stands deeper than what holds.
        elif (
            guid in SLEEP_SETTINGS
            and len(line) - len(line.lstrip()) <= _HOLDS_INDENT
            and (index := _INDEX.search(line.lower()))
        ):
            found.setdefault(guid, int(index[0], 16))
    return found


async def _wake(exam: Examination) -> Verdict:
    wanted = exam.config.wol_mac
    if wanted is None:
        return skipped("DROVA_WOL_MAC is not set: the gate wakes nobody")
    rows = csv.reader((await exam.once(facts.surroundings)).get("cards", "").splitlines())
    cards = [row[0] for row in rows if row and re.fullmatch(r"[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){5}", row[0])]
    if wanted not in [card.replace("-", "").lower() for card in cards]:
        listed = ", ".join(cards) or "none"
        return warned(
            f"no card of the station has the address in DROVA_WOL_MAC; its cards: {listed}",
            "write that of the card that the cable is in",
            *(Cure(Where.SETTINGS, f"DROVA_WOL_MAC={card}") for card in cards[:1]),
        )
    return fine("DROVA_WOL_MAC is a card of the station")


async def _policies(exam: Examination) -> Verdict:
    machine = await exam.once(facts.sign_in)
    roots = {"HKLM": (machine, "of the whole machine")}
    try:
        console = await exam.once(facts.console)
    except NobodySignedIn:
        pass
    else:
        users = await exam.once(facts.user_policies)
        roots["HKCU"] = (users, "of the login")
        roots[rf"HKU\{console.sid}"] = (users, "of the console's user")
    grave, light, cures = list[str](), list[str](), list[Cure]()
    for root, (keys, whose) in roots.items():
        for key, name, bad, effect, gravely in _BARS:
            found = facts.value(keys, rf"{root}\{key}", name)
            if found is None or found.number not in bad:
                continue
            ours = root != "HKU" and not root.startswith("HKU\\")
            (grave if gravely and ours else light).append(f"{name}={found.number} {whose} ({effect})")
            cures.append(Cure(Where.STATION, rf"Remove-ItemProperty 'Registry::{_full(root)}\{key}' {name}"))
    if grave or light:
        hint = "take it out: the gate's own lockdown does without it"
        told = "; ".join([*grave, *light])
        return failed(told, hint, *cures) if grave else warned(told, hint, *cures)
    return fine("none that would bar the gate or games")


_BARS = (
    (facts.COMMANDS_POLICY, "DisableCMD", (1,), "no script runs", True),
    (facts.POLICIES_SYSTEM, "DisableRegistryTools", (1, 2), "reg.exe is barred", True),
    (facts.POLICIES_EXPLORER, "RestrictRun", (1,), "only listed programs start, games do not", False),
    (facts.INSTALLER_POLICY, "DisableMSI", (1, 2), "games cannot install what they need", False),
    (facts.POWERSHELL_POLICY, "EnableScripts", (0,), "no PowerShell script runs", False),
)
"""Key, value, the data that bars, what it does, and whether the gate itself is barred."""


def _full(root: str) -> str:
    return root.replace("HKLM", "HKEY_LOCAL_MACHINE").replace("HKCU", "HKEY_CURRENT_USER").replace("HKU", "HKEY_USERS")


_NEEDS = ("registry",)

CHECKS = (
    Spec("registry", Subject.WINDOWS, ("max_sessions",), _registry),
    Spec("windows", Subject.WINDOWS, _NEEDS, _windows),
    Spec("code_page", Subject.WINDOWS, _NEEDS, _code_page),
    Spec("policies", Subject.WINDOWS, _NEEDS, _policies),
    Spec("pending_reboot", Subject.WINDOWS, _NEEDS, _pending_reboot),
    Spec("fast_startup", Subject.WINDOWS, _NEEDS, _fast_startup),
    Spec("sleep", Subject.WINDOWS, ("max_sessions",), _sleep),
    Spec("wake", Subject.WINDOWS, ("max_sessions",), _wake),
    Spec("station_clock", Subject.WINDOWS, _NEEDS, _station_clock),
)
