"""Asking running gates for their status; needs nothing but the standard library, so that the command answers at once."""

import json
import os
import socket
from pathlib import Path
from typing import Any

__all__ = ["NobodyThere", "ask", "places"]

PATIENCE = 5.0
"""Seconds for a gate to answer; it does so in a millisecond."""
ANSWER_MOST = 16 * 1024 * 1024


class NobodyThere(Exception):
    """No gate answers there."""


def places(directories: list[Path], name: str) -> list[Path]:
    """Where files of that name are: in one of the folders, or one below (a unit for each station)."""
    found: list[Path] = []
    for directory in directories:
        try:
            found += [one for one in (directory / name, *sorted(directory.glob(f"*/{name}"))) if one.exists()]
        except OSError:
            continue
    return list(dict.fromkeys(found))


def ask(path: Path, station: str | None, *, addresses: bool) -> dict[str, Any]:
    """Ask the gate behind a socket; ``NobodyThere`` says why there is no answer."""
    try:
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as gate:
                gate.settimeout(PATIENCE)
                # By a descriptor: the path of a Unix socket may have 107 bytes only.
                gate.connect(f"/proc/self/fd/{handle}/{path.name}")
                gate.sendall(
                    json.dumps({"command": "status", "station": station, "addresses": addresses}).encode() + b"\n"
                )
                answer = json.loads(_all_of(gate))
        finally:
            os.close(handle)
    except PermissionError as error:
        raise NobodyThere(f"{path}: may not be asked by this user; use sudo, or set DROVA_STATUS_GROUP") from error
    except OSError as error:
        raise NobodyThere(f"{path}: the gate does not answer ({error.strerror or error})") from error
    except ValueError as error:
        raise NobodyThere(f"{path}: the answer is no JSON") from error
    if not isinstance(answer, dict) or "stations" not in answer:
        raise NobodyThere(f"{path}: the answer has no stations")
    return answer


def _all_of(gate: socket.socket) -> bytes:
    answer = bytearray()
    while (block := gate.recv(65536)) and len(answer) < ANSWER_MOST:
        answer += block
    return bytes(answer)
