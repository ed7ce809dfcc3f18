"""Rules that matter are tests: imports point one way, heavy libraries stay in their place, files stay readable."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "drova_gate"

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
    "optional": 1,
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

BEGINS_TASKS = ("create_task", "ensure_future")
KEEPS_ITS_TASKS = {"cloud/calls.py"}
"""A token's renewal is shared by calls that may be cancelled: the client keeps it, and awaits it at close."""


@dataclass(frozen=True)
class Source:
    """One module: where it is in the package, and its text."""

    place: str
    text: str

    @property
    def part(self) -> str:
        return self.place.partition("/")[0].removesuffix(".py")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    """Every module of the package."""
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 300
    return [Source(str(one.relative_to(PACKAGE)), one.read_text(encoding="utf-8")) for one in found]


def imports_of(source: Source) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.place}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def wrong_way(source: Source, name: str) -> str:
    """What is wrong with an import; empty when nothing is."""
    words = name.split(".")
    if words[0] != "drova_gate" or len(words) < 2 or words[1] in ("__version__", source.part):
        return ""
    target = words[1]
    if source.part == "__init__":
        return f"the package itself imports {target}"
    if source.part == "sim":
        return f"the simulator imports {target}: it must share no code with what it checks"
    if target == "sim":
        return "" if source.part == "demo" else "only the demo may use the simulator"
    return "" if LAYERS[target] < LAYERS[source.part] else f"{source.part} may not import {target}"


def loose_tasks(source: Source) -> Iterator[str]:
    """Where a task is begun that nobody keeps, or outside a TaskGroup."""
    dropped = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in BEGINS_TASKS and ast.unparse(node.func.value) == "asyncio":
            if id(node) in dropped:
                yield f"{source.place}:{node.lineno}: nobody keeps this task"
            elif source.part != "sim" and source.place not in KEEPS_ITS_TASKS:
                yield f"{source.place}:{node.lineno}: use a TaskGroup"


def test_imports_point_down(sources: list[Source]):
    """Every import of ours goes to a lower layer or stays in its own part."""
    wrong = [(one.place, fault) for one in sources for name in imports_of(one) if (fault := wrong_way(one, name))]
    assert sorted(set(wrong)) == []


def test_heavy_libraries_stay_in_their_place(sources: list[Source]):
    """Only the named modules may import the libraries that are fenced in."""
    wrong = []
    for one in sources:
        for name in imports_of(one):
            owners = FENCED.get(name.split(".")[0])
            if owners is not None and one.part != "sim" and not one.place.startswith(tuple(owners)):
                wrong.append(f"{one.place} imports {name}")
    assert wrong == []


def test_the_environment_is_read_by_the_command_line_alone(sources: list[Source]):
    """F6: nothing reads the environment at import, nor anywhere but in cli/."""
    reading = [one.place for one in sources if "os.environ" in one.text or "getenv" in one.text]
    assert [place for place in reading if not place.startswith("cli/")] == []


def test_files_stay_readable(sources: list[Source]):
    """A file over 450 lines has more than one reason to change."""
    assert [one.place for one in sources if len(one.text.splitlines()) > 450] == []


def test_tasks_have_an_owner(sources: list[Source]):
    """A task that nobody keeps can be collected while it runs: in the gate tasks live in TaskGroups."""
    assert [fault for one in sources for fault in loose_tasks(one)] == []


PLANTED = {
    "core/bad.py": "from drova_gate.cloud.client import DrovaClient",
    "sim/bad.py": "import drova_gate.errors",
    "steps/bad.py": "from drova_gate.sim.station import Station",
    "__init__.py": "from drova_gate import cli",
    "relay/bad.py": "async def run():\n    asyncio.create_task(x())",
    "host/bad.py": "async def run():\n    task = asyncio.ensure_future(x())",
    "doctor/bad.py": "async def run():\n    import asyncssh",
}
"""Modules that break a rule each."""


@pytest.mark.parametrize(("place", "text"), PLANTED.items())
def test_each_rule_finds_who_breaks_it(place: str, text: str):
    """The rules look at all modules at once: one that looked at nothing would hold for ever."""
    bad = Source(place, text)
    faults = [fault for name in imports_of(bad) if (fault := wrong_way(bad, name))]
    fenced = [name for name in imports_of(bad) if name in FENCED]
    assert [*faults, *fenced, *loose_tasks(bad)]


def test_every_test_file_has_a_name_of_its_own():
    """Two of the same name cannot be collected in one run."""
    files = [
        path.name for path in Path(__file__).parent.rglob("*.py") if path.name not in ("conftest.py", "__init__.py")
    ]
    assert sorted(files) == sorted(set(files))
