r"""Lines of a ``.cmd`` file that cmd.exe reads the same in every language and code page. Pure.

The file is ASCII: cmd.exe reads batch files in the OEM code page, so a Cyrillic profile path comes in by an environment variable.
What holds inside: a path always stands in quotes (a ``)`` in an unquoted one would end a block); ``if exist`` is asked before and after,
because ``del`` and ``rd`` exit with 0 whatever happened; both branches of an ``else`` stand in parentheses; no ``call`` with a path as
argument, which would expand it twice and double its carets: it goes in a variable.
"""

import re
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass

__all__ = [
    "HELD",
    "LINE_LIMIT",
    "ROUTINES",
    "Lines",
    "attempts",
    "batch_file",
    "carried",
    "chunks",
    "delete_file",
    "replace_file",
    "stays_absent",
    "wipe_directory",
    "wipe_entries",
    "wipe_file",
]

LINE_LIMIT = 7000
"""Characters of one line: cmd.exe takes 8191 after expanding variables."""

HELD = "DG_HELD"
"""Set while something is still there: worth another try."""

_QUIET = ">nul 2>nul"


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that do something, and the subroutines that they call."""

    main: list[str]
    routines: list[str]


def batch_file(lines: Iterable[str]) -> bytes:
    """Render the file; ``ValueError`` for a line that cmd.exe could not take."""
    listed = ("@echo off", "setlocal EnableExtensions DisableDelayedExpansion", *lines)
    for line in listed:
        if len(line) > LINE_LIMIT or "\n" in line:
            raise ValueError(f"a batch line of {len(line)} characters: {line[:60]!r}")
    return "".join(f"{line}\r\n" for line in listed).encode("ascii")


def carried(variables: MutableMapping[str, str], text: str) -> str:
    """Write a path or key for the file: components that are not ASCII come in by variables, which are added here."""
    return "".join(_piece(variables, piece) for piece in re.split(r"([\\\\*])", text))


def _piece(variables: MutableMapping[str, str], piece: str) -> str:
    if piece.isascii():
        return piece
    name = next((name for name, text in variables.items() if text == piece), f"DG_TEXT{len(variables) + 1}")
    variables[name] = piece
    return f"%{name}%"


def chunks(words: Sequence[str], room: int = LINE_LIMIT - 200) -> Iterable[str]:
    """Join words to lines that fit."""
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > room:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield line


def delete_file(step: str, path: str) -> list[str]:
    r"""Delete one file and say what came of it; a directory of that name is left alone.

    ``dir\*`` exists for a directory and never for a file; ``del`` on a directory would empty it.
    """
    act = f'(del /f /q /a "%P%" {_QUIET}& if exist "%P%" ({_held(step)}) else ({_changed(step)}))'
    return [
        f'set "P={path}"',
        rf'if exist "%P%\*" (echo @@ step {step} skipped directory) else if exist "%P%" {act} else ({_clean(step)})',
    ]


def wipe_file(step: str, path: str) -> Lines:
    """Delete a file (or, with wildcards, files), read-only or not; a directory of that name is left alone."""
    if "*" in path.rpartition("\\")[0]:
        return _each(step, path, test="", act=f'del /f /q /a "{{0}}" {_QUIET}')
    return _when_there(path, f"call :{'files' if '*' in path else 'file'} {step}")


def wipe_directory(step: str, path: str) -> Lines:
    """Delete a directory, or all that wildcards match."""
    if "*" in path:
        return _each(step, path, test=r"\*", act=f'rd /s /q "{{0}}" {_QUIET}')
    return _when_there(path, f"call :folder {step}")


def wipe_entries(step: str, paths: Iterable[str]) -> Lines:
    """Delete these entries of one directory, whatever they are, and report them as one step."""
    lines = ['set "R="', *(f'if exist "{path}" (set "P={path}"& call :entry)' for path in paths)]
    return Lines([*lines, f"if defined R echo @@ step {step} %R%"], [])


def replace_file(steps: Sequence[str], path: str, staged: str) -> Lines:
    """Move an edited file to its place; the old one goes first, because ``move`` does not replace a read-only file."""
    lines = [
        f'if exist "{staged}" (set "P={path}"& set "S={staged}"& call :replace)',
        *(f"if defined R echo @@ step {step} %R%" for step in steps),
    ]
    return Lines(['set "R="', *lines], [])


def stays_absent(step: str, path: str) -> Lines:
    """Check that a file that was not there when it was to be edited has not come up since."""
    return Lines([f'if exist "{path}" echo @@ step {step} failed appeared'], [])


ROUTINES = (
    # %1 is the step, P the path. Each is left by goto :eof; the error level says nothing.
    ":file",
    r'if exist "%P%\*" (echo @@ step %1 skipped directory& goto :eof)',
    f'del /f /q /a "%P%" {_QUIET}',
    ":left",
    f'if exist "%P%" (echo @@ step %1 failed held& set "{HELD}=1") else (echo @@ step %1 changed)',
    "goto :eof",
    ":files",
    # Directories that match are no finding: dir, unlike "if exist", can leave them out.
    f'dir /b /a-d "%P%" {_QUIET}',
    "if errorlevel 1 goto :eof",
    f'del /f /q /a "%P%" {_QUIET}',
    f'dir /b /a-d "%P%" {_QUIET}',
    f'if errorlevel 1 (echo @@ step %1 changed) else (echo @@ step %1 failed held& set "{HELD}=1")',
    "goto :eof",
    ":folder",
    r'if not exist "%P%\*" (echo @@ step %1 skipped file& goto :eof)',
    # A junction is taken away without being followed, read-only files go too.
    f'rd /s /q "%P%" {_QUIET}',
    # What is too deep for the plain form (260 characters).
    rf'if exist "%P%\*" rd /s /q "\\?\%P%" {_QUIET}',
    rf'if exist "%P%\*" (echo @@ step %1 failed held& set "{HELD}=1") else (echo @@ step %1 changed)',
    "goto :eof",
    ":entry",
    'if not "%R%"=="failed held" set "R=changed"',
    rf'if exist "%P%\*" (rd /s /q "%P%" {_QUIET}) else (del /f /q /a "%P%" {_QUIET})',
    f'if exist "%P%" (set "R=failed held"& set "{HELD}=1")',
    "goto :eof",
    ":replace",
    f'del /f /q /a "%P%" {_QUIET}',
    f'move /y "%S%" "%P%" {_QUIET}',
    'set "R=changed"',
    f'if exist "%S%" (set "R=failed held"& set "{HELD}=1")',
    "goto :eof",
)
"""Subroutines of the wipe; a step whose path is not there calls none and prints nothing: its wipe came to its end, it was clean."""


def _when_there(path: str, command: str) -> Lines:
    return Lines([f'if exist "{path}" (set "P={path}"& {command})'], [])


def attempts(routine: str, rounds: int) -> list[str]:
    """Call a routine again, a second apart, while something is still held; nothing held costs nothing."""
    lines = list[str]()
    for _ in range(rounds):
        # Handles of a killed program close some 0.1 s after it; ping is the one pause that needs no console.
        lines += [f"if defined {HELD} ping.exe -n 2 127.0.0.1 >nul", f"if defined {HELD} call :{routine}"]
    return lines


def _each(step: str, path: str, *, test: str, act: str) -> Lines:
    """Act on what lies below each directory that the wildcards match.

    From inside the folder, by a bare pattern: Wine's ``for /d`` finds nothing by a quoted path. With blanks there must be quotes.
    One plain command after each ``do``: Wine tears blocks on such a line apart. A second wildcard is looked up by an inner loop, from
    inside each folder that the outer one found.
    """
    folder, pattern, rest = _split_wild(path)
    inner, middle = "", ""
    if "*" in rest.rpartition("\\")[0] or (test and "*" in rest):
        middle, inner, rest = _split_wild(rest.removeprefix("\\"))
        middle = f"\\{middle}" if middle else ""
    found = ("%%e" if inner else "%%d") + rest

    def each(command: str) -> list[str]:
        if not inner:
            return [f'for /d %%d in ({_pattern(pattern)}) do if exist "{found}{test}" {command}']
        return [
            f"for /d %%d in ({_pattern(pattern)}) do (",
            f'cd /d "%P%\\%%d{middle}" {_QUIET}',
            f'for /d %%e in ({_pattern(inner)}) do if exist "{found}{test}" {command}',
            # Where the next cd fails, the inner loop finds nothing here.
            'cd /d "%DG_HOME%"',
            ")",
            'cd /d "%P%"',
        ]

    # A step's name is made of letters, digits, underscores and one dot.
    label = "each_" + step.replace(".", "_")
    routine = [
        f":{label}",
        'set "R=clean"',
        'cd /d "%P%"',
        *each('set "R=changed"'),
        *each(act.format(found)),
        *each('set "R=failed held"'),
        f'if "%R%"=="failed held" set "{HELD}=1"',
        # Back at once: a folder that we stand in cannot be deleted, and the next pattern must not match here.
        'cd /d "%DG_HOME%"',
        f"echo @@ step {step} %R%",
        "goto :eof",
    ]
    return Lines([f'if exist "{folder}\\*" (set "P={folder}"& call :{label})'], routine)


def _pattern(pattern: str) -> str:
    return f'"{pattern}"' if set(pattern) & set(" ,;=&()^!'@") else pattern


def _split_wild(path: str) -> tuple[str, str, str]:
    r"""Split around the component with the wildcard: ``a\b*\c`` gives ``a``, ``b*`` and ``\c``."""
    parts = path.split("\\")
    at = next(number for number, part in enumerate(parts) if "*" in part)
    return "\\".join(parts[:at]), parts[at], "".join(f"\\{part}" for part in parts[at + 1 :])


def _held(step: str) -> str:
    return f'echo @@ step {step} failed held& set "{HELD}=1"'


def _changed(step: str) -> str:
    return f"echo @@ step {step} changed"


def _clean(step: str) -> str:
    return f"echo @@ step {step} clean"
