"""The gate of one cell: in this very loop at a quick pace, or as a process of its own that can be killed."""

# ruff: noqa: D102 -- what each method is for stands once, in Gate

import asyncio
import json
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import drova_gate
from drova_gate.config import Mode, read_config
from drova_gate.controller import Happening
from drova_gate.core.model import Phase
from drova_gate.observe import Timing
from drova_gate.station import Station, open_station

__all__ = ["Gate", "GateInLoop", "GateProcess"]

QUICK = Timing(
    idle_poll=0.3,
    idle_relay=0.6,
    held_poll=0.15,
    arrival_poll=0.15,
    look=0.6,
    look_soon=0.15,
    published=0.3,
    error_cap=1.0,
    owner_cap=1.0,
)
"""The limits of a real PC shrink with the simulated one's boot time."""
STOP_SECONDS = 5.0
"""For a stopped gate to be gone."""


class Gate(ABC):
    """One gate; ``start`` again after ``stop`` or ``kill`` goes on with the same state folder."""

    def __init__(
        self, mode: Mode, settings: Mapping[str, str], folder: Path, name: str, tasks: asyncio.TaskGroup
    ) -> None:
        self.mode, self.settings, self.folder, self.name, self.tasks = mode, settings, folder, name, tasks
        self.clock_ahead = 0.0
        """Seconds by which the router's clock is wrong."""

    def router_clock(self) -> float:
        """Seconds since 1970, as the router believes."""
        return time.time() + self.clock_ahead

    @abstractmethod
    def told_since(self, moment: float) -> bool:
        """Whether it has told the owner of something since then, by the monotonic clock."""

    @property
    @abstractmethod
    def own_folder(self) -> Path:
        """Where it remembers this station."""

    @property
    @abstractmethod
    def phase(self) -> str:
        """Where it stands, in its own words: for messages."""

    @property
    @abstractmethod
    def settled(self) -> bool:
        """It takes the station for clean and guards no session: a reason to end the wait, never a proof."""

    @abstractmethod
    async def start(self) -> None:
        """Start it."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop it as systemd does; nothing happens when it does not run."""


class GateInLoop(Gate):
    """The gate's real parts in this loop, at a quick pace."""

    _station: Station | None = None
    _task: asyncio.Task[None] | None = None
    _told_at = float("-inf")

    @property
    def own_folder(self) -> Path:
        return self.folder / self.name

    @property
    def settled(self) -> bool:
        if self._station is None:
            return False
        controller = self._station.controller
        return controller.phase is Phase.CLEAN and controller.record.session is None

    @property
    def phase(self) -> str:
        return (
            "stopped"
            if self._station is None
            else f"{self._station.controller.phase}: {self._station.controller.reason}"
        )

    async def start(self) -> None:
        (config,) = read_config(self.mode, self.settings).stations
        station = open_station(replace(config, name=self.name), self.mode, self.folder, tell=self._told, timing=QUICK)
        observer = station.controller.observer
        observer.policy = replace(
            observer.policy,
            reset_wait_seconds=5.0,
            reset_ignored_seconds=1.5,
            prepare_retry_seconds=0.3,
            prepare_retry_cap=0.6,
            mend_seconds=3.0,
            rest_seconds=1.0,
        )
        observer.wall = self.router_clock
        self._station = station
        self._task = self.tasks.create_task(station.run(), name=f"{self.name}: gate")

    async def stop(self) -> None:
        task, self._task, self._station = self._task, None, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def told_since(self, moment: float) -> bool:
        return self._told_at >= moment

    def _told(self, happening: Happening) -> None:
        if happening.kind in ("alarm", "not_prepared"):
            self._told_at = time.monotonic()


class GateProcess(Gate):
    """The gate as ``python -m drova_gate socket|poll``: its own pace, and SIGKILL."""

    _process: asyncio.subprocess.Process | None = None

    @property
    def own_folder(self) -> Path:
        found = [path for path in self.folder.iterdir() if path.is_dir()] if self.folder.is_dir() else []
        return found[0] if found else self.folder

    @property
    def log_file(self) -> Path:
        """What it prints, of all its lives."""
        return self.folder / "gate.log"

    @property
    def settled(self) -> bool:
        with suppress(OSError, ValueError):
            record = json.loads((self.own_folder / "state.json").read_text())
            return record["phase"] == "clean" and record["session"] is None
        return False

    @property
    def phase(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return lines[-1] if lines else "silent"

    async def start(self) -> None:
        file = self.folder / "gate.env"
        # Single quotes: nothing in them means anything to the reader of env files.
        file.write_text("".join(f"{name}='{value}'\n" for name, value in self.settings.items()))
        file.chmod(0o600)
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "drova_gate", str(self.mode), "--env", str(file)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Nothing of the caller's environment may change what it does.
                env={"PATH": os.defpath, "PYTHONPATH": str(Path(drova_gate.__file__).parents[1])},
                start_new_session=True,
            )

    def told_since(self, moment: float) -> bool:  # noqa: ARG002 - its lines carry another clock; all of them are of this cell
        return self.log_file.exists() and " ERROR " in self.log_file.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL, in this very moment."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
