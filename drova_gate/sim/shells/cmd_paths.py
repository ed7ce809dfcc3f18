"""Paths, words and file questions as cmd.exe's own commands see them."""

import errno
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_syntax import DELIMITERS
from drova_gate.sim.windows.files import FileInUse

if TYPE_CHECKING:
    from drova_gate.sim.shells.cmd_run import Shell

__all__ = [
    "absolute",
    "described",
    "device",
    "exists",
    "file_fault",
    "matching",
    "name_matches",
    "program_word",
    "words",
]

_DEVICES = ("nul", "con")


def absolute(shell: "Shell", path: str) -> str:
    """A path as it was typed, quotes and slashes of either kind, as an absolute one without ``.`` and ``..``."""
    flat = path.replace('"', "").replace("/", "\\")
    drive = flat[0].upper() if flat[1:2] == ":" else ""
    rest = flat[2:] if drive else flat
    here = shell.directory if drive in ("", shell.directory[0].upper()) else shell.directories.get(drive, f"{drive}:\\")
    if not rest.startswith("\\"):
        rest = here[2:].rstrip("\\") + "\\" + rest
    parts: list[str] = []
    for part in rest.split("\\"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return f"{drive or here[0]}:\\" + "\\".join(parts)


def device(path: str) -> str:
    """``nul`` or ``con`` when the path is that device, else empty."""
    name = path.strip().rstrip(":").rpartition("\\")[2].lower()
    return name if name in _DEVICES else ""


def program_word(text: str) -> tuple[str, str]:
    """The first word, with its quotes, and the rest."""
    quoted = False
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif not quoted and char in DELIMITERS:
            return text[:at], text[at:]
    return text, ""


def words(rest: str) -> tuple[list[str], list[str]]:
    """The switches (lower case, with their slash) and the other words, quotes kept; a switch may follow without a blank."""
    found: list[str] = []
    current = ""
    quoted = False
    for char in rest:
        if char == '"':
            quoted = not quoted
        elif not quoted and (char in DELIMITERS or char == "/"):
            if current:
                found.append(current)
            current = "/" if char == "/" else ""
            continue
        current += char
    if current:
        found.append(current)
    return [word.lower() for word in found if word[0] == "/"], [word for word in found if word[0] != "/"]


def name_matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern with ``*`` and ``?``; ``*.*`` is every name."""
    return _wild(pattern).fullmatch(name) is not None


@lru_cache(1024)
def _wild(pattern: str) -> re.Pattern[str]:
    wild = "*" if pattern == "*.*" else pattern
    wanted = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in wild)
    return re.compile(wanted, re.IGNORECASE)


def matching(shell: "Shell", path: str, *, directories: bool) -> list[str]:
    """Absolute paths of files (and directories) that a path, perhaps with a wildcard in its last part, names."""
    files = shell.machine.files
    whole = absolute(shell, path)
    folder, _, last = whole.rpartition("\\")
    if "*" not in last and "?" not in last:
        return [whole] if files.exists(whole) and (directories or not files.is_dir(whole)) else []
    if not files.is_dir(folder + "\\"):
        return []
    found = [f"{folder}\\{name}" for name in files.listing(folder + "\\") if name_matches(last, name)]
    return [each for each in found if directories or not files.is_dir(each)]


def exists(shell: "Shell", path: str) -> bool:
    r"""What ``if exist`` asks; ``dir\*`` and ``dir\`` are true for a directory only."""
    plain = path.replace('"', "")
    if not plain:
        return False
    files = shell.machine.files
    whole = absolute(shell, plain)
    folder, _, last = whole.rpartition("\\")
    if device(plain):
        return not folder or files.is_dir(folder + "\\")
    if plain[-1] in "\\/":
        return files.is_dir(whole)
    if last in ("*", "*.*") and folder[2:]:
        return files.is_dir(folder)  # "." is always in it, but not in a volume's root
    return bool(matching(shell, plain, directories=True))


def file_fault(error: OSError, *, folder: bool = False) -> str:
    """The message for a failed file call; ``folder``: a missing file means that its directory is missing."""
    if isinstance(error, FileInUse):
        return "in use"
    if isinstance(error, NotADirectoryError):
        return "no directory"
    if isinstance(error, FileNotFoundError):
        return "no path" if folder else "no file"
    return "not empty" if error.errno == errno.ENOTEMPTY else "denied"


def described(shell: "Shell", modifiers: str, value: str) -> str:
    """What ``%~dpnxatz1`` makes of a value; without modifiers only its quotes go."""
    plain = value.replace('"', "")
    letters, _, search = modifiers.partition("$")
    files = shell.machine.files
    if search:
        plain = next((each for each in _searched(shell, search[:-1], plain) if files.exists(each)), "")
        letters = letters or "f"
    if not letters or not plain:
        return plain
    path = absolute(shell, plain)
    if files.exists(path):
        path = files.real_name(path)
    folder, _, last = path.rpartition("\\")
    stem, dot, extension = last.rpartition(".") if "." in last else (last, "", "")
    there = files.exists(path)
    if "f" in letters or letters == "s":
        return path
    parts = {
        "d": path[:2],
        "p": folder[2:] + "\\",
        "n": stem,
        "x": dot + extension,
    }
    text = "".join(parts[letter] for letter in "dpnx" if letter in letters)
    facts = []
    if "a" in letters:
        shown = files.attributes(path) if there else set[str]()
        facts.append("".join(letter if letter in shown else "-" for letter in "drahscotl"))
    if "t" in letters:
        facts.append(time.strftime("%d.%m.%Y %H:%M", time.localtime(files.modified(path))) if there else "")
    if "z" in letters:
        facts.append(str(files.size(path)) if there else "")
    return " ".join([*facts, text] if text else facts)


def _searched(shell: "Shell", variable: str, name: str) -> list[str]:
    folders = (shell.environment.get(variable) or "").split(";")
    return [folder.rstrip("\\") + "\\" + name for folder in folders if folder]
