r"""cmd.exe's expansions: percent signs (a line as it is read), loop variables and exclamation marks (as it is run).

The command line and batch files differ: on the command line an undefined ``%X%`` stays as it is and ``%%`` is nothing special;
in a batch file it becomes nothing, ``%%`` is one percent sign, and ``%1`` is an argument.
"""

import re
from collections.abc import Callable, Mapping

__all__ = ["delayed", "loop_variables", "percent_in_batch", "percent_on_command_line"]

Lookup = Callable[[str], str | None]
Modify = Callable[[str, str], str]
"""(modifier letters, possibly with ``$PATH:`` at the end; the value) to what ``%~dpnx1`` shows."""

_ARGUMENT = re.compile(r"%~([fdpnxsatz]*)(\$[^%:]+:)?([0-9])", re.IGNORECASE)
_SUBSTRING = re.compile(r"~\s*([+-]?\d+)?\s*(?:,\s*([+-]?\d+)?\s*)?")
_MODIFIERS = "fdpnxsatz"


def percent_on_command_line(text: str, lookup: Lookup) -> str:
    """Expand as for ``cmd /c`` text: what is not defined stays."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "%":
            found = _variable(text, at, "%", lookup)
            if found is not None and found[0] is not None:
                out.append(found[0])
                at = found[1]
                continue
        out.append(text[at])
        at += 1
    return "".join(out)


def percent_in_batch(text: str, lookup: Lookup, arguments: Mapping[str, str], modify: Modify) -> str:
    """Expand a line of a batch file; ``arguments`` has the keys ``0`` to ``9`` and ``*``."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "%":
            sign = text.find("%", at)
            end = len(text) if sign < 0 else sign
            out.append(text[at:end])
            at = end
            continue
        following = text[at + 1 : at + 2]
        if following == "%":
            out.append("%")
            at += 2
        elif following and following in "*0123456789":
            out.append(arguments.get(following, ""))
            at += 2
        elif match := _ARGUMENT.match(text, at):
            letters, search, number = match.groups()
            out.append(modify(letters.lower() + (search or ""), arguments.get(number, "") if number != "0" else "%0"))
            at = match.end()
        else:
            found = _variable(text, at, "%", lookup)
            if found is None:
                at += 1  # a lone percent sign is dropped
            else:
                out.append(found[0] or "")
                at = found[1]
    return "".join(out)


def delayed(text: str, lookup: Lookup) -> str:
    """Expand ``!X!``; where there is an exclamation mark at all, carets escape once more."""
    if "!" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "^" and at + 1 < len(text):
            out.append(text[at + 1])
            at += 2
        elif char == "!":
            found = _variable(text, at, "!", lookup)
            if found is not None:
                out.append(found[0] or "")
                at = found[1]
            else:
                at += 1
        else:
            out.append(char)
            at += 1
    return "".join(out)


def loop_variables(text: str, values: Mapping[str, str], modify: Modify) -> str:
    """Expand ``%a`` and ``%~dpa`` for the variables of the loops around; everything else stays."""
    if not values or "%" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "%":
            if text[at + 1 : at + 2] in values:
                out.append(values[text[at + 1]])
                at += 2
                continue
            if text[at + 1 : at + 2] == "~" and (found := _with_modifiers(text, at + 2, values)):
                modifiers, name, at = found
                out.append(modify(modifiers, values[name]))
                continue
        out.append(text[at])
        at += 1
    return "".join(out)


def _with_modifiers(text: str, at: int, values: Mapping[str, str]) -> tuple[str, str, int] | None:
    """The modifiers, the variable and where the text goes on: the longest run of modifiers that ends in a variable."""
    best = None
    start = at
    while at < len(text):
        if text[at] in values:
            best = text[start:at].lower(), text[at], at + 1
        if text[at] == "$" and (colon := text.find(":", at)) > 0 and text[colon + 1 : colon + 2] in values:
            return text[start : colon + 1], text[colon + 1], colon + 2
        if text[at].lower() not in _MODIFIERS:
            break
        at += 1
    return best


def _variable(text: str, at: int, mark: str, lookup: Lookup) -> tuple[str | None, int] | None:
    """Expand the variable that begins at ``at``: (value or ``None`` for undefined, where to go on); ``None``: no variable."""
    stop = at + 1
    while stop < len(text) and text[stop] not in (mark, ":"):
        stop += 1
    if stop < len(text) and text[stop] == ":" and text[stop + 1 : stop + 2] == mark:
        stop += 1  # a colon right before the closing mark belongs to the name
    if stop >= len(text):
        return None
    name = text[at + 1 : stop]
    if text[stop] == mark:
        return (lookup(name), stop + 1) if name else None
    value = lookup(name)
    if value is None:
        return None, stop + 1  # "%X:" goes, the rest stays
    close = text.find(mark, stop + 1)
    if close < 0:
        return None
    changed = _changed(value, text[stop + 1 : close])
    return None if changed is None else (changed, close + 1)


def _changed(value: str, operation: str) -> str | None:
    """``~n,m`` cuts, ``a=b`` and ``*a=b`` replace."""
    if match := _SUBSTRING.fullmatch(operation):
        return _cut(value, match[1], match[2])
    old, equals, new = operation.partition("=")
    if not equals or not old.removeprefix("*"):
        return None
    if old.startswith("*"):
        where = value.lower().find(old[1:].lower())
        return value if where < 0 else new + value[where + len(old) - 1 :]
    return re.sub(re.escape(old), lambda _: new, value, flags=re.IGNORECASE)


def _cut(value: str, start: str | None, length: str | None) -> str:
    first = int(start or 0)
    first = max(len(value) + first, 0) if first < 0 else min(first, len(value))
    count = len(value) - first if length is None else int(length)
    end = len(value) + count if count < 0 else first + count
    return value[first : max(end, first)]
