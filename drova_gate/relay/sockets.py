"""How the relay's sockets are opened, set and closed."""

import asyncio
import errno
import ipaddress
import os
import socket
import struct
from typing import Any

from drova_gate.errors import PortNotOpened
from drova_gate.relay.limits import Names

__all__ = [
    "OUT_OF_DESCRIPTORS",
    "abort",
    "bound",
    "client_address",
    "is_connected",
    "is_dead",
    "keep_alive",
    "no_delay",
    "open_listeners",
]

KEEPALIVE_IDLE_SECONDS = 60
KEEPALIVE_INTERVAL_SECONDS = 10
KEEPALIVE_PROBES = 6
"""A peer that lost power is noticed two minutes after its last byte; a NAT entry (five minutes and up) never runs dry."""

UNSENT_BYTES = 512 * 1024
"""``TCP_NOTSENT_LOWAT``: what a stalled player piles up in the kernel beyond what is in flight (up to 4 MB without it).
256 KiB costs a fifth more CPU per GB."""

RECEIVE_BYTES = 512 * 1024
"""``SO_RCVBUF``: left to itself the kernel lets it grow to megabytes for a fast station, and that is what a stalled player
then fills (4.7 MB in all, with this 1.7). No slower in the home network; an uplink of 50 ms may still bring 80 Mbit/s."""

BACKLOG = 512
"""Connections that the kernel completes ahead of us; a port scan comes faster than a loop turns."""

OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""No socket can be made until something is closed."""

_LINGER_ABORT = struct.pack("ii", 1, 0)
"""``struct linger``: on, 0 s. Closing sends RST and drops what was not sent."""

_TCP_CLOSE = 7
"""``TCP_CLOSE`` of the kernel's ``tcp_states.h``: the first byte of ``struct tcp_info`` is the state."""

Address = tuple[Any, ...]
"""A socket address as the ``socket`` module has it; its shape depends on the family."""


def no_delay(sock: socket.socket) -> None:
    """Send small messages at once (no Nagle). What a listening socket has set, its accepted sockets inherit."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def bound(sock: socket.socket) -> None:
    """Bound what the kernel keeps for the connection, in both directions."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)


def keep_alive(sock: socket.socket) -> None:
    """Notice a peer that is gone without a word."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)


def abort(sock: socket.socket) -> None:
    """Close with RST, so that the other side sees a reset and not an orderly end."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ABORT)
    except OSError as error:
        # EINVAL where the other side has reset already: there is nobody left to tell.
        if error.errno != errno.EINVAL:
            raise
    finally:
        sock.close()


def is_connected(sock: socket.socket) -> bool:
    """Whether a connection attempt has come through."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def is_dead(sock: socket.socket) -> bool:
    """Whether the kernel has given the connection up (reset, keep-alive) without anyone reading or writing there."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def client_address(address: Address) -> tuple[str, int]:
    """Host and port of an accepted peer; IPv4 behind an IPv6 socket comes out as plain IPv4."""
    host, port = address[0], address[1]
    return (host[7:] if host.startswith("::ffff:") and "." in host else host), port


async def open_listeners(host: str, port: int, names: Names) -> list[socket.socket]:
    """Listen on every address that ``host`` means; all or none. Raises PortNotOpened, saying what to do."""
    subject = f"relay port {_shown(host, port)}"
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError) as error:
        raise PortNotOpened(subject, f"{host} is no address ({error})", _host_advice(names)) from error
    listeners: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            # Port 0 means any free port; a name with several addresses gets the same one on each.
            taken = listeners[0].getsockname()[1] if listeners else port
            listeners.append(_listen(family, (address[0], taken, *address[2:])))
    except (OSError, OverflowError) as error:
        for sock in listeners:
            sock.close()
        raise PortNotOpened(subject, *_explain(error, port, names)) from error
    return listeners


def _listen(family: int, address: Address) -> socket.socket:
    """One listening, non-blocking socket."""
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # A restart must not wait for the last life's connections in TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" serves IPv4 clients as well, whatever net.ipv6.bindv6only says.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(ipaddress.ip_address(address[0]) != _ANY_IPV6))
        no_delay(sock)
        bound(sock)
        keep_alive(sock)
        sock.bind(address)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


_ANY_IPV6 = ipaddress.IPv6Address(0)


def _host_advice(names: Names) -> str:
    return f"set {names.listen_host} to 0.0.0.0 (all) or to one of this machine's addresses (`ip address` shows them)"


def _explain(error: Exception, port: int, names: Names) -> tuple[str, str]:
    """The fact and the advice for a port that would not open."""
    if isinstance(error, OverflowError):
        return "there is no such port", f"set {names.listen_port} to a number from 1 to 65535"
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            "already taken by another program",
            f"stop that program (`ss -ltnp sport = :{port}` names it) or set {names.listen_port} to a free port",
        )
    if number in (errno.EACCES, errno.EPERM):
        return (
            "not allowed for this user",
            f"set {names.listen_port} to 1024 or more, or give the service AmbientCapabilities=CAP_NET_BIND_SERVICE",
        )
    if number == errno.EADDRNOTAVAIL:
        return "this address is not one of this machine's", _host_advice(names)
    if number == errno.EAFNOSUPPORT:
        return "this machine has no IPv6", f"set {names.listen_host} to 0.0.0.0"
    return (os.strerror(number) if number else str(error)), _host_advice(names)


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
