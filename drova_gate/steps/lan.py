r"""Blocking the house's network without cutting the station off. Pure.

Windows Firewall lets a block beat every allow, so "block all, allow the router" does not let the router through: what must stay
reachable is cut out of the blocked ranges. That is

* what the station itself reaches the world by: its default gateways, DNS and DHCP servers, as its registry holds them (no labels to be
  translated, unlike ``ipconfig``; a stale address of another adapter only leaves out more);
* the gate as the station sees it, which need not be how the gate sees itself: ``SSH_CLIENT``, set by sshd. Outbound rules should not
  touch the answers of a connection that the gate opened, but then nothing depends on it;
* the station's own addresses, and whatever the owner leaves out.

IPv4 only: the neighbours' link-local IPv6 addresses share their network with neighbour discovery and the router itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from drova_gate.core.model import StepOutcome, StepResult
from drova_gate.host.commands import Run, SayVariable, Script, Section, sections
from drova_gate.host.parse import RegistryKeys, labels, registry_keys
from drova_gate.steps.lockdown_switches import FirewallRule, Lockdown

__all__ = [
    "LAN",
    "NEIGHBOURS_QUESTION",
    "Neighbours",
    "address_fault",
    "around",
    "asks",
    "listed_ranges",
    "merged",
    "ranges",
    "read_neighbours",
    "remote_fault",
]

LAN = "lan"
NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
"""What ``lan`` stands for: the private networks (RFC 1918) and link-local addresses (RFC 3927)."""

_INTERFACES = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
_ROUTES = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\PersistentRoutes"
_SECTION = "neighbours"
_GATE = "gate"

NEIGHBOURS_QUESTION: Script = (
    Section(_SECTION, (Run("reg.exe", ("query", _INTERFACES, "/s")), Run("reg.exe", ("query", _ROUTES)))),
    SayVariable(_GATE, "SSH_CLIENT"),
)
"""Asks the station for its neighbours; changes nothing."""

_GATEWAYS = ("DefaultGateway", "DhcpDefaultGateway")
_SERVERS = ("NameServer", "DhcpNameServer", "DhcpServer")
_OWN = ("IPAddress", "DhcpIPAddress")
_DEFAULT_ROUTE = re.compile(r"0\.0\.0\.0,0\.0\.0\.0,([0-9.]+),")
_V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_LISTED = re.compile(
    rf"({_V4})(?:-({_V4})|/({_V4}|\d{{1,2}}))?(?![\d.])|([0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)(?:-([0-9A-Fa-f:.]+)|/(\d{{1,3}}))?"
)

Range = tuple[int, int, int]
"""IP version, first and last address."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whom the station must go on reaching."""

    gateways: frozenset[IPv4Address]
    servers: frozenset[IPv4Address]
    own: frozenset[IPv4Address]
    gate: IPv4Address | IPv6Address | None

    @property
    def spared(self) -> frozenset[IPv4Address | IPv6Address]:
        """All of them."""
        return self.gateways | self.servers | self.own | ({self.gate} if self.gate else set())


def asks(lockdown: Lockdown) -> bool:
    """Whether the lockdown needs to know the station's neighbours."""
    return any(rule.remote for rule in lockdown.rules)


def read_neighbours(output: str) -> Neighbours | None:
    """Read what ``NEIGHBOURS_QUESTION`` printed; ``None``: its registry could not be read."""
    keys = registry_keys(sections(output).get(_SECTION, ""))
    if not keys:
        return None
    routes = {
        match[1] for key in keys.keys for value in key.values if (match := _DEFAULT_ROUTE.match(value.name)) is not None
    }
    client = labels(output).get(_GATE, "").split()
    return Neighbours(
        gateways=_addresses([*_texts(keys, _GATEWAYS), *routes]),
        servers=_addresses(_texts(keys, _SERVERS)),
        own=_addresses(_texts(keys, _OWN)),
        gate=_address(client[0]) if client else None,
    )


def around(lockdown: Lockdown, neighbours: Neighbours | None) -> tuple[Lockdown, tuple[StepResult, ...]]:
    """Write the ranges of every rule with addresses around the station's neighbours.

    A rule of which the router or the gate is not known is left out, and its step has failed with the reason: better a visible house
    than a station without DNS.
    """
    kept, failed = list[FirewallRule](), list[StepResult]()
    for rule in lockdown.rules:
        fault = _unknown(rule, neighbours) if rule.remote else ""
        if fault:
            failed.append(StepResult(f"lockdown.{rule.name}", StepOutcome.FAILED, fault, rule.must))
            continue
        left_out = {ip_address(address) for address in rule.leave_out} | (
            neighbours.spared if neighbours else frozenset()
        )
        kept.append(replace(rule, remote=ranges(rule.remote, left_out)) if rule.remote else rule)
    return lockdown.with_rules(kept), tuple(failed)


def ranges(remote: Iterable[str], left_out: Iterable[IPv4Address | IPv6Address]) -> tuple[str, ...]:
    """Cut addresses out of networks: what is left, as netsh takes it (``a`` or ``a-b``), in order, without overlap."""
    holes = [(address.version, int(address), int(address)) for address in left_out]
    pieces = list[Range]()
    for version, first, last in merged(remote):
        start = first
        for _, hole, _ in sorted(hole for hole in holes if hole[0] == version and first <= hole[1] <= last):
            if start < hole:
                pieces.append((version, start, hole - 1))
            start = hole + 1
        if start <= last:
            pieces.append((version, start, last))
    return tuple(_written(piece) for piece in pieces)


def merged(remote: Iterable[str]) -> tuple[Range, ...]:
    """Networks, ranges and addresses as ranges in order, those that touch joined; ``ValueError`` for anything else."""
    joined = list[Range]()
    for version, first, last in sorted(
        _range(text) for word in remote for text in (NETWORKS if word == LAN else (word,))
    ):
        if joined and joined[-1][0] == version and first <= joined[-1][2] + 1:
            joined[-1] = (version, joined[-1][1], max(last, joined[-1][2]))
        else:
            joined.append((version, first, last))
    return tuple(joined)


def listed_ranges(text: str) -> tuple[Range, ...]:
    """Find all addresses in a listing of netsh, however it writes them: ``a``, ``a-b``, ``a/24``, ``a/255.255.255.0``."""
    found = list[str]()
    for match in _LISTED.finditer(text):
        try:
            _range(match[0])
        except ValueError:
            continue
        found.append(match[0])
    return merged(found)


def remote_fault(text: str) -> str:
    """What is wrong with an address, range or network that is to be blocked; empty: nothing."""
    try:
        version, first, last = _range(text) if text != LAN else (4, 0, 0)
    except ValueError:
        return 'write "lan", an address, a range a-b or a network such as 192.168.7.0/24'
    if last - first >= 1 << (24 if version == 4 else 121):
        return "so many addresses would cut the station off the internet: at most a network of /8 (IPv6: /7)"
    return ""


def address_fault(text: str) -> str:
    """What is wrong with an address that is to be left out; empty: nothing."""
    return "" if _address(text) else "write a single address, such as 192.168.1.5"


# -- inside ----------------------------------------------------------------------------------------------------------


def _unknown(rule: FirewallRule, neighbours: Neighbours | None) -> str:
    """Why the rule cannot be written without cutting the station off; who names addresses himself has answered it."""
    advice = f"name what must stay reachable in leave_out of {rule.name}"
    if neighbours is None:
        return "the station's own network settings cannot be read"
    if not neighbours.gateways and not rule.leave_out:
        return f"the station's router is not to be seen in its settings: {advice}"
    if neighbours.gate is None and not rule.leave_out:
        return f"the station does not say by which address it sees the gate: {advice}"
    return ""


def _texts(keys: RegistryKeys, names: tuple[str, ...]) -> Iterable[str]:
    for key in keys.keys:
        for name in names:
            # Lists are parted by blanks or commas, and by \0 where reg.exe prints a REG_MULTI_SZ.
            yield from re.split(r"[\s,;]+|\\0", key.text(name))


def _addresses(texts: Iterable[str]) -> frozenset[IPv4Address]:
    found = (_address(text) for text in texts)
    # 0.0.0.0 and 255.255.255.255 stand for "none" there.
    return frozenset(one for one in found if isinstance(one, IPv4Address) and int(one) not in (0, 0xFFFFFFFF))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # An IPv4 peer of a socket for both shows as ::ffff:192.168.1.2.
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _range(text: str) -> Range:
    first, dash, last = text.partition("-")
    if dash:
        begin, end = ip_address(first), ip_address(last)
        if begin.version != end.version or int(begin) > int(end):
            raise ValueError(f"{text!r} is no range")
        return begin.version, int(begin), int(end)
    network = ip_network(text, strict=False)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _written(piece: Range) -> str:
    version, first, last = piece
    kind = IPv4Address if version == 4 else IPv6Address
    return str(kind(first)) if first == last else f"{kind(first)}-{kind(last)}"
