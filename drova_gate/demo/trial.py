"""One cell played: a rental from before its offer to the proof, its fault at its step, the world mended, the station clean."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drova_gate.config import Mode
from drova_gate.demo.gates import Gate, GateInLoop, GateProcess
from drova_gate.demo.invariants import Violation, judge
from drova_gate.demo.matrix import Cell, Heals, Step
from drova_gate.demo.scene import Scene, until
from drova_gate.demo.strikes import STRIKES
from drova_gate.sim.player import Player, PlayerDropped

__all__ = ["Outcome", "Patience", "run_cell"]

CELL_LIMIT = 150.0
"""Seconds after which a cell is broken off; it takes three to twenty."""
TRY_AGAIN_SECONDS = 0.2
LASTS_SECONDS = 1.0
"""How long a fault lasts that heals by itself."""
EXCUSED_SECONDS = 6.0
"""For a station without a relay whose owner was told why it is not prepared: the gate may still come to it."""
HOPELESS_SECONDS = 3.0
"""For a player who cannot be let in before the owner has mended something."""
PLAY_SECONDS = 0.4
ENCORE_SECONDS = 2.5
"""For a gate that was started anew in mid-session to do what it must not: longer than its patience with a reset that seems ignored."""
LINGER_SECONDS = 0.4
"""After the end: a second reset would come in the next cycle."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a cell waits for what must come, in seconds. A busy machine plays many cells at once."""

    served: float = 40.0
    """For a player to be let in, and his station to be prepared, once the world is healthy."""
    owner: float = 20.0
    """For a station that is not clean to be hidden from the catalogue: its reset's proof takes 5 s at most here."""
    end: float = 45.0
    """For the station to be proved clean in a healthy world."""
    step: float = 30.0
    """For the cell's step to come, and for a world that heals by itself."""
    shown: float = 15.0
    """For a station that the gate has hidden to be shown again: it writes to the catalogue every 10 s at most."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one cell ended."""

    cell: Cell
    violations: tuple[Violation, ...]
    seconds: float
    last_word: str = ""
    """Where the gate stood at the end, by its own words."""

    @property
    def survived(self) -> bool:
        """No promise was broken."""
        return not self.violations


async def run_cell(
    cell: Cell, folder: Path, gate: type[Gate] | None = None, patience: Patience | None = None
) -> Outcome:
    """Play one cell in its own folder and judge it; ``gate``: another one than the cell would choose."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    last_word = ""
    kind = gate or (GateProcess if cell.fault.process else GateInLoop)
    try:
        async with asyncio.timeout(CELL_LIMIT), asyncio.TaskGroup() as tasks:
            scene = Scene(cell, folder, STRIKES[cell.fault.name].strike, tasks, kind)
            try:
                await scene.open()
                await _play(scene, patience or Patience())
                last_word = scene.gate.phase
                await scene.gate.stop()
                violations = judge(scene)
            finally:
                await scene.close()
    except* Exception as group:  # noqa: BLE001 - the top of a cell
        # Whatever broke, the other cells go on.
        violations = (Violation("ends", f"broke: {group.exceptions!r}"),)
    return Outcome(cell, violations, time.monotonic() - began, last_word)


async def _play(scene: Scene, patience: Patience) -> None:
    cell, strike = scene.cell, STRIKES[scene.cell.fault.name]
    await scene.gate.start()
    if not await until(lambda: scene.looked, patience.step):
        scene.records.hollow.append("the gate never looked at the station")
        return
    scene.reach(Step.BEFORE_OFFER)
    if scene.struck.is_set():
        await asyncio.sleep(LASTS_SECONDS / 3)
    scene.spawn(_heal_by_itself(scene))
    await _rental(scene, patience, first=True)
    if scene.needs_owner:
        await _wait_for_owner(scene, patience)
        if cell.fault.encore:
            # On a busy machine the gate's first restart would else come in the midst of the second session, and then once more.
            await scene.calm(patience.step)
            await _rental(scene, patience, first=False)
            await _wait_for_owner(scene, patience)
        strike.heal(scene)
        scene.healed.set()
    if not await until(lambda: scene.struck.is_set() and scene.healed.is_set(), patience.step):
        scene.records.hollow.append(f"the step {cell.step} never came")
    await scene.calm(patience.step)
    scene.ended_clean = await until(lambda: scene.gate.settled and not scene.dirty, patience.end)
    await until(lambda: scene.published, patience.shown)
    await asyncio.sleep(LINGER_SECONDS)
    if not strike.bit(scene):
        scene.records.hollow.append("the fault left no trace: it did not strike where it should")


async def _heal_by_itself(scene: Scene) -> None:
    await scene.struck.wait()
    if scene.cell.fault.heals is Heals.SOON:
        await asyncio.sleep(LASTS_SECONDS)
        STRIKES[scene.cell.fault.name].heal(scene)
    if not scene.needs_owner:
        scene.healed.set()


async def _rental(scene: Scene, patience: Patience, *, first: bool) -> None:
    """One session from its offer to its end by the cloud's word."""
    session = scene.offer()
    if first:
        scene.reach(Step.AT_OFFER)
    playing = scene.tasks.create_task(_player(scene, session))
    try:
        await _game(scene, patience, first=first)
        if not first:
            # The gate is started anew in the middle of a session that its state file does not know.
            await scene.gate.stop()
            await scene.gate.start()
            await asyncio.sleep(ENCORE_SECONDS)
        if scene.records.arrivals:
            scene.cloud.finish(session)
        else:
            scene.cloud.abort(session)
        if first:
            scene.reach(Step.FINISHED)
    finally:
        playing.cancel()


async def _game(scene: Scene, patience: Patience, *, first: bool) -> None:
    """He is let in, and plays until the world is healthy and his station prepared, and a little longer."""
    cell = scene.cell
    hopeless = not cell.fault.serves and scene.needs_owner
    if first and cell.step.before(Step.IN_SESSION):
        await until(lambda: scene.struck.is_set() or scene.served, patience.served)
        await _healed(scene, patience)
    served = await _served(scene, HOPELESS_SECONDS if hopeless else patience.served)
    if first and cell.step is Step.IN_SESSION:
        scene.reach(Step.IN_SESSION)
        if hopeless:
            # Nobody waits for him to be served: a strike that waits for its moment must not come after the session's end.
            await scene.calm(patience.step)
        await asyncio.sleep(PLAY_SECONDS)
        await _healed(scene, patience)
        served = await _served(scene, HOPELESS_SECONDS if hopeless else patience.served)
    await asyncio.sleep(PLAY_SECONDS)
    if not served and not hopeless:
        scene.records.unserved = "he plays on a station that is not prepared" if scene.inside else "he is kept out"


async def _served(scene: Scene, seconds: float) -> bool:
    """Wait until he is in on a prepared station; without a relay a gate that has said why not is not waited for as long."""
    began = time.monotonic()

    def settled() -> bool:
        excused = scene.cell.mode is Mode.POLL and scene.told and time.monotonic() - began > EXCUSED_SECONDS
        return scene.served or excused

    await until(settled, seconds)
    return scene.served


async def _healed(scene: Scene, patience: Patience) -> None:
    """Wait for a world that heals by itself."""
    if scene.cell.fault.heals is Heals.SOON:
        await until(scene.healed.is_set, patience.step)


async def _player(scene: Scene, session: str) -> None:
    """A player who comes again whenever he is turned away or dropped, as the real client does."""
    player = Player(scene.cell.name)
    port = scene.listen_port if scene.cell.mode is Mode.SOCKET else scene.station.agent_port
    try:
        while True:
            try:
                await player.connect("127.0.0.1", port)
                await player.wait_ready()
            except (PlayerDropped, ConnectionError, TimeoutError):
                scene.records.turned_away += 1
                await player.close()
                await asyncio.sleep(TRY_AGAIN_SECONDS)
                continue
            scene.let_in()
            if session in scene.live_sessions():
                scene.cloud.set_status(session, "ACTIVE")
            await _play_on(scene, player)
    finally:
        scene.inside = False
        await player.close()


async def _play_on(scene: Scene, player: Player) -> None:
    """Until the connection ends: bytes both ways, and a file left behind."""
    with suppress(PlayerDropped, ConnectionError, TimeoutError, ValueError):
        await player.echo(b"play" * 16)
        await player.wait_closed(CELL_LIMIT)
    scene.inside = False
    await player.close()


async def _wait_for_owner(scene: Scene, patience: Patience) -> None:
    """What is broken stays broken: a station that is not clean must be out of the catalogue, and the owner told."""
    await until(lambda: not scene.published or (scene.gate.settled and not scene.dirty), patience.owner)
    scene.records.shown_dirty = scene.records.shown_dirty or (scene.dirty and scene.published)
    scene.records.untold = scene.records.untold or (scene.dirty and not scene.told)
