"""What a parsed PowerShell script is made of. Data only."""

from dataclasses import dataclass

__all__ = [
    "Assign",
    "Binary",
    "Command",
    "Constant",
    "Expression",
    "If",
    "Nested",
    "Node",
    "ParseFault",
    "Pipeline",
    "Redirect",
    "Unary",
    "Variable",
    "Word",
]


class ParseFault(Exception):
    """The text is not valid; nothing of it runs."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or a string without variables in it."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Variable:
    """``$name``, ``$env:NAME``, with members: ``$PSVersionTable.PSVersion.Major``."""

    name: str


@dataclass(frozen=True, slots=True)
class Word:
    """Pieces joined to one text: a double-quoted string, or a bare word of a command."""

    pieces: tuple["Expression", ...]
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``; operators in lower case: ``+``, ``-eq``, ``-and`` ..."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Unary:
    """``-not x``, ``!x``."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Nested:
    """``( pipeline )``, also as an ``if``'s condition."""

    pipeline: "Node"


Expression = Constant | Variable | Word | Binary | Unary | Nested


@dataclass(frozen=True, slots=True)
class Redirect:
    """``>file``, ``2>$null``, ``2>&1``."""

    handle: int
    target: "Expression | None"
    """``None``: the other stream (``2>&1``)."""
    append: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command: bare name or ``& expression``, then its arguments."""

    name: Expression
    arguments: tuple[Expression, ...]
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """``a | b``; one element alone is the usual case."""

    elements: tuple["Command | Expression", ...]


@dataclass(frozen=True, slots=True)
class Assign:
    """``$name = pipeline``."""

    name: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class If:
    """``if (...) {...} elseif (...) {...} else {...}``."""

    branches: tuple[tuple["Node", tuple["Node", ...]], ...]
    otherwise: tuple["Node", ...] = ()


Node = Pipeline | Assign | If
