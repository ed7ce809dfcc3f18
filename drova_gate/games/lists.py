"""A list of games that an owner keeps in a file: TOML that he writes, or CSV, such as ``games list --csv`` prints. Pure.

Every fault is told at once, each with its line.
"""

import csv
import io
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drova_gate.games.plan import Paths
from drova_gate.sheet import FORMULA_STARTS

__all__ = ["ListFault", "Listed", "parsed_csv", "parsed_toml"]

PATH_FIELDS = ("game_path", "work_path", "args", "allowed_paths")
FIELDS = {"game": "a title, an id or steam:570", "enabled": "true or false", **dict.fromkeys(PATH_FIELDS, "a text")}
GAME_COLUMNS = ("product_id", "game", "title")
"""Whichever has something in it names the game, the first one before the others."""
COLUMNS = {*GAME_COLUMNS, "station", "station_id", "state", "enabled", "available", "verified", *PATH_FIELDS}
STATES = {"enabled": True, "disabled": False, "absent": False}
TRUTHS = {
    **dict.fromkeys(("true", "yes", "1", "on", "y", "да", "истина", "enabled"), True),
    **dict.fromkeys(("false", "no", "0", "off", "n", "нет", "ложь", "disabled"), False),
}


class ListFault(ValueError):
    """A list that cannot be used: one line of text for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list, as it was written."""

    where: str
    """Its line, for whoever must mend it."""
    game: str
    enabled: bool
    paths: Paths | None = None
    station: str | None = None
    """Which station it is about; ``None``: any that the list is for."""


def parsed_toml(text: str) -> tuple[Listed, ...]:
    """Read ``[[game]]`` entries; ``ListFault``."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ListFault([f"is no TOML: {error}"]) from error
    faults = [f"{key}: is not known; a list has [[game]] entries" for key in found if key != "game"]
    entries = found.get("game", [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise ListFault([*faults, "game: write each game as an entry of its own: [[game]]"])
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*game\s*\]\]", line)]
    places = (
        [f"line {line}" for line in lines]
        if len(lines) == len(entries)
        else [f"entry {one + 1}" for one in range(len(entries))]
    )
    listed = [_toml_entry(where, entry, faults) for where, entry in zip(places, entries, strict=True)]
    return _whole([one for one in listed if one is not None], faults)


def parsed_csv(text: str) -> tuple[Listed, ...]:
    """Read a table with a line of headings; commas or semicolons; ``ListFault``."""
    text = text.removeprefix("\ufeff")
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    faults: list[str] = []
    listed: list[Listed | None] = []
    try:
        columns = [one.strip().casefold() for one in next(rows, [])]
        faults += [
            f"line 1: column {one!r} is not known; there are: {', '.join(sorted(COLUMNS))}"
            for one in columns
            if one not in COLUMNS
        ]
        if not set(columns) & set(GAME_COLUMNS):
            raise ListFault([*faults, f"line 1: no column says which game: {' or '.join(GAME_COLUMNS)}"])
        for row in rows:
            where = f"line {rows.line_num}"
            if len(row) > len(columns):
                faults.append(f"{where}: {len(row)} cells, where there are {len(columns)} columns")
            elif any(cell.strip() for cell in row):
                cells = dict(zip(columns, map(_cell, row), strict=False))
                listed.append(_csv_entry(where, cells, faults))
    except csv.Error as error:
        faults.append(f"line {rows.line_num}: {error}")
    return _whole([one for one in listed if one is not None], faults)


def _whole(listed: Sequence[Listed], faults: list[str]) -> tuple[Listed, ...]:
    if faults:
        raise ListFault(faults)
    if not listed:
        raise ListFault(["names no game: it would disable all of them; games disable does that"])
    return tuple(listed)


def _toml_entry(where: str, entry: Mapping[str, Any], faults: list[str]) -> Listed | None:
    before = len(faults)
    faults += [f"{where}: {key}: is not known; there are: {', '.join(FIELDS)}" for key in entry if key not in FIELDS]
    game, enabled = entry.get("game"), entry.get("enabled", True)
    if not isinstance(game, str) or not game.strip():
        faults.append(f"{where}: game: write {FIELDS['game']}")
    if not isinstance(enabled, bool):
        faults.append(f"{where}: enabled: write {FIELDS['enabled']}")
    named = {key: entry[key] for key in PATH_FIELDS if key in entry}
    allowed = named.get("allowed_paths")
    if isinstance(allowed, list) and all(isinstance(one, str) for one in allowed):
        named["allowed_paths"] = tuple(allowed)
    faults += [
        f"{where}: {key}: write {FIELDS[key]}" for key, value in named.items() if not isinstance(value, str | tuple)
    ]
    if len(faults) > before:
        return None
    return Listed(where, str(game), bool(enabled), Paths(**named) if named else None)


def _csv_entry(where: str, cells: Mapping[str, str], faults: list[str]) -> Listed | None:
    before = len(faults)
    game = next((cells[one] for one in GAME_COLUMNS if cells.get(one)), "")
    if not game:
        faults.append(f"{where}: no game is named")
    enabled = True
    if state := cells.get("state", "").casefold():
        if state not in STATES:
            faults.append(f"{where}: state: {state!r} is not known; write {', '.join(STATES)}")
        enabled = STATES.get(state, True)
    elif word := cells.get("enabled", "").casefold():
        if word not in TRUTHS:
            faults.append(f"{where}: enabled: {word!r} is not known; write yes or no")
        enabled = TRUTHS.get(word, True)
    if len(faults) > before:
        return None
    named = {key: cells[key] for key in PATH_FIELDS if cells.get(key)}
    station = cells.get("station_id") or cells.get("station") or None
    return Listed(where, game, enabled, Paths(**named) if named else None, station)


def _cell(text: str) -> str:
    """Undo what makes a cell harmless for a spreadsheet."""
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(FORMULA_STARTS) else text
