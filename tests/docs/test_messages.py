"""docs/messages.md tells of every line that the gate's own loggers write as WARNING or ERROR, and of every alarm."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "drova_gate"
PAGES = ("messages.md", "ru/soobscheniya.md")
LEFT_OUT = ("sim", "demo")
LOUD = {"warning", "error", "exception", "critical"}
LEAST = 8
"""Letters of a text of its own: "%s: %s" passes on what stands elsewhere."""


def templates() -> Iterator[tuple[str, str]]:
    """Where it is said, and the text, with ``...`` for what is filled in."""
    for file in sorted(PACKAGE.rglob("*.py")):
        where = file.relative_to(PACKAGE)
        if where.parts[0] in LEFT_OUT:
            continue
        for scope in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(scope):
                    if isinstance(node, ast.Call):
                        for text in _said(node, scope):
                            yield f"{where}:{node.lineno}", text


def _said(call: ast.Call, scope: ast.AST) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    logs = owner.split(".")[-1].strip("_") in ("log", "logger") or "getLogger" in owner
    spoken: list[ast.expr] = []
    if logs and name in LOUD:
        # "%s: %s" says what is filled in.
        spoken = call.args
    elif logs and name == "log" and len(call.args) > 1 and "INFO" not in ast.unparse(call.args[0]):
        spoken = call.args[1:2]
    elif name in ("Alarm", "sound", "Evict") or (name == "say" and "self._" in owner):
        spoken = call.args[:1]
    for one in spoken:
        yield from _texts(one, scope)
    if name == "_quarantine":
        yield from ("quarantine: " + text for text in _texts(call.args[1], scope))


def _texts(node: ast.expr, scope: ast.AST) -> Iterator[str]:
    """A literal, or what the scope's own name stands for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.sub(r"%[-\d.]*[sdgfr]", "...", node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
    elif isinstance(node, ast.Name):
        for one in ast.walk(scope):
            if isinstance(one, ast.Assign) and any(isinstance(to, ast.Name) and to.id == node.id for to in one.targets):
                yield from _texts(one.value, scope)


def beginning(text: str) -> str:
    """What stays the same of a text: up to its first detail."""
    words = re.sub(r"^(?:(?:station |quarantine: )?\.\.\.(?:: | ))+", "", text)
    return re.split(r" \(\.\.\.|; |: \.\.\.$", words)[0].strip(" :,")


@cache
def said_loudly() -> list[tuple[str, str]]:
    """What is said by its beginning, and where; read when a test asks, for every worker imports this file."""
    return sorted(
        {(said, where) for where, text in templates() if len(re.sub(r"\W", "", said := beginning(text))) >= LEAST}
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_warning_and_alarm_is_explained(name: str):
    """By its stable beginning, with ``...`` for what is filled in."""
    page = (PACKAGE.parent / "docs" / name).read_text(encoding="utf-8")
    missing = sorted({f"{text}   [{where}]" for text, where in said_loudly() if text not in page})

    assert missing == []


def test_the_source_was_read():
    """The collection itself works: these are known to be there."""
    said = {text for text, _ in said_loudly()}

    assert len(said) > 50
    assert "Wake-on-LAN cannot be sent" in said
    assert "the reset waits" in said


def literals() -> str:
    """Everything that the package can say, with ``...`` for what is filled in."""
    found: list[str] = []
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).parts[0] in LEFT_OUT:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                found += _texts(node, node)
    return "\n".join(found)


@pytest.mark.parametrize("name", PAGES)
def test_what_is_explained_can_be_said(name: str):
    """A message that is gone from the source goes from the pages."""
    page, said = (PACKAGE.parent / "docs" / name).read_text(encoding="utf-8"), literals()
    rows = re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)
    quoted = [quote for row in rows for quote in re.findall(r"`([^`]*)`", row)]
    pieces = {piece.strip(" :;,()") for quote in quoted for piece in re.split(r"\.\.\.|: ", quote)}

    assert len(pieces) > 80
    assert sorted(piece for piece in pieces if len(piece) >= LEAST and piece not in said) == []
