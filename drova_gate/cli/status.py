"""``drova_gate status``: what running gates do now."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from drova_gate.cli.owner import add_only_station
from drova_gate.cli.speech import spoken
from drova_gate.cli.surroundings import colour, print_lines, print_text, state_dirs
from drova_gate.report.ask import NobodyThere, ask, places
from drova_gate.report.table import status_lines

__all__ = ["add", "gathered"]

SOCKET_NAME = "status.sock"
WATCH_SECONDS = 1.0
BAD, NOT_RUNNING = 1, 3
"""Exit codes: a station is quarantined or does not turn; no gate runs (3, as of LSB's ``status``)."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "show what the running gate does: stations, sessions, protection, resets"
    command = commands.add_parser(
        "status",
        help=text,
        description=text,
        epilog="Example: drova_gate status --watch. Exit code 0: all is well; 1: a station is quarantined or does not turn; 3: no gate runs.",
    )
    command.add_argument("--watch", action="store_true", help="go on, once a second, until Ctrl-C")
    command.add_argument("--json", action="store_true", help="print JSON for machines")
    add_only_station(command, "this station alone")
    command.add_argument("--addresses", action="store_true", help="show players' whole addresses")
    command.add_argument(
        "--env", type=Path, help="read DROVA_STATE_DIR from this settings file (instead of ENV_LOCATION)"
    )
    command.set_defaults(command=_status)


def _status(options: argparse.Namespace) -> int:
    if not options.watch:
        return _show(options)[0]
    code = 0
    try:
        if sys.stdout.isatty() and not options.json:
            sys.stdout.write("\x1b[2J")
        while True:
            code, read = _show(options, watching=sys.stdout.isatty() and not options.json)
            if not read:
                return code
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return code


def _show(options: argparse.Namespace, *, watching: bool = False) -> tuple[int, bool]:
    """Show it once; the exit code, and whether somebody still reads."""
    status, faults = gathered(options.env, options.station, addresses=options.addresses)
    if options.json:
        read = print_text(json.dumps(status | {"faults": faults}, ensure_ascii=False) + "\n")
    else:
        size = shutil.get_terminal_size((140, 40))
        say = spoken().of
        width, now = size.columns, time.time()
        lines = status_lines(status, width=width, colour=colour(), now=now, say=say) if status["stations"] else []
        lines += [say(fault) for fault in faults]
        if watching:
            # In place, line by line: nothing flickers, nothing of the last picture stays.
            lines = lines[: size.lines - 1]
            read = print_text("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        else:
            read = print_lines(lines)
    if not status["stations"]:
        return NOT_RUNNING, read
    bad = any(one["phase"] == "quarantined" or one["stuck_since"] for one in status["stations"])
    return (BAD if bad or faults else 0), read


def gathered(env: Path | None, station: str | None, *, addresses: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Ask all gates of this machine: one status of all their stations, and what is wrong with asking."""
    directories = state_dirs(env)
    stations: list[Any] = []
    faults: list[str] = []
    started: list[float] = []
    sockets = places(directories, SOCKET_NAME)
    for path in sockets:
        try:
            status = ask(path, station, addresses=addresses)
        except NobodyThere as error:
            faults.append(str(error))
        else:
            stations += status["stations"]
            started.append(status["started_at"])
    if not stations and not faults:
        where = ", ".join(map(str, directories))
        if sockets and station is not None:
            faults.append(f"station {station}: no running gate guards it; drova_gate status shows those that are")
        else:
            faults.append(
                f"no gate runs here (no {SOCKET_NAME} in {where}); start it: systemctl start drova_gate, or: drova_gate run. "
                "If it runs as another user, use sudo; if its state is elsewhere, set DROVA_STATE_DIR or --env"
            )
    return {"stations": stations, "started_at": min(started, default=None)}, faults
