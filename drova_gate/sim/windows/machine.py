"""One Windows PC, as its programs see it: no sockets, no SSH."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from drova_gate.sim.plan import Entry, StationPlan
from drova_gate.sim.windows import installation, launchers
from drova_gate.sim.windows.files import FileSystem
from drova_gate.sim.windows.firewall import Firewall
from drova_gate.sim.windows.journal import Journal
from drova_gate.sim.windows.people import Person, computer_name, people
from drova_gate.sim.windows.processes import Process, Processes
from drova_gate.sim.windows.program import Call, Finished, Handler, ProgramNotFound, split_line
from drova_gate.sim.windows.programs import standard_programs
from drova_gate.sim.windows.programs.power import Power
from drova_gate.sim.windows.registry import Registry, Value
from drova_gate.sim.windows.services import Services
from drova_gate.sim.windows.shadow import ShadowDefender
from drova_gate.sim.windows.tasks import Tasks

__all__ = ["Call", "Finished", "Handler", "Machine", "MachineOff", "ProgramNotFound"]

_UNKEPT_POLICY = "disabletaskmgr"
"""The value of the fault policy_not_kept: set to 1, it reads back as 0."""

_PATH = ";".join(
    (
        *(r"C:\Windows\system32", r"C:\Windows", r"C:\Windows\System32\Wbem"),
        *("C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\", "C:\\Windows\\System32\\OpenSSH\\"),
    )
)
_BATCH = (".bat", ".cmd")


class _Layer(Protocol):
    """What lies on volume C beside its files."""

    def begin_shadow(self) -> None: ...

    def forget(self) -> None: ...

    def keep(self) -> None: ...


class MachineOff(OSError):
    """The PC went down while the program was being started."""


class Machine:
    """One Windows PC; it is up (booted once) when the constructor returns."""

    def __init__(self, plan: StationPlan, journal: list[Entry]) -> None:
        self.plan = plan
        self.faults = set(plan.faults)
        """Mutable; a fault that strikes once takes itself out."""
        self.language = "en" if "english_windows" in plan.faults else plan.language
        self.oem_encoding, self.ansi_encoding = ("cp866", "cp1251") if self.language == "ru" else ("cp437", "cp1252")
        self.computer = computer_name(plan)
        self.ssh_user, self.owner = people(plan)
        """Who logs in by SSH, and whose desktop it is."""
        self.address, self.router, self.gate = "192.168.1.20", "192.168.1.1", "192.168.1.2"
        """The station's own address, its router, and whom sshd sees as its client."""
        self.up = False
        self.boot_count = 0
        self.reboot_wanted = asyncio.Event()
        """Set by ``shutdown /r`` and by CmdTool's ``/reboot``; ``boot`` clears it."""
        self.reboot_delay = 0.0
        """Seconds that ``shutdown /t`` asked for."""
        self.shadow = ShadowDefender(
            plan.shadow_password,
            plan.drives,
            self.faults,
            begin=self._begin_shadow,
            leave=self._leave_shadow,
            roll_back=self._roll_back,
            keep=self._keep,
        )
        self._journal = Journal(journal, lambda letter: letter in self.shadow.active)
        self.processes = Processes(self._journal)
        self.files = FileSystem(plan.drives, self._journal, self.processes.holds)
        self.registry = Registry(self._journal, self.ssh_user.sid, self._stored)
        self.services = Services(self._journal)
        self.firewall = Firewall(self._journal)
        self.tasks = Tasks(self._journal)
        self.power = Power()
        self._on_system_volume: tuple[_Layer, ...] = (self.registry, self.services, self.firewall, self.tasks)
        self.on_desktop: dict[str, Callable[[list[str]], None]] = {}
        """Programs that run once per desktop, by lower-case image name: called with the words that a second start hands over."""
        self.programs: dict[str, Handler] = standard_programs()
        """Lower-case image name (``reg.exe``) to ``async (Call) -> exit code``; a shell registers ``cmd.exe`` here."""
        with self._journal:
            installation.install(self)
            self.boot()
        self.files.full = lambda: "disk_full" in self.faults

    # -- power ---------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start Windows anew: Shadow Mode's overlays and everything in memory are gone."""
        self.halt()
        self.record("reboot", f"boot {self.boot_count + 1}")
        with self._journal:
            self.shadow.boot()
            self.registry.drop_memory()
            self.services.boot()
            installation.boot_registry(self)
            installation.boot_processes(self)
        self.boot_count += 1
        self.reboot_wanted.clear()
        self.reboot_delay = 0.0
        self.up = True

    def halt(self) -> None:
        """Power off, at once."""
        self.up = False
        self.processes.clear()

    def want_reboot(self, delay: float = 0.0) -> None:
        """What ``shutdown /r`` and CmdTool's ``/reboot`` do."""
        if {"reset_ignored", "reboot_never"} & self.faults:
            self.faults.discard("reset_ignored")
            return
        self.reboot_delay = delay
        self.reboot_wanted.set()

    # -- who sits there ------------------------------------------------------------------------------------------

    @property
    def console(self) -> Person | None:
        """Who is signed in at the console."""
        return None if "nobody_signed_in" in self.faults or self.plan.console_user == "" else self.owner

    @property
    def console_session(self) -> int:
        """The number of the console's session."""
        return 2 if "console_session_2" in self.faults else self.plan.console_session

    def environment(self) -> dict[str, str]:
        """The variables of a program that the SSH user starts."""
        user = self.ssh_user
        return {
            "ALLUSERSPROFILE": r"C:\ProgramData",
            "APPDATA": user.roaming,
            "CommonProgramFiles": r"C:\Program Files\Common Files",
            "COMPUTERNAME": self.computer,
            "ComSpec": r"C:\Windows\system32\cmd.exe",
            "HOMEDRIVE": "C:",
            "HOMEPATH": user.profile[2:],
            "LOCALAPPDATA": user.local,
            "NUMBER_OF_PROCESSORS": "8",
            "OS": "Windows_NT",
            "Path": _PATH,
            "PATHEXT": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC",
            "PROCESSOR_ARCHITECTURE": "AMD64",
            "ProgramData": r"C:\ProgramData",
            "ProgramFiles": r"C:\Program Files",
            "ProgramFiles(x86)": r"C:\Program Files (x86)",
            "ProgramW6432": r"C:\Program Files",
            "PUBLIC": r"C:\Users\Public",
            "SSH_CLIENT": f"{self.gate} 50022 22",
            "SSH_CONNECTION": f"{self.gate} 50022 {self.address} 22",
            "SystemDrive": "C:",
            "SystemRoot": r"C:\Windows",
            "TEMP": rf"{user.local}\Temp",
            "TMP": rf"{user.local}\Temp",
            "USERDOMAIN": self.computer,
            "USERNAME": user.name,
            "USERPROFILE": user.profile,
            "windir": r"C:\Windows",
        }

    # -- programs ------------------------------------------------------------------------------------------------

    async def start(self, line: str, *, environment: dict[str, str], directory: str, stdin: bytes = b"") -> Finished:
        """Run one program to its end; ``environment`` is the caller's own mapping (``chcp`` leaves a mark in it)."""
        argv = split_line(line)
        name = argv[0] if argv else ""
        path = self.find_program(name, environment=environment, directory=directory)
        if path is None:
            raise ProgramNotFound(name)
        image = path.rsplit("\\", 1)[1].lower()
        if image.endswith(_BATCH):
            # CreateProcess hands a batch file to the command interpreter.
            image, line = "cmd.exe", f'cmd.exe /c "{line}"'
            argv = split_line(line)
        handler = self.programs.get(image)
        if handler is None:
            raise ProgramNotFound(name)
        boot = self.boot_count
        if self.plan.costs.process > 0:
            await asyncio.sleep(self.plan.costs.process)
        if not self.up or self.boot_count != boot:
            raise MachineOff(f"{self.plan.name} is off")
        call = Call(self, line, argv, environment, directory, stdin)
        code = await handler(call)
        return Finished(code, bytes(call.stdout), bytes(call.stderr))

    def find_program(self, name: str, *, environment: dict[str, str], directory: str) -> str | None:
        """The full path of a program as the shell finds it: this folder, then ``%PATH%``, by ``%PATHEXT%``."""
        variables = {key.upper(): value for key, value in environment.items()}
        plain = name.replace("/", "\\").strip('"')
        if not plain:
            return None
        if "\\" in plain or plain[1:2] == ":":
            folders = ["" if plain[1:2] == ":" else directory]
        else:
            folders = [directory, *filter(None, variables.get("PATH", "").split(";"))]
        last = plain.rsplit("\\", 1)[-1]
        endings = [""] if "." in last else []
        endings += variables.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").lower().split(";")
        for folder in folders:
            for ending in endings:
                path = (folder.rstrip("\\") + "\\" if folder else "") + plain + ending
                if self.files.exists(path) and not self.files.is_dir(path):
                    return self.files.real_name(path)
        return None

    def start_on_desktop(self, command: str, session: int) -> Process | None:
        """Start a program in a desktop session; ``None`` when the program or a signed-in user is not there.

        Starting explorer.exe where a shell runs already only opens a folder window.
        """
        person = self.console
        words = split_line(command)
        if person is None or session != self.console_session or not words or "explorer_gone" in self.faults:
            return None
        path = self.find_program(words[0], environment=self.environment(), directory=r"C:\Windows\System32")
        if path is None:
            return None
        image = path.rsplit("\\", 1)[1]
        hand_over = self.on_desktop.get(image.lower())
        if hand_over is not None:
            running = self.processes.named(image, session)
            process = running[0] if running else self.processes.start(image, session, path=path, user=person.name)
            hand_over(words[1:])
            return process
        shells = [process for process in self.processes.named("explorer.exe", session) if not process.window]
        window = image.lower() == "explorer.exe" and bool(shells)
        return self.processes.start(image, session, path=path, user=person.name, window=window)

    # -- for those who watch -------------------------------------------------------------------------------------

    def record(self, kind: str, subject: str, *, volume: str = "C") -> None:
        """Write one journal entry."""
        self._journal.record(kind, subject, volume=volume)

    def signed_in(self) -> set[str]:
        """Launchers, browsers and messengers that would still sign the owner in."""
        return launchers.signed_in(self.files, self.registry, self.owner)

    def damaged(self, *, deep: bool = False) -> list[str]:
        """What a sign-out (``deep``: a thorough one) has hurt that it should not have: files, values, other programs."""
        return [
            *launchers.damaged(self.files, self.registry, self.owner, deep=deep),
            *(f"owner: {path} was killed" for path in self._missing_strangers()),
        ]

    def still_running(self) -> list[str]:
        """Launchers' processes that run, each by its path."""
        ours = {program.path for program in launchers.started(self.owner) if program.launcher}
        return [process.path for process in self.processes if process.path in ours]

    def _missing_strangers(self) -> list[str]:
        there = {process.path for process in self.processes}
        return [
            program.path
            for program in launchers.started(self.owner)
            if not program.launcher and program.path not in there
        ]

    def shell_running(self) -> bool:
        """Whether the console user sees a desktop: an explorer.exe of his session that is no folder window."""
        return any(not process.window for process in self.processes.named("explorer.exe", self.console_session))

    def lasting(self) -> dict[str, object]:
        """All that the disks hold once every overlay is dropped: two of these are equal when nothing was lost and nothing left behind."""
        return {
            "files": self.files.lasting(),
            "registry": self.registry.lasting(),
            "services": self.services.lasting(),
            "firewall": self.firewall.lasting(),
            "tasks": self.tasks.lasting(),
        }

    def watch(self, watcher: Callable[[Entry], None]) -> None:
        """Call the watcher with each entry of the journal as it is written."""
        self._journal.watchers.append(watcher)

    def quietly(self) -> Journal:
        """``with`` this, what happens is not written down: the owner's own doing."""
        return self._journal

    def unplug(self, letter: str) -> None:
        """A disk in a box on USB goes: its letter, and what Shadow Mode covered."""
        with self._journal:
            self.shadow.unplug(letter)
            self.files.unplug(letter)

    def player_deletes_cmdtool(self) -> None:
        """The fault cmdtool_deleted: a player removes Shadow Defender's command line tool."""
        if self.files.exists(installation.CMDTOOL):
            with self._journal:
                self.files.delete(installation.CMDTOOL)

    # -- Shadow Mode ---------------------------------------------------------------------------------------------

    def _begin_shadow(self, letter: str) -> None:
        self.files.begin_shadow(letter)
        if letter == "C":
            for part in self._on_system_volume:
                part.begin_shadow()

    def _leave_shadow(self, letter: str) -> None:
        """Left in mid-flight: files lose what was written, but the registry in memory is saved to the real disk."""
        self.files.forget(letter)
        if letter == "C":
            for part in self._on_system_volume:
                part.keep()

    def _roll_back(self, letter: str) -> None:
        self.files.forget(letter)
        if letter == "C":
            for part in self._on_system_volume:
                part.forget()

    def _keep(self, letter: str) -> None:
        self.files.keep(letter)
        if letter == "C":
            for part in self._on_system_volume:
                part.keep()

    def _stored(self, path: str, name: str, value: Value) -> Value:
        """What the registry really keeps of a value."""
        unkept = "policy_not_kept" in self.faults and name.lower() == _UNKEPT_POLICY and "\\policies\\" in path.lower()
        return Value(value.kind, 0) if unkept and value.kind == "REG_DWORD" else value
