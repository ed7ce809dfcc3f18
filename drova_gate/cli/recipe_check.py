"""``drova_gate recipes check``: an owner's files against the schema; every fault at once, and what is odd besides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drova_gate.errors import RecipeFault
from drova_gate.steps.doubts import doubts
from drova_gate.steps.lockdown import load_switches, read_lockdown
from drova_gate.steps.recipes import Recipe, read_recipe
from drova_gate.steps.shipped import LAUNCHERS, LOCKDOWN
from drova_gate.steps.table import LOCKDOWN_FILE, read_text

__all__ = ["check_files"]


@dataclass(slots=True)
class _Checked:
    """What was found out about one file."""

    file: Path
    recipe: Recipe | None = None
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def check_files(files: Sequence[Path]) -> tuple[list[str], bool]:
    """Check files and folders: lines for people, and whether nothing is wrong; doubts alone are not wrong."""
    checked = [one for file in files for one in _checked(file)]
    _find_twins(checked)
    # Each of ours is named like its file: no need to read them all.
    ours = {path.stem for path in LAUNCHERS.glob("*.toml")}
    lines = [line for one in checked for line in _lines(one, ours)]
    bad = sum(bool(one.faults) for one in checked)
    good = len(checked) - bad
    lines.append(f"{good} good, {bad} with faults" if bad else f"{good} good")
    return lines, bad == 0


def _checked(file: Path) -> Iterable[_Checked]:
    if not file.is_dir():
        yield _check(file)
        return
    try:
        found = sorted(each for each in file.iterdir() if each.suffix.lower() == ".toml")
    except OSError as error:
        yield _Checked(file, faults=[f"cannot be read ({error.strerror}); the gate must be able to read it"])
        return
    if not found:
        yield _Checked(file, faults=["holds no *.toml file; is this the folder that DROVA_LAUNCHERS_DIR names?"])
    for each in found:
        yield _check(each)


def _check(file: Path) -> _Checked:
    one = _Checked(file)
    try:
        if file.name == LOCKDOWN_FILE:
            # It stands in the same folder, and is laid over ours.
            read_lockdown(str(file), read_text(file), load_switches(LOCKDOWN))
            return one
        one.recipe = read_recipe(str(file), read_text(file))
    except RecipeFault as fault:
        # What the file says comes under its path, what the file system says under its name.
        heads = (f"{file}: ", f"{file.name}: ")
        lines = str(fault).splitlines()
        one.faults = [
            next((line.removeprefix(head) for head in heads if line.startswith(head)), line) for line in lines
        ]
        return one
    one.doubts += doubts(one.recipe)
    if file.suffix != ".toml":
        one.doubts.append("the gate reads only files whose name ends with .toml, in small letters; rename it")
    return one


def _find_twins(checked: Sequence[_Checked]) -> None:
    """In one folder each name may stand once: the gate would not know which file counts."""
    seen = dict[tuple[Path, str], Path]()
    for one in checked:
        if one.recipe is None:
            continue
        place = (one.file.resolve().parent, one.recipe.name)
        first = seen.setdefault(place, one.file)
        if first.resolve() != one.file.resolve():
            one.faults.append(f"name: {one.recipe.name!r} is taken by {first.name} of the same folder")


def _lines(one: _Checked, ours: set[str]) -> Iterable[str]:
    for fault in one.faults:
        yield f"FAIL  {one.file}: {fault}"
    for doubt in one.doubts:
        yield f"warn  {one.file}: {doubt}"
    if one.recipe is None and not one.faults:
        yield f"ok    {one.file}: the lockdown's own settings"
    if one.recipe is not None and not one.faults:
        recipe = one.recipe
        state = "" if recipe.enabled else ", off"
        theirs = one.file.resolve().parent != LAUNCHERS.resolve()
        replaces = ", replaces ours of that name" if theirs and recipe.name in ours else ""
        yield f"ok    {one.file}: {recipe.name}, {len(recipe.minimum)} min and {len(recipe.full)} full steps{state}{replaces}"
