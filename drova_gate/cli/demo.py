"""``drova_gate demo``: one rental against the simulator."""

import argparse

from drova_gate.cli.surroundings import colour, is_screen, run_loop
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
    command.add_argument(
        "--fault", metavar="NAME", help="let this go wrong (see --list-faults); all: try the whole fault matrix"
    )
    command.add_argument("--cell", metavar="TEXT", help="with --fault all: only cells whose name holds this text")
    command.add_argument(
        "--share", metavar="I/N", help="with --fault all: every N-th cell, in this process, as JSON lines"
    )
    command.add_argument("--list-faults", action="store_true", help="print the faults that can be played, a line each")
    command.add_argument("--json", action="store_true", help="print events and results as JSON lines")
    command.add_argument("--verbose", action="store_true", help="print the gate's own log too")
    command.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    from drova_gate.demo.play import DemoOptions, list_faults, play  # noqa: PLC0415 - see guard.py

    if options.list_faults:
        list_faults()
        return 0
    if options.fault == "all":
        return _matrix(options)
    wanted = DemoOptions(
        mode=Mode(options.mode),
        stations=options.stations,
        fault=options.fault,
        as_json=options.json,
        colour=colour(),
        verbose=options.verbose,
        # On a terminal many timelines at once are a jumble: there they become a table. Pipes and machines get the lines.
        live=options.stations > 1 and is_screen() and not options.json and not options.verbose,
    )
    return run_loop(lambda: play(wanted))


def _matrix(options: argparse.Namespace) -> int:
    from drova_gate.demo.matrix_play import MatrixOptions, play_matrix  # noqa: PLC0415 - see guard.py
    from drova_gate.demo.output import write  # noqa: PLC0415 - see guard.py

    wanted = MatrixOptions(
        only=options.cell,
        part=options.share,
        as_json=options.json,
        colour=colour(),
        live=is_screen() and not options.json,
    )
    return run_loop(lambda: play_matrix(wanted, write))
