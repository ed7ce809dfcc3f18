"""PowerShell at work: values, cmdlets, native programs with 5.1's argument passing."""

import asyncio
import fnmatch
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_environment import Environment
from drova_gate.sim.shells.cmd_state import Write
from drova_gate.sim.shells.powershell_nodes import (
    Assign,
    Binary,
    Command,
    Constant,
    Expression,
    If,
    Nested,
    Node,
    Pipeline,
    Redirect,
    Unary,
    Variable,
    Word,
)
from drova_gate.sim.shells.powershell_values import Value, code, computed, native_line, text, truth
from drova_gate.sim.windows.files import FileInUse
from drova_gate.sim.windows.program import CODE_PAGE, ProgramNotFound

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["Leave", "Session"]

_VERSION: dict[str, Value] = {
    "psversiontable.psversion.major": 5,
    "psversiontable.psversion.minor": 1,
    "psversiontable.psversion": "5.1.22621.4391",
    "psversiontable.psedition": "Desktop",
}
_ALIASES = {
    "echo": "write-output",
    "write": "write-output",
    "sc": "set-content",
    "rmdir": "remove-item",
    "rd": "remove-item",
    "rm": "remove-item",
    "del": "remove-item",
    "erase": "remove-item",
    "ri": "remove-item",
    "type": "get-content",
    "cat": "get-content",
    "gc": "get-content",
    "sleep": "start-sleep",
    "kill": "stop-process",
    "spps": "stop-process",
}
_PARAMETERS = {
    "write-output": {"-inputobject": True, "-noenumerate": False},
    "write-host": {"-object": True, "-nonewline": False},
    "test-path": {"-literalpath": True, "-path": True, "-pathtype": True},
    "set-content": {"-literalpath": True, "-path": True, "-value": True, "-encoding": True, "-force": False},
    "get-content": {"-literalpath": True, "-path": True, "-encoding": True, "-raw": False},
    "remove-item": {"-literalpath": True, "-path": True, "-recurse": False, "-force": False, "-erroraction": True},
    "start-sleep": {"-seconds": True, "-milliseconds": True},
    "stop-process": {"-name": True, "-id": True, "-force": False, "-erroraction": True},
    "out-null": {},
}
"""The cmdlets that are known, their parameters, and whether each takes a value."""
_POSITIONAL = {
    "test-path": ("-path",),
    "set-content": ("-path", "-value"),
    "get-content": ("-path",),
    "remove-item": ("-path",),
    "start-sleep": ("-seconds",),
    "stop-process": ("-id",),
}


class Leave(Exception):
    """``exit``."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class _Fault(Exception):
    """A statement that ends in an error; the next statement runs."""


class Session:
    """One run of PowerShell."""

    def __init__(
        self, machine: "Machine", environment: Environment, directory: str, stdout: Write, stderr: Write
    ) -> None:
        self.machine = machine
        self.environment = environment
        self.directory = directory
        self.succeeded = True
        """``$?``."""
        self.left = False
        """The script said ``exit``."""
        self._stdout, self._stderr = stdout, stderr
        self._variables: dict[str, Value] = {"lastexitcode": None, "null": None, "true": True, "false": False}

    def complain(self, words: str) -> None:
        """Write an error."""
        self._stderr((words + "\r\n").encode(self.machine.oem_encoding, "replace"))

    def absolute(self, path: str) -> str:
        """A path as an absolute one."""
        flat = path.replace("/", "\\")
        if flat[1:2] == ":":
            return flat
        return self.directory[:2] + flat if flat.startswith("\\") else f"{self.directory}\\{flat}"

    # -- statements ----------------------------------------------------------------------------------------------

    async def statement(self, node: Node) -> None:
        """Run one statement and print what it gives."""
        try:
            await self._statement(node)
        except _Fault as fault:
            self.complain(str(fault))
            self.succeeded = False

    async def _statement(self, node: Node) -> None:
        match node:
            case Assign(name, value):
                values = await self._values(value)
                self._assign(name, values[0] if len(values) == 1 else None if not values else text(values))
            case If(branches, otherwise):
                for condition, body in branches:
                    if truth(await self._values(condition)):
                        await self._all(body)
                        return
                self.succeeded = True
                await self._all(otherwise)
            case Pipeline():
                for each in await self._values(node, shown=True):
                    self._show(each)

    async def _all(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            await self.statement(node)

    def _show(self, value: Value) -> None:
        if value is not None:
            self._stdout((text([value]) + "\r\n").encode(self.machine.oem_encoding, "replace"))

    def _assign(self, name: str, value: Value) -> None:
        scope, _, rest = name.rpartition(":")
        if scope.lower() == "env":
            self.environment.set(rest, "" if value is None else text([value]))
        else:
            self._variables[rest.lower()] = value
        self.succeeded = True

    # -- values --------------------------------------------------------------------------------------------------

    async def _values(self, node: Node, *, shown: bool = False) -> list[Value]:
        """What a pipeline gives; with ``shown`` a program's output goes straight to ours."""
        if not isinstance(node, Pipeline):
            await self._statement(node)
            return []
        *before, last = node.elements
        if before:
            return await self._piped(node)
        if isinstance(last, Command):
            return await self._command(last, shown=shown)
        value = await self._value(last)
        self.succeeded = True
        return [value]

    async def _piped(self, node: Pipeline) -> list[Value]:
        first, *others = node.elements
        for other in others:
            name = await self._value(other.name) if isinstance(other, Command) else None
            if not isinstance(name, str) or name.lower() != "out-null":
                raise _Fault("only Out-Null may stand behind a pipe on this station")
        if isinstance(first, Command):
            await self._command(first, shown=False)
        return []

    async def _value(self, node: Expression) -> Value:
        match node:
            case Constant(value=value):
                return value
            case Variable(name):
                return self._variable(name)
            case Word(pieces):
                return "".join([text([await self._value(piece)]) for piece in pieces])
            case Unary(operand):
                return not truth([await self._value(operand)])
            case Nested(pipeline):
                values = await self._values(pipeline)
                return values[0] if len(values) == 1 else text(values) if values else None
            case Binary(operator, left, right):
                return computed(operator, await self._value(left), await self._value(right))

    def _variable(self, name: str) -> Value:
        scope, _, rest = name.rpartition(":")
        if scope.lower() == "env":
            return self.environment.get(rest)
        if rest == "?":
            return self.succeeded
        if rest.lower() in _VERSION:
            return _VERSION[rest.lower()]
        if "." in rest:
            raise _Fault(f"the member of ${rest} is not known on this station")
        return self._variables.get(rest.lower())

    # -- commands ------------------------------------------------------------------------------------------------

    async def _command(self, node: Command, *, shown: bool) -> list[Value]:
        name = text([await self._value(node.name)])
        bare = [isinstance(each, Word) and each.bare for each in node.arguments]
        values = [await self._value(each) for each in node.arguments]
        cmdlet = _ALIASES.get(name.lower(), name.lower())
        if cmdlet == "exit":
            raise Leave(code(values[0]) if values else 0)
        stdout, stderr = self._stdout, self._stderr
        held = bytearray()
        try:
            if not shown:
                self._stdout = held.extend
            for redirect in node.redirects:
                await self._redirect(redirect)
            if cmdlet in _PARAMETERS:
                given = self._given(cmdlet, values, bare)
                results = await self._cmdlet(cmdlet, given)
                if node.redirects and self._stdout is not stdout:
                    for value in results:
                        self._show(value)
                    return []
                return results
            await self._native(name, values)
        finally:
            self._stdout, self._stderr = stdout, stderr
        return list[Value](held.decode(self.machine.oem_encoding, "replace").splitlines())

    async def _redirect(self, redirect: Redirect) -> None:
        target: Write
        if redirect.target is None:
            target = self._stdout
        else:
            path = await self._value(redirect.target)
            if path is not None:
                raise _Fault("output can only be redirected to $null on this station")
            target = _swallow
        if redirect.handle == 2:
            self._stderr = target
        else:
            self._stdout = target

    def _given(self, cmdlet: str, values: list[Value], bare: list[bool]) -> dict[str, list[Value]]:
        """Bind arguments to a cmdlet's parameters: names may be shortened, the rest goes by position."""
        known, positional = _PARAMETERS[cmdlet], list(_POSITIONAL.get(cmdlet, ()))
        given: dict[str, list[Value]] = {"": []}
        rest = list(zip(values, bare, strict=True))
        while rest:
            value, plain = rest.pop(0)
            if plain and isinstance(value, str) and value.startswith("-") and len(value) > 1:
                names = [name for name in known if name.startswith(value.lower())]
                if not names:
                    raise _Fault(
                        f"{cmdlet.title()} : A parameter cannot be found that matches parameter name '{value.lstrip('-')}'."
                    )
                given[names[0]] = [rest.pop(0)[0]] if known[names[0]] and rest else []
            elif cmdlet in ("write-output", "write-host"):
                given[""].append(value)
            elif left := [name for name in positional if name not in given]:
                if {"-literalpath", "-path"} >= {left[0]} and "-literalpath" in given:
                    positional.remove("-path")
                    rest.insert(0, (value, plain))
                    continue
                given[left[0]] = [value]
            else:
                raise _Fault(
                    f"{cmdlet.title()} : A positional parameter cannot be found that accepts argument '{value}'."
                )
        return given

    async def _cmdlet(self, cmdlet: str, given: dict[str, list[Value]]) -> list[Value]:
        self.succeeded = True
        path = text((given.get("-literalpath") or given.get("-path") or [""])[:1])
        match cmdlet:
            case "write-output":
                return given[""] + given.get("-inputobject", [])
            case "write-host":
                self._show(" ".join(text([each]) for each in given[""] + given.get("-object", [])))
            case "test-path":
                return [self._test_path(path, literal="-literalpath" in given)]
            case "set-content":
                content = text((given.get("-value") or [""])[:1])
                self._on_file(path, lambda whole: self.machine.files.write(whole, self._ansi(content)))
            case "get-content":
                return self._read(path)
            case "remove-item":
                self._on_file(path, lambda whole: self._remove(whole, given))
            case "start-sleep":
                seconds = (given.get("-seconds") or [0])[0]
                milliseconds = (given.get("-milliseconds") or [0])[0]
                await asyncio.sleep(code(seconds) + code(milliseconds) / 1000)
            case "stop-process":
                self._stop_process(given)
        return []

    def _ansi(self, content: str) -> bytes:
        return (content + "\r\n").encode(self.machine.ansi_encoding, "replace")

    def _test_path(self, path: str, *, literal: bool) -> bool:
        files = self.machine.files
        whole = self.absolute(path)
        if literal or not re.search(r"[*?\[]", path):
            return files.exists(whole)
        folder, _, last = whole.rpartition("\\")
        return files.is_dir(folder + "\\") and any(
            fnmatch.fnmatchcase(name.lower(), last.lower()) for name in files.listing(folder + "\\")
        )

    def _on_file(self, path: str, act: Callable[[str], None]) -> None:
        try:
            act(self.absolute(path))
        except FileNotFoundError as error:
            raise _Fault(f"Cannot find path '{self.absolute(path)}' because it does not exist.") from error
        except FileInUse as error:
            raise _Fault(
                f"The process cannot access the file '{self.absolute(path)}' because it is being used by another process."
            ) from error
        except OSError as error:
            raise _Fault(f"Access to the path '{self.absolute(path)}' is denied.") from error

    def _read(self, path: str) -> list[Value]:
        found: list[Value] = []

        def read(whole: str) -> None:
            found.extend(self.machine.files.read(whole).decode(self.machine.ansi_encoding, "replace").splitlines())

        self._on_file(path, read)
        return found

    def _remove(self, whole: str, given: dict[str, list[Value]]) -> None:
        files = self.machine.files
        if not files.is_dir(whole):
            if "-force" in given and "r" in files.attributes(whole):
                files.set_attributes(whole, files.attributes(whole) - {"r"})
            files.delete(whole)
        elif "-recurse" in given or not files.listing(whole):
            files.remove_tree(whole)
        else:
            # It asks for a confirmation, which nobody can give without a terminal.
            raise _Fault(
                "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."
            )

    def _stop_process(self, given: dict[str, list[Value]]) -> None:
        name = text((given.get("-name") or [""])[:1])
        table = self.machine.processes
        found = table.named(f"{name}.exe") if name else []
        if not name and (process := table.get(code((given.get("-id") or [0])[0]))):
            found = [process]
        if not found:
            raise _Fault(
                f'Cannot find a process with the name "{name}". Verify the process name and call the cmdlet again.'
            )
        for process in found:
            if process.protected:
                raise _Fault(f'Cannot stop process "{name}" because of the following error: Access is denied')
            table.kill(process.pid)
            if process.image.lower() == "explorer.exe" and not process.window:
                # Its exit code is -1, so Winlogon starts the shell again by itself.
                self.machine.start_on_desktop(r"C:\Windows\explorer.exe", process.session)

    async def _native(self, name: str, values: list[Value]) -> None:
        """Start a program; it is not looked for in the current folder, and cmd's built-in commands are none."""
        path = self.machine.find_program(name, environment=self.environment.mapping(), directory=r"C:\Windows\System32")
        if path is None:
            raise _Fault(
                f"{name} : The term '{name}' is not recognized as the name of a cmdlet, function, script file, or "
                "operable program. Check the spelling of the name, or if a path was included, verify that the path is "
                "correct and try again."
            )
        environment = self.environment.mapping()
        line = native_line(path, [text([value]) for value in values])
        try:
            finished = await self.machine.start(line, environment=environment, directory=self.directory)
        except ProgramNotFound as missing:
            raise _Fault(f"Program '{missing.name}' failed to run: Access is denied") from missing
        self.environment.set(CODE_PAGE, environment.get(CODE_PAGE, ""))
        self._stdout(finished.stdout)
        self._stderr(finished.stderr)
        unsigned = finished.code & 0xFFFFFFFF
        self._variables["lastexitcode"] = unsigned - 2**32 if unsigned >= 2**31 else unsigned
        self.succeeded = finished.code == 0


def _swallow(_: bytes) -> None:
    """``$null``."""
