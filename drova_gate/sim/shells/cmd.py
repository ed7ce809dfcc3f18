r"""cmd.exe as sshd starts it (``cmd.exe /c "<text>"``), and as a program that other programs start."""

import re
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_builtins import WINDOWS_VERSION
from drova_gate.sim.shells.cmd_environment import Environment
from drova_gate.sim.shells.cmd_run import Shell
from drova_gate.sim.shells.cmd_state import Input, Streams, Write
from drova_gate.sim.windows.program import CODE_PAGE, Call

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["program", "run"]

_POLICY = r"HKCU\Software\Policies\Microsoft\Windows\System"
_NOTHING_RUNS, _BATCH_RUNS = 1, 2
"""Data of DisableCMD: 1 also stops ``/c`` and batch files, 2 only the prompt."""
_AUTORUN = (r"HKLM\Software\Microsoft\Command Processor", r"HKCU\Software\Microsoft\Command Processor")
_SWITCH = re.compile(r"\s*/(\w)(:\w+)?", re.ASCII)
_SPECIAL = frozenset("&<>()@^|")


async def run(machine: "Machine", text: str, stdout: Write, stderr: Write) -> int:
    """What sshd's shell does with a command: ``cmd.exe /c "<text>"`` in the login's profile folder; the exit code."""
    environment = Environment(machine.environment())
    directory = environment.get("USERPROFILE") or "C:\\"
    return await _interpret(machine, environment, directory, f' /c "{text}"', Streams(Input(), stdout, stderr))


async def program(call: Call) -> int:
    """cmd.exe as a program: its environment is a copy, its code page the console's."""
    environment = Environment(call.environment)
    _, _, arguments = _split_program(call.line)
    streams = Streams(Input(call.stdin), call.stdout.extend, call.stderr.extend)
    code = await _interpret(call.machine, environment, call.directory, arguments, streams)
    page = environment.get(CODE_PAGE)
    if page:
        call.environment[CODE_PAGE] = page
    return code


async def _interpret(
    machine: "Machine", environment: Environment, directory: str, arguments: str, streams: Streams
) -> int:
    """Parse cmd.exe's own switches from the raw command line, then run what follows ``/c``."""
    shell = Shell(machine, environment, directory)
    switches: dict[str, str] = {}
    rest = arguments
    while not switches.keys() & {"c", "k", "r"} and (match := _SWITCH.match(rest)):
        letter = match[1].lower()
        # "/cecho" is /c with its text, "/v:on" a switch with a value.
        switches[letter] = (match[2] or "").lower()
        rest = rest[match.end() :] if letter not in "ckr" else rest[match.start(1) + 1 :]
    shell.delayed = switches.get("v", "") == ":on" or ("v" in switches and not switches["v"])
    interactive = not switches.keys() & {"c", "r"}
    if _refused(machine, interactive=interactive):
        shell.say(streams.out, "disabled")
        shell.say(streams.out, "any key")
        return 1
    try:
        if "d" not in switches:
            await _autorun(shell, streams)
        if interactive:
            return await _prompt(shell, rest, streams)
        return await shell.run_line(_unquoted(shell, rest.lstrip(), keep_rule="s" not in switches), streams)
    finally:
        await shell.close()


async def _autorun(shell: Shell, streams: Streams) -> None:
    for key in _AUTORUN:
        if text := shell.machine.registry.text(key, "AutoRun"):
            await shell.run_line(text, streams)


async def _prompt(shell: Shell, rest: str, streams: Streams) -> int:
    """Without ``/c``: commands come from standard input, and end with it."""
    shell.say(streams.out, "version", WINDOWS_VERSION)
    code = await shell.run_line(rest.strip(), streams) if rest.strip() else 0
    while (line := streams.stdin.line()) is not None:
        text = line.decode(shell.encoding, "replace")
        shell.write(streams.out, f"\r\n{shell.directory}>{text}\r\n")
        code = await shell.run_line(text, streams)
    return code


def _unquoted(shell: Shell, text: str, *, keep_rule: bool) -> str:
    """Take the first quote and the last one off, unless the text is just the quoted name of a program with blanks."""
    if not text.startswith('"'):
        return text
    last = text.rfind('"')
    if keep_rule and text.count('"') == 2 and not _SPECIAL & set(text):
        name = text[1:last]
        if " " in name and shell.find(name) is not None:
            return text
    return text[1:] if last == 0 else text[1:last] + text[last + 1 :]


def _refused(machine: "Machine", *, interactive: bool) -> bool:
    value = machine.registry.get(_POLICY, "DisableCMD")
    data = value.data if value is not None else 0
    return data == _NOTHING_RUNS or (interactive and data == _BATCH_RUNS)


def _split_program(line: str) -> tuple[str, str, str]:
    """The program's word, what separates it, and the raw arguments."""
    match = re.match(r'\s*("[^"]*"?|[^\s/"]*)(\s*)', line)
    return (match[1], match[2], line[match.end() :]) if match else ("", "", line)
