"""What the doctor asks Windows: few commands side by side, each with the answers to many questions. No translated word is relied on.

Each call of reg.exe costs 0.05 s and a command 0.1 s, so questions share a command, and commands run side by side.
"""

import csv
from collections.abc import Callable, Coroutine
from typing import Any

from drova_gate.doctor.examination import Examination
from drova_gate.host.commands import Run, SayVariable, Script, Section, sections
from drova_gate.host.identity import Console, Registrations, read_console, read_registrations
from drova_gate.host.parse import Process, RegistryKeys, RegistryValue, labels, processes, registry_keys
from drova_gate.host.volumes import read_fixed_volumes

__all__ = [
    "AGENT_PROGRAM",
    "COMMANDS_POLICY",
    "COMPONENTS",
    "CONTROL",
    "FIREWALL",
    "INSTALLER_POLICY",
    "OPENSSH",
    "POLICIES_EXPLORER",
    "POLICIES_SYSTEM",
    "POWERSHELL_POLICY",
    "SHADOW_SERVICE",
    "UPDATE",
    "WINDOWS_KEY",
    "WINLOGON",
    "clock",
    "console",
    "firewall",
    "has_key",
    "registrations",
    "rules",
    "running",
    "services",
    "sign_in",
    "surroundings",
    "system",
    "token",
    "update",
    "user_policies",
    "value",
    "volumes",
]

WINDOWS_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
OPENSSH = r"HKLM\SOFTWARE\OpenSSH"
WINLOGON = rf"{WINDOWS_KEY}\Winlogon"
COMPONENTS = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing"
UPDATE = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
POLICIES_SYSTEM = r"Software\Microsoft\Windows\CurrentVersion\Policies\System"
POLICIES_EXPLORER = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
COMMANDS_POLICY = r"Software\Policies\Microsoft\Windows\System"
INSTALLER_POLICY = r"Software\Policies\Microsoft\Windows\Installer"
POWERSHELL_POLICY = r"Software\Policies\Microsoft\Windows\PowerShell"
FIREWALL = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
RULES = rf"{FIREWALL}\FirewallRules"
AGENT_PROGRAM = "esme.exe"
SHADOW_SERVICE = "{0CBD4F48-3751-475D-BE88-4F271385B672}"
"""Shadow Defender's service; its driver is diskpt."""
_SERVICES = {"scheduler": "Schedule", "protector": SHADOW_SERVICE, "driver": "diskpt"}

_ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKU": "HKEY_USERS"}


def _query(key: str, name: str = "") -> Run:
    return Run("reg.exe", ("query", key, *(("/v", name) if name else ())))


def value(keys: RegistryKeys, key: str, name: str) -> RegistryValue | None:
    """Find a value by the short spelling of its key."""
    root, _, rest = key.partition("\\")
    found = keys.get(f"{_ROOTS.get(root, root)}\\{rest}")
    return found.value(name) if found else None


def has_key(keys: RegistryKeys, key: str) -> bool:
    """Whether the key was printed."""
    root, _, rest = key.partition("\\")
    return keys.get(f"{_ROOTS.get(root, root)}\\{rest}") is not None


Ask = Callable[[Examination], Coroutine[Any, Any, RegistryKeys]]


def _registry(*questions: tuple[str, str]) -> Ask:
    """Make a question to the registry."""

    async def ask(exam: Examination) -> RegistryKeys:
        script: Script = (Section("keys", tuple(_query(key, name) for key, name in questions)),)
        return registry_keys((await exam.run(script)).get("keys", ""))

    return ask


system = _registry(
    (WINDOWS_KEY, ""),
    (rf"{CONTROL}\Nls\Language", "InstallLanguage"),
    (rf"{CONTROL}\Nls\CodePage", "OEMCP"),
    (rf"{CONTROL}\TimeZoneInformation", ""),
    (rf"{CONTROL}\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity", "Enabled"),
    (OPENSSH, ""),
)
"""Which Windows it is, and how it is built."""

update = _registry(
    (COMPONENTS, ""),
    (UPDATE, ""),
    (rf"{CONTROL}\Session Manager", "PendingFileRenameOperations"),
    (rf"{CONTROL}\Session Manager\Power", "HiberbootEnabled"),
    (rf"{CONTROL}\Power", "HibernateEnabled"),
)
"""What waits for a reboot, and what a shutdown is. The first two list their subkeys: one that is empty prints nothing of its own."""

sign_in = _registry(
    # By single values: the key may hold the owner's password in plain text.
    (WINLOGON, "AutoAdminLogon"),
    (WINLOGON, "DefaultUserName"),
    (WINLOGON, "AutoLogonCount"),
    (rf"HKLM\{COMMANDS_POLICY}", "DisableCMD"),
    (rf"HKLM\{POLICIES_SYSTEM}", "DisableRegistryTools"),
    (rf"HKLM\{INSTALLER_POLICY}", "DisableMSI"),
    (rf"HKLM\{POWERSHELL_POLICY}", "EnableScripts"),
)
"""Who is signed in at a boot, and the machine's policies."""

firewall = _registry(
    (rf"{FIREWALL}\DomainProfile", "EnableFirewall"),
    (rf"{FIREWALL}\PublicProfile", "EnableFirewall"),
    (rf"{FIREWALL}\StandardProfile", "EnableFirewall"),
)
"""Whether the firewall is on."""


async def rules(exam: Examination) -> tuple[tuple[str, dict[str, list[str]]], ...]:
    """Ask for the firewall's active inbound rules: id, and fields by name."""
    found = await exam.run((Section("rules", (_query(RULES),)),))
    listed = [
        (each.name, _fields(each.data)) for key in registry_keys(found.get("rules", "")).keys for each in key.values
    ]
    return tuple(
        (name, fields) for name, fields in listed if fields.get("Active") == ["TRUE"] and fields.get("Dir") == ["In"]
    )


def _fields(rule: str) -> dict[str, list[str]]:
    """Split ``v2.31|Action=Allow|LPort=22|LPort=2222|...``; a name may stand more than once."""
    fields: dict[str, list[str]] = {}
    for part in rule.split("|"):
        name, equals, text = part.partition("=")
        if equals:
            fields.setdefault(name, []).append(text)
    return fields


async def surroundings(exam: Examination) -> dict[str, str]:
    """Ask who we are to the station, its sleep, its services, its network cards: the sections of one command."""
    wake = (Section("cards", (Run("getmac.exe", ("/fo", "csv", "/nh")),)),) if exam.config.wol_mac else ()
    said = await exam.output(
        (
            SayVariable("connection", "SSH_CONNECTION"),
            Section("groups", (Run("whoami.exe", ("/groups", "/fo", "csv", "/nh")),)),
            Section("sleep", (Run("powercfg.exe", ("/query", "SCHEME_CURRENT", "SUB_SLEEP")),)),
            *wake,
        )
    )
    return {**sections(said), "connection": labels(said).get("connection", "")}


async def services(exam: Examination) -> dict[str, str]:
    """Ask how the services stand that the gate rests on: the output of ``sc.exe query`` by the labels of ``_SERVICES``."""
    return await exam.run(tuple(Section(label, (Run("sc.exe", ("query", name)),)) for label, name in _SERVICES.items()))


async def running(exam: Examination) -> tuple[Process, ...]:
    """Ask what runs."""
    found = await exam.run((Section("tasks", (Run("tasklist.exe", ("/fo", "csv", "/nh")),)),))
    return processes(found.get("tasks", ""))


async def clock(exam: Examination) -> str:
    """Ask PowerShell for the station's clock, in seconds since 1970: everything else prints it in the language of its Windows."""
    script = "[DateTimeOffset]::UtcNow.ToUnixTimeSeconds()"
    found = await exam.run(
        (Section("clock", (Run("powershell.exe", ("-NoProfile", "-NonInteractive", "-Command", script)),)),)
    )
    return found.get("clock", "").strip()


async def token(exam: Examination) -> frozenset[str]:
    """The SIDs of the login's token."""
    listing = (await exam.once(surroundings)).get("groups", "")
    rows = csv.reader(line for line in listing.splitlines() if line.startswith('"'))
    return frozenset(cell for row in rows for cell in row if cell.startswith("S-1-"))


async def volumes(exam: Examination) -> frozenset[str]:
    """The station's fixed volumes."""
    async with exam.slots:
        return await read_fixed_volumes(exam.link)


async def console(exam: Examination) -> Console:
    """Who sits at the console."""
    async with exam.slots:
        return await read_console(exam.link)


async def registrations(exam: Examination) -> Registrations:
    """What the agent keeps in the registry."""
    async with exam.slots:
        return await read_registrations(exam.link)


async def user_policies(exam: Examination) -> RegistryKeys:
    """The policies of the login and of the console's user, in one command."""
    found = await exam.once(console)
    hives = ["HKCU", *([rf"HKU\{found.sid}"] if found.sid and not found.same_as_login else [])]
    script: Script = (
        Section(
            "keys",
            tuple(
                _query(rf"{hive}\{key}", name)
                for hive in hives
                for key, name in (
                    (COMMANDS_POLICY, "DisableCMD"),
                    (POLICIES_SYSTEM, "DisableRegistryTools"),
                    (POLICIES_EXPLORER, "RestrictRun"),
                )
            ),
        ),
    )
    return registry_keys((await exam.run(script)).get("keys", ""))
