"""``drova_gate doctor`` and ``drova_gate validate``: whether everything is set up right."""

import argparse
from pathlib import Path

from drova_gate.cli.owner import add_only_station
from drova_gate.cli.speech import spoken
from drova_gate.cli.surroundings import (
    chosen,
    colour,
    print_lines,
    read_settings,
    run_loop,
    settings_files,
    state_dir_of,
    terminal_room,
)
from drova_gate.config import Mode

__all__ = ["add"]

_EXAMPLES = """examples:
  drova_gate doctor                     all stations of the settings
  drova_gate doctor pc1 --fix-plan
  drova_gate doctor --json | jq -r '.checks[] | select(.outcome == "FAIL") | .code'

Exit code 0: nothing failed; 1: something did; 3: --fix-plan has shown what to do; 78: the settings are wrong.
docs/doctor.md tells what each code means."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    text = "check the settings, the station and the cloud; change nothing"
    for name in ("doctor", "validate"):
        command = commands.add_parser(
            name,
            help=text if name == "doctor" else "the same as doctor",
            description=text[0].upper() + text[1:] + ".",
            epilog=_EXAMPLES.replace("drova_gate doctor", f"drova_gate {name}"),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--env", type=Path, help="read the settings from this file (instead of ENV_LOCATION)")
        add_only_station(command, "only this one, when DROVA_CONFIG has many")
        command.add_argument("--json", action="store_true", help="print the results for machines, a line each station")
        command.add_argument(
            "--fix-plan", action="store_true", help="print what to do about everything that is not well; do nothing"
        )
        command.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    config = chosen(read_settings(Mode.VALIDATE, options.env), options.station)
    from drova_gate.doctor.rounds import Telling, examine_all  # noqa: PLC0415 - see guard.py
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py

    # What goes wrong stands in the table; the log would only say it a second time.
    level = "DEBUG" if config.log_level == "DEBUG" else "CRITICAL"
    configure_logging(config.log_format, level, under_systemd=False)
    state_dir, files = state_dir_of(config), settings_files(options.env)
    telling = Telling(print_lines, options.json, options.fix_plan, colour(), terminal_room(), spoken().of)
    return run_loop(lambda: examine_all(config, state_dir, telling, files))
