"""What only a process knows: its environment, its settings file, its state directory, its event loop."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from drova_gate.config import SETTINGS, Config, Mode, read_config
from drova_gate.errors import SettingsFault

__all__ = ["colour", "read_settings", "run_loop", "state_dir_of"]

T = TypeVar("T")

log = logging.getLogger(__name__)


def run_loop(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run on uvloop where it is installed, else on asyncio's own loop with the relay's way of polling."""
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


def state_dir_of(config: Config) -> Path:
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


def colour() -> bool:
    """Whether the terminal wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
