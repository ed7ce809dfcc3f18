"""Entry points: arguments and environment -> Config -> event loop -> exit code."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from drova_gate import __version__
from drova_gate.config import SETTINGS, Config, Mode, read_config
from drova_gate.errors import CallOwner, RecipeFault, SettingsFault

__all__ = ["main", "poll", "socket", "validate"]

EXIT_SETTINGS = 78
"""``EX_CONFIG`` of sysexits.h; the units do not restart on it."""

T = TypeVar("T")

log = logging.getLogger(__name__)


def poll(arguments: list[str] | None = None) -> int:
    """``drova_poll``: guard the station, learning of sessions from the cloud alone."""
    return main(["poll", *(sys.argv[1:] if arguments is None else arguments)])


def socket(arguments: list[str] | None = None) -> int:
    """``drova_socket``: guard the station and relay its players, who wait at the door while it is prepared."""
    return main(["socket", *(sys.argv[1:] if arguments is None else arguments)])


def validate(arguments: list[str] | None = None) -> int:
    """``drova_validate``: say whether everything is set up right; change nothing."""
    return main(["validate", *(sys.argv[1:] if arguments is None else arguments)])


def main(arguments: list[str] | None = None) -> int:
    """``drova_gate``: all commands."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except SettingsFault as fault:
        for line in fault.faults:
            sys.stderr.write(f"settings: {line}\n")
        return EXIT_SETTINGS
    except RecipeFault as fault:
        sys.stderr.write(f"{fault}\n")
        return EXIT_SETTINGS
    except CallOwner as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return code


# -- commands --------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drova_gate",
        description="Guards rented gaming stations around every Drova desktop session.",
        epilog="Try: drova_gate demo",
    )
    parser.add_argument("--version", action="version", version=f"drova_gate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, mode, text in (
        ("poll", Mode.POLL, "guard the station, learning of sessions from the cloud"),
        ("socket", Mode.SOCKET, "guard the station and relay its players on DROVA_SOCKET_LISTEN"),
    ):
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=_settings_help(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--env", type=Path, help="read the settings from this file (instead of ENV_LOCATION)")
        command.set_defaults(command=_guard, mode=mode)
    _add_validate(commands)
    _add_demo(commands)
    return parser


def _settings_help() -> str:
    width = max(len(setting.name) for setting in SETTINGS)
    lines = [
        f"  {setting.name:<{width}}  {setting.meaning}" + (f" [{setting.default}]" if setting.default else "")
        for setting in SETTINGS
    ]
    return "settings (environment, file, systemd credentials):\n" + "\n".join(lines)


def _guard(options: argparse.Namespace) -> int:
    config = _config(options.mode, options.env)
    # Late: the SSH and HTTP libraries take a second to import on a router, and a settings fault should not wait for them.
    from drova_gate.daemon import Process, configure_logging, run  # noqa: PLC0415

    configure_logging(config.log_format, config.log_level, under_systemd="JOURNAL_STREAM" in os.environ)
    watchdog = os.environ.get("WATCHDOG_USEC", "")
    process = Process(
        state_dir=_state_dir(config),
        notify_socket=os.environ.get("NOTIFY_SOCKET"),
        watchdog_seconds=int(watchdog) / 1e6 if watchdog.isdigit() else None,
    )

    async def guard() -> None:
        await run(config, process)
        # All is closed and written. A name look-up that gets no answer (the line is down) sits in a thread that cannot be stopped,
        # and Python would wait for it: 20 s, while the owner or systemd waits for us.
        logging.shutdown()
        os._exit(0)

    run_loop(guard)
    return 0


def _add_validate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "check the settings, the station and the cloud; change nothing"
    command = commands.add_parser("validate", help=text, description=text)
    command.add_argument("--env", type=Path, help="read the settings from this file (instead of ENV_LOCATION)")
    command.add_argument("--json", action="store_true", help="print the results for machines")
    command.set_defaults(command=_validate)


def _validate(options: argparse.Namespace) -> int:
    config = _config(Mode.VALIDATE, options.env)
    from drova_gate.daemon import configure_logging  # noqa: PLC0415 - see _guard
    from drova_gate.validate import validate_all  # noqa: PLC0415 - see _guard

    # What goes wrong stands in the table; the log would only say it a second time.
    level = "DEBUG" if config.log_level == "DEBUG" else "CRITICAL"
    configure_logging(config.log_format, level, under_systemd=False)
    state_dir = _state_dir(config)
    return run_loop(lambda: validate_all(config, state_dir, as_json=options.json, colour=_colour()))


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "play one rental against a simulated station and cloud: no settings, no privileges, no network"
    command = commands.add_parser(
        "demo", help=text, description=text, epilog="Example: drova_gate demo --mode poll --fault reset_ignored"
    )
    command.add_argument("--mode", choices=("socket", "poll"), default="socket")
    command.add_argument("--stations", type=int, default=1, metavar="N", help="play on N stations at once")
    command.add_argument("--fault", metavar="NAME", help="let this go wrong (see --list-faults)")
    command.add_argument("--list-faults", action="store_true", help="print the faults that can be played, a line each")
    command.add_argument("--json", action="store_true", help="print events and results as JSON lines")
    command.add_argument("--verbose", action="store_true", help="print the gate's own log too")
    command.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    from drova_gate.demo.play import DemoOptions, list_faults, play  # noqa: PLC0415 - see _guard

    if options.list_faults:
        list_faults()
        return 0
    wanted = DemoOptions(
        mode=Mode(options.mode),
        stations=options.stations,
        fault=options.fault,
        as_json=options.json,
        colour=_colour(),
        verbose=options.verbose,
    )
    return run_loop(lambda: play(wanted))


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


# -- surroundings ----------------------------------------------------------------------------------------------------


def run_loop(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run on uvloop where it is installed, else on plain asyncio."""
    try:
        import uvloop  # noqa: PLC0415 - optional, and only the runner needs it
    except ImportError:
        log.info("uvloop is not installed; runs on plain asyncio, which does the same work a little slower")
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(start())


def _config(mode: Mode, file: Path | None) -> Config:
    return read_config(mode, _settings(os.environ, file))


def _settings(environment: Mapping[str, str], file: Path | None) -> dict[str, str]:
    """Settings by rising weight: the file, systemd credentials, the environment."""
    return _from_file(environment, file) | _from_credentials(environment) | dict(environment)


def _from_file(environment: Mapping[str, str], file: Path | None) -> dict[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - not needed by the demo

    named = file or (Path(environment["ENV_LOCATION"]) if environment.get("ENV_LOCATION") else None)
    chosen = named or Path(".env")
    where = "--env" if file else "ENV_LOCATION"
    try:
        if not chosen.is_file():
            if named is not None:
                raise SettingsFault([f"{where}: {chosen} is no file; write the path of your settings file"])
            return {}
        values = dotenv_values(chosen, interpolate=False)
    except UnicodeDecodeError as error:
        raise SettingsFault([f"{where}: {chosen} is not UTF-8 text; save it as UTF-8"]) from error
    except OSError as error:
        raise SettingsFault(
            [f"{where}: {chosen} cannot be read ({error.strerror}); it must be readable for the user the gate runs as"]
        ) from error
    return {name: value for name, value in values.items() if value is not None}


def _from_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Systemd's ``LoadCredential=WINDOWS_PASSWORD:...``: a file named like the setting."""
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return {}
    names = {setting.name for setting in SETTINGS}
    return {
        file.name: file.read_text(encoding="utf-8").rstrip("\r\n")
        for file in Path(directory).iterdir()
        if file.name in names
    }


def _state_dir(config: Config) -> Path:
    """The settings' word, systemd's, the usual place if it can be written, else the user's own."""
    if config.state_dir is not None:
        return config.state_dir
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    usual = Path("/var/lib/drova_gate")
    if os.access(usual if usual.exists() else usual.parent, os.W_OK):
        return usual
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "drova_gate"
