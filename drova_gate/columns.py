"""Columns on a terminal, where a Chinese character takes two places and a combining accent none. Pure."""

import unicodedata
from collections.abc import Sequence

__all__ = ["cut", "cut_middle", "lines_of", "printable", "width"]

_GAP = "  "
_LEAST = 8
"""Places that are left to a column that is cut, however narrow the terminal is."""
_ENOUGH = 14
"""Places down to which the flexible column is cut before others are."""
_NAME_LEAST = 12
"""Places that are left to any other column that is cut."""


def printable(text: str, stand_in: str = "?") -> str:
    """Make a text of the other side fit for one line of a terminal: what would steer it is replaced, any blank is a plain one."""
    return "".join(
        char if _is_harmless(char) else " " if unicodedata.category(char) == "Zs" else stand_in for char in text
    )


def _is_harmless(char: str) -> bool:
    # A joiner holds an emoji of several parts together; it is not "printable" and does no harm.
    return char.isprintable() or char == "\u200d"


def width(text: str) -> int:
    """Count the places that a text takes on a terminal."""
    return sum(map(_places, text))


def cut(text: str, room: int) -> str:
    """Shorten a text to at most ``room`` places; what is cut ends with an ellipsis."""
    if width(text) <= room:
        return text
    kept, left = "", room - 1
    for char in text:
        left -= _places(char)
        if left < 0:
            break
        kept += char
    return kept + "…"


def cut_middle(text: str, room: int) -> str:
    """Shorten a name to at most ``room`` places, its middle left out: owners number their stations at the end."""
    if width(text) <= room:
        return text
    tail, left = "", (room - 1) // 2
    for char in reversed(text):
        left -= _places(char)
        if left < 0:
            break
        tail = char + tail
    return cut(text, room - width(tail)) + tail


def lines_of(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    flexible: int = 0,
    names: frozenset[int] = frozenset(),
    room: int | None = None,
) -> list[str]:
    """Lay out a table: ``heads`` above ``rows``, each column as wide as its widest text.

    ``right`` names the columns that are aligned to the right; ``flexible`` the one that is cut where the lines would be wider than
    ``room`` places (``None``: never), ``names`` those that are cut in the middle when that is not enough. No heads, no first line.
    """
    lines = [heads, *rows] if heads else list(rows)
    if not lines:
        return []
    widths = [max(width(line[column]) for line in lines) for column in range(len(lines[0]))]
    if room is not None:
        _narrow(widths, room - len(_GAP) * (len(widths) - 1), flexible, names)

    def shown(column: int, text: str) -> str:
        short = cut if column == flexible else cut_middle if column in names else None
        return _padded(short(text, widths[column]) if short else text, widths[column], right=column in right)

    return [_GAP.join(shown(column, text) for column, text in enumerate(line)).rstrip() for line in lines]


def _narrow(widths: list[int], room: int, flexible: int, names: frozenset[int]) -> None:
    """Make the columns fit, if they can: the flexible one gives most, then the widest names, then the flexible one all it can."""
    widths[flexible] = max(widths[flexible] - max(0, sum(widths) - room), min(_ENOUGH, widths[flexible]))
    while sum(widths) > room and names:
        widest = max(names, key=lambda column: widths[column])
        if widths[widest] <= _NAME_LEAST:
            break
        widths[widest] -= 1
    widths[flexible] = max(widths[flexible] - max(0, sum(widths) - room), min(_LEAST, widths[flexible]))


def _padded(text: str, room: int, *, right: bool) -> str:
    blanks = " " * (room - width(text))
    return blanks + text if right else text + blanks


def _places(char: str) -> int:
    # Marks and invisible characters take no place. "A" (ambiguous, Cyrillic among them) is wide in no terminal that is set to Russian.
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
