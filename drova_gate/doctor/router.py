"""Checks of the machine that the gate runs on: its settings, its state folder, its port, its clock."""

import asyncio
import errno
import grp
import os
import shlex
import shutil
import socket
import stat
from pathlib import Path

from drova_gate.config import StationConfig
from drova_gate.doctor.examination import Examination, Spec, Subject
from drova_gate.doctor.verdict import Cure, Outcome, Verdict, Where, failed, fine, warned
from drova_gate.errors import GateError
from drova_gate.report.ask import NobodyThere, ask, places
from drova_gate.report.server import SOCKET_NAME
from drova_gate.station import lockdown_of, recipes_of

__all__ = ["CHECKS"]

RUNTIME = Path("/run/drova_gate")
"""Where the unit for all stations has its status socket; the others have it in the state folder."""
SERVICE_GROUP = "drova_gate"
"""Of the account that the units and the package make."""
ROOM_LEAST = 10_000_000
"""Bytes in the state folder: a catalogue (2 MB), the record of events, and a copy of each while it is written."""
ROOM_ENOUGH = 100_000_000
"""Three months of events of thirty stations take some 60 MB."""


async def _settings(exam: Examination) -> Verdict:
    config = exam.config
    way = f"relays port {config.listen_port}" if config.listen_port is not None else "learns of sessions by polling"
    return fine(f"complete; {way}")


async def _settings_file(exam: Examination) -> Verdict:
    if not exam.settings_files:
        return fine("no file: the settings come from the environment")
    verdicts = [_rights_of(file) for file in exam.settings_files]
    for worst in (Outcome.FAIL, Outcome.WARN):
        if wrong := [one for one in verdicts if one.outcome is worst]:
            return wrong[0]
    return fine(", ".join(one.found for one in verdicts))


def _rights_of(file: Path) -> Verdict:
    try:
        seen = file.stat()
    except OSError as error:
        return warned(f"{file} cannot be looked at ({error.strerror})", "let the gate's user read its folder")
    mode = stat.S_IMODE(seen.st_mode)
    if mode & 0o022:
        return failed(
            f"{file} can be changed by others (mode {mode:04o})",
            "whoever writes there decides where the gate logs in; take the right away",
            _close(file, seen),
        )
    if mode & 0o004:
        return warned(
            f"{file} can be read by everybody (mode {mode:04o}), and passwords stand in it",
            "take the right away",
            _close(file, seen),
        )
    return fine(f"{file}, mode {mode:04o}")


def _close(file: Path, seen: os.stat_result) -> Cure:
    """Away from others, and not from the service: root's file it reads by its group, or, as it is now, as everybody does."""
    name = shlex.quote(str(file))
    try:
        if seen.st_uid == 0 and seen.st_gid != grp.getgrnam(SERVICE_GROUP).gr_gid:
            return Cure(Where.ROUTER, f"chgrp {SERVICE_GROUP} {name} && chmod 0640 {name}")
    except KeyError:
        pass
    return Cure(Where.ROUTER, f"chmod g-w,o-rwx {name}")


async def _state_dir(exam: Examination) -> Verdict:
    folder = exam.state_dir
    if not os.access(folder, os.F_OK):
        return _missing_dir(folder)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return failed(
            f"{folder} cannot be written by this user",
            "run the check as the gate's own user, or set DROVA_STATE_DIR to a folder of his",
            Cure(Where.ROUTER, f"ls -ld {shlex.quote(str(folder))}; id"),
        )
    free = shutil.disk_usage(folder).free
    if free < ROOM_LEAST:
        return failed(
            f"{folder} has {free / 1e6:.0f} MB left",
            "without room the gate forgets what it did at its next start; make room there",
            Cure(Where.ROUTER, shlex.join(["df", "-h", str(folder)])),
        )
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o022:
        return failed(
            f"{folder} can be written by others (mode {mode:04o})",
            "host keys and the record of each station lie there; take the right away",
            Cure(Where.ROUTER, shlex.join(["chmod", "go-w", str(folder)])),
        )
    if free < ROOM_ENOUGH:
        return warned(
            f"{folder} has {free / 1e6:.0f} MB left",
            "the record of events grows there; make room, or set DROVA_EVENTS_DAYS lower",
            Cure(Where.ROUTER, shlex.join(["df", "-h", str(folder)])),
        )
    if mode & 0o007:
        return warned(
            f"{folder} can be looked into by everybody (mode {mode:04o})",
            "its files are closed, their names are not; take the right away",
            Cure(Where.ROUTER, shlex.join(["chmod", "o-rwx", str(folder)])),
        )
    return fine(f"{folder}, mode {mode:04o}, {free / 1e9:.1f} GB left")


def _missing_dir(folder: Path) -> Verdict:
    # os.access: whether it exists cannot be asked inside a folder that is closed to us.
    above = next(parent for parent in folder.absolute().parents if os.access(parent, os.F_OK))
    if above.is_dir() and not os.access(above, os.X_OK):
        return failed(
            f"{above} is closed to this user",
            "run the check as the gate's own user, or set DROVA_STATE_DIR to a folder of his",
            Cure(Where.ROUTER, f"sudo -u drova_gate drova_gate doctor  # or: ls -ld {shlex.quote(str(above))}; id"),
        )
    if os.access(above, os.W_OK | os.X_OK):
        return fine(f"{folder} is made at the gate's first start")
    return failed(
        f"{folder} is not there, and this user cannot make it",
        "make it for the gate's user, or set DROVA_STATE_DIR to a folder of his",
        Cure(Where.ROUTER, shlex.join(["install", "-d", "-m", "0700", "-o", "drova_gate", str(folder)])),
    )


async def _recipes(exam: Examination) -> Verdict:
    try:
        recipes = recipes_of(exam.config)
        lockdown = lockdown_of(exam.config)
    except GateError as error:
        return failed(
            str(error),
            "mend the file; drova_gate recipes check tells all that is wrong with it",
            Cure(Where.ROUTER, shlex.join(["drova_gate", "recipes", "check", str(exam.config.launchers_dir)])),
        )
    locks = sum(1 for _ in lockdown)
    signed_out = sum(recipe.enabled for recipe in recipes)
    own = f", your own from {exam.config.launchers_dir} among them" if exam.config.launchers_dir else ""
    if not signed_out or not locks:
        what = "no launcher is signed out" if not signed_out else "no switch locks the desktop"
        return warned(
            f"{what}: all of it is switched off in {exam.config.launchers_dir}", "switch on what should be done"
        )
    return fine(f"{signed_out} launchers and browsers are signed out, {locks} switches lock the desktop{own}")


async def _listen_port(exam: Examination) -> Verdict:
    config = exam.config
    if config.listen_port is None:
        return fine("no relay: DROVA_SOCKET_LISTEN is not set")
    code = _bind(config, config.listen_port)
    if code == errno.EADDRINUSE and await _gate_runs(exam):
        return fine(f"port {config.listen_port} is the running gate's")
    if code == errno.EADDRINUSE:
        return warned(
            f"port {config.listen_port} is in use",
            "fine if the gate itself runs now; otherwise choose another DROVA_SOCKET_LISTEN",
            Cure(Where.ROUTER, f"ss -ltnp 'sport = :{config.listen_port}'"),
        )
    if code:
        return failed(
            f"{config.listen_host}:{config.listen_port} cannot be opened ({os.strerror(code)})",
            "set DROVA_LISTEN_HOST to an address of this machine and DROVA_SOCKET_LISTEN to a port above 1023",
            Cure(Where.SETTINGS, "DROVA_LISTEN_HOST=0.0.0.0"),
            Cure(Where.SETTINGS, "DROVA_SOCKET_LISTEN=7985"),
        )
    return fine(f"port {config.listen_port} is free")


async def _gate_runs(exam: Examination) -> bool:
    """Whether a gate that guards this station answers here."""
    for path in places([exam.state_dir, RUNTIME], SOCKET_NAME):
        try:
            answer = await asyncio.to_thread(ask, path, exam.config.name, addresses=False)
        except NobodyThere:
            continue
        if any(one.get("name") == exam.config.name for one in answer["stations"]):
            return True
    return False


def _bind(config: StationConfig, port: int) -> int:
    family = socket.AF_INET6 if ":" in config.listen_host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.listen_host, port))
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0


CHECKS = (
    Spec("settings", Subject.ROUTER, (), _settings),
    Spec("settings_file", Subject.ROUTER, (), _settings_file),
    Spec("state_dir", Subject.ROUTER, (), _state_dir),
    Spec("recipes", Subject.ROUTER, (), _recipes),
    Spec("listen_port", Subject.ROUTER, (), _listen_port),
)
