"""The status socket: one line of JSON asks, one JSON answer, then it is closed. Slow or silent askers harm nobody."""

import asyncio
import errno
import grp
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from drova_gate.files import make_folder

__all__ = ["SOCKET_NAME", "StatusServer"]

log = logging.getLogger(__name__)

SOCKET_NAME = "status.sock"
REQUEST_MOST = 4096
"""Bytes of a question."""
ASKERS_MOST = 8
"""At once; the next one waits in the kernel's queue or is turned away there."""
PATIENCE = 2.0
"""Seconds for a question to come and for its answer to be taken."""
TRY_AGAIN_SECONDS = 30.0


class _Status(Protocol):
    def __call__(self, station: str | None, *, addresses: bool) -> dict[str, Any]:
        """Return the status as JSON values."""


class StatusServer:
    """Serves the status on ``<directory>/status.sock``, for the owner (0600), or for a group (0660)."""

    def __init__(self, directory: Path, group: str | None, status: _Status) -> None:
        self._directory, self._group, self._status = directory, group, status
        self._askers = asyncio.Semaphore(ASKERS_MOST)

    async def run(self) -> None:
        """Serve until cancelled; a socket that cannot be opened is said once, and tried again."""
        said = ""
        while True:
            try:
                listening = self._opened()
            except OSError as error:
                if said != str(error):
                    log.error(
                        "status socket in %s: cannot be opened (%s); `drova_gate status` does not work meanwhile",
                        self._directory,
                        error.strerror,
                    )
                said = str(error)
                await asyncio.sleep(TRY_AGAIN_SECONDS)
                continue
            try:
                await self._serve(listening)
            finally:
                listening.close()
                with suppress(OSError):
                    (self._directory / SOCKET_NAME).unlink()

    def _opened(self) -> socket.socket:
        make_folder(self._directory)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            with _short_path(self._directory) as path:
                _clear(path)
                # Nobody else may connect between bind and chmod.
                before = os.umask(0o177)
                try:
                    listening.bind(str(path))
                finally:
                    os.umask(before)
                self._give_to_group(path)
            listening.listen(ASKERS_MOST)
        except OSError:
            listening.close()
            raise
        return listening

    def _give_to_group(self, path: Path) -> None:
        if not self._group:
            return
        try:
            group = grp.getgrnam(self._group).gr_gid
            _hand(path, group)
            path.chmod(0o660)
            directory = self._directory.stat()
            if not directory.st_mode & 0o001:
                _hand(self._directory, group)
                # To pass through, not to list.
                self._directory.chmod(directory.st_mode & 0o777 | 0o010)
        except (KeyError, OSError) as error:
            log.error(
                "DROVA_STATUS_GROUP: the status socket cannot be given to group %s (%s); only its owner may ask: "
                "the gate's user must be a member of that group, and under systemd only drova_gate will do",
                self._group,
                error,
            )

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                await self._askers.acquire()
                try:
                    asker, _ = await loop.sock_accept(listening)
                except OSError as error:
                    self._askers.release()
                    log.debug("status socket: %s", error)
                    await asyncio.sleep(1.0)
                    continue
                except BaseException:
                    self._askers.release()
                    raise
                group.create_task(self._answer(asker), name="status: asker")

    async def _answer(self, asker: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            with asker:
                asker.setblocking(False)
                async with asyncio.timeout(PATIENCE):
                    asked = await _line_of(asker)
                    answer = json.dumps(self._answered(asked), ensure_ascii=False, separators=(",", ":"))
                    await loop.sock_sendall(asker, answer.encode("utf-8", "replace") + b"\n")
        except (TimeoutError, OSError) as error:
            log.debug("status socket: an asker was given up (%s)", error)
        except Exception:
            # The top of an asker's life: a fault in showing must not end the guard.
            log.exception("status socket: a question could not be answered by a fault of the gate's own")
        finally:
            self._askers.release()

    def _answered(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            if asked["command"] != "status":
                return {"error": f"command {asked['command']!r} is not known; there is only status"}
            station = asked.get("station")
            return self._status(station if isinstance(station, str) else None, addresses=asked.get("addresses") is True)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {"error": 'ask with a line such as {"command": "status"}'}


def _hand(path: Path, group: int) -> None:
    """Give a file to a group. Not asked for where it is so: a unit's ``SystemCallFilter=`` refuses even that."""
    if path.stat().st_gid != group:
        os.chown(path, -1, group)


def _clear(path: Path) -> None:
    """Remove what a killed gate has left; a gate that still answers there keeps its socket."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(FileNotFoundError):
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, "another gate runs with this state directory")


async def _line_of(asker: socket.socket) -> bytes:
    loop, line = asyncio.get_running_loop(), bytearray()
    while b"\n" not in line and len(line) < REQUEST_MOST:
        block = await loop.sock_recv(asker, REQUEST_MOST)
        if not block:
            break
        line += block
    return bytes(line)


@contextmanager
def _short_path(directory: Path) -> Iterator[Path]:
    """The socket's path by a descriptor of its folder: a Unix socket's own path may have 107 bytes only."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{handle}/{SOCKET_NAME}")
    finally:
        os.close(handle)
