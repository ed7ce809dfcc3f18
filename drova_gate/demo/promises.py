"""The promises of one rental, judged from what the simulated station and cloud wrote down. Pure."""

from dataclasses import dataclass

from drova_gate.config import Mode
from drova_gate.core.model import Phase, StepOutcome
from drova_gate.demo.stage import RENTERS_FILE, Act, Stage
from drova_gate.sim.faults import FAULTS

__all__ = ["Promise", "judge"]

SECOND_RESET = {"reset_ignored", "comes_back_shadowed"}
"""Faults that take a second reset to mend."""
UNPROTECTABLE = {"shadow_password", "shadow_missing"}
"""Faults that the gate sees before any session: the station is no offer to players."""
UNPREPARABLE = 2
"""Preparations that the station fails in a row before it is no offer to players either."""
COMMANDS = 3
"""The most a preparation may take. Seconds are no promise of a demonstration: they are this machine's, the benchmark has them."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise and whether it was kept."""

    text: str
    kept: bool
    found: str


def judge(stage: Stage, act: Act) -> list[Promise]:
    """Judge every promise that this play could break."""
    fault = stage.fault or ""
    refused = bool(fault) and FAULTS[fault].refused
    promises = [_no_write_outside(act)]
    if fault in ("agent_silent", "agent_refuses"):
        promises.append(
            Promise("nobody is let in before the station is ready", act.player_in_at is None, "nobody came in")
        )
    elif refused:
        promises.append(_refused(stage, act))
    else:
        promises += _prepared(stage, act)
    promises += [_no_reboot_of_a_player(act), _brought_back(stage, act), _secrets(stage)]
    if act.phase is Phase.CLEAN:
        promises.append(_visible_again(stage, act))
    return promises


def _no_write_outside(act: Act) -> Promise:
    writes = [entry for entry in act.station.journal if entry.kind == "write" and RENTERS_FILE not in entry.subject]
    outside = [entry.subject for entry in writes if not entry.shadowed]
    found = f"{_times(len(writes), 'write')}, " + (
        f"outside it: {', '.join(outside)}" if outside else "none outside it"
    )
    return Promise("nothing written but in Shadow Mode", not outside, found)


def _refused(stage: Stage, act: Act) -> Promise:
    if stage.mode is Mode.SOCKET:
        return Promise(
            "an unprepared station lets nobody in",
            act.player_in_at is None,
            "player refused" if act.player_in_at is None else "player let in",
        )
    if stage.fault == "aborted_preparing":
        return Promise("the aborted session's player never comes in", act.player_in_at is None, "he never came in")
    told = any(moment.kind in ("alarm", "not_prepared", "log") for moment in act.moments)
    # A call that is never answered is told after the client's time-out; a short play is over before that.
    waits = stage.fault == "cloud_timeout" and not told
    found = "told; in poll mode there is no door to close" if told else "the call still waits" if waits else "silent"
    return Promise("an unprepared station is told to the owner", told or waits, found)


def _prepared(stage: Stage, act: Act) -> list[Promise]:
    fault = stage.fault or ""
    good = [report for report in act.reports if report.prepared]
    if not good:
        return [Promise("the station is prepared", False, act.gate.controller.reason)]
    report = good[0]
    failed = [step.name for step in report.steps if step.outcome is StepOutcome.FAILED]
    confirmed = f"{len(report.steps) - len(failed)} of {len(report.steps)} steps" + (
        f", not: {', '.join(failed)}" if failed else ""
    )
    if fault == "file_in_use":
        promises = [Promise("what cannot be wiped is named", any("steam" in name for name in failed), confirmed)]
    else:
        promises = [Promise("preparation confirmed step by step", not failed, confirmed)]
    promises += [
        Promise(f"at most {COMMANDS} commands", report.commands <= COMMANDS, f"{report.commands} commands"),
    ]
    if stage.mode is Mode.SOCKET and fault != "file_in_use":
        left = act.signed_in_when_let_in or frozenset()
        promises.append(
            Promise(
                "no sign-in left when the player comes in",
                not left,
                "none" if not left else ", ".join(sorted(left)),
            )
        )
    return promises


def _no_reboot_of_a_player(act: Act) -> Promise:
    # From the session's start to the gate's reset, which follows the session's end.
    reboots = [
        entry
        for entry in act.station.journal
        if entry.kind == "reboot"
        and act.session_ended_at is not None
        and act.session_began_at < entry.at < act.session_ended_at - 0.5
    ]
    return Promise("no player is rebooted", not reboots, f"{_times(len(reboots), 'reboot')} in mid-session")


def _brought_back(stage: Stage, act: Act) -> Promise:
    fault = stage.fault or ""
    boots = act.station.machine.boot_count - act.boots_before
    touched = any(report.shadowed or report.entered for report in act.reports)
    if act.phase is Phase.QUARANTINED and fault and (FAULTS[fault].quarantined or fault == "agent_refuses"):
        hidden = not stage.cloud.servers[act.server].published
        return Promise(
            "a station that is not proved clean is kept out",
            hidden,
            "quarantined and hidden" if hidden else "quarantined, still shown",
        )
    if not touched:
        return Promise(
            "nothing to roll back, no reboot", boots == 0, f"{_times(boots, 'reboot')}, gate says {act.phase}"
        )
    allowed = (1, 2) if fault in SECOND_RESET else (1,)
    shadowed = sorted(act.station.machine.shadow.active)
    clean = act.phase is Phase.CLEAN and boots in allowed and not shadowed
    found = f"{_times(boots, 'reboot')}, gate says {act.phase}" + (f", still shadowed: {shadowed}" if shadowed else "")
    text = "reset again until proved clean" if fault in SECOND_RESET else "exactly one reset, proved clean"
    return Promise(text, clean, found)


def _times(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _secrets(stage: Stage) -> Promise:
    lines = stage.log_lines + [moment.text for act in stage.acts for moment in act.moments]
    told = sum(secret in line for line in lines for secret in stage.secrets)
    return Promise("secrets stay secret", told == 0, f"in {told or 'none'} of {len(lines)} lines and messages")


def _visible_again(stage: Stage, act: Act) -> Promise:
    shown = stage.cloud.servers[act.server].published
    found = "shown" if shown else "hidden"
    if _failed_in_a_row(act) >= UNPREPARABLE:
        return Promise("a station that cannot be prepared is hidden", not shown, found)
    if stage.fault in UNPROTECTABLE:
        return Promise("a station that cannot be protected is hidden", not shown, found)
    return Promise("the station is left in the catalogue", shown, found)


def _failed_in_a_row(act: Act) -> int:
    failed = 0
    for report in act.reports:
        failed = 0 if report.prepared else failed + (not report.passing)
    return failed
