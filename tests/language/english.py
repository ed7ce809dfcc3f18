"""Which English texts the gate can say to its owner: read from the source, so that none can be forgotten.

Two nets are cast. Where something is *said* (errors, verdicts of the doctor, decisions, alarms, ``say`` and ``complain``), every text of
the argument counts, be it a single word. And anywhere else every literal that reads like a *sentence* counts, wherever it comes out in
the end, except in places that nobody reads or that stay English: docstrings, logs, ``--help``, patterns, commands for Windows.
"""

import ast
import functools
import itertools
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "drova_gate"
LEFT_OUT = ("sim", "demo", "language")
"""The simulator plays the other side; the demonstration is a story in English."""

SAYS: dict[str, tuple[int | str, ...]] = {
    "Decision": (2,),
    "Alarm": (0,),
    "fine": (0,),
    "warned": (0, 1),
    "failed": (0, 1),
    "skipped": (0,),
    "fault": (1, 2),
    "not_understood": (0,),
    "not_known": (0, 3),
    "library_missing": (0,),
    "not_confirmed": (2, 3),
    "amend": (0, 1),
    "end": (1,),
    "refuse": (1,),
    "_admit": (1,),
    "say": (0,),
    "complain": (0,),
    "agreed": (0,),
}
"""Calls by name, and which arguments of theirs are said."""
STAY_ENGLISH = {
    "on {}": "a mark in the table of games, which has a legend",
    "off {}": "a mark in the table of games, which has a legend",
    "yyyy-mm-dd hh:mm:ss": "a spreadsheet's own format",
    "coalesce(stations.name, stations.gate_name)": "SQL",
    "station, product": "SQL",
    "{} AND (score IS NOT NULL OR reason IS NOT NULL)": "SQL",
    "{} WHERE (score IS NOT NULL OR reason IS NOT NULL)": "SQL",
    "{}. What is so already is left alone; what is sent is read back; refused while a player is inside.": "--help",
}
"""What the nets of english.py bring up although nobody is told it."""
STAY_ENGLISH_BEGIN = ("$f=",)
"""Lines of PowerShell that are copied."""
TABLES = frozenset(["STATES", "STATUSES", "REASONS", "WORDS", "HEADS", "_PLACES", "_UPDATES"])
"""Constants whose texts are said: what stands below a head, or above."""
ENUMS = frozenset({"Phase", "Subject"})
"""Enumerations whose values are said."""

UNREAD = frozenset(
    [
        "debug",
        "info",
        "warning",
        "error",
        "exception",
        "critical",
        "log",
        "compile",
        "match",
        "search",
        "fullmatch",
        "sub",
        "split",
        "findall",
        "execute",
        "executemany",
        "executescript",
        "add_argument",
        "add_parser",
        "add_argument_group",
        "add_mutually_exclusive_group",
        "ArgumentParser",
        "TypeVar",
        "strftime",
        "strptime",
        "startswith",
        "endswith",
        "removeprefix",
        "removesuffix",
        "replace",
        "encode",
        "decode",
        "ValueError",
        "TypeError",
        "RuntimeError",
        "KeyError",
        "AssertionError",
        "LookupError",
        "fullmatch",
        "getenv",
        "Setting",
    ]
)
"""Calls whose texts are no messages: logs, ``--help``, patterns, faults that are caught within the same module."""
UNREAD_NAMES = frozenset({"about", "purpose", "epilog", "description", "help", "name", "metavar"})
"""Keywords whose texts nobody reads, or stay English with ``--help``."""
UNREAD_FILES = (
    "archive/plot.py",
    "cli/check.py",
    "cli/lockdown.py",
    "cli/recipe_book.py",
    "cli/relay_by_hand.py",
    "host/commands.py",
    "logs.py",
    "notify.py",
    "relay/complaint.py",
    "relay/figures.py",
    "relay/polling.py",
    "relay/relay.py",
    "relay/relays.py",
    "settings.py",
    "steps/batch.py",
    "steps/compile.py",
    "steps/compile_kill.py",
    "steps/compile_lockdown.py",
    "steps/describe.py",
    "steps/frame.py",
    "steps/lan.py",
    "steps/lanes.py",
    "steps/outline.py",
    "steps/protected.py",
    "steps/target.py",
)
"""Scripts for Windows; the settings' own help; logs; a drawing's labels; listings of recipes and of
the lockdown, English like the files that they show."""
COMMAND = re.compile(
    r"(?:echo @@|if (?:not|exist|defined|%N%)|reg\.exe (?:import|query)|tasklist\.exe /|taskkill\.exe /|schtasks\.exe /|for /f|goto|imagename|SELECT|INSERT|CREATE|WHERE|FROM|ORDER BY|Subsystem|id >|schtasks)"
    r"(?: |$)|[A-Z]+=|[A-Z]:\\|@@|\w+\[|drova_gate |--\w+(?: \{\}(?::\{\})?)?$|journalctl|logread|\{\}drova_gate|\{\} status$|# |schtasks\.exe|pip install|Password is not|/|\"\{\}\\steam"
)
"""Beginnings of what is typed, run or asked of a database."""
VARIANTS_MOST = 8
COMMANDS = ("Where.STATION", "Where.ROUTER", "Where.SETTINGS")
"""Cures that are typed as they stand."""

SENTENCE = re.compile(r"(?:[A-Za-z]{2,}|\{\})[,;:)]?['\"]? \(?[a-z]{2,}|[a-z]{2,}[,;:]? (?:\{\}|\()|\{\} [a-z]{2,}")


def error_names() -> frozenset[str]:
    """Every class of the errors' tree."""
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.ClassDef))


ERRORS = error_names()


def said_in(module: Path) -> Iterator[tuple[int, str]]:
    """Line and template of each text that a module says."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    _join_parents(tree)
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            names = _assigned(scope)
            for node in _own(scope):
                if isinstance(node, ast.Call):
                    for one in _said_by(node):
                        yield from ((node.lineno, text) for text in _texts(one, names, frozenset()) if _is_word(text))
    for node in ast.walk(tree):
        yield from _listed(node)
    if str(module.relative_to(PACKAGE)) in UNREAD_FILES:
        return
    for node in ast.walk(tree):
        for text in _templates(node):
            for line in () if COMMAND.match(text) or _is_unread(node) else text.split("\n"):
                if SENTENCE.search(line) and not COMMAND.match(line):
                    yield node.lineno, line.strip(" ")  # type: ignore[attr-defined]  # a literal has a line


def _listed(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The words of tables: heads, and what the constants say that fill them."""
    found: list[ast.AST] = []
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Column" and len(node.args) > 1:
        if not any(key.arg == "for_machines" for key in node.keywords):
            found = [node.args[1]]
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if getattr(target, "id", "") in TABLES:
            values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            found = [one for value in values for one in ast.walk(value)]
    elif isinstance(node, ast.ClassDef) and node.name in ENUMS:
        found = [one.value for one in node.body if isinstance(one, ast.Assign)]
    for one in found:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and re.search(r"[A-Za-z]{2}", one.value):
            yield one.lineno, one.value


def _said_by(node: ast.Call) -> list[ast.expr]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in ("SettingsFault", "OptionFault"):
        return [one for arg in node.args if isinstance(arg, ast.List) for one in arg.elts]
    if called in ERRORS:
        return list(node.args[:3])
    wanted = SAYS.get(called, ())
    said = [node.args[at] for at in wanted if isinstance(at, int) and at < len(node.args)]
    said += [key.value for key in node.keywords if key.arg in wanted]
    if called == "Cure" and len(node.args) > 1 and ast.unparse(node.args[0]) == "Where.BY_HAND":
        said.append(node.args[1])
    return said


def _join_parents(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]  # ours


def _templates(node: ast.AST) -> list[str]:
    """A literal as templates; none: it is no literal, or only a part of one.

    A hole that takes one of a few words is none: each of them makes a text of its own, for a language may want other words around it.
    """
    if isinstance(getattr(node, "parent", None), ast.JoinedStr):
        return []
    if isinstance(node, ast.JoinedStr):
        choices = [
            [str(one.value)] if isinstance(one, ast.Constant) else _choices(one.value) or ["{}"]
            for one in node.values
            if isinstance(one, ast.Constant | ast.FormattedValue)
        ]
        if math.prod(map(len, choices)) > VARIANTS_MOST:
            choices = [one if len(one) == 1 else ["{}"] for one in choices]
        return [canonical("".join(chosen)) for chosen in itertools.product(*choices)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [canonical(node.value)]
    return []


def _choices(node: ast.expr) -> list[str]:
    """The words that an expression can be, if they are all written there."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            first, second = _choices(body), _choices(orelse)
            return [*first, *second] if first and second else []
        case ast.Name(id=name):
            values = _assigned(_scope_of(node)).get(name, [])
            return _choices(values[0]) if len(values) == 1 and isinstance(values[0], ast.IfExp) else []
    return []


def _scope_of(node: ast.AST) -> ast.AST:
    while not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
        node = node.parent  # type: ignore[attr-defined]  # ours
    return node


def canonical(text: str) -> str:
    """Holes side by side are one: where one ends and the next begins cannot be told from the text."""
    return re.sub(r"(?:\{\}){2,}", "{}", text).strip(" \n")


def _is_unread(node: ast.AST) -> bool:
    one: ast.AST | None = node
    if _is_choice(node):
        return True  # said with the words around it
    while one is not None:
        above = getattr(one, "parent", None)
        if isinstance(above, ast.Expr) or (isinstance(one, ast.Expr) and isinstance(node, ast.Constant)):
            return one is node  # a docstring
        if isinstance(above, ast.Call):
            called = above.func.attr if isinstance(above.func, ast.Attribute) else getattr(above.func, "id", "")
            if called in UNREAD or called.lstrip("_").startswith("add_"):
                return True
            if called == "Cure" and ast.unparse(above.args[0]) in COMMANDS:
                return True
        if isinstance(one, ast.keyword) and one.arg in UNREAD_NAMES:
            return True
        if isinstance(one, ast.AnnAssign | ast.arg | ast.Subscript) and node is not getattr(one, "value", None):
            return isinstance(one, ast.arg)
        if isinstance(one, ast.FunctionDef) and one.name.lstrip("_").startswith("add"):
            return True  # adds a command to the parser
        if isinstance(above, ast.Assign) and ast.unparse(above.targets[0]) in ("_EXAMPLES", "_LIST"):
            return True
        one = above
    return False


def _is_choice(node: ast.AST) -> bool:
    above = getattr(node, "parent", None)
    while isinstance(above, ast.IfExp):
        node, above = above, above.parent  # type: ignore[attr-defined]  # ours
    if isinstance(above, ast.Assign) and isinstance(node, ast.IfExp) and isinstance(above.targets[0], ast.Name):
        name = above.targets[0].id
        used = [one for one in _own(_scope_of(above)) if isinstance(one, ast.Name) and one.id == name]
        holes = [one.parent for one in used if isinstance(one.ctx, ast.Load)]  # type: ignore[attr-defined]  # ours
        return bool(holes) and all(isinstance(one, ast.FormattedValue) and _choices(one.value) for one in holes)
    return isinstance(above, ast.FormattedValue) and bool(_choices(above.value))


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a function without the functions in it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and isinstance(scope, ast.Module):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield child
        yield from _own(child)


@functools.cache
def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in _own(scope):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs += zip(target.elts, node.value.elts, strict=False)
                else:
                    pairs.append((target, node.value))
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and node.value is not None:
            pairs.append((node.target, node.value))
        for target, value in pairs:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(value)
    return found


def _texts(node: ast.expr, names: dict[str, list[ast.expr]], seen: frozenset[str]) -> Iterator[str]:
    """Every template that an expression can be, and what may be filled into it."""
    match node:
        case ast.Constant(value=str(text)):
            yield canonical(text)
        case ast.JoinedStr(values=values):
            yield from _templates(node)
            for value in values:
                if isinstance(value, ast.FormattedValue) and not _choices(value.value):
                    yield from _texts(value.value, names, seen)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body, names, seen)
            yield from _texts(orelse, names, seen)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _texts(value, names, seen)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _texts(left, names, seen)
            yield from _texts(right, names, seen)
        case ast.Name(id=name) if name not in seen:
            for value in names.get(name, ()):
                yield from _texts(value, names, seen | {name})


def _is_word(text: str) -> bool:
    """Whether it holds words of a language, not only a path, a command's name, a mark."""
    return bool(re.search(r"[A-Za-z]{2,}", text.replace("{}", ""))) and not (
        re.fullmatch(r"[A-Z_0-9]+|\S*[/\\_.]\S*", text) or COMMAND.match(text)
    )


def stays_english(text: str) -> bool:
    """Whether nobody is told it, although the nets have brought it up."""
    return text in STAY_ENGLISH or text.startswith(STAY_ENGLISH_BEGIN)


def all_said() -> dict[str, str]:
    """Every template, with the place where it is said."""
    found: dict[str, str] = {}
    for module in sorted(PACKAGE.rglob("*.py")):
        place = str(module.relative_to(PACKAGE))
        if place.split("/", maxsplit=1)[0].removesuffix(".py") in LEFT_OUT:
            continue
        for line, text in said_in(module):
            found.setdefault(text, f"{place}:{line}")
    return found


if __name__ == "__main__":
    from drova_gate.language.catalogue import load

    russian = load("ru")
    for text, place in all_said().items():
        if "missing" not in sys.argv or not (stays_english(text) or russian.knows(text)):
            print(f"{place}\t{text!r}")
