"""One simulated station and the gate that guards it, at a pace for tests: what is tested is what happens, not how long it takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from drova_gate.config import Mode, StationConfig
from drova_gate.demo.stage import Act, Pace, Stage
from drova_gate.observe import Timing
from drova_gate.sim.station import Costs, Station, StationPlan

__all__ = ["PATIENT", "QUICK", "Unprotected", "playing", "set_up", "until"]

QUICK = Pace(
    costs=Costs(command=0.0, process=0.0, reboot=0.2, ready=0.05),
    start=1.5,
    hold=1.0,
    grace=0.8,
    patience=4.5,
    play=0.2,
    reset_wait=4.0,
    reset_ignored=1.0,
    end=25.0,
    timing=Timing(
        idle_poll=0.2, idle_relay=0.5, look=0.5, look_soon=0.1, held_poll=0.1, arrival_poll=0.1, published=0.2
    ),
    poll=0.2,
)
"""A station that answers at once."""
PATIENT = replace(QUICK, hold=8.0)
"""For a player who has one try only, on a machine that may be busy."""


class Unprotected(Stage):
    """A stage whose owner has chosen DROVA_PROTECTOR=none."""

    def _config(self, name: str, plan: StationPlan, station: Station) -> StationConfig:
        return replace(super()._config(name, plan, station), protector="none", protector_password=None, drives=None)


def set_up(
    folder: Path, mode: Mode = Mode.SOCKET, fault: str | None = None, kind: type[Stage] = Stage, pace: Pace = QUICK
) -> Stage:
    """Set up a stage with one station; nothing runs yet."""
    return kind(mode, 1, fault, folder, lambda *_: None, pace=pace)


@asynccontextmanager
async def playing(stage: Stage) -> AsyncIterator[Act]:
    """Run the gate of the only station meanwhile."""
    async with stage, asyncio.TaskGroup() as group:
        (act,) = stage.acts
        running = group.create_task(act.gate.run())
        yield act
        running.cancel()


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something is so; ``TimeoutError`` when it does not become so."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
