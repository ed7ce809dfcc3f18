"""How many commands one piece of work sent: a link serves looks and a preparation at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Sent", "note_sent", "sent_here"]


@dataclass(slots=True)
class Sent:
    """Commands of one piece of work, its tasks included."""

    commands: int = 0


_SENT: ContextVar[Sent | None] = ContextVar("sent", default=None)


@contextmanager
def sent_here() -> Iterator[Sent]:
    """Count what is sent inside: tasks that are started there inherit the count, others do not touch it."""
    sent = Sent()
    token = _SENT.set(sent)
    try:
        yield sent
    finally:
        _SENT.reset(token)


def note_sent() -> None:
    """Note one command that was sent."""
    if (sent := _SENT.get()) is not None:
        sent.commands += 1
