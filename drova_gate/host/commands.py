"""Commands for the station, rendered for the shell that its sshd starts.

A command is a sequence of steps. The same steps render for cmd.exe and for PowerShell, and in a second, masked
form for logs: a :class:`Secret` never shows in ``str()``.

Evidence lines start with ``@@ `` and are ours alone; everything a localised program prints stands between the
``@@ begin NAME`` and ``@@ end NAME`` of its :class:`Section` and is read by :func:`sections`.

Why this form: sshd hands cmd.exe ``/c "<text>"`` and PowerShell ``-c <text>`` with the text unchanged; cmd.exe wants a quoted
path bare, PowerShell wants ``&`` before it, which cmd.exe rejects; ``%`` and ``$`` expand in one and not in the other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Argument",
    "Command",
    "Run",
    "Say",
    "SayVariable",
    "Script",
    "Secret",
    "Section",
    "SetVariable",
    "Shell",
    "Step",
    "WhenFile",
    "render",
    "sections",
]

CMD_LIMIT = 8191
"""Longest command line that cmd.exe takes, in characters."""


class Shell(StrEnum):
    """The shell that the station's sshd starts."""

    CMD = "cmd"
    POWERSHELL = "powershell"


@dataclass(frozen=True, slots=True)
class Secret:
    """An argument whose value is never shown: ``prefix`` is, ``value`` is not."""

    prefix: str
    value: str

    def __str__(self) -> str:
        return f"{self.prefix}***"

    def __repr__(self) -> str:
        return f"Secret({self.prefix!r}, ***)"


Argument = str | Secret


@dataclass(frozen=True, slots=True)
class Run:
    """Run a program; with a label, print ``@@ <label> ok`` or ``@@ <label> failed`` by its exit code."""

    program: str
    arguments: tuple[Argument, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Print ``@@ <text>``; the text is ours: letters, digits, dots, dashes, blanks."""

    text: str


@dataclass(frozen=True, slots=True)
class SayVariable:
    """Print ``@@ <label> <value of the environment variable>``."""

    label: str
    name: str


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Set an environment variable for the programs that follow in this command (any text but quotes and ``%``)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """Steps whose output stands between ``@@ begin NAME`` and ``@@ end NAME``."""

    name: str
    steps: tuple["Step", ...]


@dataclass(frozen=True, slots=True)
class WhenFile:
    """Run one or the other branch by whether a file is there."""

    path: str
    then: tuple["Step", ...]
    otherwise: tuple["Step", ...]


Step = Run | Say | SayVariable | SetVariable | Section | WhenFile
Script = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A rendered command: ``text`` goes to the station, ``str()`` is safe to log."""

    text: str
    masked: str

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Command({self.masked!r})"


def render(shell: Shell, steps: Iterable[Step]) -> Command:
    """Render steps for a shell; ``ValueError`` for text that the shell could not carry unchanged."""
    listed = tuple(steps)
    one = _cmd if shell is Shell.CMD else _powershell
    joint = "&" if shell is Shell.CMD else ";"
    text = joint.join(one(step, masked=False) for step in listed)
    masked = joint.join(one(step, masked=True) for step in listed)
    if shell is Shell.CMD and len(text) > CMD_LIMIT:
        raise ValueError(f"command of {len(text)} characters; cmd.exe takes {CMD_LIMIT}")
    if shell is Shell.POWERSHELL and any(_self_quoted(argument) for argument in _arguments(listed)):
        text, masked = _LEGACY_PASSING + text, _LEGACY_PASSING + masked
    return Command(text, masked)


def sections(output: str) -> dict[str, str]:
    """Split an output at its ``@@ begin``/``@@ end`` lines; an unclosed section is left out: its end was never seen."""
    found: dict[str, str] = {}
    name, lines = "", list[str]()
    for line in output.splitlines():
        mark = line.strip()
        if mark.startswith("@@ begin "):
            name, lines = mark.removeprefix("@@ begin "), []
        elif name and mark == f"@@ end {name}":
            found[name] = "\n".join(lines)
            name = ""
        elif name:
            lines.append(line)
    return found


# -- cmd.exe ---------------------------------------------------------------------------------------------------------

_CMD_SPECIAL = frozenset('()%!^"<>&|')
_CMD_BARE_PROGRAM = frozenset(" ,;=()!^<>&|@'`")
"""Characters that a program's path may hold only inside quotes."""


def _cmd(step: Step, *, masked: bool) -> str:
    match step:
        case Run(program, arguments, label):
            line = " ".join(
                [_cmd_program(program), *(_cmd_argument(argument, masked=masked) for argument in arguments)]
            )
            # The group keeps && and || to this one program.
            return f"({line}&&echo @@ {_own(label)} ok||echo @@ {_own(label)} failed)" if label else line
        case Say(text):
            return f"echo @@ {_own(text)}"
        case SayVariable(label, name):
            return f"echo @@ {_own(label)} %{_own(name)}%"
        case SetVariable(name, value):
            return f'set "{_own(name)}={_carried(value)}"'
        case Section(name, steps):
            inner = "&".join(_cmd(inner_step, masked=masked) for inner_step in steps)
            return f"echo @@ begin {_own(name)}&{inner}&echo @@ end {_own(name)}"
        case WhenFile(path, then, otherwise):
            yes = "&".join(_cmd(inner_step, masked=masked) for inner_step in then)
            no = "&".join(_cmd(inner_step, masked=masked) for inner_step in otherwise)
            return f'(if exist "{_carried(path)}" ({yes}) else ({no}))'


def _cmd_program(program: str) -> str:
    return f'"{_carried(program)}"' if _CMD_BARE_PROGRAM & set(program) else _carried(program)


def _cmd_argument(argument: Argument, *, masked: bool) -> str:
    """Quote for the program's own argument parser, then hide every special character from cmd.exe with carets.

    A caret before ``%`` works on a command line (not in a batch file): cmd looks for a variable whose name holds the
    caret, finds none, leaves the text, then drops the caret. What follows a ``%`` gets one too: in ``%OS:a=b^%`` the name
    would be plain ``OS``, and cmd would replace.
    """
    plain = _plain(argument, masked=masked)
    if plain is None:
        return str(argument)
    hidden, after_percent = "", False
    for char in _program_quoted(plain):
        hidden += f"^{char}" if char in _CMD_SPECIAL or after_percent else char
        after_percent = char == "%"
    return hidden


# -- PowerShell ------------------------------------------------------------------------------------------------------


def _powershell(step: Step, *, masked: bool) -> str:
    match step:
        case Run(program, arguments, label):
            words = ["&", _single(program), *(_powershell_argument(argument, masked=masked) for argument in arguments)]
            line = " ".join(words)
            if not label:
                return line
            # A program that cannot be started leaves the exit code of the one before it.
            return (
                f"$LASTEXITCODE=1;{line};"
                f"if($LASTEXITCODE -eq 0){{'@@ {_own(label)} ok'}}else{{'@@ {_own(label)} failed'}}"
            )
        case Say(text):
            return f"'@@ {_own(text)}'"
        case SayVariable(label, name):
            return f"'@@ {_own(label)} '+$env:{_own(name)}"
        case SetVariable(name, value):
            return f"$env:{_own(name)}={_single(_carried(value))}"
        case Section(name, steps):
            inner = ";".join(_powershell(inner_step, masked=masked) for inner_step in steps)
            return f"'@@ begin {_own(name)}';{inner};'@@ end {_own(name)}'"
        case WhenFile(path, then, otherwise):
            yes = ";".join(_powershell(inner_step, masked=masked) for inner_step in then)
            no = ";".join(_powershell(inner_step, masked=masked) for inner_step in otherwise)
            return f"if(Test-Path -LiteralPath {_single(path)}){{{yes}}}else{{{no}}}"


_LEGACY_PASSING = "$PSNativeCommandArgumentPassing='Legacy';"
"""PowerShell 7.3 and later would escape quotes once more; to 5.1 it is just a variable."""

_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
"""What PowerShell takes for a single quote; two of a kind stand for one."""


def _self_quoted(argument: str) -> bool:
    """Whether PowerShell 5.1 would hand the argument on broken, so that we quote it for the program ourselves.

    5.1 drops an empty argument, puts quotes around blanks without doubling a backslash before the closing one, and
    does not escape quotes at all.
    """
    return not argument or '"' in argument or (argument.endswith("\\") and any(char.isspace() for char in argument))


def _powershell_argument(argument: Argument, *, masked: bool) -> str:
    """One argument for a native program, which PowerShell must hand on as it is.

    An argument that we quoted is handed on unchanged as long as no blank in it follows an even number of quotes (5.1
    counts escaped ones too, later versions do not). So an argument with quotes in it goes in pieces that hold no blank:
    PowerShell joins them with one blank each.
    """
    plain = _plain(argument, masked=masked)
    if plain is None:
        return _single(str(argument))
    if not _self_quoted(plain):
        return _single(plain)
    quoted = _program_quoted(plain)
    if '"' not in plain:
        return _single(quoted)
    pieces = quoted.split(" ")
    if not all(pieces) or any(char.isspace() for piece in pieces for char in piece):
        raise ValueError("PowerShell cannot carry an argument that holds a quote and several blanks in a row, or a tab")
    return " ".join(_single(piece) for piece in pieces)


def _single(text: str) -> str:
    return "'" + "".join(char * 2 if char in _SINGLE_QUOTES else char for char in text) + "'"


# -- both ------------------------------------------------------------------------------------------------------------


def _plain(argument: Argument, *, masked: bool) -> str | None:
    """Return the argument's text, or ``None`` for a secret that must not be shown; line ends are refused."""
    if isinstance(argument, Secret):
        if masked:
            return None
        argument = argument.prefix + argument.value
    if any(char in argument for char in "\r\n\0"):
        raise ValueError("an argument with line ends cannot be carried")
    return argument


def _arguments(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case Run(arguments=arguments):
                yield from (_plain(argument, masked=False) or "" for argument in arguments)
            case Section(steps=inner):
                yield from _arguments(inner)
            case WhenFile(then=then, otherwise=otherwise):
                yield from _arguments((*then, *otherwise))
            case _:
                pass


def _program_quoted(argument: str) -> str:
    """Quote one argument by the rules of the C runtime's parser, which CmdTool, reg and the others use."""
    if argument and not any(char in argument for char in ' \t"'):
        return argument
    quoted, slashes = '"', 0
    for char in argument:
        if char == "\\":
            slashes += 1
        elif char == '"':
            quoted += "\\" * (slashes * 2 + 1) + '"'
            slashes = 0
        else:
            quoted += "\\" * slashes + char
            slashes = 0
    return quoted + "\\" * (slashes * 2) + '"'


def _own(text: str) -> str:
    if not all(char.isascii() and (char.isalnum() or char in " ._-") for char in text):
        raise ValueError(f"not a plain evidence text: {text!r}")
    return text


def _carried(text: str) -> str:
    """Text inside plain quotes, where neither carets nor doubling helps: what would change on the way is refused."""
    if any(char in text for char in '"%\r\n'):
        raise ValueError("a path or value with quotes, percent signs or line ends cannot be carried")
    return text
