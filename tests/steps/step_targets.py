"""A station as the compiler's tests see it."""

from pathlib import Path
from uuid import UUID

from drova_gate.steps.compile import compile_preparation
from drova_gate.steps.compile_steps import originals_wanted
from drova_gate.steps.found import Found
from drova_gate.steps.lockdown import Lockdown, load_lockdown
from drova_gate.steps.payload import Payload
from drova_gate.steps.recipes import Level, Recipe, load_recipes
from drova_gate.steps.target import Target

DATA = Path(__file__).parents[2] / "drova_gate" / "steps" / "data"
SESSION = UUID("11111111-2222-4333-8444-555555555555")
MARKER = "0123456789abcdef0123456789abcde1"


def recipes() -> tuple[Recipe, ...]:
    return load_recipes(DATA / "launchers")


def lockdown() -> Lockdown:
    return load_lockdown(DATA / "lockdown.toml")


def target(
    profile: str = r"C:\Users\gate",
    *,
    hive: str = r"HKEY_USERS\S-1-5-21-1-2-3-1001",
    task_user: str = "",
    steam: bool = True,
) -> Target:
    folders = {
        "profile": profile,
        "local": profile + r"\AppData\Local",
        "roaming": profile + r"\AppData\Roaming",
        "local_low": profile + r"\AppData\LocalLow",
        "documents": profile + r"\Documents",
        "program_data": r"C:\ProgramData",
        "program_files": r"C:\Program Files",
        "program_files_x86": r"C:\Program Files (x86)",
    }
    return Target(hive, 1, task_user, folders, {("steam", "steam"): r"C:\Program Files (x86)\Steam"} if steam else {})


def compiled(
    where: Target | None = None,
    *,
    level: Level = Level.FULL,
    originals: dict[str, bytes | None] | None = None,
    volumes: str = "CD",
    using: tuple[Recipe, ...] | None = None,
    found: Found | None = None,
) -> Payload:
    where = where or target()
    using = recipes() if using is None else using
    files, folders = originals_wanted(using, where, level)
    absent: dict[str, bytes | None] = dict.fromkeys((*files, *folders))
    return compile_preparation(
        using,
        lockdown(),
        where,
        level=level,
        marker=MARKER,
        boot_stamp="feedbeef",
        session=SESSION,
        volumes=frozenset(volumes),
        originals=absent | (originals or {}),
        found=found,
    )
