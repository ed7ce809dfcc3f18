"""The checks as people and machines read them. Pure: results in, lines out."""

import json
import textwrap
from collections.abc import Callable, Iterable, Sequence

from drova_gate.columns import printable
from drova_gate.doctor.verdict import Check, Cure, Outcome, Where

__all__ = ["Table", "json_text", "plan_lines"]

SCHEMA = 1
"""Of the JSON: fields are added under the same number, never taken away or given another meaning."""
CODE_WIDTH = len("protector_service")
"""The longest of the codes."""
LEAST_TEXT = 30
_INDENT = " " * (2 + 4 + 2 + CODE_WIDTH + 2)
_COLOURS = {Outcome.OK: "32", Outcome.WARN: "33", Outcome.FAIL: "1;31", Outcome.SKIP: "2"}
_BOLD, _DIM = "1", "2"
_PLACES = {
    Where.STATION: "on the station, in PowerShell as administrator:",
    Where.ROUTER: "on this machine:",
    Where.SETTINGS: "in the gate's settings:",
    Where.BY_HAND: "by hand:",
}


class Table:
    """The lines of one station's checks, as they come in; what was skipped for one reason stands in one line."""

    def __init__(
        self, subjects: dict[str, str], *, room: int | None, colour: bool, say: Callable[[str], str] = str
    ) -> None:
        self._subjects, self._room, self._colour, self._say = subjects, room, colour, say
        self._heading = ""
        self._skipped: list[Check] = []

    def lines(self, check: Check) -> list[str]:
        """Take one check in; the lines that can be printed now."""
        if check.outcome is Outcome.SKIP:
            same = not self._skipped or self._skipped[-1].verdict.found == check.verdict.found
            before = [] if same else self._flushed()
            self._skipped.append(check)
            return before
        return [*self._flushed(), *self._headed(check.code), *self._told(check)]

    def end(self, checks: Sequence[Check], seconds: float) -> list[str]:
        """What is left, and the sum."""
        count = {outcome: sum(check.outcome is outcome for check in checks) for outcome in Outcome}
        bad, doubtful = count[Outcome.FAIL], count[Outcome.WARN]
        said = self._say(f"{bad} failed" if bad else "nothing failed" if doubtful else "all right")
        if doubtful:
            said += f", {self._say(f'{doubtful} to look at')}"
        code = _COLOURS[Outcome.FAIL if bad else Outcome.WARN if doubtful else Outcome.OK]
        took = self._say(f"{len(checks)} checks in {seconds:.1f} s")
        return [*self._flushed(), f"  {self._paint(said, code)} ({took})"]

    def _flushed(self) -> list[str]:
        skipped, self._skipped = self._skipped, []
        if not skipped:
            return []
        if len(skipped) == 1:
            return [*self._headed(skipped[0].code), *self._told(skipped[0])]
        codes = ", ".join(check.code for check in skipped)
        why = self._say(skipped[0].verdict.found)
        return self._row(Outcome.SKIP, self._say(f"{len(skipped)} checks"), f"{why}: {codes}")

    def _headed(self, code: str) -> list[str]:
        heading = self._subjects.get(code, "")
        if heading == self._heading:
            return []
        self._heading = heading
        return [f"  {self._paint(self._say(heading), _BOLD)}"]

    def _told(self, check: Check) -> list[str]:
        lines = self._row(check.outcome, check.code, self._say(check.verdict.found))
        if check.verdict.hint and check.outcome in (Outcome.WARN, Outcome.FAIL):
            hint = self._wrapped(f"-> {self._say(check.verdict.hint)}", hanging=3)
            link = self._paint(_page(check, self._say), _DIM)
            lines += [f"{_INDENT}{line}" for line in hint] + [f"{_INDENT}   {link}"]
        return lines

    def _row(self, outcome: Outcome, code: str, text: str) -> list[str]:
        mark = self._paint(f"{outcome:<4}", _COLOURS[outcome])
        first, *rest = self._wrapped(text)
        return [f"  {mark}  {code:<{CODE_WIDTH}}  {first}", *(f"{_INDENT}{line}" for line in rest)]

    def _wrapped(self, text: str, *, hanging: int = 0) -> list[str]:
        room = None if self._room is None else max(LEAST_TEXT, self._room - len(_INDENT))
        return _wrapped(text, room, " " * hanging)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def _page(check: Check, say: Callable[[str], str]) -> str:
    """Where a check is explained in the reader's language: each page has the same anchors, the codes."""
    page, _, anchor = check.link.partition("#")
    return f"{say(page)}#{anchor}"


def _plain(text: str) -> str:
    """What comes from a station must neither move the cursor nor begin a line of its own."""
    return printable(text, " ")


def _wrapped(text: str, room: int | None, hanging: str) -> list[str]:
    if room is None:
        return [_plain(text)]
    return textwrap.wrap(_plain(text), room, subsequent_indent=hanging, break_on_hyphens=False) or [""]


def plan_lines(
    station: str, checks: Iterable[Check], *, room: int | None = None, say: Callable[[str], str] = str
) -> list[str]:
    """What the owner may do about everything that is not well, in order; nothing of it was done. What is to be copied stays whole."""
    wrong = [check for check in checks if check.outcome in (Outcome.FAIL, Outcome.WARN)]
    if not wrong:
        return [say(f"station {station}: nothing to mend")]
    noun = "thing" if len(wrong) == 1 else "things"
    head = say(f"station {station}: {len(wrong)} {noun} to look at, in this order; nothing was changed")
    lines = _wrapped(head, room, "  ")
    for number, check in enumerate(wrong, 1):
        verdict = check.verdict
        lines += ["", *_wrapped(f"{number}. {check.code} ({check.outcome}): {say(verdict.found)}", room, "   ")]
        lines += _wrapped(f"   {say(verdict.hint)}", room, "   ") if verdict.hint else []
        lines += _cure_lines(verdict.cures, say)
        lines += [f"   {_page(check, say)}"]
    return lines


def _cure_lines(cures: Sequence[Cure], say: Callable[[str], str]) -> list[str]:
    lines: list[str] = []
    place: Where | None = None
    for cure in cures:
        if cure.where is not place:
            lines.append(f"   {say(_PLACES[cure.where])}")
            place = cure.where
        lines.append(f"     {_plain(say(cure.text) if cure.where is Where.BY_HAND else cure.text)}")
    return lines


def json_text(station: str, host: str, checks: Sequence[Check], subjects: dict[str, str], seconds: float) -> str:
    """One station on one line."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "station": station,
            "host": host,
            "failed": sum(check.outcome is Outcome.FAIL for check in checks),
            "warned": sum(check.outcome is Outcome.WARN for check in checks),
            "seconds": round(seconds, 3),
            "checks": [
                {
                    "code": check.code,
                    "subject": subjects.get(check.code, ""),
                    "outcome": check.outcome,
                    "found": check.verdict.found,
                    "hint": check.verdict.hint,
                    "cures": [{"where": cure.where, "text": cure.text} for cure in check.verdict.cures],
                    "link": check.link,
                    "seconds": round(check.seconds, 3),
                }
                for check in checks
            ],
        },
        ensure_ascii=False,
    )
