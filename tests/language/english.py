"""Which English texts the gate can say to its owner: read from the source, so that none can be forgotten.

A text is found where it is said: in the arguments of the errors, of the doctor's results, of the decisions, of the settings' faults.
What is filled in from a choice (``'shown' if visible else 'hidden'``) is a text of its own.
"""

import ast
import re
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
    "not_confirmed": (2, 3),
    "amend": (0, 1),
    "end": (1,),
    "refuse": (1,),
    "_admit": (1,),
}
"""Calls by name, and which arguments of theirs are said."""


def error_names() -> frozenset[str]:
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.ClassDef))


def said_in(module: Path) -> Iterator[tuple[int, str]]:
    """Line and template of each text that a module says."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    errors = error_names()
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        names = _assigned(scope)
        for node in _own(scope):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in errors and called != "SettingsFault":
                said = list(node.args[:3])
            elif called == "SettingsFault":
                said = [one for arg in node.args if isinstance(arg, ast.List) for one in arg.elts]
            else:
                said = [node.args[at] for at in SAYS.get(called, ()) if isinstance(at, int) and at < len(node.args)]
                said += [key.value for key in node.keywords if key.arg in SAYS.get(called, ())]
            for one in said:
                for text in _texts(one, names, frozenset()):
                    if _is_said(text):
                        yield node.lineno, text


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a function without the functions in it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and isinstance(scope, ast.Module):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield child
        yield from _own(child)


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
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            pairs.append((node.target, node.value))
        for target, value in pairs:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(value)
    return found


def _texts(node: ast.expr, names: dict[str, list[ast.expr]], seen: frozenset[str]) -> Iterator[str]:
    """Every template that an expression can be, and what may be filled into it."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            whole = ""
            for value in values:
                if isinstance(value, ast.Constant):
                    whole += str(value.value)
                    continue
                whole += "{}"
                if isinstance(value, ast.FormattedValue):
                    yield from _texts(value.value, names, seen)
            yield whole
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


def _is_said(text: str) -> bool:
    """Whether it holds words of a language, not only a path, a command's name, a mark."""
    return bool(re.search(r"[A-Za-z]{2,}", text.replace("{}", ""))) and not re.fullmatch(
        r"[A-Z_0-9]+|\S*[/\\_.]\S*", text
    )


def all_said() -> dict[str, str]:
    """Every template, with the place where it is said."""
    found: dict[str, str] = {}
    for module in sorted(PACKAGE.rglob("*.py")):
        place = str(module.relative_to(PACKAGE))
        if place.split("/", maxsplit=1)[0].removesuffix(".py") in LEFT_OUT:
            continue
        for line, text in said_in(module):
            found.setdefault(text.strip(" "), f"{place}:{line}")
    return found


if __name__ == "__main__":
    for text, place in all_said().items():
        print(f"{place}\t{text!r}")
