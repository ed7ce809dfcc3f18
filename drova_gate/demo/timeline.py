"""How a demonstration looks on a terminal: a live timeline and the closing tables."""

import json
import re
import textwrap
from collections.abc import Callable
from typing import Any

from drova_gate.core.model import PreparationReport, StepOutcome, StepResult
from drova_gate.demo.promises import Promise
from drova_gate.demo.stage import Act, Moment

__all__ = ["Printer"]

COLOURS = {"player": "36", "gate": "33", "station": "35", "cloud": "34"}
LOUD = {
    "alarm": "31",
    "log": "31",
    "refused": "31",
    "not_prepared": "31",
    "prepared": "32",
    "in": "32",
    "admitted": "32",
}
GOOD, BAD, DIM, BOLD = "32", "31", "2", "1"
SENTENCES = ("phase", "prepared", "not_prepared", "alarm", "log")
"""Kinds of which one may say in other words what another has just said."""
REMEMBERED = 6
"""How many of the gate's last sentences a new one is compared with."""
OURS = frozenset({"shadow", "lockdown", "marker", "explorer"})
"""What stands in a preparation beside the launchers: those are told in one line as long as nothing failed."""
LEAST_TEXT = 24
"""Columns that are left for text however narrow the terminal is."""


class Printer:
    """Writes lines as they come; JSON lines for machines.

    People are told a thing once: a sentence that repeats one of the gate's last ones is left out. Machines get every moment.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        as_json: bool,
        colour: bool,
        several: bool,
        width: int = 100,
        began: float = 0.0,
    ) -> None:
        self._write, self._json, self._colour, self._several = write, as_json, colour, several
        self._width, self._began = width, began
        self._said: dict[str, list[str]] = {}
        self._not_prepared: dict[str, str] = {}

    def title(self, text: str) -> None:
        """The first lines."""
        if not self._json:
            self._wrapped("", "", text, BOLD)

    def legend(self) -> None:
        """How to read the times."""
        if not self._json:
            self._wrapped("", "", "times count from the ready byte; before it, in brackets, from the start", DIM)

    def moment(self, act: Act, moment: Moment) -> None:
        """One line of the timeline: seconds relative to the ready byte, once that is known."""
        if self._json:
            self._object(
                "moment",
                station=act.name,
                at=round(moment.at - self._began, 4),
                ready_at=None if act.ready_sent_at is None else round(act.ready_sent_at - self._began, 4),
                who=moment.who,
                kind=moment.kind,
                text=moment.text,
            )
            return
        text = self._worded(act, moment)
        if not text:
            return
        zero = act.ready_sent_at
        stamp = f"{moment.at - zero:+8.2f} s " if zero is not None else f"({moment.at - self._began:7.2f} s)"
        station = f"{act.name:<5} " if self._several else ""
        plain = f"{stamp} {station}{moment.who:<7} "
        head = f"{self._paint(stamp, DIM)} {station}{self._paint(f'{moment.who:<7}', COLOURS.get(moment.who, DIM))} "
        loud = BAD if text.startswith("quarantine") else LOUD.get(moment.kind, "")
        self._wrapped(plain, head, text, loud)

    def _worded(self, act: Act, moment: Moment) -> str:
        """The moment's text for people; empty when they know it already."""
        kind, text = moment.kind, moment.text
        if moment.who != "gate":
            return text
        said = self._said.setdefault(act.name, [])
        if kind == "admitted":
            return "lets the player in"
        if kind == "refused":
            return f"refuses the player: {text}"
        if kind == "reset":
            why = text.removeprefix("reset sent: ")
            return "reset sent; the station reboots" if any(why in one for one in said) else f"reset sent again: {why}"
        if kind == "not_prepared":
            again = self._not_prepared.get(act.name) == text
            self._not_prepared[act.name] = text
            if again:
                return "tries again: the same"
        core = re.sub(r" \(must\)|\S+:\d+ (?=is refused)", "", text)  # what differs between two tellings of one thing
        known = kind in SENTENCES and any(one in core or core in one for one in said)
        said.append(core)
        del said[:-REMEMBERED]
        if known:
            return ""
        return f"not prepared: {text}" if kind == "not_prepared" else text

    def closing(self, act: Act, promises: list[Promise]) -> None:
        """The tables at the end: what was done on the station, and each promise."""
        report = next((one for one in act.reports if one.prepared), act.reports[-1] if act.reports else None)
        if self._json:
            self._object(
                "result",
                station=act.name,
                promises=[{"text": one.text, "kept": one.kept, "found": one.found} for one in promises],
                steps=[]
                if report is None
                else [
                    {"name": step.name, "outcome": step.outcome, "reason": step.reason, "must": step.must}
                    for step in report.steps
                ],
            )
            return
        self._line("")
        if report is not None and not self._several:
            self._preparation(report)
        self._line(self._paint(f"Promises{' on ' + act.name if self._several else ''}", BOLD))
        width = max(len(one.text) for one in promises)
        for one in promises:
            mark = self._paint("kept  ", GOOD) if one.kept else self._paint("BROKEN", BAD)
            text = f"{one.text:<{width}}  "
            self._wrapped(f"  kept    {text}", f"  {mark}  {text}", one.found, DIM)

    def verdict(self, *, kept: bool, text: str) -> None:
        """The last line."""
        if self._json:
            self._object("verdict", kept=kept, text=text)
        else:
            self._line("")
            self._line(self._paint(text, GOOD if kept else BAD))

    def _preparation(self, report: PreparationReport) -> None:
        commands = f"{report.commands} command{'' if report.commands == 1 else 's'}"
        head = f"Preparation: {commands}, {report.seconds:.2f} s, Shadow Mode on {', '.join(sorted(report.shadowed)) or 'nothing'}"
        self._line(self._paint(head, BOLD))
        if report.fault:
            self._wrapped("  stopped   ", f"  {self._paint('stopped', BAD)}   ", report.fault, "")
        groups: dict[str, list[StepResult]] = {}
        for step in report.steps:
            groups.setdefault(step.name.partition(".")[0], []).append(step)
        launchers = {subject: steps for subject, steps in groups.items() if subject not in OURS}
        for subject, steps in groups.items():
            failed = [step for step in steps if step.outcome is StepOutcome.FAILED]
            if subject in launchers and not failed:
                continue
            plain = f"  {subject:<10} {len(steps) - len(failed):>2} of {len(steps):<2}  "
            self._wrapped(plain, plain, _outcomes(steps), DIM)
            for step in failed:
                self._wrapped(" " * len(plain), " " * len(plain), f"{_detail(step)}: {step.reason}", BAD)
        quiet = {
            subject: len(steps)
            for subject, steps in launchers.items()
            if not any(step.outcome is StepOutcome.FAILED for step in steps)
        }
        if quiet:
            total = sum(quiet.values())
            plain = f"  {'launchers':<10} {total:>2} of {total:<2}  "
            self._wrapped(
                plain,
                plain,
                ", ".join(f"{subject}\N{NO-BREAK SPACE}{number}" for subject, number in quiet.items()),
                DIM,
            )
        self._line("")

    def _wrapped(self, plain: str, head: str, text: str, code: str) -> None:
        """A line that goes on under its own text; ``plain`` is what ``head`` looks like without colour."""
        room = max(self._width - len(plain), LEAST_TEXT)
        first, *rest = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
        self._line(head + self._paint(first, code))
        for line in rest:
            self._line(" " * len(plain) + self._paint(line, code))

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _line(self, text: str) -> None:
        self._write(text + "\n")

    def _object(self, event: str, **values: Any) -> None:
        self._write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")


def _outcomes(steps: list[StepResult]) -> str:
    """The steps of one recipe by how they ended: what was done, then the rest in brackets."""
    kinds = {
        StepOutcome.CHANGED: "",
        StepOutcome.CLEAN: "nothing there: ",
        StepOutcome.SKIPPED: "skipped: ",
        StepOutcome.FAILED: "FAILED: ",
    }
    parts = {
        outcome: word + ", ".join(_detail(step) for step in steps if step.outcome is outcome)
        for outcome, word in kinds.items()
        if any(step.outcome is outcome for step in steps)
    }
    done = parts.pop(StepOutcome.CHANGED, "")
    rest = f"({'; '.join(parts.values())})" if parts else ""
    return f"{done} {rest}".strip()


def _detail(step: StepResult) -> str:
    subject, _, detail = step.name.partition(".")
    return detail or subject
