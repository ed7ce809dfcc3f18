"""Libraries that only some commands need: what is said where one is missing, and how this very installation gets it."""

import shlex
import sys
from pathlib import Path

from drova_gate.errors import SomethingMissing

__all__ = ["how_to_get", "library_missing"]

OF_DEBIANS_PACKAGE = Path("/usr/lib/drova-gate")
"""Where ``packaging/build-deb`` puts us: Debian's own Python runs there, which takes nothing from pip."""
_HERE = Path(__file__)


def library_missing(subject: str, library: str, debian: str, *, instead: str = "") -> SomethingMissing:
    """Make the error; ``debian`` is the package's name there, ``instead`` what does without it."""
    return SomethingMissing(subject, f"needs the library {library}", how_to_get(library, debian) + instead)


def how_to_get(library: str, debian: str, here: Path = _HERE) -> str:
    """Return the command to be typed. Not ``drova_gate[...]``: away from our own Python pip would look for us in the public index."""
    if here.is_relative_to(OF_DEBIANS_PACKAGE):
        return f"apt install {debian}"
    return shlex.join([sys.executable, "-m", "pip", "install", library])
