"""How a demonstration looks on a terminal: a live timeline and the closing tables."""

import json
from collections.abc import Callable
from typing import Any

from drova_gate.core.model import PreparationReport, StepOutcome
from drova_gate.demo.promises import Promise
from drova_gate.demo.stage import Act, Moment

__all__ = ["Printer"]

COLOURS = {"player": "36", "gate": "33", "station": "35", "cloud": "34"}
LOUD = {"alarm": "31", "refused": "31", "not_prepared": "31", "prepared": "32", "in": "32", "admitted": "32"}
GOOD, BAD, DIM, BOLD = "32", "31", "2", "1"
WORD = {
    StepOutcome.CHANGED: "done",
    StepOutcome.CLEAN: "nothing there",
    StepOutcome.SKIPPED: "skipped",
    StepOutcome.FAILED: "FAILED",
}


class Printer:
    """Writes lines as they come; JSON lines for machines."""

    def __init__(self, write: Callable[[str], object], *, as_json: bool, colour: bool, several: bool) -> None:
        self._write, self._json, self._colour, self._several = write, as_json, colour, several
        self._pending: dict[str, list[Moment]] = {}

    def title(self, text: str) -> None:
        """The first lines."""
        if not self._json:
            self._line(self._paint(text, BOLD))

    def moment(self, act: Act, moment: Moment) -> None:
        """One line of the timeline: seconds relative to the ready byte, once that is known."""
        if self._json:
            self._object(
                "moment",
                station=act.name,
                at=round(moment.at, 4),
                ready_at=act.ready_sent_at,
                who=moment.who,
                kind=moment.kind,
                text=moment.text,
            )
            return
        zero = act.ready_sent_at
        stamp = f"{moment.at - zero:+8.2f} s" if zero is not None else " " * 6 + "... s"
        who = self._paint(f"{moment.who:<7}", COLOURS.get(moment.who, DIM))
        text = self._paint(moment.text, LOUD[moment.kind]) if moment.kind in LOUD else moment.text
        station = f"{act.name:<5} " if self._several else ""
        self._line(f"{self._paint(stamp, DIM)}  {station}{who}  {text}")

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
            self._line(f"  {mark}  {one.text:<{width}}  {self._paint(one.found, DIM)}")

    def verdict(self, *, kept: bool, text: str) -> None:
        """The last line."""
        if self._json:
            self._object("verdict", kept=kept, text=text)
        else:
            self._line("")
            self._line(self._paint(text, GOOD if kept else BAD))

    def _preparation(self, report: PreparationReport) -> None:
        head = f"Preparation: {report.commands} commands, {report.seconds:.2f} s, Shadow Mode on {''.join(sorted(report.shadowed)) or 'nothing'}"
        self._line(self._paint(head, BOLD))
        if report.fault:
            self._line(f"  {self._paint('stopped', BAD)}  {report.fault}")
        groups: dict[str, list[str]] = {}
        for step in report.steps:
            subject, _, detail = step.name.partition(".")
            word = WORD[step.outcome]
            shown = self._paint(
                f"{detail or subject}: {word}" + (f" ({step.reason})" if step.outcome is StepOutcome.FAILED else ""),
                BAD if step.outcome is StepOutcome.FAILED else "",
            )
            groups.setdefault(subject, []).append(shown)
        for subject, shown_steps in groups.items():
            done = len(shown_steps)
            self._line(f"  {subject:<12} {done:>2} confirmed  {self._paint(_clip(', '.join(shown_steps)), DIM)}")
        self._line("")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _line(self, text: str) -> None:
        self._write(text + "\n")

    def _object(self, event: str, **values: Any) -> None:
        self._write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")


def _clip(text: str, width: int = 96) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
