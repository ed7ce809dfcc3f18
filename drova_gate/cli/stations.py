"""``drova_gate stations``, ``current``: how the owner's stations are, and who plays on them."""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from drova_gate.cli.owner import add_env, add_station, with_owner
from drova_gate.cli.showing import add_showing, fitted_table, for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import is_screen, print_lines, print_text, screen_lines, terminal_room
from drova_gate.cli.where import places
from drova_gate.columns import cut, cut_middle
from drova_gate.errors import TryAgain
from drova_gate.report.table import duration
from drova_gate.sheet import Column, Row, minute_cell, one_line

if TYPE_CHECKING:
    from drova_gate.owner.account import OwnedStation, Owner
    from drova_gate.owner.overview import Seen
    from drova_gate.owner.rows import Spelling
    from drova_gate.owner.where import Places

__all__ = ["add", "add_addresses", "cut_name", "cut_place"]

NAME_PLACES, PLACE_PLACES = 24, 30
"""Places of a name and of a place in a table; JSON and CSV have them whole."""
WATCH_SECONDS = 5.0
"""Two or three requests each time: half of one a second."""


def cut_name(name: str | None) -> str:
    """Shorten a station's name: owners put the whole hardware into it."""
    return cut_middle(one_line(name), NAME_PLACES)


def cut_place(place: str | None) -> str:
    """Shorten a place: providers have long names."""
    return cut(one_line(place), PLACE_PLACES)


def _listed(values: Sequence[str] | None) -> str:
    return "?" if values is None else ", ".join(values) or one_line(None)


def _known(value: bool | None) -> str:  # noqa: FBT001 - it is the value itself
    return "?" if value is None else "yes" if value else "no"


STATIONS = (
    Column("station", "STATION", text=cut_name),
    Column("state_text", "STATE", said=True),
    Column("state", "RAW", gives_way=9),
    Column("published", "SHOWN", text=_known, said=True),
    Column("desktop", "DESKTOP", text=_known, said=True, gives_way=2),
    Column("updates", "UPDATES", text=_known, said=True, gives_way=3),
    Column("seen", "SEEN", right=True, said=True),
    Column("plays", "PLAYS"),
    Column("seconds", "FOR", right=True, text=duration, said=True),
    Column("from", "FROM", gives_way=4),
    Column("place", "PLACE", text=cut_place, said=True, gives_way=5),
    Column("billing", "BILLING", gives_way=6),
    Column("internal", "INTERNAL", text=_listed, gives_way=8),
    Column("external", "EXTERNAL", text=_listed, gives_way=7),
    Column("game", "GAME", for_machines=True),
    Column("heartbeat_age", "AGE", for_machines=True),
    Column("heartbeat", "HEARTBEAT", for_machines=True),
    Column("since", "SINCE", for_machines=True),
    Column("session", "SESSION", for_machines=True),
    Column("product_id", "PRODUCT", for_machines=True),
    Column("uuid", "ID", for_machines=True),
)
CURRENT = (
    Column("station", "STATION", text=cut_name),
    Column("game", "GAME"),
    Column("seconds", "FOR", right=True, text=duration, said=True),
    Column("started", "SINCE", text=minute_cell, gives_way=3),
    Column("status_text", "STATUS", said=True),
    Column("billing", "BILLING", gives_way=2),
    Column("from", "FROM"),
    Column("place", "PLACE", text=cut_place, said=True, gives_way=1),
    Column("status", "RAW", for_machines=True),
    Column("uuid", "SESSION", for_machines=True),
    Column("product_id", "PRODUCT", for_machines=True),
    Column("server_id", "ID", for_machines=True),
)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    text = "show all stations of the account: state, catalogue, addresses, who plays"
    command = commands.add_parser(
        "stations", help=text, description=f"{_capital(text)}.", epilog="Example: drova_gate stations --station pc1"
    )
    _finish(command)
    command.set_defaults(command=_stations)
    text = "show what is going on now, a line for each player"
    command = commands.add_parser(
        "current", help=text, description=f"{_capital(text)}.", epilog="Example: drova_gate current --watch"
    )
    command.add_argument("--watch", action="store_true", help=f"go on, every {WATCH_SECONDS:g} s, until Ctrl-C")
    _finish(command)
    command.set_defaults(command=_current)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def add_addresses(command: argparse.ArgumentParser) -> None:
    """Add ``--addresses``."""
    command.add_argument("--addresses", action="store_true", help="show players' whole addresses")


def _finish(command: argparse.ArgumentParser) -> None:
    add_station(command)
    add_addresses(command)
    add_showing(command)
    add_env(command)


# -- stations --------------------------------------------------------------------------------------------------------


def _stations(options: argparse.Namespace) -> int:
    async def work(owner: "Owner") -> int:
        from drova_gate.owner.rows import clock_doubt, station_row  # noqa: PLC0415 - see guard.py

        chosen = await owner.chosen(options.station)
        with places(options) as known:
            seen, spelling = await _look(owner, chosen, known, options, endpoints=True)
            rows = [_in_words(station_row(one, spelling)) for one in seen]
        show(options, STATIONS, rows, flexible="plays", nothing=spoken().of("the account has no station"))
        if doubt := clock_doubt([one.station.server for one in seen], spelling.now):
            complain(f"clock: {doubt}; look at this machine's clock, ages are not certain")
        return _say_faults(seen)

    return with_owner(options, work)


def _in_words(row: Row) -> Row:
    """Put into words what a number or an absence does not say: never seen, not known."""
    age = "?" if row["heartbeat_age"] is None else duration(row["heartbeat_age"])
    return {**row, "seen": age if row["ever_seen"] else "never", "plays": "?" if row["player"] is None else row["game"]}


async def _look(
    owner: "Owner",
    chosen: "Sequence[OwnedStation]",
    known: "Places",
    options: argparse.Namespace,
    *,
    endpoints: bool,
) -> "tuple[list[Seen], Spelling]":
    """See the stations, and have what it takes to put them into words."""
    from drova_gate.owner.overview import look_at  # noqa: PLC0415 - see guard.py
    from drova_gate.owner.rows import Spelling  # noqa: PLC0415 - see guard.py
    from drova_gate.owner.titles import titles_of  # noqa: PLC0415 - see guard.py

    seen = await look_at(chosen, whole=owner.whole, endpoints=endpoints)
    played = [
        one.inside.session.product_id for one in seen if one.inside is not None and one.inside.session is not None
    ]
    played += [one.station.server.product_id for one in seen if one.inside and one.station.server.product_id]
    titles = await titles_of(played, owner.client, owner.state_dir)
    return seen, Spelling(titles, known.text, now=time.time(), addresses=options.addresses)


def _say_faults(seen: "Sequence[Seen]") -> int:
    """What could not be asked is not left out in silence."""
    faults = [
        (one.station.name, what, fault)
        for one in seen
        for what, fault in (("who plays", one.inside_fault), ("its addresses", one.endpoints_fault))
        if fault is not None
    ]
    for name, what, fault in faults:
        complain(f"{one_line(name)}: {what} could not be asked: {fault}")
    return 1 if faults else 0


# -- current ---------------------------------------------------------------------------------------------------------


def _current(options: argparse.Namespace) -> int:
    async def work(owner: "Owner") -> int:
        import asyncio  # noqa: PLC0415 - a command without network does without

        with places(options) as known:
            if not options.watch:
                rows, summary, seen = await _playing(owner, options, known)
                show(options, CURRENT, rows, flexible="game")
                if not for_machines(options):
                    print_lines([summary])
                return _say_faults(seen)
            if is_screen() and not for_machines(options):
                sys.stdout.write("\x1b[2J")
            while True:
                if not await _turn(owner, options, known):
                    return 0
                await asyncio.sleep(WATCH_SECONDS)

    return with_owner(options, work)


async def _playing(owner: "Owner", options: argparse.Namespace, known: "Places") -> "tuple[list[Row], str, list[Seen]]":
    from drova_gate.owner.rows import current_row  # noqa: PLC0415 - see guard.py

    chosen = await owner.chosen(options.station)
    seen, spelling = await _look(owner, chosen, known, options, endpoints=False)
    rows = [current_row(one, spelling) for one in seen if one.inside is not None]
    return rows, _summary(seen, spelling.now), seen


def _summary(seen: "Sequence[Seen]", now: float) -> str:
    from drova_gate.owner.rows import state_words  # noqa: PLC0415 - see guard.py

    count: dict[str, int] = {}
    for one in seen:
        word = (
            "with a player" if one.inside else "not known" if one.inside_fault else state_words(one.station.server, now)
        )
        count[word] = count.get(word, 0) + 1
    told = ", ".join(f"{number} {word}" for word, number in sorted(count.items(), key=lambda item: -item[1]))
    return spoken().of(f"stations: {told or 'none'}")


async def _turn(owner: "Owner", options: argparse.Namespace, known: "Places") -> bool:
    """Show it once more; a cloud that does not answer is waited for. ``False``: nobody looks any more."""
    try:
        rows, summary, _ = await _playing(owner, options, known)
    except TryAgain as error:
        rows, summary = [], spoken().of_error(error)
        if for_machines(options):
            complain(error)
            return True
    if for_machines(options):
        return show(options, CURRENT, rows)
    lines = fitted_table(CURRENT, rows, flexible="game", room=terminal_room()) if rows else []
    lines += [f"{datetime.now().astimezone():%H:%M:%S}  {summary}"]
    if is_screen():
        # In place, line by line: nothing flickers, nothing of the last picture stays.
        lines = lines[: screen_lines() - 1]
        return print_text("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
    return print_lines(lines)
