"""README.md, and the pages that its longer parts moved to, say what is so: commands, paths, settings and examples are read back here."""

import re
import tomllib
from pathlib import Path

from drova_gate.config import Mode, read_config
from drova_gate.settings import SETTINGS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS_PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def block(marker: str, language: str = "sh") -> str:
    """The code block under a marker comment."""
    found = re.search(rf"<!-- {marker} -->\n```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None, f"README.md has no block {marker}"
    return found[1].strip()


def test_the_two_commands_start_from_nothing_but_python():
    """Each is one line that makes its own virtual environment; the programs and extras that they name exist."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    demo, tests = block("demo"), block("tests")

    assert demo.startswith("python3.11 -m venv .venv && ")
    assert tests.startswith("python3.11 -m venv .venv && ")
    assert len(demo.splitlines()) == len(tests.splitlines()) == 1
    assert demo.endswith(".venv/bin/drova_gate demo")
    assert "drova_gate" in project["scripts"]
    assert "pytest" in tests
    (extra,) = re.findall(r"'\.\[(\w+)\]'", tests)
    assert any(one.startswith("pytest") for one in project["optional-dependencies"][extra])


def test_every_program_that_is_named_exists():
    """``drova_...`` commands are console scripts, units or settings' own words."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    named = set(re.findall(r"(?:\.venv|/opt/drova_gate)/bin/(drova_\w+)", README))

    assert named
    assert named <= set(scripts)
    for unit in re.findall(r"enable --now (drova_\w+)@", README):
        assert (ROOT / "systemd" / f"{unit}@.service").is_file()


def test_relative_links_and_paths_lead_somewhere():
    """Markdown links and the files that are named in backticks."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    paths = re.findall(r"`((?:docs|core|systemd|\.ci)/[\w./]*)`", README) + re.findall(r" (\.env\.example) ", README)

    assert paths
    for path in links + paths:
        assert (ROOT / path).exists() or (ROOT / "drova_gate" / path).exists(), path


def test_the_settings_table_is_the_programs_own():
    """Names, defaults and meanings, in order."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\| (.*) \|$", SETTINGS_PAGE, re.MULTILINE)

    assert rows == [(one.name, one.default, one.meaning) for one in SETTINGS]


def test_the_example_of_many_stations_is_read_as_it_stands():
    """The TOML block makes two stations, each with a port of its own."""
    (example,) = re.findall(r"```toml\n(.*?)```", SETTINGS_PAGE, re.DOTALL)

    config = read_config(Mode.SOCKET, {"DROVA_CONFIG": "stations.toml"}, lambda _: example)

    assert [(one.name, one.listen_port) for one in config.stations] == [("pc1", 7001), ("pc2", 7002)]


def test_the_layout_names_only_what_is_there_and_leaves_nothing_out():
    """Every file and folder of the layout block exists; every part of the package stands in it."""
    (layout,) = re.findall(r"```\ndrova_gate/\n(.*?)```", ARCHITECTURE, re.DOTALL)
    named = set(re.findall(r"^  ([\w.]+)/? ", layout, re.MULTILINE)) | set(re.findall(r" (\w+\.py) ", layout))
    package = ROOT / "drova_gate"
    there = {one.name for one in package.iterdir() if one.suffix == ".py" or (one / "__init__.py").is_file()}

    assert {one for one in named if not (package / one).exists()} == set()
    # Settings, errors and the module entry need no line of their own.
    assert there - named == {"__init__.py", "__main__.py", "config.py", "errors.py", "settings.py"}


def test_the_printed_demonstration_is_one_that_kept_every_promise():
    """The output under the demo command is a play's, from its title to its verdict."""
    (output,) = re.findall(r"```text\n(drova_gate demo:.*?)```", README, re.DOTALL)
    lines = output.strip().splitlines()

    assert lines[-1] == "every promise kept"
    assert "BROKEN" not in output
    assert 20 <= len(lines) <= 45
    assert max(map(len, lines)) <= 100


def test_every_setting_has_its_why():
    """Beside its row in the table, or it explains itself there: then it is one of these."""
    plain = {
        "WINDOWS_PASSWORD",
        "WINDOWS_SSH_PORT",
        "DROVA_LISTEN_HOST",
        "DROVA_TARGET_PORT",
        "DROVA_API_URL",
        "ENV_LOCATION",
    }
    explained = set(re.findall(r"\*\*`([A-Z_]+)(?:=[^`]*)?`", SETTINGS_PAGE)) | {"DROVA_CONFIG"}

    assert {one.name for one in SETTINGS} - explained == plain


def test_the_readme_is_short():
    """Two screens and the demonstration: what is longer has a page of its own."""
    assert len(README.splitlines()) <= 150
