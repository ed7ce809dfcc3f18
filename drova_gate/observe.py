"""The facts of one station: what the cloud, the station and the door say, each read no more often than it is worth.

Every read ends as a fact or as ``None`` with a reason. An error never becomes an absence.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from drova_gate.cloud.access import CloudAccess
from drova_gate.cloud.budget import Urgency
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.models import Session
from drova_gate.config import StationConfig
from drova_gate.core.backoff import Backoff
from drova_gate.core.model import CloudFacts, Facts, Lease, Phase, PreparationReport, Record, SessionFact
from drova_gate.core.policy import Policy
from drova_gate.core.readings import missing
from drova_gate.errors import (
    CloudForbidden,
    CloudThrottled,
    CloudUnauthorised,
    CloudUnavailable,
    GateError,
    RegistrationMissing,
)
from drova_gate.host.identity import Console, Registration, read_console, read_registrations
from drova_gate.host.link import HostLink
from drova_gate.host.probe import port_open
from drova_gate.host.volumes import read_fixed_volumes
from drova_gate.listing import Listing
from drova_gate.protect.protector import Protector
from drova_gate.relay.door import Door
from drova_gate.sight import Sight
from drova_gate.steps.found import Places
from drova_gate.vocabulary import OVER

__all__ = ["Observer", "Timing"]

log = logging.getLogger(__name__)

SESSIONS_ASKED = 10
"""Newest sessions asked for: the guarded one and those after it, with room for tries that were turned away."""
SESSIONS_ASKED_FAR = 200
"""Asked for when the guarded session is not among those: a busy station may turn away many tries in a long session."""
ADMIT_SECONDS = 1.0
"""For the cloud to answer while a player waits for whom everything is prepared: an outage must not outlast his patience."""
PORT_SECONDS = 2.0
"""For the agent's port to take a connection, on a LAN."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How often each fact is read, in seconds."""

    idle_poll: float = 3.0
    """The cloud, while nothing goes on and no relay of ours would tell."""
    idle_relay: float = 15.0
    """The cloud, while nothing goes on and a ready byte would wake us."""
    held_poll: float = 0.3
    """The cloud, while a player is held and its answer is what he waits for."""
    arrival_poll: float = 1.0
    """The cloud, when connections come in: a port scan must not become a scan of the API."""
    look: float = 60.0
    """The station, while its state is settled: one command of three processes."""
    look_soon: float = 2.0
    """The station, while we wait for it to change."""
    identity: float = 300.0
    """The registration: the agent may get a new token while it runs (seen in the field)."""
    published: float = 30.0
    error_cap: float = 10.0
    """Longest pause after cloud errors while something goes on: the end of a session must be seen soon after an outage."""
    owner_cap: float = 60.0
    """Longest pause after errors that only the owner can mend; a single stray 401 is over long before."""


class Observer:
    """Reads and keeps the facts of one station."""

    def __init__(
        self,
        config: StationConfig,
        link: HostLink,
        protector: Protector,
        access: CloudAccess,
        door: Door | None,
        clock: Callable[[], float],
        timing: Timing,
    ) -> None:
        self.config, self.link, self.protector, self.access, self.door = config, link, protector, access, door
        self._clock, self._timing = clock, timing
        self.policy = Policy(
            prepare_all=config.prepare_all,
            admit_unprotected=config.admit_unprotected,
            relay=door is not None,
            protector_forgets=protector.forgets,
            evict=config.evict,
            # Longer than half a short hold would leave no time for the preparation of a session that does come.
            list_lag_seconds=min(Policy().list_lag_seconds, config.hold_seconds / 2),
        )
        self.registration: Registration | None = None
        self.console: Console | None = None
        self.places = Places(link)
        # A protector that forgets nothing has no volumes to be confirmed.
        self.volumes: frozenset[str] | None = config.drives if protector.forgets else frozenset()
        self.server: UUID | None = None
        self.maintenance: Callable[[], Lease | None] = lambda: None
        """The owner's order, read anew each time."""
        self.wall: Callable[[], float] = time.time
        """The router's clock, in seconds since 1970; it may jump."""
        self.listed: Callable[[UUID, tuple[Session, ...]], None] = lambda *_: None
        """Told each list of sessions, as it comes; it must not wait."""
        self._registrations: tuple[Registration, ...] = ()
        self._refused: set[UUID] = set()
        self._cloud: CloudFacts | None = None
        self._cloud_fault = ""
        self._cloud_fault_kind: type[GateError] | None = None
        self.sessions: tuple[Session, ...] = ()
        """The cloud's last answer, whatever has become of the cloud since; for showing."""
        self.answered_at: float | None = None
        """When the question was sent that the cloud last answered, by the observer's clock."""
        self._absent: dict[UUID, float | None] = {}
        self._shown: tuple[SessionFact, ...] = ()
        self._cloud_due = 0.0
        self._cloud_asked = float("-inf")
        self._cloud_backoff = Backoff(1.0, timing.error_cap, 2.0)
        self._live = 0
        self._came = False
        self._refused_backoff = Backoff(1.0, timing.owner_cap, 2.0)
        self.listing = Listing(config.name, clock, timing.published)
        self._first_seen: dict[UUID, float] = {}
        self._silent_since: float | None = None
        self._sight = Sight(
            link,
            protector,
            clock,
            settled=timing.look,
            soon=timing.look_soon,
            learn=self._learn,
            agent_open=self._agent_open,
            held=self.held,
            relinked=self._relinked,
            find=lambda: self.places.look_up(self.console),
            volumes=lambda: self.volumes,
        )
        self._identity_due = 0.0
        self._identity_fault = ""
        self.console_fault: GateError | None = None

    # -- the whole ---------------------------------------------------------------------------------------------------

    async def facts(self, phase: Phase, record: Record) -> Facts:
        """Read what is due and put the facts of this cycle together."""
        if self.server is None:
            self.server = record.server
        await self._sight.read(phase, record.entered)
        await self._read_cloud(phase, record)
        return self.known(record)

    def known(self, record: Record) -> Facts:
        """Put together what is known without reading anything."""
        now = self._clock()
        listing, cloud = self.listing, self._cloud
        if cloud is not None:
            cloud = replace(cloud, published=listing.published, hidden_since=listing.hidden_since)
        return Facts(
            record=record,
            policy=self.policy,
            cloud=cloud,
            cloud_fault=self._cloud_fault,
            cloud_silent_since=self._silent_since,
            host=self._sight.host,
            host_fault=self._sight.fault,
            relay=self.door.facts(now) if self.door is not None else Facts(record, self.policy).relay,
            maintenance=self.maintenance(),
            wall_ms=int(self.wall() * 1000),
        )

    def watch_listing(self, *, wanted: bool) -> None:
        """Say whether it matters that the station is in the catalogue; what begins to matter is asked at once."""
        if not wanted:
            self.listing.forget()
        elif not self.listing.wanted and self._cloud is not None:
            self._cloud_due = min(self._cloud_due, self._clock())
        self.listing.wanted = wanted

    def held(self) -> int:
        """How many players wait at the door now."""
        return self.door.facts(self._clock()).held if self.door is not None else 0

    def next_due(self, phase: Phase) -> float:
        """When the next read is due, by the observer's clock."""
        due = min(self._cloud_due, self._sight.due if self.link.up else self._cloud_due)
        if phase is Phase.MAINTENANCE:
            due = self._clock() + self._timing.look
        if self.held():
            due = min(due, self._cloud_asked + self._timing.held_poll)
        return due

    # -- the station -------------------------------------------------------------------------------------------------

    def forget_host(self, delay: float = 0.0) -> None:
        """What was read of the station no longer holds: read it anew."""
        self._sight.forget(delay)

    def look_anew(self) -> None:
        """Somebody has worked on the station, and for long nobody asked about it: nothing that was read before holds."""
        self.forget_host()
        if self._cloud is not None:
            self._cloud, self._cloud_fault, self._cloud_due = None, "asks the cloud anew", self._clock()

    def host_became(self, report: PreparationReport, boot_stamp: str) -> None:
        """A confirmed preparation is a reading of the station too."""
        self._sight.became(report, boot_stamp)

    def hurry(self) -> None:
        """Somebody may wait at the door now: a look that hangs must not keep him waiting."""
        self._sight.hurry()

    async def look_when_asked(self, stir: Callable[[], None]) -> None:
        """Look at the station whenever a cycle asks for it; runs for ever beside the cycles."""
        await self._sight.look_when_asked(stir)

    def _relinked(self) -> None:
        """Behind a new link everything may be another: who sits there, and how it is registered."""
        self._identity_due, self.console = 0.0, None
        self.places.forget()

    async def _agent_open(self, phase: Phase) -> bool | None:
        """Whether the Drova agent takes connections; not asked (``None``) where a player may be on his way to it."""
        free = phase is Phase.CLEAN and not any(one.status not in OVER for one in self.sessions)
        if phase not in (Phase.RESETTING, Phase.QUARANTINED) and not (free and self._live == 0):
            return None
        return await port_open(self.config.host, self.config.target_port, PORT_SECONDS)

    async def _learn(self, phase: Phase) -> bool:
        """Learn what preparation will need, ahead of it: who the station is, who sits at it, what volumes it has.

        Returns whether all of it is known.
        """
        now = self._clock()
        if self.console is None or phase is Phase.CLEAN:
            before = self.console
            try:
                self.console, self.console_fault = await read_console(self.link), None
                if before is not None and before.sid != self.console.sid:
                    self.places.forget()
            except GateError as error:
                self.console, self.console_fault = None, error
        if self.volumes is None:
            self.volumes = await read_fixed_volumes(self.link)
        if now >= self._identity_due:
            await self._learn_registration()
        return self.console is not None

    async def _learn_registration(self) -> None:
        try:
            found = await read_registrations(self.link)
        except RegistrationMissing as error:
            # Not a reason to reboot anything: the owner sets the agent up, we look again.
            self._say_identity_fault(str(error))
            self._identity_due = self._clock() + self._timing.look_soon * 5
            return
        self._identity_fault = ""
        self._identity_due = self._clock() + self._timing.identity
        if found.all != self._registrations:
            self._refused.clear()
        self._registrations = found.all
        self._choose_registration()

    def _say_identity_fault(self, text: str) -> None:
        if text != self._identity_fault:
            log.error("%s: %s", self.config.name, text)
        self._identity_fault = text

    def _choose_registration(self) -> None:
        """The last used one first; one whose token the cloud refuses gives way to the next."""
        open_ones = [one for one in self._registrations if one.server_id not in self._refused] or list(
            self._registrations
        )
        chosen = open_ones[0]
        if (
            self.registration is not None
            and chosen != self.registration
            and not self.access.merchant
            and self.access.client is not None
        ):
            self.access.client.token_changed(chosen.token)
            log.info("%s: the station's registration is now %s", self.config.name, chosen.server_id)
        self._shown = self._shown if chosen.server_id == self.server else ()
        self.registration, self.server = chosen, chosen.server_id

    # -- the cloud ---------------------------------------------------------------------------------------------------

    async def _read_cloud(self, phase: Phase, record: Record) -> None:
        now = self._clock()
        if now < self._cloud_due and not self._door_asks(now):
            return
        if wait := self.access.turn(self._urgency(phase)):
            self._cloud_due = now + wait
            return
        client = await self._client()
        self._cloud_asked, self._came = now, False
        if client is None or self.server is None:
            self._cloud, self._cloud_due = None, now + self._timing.look_soon
            self._cloud_fault = (
                self._identity_fault
                or f"who the station is in the cloud is not known yet ({self.link.fault.fact if self.link.fault else self._sight.fault or 'no answer'})"
            )
            return
        try:
            sessions = await self._sessions(client, self.server, record)
            facts = tuple([await self._session_fact(one) for one in sessions])
        except CloudThrottled as error:
            self._cloud_failed(error, max(error.retry_after, self._cloud_backoff.next(random.random())))
        except (CloudUnauthorised, CloudForbidden) as error:
            self._registration_refused()
            untried = not self.access.merchant and len(self._refused) < len(self._registrations)
            self._cloud_failed(error, 0.0 if untried else self._refused_backoff.next(random.random()))
        except GateError as error:
            self._cloud_failed(error, self._cloud_backoff.next(random.random()))
        else:
            if self._cloud_fault_kind is not None:
                log.info("%s: the cloud answers again", self.config.name)
            self._shown = (*facts, *(gone := missing(self._shown, facts)))
            self._cloud, self._cloud_fault, self._cloud_fault_kind = CloudFacts(facts, now, missing=gone), "", None
            self.sessions = sessions
            self.listed(self.server, sessions)
            self._absent = {one.uuid: one.absent_at for one in facts}
            self._first_seen = {one.uuid: one.seen_at or now for one in facts}
            self._silent_since = None
            self.answered_at = now
            self._cloud_backoff.reset()
            self._refused_backoff.reset()
            self._refused.clear()
            self._cloud_due = now + self._pace(phase, facts)
            await self.listing.read(client, self.server, self.owner)

    async def _sessions(self, client: DrovaClient, server: UUID, record: Record) -> tuple[Session, ...]:
        """Read the newest sessions, and so many that the guarded one is among them."""
        limit = asyncio.timeout(ADMIT_SECONDS if record.prepared and self.held() else None)
        try:
            async with limit:
                sessions = await client.sessions(server, limit=SESSIONS_ASKED)
                if (
                    record.session is not None
                    and len(sessions) >= SESSIONS_ASKED
                    and all(one.uuid != record.session for one in sessions)
                ):
                    sessions = await client.sessions(server, limit=SESSIONS_ASKED_FAR)
        except TimeoutError as error:
            fact = f"no answer within {ADMIT_SECONDS:g} s while a player of a prepared station waits"
            raise CloudUnavailable("Drova API", fact, "it may pass by itself") from error
        return sessions

    def _door_asks(self, now: float) -> bool:
        """Whether what happens at the door makes an answer of the cloud pressing.

        A connection comes before its ready byte: asking then lets the preparation begin that much earlier.
        """
        if self.door is None:
            return False
        facts = self.door.facts(now)
        self._came = self._came or facts.live > self._live
        self._live = facts.live
        since = now - self._cloud_asked
        if facts.held and facts.newest_at is not None:
            return facts.newest_at > self._cloud_asked or since >= self._timing.held_poll
        return self._came and since >= self._timing.arrival_poll

    def _urgency(self, phase: Phase) -> Urgency:
        if self.held() or phase is Phase.PREPARING:
            return Urgency.PRESSING
        # Somebody at the port is no player yet: it may be a scan of all stations' ports.
        busy = self._came or phase not in (Phase.CLEAN, Phase.MAINTENANCE)
        return Urgency.BUSY if busy or any(one.status not in OVER for one in self.sessions) else Urgency.REST

    def _pace(self, phase: Phase, sessions: tuple[SessionFact, ...]) -> float:
        busy = phase not in (Phase.CLEAN, Phase.MAINTENANCE) or any(not one.over for one in sessions)
        if busy or (phase is Phase.CLEAN and self.maintenance() is not None):
            return self.config.poll_seconds
        return max(self.config.poll_seconds, self._timing.idle_relay if self.policy.relay else self._timing.idle_poll)

    def _cloud_failed(self, error: GateError, pause: float) -> None:
        text, kind = str(error), type(error)
        if kind is not self._cloud_fault_kind:
            log.warning("%s: %s", self.config.name, text)
            # The first text stays: each has an id of its request, and would be a new reason and a new line in the log.
            self._cloud_fault, self._cloud_fault_kind = text, kind
        else:
            log.debug("%s: %s", self.config.name, text)
        self._cloud = None
        self._silent_since = self._clock() if self._silent_since is None else self._silent_since
        self._cloud_due = self._clock() + pause

    def _registration_refused(self) -> None:
        if self.registration is not None and not self.access.merchant:
            if len(self._refused) >= len(self._registrations):
                self._refused.clear()  # all were refused, perhaps by an outage: each gets another turn
            self._refused.add(self.registration.server_id)
            self._identity_due = self._sight.due = 0.0  # the registry may hold a newer token already
            self._choose_registration()

    async def _client(self) -> DrovaClient | None:
        access = self.access
        if access.client is None:
            token = self.config.token if access.merchant else (self.registration.token if self.registration else None)
            if token is None:
                return None
            access.client, access.catalogue = access.open_client(token)
        return access.client

    async def _session_fact(self, session: Session) -> SessionFact:
        return SessionFact(
            uuid=session.uuid,
            product=session.product_id,
            status=session.status,
            created_ms=session.created_on,
            absent_at=self._absent.get(session.uuid, self.answered_at),
            seen_at=self._first_seen.get(session.uuid, self._clock()),
            desktop=await self._desktop(session),
            own=session.client_id is not None and session.client_id == session.merchant_id,
        )

    async def _desktop(self, session: Session) -> bool | None:
        if session.status in OVER or self.access.catalogue is None:
            return None
        try:
            return await self.access.catalogue.use_default_desktop(session.product_id)
        except GateError as error:
            log.debug("%s: product %s: %s", self.config.name, session.product_id, error)
            return None

    async def owner(self) -> UUID:
        """The account that the station belongs to."""
        if self.registration is not None and self.registration.user_id is not None:
            return self.registration.user_id
        client = await self._client()
        if client is None:
            raise RegistrationMissing(
                self.config.name, "no token is known yet", "the station must have been reached once"
            )
        return (await client.account()).uuid
