"""Valve's text format (VDF, KeyValues) by the library ``vdf``, with a reason for what cannot be read. Pure.

Steam takes no notice of the letters' case in keys, and has changed it over the years: every key comes in small letters.
"""

import re
from collections.abc import Mapping
from typing import Any

from drova_gate.optional import library_missing

__all__ = ["Damaged", "Tree", "read_tree"]

Tree = Mapping[str, Any]
"""Keys in small letters; a value is a text or another tree."""

_ESCAPED = re.compile(r"\\.")


class Damaged(ValueError):
    """A file of Steam's that cannot be read; the text says what is wrong with it."""


def read_tree(data: bytes, root: str) -> Tree:
    """Read a file whose outermost key is ``root``; :class:`Damaged` says why it cannot be read."""
    try:
        import vdf  # noqa: PLC0415 - the other commands do without it
    except ImportError as error:
        raise library_missing("steam", "vdf", "python3-vdf") from error
    if not data.strip(b"\0 \t\r\n"):
        raise Damaged("holds nothing but zeros: a power cut took its content" if b"\0" in data else "is empty")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Damaged(f"is not UTF-8 text (byte {error.start})") from error
    _check_quotes(text)
    try:
        tree = vdf.loads(text)
    except SyntaxError as error:
        # Its text is the parser's own jargon with the file's line in it; the place is what helps.
        raise Damaged(f"ends too soon or has a bracket too many (line {error.lineno})") from error
    found = _small(tree).get(root.lower())
    if not isinstance(found, Mapping):
        raise Damaged(f"has no {root!r} in it")
    return found


def _check_quotes(text: str) -> None:
    """Find a quote that is not closed in its line: no value of these files runs on, and the library would look for its end line by line."""
    for number, line in enumerate(text.split("\n"), 1):
        if _ESCAPED.sub("", line).count('"') % 2:
            raise Damaged(f"has a quote that is not closed (line {number})")


def _small(tree: Tree) -> dict[str, Any]:
    return {key.lower(): _small(value) if isinstance(value, Mapping) else value for key, value in tree.items()}
