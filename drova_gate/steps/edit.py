"""Edits of launcher files: named parts go, every other byte stays. Pure: bytes in, bytes out.

Each editor gives ``None`` for what is not a text of its kind (binary, garbled, far too large): the caller decides what then.
"""

import codecs
import re
from collections.abc import Collection, Iterable, Iterator

__all__ = [
    "LARGEST",
    "decoded",
    "drop_ini_keys",
    "drop_ini_sections",
    "drop_vdf_blocks",
    "spellings",
    "whole_lines",
    "without",
]

LARGEST = 4 << 20
"""Bytes: launcher settings have some kilobytes; beyond this it is something else and is not read."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_HEADER = re.compile(r"\s*\[(?P<name>[^\]\r\n]*)\]")
_INI_KEY = re.compile(r"[+\-.!]?\s*(?P<name>[^=\r\n]*?)\s*=")
r"""A key and its sign of equality; Unreal writes ``+Key=`` and the like for lists."""


def drop_ini_sections(data: bytes, sections: Collection[str]) -> bytes | None:
    """Take out every section of these names (case-blind), from its header up to the next header.

    By line, because a generic INI reader lower-cases keys and folds the duplicate keys that Unreal's files have.
    """
    parts = decoded(data)
    if parts is None:
        return None
    mark, text, encoding = parts
    wanted = {name.strip() for section in sections for name in spellings(section, encoding)}
    kept, dropping = list[str](), False
    for match in _LINE.finditer(text):
        if header := _HEADER.match(match[0]):
            dropping = header["name"].strip().casefold() in wanted
        if not dropping:
            kept.append(match[0])
    return mark + "".join(kept).encode(encoding, "surrogatepass")


def drop_ini_keys(data: bytes, keys: Collection[str], section: str | None = None) -> bytes | None:
    """Take out every line ``key=...`` of these names (case-blind; a ``*`` at the end stands for any ending), in one section or all."""
    parts = decoded(data)
    if parts is None:
        return None
    mark, text, encoding = parts
    exact = {name for key in keys if not key.endswith("*") for name in spellings(key, encoding)}
    begins = tuple(name[:-1] for key in keys if key.endswith("*") for name in spellings(key, encoding))
    named = {name.strip() for name in spellings(section or "", encoding)}
    kept, inside = list[str](), section is None
    for match in _LINE.finditer(text):
        line = match[0]
        if header := _HEADER.match(line):
            inside = section is None or header["name"].strip().casefold() in named
        elif inside and (found := _INI_KEY.match(line.lstrip())):
            name = found["name"].casefold()
            if name in exact or (begins and name.startswith(begins)):
                continue
        kept.append(line)
    return mark + "".join(kept).encode(encoding, "surrogatepass")


def drop_vdf_blocks(data: bytes, blocks: Collection[str]) -> bytes | None:
    """Take out every ``"name" { ... }`` of these names (case-blind), at any depth; ``None`` when braces or quotes do not pair."""
    parts = decoded(data)
    if parts is None:
        return None
    mark, text, encoding = parts
    spans = _vdf_spans(text, {name for block in blocks for name in spellings(block, encoding)})
    if spans is None:
        return None
    return mark + without(text, spans).encode(encoding, "surrogatepass")


def spellings(name: str, encoding: str) -> set[str]:
    """Spell a name as it may stand in a text that was taken byte by byte: in UTF-8 or in the Russian code page; lower case."""
    found = {name.casefold()}
    if encoding == "latin-1" and not name.isascii():
        found |= {name.encode(page, "replace").decode("latin-1").casefold() for page in ("utf-8", "cp1251")}
    return found


def without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Take spans out of a text; they come in order and do not overlap."""
    kept, at = list[str](), 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return "".join((*kept, text[at:]))


def decoded(data: bytes) -> tuple[bytes, str, str] | None:
    """Byte order mark, text and encoding; 8-bit text is taken byte by byte, so that any code page survives."""
    if len(data) > LARGEST:
        return None
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            try:
                return mark, data[2:].decode(encoding, "surrogatepass"), encoding
            except UnicodeDecodeError:
                return None
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    body = data[len(mark) :]
    # No 8-bit text holds a zero byte: this is UTF-16 without its mark, or no text at all.
    return None if b"\0" in body else (mark, body.decode("latin-1"), "latin-1")


_VDF_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\r\n]*|\[[^\]\r\n]*\])|(?P<open>\{)|(?P<close>\})|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s{}"]+)""",
    re.DOTALL,
)


def _vdf_tokens(text: str) -> Iterator[re.Match[str] | None]:
    """Tokens in order; ``None`` where the text is no token (an unclosed quote)."""
    at = 0
    while at < len(text):
        match = _VDF_TOKEN.match(text, at)
        if match is None:
            yield None
            return
        at = match.end()
        if match["skip"] is None:
            yield match


def _vdf_spans(text: str, wanted: Collection[str]) -> list[tuple[int, int]] | None:
    spans = list[tuple[int, int]]()
    key: re.Match[str] | None = None
    opened = list[tuple[int, bool]]()  # start of the block's key, whether it goes
    for token in _vdf_tokens(text):
        if token is None:
            return None
        if token["open"]:
            if key is None:
                return None
            name = key["quoted"] if key["quoted"] is not None else key["bare"]
            opened.append((key.start(), name.casefold() in wanted))
            key = None
        elif token["close"]:
            if key is not None or not opened:
                return None
            start, goes = opened.pop()
            if goes and not any(outer for _, outer in opened):
                spans.append(whole_lines(text, start, token.end()))
        else:
            key = token if key is None else None
    return None if opened or key is not None else spans


def whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span to its lines when nothing else stands on them."""
    first = start
    while first and text[first - 1] in " \t":
        first -= 1
    tail = re.compile(r"[ \t]*(?:\r\n|\n|\r)").match(text, end)
    alone = first == 0 or text[first - 1] in "\r\n"
    return (first, tail.end()) if alone and tail else (start, end)
