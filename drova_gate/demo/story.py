"""The story of one rental: what the player and the cloud do, act by act. What the gate does is its own affair."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from drova_gate.config import Mode
from drova_gate.core.model import Phase
from drova_gate.demo.stage import RENTERS_FILE, Act, Stage
from drova_gate.sim.faults import FAULTS
from drova_gate.sim.player import Player, PlayerDropped

__all__ = ["play_rental"]

LOOK_SECONDS = 0.01
TRIES_TOLD = 3
"""A refused player tries again and again; the timeline shows the first tries and counts the rest."""


async def play_rental(stage: Stage, act: Act) -> None:
    """Play one rental on one station to its end."""
    refused = stage.fault is not None and FAULTS[stage.fault].refused
    # A station that is off, or a cloud that asks for patience, has its first seconds behind it before anybody can rent it.
    start = max(stage.pace.start, 8.0) if stage.fault in ("station_off", "cloud_429") else stage.pace.start
    await _until(lambda: act.phase is Phase.CLEAN, start)
    act.signed_in_before = frozenset(act.station.machine.signed_in())
    act.boots_before = act.station.machine.boot_count
    act.commands_before = len(act.station.commands)
    act.session = stage.cloud.start_session(act.server)
    act.session_began_at = time.monotonic()
    stage.note(act, "cloud", "session", "a desktop session is offered (HANDSHAKE)")
    player = Player(f"{act.name}'s player")
    try:
        if stage.mode is Mode.SOCKET:
            came_in = await _through_the_door(stage, act, player)
        else:
            came_in = await _straight_in(stage, act, player)
        if came_in:
            await _play(stage, act, player)
    finally:
        await player.close()
    await _leave(stage, act, came_in=came_in, refused=refused)


async def _through_the_door(stage: Stage, act: Act, player: Player) -> bool:
    """Socket mode: connect to the relay, wait for the ready byte; a refused player tries again a few times, as the real client does."""
    deadline = asyncio.get_running_loop().time() + stage.pace.patience
    aborted = stage.fault == "aborted_preparing"
    tries = 0
    while asyncio.get_running_loop().time() < deadline:
        tries += 1
        try:
            await player.connect("127.0.0.1", act.gate.config.listen_port or 0)
            if tries <= TRIES_TOLD:
                stage.note(act, "player", "connect", "connects to the gate's port" + (" again" if tries > 1 else ""))
            if aborted:
                await _until(lambda: act.phase is Phase.PREPARING, _refused_after(stage))
                stage.cloud.abort(act.session)
                stage.note(act, "cloud", "abort", "the session is ABORTED while the station is being prepared")
            await player.wait_ready(_refused_after(stage))
        except (PlayerDropped, ConnectionError, TimeoutError):
            if tries <= TRIES_TOLD:
                stage.note(act, "player", "refused", "is turned away without a byte")
            await player.close()
            if aborted:
                return False
            await asyncio.sleep(0.3)
            continue
        _let_in(stage, act)
        stage.cloud.set_status(act.session, "ACTIVE")
        return True
    if tries > TRIES_TOLD:
        stage.note(act, "player", "refused", f"tried {tries} times and was turned away each time")
    return False


async def _straight_in(stage: Stage, act: Act, player: Player) -> bool:
    """Poll mode: no door of ours; the player is in as soon as the station says so, prepared or not."""
    if stage.fault == "aborted_preparing":
        await _until(lambda: act.phase is Phase.PREPARING, _refused_after(stage))
        stage.cloud.abort(act.session)
        stage.note(act, "cloud", "abort", "the session is ABORTED while the station is being prepared")
        return False
    deadline = asyncio.get_running_loop().time() + stage.pace.patience
    while True:
        try:
            await player.connect("127.0.0.1", act.station.agent_port)
            await player.wait_ready(_refused_after(stage))
            break
        except (PlayerDropped, ConnectionError, TimeoutError):
            await player.close()
            if asyncio.get_running_loop().time() > deadline:
                stage.note(act, "player", "lost", "the station takes no connection, or never says that it is ready")
                return False
            await asyncio.sleep(0.3)
    _let_in(stage, act)
    stage.cloud.set_status(act.session, "ACTIVE")
    # He plays on at least until the gate is done, or has had its chance.
    await _until(lambda: act.phase is Phase.IN_SESSION, stage.pace.patience)
    return True


def _let_in(stage: Stage, act: Act) -> None:
    act.player_in_at = asyncio.get_running_loop().time()
    if act.ready_sent_at is None:  # poll mode: nobody but the player sees the ready byte
        act.ready_sent_at = act.player_in_at
    act.signed_in_when_let_in = frozenset(act.station.machine.signed_in())
    stage.note(act, "player", "in", "is in: the ready byte is here")


async def _play(stage: Stage, act: Act, player: Player) -> None:
    """The player plays: bytes both ways, a sign-in of his own, files on the disk."""
    machine = act.station.machine
    machine.files.write(rf"C:\{RENTERS_FILE}", b"mine")
    if stage.fault == "cmdtool_deleted":
        machine.player_deletes_cmdtool()
        stage.note(act, "player", "mischief", "deletes CmdTool.exe, the way out of Shadow Mode")
    try:
        latency = await player.echo(b"play" * 16)
        await player.bulk(4 * 1024 * 1024)
        stage.note(act, "player", "play", f"plays: 4 MiB of picture intact, an echo in {_short(latency)}")
        if stage.fault == "second_connection":
            await _second_connection(stage, act)
        if stage.fault == "client_half_closes":
            await player.half_close()
            await player.receive_rest()
            stage.note(act, "player", "half_close", "closes his sending side and still gets all that he is owed")
    except (ConnectionError, TimeoutError, ValueError) as error:
        stage.note(act, "player", "lost", f"the stream broke: {error}")
    await asyncio.sleep(stage.pace.play)


def _short(seconds: float) -> str:
    """The loop's clock counts milliseconds."""
    return "under 1 ms" if seconds < 0.001 else f"{seconds * 1000:.0f} ms"


async def _second_connection(stage: Stage, act: Act) -> None:
    second = Player("second connection")
    try:
        await second.connect("127.0.0.1", act.gate.config.listen_port or act.station.agent_port)
        waited = await second.wait_ready()
        stage.note(act, "player", "second", f"opens a second connection: in after {waited:.2f} s, nothing else changes")
    finally:
        await second.close()


async def _leave(stage: Stage, act: Act, *, came_in: bool, refused: bool) -> None:
    """The session ends, and the gate has to bring the station back."""
    if came_in and stage.fault == "back_to_back":
        second = stage.cloud.start_session(act.server)
        stage.cloud.set_status(second, "ACTIVE")
        stage.note(act, "cloud", "session", "the next session starts; FINISHED of the first is never shown")
        await _until(lambda: act.phase is Phase.RESETTING, stage.pace.end)
        stage.cloud.finish(second)
    elif came_in:
        stage.cloud.finish(act.session)
        stage.note(act, "player", "leave", "leaves; the cloud says FINISHED")
    elif stage.fault != "aborted_preparing":
        stage.cloud.abort(act.session)
        stage.note(
            act,
            "cloud",
            "abort",
            "the session is ABORTED: its player was not let in" if refused else "the session is ABORTED",
        )
    with suppress(TimeoutError):
        await _until(lambda: _settled(act), stage.pace.end)
    if act.phase is Phase.QUARANTINED:
        with suppress(TimeoutError):
            await _until(lambda: not stage.cloud.servers[act.server].published, stage.pace.end / 4)
    act.clean_at = asyncio.get_running_loop().time()


def _settled(act: Act) -> bool:
    """Proved clean, or quarantined, or never known well enough to be touched at all."""
    return act.phase is Phase.QUARANTINED or (
        act.phase in (Phase.CLEAN, Phase.UNKNOWN) and act.gate.controller.record.session is None
    )


def _refused_after(stage: Stage) -> float:
    return stage.pace.hold + stage.pace.grace


async def _until(reached: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so, at most for a while; returns whether it is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not reached():  # noqa: ASYNC110 - the simulator's state has no event for everything a story waits for
                await asyncio.sleep(LOOK_SECONDS)
    return reached()
