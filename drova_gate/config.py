"""Settings: a mapping of texts becomes one frozen, typed :class:`Config`, or every fault at once.

Reads no environment and no file by itself (``cli/`` does): the same reader serves the environment, an ``.env`` file, systemd
credentials, and the stations of a ``DROVA_CONFIG`` file.
"""

import ipaddress
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drova_gate.errors import SettingsFault
from drova_gate.settings import SETTINGS

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = [
    "Config",
    "Mode",
    "Network",
    "PreparationSettings",
    "StationConfig",
    "read_account_settings",
    "read_config",
    "read_networks",
    "read_preparation_settings",
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


_BY_NAME = {setting.name: setting for setting in SETTINGS}
_OURS = ("DROVA_", "WINDOWS_", "SHADOW_DEFENDER_")
"""Prefixes under which an unknown name is a typing error, not somebody else's variable."""


class Mode(StrEnum):
    """What learns of a session first."""

    POLL = "poll"
    SOCKET = "socket"
    RUN = "run"
    """Each station as its own settings say: with a relay if it has a port to listen on, else by polling."""
    VALIDATE = "validate"
    """Only looks: nothing beyond the station's own settings is required."""


@dataclass(frozen=True, slots=True)
class StationConfig:
    """Everything about one station."""

    name: str
    host: str
    login: str
    password: "SecretStr | None"
    key_file: Path | None
    ssh_port: int
    host_key: str | None
    protector: str
    protector_password: "SecretStr | None"
    drives: frozenset[str] | None
    """Volume letters to protect; ``None``: all fixed volumes."""
    listen_port: int | None
    listen_host: str
    target_port: int
    api_url: str
    token: "SecretStr | None"
    hold_seconds: float
    admit_unprotected: bool
    prepare_all: bool
    wipe: str
    launchers_dir: Path | None
    poll_seconds: float
    allow: tuple[Network, ...] = ()
    """Where players may come from; empty: from anywhere."""
    max_connections: int = 256
    max_per_address: int = 32
    drain_seconds: float = 0.0
    evict: bool = False
    """Without a relay: end the stream of a player whose station is not protected."""
    wol_mac: str | None = None
    """Twelve hexadecimal digits; ``None``: the station cannot be woken."""


@dataclass(frozen=True, slots=True)
class PreparationSettings:
    """What one station's preparation does; none of it is secret, and none of it needs the station."""

    station: str
    """Empty where the settings name none."""
    launchers_dir: Path | None
    wipe: str


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of the process; secrets show as stars."""

    mode: Mode
    stations: tuple[StationConfig, ...]
    state_dir: Path | None
    """``None``: the default place, which depends on the machine."""
    log_format: str
    log_level: str
    events_days: float = 90.0
    status_group: str | None = None


def read_config(mode: Mode, settings: Mapping[str, str], read_file: Callable[[Path], str] = Path.read_text) -> Config:
    """Read all settings; :class:`SettingsFault` carries one line per fault, naming the setting and what to write."""
    faults = _unknown(settings)
    process = _Reader(settings, "", faults)
    log_format = process.choice("DROVA_LOG_FORMAT", ("text", "json"))
    log_level = process.choice("DROVA_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), upper=True)
    state_dir = process.path("DROVA_STATE_DIR")
    events_days = process.number("DROVA_EVENTS_DAYS", 1, 3650, "days")
    status_group = process.get("DROVA_STATUS_GROUP") or None
    if config_file := process.path("DROVA_CONFIG"):
        stations = _many(mode, settings, config_file, read_file, faults)
    else:
        stations = (_station(mode, _Reader(settings, "", faults), ""),)
    if faults:
        raise SettingsFault(list(dict.fromkeys(faults)))
    return Config(mode, stations, state_dir, log_format, log_level, events_days, status_group)


def read_account_settings(settings: Mapping[str, str]) -> "tuple[str, SecretStr | None, Path | None]":
    """Read the API's address, the merchant token and the state directory, whatever else is missing; :class:`SettingsFault` as above."""
    faults = _unknown(settings)
    reader = _Reader(settings, "", faults)
    token = reader.secret("DROVA_TOKEN") if reader.get("DROVA_TOKEN") else None
    url, state_dir = reader.url("DROVA_API_URL"), reader.path("DROVA_STATE_DIR")
    if faults:
        raise SettingsFault(faults)
    return url, token, state_dir


def read_preparation_settings(
    settings: Mapping[str, str], read_file: Callable[[Path], str] = Path.read_text
) -> tuple[PreparationSettings, ...]:
    """Read what the preparation of each station depends on, whatever else is missing; :class:`SettingsFault` as above."""
    faults: list[str] = []
    if config_file := _Reader(settings, "", faults).path("DROVA_CONFIG"):
        tables = _station_tables(settings, config_file, read_file, faults)
    else:
        tables = [(_file_name(settings.get("WINDOWS_HOST", "")), "", settings)]
    readers = [(name, _Reader(table, place, faults)) for name, place, table in tables]
    found = tuple(
        PreparationSettings(name, reader.path("DROVA_LAUNCHERS_DIR"), reader.choice("DROVA_WIPE", ("full", "min")))
        for name, reader in readers
    )
    if faults:
        raise SettingsFault(list(dict.fromkeys(faults)))
    return found


# -- one station -----------------------------------------------------------------------------------------------------


def _station(mode: Mode, reader: "_Reader", name: str) -> StationConfig:
    host = reader.required("WINDOWS_HOST", "the station's address, e.g. 192.168.1.20")
    login = reader.required("WINDOWS_LOGIN", "the SSH login, an administrator of the station")
    password, key_file = reader.secret("WINDOWS_PASSWORD"), reader.path("WINDOWS_KEY_FILE")
    if not (password and password.get_secret_value()) and key_file is None:
        reader.fault(
            "WINDOWS_PASSWORD",
            "is missing",
            "write the password of WINDOWS_LOGIN, or a private key's file into WINDOWS_KEY_FILE",
        )
    protector = reader.choice("DROVA_PROTECTOR", ("shadow_defender", "none"))
    protector_password = reader.secret("SHADOW_DEFENDER_PASSWORD")
    if protector == "shadow_defender" and protector_password is None:
        reader.fault(
            "SHADOW_DEFENDER_PASSWORD",
            "is missing",
            "write Shadow Defender's password (SHADOW_DEFENDER_PASSWORD= if it has none), or set DROVA_PROTECTOR=none",
        )
    listen_port = reader.port("DROVA_SOCKET_LISTEN") if reader.get("DROVA_SOCKET_LISTEN") else None
    if mode is Mode.SOCKET and not reader.get("DROVA_SOCKET_LISTEN"):
        reader.fault("DROVA_SOCKET_LISTEN", "is missing", "write the TCP port that players are sent to, e.g. 7985")
    return StationConfig(
        name=name or _file_name(host) or "station",
        host=host,
        login=login,
        password=password if password and password.get_secret_value() else None,
        key_file=key_file,
        ssh_port=reader.port("WINDOWS_SSH_PORT"),
        host_key=reader.host_key("WINDOWS_HOST_KEY"),
        protector=protector,
        protector_password=protector_password,
        drives=reader.drives("SHADOW_DEFENDER_DRIVES"),
        listen_port=listen_port,
        listen_host=reader.get("DROVA_LISTEN_HOST"),
        target_port=reader.port("DROVA_TARGET_PORT"),
        allow=reader.networks("DROVA_ALLOW"),
        max_connections=reader.count("DROVA_MAX_CONNECTIONS", 1, 8000),  # two descriptors each, of the units' 16384
        max_per_address=reader.count("DROVA_MAX_PER_ADDRESS", 1, 8000),
        drain_seconds=reader.seconds("DROVA_DRAIN_SECONDS", 0, 86400),
        api_url=reader.url("DROVA_API_URL"),
        token=reader.secret("DROVA_TOKEN") if reader.get("DROVA_TOKEN") else None,
        hold_seconds=reader.seconds("DROVA_HOLD_SECONDS", 0, 120),
        admit_unprotected=reader.choice("DROVA_UNPROTECTED", ("refuse", "admit")) == "admit",
        prepare_all=reader.choice("DROVA_PREPARE", ("desktop", "all")) == "all",
        wipe=reader.choice("DROVA_WIPE", ("full", "min")),
        launchers_dir=reader.path("DROVA_LAUNCHERS_DIR"),
        poll_seconds=reader.seconds("DROVA_POLL_SECONDS", 0.2, 60),
        evict=reader.choice("DROVA_EVICT", ("off", "on")) == "on",
        wol_mac=reader.mac("DROVA_WOL_MAC"),
    )


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")


# -- many stations ---------------------------------------------------------------------------------------------------


def _many(
    mode: Mode, settings: Mapping[str, str], file: Path, read_file: Callable[[Path], str], faults: list[str]
) -> tuple[StationConfig, ...]:
    found = [
        _station(mode, _Reader(table, place, faults), name)
        for name, place, table in _station_tables(settings, file, read_file, faults)
    ]
    for field, label in (("name", "name"), ("listen_port", "DROVA_SOCKET_LISTEN")):
        seen: set[object] = set()
        for station in found:
            value = getattr(station, field)
            if value is not None and value in seen:
                faults.append(f"DROVA_CONFIG: {label} {value} is used by two stations; each needs its own")
            seen.add(value)
    return tuple(found)


def _station_tables(
    settings: Mapping[str, str], file: Path, read_file: Callable[[Path], str], faults: list[str]
) -> list[tuple[str, str, Mapping[str, str]]]:
    """Each station's name, what its faults are headed with, and its settings."""
    try:
        text = read_file(file).removeprefix("\ufeff")  # Windows' Notepad may put it there
    except OSError as error:
        faults.append(f"DROVA_CONFIG: {file} cannot be read ({error.strerror}); write the path of a readable file")
        return []
    try:
        tables: dict[str, Any] = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        faults.append(f"DROVA_CONFIG: {file} is neither TOML nor JSON: {error}; mend that line")
        return []
    listed = tables.get("station", tables.get("hosts"))
    defaults = tables.get("defaults", {})
    if not isinstance(listed, list) or not listed or not isinstance(defaults, dict):
        faults.append(f"DROVA_CONFIG: {file} names no station; write a [[station]] table for each")
        return []
    station_settings = {
        name: value for name, value in settings.items() if name in _BY_NAME and not _BY_NAME[name].whole_process
    }
    found: list[tuple[str, str, Mapping[str, str]]] = []
    for number, entry in enumerate(listed, 1):
        if not isinstance(entry, dict):
            faults.append(f"DROVA_CONFIG: entry {number} of {file} is no table; write its settings as NAME = value")
            continue
        name = str(entry.get("name", ""))
        place = f"station {name or number}"
        table = station_settings | _upper(defaults, "[defaults]", faults) | _upper(entry, place, faults)
        found.append((_file_name(name), f"{place}: ", table))
    return found


def _upper(table: Mapping[str, Any], place: str, faults: list[str]) -> dict[str, str]:
    """Setting names in any letter case; values of TOML and JSON types as the texts that an environment would hold."""
    texts: dict[str, str] = {}
    for key, value in table.items():
        name = str(key).upper()
        if name == "NAME":
            continue
        if name not in _BY_NAME or _BY_NAME[name].whole_process:
            faults.append(f"{place}: {key} is no setting of a station{_near(name)}")
        elif value is not None and not isinstance(value, dict | list):
            texts[name] = str(value)
        elif value is not None:
            faults.append(f"{place}: {key} must be a plain value")
    return texts


# -- reading single values -------------------------------------------------------------------------------------------


def _unknown(settings: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: is no setting{_near(name)}" for name in settings if name not in _BY_NAME and name.startswith(_OURS)
    ]


def _near(name: str) -> str:
    import difflib  # noqa: PLC0415 - a guard whose settings are right never needs it

    near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else "; remove it (all settings stand in .env.example)"


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks and addresses, separated by commas or blanks (``192.168.0.0/16, 2001:db8::/32, 203.0.113.7``).

    Raises ValueError naming the part that is none; host bits are taken as a slip and cleared.
    """
    networks = []
    for part in text.replace(",", " ").split():
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError as error:
            raise ValueError(f"{part} is no address or network; write for example 192.168.0.0/16") from error
    return tuple(networks)


class _Reader:
    """Reads single settings; what is wrong goes to the list of faults, and reading goes on."""

    def __init__(self, settings: Mapping[str, str], place: str, faults: list[str]) -> None:
        self._settings, self._place, self._faults = settings, place, faults

    def fault(self, name: str, fact: str, advice: str) -> None:
        self._faults.append(f"{self._place}{name}: {fact}; {advice}")

    def get(self, name: str) -> str:
        return self._settings.get(name, "").strip() or _BY_NAME[name].default

    def required(self, name: str, advice: str) -> str:
        value = self.get(name)
        if not value:
            self.fault(name, "is missing", f"write {advice}")
        return value

    def secret(self, name: str) -> "SecretStr | None":
        from pydantic import SecretStr  # noqa: PLC0415 - a third of the start of a command that reads no secret

        value = self._settings.get(name)
        return None if value is None else SecretStr(value)

    def choice(self, name: str, allowed: tuple[str, ...], *, upper: bool = False) -> str:
        value = self.get(name).upper() if upper else self.get(name).lower()
        if value not in allowed:
            self.fault(name, f"{self.get(name)!r} is not known", f"write {' or '.join(allowed)}")
            return allowed[0]
        return value

    def port(self, name: str) -> int:
        value = self.get(name)
        if not value.isascii() or not value.isdigit() or not 0 < int(value) < 65536:
            self.fault(name, f"{value!r} is no TCP port", "write a number from 1 to 65535")
            return 0
        return int(value)

    def seconds(self, name: str, least: float, most: float) -> float:
        return self.number(name, least, most, "seconds")

    def number(self, name: str, least: float, most: float, unit: str) -> float:
        value = self.get(name)
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            self.fault(name, f"{value!r} is no time in {unit}", f"write a number from {least:g} to {most:g}")
            return least
        return number

    def count(self, name: str, least: int, most: int) -> int:
        value = self.get(name)
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            self.fault(name, f"{value!r} is no number of that kind", f"write a whole number from {least} to {most}")
            return least
        return int(value)

    def networks(self, name: str) -> tuple[Network, ...]:
        try:
            return read_networks(self.get(name))
        except ValueError as error:
            fact, _, advice = str(error).partition("; ")
            self.fault(name, fact, advice)
            return ()

    def path(self, name: str) -> Path | None:
        value = self.get(name)
        return Path(value).expanduser() if value else None

    def url(self, name: str) -> str:
        value = self.get(name).rstrip("/")
        if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
            self.fault(name, f"{value!r} is no address", f"write {_BY_NAME[name].default} or leave it out")
        return value

    def host_key(self, name: str) -> str | None:
        value = self.get(name)
        # OpenSSH writes the 32 bytes of SHA-256 as 43 base64 characters without padding.
        if value and not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", value):
            self.fault(
                name, f"{value!r} is no fingerprint", "write it as ssh-keygen -l prints it: SHA256: and 43 characters"
            )
        return value.rstrip("=") or None

    def mac(self, name: str) -> str | None:
        value = self.get(name)
        digits = re.sub("[:.-]", "", value).lower()
        if value and not re.fullmatch("[0-9a-f]{12}", digits):
            self.fault(name, f"{value!r} is no MAC address", "write it as ipconfig /all prints it: 00-1A-2B-3C-4D-5E")
            return None
        return digits or None

    def drives(self, name: str) -> frozenset[str] | None:
        value = re.sub(r"[\s,;:\\]", "", self.get(name)).upper()
        if not value:
            return None
        if not value.isascii() or not value.isalpha():
            self.fault(name, f"{self.get(name)!r} is no list of volumes", "write their letters, e.g. CDE")
        return frozenset(value)
