"""The recipes as ``drova_gate recipes`` shows them: list, one recipe, plan; for people and as JSON."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from drova_gate.columns import lines_of, width
from drova_gate.steps.describe import describe
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.outline import counts, kill_line, outline, where
from drova_gate.steps.recipes import Level, Recipe, load_owners, load_recipes, selected
from drova_gate.steps.shipped import LAUNCHERS

__all__ = ["Entry", "as_list", "list_table", "not_found", "plan_object", "plan_table", "read_book", "show"]

_OURS, _OWNERS, _REPLACES = "ours", "owner's", "replaces ours"
_VERIFIED = {
    "field": "seen to work on real stations",
    "sources": "several sources agree",
    "unverified": "unverified: one source, or an inference",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipe, and whose it is."""

    recipe: Recipe
    whose: str


Book = tuple[Entry, ...]


def read_book(owners: Path | None) -> Book:
    """Read our recipes and the owner's, by name; ``RecipeFault`` tells every fault at once."""
    ours = {recipe.name: recipe for recipe in load_recipes(LAUNCHERS)}
    found = {name: Entry(recipe, _OURS) for name, recipe in ours.items()}
    for recipe in load_owners(owners) if owners else ():
        found[recipe.name] = Entry(recipe, _REPLACES if recipe.name in ours else _OWNERS)
    return tuple(found[name] for name in sorted(found))


# -- list ------------------------------------------------------------------------------------------------------------


def list_table(book: Book, room: int | None) -> list[str]:
    """Every recipe in a line; ``room``: places of a terminal line."""
    heads = ("name", "title", "state", "verified", "min", "full", "kills", "whose")
    rows = [
        (
            entry.recipe.name,
            entry.recipe.title,
            _state(entry.recipe),
            entry.recipe.verified,
            str(len(entry.recipe.minimum)),
            str(len(entry.recipe.minimum) + len(entry.recipe.full)),
            str(_kills(entry.recipe)),
            entry.whose,
        )
        for entry in book
    ]
    on = sum(entry.recipe.enabled for entry in book)
    return [
        *lines_of(heads, rows, right=frozenset({4, 5, 6}), flexible=1, room=room),
        "",
        f"{len(book)} recipes, {on} of them on; drova_gate recipes show NAME tells all about one",
    ]


def as_list(book: Book) -> list[str]:
    """The same as one JSON document."""
    return [
        json.dumps(
            [
                {
                    "name": entry.recipe.name,
                    "title": entry.recipe.title,
                    "enabled": entry.recipe.enabled,
                    "verified": entry.recipe.verified,
                    "min": len(entry.recipe.minimum),
                    "full": len(entry.recipe.minimum) + len(entry.recipe.full),
                    "kills": _kills(entry.recipe),
                    "whose": entry.whose,
                    "note": entry.recipe.note,
                    "sources": entry.recipe.sources,
                }
                for entry in book
            ],
            ensure_ascii=False,
        )
    ]


def _state(recipe: Recipe) -> str:
    return "on" if recipe.enabled else "off"


def _kills(recipe: Recipe) -> int:
    return len(recipe.kill) + len(recipe.kill_under)


# -- one recipe ------------------------------------------------------------------------------------------------------


def show(entry: Entry) -> list[str]:
    """Everything about one recipe."""
    recipe = entry.recipe
    ends = [*recipe.kill, *map(kill_line, recipe.kill_under)]
    facts = [
        ("state", "on" if recipe.enabled else "off (enabled = false)"),
        ("whose", entry.whose),
        ("verified", _VERIFIED[recipe.verified]),
        *((("note", recipe.note),) if recipe.note else ()),
        *_under("sources", recipe.sources),
        *_under("ends", ends),
        *_under("stops", recipe.services),
    ]
    lines = [recipe.name + (f": {recipe.title}" if recipe.title != recipe.name else ""), ""]
    lines += [f"  {line}" for line in lines_of((), facts, flexible=1)]
    needless = [step.name for step in recipe.minimum + recipe.full if step not in selected(recipe, Level.FULL)]
    for title, steps in (
        ("With DROVA_WIPE=min", recipe.minimum),
        ("DROVA_WIPE=full, the default, adds", recipe.full),
    ):
        if steps:
            lines += ["", title]
            lines += [f"  {line}" for line in lines_of((), [(step.name, describe(step)) for step in steps])]
    if needless:
        lines += ["", f"With full these are left out, because a whole folder goes: {', '.join(needless)}"]
    legend = where([recipe], Level.MIN) + where([recipe], Level.FULL)
    if legend:
        lines += ["", *dict.fromkeys(legend)]
    return lines


def not_found(book: Book, name: str) -> str:
    """Say that there is no such recipe, and which are nearest: by name, or by a word of the title."""
    known = {entry.recipe.name: entry.recipe.title for entry in book}
    wanted = name.casefold()
    near = difflib.get_close_matches(wanted, known, n=3)
    near += [each for each, title in known.items() if wanted and wanted in f"{each} {title}".casefold()]
    listed = list(dict.fromkeys(near))[:5]
    hint = f"did you mean {' or '.join(listed)}?" if listed else "drova_gate recipes list prints the names"
    return f"no recipe is called {name!r}; {hint}"


def _under(label: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """A fact of several lines: its label stands before the first."""
    return [(label if number == 0 else "", text) for number, text in enumerate(texts)]


# -- plan ------------------------------------------------------------------------------------------------------------


def plan_table(book: Book, lockdown: Lockdown, level: Level, station: str) -> list[str]:
    """What a preparation would do, in its order."""
    recipes = tuple(entry.recipe for entry in book)
    parts = outline(recipes, lockdown, level)
    off = [recipe.name for recipe in recipes if not recipe.enabled]
    head = f"{station}: " if station else ""
    lines = [
        f"{head}{len(recipes) - len(off)} recipes, DROVA_WIPE={level}" + (f"; off: {', '.join(off)}" if off else "")
    ]
    room = max((width(item.name) for part in parts for item in part.items), default=0)
    for number, part in enumerate(parts, 1):
        lines += ["", f"{number}. {part.title}" + (f": {len(part.items)}" if part.items else "")]
        for name, items in groupby(part.items, key=lambda item: item.name):
            lines.append(f"   {name}{' ' * (room - width(name))}  {', '.join(item.text for item in items)}")
    lines += ["", "Counted:"]
    lines += [
        f"   {line}"
        for line in lines_of((), [(kind, str(n)) for kind, n in counts(parts).items()], right=frozenset({1}))
    ]
    legend = where([recipe for recipe in recipes if recipe.enabled], level)
    return [*lines, "", "Where", *(f"   {line}" for line in legend)] if legend else lines


def plan_object(book: Book, lockdown: Lockdown, level: Level, station: str) -> list[str]:
    """The same as one JSON document."""
    recipes = tuple(entry.recipe for entry in book)
    parts = outline(recipes, lockdown, level)
    return [
        json.dumps(
            {
                "station": station,
                "level": level,
                "on": [recipe.name for recipe in recipes if recipe.enabled],
                "off": [recipe.name for recipe in recipes if not recipe.enabled],
                "parts": [
                    {
                        "title": part.title,
                        "items": [{"name": item.name, "kind": item.kind, "text": item.text} for item in part.items],
                    }
                    for part in parts
                ],
                "counts": counts(parts),
            },
            ensure_ascii=False,
        )
    ]
