"""How much one station's relay takes on, and from whom."""

import ipaddress
from dataclasses import dataclass, field

__all__ = ["Limits", "Names", "Network"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Names:
    """What the owner calls the settings that the relay's advice speaks of."""

    listen_port: str = "DROVA_SOCKET_LISTEN"
    listen_host: str = "DROVA_LISTEN_HOST"
    allow: str = "DROVA_ALLOW"
    connections: str = "DROVA_MAX_CONNECTIONS"
    per_address: str = "DROVA_MAX_PER_ADDRESS"
    drain: str = "DROVA_DRAIN_SECONDS"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one station's relay takes on, and from whom."""

    connections: int = 256
    """At once in all (``DROVA_MAX_CONNECTIONS``). A rental is one or two; the rest is room for mistakes."""
    per_address: int = 32
    """At once from one client address (``DROVA_MAX_PER_ADDRESS``)."""
    networks: tuple[Network, ...] = ()
    """Where clients may come from (``DROVA_ALLOW``); empty: from anywhere."""
    connect_seconds: float = 5.0
    """Until the station must have taken the connection: a home network answers in milliseconds, or after one lost SYN (1 s)."""
    silence_seconds: float = 30.0
    """Without a ready byte for so long: said in the log. The connection lives on."""
    idle_seconds: float = 0.0
    """Without a byte either way for so long: ended. 0: never (a player may think)."""
    names: Names = field(default_factory=Names)

    def allows(self, host: str) -> bool:
        """Whether a client with this address may connect at all."""
        if not self.networks:
            return True
        address = ipaddress.ip_address(host.partition("%")[0])
        return any(address in network for network in self.networks)
