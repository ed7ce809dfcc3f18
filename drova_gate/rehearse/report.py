"""What a rehearsal found, step by step. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drova_gate.core.model import PreparationReport, StepOutcome

__all__ = ["Rehearsal", "Step", "preparation_words"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rehearsal, as it ended."""

    code: str
    """A stable word for machines."""
    ok: bool
    seconds: float
    text: str


@dataclass(slots=True)
class Rehearsal:
    """One station's rehearsal."""

    station: str
    steps: list[Step] = field(default_factory=list)
    report: PreparationReport | None = None
    """The preparation's own report; ``None``: it did not come to that."""

    @property
    def passed(self) -> bool:
        """Whether every step was confirmed, the proof of a clean station among them."""
        return bool(self.steps) and all(step.ok for step in self.steps) and self.steps[-1].code == "shown"

    def verdict(self) -> str:
        """The last line for people."""
        if self.passed and self.report is not None:
            return f"{self.station}: a session would be safe; its player would be held for {self.report.seconds:.1f} s"
        failed = next((step for step in self.steps if not step.ok), None)
        if failed is None:
            return f"{self.station}: the rehearsal was not played to its end"
        return f"{self.station}: NOT ready: {failed.code}: {failed.text}"

    def as_json(self) -> dict[str, Any]:
        """The whole as JSON values."""
        steps = () if self.report is None else self.report.steps
        return {
            "station": self.station,
            "passed": self.passed,
            "steps": [
                {"code": one.code, "ok": one.ok, "seconds": round(one.seconds, 3), "text": one.text}
                for one in self.steps
            ],
            "preparation": [
                {"name": one.name, "outcome": one.outcome.value, "reason": one.reason, "must": one.must}
                for one in steps
            ],
        }


def preparation_words(report: PreparationReport) -> str:
    """Say in a line how a preparation ended."""
    failed = [step for step in report.steps if step.outcome is StepOutcome.FAILED]
    if report.fault:
        return report.fault
    changed = sum(step.outcome is StepOutcome.CHANGED for step in report.steps)
    volumes = ", ".join(f"{letter}:" for letter in sorted(report.shadowed)) or "no volume"
    counts = f"{changed} steps changed and read back, {len(report.steps) - changed - len(failed)} were so already"
    text = f"{volumes} in Shadow Mode by its own list; {counts}; {report.commands} commands"
    return f"{text}; failed: {_named(failed)}" if failed else text


def _named(failed: Sequence[Any]) -> str:
    return ", ".join(f"{step.name}{' (must)' if step.must else ''}: {step.reason}" for step in failed)
