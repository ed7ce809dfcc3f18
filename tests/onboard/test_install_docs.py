"""The guide's commands are the program's own, in both languages the same."""

import re
import shlex
from pathlib import Path

import pytest

from drova_gate.cli import _parser

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = [DOCS / "install.md", DOCS / "ru" / "ustanovka.md"]


def commands(guide: Path) -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [line[line.index("drova_gate ") :] for line in lines if "drova_gate " in line]
    return [shlex.split(line, comments=True)[1:] for line in found]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_command_can_be_given(guide: Path):
    """Parsed by the program's own parser: an option that is gone ends it with 2."""
    given = commands(guide)
    assert len(given) >= 6
    for words in given:
        _parser().parse_args(words)


def test_both_guides_tell_the_same():
    english, russian = (commands(guide) for guide in GUIDES)
    assert english == russian
    counts = [len(re.findall(r"^\|", guide.read_text(encoding="utf-8"), re.MULTILINE)) for guide in GUIDES]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_lead_somewhere(guide: Path):
    for target in re.findall(r"\]\(([^)]+)\)", guide.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        page = (guide.parent / file).resolve()
        assert page.is_file(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads], target
