"""Wake-on-LAN: the packet that switches a PC on, and its way there."""

import asyncio
import ipaddress
import socket

__all__ = ["magic_packet", "wake", "wake_addresses"]

PORT = 9
"""The discard port, by custom; network cards look at the payload alone."""
LOOKUP_SECONDS = 5.0
"""For the station's name: with the line down a resolver takes half a minute, and a cycle waits for this."""
_EVERYBODY = "255.255.255.255"


def magic_packet(mac: str) -> bytes:
    """Build the packet for a MAC address of twelve hexadecimal digits: six times 0xFF, then the address sixteen times."""
    address = bytes.fromhex(mac)
    if len(address) != 6:
        raise ValueError(f"{mac!r} is no MAC address")
    return b"\xff" * 6 + address * 16


def wake_addresses(station: str) -> tuple[str, ...]:
    """Where to send it: to everybody, and to the network of the station's address.

    A router sends the first one out by its default route, which may be the wrong side; home networks are 24 bits wide.
    """
    try:
        network = ipaddress.IPv4Network(f"{station}/24", strict=False)
    except ValueError:
        return (_EVERYBODY,)
    return (_EVERYBODY, str(network.broadcast_address))


async def wake(mac: str, station: str) -> None:
    """Send the packet; ``OSError`` if it could be sent nowhere. Nobody answers it: the station's link shows whether it helped."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await loop.getaddrinfo(station, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        station = str(found[0][4][0])
    except (OSError, TimeoutError):
        pass  # a name that cannot be looked up now: everybody hears it all the same
    failed: OSError | None = None
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for address in wake_addresses(station):
            try:
                sender.sendto(magic_packet(mac), (address, PORT))
                sent += 1
            except OSError as error:
                failed = error
    if not sent and failed is not None:
        raise failed
