"""A station's files over the link's SFTP channel, which is opened anew when it has died. With ``link.py`` the only user of asyncssh."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Protocol, TypeVar, cast

import asyncssh

from drova_gate.errors import OutcomeUnknown, StationUnreachable, TryAgain
from drova_gate.host.paths import folder_of, sftp_path

__all__ = ["FILES_SECONDS", "Channel", "StationFiles"]

FILES_SECONDS = 30.0
"""For one SFTP call: some megabytes over a slow link."""
READ_LIMIT = 8 * 1024 * 1024
"""Largest file that is read whole: launchers' settings files have some kilobytes."""

T = TypeVar("T")


class Channel(Protocol):
    """One connection's SFTP channel."""

    connection: asyncssh.SSHClientConnection
    sftp: asyncssh.SFTPClient
    reopening: asyncio.Lock


class StationFiles(ABC):
    """What can be done with a station's files. Paths are absolute Windows paths, or begin with ``/``."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """How errors name the station."""

    @abstractmethod
    def _channel(self) -> Channel:
        """Return the channel of the link that is up; otherwise raise why it is down."""

    async def read(self, path: str, *, limit: int = READ_LIMIT) -> bytes | None:
        """Read a whole file; ``None``: it is not there. Larger than ``limit`` bytes is an error."""
        data = await self.read_at(path, 0, limit + 1)
        if data is not None and len(data) > limit:
            raise TryAgain(self.subject, f"{path} is larger than {limit} bytes", "it is not read")
        return data

    async def read_at(self, path: str, offset: int, size: int) -> bytes | None:
        """Read up to ``size`` bytes from ``offset``; empty at the file's end; ``None``: it is not there."""

        async def act(sftp: asyncssh.SFTPClient) -> bytes | None:
            try:
                async with sftp.open(sftp_path(path), "rb") as file:
                    data = await file.read(size, offset)
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return None
            return cast("bytes", data)

        return await self._files(path, act)

    async def size_of(self, path: str) -> int | None:
        """Return a file's bytes; ``None``: it is not there."""

        async def act(sftp: asyncssh.SFTPClient) -> int | None:
            try:
                return (await sftp.stat(sftp_path(path))).size or 0
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return None

        return await self._files(path, act)

    async def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return await self._files(path, lambda sftp: sftp.exists(sftp_path(path)))

    async def names(self, folder: str) -> list[str]:
        """Names in a folder; ``/`` lists the drives."""
        found = await self._files(folder, lambda sftp: sftp.listdir(sftp_path(folder)))
        return sorted(str(name) for name in found if name not in (".", ".."))

    async def names_if_there(self, folder: str) -> list[str] | None:
        """Names in a folder; ``None``: it, or its volume, is not there."""

        async def act(sftp: asyncssh.SFTPClient) -> list[str] | None:
            try:
                found = await sftp.listdir(sftp_path(folder))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return None
            return sorted(str(name) for name in found if name not in (".", ".."))

        return await self._files(folder, act)

    async def free_space(self, folder: str) -> int | None:
        """Free bytes on a folder's volume; ``None``: this sshd does not tell, or the volume is not there."""

        async def act(sftp: asyncssh.SFTPClient) -> int | None:
            try:
                volume = await sftp.statvfs(sftp_path(folder))
            except (asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure, asyncssh.SFTPNoSuchFile):
                return None
            return volume.bavail * volume.frsize

        return await self._files(folder, act)

    async def write_all(self, files: Mapping[str, bytes]) -> None:
        """Write files, all at once; a folder that is missing is made (one level)."""

        async def write_one(sftp: asyncssh.SFTPClient, path: str, data: bytes) -> None:
            async with sftp.open(path, "wb") as file:
                await file.write(data)

        async def act(sftp: asyncssh.SFTPClient) -> None:
            for folder in sorted({folder_of(path) for path in files}):
                # There already: status 4 (version 3 of the protocol has no code for it). A real refusal shows below.
                with suppress(asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists, asyncssh.SFTPPermissionDenied):
                    await sftp.mkdir(folder)
            jobs = (write_one(sftp, sftp_path(path), data) for path, data in files.items())
            results = await asyncio.gather(*jobs, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result

        if files:
            await self._files(", ".join(files), act)

    async def remove(self, path: str) -> bool:
        """Remove a file; ``False``: it was not there."""

        async def act(sftp: asyncssh.SFTPClient) -> bool:
            try:
                await sftp.remove(sftp_path(path))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return False
            return True

        return await self._files(path, act)

    async def _files(self, what: str, act: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """Do something over SFTP, through a new channel when the old one has died; everything done here may be repeated."""
        live = self._channel()
        used = live.sftp
        try:
            async with asyncio.timeout(FILES_SECONDS):
                try:
                    return await act(used)
                except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost):
                    async with live.reopening:
                        if live.sftp is used:
                            live.sftp = await live.connection.start_sftp_client()
                    return await act(live.sftp)
        except TimeoutError as error:
            raise OutcomeUnknown(self.subject, f"{what}: no answer in {FILES_SECONDS:g} s", "tries again") from error
        except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost) as error:
            raise StationUnreachable(self.subject, f"{what}: SSH link lost", "connects again") from error
        except asyncssh.SFTPError as error:
            raise TryAgain(self.subject, f"{what}: {error.reason}", "in use, or not allowed; tries again") from error
        except (OSError, asyncssh.Error) as error:
            raise StationUnreachable(
                self.subject, f"{what}: {str(error) or type(error).__name__}", "connects again"
            ) from error
