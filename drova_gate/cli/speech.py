"""In which language the owner is spoken to, and how an error reaches him."""

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from drova_gate.cli.surroundings import print_lines, settings_as_written
from drova_gate.columns import printable
from drova_gate.errors import GateError, SettingsFault
from drova_gate.language.catalogue import load
from drova_gate.language.words import Language, language_of

__all__ = ["complain", "say", "spoken"]


@functools.cache
def spoken() -> Language:
    """The owner's language: ``DROVA_LANG`` (environment or settings file), else the locale's."""
    try:
        said = settings_as_written(_named_file(sys.argv)).get("DROVA_LANG", "")
    except SettingsFault:
        said = ""  # the settings' own faults are said by whoever reads them
    return load(language_of(dict(os.environ) | ({"DROVA_LANG": said} if said else {})))


def _named_file(arguments: Sequence[str]) -> Path | None:
    """The file of ``--env``: what is wrong with the rest of the command line is said in its language, too."""
    for place, one in enumerate(arguments):
        name, _, value = one.partition("=")
        if name == "--env":
            return Path(value or next(iter(arguments[place + 1 :]), "") or ".env")
    return None


def complain(fault: GateError | str) -> None:
    """Say on standard error what is wrong; an error is said part by part."""
    text = spoken().of_error(fault) if isinstance(fault, GateError) else spoken().of(fault)
    print_lines([_harmless(text)], to_errors=True)


def say(text: str, *, to_errors: bool = False) -> None:
    """Say a line to the owner in his language."""
    print_lines([_harmless(spoken().of(text))], to_errors=to_errors)


def _harmless(text: str) -> str:
    """What a station or the cloud has said stands in many a text: none of it steers the terminal."""
    return "\n".join(printable(line) for line in text.split("\n"))
