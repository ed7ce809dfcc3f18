"""The settings of a new station, written so that nothing else in the owner's file changes, and whole or not at all."""

import errno
import grp
import io
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drova_gate.errors import CallOwner, NotConfirmed
from drova_gate.files import drafted

__all__ = ["GROUP", "env_text", "read_stations", "refused", "table_text", "with_station", "write_settings"]

GROUP = "drova_gate"
"""Of the service's account, which reads the file; root writes it."""
_HEAD = "# The stations that drova_gate guards. Passwords stand here: keep it away from others.\n"
_MARK = "\ufeff"
"""Windows' Notepad may begin a file with it; it stays."""
_PORTS = ("WINDOWS_SSH_PORT", "DROVA_SOCKET_LISTEN")
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def read_stations(file: Path) -> tuple[str, dict[str, Any]]:
    """Read the file and what it says; nothing of both where there is none yet. ``CallOwner`` for one that is not to be added to."""
    try:
        text = file.read_bytes().decode()  # the ends of its lines as they are
    except FileNotFoundError:
        return "", {}
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise CallOwner(str(file), f"cannot be read ({why})", "use sudo, or mend it") from error
    if text.removeprefix(_MARK).lstrip().startswith("{"):
        raise CallOwner(str(file), "is JSON, and stations are added to TOML only", "add this one by hand")
    try:
        return text, tomllib.loads(text.removeprefix(_MARK))
    except tomllib.TOMLDecodeError as error:
        raise CallOwner(str(file), f"is no TOML: {error}", "mend that line first") from error


def with_station(file: Path, text: str, tables: Mapping[str, Any], name: str, settings: Mapping[str, str]) -> str:
    """Add a station behind all that is there; what comes out is read back, and must be the old with the new."""
    table = table_text(name, settings)
    new = f"{text.rstrip()}\n\n{table}" if text.strip() else f"{_HEAD}\n{table}"
    there = tables.get("station", [])
    wanted = {**tables, "station": [*(there if isinstance(there, list) else ()), _values(name, settings)]}
    try:
        same = tomllib.loads(new.removeprefix(_MARK)) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        # An inline list of stations, for one, cannot be continued so.
        raise CallOwner(str(file), "does not take a [[station]] table at its end", "add this one by hand")
    return new


def table_text(name: str, settings: Mapping[str, str]) -> str:
    """One ``[[station]]`` table."""
    values = _values(name, settings)
    lines = [
        "[[station]]",
        *(f"{key} = {_toml(value) if isinstance(value, str) else value}" for key, value in values.items()),
    ]
    return "\n".join(lines) + "\n"


def _values(name: str, settings: Mapping[str, str]) -> dict[str, str | int]:
    return {"name": name} | {key.lower(): int(value) if key in _PORTS else value for key, value in settings.items()}


def _toml(text: str) -> str:
    def escaped(match: re.Match[str]) -> str:
        return "\\" + match[0] if match[0] in '"\\' else f"\\u{ord(match[0]):04x}"

    return '"' + re.sub(r'["\\\x00-\x1f\x7f]', escaped, text) + '"'


def env_text(settings: Mapping[str, str]) -> str:
    """An ``EnvironmentFile``, in quotes that systemd and we ourselves read alike; read back. ``CallOwner`` for what it cannot hold."""
    from dotenv import dotenv_values  # noqa: PLC0415 - only for this form of settings

    lines = [f"{name}={value if _PLAIN.fullmatch(value) else _quoted(value)}" for name, value in settings.items()]
    text = (
        "# A station that drova_gate guards. Passwords stand here: keep it away from others.\n"
        + "\n".join(lines)
        + "\n"
    )
    if dotenv_values(stream=io.StringIO(text), interpolate=False) != dict(settings):
        raise CallOwner(
            "settings",
            "a value does not fit into a file of this form",
            "leave --single away, or choose another password",
        )
    return text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_settings(file: Path, text: str) -> None:
    """Write the file whole or not at all, for root and the service's group alone, and read it back; ``CallOwner`` says why not."""
    try:
        place = file.resolve()  # an owner's link to another disk stays one
        _make_folder(place.parent)
        _replace(place, text.encode())
    except OSError as error:
        raise refused(file, error) from error
    if file.read_bytes() != text.encode():
        raise NotConfirmed(str(file), "does not hold what was written", "is the disk broken?")


def refused(file: Path, error: OSError) -> CallOwner:
    """Say what to do about a place that cannot be written."""
    what = f"cannot be written ({error.strerror}); nothing was changed"
    match error.errno:
        case errno.EROFS | errno.EACCES | errno.EPERM:
            advice = "use sudo; if the place is read-only, name another one that outlives a reboot with --dir"
        case errno.ENOSPC | errno.EDQUOT:
            advice = "make room there, or name another place with --dir"
        case _:
            advice = "name another place with --dir"
    return CallOwner(str(file), what, advice)


def _group() -> int | None:
    try:
        return grp.getgrnam(GROUP).gr_gid if os.geteuid() == 0 else None
    except KeyError:
        return None


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700, parents=True)
    if (group := _group()) is not None:
        os.chown(folder, 0, group)
        folder.chmod(0o750)


def _replace(file: Path, content: bytes) -> None:
    with drafted(file, content, lambda handle: _give(handle, file)) as draft:
        draft.replace(file)


def _give(handle: int, file: Path) -> None:
    """Owner and rights as the file had them, but nothing for others; a new one is root's, and its group may read it."""
    if file.exists():
        old = file.stat()
        if os.geteuid() == 0:
            os.fchown(handle, old.st_uid, old.st_gid)
        os.fchmod(handle, stat.S_IMODE(old.st_mode) & 0o770)
    elif (group := _group()) is not None:
        os.fchown(handle, 0, group)
        os.fchmod(handle, 0o640)
