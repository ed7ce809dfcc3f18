"""Plays a session without a player on one station.

It is hidden first, so that nobody comes meanwhile; a running gate keeps its hands off by a lease of half an hour. Whatever goes wrong once
the station was changed, the reset is still sent: should even that not get out, the station carries the marker by which any gate finds and
resets it when the lease has ended.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from drova_gate.cloud.client import DrovaClient
from drova_gate.config import StationConfig
from drova_gate.core.model import HostFacts, Lease, Phase
from drova_gate.core.proof import missing_proof
from drova_gate.errors import CallOwner, GateError, NotConfirmed, PlayerInside, StationUnreachable
from drova_gate.host.identity import read_console, read_registrations
from drova_gate.host.link import HostLink
from drova_gate.host.look import look
from drova_gate.host.probe import port_open
from drova_gate.host.reset import ResetAnswer, reset
from drova_gate.host.volumes import read_fixed_volumes
from drova_gate.lease import LeaseFile
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.player import look as look_for_player
from drova_gate.rehearse.report import Rehearsal, Step, preparation_words
from drova_gate.repair import leftovers
from drova_gate.state import StateFile
from drova_gate.station import lockdown_of, protector_of, recipes_of
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.recipes import Level
from drova_gate.visit import first_answer, visiting

__all__ = ["Options", "rehearse"]

LEASE_SECONDS = 1800
"""After which a gate takes over whatever a rehearsal that was killed has left."""
GATE_SECONDS = 90.0
"""For a running gate to hide the station and take its hands off: a write to the cloud and two cycles."""
LOOK_SECONDS = 1.0
PORT_SECONDS = 3.0
_BUSY = frozenset({Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING, Phase.QUARANTINED})
_RISK = "a rehearsal reboots the station"


@dataclass(frozen=True, slots=True)
class Options:
    """How a rehearsal is to be played."""

    hide: bool = False
    """The station may be hidden for it if it is shown in the catalogue."""
    wait_seconds: float = 900.0
    """For the station to come back from its reset."""
    gate_phase: Callable[[], str | None] = lambda: None
    """What a running gate says of this station; ``None``: no gate guards it now."""
    tell: Callable[[Step], None] = lambda _: None
    """Called as each step ends."""


async def rehearse(config: StationConfig, state_dir: Path, options: Options) -> Rehearsal:
    """Play it; what was refused before anything was changed is raised (``CallOwner``, ``PlayerInside``), all else stands in the result."""
    async with visiting(config, state_dir) as link:
        await first_answer(link)
        registration = (await read_registrations(link)).current
        async with DrovaClient(config.token or registration.token, base_url=config.api_url) as client:
            user_id = registration.user_id or (await client.account()).uuid
            server = await client.server(registration.server_id, user_id)
            station = OwnedStation(server, client, user_id, config.name)
            return await _Play(config, state_dir, options, link, station).run()


@dataclass(slots=True)
class _Play:
    config: StationConfig
    state_dir: Path
    options: Options
    link: HostLink
    station: OwnedStation
    result: Rehearsal = field(init=False)
    lease: LeaseFile = field(init=False)
    hid: bool = False
    """It is we who have hidden the station."""
    touched: bool = False
    """The station was changed, or may have been: it needs its reset."""
    reset_sent: bool = False
    """The station has taken the order to reboot: a second one would meet it while it starts."""
    clean: bool = False

    def __post_init__(self) -> None:
        self.result = Rehearsal(self.config.name)
        self.lease = LeaseFile(self.state_dir / self.config.name / "maintenance")

    async def run(self) -> Rehearsal:
        """All steps in order; the station is given back whatever happens."""
        published = await self._may_begin()
        now = int(time.time())
        order = Lease(
            "rehearsal",
            hides=True,
            by="drova_gate rehearse",
            since_wall=now,
            until_wall=now + LEASE_SECONDS,
            # Written before it is done: whatever becomes of us, a gate that starts later shows the station again.
            hidden=published and self.options.gate_phase() is None,
        )
        try:
            self.lease.save(order)
        except OSError as error:
            raise CallOwner(
                str(self.lease.path),
                f"cannot be written ({error.strerror})",
                "use sudo, or make room there; nothing was changed",
            ) from error
        try:
            await self._steps(published=published)
        finally:
            # Also when it was cancelled: a station in Shadow Mode with a locked desktop is no way to leave it.
            if self.touched and not self.clean:
                await asyncio.shield(self._send_reset_alone())
            await asyncio.shield(self._give_back(order))
        return self.result

    async def _steps(self, *, published: bool) -> None:
        if not await self._step("hidden", lambda: self._hide(published=published)):
            return
        self.touched = True
        prepared = await self._step("prepared", self._prepare)
        self.clean = await self._step("reset", self._reset)
        if prepared and self.clean:
            await self._step("nothing_left", self._nothing_left)

    async def _step(self, code: str, work: Callable[[], Awaitable[str]]) -> bool:
        """Do one step and time it; what goes wrong ends in its line."""
        began = time.monotonic()
        try:
            ok, text = True, await work()
        except GateError as error:
            ok, text = False, str(error)
        step = Step(code, ok, time.monotonic() - began, text)
        self.result.steps.append(step)
        self.options.tell(step)
        return ok

    # -- before anything is changed ----------------------------------------------------------------------------------

    async def _may_begin(self) -> bool:
        """Raise what forbids a rehearsal; returns whether the station is shown in the catalogue."""
        name = self.config.name
        phase = StateFile(self.state_dir / name / "state.json").load().phase
        if phase in _BUSY:
            raise CallOwner(name, f"the gate's own record says {phase}", "wait until it is clean: drova_gate status")
        if self.lease.load() is not None:
            raise CallOwner(name, "is in maintenance", f"end that first: drova_gate maintenance off {name}")
        server, inside = await look_for_player(self.station)
        if inside is not None:
            raise PlayerInside(name, f"a player is inside ({inside.why}): {_RISK}", "wait until he has left")
        if server.published and not self.options.hide:
            raise CallOwner(
                name,
                "is shown in the catalogue: a player could come in the middle of it",
                f"add --hide: it is hidden for the rehearsal and shown again; or hide it yourself: drova_gate hide {name}",
            )
        facts = await look(self.link, protector_of(self.config))
        if facts.shadowed is None:
            raise CallOwner(
                name, f"its protector cannot be asked ({facts.protector_fault})", f"see drova_gate doctor {name}"
            )
        if facts.shadowed:
            letters = ", ".join(f"{letter}:" for letter in sorted(facts.shadowed))
            raise CallOwner(name, f"{letters} is in Shadow Mode already", "leave Shadow Mode with a restart first")
        if facts.marker:
            raise CallOwner(name, "carries the marker of an earlier session", f"see drova_gate repair {name}")
        return server.published

    async def _hide(self, *, published: bool) -> str:
        """See to it that nobody comes: a running gate is asked by the lease, else it is hidden here; read back either way."""
        began = time.monotonic()
        if self.options.gate_phase() is not None:
            while self.options.gate_phase() not in (Phase.MAINTENANCE.value, None):
                if time.monotonic() - began > GATE_SECONDS:
                    raise NotConfirmed(
                        self.config.name, "the running gate has not taken its hands off", "see drova_gate status"
                    )
                await asyncio.sleep(LOOK_SECONDS / 4)
        elif published:
            self.hid = True
            await self.station.client.set_published(self.station.uuid, self.station.user_id, visible=False)
        # Who came in between is a player like any other.
        server, inside = await look_for_player(self.station)
        if inside is not None:
            raise PlayerInside(
                self.config.name, f"a player has come in ({inside.why})", "nothing was changed on the station"
            )
        if server.published:
            raise NotConfirmed(
                self.config.name, "is still shown in the catalogue", "nothing was changed on the station"
            )
        return (
            "nobody plays; hidden from the catalogue and read back"
            if published
            else "nobody plays; it was hidden already"
        )

    # -- the session -------------------------------------------------------------------------------------------------

    async def _prepare(self) -> str:
        config, protector = self.config, protector_of(self.config)
        volumes = frozenset[str]()
        if protector.forgets:
            volumes = config.drives or await read_fixed_volumes(self.link)
        plan = PreparationPlan(
            session=uuid4(),
            marker=secrets.token_hex(16),
            boot_stamp=secrets.token_hex(8),
            volumes=volumes,
            enter=volumes,
            console=await read_console(self.link),
            program_data=self.link.variables["ProgramData"],
            level=Level(config.wipe),
            recipes=recipes_of(config),
            lockdown=lockdown_of(config),
        )
        self.result.report = report = await prepare(self.link, protector, plan)
        if not report.prepared:
            raise NotConfirmed("preparation", preparation_words(report), "mend what is named, then rehearse again")
        return preparation_words(report)

    async def _reset(self) -> str:
        """Send the reset and wait until the station is proved clean."""
        protector = protector_of(self.config)
        entered = self.result.report.entered if self.result.report is not None else frozenset[str]()
        sent_at = asyncio.get_running_loop().time()
        answer = await reset(self.link, protector, entered, secrets.token_hex(8))
        if answer is ResetAnswer.REFUSED:
            raise NotConfirmed("reset", "the station refused to reboot", "restart it by hand")
        self.reset_sent = True
        back_at, missing = 0.0, "it has not gone down yet"
        while True:
            now = asyncio.get_running_loop().time()
            if now - sent_at > self.options.wait_seconds:
                raise NotConfirmed(
                    "reset", f"not proved clean {now - sent_at:.0f} s after it: {missing}", "look at the station"
                )
            facts, fault = await self._look_again()
            if facts is not None and facts.linked_at > sent_at:
                back_at = back_at or asyncio.get_running_loop().time() - sent_at
                missing = missing_proof(facts, (facts.shadowed or frozenset()) & entered) or ""
                if not missing:
                    seconds = asyncio.get_running_loop().time() - sent_at
                    return f"back after {back_at:.0f} s, proved clean after {seconds:.0f} s: new boot, no marker, no Shadow Mode, port open"
            elif facts is None:
                missing = fault
            await asyncio.sleep(LOOK_SECONDS)

    async def _look_again(self) -> tuple[HostFacts | None, str]:
        """Look, if the station answers at all."""
        try:
            if not self.link.up:
                raise StationUnreachable(self.config.name, "is not back yet")
            facts = await look(self.link, protector_of(self.config))
        except GateError as error:
            return None, str(error)
        up = await port_open(self.config.host, self.config.target_port, PORT_SECONDS)
        return replace(facts, agent_up=up), ""

    async def _nothing_left(self) -> str:
        left = await leftovers(self.config, self.link)
        if left:
            raise NotConfirmed(
                "rollback",
                f"still on the station: {', '.join(left)}",
                f"is its disk really rolled back? see drova_gate repair {self.config.name}",
            )
        return "nothing of the lockdown, the marker or the scripts is left"

    # -- afterwards --------------------------------------------------------------------------------------------------

    async def _send_reset_alone(self) -> None:
        """The way out when the play was broken off: one reset, without waiting for its proof."""
        if any(step.code == "reset" for step in self.result.steps):
            return
        entered = self.result.report.entered if self.result.report is not None else frozenset[str]()
        text = f"sent, and not waited for; look whether the station is clean: drova_gate doctor {self.config.name}"
        try:
            if not self.reset_sent:
                answer = await reset(self.link, protector_of(self.config), entered, secrets.token_hex(8))
                if answer is ResetAnswer.REFUSED:
                    text = "the station refused to reboot; restart it by hand"
        except GateError as error:
            text = f"could not be sent: {error}; restart the station by hand"
        self.options.tell(Step("reset", ok=False, seconds=0.0, text=text))

    async def _give_back(self, order: Lease) -> None:
        """End the lease, and show the station again if it was we who hid it and it is as it was."""
        as_it_was = self.clean or not self.touched
        if self.hid and as_it_was:
            if not await self._step("shown", self._show) and self.lease.load() == order:
                # The order is over, and says still that the station is hidden because of it: a gate shows it.
                with suppress(OSError):  # then it is over at its deadline
                    self.lease.save(replace(order, hidden=True, ended=True))
                return
        elif self.touched and as_it_was:
            how = (
                "the running gate shows it again"
                if self.options.gate_phase() is not None
                else "it was hidden before, and stays so"
            )
            await self._step("shown", lambda: _said(how))
        elif self.hid:
            await self._step("shown", self._not_shown)
        self.lease.end(order)

    async def _show(self) -> str:
        try:
            await self.station.client.set_published(self.station.uuid, self.station.user_id, visible=True)
        except GateError as error:
            advice = f"the gate shows it when it runs; or: drova_gate publish {self.config.name}"
            raise NotConfirmed("catalogue", f"not shown again ({error.fact})", advice) from error
        return "shown again and read back"

    async def _not_shown(self) -> str:
        advice = f"when it is: drova_gate publish {self.config.name}"
        raise NotConfirmed("catalogue", "stays hidden: the station is not proved clean", advice)


async def _said(text: str) -> str:
    return text
