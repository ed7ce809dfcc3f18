"""Entry points: arguments and environment -> Config -> event loop -> exit code."""

import argparse
import sys
from collections.abc import Mapping
from importlib import import_module

from drova_gate import __version__
from drova_gate.cli.speech import complain
from drova_gate.cli.surroundings import fill_standard_files
from drova_gate.errors import GateError, OptionFault, RecipeFault, SettingsFault

__all__ = ["main", "poll", "socket", "validate"]

EXIT_USAGE = 2
"""What argparse itself ends with."""
EXIT_SETTINGS = 78
"""``EX_CONFIG`` of sysexits.h; the units do not restart on it."""

_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "guard": ("run", "poll", "socket"),
    "status": ("status",),
    "events": ("events",),
    "release": ("release",),
    "maintenance": ("maintenance",),
    "stations": ("stations", "current"),
    "sessions": ("sessions",),
    "steer": ("publish", "hide", "desktop", "updates", "describe"),
    "games": ("games",),
    "money": ("money",),
    "promocodes": ("promocodes",),
    "steam": ("steam",),
    "history": ("history",),
    "where": ("where",),
    "bootstrap": ("bootstrap",),
    "init": ("init",),
    "check": ("doctor", "validate"),
    "rehearse": ("rehearse",),
    "recipes": ("recipes",),
    "lockdown": ("lockdown",),
    "login": ("login", "logout"),
    "repair": ("repair",),
    "relay": ("relay",),
    "demo": ("demo",),
}
"""Modules and the commands that each adds, in the order in which ``--help`` shows them."""


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
    fill_standard_files()
    typed = sys.argv[1:] if arguments is None else arguments
    options = _parser(typed[0] if typed else "").parse_args(typed)
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


def _parser(command: str = "") -> argparse.ArgumentParser:
    """Make the parser of one command, or of all when its name says nothing: the guard, which runs for months, loads no other's code."""
    parser = argparse.ArgumentParser(
        prog="drova_gate",
        description="Guards rented gaming stations around every Drova desktop session.",
        epilog="Try: drova_gate demo",
    )
    parser.add_argument("--version", action="version", version=f"drova_gate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    own = [module for module, names in _COMMANDS.items() if command in names]
    for module in own or _COMMANDS:
        import_module(f"drova_gate.cli.{module}").add(commands)
    return parser
