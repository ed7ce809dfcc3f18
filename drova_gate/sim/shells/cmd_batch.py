"""Batch files: lines as they are read, labels, subroutines."""

import asyncio
import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_expand import percent_in_batch
from drova_gate.sim.shells.cmd_parse import Parser
from drova_gate.sim.shells.cmd_state import Frame, Jump, LeaveBatch, LeaveShell, Saved, Streams
from drova_gate.sim.shells.cmd_syntax import DELIMITERS, Node, SyntaxFault, is_quiet

if TYPE_CHECKING:
    from drova_gate.sim.shells.cmd_run import Shell

__all__ = ["call_label", "label_of", "leave_local", "run_file", "split_arguments"]

_SYNTAX_CODE = 255
"""Exit code of a batch file with a syntax error: all of them end."""
_END_OF_FILE = b"\x1a"
_LABEL = re.compile(r"[ \t,;=]*:[ \t,;=]*([^ \t,;=:+&|<>]*)")


class _Unknown:
    """A line that was not parsed yet."""


_UNKNOWN = _Unknown()
_MOST_KNOWN = 20_000
_known: "dict[str, Node | _Unknown | None]" = {}
"""Whole statements of one line, by their text: subroutines and loops of batch files come by again and again."""


async def run_file(shell: "Shell", path: str, word: str, rest: str, streams: Streams) -> int:
    """Run a batch file with its arguments; the error level at its end."""
    data = shell.machine.files.read(path).partition(_END_OF_FILE)[0]
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    labels = tuple(number for number, line in enumerate(lines) if line.lstrip(b" \t,;=").startswith(b":"))
    raw = rest.strip(" \t")
    return await _run(shell, Frame(path, lines, word, split_arguments(raw), raw, labels), streams)


async def call_label(shell: "Shell", label: str, rest: str, streams: Streams) -> int:
    """``call :label arguments``."""
    frame = shell.frame
    if frame is None:
        shell.say(streams.err, "call outside")
        shell.errorlevel = 1
        return 1
    raw = rest.strip(" \t")
    inner = Frame(frame.path, frame.lines, f":{label}", split_arguments(raw), raw, frame.labels, at=frame.at)
    if not _jump(shell, inner, label):
        shell.say(streams.err, "label", label)
        shell.errorlevel = 1
        return 1
    return await _run(shell, inner, streams)


def split_arguments(raw: str) -> list[str]:
    """Words between separators, quotes kept."""
    found: list[str] = []
    current, quoted = "", False
    for char in raw:
        if char == '"':
            quoted = not quoted
        elif not quoted and char in DELIMITERS:
            if current:
                found.append(current)
            current = ""
            continue
        current += char
    return [*found, current] if current else found


def label_of(text: str) -> str:
    """The label that ``goto`` and ``call`` name, without its colon."""
    match = _LABEL.match(":" + text.lstrip(DELIMITERS).removeprefix(":"))
    return match[1] if match else ""


def leave_local(shell: "Shell", saved: Saved) -> None:
    """What ``endlocal`` does."""
    shell.environment, shell.directory, shell.delayed = saved.environment, saved.directory, saved.delayed


async def _run(shell: "Shell", frame: Frame, streams: Streams) -> int:
    outer, shell.frame = shell.frame, frame
    try:
        while frame.at < len(frame.lines):
            # A loop without programs must not hold up the rest of the world.
            await asyncio.sleep(0)
            await _statement(shell, frame, streams)
    except LeaveBatch as leave:
        shell.errorlevel = leave.code
    finally:
        shell.frame = outer
        if frame.saved:
            leave_local(shell, frame.saved[0])
    return shell.errorlevel


async def _statement(shell: "Shell", frame: Frame, streams: Streams) -> None:
    read: list[str] = []

    def next_line() -> str | None:
        if frame.at >= len(frame.lines):
            return None
        text = frame.lines[frame.at].decode(shell.encoding, "replace")
        frame.at += 1
        # A label's line is not expanded: what looks like a variable in it is none.
        if not text.lstrip(DELIMITERS).startswith(":"):
            text = percent_in_batch(text, shell.lookup, frame.numbered(), shell.modify)
        read.append(text)
        return text

    first = next_line() or ""
    node = _known.get(first, _UNKNOWN)
    if isinstance(node, _Unknown):
        try:
            node = Parser(first, next_line).parse()
        except SyntaxFault as fault:
            shell.complain_of(fault, streams)
            raise LeaveShell(_SYNTAX_CODE) from fault
        if len(read) == 1:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            _known[first] = node
    if node is None:
        return
    if shell.echo and not is_quiet(node):
        shell.write(streams.out, f"\r\n{shell.directory}>{' '.join(read).strip()} \r\n")
    try:
        await shell.run(node, streams)
    except Jump as jump:
        if not _jump(shell, frame, jump.label):
            shell.say(streams.err, "label", jump.label)
            raise LeaveBatch(1) from jump


def _jump(shell: "Shell", frame: Frame, label: str) -> bool:
    """Set the frame behind a label, looked for from here on, then from the top."""
    here = bisect_left(frame.labels, frame.at)
    for number in (*frame.labels[here:], *frame.labels[:here]):
        match = _LABEL.match(frame.lines[number].decode(shell.encoding, "replace"))
        if match and match[1].lower() == label.lower():
            frame.at = number + 1
            return True
    return False
