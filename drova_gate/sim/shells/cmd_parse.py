"""cmd.exe's parser: one statement at a time, from lines whose percent signs are expanded already.

A parenthesis that is open at a line's end pulls in the next line; so all variables of a block have the values from before it.
"""

import re
from collections.abc import Callable

from drova_gate.sim.shells.cmd_syntax import (
    DELIMITERS,
    Block,
    Chain,
    Condition,
    For,
    If,
    Node,
    Redirection,
    Simple,
    SyntaxFault,
)

__all__ = ["Parser"]

_COMPARISONS = ("equ", "neq", "lss", "leq", "gtr", "geq")
_QUESTIONS = ("exist", "defined", "errorlevel", "cmdextversion")
_WORD = re.compile(r"[A-Za-z]+")
_EARLY_HANDLE = re.compile(r"[0-9]?[<>]")


class Parser:
    """Parses the statement that begins with ``line``; ``more`` gives the following lines (``None``: there are no more)."""

    def __init__(self, line: str, more: Callable[[], str | None]) -> None:
        self._text = line + "\n"
        self._at = 0
        self._more = more

    def parse(self) -> Node | None:
        """The statement; ``None`` for an empty line, a label or a comment; raises :class:`SyntaxFault`."""
        node = self._sequence(0)
        if self._char != "\n":
            raise SyntaxFault(self._token())
        return node

    # -- operators -----------------------------------------------------------------------------------------------

    def _sequence(self, depth: int, first: Node | None = None) -> Node | None:
        """Commands joined by ``&``: the loosest operator."""
        left = self._either(depth, first)
        while self._char == "&" and not self._starts("&&"):
            if left is None:
                raise SyntaxFault("&")
            self._at += 1
            self._skip()
            if self._ends(depth):
                return left
            right = self._either(depth)
            if right is None and not self._ends(depth):
                raise SyntaxFault(self._token())
            left = left if right is None else Chain("&", left, right)
        if left is None and self._char in "&|":
            raise SyntaxFault(self._token())
        return left

    def _either(self, depth: int, first: Node | None = None) -> Node | None:
        left = self._both(depth, first)
        while left is not None and self._starts("||"):
            self._at += 2
            left = Chain("||", left, self._required(self._both(depth)))
        return left

    def _both(self, depth: int, first: Node | None = None) -> Node | None:
        left = self._pipe(depth, first)
        while left is not None and self._starts("&&"):
            self._at += 2
            left = Chain("&&", left, self._required(self._pipe(depth)))
        return left

    def _pipe(self, depth: int, first: Node | None = None) -> Node | None:
        left = first if first is not None else self._command(depth)
        while left is not None and self._char == "|" and not self._starts("||"):
            self._at += 1
            left = Chain("|", left, self._required(self._command(depth)))
        return left

    def _required(self, node: Node | None) -> Node:
        if node is None:
            raise SyntaxFault(self._token())
        return node

    # -- one command ---------------------------------------------------------------------------------------------

    def _command(self, depth: int) -> Node | None:
        self._skip()
        quiet = False
        while self._char == "@":
            quiet = True
            self._at += 1
            self._skip()
        early: list[Redirection] = []
        while match := _EARLY_HANDLE.match(self._text, self._at):
            self._at = match.end() - 1
            early.append(self._redirection(match[0][:-1], depth))
            self._skip()
        if self._char == "(":
            block = self._block(depth)
            return Block(block.body, (*early, *block.redirections), quiet)
        if self._char == ":" or (self._char == ")" and not depth):
            # A label, or a closing parenthesis without an open one: the rest of the line is a comment.
            self._at = self._text.index("\n", self._at)
            return None
        word = _WORD.match(self._text, self._at)
        keyword = word[0].lower() if word and not early else ""
        after = self._text[word.end()] if word else ""
        if keyword == "rem" and after in DELIMITERS + "\n":
            return self._remark()
        if keyword == "if" and after in DELIMITERS + '/("\n':
            return self._if(depth)
        if keyword == "for" and after in DELIMITERS + "/\n":
            return self._for(depth)
        return self._simple(depth, early, quiet=quiet)

    def _remark(self) -> Node | None:
        self._at += len("rem")
        self._skip()
        if self._char in "&|":
            return Simple("rem")
        self._at = self._text.index("\n", self._at)
        return Simple("rem")

    def _simple(self, depth: int, early: list[Redirection], *, quiet: bool) -> Node | None:
        out: list[str] = []
        redirections = list(early)
        plain = False  # the last character was not escaped
        quoted = False
        while self._char != "\n":
            char = self._char
            if char == "^" and not quoted:
                self._at += 1
                out.append(self._escaped())
                plain = False
                continue
            if not quoted:
                if char in "&|" or (char == ")" and depth):
                    break
                if char in "<>":
                    own = plain and out[-1:] != [] and out[-1].isdigit() and (len(out) == 1 or out[-2] in DELIMITERS)
                    redirections.append(self._redirection(out.pop() if own else "", depth))
                    plain = False
                    continue
            if char == '"':
                quoted = not quoted
            out.append(char)
            plain = True
            self._at += 1
        text = "".join(out)
        return Simple(text, tuple(redirections), quiet) if text.strip(DELIMITERS) or redirections else None

    def _block(self, depth: int) -> Block:
        self._at += 1
        body: Node | None = None
        while True:
            self._skip()
            if self._char == "\n":
                if not self._pull():
                    raise SyntaxFault  # never closed
            elif self._char == ")":
                if body is None:
                    raise SyntaxFault(")")
                self._at += 1
                break
            else:
                label = self._char == ":"
                began = (self._text, self._at)
                node = self._sequence(depth + 1)
                if node is None and began == (self._text, self._at):
                    raise SyntaxFault(self._token())
                if label:
                    self._nothing_closes()
                if node is not None:
                    body = node if body is None else Chain("&", body, node)
                if not self._ends(depth + 1):
                    raise SyntaxFault(self._token())
        redirections: list[Redirection] = []
        self._skip()
        while match := _EARLY_HANDLE.match(self._text, self._at):
            self._at = match.end() - 1
            redirections.append(self._redirection(match[0][:-1], depth))
            self._skip()
        return Block(body, tuple(redirections))

    def _nothing_closes(self) -> None:
        """A label right before ``)`` is the well-known trap of comments with ``::`` in blocks."""
        while self._char == "\n" and self._pull():
            self._skip()
        if self._char == ")":
            raise SyntaxFault(")")

    # -- if and for ----------------------------------------------------------------------------------------------

    def _if(self, depth: int) -> Node:
        self._at += len("if")
        negated = ignore_case = False
        while True:
            self._skip()
            if self._takes("not"):
                negated = True
            elif self._takes("/i"):
                ignore_case = True
            else:
                break
        left = self._word(depth)
        kind = left.lower()
        if kind in _QUESTIONS:
            self._skip()
            condition = Condition(kind, self._operand(depth), "", negated, ignore_case)
        else:
            while self._char in " \t":
                self._at += 1
            if not left:
                raise SyntaxFault(self._token())
            if self._starts("=="):
                self._at += 2
                kind = "=="
            else:
                self._skip()
                kind = self._word(depth).lower()
                if kind not in _COMPARISONS:
                    raise SyntaxFault(kind or self._token())
            self._skip()
            condition = Condition(kind, left, self._operand(depth), negated, ignore_case)
        self._skip()
        if self._char != "(":
            return If(condition, self._required(self._sequence(depth)))
        block = self._block(depth)
        if self._takes("else"):
            self._skip()
            return If(condition, block, self._required(self._sequence(depth)))
        return If(condition, self._required(self._sequence(depth, block)))

    def _operand(self, depth: int) -> str:
        word = self._word(depth)
        if not word:
            raise SyntaxFault(self._token())
        return word

    def _for(self, depth: int) -> Node:
        self._at += len("for")
        kinds = options = ""
        self._skip()
        while self._char == "/":
            kinds += self._text[self._at + 1].lower()
            self._at += 2
            self._skip()
            if kinds[-1] not in "drlf":
                raise SyntaxFault(f"/{kinds[-1]}")
            if kinds[-1] in "fr" and self._char not in "%/":
                options = self._word(depth)
                self._skip()
        name = self._text[self._at + 1]
        if self._char != "%" or name in DELIMITERS + "\n":
            raise SyntaxFault(self._token())
        self._at += 2
        if self._char not in DELIMITERS:
            raise SyntaxFault("%" + name + self._token())
        self._skip()
        if not self._takes("in"):
            raise SyntaxFault(self._token())
        self._skip()
        if self._char != "(":
            raise SyntaxFault(self._token())
        self._at += 1
        items = self._items()
        self._skip()
        if not self._takes("do"):
            raise SyntaxFault(self._token())
        return For(kinds, options, name, items, self._required(self._sequence(depth)))

    def _items(self) -> str:
        """The text between ``in (`` and ``)``; unquoted separators become blanks, as in cmd.exe (``=`` and ``,`` too)."""
        out: list[str] = []
        quoted = False
        while True:
            char = self._char
            if char == "\n":
                out.append(" ")
                if not self._pull():
                    raise SyntaxFault
                quoted = False
                continue
            self._at += 1
            if char == '"':
                quoted = not quoted
            elif not quoted:
                if char == ")":
                    return "".join(out)
                if char in "&|<>":
                    raise SyntaxFault(char)
                if char == "^":
                    char = self._escaped()
                elif char in DELIMITERS:
                    char = " "
            out.append(char)

    # -- characters ----------------------------------------------------------------------------------------------

    @property
    def _char(self) -> str:
        return self._text[self._at]

    def _starts(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _skip(self) -> None:
        while self._char in DELIMITERS:
            self._at += 1

    def _ends(self, depth: int) -> bool:
        return self._char == "\n" or (self._char == ")" and depth > 0)

    def _takes(self, word: str) -> bool:
        """Take a keyword that stands here as a whole word."""
        end = self._at + len(word)
        if self._text[self._at : end].lower() != word or self._text[end] not in DELIMITERS + "(\n":
            return False
        self._at = end
        return True

    def _escaped(self) -> str:
        """The character after a caret; at a line's end it is the first one of the next line."""
        if self._char == "\n" and not self._pull():
            return ""
        if self._char == "\n":
            return ""
        self._at += 1
        return self._text[self._at - 1]

    def _pull(self) -> bool:
        line = self._more()
        if line is None:
            return False
        self._text, self._at = line + "\n", 0
        return True

    def _word(self, depth: int) -> str:
        """Up to the next separator or operator; quotes stay, carets go."""
        out: list[str] = []
        quoted = False
        while self._char != "\n":
            char = self._char
            if char == '"':
                quoted = not quoted
            elif not quoted:
                if char in DELIMITERS or char in "&|<>" or (char == ")" and depth):
                    break
                if char == "^":
                    self._at += 1
                    out.append(self._escaped())
                    continue
            out.append(char)
            self._at += 1
        return "".join(out)

    def _redirection(self, handle: str, depth: int) -> Redirection:
        """Parse from ``<`` or ``>`` on."""
        reads = self._char == "<"
        self._at += 1
        number = int(handle) if handle else int(not reads)
        appends = not reads and self._char == ">"
        self._at += appends
        if self._char == "&":
            self._at += 1
            self._skip()
            other = self._char
            if not other.isdigit():
                raise SyntaxFault(self._token())
            self._at += 1
            return Redirection(number, "same", other)
        self._skip()
        target = self._word(depth)
        if not target:
            raise SyntaxFault(self._token())
        return Redirection(number, "read" if reads else "append" if appends else "write", target)

    def _token(self) -> str:
        """What stands here, as the error message shows it; empty at the line's end."""
        for operator in ("&&", "||", ">>", "&", "|", "<", ">", "(", ")"):
            if self._starts(operator):
                return operator
        end = self._at
        while self._text[end] not in DELIMITERS + "&|<>()\n":
            end += 1
        return self._text[self._at : end] or self._text[self._at].strip()
