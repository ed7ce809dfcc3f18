"""findstr.exe and find.exe: filters over files or over what is piped in."""

import re

from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.programs.paths import matching

__all__ = ["find", "findstr"]


async def findstr(call: Call) -> int:
    """0 a line matches, 1 none does, 2 a file is missing or the words are wrong."""
    flags: set[str] = set()
    patterns: list[str] = []
    names: list[str] = []
    literal = False
    for word in call.arguments:
        lowered = word.lower()
        if lowered.startswith("/c:"):
            patterns.append(word[3:])
            literal = True
        elif lowered.startswith("/") and not names:
            flags |= set(lowered[1:])
        elif not patterns:
            patterns = word.split(" ")
        else:
            names.append(word)
    if not patterns:
        call.complain(call.text("FINDSTR: Bad command line", "FINDSTR: Неправильная командная строка"))
        return 2
    wanted = [_pattern(pattern, flags, literal=literal) for pattern in patterns]
    sources = _sources(call, names, "FINDSTR")
    if sources is None:
        return 2
    code = 1
    for label, lines in sources:
        for number, line in enumerate(lines, 1):
            if any(pattern.search(line) for pattern in wanted) is ("v" in flags):
                continue
            code = 0
            before = f"{label}:" if len(sources) > 1 else ""
            call.say(before + (f"{number}:" if "n" in flags else "") + line)
    return code


def _pattern(text: str, flags: set[str], *, literal: bool) -> re.Pattern[str]:
    plain = "l" in flags or (literal and "r" not in flags)
    source = re.escape(text) if plain else _expression(text)
    if "x" in flags:
        source = f"^(?:{source})$"
    elif "b" in flags:
        source = f"^(?:{source})"
    elif "e" in flags:
        source = f"(?:{source})$"
    return re.compile(source, re.IGNORECASE if "i" in flags else 0)


def _expression(text: str) -> str:
    r"""The small grammar of findstr: ``. * ^ $ [class] \x \< \>``; everything else is plain."""
    found: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text):
            escaped = text[position + 1]
            found.append(r"\b" if escaped in "<>" else re.escape(escaped))
            position += 2
            continue
        end = text.find("]", position + 1)
        if char == "[" and end > 0:
            found.append(text[position : end + 1])
            position = end + 1
            continue
        found.append(char if char in ".*^$" else re.escape(char))
        position += 1
    return "".join(found)


async def find(call: Call) -> int:
    """``find "text"``: 0 found, 1 not found, 2 wrong words (the text must stand in quotes)."""
    flags: set[str] = set()
    words: list[str] = []
    for word in call.arguments:
        if word.startswith("/") and len(word) == 2:
            flags.add(word[1].lower())
        else:
            words.append(word)
    if not words or f'"{words[0]}"' not in call.line:
        call.complain(call.text("FIND: Parameter format not correct", "FIND: Неправильный формат параметров"))
        return 2
    needle = words[0].lower() if "i" in flags else words[0]
    sources = _sources(call, words[1:], "FIND")
    if sources is None:
        return 2
    code = 1
    for label, lines in sources:
        hits = [
            (number, line)
            for number, line in enumerate(lines, 1)
            if (needle in (line.lower() if "i" in flags else line)) is not ("v" in flags)
        ]
        code = 0 if hits else code
        if label:
            call.say()
            call.say(f"---------- {label.upper()}" + (f": {len(hits)}" if "c" in flags else ""))
        elif "c" in flags:
            call.say(str(len(hits)))
        if "c" not in flags:
            for number, line in hits:
                call.say((f"[{number}]" if "n" in flags else "") + line)
    return code


def _sources(call: Call, names: list[str], program: str) -> list[tuple[str, list[str]]] | None:
    if not names:
        return [("", call.input_text().splitlines())]
    found: list[tuple[str, list[str]]] = []
    for name in names:
        paths = [path for path in matching(call, name) if not call.machine.files.is_dir(path)]
        if not paths:
            call.complain(f"{program}: " + call.text(f"Cannot open {name}", f"Не удается открыть {name}"))
            return None
        found += [(path, _lines(call, path)) for path in paths]
    return found


def _lines(call: Call, path: str) -> list[str]:
    return call.machine.files.read(path).decode(call.encoding, "replace").splitlines()
