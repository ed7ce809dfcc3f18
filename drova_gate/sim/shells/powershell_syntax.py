"""The parser for the part of Windows PowerShell 5.1's language that is played here.

Whatever is not known is a parse error: a station must never seem to have done what it did not do.
"""

import re

from drova_gate.sim.shells.powershell_nodes import (
    Assign,
    Binary,
    Command,
    Constant,
    Expression,
    If,
    Nested,
    Node,
    ParseFault,
    Pipeline,
    Redirect,
    Unary,
    Variable,
    Word,
)

__all__ = ["parse"]

_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
_DOUBLE_QUOTES = '"\u201c\u201d\u201e'
_NAME = re.compile(r"\$(?:\{([^}]+)\}|((?:env:|global:|script:)?\w+|\?))", re.IGNORECASE)
_MEMBERS = re.compile(r"(?:\.[A-Za-z_]\w*)+")
_NUMBER = re.compile(r"-?\d+(?![\w.])")
_OPERATOR = re.compile(r"-(eq|ne|gt|ge|lt|le|and|or|like|match)\b", re.IGNORECASE)
_REDIRECT = re.compile(r"([12*]?)(>>?)(&1)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_UNKNOWN_WORDS = frozenset(
    [
        "begin",
        "break",
        "catch",
        "class",
        "continue",
        "data",
        "do",
        "dynamicparam",
        "end",
        "exit",
        "filter",
        "finally",
        "for",
        "foreach",
        "function",
        "param",
        "process",
        "return",
        "switch",
        "throw",
        "trap",
        "try",
        "until",
        "using",
        "while",
    ]
) - {"exit"}


def parse(text: str) -> tuple[Node, ...]:
    """The statements; raises :class:`ParseFault`."""
    parser = _Parser(text)
    nodes = parser.statements("")
    if not parser.done:
        raise ParseFault(f"Unexpected token '{parser.token()}' in expression or statement.")
    return nodes


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    def token(self) -> str:
        """What stands here, for a message."""
        match = re.compile(r"&&|\|\||\S[^\s;|&(){}]*").match(self._text, self._at)
        return match[0] if match else ""

    # -- statements ----------------------------------------------------------------------------------------------

    def statements(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while True:
            self._blanks(" \t\r\n;")
            if self.done or self._char == end:
                return tuple(found)
            found.append(self._statement())
            self._blanks()
            if not self.done and self._char not in ";\r\n" and self._char != end:
                raise ParseFault(self._unexpected())

    def _unexpected(self) -> str:
        token = self.token()
        if token in ("&&", "||"):
            return f"The token '{token}' is not a valid statement separator in this version."
        if token == "&":  # noqa: S105 -- of a program text
            return (
                "The ampersand (&) character is not allowed. The & operator is reserved for future use; wrap an ampersand "
                'in double quotation marks ("&") to pass it as part of a string.'
            )
        return f"Unexpected token '{token}' in expression or statement."

    def _statement(self) -> Node:
        word = re.compile(r"[A-Za-z]+").match(self._text, self._at)
        keyword = word[0].lower() if word else ""
        if keyword == "if":
            return self._if()
        if keyword in _UNKNOWN_WORDS:
            raise ParseFault(f"The keyword '{keyword}' is not supported by this station.")
        if self._char == "$" and (target := self._assigned()):
            self._blanks(" \t\r\n")
            return Assign(target, self._statement())
        return self._pipeline()

    def _assigned(self) -> str:
        """The variable's name when ``$name =`` stands here."""
        match = _NAME.match(self._text, self._at)
        if match is None:
            return ""
        equals = re.compile(r"[ \t]*=(?!=)").match(self._text, match.end())
        if equals is None:
            return ""
        self._at = equals.end()
        return match[1] or match[2]

    def _if(self) -> Node:
        branches: list[tuple[Node, tuple[Node, ...]]] = []
        otherwise: tuple[Node, ...] = ()
        self._at += len("if")
        while True:
            self._expect("(")
            self._blanks(" \t\r\n")
            condition = self._pipeline()
            self._expect(")")
            branches.append((condition, self._body()))
            word = re.compile(r"\s*(elseif|else)\b", re.IGNORECASE).match(self._text, self._at)
            if word is None:
                break
            self._at = word.end()
            if word[1].lower() == "else":
                otherwise = self._body()
                break
        return If(tuple(branches), otherwise)

    def _body(self) -> tuple[Node, ...]:
        self._expect("{")
        nodes = self.statements("}")
        self._expect("}")
        return nodes

    def _pipeline(self) -> Pipeline:
        elements: list[Command | Expression] = []
        while True:
            self._blanks()
            elements.append(self._element())
            self._blanks()
            if self.done or self._char != "|" or self._text.startswith("||", self._at):
                return Pipeline(tuple(elements))
            self._at += 1

    def _element(self) -> Command | Expression:
        """An expression when it begins like one (a string, a number, a variable, a parenthesis), else a command."""
        if self.done:
            raise ParseFault("An empty pipe element is not allowed.")
        char = self._char
        if char == "&" and not self._text.startswith("&&", self._at):
            self._at += 1
            self._blanks()
            return self._command(self._argument())
        if char in _SINGLE_QUOTES + _DOUBLE_QUOTES + "$(!" or _NUMBER.match(self._text, self._at):
            return self._expression()
        if _OPERATOR.match(self._text, self._at) or re.compile(r"-not\b", re.IGNORECASE).match(self._text, self._at):
            return self._expression()
        if char in ";|&(){}[]@<>,+-":
            raise ParseFault(self._unexpected())
        return self._command(self._argument())

    def _command(self, name: Expression) -> Command:
        arguments: list[Expression] = []
        redirects: list[Redirect] = []
        while True:
            self._blanks()
            if self.done or self._char in ";|&)}\r\n":
                return Command(name, tuple(arguments), tuple(redirects))
            match = _REDIRECT.match(self._text, self._at)
            if match:
                self._at = match.end()
                self._blanks()
                target = None if match[3] else self._argument()
                redirects.append(Redirect(int(match[1]) if match[1].isdigit() else 1, target, match[2] == ">>"))
                continue
            arguments.append(self._argument())

    # -- expressions ---------------------------------------------------------------------------------------------

    def _expression(self) -> Expression:
        left = self._sum()
        while True:
            self._blanks()
            match = _OPERATOR.match(self._text, self._at)
            if match is None:
                return left
            self._at = match.end()
            self._blanks()
            left = Binary(match[0].lower(), left, self._sum())

    def _sum(self) -> Expression:
        left = self._primary()
        while True:
            self._blanks()
            if self.done or self._char != "+":
                return left
            self._at += 1
            self._blanks()
            left = Binary("+", left, self._primary())

    def _primary(self) -> Expression:
        if self.done:
            raise ParseFault("You must provide a value expression following the operator.")
        negation = re.compile(r"!|-not\b", re.IGNORECASE).match(self._text, self._at)
        if negation:
            self._at = negation.end()
            self._blanks()
            return Unary(self._primary())
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            return Constant(int(match[0]))
        char = self._char
        if char in _SINGLE_QUOTES:
            return Constant(self._single_quoted())
        if char in _DOUBLE_QUOTES:
            return self._double_quoted()
        if char == "$":
            return self._variable(members=True)
        if char == "(":
            return self._nested()
        raise ParseFault(self._unexpected())

    def _nested(self) -> Nested:
        self._expect("(")
        self._blanks(" \t\r\n")
        inner = self._pipeline()
        self._expect(")")
        return Nested(inner)

    def _argument(self) -> Expression:
        """One word of a command: strings and bare text that touch are one."""
        if self._char == "(":
            return self._nested()
        if self._char in _SINGLE_QUOTES:
            return Constant(self._single_quoted())
        pieces: list[Expression] = []
        plain = ""
        bare = self._char not in _DOUBLE_QUOTES
        while not self.done and self._char not in " \t\r\n;|&(){}<>,":
            char = self._char
            if char in _SINGLE_QUOTES + _DOUBLE_QUOTES + "$":
                if char == "$" and not _NAME.match(self._text, self._at):
                    if self._text.startswith("$(", self._at):
                        raise ParseFault("Subexpressions are not supported by this station.")
                    plain += char
                    self._at += 1
                    continue
                if plain:
                    pieces.append(Constant(plain))
                    plain = ""
                if char in _SINGLE_QUOTES:
                    pieces.append(Constant(self._single_quoted()))
                elif char in _DOUBLE_QUOTES:
                    pieces.append(self._double_quoted())
                else:
                    pieces.append(self._variable(members=not pieces))
                continue
            if char == "`" and self._at + 1 < len(self._text):
                self._at += 1
                char = self._char
            plain += char
            self._at += 1
        if plain:
            pieces.append(Constant(plain))
        if not pieces:
            raise ParseFault(self._unexpected())
        return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], Variable) else Word(tuple(pieces), bare)

    def _single_quoted(self) -> str:
        """Two quotes inside stand for one; each of the typographic quotes counts, too."""
        out: list[str] = []
        self._at += 1
        while not self.done:
            char = self._char
            self._at += 1
            if char in _SINGLE_QUOTES:
                if self.done or self._char not in _SINGLE_QUOTES:
                    return "".join(out)
                self._at += 1
            out.append(char)
        raise ParseFault("The string is missing the terminator: '.")

    def _double_quoted(self) -> Word:
        pieces: list[Expression] = []
        plain = ""
        self._at += 1
        while not self.done:
            char = self._char
            if char in _DOUBLE_QUOTES:
                self._at += 1
                if self.done or self._char not in _DOUBLE_QUOTES:
                    return Word((*pieces, Constant(plain)))
            elif char == "`" and self._at + 1 < len(self._text):
                self._at += 1
                char = _ESCAPES.get(self._char, self._char)
            elif char == "$" and self._text.startswith("$(", self._at):
                raise ParseFault("Subexpressions are not supported by this station.")
            elif char == "$" and _NAME.match(self._text, self._at):
                pieces += [Constant(plain), self._variable(members=False)]
                plain = ""
                continue
            plain += char
            self._at += 1
        raise ParseFault('The string is missing the terminator: ".')

    def _variable(self, *, members: bool) -> Variable:
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise ParseFault(self._unexpected())
        self._at = match.end()
        name = match[1] or match[2]
        if members and (more := _MEMBERS.match(self._text, self._at)):
            self._at = more.end()
            name += more[0]
        return Variable(name)

    # -- characters ----------------------------------------------------------------------------------------------

    @property
    def _char(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _blanks(self, blanks: str = " \t") -> None:
        while self._at < len(self._text) and self._text[self._at] in blanks:
            self._at += 1

    def _expect(self, char: str) -> None:
        self._blanks(" \t\r\n")
        if self._char != char:
            what = "closing" if char in ")}" else "opening"
            raise ParseFault(f"Missing {what} '{char}'.")
        self._at += 1
