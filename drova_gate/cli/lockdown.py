"""``drova_gate lockdown``: what a rented desktop is locked with, ours and the owner's own; without a station."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from drova_gate.cli.surroundings import print_lines, read_preparation, terminal_room

if TYPE_CHECKING:
    from drova_gate.steps.lockdown_switches import Switch

__all__ = ["add"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command with its own one."""
    text = "list what a rented desktop is locked with"
    lockdown = commands.add_parser(
        "lockdown",
        help=text,
        description=text[0].upper() + text[1:] + ". Needs no station and no network; changes nothing.",
        epilog="Example: drova_gate lockdown list. A lockdown.toml in DROVA_LAUNCHERS_DIR switches entries on and off by their names, and adds new ones.",
    )
    inner = lockdown.add_subparsers(required=True, metavar="WHAT")
    text = "every switch in a line: on or off, must or not, what it does"
    command = inner.add_parser("list", help=text, description=text, epilog="Example: drova_gate lockdown list --json")
    command.add_argument("--env", type=Path, help="read DROVA_LAUNCHERS_DIR from this settings file")
    command.add_argument(
        "--station", metavar="NAME", help="the station whose settings count, when DROVA_CONFIG has many"
    )
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(command=_list)


def _list(options: argparse.Namespace) -> int:
    from drova_gate.steps.lockdown import load_switches  # noqa: PLC0415 - see guard.py
    from drova_gate.steps.shipped import LOCKDOWN  # noqa: PLC0415 - see guard.py

    ours = {switch.name: switch for switch in load_switches(LOCKDOWN)}
    owners = read_preparation(options.env, options.station).launchers_dir
    # In the order of their files, which are grouped by what they are about.
    switches = [(switch, _whose(switch, ours)) for switch in load_switches(LOCKDOWN, owners)]
    print_lines(_as_json(switches) if options.json else _as_table(switches, terminal_room()))
    return 0


def _whose(switch: "Switch", ours: "dict[str, Switch]") -> str:
    if switch.name not in ours:
        return "owner's"
    return "ours" if switch == ours[switch.name] else "changed"


def _as_table(switches: "list[tuple[Switch, str]]", room: int | None) -> list[str]:
    from drova_gate.columns import lines_of  # noqa: PLC0415 - see guard.py

    heads = ("name", "state", "must", "whose", "effect")
    rows = [
        (switch.name, "on" if switch.enabled else "off", "must" if switch.must else "", whose, switch.effect)
        for switch, whose in switches
    ]
    on = sum(switch.enabled for switch, _ in switches)
    return [
        *lines_of(heads, rows, flexible=4, room=room),
        "",
        f"{len(rows)} switches, {on} of them on; must: not confirmed means not prepared",
    ]


def _as_json(switches: "list[tuple[Switch, str]]") -> list[str]:
    listed = [
        {
            "name": switch.name,
            "enabled": switch.enabled,
            "must": switch.must,
            "effect": switch.effect,
            "whose": whose,
        }
        for switch, whose in switches
    ]
    return [json.dumps(listed, ensure_ascii=False, indent=1)]
