"""``drova_gate login``, ``logout``: the merchant token that the owner's commands use."""

import argparse
import getpass
import re
import sys
import warnings
from typing import TYPE_CHECKING

from drova_gate.cli.owner import add_env
from drova_gate.cli.speech import spoken
from drova_gate.cli.surroundings import print_lines, read_owner_settings, run_loop
from drova_gate.errors import CallOwner
from drova_gate.sheet import one_line

if TYPE_CHECKING:
    from pydantic import SecretStr


__all__ = ["add"]

TOKEN_MOST = 4096
"""Characters; the tokens seen have less than a hundred."""
WHERE_FROM = "take it from the QR code in Drova's cabinet"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    text = "keep a merchant token for the owner's commands"
    command = commands.add_parser(
        "login",
        help=text,
        description=f"{text[0].upper()}{text[1:]}: asked for without showing it, or read from standard input; checked; kept in the state "
        "directory for its owner alone, renewed when it runs out. The running gate does not use it: it reads DROVA_TOKEN, or the "
        "station's own token from its registry. DROVA_TOKEN in the settings goes before a login.",
        epilog="Example: drova_gate login; or for scripts: drova_gate login < token.txt",
    )
    add_env(command)
    command.set_defaults(command=_login)
    text = "forget the kept merchant token, and what descends from it"
    command = commands.add_parser(
        "logout", help=text, description=f"{text[0].upper()}{text[1:]}.", epilog="Example: drova_gate logout"
    )
    add_env(command)
    command.set_defaults(command=_logout)


# -- login -----------------------------------------------------------------------------------------------------------


def _login(options: argparse.Namespace) -> int:
    settings = read_owner_settings(options.env, with_login=False)
    token = _asked_for()
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py
    from drova_gate.owner.enrolment import enrol  # noqa: PLC0415 - see guard.py

    configure_logging("text", "WARNING", under_systemd=True)  # a line on a terminal needs no time
    done = run_loop(lambda: enrol(settings, token))
    name = one_line(done.account.name or "an account without a name")
    count = "1 station" if done.stations == 1 else f"{done.stations} stations"
    lines = [f"logged in: {name} ({done.account.uuid}), {count}; kept in {done.file}"]
    if done.renewed:
        lines.append("the token had run out: it was renewed, and the new one is kept")
    if settings.named_tokens:
        lines.append(
            "note: the settings name a DROVA_TOKEN, which goes before this login; take it out to use the login"
        )
    print_lines(spoken().of(line) for line in lines)
    return 0


def _asked_for() -> "SecretStr":
    """Ask on the terminal without showing it; without one, standard input has it."""
    from pydantic import SecretStr  # noqa: PLC0415 - see guard.py

    text = (_typed() if sys.stdin.isatty() else sys.stdin.read(TOKEN_MOST + 2)).strip()
    if not text:
        raise CallOwner("token", "none was given", WHERE_FROM)
    if len(text) > TOKEN_MOST or not re.fullmatch(r"[!-~]+", text):
        raise CallOwner("token", "what was given is no token: one word of printable ASCII was expected", WHERE_FROM)
    return SecretStr(text)


def _typed() -> str:
    try:
        with warnings.catch_warnings():
            # Rather no login than a token on the screen.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(f"{spoken().of('Merchant token (is not shown)')}: ")
    except getpass.GetPassWarning as error:
        raise CallOwner(
            "token", "this terminal cannot hide what is typed", "pipe it: drova_gate login < file"
        ) from error
    except EOFError:
        return ""


# -- logout ----------------------------------------------------------------------------------------------------------


def _logout(options: argparse.Namespace) -> int:
    settings = read_owner_settings(options.env, with_login=False)
    from drova_gate.owner.enrolment import forget  # noqa: PLC0415 - see guard.py

    forgotten = forget(settings)
    if not forgotten.files:
        lines = [f"nobody is logged in here ({settings.state_dir})"]
    else:
        lines = [f"logged out: forgotten are {', '.join(map(str, forgotten.files))}"]
        lines += [f"note: {one}" for one in forgotten.notes]
    if settings.named_tokens:
        lines.append("what remains: DROVA_TOKEN in the settings; owner's commands and the gate go on to use it")
    print_lines(spoken().of(line) for line in lines)
    return 0
