"""``drova_gate recipes``: what is signed out, whether a recipe is right, what a preparation would do; all without a station."""

import argparse
from pathlib import Path

from drova_gate.cli.speech import spoken
from drova_gate.cli.surroundings import print_lines, read_preparation, terminal_room

__all__ = ["add"]

EXIT_USAGE = 2
"""As argparse's own for an argument that it does not know."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command with its own four."""
    text = "list, show and check the sign-out recipes; print what a preparation would do"
    recipes = commands.add_parser(
        "recipes",
        help=text,
        description=text[0].upper() + text[1:] + ". Needs no station and no network; changes nothing.",
        epilog="Example: drova_gate recipes plan --level min",
    )
    inner = recipes.add_subparsers(required=True, metavar="WHAT")

    text = "every recipe in a line: ours, and the owner's own of DROVA_LAUNCHERS_DIR"
    command = inner.add_parser("list", help=text, description=text, epilog="Example: drova_gate recipes list --json")
    _add_settings(command)
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(command=_list)

    text = "everything about one recipe: where it is from, what it ends, each step"
    command = inner.add_parser("show", help=text, description=text, epilog="Example: drova_gate recipes show steam")
    command.add_argument("name", metavar="NAME", help="its name, as recipes list prints it")
    _add_settings(command)
    command.set_defaults(command=_show)

    text = "say what is wrong with recipe files; exit code 1 when something is"
    command = inner.add_parser(
        "check", help=text, description=text, epilog="Example: drova_gate recipes check my-launcher.toml"
    )
    command.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a recipe, or a folder with recipes")
    command.set_defaults(command=_check)

    text = "what a preparation would do, in its order"
    command = inner.add_parser(
        "plan", help=text, description=text, epilog="Example: drova_gate recipes plan --level min"
    )
    _add_settings(command)
    command.add_argument("--level", choices=("min", "full"), help="instead of DROVA_WIPE")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(command=_plan)


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--env", type=Path, help="read DROVA_LAUNCHERS_DIR and DROVA_WIPE from this settings file")
    command.add_argument(
        "--station", metavar="NAME", help="the station whose settings count, when DROVA_CONFIG has many"
    )


def _list(options: argparse.Namespace) -> int:
    from drova_gate.cli.recipe_book import as_list, list_table, read_book  # noqa: PLC0415 - see guard.py

    book = read_book(read_preparation(options.env, options.station).launchers_dir)
    print_lines(as_list(book) if options.json else list_table(book, terminal_room()))
    return 0


def _show(options: argparse.Namespace) -> int:
    from drova_gate.cli.recipe_book import not_found, read_book, show  # noqa: PLC0415 - see guard.py

    book = read_book(read_preparation(options.env, options.station).launchers_dir)
    for entry in book:
        if entry.recipe.name == options.name:
            print_lines(show(entry))
            return 0
    print_lines([f"drova_gate recipes show: {not_found(book, options.name)}"], to_errors=True)
    return EXIT_USAGE


def _check(options: argparse.Namespace) -> int:
    from drova_gate.cli.recipe_check import check_files  # noqa: PLC0415 - see guard.py

    lines, good = check_files(options.files)
    print_lines(spoken().of(line) for line in lines)
    return 0 if good else 1


def _plan(options: argparse.Namespace) -> int:
    from drova_gate.cli.recipe_book import plan_object, plan_table, read_book  # noqa: PLC0415 - see guard.py
    from drova_gate.steps.lockdown import load_lockdown  # noqa: PLC0415 - see guard.py
    from drova_gate.steps.recipes import Level  # noqa: PLC0415 - see guard.py
    from drova_gate.steps.shipped import LOCKDOWN  # noqa: PLC0415 - see guard.py

    settings = read_preparation(options.env, options.station, by_wipe=options.level is None)
    level = Level(options.level or settings.wipe)
    book, lockdown = read_book(settings.launchers_dir), load_lockdown(LOCKDOWN, settings.launchers_dir)
    print_lines((plan_object if options.json else plan_table)(book, lockdown, level, settings.station))
    return 0
