"""``set /a``: 32-bit integers with C's operators."""

import re
from collections.abc import Callable

__all__ = ["Fault", "evaluate"]

_TOKEN = re.compile(
    r"\s*(0[xX][0-9a-fA-F]+|\d\w*|<<=|>>=|[-+*/%&|^]=|<<|>>|[-+*/%&|^~!(),=]|[^\s\d\-+*/%&|^~!(),=<>]+)"
)
_LEVELS = (("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
"""Binary operators, the loosest first."""
_ASSIGNING = ("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")

_MISSING_PARENTHESIS, _MISSING_OPERATOR, _MISSING_OPERAND = 1073750988, 1073750989, 1073750990
_BAD_NUMBER, _DIVIDED_BY_ZERO = 1073750991, 1073750993
"""ERRORLEVEL after each fault, as Windows sets it."""


class Fault(Exception):
    """An expression that cannot be computed: the message's name and the exit code."""

    def __init__(self, word: str, code: int) -> None:
        self.word, self.code = word, code
        super().__init__(word)


def evaluate(text: str, lookup: Callable[[str], str | None], assign: Callable[[str, str], None]) -> int:
    """The value of the last of the comma-separated expressions; assignments are made on the way."""
    return _Expression(text, lookup, assign).whole()


class _Expression:
    def __init__(self, text: str, lookup: Callable[[str], str | None], assign: Callable[[str, str], None]) -> None:
        self._tokens: list[str] = []
        self._at = 0
        self._lookup, self._assign = lookup, assign
        at = 0
        stripped = text.rstrip()
        while at < len(stripped):
            match = _TOKEN.match(stripped, at)
            if match is None:
                raise Fault("operand", _MISSING_OPERAND)
            self._tokens.append(match[1])
            at = match.end()

    def whole(self) -> int:
        value = self._assignment()
        while self._take(","):
            value = self._assignment()
        if self._at < len(self._tokens):
            raise (
                Fault("parentheses", _MISSING_PARENTHESIS)
                if self._peek() == ")"
                else Fault("operator", _MISSING_OPERATOR)
            )
        return value

    def _assignment(self) -> int:
        name = self._peek()
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ""
        if following not in _ASSIGNING or not _is_name(name):
            return self._binary(0)
        self._at += 2
        value = self._assignment()
        if following != "=":
            value = _computed(following[:-1], self._variable(name), value)
        self._assign(name, str(value))
        return value

    def _binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._unary()
        value = self._binary(level + 1)
        while self._peek() in _LEVELS[level]:
            operator = self._tokens[self._at]
            self._at += 1
            value = _computed(operator, value, self._binary(level + 1))
        return value

    def _unary(self) -> int:
        for operator, apply in _UNARY.items():
            if self._take(operator):
                return _wrapped(apply(self._unary()))
        if self._take("("):
            value = self._assignment()
            if not self._take(")"):
                raise Fault("parentheses", _MISSING_PARENTHESIS)
            return value
        word = self._peek()
        if not (_is_name(word) or word[:1].isdigit()):
            raise Fault("operand", _MISSING_OPERAND)
        self._at += 1
        return self._variable(word) if _is_name(word) else _number(word)

    def _variable(self, name: str) -> int:
        """A variable's leading number; undefined and not numeric are 0."""
        match = re.match(r"\s*([+-]?)(0[xX][0-9a-fA-F]+|\d+)", self._lookup(name) or "")
        return (-1 if match[1] == "-" else 1) * _number(match[2]) if match else 0

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True


_UNARY: dict[str, Callable[[int], int]] = {
    "!": lambda value: int(not value),
    "~": lambda value: ~value,
    "-": lambda value: -value,
    "+": lambda value: value,
}


def _is_name(token: str) -> bool:
    return bool(token) and not token[0].isdigit() and token not in _ASSIGNING and token[0] not in "+-*/%&|^~!(),<>"


def _number(token: str) -> int:
    try:
        if token[:2].lower() == "0x":
            return _wrapped(int(token, 16))
        return _wrapped(int(token, 8 if token.startswith("0") and len(token) > 1 else 10))
    except ValueError as error:
        raise Fault("number", _BAD_NUMBER) from error


def _wrapped(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def _computed(operator: str, left: int, right: int) -> int:
    if operator in ("/", "%"):
        if right == 0:
            raise Fault("zero", _DIVIDED_BY_ZERO)
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return _wrapped(quotient if operator == "/" else left - quotient * right)
    if operator in ("<<", ">>"):
        if not 0 <= right < 32:
            return 0 if operator == "<<" or left >= 0 else -1
        return _wrapped(left << right if operator == "<<" else left >> right)
    return _wrapped(
        {
            "+": left + right,
            "-": left - right,
            "*": left * right,
            "&": left & right,
            "|": left | right,
            "^": left ^ right,
        }[operator]
    )
