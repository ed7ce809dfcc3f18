"""Trials that look like one person's: several accounts from one place, or one account with many of them. Pure.

A suspicion, not a proof: a dormitory, an office or a provider's common address has several honest players.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Limits", "Suspicion", "Trial", "network_of", "suspicions"]


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many on it is worth a look."""

    per_address: int = 2
    """Accounts with trials from one address."""
    per_network: int = 4
    """Accounts with trials from one network: /24 of IPv4, /64 of IPv6, which one household gets."""
    per_player: int = 3
    """Trials of one account."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One session that nobody paid for."""

    player: str | None
    address: str | None
    began: int
    milliseconds: int
    station: str


@dataclass(slots=True)
class Suspicion:
    """Trials that belong together."""

    kind: str
    """``address``, ``network`` or ``player``."""
    what: str
    players: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    stations: set[str] = field(default_factory=set)
    trials: int = 0
    milliseconds: int = 0
    first: int = 0
    last: int = 0

    def add(self, trial: Trial) -> None:
        """Count one more."""
        self.trials += 1
        self.milliseconds += trial.milliseconds
        self.first = min(self.first or trial.began, trial.began)
        self.last = max(self.last, trial.began)
        self.stations.add(trial.station)
        if trial.player:
            self.players.add(trial.player)
        if trial.address:
            self.addresses.add(trial.address)

    def row(self) -> dict[str, Any]:
        """Write it as a row."""
        return {
            "kind": self.kind,
            "what": self.what,
            "players": len(self.players),
            "trials": self.trials,
            "hours": self.milliseconds / 3_600_000,
            "first": self.first,
            "last": self.last,
            "stations": len(self.stations),
            "client_ids": sorted(self.players),
        }


def network_of(address: str) -> str | None:
    """Name the network that an address is in; ``None``: it is none, or one that many share by its nature."""
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if not found.is_global:
        return None  # a private network, or a provider's shared address (CGNAT)
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False))


def suspicions(trials: Iterable[Trial], limits: Limits) -> list[Suspicion]:
    """Find what is worth a look, the most accounts first."""
    groups: dict[tuple[str, str], Suspicion] = {}
    networks: dict[str, str | None] = {}
    for trial in trials:
        keys = [("player", trial.player)]
        if trial.address:
            if trial.address not in networks:
                networks[trial.address] = network_of(trial.address)
            keys += [("address", trial.address), ("network", networks[trial.address])]
        for kind, what in keys:
            if what:
                groups.setdefault((kind, what), Suspicion(kind, what)).add(trial)
    found = [
        one
        for one in groups.values()
        if (one.kind == "player" and one.trials >= limits.per_player)
        or (one.kind == "address" and len(one.players) >= limits.per_address)
        # A network of one address says nothing that the address does not say.
        or (one.kind == "network" and len(one.addresses) > 1 and len(one.players) >= limits.per_network)
    ]
    return sorted(found, key=lambda one: (-len(one.players), -one.trials, one.kind, one.what))
