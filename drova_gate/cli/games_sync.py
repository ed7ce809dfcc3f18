"""``drova_gate games sync``: the same list on all stations, from one of them or from a file that the owner keeps."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from drova_gate.cli.changing import Intent, carry_through
from drova_gate.cli.games_change import present_on
from drova_gate.cli.games_look import names_of, read_paths, read_shelves
from drova_gate.cli.showing import for_machines
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines
from drova_gate.errors import CallOwner, GateError
from drova_gate.games.grouped import group_of, grouped
from drova_gate.games.lists import Listed, ListFault, parsed_csv, parsed_toml
from drova_gate.games.overview import Shelf
from drova_gate.games.plan import Change, Present, Wanted, changes_for
from drova_gate.games.sync import LeftOut, Offer, copied, emptied, why_left_out
from drova_gate.owner.account import OwnedStation, Owner, find_station
from drova_gate.sheet import one_line

__all__ = ["sync"]

ALL = "all"
FAULTS_SHOWN = 10
"""Lines of faults of one file: whoever must mend fifty mends the cause first."""


async def sync(options: argparse.Namespace, owner: Owner) -> int:
    """Make lists the same."""
    listed = None if options.file is None else _read_list(Path(options.file))
    stations = await owner.stations()
    if listed is None:
        return await _from_station(options, owner, stations)
    return await _from_file(options, owner, stations, listed)


async def _from_station(options: argparse.Namespace, owner: Owner, stations: Sequence[OwnedStation]) -> int:
    source = find_station(options.source, stations)
    targets = [one for one in _named(options.to, stations) or stations if one.uuid != source.uuid]
    if not targets:
        raise CallOwner("games sync", "there is no other station to copy to", "write --to STATION")
    shelves, whole = await read_shelves([source, *targets])
    by_station = {shelf.station: shelf for shelf in shelves}
    from_there = by_station.pop(source.uuid, None)
    if from_there is None:
        return 1
    offers = list(from_there.offers.values())
    if options.paths:
        offers = await _with_paths(source, offers)
    changes: list[Change] = []
    left_out: tuple[LeftOut, ...] = ()
    for target in targets:
        if (shelf := by_station.get(target.uuid)) is None:
            continue
        compared = [one.product_id for one in offers if one.paths is not None and one.product_id in shelf.offers]
        present = present_on(shelf, await read_paths(target, compared))
        wanted, left_out = copied(offers, shelf.offers.values(), keep_others=options.keep_others)
        _refuse_emptying(options, shelf, wanted)
        changes += changes_for(target.uuid, wanted, present)
    looked_at = [one for one in targets if one.uuid in by_station]
    _say_left_out(options, left_out)
    name = _command(options, "--from", source.name, "--to", *(one.name for one in targets))
    code = await carry_through(options, Intent(name, tuple(changes), tuple(looked_at)), owner.state_dir)
    return code if whole else code or 1


async def _from_file(
    options: argparse.Namespace,
    owner: Owner,
    stations: Sequence[OwnedStation],
    listed: Sequence[Listed],
) -> int:
    shelves, whole = await read_shelves(stations)
    names = await names_of(owner, shelves)
    try:
        groups = grouped(listed, names, stations)
    except ListFault as fault:
        raise _faulty(options.file, fault) from fault
    targets = _named(options.to, stations) or [one for one in stations if None in groups or one.uuid in groups]
    by_station = {shelf.station: shelf for shelf in shelves}
    changes: list[Change] = []
    left_out: dict[LeftOut, None] = {}
    for target in targets:
        group = group_of(target.uuid, groups)
        if group is None:
            raise CallOwner(
                f"list {options.file}",
                f"it says nothing about station {target.name}",
                "write it in, or leave it out of --to",
            )
        if (shelf := by_station.get(target.uuid)) is None:
            continue
        offers = [Offer(one.product_id, one.title, one.enabled, paths=one.paths) for one in group]
        compared = [one.product_id for one in offers if one.paths is not None and one.product_id in shelf.offers]
        present = present_on(shelf, await read_paths(target, compared))
        wanted, left = copied(offers, shelf.offers.values(), keep_others=options.keep_others)
        _refuse_emptying(options, shelf, wanted)
        left_out |= dict.fromkeys(left)
        changes += changes_for(target.uuid, wanted, present)
    looked_at = [one for one in targets if one.uuid in by_station]
    _say_left_out(options, tuple(left_out))
    name = _command(options, options.file, "--to", *(one.name for one in targets))
    code = await carry_through(options, Intent(name, tuple(changes), tuple(looked_at)), owner.state_dir)
    return code if whole else code or 1


def _refuse_emptying(options: argparse.Namespace, shelf: Shelf, wanted: Sequence[Wanted]) -> None:
    """Stop before a station loses most of its games: the wrong way round, or a list that is not whole."""
    if options.force or (lost := emptied(shelf.offers.values(), wanted)) is None:
        return
    raise CallOwner(
        "games sync",
        f"would disable {lost[0]} of {lost[1]} games of {shelf.name}; nothing was changed",
        "is the list whole? --keep-others leaves them alone, --force disables them",
    )


def _named(names: Sequence[str], stations: Sequence[OwnedStation]) -> list[OwnedStation]:
    """Find the stations of ``--to``; empty for all."""
    if not names or ALL in names:
        return []
    return list({one.uuid: one for one in (find_station(name, stations) for name in names)}.values())


def _command(options: argparse.Namespace, *words: str) -> str:
    """Write the command as the owner would, so that a run that was broken off knows itself again."""
    flags = [flag for flag, on in (("--paths", options.paths), ("--keep-others", options.keep_others)) if on]
    return shlex.join(["games", "sync", *words, *flags])


def _say_left_out(options: argparse.Namespace, left_out: Sequence[LeftOut]) -> None:
    if not for_machines(options):
        print_lines([spoken().of(one_line(f"not copied: {one.title}: {one.why}")) for one in left_out])


async def _with_paths(source: OwnedStation, offers: Sequence[Offer]) -> list[Offer]:
    """Read how the source starts each game that may be copied; where that fails the others' paths stay, and it is said."""
    found = await read_paths(source, [one.product_id for one in offers if why_left_out(one) is None])
    for offer in offers:
        if isinstance(error := found.get(offer.product_id), GateError):
            complain(one_line(f"{source.name}: {offer.title}: its paths are not copied: {error}"))
    return [_with_found(offer, found.get(offer.product_id)) for offer in offers]


def _with_found(offer: Offer, found: "Present | GateError | None") -> Offer:
    return replace(offer, paths=found.paths) if isinstance(found, Present) else offer


def _read_list(path: Path) -> tuple[Listed, ...]:
    """Read the owner's file; ``CallOwner`` with its faulty lines."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CallOwner(
            f"list {path}", f"cannot be read ({error.strerror})", "write the path of a TOML or CSV file"
        ) from error
    except UnicodeDecodeError as error:
        raise CallOwner(f"list {path}", "is no UTF-8 text", "save it as UTF-8 (in Excel: CSV UTF-8)") from error
    try:
        return parsed_toml(text) if path.suffix.casefold() == ".toml" else parsed_csv(text)
    except ListFault as fault:
        raise _faulty(str(path), fault) from fault


def _faulty(path: str, fault: ListFault) -> CallOwner:
    shown = list(fault.faults[:FAULTS_SHOWN])
    if len(fault.faults) > FAULTS_SHOWN:
        shown.append(f"and {len(fault.faults) - FAULTS_SHOWN} more")
    return CallOwner(f"list {path}", "\n  ".join(["nothing was changed:", *shown] if len(shown) > 1 else shown))
