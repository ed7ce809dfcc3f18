"""One simulated station: a Windows PC with its sshd and the Drova agent, that can be switched off and reboots."""

import asyncio
import logging
import re
from collections.abc import Callable, MutableSet
from typing import Self

from drova_gate.sim.agent import Agent
from drova_gate.sim.plan import Costs, Entry, StationPlan
from drova_gate.sim.shells import cmd, powershell
from drova_gate.sim.ssh import Door, SshFront, Write
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.windows.steam import SteamClient

__all__ = ["Costs", "Entry", "Station", "StationPlan"]

log = logging.getLogger(__name__)

OFF_SECONDS = 3.0
"""How long the fault station_off keeps the PC off."""
SLOW_BOOT = 5
"""How much longer a reboot takes under slow_boot."""
FEW_SESSIONS = 2
"""MaxSessions under max_sessions_1: with SFTP open there is one command at a time."""
SESSION_DROPS = 5
"""How often ssh_drop_session cuts the links."""
QUIET_SECONDS = 0.5
"""Mid-session: Shadow Mode is on, the preparation has run, and no command came in for this long."""
DROP_AFTER_PROCESSES = 4
"""ssh_drop_preparing cuts the link when the batch file has had time to start this many programs."""
_LOOK_SECONDS = 0.05
_DOWN_SECONDS = 20.0
"""For links and commands to end; they are cut, and take far less than a second on a machine that is not overrun."""


class Station:
    """A PC on loopback; ``async with`` switches it on."""

    def __init__(self, plan: StationPlan, *, host: str = "127.0.0.1") -> None:
        self.plan = plan
        self.host = host
        self.journal: list[Entry] = []
        """Everything that was written, killed, started, logged in; in order."""
        self.machine = Machine(plan, self.journal)
        self.machine.programs["cmd.exe"] = cmd.program
        self.machine.programs["powershell.exe"] = powershell.program
        self.steam = SteamClient(self.machine)
        self.machine.on_desktop["steam.exe"] = lambda words: self._own(self.steam.opened(words), "steam")
        self.agent = Agent(host, 0, plan.costs.ready, faults=self.machine.faults)
        self._ssh = SshFront(
            Door(
                login=plan.login,
                password=plan.password,
                execute=self._execute,
                files=self.machine.files,
                home=self.machine.ssh_user.profile,
                authorized_key=plan.authorized_key,
                max_sessions=FEW_SESSIONS if "max_sessions_1" in plan.faults else plan.max_sessions,
                version=plan.ssh_version,
                sftp=plan.sftp,
                refuses_logins=lambda: "login_refused" in self.faults,
                entered=self._entered,
                began=self._began,
                ended=self._ended,
            ),
            host=host,
        )
        self.agent.on_ready = lambda: self._tell("ready")
        self._watchers: list[Callable[[str, str], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._broke: list[Exception] = []
        """What ended a task of ours before its time: said at the end, or a station that never boots would pass for the gate's fault."""
        self._power = asyncio.Lock()
        self._batch_ran = False
        """A batch file has run to its end since the boot."""
        self._quiet_since = 0.0

    # -- what people read ----------------------------------------------------------------------------------------

    @property
    def faults(self) -> MutableSet[str]:
        """What goes wrong; may be changed at any time, and a fault that strikes once takes itself out."""
        return self.machine.faults

    @property
    def ssh_port(self) -> int:
        """Stays the same over reboots."""
        return self._ssh.port

    @property
    def agent_port(self) -> int:
        """Stays the same over reboots."""
        return self.agent.port

    @property
    def host_key_fingerprint(self) -> str:
        """``SHA256:...`` of the host key that the next connection is shown."""
        return self._ssh.host_key_fingerprint

    @property
    def commands(self) -> list[str]:
        """The text of every command that came in, in order."""
        return self._ssh.door.commands

    @property
    def links(self) -> int:
        """SSH connections that are up."""
        return self._ssh.links

    # -- life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self._listen()
        if "station_off" in self.faults:
            await self.power_off()
            self._own(self._switch_on_later(), "station off")
        self._own(self._watch_reboots(), "watches reboots")
        self._own(self._play_mid_session(), "mid-session")
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._ssh.close()
        await self.agent.close()
        if self._broke:
            raise ExceptionGroup(f"station {self.plan.name} broke while it was simulated", self._broke)

    async def power_off(self) -> None:
        """Pull the plug: links and players are cut, nothing runs any more, the ports refuse."""
        async with self._power:
            await self._go_down()

    async def power_on(self) -> None:
        """Switch on: Windows boots at once, what Shadow Mode covered is gone."""
        async with self._power:
            if not self.machine.up:
                await self._come_up()

    async def reboot(self) -> None:
        """Reboot as ``shutdown /r`` does, and wait until it answers again (unless it never does)."""
        async with self._power:
            await self._go_down()
            seconds = self.plan.costs.reboot * (SLOW_BOOT if "slow_boot" in self.faults else 1)
            await asyncio.sleep(seconds)
            if "never_comes_back" not in self.faults:
                await self._come_up()

    async def drop_ssh(self) -> None:
        """Cut every SSH link; sshd stays, commands run on."""
        self._ssh.cut()

    async def kill_scripts(self) -> None:
        """Kill every shell that SSH has started, as a player with Task Manager can."""
        self._ssh.kill_commands(1)

    async def change_host_key(self) -> None:
        """The SSH server gets another host key (Windows was installed anew), and restarts: links are cut."""
        self._ssh.new_host_key()
        self._ssh.cut()

    def watch(self, watcher: Callable[[str, str], None]) -> None:
        """Call the watcher as things happen: a journal entry's kind and subject, ``command`` and its text, ``off``, ``ready``."""
        self._watchers.append(watcher)
        self.machine.watch(lambda entry: watcher(entry.kind, entry.subject))

    def _tell(self, kind: str, subject: str = "") -> None:
        for watcher in self._watchers:
            watcher(kind, subject)

    async def _listen(self) -> None:
        await self._ssh.open()
        await self.agent.start()

    async def _come_up(self) -> None:
        self.machine.boot()
        self._batch_ran = False
        await self._listen()

    async def _go_down(self) -> None:
        self.machine.halt()
        self.machine.reboot_wanted.clear()
        self._tell("off")
        async with asyncio.timeout(_DOWN_SECONDS):
            await self._ssh.shut()
            await self._ssh.stop_commands()
            await self.agent.stop()

    def _own(self, work: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.create_task(work, name=f"station {self.plan.name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            error.add_note(task.get_name())
            self._broke.append(error)

    async def _switch_on_later(self) -> None:
        await asyncio.sleep(OFF_SECONDS)
        self.faults.discard("station_off")
        await self.power_on()

    async def _watch_reboots(self) -> None:
        while True:
            await self.machine.reboot_wanted.wait()
            if self.machine.reboot_delay > 0:
                await asyncio.sleep(self.machine.reboot_delay)
            if self.machine.reboot_wanted.is_set():  # else: shutdown /a
                await self.reboot()

    # -- SSH -----------------------------------------------------------------------------------------------------

    async def _execute(self, command: str, stdout: Write, stderr: Write) -> int:
        if self.plan.costs.command > 0:
            await asyncio.sleep(self.plan.costs.command)
        if self.plan.shell == "bash":
            return _bash(command, stdout)
        shell = powershell.run if "powershell_shell" in self.faults or self.plan.shell == "powershell" else cmd.run
        return await shell(self.machine, command, stdout, stderr)

    def _entered(self) -> None:
        self.machine.record("login", f"{self.plan.login} over SSH")
        if "host_key_changed" in self.faults:
            self.faults.discard("host_key_changed")
            self._ssh.new_host_key()

    def _began(self, command: str) -> None:
        self._tell("command", command)
        if "ssh_drop_preparing" in self.faults and _runs_batch(command):
            self.faults.discard("ssh_drop_preparing")
            self._own(self._drop_soon(), "ssh_drop_preparing")

    def _ended(self, command: str) -> None:
        self._batch_ran = self._batch_ran or _runs_batch(command)
        self._quiet_since = asyncio.get_running_loop().time()
        if not self.machine.up:
            # shutdown /s: the machine went off by its own program.
            self._own(self._follow_off(), "switches off")

    async def _follow_off(self) -> None:
        async with self._power:
            if not self.machine.up:  # else the command ended in the midst of a reboot
                await self._go_down()

    async def _drop_soon(self) -> None:
        await asyncio.sleep(self.plan.costs.command + DROP_AFTER_PROCESSES * self.plan.costs.process)
        await self.drop_ssh()

    async def _play_mid_session(self) -> None:
        """The fault ssh_drop_session."""
        drops = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if "ssh_drop_session" in self.faults and self._in_mid_session() and self._ssh.links:
                await self.drop_ssh()
                drops += 1
                if drops == SESSION_DROPS:
                    self.faults.discard("ssh_drop_session")

    def _in_mid_session(self) -> bool:
        quiet = asyncio.get_running_loop().time() - self._quiet_since >= QUIET_SECONDS
        return self._batch_ran and bool(self.machine.shadow.active) and not self._ssh.running and quiet


def _bash(command: str, stdout: Write) -> int:
    """A shell that the gate does not know: variables with a dollar are empty, those of Windows are plain text."""
    stdout((re.sub(r"\$\w+", "", command.removeprefix("echo ")) + "\n").encode())
    return 0


def _runs_batch(command: str) -> bool:
    """Whether a command runs an uploaded batch file: the preparation's, for all that a station can tell."""
    lowered = command.lower()
    return ".cmd" in lowered or ".bat" in lowered
