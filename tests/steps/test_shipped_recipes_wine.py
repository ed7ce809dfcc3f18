"""Every shipped recipe's files and registry under Wine's real cmd.exe and reg.exe: two batches for all of them, not a start for each.

The owner's things are those of the simulated station, laid out once more on Wine's disk. What Wine cannot hold is left to the simulator:
junctions and the hidden and system attributes.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from wine_prefix import Wine

from drova_gate.core.model import StepOutcome
from drova_gate.host.parse import RegistryKey, RegistryValue, step_lines
from drova_gate.sim.windows.launchers import LAUNCHERS as PLANTED
from drova_gate.sim.windows.launchers import left_of
from drova_gate.sim.windows.people import Person
from drova_gate.sim.windows.regfile import SetValue, parse
from drova_gate.sim.windows.registry import Value
from drova_gate.sim.windows.saved import Entry, File, Junction, Partly, expand, user_key
from drova_gate.sim.windows.saved_games import WITHOUT_SIGN_IN
from drova_gate.sim.windows.saved_programs import BYSTANDERS
from drova_gate.steps.batch import ROUTINES, batch_file
from drova_gate.steps.compile_steps import compile_wipe, originals_wanted
from drova_gate.steps.payload import Entries
from drova_gate.steps.recipes import Level, load_recipes
from drova_gate.steps.registry_file import registry_file
from drova_gate.steps.registry_steps import fault_of, to_do
from drova_gate.steps.shipped import LAUNCHERS
from drova_gate.steps.target import Target

pytestmark = [
    pytest.mark.wine,
    pytest.mark.xdist_group("wine"),
    pytest.mark.skipif(
        shutil.which("wine") is None, reason="Wine is not installed: the compiled recipes are not judged"
    ),
    pytest.mark.timeout(180),  # the first start of a prefix alone takes 10 s, the batches some seconds each
]

OWNER = Person("Игрок & Co (1) ^!", "S-1-5-21-0-0-0-1000")
"""A profile path with all that cmd.exe trips over, and the SID of Wine's own user."""
HIVE = rf"HKEY_USERS\{OWNER.sid}"
EVERYTHING = {**PLANTED, **WITHOUT_SIGN_IN, "owner": BYSTANDERS}
RECIPES = tuple(recipe for recipe in load_recipes(LAUNCHERS) if recipe.enabled)
HOME = r"C:\ProgramData\drova_gate"


@dataclass
class Desk:
    """The owner's disk and registry inside a Wine prefix."""

    wine: Wine

    def __post_init__(self) -> None:
        self.second = self.wine.prefix / "drive_d"
        self.second.mkdir(exist_ok=True)
        link = self.wine.prefix / "dosdevices" / "d:"
        if not link.exists():
            link.symlink_to("../drive_d")
        self.registry: dict[str, RegistryKey] = {}

    def place(self, windows: str) -> Path:
        """Where a Windows path lies for Linux; Wine's folder of profiles has a small letter."""
        drive, _, rest = windows.partition(":\\")
        root = self.second if drive.upper() == "D" else self.wine.prefix / "drive_c"
        parts = rest.split("\\")
        if drive.upper() == "C":
            known = {"users": "users", "windows": "windows"}
            parts[0] = known.get(parts[0].casefold(), parts[0])
        return root.joinpath(*parts)

    # -- what the simulated owner's judgement asks for

    def content(self, path: str) -> bytes | None:
        place = self.place(expand(path, OWNER))
        return place.read_bytes() if place.is_file() else None

    def value(self, key: str, name: str) -> Value | None:
        hive = user_key(key, OWNER).replace("HKU\\", "HKEY_USERS\\", 1).replace("HKLM\\", "HKEY_LOCAL_MACHINE\\", 1)
        found = self.registry.get(hive.casefold())
        value = found.value(name) if found is not None else None
        if value is None:
            return None
        data = bytes.fromhex(value.data) if value.kind == "REG_BINARY" else value.data
        return Value(value.kind, value.number if value.kind == "REG_DWORD" else data)

    # -- laid out, looked at

    def sign_in(self) -> None:
        """Lay out everything, files and one registry file."""
        keys: dict[str, list[str]] = {}
        for saved in EVERYTHING.values():
            for item in saved.items():
                if isinstance(item, Entry):
                    keys.setdefault(user_key(item.key, OWNER), []).append(_reg_line(item))
                    continue
                path = rf"{item.target}\{item.file}" if isinstance(item, Junction) else expand(item.path, OWNER)
                place = self.place(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.unlink(missing_ok=True)
                place.write_bytes(b"owner's own" if isinstance(item, Junction) else item.data)
                if isinstance(item, File | Partly) and "r" in item.attributes:
                    place.chmod(0o444)
        lines = ["\ufeffWindows Registry Editor Version 5.00", ""]
        for key, values in keys.items():
            full = key.replace("HKU\\", "HKEY_USERS\\", 1).replace("HKLM\\", "HKEY_LOCAL_MACHINE\\", 1)
            lines += [f"[{full}]", *values, ""]
        self.import_registry("\r\n".join(lines).encode("utf-16-le"))
        self.look()

    def import_registry(self, content: bytes) -> None:
        self.wine.put(r"C:\import.reg", content)
        assert self.wine.run("reg.exe", "import", r"C:\import.reg")[0] == 0

    def look(self) -> None:
        """Read both hives' programs, by one start of Wine."""
        # Exported: without a console Wine's reg.exe prints Chinese names as question marks.
        hives = {"user": rf"{HIVE}\Software", "machine": r"HKLM\SOFTWARE\WOW6432Node"}
        lines = [rf'reg.exe export "{key}" C:\{name}.reg /y >nul' for name, key in hives.items()]
        self.wine.put(r"C:\look.cmd", batch_file(lines))
        for name in hives:
            self.wine.path(rf"C:\{name}.reg").unlink(missing_ok=True)
        self.wine.run("cmd.exe", "/d", "/c", r"C:\look.cmd")
        self.registry = {}
        for name in hives:
            for order in parse(self.wine.path(rf"C:\{name}.reg").read_bytes(), "cp1252"):
                found = self.registry.get(order.path.casefold(), RegistryKey(order.path))
                if isinstance(order, SetValue):
                    read = RegistryValue(order.name, order.value.kind, _printed(order.value))
                    found = replace(found, values=(*found.values, read))
                self.registry[order.path.casefold()] = found

    def tree(self) -> set[str]:
        """Every path of both drives but Windows' own and ours."""
        found = set()
        for root in (self.wine.prefix / "drive_c", self.second):
            for folder, folders, files in os.walk(root):
                folders[:] = [name for name in folders if name not in ("windows", "drova_gate")]
                found |= {str(Path(folder) / name) for name in (*folders, *files)}
        return {path for path in found if Path(path).parent != self.wine.prefix / "drive_c"}


def _printed(value: Value) -> str:
    """Write data as reg.exe prints it."""
    if isinstance(value.data, bytes):
        return value.data.hex().upper()
    return hex(value.data) if isinstance(value.data, int) else str(value.data)


def _reg_line(item: Entry) -> str:
    def text(raw: str) -> str:
        return '"' + raw.replace("\\", "\\\\").replace('"', '\\"') + '"'

    name = text(item.name) if item.name else "@"
    if isinstance(item.data, bytes):
        return f"{name}=hex:{item.data.hex(',')}"
    return f"{name}=dword:{item.data:08x}" if isinstance(item.data, int) else f"{name}={text(item.data)}"


def target() -> Target:
    profile = OWNER.profile
    folders = {
        "profile": profile,
        "local": OWNER.local,
        "roaming": OWNER.roaming,
        "local_low": rf"{profile}\AppData\LocalLow",
        "documents": expand("%DOCUMENTS%", OWNER),
        "program_data": r"C:\ProgramData",
        "program_files": r"C:\Program Files",
        "program_files_x86": r"C:\Program Files (x86)",
    }
    places = {("steam", "steam"): r"C:\Program Files (x86)\Steam"} | {
        ("hoyoverse", name): rf"D:\HoYoPlay\games\{folder}"
        for name, folder in (
            ("genshin", "Genshin Impact game"),
            ("star_rail", "Star Rail Games"),
            ("zenless", "ZenlessZoneZero Game"),
        )
    }
    return Target(HIVE, 1, "", folders, places)


def play(desk: Desk, level: Level) -> dict[str, StepOutcome]:
    """Compile all recipes' wipe, run it, import the registry edits; outcomes of the file steps by name."""
    where = target()
    files, folders = originals_wanted(RECIPES, where, level)
    originals = {path: desk.content(path) for path in files}
    for path in folders:
        place = desk.place(path)
        originals[path] = Entries(tuple(sorted(each.name for each in place.iterdir()))) if place.is_dir() else None
    wipe = compile_wipe(RECIPES, where, level, originals, desk.registry)
    for name, content in wipe.staged.items():
        desk.wine.put(rf"{HOME}\{name}", content)
    lines = ['cd /d "%DG_HOME%"', *wipe.lines, "echo @@ wipe done", "goto :eof", *ROUTINES, *wipe.routines]
    desk.wine.put(rf"{HOME}\wipe.cmd", batch_file(lines))
    variables = {
        "DG_HOME": HOME,
        **{f"DG_{name.upper()}": path for name, path in where.folders.items()},
        **wipe.variables,
    }
    output = desk.wine.run("cmd.exe", "/d", "/c", rf"{HOME}\wipe.cmd", variables=variables)[1]
    if wipe.edits:
        desk.import_registry(registry_file(wipe.edits))
    desk.look()
    assert "@@ wipe done" in output, "the batch did not come to its end"
    # What is not there prints nothing.
    outcomes = {step.name: step.outcome for step in wipe.settled} | dict.fromkeys(wipe.reported, StepOutcome.CLEAN)
    outcomes |= {line.name: StepOutcome(line.outcome) for line in step_lines(output)}
    # The registry: changed when the look before found something, clean otherwise; both only when nothing is left.
    for each in wipe.registry:
        if each.absent and where.key(each.step.key).casefold() not in desk.registry:
            outcomes[each.name] = StepOutcome.SKIPPED
            continue
        left = [edit for edit in to_do(each.step, where, desk.registry) if fault_of(edit, desk.registry)]
        outcomes[each.name] = StepOutcome.FAILED if left else StepOutcome.CHANGED if each.changed else StepOutcome.CLEAN
    return outcomes


def unwanted(desk: Desk, level: Level) -> tuple[list[str], list[str]]:
    """What is still signed in, and what of the owner's things was hurt."""
    deep = level is Level.FULL
    left = [f"{name}: {item}" for name in PLANTED for item in left_of(name, desk, deep=deep)]
    hurt = [
        f"{name}: {told}"
        for name, saved in EVERYTHING.items()
        for item in (*saved.kept, *(() if deep else saved.kept_min))
        if (told := item.hurt(desk))
    ]
    return left, hurt


def test_all_recipes_under_wine(wine: Wine):
    """Nothing installed: all clean and nothing created. Signed in: gone at both levels, the rest untouched, a second run finds all clean."""
    desk = Desk(wine)
    desk.look()
    before = desk.tree()
    nothing = play(desk, Level.FULL)
    assert {name: outcome for name, outcome in nothing.items() if outcome is not StepOutcome.CLEAN} == {
        "steam.remember": StepOutcome.SKIPPED,
        "steam.auto_login": StepOutcome.SKIPPED,
    }
    assert desk.tree() - before == set()
    for level in Level:
        desk.sign_in()
        assert unwanted(desk, level)[1] == []
        assert {line.partition(":")[0] for line in unwanted(desk, level)[0]} == set(PLANTED)
        outcomes = play(desk, level)
        assert unwanted(desk, level) == ([], [])
        assert {name for name, outcome in outcomes.items() if outcome is StepOutcome.FAILED} == set()
        # Of the two, the one that is for a file.
        assert {name for name, outcome in outcomes.items() if outcome is StepOutcome.SKIPPED} == {"jagex.account"}
        signed_out = {recipe.name for recipe in RECIPES if recipe.minimum}
        assert {
            name.partition(".")[0] for name, outcome in outcomes.items() if outcome is StepOutcome.CHANGED
        } == signed_out
        again = play(desk, level)
        assert {name: outcome for name, outcome in again.items() if outcome is not StepOutcome.CLEAN} == {}
        assert unwanted(desk, level) == ([], [])
