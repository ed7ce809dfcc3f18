"""``drova_gate steam scan | sync | validate``: the games that Steam has on a station."""

import argparse
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from drova_gate.cli.owner import add_env, add_yes
from drova_gate.cli.showing import add_showing, fitted_table, for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines, read_owner_settings, run_loop, terminal_room
from drova_gate.errors import GateError

if TYPE_CHECKING:
    from drova_gate.config import StationConfig
    from drova_gate.owner.settings import OwnerSettings

__all__ = ["add"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    text = "the games that Steam has on a station: see them, offer them at Drova, let Steam verify them"
    group = commands.add_parser(
        "steam", help=text, description=f"{text[0].upper()}{text[1:]}.", epilog="Example: drova_gate steam scan pc1"
    )
    inner = group.add_subparsers(required=True, metavar="WHAT")
    _add_scan(inner)
    _add_sync(inner)
    _add_validate(inner)


def _of_station(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    about: str,
    description: str,
    epilog: str,
) -> argparse.ArgumentParser:
    """Add a command about one station."""
    command = commands.add_parser(name, help=about, description=description, epilog=epilog)
    command.add_argument("station", metavar="STATION", help="as the gate's settings name it")
    add_showing(command)
    add_env(command)
    command.set_defaults(command=run)
    return command


def _add_scan(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _of_station(
        commands,
        "scan",
        _scan,
        about="what is installed, and what Drova calls it",
        description="Looks through Steam's libraries over SSH and changes nothing.",
        epilog="Example: drova_gate steam scan pc1 --csv > pc1.csv. Exit code 1 also when a file could not be read: it is named.",
    )


def _add_sync(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _of_station(
        commands,
        "sync",
        _sync,
        about="offer at Drova what is installed, and no longer what is gone",
        description="Shows a plan, asks, then adds and enables the games that are fully installed and disables Steam's games that are"
        " gone. Games of other launchers are left alone. What is stopped goes on when it is run again.",
        epilog="Example: drova_gate steam sync pc1. Exit code 3: a plan was shown and nothing was done.",
    )
    add_yes(command)
    command.add_argument("--force", action="store_true", help="also while a player is inside")


def _add_validate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _of_station(
        commands,
        "validate",
        _validate,
        about="let Steam verify the files of games, and repair them",
        description="Starts Steam's own verification at the console when nobody plays, one game after the other, and follows it."
        " Ctrl-C leaves Steam at work.",
        epilog="Example: drova_gate steam validate pc1 --app 730 --app 'Dota 2'. Exit code 1: a game failed or was not started.",
    )
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--app", metavar="ID", action="append", default=[], help="Steam's number or the name; may be repeated"
    )
    which.add_argument("--all", action="store_true", help="every installed game")
    command.add_argument("--force", action="store_true", help="also while a player is inside")
    command.add_argument(
        "--in-shadow-mode", action="store_true", help="also in Shadow Mode, where a reset forgets what was repaired"
    )


def _run(
    options: argparse.Namespace, work: "Callable[[OwnerSettings, StationConfig], Coroutine[Any, Any, int]]"
) -> int:
    """Find the station and run the command; what passes and comes back is said in one line, exit code 1."""
    settings = read_owner_settings(options.env)
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py
    from drova_gate.steam.station import named_station  # noqa: PLC0415 - see guard.py

    configure_logging("text", "CRITICAL", under_systemd=False)

    async def run() -> int:
        return await work(settings, await named_station(settings, options.station))

    try:
        return run_loop(run)
    except GateError as error:
        complain(error)
        return 1


# -- scan --------------------------------------------------------------------------------------------------------------


def _scan(options: argparse.Namespace) -> int:
    async def work(settings: "OwnerSettings", config: "StationConfig") -> int:
        from drova_gate.cloud.game_index import GameIndex  # noqa: PLC0415 - see guard.py
        from drova_gate.steam import rows  # noqa: PLC0415 - see guard.py
        from drova_gate.steam.matching import match  # noqa: PLC0415 - see guard.py
        from drova_gate.steam.station import scan_and_catalogue  # noqa: PLC0415 - see guard.py

        found, catalogue = await scan_and_catalogue(settings, config)
        known = isinstance(catalogue, GameIndex)
        matches = match(found, catalogue if isinstance(catalogue, GameIndex) else GameIndex(()))
        show(options, rows.GAMES, rows.game_rows(found, matches, catalogue=known), flexible="name", nothing="no games")
        if not for_machines(options):
            libraries = fitted_table(
                rows.LIBRARIES, rows.rows_of_libraries(found), flexible="library", room=terminal_room()
            )
            print_lines(["", *libraries, "", spoken().of(rows.summary(matches, catalogue=known))])
        if not known:
            complain(f"what Drova calls them is not known: {catalogue}")
        for fault in found.faults:
            complain(str(fault))
        return 1 if found.faults else 0

    return _run(options, work)


# -- sync --------------------------------------------------------------------------------------------------------------


def _sync(options: argparse.Namespace) -> int:
    from drova_gate.cli.steam_sync import sync  # noqa: PLC0415 - see guard.py

    return _run(options, lambda settings, config: sync(options, settings, config))


# -- validate ----------------------------------------------------------------------------------------------------------


def _validate(options: argparse.Namespace) -> int:
    from drova_gate.cli.steam_validate import validate  # noqa: PLC0415 - see guard.py

    return _run(options, lambda settings, config: validate(options, settings, config))
