"""What only a process knows: its environment, its settings file, its state directory, its event loop."""

import io
import logging
import os
import shutil
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from drova_gate.config import (
    Config,
    Mode,
    PreparationSettings,
    read_account_settings,
    read_config,
    read_preparation_settings,
)
from drova_gate.errors import CallOwner, SettingsFault
from drova_gate.files import is_closed
from drova_gate.owner.settings import OwnerSettings
from drova_gate.settings import SETTINGS

__all__ = [
    "chosen",
    "colour",
    "fill_standard_files",
    "geo_dirs",
    "is_screen",
    "own_state_dir",
    "print_lines",
    "print_text",
    "read_owner_settings",
    "read_preparation",
    "read_settings",
    "read_written",
    "run_loop",
    "screen_lines",
    "settings_as_written",
    "settings_files",
    "state_dir_of",
    "state_dirs",
    "terminal_room",
]

T = TypeVar("T")

log = logging.getLogger(__name__)


def run_loop(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run on uvloop where it is installed, else on asyncio's own loop with the relay's way of polling."""
    import asyncio  # noqa: PLC0415 - commands that only read files do without a loop, and start in half the time

    factory: Callable[[], asyncio.AbstractEventLoop]
    try:
        import uvloop  # noqa: PLC0415 - optional, and only the runner needs it
    except ImportError:
        from drova_gate.relay.polling import RelayLoop  # noqa: PLC0415 - only where it is used

        log.info("uvloop is not installed; runs on asyncio's own loop, which does the same work as well")
        factory = RelayLoop
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(start())


def read_settings(mode: Mode, file: Path | None) -> Config:
    """Read and check the settings; ``SettingsFault`` tells every fault at once."""
    settings = _with_usual_stations(_settings(os.environ, file))
    if not any(name.startswith(OF_A_STATION) for name in settings):
        # Four settings that are missing would be told, and none of them is what is to be done.
        raise SettingsFault([_closed_to_us() or "no station is set up here; set one up with: drova_gate init"])
    return read_config(mode, settings)


def read_written(file: Path, *, single: bool) -> Config:
    """Read the settings that were just written to a file, beside what the environment says."""
    settings = _settings(os.environ, file) if single else _settings(os.environ, None) | {"DROVA_CONFIG": str(file)}
    return read_config(Mode.RUN, settings)


def _with_usual_stations(settings: dict[str, str]) -> dict[str, str]:
    """Name the usual file of stations where nothing else names one."""
    if not settings.get("WINDOWS_HOST") and not settings.get("DROVA_CONFIG"):
        for usual in (USUAL_STATIONS, ENTWARE_STATIONS):
            if _can_be_read(usual):
                settings["DROVA_CONFIG"] = str(usual)
                break
    return settings


def _closed_to_us() -> str:
    """Say that the usual file of stations is another user's; empty: it is not, or is not there."""
    for usual in (USUAL_STATIONS, ENTWARE_STATIONS):
        if is_closed(usual):
            return f"this user may not read {usual}; use sudo"
    return ""


def _can_be_read(file: Path) -> bool:
    """Tried, not asked of ``os.access``: that answers for the real user, not for the effective one."""
    try:
        file.open("rb").close()
    except OSError:
        return False
    return True


def read_preparation(file: Path | None, station: str | None, *, by_wipe: bool = False) -> PreparationSettings:
    """Read what the named station's preparation depends on; the rest of the settings may be missing.

    Without a name any station's will do where they agree in their folder (``by_wipe``: and in DROVA_WIPE), else ``SettingsFault``.
    """
    found = read_preparation_settings(_settings(os.environ, file))
    names = ", ".join(each.station or "?" for each in found)
    if station is not None:
        for each in found:
            if each.station == station:
                return each
        raise SettingsFault([f"station {station!r} is not known; the settings name {names}"])
    if len({(each.launchers_dir, each.wipe if by_wipe else "") for each in found}) > 1:
        what = "DROVA_LAUNCHERS_DIR or DROVA_WIPE" if by_wipe else "DROVA_LAUNCHERS_DIR"
        raise SettingsFault([f"--station: the stations differ in {what}; name one of {names}"])
    return found[0] if len(found) == 1 else replace(found[0], station="")


def read_owner_settings(file: Path | None, *, with_login: bool = True) -> OwnerSettings:
    """Read what an owner's command needs: the stations may be missing when there is a merchant token.

    ``with_login``: a token that was kept is read where the settings name none.
    """
    from drova_gate.owner.login import kept_login  # noqa: PLC0415 - the usual commands need no account

    settings = _with_usual_stations(_settings(os.environ, file))
    with_stations = bool(settings.get("WINDOWS_HOST") or settings.get("DROVA_CONFIG"))
    config = read_config(Mode.VALIDATE, settings) if with_stations else None
    api_url, token, named_dir = read_account_settings(settings)
    state_dir = _state_dir(named_dir)
    stations = () if config is None else config.stations
    named = tuple(one for one in (token, *(station.token for station in stations)) if one is not None)
    if with_login and not named:
        token = kept_login(state_dir)
        if token is None and config is None and (closed := _closed_to_us()):
            raise SettingsFault([closed])
    return OwnerSettings(api_url, token, state_dir, stations, named)


def settings_as_written(file: Path | None = None) -> dict[str, str]:
    """Return what the settings file (or the usual one) and the environment say, unchecked; ``SettingsFault`` if it cannot be read."""
    return _settings(os.environ, file)


def _settings(environment: Mapping[str, str], file: Path | None) -> dict[str, str]:
    """Settings by rising weight: the file, systemd credentials, the environment."""
    return _from_file(environment, file) | _from_credentials(environment) | dict(environment)


def _from_file(environment: Mapping[str, str], file: Path | None) -> dict[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - not needed by the demo

    named = file or (Path(environment["ENV_LOCATION"]) if environment.get("ENV_LOCATION") else None)
    chosen = named or _unnamed_file()
    if chosen is None:
        return {}
    where = "--env" if file else "ENV_LOCATION"
    try:
        if not chosen.is_file():
            if named is not None:
                raise SettingsFault([f"{where}: {chosen} is no file; write the path of your settings file"])
            return {}
        # Windows' Notepad may begin a file with its mark of UTF-8: else the first setting would have another name.
        values = dotenv_values(chosen, interpolate=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsFault([f"{where}: {chosen} is not UTF-8 text; save it as UTF-8"]) from error
    except OSError as error:
        raise SettingsFault(
            [f"{where}: {chosen} cannot be read ({error.strerror}); it must be readable for the user the gate runs as"]
        ) from error
    return {name: value for name, value in values.items() if value is not None}


def _unnamed_file() -> Path | None:
    """The file that is read when none is named: the working directory's, else the one that the service reads beside its stations."""
    here = Path(".env")
    try:
        if here.exists():
            return here
    except OSError:
        pass  # ``sudo -u drova_gate`` in root's home: nothing in it is ours to see
    beside = (stations.with_name("gate.env") for stations in (USUAL_STATIONS, ENTWARE_STATIONS))
    return next((one for one in beside if os.access(one, os.R_OK)), None)


def chosen(config: Config, name: str | None) -> Config:
    """The settings with the named station alone; ``SettingsFault`` for a name that they do not hold; no name: all."""
    if name is None:
        return config
    found = tuple(station for station in config.stations if station.name == name)
    if not found:
        names = ", ".join(station.name for station in config.stations)
        raise SettingsFault([f"station {name!r} is not known; the settings name {names}"])
    return replace(config, stations=found)


def settings_files(named: Path | None) -> tuple[Path, ...]:
    """The files that the settings are read from, the one of the stations included; none: the environment holds them all."""
    file = named or (Path(os.environ["ENV_LOCATION"]) if os.environ.get("ENV_LOCATION") else _unnamed_file())
    stations = _with_usual_stations(_settings(os.environ, named)).get("DROVA_CONFIG")
    return tuple(one for one in (file, Path(stations) if stations else None) if one is not None and one.is_file())


def _from_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Systemd's ``LoadCredential=WINDOWS_PASSWORD:...``: a file named like the setting."""
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return {}
    names = {setting.name for setting in SETTINGS}
    found: dict[str, str] = {}
    try:
        for file in Path(directory).iterdir():
            if file.name in names:
                found[file.name] = _credential(file)
    except OSError as error:
        raise SettingsFault(
            [
                f"CREDENTIALS_DIRECTORY: {error.filename} cannot be read ({error.strerror}); systemd sets it for the service alone"
            ]
        ) from error
    return found


def _credential(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SettingsFault([f"CREDENTIALS_DIRECTORY: {file} is not UTF-8 text; save it as UTF-8"]) from error


OF_A_STATION = ("DROVA_CONFIG", "WINDOWS_", "SHADOW_DEFENDER_")
"""Beginnings of names: whoever has written no such setting has not begun to set a station up."""
USUAL_STATIONS = Path("/etc/drova_gate/stations.toml")
"""What ``systemd/drova_gate.service`` reads; an owner's commands look there when nothing else names a station."""
ENTWARE_STATIONS = Path("/opt/etc/drova_gate/stations.toml")
USUAL_STATE = Path("/var/lib/drova_gate")
LASTING_STATES = (Path("/etc/drova_gate/state"), Path("/opt/var/lib/drova_gate"))
"""Where OpenWrt's and Entware's init scripts keep it: ``/var`` is in memory there."""
USUAL_RUNTIME = Path("/run/drova_gate")
"""Where ``systemd/drova_gate.service`` has its status socket: members of a group may be let in there."""


def state_dir_of(config: Config) -> Path:
    """The settings' word, systemd's, the usual place if it can be written, else the user's own."""
    return _state_dir(config.state_dir)


def _state_dir(named: Path | None) -> Path:
    if named is not None:
        return named
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    for lasting in LASTING_STATES:
        if os.access(lasting, os.W_OK):
            return lasting
    if os.access(USUAL_STATE if USUAL_STATE.exists() else USUAL_STATE.parent, os.W_OK):
        return USUAL_STATE
    return _users_own()


def own_state_dir(lasting: Path | None) -> Path:
    """Where the state is to be before there are any settings: the environment's word, else ``lasting``, else the usual place."""
    if named := settings_as_written().get("DROVA_STATE_DIR", "").strip():
        return Path(named).expanduser()
    return lasting if lasting is not None else _state_dir(None)


def state_dirs(file: Path | None) -> list[Path]:
    """Where a running gate may keep its state, for whoever asks: where the settings say, else all places it would choose.

    Other settings are not looked at: whoever asks how things are need not know the stations' passwords.
    """
    if named := _settings(os.environ, file).get("DROVA_STATE_DIR", "").strip():
        return [Path(named).expanduser()]
    return [USUAL_STATE, *LASTING_STATES, USUAL_RUNTIME, _users_own()]


USUAL_GEO = (Path("/usr/share/GeoIP"), Path("/var/lib/GeoIP"))
"""Where Debian's packages and MaxMind's own updater put their files."""


def geo_dirs(file: Path | None) -> list[Path]:
    """Where files with places of addresses may lie: where the settings say, else beside the gate's state and in the usual places."""
    settings = _settings(os.environ, file)
    if named := settings.get("DROVA_GEO_DIR", "").strip():
        return [Path(named).expanduser()]
    state = settings.get("DROVA_STATE_DIR", "").strip()
    return [_state_dir(Path(state).expanduser() if state else None), *USUAL_GEO]


def _users_own() -> Path:
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "drova_gate"


def is_screen() -> bool:
    """Whether somebody watches a terminal on which lines can be drawn over."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and "utf" in (sys.stdout.encoding or "").lower()


def colour() -> bool:
    """Whether the terminal wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def screen_lines() -> int:
    """Lines of the terminal."""
    return shutil.get_terminal_size().lines


def terminal_room() -> int | None:
    """Places of a terminal line; ``None`` when the reader is no terminal, and nothing need be cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_lines(lines: Iterable[str], *, to_errors: bool = False) -> bool:
    """Print lines of any language, as ``print_text`` does."""
    return print_text("".join(f"{line}\n" for line in lines), to_errors=to_errors)


def print_text(text: str, *, to_errors: bool = False) -> bool:
    """Print a text of any language; ``False``: its reader has seen enough (``| head``), which is no error. A full disk is ``CallOwner``."""
    stream = sys.stderr if to_errors else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal that knows no Chinese shows a question mark
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # What is still in the stream's buffer would be a second error when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if to_errors or isinstance(error, BrokenPipeError):
            return False  # work in progress is not broken off because nobody watches it
        raise CallOwner(
            "standard output", f"cannot be written ({error.strerror})", "make room on that disk, and run it again"
        ) from error
    return True


def fill_standard_files() -> None:
    """Put ``/dev/null`` where whoever started the process has closed standard input, output or errors.

    Else a socket or the event loop gets such a number, and what is printed goes there; uvloop ends the process for it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115 - for the life of the process
