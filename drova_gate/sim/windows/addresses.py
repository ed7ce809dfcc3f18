"""Addresses as netsh takes them for ``remoteip=``, and as it shows them afterwards."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network, summarize_address_range

__all__ = ["Range", "covers", "parse", "shown"]

_KEYWORDS = {
    "any": "any",
    "localsubnet": "LocalSubnet",
    "dns": "DNS",
    "dhcp": "DHCP",
    "wins": "WINS",
    "defaultgateway": "DefaultGateway",
}

Range = tuple[IPv4Address, IPv4Address] | tuple[IPv6Address, IPv6Address]


def parse(text: str) -> tuple[str | Range, ...] | None:
    """A comma list without blanks: keywords, ``a``, ``a-b``, ``a/24``, ``a/255.255.255.0``; ``None``: not valid."""
    found: list[str | Range] = []
    for word in text.split(","):
        if keyword := _KEYWORDS.get(word.lower()):
            found.append(keyword)
            continue
        if word != word.strip():
            return None
        try:
            found.append(_range(word))
        except ValueError:
            return None
    return None if "any" in found and len(found) > 1 else tuple(found)


def shown(text: str) -> str:
    """How a listing writes them: subnets with their prefix, a single address as one, too."""
    return ",".join(word if isinstance(word, str) else _shown(word) for word in parse(text) or ())


def covers(text: str, address: str) -> bool:
    """Whether the list holds the address; keywords other than ``any`` are not resolved here."""
    wanted = ip_address(address)
    for word in parse(text) or ():
        if word == "any" or (not isinstance(word, str) and word[0].version == wanted.version and _within(word, wanted)):
            return True
    return False


def _within(held: Range, wanted: IPv4Address | IPv6Address) -> bool:
    return int(held[0]) <= int(wanted) <= int(held[1])


def _range(word: str) -> Range:
    first, dash, last = word.partition("-")
    if not dash:
        network = ip_network(word, strict=False)
        begin, end = network.network_address, network.broadcast_address
    else:
        begin, end = ip_address(first), ip_address(last)
    if isinstance(begin, IPv4Address) and isinstance(end, IPv4Address) and begin <= end:
        return begin, end
    if isinstance(begin, IPv6Address) and isinstance(end, IPv6Address) and begin <= end:
        return begin, end
    raise ValueError(word)


def _shown(held: Range) -> str:
    subnets = [str(net) for net in _summarized(held)]
    return subnets[0] if len(subnets) == 1 else f"{held[0]}-{held[1]}"


def _summarized(held: Range) -> list[object]:
    begin, end = held
    if isinstance(begin, IPv4Address) and isinstance(end, IPv4Address):
        return list(summarize_address_range(begin, end))
    if isinstance(begin, IPv6Address) and isinstance(end, IPv6Address):
        return list(summarize_address_range(begin, end))
    raise TypeError(held)
