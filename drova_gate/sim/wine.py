r"""A station whose programs are Wine's real ones behind the same SSH front: cmd.exe, reg.exe, taskkill.exe.

What it is good for: a batch file or a ``.reg`` file does here what it says, by the reading of other people than us. What Wine lacks:
Shadow Mode, services worth the name, a firewall, a console session; its cmd.exe is not Microsoft's.
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from drova_gate.sim.ssh import MAX_SESSIONS, Door, SshFront, Write

__all__ = ["PrefixFiles", "WineMissing", "WinePrefix", "WineStation"]

_CREATE_SECONDS = 240.0
"""wineboot copies some hundred megabytes; on a slow disk that takes minutes."""
_COMMAND_SECONDS = 60.0
_STOP_SECONDS = 10.0
_SPECIAL = re.compile(r'[&|<>()^"]')
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_TEMPORARY = r"C:\windows\temp"


class WineMissing(RuntimeError):
    """Wine is not installed, or its prefix cannot be made."""


class WinePrefix:
    """One Wine prefix: a C drive, perhaps more, and a registry."""

    def __init__(self, path: Path) -> None:
        found = shutil.which("wine")
        if found is None:
            raise WineMissing("wine is not installed")
        self.wine = found
        self.path = path
        self._sent = 0

    async def create(self, drives: Iterable[str] = ("C",)) -> Self:
        """Make the prefix, once; further drives are folders beside ``drive_c``."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / "system.reg").exists():
            code, output = await self._unix(self.wine, "wineboot", "-i", seconds=_CREATE_SECONDS)
            if not self.drive("C").is_dir():
                raise WineMissing(f"wineboot -i failed with {code}: {output[-200:].decode(errors='replace')}")
        for letter in drives:
            folder, link = self.drive(letter), self.path / "dosdevices" / f"{letter.lower()}:"
            folder.mkdir(exist_ok=True)
            if not link.exists():
                link.symlink_to(Path("..") / folder.name)
        return self

    async def stop(self) -> None:
        """End everything that runs in this prefix."""
        server = shutil.which("wineserver", path=f"{os.defpath}:/usr/lib/wine")
        if server is not None:
            await self._unix(server, "-k", seconds=_STOP_SECONDS)

    def drive(self, letter: str) -> Path:
        """The folder behind a drive letter."""
        return self.path / f"drive_{letter.lower()}"

    @property
    def profile(self) -> str:
        """The login's profile folder, as Windows names it."""
        names = sorted(each.name for each in (self.drive("C") / "users").iterdir() if each.name != "Public")
        return rf"C:\users\{names[0]}"

    def _environment(self) -> dict[str, str]:
        return {
            # Not the real home: Wine links Documents and the like to it.
            "HOME": str(self.path),
            "PATH": os.defpath,
            "WINEPREFIX": str(self.path),
            "WINEDEBUG": "-all",
            # Neither .NET nor a browser engine: they would be asked for in a window.
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "LC_ALL": "C.UTF-8",
        }

    async def _unix(self, *words: str, seconds: float) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            *words,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(seconds):
                return await process.wait(), b""
        except TimeoutError:
            return -1, b"timed out"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def execute(self, text: str, stdout: Write, stderr: Write) -> int:
        """Run ``cmd.exe /c "<text>"`` as sshd does, in the profile folder; the whole 32-bit exit code.

        Wine would quote the arguments of a program that is started from Linux anew, so the line goes through a batch file with a caret
        before every special character; text that is not ASCII comes in by variables, because Wine reads the file in an OEM code page.
        """
        self._sent += 1
        name = f"sshd_{self._sent}"
        folder = self.drive("C") / "windows" / "temp"
        folder.mkdir(parents=True, exist_ok=True)
        batch, answer = folder / f"{name}.bat", folder / f"{name}.code"
        carried: dict[str, str] = {}
        line = _hidden(f'"{text}"', carried)
        batch.write_text(
            f"@cmd.exe /c {line}\r\n@>{_TEMPORARY}\\{name}.code echo %errorlevel%\r\n", encoding="ascii", newline=""
        )
        profile = self.drive("C") / "users" / self.profile.rpartition("\\")[2]
        # Into files, not pipes: Wine's own services inherit a pipe and hold it open for seconds after the command has ended.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = await asyncio.create_subprocess_exec(
                *(self.wine, "cmd.exe", "/c", rf"{_TEMPORARY}\{name}.bat"),
                env=self._environment() | carried,
                cwd=profile,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            try:
                async with asyncio.timeout(_COMMAND_SECONDS):
                    code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
                batch.unlink()
                said = answer.read_text(encoding="ascii").strip() if answer.exists() else ""
                answer.unlink(missing_ok=True)
            for file, write in ((out, stdout), (err, stderr)):
                file.seek(0)
                write(file.read())
        return int(said) if re.fullmatch(r"-?\d+", said) else code


def _hidden(text: str, carried: dict[str, str]) -> str:
    """The text as a batch line that the outer cmd.exe hands on unchanged."""
    escaped = _SPECIAL.sub(lambda match: f"^{match[0]}", text.replace("%", "%%"))

    def variable(match: re.Match[str]) -> str:
        name = f"DG_CARRIED_{len(carried)}"
        carried[name] = match[0]
        return f"%{name}%"

    return _NOT_ASCII.sub(variable, escaped)


class PrefixFiles:
    """A prefix's drives as the SFTP server sees them: case-blind."""

    def __init__(self, prefix: WinePrefix) -> None:
        self._prefix = prefix

    def _place(self, path: str) -> Path:
        """The real path; parts that are not there yet are taken as written."""
        place = self._prefix.drive(path[0])
        if not place.is_dir():
            raise FileNotFoundError(2, "no such volume", path)
        for part in path[2:].split("\\"):
            if part:
                place = next((each for each in _entries(place) if each.name.lower() == part.lower()), place / part)
        return place

    def letters(self) -> list[str]:
        """Drives that lie in the prefix; Wine's Z: is the whole computer and stays hidden."""
        return sorted(each.name[-1].upper() for each in self._prefix.path.glob("drive_?"))

    def free(self, letter: str) -> int:
        """Free bytes of the disk that the prefix lies on."""
        return shutil.disk_usage(self._prefix.drive(letter)).free

    def exists(self, path: str) -> bool:
        """Whether something is there."""
        try:
            return self._place(path).exists()
        except FileNotFoundError:
            return False

    def is_dir(self, path: str) -> bool:
        """Whether a folder is there."""
        return self.exists(path) and self._place(path).is_dir()

    def read(self, path: str) -> bytes:
        """A file's content."""
        return self._place(path).read_bytes()

    def size(self, path: str) -> int:
        """Bytes."""
        return self._place(path).stat().st_size

    def modified(self, path: str) -> float:
        """Seconds since 1970."""
        return self._place(path).stat().st_mtime

    def listing(self, path: str) -> list[str]:
        """Names in a folder."""
        return sorted((each.name for each in self._place(path).iterdir()), key=str.upper)

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file."""
        self._place(path).write_bytes(data)

    def delete(self, path: str) -> None:
        """Delete a file."""
        place = self._place(path)
        if place.is_dir():
            raise PermissionError(13, "is a directory", path)
        place.unlink()

    def make_directory(self, path: str, *, parents: bool = False) -> None:
        """Make a folder."""
        self._place(path).mkdir(parents=parents, exist_ok=parents)

    def remove_directory(self, path: str) -> None:
        """Remove an empty folder."""
        self._place(path).rmdir()

    def rename(self, old: str, new: str, *, replace: bool = False) -> None:
        """Move."""
        target = self._place(new)
        if target.exists() and not replace:
            raise FileExistsError(17, "already there", new)
        self._place(old).replace(target)


def _entries(place: Path) -> list[Path]:
    return list(place.iterdir()) if place.is_dir() else []


class WineStation:
    """The SSH front with Wine behind it; the prefix must have been created, and is not stopped here."""

    def __init__(
        self,
        prefix: WinePrefix,
        *,
        login: str = "gate",
        password: str = "station-password",  # noqa: S107 -- of a simulated station
        authorized_key: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.prefix = prefix
        self.host = host
        self.login, self.password = login, password
        self._ssh = SshFront(
            Door(
                login=login,
                password=password,
                execute=prefix.execute,
                files=PrefixFiles(prefix),
                home=prefix.profile,
                authorized_key=authorized_key,
                max_sessions=MAX_SESSIONS,
            ),
            host=host,
        )

    @property
    def ssh_port(self) -> int:
        """The port of its sshd."""
        return self._ssh.port

    @property
    def host_key_fingerprint(self) -> str:
        """``SHA256:...``."""
        return self._ssh.host_key_fingerprint

    @property
    def commands(self) -> list[str]:
        """The text of every command that came in, in order."""
        return self._ssh.door.commands

    async def __aenter__(self) -> Self:
        await self._ssh.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._ssh.close()
