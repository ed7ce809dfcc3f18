"""Every page of the documentation: its links lead somewhere, its commands exist, its examples can be read."""

import argparse
import ast
import functools
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from drova_gate.cli import _parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "packaging/README.md")),
    ROOT / "drova_gate/steps/data/README.md",
    *sorted(DOCS.rglob("*.md")),
]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
COUNTERPARTS = {
    "guide.md": "rukovodstvo.md",
    "messages.md": "soobscheniya.md",
    "recovery.md": "vosstanovlenie.md",
    "security.md": "bezopasnost.md",
    "launchers.md": "svoi-recepty.md",
    "doctor.md": "doctor.md",
    "install.md": "ustanovka.md",
    "verify-on-a-real-pc.md": "proverka-na-pk.md",
}
"""English page: its Russian counterpart in docs/ru."""


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(text: str) -> str:
    """Return the page without its code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them, and those written as HTML."""
    found: set[str] = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for title in re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    ):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").strip().casefold()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while (made := name if not number else f"{name}-{number}") in found:
            number += 1
        found.add(made)
    return found


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path):
    """Files exist, and so do the headings that are pointed at."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(text_of(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(text_of(target)), link


def blocks(page: Path, language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[str]:
    """Every ``drova_gate ...`` (and its three short names) of the page's shell blocks, terminals and inline code."""
    text = text_of(page)
    lines = [line for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    lines += [line[2:] for block in blocks(page, "text") for line in block.splitlines() if line.startswith("$ ")]
    lines += re.findall(
        r"`(?:router> |# |\$ )?(?:sudo (?:-u \w+ )?)?(drova_(?:gate|poll|socket|validate) [^`]*)`", text
    )
    for line in lines:
        for part in re.split(
            r"&&|\|\||[;|]",
            re.sub(r"'[^']*'|\"[^\"]*\"", lambda found: found[0].replace(";", ",").replace("|", ","), line),
        ):
            words = part.split("#")[0] if "'" not in part and '"' not in part else re.sub(r"\s#\s.*", "", part)
            if found := _PROGRAM.match(words.strip()):
                yield found[1]


_PROGRAM = re.compile(
    r"(?:time )?(?:\w+=\S* )*(?:sudo (?:-u \w+ )?)?(?:\S*/)?(drova_(?:gate|poll|socket|validate)(?: .*)?)$"
)
"""A command line of ours, whatever stands before the program."""

SHORT = {"drova_poll": ["poll"], "drova_socket": ["socket"], "drova_validate": ["validate"], "drova_gate": []}


@functools.cache
def whole_parser() -> argparse.ArgumentParser:
    return _parser()


def understood(line: str) -> str:
    """Say what is wrong with a command line; empty: nothing. Places to be filled in stand in capitals."""
    line = re.sub(r"[<>&]+ ?\S+$|2>\S+|\s&$", "", line).replace("...", "").strip()
    words = shlex.split(line)
    arguments = [*SHORT[words[0]], *words[1:]]
    parser = whole_parser()
    while arguments and not arguments[0].startswith("-") and arguments[0] not in ("COMMAND", "КОМАНДА"):
        choices = next((one.choices for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)
        if choices is None:
            break
        if arguments[0] not in choices:
            return f"no command {arguments[0]!r} in {line!r}"
        parser = choices[arguments.pop(0)]
    known = {name for action in parser._actions for name in action.option_strings}
    for one in arguments:
        name = one.split("=")[0]
        if name.startswith("--") and name not in known:
            return f"no option {name} in {line!r}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_and_their_options_exist(page: Path):
    """What a reader copies is understood by the programs."""
    assert [wrong for line in commands(page) if (wrong := understood(line))] == []


def test_the_reading_of_commands_finds_what_is_wrong():
    """The test itself can fail."""
    assert understood("drova_gate histroy sync") != ""
    assert understood("drova_gate stations --statoin pc1") != ""
    assert understood("drova_gate maintenance on pc1 --until 2h --why 'new disk'") == ""
    assert list(commands(DOCS / "guide.md"))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_and_toml_can_be_read(page: Path):
    """Examples are whole."""
    for block in blocks(page, "python"):
        compile(block, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for block in blocks(page, "toml"):
        tomllib.loads(block)


@pytest.mark.parametrize(("english", "russian"), COUNTERPARTS.items())
def test_pages_name_their_counterparts(english: str, russian: str):
    """Who reads one language finds the other's page."""
    page, other = DOCS / english, DOCS / "ru" / russian
    if not page.exists() or not other.exists():
        pytest.skip("not written yet")
    assert f"](ru/{russian})" in text_of(page)
    assert f"](../{english})" in text_of(other)


def test_every_page_is_found_from_the_readme():
    """By links, over however many pages."""
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [
            (page.parent / link.split("#")[0]).resolve()
            for link in re.findall(r"\]\(([^):\s]+\.md[^)\s]*)\)", text_of(page))
        ]
    assert [page for page in PAGES if page not in seen] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_no_page_names_a_place_of_work(page: Path):
    """Nothing of whoever wrote it."""
    assert re.findall(r"/(?:work|tmp/hub|tmp/w|root)/\S*|\.git\b/\S+", text_of(page)) == []
