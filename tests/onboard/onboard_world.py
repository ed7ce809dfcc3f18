"""A station and a cloud to be set up, and ``drova_gate init`` as a process: with a script's input, or on a terminal of its own."""

import asyncio
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from typed import typed

from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.station import Costs, Station, StationPlan

PLAN = StationPlan(costs=Costs(command=0.0, process=0.0, reboot=0.2, ready=0.05))


@dataclass
class Terminal:
    """A person at a terminal."""

    process: asyncio.subprocess.Process
    master: int
    seen: str = ""
    shown: int = 0
    """How much of it was waited for."""
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def sees(self, text: str, seconds: float = 20.0) -> None:
        """Wait until a text stands on the screen, behind what was waited for before."""
        async with asyncio.timeout(seconds):
            while (at := self.seen.find(text, self.shown)) < 0:
                self.more.clear()
                await self.more.wait()
        self.shown = at + len(text)

    def types(self, text: bytes | str) -> None:
        os.write(self.master, text if isinstance(text, bytes) else text.encode())

    async def presses(self, key: bytes) -> None:
        """Press a key until the program hears it: Python misses a Ctrl-C between its prompt and its read, a person presses again."""
        before = len(self.seen.splitlines())
        async with asyncio.timeout(20):
            while len(self.seen.splitlines()) == before:
                self.types(key)
                await asyncio.sleep(1)

    async def ended(self) -> int:
        async with asyncio.timeout(30):
            return await self.process.wait()


@dataclass
class World:
    """A station that nobody has set up, and where its settings go."""

    station: Station
    cloud: Cloud
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "etc" / "stations.toml"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DROVA_STATE_DIR": str(self.folder / "state"),
            "DROVA_API_URL": self.cloud.url,
            "ENV_LOCATION": "",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "drova_gate", "init", "--dir", str(self.file.parent), *arguments]

    def at(self) -> list[str]:
        return ["--host", self.station.host, "--port", str(self.station.ssh_port)]

    async def init(self, *arguments: str, stdin: str = "", **changes: str) -> tuple[int, str, str]:
        """Run it as a script does, in this process: a start of Python takes longer than most of what is asked."""
        words = ["init", "--dir", self.file.parent, *arguments]
        return await typed(*words, stdin=stdin, **self.environment | changes)

    async def init_by_itself(self, *arguments: str, stdin: str = "", **changes: str) -> tuple[int, str, str]:
        """The same as a process of its own."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            env=self.environment | changes,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(40):
            out, err = await process.communicate(stdin.encode())
        return process.returncode or 0, out.decode(), err.decode()

    @asynccontextmanager
    async def terminal(self, *arguments: str, **changes: str) -> AsyncIterator[Terminal]:
        """Run it on a terminal of its own."""
        master, slave = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            env=self.environment | {"TERM": "dumb", "LANG": "C.UTF-8"} | changes,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        terminal = Terminal(process, master)
        loop = asyncio.get_running_loop()

        def read() -> None:
            try:
                text = os.read(master, 65536).decode("utf-8", "replace")
            except OSError:  # Linux says so when the other end is closed
                text = ""
            if not text:
                loop.remove_reader(master)
            terminal.seen += text.replace("\r\n", "\n")
            terminal.more.set()

        loop.add_reader(master, read)
        try:
            yield terminal
        finally:
            loop.remove_reader(master)
            os.close(master)
            if process.returncode is None:
                process.kill()
                await process.wait()


def _take_terminal() -> None:
    """Make the terminal the session's own, so that Ctrl-C reaches the program and getpass finds it."""
    import fcntl  # noqa: PLC0415 -- runs in the child
    import termios  # noqa: PLC0415 -- runs in the child

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@asynccontextmanager
async def world_of(folder: Path, plan: StationPlan) -> AsyncIterator[World]:
    """A quick station, a cloud that knows it."""
    server, token, owner = plan.registrations[0]
    async with Cloud(CloudPlan()) as cloud, Station(plan) as station:
        cloud.add_server(server, plan.name, owner, token=token)
        yield World(station, cloud, folder)


def changes_of(station: Station) -> list[str]:
    """What was changed on the station."""
    return [entry.kind for entry in station.journal if re.match("write|volatile|kill|reboot", entry.kind)]
