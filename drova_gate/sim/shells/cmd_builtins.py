"""cmd.exe's built-in commands: which there are, what they do to ERRORLEVEL, and those that are not about files."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from drova_gate.sim.shells import cmd_batch, cmd_files
from drova_gate.sim.shells.cmd_arithmetic import Fault, evaluate
from drova_gate.sim.shells.cmd_environment import Environment
from drova_gate.sim.shells.cmd_expand import percent_in_batch, percent_on_command_line
from drova_gate.sim.shells.cmd_paths import absolute, program_word, words
from drova_gate.sim.shells.cmd_state import Jump, LeaveBatch, LeaveShell, Saved, Streams
from drova_gate.sim.shells.cmd_syntax import DELIMITERS
from drova_gate.sim.windows.program import ProgramNotFound

if TYPE_CHECKING:
    from drova_gate.sim.shells.cmd_run import Shell

__all__ = ["WINDOWS_VERSION", "change_drive", "named", "run"]

WINDOWS_VERSION = "10.0.22631.4037"

Builtin = Callable[["Shell", str, Streams], Awaitable[int]]

_NAME = re.compile(r"[A-Za-z]+")
_AFTER_NAME = DELIMITERS + "/\\.:+[](\x00"
"""What may follow a built-in command's name without a blank: ``cd..``, ``echo.``, ``del/f``."""

_CLEARING = frozenset(
    [
        "cd",
        "chdir",
        "copy",
        "del",
        "erase",
        "dir",
        "md",
        "mkdir",
        "move",
        "pushd",
        "ren",
        "rename",
        "type",
        "ver",
        "vol",
    ]
)
"""Commands whose success sets ERRORLEVEL to 0; the others leave it as it was."""
_CLEARING_IN_CMD_FILES = frozenset({"set", "path", "prompt"})
"""Likewise, but only in a file that ends in .cmd, not in .bat."""
_FAILING_QUIETLY = frozenset({"rd", "rmdir"})
"""Their failure is seen by ``&&`` and ``||`` and does not touch ERRORLEVEL."""


def named(text: str) -> tuple[str, str] | None:
    """The built-in command that a text names and the rest of it; quoted names are programs."""
    match = _NAME.match(text)
    if match is None or match[0].lower() not in _BUILTINS:
        return None
    rest = text[match.end() :]
    if rest and rest[0] not in _AFTER_NAME:
        return None
    # copy.cmd is a file's name; "echo." is not.
    if rest.startswith(".") and match[0].lower() != "echo" and rest[1:2] not in (".", "\\", ""):
        return None
    return match[0].lower(), rest


async def run(shell: "Shell", name: str, rest: str, streams: Streams) -> int:
    """Run a built-in command and do to ERRORLEVEL what it does."""
    status = await _BUILTINS[name](shell, rest, streams)
    if status:
        if name not in _FAILING_QUIETLY:
            shell.errorlevel = status
    elif name in _CLEARING or (
        name in _CLEARING_IN_CMD_FILES and shell.frame is not None and shell.frame.path.lower().endswith(".cmd")
    ):
        shell.errorlevel = 0
    return status


# -- text and variables ----------------------------------------------------------------------------------------------


async def _echo(shell: "Shell", rest: str, streams: Streams) -> int:
    word = rest.strip(" \t").lower()
    if word in ("on", "off"):
        shell.echo = word == "on"
    elif not word:
        shell.say(streams.out, "echo on" if shell.echo else "echo off")
    else:
        shell.write(streams.out, rest[1:] + "\r\n")
    return 0


async def _set(shell: "Shell", rest: str, streams: Streams) -> int:
    text = rest.lstrip(" \t,;=")
    if text[:2].lower() == "/a":
        return _set_number(shell, text[2:], streams)
    asks = text[:2].lower() == "/p"
    if asks:
        text = text[2:].lstrip()
    if text.startswith('"'):
        end = text.rfind('"')
        text = text[1:end] if end > 0 else text[1:]
    name, equals, value = text.partition("=")
    if not equals:
        return _show_variables(shell, name.strip(), streams)
    if not name:
        shell.say(streams.err, "syntax")
        return 1
    if asks:
        shell.write(streams.out, value)
        line = streams.stdin.line()
        if line is None:
            return 1
        value = line.decode(shell.encoding, "replace")
        if not value:
            return 1
    shell.environment.set(name, value)
    return 0


def _show_variables(shell: "Shell", prefix: str, streams: Streams) -> int:
    listing = shell.environment.listing(prefix)
    for name, value in listing:
        shell.write(streams.out, f"{name}={value}\r\n")
    if not listing and prefix:
        shell.say(streams.err, "no variable", prefix)
        return 1
    return 0


def _set_number(shell: "Shell", text: str, streams: Streams) -> int:
    try:
        value = evaluate(text.replace('"', ""), shell.lookup, shell.environment.set)
    except Fault as fault:
        shell.say(streams.err, fault.word)
        return fault.code
    if shell.frame is None:
        shell.write(streams.out, str(value))
    return 0


async def _setlocal(shell: "Shell", rest: str, _: Streams) -> int:
    if shell.frame is None:
        return 0
    shell.frame.saved.append(Saved(shell.environment, shell.directory, shell.delayed))
    shell.environment = Environment(shell.environment.mapping())
    for word in rest.lower().split():
        if word in ("enabledelayedexpansion", "disabledelayedexpansion"):
            shell.delayed = word.startswith("enable")
    return 0


async def _endlocal(shell: "Shell", _rest: str, _: Streams) -> int:
    if shell.frame is not None and shell.frame.saved:
        cmd_batch.leave_local(shell, shell.frame.saved.pop())
    return 0


async def _path(shell: "Shell", rest: str, streams: Streams) -> int:
    if value := rest.lstrip(" \t="):
        shell.environment.set("PATH", value)
    else:
        shell.write(streams.out, f"PATH={shell.lookup('PATH') or ''}\r\n")
    return 0


# -- where the batch goes on -----------------------------------------------------------------------------------------


async def _goto(shell: "Shell", rest: str, _: Streams) -> int:
    label = rest.strip(DELIMITERS)
    if shell.frame is None:
        return 1
    if label.lower().startswith(":eof"):
        raise LeaveBatch(shell.errorlevel)
    raise Jump(cmd_batch.label_of(label))


async def _exit(shell: "Shell", rest: str, _: Streams) -> int:
    given = rest.split()
    batch = bool(given) and given[0].lower() == "/b"
    if batch:
        given = given[1:]
    code = int(given[0]) if given and re.fullmatch(r"-?\d+", given[0]) else shell.errorlevel
    raise LeaveBatch(code) if batch else LeaveShell(code)


async def _call(shell: "Shell", rest: str, streams: Streams) -> int:
    """Percent signs are expanded once more, and carets doubled on the way: those in quotes stay doubled."""
    doubled = rest.replace("^", "^^")
    if shell.frame is not None:
        text = percent_in_batch(doubled, shell.lookup, shell.frame.numbered(), shell.modify)
    else:
        text = percent_on_command_line(doubled, shell.lookup)
    text = _without_carets(text).lstrip(DELIMITERS)
    if text.startswith(":"):
        word, arguments = program_word(text)
        return await cmd_batch.call_label(shell, cmd_batch.label_of(word), arguments, streams)
    return await shell.command(text, streams, called=True)


def _without_carets(text: str) -> str:
    out: list[str] = []
    quoted = escaped = False
    for char in text:
        if char == "^" and not quoted and not escaped:
            escaped = True
            continue
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = False
        out.append(char)
    return "".join(out)


async def _shift(shell: "Shell", rest: str, _: Streams) -> int:
    frame = shell.frame
    if frame is not None and frame.arguments:
        start = re.search(r"/(\d)", rest)
        if start and int(start[1]):
            del frame.arguments[int(start[1]) - 1]
        else:
            frame.name = frame.arguments.pop(0)
    return 0


# -- directories and programs ----------------------------------------------------------------------------------------


def change_drive(shell: "Shell", name: str, streams: Streams) -> int:
    """``D:``."""
    letter = name[0].upper()
    if letter not in shell.machine.files.letters():
        shell.say(streams.err, "no drive")
        shell.errorlevel = 1
        return 1
    if letter != shell.directory[0].upper():
        shell.directories[shell.directory[0].upper()] = shell.directory
        shell.directory = shell.directories.get(letter, f"{letter}:\\")
    return 0


async def _cd(shell: "Shell", rest: str, streams: Streams) -> int:
    text = rest.strip()
    also_drive = text[:2].lower() == "/d"
    target = (text[2:] if also_drive else text).strip().strip('"')
    if not target:
        shell.write(streams.out, shell.directory + "\r\n")
        return 0
    return _go(shell, target, streams, also_drive=also_drive)


def _go(shell: "Shell", target: str, streams: Streams, *, also_drive: bool) -> int:
    path = absolute(shell, target)
    files = shell.machine.files
    if not files.exists(path):
        shell.say(streams.err, "no path")
        return 1
    if not files.is_dir(path):
        shell.say(streams.err, "no directory")
        return 1
    path = files.real_name(path)
    here = shell.directory[0].upper()
    if path[0].upper() == here:
        shell.directory = path
    elif also_drive:
        shell.directories[here] = shell.directory
        shell.directory = path
    else:
        shell.directories[path[0].upper()] = path
    return 0


async def _pushd(shell: "Shell", rest: str, streams: Streams) -> int:
    before = shell.directory
    status = _go(shell, rest.strip().strip('"') or ".", streams, also_drive=True)
    if not status:
        shell.pushed.append(before)
    return status


async def _popd(shell: "Shell", _rest: str, streams: Streams) -> int:
    return _go(shell, shell.pushed.pop(), streams, also_drive=True) if shell.pushed else 1


_START_WITH_VALUE = ("/d", "/node", "/affinity")


async def _start(shell: "Shell", rest: str, streams: Streams) -> int:
    """``start "title" [/wait] [/b] program``: what is not waited for ends with the shell, as under sshd."""
    text = rest.strip()
    wait = False
    directory = shell.directory
    if text.startswith('"'):
        text = text[text.find('"', 1) + 1 :].lstrip() if '"' in text[1:] else ""
    while text.startswith("/"):
        switch, text = program_word(text)
        text = text.lstrip()
        wait = wait or switch.lower() in ("/w", "/wait")
        if switch.lower() in _START_WITH_VALUE:
            value, text = program_word(text)
            text = text.lstrip()
            directory = absolute(shell, value) if switch.lower() == "/d" else directory
    if not text:
        await shell.pass_process_time()
        return 0
    word, arguments = program_word(text)
    name = word.replace('"', "")
    if shell.find(name) is None and named(text) is None:
        shell.say(streams.err, "invalid start", name)
        shell.errorlevel = 9059
        return 9059
    other = shell.child()
    other.directory = directory
    if wait:
        shell.errorlevel = await other.command(word + arguments, streams, called=True)
        return shell.errorlevel
    shell.background.append(asyncio.create_task(_left_running(other, word + arguments, streams), name=f"start {name}"))
    await asyncio.sleep(0)  # it is there before the next command looks
    await shell.pass_process_time()
    return 0


async def _left_running(shell: "Shell", text: str, streams: Streams) -> int:
    try:
        return await shell.command(text, streams, called=True)
    except (LeaveShell, LeaveBatch) as leave:
        return leave.code
    except ProgramNotFound:
        return 1


# -- odds and ends ---------------------------------------------------------------------------------------------------


async def _version(shell: "Shell", _rest: str, streams: Streams) -> int:
    shell.write(streams.out, "\r\n")
    shell.say(streams.out, "version", WINDOWS_VERSION)
    return 0


async def _pause(shell: "Shell", _rest: str, streams: Streams) -> int:
    shell.say(streams.out, "any key")
    streams.stdin.line()
    return 0


async def _clock(shell: "Shell", rest: str, streams: Streams) -> int:
    switches, _ = words(rest)
    if "/t" not in switches:
        shell.say(streams.err, "syntax")  # to set the clock is nothing that a rented station needs
        return 1
    shell.write(streams.out, (shell.lookup("DATE") or "") + "\r\n")
    return 0


async def _time(shell: "Shell", rest: str, streams: Streams) -> int:
    switches, _ = words(rest)
    if "/t" not in switches:
        shell.say(streams.err, "syntax")
        return 1
    shell.write(streams.out, (shell.lookup("TIME") or "")[:5] + "\r\n")
    return 0


async def _nothing(_shell: "Shell", _rest: str, _: Streams) -> int:
    return 0


_BUILTINS: dict[str, Builtin] = {
    "break": _nothing,
    "call": _call,
    "cd": _cd,
    "chdir": _cd,
    "cls": _nothing,
    "color": _nothing,
    "copy": cmd_files.copy,
    "date": _clock,
    "del": cmd_files.delete,
    "dir": cmd_files.directory,
    "echo": _echo,
    "endlocal": _endlocal,
    "erase": cmd_files.delete,
    "exit": _exit,
    "goto": _goto,
    "md": cmd_files.make_directory,
    "mkdir": cmd_files.make_directory,
    "move": cmd_files.move,
    "path": _path,
    "pause": _pause,
    "popd": _popd,
    "prompt": _nothing,
    "pushd": _pushd,
    "rd": cmd_files.remove_directory,
    "rem": _nothing,
    "ren": cmd_files.rename,
    "rename": cmd_files.rename,
    "rmdir": cmd_files.remove_directory,
    "set": _set,
    "setlocal": _setlocal,
    "shift": _shift,
    "start": _start,
    "time": _time,
    "title": _nothing,
    "type": cmd_files.type_files,
    "ver": _version,
    "verify": _nothing,
}
