"""``.reg`` files: the reader and writer behind ``reg import`` and ``reg export``."""

from collections.abc import Iterator
from dataclasses import dataclass

from drova_gate.sim.windows.registry import Key, Value

__all__ = ["DeleteKey", "DeleteValue", "NotARegFile", "OpenKey", "SetValue", "dump", "parse"]

_HEADER = "Windows Registry Editor Version 5.00"
_OLD_HEADER = "REGEDIT4"
_BOM = b"\xff\xfe"
_HEX_KINDS = {
    "hex": "REG_BINARY",
    "hex(0)": "REG_NONE",
    "hex(1)": "REG_SZ",
    "hex(2)": "REG_EXPAND_SZ",
    "hex(3)": "REG_BINARY",
    "hex(4)": "REG_DWORD",
    "hex(7)": "REG_MULTI_SZ",
    "hex(b)": "REG_QWORD",
}
_LINE_LIMIT = 80
"""Columns after which regedit breaks a hex line."""


class NotARegFile(ValueError):
    """The file does not begin with a registry file's header."""


@dataclass(frozen=True, slots=True)
class OpenKey:
    """``[KEY]``."""

    path: str


@dataclass(frozen=True, slots=True)
class DeleteKey:
    """``[-KEY]``."""

    path: str


@dataclass(frozen=True, slots=True)
class SetValue:
    """``"name"=data`` of the key opened before."""

    path: str
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class DeleteValue:
    """``"name"=-`` of the key opened before."""

    path: str
    name: str


Order = OpenKey | DeleteKey | SetValue | DeleteValue


def parse(content: bytes, ansi: str) -> Iterator[Order]:
    """Read a file's orders one by one; a line that makes no sense is passed over, as Windows does.

    UTF-16LE needs its byte order mark; everything else is read as 8-bit text in the ANSI code page.
    """
    text = content[2:].decode("utf-16-le", "replace") if content.startswith(_BOM) else content.decode(ansi, "replace")
    lines = _joined(text)
    header = next((line for line in lines if line.strip()), "").strip()
    if header not in (_HEADER, _OLD_HEADER):
        raise NotARegFile(header[:40])
    wide = header == _HEADER
    path = ""
    for line in lines:
        bare = line.strip()
        if bare.startswith("[-") and bare.endswith("]"):
            path = ""
            yield DeleteKey(bare[2:-1])
        elif bare.startswith("[") and bare.endswith("]"):
            path = bare[1:-1]
            yield OpenKey(path)
        elif path and bare[:1] in ('"', "@"):
            order = _value_line(path, bare, wide=wide)
            if order is not None:
                yield order


def _joined(text: str) -> Iterator[str]:
    """Lines, with those that a backslash continues put together."""
    pending = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        whole = pending + (line.lstrip() if pending else line)
        if whole.endswith("\\") and not whole.lstrip().startswith("["):
            pending = whole[:-1]
            continue
        pending = ""
        yield whole
    if pending:
        yield pending


def _value_line(path: str, line: str, *, wide: bool) -> SetValue | DeleteValue | None:
    if line.startswith("@"):
        name, rest = "", line[1:]
    else:
        quoted = _quoted(line)
        if quoted is None:
            return None
        name, rest = quoted
    rest = rest.lstrip()
    if not rest.startswith("="):
        return None
    rest = rest[1:].strip()
    if rest == "-":
        return DeleteValue(path, name)
    value = _value(rest, wide=wide)
    return SetValue(path, name, value) if value is not None else None


def _quoted(text: str) -> tuple[str, str] | None:
    """The text within the first quotes (escapes undone) and what follows; ``None`` when they are not closed."""
    found: list[str] = []
    position = 1
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text):
            escaped = text[position + 1]
            found.append({"n": "\n", "r": "\r", "0": "\0"}.get(escaped, escaped))
            position += 2
        elif char == '"':
            return "".join(found), text[position + 1 :]
        else:
            found.append(char)
            position += 1
    return None


def _value(text: str, *, wide: bool) -> Value | None:
    if text.startswith('"'):
        quoted = _quoted(text)
        return Value("REG_SZ", quoted[0]) if quoted is not None else None
    kind, colon, digits = text.partition(":")
    kind = kind.strip().lower()
    if not colon:
        return None
    try:
        if kind == "dword":
            return Value("REG_DWORD", int(digits.split(";")[0].strip(), 16))
        if kind not in _HEX_KINDS:
            return None
        raw = bytes(int(pair, 16) for pair in digits.split(";")[0].replace(" ", "").strip(",").split(",") if pair)
    except ValueError:
        return None
    return from_bytes(_HEX_KINDS[kind], raw, wide=wide)


def from_bytes(kind: str, raw: bytes, *, wide: bool = True) -> Value:
    """A value from the bytes in which the registry keeps it (text is UTF-16LE, in REGEDIT4 files 8-bit)."""
    if kind in ("REG_DWORD", "REG_QWORD"):
        return Value(kind, int.from_bytes(raw, "little"))
    if kind in ("REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ"):
        text = raw.decode("utf-16-le" if wide else "latin-1", "replace")
        if kind == "REG_MULTI_SZ":
            return Value(kind, tuple(part for part in text.split("\0") if part))
        return Value(kind, text.split("\0")[0])
    return Value(kind, raw)


def to_bytes(value: Value) -> bytes:
    """The bytes in which the registry keeps a value."""
    match value.data:
        case bytes() as raw:
            return raw
        case int() as whole:
            return whole.to_bytes(8 if value.kind == "REG_QWORD" else 4, "little")
        case str() as text:
            return (text + "\0").encode("utf-16-le")
        case tuple() as texts:
            return ("".join(text + "\0" for text in texts) + "\0").encode("utf-16-le")


def dump(keys: Iterator[tuple[str, Key]]) -> bytes:
    """Keys with their values as regedit writes them: UTF-16LE, byte order mark, CRLF."""
    lines = [_HEADER, ""]
    for path, key in keys:
        lines.append(f"[{path}]")
        lines += [_dumped(name, value) for name, value in key.values.values()]
        lines.append("")
    return _BOM + ("\r\n".join(lines) + "\r\n").encode("utf-16-le")


def _dumped(name: str, value: Value) -> str:
    left = f'"{_escaped(name)}"=' if name else "@="
    if value.kind == "REG_SZ" and isinstance(value.data, str):
        return f'{left}"{_escaped(value.data)}"'
    if value.kind == "REG_DWORD" and isinstance(value.data, int):
        return f"{left}dword:{value.data:08x}"
    tag = next(tag for tag, kind in _HEX_KINDS.items() if kind == value.kind)
    line, done = f"{left}{tag}:", list[str]()
    pairs = [f"{byte:02x}" for byte in to_bytes(value)]
    for index, pair in enumerate(pairs):
        piece = pair + ("," if index < len(pairs) - 1 else "")
        if len(line) + len(piece) > _LINE_LIMIT - 2:
            done.append(line + "\\")
            line = "  "
        line += piece
    return "\r\n".join([*done, line])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
