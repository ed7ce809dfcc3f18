"""What a relay has seen and done: the figures for status texts and metrics."""

import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

__all__ = ["ConnectionFigures", "LineQuality", "Refusal", "RelayFigures", "Spell", "Tally"]


class Refusal(StrEnum):
    """Why a client was turned away."""

    FULL = "full"
    """Too many connections in all."""
    ADDRESS_FULL = "address_full"
    """Too many from its address."""
    NETWORK = "network"
    """Its address is in none of the allowed networks."""
    STATION_OFF = "station_off"
    """The station did not take the connection."""
    DESCRIPTORS = "descriptors"
    """The system was short of descriptors."""
    VERDICT = "verdict"
    """Held, and not let in: the station was not confirmed as prepared."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A duration that came up several times, in seconds."""

    count: int = 0
    total: float = 0.0
    longest: float = 0.0
    last: float | None = None

    def and_(self, seconds: float) -> "Spell":
        """With one more."""
        return Spell(self.count + 1, self.total + seconds, max(self.longest, seconds), seconds)


@dataclass(frozen=True, slots=True)
class LineQuality:
    """The line to one client, as the kernel saw it until its end."""

    round_trip_seconds: float
    round_trip_swing_seconds: float
    segments_sent: int
    segments_sent_again: int

    @classmethod
    def of(cls, sock: socket.socket) -> "LineQuality | None":
        """Read ``TCP_INFO``; ``None`` where the kernel does not tell."""
        try:
            raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        except OSError:
            return None
        if len(raw) < _TCP_INFO_BYTES:
            return None
        round_trip, swing, again, sent = _TCP_INFO.unpack(raw)
        return cls(round_trip / 1e6, swing / 1e6, sent, again)

    def __str__(self) -> str:
        share = 100 * self.segments_sent_again / self.segments_sent if self.segments_sent else 0.0
        return (
            f"round trip {self.round_trip_seconds * 1000:.1f} ms +- {self.round_trip_swing_seconds * 1000:.1f}, "
            f"{share:.2f} % sent again"
        )


# struct tcp_info of linux/tcp.h: 8 bytes of flags, 24 times u32 (tcpi_rtt the 16th, tcpi_rttvar the 17th, in microseconds;
# tcpi_total_retrans the 24th), 4 times u64, then u32 tcpi_segs_out. In kernels since 4.2.
_TCP_INFO = struct.Struct("=8x 60x II 24x I 32x I")
_TCP_INFO_BYTES = _TCP_INFO.size


@dataclass(frozen=True, slots=True)
class ConnectionFigures:
    """One connection that is there now."""

    client: str
    seconds: float
    """Since it connected."""
    bytes_to_client: int
    bytes_to_station: int
    ready_after_seconds: float | None
    """``None``: no ready byte yet."""
    held: bool


@dataclass(frozen=True, slots=True)
class RelayFigures:
    """One station's relay, as of one moment."""

    connections_now: int
    connections_ever: int
    held_now: int
    bytes_to_clients: int
    bytes_to_station: int
    to_ready: Spell
    """From the connection to the ready byte."""
    held: Spell
    """From the ready byte to the verdict."""
    refusals: MappingProxyType[Refusal, int]
    """How many clients were turned away, by reason."""
    line: LineQuality | None
    """The last finished session's line to its client."""

    def __str__(self) -> str:
        parts = [
            f"{self.connections_now} connections now, {self.connections_ever} ever",
            f"{self.bytes_to_clients} bytes to clients, {self.bytes_to_station} to the station",
        ]
        if self.held_now:
            parts.append(f"{self.held_now} held")
        for spell, what in ((self.to_ready, "to ready"), (self.held, "held")):
            if spell.last is not None:
                parts.append(f"{what} {spell.last:.3f} s (longest {spell.longest:.3f})")
        turned_away = ", ".join(f"{count} {reason}" for reason, count in self.refusals.items() if count)
        if turned_away:
            parts.append(f"turned away: {turned_away}")
        if self.line is not None:
            parts.append(f"last line: {self.line}")
        return "; ".join(parts)


@dataclass(slots=True)
class Tally:
    """What is counted while the relay runs."""

    connections: int = 0
    bytes_to_clients: int = 0
    """Of connections that have ended."""
    bytes_to_station: int = 0
    to_ready: Spell = field(default_factory=Spell)
    held: Spell = field(default_factory=Spell)
    refusals: Counter[Refusal] = field(default_factory=Counter)
    line: LineQuality | None = None
