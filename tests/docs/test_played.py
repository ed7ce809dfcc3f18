"""The played pages are what the commands print: they are played again; pages that show some of it show the same."""

from pathlib import Path

import pytest
from played import DOCS, SHOWING, STORIES, masked, page, terminals_of

RENEW = "if it was meant so: python tests/docs/played.py --write"


@pytest.mark.timeout(180)  # some seconds on an idle machine, nearly all of them pauses between writes
@pytest.mark.parametrize("name", STORIES)
async def test_the_committed_page_is_what_is_played(name: str, tmp_path: Path):
    """Words, names and order; ``python tests/docs/played.py --write`` writes the pages anew."""
    played = await page(name, tmp_path)

    committed = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert masked(played).splitlines() == masked(committed).splitlines(), RENEW


@pytest.mark.parametrize("name", SHOWING)
def test_terminals_elsewhere_are_those_of_the_played_pages(name: str):
    """A terminal that nobody has seen is no terminal."""
    played = {}
    for story in reversed([one for one in STORIES if not one.startswith("ru/")]):
        played |= terminals_of((DOCS / f"{story}.md").read_text(encoding="utf-8"))
    shown = terminals_of((DOCS.parent / name).read_text(encoding="utf-8"))

    assert [command for command, terminal in shown.items() if terminal != played.get(command)] == [], RENEW


def test_the_mask_leaves_what_matters():
    """The comparison itself can fail."""
    assert masked("pc1 is hidden since 2026-11-21 10:00") == masked("pc1 is hidden since 2026-11-22  11:30")
    assert masked("pc1 is hidden") != masked("pc1 is shown")
