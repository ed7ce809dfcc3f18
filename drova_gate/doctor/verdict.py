"""What a check says: how it ended, what was seen, what to do."""

from dataclasses import dataclass
from enum import StrEnum

from drova_gate.errors import CloudThrottled

__all__ = [
    "Check",
    "Cure",
    "Outcome",
    "Verdict",
    "Where",
    "broken",
    "failed",
    "fine",
    "powershell_word",
    "skipped",
    "throttled",
    "warned",
]


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """The gate works; something is not as it should be, or is the owner's to judge."""
    FAIL = "FAIL"
    """The gate does not work, or a player could come in unprotected."""
    SKIP = "skip"
    """Not looked at: it rests on a check that failed, or does not apply."""


class Where(StrEnum):
    """Where a cure is done."""

    STATION = "station"
    """A line for PowerShell, as administrator, on the PC."""
    ROUTER = "router"
    """A line for the shell of the machine that the gate runs on."""
    SETTINGS = "settings"
    """A line for the gate's settings."""
    BY_HAND = "by hand"
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Cure:
    """One step of a cure."""

    where: Where
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found out."""

    outcome: Outcome
    found: str
    hint: str = ""
    cures: tuple[Cure, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table."""

    code: str
    """Stable: people and scripts look for it."""
    verdict: Verdict
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.verdict.outcome

    @property
    def link(self) -> str:
        """Where it is explained."""
        return f"docs/doctor.md#{self.code}"


def powershell_word(text: str) -> str:
    """Quote a text for a line that is copied into PowerShell; what a station says of itself may come from a renter."""
    # PowerShell takes four characters for a single quote; two of a kind stand for one.
    return "'" + "".join(char * 2 if char in "'\u2018\u2019\u201a\u201b" else char for char in text) + "'"


def fine(found: str) -> Verdict:
    """All is well."""
    return Verdict(Outcome.OK, found)


def warned(found: str, hint: str, *cures: Cure) -> Verdict:
    """Something to look at."""
    return Verdict(Outcome.WARN, found, hint, cures)


def failed(found: str, hint: str, *cures: Cure) -> Verdict:
    """Something to mend."""
    return Verdict(Outcome.FAIL, found, hint, cures)


def broken(error: Exception) -> Verdict:
    """A fault of the check's own, which says nothing about what it looked at."""
    return failed(
        f"the check itself broke ({type(error).__name__}: {error})",
        "tell us: drova_gate doctor --json, and the log with DROVA_LOG_LEVEL=DEBUG",
    )


def throttled(error: CloudThrottled) -> Verdict:
    """Drova has asked for patience: nothing is known, and nothing is wrong."""
    return warned(error.fact, "wait a little, then run this again")


def skipped(why: str) -> Verdict:
    """Not looked at."""
    return Verdict(Outcome.SKIP, why)
