r"""Recipes and lockdown become one pass over the station. Pure: data in, a :class:`Payload` out.

Every program that is started costs the station 0.05 s, so what can be joined is joined: one ``taskkill`` with many ``/im``, one
``reg import``, one ``netsh`` script, one ``reg query`` for each root. Files are wiped by cmd.exe's own commands, which start nothing:
a recipe more costs next to nothing.

The order is that of the facts: kill, wipe, write the registry, restart Explorer (the same call kills once more what services brought
back), wipe again what came back, read back. Explorer goes by ``taskkill /f`` (its exit code 1 keeps Winlogon from restarting it) only
after the policies are written, and is started by the task scheduler, the one built-in way into the console session from an SSH login.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from drova_gate.host.commands import Run, Script, SetVariable
from drova_gate.host.marks import (
    BOOT_KEY,
    BOOT_VALUE,
    MARKER_KEY,
    MARKER_SESSION_VALUE,
    MARKER_VALUE,
    full_path,
    marker_file,
)
from drova_gate.steps import batch
from drova_gate.steps.compile_lockdown import (
    HOME_NETWORK,
    lockdown_registry,
    network_lines,
    network_script,
    network_steps,
)
from drova_gate.steps.compile_steps import Originals, compile_wipe
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.payload import Expected, ExpectedRegistry, Payload
from drova_gate.steps.recipes import Level, Recipe
from drova_gate.steps.registry_file import KeyGone, ValueGone, ValueSet, registry_file
from drova_gate.steps.target import Target

__all__ = ["compile_preparation", "compile_undo"]

_MARKER_KEY = full_path(MARKER_KEY)

_TASK = "drova_gate_shell"
_QUIET = ">nul 2>nul"
_HELD_ROUNDS = 2
"""Tries for files that are still held, a second apart: a player waits at most 5 s in all."""
_SHELL_ROUNDS = 8
"""Looks for the new Explorer; the first three at once, then a second apart."""
_SHELL_ROUNDS_AT_ONCE = 3

_POLICY_ROOTS = (r"\software\microsoft\windows\currentversion\policies", r"\software\policies\microsoft")
"""Small branches that hold all policies of a hive: one query with ``/s`` each."""


def compile_preparation(
    recipes: tuple[Recipe, ...],
    lockdown: Lockdown,
    target: Target,
    *,
    level: Level,
    marker: str,
    boot_stamp: str,
    session: UUID,
    volumes: frozenset[str],
    originals: Originals,
) -> Payload:
    """Compile everything that follows a confirmed Shadow Mode; ``originals`` holds what ``originals_wanted`` names."""
    if not (marker.isascii() and marker.isalnum()):
        raise ValueError("the marker is not plain letters and digits")
    wipe = compile_wipe(recipes, target, level, originals)
    policies = lockdown_registry(lockdown, target)
    stamp = ValueSet(full_path(BOOT_KEY), BOOT_VALUE, "REG_SZ", boot_stamp)
    # Last in the file: where it stands, everything before it was imported, the boot stamp too.
    marked = ExpectedRegistry(
        "marker.registry",
        (
            ValueSet(_MARKER_KEY, MARKER_VALUE, "REG_SZ", marker),
            ValueSet(_MARKER_KEY, MARKER_SESSION_VALUE, "REG_SZ", str(session)),
        ),
        must=True,
    )
    registry = (*wipe.registry, *policies, marked)
    enabled = [recipe for recipe in recipes if recipe.enabled]
    images = list(dict.fromkeys(image for recipe in enabled for image in recipe.kill))
    services = [
        (f"{recipe.name}.service{number}", service)
        for recipe in enabled
        for number, service in enumerate(recipe.services, 1)
    ]
    markers = {f"marker.{letter}": marker_file(letter) for letter in sorted(volumes)}
    lines = [
        *_needed(target),
        *_kill(images),
        *_stop(services),
        "call :wipe",
        rf'reg.exe import "%DG_HOME%\prepare.reg" {_QUIET}',
        "echo @@ code.registry %errorlevel%",
        *(line for step, path in markers.items() for line in _mark(step, path, marker)),
        *_restart_explorer(target, images),
        "call :wipe",
        *batch.attempts("wipe", _HELD_ROUNDS),
        *_read_back(registry),
        "echo @@ finished prepare",
        "exit /b 0",
        ":wipe",
        f'set "{batch.HELD}="',
        *wipe.lines,
        "goto :eof",
    ]
    edits = [edit for each in (*wipe.registry, *policies) for edit in each.edits]
    home = target.home
    files = {
        rf"{home}\prepare.cmd": batch.batch_file(lines),
        rf"{home}\prepare.reg": registry_file([*edits, stamp, *marked.edits]),
        rf"{home}\network.cmd": batch.batch_file(network_lines(lockdown)),
        rf"{home}\{HOME_NETWORK}": network_script(lockdown),
        **{rf"{home}\{name}": content for name, content in wipe.staged.items()},
    }
    rules, groups, expected_services = network_steps(lockdown)
    return Payload(
        files,
        _run_batch(target, "prepare.cmd", wipe.variables),
        _run_batch(target, "network.cmd"),
        Expected(
            settled=tuple(wipe.settled),
            files=tuple(wipe.reported),
            markers=tuple(markers),
            registry=registry,
            killed=tuple((f"{recipe.name}.processes", recipe.kill) for recipe in enabled if recipe.kill),
            stopped=tuple(step for step, _ in services),
            session=target.session,
            rules=rules,
            groups=groups,
            services=expected_services,
        ),
    )


def compile_undo(lockdown: Lockdown, target: Target, volumes: frozenset[str]) -> Payload:
    """Compile what takes exactly our lockdown and marker off again; what a wipe deleted only a rollback brings back."""
    policies = tuple(
        ExpectedRegistry(each.step, tuple(_gone(edit) for edit in each.edits if isinstance(edit, ValueSet)), each.must)
        for each in lockdown_registry(lockdown, target)
    )
    lists = tuple(
        ExpectedRegistry(f"lockdown.{blocked.name}.list", (KeyGone(target.key(blocked.list_key)),), blocked.must)
        for blocked in lockdown.blocked
    )
    marked = ExpectedRegistry("marker.registry", (KeyGone(_MARKER_KEY),), must=True)
    registry = (*policies, *lists, marked)
    # A value in a key that goes anyway would only make that key anew.
    going = {edit.key for each in (*lists, marked) for edit in each.edits}
    edits = [edit for each in registry for edit in each.edits if isinstance(edit, KeyGone) or edit.key not in going]
    markers = {f"marker.{letter}": marker_file(letter) for letter in sorted(volumes)}
    lines = [
        *_needed(target),
        rf'reg.exe import "%DG_HOME%\undo.reg" {_QUIET}',
        "echo @@ code.registry %errorlevel%",
        *(line for step, path in markers.items() for line in batch.delete_file(step, path)),
        *_restart_explorer(target, []),
        *_read_back(registry),
        "echo @@ finished prepare",
        "exit /b 0",
    ]
    home = target.home
    files = {
        rf"{home}\undo.cmd": batch.batch_file(lines),
        rf"{home}\undo.reg": registry_file(edits),
        rf"{home}\undo_network.cmd": batch.batch_file(network_lines(lockdown, undo=True)),
        rf"{home}\{HOME_NETWORK}": network_script(lockdown, undo=True),
    }
    _, groups, services = network_steps(lockdown)
    return Payload(
        files,
        _run_batch(target, "undo.cmd"),
        _run_batch(target, "undo_network.cmd"),
        Expected(markers=tuple(markers), registry=registry, session=target.session, groups=groups, services=services),
    )


def _run_batch(target: Target, name: str, variables: Mapping[str, str] | None = None) -> Script:
    """Run one of the uploaded files; Unicode paths travel in the command line, never in the file."""
    known = {f"DG_{folder.upper()}": path for folder, path in target.folders.items()}
    carried = {"DG_HOME": target.home, **known, "DG_USER": target.task_user, **(variables or {})}
    return (
        *(SetVariable(key, value) for key, value in carried.items() if value),
        Run("cmd.exe", ("/d", "/c", rf"{target.home}\{name}")),
    )


def _gone(edit: ValueSet) -> ValueGone:
    return ValueGone(edit.key, edit.name)


def _needed(target: Target) -> Iterable[str]:
    """End at once when a variable got lost: an empty one would make every path look clean."""
    for name in ("home", *target.folders):
        yield f"if not defined DG_{name.upper()} exit /b 1"
    # Wildcards are looked up in the current folder: it must be one of ours, not the profile that sshd starts in.
    yield r'if not exist "%DG_HOME%\*" exit /b 1'
    yield 'cd /d "%DG_HOME%"'


def _kill(images: Sequence[str]) -> Iterable[str]:
    """Kill whole process trees; the exit code is no proof (128: none was there), the process list is."""
    for words in batch.chunks([f"/im {_word(image)}" for image in images]):
        yield f"taskkill.exe /f /t {words} {_QUIET}"


def _stop(services: Iterable[tuple[str, str]]) -> Iterable[str]:
    for step, service in services:
        yield f'sc.exe stop "{service}" {_QUIET}'
        yield f"echo @@ code.{step} %errorlevel%"


def _mark(step: str, path: str, marker: str) -> Iterable[str]:
    # A redirection that fails leaves no file: asked afterwards. An older marker must not pass for ours.
    yield f'del /f /q /a "{path}" {_QUIET}'
    yield f'(>"{path}" echo {marker}) {_QUIET}'
    yield f'if exist "{path}" (echo @@ step {step} changed) else (echo @@ step {step} failed)'


def _restart_explorer(target: Target, images: Sequence[str]) -> Iterable[str]:
    """Kill Explorer (without its children: the desktop's programs), start it in the console session."""
    for words in batch.chunks([f"/im {_word(image)}" for image in ("explorer.exe", *images)]):
        yield f"taskkill.exe /f {words} {_QUIET}"
    user = ' /ru "%DG_USER%"' if target.task_user else ""
    # A start time in the past only means that nothing but /run ever starts it.
    program = r'/tr "%SystemRoot%\explorer.exe"'
    yield f"schtasks.exe /create /f /tn {_TASK} {program} /sc once /st 00:00 /it{user} {_QUIET}"
    yield "echo @@ code.task %errorlevel%"
    yield f"schtasks.exe /run /tn {_TASK} {_QUIET}"
    yield "echo @@ code.shell %errorlevel%"
    yield f"schtasks.exe /delete /f /tn {_TASK} {_QUIET}"


def _read_back(registry: Iterable[ExpectedRegistry]) -> Iterable[str]:
    """Wait for Explorer, print the process list and every registry branch that we wrote to."""
    tasks = r'"%DG_HOME%\tasks.csv"'
    yield 'set "N=0"'
    yield ":look"
    # The first row keeps the file from being empty: Wine's for /f stumbles over that.
    yield f'>{tasks} echo "-","0","-","0","-"'
    yield f"tasklist.exe /fo csv /nh >>{tasks} 2>nul"
    yield 'set "SHELL="'
    yield f'for /f "usebackq tokens=1 delims=," %%a in ({tasks}) do if /i "%%~a"=="explorer.exe" set "SHELL=1"'
    yield "if defined SHELL goto seen"
    yield "set /a N+=1"
    yield f"if %N% geq {_SHELL_ROUNDS} goto seen"
    yield f"if %N% geq {_SHELL_ROUNDS_AT_ONCE} ping.exe -n 2 127.0.0.1 >nul"
    yield "goto look"
    yield ":seen"
    yield "echo @@ begin processes"
    yield f"type {tasks}"
    yield "echo @@ end processes"
    yield "echo @@ begin registry"
    for root, deep in _roots(registry).items():
        yield f'reg.exe query "{root}"{" /s" if deep else ""} 2>nul'
    yield "echo @@ end registry"


def _roots(registry: Iterable[ExpectedRegistry]) -> dict[str, bool]:
    """Choose the fewest branches to query: key to whether its subkeys are wanted too."""
    found = dict[str, bool]()
    for key in dict.fromkeys(edit.key for each in registry for edit in each.edits):
        at, root = next(
            ((key.casefold().find(root), root) for root in _POLICY_ROOTS if root in key.casefold()), (-1, "")
        )
        found[key[: at + len(root)] if root else key] = bool(root)
    return found


def _word(image: str) -> str:
    return f'"{image}"' if " " in image else image
