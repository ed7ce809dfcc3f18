"""The ready byte: the first 0x01 that the station sends says that its agent is ready. Pure, no sockets."""

from dataclasses import dataclass

__all__ = ["READY_BYTE", "ReadyWatch", "Split"]

READY_BYTE = b"\x01"


@dataclass(frozen=True, slots=True)
class Split:
    """One chunk in two parts: ``passes + held`` is the chunk."""

    passes: bytes
    """What may go on to the client now."""
    held: bytes
    """What must wait; begins with the ready byte in the chunk that carries it."""


class ReadyWatch:
    """Watches one connection's stream from the station for the ready byte, chunk by chunk."""

    __slots__ = ("_passed", "offset", "released")

    def __init__(self) -> None:
        self._passed = 0
        self.offset: int | None = None
        """Where in the stream the ready byte stood; ``None``: not seen yet."""
        self.released = False
        """Whether the wait is over: everything passes."""

    @property
    def seen(self) -> bool:
        """Whether the ready byte was seen."""
        return self.offset is not None

    def feed(self, chunk: bytes) -> Split:
        """Split the next chunk: bytes before the ready byte pass, it and all that follows is held until release."""
        if self.released:
            return Split(chunk, b"")
        if self.offset is not None:
            return Split(b"", chunk)
        at = chunk.find(READY_BYTE)
        if at < 0:
            self._passed += len(chunk)
            return Split(chunk, b"")
        self.offset = self._passed + at
        return Split(chunk[:at], chunk[at:])

    def release(self) -> None:
        """From now on everything passes."""
        self.released = True
