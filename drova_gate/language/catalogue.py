"""Reads the catalogues: an English template on a line of its own, its translation indented below it.

``#`` begins a note, ``=`` a word that is turned only where it stands alone.
Not TOML: a command has to answer at once, and TOML (13 ms for this many) takes thirteen times as long to read.
"""

from pathlib import Path

from drova_gate.language.words import LANGUAGES, Language

__all__ = ["load", "pairs_of"]


def load(name: str) -> Language:
    """Read the catalogue of a language; for English, and for a language that is not there, there is none."""
    if name not in LANGUAGES or name == "en":
        return Language("en", {})
    catalogue: dict[str, str] = {}
    for file in sorted((Path(__file__).parent / name).glob("*.txt")):
        catalogue.update(pairs_of(file.read_text(encoding="utf-8")))
    return Language(name, catalogue)


def pairs_of(text: str) -> list[tuple[str, str]]:
    """Take a file apart: pairs of an English template and its translation, in their order."""
    found: list[tuple[str, str]] = []
    english = ""
    for line in text.splitlines():
        if line.startswith("    ") and english:
            found.append((english, line.strip()))
            english = ""
        elif line and not line.startswith("#"):
            english = line
    return found
