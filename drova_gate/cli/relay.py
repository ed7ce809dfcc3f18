"""``drova_gate relay``: the relay alone, by hand; no station is guarded, no byte looked at, nobody held."""

import argparse
import logging

from drova_gate.cli.speech import complain
from drova_gate.cli.surroundings import run_loop
from drova_gate.config import Network, read_networks

__all__ = ["add"]

NO_LIMIT = 100_000
"""Connections that a relay by hand takes at once unless told otherwise: what the system gives."""


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


def _end(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT; write for example 127.0.0.1:9000 or [::1]:9000")
    return host, int(port)


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
        complain(f"relay: {len(options.listen)} times --listen, {len(options.to)} times --to; write them in pairs")
        return 2
    # Not the daemon's way of logging: that brings the SSH and HTTP libraries along.
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    # Late, as in guard.py: the parser alone does without an event loop.
    from drova_gate.cli.relay_by_hand import Wanted, relay_by_hand  # noqa: PLC0415

    wanted = Wanted(
        pairs=tuple(zip(options.listen, options.to, strict=True)),
        figures=options.figures,
        allow=options.allow,
        connections=options.connections,
        drain=options.drain,
    )
    run_loop(lambda: relay_by_hand(wanted))
    return 0
