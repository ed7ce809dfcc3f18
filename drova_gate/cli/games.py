"""``drova_gate games``: which games the stations offer, the same list on all of them, and how they start them."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from drova_gate.cli.owner import add_env, add_station, add_yes, with_owner
from drova_gate.cli.showing import add_showing, show
from drova_gate.sheet import Column

if TYPE_CHECKING:
    from drova_gate.owner.account import Owner

__all__ = ["add"]

_GAME = "a title, an id, or steam:570"
_LIST = """Examples:
  drova_gate games sync --from pc1 --to all --paths
  drova_gate games list --csv > games.csv; drova_gate games sync games.csv

A list of your own, games.toml. An entry without paths leaves them as they are; with some, the others are Drova's:
  [[game]]
  game = "Dota 2"              # a title, an id, or steam:570
  [[game]]
  game = "steam:730"
  enabled = false
  args = "-novid"              # also game_path, work_path, allowed_paths

A list is the whole list: other games are disabled (--keep-others: not)."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    text = "show and change which games the stations offer"
    games = commands.add_parser("games", help=text, description=text, epilog="Try: drova_gate games list --diff")
    inner = games.add_subparsers(required=True, metavar="COMMAND")
    for one in (_add_list, _add_diff, _add_switches, _add_sync, _add_paths):
        one(inner)


def _parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, example: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, epilog=f"Example: drova_gate games {example}")
    add_env(parser)
    add_showing(parser)
    return parser


def _add_list(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _parser(commands, "list", "show which game is on which station", "list --diff --station pc1 --station pc2")
    add_station(parser)
    parser.add_argument("--diff", action="store_true", help="only games that are not the same on all of them")
    parser.set_defaults(command=lambda options: _run(options, "listed"))


def _add_diff(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _parser(commands, "diff", "show in which games two stations differ", "diff pc1 pc2 --paths")
    parser.add_argument("first", metavar="STATION")
    parser.add_argument("second", metavar="STATION")
    parser.add_argument(
        "--paths", action="store_true", help="compare how they start the games, too (a request for each)"
    )
    parser.set_defaults(command=lambda options: _run(options, "differ"))


def _add_switches(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, text in (
        ("enable", "offer games to players; a game that is not on the station's list is added"),
        ("disable", "offer games to players no longer"),
    ):
        parser = _parser(commands, name, text, f'{name} "Dota 2" steam:730 --station pc1')
        parser.add_argument("games", metavar="GAME", nargs="+", help=_GAME)
        add_station(parser)
        parser.add_argument("--all", action="store_true", help="on all stations")
        _add_changing(parser)
        parser.set_defaults(
            command=lambda options, parser=parser, enabled=name == "enable": _switch(parser, options, enabled)
        )


def _add_sync(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = (
        "make the lists of games the same: as on one station, or as a file says. Games are added, enabled and disabled, "
        "never taken off a list (the API is not known to do that)"
    )
    parser = _parser(commands, "sync", text, "")
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, _LIST
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="a list in TOML, or in CSV as games list --csv prints it"
    )
    parser.add_argument("--from", dest="source", metavar="STATION", help="the station whose list the others get")
    parser.add_argument(
        "--to", metavar="STATION", nargs="+", action="extend", default=[], help="these stations, or: all (without: all)"
    )
    parser.add_argument("--paths", action="store_true", help="with --from: copy how the games are started, too")
    parser.add_argument("--keep-others", action="store_true", help="leave games alone that the list does not name")
    _add_changing(parser)
    parser.set_defaults(command=lambda options: _sync(parser, options))


def _add_paths(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "show or set how a station starts a game, and what else its player may touch"
    parser = _parser(
        commands, "paths", text, 'paths pc1 "Escape from Tarkov" --game-path "D:\\\\EFT\\\\EscapeFromTarkov.exe"'
    )
    parser.add_argument("station", metavar="STATION", nargs="?")
    parser.add_argument("game", metavar="GAME", nargs="?", help=_GAME)
    parser.add_argument("--game-path", metavar="PATH", help="the program that is started")
    parser.add_argument("--work-path", metavar="PATH", help="the folder that it is started in")
    parser.add_argument(
        "--args", metavar="TEXT", help="its arguments (write --args=-x for one that begins with a dash)"
    )
    parser.add_argument("--allowed-paths", metavar="TEXT", help="what else the player's programs may touch")
    parser.add_argument("--default", action="store_true", help="forget the station's own paths: Drova's hold")
    parser.add_argument(
        "--eac", action="store_true", help="put Easy Anti-Cheat's new folder for its old one, in all games or GAME"
    )
    parser.add_argument(
        "--known",
        action="store_true",
        help="show where games lie that Steam does not tell of, as other owners have them",
    )
    _add_changing(parser)
    parser.set_defaults(command=lambda options: _paths(parser, options))


def _add_changing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force", action="store_true", help="disable games although a player plays them, or most of a station's"
    )
    add_yes(parser)


def _run(options: argparse.Namespace, name: str, **more: bool) -> int:
    """Run a command of the modules that need the client and its models: ``--help`` must not wait for those."""
    from drova_gate.cli import games_change, games_look, games_sync  # noqa: PLC0415 - see below

    works: dict[str, Callable[..., Awaitable[int]]] = {
        "listed": games_look.listed,
        "differ": games_look.differ,
        "show_paths": games_look.show_paths,
        "switch": games_change.switch,
        "set_paths": games_change.set_paths,
        "sync": games_sync.sync,
    }

    async def run(owner: "Owner") -> int:
        return await works[name](options, owner, **more)

    return with_owner(options, run)


def _switch(parser: argparse.ArgumentParser, options: argparse.Namespace, enabled: bool) -> int:  # noqa: FBT001 - the value itself
    if options.all == bool(options.station):
        parser.error("write --station NAME, or --all")
    return _run(options, "switch", enabled=enabled)


def _sync(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.file is None) == (options.source is None):
        parser.error("write either --from STATION or a FILE")
    if options.file is not None and options.paths:
        parser.error("--paths goes with --from: a file says the paths itself")
    return _run(options, "sync")


def _paths(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.known and options.station is None:
        return _known(options)
    if options.known:
        parser.error("--known stands alone")
    if options.station is None or (options.game is None and not options.eac):
        parser.error("write STATION and GAME, or --known")
    named = [options.game_path, options.work_path, options.args, options.allowed_paths]
    if options.default and any(one is not None for one in named):
        parser.error("--default forgets all of them: set paths without it")
    if options.eac and (options.default or any(one is not None for one in named)):
        parser.error("--eac changes one folder alone")
    changes = options.eac or options.default or any(one is not None for one in named)
    return _run(options, "set_paths" if changes else "show_paths")


def _known(options: argparse.Namespace) -> int:
    """Show what is known of games that Steam does not tell of; neither account nor models are needed."""
    from drova_gate.games.known import known_games  # noqa: PLC0415 - the data is read for this alone

    rows = [
        {
            "product_id": one.product_id,
            "title": one.title,
            "launcher": one.launcher,
            "file": file,
            "verified": one.verified,
            "sources": list(one.sources),
        }
        for one in known_games()
        for file in one.files
    ]
    columns = [
        Column("title", "GAME"),
        Column("launcher", "LAUNCHER"),
        Column("file", "SHOWS THAT IT IS INSTALLED"),
        Column("verified", "VERIFIED"),
        Column("product_id", "ID", for_machines=True),
        Column("sources", "SOURCES", for_machines=True),
    ]
    show(options, columns, rows)
    return 0
