"""What systemd is told: started, how it goes, still turning, stopping."""

import contextlib
import socket

__all__ = ["Notifier"]

STATUS_MOST = 900
"""Bytes of a status line: systemctl shows one line, and a datagram has bounds."""


class Notifier:
    """systemd's notifications; without a socket every call does nothing."""

    def __init__(self, address: str | None) -> None:
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if address else None
        self._status = ""

    def say(self, text: str) -> None:
        """Send one notification; systemd being away is no reason to stop guarding."""
        if self._socket is not None and self._address:
            with contextlib.suppress(OSError):
                self._socket.sendto(text.encode(), self._address)

    def status(self, text: str) -> None:
        """Say how it goes, if it goes differently now."""
        if text != self._status:
            self._status = text
            self.say("STATUS=" + text.replace("\n", " ").encode()[:STATUS_MOST].decode(errors="ignore"))

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
