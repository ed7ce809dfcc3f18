"""How a console program is started and what it leaves: argument parsing, output bytes, exit code."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["CODE_PAGE", "Call", "Finished", "Handler", "ProgramNotFound", "split_line"]

CODE_PAGE = "=CODEPAGE"
"""Hidden environment entry (``set`` never shows names that begin with ``=``): the console's page after ``chcp``."""

_UTF8_PAGE = "65001"


class ProgramNotFound(Exception):
    """There is no such program on the station; ``name`` is the first word as it was typed."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a program."""

    code: int
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(slots=True)
class Call:
    """One running program: what it was given and what it has printed so far."""

    machine: "Machine"
    line: str
    """The whole command line as CreateProcess got it."""
    argv: list[str]
    environment: dict[str, str]
    """The caller's own mapping: only ``chcp`` changes it."""
    directory: str
    stdin: bytes = b""
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    @property
    def arguments(self) -> list[str]:
        """The words after the program's name."""
        return self.argv[1:]

    @property
    def encoding(self) -> str:
        """The Python codec of the console's code page."""
        page = self.environment.get(CODE_PAGE, "")
        return "utf-8" if page == _UTF8_PAGE else self.machine.oem_encoding

    def text(self, english: str, russian: str) -> str:
        """The text in the language of this Windows."""
        return russian if self.machine.language == "ru" else english

    def say(self, line: str = "") -> None:
        """Print a line to stdout."""
        self.stdout += (line + "\r\n").encode(self.encoding, "replace")

    def complain(self, line: str = "") -> None:
        """Print a line to stderr."""
        self.stderr += (line + "\r\n").encode(self.encoding, "replace")

    def input_text(self) -> str:
        """What was piped in, decoded by the console's page."""
        return self.stdin.decode(self.encoding, "replace")


Handler = Callable[[Call], Awaitable[int]]
"""A program: prints through its call and returns its exit code."""


def split_line(line: str) -> list[str]:
    """Split a command line into argv by the rules of the Microsoft C runtime (2008 and later)."""
    words: list[str] = []
    rest = line.lstrip(" \t")
    if not rest:
        return words
    first, position = _program_word(rest)
    words.append(first)
    length = len(rest)
    while position < length:
        if rest[position] in " \t":
            position += 1
            continue
        word, position = _argument_word(rest, position)
        words.append(word)
    return words


def _program_word(rest: str) -> tuple[str, int]:
    """The program's name: quotes only group, backslashes are plain."""
    if rest[0] == '"':
        end = rest.find('"', 1)
        return (rest[1:], len(rest)) if end < 0 else (rest[1:end], end + 1)
    for index, char in enumerate(rest):
        if char in " \t":
            return rest[:index], index
    return rest, len(rest)


def _argument_word(rest: str, position: int) -> tuple[str, int]:
    word: list[str] = []
    quoted = False
    while position < len(rest):
        char = rest[position]
        if char == "\\":
            run = position
            while run < len(rest) and rest[run] == "\\":
                run += 1
            slashes = run - position
            if run < len(rest) and rest[run] == '"':
                # Before a quote each pair is one backslash; an odd one left makes the quote itself literal.
                word.append("\\" * (slashes // 2))
                if slashes % 2:
                    word.append('"')
                    run += 1
            else:
                word.append("\\" * slashes)
            position = run
        elif char == '"':
            if quoted and rest[position + 1 : position + 2] == '"':
                word.append('"')
                position += 2
            else:
                quoted = not quoted
                position += 1
        elif char in " \t" and not quoted:
            break
        else:
            word.append(char)
            position += 1
    return "".join(word), position
