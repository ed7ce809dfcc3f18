"""How much one station's relay takes on, and from whom."""

import ipaddress
from dataclasses import dataclass

__all__ = ["Limits", "Network", "read_networks"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one station's relay takes on, and from whom."""

    connections: int = 256
    """At once in all. A rental is one or two; the rest is room for mistakes."""
    per_address: int = 32
    """At once from one client address."""
    networks: tuple[Network, ...] = ()
    """Where clients may come from (``DROVA_ALLOW``); empty: from anywhere."""
    connect_seconds: float = 5.0
    """Until the station must have taken the connection: a home network answers in milliseconds, or after one lost SYN (1 s)."""
    silence_seconds: float = 30.0
    """Without a ready byte for so long: said in the log. The connection lives on."""
    idle_seconds: float = 0.0
    """Without a byte either way for so long: ended. 0: never (a player may think)."""

    def allows(self, host: str) -> bool:
        """Whether a client with this address may connect at all."""
        if not self.networks:
            return True
        address = ipaddress.ip_address(host.partition("%")[0])
        return any(address in network for network in self.networks)


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks and addresses, separated by commas or blanks (``192.168.0.0/16, 2001:db8::/32, 203.0.113.7``).

    Raises ValueError naming the part that is none; host bits are taken as a slip and cleared.
    """
    networks = []
    for part in text.replace(",", " ").split():
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError as error:
            raise ValueError(f"{part} is no address or network; write for example 192.168.0.0/16") from error
    return tuple(networks)
