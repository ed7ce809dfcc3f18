"""PowerShell's values, its operators, and how 5.1 puts a program's command line together."""

import fnmatch
import re

__all__ = ["Value", "code", "computed", "native_line", "text", "truth"]

Value = str | int | bool | None


def native_line(path: str, arguments: list[str]) -> str:
    """Put a command line together as PowerShell 5.1 does: what it breaks is broken here, too."""
    words = [f'"{path}"']
    for argument in arguments:
        if not argument:
            continue
        quotes, blanks = 0, False
        for char in argument:
            quotes += char == '"'
            blanks = blanks or (char.isspace() and quotes % 2 == 0)
        words.append(f'"{argument}"' if blanks else argument)
    return " ".join(words)


def text(values: list[Value]) -> str:
    """Values as they are printed, joined by blanks."""
    return " ".join(
        "" if value is None else str(value) if not isinstance(value, bool) else "True" if value else "False"
        for value in values
    )


def truth(values: list[Value]) -> bool:
    """What ``if`` makes of a pipeline's values."""
    return len(values) > 1 or (len(values) == 1 and bool(values[0]))


def code(value: Value) -> int:
    """A value as a whole number; 0 for what is none."""
    written = text([value])
    return int(written) if re.fullmatch(r"-?\d+", written) else 0


def computed(operator: str, left: Value, right: Value) -> Value:
    """What an operator makes of two values."""
    if operator == "+":
        if isinstance(left, int) and not isinstance(left, bool):
            return left + code(right)
        return right if left is None else text([left]) + text([right])
    if operator in ("-and", "-or"):
        return (truth([left]) and truth([right])) if operator == "-and" else (truth([left]) or truth([right]))
    if operator in ("-eq", "-ne"):
        same = _equal(left, right)
        return same if operator == "-eq" else not same
    if operator in ("-like", "-match"):
        subject, pattern = text([left]).lower(), text([right])
        if operator == "-like":
            return fnmatch.fnmatchcase(subject, pattern.lower())
        return re.search(pattern, subject, re.IGNORECASE) is not None
    first, second = (code(left), code(right)) if isinstance(left, int) else (text([left]), text([right]))
    order = (first > second) - (first < second)  # type: ignore[operator]  # both are of one kind
    return {"-gt": order > 0, "-ge": order >= 0, "-lt": order < 0, "-le": order <= 0}[operator]


def _equal(left: Value, right: Value) -> bool:
    """The left side's kind decides; texts are compared case-blind; nothing equals only nothing."""
    if left is None or right is None:
        return left is right
    if isinstance(left, int):
        return left == code(right)
    return left.lower() == text([right]).lower()
