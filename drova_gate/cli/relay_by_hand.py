"""The relay alone: it runs until it is told to stop."""

import asyncio
import signal
import sys
from dataclasses import dataclass

from drova_gate.config import Network
from drova_gate.relay.door import Door
from drova_gate.relay.drain import drain
from drova_gate.relay.limits import Limits, Names
from drova_gate.relay.listener import RelayListener

__all__ = ["Wanted", "relay_by_hand"]

_End = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    pairs: tuple[tuple[_End, _End], ...]
    """Where to listen, and where to relay."""
    figures: float | None
    """Seconds between two lines of figures."""
    allow: tuple[Network, ...]
    connections: int
    drain: float


def written(host: str, port: int) -> str:
    """An end as people write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def relay_by_hand(wanted: Wanted) -> None:
    """Relay until told to stop."""
    listeners = _open(wanted)
    loop, stop, at_once = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def show() -> None:
        for ((host, port), _), listener in zip(wanted.pairs, listeners, strict=True):
            sys.stdout.write(f"{written(host, port)} -> {listener.door.name}: {listener.figures()}\n")
        sys.stdout.flush()

    def asked_to_stop() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    loop.add_signal_handler(signal.SIGUSR1, show)
    try:
        for ((host, _), _), listener in zip(wanted.pairs, listeners, strict=True):
            await listener.start()
            sys.stdout.write(f"{written(host, listener.port)} -> {listener.door.name}: listening\n")
        sys.stdout.flush()
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(listener.serve())
            while not await _come(stop, wanted.figures):
                show()
            await drain([(listener, wanted.drain) for listener in listeners], at_once)
            for listener in listeners:
                await listener.stop()
    finally:
        for listener in listeners:
            await listener.stop()  # also those that were opened before one that could not be
    show()


def _open(wanted: Wanted) -> list[RelayListener]:
    """The relays, not listening yet."""
    names = Names(
        listen_port="the port of --listen",
        listen_host="the host of --listen",
        allow="--allow",
        connections="--connections",
        per_address="--connections",
        drain="--drain",
    )
    limits = Limits(wanted.connections, wanted.connections, wanted.allow, names=names)
    return [
        RelayListener(*end, *to, Door(written(*to), hold_seconds=0), limits, watch=False) for end, to in wanted.pairs
    ]


async def _come(stop: asyncio.Event, seconds: float | None) -> bool:
    """Wait for the stop, ``seconds`` at most; whether it has come."""
    try:
        async with asyncio.timeout(seconds or None):
            return await stop.wait()
    except TimeoutError:
        return False
