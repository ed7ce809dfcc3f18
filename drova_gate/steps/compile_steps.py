"""One handler for each kind of recipe step: step in, batch lines, staged files and registry edits out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drova_gate.core.model import StepOutcome, StepResult
from drova_gate.steps import batch
from drova_gate.steps.edit import drop_ini_keys, drop_ini_sections, drop_vdf_blocks
from drova_gate.steps.edit_json import drop_json_keys
from drova_gate.steps.found import makers_listed
from drova_gate.steps.guard import FOLDERS
from drova_gate.steps.kinds import (
    DeleteDirectory,
    DeleteFile,
    DropIniKeys,
    DropIniSections,
    DropJsonKeys,
    DropVdfBlocks,
    EditStep,
    FileStep,
    RegistryStep,
    SetValue,
    WriteFile,
)
from drova_gate.steps.payload import Entries, ExpectedRegistryStep, Unreadable
from drova_gate.steps.recipes import Level, Recipe, selected
from drova_gate.steps.registry_file import RegistryEdit
from drova_gate.steps.registry_steps import Read, is_there, to_do
from drova_gate.steps.target import Target

__all__ = ["Originals", "Wipe", "compile_wipe", "originals_wanted"]

Originals = Mapping[str, "bytes | Entries | Unreadable | None"]
"""Full path to a file's content or a folder's names; ``None``: not there."""

_LONG = 259
"""Characters of the longest path that cmd.exe looks up (Windows' limit is 260 with the closing zero)."""
_MOST_ENTRIES = 300
"""Entries of one folder that are deleted one by one; a launcher's data folder has ten."""


@dataclass(slots=True)
class Wipe:
    """What the sign-out recipes come to on one station."""

    lines: list[str] = field(default_factory=list)
    staged: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    edits: list[RegistryEdit] = field(default_factory=list)
    routines: list[str] = field(default_factory=list)
    registry: list[ExpectedRegistryStep] = field(default_factory=list)
    settled: list[StepResult] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)

    def add(self, lines: batch.Lines) -> None:
        """Add lines and what they call."""
        self.lines += lines.main
        self.routines += lines.routines


def originals_wanted(
    recipes: tuple[Recipe, ...], target: Target, level: Level
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the files and the folders that must be read before the preparation can be compiled."""
    files, folders = dict[str, str](), dict[str, str]()
    for recipe, step in _steps(recipes, level):
        if not isinstance(step, FileStep) or isinstance(step, DeleteFile):
            continue
        path = target.path(recipe.name, step.path)
        if path is None:
            continue
        if not isinstance(step, DeleteDirectory):
            files.setdefault(path.casefold(), path)
        elif step.excepted:
            folders.setdefault(path.casefold(), path)
    return tuple(files.values()), tuple(folders.values())


def compile_wipe(
    recipes: tuple[Recipe, ...],
    target: Target,
    level: Level,
    originals: Originals,
    seen: Read | None = None,
) -> Wipe:
    """Compile every enabled recipe's steps of this level; ``seen``: the registry as it was looked up earlier."""
    wipe = Wipe()
    known = {path.casefold(): content for path, content in originals.items()}
    edits = dict[str, list[tuple[str, Recipe, EditStep]]]()
    for recipe, step in _steps(recipes, level):
        name = f"{recipe.name}.{step.name}"
        if isinstance(step, RegistryStep):
            _compile_registry(wipe, name, step, target, seen or {})
            continue
        full = target.path(recipe.name, step.path)
        if full is None:
            reason = f"{step.path.partition(chr(92))[0]} was not found on the station: not installed"
            wipe.settled.append(StepResult(name, StepOutcome.SKIPPED, reason))
        elif fault := _path_fault(full):
            wipe.settled.append(StepResult(name, StepOutcome.FAILED, fault))
        elif isinstance(step, DeleteFile):
            wipe.add(batch.wipe_file(name, _written(wipe, step.path, full)))
            wipe.reported.append(name)
        elif isinstance(step, DeleteDirectory):
            _compile_directory(wipe, name, step, full, known)
        else:
            edits.setdefault(full.casefold(), []).append((name, recipe, step))
    for path, steps in edits.items():
        _, recipe, first = steps[0]
        full = target.path(recipe.name, first.path) or ""
        chain = [(name, step) for name, _, step in steps]
        _compile_edits(wipe, chain, _written(wipe, first.path, full), known[path])
    return wipe


def _steps(recipes: Iterable[Recipe], level: Level) -> Iterable[tuple[Recipe, FileStep | RegistryStep]]:
    return ((recipe, step) for recipe in recipes if recipe.enabled for step in selected(recipe, level))


def _compile_registry(wipe: Wipe, name: str, step: RegistryStep, target: Target, seen: Read) -> None:
    # Without the list of makers nobody looked, and absence says nothing.
    looked = makers_listed(seen, target.user_hive)
    if isinstance(step, SetValue) and looked and not is_there(target.key(step.key), seen):
        wipe.registry.append(ExpectedRegistryStep(name, step, changed=False, absent=True))
        return
    edits = to_do(step, target, seen)
    wipe.registry.append(ExpectedRegistryStep(name, step, changed=bool(edits)))
    wipe.edits += edits


def _compile_directory(
    wipe: Wipe,
    name: str,
    step: DeleteDirectory,
    full: str,
    known: Mapping[str, "bytes | Entries | Unreadable | None"],
) -> None:
    path = _written(wipe, step.path, full)
    if not step.excepted:
        wipe.add(batch.wipe_directory(name, path))
        wipe.reported.append(name)
        return
    entries = known[full.casefold()]
    if not isinstance(entries, Entries):
        if entries is None:
            wipe.add(batch.stays_absent(name, path))
            wipe.reported.append(name)
        else:
            why = entries.why if isinstance(entries, Unreadable) else "a file of that name"
            wipe.settled.append(StepResult(name, StepOutcome.FAILED, f"its content cannot be listed: {why}"))
        return
    going = [entry for entry in entries.names if not _kept(entry, step.excepted)]
    faults = [entry for entry in going if _path_fault(f"{full}\\{entry}") or not entry.isprintable() or "%" in entry]
    if faults or len(going) > _MOST_ENTRIES:
        what = f"{faults[0]!r} has a name that cannot be handed on" if faults else f"{len(going)} entries"
        wipe.settled.append(StepResult(name, StepOutcome.FAILED, f"left as it is: {what}"))
        return
    if not going:
        wipe.settled.append(StepResult(name, StepOutcome.CLEAN))
        return
    wipe.add(batch.wipe_entries(name, [_written(wipe, f"{step.path}\\{entry}", f"{full}\\{entry}") for entry in going]))
    wipe.reported.append(name)


def _kept(entry: str, excepted: Iterable[str]) -> bool:
    name = entry.casefold()
    return any(
        name.startswith(kept[:-1].casefold()) if kept.endswith("*") else name == kept.casefold() for kept in excepted
    )


# -- edits -----------------------------------------------------------------------------------------------------------


def _compile_edits(
    wipe: Wipe,
    chain: list[tuple[str, EditStep]],
    path: str,
    original: "bytes | Entries | Unreadable | None",
) -> None:
    """Apply all edits of one file in their order, so that one staged file holds them all."""
    if original is None:
        for name, _ in chain:
            wipe.add(batch.stays_absent(name, path))
            wipe.reported.append(name)
        return
    content = original if isinstance(original, bytes) else None
    why = original.why if isinstance(original, Unreadable) else "a directory of that name"
    changing, deleting = list[str](), False
    for name, step in chain:
        if isinstance(original, Entries):
            wipe.settled.append(StepResult(name, StepOutcome.SKIPPED, f"left as it is: {why}"))
            continue
        edited = _edited(step, content)
        if edited is None:
            if not isinstance(step, WriteFile) and step.unreadable == "keep":
                told = why if content is None else "not a text of its kind"
                wipe.settled.append(StepResult(name, StepOutcome.SKIPPED, f"left as it is: {told}"))
                continue
            # A sign-in that cannot be cut out goes with its file.
            deleting = True
            changing.append(name)
        elif edited == content:
            wipe.settled.append(StepResult(name, StepOutcome.CLEAN))
        else:
            changing.append(name)
            content = edited
    if not changing:
        return
    wipe.reported += changing
    if deleting or content is None:
        for name in changing:
            wipe.add(batch.wipe_file(name, path))
        return
    staged = f"edited{len(wipe.staged) + 1}.new"
    wipe.staged[staged] = content
    wipe.add(batch.replace_file(changing, path, rf"%DG_HOME%\{staged}"))


def _edited(step: EditStep, original: bytes | None) -> bytes | None:
    if isinstance(step, WriteFile):
        return step.content.encode("utf-8")
    if original is None:
        return None
    match step:
        case DropIniSections(sections=sections):
            return drop_ini_sections(original, sections)
        case DropIniKeys(keys=keys, section=section):
            return drop_ini_keys(original, keys, section)
        case DropJsonKeys(keys=keys):
            return drop_json_keys(original, keys)
        case DropVdfBlocks(blocks=blocks):
            return drop_vdf_blocks(original, blocks)


# -- paths -----------------------------------------------------------------------------------------------------------


def _path_fault(full: str) -> str:
    # Not tried in its long form: what cmd.exe makes of that differs, and a script that ends there would do nothing else either.
    return f"a path of {len(full)} characters: cmd.exe looks up none longer than {_LONG}" if len(full) > _LONG else ""


def _written(wipe: Wipe, path: str, full: str) -> str:
    """Write a recipe's path for the batch file; what is not ASCII in it comes in by variables."""
    head, slash, rest = path.partition("\\")
    name = head.strip("{}")
    if name in FOLDERS:
        head = f"%DG_{name.upper()}%"
    elif head.startswith("{"):
        head, rest = full[:2], full[3:]
    return head + slash + batch.carried(wipe.variables, rest)
