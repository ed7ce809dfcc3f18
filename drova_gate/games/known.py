"""What owners' tools know of games that Steam does not tell of: where they lie, and the folder of their anti-cheat."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID

__all__ = ["EacFolder", "KnownGame", "Renewed", "eac_folder", "known_games", "renewed"]

BETWEEN_PATHS = re.compile(r"([;|,\r\n])")
"""Which of these separates allowed paths is not known: the samples that were seen name one path."""


@dataclass(frozen=True, slots=True)
class KnownGame:
    """A game and the files that show that it is installed."""

    product_id: UUID
    title: str
    launcher: str
    files: tuple[str, ...]
    """The first of them that is there shows it."""
    verified: bool
    """Seen on a real station."""
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EacFolder:
    """Where Easy Anti-Cheat lay and where it lies now."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """What becomes of a list of allowed paths."""

    paths: str | tuple[str, ...] | None
    """With the new folder in the place of the old one; as it was where that is doubtful."""
    found: int
    """How often the old folder was in it."""
    doubtful: bool = False
    """The old folder is in it in a way that a person should look at."""


@cache
def _data() -> dict[str, Any]:
    text = (resources.files("drova_gate.games") / "data" / "known.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def known_games() -> tuple[KnownGame, ...]:
    """Read the games that are known."""
    return tuple(
        KnownGame(
            UUID(one["id"]), one["title"], one["launcher"], tuple(one["files"]), one["verified"], tuple(one["sources"])
        )
        for one in _data()["game"]
    )


def eac_folder() -> EacFolder:
    """Read where Easy Anti-Cheat is."""
    found = _data()["eac"]
    return EacFolder(found["old"], found["new"])


def renewed(paths: str | tuple[str, ...] | None, folder: EacFolder) -> Renewed:
    """Put the new folder where a list of allowed paths names the old one as a whole entry; nothing else is touched."""
    if paths is None:
        return Renewed(None, 0)
    if isinstance(paths, tuple):
        entries = [_entry(one, folder) for one in paths]
        found, doubtful = (
            sum(one is not None for one in entries),
            any(_mentions(one, folder) for one in _rest(paths, entries)),
        )
        whole = tuple(old if new is None else new for old, new in zip(paths, entries, strict=True))
        return Renewed(paths, 0, doubtful=True) if doubtful else Renewed(whole, found)
    parts = BETWEEN_PATHS.split(paths)
    entries = [_entry(one, folder) for one in parts]
    # A quotation that holds a separator is cut in two here: neither half is to be judged.
    cut = any(part.count(mark) % 2 for part in parts for mark in "\"'")
    if any(_mentions(one, folder) for one in _rest(parts, entries)) or (cut and _mentions(paths, folder)):
        return Renewed(paths, 0, doubtful=True)
    text = "".join(old if new is None else new for old, new in zip(parts, entries, strict=True))
    return Renewed(text, sum(one is not None for one in entries))


def _entry(part: str, folder: EacFolder) -> str | None:
    """Write one entry anew if it is the old folder, in whatever case, quoted or not, with or without a stroke at its end."""
    found = re.fullmatch(rf"(\s*)([\"']?){re.escape(folder.old)}(\\?)\2(\s*)", part, re.IGNORECASE)
    return None if found is None else f"{found[1]}{found[2]}{folder.new}{found[3]}{found[2]}{found[4]}"


def _mentions(text: str, folder: EacFolder) -> bool:
    """Whether the old folder stands in a text; a folder in it, or one whose name is longer, is another one."""
    return re.search(rf"{re.escape(folder.old)}(?![\w\\])", text, re.IGNORECASE) is not None


def _rest(parts: tuple[str, ...] | list[str], entries: list[str | None]) -> list[str]:
    return [part for part, new in zip(parts, entries, strict=True) if new is None]
