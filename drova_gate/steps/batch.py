r"""Lines of a ``.cmd`` file that cmd.exe reads the same in every language and code page. Pure.

The file is ASCII: cmd.exe reads batch files in the OEM code page, so a Cyrillic profile path comes in by an environment variable.
What holds inside: a path stands in quotes and is expanded on a line of its own before it is used (a ``)`` in an unquoted one would end
a block); ``if exist`` is asked before and after, because ``del`` and ``rd`` exit with 0 whatever happened; both branches of an ``else``
stand in parentheses; no ``call`` with a path as argument, which would expand it twice and double its carets.
"""

from collections.abc import Iterable, Sequence

__all__ = [
    "HELD",
    "LINE_LIMIT",
    "attempts",
    "batch_file",
    "chunks",
    "delete_directory",
    "delete_file",
    "replace_file",
    "stays_absent",
]

LINE_LIMIT = 7000
"""Characters of one line: cmd.exe takes 8191 after expanding variables."""

HELD = "DG_HELD"
"""Set while something is still there: worth another try."""

_QUIET = ">nul 2>nul"


def batch_file(lines: Iterable[str]) -> bytes:
    """Render the file; ``ValueError`` for a line that cmd.exe could not take."""
    listed = ("@echo off", "setlocal EnableExtensions DisableDelayedExpansion", *lines)
    for line in listed:
        if len(line) > LINE_LIMIT or "\n" in line:
            raise ValueError(f"a batch line of {len(line)} characters: {line[:60]!r}")
    return "".join(f"{line}\r\n" for line in listed).encode("ascii")


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
    r"""Delete a file (or, with a wildcard at the end, files); a directory of that name is left alone.

    ``dir\*`` exists for a directory and never for a file; ``del`` on a directory would empty it.
    """
    if "*" in path.rpartition("\\")[0]:
        return _each(step, path, test="", act=f'del /f /q /a "{{0}}" {_QUIET}')
    act = f'(del /f /q /a "%P%" {_QUIET}& if exist "%P%" ({_held(step)}) else ({_changed(step)}))'
    return [
        f'set "P={path}"',
        rf'if exist "%P%\*" (echo @@ step {step} skipped directory) else if exist "%P%" {act} else ({_clean(step)})',
    ]


def delete_directory(step: str, path: str) -> list[str]:
    """Delete a directory; ``rd /s`` takes a junction away without following it, and read-only files too."""
    if "*" in path:
        return _each(step, path, test=r"\*", act=f'rd /s /q "{{0}}" {_QUIET}')
    act = rf'(rd /s /q "%P%" {_QUIET}& if exist "%P%\*" ({_held(step)}) else ({_changed(step)}))'
    return [
        f'set "P={path}"',
        rf'if exist "%P%\*" {act} else if exist "%P%" (echo @@ step {step} skipped file) else ({_clean(step)})',
    ]


def replace_file(step: str, path: str, staged: str) -> list[str]:
    """Move an edited file to its place; the old one goes first, because ``move`` does not replace a read-only file."""
    act = f'del /f /q /a "%P%" {_QUIET}& move /y "%S%" "%P%" {_QUIET}'
    return [
        f'set "P={path}"',
        f'set "S={staged}"',
        f'if exist "%S%" ({act}& if exist "%S%" ({_held(step)}) else ({_changed(step)})) else ({_clean(step)})',
    ]


def stays_absent(step: str, path: str) -> list[str]:
    """Check that a file that was not there when it was to be edited has not come up since."""
    return [
        f'set "P={path}"',
        f'if exist "%P%" (echo @@ step {step} failed appeared) else ({_clean(step)})',
    ]


def attempts(routine: str, rounds: int) -> list[str]:
    """Call a routine again, a second apart, while something is still held; nothing held costs nothing."""
    lines = list[str]()
    for _ in range(rounds):
        # Handles of a killed program close some 0.1 s after it; ping is the one pause that needs no console.
        lines += [f"if defined {HELD} ping.exe -n 2 127.0.0.1 >nul", f"if defined {HELD} call :{routine}"]
    return lines


def _each(step: str, path: str, *, test: str, act: str) -> list[str]:
    """Act on what lies below each directory that the wildcard matches.

    From inside the folder, by a bare pattern: Wine's ``for /d`` finds nothing by a quoted path. With blanks there must be quotes.
    One plain command after each ``do``: Wine tears blocks on such a line apart.
    """
    folder, pattern, rest = _split_wild(path)
    found = "%%d" + rest
    written = f'"{pattern}"' if set(pattern) & set(" ,;=&()^!'") else pattern
    each = f'for /d %%d in ({written}) do if exist "{found}{test}"'
    return [
        f'set "P={folder}"',
        'set "R=clean"',
        r'if exist "%P%\*" cd /d "%P%"',
        f'{each} set "R=changed"',
        f"{each} {act.format(found)}",
        f'{each} set "R=failed held"',
        f'if "%R%"=="failed held" set "{HELD}=1"',
        # Back at once: a folder that we stand in cannot be deleted, and the next pattern must not match here.
        'cd /d "%DG_HOME%"',
        f"echo @@ step {step} %R%",
    ]


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
