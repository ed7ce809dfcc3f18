"""How each fault of the matrix strikes, and how the world is mended: on the station, the cloud and the router, never in the gate."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from drova_gate.core.model import Lease
from drova_gate.demo.gates import GateProcess
from drova_gate.demo.scene import Scene, until
from drova_gate.lease import LeaseFile
from drova_gate.sim.windows.installation import CMDTOOL
from drova_gate.state import StateFile

__all__ = ["STRIKES", "Strike"]

DAY_SECONDS = 86_400.0
POWER_OFF_SECONDS = 0.4
_WRITE_SECONDS, _WRITE_LOOKS = 2.0, 400
"""For a write of the state file to come to its end: an fsync on a busy disk."""
_PHASE_SECONDS = 25.0
"""For the gate to come to a phase; 5 s at most here, on a machine that is not busy."""
_HIDDEN_SECONDS = 25.0
"""For the gate to see an order and hide its station: a preparation that is under way on a busy machine comes first."""
RESTART_SECONDS = 0.3
"""From the gate's end to its next start; systemd waits a little longer."""


def _nothing(_: Scene) -> None:
    """There is nothing to mend."""


def _left_a_trace(_: Scene) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault at work."""

    strike: Callable[[Scene], None]
    heal: Callable[[Scene], None] = _nothing
    bit: Callable[[Scene], bool] = _left_a_trace
    """Whether the fault has left the trace that it must leave, where that rests on how the gate keeps its files."""


# -- the gate and its router -------------------------------------------------------------------------------------------


async def _restart(scene: Scene, damage: Callable[[Scene], None] = _nothing) -> None:
    await scene.gate.stop()
    damage(scene)
    await asyncio.sleep(RESTART_SECONDS)
    await scene.gate.start()


def _restart_after(damage: Callable[[Scene], None]) -> Callable[[Scene], None]:
    return lambda scene: scene.spawn(_restart(scene, damage))


def _kill(scene: Scene) -> None:
    if not isinstance(scene.gate, GateProcess):
        raise TypeError("only a process can be killed")
    scene.gate.kill()
    scene.spawn(_restart(scene))


def _state_file(scene: Scene) -> Path:
    return scene.gate.own_folder / "state.json"


def _truncate(scene: Scene) -> None:
    file = _state_file(scene)
    # A gate that has never written one finds half a file all the same.
    raw = file.read_bytes() if file.exists() else b'{"version": 1, "phase": "clean"}'
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(raw[: len(raw) // 2])


def _newer(scene: Scene) -> None:
    file = _state_file(scene)
    record = json.loads(file.read_bytes()) if file.exists() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record | {"version": 1000, "of_a_later_version": True}))


def _set_aside(scene: Scene) -> bool:
    return any(scene.gate.own_folder.glob("state.json.damaged-*"))


def _block(scene: Scene, *, full: bool) -> None:
    """No write of the state file gets through any more, for root neither; the gate is started anew soon after."""
    file = _state_file(scene)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name("state.json.new")
    _take_place(partial(beside.symlink_to, "/dev/full") if full else beside.mkdir)
    if not full:
        file.parent.chmod(0o500)
    scene.spawn(_restart_later(scene))


def _take_place(take: Callable[[], None]) -> None:
    """Take the name that a write of the state file needs; one that is under way is let through first, or it would be moved to its place."""
    for _ in range(_WRITE_LOOKS):
        with suppress(FileExistsError):
            return take()
        time.sleep(_WRITE_SECONDS / _WRITE_LOOKS)
    raise FileExistsError("a write of the state file does not end")


async def _restart_later(scene: Scene) -> None:
    await asyncio.sleep(RESTART_SECONDS)
    await _restart(scene)


def _unblock(scene: Scene) -> None:
    file = _state_file(scene)
    file.parent.chmod(0o700)
    beside = file.with_name("state.json.new")
    if beside.is_symlink():
        beside.unlink()
    elif beside.is_dir():
        beside.rmdir()


def _stayed_unwritten(scene: Scene) -> bool:
    return any("state file cannot be written" in line for line in scene.records.log)


def _clock_forward(scene: Scene) -> None:
    scene.gate.clock_ahead = DAY_SECONDS


def _clock_1970(scene: Scene) -> None:
    scene.gate.clock_ahead = -time.time()
    scene.spawn(_restart(scene))


# -- the owner ---------------------------------------------------------------------------------------------------------


def _lease(scene: Scene) -> LeaseFile:
    return LeaseFile(scene.gate.own_folder / "maintenance")


async def _work(scene: Scene) -> None:
    """The owner orders maintenance, sees the station hidden, and ends it a moment later."""
    file = _lease(scene)
    lease = Lease("the matrix", hides=True, by="owner", since_wall=int(time.time()))
    file.save(lease)
    await until(lambda: not scene.published, _HIDDEN_SECONDS)
    await asyncio.sleep(RESTART_SECONDS)
    file.save(replace(lease, ended=True))


def _obeyed(scene: Scene) -> bool:
    hidden = any(one.path.endswith("/set_published/false") for one in scene.cloud.requests)
    return hidden and not _lease(scene).path.exists()


# -- the station -------------------------------------------------------------------------------------------------------


def _on(name: str) -> Callable[[Scene], None]:
    return lambda scene: scene.station.faults.add(name)


def _off(name: str) -> Callable[[Scene], None]:
    return lambda scene: scene.station.faults.discard(name)


def _fault(name: str) -> Strike:
    return Strike(_on(name), _off(name))


async def _power_cut(scene: Scene) -> None:
    await scene.station.power_off()
    await asyncio.sleep(POWER_OFF_SECONDS)
    await scene.station.power_on()


async def _self_reboot(scene: Scene) -> None:
    await scene.station.reboot()


def _cut_upload(scene: Scene) -> None:
    """The first file is whole on the disk, the others are not."""
    begun: set[str] = set()
    cut: list[str] = []

    def watch(kind: str, subject: str) -> None:
        if kind != "write" or cut:
            return
        if subject in begun:
            cut.append(subject)
            scene.spawn(scene.station.drop_ssh())
        begun.add(subject)

    scene.station.watch(watch)


def _accept_new_key(scene: Scene) -> None:
    """The owner has read the alarm: he deletes the old key and starts the gate anew."""
    scene.spawn(_restart(scene, lambda _: (scene.gate.own_folder / "host_key").unlink(missing_ok=True)))


def _delete_cmdtool(scene: Scene) -> None:
    files = scene.station.machine.files
    with scene.station.machine.quietly():
        if files.exists(CMDTOOL):
            files.delete(CMDTOOL)


def _install_cmdtool(scene: Scene) -> None:
    files = scene.station.machine.files
    with scene.station.machine.quietly():
        if not files.exists(CMDTOOL):
            files.write(CMDTOOL, b"MZ")
        files.commit(CMDTOOL)


async def _leave_shadow(scene: Scene) -> None:
    """Once he is in and his preparation confirmed: nobody can keep a disk in Shadow Mode that leaves it between two lines of a script."""
    if not await until(lambda: scene.inside and scene.gate.phase.startswith("in_session"), _PHASE_SECONDS):
        return
    scene.bared = True
    with scene.station.machine.quietly():
        scene.station.machine.shadow.exit(max(scene.plan.drives), now=True)


def _was_kept_out(scene: Scene) -> bool:
    return any("Shadow Mode was gone from" in line for line in scene.records.log)


async def _look_through(scene: Scene) -> None:
    """The owner has read the alarm, looks through the disk once the station is in quarantine, and releases it."""
    if await until(lambda: scene.gate.phase.startswith("quarantined"), _PHASE_SECONDS):
        scene.bared = False
        StateFile(_state_file(scene)).ask_release()


def _station_clock(scene: Scene) -> None:
    scene.station.machine.files.clock_ahead = DAY_SECONDS


def _lift_reboot_ban(scene: Scene) -> None:
    """The owner mends Windows and reboots it himself."""
    scene.station.faults.discard("reboot_never")
    scene.spawn(scene.station.reboot())


def _switch_on(scene: Scene) -> None:
    scene.station.faults.discard("never_comes_back")
    scene.spawn(scene.station.power_on())


# -- the cloud ---------------------------------------------------------------------------------------------------------


def _cloud_fault(name: str) -> Strike:
    return Strike(lambda scene: scene.cloud.faults.add(name), lambda scene: scene.cloud.faults.discard(name))


def _empty_list(scene: Scene, *, empty: bool) -> None:
    scene.list_empty = empty
    for session in scene.cloud.sessions.values():
        session.hidden = empty


STRIKES: Mapping[str, Strike] = MappingProxyType(
    {
        "gate_killed": Strike(_kill),
        "state_truncated": Strike(_restart_after(_truncate), bit=_set_aside),
        "state_newer": Strike(_restart_after(_newer), bit=_set_aside),
        "state_read_only": Strike(partial(_block, full=False), _unblock, _stayed_unwritten),
        "router_disk_full": Strike(partial(_block, full=True), _unblock, _stayed_unwritten),
        "clock_forward": Strike(_clock_forward),
        "clock_1970": Strike(_clock_1970),
        "maintenance": Strike(lambda scene: scene.spawn(_work(scene)), bit=_obeyed),
        "ssh_drop": Strike(lambda scene: scene.spawn(scene.station.drop_ssh())),
        "upload_cut": Strike(_cut_upload),
        "host_key_changed": Strike(lambda scene: scene.spawn(scene.station.change_host_key()), _accept_new_key),
        "power_cut": Strike(lambda scene: scene.spawn(_power_cut(scene))),
        "self_reboot": Strike(lambda scene: scene.spawn(_self_reboot(scene))),
        "station_clock": Strike(_station_clock),
        "cloud_401": _cloud_fault("cloud_401"),
        "cloud_429": _cloud_fault("cloud_429"),
        "cloud_500": _cloud_fault("cloud_500"),
        "cloud_timeout": _cloud_fault("cloud_timeout"),
        "cloud_garbage": _cloud_fault("cloud_garbage"),
        "cloud_empty": Strike(partial(_empty_list, empty=True), partial(_empty_list, empty=False)),
        "shadow_missing": Strike(_delete_cmdtool, _install_cmdtool),
        "shadow_silent": _fault("shadow_silent"),
        "shadow_password": _fault("shadow_password"),
        "shadow_partial": _fault("shadow_partial"),
        "shadow_left": Strike(
            lambda scene: scene.spawn(_leave_shadow(scene)),
            lambda scene: scene.spawn(_look_through(scene)),
            _was_kept_out,
        ),
        "comes_back_shadowed": Strike(_on("comes_back_shadowed")),
        "disk_full": _fault("disk_full"),
        "script_killed": Strike(lambda scene: scene.spawn(scene.station.kill_scripts())),
        "explorer_gone": _fault("explorer_gone"),
        "reboot_never": Strike(_on("reboot_never"), _lift_reboot_ban),
        "never_comes_back": Strike(_on("never_comes_back"), _switch_on),
    }
)
"""Every row's fault at work; a test holds that no row is without."""
