"""Every command's ``--help`` shows an example, and the examples are such as the command takes."""

import argparse
import re
import shlex

import pytest

from drova_gate.cli import _parser

CONTINUED = re.compile(r"\\\n +")
ENDS = re.compile(r"\.? *\n|; |\. (?=[A-Z])|  +|\.?$| [|<>] ")
"""Where an example ends that stands in a sentence or a line of a shell."""


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """All that can be called, by what is typed."""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                found |= {command.prog: command} | commands(command)
    return found


COMMANDS = commands(_parser())


def examples(text: str) -> list[list[str]]:
    """The words of each example in an epilog."""
    text = CONTINUED.sub("", text)
    starts = [found.end() for found in re.finditer(r"\bdrova_gate (?=[a-z])", text)]
    return [shlex.split(ENDS.split(text[start:], maxsplit=1)[0], comments=True) for start in starts]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example_that_can_be_typed(name: str, capsys: pytest.CaptureFixture[str]):
    """Owners copy it: a renamed option must not leave it behind."""
    shown = examples(COMMANDS[name].epilog or "")
    own = name.split()[1:]
    if any(one.startswith(f"{name} ") for one in COMMANDS) or name == "drova_gate maintenance":
        own = own[:1]  # a group shows one of its commands

    assert any(words[: len(own)] == own for words in shown), "no example of its own"
    for words in shown:
        try:
            _parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{words}: {capsys.readouterr().err}")


@pytest.mark.parametrize("name", ["doctor", "validate", "repair", "status", "events"])
def test_one_station_is_named_by_a_word_or_by_an_option(name: str, capsys: pytest.CaptureFixture[str]):
    """As ``release pc1`` and ``rehearse pc1`` are; none is all of them, and two are a mistake that is said."""
    for words in (["pc1"], ["--station", "pc1"], ["pc1", "--station", "pc1"]):
        assert _parser().parse_args([name, *words, "--json"] if name != "repair" else [name, *words]).station == "pc1"
    assert _parser().parse_args([name]).station is None
    with pytest.raises(SystemExit):
        _parser().parse_args([name, "pc1", "--station", "pc2"])
    assert "two are named: pc1 and pc2" in capsys.readouterr().err
