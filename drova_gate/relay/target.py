"""Where the station is: its address, looked up beside the relay's work and never in its way."""

import asyncio
import ipaddress
import logging
import socket
import time

from drova_gate.relay.sockets import Address

__all__ = ["Target"]

logger = logging.getLogger(__name__)

LOOKUP_SECONDS = 10.0
"""A name is looked up at most so often, and one look-up may take so long: home routers answer in milliseconds or never."""


class Target:
    """The station's host and port; an address is used as it is, a name is looked up and kept."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.address: tuple[int, Address] | None = None
        """Family and socket address to connect to; ``None``: the name is not known (yet)."""
        self._looked_up_at: float | None = None
        self.named = not _is_address(host)
        """Whether the host is a name, which may come to mean another address."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def look_up(self) -> None:
        """Find the address; a name that is not found keeps the last known one."""
        now = time.monotonic()
        if self._looked_up_at is not None and now - self._looked_up_at < LOOKUP_SECONDS:
            return
        self._looked_up_at = now
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # TimeoutError and gaierror are OSErrors
            logger.debug("station %s: the name was not found (%s)", self, error)
            return
        family, _, _, _, address = found[0]
        self.address = (family, address)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
