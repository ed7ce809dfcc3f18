"""``drova_gate maintenance``: hide a station, wait for its player to leave, keep the gate's hands off it, and show it again."""

import argparse
import getpass
import os
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drova_gate.cli.owner import add_env, with_owner
from drova_gate.cli.running import Progress, Settled, chosen, follow, running_stations
from drova_gate.cli.showing import add_showing, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines, read_owner_settings, state_dirs
from drova_gate.core.model import Lease
from drova_gate.errors import CallOwner, NotKnown, SettingsFault
from drova_gate.lease import LEAST_WALL, LeaseFile
from drova_gate.moments import ACCEPTED_AHEAD, deadline, minute
from drova_gate.report.ask import places
from drova_gate.sheet import Column, one_line

if TYPE_CHECKING:
    from drova_gate.owner.account import OwnedStation, Owner
    from drova_gate.owner.settings import OwnerSettings

__all__ = ["add"]

FILE = "maintenance"
NEVER = "never"
OFF_SECONDS = 120.0
"""For a station to be looked at anew, seen clean and shown: one that is off takes longer, and is not waited for."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "work on a station: hide it, let its player leave, keep hands off it until a deadline, show it again"
    command = commands.add_parser(
        "maintenance",
        help=text,
        description=f"{text[0].upper()}{text[1:]}. Without a word: list what is under maintenance.",
        epilog="Example: drova_gate maintenance on pc1 --until 22:30 --why 'new disk'",
    )
    add_showing(command)
    add_env(command)
    command.set_defaults(command=_list)
    words = command.add_subparsers(metavar="on|off|list")
    _add_on(words)
    _add_off(words)
    listing = words.add_parser(
        "list",
        help="show all maintenance",
        description="Show all maintenance.",
        epilog="Example: drova_gate maintenance list --json",
    )
    add_showing(listing)
    add_env(listing)
    listing.set_defaults(command=_list)


def _add_on(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    on = words.add_parser(
        "on",
        help="hide a station, wait until its player has left, keep the gate's hands off it",
        description="The running gate hides the station, guards the session that goes on to its clean end, and then keeps its hands off. "
        "Said again, it takes a new deadline or reason. What you have hidden yourself before stays hidden afterwards.",
        epilog="Example: drova_gate maintenance on pc1 pc2 --until 'tomorrow 08:00' --why updates",
    )
    _add_stations(on)
    on.add_argument(
        "--until", metavar="WHEN", help=f"ends by itself then: {ACCEPTED_AHEAD}; or never (the usual): you are reminded"
    )
    on.add_argument("--why", metavar="TEXT", help="your reason, for the status and the reminders")
    on.add_argument("--no-wait", action="store_true", help="return at once; the gate goes on by itself")
    on.set_defaults(command=lambda options: _on(on, options))


def _add_off(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    off = words.add_parser(
        "off",
        help="end it: the station is looked at anew, and shown again once it is seen clean",
        description="The station is shown again as soon as it is seen clean, if it was hidden for the maintenance.",
        epilog="Example: drova_gate maintenance off pc1",
    )
    _add_stations(off)
    off.add_argument("--no-wait", action="store_true", help="return at once; the gate goes on by itself")
    off.set_defaults(command=lambda options: _off(off, options))


def _add_stations(command: argparse.ArgumentParser) -> None:
    command.add_argument("station", metavar="STATION", nargs="*", help="by name")
    command.add_argument("--all", action="store_true", help="all stations")
    add_env(command)


def _named(command: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if bool(options.station) == options.all:
        command.error("name the stations, or --all" if not options.all else "name stations or say --all, not both")


# -- on --------------------------------------------------------------------------------------------------------------


def _on(command: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    _named(command, options)
    now = int(time.time())
    if now < LEAST_WALL:
        complain(f"the router's clock: reads {minute(now)}, which is wrong; set it first, or no deadline can be kept")
        return 1
    until = None
    if options.until is not None and options.until != NEVER:
        try:
            until = int(deadline(options.until, datetime.now()).timestamp())  # noqa: DTZ005 - local time, as owners write it
        except ValueError as error:
            command.error(f"--until: {error}")
    lease = Lease(one_line(options.why) if options.why else "", hides=True, by=_who(), since_wall=now, until_wall=until)
    stations = running_stations(options.env)
    if not _any_runs(stations, options):
        return _on_without_gate(options, lease)
    names = chosen(options.station, list(stations))
    for name in names:
        file = _file_of(stations[name])
        order = _renewed(file.load(), lease, never=options.until == NEVER)
        _write(file, order)
        ends = f"until {minute(order.until_wall)}" if order.until_wall is not None else "without a deadline"
        print_lines([spoken().of(f"{name}: maintenance is ordered, {ends}")])
    if options.no_wait:
        return 0
    try:
        return 0 if follow(options.env, names, _begun, _say) else 1
    except KeyboardInterrupt:
        complain(
            f"interrupted: the order stays and the gate goes on; to take it back: drova_gate maintenance off {' '.join(names)}"
        )
        return 130


def _renewed(old: Lease | None, lease: Lease, *, never: bool) -> Lease:
    """The order as it is to be now: one that is in force goes on, with a new deadline or reason where one is given."""
    if old is not None and old.hides and not old.ended:
        until = lease.until_wall if lease.until_wall is not None or never else old.until_wall
        lease = replace(lease, since_wall=old.since_wall, until_wall=until, why=lease.why or old.why, hidden=old.hidden)
    elif old is not None and not old.hides:
        lease = replace(lease, why=lease.why or old.why)  # a note by hand
    return replace(lease, why=lease.why or "by the owner")


def _begun(station: Mapping[str, Any]) -> Settled | None:
    order = station["maintenance"]
    if order is None or order["over"]:
        return Settled(good=False, text="the maintenance was ended meanwhile")
    if station["phase"] == "quarantined":
        return Settled(
            good=True, text=f"{station['reason']}; hidden, and nothing is done to it until you end the maintenance"
        )
    if station["phase"] != "maintenance" or not order["hides"]:
        return None
    whose = "hidden from players" if station["hidden_by_us"] else "hidden before, and stays so afterwards"
    return Settled(
        good=True, text=f"in maintenance, {whose}; when you are done: drova_gate maintenance off {station['name']}"
    )


# -- off -------------------------------------------------------------------------------------------------------------


def _off(command: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    _named(command, options)
    stations = running_stations(options.env)
    if not _any_runs(stations, options):
        return _off_without_gate(options)
    names = [name for name in chosen(options.station, list(stations)) if _end(stations[name], quiet=options.all)]
    if options.no_wait or not names:
        return 0
    try:
        hidden = {name for name in names if stations[name]["hidden_by_us"]}
        return 0 if follow(options.env, names, lambda one: _shown(one, hidden), _say, at_most=OFF_SECONDS) else 1
    except KeyboardInterrupt:
        complain("interrupted: the maintenance is over; the gate shows what it sees clean: drova_gate status")
        return 130


def _end(station: Mapping[str, Any], *, quiet: bool) -> bool:
    """Say that the order is over; ``False``: there was none."""
    file = _file_of(station)
    lease = file.load()
    if lease is None:
        if not quiet:
            print_lines([spoken().of(f"{station['name']}: is not under maintenance")])
        return False
    if lease.hides:
        _write(file, replace(lease, ended=True))
    else:
        _take_away(file)
    return True


def _shown(station: Mapping[str, Any], hidden: Container[str]) -> Settled | None:
    if station["maintenance"] is not None or station["phase"] in ("maintenance", "unknown"):
        return None
    if station["phase"] == "quarantined":
        return Settled(good=False, text=f"the maintenance is over; {station['reason']}")
    if station["phase"] != "clean":
        return Settled(good=True, text=f"the maintenance is over; {station['reason']}; shown again when it is clean")
    if station["hidden_by_us"]:
        return None
    now = "shown in the catalogue again" if station["name"] in hidden else "in the catalogue it is as it was before"
    return Settled(good=True, text=f"the maintenance is over; {now}")


# -- without a gate --------------------------------------------------------------------------------------------------


def _any_runs(stations: Mapping[str, Any], options: argparse.Namespace) -> bool:
    """Whether running gates guard what is meant: one of several gates may be stopped."""
    if not stations or not options.station:
        return bool(stations)
    try:
        chosen(options.station, list(stations))
    except NotKnown:
        try:
            named = {one.name for one in read_owner_settings(options.env).stations}
        except (SettingsFault, CallOwner):
            return True
        return not named & set(options.station)
    return True


def _on_without_gate(options: argparse.Namespace, lease: Lease) -> int:
    settings = read_owner_settings(options.env)
    left = _leave(options, settings, lease)

    async def work(owner: "Owner") -> int:
        from drova_gate.owner.maintenance import hide_for, wait_for_players_end  # noqa: PLC0415 - see guard.py

        complain(
            "no gate runs: the station is hidden from here, and nobody guards or resets it until the gate runs again"
        )
        good, progress = True, Progress()
        stations = _guarded(await owner.chosen(options.station))
        for one in stations:
            file = LeaseFile(settings.state_dir / one.name / FILE)
            try:
                told = await hide_for(one, file, _renewed(file.load(), lease, never=options.until == NEVER))
            except OSError as error:
                raise _not_written(file, error) from error
            _say(one.name, Settled(told.good, told.text))
            good = good and told.good
        for one in () if options.no_wait else stations:
            await wait_for_players_end(one, lambda text, name=one.name: progress.tell(name, text))  # type: ignore[misc] # mypy knows no defaults of a lambda
            progress.clear()
            _say(
                one.name,
                Settled(good=True, text=f"nobody is on it; when you are done: drova_gate maintenance off {one.name}"),
            )
        return 0 if good else 1

    try:
        code = with_owner(options, work)
    except KeyboardInterrupt:
        complain(f"interrupted: the order stays; to take it back: drova_gate maintenance off {' '.join(left)}")
        return 130
    if code and left:
        complain(f"the order is left for {', '.join(left)}: the gate carries it out when it starts")
    return code


def _leave(options: argparse.Namespace, settings: "OwnerSettings", lease: Lease) -> list[str]:
    """Leave the order for the stations of the settings before anybody is asked: a cloud that is down must not lose it."""
    try:
        names = chosen(options.station, [one.name for one in settings.stations])
    except NotKnown:
        return []  # a name that Drova knows it by
    for name in names:
        file = LeaseFile(settings.state_dir / name / FILE)
        _write(file, _renewed(file.load(), lease, never=options.until == NEVER))
    return names


def _off_without_gate(options: argparse.Namespace) -> int:
    settings = read_owner_settings(options.env)
    configs = {one.name: one for one in settings.stations}

    async def work(owner: "Owner") -> int:
        from drova_gate.owner.maintenance import show_after  # noqa: PLC0415 - see guard.py

        good = True
        for one in _guarded(await owner.chosen(options.station)):
            file = LeaseFile(settings.state_dir / one.name / FILE)
            lease = file.load()
            if lease is None or (lease.ended and lease.hidden is False):
                _say(one.name, Settled(good=True, text="is not under maintenance"))
                continue
            try:
                if not lease.hides:
                    file.end(lease)
                    _say(one.name, Settled(good=True, text="the note is taken away"))
                    continue
                told = await show_after(one, configs.get(one.name), settings.state_dir, file, lease)
            except OSError as error:
                raise _not_written(file, error) from error
            _say(one.name, Settled(told.good, told.text))
            good = good and told.good
        return 0 if good else 1

    return with_owner(options, work)


def _guarded(stations: "Sequence[OwnedStation]") -> "list[OwnedStation]":
    """Those that this gate guards; the others have nothing to keep hands off."""
    for one in stations:
        if one.gate_name is None:
            complain(
                f"{one_line(one.name)}: is not guarded by a gate with these settings; to hide it alone: drova_gate hide"
            )
    return [one for one in stations if one.gate_name is not None]


# -- list ------------------------------------------------------------------------------------------------------------

_COLUMNS = (
    Column("station", "STATION"),
    Column("state", "STATE", said=True),
    Column("since", "SINCE", text=lambda at: minute(at) if at else "-"),
    Column("until", "UNTIL", text=lambda at: minute(at) if at else "-"),
    Column("by", "BY"),
    Column("why", "WHY"),
)


def _list(options: argparse.Namespace) -> int:
    running = running_stations(options.env)
    unread = [str(one) for one in state_dirs(options.env) if _is_closed(one)]
    if unread and not running:
        complain(f"{', '.join(unread)}: cannot be read; use sudo")
        return 1
    rows = [_row(one["name"], one["maintenance"], _state(one)) for one in running.values() if one["maintenance"]]
    folders = {Path(one["state_dir"]) for one in running.values()}
    # The folder of a station is one below the state directory, or two: a unit for each station.
    files = [path for name in (FILE, f"*/{FILE}") for path in places(state_dirs(options.env), name)]
    for path in dict.fromkeys(files):
        lease = LeaseFile(path).load() if path.is_file() and path.parent not in folders else None
        if lease is not None and not (lease.ended and lease.hidden is False):
            known = {"why": lease.why, "by": lease.by, "since": lease.since_wall, "until": lease.until_wall}
            rows.append(_row(path.parent.name, known, "no gate runs"))
    rows.sort(key=lambda row: str(row["station"]).casefold())
    show(options, _COLUMNS, rows, flexible="why", nothing=spoken().of("no station is under maintenance"))
    return 0


def _is_closed(folder: Path) -> bool:
    try:
        return folder.exists() and not os.access(folder, os.R_OK | os.X_OK)
    except OSError:
        return True  # behind a closed door, as OpenWrt's place is on a Debian


def _row(name: str, order: Mapping[str, Any], state: str) -> dict[str, Any]:
    whole = {name: order[name] or None for name in ("since", "until", "by", "why")}
    return {"station": name, "state": state, **whole}


def _state(station: Mapping[str, Any]) -> str:
    if station["phase"] == "maintenance":
        return "in maintenance"
    return "hands off" if station["phase"] == "quarantined" else f"waits ({station['phase']})"


# -- small things ----------------------------------------------------------------------------------------------------


def _say(name: str, settled: Settled) -> None:
    print_lines([spoken().of(f"{one_line(name)}: {one_line(settled.text)}")], to_errors=not settled.good)


def _file_of(station: Mapping[str, Any]) -> LeaseFile:
    return LeaseFile(Path(station["state_dir"]) / FILE)


def _write(file: LeaseFile, lease: Lease) -> None:
    try:
        file.save(lease)
    except OSError as error:
        raise _not_written(file, error) from error


def _take_away(file: LeaseFile) -> None:
    try:
        file.path.unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(file, error) from error


def _not_written(file: LeaseFile, error: OSError) -> CallOwner:
    return CallOwner(f"the order in {file.path.parent}", f"cannot be written ({error.strerror})", "use sudo")


def _who() -> str:
    """Who gives the order: behind sudo, too."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        return "owner"
