"""The commands that look at stations' games and change nothing."""

import argparse
from collections.abc import Iterable, Sequence
from uuid import UUID

from drova_gate.cli.progress import Progress
from drova_gate.cli.showing import fitted_table, for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines, terminal_room
from drova_gate.cloud.catalog import Catalogue
from drova_gate.cloud.game_index import GameIndex
from drova_gate.columns import width
from drova_gate.errors import GateError
from drova_gate.games.names import GameNames
from drova_gate.games.overview import (
    LEGEND,
    LONG_COLUMNS,
    WIDE_LEGEND,
    Shelf,
    differing,
    long_rows,
    other_paths,
    short_columns,
    short_rows,
    wide_columns,
    wide_rows,
)
from drova_gate.games.plan import Paths, Present
from drova_gate.games.shelf import paths_of_games
from drova_gate.games.sync import offer_of
from drova_gate.owner.account import OwnedStation, Owner, find_station
from drova_gate.owner.asking import AT_ONCE, ask_all
from drova_gate.sheet import Column, one_line

__all__ = ["differ", "listed", "names_of", "read_paths", "read_shelves", "show_paths"]

NARROW = 80
"""Places of a terminal that nobody watches."""
TITLE_LEAST = 20
"""Places that a title needs beside the stations' columns."""


async def listed(options: argparse.Namespace, owner: Owner) -> int:
    """Show games and stations."""
    shelves, whole = await read_shelves(await owner.chosen(options.station))
    games = differing(shelves) if options.diff else None
    if for_machines(options):
        show(options, LONG_COLUMNS, long_rows(shelves, games))
    elif rows := short_rows(shelves, games):
        columns = short_columns(shelves)
        room, legend = terminal_room(), LEGEND
        needed = TITLE_LEAST + sum(2 + max(width(column.head), 5) for column in columns[1:])
        if needed > (room or NARROW) and len(shelves) > 2:
            rows = wide_rows(shelves, games)
            columns = [one for one in wide_columns() if one.key in ("title", "on") or any(row[one.key] for row in rows)]
            legend = WIDE_LEGEND if any(one.key == "remarks" for one in columns) else ""
        print_lines(fitted_table(columns, rows, flexible="title", room=room))
        print_lines(["", spoken().of(legend)] if legend else [])
    else:
        print_lines([spoken().of("all stations have the same games" if options.diff else "there are no games")])
    return 0 if whole else 1


async def differ(options: argparse.Namespace, owner: Owner) -> int:
    """Show in which games two stations differ."""
    stations = await owner.stations()
    pair = [find_station(name, stations) for name in (options.first, options.second)]
    shelves, whole = await read_shelves(pair)
    if not whole:
        return 1
    games = differing(shelves)
    paths = await _paths_apart(pair, shelves) if options.paths else {}
    games |= paths.keys()
    if for_machines(options):
        rows = [row | {"paths": paths.get(row["product_id"])} for row in map(dict, long_rows(shelves, games))]
        show(options, (*LONG_COLUMNS, Column("paths", "PATHS")), rows)
        return 0
    columns = [*short_columns(shelves), *([Column("paths", "OTHER PATHS")] if options.paths else [])]
    words = {game: "; ".join(_apart(*one) for one in apart.items()) for game, apart in paths.items()}
    short = [row | {"paths": words.get(row["product_id"], "")} for row in map(dict, short_rows(shelves, games))]
    show(options, columns, short, flexible="title", nothing=f"{pair[0].name} and {pair[1].name} have the same games")
    return 0


def _apart(what: str, pair: tuple[object, object]) -> str:
    return f"{what}: {_written(pair[0]) or '-'} | {_written(pair[1]) or '-'}"


async def _paths_apart(
    pair: Sequence[OwnedStation], shelves: Sequence[Shelf]
) -> dict[UUID, dict[str, tuple[object, object]]]:
    """Compare the paths of games that both have."""
    both = [game for game in shelves[0].offers if game in shelves[1].offers]
    first, second = [await read_paths(one, both) for one in pair]
    apart: dict[UUID, dict[str, tuple[object, object]]] = {}
    for game in both:
        one, other = first[game], second[game]
        if isinstance(one, GateError) or isinstance(other, GateError):
            complain(one if isinstance(one, GateError) else other)  # type: ignore[arg-type] # one of the two is an error
        elif found := other_paths(one.paths or Paths(), other.paths or Paths()):
            apart[game] = dict(found)
    return apart


async def show_paths(options: argparse.Namespace, owner: Owner) -> int:
    """Show how a station starts a game."""
    (station,) = await owner.chosen([options.station])
    shelves, whole = await read_shelves([station])
    if not whole:
        return 1
    game = (await names_of(owner, shelves)).find(options.game)
    found = await station.client.station_product(station.uuid, game.product_id)
    fields = (
        ("game path", found.game_path, found.default_game_path),
        ("work path", found.work_path, found.default_work_path),
        ("args", found.args, found.default_args),
        ("allowed paths", found.allowed_paths, found.default_allowed_paths),
    )
    rows = [
        {
            "product_id": game.product_id,
            "title": game.title,
            "station": station.name,
            "what": what,
            "own": own,
            "default": default,
        }
        for what, own, default in fields
    ]
    columns = [Column("what", game.title), Column("own", f"OWN ({station.name})"), Column("default", "DROVA'S")]
    if not for_machines(options):
        rows = [row | {"own": _written(row["own"]), "default": row["default"] or ""} for row in rows]
    show(options, columns, rows)
    return 0


def _written(own: object) -> str:
    """Tell an empty text of the owner's from none."""
    return "" if own is None else str(own) or '""'


async def read_shelves(stations: Iterable[OwnedStation]) -> tuple[list[Shelf], bool]:
    """Ask each station's games; a station that cannot be asked is said and left out: then the second value is ``False``."""
    asked = list(stations)
    answers = await ask_all(asked, lambda one: one.client.station_products(one.uuid, one.user_id))
    shelves = []
    for station, answer in zip(asked, answers, strict=True):
        if isinstance(answer, GateError):
            complain(one_line(f"{station.name}: {answer}"))
        else:
            shelves.append(Shelf(station.uuid, station.name, {one.product_id: offer_of(one) for one in answer}))
    return shelves, len(shelves) == len(asked)


async def read_paths(station: OwnedStation, games: Sequence[UUID]) -> dict[UUID, Present | GateError]:
    """Ask how a station starts these games, a request for each; how far it is shows when there are many."""
    found: dict[UUID, Present | GateError] = {}
    progress = Progress(len(games))
    try:
        for place in range(0, len(games), AT_ONCE):
            progress.show(place, f"{station.name}: reads how it starts games")
            found |= await paths_of_games(station, games[place : place + AT_ONCE])
    finally:
        progress.close()
    return found


async def names_of(owner: Owner, shelves: Sequence[Shelf]) -> GameNames:
    """Gather what games are called: by the catalogue, and by the stations' own lists."""
    titles = [{game: offer.title for game, offer in shelf.offers.items()} for shelf in shelves]
    try:
        catalogue = await Catalogue(owner.client, owner.state_dir).games()
    except GateError as error:
        complain(f"catalogue: not to be had ({error}); games are known by the stations' lists alone")
        catalogue = GameIndex(())
    return GameNames(catalogue, titles)
