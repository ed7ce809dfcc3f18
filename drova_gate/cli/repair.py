"""``drova_gate repair``: a station that was left locked outside Shadow Mode."""

import argparse
from pathlib import Path

from drova_gate.cli.owner import add_only_station, agreed
from drova_gate.cli.speech import spoken
from drova_gate.cli.surroundings import chosen, read_settings, run_loop, state_dir_of
from drova_gate.config import Mode

__all__ = ["add"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "take a lockdown off that was left on a station outside Shadow Mode"
    command = commands.add_parser(
        "repair",
        help=text,
        description=text[0].upper()
        + text[1:]
        + ": shows what it would do, then asks. Removes exactly what a preparation"
        " wrote; saved sign-ins that were wiped do not come back. Refuses during a session and in Shadow Mode.",
        epilog="Example: drova_gate repair pc1. Exit code 0: nothing is left to do; 1: refused or failed; 3: there is something to do, and nothing was done.",
    )
    command.add_argument("--env", type=Path, help="read the settings from this file (instead of ENV_LOCATION)")
    add_only_station(command, "only this one, when DROVA_CONFIG has many")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.set_defaults(command=_repair)


def _repair(options: argparse.Namespace) -> int:
    config = chosen(read_settings(Mode.VALIDATE, options.env), options.station)
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py
    from drova_gate.repair import TO_DO, repair_all  # noqa: PLC0415 - see guard.py

    # What goes wrong is printed beside its station; the log would only say it a second time.
    level = "DEBUG" if config.log_level == "DEBUG" else "CRITICAL"
    configure_logging(config.log_format, level, under_systemd=False)
    state_dir = state_dir_of(config)
    if options.yes:
        return run_loop(lambda: repair_all(config, state_dir, act=True, say=spoken().of))
    code = run_loop(lambda: repair_all(config, state_dir, act=False, say=spoken().of))
    if code != TO_DO or not agreed("Do this now?", yes=False):
        return code
    # Looked at anew: a session may have begun while the question stood there.
    return run_loop(lambda: repair_all(config, state_dir, act=True, say=spoken().of))
