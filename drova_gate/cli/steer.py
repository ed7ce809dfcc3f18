"""``drova_gate publish``, ``hide``, ``desktop``, ``updates``, ``describe``: change stations at Drova, one after the other."""

import argparse
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drova_gate.cli.owner import add_env, with_owner
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines, state_dirs
from drova_gate.errors import CallOwner
from drova_gate.sheet import json_text, one_line

if TYPE_CHECKING:
    from drova_gate.owner.account import OwnedStation, Owner
    from drova_gate.owner.steering import Order, Outcome

__all__ = ["add"]

DESCRIPTION_MOST = 64 * 1024
"""Bytes of a description's file: it is a few paragraphs, and a wrong file must not go to Drova."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    _add_publish(commands, "publish", "show stations in the catalogue", visible=True)
    _add_publish(commands, "hide", "hide stations from the catalogue", visible=False)
    _add_switch(commands, "desktop", "let players have the desktop of stations, or games alone")
    _add_switch(commands, "updates", "let Drova update the games of stations, or not")
    _add_describe(commands)


def _add_publish(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, *, visible: bool
) -> None:
    def order(_: argparse.Namespace) -> "Order":
        from drova_gate.owner.steering import publish  # noqa: PLC0415 - see guard.py

        return publish(visible=visible)

    command = commands.add_parser(
        name, help=text, description=_described(text), epilog=f"Example: drova_gate {name} pc1 pc2"
    )
    _finish(command, order)


def _add_switch(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str) -> None:
    def order(options: argparse.Namespace) -> "Order":
        from drova_gate.owner import steering  # noqa: PLC0415 - see guard.py

        return (steering.desktop if name == "desktop" else steering.updates)(allowed=options.switch == "on")

    command = commands.add_parser(
        name, help=text, description=_described(text), epilog=f"Example: drova_gate {name} off pc1"
    )
    command.add_argument("switch", choices=("on", "off"))
    _finish(command, order)


def _add_describe(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "change the name of a station, its description, or both"
    command = commands.add_parser(
        "describe",
        help=text,
        description=_described(text),
        epilog="Example: drova_gate describe pc1 --name 'RTX 4070, 1 Gbit/s' --description-file pc1.html",
    )
    command.add_argument("--name", help="the new name")
    given = command.add_mutually_exclusive_group()
    given.add_argument("--description", metavar="HTML", help="the new description")
    given.add_argument("--description-file", metavar="FILE", type=Path, help="read it from a file (UTF-8)")
    _finish(command, _describe_order, several=False)


def _described(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}. What is so already is left alone; what is sent is read back; refused while a player is inside."


def _finish(
    command: argparse.ArgumentParser, order: "Callable[[argparse.Namespace], Order]", *, several: bool = True
) -> None:
    if several:
        command.add_argument("station", metavar="STATION", nargs="*", help="by name or id")
        command.add_argument("--all", action="store_true", help="all stations of the account")
    else:
        command.add_argument("station", metavar="STATION", nargs=1, help="by name or id")
        command.set_defaults(all=False)
    command.add_argument(
        "--force", action="store_true", help="also while a player is inside, or while the gate keeps the station hidden"
    )
    command.add_argument("--json", action="store_true", help="print JSON for machines")
    add_env(command)
    command.set_defaults(command=lambda options: _run(command, options, order))


def _describe_order(options: argparse.Namespace) -> "Order":
    from drova_gate.owner.steering import describe  # noqa: PLC0415 - see guard.py

    description = options.description
    if options.description_file is not None:
        description = _read_description(options.description_file)
    return describe(name=options.name, description=description)


def _read_description(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(DESCRIPTION_MOST + 1)
        if len(raw) > DESCRIPTION_MOST:
            raise CallOwner(
                f"description {file}",
                f"is longer than {DESCRIPTION_MOST} bytes",
                "look whether it is the file you mean",
            )
        return raw.decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise CallOwner(f"description {file}", f"cannot be read ({error.strerror})", "look at the path") from error
    except UnicodeDecodeError:
        raise CallOwner(f"description {file}", "is not UTF-8 text", "save it as UTF-8") from None


def _run(
    command: argparse.ArgumentParser, options: argparse.Namespace, order: "Callable[[argparse.Namespace], Order]"
) -> int:
    if bool(options.station) == options.all:
        command.error("name the stations, or --all" if not options.all else "name stations or say --all, not both")
    if command.prog.endswith(" describe"):
        if options.name is None and options.description is None and options.description_file is None:
            command.error("nothing to change: give --name, --description or --description-file")
        if options.name is not None and not options.name.strip():
            command.error("--name: a station needs a name")
        if options.name is not None and not set(map(unicodedata.category, options.name)).isdisjoint(("Cc", "Zl", "Zp")):
            command.error("--name: a name is one line, without a control character")
    wanted = order(options)

    async def work(owner: "Owner") -> int:
        stations = await owner.chosen(options.station)
        if not stations:
            raise CallOwner("Drova account", "it has no station", "nothing was done")
        return await _steer_all(stations, wanted, options)

    return with_owner(options, work)


async def _steer_all(stations: "Sequence[OwnedStation]", order: "Order", options: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - a command without network does without

    from drova_gate.owner.held import read_holds  # noqa: PLC0415 - see guard.py
    from drova_gate.owner.steering import steer  # noqa: PLC0415 - see guard.py

    holds = read_holds(state_dirs(options.env))
    outcomes: list[Outcome] = []
    at = None
    try:
        for at in stations:
            outcome = await steer(at, order, force=options.force, holds=holds)
            outcomes.append(outcome)
            if not options.json:
                _say(outcome)
    except asyncio.CancelledError:
        _say_interrupted(at, outcomes, len(stations))
        raise
    finally:
        if options.json:
            print_lines([json_text([_row(one) for one in outcomes])])
    if len(stations) > 1 and not options.json:
        _summary(outcomes)
    return 0 if all(one.good for one in outcomes) else 1


def _say(outcome: "Outcome") -> None:
    name = one_line(outcome.station.name)
    line = spoken().of(f"{name}: {one_line(outcome.text)}")
    note = [spoken().of(f"  note: {one_line(outcome.note)}")] if outcome.note else []
    print_lines([line, *note], to_errors=not outcome.good)


def _summary(outcomes: "Sequence[Outcome]") -> None:
    count: dict[str, int] = {}
    for one in outcomes:
        count[WORDS[one.done]] = count.get(WORDS[one.done], 0) + 1
    told = ", ".join(f"{number} {word}" for word, number in count.items())
    print_lines([spoken().of(f"{len(outcomes)} stations: {told}")])


WORDS = {
    "changed": "changed",
    "already": "as wanted already",
    "refused": "not changed",
    "not_confirmed": "accepted but not changed",
    "unknown": "not known",
}


def _say_interrupted(at: "OwnedStation | None", outcomes: "Sequence[Outcome]", count: int) -> None:
    """Whoever stops it must know how far it came."""
    sys.stderr.write("\n")
    if at is not None and len(outcomes) < count:
        complain(
            f"interrupted: {len(outcomes)} of {count} stations done; how {one_line(at.name)} is now: drova_gate stations"
        )


def _row(outcome: "Outcome") -> dict[str, object]:
    return {
        "station": outcome.station.name,
        "uuid": outcome.station.uuid,
        "done": outcome.done.value,
        "good": outcome.good,
        "before": outcome.before,
        "after": outcome.after,
        "text": outcome.text,
        "note": outcome.note,
    }
