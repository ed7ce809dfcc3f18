"""A freshly installed station: system files, services, firewall groups, registry; and what each boot builds anew."""

from typing import TYPE_CHECKING

from drova_gate.sim.windows import firewall_registry, launchers
from drova_gate.sim.windows.drives import mounted_devices
from drova_gate.sim.windows.files import FileSystem, parent_of
from drova_gate.sim.windows.firewall import Group
from drova_gate.sim.windows.people import Person
from drova_gate.sim.windows.registry import Registry, Value, number
from drova_gate.sim.windows.services import Service

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["CMDTOOL", "ESME", "SHADOW_SERVICE", "boot_processes", "boot_registry", "install"]

SYSTEM32 = r"C:\Windows\System32"
CMDTOOL = r"C:\Program Files\Shadow Defender\CmdTool.exe"
ESME = r"HKLM\SOFTWARE\ITKey\Esme"
SHADOW_SERVICE = "{0CBD4F48-3751-475D-BE88-4F271385B672}"
"""The name under which Shadow Defender installs its service; ``diskpt`` is its driver."""
_AGENT = r"C:\Program Files\ITKey\Esme"
_STALE_REGISTRATION = (
    "00000000-0000-4000-8000-0000000057a1",
    "00000000-0000-4000-8000-00000000dead",
    "00000000-0000-4000-8000-00000000beef",
)
"""A registration that the cloud no longer knows; its id sorts first, as Windows enumerates keys by name."""

_SYSTEM_PROGRAMS = (
    *("reg", "taskkill", "tasklist", "qwinsta", "query", "schtasks", "shutdown", "sc", "netsh", "findstr", "find"),
    *(
        "attrib",
        "ping",
        "timeout",
        "whoami",
        "hostname",
        "icacls",
        "fsutil",
        "cmd",
        "PsExec",
        "where",
        "powercfg",
        "getmac",
    ),
)
_DIRECTORIES = (
    *(r"C:\Windows\Temp", r"C:\ProgramData", r"C:\Users\Public", r"C:\Program Files", r"C:\Program Files (x86)"),
    rf"{SYSTEM32}\drivers\etc",
)
_SERVICES = (
    Service("sshd", "OpenSSH SSH Server", "auto", binary=rf"{SYSTEM32}\OpenSSH\sshd.exe"),
    Service("Dnscache", "DNS Client", "auto"),
    Service("Schedule", "Task Scheduler", "auto"),
    Service("mpssvc", "Windows Defender Firewall", "auto"),
    Service("wuauserv", "Windows Update", "demand"),
    Service("SSDPSRV", "SSDP Discovery", "demand", triggered=True),
    Service("FDResPub", "Function Discovery Resource Publication", "demand", triggered=True),
    Service("fdPHost", "Function Discovery Provider Host", "demand", triggered=True),
    Service("upnphost", "UPnP Device Host", "demand"),
    Service("EpicOnlineServices", "Epic Online Services", "demand"),
    Service(SHADOW_SERVICE, "Shadow Defender Service", "auto", binary=r"C:\Program Files\Shadow Defender\Service.exe"),
    Service("diskpt", "diskpt", "auto", binary=r"\SystemRoot\System32\drivers\diskpt.sys"),
    Service("esme", "Drova Esme", "auto", binary=rf"{_AGENT}\esme.exe"),
)
_GROUPS = (
    Group("@FirewallAPI.dll,-32752", "Network Discovery", "Обнаружение сети", 24),
    Group("@FirewallAPI.dll,-28502", "File and Printer Sharing", "Общий доступ к файлам и принтерам", 18),
    Group("@FirewallAPI.dll,-28752", "Remote Desktop", "Дистанционное управление рабочим столом", 6, enabled=False),
)


def install(machine: "Machine") -> None:
    """Everything that the owner's disk holds before the first rental."""
    files, registry = machine.files, machine.registry
    for directory in _DIRECTORIES:
        files.make_directory(directory, parents=True)
    programs = [rf"{SYSTEM32}\{name}.exe" for name in _SYSTEM_PROGRAMS]
    programs += [rf"{SYSTEM32}\chcp.com", r"C:\Windows\explorer.exe", rf"{SYSTEM32}\OpenSSH\sshd.exe"]
    programs += [rf"{SYSTEM32}\WindowsPowerShell\v1.0\powershell.exe", rf"{_AGENT}\esme.exe", rf"{_AGENT}\ese.exe"]
    if "shadow_missing" not in machine.faults:
        programs += [rf"C:\Program Files\Shadow Defender\{name}.exe" for name in ("CmdTool", "Commit", "Defender")]
    for path in programs:
        _file(files, path, b"MZ")
    _file(files, rf"{SYSTEM32}\drivers\etc\hosts", b"127.0.0.1 localhost\r\n")
    services = (*_SERVICES, *launchers.owners_services())
    if "shadow_missing" in machine.faults:
        services = tuple(each for each in services if each.name not in (SHADOW_SERVICE, "diskpt"))
    for service in services:
        machine.services.install(service)
    for group in _GROUPS:
        machine.firewall.set_group(group)
    people = {machine.ssh_user, machine.owner}
    for person in sorted(people, key=lambda each: each.sid):
        _profile(files, registry, person)
    _system_registry(machine, people)
    for service in services:
        key = rf"HKLM\SYSTEM\CurrentControlSet\Services\{service.name}"
        registry.set(key, "ImagePath", Value("REG_EXPAND_SZ", service.binary))
        registry.set(key, "DisplayName", Value("REG_SZ", service.display))
    machine.firewall.installed["OpenSSH-Server-In-TCP"] = (
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=22|RA4="
        + machine.gate
        + r"|App=%SystemRoot%\system32\OpenSSH\sshd.exe|Name=OpenSSH SSH Server (sshd)"
        + "|Desc=Inbound rule for OpenSSH SSH Server (sshd)|EmbedCtxt=OpenSSH Server|"
    )
    firewall_registry.mirror(machine)
    _network(machine)
    mounted_devices(machine)
    _registrations(machine)
    launchers.install(files, registry, machine.owner)


def _file(files: FileSystem, path: str, content: bytes) -> None:
    files.make_directory(parent_of(path), parents=True)
    files.write(path, content)


def _profile(files: FileSystem, registry: Registry, person: Person) -> None:
    for directory in ("Desktop", "Documents", "Downloads", r"AppData\Local\Temp", r"AppData\LocalLow"):
        files.make_directory(rf"{person.profile}\{directory}", parents=True)
    files.make_directory(rf"{person.roaming}\Microsoft\Windows\Recent", parents=True)
    _file(files, rf"{person.profile}\NTUSER.DAT", b"regf")
    registry.load(person.hive)
    registry.load(f"{person.hive}_Classes")
    environment = rf"{person.hive}\Environment"
    registry.set(environment, "TEMP", Value("REG_EXPAND_SZ", r"%USERPROFILE%\AppData\Local\Temp"))
    registry.set(environment, "TMP", Value("REG_EXPAND_SZ", r"%USERPROFILE%\AppData\Local\Temp"))
    registry.set(
        rf"{person.hive}\Software\Microsoft\Windows\CurrentVersion\Explorer",
        "ShellState",
        Value("REG_BINARY", b"\x24\0\0\0"),
    )
    registry.create_key(rf"{person.hive}\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer")


def _system_registry(machine: "Machine", people: set[Person]) -> None:
    registry = machine.registry
    for hive in ("SAM", "SECURITY", "SOFTWARE", "SYSTEM"):
        registry.load(rf"HKLM\{hive}")
    for sid in (".DEFAULT", "S-1-5-18", "S-1-5-19", "S-1-5-20"):
        registry.load(rf"HKU\{sid}")
    windows = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    registry.set(windows, "ProductName", Value("REG_SZ", "Windows 10 Pro"))  # what Windows 11 says there, too
    registry.set(windows, "CurrentBuildNumber", Value("REG_SZ", "22631"))
    registry.set(windows, "DisplayVersion", Value("REG_SZ", "23H2"))
    registry.set(windows, "EditionID", Value("REG_SZ", "Professional"))
    registry.set(rf"{windows}\Winlogon", "AutoRestartShell", number(1))
    registry.set(rf"{windows}\Winlogon", "AutoAdminLogon", Value("REG_SZ", "1"))
    registry.set(rf"{windows}\Winlogon", "DefaultUserName", Value("REG_SZ", machine.owner.name))
    registry.set(rf"{windows}\Winlogon", "DefaultPassword", Value("REG_SZ", machine.plan.password))
    registry.set(rf"{windows}\Winlogon", "Shell", Value("REG_SZ", "explorer.exe"))
    profiles = rf"{windows}\ProfileList"
    registry.set(profiles, "ProfilesDirectory", Value("REG_EXPAND_SZ", r"%SystemDrive%\Users"))
    system_profile = r"%systemroot%\system32\config\systemprofile"
    registry.set(rf"{profiles}\S-1-5-18", "ProfileImagePath", Value("REG_EXPAND_SZ", system_profile))
    for person in sorted(people, key=lambda each: each.sid):
        registry.set(rf"{profiles}\{person.sid}", "ProfileImagePath", Value("REG_EXPAND_SZ", person.profile))
        registry.set(rf"{profiles}\{person.sid}", "State", number(0))
    language = "0419" if machine.language == "ru" else "0409"
    pages = r"HKLM\SYSTEM\CurrentControlSet\Control\Nls"
    registry.set(rf"{pages}\Language", "InstallLanguage", Value("REG_SZ", language))
    registry.set(rf"{pages}\CodePage", "OEMCP", Value("REG_SZ", machine.oem_encoding.removeprefix("cp")))
    registry.set(rf"{pages}\CodePage", "ACP", Value("REG_SZ", machine.ansi_encoding.removeprefix("cp")))
    registry.create_key(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System")
    registry.create_key(r"HKLM\SOFTWARE\Policies\Microsoft\Windows")
    name = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"
    registry.set(name, "ComputerName", Value("REG_SZ", machine.computer))
    _power_and_time(registry)
    shells = {
        "cmd": r"C:\Windows\System32\cmd.exe",
        "powershell": rf"{SYSTEM32}\WindowsPowerShell\v1.0\powershell.exe",
        "bash": r"C:\Program Files\Git\bin\bash.exe",
    }
    if machine.plan.shell != "cmd":
        registry.set(r"HKLM\SOFTWARE\OpenSSH", "DefaultShell", Value("REG_SZ", shells[machine.plan.shell]))
    memory_integrity = r"HKLM\SYSTEM\CurrentControlSet\Control\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity"
    registry.set(memory_integrity, "Enabled", number(0))


def _power_and_time(registry: Registry) -> None:
    control = r"HKLM\SYSTEM\CurrentControlSet\Control"
    registry.set(rf"{control}\Session Manager\Power", "HiberbootEnabled", number(0))
    registry.set(rf"{control}\Power", "HibernateEnabled", number(1))
    zone = rf"{control}\TimeZoneInformation"
    registry.set(zone, "TimeZoneKeyName", Value("REG_SZ", "Russian Standard Time"))
    registry.set(zone, "ActiveTimeBias", number(2**32 - 180))  # minutes from local time to UTC
    firewall = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
    for profile in ("DomainProfile", "PublicProfile", "StandardProfile"):
        registry.set(rf"{firewall}\{profile}", "EnableFirewall", number(1))
    registry.create_key(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing")
    registry.create_key(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update")


def _network(machine: "Machine") -> None:
    """One wired adapter by DHCP, one that has never been plugged in."""
    interfaces = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
    wired = rf"{interfaces}\{{6E1F0001-1111-4111-8111-000000000001}}"
    for name, value in {
        "EnableDHCP": number(1),
        "DhcpIPAddress": Value("REG_SZ", machine.address),
        "DhcpSubnetMask": Value("REG_SZ", "255.255.255.0"),
        "DhcpServer": Value("REG_SZ", machine.router),
        "DhcpNameServer": Value("REG_SZ", f"{machine.router} 8.8.8.8"),
        "DhcpDefaultGateway": Value("REG_MULTI_SZ", (machine.router,)),
        "NameServer": Value("REG_SZ", ""),
    }.items():
        machine.registry.set(wired, name, value)
    unplugged = rf"{interfaces}\{{6E1F0002-2222-4222-8222-000000000002}}"
    machine.registry.set(unplugged, "EnableDHCP", number(1))
    machine.registry.set(unplugged, "DhcpServer", Value("REG_SZ", "255.255.255.255"))


def _registrations(machine: "Machine") -> None:
    if "no_registration" in machine.faults:
        return
    registrations = machine.plan.registrations
    if "two_registrations" in machine.faults and len(registrations) < 2:
        registrations = (_STALE_REGISTRATION, *registrations)
    if not registrations:
        return
    machine.registry.set(ESME, "last_server", Value("REG_SZ", registrations[-1][0]))
    for server, token, user in registrations:
        key = rf"{ESME}\servers\{server}"
        machine.registry.set(key, "auth_token", Value("REG_SZ", token))
        machine.registry.set(key, "user_id", Value("REG_SZ", user))


# -- at each boot ----------------------------------------------------------------------------------------------------


def boot_registry(machine: "Machine") -> None:
    r"""Memory-only keys: HKLM\HARDWARE, and the console user's Volatile Environment."""
    registry = machine.registry
    system = r"HKLM\HARDWARE\DESCRIPTION\System"
    registry.load(rf"{system}\BIOS", volatile=True)
    registry.load(rf"{system}\CentralProcessor\0", volatile=True)
    registry.load(r"HKLM\HARDWARE\DEVICEMAP\SERIALCOMM", volatile=True)
    registry.set(system, "Identifier", Value("REG_SZ", "AT/AT COMPATIBLE"))
    registry.set(system, "SystemBiosVersion", Value("REG_MULTI_SZ", ("ALASKA - 1072009", "2.40")))
    registry.set(rf"{system}\CentralProcessor\0", "ProcessorNameString", Value("REG_SZ", "Simulated CPU @ 4.00GHz"))
    registry.set(rf"{system}\CentralProcessor\0", "~MHz", number(4000))
    person = machine.console
    if person is None:
        return
    volatile = rf"{person.hive}\Volatile Environment"
    session = rf"{volatile}\{machine.console_session}"
    registry.load(session, volatile=True)
    for name, text in {
        "LOGONSERVER": rf"\\{machine.computer}",
        "USERDOMAIN": machine.computer,
        "USERNAME": person.name,
        "USERPROFILE": person.profile,
        "HOMEPATH": person.profile[2:],
        "HOMEDRIVE": "C:",
        "APPDATA": person.roaming,
        "LOCALAPPDATA": person.local,
        "USERDOMAIN_ROAMINGPROFILE": machine.computer,
    }.items():
        registry.set(volatile, name, Value("REG_SZ", text))
    registry.set(session, "SESSIONNAME", Value("REG_SZ", "Console"))
    registry.set(session, "CLIENTNAME", Value("REG_SZ", ""))


def boot_processes(machine: "Machine") -> None:
    """What runs when the desktop is there."""
    table, session = machine.processes, machine.console_session
    table.start("System Idle Process", 0, pid=0, kilobytes=8, protected=True)
    table.start("System", 0, pid=4, kilobytes=2_048, protected=True)
    for image in ("smss.exe", "csrss.exe", "wininit.exe", "services.exe", "lsass.exe"):
        table.start(image, 0, path=rf"{SYSTEM32}\{image}", protected=True)
    for _ in range(4):
        table.start("svchost.exe", 0, path=rf"{SYSTEM32}\svchost.exe", kilobytes=21_540)
    table.start("sshd.exe", 0, path=rf"{SYSTEM32}\OpenSSH\sshd.exe", kilobytes=7_900)
    table.start("esme.exe", 0, path=rf"{_AGENT}\esme.exe", kilobytes=30_720)
    table.start("csrss.exe", session, path=rf"{SYSTEM32}\csrss.exe", protected=True)
    table.start("winlogon.exe", session, path=rf"{SYSTEM32}\winlogon.exe", protected=True)
    table.start("dwm.exe", session, path=rf"{SYSTEM32}\dwm.exe", user="DWM-1", kilobytes=90_112)
    if "file_in_use" in machine.faults:
        held = launchers.held_forever(machine.owner)
        table.start("MsMpEng.exe", 0, kilobytes=210_000, holds=frozenset({held}), protected=True)
    person = machine.console
    if person is None:
        table.start("LogonUI.exe", session, path=rf"{SYSTEM32}\LogonUI.exe", kilobytes=61_440)
        return
    for image in ("sihost.exe", "taskhostw.exe", "ctfmon.exe"):
        table.start(image, session, path=rf"{SYSTEM32}\{image}", user=person.name, kilobytes=27_456)
    shell = table.start("explorer.exe", session, path=r"C:\Windows\explorer.exe", user=person.name, kilobytes=180_224)
    table.start("ese.exe", session, path=rf"{_AGENT}\ese.exe", user=person.name, kilobytes=45_000)
    pids = {"": shell.pid}
    for program in launchers.started(person):
        pids[program.image] = table.start(
            program.image,
            0 if program.service else session,
            path=program.path,
            user="SYSTEM" if program.service else person.name,
            kilobytes=program.kilobytes,
            parent=0 if program.service else pids[program.child_of],
            holds=frozenset(program.holds),
        ).pid
