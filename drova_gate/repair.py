"""``drova_gate repair``: takes a lockdown off a station that was left locked outside Shadow Mode, exactly as it was put on.

A station in Shadow Mode needs none of it: a reset makes its disk forget. So nothing is done while a volume is protected, while a session
is on or may be on, or while the gate itself is at work there.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from drova_gate.cloud.client import DrovaClient
from drova_gate.config import Config, StationConfig
from drova_gate.core.model import Phase, StepOutcome, StepResult
from drova_gate.errors import CallOwner, GateError, NotConfirmed
from drova_gate.host.commands import Run
from drova_gate.host.identity import read_console, read_registrations
from drova_gate.host.link import HostLink
from drova_gate.host.look import look, marker_files
from drova_gate.host.volumes import read_fixed_volumes
from drova_gate.state import StateFile
from drova_gate.station import protector_of
from drova_gate.steps.apply import target_of
from drova_gate.steps.compile_undo import Undoing
from drova_gate.steps.lockdown import load_switches
from drova_gate.steps.repair_plan import RepairPlan, Verb, plan_repair, question
from drova_gate.steps.shipped import LOCKDOWN
from drova_gate.steps.target import Target
from drova_gate.steps.undo import undo_these
from drova_gate.visit import first_answer, visiting

__all__ = ["FAILED", "SETTLED", "TO_DO", "leftovers", "repair_all", "repair_station"]

SETTLED, FAILED, TO_DO = 0, 1, 3
"""Exit codes: nothing is left to do; refused or failed; there is something to do, and only the plan was shown. 2 is the argument parser's."""

_BUSY = frozenset({Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING})
_VERB_WIDTH = max(len(verb) for verb in Verb)
_SESSIONS = 5
"""As many as the gate itself looks at: older ones have long ended."""


async def repair_all(config: Config, state_dir: Path, *, act: bool, say: Callable[[str], str] = str) -> int:
    """Plan or repair every station of the settings, one after another; the gravest of the exit codes.

    ``say`` turns a line into the reader's language.
    """
    codes = [await repair_station(station, state_dir, act=act, say=say) for station in config.stations]
    return next((code for code in (FAILED, TO_DO) if code in codes), SETTLED)


async def repair_station(config: StationConfig, state_dir: Path, *, act: bool, say: Callable[[str], str] = str) -> int:
    """Print what a preparation left on the station; with ``act`` take it off and read back that it is gone."""
    _print(say(f"station {config.name}") + (f" ({config.host})" if config.host != config.name else ""))
    try:
        async with visiting(config, state_dir) as link:
            await first_answer(link)
            return await _Repair(config, state_dir, link, say).run(act=act)
    except* GateError as group:
        # One, always: the link's own task raises none.
        for error in group.exceptions:
            said = f"not repaired: {error.fact}; {error.advice}" if isinstance(error, GateError) else str(error)
            _print(f"  {say(said)}")
    return FAILED


async def leftovers(config: StationConfig, link: HostLink) -> tuple[str, ...]:
    """Name what a preparation has left on a station that ought to be clean; changes nothing."""
    _, plan = await _Repair(config, Path(), link).look()
    return tuple(finding.name for finding in plan.findings if finding.verb is not Verb.KEEP)


@dataclass(frozen=True, slots=True)
class _Repair:
    """One station's repair."""

    config: StationConfig
    state_dir: Path
    link: HostLink
    say: Callable[[str], str] = str

    async def run(self, *, act: bool) -> int:
        await self._refuse()
        target, plan = await self.look()
        for finding in plan.findings:
            _print(f"  {finding.verb:<{_VERB_WIDTH}}  {finding.name}: {self.say(finding.what)}")
        if not plan.needed:
            self._tell("nothing of ours is left here")
            return SETTLED
        count = sum(finding.verb is not Verb.KEEP for finding in plan.findings)
        if not act:
            self._tell(f"{count} to do; nothing was changed")
            return TO_DO
        failed = await self._act(plan, target)
        _, after = await self.look()
        left = [finding for finding in after.findings if finding.verb is not Verb.KEEP]
        for step in failed:
            self._tell(f"FAILED   {step.name}: {step.reason}")
        for finding in left:
            self._tell(f"FAILED   {finding.name}: still there: {finding.what}")
        if failed or left:
            self._tell("not all is repaired; look at the lines above, then run it again")
            return FAILED
        shell = "; Explorer was started anew" if plan.undoing != Undoing() else ""
        self._tell(f"{count} done and read back{shell}")
        return SETTLED

    def _tell(self, text: str) -> None:
        _print(f"  {self.say(text)}")

    async def _refuse(self) -> None:
        """Raise ``CallOwner`` with the reason why this is no time for a repair."""
        name = self.config.name
        phase = StateFile(self.state_dir / name / "state.json").load().phase
        if phase in _BUSY:
            raise CallOwner(
                name,
                f"the gate's own record says {phase}",
                "let the gate run: it ends the session and resets the station itself",
            )
        facts = await look(self.link, protector_of(self.config))
        if facts.shadowed is None:
            raise CallOwner(
                name,
                f"whether it is in Shadow Mode is not known ({facts.protector_fault or 'its list was not seen'})",
                "mend that first: in Shadow Mode a restart is the right thing",
            )
        if facts.shadowed:
            letters = ", ".join(f"{letter}:" for letter in sorted(facts.shadowed))
            raise CallOwner(
                name,
                f"{letters} in Shadow Mode",
                "leave Shadow Mode with a restart: the disk then forgets the lockdown by itself",
            )
        await self._refuse_session()

    async def _refuse_session(self) -> None:
        name, config = self.config.name, self.config
        try:
            first = (await read_registrations(self.link)).current
            async with DrovaClient(config.token or first.token, base_url=config.api_url) as client:
                sessions = await client.sessions(first.server_id, limit=_SESSIONS)
        except GateError as error:
            raise CallOwner(
                name,
                f"whether a session is on is not known ({error.fact})",
                "try again when Drova answers; a player's desktop is not touched on a guess",
            ) from error
        for session in sessions:
            if session.status not in ("FINISHED", "ABORTED"):
                raise CallOwner(
                    name, f"a session is on ({session.status})", "wait for its end: the gate resets the station itself"
                )

    async def look(self) -> tuple[Target, RepairPlan]:
        """Read everything that a preparation writes."""
        switches = load_switches(LOCKDOWN, self.config.launchers_dir)
        console = await read_console(self.link)
        target = target_of(console, self.link.variables["ProgramData"])
        volumes = await read_fixed_volumes(self.link)
        marked = frozenset(letter for letter, text in (await marker_files(self.link, volumes)).items() if text)
        home = await self.link.exists(target.home)
        done = await self.link.run(question(switches, target))
        plan = plan_repair(switches, target, done.stdout, markers=marked, home=home)
        if plan is None:
            raise NotConfirmed(self.config.name, "its registry cannot be read", "is reg.exe barred there? try again")
        return target, plan

    async def _act(self, plan: RepairPlan, target: Target) -> tuple[StepResult, ...]:
        results: Iterable[StepResult] = ()
        if plan.undoing != Undoing():
            results = await undo_these(self.link, plan.undoing, target)
        failed = tuple(step for step in results if step.outcome is StepOutcome.FAILED)
        if not failed:
            # Last: it is the trace by which a repair that was cut short finds the rest.
            await self.link.run((Run("cmd.exe", ("/d", "/c", "rd", "/s", "/q", target.home)),))
        return failed


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
