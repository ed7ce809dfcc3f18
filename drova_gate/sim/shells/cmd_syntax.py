"""What a parsed command line of cmd.exe is made of. Data only."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "DELIMITERS",
    "Block",
    "Chain",
    "Condition",
    "For",
    "If",
    "Node",
    "Redirection",
    "Simple",
    "SyntaxFault",
    "is_quiet",
]

DELIMITERS = " \t,;=\v\f\xa0"
"""What stands between words."""


class SyntaxFault(Exception):
    """The parser met something that it did not expect; an empty token: the syntax as a whole."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        super().__init__(token)


@dataclass(frozen=True, slots=True)
class Redirection:
    """``2>file``, ``>>file``, ``<file``, ``2>&1``."""

    handle: int
    kind: Literal["write", "append", "read", "same"]
    target: str
    """A path, or the handle's number for ``same``."""


@dataclass(frozen=True, slots=True)
class Simple:
    """One command: carets are gone, quotes and loop variables still stand."""

    text: str
    redirections: tuple[Redirection, ...] = ()
    quiet: bool = False
    """An ``@`` stood before it: not echoed."""


@dataclass(frozen=True, slots=True)
class Block:
    """``( ... )`` with its redirections."""

    body: "Node"
    redirections: tuple[Redirection, ...] = ()
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Two commands joined by ``&``, ``&&``, ``||`` or ``|``."""

    operator: Literal["&", "&&", "||", "|"]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Condition:
    """What ``if`` asks."""

    kind: str
    """``exist``, ``defined``, ``errorlevel``, ``cmdextversion``, or a comparison: ``==``, ``equ``, ``lss`` ..."""
    left: str
    right: str = ""
    negated: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class If:
    """``if ... ( ) else ( )``."""

    condition: Condition
    then: "Node"
    otherwise: "Node | None" = None


@dataclass(frozen=True, slots=True)
class For:
    """``for [/d|/r|/l|/f] %a in (set) do ...``."""

    kind: str
    """Empty, or letters of ``d``, ``r``, ``l``, ``f``."""
    options: str
    """For ``/f`` its options, for ``/r`` the directory."""
    variable: str
    items: str
    body: "Node"


Node = Simple | Block | Chain | If | For


def is_quiet(node: Node) -> bool:
    """Whether an ``@`` stands before the command, or before the first of a chain."""
    while isinstance(node, Chain):
        node = node.left
    return isinstance(node, Simple | Block) and node.quiet
