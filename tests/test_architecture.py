"""Rules that matter are tests: imports point one way, heavy libraries stay in their place, files stay readable."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "drova_gate"
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS: dict[str, int] = {
    "errors": 0,
    "core": 1,
    "settings": 0,
    "vocabulary": 0,
    "columns": 0,
    "files": 0,
    "sheet": 1,
    "addresses": 0,
    "moments": 1,
    "nearest": 1,
    "language": 1,
    "config": 1,
    "host": 2,
    "protect": 3,
    "cloud": 3,
    "archive": 4,
    "steps": 4,
    "relay": 3,
    "state": 3,
    "alarms": 1,
    "sight": 4,
    "lease": 4,
    "listing": 4,
    "observe": 5,
    "effects": 6,
    "publishing": 6,
    "controller": 7,
    "logs": 1,
    "notify": 0,
    "report": 8,
    "station": 9,
    "visit": 10,
    "fleet": 10,
    "owner": 11,
    "steam": 13,
    "daemon": 11,
    "doctor": 11,
    "repair": 11,
    "rehearse": 12,
    "onboard": 13,
    "games": 12,
    "demo": 12,
    "cli": 14,
    "__main__": 15,
}
"""A part may import parts of a lower layer, and its own. ``sim`` stands apart: it imports nothing of the rest."""

FENCED = {
    "asyncssh": {"host/link.py", "host/files.py", "host/scan.py"},
    "aiohttp": {"cloud/http.py"},
    "argparse": {"cli/"},
    "uvloop": {"cli/surroundings.py"},
    "maxminddb": {"owner/where.py"},
    "cryptography": {"onboard/own_key.py"},
    "segno": {"onboard/qr.py"},
}
"""Libraries and the only modules or folders (beside the simulator) that may import them."""

KEEPS_ITS_TASKS = {"cloud/calls.py"}
"""A token's renewal is shared by calls that may be cancelled: the client keeps it, and awaits it at close."""


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(module: Path):
    """Every import of ours goes to a lower layer or stays in its own part."""
    part = part_of(module)
    for name in imports_of(module):
        words = name.split(".")
        if words[0] != "drova_gate" or len(words) < 2 or words[1] in ("__version__", part):
            continue
        target = words[1]
        if part == "__init__":
            raise AssertionError(f"the package itself imports {target}")
        if part == "sim":
            raise AssertionError(f"the simulator imports {target}: it must share no code with what it checks")
        if target == "sim":
            assert part == "demo", f"{module}: only the demo may use the simulator"
            continue
        assert LAYERS[target] < LAYERS[part], f"{module}: {part} may not import {target}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_stay_in_their_place(module: Path):
    """Only the named modules may import the libraries that are fenced in."""
    place = str(module.relative_to(PACKAGE))
    if place.startswith("sim/"):
        return
    for name in imports_of(module):
        owners = FENCED.get(name.split(".")[0])
        assert owners is None or place.startswith(tuple(owners)), f"{place} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_environment_is_read_by_the_command_line_alone(module: Path):
    """F6: nothing reads the environment at import, nor anywhere but in cli/."""
    text = module.read_text(encoding="utf-8")
    assert part_of(module) == "cli" or ("os.environ" not in text and "getenv" not in text), module


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_readable(module: Path):
    """A file over 450 lines has more than one reason to change."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 450, module


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_tasks_have_an_owner(module: Path):
    """A task that nobody keeps can be collected while it runs: in the gate tasks live in TaskGroups."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    dropped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("asyncio.create_task", "asyncio.ensure_future"):
            assert id(node) not in dropped, f"{module}:{node.lineno}: nobody keeps this task"
            place = str(module.relative_to(PACKAGE))
            assert part_of(module) == "sim" or place in KEEPS_ITS_TASKS, f"{module}:{node.lineno}: use a TaskGroup"


def test_every_test_file_has_a_name_of_its_own():
    """Two of the same name cannot be collected in one run."""
    files = [
        path.name for path in Path(__file__).parent.rglob("*.py") if path.name not in ("conftest.py", "__init__.py")
    ]
    assert sorted(files) == sorted(set(files))
