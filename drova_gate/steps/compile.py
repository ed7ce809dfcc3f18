r"""Recipes and lockdown become one pass over the station. Pure: data in, a :class:`Payload` out.

Every program that is started costs the station 0.05 s, so what can be joined is joined: one ``taskkill`` with many ``/im``, one
``reg import``, one ``netsh`` script, one ``reg query`` for each maker's branch. Files are wiped by cmd.exe's own commands, which start
nothing: a recipe more costs next to nothing.

The order is that of the facts: kill (and write the policies meanwhile), wipe, restart Explorer (the same call kills once more what services
brought back) and write the rest of the registry, wipe again what came back, read back. Explorer goes by ``taskkill /f`` (its exit code 1
keeps Winlogon from restarting it) only after the policies are written, and is started by the task scheduler, the one built-in way into
the console session from an SSH login.

What does not depend on each other runs side by side, as the sides of a pipe: cmd.exe starts all of them at once and goes on when the last
has ended, which is all that is wanted. Nothing goes through the pipe itself: each lane is a cmd.exe of its own whose output goes into a
file, named inside its own quotes (Wine keeps a file open that is named outside), and the file is printed when all have ended. A lane
gets the label where it begins as the batch file's argument, because ``call :label`` does not work across a pipe. Variables are
inherited; what a lane sets is lost, so lanes tell by files and ``@@`` lines alone. A lane that did not come to its end lacks its
``@@ lane`` line: then everything that rests on it counts as not seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

from drova_gate.core.model import StepOutcome, StepResult
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
from drova_gate.steps.compile_kill import Kills, kill_lines, kills_of, look_lines, stop_lines, under_line
from drova_gate.steps.compile_lockdown import (
    HOME_NETWORK,
    lockdown_registry,
    network_lines,
    network_script,
    network_steps,
)
from drova_gate.steps.compile_steps import Originals, Wipe, compile_wipe
from drova_gate.steps.found import Found, software_key
from drova_gate.steps.frame import TASK, create_task, look_for_explorer, needed, policy_roots, run_batch
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.payload import Expected, ExpectedRegistry, Payload
from drova_gate.steps.recipes import Level, Recipe
from drova_gate.steps.registry_file import RegistryEdit, ValueSet, registry_file
from drova_gate.steps.registry_steps import branches, makers_key
from drova_gate.steps.target import Target

__all__ = ["PREPARED_FILE", "compile_again", "compile_check", "compile_preparation"]

PREPARED_FILE = "prepared.txt"
"""Holds the marker once everything was wiped for that session: nothing is wiped again then."""

_MARKER_KEY = full_path(MARKER_KEY)
_QUIET = ">nul 2>nul"
_HELD_ROUNDS = 2
"""Tries for files that are still held, a second apart: a player waits at most 5 s in all."""
_SERVICE_LANES = 5
"""Three calls of ``sc.exe`` in a row with every shipped recipe."""
_READ_LANES = 6
"""Side by side for ``reg query``: a gaming PC has eight threads and more."""
_UTF8 = f"chcp.com 65001 {_QUIET}"
"""Registry names outside the console's code page would arrive as question marks."""


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
    found: Found | None = None,
    wiped: bool = False,
) -> Payload:
    """Compile everything that follows a confirmed Shadow Mode; ``originals`` holds what ``originals_wanted`` names.

    ``wiped``: this session was wiped for already, so no launcher is killed and no file touched: what is there now is the player's.
    """
    if not (marker.isascii() and marker.isalnum()):
        raise ValueError("the marker is not plain letters and digits")
    found = found or Found()
    known = compile_wipe(recipes, target, level, originals, found.registry)
    wipe = Wipe(settled=_earlier(known)) if wiped else known
    kills = kills_of(() if wiped else recipes, found.services)
    policies = lockdown_registry(lockdown, target)
    stamp = ValueSet(full_path(BOOT_KEY), BOOT_VALUE, "REG_SZ", boot_stamp)
    marked = _marked(marker, session)
    registry = (*policies, marked)
    roots = _roots(wipe, registry, target, found)
    markers = {f"marker.{letter}": marker_file(letter) for letter in sorted(volumes)}
    lanes = _read_lanes(wipe, roots)
    home = target.home
    rules, groups, expected_services = network_steps(lockdown)
    return Payload(
        {
            rf"{home}\prepare.cmd": batch.batch_file(_prepare_lines(target, wipe, kills, markers, marker, lanes)),
            rf"{home}\policies.reg": registry_file([edit for each in policies for edit in each.edits]),
            # The marker last in the file: where it stands, everything before it was imported, the boot stamp too.
            rf"{home}\wipe.reg": registry_file([*wipe.edits, stamp, *marked.edits]),
            **_network_files(home, lockdown, kills),
            **{rf"{home}\{name}": content for name, content in wipe.staged.items()},
        },
        run_batch(target, "prepare.cmd", wipe.variables),
        run_batch(target, "network.cmd"),
        Expected(
            settled=(*wipe.settled, *(_absent(step) for step in kills.absent)),
            files=tuple(wipe.reported),
            markers=tuple(markers),
            registry=registry,
            wiped=tuple(wipe.registry),
            foreseen=frozenset(root.casefold() for root in roots),
            lanes=("again", *lanes),
            killed=kills.expected,
            stopped=tuple(step for step, _ in kills.services),
            session=target.session,
            rules=rules,
            groups=groups,
            services=expected_services,
            target=target,
        ),
    )


def compile_check(payload: Payload, target: Target) -> Payload:
    """Compile a look at a station that is prepared already: the same evidence, nothing killed, wiped or restarted."""
    wipe = Wipe()
    registry = payload.expected.registry
    lanes = _read_lanes(wipe, policy_roots(registry))
    lines = [
        *needed(target),
        'if not "%~1"=="" goto %~1',
        *_side_by_side(("again", *lanes)),
        *_printed(lanes, first=False),
        *_lane("again", look_for_explorer()),
        *(line for name, inner in lanes.items() for line in _lane(name, inner)),
    ]
    markers = {step: marker_file(step.rpartition(".")[2]) for step in payload.expected.markers}
    at = lines.index("echo @@ begin registry")
    lines[at:at] = [
        f'if exist "{path}" (echo @@ step {step} clean) else (echo @@ step {step} failed)'
        for step, path in markers.items()
    ]
    files = {
        path: content for path, content in payload.files.items() if "network" in path or path.endswith(HOME_NETWORK)
    }
    return Payload(
        {rf"{target.home}\check.cmd": batch.batch_file(lines), **files},
        run_batch(target, "check.cmd"),
        payload.network,
        replace(payload.expected, lanes=("again", *lanes)),
    )


def compile_again(edits: Sequence[RegistryEdit], roots: Iterable[str], target: Target) -> Payload:
    """Compile a second pass over the registry alone: what came up since it was looked up; it is read back again."""
    wipe = Wipe()
    lines = [
        *needed(target),
        _UTF8,
        rf'reg.exe import "%DG_HOME%\again.reg" {_QUIET}',
        "echo @@ begin registry",
        *(f'reg.exe query "{_text(wipe, root)}" /s 2>nul' for root in roots),
        "echo @@ end registry",
        "echo @@ finished again",
    ]
    files = {rf"{target.home}\again.cmd": batch.batch_file(lines), rf"{target.home}\again.reg": registry_file(edits)}
    return Payload(files, run_batch(target, "again.cmd", wipe.variables), (), Expected())


# -- prepare.cmd -----------------------------------------------------------------------------------------------------


def _prepare_lines(
    target: Target,
    wipe: Wipe,
    kills: Kills,
    markers: dict[str, str],
    marker: str,
    lanes: dict[str, list[str]],
) -> list[str]:
    first = [
        *kill_lines(kills.images, tree=True)[:1],
        rf'reg.exe import "%DG_HOME%\policies.reg" {_QUIET}',
        create_task(target),
        _UTF8,
        # Last: Wine keeps the file of another side open.
        r'tasklist.exe /fo csv /nh >"%DG_HOME%\first.csv" 2>nul',
    ]
    explorer = kill_lines(("explorer.exe", *kills.images), tree=False)
    early = [
        ":early",
        "call :wipe",
        " | ".join((explorer[0], rf'reg.exe import "%DG_HOME%\wipe.reg" {_QUIET}')),
        *explorer[1:],
        "goto :eof",
    ]
    again = [
        f"schtasks.exe /run /tn {TASK} {_QUIET} || ({create_task(target)}& schtasks.exe /run /tn {TASK} {_QUIET})",
        "echo @@ code.shell %errorlevel%",
        "call :wipe",
        *batch.attempts("wipe", _HELD_ROUNDS),
        rf'>"%DG_HOME%\{PREPARED_FILE}" echo {marker}',
        *look_for_explorer(),
        f"schtasks.exe /delete /f /tn {TASK} {_QUIET}",
    ]
    return [
        *needed(target),
        'if not "%~1"=="" goto %~1',
        " | ".join(first),
        *kill_lines(kills.images, tree=True)[1:],
        *(_beside_powershell(kills) if kills.under else ["call :early"]),
        *(line for step, path in markers.items() for line in _mark(step, path, marker)),
        *_side_by_side(("again", *lanes)),
        *_printed(lanes, first=True),
        *early,
        *([":under", under_line(kills.under), "goto :eof"] if kills.under else []),
        *_lane("again", again),
        *(line for name, inner in lanes.items() for line in _lane(name, inner)),
        ":wipe",
        f'set "{batch.HELD}="',
        *wipe.lines,
        "echo @@ wipe done",
        "goto :eof",
        *batch.ROUTINES,
        *wipe.routines,
    ]


def _beside_powershell(kills: Kills) -> list[str]:
    """Where a name runs that only PowerShell can judge, let the first wipe not wait for it.

    What is still held then is wiped when all have gone, as is what they write meanwhile.
    """
    return [
        *look_lines(kills.under, r"%DG_HOME%\first.csv"),
        "if not defined DG_UNDER goto alone",
        *_side_by_side(("under", "early")),
        "type under.txt",
        "type early.txt",
        "goto marks",
        ":alone",
        "call :early",
        ":marks",
    ]


def _side_by_side(lanes: Iterable[str]) -> list[str]:
    """Start this batch file once for each lane, all at once; the current folder is ours (``needed``)."""
    return [" | ".join(f'cmd.exe /d /c ".\\%~nx0 {name} >{name}.txt 2>nul"' for name in lanes)]


def _lane(name: str, lines: Iterable[str]) -> list[str]:
    return [f":{name}", *lines, f"echo @@ lane.{name} done", "exit /b 0"]


def _printed(lanes: Iterable[str], *, first: bool) -> list[str]:
    before = ["echo @@ begin first", r'type "%DG_HOME%\first.csv"', "echo @@ end first"] if first else []
    return [
        *before,
        "type again.txt",
        "echo @@ begin registry",
        *(f"type {name}.txt" for name in lanes),
        "echo @@ end registry",
        "echo @@ finished prepare",
        "exit /b 0",
    ]


def _mark(step: str, path: str, marker: str) -> Iterable[str]:
    # A redirection that fails leaves no file: asked afterwards. An older marker must not pass for ours.
    yield f'del /f /q /a "{path}" {_QUIET}'
    yield f'(>"{path}" echo {marker}) {_QUIET}'
    yield f'if exist "{path}" (echo @@ step {step} changed) else (echo @@ step {step} failed)'


def _marked(marker: str, session: UUID) -> ExpectedRegistry:
    edits = (
        ValueSet(_MARKER_KEY, MARKER_VALUE, "REG_SZ", marker),
        ValueSet(_MARKER_KEY, MARKER_SESSION_VALUE, "REG_SZ", str(session)),
    )
    return ExpectedRegistry("marker.registry", edits, must=True)


def _earlier(wipe: Wipe) -> list[StepResult]:
    names = [*wipe.reported, *(each.name for each in wipe.registry)]
    return [*wipe.settled, *(StepResult(name, StepOutcome.CLEAN, "done earlier in this session") for name in names)]


def _absent(step: str) -> StepResult:
    return StepResult(step, StepOutcome.CLEAN, "there is no such service")


# -- what is read back -----------------------------------------------------------------------------------------------


def _roots(wipe: Wipe, registry: Iterable[ExpectedRegistry], target: Target, found: Found) -> dict[str, bool]:
    """Choose what to query: policies, and of the recipes' branches those of makers whose programs ever ran here.

    The user's ``Software`` key itself is listed too: a maker that came up since shows there.
    """
    if not wipe.registry:
        return policy_roots(registry)
    software = software_key(target.user_hive)
    listed = software.casefold() in found.registry
    keys = []
    for each in wipe.registry:
        key = target.key(each.step.key)
        maker = makers_key(key).casefold()
        own = maker.startswith(f"{software.casefold()}\\")
        if not (listed and own) or maker in found.registry or each.changed:
            keys.append(key)
    return {software: False, **branches(keys), **policy_roots(registry)}


def _read_lanes(wipe: Wipe, roots: dict[str, bool]) -> dict[str, list[str]]:
    queries = [f'reg.exe query "{_text(wipe, root)}"{" /s" if deep else ""} 2>nul' for root, deep in roots.items()]
    lanes = {f"read{number}": queries[number - 1 :: _READ_LANES] for number in range(1, _READ_LANES + 1)}
    return {name: lines for name, lines in lanes.items() if lines}


def _text(wipe: Wipe, key: str) -> str:
    return batch.carried(wipe.variables, key)


# -- beside it -------------------------------------------------------------------------------------------------------


def _network_files(home: str, lockdown: Lockdown, kills: Kills) -> dict[str, bytes]:
    return {
        rf"{home}\network.cmd": batch.batch_file(_beside_lines(lockdown, kills)),
        rf"{home}\{HOME_NETWORK}": network_script(lockdown),
    }


def _beside_lines(lockdown: Lockdown, kills: Kills) -> list[str]:
    """The firewall beside the services, which wait for nothing but their own commands: some to a lane."""
    *lines, finished = network_lines(lockdown)
    starts = [number for number, line in enumerate(lines) if line.startswith("sc.exe config ")]
    first = starts[0] if starts else len(lines)
    units = [lines[start:end] for start, end in pairwise([*starts, len(lines)])]
    units += [list(stop_lines([service])) for service in kills.services]
    lanes = {"firewall": lines[:first]} if first else {}
    for number in range(_SERVICE_LANES):
        if mine := units[number::_SERVICE_LANES]:
            lanes[f"services{number + 1}"] = [line for unit in mine for line in unit]
    return [
        r'if not exist "%DG_HOME%\*" exit /b 1',
        'cd /d "%DG_HOME%"',
        'if not "%~1"=="" goto %~1',
        *(_side_by_side(lanes) if lanes else []),
        *(f"type {name}.txt" for name in lanes),
        finished,
        "exit /b 0",
        *(line for name, inner in lanes.items() for line in _lane(name, inner)),
    ]
