"""``drova_gate demo``: one rental against the simulator."""

import argparse

from drova_gate.cli.surroundings import colour, run_loop
from drova_gate.config import Mode

__all__ = ["add"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "play one rental against a simulated station and cloud: no settings, no privileges, no network"
    command = commands.add_parser(
        "demo", help=text, description=text, epilog="Example: drova_gate demo --mode poll --fault reset_ignored"
    )
    command.add_argument("--mode", choices=("socket", "poll"), default="socket")
    command.add_argument("--stations", type=int, default=1, metavar="N", help="play on N stations at once")
    command.add_argument("--fault", metavar="NAME", help="let this go wrong (see --list-faults)")
    command.add_argument("--list-faults", action="store_true", help="print the faults that can be played, a line each")
    command.add_argument("--json", action="store_true", help="print events and results as JSON lines")
    command.add_argument("--verbose", action="store_true", help="print the gate's own log too")
    command.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    from drova_gate.demo.play import DemoOptions, list_faults, play  # noqa: PLC0415 - see guard.py

    if options.list_faults:
        list_faults()
        return 0
    wanted = DemoOptions(
        mode=Mode(options.mode),
        stations=options.stations,
        fault=options.fault,
        as_json=options.json,
        colour=colour(),
        verbose=options.verbose,
    )
    return run_loop(lambda: play(wanted))
