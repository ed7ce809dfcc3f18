"""Steam's own verification of one game: started in the console user's session, followed by what it writes. Steam does the work."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from drova_gate.errors import TryAgain
from drova_gate.host.commands import Run
from drova_gate.host.identity import Console
from drova_gate.host.link import HostLink
from drova_gate.host.parse import labels, processes
from drova_gate.steam.following import Following, Phase, Result, Verdict
from drova_gate.steam.manifest import InstalledApp
from drova_gate.steam.scan import read_app

__all__ = ["Pace", "Verification"]

TASK = "drova_gate_steam"
"""The scheduled task that hands Steam the address; it is deleted in the same command."""
CHUNK = 256 * 1024
"""Bytes of the log that are read at a time: a verification of a broken game names thousands of files."""
MISSING_LOOKS = 2
"""So many times in a row Steam must be found gone: one may fall into its own restart."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    look: float = 1.0
    start: float = 60.0
    """For Steam to take notice."""
    cold_start: float = 180.0
    """The same where Steam itself has to be started first, which may update itself and sign in."""
    queue: float = 120.0
    """In Steam's queue: offline it stays there for ever."""
    settle: float = 5.0
    """Between a clean rest and the last word of the log, which some clients do not write."""
    alive: float = 30.0
    """Between two looks whether Steam still runs."""
    silent: float = 7200.0
    """Without a word in the log while Steam runs: the largest games take an hour on a hard disk, and say nothing meanwhile."""
    lost: float = 90.0
    """Without a link, before it is given up: sshd may restart, the verification goes on without us."""


class Verification:
    """One game's verification on one station."""

    def __init__(self, link: HostLink, steam: str, app: InstalledApp, console: Console, *, running: bool) -> None:
        self._link, self._steam, self._app, self._console = link, steam, app, console
        self._log = rf"{steam}\logs\content_log.txt"
        self._offset: int | None = None
        self._was_running = running
        self._missing_looks = 0
        self._heard_at = 0.0
        self.following = Following(app.app_id)

    async def run(self, told: Callable[[Following], None], pace: Pace) -> Result:
        """Start it and follow it to its end; a cancelled run leaves Steam at work."""
        self._offset = await self._link.size_of(self._log)
        if not await self._start():
            return Result(Verdict.NOT_STARTED, "Windows' task scheduler refused to start it in the user's session")
        clock = asyncio.get_running_loop().time
        began = queued = seen = alive = self._heard_at = clock()
        resting: float | None = None
        while True:
            await asyncio.sleep(pace.look)
            try:
                await self._look()
                if clock() - alive >= pace.alive:
                    alive = clock()
                    await self._count_steam()
            except TryAgain:
                if clock() - seen > pace.lost:
                    raise
                continue
            seen = clock()
            told(self.following)
            if self.following.result is not None:
                return self.following.result
            resting = (resting or clock()) if self.following.resting else None
            if resting is not None and clock() - resting >= pace.settle:
                return self.following.settled()
            if self._missing_looks >= MISSING_LOOKS:
                return Result(Verdict.FAILED, "Steam was closed before it had ended")
            if clock() - self._heard_at > pace.silent:
                return Result(Verdict.FAILED, f"Steam has written nothing about it for {pace.silent / 3600:g} h")
            if self.following.phase is not Phase.QUEUED:
                queued = clock()
            if late := self._late(clock() - began, clock() - queued, pace):
                return late

    def _late(self, since_start: float, in_queue: float, pace: Pace) -> Result | None:
        limit = pace.start if self._was_running else pace.cold_start
        if self.following.phase is Phase.ASKED and since_start > limit:
            return Result(
                Verdict.NOT_STARTED, f"Steam took no notice within {limit:g} s: does it ask something on its screen?"
            )
        if self.following.phase is Phase.QUEUED and in_queue > pace.queue:
            word = f" (it says: {self.following.last_word})" if self.following.last_word else ""
            return Result(
                Verdict.NOT_STARTED, f"it waits in Steam's queue{word}: Steam is offline, or busy with another game"
            )
        return None

    async def _start(self) -> bool:
        """Hand the address to steam.exe in the console user's session: one that runs takes it over, else it starts."""
        account = rf"{self._console.domain}\{self._console.user}" if self._console.domain else self._console.user
        whose = () if self._console.same_as_login else ("/ru", account)
        program = rf'"{self._steam}\steam.exe" steam://validate/{self._app.app_id}'
        # A start time in the past only means that nothing but /run ever starts it.
        create = ("/create", "/f", "/tn", TASK, "/tr", program, "/sc", "once", "/st", "00:00", "/it", *whose)
        done = await self._link.run(
            (
                Run("schtasks.exe", create, label="create"),
                Run("schtasks.exe", ("/run", "/tn", TASK), label="run"),
                Run("schtasks.exe", ("/delete", "/f", "/tn", TASK), label="delete"),
            )
        )
        said = labels(done.stdout)
        return said.get("create") == "ok" and said.get("run") == "ok"

    async def _look(self) -> None:
        """Read what is new in the log, and the manifest."""
        size = await self._link.size_of(self._log)
        if size is not None:
            if self._offset is None or size < self._offset:
                self._offset = 0  # begun anew: Steam keeps the old one as content_log.previous.txt
            while self._offset < size:
                data = await self._link.read_at(self._log, self._offset, CHUNK)
                if not data:
                    break
                self._offset += len(data)
                self._heard_at = asyncio.get_running_loop().time()
                self.following.hear(data.decode("utf-8", errors="replace"))
        app = await read_app(self._link, self._app.in_library, self._app.app_id)
        self.following.see(app, no_log=size is None)

    async def _count_steam(self) -> None:
        done = await self._link.run((Run("tasklist.exe", ("/fi", "imagename eq steam.exe", "/fo", "csv", "/nh")),))
        self._missing_looks = 0 if processes(done.stdout) else self._missing_looks + 1
