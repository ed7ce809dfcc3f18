r"""Windows OpenSSH's SFTP server: ``/C:/x``, ``C:/x``, ``C:\x``, relative to the profile; no variables are expanded."""

# ruff: noqa: D102 -- asyncssh's method names with asyncssh's contracts, and a file system's usual ones

import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol, cast

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR

from drova_gate.sim.windows.files import FileInUse

__all__ = ["Files", "Sftp"]

_CLUSTER = 4096
"""Bytes; NTFS's usual cluster."""
_MACRO = "__PROGRAMDATA__"
"""The only thing in a path that sshd replaces."""


class Files(Protocol):
    r"""What the server needs of a machine's files; paths are absolute (``C:\x``), errors are ``OSError``."""

    def letters(self) -> list[str]: ...
    def exists(self, path: str) -> bool: ...
    def is_dir(self, path: str) -> bool: ...
    def read(self, path: str) -> bytes: ...
    def size(self, path: str) -> int: ...
    def modified(self, path: str) -> float: ...
    def listing(self, path: str) -> list[str]: ...
    def free(self, letter: str) -> int: ...
    def write(self, path: str, data: bytes) -> None: ...
    def delete(self, path: str) -> None: ...
    def make_directory(self, path: str, *, parents: bool = False) -> None: ...
    def remove_directory(self, path: str) -> None: ...
    def rename(self, old: str, new: str, *, replace: bool = False) -> None: ...


@dataclass(slots=True)
class _Open:
    """An open file: read from a copy, written through when it is closed."""

    path: str
    data: bytearray = field(default_factory=bytearray)
    appends: bool = False
    changed: bool = False


class Sftp(asyncssh.SFTPServer):
    """One SFTP session."""

    def __init__(self, channel: "SSHChannel[bytes]", files: Files, home: str) -> None:
        super().__init__(cast("asyncssh.SSHServerChannel[bytes]", channel))
        self._files, self._home = files, home

    # -- paths ---------------------------------------------------------------------------------------------------

    def _path(self, raw: bytes) -> str:
        r"""The absolute Windows path; empty for the virtual root, whose entries are the drives."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise asyncssh.SFTPNoSuchFile("not UTF-8") from error
        flat = text.replace("/", "\\")
        if flat.lstrip("\\").startswith(_MACRO):
            flat = r"C:\ProgramData" + flat.lstrip("\\").removeprefix(_MACRO)
        if flat.startswith("\\") and flat[2:3] == ":":
            flat = flat[1:]
        if flat.startswith("\\"):
            if flat.strip("\\") in ("", ".", ".."):
                return ""
            raise asyncssh.SFTPNoSuchFile("No such file or directory")
        if flat[1:2] != ":":
            flat = f"{self._home}\\{flat}"
        parts: list[str] = []
        for part in flat[2:].split("\\"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return f"{flat[0].upper()}:\\" + "\\".join(parts)

    def _file(self, raw: bytes) -> str:
        path = self._path(raw)
        if not path:
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return path

    def realpath(self, path: bytes) -> bytes:
        """``/C:/Users/x``."""
        return ("/" + self._path(path).replace("\\", "/")).encode("utf-8")

    # -- open files ----------------------------------------------------------------------------------------------

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:  # noqa: ARG002 -- asyncssh's signature
        whole, files = self._file(path), self._files
        there = files.exists(whole)
        if files.is_dir(whole):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        if not pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND):
            return _Open(whole, bytearray(files.read(whole)))
        if not there and not pflags & asyncssh.FXF_CREAT:
            raise asyncssh.SFTPNoSuchFile("No such file or directory")
        if there and pflags & asyncssh.FXF_EXCL:
            raise asyncssh.SFTPFailure("File exists")
        data = b"" if not there or pflags & asyncssh.FXF_TRUNC else files.read(whole)
        self._write(whole, data)
        return _Open(whole, bytearray(data), appends=bool(pflags & asyncssh.FXF_APPEND))

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return bytes(cast("_Open", file_obj).data[offset : offset + size])

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        file = cast("_Open", file_obj)
        if file.appends:
            offset = len(file.data)
        if offset > len(file.data):
            # Pipelined writes may come in any order.
            file.data += bytes(offset - len(file.data))
        file.data[offset : offset + len(data)] = data
        file.changed = True
        return len(data)

    def close(self, file_obj: object) -> None:
        file = cast("_Open", file_obj)
        if not file.changed or self.channel.is_closing():
            return  # the link broke: what was under way is lost
        self._write(file.path, bytes(file.data))

    def _write(self, path: str, data: bytes) -> None:
        try:
            self._files.write(path, data)
        except FileInUse as error:
            # Windows error 32 is not mapped: sshd answers with the general status 4.
            raise asyncssh.SFTPFailure("Failure") from error

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        file = cast("_Open", file_obj)
        return _attributes(directory=False, size=len(file.data), modified=self._files.modified(file.path))

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        if attrs.size is not None:
            file = cast("_Open", file_obj)
            del file.data[attrs.size :]
            file.data += bytes(attrs.size - len(file.data))
            file.changed = True

    def fsync(self, file_obj: object) -> None:
        """Nothing to do: a closed file is on the disk."""

    # -- files by name -------------------------------------------------------------------------------------------

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        whole, files = self._path(path), self._files
        if not whole:
            return _attributes(directory=True)
        if not files.exists(whole):
            raise asyncssh.SFTPNoSuchFile("No such file or directory")
        directory = files.is_dir(whole)
        return _attributes(
            directory=directory, size=0 if directory else files.size(whole), modified=files.modified(whole)
        )

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self.stat(path)

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        """Space on a path's volume, in clusters."""
        whole = self._file(path)
        if whole[0] not in self._files.letters():
            raise asyncssh.SFTPNoSuchFile("No such file or directory")
        free = self._files.free(whole[0]) // _CLUSTER
        return asyncssh.SFTPVFSAttrs(bsize=_CLUSTER, frsize=_CLUSTER, blocks=free * 2, bfree=free, bavail=free)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Modes and times are no-ops on Windows; only a size is set."""
        whole = self._file(path)
        if not self._files.exists(whole):
            raise asyncssh.SFTPNoSuchFile("No such file or directory")
        if attrs.size is not None:
            self._files.write(whole, self._files.read(whole)[: attrs.size].ljust(attrs.size, b"\0"))

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        self.setstat(path, attrs)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        whole, files = self._path(path), self._files
        names = files.listing(whole) if whole else [f"{letter}:" for letter in files.letters()]
        for name in [".", "..", *names] if whole else names:
            inner = name + "\\" if not whole else whole if name in (".", "..") else f"{whole.rstrip(chr(92))}\\{name}"
            directory = files.is_dir(inner)
            attrs = _attributes(
                directory=directory, size=0 if directory else files.size(inner), modified=files.modified(inner)
            )
            yield asyncssh.SFTPName(name.encode("utf-8"), attrs=attrs)

    def remove(self, path: bytes) -> None:
        self._files.delete(self._file(path))

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002 -- asyncssh's signature
        self._files.make_directory(self._file(path))

    def rmdir(self, path: bytes) -> None:
        self._files.remove_directory(self._file(path))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._files.rename(self._file(oldpath), self._file(newpath))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._files.rename(self._file(oldpath), self._file(newpath), replace=True)

    def readlink(self, path: bytes) -> bytes:  # noqa: ARG002 -- asyncssh's signature
        raise asyncssh.SFTPOpUnsupported("readlink")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 -- asyncssh's signature
        raise asyncssh.SFTPOpUnsupported("symlink")

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 -- asyncssh's signature
        raise asyncssh.SFTPOpUnsupported("link")


def _attributes(*, directory: bool, size: int = 0, modified: float = 0.0) -> asyncssh.SFTPAttrs:
    kind = FILEXFER_TYPE_DIRECTORY if directory else FILEXFER_TYPE_REGULAR
    mode = stat.S_IFDIR | 0o777 if directory else stat.S_IFREG | 0o666
    when = int(modified)
    return asyncssh.SFTPAttrs(type=kind, size=size, uid=0, gid=0, permissions=mode, atime=when, mtime=when)
