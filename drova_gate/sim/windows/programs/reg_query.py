"""What ``reg query`` looks for and how it prints it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.registry import Key, Value

__all__ = ["FLAGS", "LONG_ROOTS", "Question", "query"]

LONG_ROOTS = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
FLAGS = frozenset({"/v", "/ve", "/s", "/f", "/k", "/d", "/c", "/e", "/t", "/z", "/se", "/reg:32", "/reg:64"})
_KIND_NUMBERS = {
    "REG_NONE": 0,
    "REG_SZ": 1,
    "REG_EXPAND_SZ": 2,
    "REG_BINARY": 3,
    "REG_DWORD": 4,
    "REG_MULTI_SZ": 7,
    "REG_QWORD": 11,
}


@dataclass(slots=True)
class Question:
    """The options of one query."""

    value: str | None = None
    """``/v NAME``; empty for ``/ve``."""
    pattern: str | None = None
    kinds: tuple[str, ...] = ()
    separator: str = "\\0"
    flags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Block:
    path: str
    lines: list[str]
    matched: bool = False
    """The key's own name matched."""


def query(call: Call, path: str, question: Question) -> int:
    """Print what is asked for below an existing key; 1 when a search or a named value finds nothing."""
    search = question.pattern is not None or (question.value is not None and "/s" in question.flags)
    if search or question.kinds:
        return _search(call, path, question)
    if question.value is not None:
        return _one_value(call, path, question)
    call.say()
    _print_tree(call, path, call.machine.registry.key(path), question, top=True)
    return 0


def _one_value(call: Call, path: str, question: Question) -> int:
    name = question.value or ""
    found = call.machine.registry.key(path).values.get(name.lower())
    if found is None and name:
        return 1
    call.say()
    call.say(path)
    if found is None:
        unset = call.text("(value not set)", "(значение не задано)")
        call.say(f"    {_default(call)}    REG_SZ    {unset}")
    else:
        # The name is shown as it was asked for, not as it was written.
        call.say(_line(call, name, found[1], question))
    call.say()
    return 0


def _print_tree(call: Call, path: str, key: Key, question: Question, *, top: bool) -> None:
    """Each key with its values and a blank line; the top one is left out when it has no values."""
    if key.values or not top:
        call.say(path)
        for name, value in key.values.values():
            call.say(_line(call, name, value, question))
        call.say()
    for child in key.subkeys():
        inner = f"{path}\\{child.name}"
        if "/s" in question.flags:
            _print_tree(call, inner, child, question, top=False)
        else:
            call.say(inner)


def _search(call: Call, path: str, question: Question) -> int:
    found = 0
    for block in _blocks(call, path, question):
        if not block.lines and not block.matched:
            continue
        call.say()
        call.say(block.path)
        for line in block.lines:
            call.say(line)
        found += len(block.lines) + (1 if block.matched else 0)
    call.say()
    call.say(call.text(f"End of search: {found} match(es) found.", f"Конец поиска: найдено совпадений: {found}."))
    return 0 if found else 1


def _blocks(call: Call, path: str, question: Question) -> Iterator[_Block]:
    for inner, key in call.machine.registry.walk(path):
        wanted = [
            _line(call, name, value, question) for name, value in key.values.values() if _wanted(name, value, question)
        ]
        own_name = inner != path and question.value is None and not question.kinds
        matched = own_name and ("/k" in question.flags or not question.flags & {"/k", "/d"})
        yield _Block(inner, wanted, matched and _matches(key.name, question))
        if "/s" not in question.flags and inner == path:
            for child in key.subkeys():
                if _child_matches(child, question):
                    yield _Block(f"{path}\\{child.name}", [], matched=True)
            return


def _child_matches(child: Key, question: Question) -> bool:
    """Whether a direct subkey's name is a match of a search that does not go deeper."""
    names = question.value is None and not question.kinds and ("/k" in question.flags or "/d" not in question.flags)
    return names and _matches(child.name, question)


def _wanted(name: str, value: Value, question: Question) -> bool:
    if question.kinds and value.kind not in question.kinds:
        return False
    if question.value is not None and name.lower() != question.value.lower():
        return False
    if question.pattern is None:
        return True
    if question.value is not None:
        return _matches(_data(value, question), question)
    everything = not question.flags & {"/k", "/d"}
    if (everything or "/v" in question.flags) and _matches(name, question):
        return True
    return (everything or "/d" in question.flags) and _matches(_data(value, question), question)


def _matches(text: str, question: Question) -> bool:
    pattern = question.pattern or ""
    if "/c" not in question.flags:
        text, pattern = text.lower(), pattern.lower()
    if pattern == "*":
        return True
    return text == pattern if "/e" in question.flags else pattern.strip("*") in text


def _default(call: Call) -> str:
    return call.text("(Default)", "(по умолчанию)")


def _line(call: Call, name: str, value: Value, question: Question) -> str:
    kind = value.kind
    if "/z" in question.flags:
        kind = f"{kind} ({_KIND_NUMBERS[kind]})"
    return f"    {name or _default(call)}    {kind}    {_data(value, question)}"


def _data(value: Value, question: Question) -> str:
    match value.data:
        case str() as text:
            return text
        case int() as whole:
            return f"0x{whole:x}"
        case bytes() as raw:
            return raw.hex().upper()
        case tuple() as texts:
            return question.separator.join(texts)
