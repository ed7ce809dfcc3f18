"""Windows PowerShell 5.1 as sshd's shell (``powershell.exe -c <text>``) and as a program.

Only the exit status 0 or 1 leaves it, unless the script says ``exit``; and arguments for programs are put together with
5.1's own faults: empty ones vanish, blanks get quotes, quotes inside are not escaped.
"""

import asyncio
import base64
import binascii
import time
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_environment import Environment
from drova_gate.sim.shells.cmd_state import Write
from drova_gate.sim.shells.powershell_nodes import ParseFault
from drova_gate.sim.shells.powershell_processes import end_by_path
from drova_gate.sim.shells.powershell_run import Leave, Session
from drova_gate.sim.shells.powershell_syntax import parse
from drova_gate.sim.windows.program import Call

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["program", "run"]

START_PROCESSES = 6
"""As a program of its own it takes 0.3 to 1 s to start on a real PC: as long as that many small programs."""

_CLOCK = "[DateTimeOffset]::UtcNow.ToUnixTimeSeconds()"
"""A script that the interpreter's grammar does not know."""
_FLAGS = ("-noprofile", "-noninteractive", "-nologo", "-nop", "-noni", "-sta", "-mta")
_WITH_VALUE = ("-executionpolicy", "-ep", "-ex", "-windowstyle", "-w", "-outputformat", "-inputformat", "-version")
_ENCODED = ("-encodedcommand", "-enc", "-ec", "-e", "-encodedc")
_COMMAND = ("-command", "-c", "-com")
_FILE = ("-file", "-f")


async def run(machine: "Machine", text: str, stdout: Write, stderr: Write) -> int:
    """What sshd's shell does with a command: the exit code that sshd passes on. Its start is in the plan's cost of a command."""
    environment = Environment(machine.environment())
    directory = environment.get("USERPROFILE") or "C:\\"
    return await _script(Session(machine, environment, directory, stdout, stderr), text)


async def program(call: Call) -> int:
    """powershell.exe with its switches; its start costs more than that of a small program."""
    await asyncio.sleep((START_PROCESSES - 1) * call.machine.plan.costs.process)
    session = Session(
        call.machine, Environment(call.environment), call.directory, call.stdout.extend, call.stderr.extend
    )
    words = list(call.arguments)
    while words:
        word = words.pop(0).lower().replace("/", "-", 1)
        if word in _FLAGS:
            continue
        if word in _WITH_VALUE:
            del words[:1]
        elif word in _ENCODED:
            return await _encoded(session, words[0] if words else "")
        elif word in _FILE:
            return await _file(session, words[0] if words else "")
        elif word in _COMMAND:
            script = " ".join(words)
            if script.strip() == _CLOCK:
                call.stdout.extend(f"{int(time.time() + call.machine.files.clock_ahead)}\r\n".encode("ascii"))
                return 0
            if await end_by_path(call.machine, script, call.stdout.extend):
                return 0
            return await _script(session, script)
        else:
            return await _script(session, " ".join([word, *words]))
    return 0


async def _encoded(session: Session, word: str) -> int:
    try:
        text = base64.b64decode(word, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        session.complain(
            "Cannot process the command because the value specified with -EncodedCommand is not properly encoded."
        )
        return 1
    return await _script(session, text)


async def _file(session: Session, path: str) -> int:
    """A script file: without a UTF-8 mark it is read in the ANSI code page."""
    whole = session.absolute(path)
    files = session.machine.files
    if not files.exists(whole):
        session.complain(f"The argument '{path}' to the -File parameter does not exist.")
        return -196608
    data = files.read(whole)
    if data.startswith(b"\xef\xbb\xbf"):
        text = data[3:].decode("utf-8", "replace")
    else:
        text = data.decode(session.machine.ansi_encoding, "replace")
    code = await _script(session, text)
    return code if session.left else 0


async def _script(session: Session, text: str) -> int:
    try:
        nodes = parse(text)
    except ParseFault as fault:
        session.complain(f"At line:1 char:1\r\n+ {text[:60]}\r\n{fault}\r\n    + FullyQualifiedErrorId : ParserError")
        return 1
    try:
        for node in nodes:
            await session.statement(node)
    except Leave as leave:
        session.left = True
        return leave.code
    return 0 if session.succeeded else 1
