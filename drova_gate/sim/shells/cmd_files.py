"""cmd.exe's file commands: del, rd, md, copy, move, ren, type, dir."""

import time
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_paths import absolute, device, file_fault, matching, words
from drova_gate.sim.shells.cmd_state import Streams

if TYPE_CHECKING:
    from drova_gate.sim.shells.cmd_run import Shell

__all__ = ["copy", "delete", "directory", "make_directory", "move", "remove_directory", "rename", "type_files"]

_DIRECTORY_NOT_EMPTY, _DIRECTORY_INVALID, _SHARING, _MISSING, _DENIED = 145, 267, 32, 2, 5
"""Windows error numbers that ``rd`` answers with."""


async def delete(shell: "Shell", rest: str, streams: Streams) -> int:
    """``del``: its status is 0 whether or not something could be deleted; only wrong words are a failure."""
    switches, paths = words(rest)
    for switch in switches:
        if switch[:2] not in ("/f", "/q", "/s", "/p", "/a"):
            shell.say(streams.err, "switch", switch[1:])
            return 1
    if not paths:
        shell.say(streams.err, "syntax")
        return 1
    wanted = next((switch[2:].lstrip(":") for switch in switches if switch.startswith("/a")), None)
    for path in paths:
        found = _to_delete(shell, path, deep="/s" in switches)
        found = [each for each in found if _has_attributes(shell, each, wanted)]
        if not found:
            shell.say(streams.err, "not found", absolute(shell, path))
        for each in found:
            _delete(shell, each, streams, force="/f" in switches)
    return 0


def _to_delete(shell: "Shell", path: str, *, deep: bool) -> list[str]:
    """The files that a path of ``del`` names; a directory's name means all files in it."""
    files = shell.machine.files
    if device(path):
        return []
    whole = absolute(shell, path)
    pattern = whole.rstrip("\\") + "\\*" if files.is_dir(whole) else whole
    found = matching(shell, pattern, directories=False)
    if deep:
        folder, _, last = pattern.rpartition("\\")
        for name in files.listing(folder + "\\") if files.is_dir(folder + "\\") else []:
            inner = f"{folder}\\{name}"
            if files.is_dir(inner) and not files.is_junction(inner):
                found += _to_delete(shell, f"{inner}\\{last}", deep=True)
    return found


def _has_attributes(shell: "Shell", path: str, wanted: str | None) -> bool:
    """Without ``/a`` hidden and system files are not seen; ``/a`` alone sees all."""
    flags = shell.machine.files.attributes(path)
    if wanted is None:
        return not flags & {"h", "s"}
    negated = False
    for letter in wanted:
        if letter == "-":
            negated = True
            continue
        if (letter in flags) == negated:
            return False
        negated = False
    return True


def _delete(shell: "Shell", path: str, streams: Streams, *, force: bool) -> None:
    files = shell.machine.files
    try:
        flags = files.attributes(path)
        if force and "r" in flags:
            files.set_attributes(path, flags - {"r"})
        files.delete(path)
    except OSError as error:
        shell.write(streams.out, path + "\r\n")
        shell.say(streams.err, file_fault(error))


async def remove_directory(shell: "Shell", rest: str, streams: Streams) -> int:
    """``rd``: without ``/q`` it asks, and finds nobody to answer."""
    switches, paths = words(rest)
    if not paths or any(switch not in ("/s", "/q") for switch in switches):
        shell.say(streams.err, "syntax")
        return 1
    status = 0
    for typed in paths:
        path = absolute(shell, typed)
        if "/s" in switches and "/q" not in switches and shell.machine.files.is_dir(path):
            shell.say(streams.out, "sure", path)
            answer = streams.stdin.line() or b""
            if answer[:1].lower() not in (b"y", b"\xa4"):  # Y, or the Russian letter of cp866
                continue
        status = _remove(shell, path, streams, tree="/s" in switches) or status
    return status


def _remove(shell: "Shell", path: str, streams: Streams, *, tree: bool) -> int:
    files = shell.machine.files
    if not files.exists(path):
        shell.say(streams.err, "no file")
        return _MISSING
    if not files.is_dir(path):
        shell.say(streams.err, "no directory")
        return _DIRECTORY_INVALID
    try:
        if tree:
            files.remove_tree(path)
        else:
            files.remove_directory(path)
    except OSError as error:
        fault = file_fault(error)
        shell.say(streams.err, fault)
        return {"in use": _SHARING, "not empty": _DIRECTORY_NOT_EMPTY}.get(fault, _DENIED)
    return 0


async def make_directory(shell: "Shell", rest: str, streams: Streams) -> int:
    """``md``: makes the parents too."""
    _, paths = words(rest)
    if not paths:
        shell.say(streams.err, "syntax")
        return 1
    status = 0
    for typed in paths:
        path = absolute(shell, typed)
        if shell.machine.files.exists(path):
            shell.say(streams.err, "already there", typed.replace('"', ""))
            status = 1
            continue
        try:
            shell.machine.files.make_directory(path, parents=True)
        except OSError as error:
            shell.say(streams.err, file_fault(error, folder=True))
            status = 1
    return status


async def copy(shell: "Shell", rest: str, streams: Streams) -> int:
    """``copy [/y] [/b] source[+source] [target]``."""
    switches, paths = words(rest)
    if not 1 <= len(paths) <= 2:
        shell.say(streams.err, "syntax")
        return 1
    sources = [part for part in paths[0].split("+") if part]
    files = shell.machine.files
    found = [each for source in sources for each in _sources(shell, source)]
    if not found:
        shell.say(streams.err, "no file")
        shell.say(streams.out, "copied", 0)
        return 1
    target = paths[1] if len(paths) > 1 else "."
    count = 0
    try:
        if len(sources) > 1:
            whole = _into(shell, target, found[0])
            files.write(whole, b"".join(files.read(each) for each in found))
            count = 1
        else:
            for each in found:
                whole = _into(shell, target, each)
                data = b"" if device(each) else files.read(each)
                if not device(target):
                    if not _may_replace(shell, whole, switches, streams):
                        continue
                    files.write(whole, data)
                count += 1
    except OSError as error:
        shell.say(streams.err, file_fault(error, folder=True))
    shell.say(streams.out, "copied", count)
    return 0 if count else 1


def _sources(shell: "Shell", typed: str) -> list[str]:
    if device(typed):
        return [typed]
    path = absolute(shell, typed)
    pattern = path.rstrip("\\") + "\\*" if shell.machine.files.is_dir(path) else typed
    return matching(shell, pattern, directories=False)


def _into(shell: "Shell", target: str, source: str) -> str:
    """The target's full path: a directory takes the file under its own name."""
    path = absolute(shell, target)
    return f"{path.rstrip(chr(92))}\\{source.rpartition(chr(92))[2]}" if shell.machine.files.is_dir(path) else path


def _may_replace(shell: "Shell", path: str, switches: list[str], streams: Streams) -> bool:
    """Whether a file may be overwritten: with ``/y`` and in batch files; else cmd.exe asks, and nobody answers."""
    if not shell.machine.files.exists(path) or "/y" in switches:
        return True
    if shell.frame is not None and "/-y" not in switches:
        return True
    shell.say(streams.out, "overwrite", path)
    return (streams.stdin.line() or b"")[:1].lower() in (b"y", b"a")


async def move(shell: "Shell", rest: str, streams: Streams) -> int:
    """``move [/y] source target``; a read-only file that is there is not replaced."""
    switches, paths = words(rest)
    if len(paths) != 2:
        shell.say(streams.err, "syntax")
        return 1
    found = matching(shell, paths[0], directories="*" not in paths[0] and "?" not in paths[0])
    if not found:
        shell.say(streams.err, "no file")
        return 1
    files = shell.machine.files
    for each in found:
        target = _into(shell, paths[1], each)
        is_directory = files.is_dir(each)
        if target.lower() != each.lower() and not _may_replace(shell, target, switches, streams):
            return 1
        try:
            files.rename(each, target, replace=True)
        except OSError as error:
            shell.say(streams.err, "denied" if isinstance(error, FileExistsError) else file_fault(error, folder=True))
            return 1
    shell.say(streams.out, "moved directory" if is_directory else "moved", len(found))
    return 0


async def rename(shell: "Shell", rest: str, streams: Streams) -> int:
    """``ren path name``: the new name holds no path."""
    _, paths = words(rest)
    if len(paths) != 2 or "\\" in paths[1] or ":" in paths[1]:
        shell.say(streams.err, "syntax")
        return 1
    found = matching(shell, paths[0], directories=True)
    if not found:
        shell.say(streams.err, "no file")
        return 1
    name = paths[1].replace('"', "")
    for each in found:
        folder, _, own = each.rpartition("\\")
        new = name
        if name.startswith("*."):
            new = own.rpartition(".")[0] + name[1:]
        try:
            shell.machine.files.rename(each, f"{folder}\\{new}")
        except FileExistsError:
            shell.say(streams.err, "duplicate")
            return 1
        except OSError as error:
            shell.say(streams.err, file_fault(error))
            return 1
    return 0


async def type_files(shell: "Shell", rest: str, streams: Streams) -> int:
    """``type``: bytes as they are; UTF-16 with its mark is converted, as the console does."""
    _, paths = words(rest)
    if not paths:
        shell.say(streams.err, "syntax")
        return 1
    status = 0
    for typed in paths:
        if device(typed):
            continue
        found = matching(shell, typed, directories=False)
        if not found:
            shell.say(streams.err, "denied" if shell.machine.files.is_dir(absolute(shell, typed)) else "no file")
            status = 1
        for path in found:
            if len(paths) > 1 or len(found) > 1:
                shell.write(streams.err, f"\r\n{path}\r\n\r\n\r\n")
            data = shell.machine.files.read(path)
            if data.startswith(b"\xff\xfe"):
                shell.write(streams.out, data[2:].decode("utf-16-le", "replace"))
            else:
                streams.out(data)
    return status


async def directory(shell: "Shell", rest: str, streams: Streams) -> int:
    """``dir``: names alone with ``/b``, else a line for each with date and size."""
    switches, paths = words(rest)
    bare, deep = "/b" in switches, "/s" in switches
    only = next((switch[2:].lstrip(":") for switch in switches if switch.startswith("/a")), None)
    shown = 0
    for typed in paths or ["."]:
        path = absolute(shell, typed)
        pattern = path.rstrip("\\") + "\\*" if shell.machine.files.is_dir(path) else path
        for each in _listed(shell, pattern, deep=deep):
            if _has_attributes(shell, each, only):
                shell.write(streams.out, _row(shell, each, bare=bare, deep=deep) + "\r\n")
                shown += 1
    if not shown:
        shell.say(streams.err, "no file")
        return 1
    return 0


def _listed(shell: "Shell", pattern: str, *, deep: bool) -> list[str]:
    found = matching(shell, pattern, directories=True)
    if deep:
        folder, _, last = pattern.rpartition("\\")
        files = shell.machine.files
        for name in files.listing(folder + "\\") if files.is_dir(folder + "\\") else []:
            inner = f"{folder}\\{name}"
            if files.is_dir(inner) and not files.is_junction(inner):
                found += _listed(shell, f"{inner}\\{last}", deep=True)
    return found


def _row(shell: "Shell", path: str, *, bare: bool, deep: bool) -> str:
    name = path.rpartition("\\")[2]
    if bare:
        return path if deep else name
    files = shell.machine.files
    when = time.strftime("%d.%m.%Y  %H:%M", time.localtime(files.modified(path)))
    return f"{when}    {'<DIR>         ' if files.is_dir(path) else f'{files.size(path):>14,}'} {name}"
