"""Planted faults: how each is planted, and which check tells it, in which words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from doctor_world import World
from simulated import free_port

from drova_gate.core.model import Phase
from drova_gate.core.record import Record
from drova_gate.doctor.verdict import Outcome
from drova_gate.sim.windows.firewall_registry import mirror
from drova_gate.state import StateFile
from drova_gate.steps.lockdown import load_switches
from drova_gate.steps.lockdown_switches import BlockedPrograms, FirewallGroup, FirewallRule, PolicyValue, Service
from drova_gate.steps.recipes import load_recipes
from drova_gate.steps.shipped import LAUNCHERS, LOCKDOWN

__all__ = ["FAULTS", "Fault"]

WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
WINLOGON = rf"{WINDOWS}\Winlogon"
CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
SYSTEM_POLICIES = r"Software\Microsoft\Windows\CurrentVersion\Policies\System"
SECOND = ("00000000-0000-4000-8000-0000000057a1", "token-old", "00000000-0000-4000-8000-00000000beef")
LIVE = (
    "5f0c2a9e-6a1d-4f57-9f5e-2d3b8c1a7e40",
    "7c9d1be2-64a0-4b8e-8a3f-f1d2c3b4a596",
    "a1b2c3d4-1111-4222-8333-444455556666",
)
WARN, FAIL, OK, SKIP = Outcome.WARN, Outcome.FAIL, Outcome.OK, Outcome.SKIP


@dataclass(frozen=True)
class Fault:
    """One planted fault, or a few that do not touch each other."""

    name: str
    plant: Callable[[World], None] = lambda _: None
    plan: Mapping[str, object] = field(default_factory=dict)
    expected: Mapping[str, tuple[Outcome, str]] = field(default_factory=dict)


def all_of(*plants: Callable[[World], None]) -> Callable[[World], None]:
    """Several faults that do not touch each other: a station takes a tenth of a second of CPU."""

    def plant(here: World) -> None:
        for each in plants:
            each(here)

    return plant


def settings(**values: str) -> Callable[[World], None]:
    return lambda here: here.settings.update(values)


def registry(*values: tuple[str, str, int | str]) -> Callable[[World], None]:
    def plant(here: World) -> None:
        for key, name, value in values:
            here.set(key, name, value)

    return plant


def settings_file(mode: int) -> Callable[[World], None]:
    def plant(here: World) -> None:
        closed = here.folder / "gate.env"
        file = here.folder / "stations.toml"
        for one, its_mode in ((closed, 0o600), (file, mode)):
            one.write_text("WINDOWS_HOST=x\n", encoding="utf-8")
            one.chmod(its_mode)
        here.settings_files = (closed, file)

    return plant


def lost_settings_file(here: World) -> None:
    here.settings_files = (here.folder / "gone.env",)


def state_dir(mode: int) -> Callable[[World], None]:
    return lambda here: here.state_dir.chmod(mode)


def state_dir_is_a_file(here: World) -> None:
    here.folder = here.folder / "other"
    here.folder.mkdir()
    here.state_dir.write_text("no folder", encoding="utf-8")


def state_dir_cannot_be_made(here: World) -> None:
    (here.folder / "file").write_text("no folder", encoding="utf-8")
    here.folder = here.folder / "file" / "below"


def owners_folder(here: World) -> Path:
    folder = here.folder / "launchers"
    folder.mkdir(exist_ok=True)
    here.settings["DROVA_LAUNCHERS_DIR"] = str(folder)
    return folder


def broken_recipe(here: World) -> None:
    (owners_folder(here) / "mine.toml").write_text("name = 'mine'\n", encoding="utf-8")


def nothing_locked(here: World) -> None:
    tables = {
        PolicyValue: "policy",
        BlockedPrograms: "blocked_programs",
        FirewallRule: "firewall_rule",
        FirewallGroup: "firewall_group",
        Service: "service",
    }
    rows = [f'[[{tables[type(one)]}]]\nname = "{one.name}"\nenabled = false\n' for one in load_switches(LOCKDOWN)]
    (owners_folder(here) / "lockdown.toml").write_text("\n".join(rows), encoding="utf-8")


def only_verified_recipes(here: World) -> None:
    for recipe in load_recipes(LAUNCHERS):
        if recipe.verified == "unverified":
            text = f'name = "{recipe.name}"\ntitle = "{recipe.title}"\nverified = "sources"\nenabled = false\nsources = ["mine"]\nnote = "mine"\n'
            text += "[[min]]\nname = 'x'\nkind = 'delete_file'\npath = '{roaming}\\mine\\x.bin'\n"
            (owners_folder(here) / f"{recipe.name}.toml").write_text(text, encoding="utf-8")


def bad_listen_host(here: World) -> None:
    here.settings |= {"DROVA_SOCKET_LISTEN": str(free_port()), "DROVA_LISTEN_HOST": "203.0.113.1"}


def port_in_use(here: World) -> None:
    here.settings |= {"DROVA_SOCKET_LISTEN": str(here.station.agent_port), "DROVA_LISTEN_HOST": "127.0.0.1"}


def cloud_clock(seconds: float) -> Callable[[World], None]:
    def plant(here: World) -> None:
        here.cloud.clock_ahead = seconds

    return plant


def pin(text: str) -> Callable[[World], None]:
    return lambda here: (here.state_dir / "pc1" / "host_key").write_text(text, encoding="ascii")


def no_pin(here: World) -> None:
    (here.state_dir / "pc1" / "host_key").unlink()


def no_pin_no_login(here: World) -> None:
    no_pin(here)
    here.settings["WINDOWS_PASSWORD"] = "wrong"


def without_program(name: str) -> Callable[[World], None]:
    def plant(here: World) -> None:
        with here.machine.quietly():
            here.machine.files.delete(rf"C:\Windows\System32\{name}")

    return plant


def bad_policies(here: World) -> None:
    here.set(r"HKLM\Software\Policies\Microsoft\Windows\Installer", "DisableMSI", 2)
    here.set(r"HKCU\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer", "RestrictRun", 1)


def console_users_policy(here: World) -> None:
    here.set(rf"HKU\{here.machine.owner.sid}\{SYSTEM_POLICIES}", "DisableRegistryTools", 1)


def pending(here: World) -> None:
    windows = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion"
    here.make_key(rf"{windows}\Component Based Servicing\RebootPending")
    here.make_key(rf"{windows}\WindowsUpdate\Auto Update\RebootRequired")
    here.set(rf"{CONTROL}\Session Manager", "PendingFileRenameOperations", [r"\??\C:\old", ""])


def sleeps(here: World) -> None:
    here.machine.power.sleep, here.machine.power.hibernate = 1800, 10800


def station_clock(seconds: float) -> Callable[[World], None]:
    def plant(here: World) -> None:
        here.machine.files.clock_ahead = seconds

    return plant


def no_powershell(here: World) -> None:
    with here.machine.quietly():
        here.machine.files.delete(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe")


def left_locked(here: World) -> None:
    here.set(rf"HKCU\{SYSTEM_POLICIES}", "DisableTaskMgr", 1)
    here.set(r"HKLM\SOFTWARE\drova_gate", "marker", "id")


def shadowed(here: World) -> None:
    with here.machine.quietly():
        for letter in "CD":
            here.machine.shadow.enter(letter, now=True)
    left_locked(here)


def in_session(here: World) -> None:
    left_locked(here)
    StateFile(here.state_dir / "pc1" / "state.json").save(Record(phase=Phase.IN_SESSION))


def services_of_the_protector(change: str) -> Callable[[World], None]:
    def plant(here: World) -> None:
        for name in ("{0CBD4F48-3751-475D-BE88-4F271385B672}", "diskpt"):
            if change == "stop":
                here.stop(name)
            else:
                del here.machine.services._table[name.lower()]

    return plant


def capture(here: World) -> None:
    with here.machine.quietly():
        here.machine.processes.start("ffmpeg.exe", 1)


def ssh_rule(*parts: str) -> Callable[[World], None]:
    """Replace the rule that lets SSH in; without parts there is none."""

    def plant(here: World) -> None:
        name = "OpenSSH-Server-In-TCP"
        if parts:
            whole = "|".join(["v2.31", "Action=Allow", "Active=TRUE", "Dir=In", "Protocol=6", *parts, "Name=SSH", ""])
            here.machine.firewall.installed[name] = whole
        else:
            del here.machine.firewall.installed[name]
        with here.machine.quietly():
            mirror(here.machine)

    return plant


def firewall_off(*profiles: str) -> Callable[[World], None]:
    policy = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
    return registry(*((rf"{policy}\{profile}", "EnableFirewall", 0) for profile in profiles))


def agent_blocked(here: World) -> None:
    port = here.station.agent_port
    here.machine.firewall.installed["blocks"] = f"v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort={port}|Name=x|"
    with here.machine.quietly():
        mirror(here.machine)


def last_server_without_token(here: World) -> None:
    here.set(r"HKLM\SOFTWARE\ITKey\Esme", "last_server", SECOND[0])


def cloud_faults(*names: str) -> Callable[[World], None]:
    return lambda here: here.cloud.faults.update(names)


def server(**values: object) -> Callable[[World], None]:
    def plant(here: World) -> None:
        for name, value in values.items():
            setattr(here.server, name, value)

    return plant


def relayed(**values: object) -> Callable[[World], None]:
    def plant(here: World) -> None:
        here.settings |= {"DROVA_SOCKET_LISTEN": str(free_port()), "DROVA_LISTEN_HOST": "127.0.0.1"}
        server(**values)(here)

    return plant


def forgotten_by_the_cloud(here: World) -> None:
    del here.cloud.servers[LIVE[0]]


def merchant(*, known: bool) -> Callable[[World], None]:
    def plant(here: World) -> None:
        here.settings["DROVA_TOKEN"] = "merchant-token"
        if known:
            here.cloud.add_merchant_token("merchant-token", LIVE[2])

    return plant


FAULTS = (
    Fault(
        "a careless router",
        all_of(settings_file(0o644), state_dir(0o755), cloud_clock(-60), port_in_use),
        expected={
            "settings_file": (WARN, "read by everybody"),
            "state_dir": (WARN, "looked into"),
            "router_clock": (WARN, "s ahead of Drova's"),
            "listen_port": (WARN, "is in use"),
        },
    ),
    Fault(
        "a broken router",
        all_of(settings_file(0o666), state_dir(0o777), cloud_clock(9000), bad_listen_host, broken_recipe),
        expected={
            "settings_file": (FAIL, "changed by others"),
            "state_dir": (FAIL, "written by others"),
            "router_clock": (FAIL, "behind Drova's"),
            "listen_port": (FAIL, "203.0.113.1:"),
            "recipes": (FAIL, "mine.toml"),
            "launchers": (SKIP, "needs recipes"),
        },
    ),
    Fault(
        "a careless Windows",
        all_of(
            registry(
                (WINDOWS, "CurrentBuildNumber", "17134"),
                (rf"{CONTROL}\Nls\CodePage", "OEMCP", "932"),
                (rf"{CONTROL}\Session Manager\Power", "HiberbootEnabled", 1),
                (rf"{CONTROL}\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity", "Enabled", 1),
            ),
            bad_policies,
            pending,
            sleeps,
            settings(DROVA_WOL_MAC="00:15:5d:99:99:99", SHADOW_DEFENDER_DRIVES="C"),
            station_clock(300),
            capture,
            firewall_off("DomainProfile", "PublicProfile", "StandardProfile"),
            last_server_without_token,
            lambda here: here.kill("explorer.exe"),
        ),
        {"drives": {"C": 15.0, "D": 500.0}},
        {
            "windows": (WARN, "no OpenSSH server of its own"),
            "code_page": (WARN, "932"),
            "fast_startup": (WARN, "no fresh start"),
            "memory_integrity": (WARN, "HVCI"),
            "policies": (WARN, "DisableMSI=2 of the whole machine"),
            "pending_reboot": (WARN, "Windows' components, Windows Update, files to be replaced"),
            "sleep": (WARN, "sleeps after 30 min and hibernates after 180 min"),
            "wake": (WARN, "00-15-5D-01-02-03"),
            "station_clock": (WARN, "ahead of"),
            "capture": (WARN, "ffmpeg.exe"),
            "volumes": (WARN, "D is not"),
            "free_space": (WARN, "C: 15 GB"),
            "firewall_ssh": (WARN, "is off"),
            "registration": (WARN, "which has no token"),
            "desktop_start": (WARN, "no Explorer"),
        },
    ),
    Fault(
        "a broken Windows",
        all_of(
            registry((WINDOWS, "CurrentBuildNumber", "9600")),
            station_clock(-86400),
            agent_blocked,
            lambda here: here.stop("Schedule"),
            lambda here: here.kill("esme.exe"),
        ),
        expected={
            "windows": (FAIL, "build 9600"),
            "station_clock": (FAIL, "behind"),
            "firewall_agent": (FAIL, "rule blocks"),
            "desktop_start": (FAIL, "Task Scheduler"),
            "agent": (FAIL, "does not run"),
        },
    ),
    # -- the router ---------------------------------------------------------------------------------------------------
    Fault("settings file closed", settings_file(0o640), expected={"settings_file": (OK, "mode 0640")}),
    Fault("settings file gone", lost_settings_file, expected={"settings_file": (WARN, "cannot be looked at")}),
    Fault("state dir is a file", state_dir_is_a_file, expected={"state_dir": (FAIL, "cannot be written")}),
    Fault("state dir cannot be made", state_dir_cannot_be_made, expected={"state_dir": (FAIL, "cannot make it")}),
    Fault("nothing locked", nothing_locked, expected={"recipes": (WARN, "no switch locks the desktop")}),
    # -- the way ------------------------------------------------------------------------------------------------------
    Fault(
        "another program's server",
        plan={"ssh_version": "8.49 FlowSsh: Bitvise SSH Server"},
        expected={"banner": (WARN, "not OpenSSH")},
    ),
    Fault("old server", plan={"ssh_version": "OpenSSH_for_Windows_7.7"}, expected={"banner": (WARN, "is old")}),
    Fault("key changed", pin("ssh-ed25519 SHA256:" + "A" * 43), expected={"host_key": (FAIL, "pinned is SHA256:AAA")}),
    Fault(
        "key file damaged", pin("nonsense"), expected={"host_key": (FAIL, "damaged"), "ssh": (SKIP, "needs host_key")}
    ),
    Fault("key not pinned", no_pin, expected={"host_key": (WARN, "not pinned yet")}),
    Fault("key not seen", no_pin_no_login, expected={"host_key": (WARN, "not seen without a login")}),
    Fault(
        "the gate's own key is lost",
        settings(WINDOWS_PASSWORD="", WINDOWS_KEY_FILE="/nonexistent/gate_key"),
        expected={"ssh": (FAIL, "key file /nonexistent/gate_key cannot be used (No such file or directory)")},
    ),
    Fault(
        "password wrong",
        settings(WINDOWS_PASSWORD="wrong"),
        expected={
            "ssh": (FAIL, "refuses the password"),
            "shell": (SKIP, "needs ssh"),
            "published": (SKIP, "needs ssh"),
        },
    ),
    Fault("strange shell", plan={"shell": "bash"}, expected={"ssh": (OK, ""), "shell": (FAIL, "neither cmd.exe nor")}),
    Fault("no SFTP", plan={"sftp": False}, expected={"shell": (OK, ""), "sftp": (FAIL, "SFTP does not start")}),
    Fault("few sessions", plan={"max_sessions": 4}, expected={"max_sessions": (WARN, "takes 4 sessions")}),
    Fault(
        "one session",
        plan={"max_sessions": 1},
        expected={"max_sessions": (FAIL, "one session"), "windows": (SKIP, "needs max_sessions")},
    ),
    Fault("token cut down", plan={"elevated": False}, expected={"admin": (FAIL, "cut down")}),
    Fault("no administrator", plan={"administrator": False}, expected={"admin": (FAIL, "is no administrator")}),
    Fault("no whoami", without_program("whoami.exe"), expected={"admin": (WARN, "tells nothing")}),
    # -- Windows ------------------------------------------------------------------------------------------------------
    Fault(
        "reg.exe barred",
        registry((rf"HKCU\{SYSTEM_POLICIES}", "DisableRegistryTools", 1)),
        expected={"registry": (FAIL, "reads nothing"), "windows": (SKIP, "needs registry"), "protector": (OK, "")},
    ),
    Fault(
        "policy against scripts",
        registry((r"HKCU\Software\Policies\Microsoft\Windows\System", "DisableCMD", 1)),
        plan={"shell": "powershell"},
        expected={"policies": (FAIL, "DisableCMD=1 of the login")},
    ),
    Fault(
        "policy of the console's user",
        console_users_policy,
        plan={"faults": frozenset({"other_console_user"})},
        expected={"policies": (WARN, "of the console's user"), "console": (WARN, "the SSH login is gate")},
    ),
    Fault(
        "fast startup without hibernation",
        registry(
            (rf"{CONTROL}\Session Manager\Power", "HiberbootEnabled", 1), (rf"{CONTROL}\Power", "HibernateEnabled", 0)
        ),
        expected={"fast_startup": (OK, "because hibernation is")},
    ),
    Fault("sleeps, in Russian", sleeps, {"language": "ru"}, {"sleep": (WARN, "sleeps after 30 min and hibernates")}),
    Fault("no powercfg", without_program("powercfg.exe"), expected={"sleep": (WARN, "tells nothing")}),
    Fault("wake", settings(DROVA_WOL_MAC="00:15:5d:01:02:03"), expected={"wake": (OK, "a card of the station")}),
    Fault("no PowerShell", no_powershell, expected={"station_clock": (WARN, "does not tell")}),
    # -- the desktop --------------------------------------------------------------------------------------------------
    Fault("nobody yet", plan={"console_user": ""}, expected={"console": (WARN, "nobody is signed in")}),
    Fault(
        "nobody ever",
        registry((WINLOGON, "AutoAdminLogon", "0")),
        {"console_user": ""},
        {
            "console": (FAIL, "nobody is signed in"),
            "autologon": (WARN, "off"),
            "leftovers": (SKIP, "needs console"),
            "desktop_start": (OK, "nobody is signed in"),
        },
    ),
    Fault("autologon ends", registry((WINLOGON, "AutoLogonCount", 3)), expected={"autologon": (WARN, "only 3 more")}),
    Fault(
        "autologon of another",
        registry((WINLOGON, "DefaultUserName", "guest")),
        expected={"autologon": (WARN, "on for guest, but gate is signed in now")},
    ),
    Fault("left locked", left_locked, expected={"leftovers": (WARN, "lockdown.no_task_manager")}),
    Fault(
        "in Shadow Mode",
        shadowed,
        expected={"leftovers": (SKIP, "in Shadow Mode"), "protector": (WARN, "CD in Shadow Mode now")},
    ),
    Fault("in a session", in_session, expected={"leftovers": (SKIP, "record says in_session")}),
    Fault("every launcher", expected={"launchers": (WARN, "FACEIT client*")}),
    Fault("tried launchers alone", only_verified_recipes, expected={"launchers": (OK, "Steam")}),
    # -- protection ---------------------------------------------------------------------------------------------------
    Fault(
        "protector's password",
        plan={"faults": frozenset({"shadow_password"})},
        expected={"protector": (FAIL, "refuses the password"), "protector_service": (SKIP, "needs protector")},
    ),
    Fault(
        "no protector", plan={"faults": frozenset({"shadow_missing"})}, expected={"protector": (FAIL, "is not on the")}
    ),
    Fault(
        "protector silent",
        plan={"faults": frozenset({"shadow_silent"})},
        expected={"protector": (OK, "no volume is in Shadow Mode")},
    ),
    Fault(
        "no protector wanted",
        settings(DROVA_PROTECTOR="none"),
        expected={
            "protector": (WARN, "DROVA_PROTECTOR=none"),
            "protector_service": (SKIP, "another"),
            "memory_integrity": (SKIP, "Shadow Defender only"),
        },
    ),
    Fault("driver stopped", services_of_the_protector("stop"), expected={"protector_service": (FAIL, "its driver")}),
    Fault("service unknown", services_of_the_protector("none"), expected={"protector_service": (WARN, "neither")}),
    Fault(
        "a volume that is not there",
        settings(SHADOW_DEFENDER_DRIVES="CE"),
        expected={"volumes": (FAIL, "E is no fixed volume"), "free_space": (SKIP, "needs volumes")},
    ),
    Fault("no room", plan={"drives": {"C": 1.0, "D": 500.0}}, expected={"free_space": (FAIL, "C: 1 GB")}),
    Fault(
        "firewall off at home",
        firewall_off("StandardProfile"),
        expected={"firewall_ssh": (WARN, "Windows Firewall is off for Private")},
    ),
    Fault("SSH open to all", ssh_rule("LPort=22"), expected={"firewall_ssh": (WARN, "lets anybody in")}),
    Fault(
        "SSH open to the network",
        ssh_rule("LPort=22", "RA4=LocalSubnet"),
        expected={"firewall_ssh": (WARN, "more than this machine")},
    ),
    Fault(
        "SSH open to a range",
        ssh_rule("LPort=22", "RA4=192.168.1.0-192.168.1.9"),
        expected={"firewall_ssh": (WARN, "more than")},
    ),
    Fault(
        "SSH open to us",
        ssh_rule("LPort=20-30", "RA4=192.168.1.2"),
        expected={"firewall_ssh": (OK, "192.168.1.2 alone")},
    ),
    Fault("no rule for SSH", ssh_rule(), expected={"firewall_ssh": (WARN, "no rule lets port 22 in")}),
    # -- Drova --------------------------------------------------------------------------------------------------------
    Fault(
        "not registered",
        plan={"registrations": ()},
        expected={
            "registration": (FAIL, "no server id"),
            "token": (SKIP, "needs registration"),
            "station": (SKIP, "needs registration"),
            "cloud": (OK, "answers"),
        },
    ),
    Fault(
        "two registrations",
        plan={"registrations": (SECOND, LIVE)},
        expected={"registration": (WARN, "2 registrations")},
    ),
    Fault(
        "agent's port closed",
        plan={"faults": frozenset({"agent_refuses"})},
        expected={"agent_port": (FAIL, "is closed"), "agent": (OK, "")},
    ),
    Fault(
        "cloud down",
        cloud_faults("cloud_500"),
        expected={
            "cloud": (FAIL, "answered 500"),
            "token": (SKIP, "needs cloud"),
            "published": (SKIP, "needs cloud"),
            "router_clock": (SKIP, "needs cloud"),
            "registration": (OK, ""),
        },
    ),
    Fault("cloud unreachable", settings(DROVA_API_URL="http://127.0.0.1:1"), expected={"cloud": (FAIL, "127.0.0.1")}),
    Fault("cloud throttles", cloud_faults("cloud_429"), expected={"cloud": (WARN, "429"), "token": (WARN, "429")}),
    Fault(
        "a provider's page instead of Drova",
        cloud_faults("cloud_garbage"),
        expected={"cloud": (FAIL, "not understood"), "token": (SKIP, "needs cloud"), "router_clock": (SKIP, "cloud")},
    ),
    Fault(
        "token stale", cloud_faults("cloud_401"), expected={"token": (FAIL, "401"), "station": (SKIP, "needs token")}
    ),
    Fault("merchant's token", merchant(known=True), expected={"token": (OK, "DROVA_TOKEN is"), "published": (OK, "")}),
    Fault("merchant's token wrong", merchant(known=False), expected={"token": (FAIL, "401")}),
    Fault("station unknown", forgotten_by_the_cloud, expected={"station": (FAIL, "answered 404")}),
    Fault("station never started", server(started=False), expected={"station": (FAIL, "never reported")}),
    Fault("station offline", server(online=False), expected={"station": (WARN, "OFFLINE")}),
    Fault(
        "hidden, no desktop, no updates",
        server(published=False, allow_desktop=False, disable_updates=True),
        expected={"published": (WARN, "hidden"), "allow_desktop": (WARN, "cannot be rented"), "updates": (WARN, "off")},
    ),
    Fault("another port announced", relayed(), expected={"endpoints": (WARN, "announced is port 7995")}),
    Fault(
        "players go straight", relayed(ports=((7985, False),)), expected={"endpoints": (FAIL, "past the gate's port")}
    ),
    Fault("players may go straight", relayed(forwarded=frozenset({7985})), expected={"endpoints": (FAIL, "beside")}),
    Fault("nothing announced", relayed(ports=()), expected={"endpoints": (WARN, "none is announced")}),
)
