"""``drova_gate validate``: whether everything is set up right."""

import argparse
from pathlib import Path

from drova_gate.cli.surroundings import colour, read_settings, run_loop, state_dir_of
from drova_gate.config import Mode

__all__ = ["add"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "check the settings, the station and the cloud; change nothing"
    command = commands.add_parser("validate", help=text, description=text)
    command.add_argument("--env", type=Path, help="read the settings from this file (instead of ENV_LOCATION)")
    command.add_argument("--json", action="store_true", help="print the results for machines")
    command.set_defaults(command=_validate)


def _validate(options: argparse.Namespace) -> int:
    config = read_settings(Mode.VALIDATE, options.env)
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py
    from drova_gate.validate import validate_all  # noqa: PLC0415 - see guard.py

    # What goes wrong stands in the table; the log would only say it a second time.
    level = "DEBUG" if config.log_level == "DEBUG" else "CRITICAL"
    configure_logging(config.log_format, level, under_systemd=False)
    state_dir = state_dir_of(config)
    return run_loop(lambda: validate_all(config, state_dir, as_json=options.json, colour=colour()))
