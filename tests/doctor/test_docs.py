"""The checks' pages: every code stands there, in both languages, and nothing else does."""

import json
import re
from pathlib import Path

import pytest

from drova_gate.cli import _parser
from drova_gate.doctor.checks import CHECKS, CODES
from drova_gate.doctor.output import Table, json_text, plan_lines
from drova_gate.doctor.verdict import Check, failed, fine
from drova_gate.language.catalogue import load
from drova_gate.language.words import LANGUAGES
from drova_gate.settings import SETTINGS

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "docs" / "doctor.md", ROOT / "docs" / "ru" / "doctor.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_page_has_every_code_in_the_programs_order(page: Path):
    """Headings of the third level are codes, so that each check's link leads to its own."""
    headings = re.findall(r"^### (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    # Told in the table beside the router's own, and explained there.
    assert headings == list(CODES)
    assert Check(CODES[0], fine("")).link == f"docs/doctor.md#{CODES[0]}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_and_a_plan_lead_to_the_readers_own_page(language: str):
    """To a heading that is there, in his language; a machine's link stays as it was."""
    say = load(language).of
    check = Check("tcp", failed("port 22 is closed", "is it on?"))
    of_table = Table({"tcp": "way"}, room=None, colour=False, say=say).lines(check)[-1].strip()
    of_plan = plan_lines("pc1", [check], say=say)[-1].strip()
    page, _, anchor = of_table.partition("#")
    assert of_plan == of_table
    assert f"### {anchor}\n" in (ROOT / page).read_text(encoding="utf-8")
    assert (Path(page).parent.name == "ru") is (language == "ru")
    told = json.loads(json_text("pc1", "pc1", [check], {}, 0.0))
    assert told["checks"][0]["link"] == "docs/doctor.md#tcp"


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_that_a_hint_names_are_there(language: str):
    """In the words that the reader gets."""
    say = load(language).of
    hint = (
        "those with a * (3) nobody has seen work on a real station; try them once, docs/verify-on-a-real-pc.md says how"
    )
    (page,) = re.findall(r"docs/[\w/.-]+\.md", say(hint))
    assert (ROOT / page).is_file()
    assert (Path(page).parent.name == "ru") is (language == "ru")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_tells_of_each_way_in_which_a_check_can_end(page: Path):
    """A check that can fail says what to do then, likewise one that can warn."""
    text = page.read_text(encoding="utf-8")
    parts = dict(
        zip(
            re.findall(r"^### (.*)$", text, re.MULTILINE),
            re.split(r"^### .*$", text, flags=re.MULTILINE)[1:],
            strict=True,
        )
    )
    for spec in CHECKS:
        source = Path(spec.look.__code__.co_filename).read_text(encoding="utf-8").splitlines()
        first = spec.look.__code__.co_firstlineno
        body = "\n".join(source[first - 1 : max(line or 0 for _, _, line in spec.look.__code__.co_lines())])
        assert ("**FAIL**" in parts[spec.code]) >= bool(re.search(r"\bfailed\(", body)), spec.code
        assert ("**warn**" in parts[spec.code]) >= bool(re.search(r"\bwarned\(", body)), spec.code
        assert len(parts[spec.code].split()) >= 10, spec.code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_settings_commands_and_links_are_real(page: Path):
    """What a reader would type or follow exists."""
    text = page.read_text(encoding="utf-8")
    names = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"\b(?:DROVA|WINDOWS|SHADOW_DEFENDER)_[A-Z_]+\b", text)) <= names
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or f"### {anchor}\n" in target.read_text(encoding="utf-8"), link
    (commands,) = (action.choices for action in _parser()._actions if action.choices)
    assert set(re.findall(r"drova_gate ([a-z]+)\b", text)) <= set(commands)
