"""The commands that change single games on stations; each shows its plan before anything is done."""

import argparse
import shlex
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from drova_gate.cli.changing import Intent, carry_through
from drova_gate.cli.games_look import names_of, read_paths, read_shelves
from drova_gate.cli.speech import complain
from drova_gate.errors import CallOwner, GateError
from drova_gate.games.known import eac_folder, renewed
from drova_gate.games.overview import Shelf
from drova_gate.games.plan import Change, Paths, Present, SetPaths, Wanted, changes_for
from drova_gate.games.shelf import paths_of
from drova_gate.games.sync import Offer, why_left_out
from drova_gate.owner.account import OwnedStation, Owner
from drova_gate.sheet import one_line

__all__ = ["present_on", "set_paths", "switch"]


async def switch(options: argparse.Namespace, owner: Owner, *, enabled: bool) -> int:
    """Enable or disable games."""
    stations = await owner.chosen(options.station)
    shelves, whole = await read_shelves(stations)
    names = await names_of(owner, shelves)
    games = {game.product_id: game for game in map(names.find, options.games)}
    for game in games.values() if enabled and not options.force else ():
        if why := why_left_out(Offer(game.product_id, game.title, enabled=True)):
            raise CallOwner(f"game {game.title} ({game.product_id})", f"is not to be enabled: {why}", "or --force")
    wanted = [Wanted(game.product_id, game.title, enabled) for game in games.values()]
    changes = [change for shelf in shelves for change in changes_for(shelf.station, wanted, present_on(shelf))]
    word = "enable" if enabled else "disable"
    looked_at = tuple(one for one in stations if one.uuid in {shelf.station for shelf in shelves})
    where = ["--station", *(one.name for one in stations)] if options.station else ["--all"]
    name = shlex.join(["games", word, *(game.title for game in games.values()), *where])
    nothing = f"nothing to change: no station offers {'less' if enabled else 'more'} than that"
    code = await carry_through(options, Intent(name, tuple(changes), looked_at, nothing), owner.state_dir)
    return code if whole else code or 1


async def set_paths(options: argparse.Namespace, owner: Owner) -> int:
    """Set how a station starts a game."""
    (station,) = await owner.chosen([options.station])
    shelves, whole = await read_shelves([station])
    if not whole:
        return 1
    if options.eac:
        return await _renew_eac(options, owner, station, shelves[0])
    game = (await names_of(owner, shelves)).find(options.game)
    if game.product_id not in shelves[0].offers:
        raise CallOwner(game.title, f"is not on the list of {station.name}", "add it first: drova_gate games enable")
    now = paths_of(await station.client.station_product(station.uuid, game.product_id))
    wanted = Paths() if options.default else _changed(now, options)
    changes: tuple[Change, ...] = ()
    if wanted != now:
        changes = (SetPaths(station.uuid, game.product_id, game.title, paths=wanted),)
    name = shlex.join(["games", "paths", station.name, game.title])
    return await carry_through(options, Intent(name, changes, (station,)), owner.state_dir)


def _changed(now: Paths, options: argparse.Namespace) -> Paths:
    fields = ("game_path", "work_path", "args", "allowed_paths")
    named = {field: getattr(options, field) for field in fields if getattr(options, field) is not None}
    return replace(now, **named)


async def _renew_eac(options: argparse.Namespace, owner: Owner, station: OwnedStation, shelf: Shelf) -> int:
    """Plan the anti-cheat's new folder for every game whose allowed paths, its own or Drova's, name the old one."""
    games = list(shelf.offers)
    if options.game is not None:
        games = [(await names_of(owner, [shelf])).find(options.game).product_id]
    found = await read_paths(station, games)
    changes = [change for game in games if (change := _with_new_eac(station, shelf, game, found[game])) is not None]
    changes.sort(key=lambda one: (one.title.casefold(), one.product_id.int))
    name = shlex.join(["games", "paths", station.name, "--eac", *([options.game] if options.game else [])])
    nothing = f"nothing to change: no game of {station.name} names {eac_folder().old}"
    code = await carry_through(options, Intent(name, tuple(changes), (station,), nothing), owner.state_dir)
    return code or int(any(isinstance(one, GateError) for one in found.values()))


def _with_new_eac(station: OwnedStation, shelf: Shelf, game: UUID, found: "Present | GateError") -> SetPaths | None:
    offer = shelf.offers.get(game)
    title = str(game) if offer is None else offer.title
    if isinstance(found, GateError):
        complain(one_line(f"{station.name}: {title}: {found}"))
        return None
    paths = found.paths or Paths()
    new = renewed(paths.allowed_paths if paths.allowed_paths is not None else found.default_allowed_paths, eac_folder())
    if new.doubtful:
        complain(
            f"{station.name}: {title}: the anti-cheat's folder is in an entry that a person should look at: games paths"
        )
    if new.found and offer is not None and not offer.ready:
        complain(f"{station.name}: {title}: left as it is, for Drova has not released it there")
        return None
    return SetPaths(station.uuid, game, title, paths=replace(paths, allowed_paths=new.paths)) if new.found else None


def present_on(shelf: Shelf, paths: Mapping[UUID, "Present | GateError"] | None = None) -> dict[UUID, Present]:
    """Turn a station's list into what a plan compares with."""
    known = {game: one for game, one in (paths or {}).items() if isinstance(one, Present)}
    return {game: Present(offer.enabled) for game, offer in shelf.offers.items()} | known
