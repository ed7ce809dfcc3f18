"""JSON with keys taken out: the commas are mended, every other byte stays. Pure: bytes in, bytes out.

A generic JSON reader would write the file anew: other spacing, other escapes, one of two equal keys lost, comments refused. So a
scanner finds where each member stands and spans are cut out of the text.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from drova_gate.steps.edit import decoded, spellings, without

__all__ = ["drop_json_keys"]

_DEEPEST = 200
"""Levels: launchers' files have five; a file of ten thousand brackets is an attack on the reader."""

_BLANK = re.compile(r"(?:\s|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
"""Blanks, and the comments that some launchers' readers allow."""
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\s,:\[\]{}\"/]+")
"""A number, ``true``, ``false``, ``null``."""
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class _Garbled(Exception):
    """Not JSON."""


@dataclass(slots=True)
class _Member:
    """One ``"name": value`` of an object, or one value of an array (its name is empty)."""

    name: str
    start: int
    end: int
    comma: int | None
    """Where the comma behind it stands."""
    inner: list["_Member"] = field(default_factory=list)


def drop_json_keys(data: bytes, keys: Collection[str]) -> bytes | None:
    """Take members out by their dotted paths (case-blind; ``*``: every name of that level); ``None`` for what is no JSON.

    An array is no level of its own: ``Accounts.token`` finds the key in an object and in each object of a list.
    """
    parts = decoded(data)
    if parts is None:
        return None
    mark, text, encoding = parts
    try:
        at = _BLANK.match(text).end()  # type: ignore[union-attr]  # matches the empty text too
        members, at = _value(text, at, 0)
        if _blanks(text, at) != len(text):
            return None
    except _Garbled:
        return None
    spans = list[tuple[int, int]]()
    _cut(members, [tuple(name.split(".")) for key in keys for name in spellings(key, encoding)], spans)
    return mark + without(text, sorted(spans)).encode(encoding, "surrogatepass")


def _blanks(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int, depth: int) -> tuple[list[_Member], int]:
    """Read the value that begins here: its members (empty for a plain one) and its end."""
    if depth > _DEEPEST:
        raise _Garbled
    match text[at : at + 1]:
        case "{":
            return _members(text, at + 1, "}", depth)
        case "[":
            return _members(text, at + 1, "]", depth)
        case '"':
            return [], _string(text, at)[1]
        case _:
            plain = _PLAIN.match(text, at)
            if plain is None:
                raise _Garbled
            return [], plain.end()


def _members(text: str, at: int, closing: str, depth: int) -> tuple[list[_Member], int]:
    found = list[_Member]()
    while True:
        at = _blanks(text, at)
        if text[at : at + 1] == closing:
            # A comma before the bracket is wrong, but launchers' own readers take it.
            return found, at + 1
        start, name = at, ""
        if closing == "}":
            name, at = _string(text, at)
            at = _blanks(text, at)
            if text[at : at + 1] != ":":
                raise _Garbled
            at = _blanks(text, at + 1)
        inner, end = _value(text, at, depth + 1)
        at = _blanks(text, end)
        comma = at if text[at : at + 1] == "," else None
        found.append(_Member(name.casefold(), start, end, comma, inner))
        if comma is not None:
            at += 1
        elif text[at : at + 1] != closing:
            raise _Garbled


def _string(text: str, at: int) -> tuple[str, int]:
    match = _STRING.match(text, at)
    if match is None:
        raise _Garbled
    return _ESCAPE.sub(
        lambda one: chr(int(one[1], 16)) if one[1] else _ESCAPED.get(one[2], one[2]), match[1]
    ), match.end()


def _cut(members: list[_Member], wanted: list[tuple[str, ...]], spans: list[tuple[int, int]]) -> None:
    """Find what goes at this level and below. Of a row that goes, the comma that is left over goes with it."""
    stays: _Member | None = None
    for number, member in enumerate(members):
        if not member.name:
            _cut(member.inner, wanted, spans)
            stays = member
            continue
        deeper = [path[1:] for path in wanted if path[0] in ("*", member.name)]
        if any(not path for path in deeper):
            if member.comma is not None:
                following = members[number + 1] if number + 1 < len(members) else None
                # Up to the next member, so that no blank line is left.
                spans.append((member.start, following.start if following else member.comma + 1))
            else:
                start = member.start
                if stays is not None and stays.comma is not None:
                    # The last one: from the comma that nothing follows any more; what went in between lies inside.
                    start = stays.comma
                    spans[:] = [span for span in spans if span[0] < start]
                spans.append((start, member.end))
        else:
            _cut(member.inner, deeper, spans)
            stays = member
