"""How the record changes: what must outlive the process, step by step. Pure.

What cannot be told from the outside afterwards (which session, which marker, that a reset goes out) is written before its effect, the rest
once the effect was read back.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from drova_gate.core.model import (
    Adopt,
    Bared,
    Decision,
    Forget,
    HostFacts,
    Phase,
    PreparationReport,
    Prepare,
    Record,
    RelayFacts,
    StepOutcome,
)
from drova_gate.core.readings import HOUR

__all__ = [
    "adopted",
    "bared",
    "failed_musts",
    "forgotten",
    "hidden",
    "in_phase",
    "not_hidden",
    "ours",
    "prepared",
    "preparing",
    "released",
    "reset_goes_out",
    "shown",
    "who_is_in",
]


def in_phase(record: Record, decision: Decision) -> Record:
    """The record of the phase that was decided."""
    entered = replace(record, phase=decision.phase)
    for settled in (one for one in decision.actions if isinstance(one, Forget)):
        # In the same write: a clean station that still names its session would be reset a second time after a power cut.
        return forgotten(entered, settled)
    if decision.phase is not Phase.QUARANTINED:
        return replace(entered, quarantine_reason="")
    if record.phase is Phase.QUARANTINED:
        return entered  # after a restart the reason is still the old one
    return replace(entered, quarantine_reason=decision.reason.removeprefix("quarantine: "))


def forgotten(record: Record, action: Forget) -> Record:
    """The record without its settled session."""
    return Record(
        phase=record.phase,
        entered=action.ours,
        hidden_by_us=record.hidden_by_us,
        failed=record.failed,
        failed_why=record.failed_why,
        resets=record.resets,
        server=record.server,
    )


def ours(record: Record, session: UUID) -> frozenset[str]:
    """Volumes that we have brought into Shadow Mode already: for this session, or before a release, which leaves no session behind."""
    return record.entered if record.session in (session, None) else frozenset()


def preparing(
    record: Record, action: Prepare, host: HostFacts, volumes: frozenset[str], new_id: Callable[[], str]
) -> Record:
    """Before anything is sent: the session, its ids, and the volumes that will be ours to leave."""
    again = record.session == action.session
    return replace(
        record,
        session=action.session,
        session_created_ms=action.created_ms,
        prepared=False,
        marker=record.marker if again and record.marker else new_id(),
        boot_stamp=record.boot_stamp if again and record.boot_stamp else new_id(),
        # What the owner put into Shadow Mode himself is his to leave; what a cut-off try of ours entered is ours.
        entered=(volumes - (host.shadowed or frozenset())) | ours(record, action.session),
        reset_tries=0,
        empty_since=0,
    )


def prepared(record: Record, report: PreparationReport, earlier: frozenset[str]) -> Record:
    """What came of a preparation; ``earlier``: the volumes that were ours before it."""
    if report.prepared:
        # What an earlier try has entered, a later one finds in Shadow Mode already, as if it were the owner's.
        entered = report.entered | (earlier & report.shadowed)
        return replace(record, prepared=True, entered=entered, failed=0, failed_why="")
    # After an unknown outcome the report still counts what was to be entered as ours; what an earlier try entered stays ours.
    changed = replace(record, entered=report.entered | earlier)
    if report.passing:
        return changed
    return replace(changed, failed=record.failed + 1, failed_why=report.fault or failed_musts(report))


def failed_musts(report: PreparationReport) -> str:
    """The steps that keep a player out, in words."""
    return "; ".join(
        f"{step.name}: {step.reason}" for step in report.steps if step.must and step.outcome is StepOutcome.FAILED
    )


def adopted(record: Record, action: Adopt, host: HostFacts | None) -> Record:
    """A session that the station itself says it was prepared for, or one that is guarded unprepared."""
    again = record.session == action.session
    if host is None or host.marker_session != str(action.session):
        kept = replace(record, marker="", boot_stamp="", entered=ours(record, action.session), prepared=False)
    else:
        kept = replace(
            record,
            marker=host.marker or "",
            boot_stamp=host.boot_stamp or "",
            entered=record.entered if again and record.entered else host.shadowed or frozenset(),
            prepared=True,
        )
    return replace(kept, session=action.session, session_created_ms=action.created_ms, reset_tries=0, empty_since=0)


def bared(record: Record, action: Bared) -> Record:
    """Volumes that have left Shadow Mode in the middle of the session: no reset takes off what was written there."""
    return replace(record, bared=record.bared | action.volumes)


def who_is_in(record: Record, relay: RelayFacts, wall: int) -> Record:
    """Since when nobody is in, noted as it changes: after a restart of the gate only its record tells who was gone before it."""
    if record.session is None or not record.prepared or relay.quiet_since is None:
        return replace(record, empty_since=0)
    return record if record.empty_since else replace(record, empty_since=wall)


def reset_goes_out(record: Record, wall: int) -> Record:
    """Before a reset is sent, at ``wall`` seconds since 1970."""
    # Times in the future are those of a clock that was wrong.
    recent = tuple(sent for sent in record.resets if 0 <= wall - sent < HOUR)
    return replace(record, phase=Phase.RESETTING, reset_tries=record.reset_tries + 1, resets=(*recent, wall))


def hidden(record: Record) -> Record:
    """Before the station is hidden."""
    return replace(record, hidden_by_us=True)


def not_hidden(record: Record) -> Record:
    """The station reads as shown, so whoever hides it from now on, it was not we."""
    return replace(record, hidden_by_us=False)


def shown(record: Record, prepare_tries: int) -> Record:
    """The station is in the catalogue again; one that cannot be prepared has one try."""
    return replace(record, hidden_by_us=False, failed=min(record.failed, prepare_tries - 1))


def released(record: Record) -> Record:
    """The owner has lifted what was held against the station."""
    return replace(record, failed=0, failed_why="", resets=(), quarantine_reason="")
