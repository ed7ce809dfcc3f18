"""The owner's account for the commands that need it: read the settings, open it, run, close it."""

import argparse
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from drova_gate.cli.speech import complain, say, spoken
from drova_gate.cli.surroundings import read_owner_settings, run_loop
from drova_gate.errors import GateError

if TYPE_CHECKING:
    from drova_gate.owner.account import Owner

__all__ = ["add_env", "add_only_station", "add_station", "add_yes", "agreed", "answered", "with_owner"]


def add_env(command: argparse.ArgumentParser) -> None:
    """Add ``--env``."""
    command.add_argument("--env", type=Path, help="read the settings from this file (instead of ENV_LOCATION)")


def add_station(command: argparse.ArgumentParser) -> None:
    """Add ``--station``, which may be repeated: ``options.station`` is a list, empty for all."""
    command.add_argument(
        "--station", metavar="NAME", action="append", default=[], help="this station alone; may be repeated"
    )


class _OnlyOne(argparse.Action):
    """Takes a name that is given as a word or as an option; two different ones are a mistake of who typed them."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002 - argparse passes it by this place
    ) -> None:
        before = getattr(namespace, self.dest, None)
        if before not in (None, values):
            parser.error(f"one station is looked at, and two are named: {before} and {values}; leave it out for all")
        setattr(namespace, self.dest, values)


def add_only_station(command: argparse.ArgumentParser, text: str) -> None:
    """Add ``STATION`` and ``--station NAME``, which mean the same: ``options.station`` is a name, or ``None`` for all."""
    command.add_argument("station", metavar="STATION", nargs="?", default=argparse.SUPPRESS, action=_OnlyOne, help=text)
    command.add_argument("--station", metavar="NAME", action=_OnlyOne, help="the same")


def add_yes(command: argparse.ArgumentParser) -> None:
    """Add ``--yes``."""
    command.add_argument("--yes", action="store_true", help="do not ask")


def with_owner(options: argparse.Namespace, work: "Callable[[Owner], Awaitable[int]]") -> int:
    """Run a command with the owner's account; what passes and comes back is said in one line, exit code 1."""
    settings = read_owner_settings(options.env)
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py
    from drova_gate.owner.account import opened  # noqa: PLC0415 - see guard.py

    configure_logging("text", "WARNING", under_systemd=True)  # a line on a terminal needs no time

    async def run() -> int:
        async with opened(settings) as owner:
            for fault in owner.faults:
                complain(fault)
            code = await work(owner)
            # Whoever asked for all of them has not got all; whoever named his has.
            return code or int(bool(owner.faults) and not getattr(options, "station", None))

    try:
        return run_loop(run)
    except GateError as error:
        complain(error)
        return 1


def answered(question: str) -> str:
    """Ask on the terminal; Ctrl-C ends the question at once, although an event loop is behind it."""
    # asyncio's own handler cancels the task, which would be noticed only after the answer.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(question)
    finally:
        signal.signal(signal.SIGINT, before)


def agreed(question: str, *, yes: bool) -> bool:
    """Ask on a terminal; without one only ``--yes`` agrees."""
    if yes:
        return True
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        say("nobody to ask: run it with --yes to do this")
        return False
    try:
        return answered(f"{spoken().of(question)} {spoken().of('[y/N]')} ").strip().casefold() in (
            "y",
            "yes",
            "д",
            "да",
        )
    except EOFError:
        return False
