"""One client's connection to the station: two flows, the ready watch, the hold, and every way it can end."""

import asyncio
import logging
import socket
import time
from typing import Protocol

from drova_gate.core.model import Verdict
from drova_gate.relay.door import Visitor
from drova_gate.relay.flow import Flow, Means
from drova_gate.relay.ready import ReadyWatch
from drova_gate.relay.sockets import abort, is_connected, is_dead

__all__ = ["Keeper", "Relay"]

logger = logging.getLogger(__name__)


class Keeper(Protocol):
    """Who keeps the relays: the listener."""

    def ready_seen(self, relay: "Relay") -> asyncio.Task[None] | None:
        """The ready byte was seen: the task that waits for the verdict, or ``None`` when nobody is held."""

    def decided(self, relay: "Relay", verdict: Verdict) -> None:
        """A held client's wait is over."""

    def station_answered(self, relay: "Relay") -> None:
        """The station sent its first bytes."""

    def station_failed(self, relay: "Relay", error: OSError) -> None:
        """The station's side broke."""

    def half_closed(self, relay: "Relay") -> None:
        """One side has sent its last byte."""

    def ending(self, relay: "Relay") -> None:
        """The relay is over and its sockets are about to be closed."""

    def ended(self, relay: "Relay") -> None:
        """The relay is over and its sockets are closed."""


class Relay:
    """One client, one connection to the station."""

    __slots__ = (
        "_keeper",
        "_kept",
        "_verdict",
        "_watch",
        "client",
        "down",
        "end_reason",
        "ended",
        "held_seconds",
        "ready_at",
        "station",
        "station_gone",
        "up",
        "visitor",
    )

    def __init__(
        self,
        means: Means,
        keeper: Keeper,
        visitor: Visitor,
        client: socket.socket,
        station: socket.socket,
    ) -> None:
        self.visitor = visitor
        self.client = client
        self.station = station
        self.up = Flow(means, client, station, self)
        """From the client to the station."""
        self.down = Flow(means, station, client, self)
        """From the station to the client."""
        self.ready_at: float | None = None
        """When the ready byte was seen, ``time.monotonic()``."""
        self.held_seconds = 0.0
        self.ended = False
        self.end_reason = ""
        """Why it ended, in words; empty while it lives."""
        self.station_gone = False
        """The station broke off while the client was held, who is to notice nothing before the verdict."""
        self._keeper = keeper
        self._watch: ReadyWatch | None = None
        self._kept = b""
        self._verdict: asyncio.Task[None] | None = None

    def start(self, *, watch: bool) -> None:
        """Begin to carry; the station's socket may still be connecting (it takes no bytes until it is connected)."""
        self._watch = ReadyWatch() if watch else None
        self.down.gate = self._look
        self.down.start()
        self.up.start()

    @property
    def held(self) -> bool:
        """Whether the client waits for a verdict."""
        return self._verdict is not None

    def close(self, reason: str) -> None:
        """End it in an orderly way (FIN to both)."""
        self._end(reason, reset=False)

    def break_off(self, reason: str) -> None:
        """End it with RST to both."""
        self._end(reason, reset=True)

    def decide(self, verdict: Verdict) -> None:
        """The verdict has come: let the client in, or send it away without a byte."""
        self._verdict = None
        if self.ended:
            return
        if self.ready_at is not None:
            self.held_seconds = time.monotonic() - self.ready_at
        self._keeper.decided(self, verdict)
        kept, self._kept = self._kept, b""
        if verdict is Verdict.REFUSE:
            self.close("refused")
        elif self.station_gone:
            self.break_off("the station broke off while the player was held")
        else:
            self.down.release(kept)

    # -- what the flows report ---------------------------------------------------------------------------------------------

    def broken(self, sock: socket.socket, error: OSError) -> None:
        """A socket failed: the other side sees it as RST, at once; a held client only after its verdict."""
        if sock is self.client:
            self.break_off(f"client: {error.strerror or error}")
            return
        self._keeper.station_failed(self, error)
        if self.held:
            self.station_gone = True
            self.up.discard()
        else:
            self.break_off(f"station: {error.strerror or error}")

    def drained(self, flow: Flow) -> None:
        """One direction has ended; when both have, so has the relay."""
        if self.up.drained and self.down.drained:
            self.close("both sides finished")
            return
        flow.end_sink()
        if not self.ended:
            self._keeper.half_closed(self)

    def _look(self, chunk: bytes) -> bytes:
        """Gate of the station's bytes until the ready byte is seen."""
        watch = self._watch
        if self.down.carried == 0:
            self._keeper.station_answered(self)
        if watch is None:
            self.down.gate = None
            return chunk
        split = watch.feed(chunk)
        if not watch.seen:
            return chunk
        # Only the first ready byte means something; from here on nobody looks at the bytes any more.
        self._watch = None
        self.down.gate = None
        self.ready_at = time.monotonic()
        self._verdict = self._keeper.ready_seen(self)
        if self._verdict is None:
            return chunk
        self._kept = split.held
        self.down.hold()
        return split.passes

    # -- looked after from time to time ------------------------------------------------------------------------------------

    def connected(self) -> bool:
        """Whether the station took the connection."""
        return is_connected(self.station)

    def check_dead(self) -> None:
        """Notice a side that reset after it had half-closed: nobody reads there any more, so no event tells."""
        for flow, name in ((self.up, "client"), (self.down, "station")):
            if flow.drained and not self.ended and is_dead(flow.source):
                self.break_off(f"{name}: reset after its half-close")

    def _end(self, reason: str, *, reset: bool) -> None:
        if self.ended:
            return
        self.ended = True
        self.end_reason = reason
        if self._verdict is not None:
            self._verdict.cancel()
            self._verdict = None
        self.up.stop()
        self.down.stop()
        self._kept = b""
        self._keeper.ending(self)
        for sock in (self.client, self.station):
            if reset:
                abort(sock)
            else:
                sock.close()
        self._keeper.ended(self)
