r"""Recipes and lockdown become one pass over the station. Pure: data in, a :class:`Payload` out.

Every program that is started costs the station 0.05 s, so what can be joined is joined: one ``taskkill`` with many ``/im``, one
``reg import``, one ``netsh`` script, one ``reg query`` for each maker's branch. Files are wiped by cmd.exe's own commands, which start
nothing: a recipe more costs next to nothing.

The order is that of the facts: kill (and write the policies meanwhile); then, side by side, wipe and kill once more what services brought
back, start Explorer anew, and end what only PowerShell can tell apart; when all of that has ended, wipe again what came back, list the
processes and read the rest of the registry. A branch is read after the last kill of the recipe that it belongs to. Explorer goes by
``taskkill /f`` (its exit code 1 keeps Winlogon from restarting it) only after the policies are written, and is started by the task
scheduler, the one built-in way into the console session from an SSH login.

How parts of it run side by side: ``lanes``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
from drova_gate.steps.compile_kill import Kills, kill_lines, kills_of, look_lines, stop_lines, under_lines
from drova_gate.steps.compile_lockdown import (
    HOME_NETWORK,
    lockdown_registry,
    network_lines,
    network_script,
    network_steps,
)
from drova_gate.steps.compile_steps import Originals, Wipe, compile_wipe
from drova_gate.steps.found import Found, software_key
from drova_gate.steps.frame import (
    TASK,
    create_task,
    list_processes,
    needed,
    policy_roots,
    print_processes,
    run_batch,
    wait_for_explorer,
)
from drova_gate.steps.lanes import DISPATCH, lane, printed, side_by_side, spread
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.payload import Expected, ExpectedRegistry, Payload
from drova_gate.steps.recipes import Level, Recipe
from drova_gate.steps.registry_file import RegistryEdit, ValueSet, registry_file
from drova_gate.steps.registry_steps import branch_covers, branches
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
_READ_LANES = 8
"""Side by side for ``reg query``, each a few milliseconds of work: a gaming PC has eight threads and more."""
_POLICY_LANES = 1
"""They are read long before the rest is done."""
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
    roots = _roots(wipe, registry, target)
    markers = {f"marker.{letter}": marker_file(letter) for letter in sorted(volumes)}
    reads = _reads(wipe, kills, target, roots, policy_roots(policies))
    home = target.home
    rules, groups, expected_services = network_steps(lockdown)
    return Payload(
        {
            rf"{home}\prepare.cmd": batch.batch_file(_prepare_lines(target, wipe, kills, markers, marker, reads)),
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
            lanes=("early", "shell", *reads.lanes),
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
    """Compile a look at a station that is prepared already: the same evidence, nothing killed, wiped or restarted.

    Firewall rules and services are set once more to what they are: their programs tell no state without a translated word.
    """
    queries = _queries(Wipe(), policy_roots(payload.expected.registry))
    reads = spread("read", queries, _READ_LANES)
    lines = [
        *needed(target),
        DISPATCH,
        *side_by_side(("look", *reads)),
        *printed(("look",)),
        "echo @@ begin registry",
        *printed(reads),
        *_END,
        *lane("look", (*wait_for_explorer(), *print_processes())),
        *(line for name, inner in reads.items() for line in lane(name, inner)),
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
        replace(payload.expected, lanes=("look", *reads)),
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


_END = ("echo @@ end registry", "echo @@ finished prepare", "exit /b 0")


@dataclass(frozen=True, slots=True)
class _Reads:
    """Lanes of ``reg query``, by the time from which what they read can only be as we left it."""

    policies: dict[str, list[str]]
    """Once the policies are written."""
    early: dict[str, list[str]]
    """Once what is killed by its name is gone."""
    late: dict[str, list[str]]
    """Once everything is gone."""

    @property
    def lanes(self) -> dict[str, list[str]]:
        """All of them, in the order in which they are printed."""
        return self.late | self.early | self.policies


def _prepare_lines(
    target: Target,
    wipe: Wipe,
    kills: Kills,
    markers: dict[str, str],
    marker: str,
    reads: _Reads,
) -> list[str]:
    first = [
        *kill_lines(kills.images, tree=True)[:1],
        rf'reg.exe import "%DG_HOME%\policies.reg" {_QUIET}',
        create_task(target),
        _UTF8,
        # Last: Wine keeps the file of another side open.
        r'tasklist.exe /fo csv /nh >"%DG_HOME%\first.csv" 2>nul',
    ]
    lanes = {"early": _early_lines(kills, reads), "shell": _shell_lines(target), **reads.lanes}
    return [
        *needed(target),
        DISPATCH,
        " | ".join(first),
        *kill_lines(kills.images, tree=True)[1:],
        *_beside_powershell(kills, ("early", "shell", *reads.policies)),
        *printed(("early", "shell")),
        *(line for step, path in markers.items() for line in _mark(step, path, marker)),
        "call :wipe",
        *batch.attempts("wipe", _HELD_ROUNDS),
        rf'>"%DG_HOME%\{PREPARED_FILE}" echo {marker}',
        *list_processes(reads.late),
        "echo @@ begin first",
        r'type "%DG_HOME%\first.csv"',
        "echo @@ end first",
        *print_processes(),
        "echo @@ begin registry",
        *printed(reads.lanes),
        *_END,
        *(line for name, inner in lanes.items() for line in lane(name, inner)),
        ":wipe",
        f'set "{batch.HELD}="',
        *wipe.lines,
        "echo @@ wipe done",
        "goto :eof",
        *batch.ROUTINES,
        *wipe.routines,
    ]


def _early_lines(kills: Kills, reads: _Reads) -> list[str]:
    """Wipe, kill what services brought back meanwhile, read back what of the registry is settled by then."""
    again = kill_lines(kills.images, tree=False)
    return [
        "call :wipe",
        " | ".join((*again[:1], rf'reg.exe import "%DG_HOME%\wipe.reg" {_QUIET}')),
        *again[1:],
        *side_by_side(reads.early),
    ]


def _shell_lines(target: Target) -> list[str]:
    """Start Explorer anew; its task goes only when it is there."""
    return [
        f"taskkill.exe /f /im explorer.exe {_QUIET}",
        f"schtasks.exe /run /tn {TASK} {_QUIET} || ({create_task(target)}& schtasks.exe /run /tn {TASK} {_QUIET})",
        *wait_for_explorer(),
        f"schtasks.exe /delete /f /tn {TASK} {_QUIET}",
    ]


def _beside_powershell(kills: Kills, lanes: tuple[str, ...]) -> list[str]:
    """Where a name runs that only PowerShell can judge, let nothing else wait for it.

    What is still held then is wiped when all have gone, as is what they write meanwhile.
    """
    if not kills.under:
        return side_by_side(lanes)
    first, *others = under_lines(kills.under)
    return [
        *look_lines(kills.under, r"%DG_HOME%\first.csv"),
        "if not defined DG_UNDER goto alone",
        *side_by_side(lanes, first),
        *others,
        "goto gone",
        ":alone",
        *side_by_side(lanes),
        ":gone",
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


def _roots(wipe: Wipe, registry: Iterable[ExpectedRegistry], target: Target) -> dict[str, bool]:
    """Choose what to query: policies, and every branch of the recipes, there or not: what came up since shows at once.

    The user's ``Software`` key itself is listed too: that list is never empty, so an answer without it is none.
    """
    if not wipe.registry:
        return policy_roots(registry)
    keys = [target.key(each.step.key) for each in wipe.registry]
    return {software_key(target.user_hive): False, **branches(keys), **policy_roots(registry)}


def _reads(wipe: Wipe, kills: Kills, target: Target, roots: dict[str, bool], policies: dict[str, bool]) -> _Reads:
    """Deal the branches out to the times from which they may be read.

    A query takes as long as its program takes to start, so while they are few each has a lane of its own.
    """
    pathed = {each.step.partition(".")[0] for each in kills.expected if each.under}
    keys = [(each.name.partition(".")[0] in pathed, target.key(each.step.key)) for each in wipe.registry]
    settled, early, late = dict[str, bool](), dict[str, bool](), dict[str, bool]()
    for root, deep in roots.items():
        owners = {by_path for by_path, key in keys if branch_covers(root, key)}
        # The list of makers is covered by none: whoever is killed last may add to it.
        if True in owners or root.casefold() == software_key(target.user_hive).casefold():
            late[root] = deep
        elif root in policies and not owners:
            settled[root] = deep
        else:
            early[root] = deep
    # The late ones cost a start of cmd.exe anyway: what finds no lane of its own earlier goes with them.
    for root in list(early)[max(_READ_LANES, len(early) // 2) :]:
        late[root] = early.pop(root)
    return _Reads(
        spread("policies", _queries(wipe, settled), _POLICY_LANES),
        spread("early", _queries(wipe, early), _READ_LANES),
        spread("late", _queries(wipe, late), _READ_LANES),
    )


def _queries(wipe: Wipe, roots: dict[str, bool]) -> list[tuple[str]]:
    return [(f'reg.exe query "{_text(wipe, root)}"{" /s" if deep else ""} 2>nul',) for root, deep in roots.items()]


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
    lanes |= spread("services", units, _SERVICE_LANES)
    return [
        r'if not exist "%DG_HOME%\*" exit /b 1',
        'cd /d "%DG_HOME%"',
        DISPATCH,
        *side_by_side(lanes),
        *printed(lanes),
        finished,
        "exit /b 0",
        *(line for name, inner in lanes.items() for line in lane(name, inner)),
    ]
