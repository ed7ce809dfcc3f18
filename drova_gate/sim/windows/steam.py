r"""The Steam client at work on a simulated PC: what ``steam://validate/ID`` does to its manifests and its log.

Real clients write ``[date time] `` before each line of ``logs\content_log.txt``, name states with a comma behind each, and write the
manifest when a state changes. Nobody promises more, so the simulated one has switches for what is not known.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from drova_gate.sim.windows.saved_steam import APPS, LOG, SteamApp, manifest_path, manifest_text

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["SteamClient"]

_VALIDATE = "steam://validate/"
_UPDATING = 4 | 256
"""Fully Installed, Update Running."""
_REPAIRING = 2 | 4 | 32 | 256 | 1024
"""Update Required, Fully Installed, Files Missing, Update Running, Update Started."""


class SteamClient:
    """Steam of the console's user; ``opened`` is what a second steam.exe with an address hands over to the one that runs."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine
        self.seconds = 1.0
        """What a verification takes in all."""
        self.mismatched: dict[int, tuple[int, int]] = {}
        """App to files and bytes that the verification finds wrong, once."""
        self.results: dict[int, str] = {}
        """App to the word that its job ends with instead of ``No Error``."""
        self.ignores: set[int] = set()
        """Apps for which nothing happens at all."""
        self.skips: set[int] = set()
        """Apps that their makers let nobody verify."""
        self.offline = False
        """Everything stays in the queue."""
        self.writes_log = True
        self.writes_manifests = True
        self.newer_words = False
        """The end of the check as later clients tell it, without bytes."""
        self.opened_addresses: list[str] = []
        self._turn = asyncio.Lock()

    async def opened(self, words: Sequence[str]) -> None:
        """Do what an address says."""
        address = words[-1] if words else ""
        self.opened_addresses.append(address)
        app_id = address.removeprefix(_VALIDATE)
        app = next((one for one in APPS if str(one.app_id) == app_id), None)
        if not address.startswith(_VALIDATE) or app is None or app.app_id in self.ignores or not self._signed_in():
            return
        boot = self._machine.boot_count
        async with self._turn:  # one job at a time, as Steam does
            with suppress(_Ended):
                await self._validate(app, boot)

    async def _validate(self, app: SteamApp, boot: int) -> None:
        name = f"AppID {app.app_id}"
        self._log(f"Start validating appID {app.app_id}")
        if app.app_id in self.skips:
            self._log(f'{name} is marked "NoUpdatesAfterInstall" - skipping validation')
            return
        self._log(f'Scheduler update appID {app.app_id}: Priority First, legacy=no, restore=""')
        if self.offline:
            self._log(f"{name} state changed : Fully Installed,Update Queued,")
            return
        self._log(f"{name} state changed : Fully Installed,Update Running,")
        self._write(app, _UPDATING)
        for step in ("Running,", "Running,Reconfiguring,", "Running,", "Running,Validating,"):
            self._log(f"{name} update changed : {step}")
        self._log("Validating files (all active,full) ...")
        await self._work(0.5, boot)
        files, size = self.mismatched.pop(app.app_id, (0, 0))
        for number in range(min(files, 3)):
            self._log(
                f'Validation: size mismatch "{app.in_library}\\steamapps\\common\\{app.folder}\\data{number}.pak"'
            )
        if self.newer_words:
            self._log(f"Validation: full scan found {files}/2027 mismatching files")
        else:
            self._log(
                f"File validation finished: 2027 files ({app.size} bytes) total, {files} files ({size} bytes) mismatched (12266 msec)."
            )
        if files:
            await self._repair(app, size, boot)
        result = self.results.get(app.app_id, "No Error")
        self._log(f"{name} update changed : None")
        self._log(f"{name} state changed : Fully Installed,")
        self._log(f"{name} scheduler finished : removed from schedule (result {result}, state 0xc)")
        self._write(app, app.flags, BytesToDownload=size, BytesDownloaded=size)

    async def _repair(self, app: SteamApp, size: int, boot: int) -> None:
        name = f"AppID {app.app_id}"
        self._log(f"{name} state changed : Update Required,Fully Installed,Files Missing,Update Running,")
        self._log(f"{name} update started : download 0/{size}, store 0/0, reuse 0/0, delta 0/0, stage 0/{size} ")
        self._log(f"{name} update changed : Running,Downloading,")
        for part in (1, 2):
            done = size * part // 3
            self._write(
                app, _REPAIRING, BytesToDownload=size, BytesDownloaded=done, BytesToStage=size, BytesStaged=done
            )
            await self._work(0.2, boot)
        self._log(f"{name} update changed : Running,Committing,")
        await self._work(0.1, boot)

    async def _work(self, part: float, boot: int) -> None:
        await asyncio.sleep(self.seconds * part)
        machine = self._machine
        if not machine.up or machine.boot_count != boot or not machine.processes.named("steam.exe"):
            raise _Ended

    def _signed_in(self) -> bool:
        key = rf"{self._machine.owner.hive}\Software\Valve\Steam\ActiveProcess"
        value = self._machine.registry.get(key, "ActiveUser")
        return value is not None and bool(value.data)

    def _log(self, line: str) -> None:
        if self.writes_log:
            files = self._machine.files
            stamp = time.strftime("[%Y-%m-%d %H:%M:%S] ")
            with self._machine.quietly():
                before = files.read(LOG) if files.exists(LOG) else b""
                files.write(LOG, before + (stamp + line + "\n").encode())

    def _write(self, app: SteamApp, flags: int, **changes: object) -> None:
        path = manifest_path(app)
        if self.writes_manifests and self._machine.files.exists(path):
            with self._machine.quietly():
                self._machine.files.write(path, manifest_text(app, StateFlags=flags, **changes).encode())


class _Ended(Exception):
    """Steam was closed, or the PC went down."""
