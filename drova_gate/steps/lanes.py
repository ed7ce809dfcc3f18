r"""Parts of a batch file that run side by side, as the sides of a pipe. Pure.

cmd.exe starts all sides of a pipe at once and goes on when the last has ended, which is all that is wanted: nothing goes through the pipe
itself. Each lane is a cmd.exe of its own whose output goes into a file, named inside its own quotes (Wine keeps a file open that is named
outside), and the file is printed when all have ended. A lane gets the label where it begins as the batch file's argument, because
``call :label`` does not work across a pipe. Variables are inherited; what a lane sets is lost, so lanes tell by files and ``@@`` lines
alone. A lane that did not come to its end lacks its ``@@ lane`` line: then everything that rests on it counts as not seen.
"""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["DISPATCH", "lane", "printed", "side_by_side", "spread"]

DISPATCH = 'if not "%~1"=="" goto %~1'
"""Among the first lines of a batch file with lanes: to the lane that was asked for."""

Lanes = Mapping[str, Sequence[str]]
"""Name (letters and digits, a label of the batch file) to lines."""


def side_by_side(lanes: Iterable[str], last: str = "") -> list[str]:
    """Start this batch file once for each lane, all at once; the current folder is ours (``frame.needed``).

    ``last`` is a plain command beside them, and the only side that may print or have a file of its own outside quotes.
    """
    names = list(lanes)
    sides = [*(f'cmd.exe /d /c ".\\%~nx0 {name} >{name}.txt 2>nul"' for name in names), *([last] if last else [])]
    # What an earlier run left must not pass for the answer of a lane that could not be started.
    gone = [f"del /f /q /a {' '.join(f'{name}.txt' for name in names)} >nul 2>nul"] if names else []
    return [*gone, " | ".join(sides)] if sides else []


def lane(name: str, lines: Iterable[str]) -> list[str]:
    """Write one lane, to stand where nothing falls into it."""
    return [f":{name}", *lines, f"echo @@ lane.{name} done", "exit /b 0"]


def printed(lanes: Iterable[str]) -> list[str]:
    """Print what lanes that have ended said."""
    return [f"type {name}.txt" for name in lanes]


def spread(name: str, units: Sequence[Sequence[str]], most: int) -> dict[str, list[str]]:
    """Deal units of lines out to at most so many lanes, ``<name>1`` and so on; none is empty."""
    return {
        f"{name}{number + 1}": [line for unit in units[number::most] for line in unit]
        for number in range(min(most, len(units)))
    }
