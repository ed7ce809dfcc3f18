"""``drova_gate relay``: the relay alone, by hand; no station is guarded, no byte looked at, nobody held."""

import argparse
import asyncio
import logging
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drova_gate.cli.surroundings import run_loop
from drova_gate.config import Network, read_networks

if TYPE_CHECKING:
    from drova_gate.relay.listener import RelayListener

__all__ = ["add"]

NO_LIMIT = 100_000
"""Connections that a relay by hand takes at once unless told otherwise: what the system gives."""


@dataclass(frozen=True, slots=True)
class _End:
    """One ``HOST:PORT``."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "relay TCP by hand, without a station to guard"
    command = commands.add_parser(
        "relay",
        help=text,
        description=f"{text}: bytes go both ways as they are. SIGUSR1 prints the figures, so does the end; SIGTERM or "
        f"Ctrl-C ends (a second one at once).",
        epilog="Example: drova_gate relay --listen 127.0.0.1:9000 --to 127.0.0.1:9001 --listen [::1]:9000 --to pc2:7985",
    )
    command.add_argument(
        "--listen", action="append", required=True, type=_end, metavar="HOST:PORT", help="take connections here"
    )
    command.add_argument(
        "--to",
        action="append",
        required=True,
        type=_end,
        metavar="HOST:PORT",
        help="and relay them there, pair by pair",
    )
    command.add_argument("--figures", type=_seconds, metavar="SECONDS", help="print the figures so often")
    command.add_argument("--allow", type=_networks, default=(), metavar="NETWORKS", help="take clients from these only")
    command.add_argument("--connections", type=_count, default=NO_LIMIT, metavar="N", help="at most so many at once")
    command.add_argument(
        "--drain", type=_seconds, default=0.0, metavar="SECONDS", help="at the end let connections go on for so long"
    )
    command.add_argument("--verbose", action="store_true", help="log each connection")
    command.set_defaults(command=_relay)


def _end(text: str) -> _End:
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT; write for example 127.0.0.1:9000 or [::1]:9000")
    return _End(host, int(port))


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 <= number <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds; write a number from 0 to 86400")
    return number


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number; write 1 or more")
    return int(text)


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return read_networks(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _relay(options: argparse.Namespace) -> int:
    if len(options.listen) != len(options.to):
        sys.stderr.write(
            f"relay: {len(options.listen)} times --listen, {len(options.to)} times --to; write them in pairs\n"
        )
        return 2
    # Not the daemon's way of logging: that brings the SSH and HTTP libraries along.
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    run_loop(lambda: _run(options))
    return 0


async def _run(options: argparse.Namespace) -> None:
    """Relay until told to stop."""
    from drova_gate.relay.drain import drain  # noqa: PLC0415 - see guard.py

    listeners = _open(options)
    loop, stop, at_once = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def show() -> None:
        for end, listener in zip(options.listen, listeners, strict=True):
            sys.stdout.write(f"{end} -> {listener.door.name}: {listener.figures()}\n")
        sys.stdout.flush()

    def asked_to_stop() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    loop.add_signal_handler(signal.SIGUSR1, show)
    try:
        for end, listener in zip(options.listen, listeners, strict=True):
            await listener.start()
            sys.stdout.write(f"{_End(end.host, listener.port)} -> {listener.door.name}: listening\n")
        sys.stdout.flush()
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(listener.serve())
            while not await _come(stop, options.figures):
                show()
            await drain([(listener, options.drain) for listener in listeners], at_once)
            for listener in listeners:
                await listener.stop()
    finally:
        for listener in listeners:
            await listener.stop()  # also those that were opened before one that could not be
    show()


def _open(options: argparse.Namespace) -> "list[RelayListener]":
    """The relays, not listening yet."""
    from drova_gate.relay.door import Door  # noqa: PLC0415 - see guard.py
    from drova_gate.relay.limits import Limits, Names  # noqa: PLC0415 - see guard.py
    from drova_gate.relay.listener import RelayListener  # noqa: PLC0415 - see guard.py

    names = Names(
        listen_port="the port of --listen",
        listen_host="the host of --listen",
        allow="--allow",
        connections="--connections",
        per_address="--connections",
        drain="--drain",
    )
    limits = Limits(options.connections, options.connections, options.allow, names=names)
    return [
        RelayListener(end.host, end.port, to.host, to.port, Door(str(to), hold_seconds=0), limits, watch=False)
        for end, to in zip(options.listen, options.to, strict=True)
    ]


async def _come(stop: asyncio.Event, seconds: float | None) -> bool:
    """Wait for the stop, ``seconds`` at most; whether it has come."""
    try:
        async with asyncio.timeout(seconds or None):
            return await stop.wait()
    except TimeoutError:
        return False
