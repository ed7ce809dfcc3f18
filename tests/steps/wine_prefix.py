"""A Wine prefix for tests: one for all of them, because making it takes longer than most of what is done in it."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from drova_gate.host.commands import Run, Script, SetVariable
from drova_gate.host.parse import decode, registry_keys
from drova_gate.steps.payload import Payload


@dataclass
class Wine:
    """A prefix, and how it was when it was new."""

    prefix: Path
    new_hives: dict[str, bytes] = field(default_factory=dict)
    new_files: frozenset[Path] = frozenset()

    def create(self) -> None:
        """Make it, which takes some seconds, and remember what it holds."""
        self.prefix.mkdir()
        self._serve()
        self._quietly("wineboot", "--init")
        self.stop()
        self.new_hives = {path.name: path.read_bytes() for path in self.prefix.glob("*.reg")}
        self.new_files = frozenset(self._files())

    def renew(self) -> None:
        """Put it back to what it was when new, and start it."""
        for path in self._files():
            # What lay in a folder has gone with it.
            if path not in self.new_files and os.path.lexists(path):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for name, content in self.new_hives.items():
            (self.prefix / name).write_bytes(content)
        self._serve()
        # The first start brings up Wine's services.
        self._quietly("wine", "cmd.exe", "/d", "/c", "exit")

    def stop(self) -> None:
        """End it and all that runs in it; it writes its registry down."""
        self._quietly("wineserver", "--kill", check=False)
        self._quietly("wineserver", "--wait", check=False)

    def _files(self) -> list[Path]:
        """What tests may add to: the top folders, and the programs' and people's."""
        drive, devices = self.prefix / "drive_c", self.prefix / "dosdevices"
        folders = [self.prefix, drive, devices, *(each for each in drive.iterdir() if each.name != "windows")]
        hives = set(self.prefix.glob("*.reg"))
        return [path for folder in folders if folder.is_dir() for path in folder.iterdir() if path not in hives]

    def _serve(self) -> None:
        # It stays between commands: its end is Wine's reboot, which takes HKLM\\HARDWARE with it (as it should).
        subprocess.run(["wineserver", "--persistent"], env=self.environment({}), timeout=30, check=True)

    def _quietly(self, *words: str, check: bool = True) -> None:
        # No pipes: Wine's services inherit them and stay.
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(words, env=self.environment({}), timeout=100, check=check, **nowhere)

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        quiet = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=", "LC_ALL": "C.UTF-8"}
        return {**os.environ, **quiet, "WINEPREFIX": str(self.prefix), "DISPLAY": "", **extra}

    def run(self, *words: str, variables: dict[str, str] | None = None) -> tuple[int, str]:
        for _ in range(2):
            done = subprocess.run(
                ["wine", *words], env=self.environment(variables or {}), capture_output=True, timeout=60, check=False
            )
            if done.stdout:
                break
            # On a busy machine Wine now and then ends without having started the program. What has nothing to say is asked twice.
        return done.returncode, decode(done.stdout)

    def play(self, script: Script) -> str:
        """Run a command's steps: the variables as they travel in it, then its program."""
        variables = {step.name: step.value for step in script if isinstance(step, SetVariable)}
        (program,) = [step for step in script if isinstance(step, Run)]
        return self.run("cmd.exe", "/d", "/c", program.program, *map(str, program.arguments), variables=variables)[1]

    def path(self, windows: str) -> Path:
        return self.prefix / "drive_c" / windows.removeprefix("C:\\").replace("\\", "/")

    def put(self, windows: str, content: bytes = b"owner's sign-in") -> Path:
        path = self.path(windows)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def upload(self, payload: Payload) -> None:
        for windows, content in payload.files.items():
            # There is no Explorer to wait for: one look, without a pause.
            quick = content.replace(b"ping.exe -n 2", b"rem").replace(b"if %N% geq 8 ", b"if %N% geq 1 ")
            # A stub that takes a second to do nothing.
            self.put(windows, quick.replace(b"schtasks.exe", b"cmd.exe /d /c rem"))

    def registry(self, key: str) -> dict[str, str]:
        found = registry_keys(self.run("reg.exe", "query", key)[1]).get(key)
        return {value.name: value.data for value in found.values} if found else {}
