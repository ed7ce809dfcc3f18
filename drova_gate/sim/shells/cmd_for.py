"""``if`` conditions and ``for`` loops."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_batch import split_arguments
from drova_gate.sim.shells.cmd_paths import absolute, exists, matching
from drova_gate.sim.shells.cmd_state import Input, Streams
from drova_gate.sim.shells.cmd_syntax import Block, Chain, Condition, For, Node, Redirection, Simple, is_quiet

if TYPE_CHECKING:
    from drova_gate.sim.shells.cmd_run import Shell

__all__ = ["holds", "loop"]

_NUMBER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)")
_TOKEN_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def holds(shell: "Shell", condition: Condition) -> bool:
    """Whether the condition is true."""
    left, right = shell.expand(condition.left), shell.expand(condition.right)
    match condition.kind:
        case "exist":
            answer = exists(shell, left)
        case "defined":
            answer = shell.lookup(left.replace('"', "")) is not None
        case "errorlevel":
            answer = shell.errorlevel >= (_integer(left) or 0)
        case "cmdextversion":
            answer = (_integer(left) or 0) <= 2
        case _:
            answer = _compare(condition.kind, left, right, ignore_case=condition.ignore_case)
    return answer != condition.negated


def _compare(kind: str, left: str, right: str, *, ignore_case: bool) -> bool:
    if ignore_case:
        left, right = left.lower(), right.lower()
    if kind == "==":
        return left == right
    numbers = _integer(left), _integer(right)
    if numbers[0] is not None and numbers[1] is not None:
        order = (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])
    else:
        order = (left > right) - (left < right)
    return {"equ": order == 0, "neq": order != 0, "lss": order < 0, "leq": order <= 0}.get(
        kind, order > 0 if kind == "gtr" else order >= 0
    )


def _integer(text: str) -> int | None:
    if not _NUMBER.fullmatch(text):
        return None
    digits = text.lstrip("+-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") and len(digits) > 1 else 10
    try:
        value = int(digits, base)
    except ValueError:
        return None  # 08 is no octal number: compared as text
    return -value if text.startswith("-") else value


# -- for -------------------------------------------------------------------------------------------------------------


async def loop(shell: "Shell", node: For, streams: Streams) -> int:
    """Run the body for every item; its last status."""
    items = shell.expand(node.items)
    if node.kind == "f":
        rounds = await _file_rounds(shell, node, items, streams)
        if rounds is None:
            return 1
    elif node.kind == "l":
        rounds = ({node.variable: str(number)} for number in _counted(items))
    else:
        rounds = ({node.variable: item} for item in _listed(shell, node, items))
    outer, status = shell.loop, 0
    try:
        for values in rounds:
            shell.loop = outer | values
            if shell.echo and not is_quiet(node.body):
                shell.write(streams.out, f"\r\n{shell.directory}>{shell.expand(_shown(node.body))} \r\n")
            status = await shell.run(node.body, streams)
    finally:
        shell.loop = outer
    return status


def _shown(node: Node) -> str:
    """A loop's body as the echo shows it, once for each round."""
    match node:
        case Simple():
            return " ".join([node.text.rstrip(), *map(_shown_redirection, node.redirections)])
        case Block():
            return " ".join([f"({_shown(node.body)} )", *map(_shown_redirection, node.redirections)])
        case Chain():
            return f"{_shown(node.left)}  {node.operator} {_shown(node.right)}"
        case _:
            return "for" if isinstance(node, For) else "if"


def _shown_redirection(each: Redirection) -> str:
    sign = {"write": ">", "append": ">>", "read": "<", "same": ">&"}[each.kind]
    return f"{each.handle}{sign}{each.target}"


def _counted(items: str) -> Iterator[int]:
    numbers = [_integer(word) or 0 for word in split_arguments(items)]
    start, step, end = [*numbers, 0, 0, 0][:3]
    while step and (start <= end if step > 0 else start >= end):
        yield start
        start += step


def _listed(shell: "Shell", node: For, items: str) -> list[str]:
    """The items of a plain loop; those with wildcards become what they match, without their quotes."""
    directories = "d" in node.kind
    found: list[str] = []
    tops = _trees(shell, node) if "r" in node.kind else [""]
    for top in tops:
        for word in split_arguments(items):
            plain = word.replace('"', "")
            if "*" not in word and "?" not in word:
                found.append(top + plain if top else word)
                continue
            typed = plain.replace("/", "\\")
            prefix = top or (
                typed.rpartition("\\")[0] + "\\" if "\\" in typed else typed[:2] if typed[1:2] == ":" else ""
            )
            found += [
                prefix + path.rpartition("\\")[2]
                for path in matching(shell, top + typed, directories=directories)
                if not directories or shell.machine.files.is_dir(path)
            ]
    return found


def _trees(shell: "Shell", node: For) -> list[str]:
    """Every directory below the root of ``for /r``, each with a backslash at its end."""
    found = [absolute(shell, shell.expand(node.options) or ".").rstrip("\\") + "\\"]
    files = shell.machine.files
    for top in found:  # grows while it is walked
        if files.is_dir(top) and not files.is_junction(top.rstrip("\\")):
            found += [f"{top}{name}\\" for name in files.listing(top) if files.is_dir(top + name)]
    return found


@dataclass(slots=True)
class _Options:
    """What stands in the options of ``for /f``."""

    usebackq: bool = False
    skip: int = 0
    eol: str = ";"
    delims: str = " \t"
    tokens: tuple[int, ...] = (1,)
    rest: bool = False
    """``*``: what follows the last token goes into one more variable."""


def _options(text: str) -> _Options:
    found = _Options()
    rest = text.replace('"', "", 1).removesuffix('"').lstrip()
    while rest:
        word = rest.lower()
        if word.startswith("usebackq"):
            found.usebackq = True
            rest = rest[8:]
        elif word.startswith("eol="):
            found.eol, rest = rest[4:5], rest[5:]
        elif word.startswith("delims="):
            # Up to the next blank; a blank at the very end is a delimiter itself.
            end = rest.find(" ", 7)
            end = len(rest) if end < 0 or not rest[end:].strip() else end
            found.delims, rest = rest[7:end], rest[end:]
        elif match := re.match(r"skip=(\d+)", word):
            found.skip = int(match[1])
            rest = rest[match.end() :]
        elif match := re.match(r"tokens=([0-9,\-]*)(\*?)", word):
            found.tokens = tuple(
                number
                for part in _TOKEN_RANGE.finditer(match[1])
                for number in range(int(part[1]), int(part[2] or part[1]) + 1)
            )
            found.rest = bool(match[2])
            rest = rest[match.end() :]
        else:
            rest = rest[1:]
        rest = rest.lstrip()
    return found


async def _file_rounds(shell: "Shell", node: For, items: str, streams: Streams) -> Iterator[dict[str, str]] | None:
    options = _options(shell.expand(node.options))
    source = items.strip()
    command, string = ("`", "'") if options.usebackq else ("'", '"')
    if len(source) > 1 and source[0] == source[-1] == command:
        text = await _output_of(shell, source[1:-1], streams)
    elif len(source) > 1 and source[0] == source[-1] == string:
        text = source[1:-1]
    else:
        data = bytearray()
        for name in split_arguments(source):
            path = absolute(shell, name)
            if not shell.machine.files.exists(path) or shell.machine.files.is_dir(path):
                shell.say(streams.err, "no file named", name.replace('"', ""))
                return None
            data += shell.machine.files.read(path)
        text = bytes(data).decode(shell.encoding, "replace")
    return _rounds(text, options, node.variable)


def _rounds(text: str, options: _Options, variable: str) -> Iterator[dict[str, str]]:
    for line in text.replace("\r", "").split("\n")[options.skip :]:
        # Leading delimiters go first: with eol among them there is no comment sign at all.
        if not line or line.lstrip(options.delims).startswith(options.eol or "\n"):
            continue
        values = _tokens(line, options)
        if values is not None:
            yield {chr(ord(variable) + number): value for number, value in enumerate(values)}


def _tokens(line: str, options: _Options) -> list[str] | None:
    """The wanted tokens; ``None`` when there is none of them: then the body is not run."""
    spans = [match.span() for match in re.finditer(f"[^{re.escape(options.delims)}]+", line)] if options.delims else []
    if not options.delims and line:
        spans = [(0, len(line))]
    wanted = sorted(set(options.tokens))
    values = [line[slice(*spans[number - 1])] if 0 < number <= len(spans) else "" for number in wanted]
    last = max(wanted, default=0)
    found = any(0 < number <= len(spans) for number in wanted)
    if options.rest:
        more = line[spans[last][0] :] if last < len(spans) else ""
        values.append(more)
        found = found or bool(more)
    return values if found else None


async def _output_of(shell: "Shell", text: str, streams: Streams) -> str:
    """What a command prints; cmd.exe starts another cmd.exe for it."""
    await shell.pass_process_time()
    data = bytearray()
    other = shell.child()
    other.frame = None
    await other.run_line(text, Streams(Input(), data.extend, streams.err))
    return bytes(data).decode(shell.encoding, "replace")
