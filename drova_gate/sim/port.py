"""A TCP port of loopback that stays the simulator's own, whether somebody listens on it or not."""

import socket
from typing import Self

__all__ = ["Port"]


class Port:
    """Taken by ``take`` or ``with``, until it is given back; whoever connects while nobody listens is refused.

    A socket that is bound and never listens holds the number: a PC that is off for a moment would otherwise lose its ports to
    the next program of this machine that asks for any free one.
    """

    def __init__(self, host: str, number: int = 0) -> None:
        self.host = host
        self.number = number
        """0 until a free one was taken."""
        self._held: socket.socket | None = None

    def take(self) -> None:
        """Hold the port; nothing happens when it is held. ``OSError``: somebody else has it."""
        if self._held is None:
            self._held = self._bind()
            self.number = self._held.getsockname()[1]

    def bound(self) -> socket.socket:
        """A socket for a server to listen on, beside the one that holds the port; the caller closes it."""
        self.take()
        return self._bind()

    def give_back(self) -> None:
        """Let go of the port."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            # Also what lets the two sockets share the number: neither the holder nor a new one listens.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.host, self.number))
        except OSError:
            bound.close()
            raise
        return bound
