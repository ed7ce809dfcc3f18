"""cmd.exe at work: runs parsed commands on a simulated machine."""

import asyncio
import time
from collections.abc import Iterable

from drova_gate.sim.shells import cmd_batch, cmd_builtins, cmd_for
from drova_gate.sim.shells.cmd_environment import Environment
from drova_gate.sim.shells.cmd_expand import delayed, loop_variables, percent_on_command_line
from drova_gate.sim.shells.cmd_parse import Parser
from drova_gate.sim.shells.cmd_paths import absolute, described, device, file_fault, program_word
from drova_gate.sim.shells.cmd_state import Frame, Input, Jump, LeaveBatch, LeaveShell, Streams, Write
from drova_gate.sim.shells.cmd_syntax import (
    DELIMITERS,
    Block,
    Chain,
    For,
    If,
    Node,
    Redirection,
    Simple,
    SyntaxFault,
)
from drova_gate.sim.shells.cmd_words import say
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.windows.program import CODE_PAGE, ProgramNotFound

__all__ = ["LINE_LIMIT", "Shell"]

LINE_LIMIT = 8191
"""Characters of a command line."""
_SYNTAX_CODE = 255
"""Exit code of a batch file with a syntax error."""
_NOT_FOUND_INLINE, _NOT_FOUND_IN_BATCH, _NO_SUCH_FOLDER = 1, 9009, 3

_READERS = frozenset({"find", "findstr", "more", "sort", "set", "pause", "cmd", "clip", "del", "powershell", "xcopy"})
"""Commands that read standard input, or may ask something."""

_PAGES = {"65001": "utf-8", "866": "cp866", "437": "cp437", "1251": "cp1251", "1252": "cp1252"}


class Shell:
    """One cmd.exe: its variables, directory and error level."""

    def __init__(self, machine: Machine, environment: Environment, directory: str) -> None:
        self.machine = machine
        self.environment = environment
        self.directory = directory
        self.directories: dict[str, str] = {}
        """The current directory of the other drives."""
        self.pushed: list[str] = []
        self.errorlevel = 0
        self.echo = True
        self.delayed = False
        self.loop: dict[str, str] = {}
        """Variables of the ``for`` loops around."""
        self.frame: Frame | None = None
        self.background: list[asyncio.Task[int]] = []
        self.windows: list[int] = []
        """Process ids of programs without a console that were started here; sshd's job ends them with the shell."""
        self.line = ""

    def child(self) -> "Shell":
        """A cmd.exe that this one starts for a side of a pipe: what it sets is lost."""
        other = Shell(self.machine, self.environment.copy(), self.directory)
        other.directories = dict(self.directories)
        other.errorlevel, other.delayed, other.frame, other.echo = self.errorlevel, self.delayed, self.frame, self.echo
        other.loop = dict(self.loop)
        other.background, other.windows, other.line = self.background, self.windows, self.line
        return other

    # -- talking -------------------------------------------------------------------------------------------------

    @property
    def encoding(self) -> str:
        """The codec of the console's code page."""
        return _PAGES.get(self.environment.get(CODE_PAGE) or "", self.machine.oem_encoding)

    def write(self, out: Write, text: str) -> None:
        """Print text as it is."""
        out(text.encode(self.encoding, "replace"))

    def say(self, out: Write, word: str, *values: object) -> None:
        """Print one of cmd.exe's own messages."""
        self.write(out, say(self.machine.language, word, *values) + "\r\n")

    # -- text to node --------------------------------------------------------------------------------------------

    async def run_line(self, text: str, streams: Streams) -> int:
        """Run a command line to its end, ``exit`` and ``goto`` included; the last command's status."""
        self.line = text
        if len(text) > LINE_LIMIT:
            self.say(streams.err, "command long")
            return 1
        line = percent_on_command_line(text.partition("\n")[0].rstrip("\r"), self.lookup)
        try:
            node = Parser(line, lambda: None).parse()
        except SyntaxFault as fault:
            self.complain_of(fault, streams)
            return 1
        return await self.run_whole(node, streams)

    async def run_whole(self, node: Node | None, streams: Streams) -> int:
        """Run a node as all that this cmd.exe has to do."""
        try:
            return await self.run(node, streams)
        except (LeaveBatch, LeaveShell) as leave:
            return leave.code
        except Jump:
            return 1

    def complain_of(self, fault: SyntaxFault, streams: Streams) -> None:
        """Print the message of a syntax error."""
        if fault.token:
            self.say(streams.err, "unexpected", fault.token)
        else:
            self.say(streams.err, "syntax")

    async def close(self) -> None:
        """The end of the shell: sshd's job object takes along what it left running."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        for pid in self.windows:
            if self.machine.processes.get(pid):
                self.machine.processes.kill(pid)

    # -- expansion -----------------------------------------------------------------------------------------------

    def lookup(self, name: str) -> str | None:
        """A variable's value; the dynamic ones too, unless a real one hides them."""
        found = self.environment.get(name)
        if found is not None:
            return found
        match name.upper():
            case "ERRORLEVEL":
                return str(self.errorlevel)
            case "CD":
                return self.directory
            case "RANDOM":
                return str(time.monotonic_ns() // 1000 % 32768)
            case "DATE":
                return time.strftime("%d.%m.%Y" if self.machine.language == "ru" else "%a %m/%d/%Y")
            case "TIME":
                return time.strftime("%H:%M:%S") + (",00" if self.machine.language == "ru" else ".00")
            case "CMDEXTVERSION":
                return "2"
            case "CMDCMDLINE":
                return f'cmd.exe /c "{self.line}"'
        return None

    def expand(self, text: str) -> str:
        """Loop variables, then exclamation marks."""
        text = loop_variables(text, self.loop, self.modify)
        return delayed(text, self.lookup) if self.delayed else text

    def modify(self, modifiers: str, value: str) -> str:
        """What ``%~dpnx1`` shows."""
        if value == "%0":
            frame = self.frame
            value = "" if frame is None else frame.path if modifiers else frame.name
        return described(self, modifiers, value)

    # -- running -------------------------------------------------------------------------------------------------

    async def run(self, node: Node | None, streams: Streams) -> int:
        """Run a node; its status is what ``&&`` and ``||`` look at."""
        match node:
            case None:
                return 0
            case Simple():
                return await self._simple(node, streams)
            case Block():
                opened = self._redirected(node.redirections, streams)
                if opened is None:
                    return 1
                try:
                    return await self.run(node.body, opened[0])
                finally:
                    self._close(opened[1], streams)
            case Chain():
                return await self._chain(node, streams)
            case If():
                return await self.run(node.then if cmd_for.holds(self, node.condition) else node.otherwise, streams)
            case For():
                return await cmd_for.loop(self, node, streams)

    async def _chain(self, node: Chain, streams: Streams) -> int:
        if node.operator == "|":
            return await self._pipe(node, streams)
        status = await self.run(node.left, streams)
        if node.operator == "&&" and status != 0:
            return status
        if node.operator == "||":
            if status == 0:
                return 0
            # Some commands fail without touching ERRORLEVEL; || makes up for it.
            self.errorlevel = status
        return await self.run(node.right, streams)

    async def _pipe(self, node: Chain, streams: Streams) -> int:
        """Both sides run at once; only one that reads its input has to wait for it."""
        between = bytearray()
        left = self._side(node.left, Streams(streams.stdin, between.extend, streams.err))
        if _reads_input(node.right):
            await left
            self.errorlevel = await self._side(node.right, Streams(Input(bytes(between)), streams.out, streams.err))
            return self.errorlevel
        right = self._side(node.right, Streams(Input(), streams.out, streams.err))
        # A pipe's status is that of its last command.
        _, self.errorlevel = await asyncio.gather(left, right)
        return self.errorlevel

    async def _side(self, node: Node, streams: Streams) -> int:
        """One side of a pipe; unless it is a program of its own, cmd.exe starts another cmd.exe for it."""
        other = self.child()
        if isinstance(node, Chain) and node.operator == "|":
            status = await other.run_whole(node, streams)
        else:
            if not isinstance(node, Simple) or self._needs_shell(self.expand(node.text)):
                await self.pass_process_time()
            status = await other.run_whole(node, streams)
        # The console's code page is shared by all that run in it.
        page = other.environment.get(CODE_PAGE)
        if page:
            self.environment.set(CODE_PAGE, page)
        return status

    def _needs_shell(self, text: str) -> bool:
        if cmd_builtins.named(text):
            return True
        path = self.find(program_word(text.lstrip(DELIMITERS))[0].replace('"', ""))
        return path is not None and path.lower().endswith((".cmd", ".bat"))

    async def pass_process_time(self) -> None:
        """What starting one more cmd.exe takes."""
        if self.machine.plan.costs.process > 0:
            await asyncio.sleep(self.machine.plan.costs.process)

    # -- one command ---------------------------------------------------------------------------------------------

    async def _simple(self, node: Simple, streams: Streams) -> int:
        opened = self._redirected(node.redirections, streams)
        if opened is None:
            return 1
        try:
            return await self.command(self.expand(node.text), opened[0])
        finally:
            self._close(opened[1], streams)

    async def command(self, text: str, streams: Streams, *, called: bool = False) -> int:
        """Run one command's final text: a built-in command, a drive letter, a batch file or a program."""
        text = text.lstrip(DELIMITERS)
        if not text:
            return 0
        builtin = cmd_builtins.named(text)
        if builtin is not None:
            return await cmd_builtins.run(self, *builtin, streams)
        word, rest = program_word(text)
        name = word.replace('"', "")
        if len(name) == 2 and name[1] == ":":
            return cmd_builtins.change_drive(self, name, streams)
        path = self.find(name)
        if path is None and "/" in name.lstrip("/"):
            # A switch may stand right after the name: tasklist/fo csv.
            name, _, switches = name.partition("/")
            word, rest = name, f" /{switches}{rest}"
            path = self.find(name)
        if path is None:
            return self._not_found(name, streams)
        if path.lower().endswith((".cmd", ".bat")):
            code = await cmd_batch.run_file(self, path, word, rest, streams)
            if self.frame is not None and not called:
                raise LeaveBatch(code)  # without call the caller is never returned to
            return code
        return await self._program(path, word, rest, streams)

    def find(self, name: str) -> str | None:
        """The program's full path."""
        looked_at = ((variable, self.environment.get(variable)) for variable in ("PATH", "PATHEXT"))
        environment = {variable: value for variable, value in looked_at if value is not None}
        return self.machine.find_program(name, environment=environment, directory=self.directory)

    def _not_found(self, name: str, streams: Streams) -> int:
        folder = name.replace("/", "\\").rpartition("\\")[0]
        if folder and not self.machine.files.is_dir(absolute(self, folder + "\\")):
            self.say(streams.err, "no path")
            self.errorlevel = _NO_SUCH_FOLDER
        else:
            self.say(streams.err, "unknown", name)
            self.errorlevel = _NOT_FOUND_INLINE if self.frame is None else _NOT_FOUND_IN_BATCH
        return self.errorlevel

    async def _program(self, path: str, word: str, rest: str, streams: Streams) -> int:
        image = path.rsplit("\\", 1)[1]
        if image.lower() not in self.machine.programs:
            # A program with windows: cmd.exe does not wait for it, and in session 0 nobody sees it.
            process = self.machine.processes.start(image, 0, path=path, user=self.machine.ssh_user.name)
            self.windows.append(process.pid)
            await self.pass_process_time()
            self.errorlevel = 0
            return 0
        environment = self.environment.mapping()
        line = word + (rest if not rest or rest[0] in " \t" else f" {rest}")
        try:
            finished = await self.machine.start(
                line, environment=environment, directory=self.directory, stdin=streams.stdin.rest()
            )
        except ProgramNotFound as missing:
            return self._not_found(missing.name, streams)
        # The console's code page is shared by all that run in it.
        self.environment.set(CODE_PAGE, environment.get(CODE_PAGE, ""))
        streams.out(finished.stdout)
        streams.err(finished.stderr)
        self.errorlevel = finished.code
        return finished.code

    # -- redirections --------------------------------------------------------------------------------------------

    def _redirected(
        self, redirections: Iterable[Redirection], streams: Streams
    ) -> tuple[Streams, list["_OutputFile"]] | None:
        """The streams after the redirections, from left to right; ``None``: one failed, said already."""
        opened: list[_OutputFile] = []
        outputs: dict[int, Write] = {1: streams.out, 2: streams.err}
        stdin = streams.stdin
        for each in redirections:
            if each.kind == "same":
                outputs[each.handle] = outputs.get(int(each.target), _swallow)
                continue
            target = self.expand(each.target).replace('"', "")
            null = device(target)
            path = "" if null else absolute(self, target)
            try:
                if each.kind == "read":
                    stdin = Input(b"" if null else self.machine.files.read(path))
                elif null:
                    outputs[each.handle] = streams.out if null == "con" else _swallow
                else:
                    opened.append(_OutputFile(self, path, append=each.kind == "append"))
                    outputs[each.handle] = opened[-1].data.extend
            except OSError as error:
                self.say(streams.err, file_fault(error, folder=each.kind != "read"))
                self._close(opened, streams)
                return None
        return Streams(stdin, outputs[1], outputs[2]), opened

    def _close(self, opened: list["_OutputFile"], streams: Streams) -> None:
        for file in opened:
            try:
                file.close()
            except OSError as error:
                self.say(streams.err, file_fault(error))


class _OutputFile:
    """A file that a command writes to: made (or emptied) at once, filled when the command ends."""

    def __init__(self, shell: Shell, path: str, *, append: bool) -> None:
        files = shell.machine.files
        self._shell, self._path = shell, path
        self._before = files.read(path) if append and files.exists(path) else b""
        self.data = bytearray()
        files.write(path, self._before)

    def close(self) -> None:
        """Write what has come in."""
        if self.data:
            self._shell.machine.files.write(self._path, self._before + bytes(self.data))


def _reads_input(node: Node) -> bool:
    """Whether a side of a pipe takes what comes through it."""
    match node:
        case Simple():
            words = node.text.replace('"', " ").lower().split()
            if "/c" in words:
                return False  # a cmd.exe with its command
            if any(each.kind == "read" for each in node.redirections):
                return False  # it reads that file
            return any(word.rpartition("\\")[2].removesuffix(".exe") in _READERS for word in words)
        case Block():
            return node.body is not None and _reads_input(node.body)
        case Chain():
            return _reads_input(node.left) or _reads_input(node.right)
        case _:
            return True


def _swallow(_: bytes) -> None:
    """``>nul``."""
