"""What every batch file of ours has in common: variables checked, Explorer started anew, the registry read back. Pure."""

from collections.abc import Iterable, Mapping

from drova_gate.host.commands import Run, Script, SetVariable
from drova_gate.steps.lanes import side_by_side
from drova_gate.steps.payload import ExpectedRegistry
from drova_gate.steps.target import Target

__all__ = [
    "TASK",
    "create_task",
    "list_processes",
    "needed",
    "policy_roots",
    "print_processes",
    "read_back",
    "restart_explorer",
    "run_batch",
    "wait_for_explorer",
]

TASK = "drova_gate_shell"
"""The scheduled task that starts Explorer; it is deleted in the same script."""
_QUIET = ">nul 2>nul"
_TASKS = r'"%DG_HOME%\tasks.csv"'
_SHELL_ROUNDS = 8
"""Looks for the new Explorer; the first three at once, then a second apart."""
_SHELL_ROUNDS_AT_ONCE = 3

_POLICY_ROOTS = (r"\software\microsoft\windows\currentversion\policies", r"\software\policies\microsoft")
"""Small branches that hold all policies of a hive: one query with ``/s`` each."""


def run_batch(target: Target, name: str, variables: Mapping[str, str] | None = None) -> Script:
    """Run one of the uploaded files; Unicode paths travel in the command line, never in the file.

    It is run by the shell itself: cmd.exe reads it without starting another cmd.exe, and goes on behind it, because a command line is no
    batch file that would be left.
    """
    known = {f"DG_{folder.upper()}": path for folder, path in target.folders.items()}
    carried = {"DG_HOME": target.home, **known, "DG_USER": target.task_user, **(variables or {})}
    return (
        *(SetVariable(key, value) for key, value in carried.items() if value),
        Run(rf"{target.home}\{name}"),
    )


def needed(target: Target) -> Iterable[str]:
    """End at once when a variable got lost: an empty one would make every path look clean."""
    for name in ("home", *target.folders):
        yield f"if not defined DG_{name.upper()} exit /b 1"
    # Wildcards are looked up in the current folder: it must be one of ours, not the profile that sshd starts in.
    yield r'if not exist "%DG_HOME%\*" exit /b 1'
    yield 'cd /d "%DG_HOME%"'


def create_task(target: Target) -> str:
    """Create the task that starts Explorer; a start time in the past only means that nothing but ``/run`` ever starts it."""
    user = ' /ru "%DG_USER%"' if target.task_user else ""
    program = r'/tr "%SystemRoot%\explorer.exe"'
    return f"schtasks.exe /create /f /tn {TASK} {program} /sc once /st 00:00 /it{user} {_QUIET}"


def restart_explorer(target: Target) -> Iterable[str]:
    """Kill Explorer (without its children: the desktop's programs), start it in the console session."""
    yield f"taskkill.exe /f /im explorer.exe {_QUIET}"
    yield create_task(target)
    yield "echo @@ code.task %errorlevel%"
    yield f"schtasks.exe /run /tn {TASK} {_QUIET}"
    yield "echo @@ code.shell %errorlevel%"
    yield f"schtasks.exe /delete /f /tn {TASK} {_QUIET}"


def wait_for_explorer() -> Iterable[str]:
    """Wait for Explorer to run, for a few seconds at most."""
    yield 'set "N=0"'
    yield ":look"
    yield from list_processes()
    yield 'set "SHELL="'
    yield f'for /f "usebackq tokens=1 delims=," %%a in ({_TASKS}) do if /i "%%~a"=="explorer.exe" set "SHELL=1"'
    yield "if defined SHELL goto seen"
    yield "set /a N+=1"
    yield f"if %N% geq {_SHELL_ROUNDS} goto seen"
    yield f"if %N% geq {_SHELL_ROUNDS_AT_ONCE} ping.exe -n 2 127.0.0.1 >nul"
    yield "goto look"
    yield ":seen"


def list_processes(lanes: Iterable[str] = ()) -> Iterable[str]:
    """Write the process list to a file, while lanes run beside."""
    # The first row keeps the file from being empty: Wine's for /f stumbles over that.
    yield f'>{_TASKS} echo "-","0","-","0","-"'
    yield from side_by_side(lanes, f"tasklist.exe /fo csv /nh >>{_TASKS} 2>nul")


def print_processes() -> Iterable[str]:
    """Print the process list that was written last."""
    yield "echo @@ begin processes"
    yield f"type {_TASKS}"
    yield "echo @@ end processes"


def read_back(registry: Iterable[ExpectedRegistry]) -> Iterable[str]:
    """Wait for Explorer, print the process list and every registry branch that we wrote to."""
    yield from wait_for_explorer()
    yield from print_processes()
    yield "echo @@ begin registry"
    for root, deep in policy_roots(registry).items():
        yield f'reg.exe query "{root}"{" /s" if deep else ""} 2>nul'
    yield "echo @@ end registry"


def policy_roots(registry: Iterable[ExpectedRegistry]) -> dict[str, bool]:
    """Choose the fewest branches to query: key to whether its subkeys are wanted too."""
    found = dict[str, bool]()
    for key in dict.fromkeys(edit.key for each in registry for edit in each.edits):
        at, root = next(
            ((key.casefold().find(root), root) for root in _POLICY_ROOTS if root in key.casefold()), (-1, "")
        )
        found[key[: at + len(root)] if root else key] = bool(root)
    return found
