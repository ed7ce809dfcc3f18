"""Entry points: arguments and environment -> Config -> event loop -> exit code."""

import argparse
import sys

from drova_gate import __version__
from drova_gate.cli import (
    bootstrap,
    check,
    demo,
    events,
    games,
    guard,
    history,
    init,
    lockdown,
    login,
    maintenance,
    money,
    promocodes,
    recipes,
    rehearse,
    relay,
    release,
    repair,
    sessions,
    stations,
    status,
    steam,
    steer,
    where,
)
from drova_gate.cli.speech import complain
from drova_gate.errors import GateError, OptionFault, RecipeFault, SettingsFault

__all__ = ["main", "poll", "socket", "validate"]

EXIT_USAGE = 2
"""What argparse itself ends with."""
EXIT_SETTINGS = 78
"""``EX_CONFIG`` of sysexits.h; the units do not restart on it."""

_COMMANDS = (
    guard,
    status,
    events,
    release,
    maintenance,
    stations,
    sessions,
    steer,
    games,
    money,
    promocodes,
    steam,
    history,
    where,
    bootstrap,
    init,
    check,
    rehearse,
    recipes,
    lockdown,
    login,
    repair,
    relay,
    demo,
)
"""Each module adds its commands, in the order in which ``--help`` shows them."""


def poll(arguments: list[str] | None = None) -> int:
    """``drova_poll``: guard the station, learning of sessions from the cloud alone."""
    return main(["poll", *(sys.argv[1:] if arguments is None else arguments)])


def socket(arguments: list[str] | None = None) -> int:
    """``drova_socket``: guard the station and relay its players, who wait at the door while it is prepared."""
    return main(["socket", *(sys.argv[1:] if arguments is None else arguments)])


def validate(arguments: list[str] | None = None) -> int:
    """``drova_validate``: say whether everything is set up right; change nothing."""
    return main(["validate", *(sys.argv[1:] if arguments is None else arguments)])


def main(arguments: list[str] | None = None) -> int:
    """``drova_gate``: all commands."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except OptionFault as fault:
        for line in fault.faults:
            complain(line)
        return EXIT_USAGE
    except SettingsFault as fault:
        for line in fault.faults:
            complain(f"settings: {line}")
        return EXIT_SETTINGS
    except RecipeFault as fault:
        complain(fault)
        return EXIT_SETTINGS
    except GateError as error:
        complain(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drova_gate",
        description="Guards rented gaming stations around every Drova desktop session.",
        epilog="Try: drova_gate demo",
    )
    parser.add_argument("--version", action="version", version=f"drova_gate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands)
    return parser
