"""The orderly stop of several relays: doors closed, and time for those who are in."""

import asyncio
from collections.abc import Callable, Iterable

from drova_gate.relay.listener import RelayListener

__all__ = ["WORD_SECONDS", "drain"]

WORD_SECONDS = 5.0
"""Between two words that the stop goes on because somebody plays."""


def _say_nothing() -> None:
    """Nobody is told that it goes on."""


async def drain(
    relays: Iterable[tuple[RelayListener, float]],
    at_once: asyncio.Event,
    goes_on: Callable[[], None] = _say_nothing,
) -> None:
    """Close all doors; return when everybody has left, when each relay's seconds are over and its rest is cut, or ``at_once``.

    ``goes_on`` is called at first and then every ``WORD_SECONDS``. After ``at_once`` those who are left are still there.
    """
    async with asyncio.TaskGroup() as group:
        stops = {group.create_task(relay.stop(seconds), name=f"stop of {relay.door.name}") for relay, seconds in relays}
        hurry = group.create_task(at_once.wait(), name="stop at once")
        while stops and not hurry.done():
            goes_on()
            await asyncio.wait({*stops, hurry}, timeout=WORD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            stops = {task for task in stops if not task.done()}
        for task in (*stops, hurry):
            task.cancel()
