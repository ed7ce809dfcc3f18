"""The connections of one station: who is let in, how each came to its end, and the figures of all."""

import asyncio
import errno
import logging
import os
import socket
import time
from collections import Counter
from types import MappingProxyType

from drova_gate.core.model import Verdict
from drova_gate.relay.complaint import Complaint
from drova_gate.relay.door import Door, Visitor
from drova_gate.relay.figures import ConnectionFigures, LineQuality, Refusal, RelayFigures, Tally
from drova_gate.relay.flow import Means
from drova_gate.relay.limits import Limits
from drova_gate.relay.pipes import PipePool
from drova_gate.relay.polling import Poller
from drova_gate.relay.relay import Relay
from drova_gate.relay.sockets import OUT_OF_DESCRIPTORS, abort, bound, keep_alive, no_delay
from drova_gate.relay.target import Target

__all__ = ["Relays"]

logger = logging.getLogger(__name__)

LOOK_AFTER_SECONDS = 0.5
"""How often young, idle or half-closed connections are looked at (only while there are any)."""

_STATION_OFF = frozenset(
    {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ETIMEDOUT}
)


class Relays:
    """Takes clients, connects each to the station, hears how they fare; the ``Keeper`` of its relays."""

    def __init__(self, target: Target, door: Door, limits: Limits, pipes: PipePool, *, watch: bool) -> None:
        self._target = target
        self._door = door
        self._limits = limits
        self._pipes = pipes
        self._means: Means | None = None
        self._watch = watch
        self._live: set[Relay] = set()
        self._per_address: Counter[str] = Counter()
        self._fresh: set[Relay] = set()
        self._young: set[Relay] = set()
        self._half_closed: set[Relay] = set()
        self._idle_since: dict[Relay, tuple[int, float]] = {}
        self._something_to_do = asyncio.Event()
        self._tally = Tally()
        self._off = Complaint(logger)
        self._silent = Complaint(logger)
        self._full = Complaint(logger)
        self._strangers = Complaint(logger)
        self.tasks: asyncio.TaskGroup | None = None
        """Where verdicts are waited for and names looked up; set while the listener serves."""
        self.empty = asyncio.Event()
        """Set while there is no connection."""
        self.empty.set()

    def __len__(self) -> int:
        """Connections right now."""
        return len(self._live)

    # -- letting in ---------------------------------------------------------------------------------------------------------

    def take(self, client: socket.socket, host: str, port: int) -> bool:
        """Relay one accepted client, or send it away; ``False``: the system is short of descriptors."""
        if self._means is None:
            abort(client)
            return True
        if self._turned_away(client, host):
            return True
        visitor = Visitor(host, port, time.monotonic())
        try:
            station = self._connect()
        except OSError as error:
            abort(client)
            if error.errno in OUT_OF_DESCRIPTORS:
                self._tally.refusals[Refusal.DESCRIPTORS] += 1
                return False
            self._station_off(visitor, error)
            return True
        relay = Relay(self._means, self, visitor, client, station)
        self._live.add(relay)
        self._per_address[host] += 1
        self._tally.connections += 1
        self.empty.clear()
        self._fresh.add(relay)
        if self._limits.idle_seconds > 0:
            self._idle_since[relay] = (0, visitor.opened_at)
        if not self._something_to_do.is_set():
            self._something_to_do.set()
        relay.start(watch=self._watch)
        logger.debug("station %s: client %s connected", self._door.name, visitor)
        self._door.opened(visitor)
        return True

    def _turned_away(self, client: socket.socket, host: str) -> bool:
        """Whether the client may not come in at all; then it is gone already."""
        limits = self._limits
        if limits.networks and not limits.allows(host):
            reason, complaint = Refusal.NETWORK, self._strangers
            why = f"its address is in none of the networks of {limits.names.allow}"
        elif len(self._live) >= limits.connections:
            reason, complaint = Refusal.FULL, self._full
            why = f"there are {limits.connections} connections already ({limits.names.connections}, the limit in all); running sessions go on"
        elif self._per_address[host] >= limits.per_address:
            reason, complaint = Refusal.ADDRESS_FULL, self._full
            why = f"it has {limits.per_address} connections already ({limits.names.per_address}, the limit per address); running sessions go on"
        else:
            return False
        abort(client)
        self._tally.refusals[reason] += 1
        complaint.say(f"station {self._door.name}: client {host} turned away, {why}")
        return True

    def _connect(self) -> socket.socket:
        """Begin a connection to the station; it comes true, or breaks, later."""
        if self._target.address is None:
            raise OSError(errno.EHOSTUNREACH, f"the name {self._target.host} is not known")
        family, address = self._target.address
        station = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        no_delay(station)  # what else there is to set waits: for bulk, or until the connection has lived for a moment
        code = station.connect_ex(address)
        if code in (0, errno.EINPROGRESS):
            return station
        station.close()
        raise OSError(code, os.strerror(code))

    def _station_off(self, visitor: Visitor, error: OSError) -> None:
        self._tally.refusals[Refusal.STATION_OFF] += 1
        self._off.say(
            f"station {self._door.name}: takes no connection on {self._target} ({error.strerror or error}), client {visitor} "
            f"turned away; see that it is on, that Drova's agent runs there and that its firewall lets the port in"
        )
        # A name may mean another address by now (DHCP); the next client profits.
        if self._target.named and self.tasks is not None:
            self.tasks.create_task(self._target.look_up())

    # -- what the relays report -----------------------------------------------------------------------------------------------

    def ready_seen(self, relay: Relay) -> asyncio.Task[None] | None:
        """The ready byte was seen: let someone wait for the verdict, unless players are never held."""
        self._young.discard(relay)
        seconds = (relay.ready_at or time.monotonic()) - relay.visitor.opened_at
        self._tally.to_ready = self._tally.to_ready.and_(seconds)
        logger.info("station %s: ready %.3f s after client %s connected", self._door.name, seconds, relay.visitor)
        if not self._door.holds or self.tasks is None:
            self._door.stir()
            return None
        return self.tasks.create_task(self._await_verdict(relay))

    async def _await_verdict(self, relay: Relay) -> None:
        relay.decide(await self._door.knock(relay.visitor))

    def decided(self, relay: Relay, verdict: Verdict) -> None:
        """A held client's wait is over."""
        self._tally.held = self._tally.held.and_(relay.held_seconds)
        if verdict is Verdict.REFUSE:
            self._tally.refusals[Refusal.VERDICT] += 1

    def station_answered(self, relay: Relay) -> None:
        """The station sent something."""
        if self._off.standing:
            self._off.over(f"station {self._door.name}: takes connections on {self._target} again")
        if self._silent.standing:
            self._silent.over(f"station {self._door.name}: its agent answers {relay.visitor} again")

    def station_failed(self, relay: Relay, error: OSError) -> None:
        """The station does not take the connection, or broke it."""
        if error.errno in _STATION_OFF and not (relay.down.carried or relay.up.carried):
            self._station_off(relay.visitor, error)
        else:
            logger.info(
                "station %s: broke its connection with client %s (%s)", self._door.name, relay.visitor, error.strerror
            )

    def half_closed(self, relay: Relay) -> None:
        """One side is done; from now on its reset would go unnoticed."""
        self._half_closed.add(relay)
        self._something_to_do.set()

    def ending(self, relay: Relay) -> None:
        """A relay is about to close its sockets: the last look at the line of a real visit."""
        if self._is_visit(relay):
            self._tally.line = LineQuality.of(relay.client) or self._tally.line

    def ended(self, relay: Relay) -> None:
        """A relay is over."""
        self._live.discard(relay)
        self._fresh.discard(relay)
        self._young.discard(relay)
        self._half_closed.discard(relay)
        self._idle_since.pop(relay, None)
        host = relay.visitor.host
        self._per_address[host] -= 1
        if not self._per_address[host]:
            del self._per_address[host]
        if not self._live:
            self.empty.set()
        self._tally.bytes_to_clients += relay.down.carried
        self._tally.bytes_to_station += relay.up.carried
        self._say_left(relay)
        self._door.closed(relay.visitor)

    def _is_visit(self, relay: Relay) -> bool:
        """Whether it was more than a knock: for the log and the line's figures, which no port scan may flood."""
        return relay.ready_at is not None or (not self._watch and relay.down.carried + relay.up.carried > 0)

    def _say_left(self, relay: Relay) -> None:
        visit = self._is_visit(relay)
        level = logging.INFO if visit else logging.DEBUG
        if not logger.isEnabledFor(level):
            return
        logger.log(
            level,
            "station %s: client %s left after %.1f s (%s); %d bytes to it, %d from it%s",
            self._door.name,
            relay.visitor,
            time.monotonic() - relay.visitor.opened_at,
            relay.end_reason,
            relay.down.carried,
            relay.up.carried,
            f"; {self._tally.line}" if visit and self._tally.line else "",
        )

    # -- looking after ----------------------------------------------------------------------------------------------------------

    async def look_after(self) -> None:
        """Time limits and unseen ends, until cancelled; sleeps for good while every connection is in its steady state."""
        while True:
            await self._something_to_do.wait()
            await asyncio.sleep(min(LOOK_AFTER_SECONDS, self._limits.connect_seconds / 4))
            now = time.monotonic()
            self._settle_fresh()
            for relay in list(self._young):
                self._look_at_young(relay, now)
            for relay in list(self._half_closed):
                relay.check_dead()
            for relay in list(self._idle_since):
                self._look_at_idle(relay, now)
            if not (self._young or self._half_closed or self._idle_since):
                self._something_to_do.clear()

    def _settle_fresh(self) -> None:
        """What can wait until a connection has lived for a moment: most of a scan's are over by then."""
        fresh, self._fresh = self._fresh, set()
        for relay in fresh:
            bound(relay.station)
            keep_alive(relay.station)
            if relay.ready_at is None:
                self._young.add(relay)

    def _look_at_young(self, relay: Relay, now: float) -> None:
        age = now - relay.visitor.opened_at
        if age >= self._limits.connect_seconds and not relay.connected():
            seconds = f"no answer within {self._limits.connect_seconds:g} s"
            self._station_off(relay.visitor, OSError(errno.ETIMEDOUT, seconds))
            relay.break_off("the station did not answer")
        elif not self._watch:
            if age >= self._limits.connect_seconds:
                self._young.discard(relay)
        elif age >= self._limits.silence_seconds:
            self._young.discard(relay)
            self._silent.say(
                f"station {self._door.name}: took the connection of client {relay.visitor} and has not said that it is ready "
                f"for {self._limits.silence_seconds:g} s ({relay.up.carried} bytes went there meanwhile); see whether Drova's "
                f"agent hangs there"
            )

    def _look_at_idle(self, relay: Relay, now: float) -> None:
        carried, since = self._idle_since[relay]
        total = relay.down.carried + relay.up.carried
        if total != carried or relay.held:
            self._idle_since[relay] = (total, now)
        elif now - since >= self._limits.idle_seconds:
            relay.break_off(f"no byte either way for {self._limits.idle_seconds:g} s")

    def open(self, poller: Poller) -> None:
        """From now on clients can be taken, until ``cut``."""
        self._means = Means(asyncio.get_running_loop(), poller, self._pipes)

    def cut(self, reason: str) -> None:
        """End every connection now."""
        for relay in list(self._live):
            relay.close(reason)
        if self._means is not None:
            self._means.close()
            self._means = None

    # -- figures ------------------------------------------------------------------------------------------------------------------

    def figures(self) -> RelayFigures:
        """All of them, as of now."""
        tally = self._tally
        return RelayFigures(
            connections_now=len(self._live),
            connections_ever=tally.connections,
            held_now=sum(relay.held for relay in self._live),
            bytes_to_clients=tally.bytes_to_clients + sum(relay.down.carried for relay in self._live),
            bytes_to_station=tally.bytes_to_station + sum(relay.up.carried for relay in self._live),
            to_ready=tally.to_ready,
            held=tally.held,
            refusals=MappingProxyType({reason: tally.refusals[reason] for reason in Refusal}),
            line=tally.line,
        )

    def connections(self) -> tuple[ConnectionFigures, ...]:
        """Who is there now, the oldest first."""
        now = time.monotonic()
        return tuple(
            ConnectionFigures(
                client=relay.visitor.address,
                seconds=now - relay.visitor.opened_at,
                bytes_to_client=relay.down.carried,
                bytes_to_station=relay.up.carried,
                ready_after_seconds=None if relay.ready_at is None else relay.ready_at - relay.visitor.opened_at,
                held=relay.held,
            )
            for relay in sorted(self._live, key=lambda relay: relay.visitor.opened_at)
        )
