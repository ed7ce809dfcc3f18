"""``drova_gate init``: the settings of a new station, from a talk or from a script, and the service that guards it."""

import argparse
import io
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drova_gate.cli.speech import complain, say, spoken
from drova_gate.cli.surroundings import (
    chosen,
    colour,
    own_state_dir,
    print_lines,
    read_written,
    run_loop,
    settings_as_written,
    terminal_room,
)
from drova_gate.errors import CallOwner

if TYPE_CHECKING:
    from pydantic import SecretStr

    from drova_gate.onboard.first_station import Given
    from drova_gate.onboard.machine import Machine
    from drova_gate.onboard.talk import Talk

__all__ = ["add"]

FAILED = 1
_EXAMPLES = """examples:
  drova_gate init                                asks for all it needs
  drova_gate init pc1 --host 192.168.1.20 --login player --host-key SHA256:...    as the script on the PC printed it
  printf '%s\\n' "$SHADOW" | drova_gate init pc1 --host 192.168.1.20 --login player --host-key SHA256:... \\
      --shadow-password-stdin --listen 7985 --yes                                  for scripts: nothing is asked

It looks at the station (and changes nothing there), writes a [[station]] table into stations.toml, runs the doctor, and offers to set the
service up. Secrets come from the terminal, from standard input or from files, never from the command line.
Exit code 0: written; 1: refused, nothing was written (or, if it says so, the service could not be set up)."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "set a station up: ask for its settings, find out the rest, write them"
    command = commands.add_parser(
        "init",
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("name", nargs="?", metavar="NAME", help="of the station, e.g. pc1")
    command.add_argument("--host", metavar="ADDRESS", help="of the PC")
    command.add_argument("--port", type=int, default=22, help="of its SSH server (default 22)")
    command.add_argument("--host-key", metavar="SHA256:...", help="its host key, as the script on the PC printed it")
    command.add_argument("--login", metavar="NAME", help="an administrator of the PC")
    way = command.add_mutually_exclusive_group()
    way.add_argument("--password-stdin", action="store_true", help="read his password from standard input (a line)")
    way.add_argument("--password-file", type=Path, metavar="FILE", help="read his password from a file (a line)")
    way.add_argument("--key-file", type=Path, metavar="FILE", help="log in with this key (default: the gate's own)")
    shadow = command.add_mutually_exclusive_group()
    shadow.add_argument(
        "--shadow-password-stdin", action="store_true", help="read Shadow Defender's password from the next line"
    )
    shadow.add_argument("--shadow-password-file", type=Path, metavar="FILE", help="read it from a file (a line)")
    shadow.add_argument("--no-protector", action="store_true", help="guard without Shadow Defender")
    command.add_argument("--listen", metavar="PORT", help="port that players are sent to; off: none, learn by polling")
    command.add_argument("--dir", type=Path, help="write the settings here (default: where the service looks)")
    command.add_argument("--single", action="store_true", help="write NAME.env, for one process a station")
    command.add_argument("--offline", action="store_true", help="write without a look at the station")
    command.add_argument("--no-doctor", action="store_true", help="do not run the doctor afterwards")
    command.add_argument("--service", action="store_true", help="set the service up without being asked")
    command.add_argument("--yes", action="store_true", help="ask nothing")
    command.set_defaults(command=_init)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the settings go, and what is there."""

    file: Path
    text: str
    tables: Mapping[str, Any]
    single: bool


def _init(options: argparse.Namespace) -> int:
    from drova_gate.logs import configure_logging  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.first_station import FirstStation  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.machine import Machine  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.station_file import write_settings  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.talk import Talk  # noqa: PLC0415 - see guard.py

    configure_logging("text", "CRITICAL", under_systemd=False)  # what goes wrong is said in the talk
    _make_readable()
    machine = Machine.look()
    place = _place(options, machine)
    live = sys.stdin.isatty() and sys.stdout.isatty()
    talk = Talk(say, spoken().of, live=live, yes=options.yes)
    written = False
    try:
        given = _given(options)
        say(f"Settings: {place.file}")
        names, ports = _taken(place)
        station = FirstStation(given, talk, _state_dir(machine), run_loop, names=names, ports=ports, around=_around())
        settings = station.settle()
        file, text = _whole(options, place, station.name, settings)
        _show(station.name, settings)
        if talk.live and not talk.agreed(f"Write this to {file}?", default=True):
            say("nothing was written")
            return FAILED
        write_settings(file, text)
        written = True
        say(f"{file}: written")
        return _afterwards(options, machine, talk, file, station.name, single=place.single)
    except (KeyboardInterrupt, EOFError):
        complain(f"\n{place.file}: written; not all of the rest was done" if written else "\nnothing was written")
        return 130


def _state_dir(machine: "Machine") -> Path:
    return own_state_dir(machine.state_dir)


def _around() -> dict[str, str]:
    """Where the API is, if it is said elsewhere."""
    url = settings_as_written().get("DROVA_API_URL")
    return {"DROVA_API_URL": url} if url else {}


def _make_readable() -> None:
    """A terminal of another encoding shows question marks, and its bytes are no crash."""
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "replace"), (sys.stdin, "surrogateescape")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


# -- what is given ---------------------------------------------------------------------------------------------------


def _given(options: argparse.Namespace) -> "Given":
    from drova_gate.onboard.first_station import Given  # noqa: PLC0415 - see guard.py

    # In the order of the lines on standard input.
    password = _secret("--password-file", options.password_file, from_input=options.password_stdin)
    shadow = _secret("--shadow-password-file", options.shadow_password_file, from_input=options.shadow_password_stdin)
    if not 0 < options.port < 65536:
        raise CallOwner("--port", f"{options.port} is no TCP port", "write a number from 1 to 65535")
    return Given(
        name=options.name,
        host=options.host,
        port=options.port,
        host_key=options.host_key,
        login=options.login,
        password=password,
        key_file=options.key_file,
        shadow_password=shadow,
        no_protector=options.no_protector,
        listen=options.listen,
        offline=options.offline,
    )


def _secret(option: str, file: Path | None, *, from_input: bool) -> "SecretStr | None":
    """Read the first line of a file, or the next of standard input."""
    from pydantic import SecretStr  # noqa: PLC0415 - see config.py

    if from_input:
        line = sys.stdin.readline()
        if not line:
            raise CallOwner(
                option.replace("-file", "-stdin"), "standard input has no line left", "give it one line each"
            )
        return SecretStr(line.rstrip("\r\n"))
    if file is None:
        return None
    try:
        return SecretStr(file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise CallOwner(option, f"{file} cannot be read ({why})", "give the path of a readable text file") from error


# -- where it goes ---------------------------------------------------------------------------------------------------


def _place(options: argparse.Namespace, machine: "Machine") -> _Place:
    """Find the file, and whether it can be written, before anything is asked."""
    from drova_gate.onboard.machine import why_not_writable  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.station_file import read_stations, refused  # noqa: PLC0415 - see guard.py

    folder = (options.dir or machine.settings_dir).absolute()
    file = folder / "stations.toml"
    if (fault := why_not_writable(folder)) is not None:
        raise refused(folder, fault)
    text, tables = ("", {}) if options.single else read_stations(file)
    return _Place(folder / "NAME.env" if options.single else file, text, tables, options.single)


def _taken(place: _Place) -> tuple[frozenset[str], frozenset[int]]:
    if place.single:
        return frozenset(one.stem for one in place.file.parent.glob("*.env")), frozenset()
    stations = place.tables.get("station", [])
    known = [one for one in stations if isinstance(one, dict)] if isinstance(stations, list) else []
    ports = [str(value) for one in known for key, value in one.items() if key.lower() == "drova_socket_listen"]
    return (
        frozenset(str(one.get("name", "")) for one in known),
        frozenset(int(port) for port in ports if port.isascii() and port.isdigit()),
    )


def _whole(options: argparse.Namespace, place: _Place, name: str, settings: Mapping[str, str]) -> tuple[Path, str]:
    from drova_gate.onboard.station_file import env_text, with_station  # noqa: PLC0415 - see guard.py

    if not options.single:
        return place.file, with_station(place.file, place.text, place.tables, name, settings)
    return place.file.with_name(f"{name}.env"), env_text(settings)


def _show(name: str, settings: Mapping[str, str]) -> None:
    from drova_gate.settings import SETTINGS  # noqa: PLC0415 - see guard.py

    secret = {one.name for one in SETTINGS if one.secret}
    lines = [f"  {key}={'*****' if key in secret and value else value}" for key, value in settings.items()]
    print_lines(["", f"[{name}]", *lines, ""])


# -- afterwards ------------------------------------------------------------------------------------------------------


def _afterwards(
    options: argparse.Namespace, machine: "Machine", talk: "Talk", file: Path, name: str, *, single: bool
) -> int:
    config = read_written(file, single=single)
    if not options.no_doctor and not options.offline:
        from drova_gate.doctor.rounds import Telling, examine_all  # noqa: PLC0415 - see guard.py

        one = config if single else chosen(config, name)
        state_dir = _state_dir(machine)
        telling = Telling(print_lines, colour=colour(), room=terminal_room(), say=spoken().of)
        run_loop(lambda: examine_all(one, state_dir, telling, [file]))
        print_lines([""])
    station = next(one for one in config.stations if single or one.name == name)
    if (key := station.key_file) is not None and key.parent != _state_dir(machine):
        complain(f"key file {key}: the service runs as an account of its own, and must be able to read it")
    code = _service(options, machine, talk, file, station.listen_port)
    _next(file, name, single=single, usual=file.parent == machine.settings_dir)
    return code


def _service(options: argparse.Namespace, machine: "Machine", talk: "Talk", file: Path, port: int | None) -> int:
    """Offer to set the service up; what is in the way is told, and the settings stay."""
    from drova_gate.onboard.service import carry_out, is_running, plan_service  # noqa: PLC0415 - see guard.py

    mode = ("poll" if port is None else "socket") if options.single else ""
    try:
        plan = plan_service(machine, file, _program(), mode, running=is_running(machine, file, mode))
    except CallOwner as fault:
        complain(fault)
        return FAILED if options.service else 0
    say("To let this machine guard the station by itself, as root:")
    print_lines([f"  {step}" for step in plan.steps])
    if not options.service and not (talk.live and talk.agreed("Do this now?")):
        return 0
    carry_out(plan.steps, say)
    say(f"It runs; see it with: {plan.look}")
    return 0


def _program() -> Path:
    """The command as the service is to call it."""
    beside = Path(sys.executable).parent / "drova_gate"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("drova_gate")
    return Path(found or "/opt/drova_gate/bin/drova_gate")


def _next(file: Path, name: str, *, single: bool, usual: bool) -> None:
    how = f" --env {file}" if single else ""
    before = "" if single or usual else f"DROVA_CONFIG={file} "
    say("Next:")
    print_lines(
        [
            f"  {before}drova_gate rehearse{how} {'' if single else f'{name} '}--hide",
            f"  {before}drova_gate status" + (f" --env {file}" if single else ""),
            "  drova_gate login",
        ]
    )
