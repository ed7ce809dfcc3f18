"""Which host keys a station shows, before anything is told to it: no login, no password."""

import asyncio
import logging

import asyncssh

from drova_gate.host.address import StationAddress, unreachable
from drova_gate.host.pin import Pin

__all__ = ["read_host_keys"]

SECONDS = 10.0
"""For a connection and its key exchange, each kind of key by itself."""
_KINDS = (("ssh-ed25519",), ("ecdsa-sha2-nistp256",), ("rsa-sha2-512", "rsa-sha2-256"))
"""The kinds that Windows' sshd makes, in the order in which the link asks for them."""


async def read_host_keys(subject: str, address: StationAddress) -> tuple[Pin, ...]:
    """Read the station's host keys, the one that the link will see first; ``StationUnreachable`` if there is none to be had."""
    asyncssh.set_log_level(logging.WARNING)
    found = []
    fault: Exception | None = None
    for kind in _KINDS:
        try:
            async with asyncio.timeout(SECONDS):
                key = await asyncssh.get_server_host_key(
                    address.host, address.port, server_host_key_algs=kind, config=None
                )
        except (OSError, asyncssh.Error) as error:
            if not isinstance(error, asyncssh.KeyExchangeFailed):  # it has no key of that kind
                fault = error
                break
        else:
            if key is not None:
                found.append(Pin(key.get_fingerprint(), key.get_algorithm()))
    if not found:
        raise unreachable(subject, address, str(fault or "it shows no host key")) from fault
    return tuple(found)
