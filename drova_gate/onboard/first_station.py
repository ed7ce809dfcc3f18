"""The talk about a new station: asks for what is needed, finds the rest out, looks at each answer at once. Writes nothing."""

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import SecretStr

from drova_gate.config import Mode, StationConfig, read_config
from drova_gate.errors import CallOwner, GateError, HostKeyChanged, LoginRefused, ProtectorRefused
from drova_gate.host.address import StationAddress
from drova_gate.host.pin import Pin
from drova_gate.host.scan import read_host_keys
from drova_gate.onboard.discover import Found, free_port, look_at, no_host, protector_fault, unanswered
from drova_gate.onboard.own_key import read_own_key
from drova_gate.onboard.talk import Talk

__all__ = ["FirstStation", "Given", "Run"]

T = TypeVar("T")

TRIES = 3
"""Of a password: from OpenSSH 9.8 on sshd shuts out whoever fails more often."""
POLLING = "off"


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run it."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was said on the command line; ``None``: is asked for."""

    name: str | None = None
    host: str | None = None
    port: int = 22
    host_key: str | None = None
    login: str | None = None
    password: SecretStr | None = None
    key_file: Path | None = None
    shadow_password: SecretStr | None = None
    no_protector: bool = False
    listen: str | None = None
    offline: bool = False
    """Written without a look at the station."""


class FirstStation:
    """One talk; ``settle`` has it."""

    def __init__(
        self,
        given: Given,
        talk: Talk,
        state_dir: Path,
        run: Run,
        *,
        names: frozenset[str],
        ports: frozenset[int],
        around: Mapping[str, str],
    ) -> None:
        """``names`` and ``ports`` are other stations'; ``around`` holds settings that are there already, and are not written."""
        self._given, self._talk, self._state_dir, self._run = given, talk, state_dir, run
        self._names, self._ports, self._around = names, ports, around
        self._offline = given.offline
        self.name = ""
        self._settings: dict[str, str] = {}

    def settle(self) -> dict[str, str]:
        """Ask for everything; the settings by their names. ``CallOwner`` when it cannot go on: nothing has been changed."""
        free = next(f"pc{number}" for number in range(1, 10_000) if f"pc{number}" not in self._names)
        self.name = self._talk.ask("Name of the station", self._no_name, default=free, given=self._given.name)
        self._ask_host()
        if not self._offline:
            self._ask_host_key()
        elif self._given.host_key:
            self._settings["WINDOWS_HOST_KEY"] = self._given.host_key
        found = self._ask_login()
        self._ask_protector(found)
        self._ask_port(found.announced if found else None)
        self._config()  # whole, or its faults are told
        return self._settings

    # -- name and address --------------------------------------------------------------------------------------------

    def _no_name(self, text: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", text):
            return f"{text!r} is no name; use Latin letters, digits, dots and hyphens"
        if text in self._names:
            return f"a station {text} is there already; choose another name, or change its settings by hand"
        return ""

    def _ask_host(self) -> None:
        while True:
            host = self._talk.ask("Address of the PC", no_host, given=self._given.host)
            self._settings["WINDOWS_HOST"] = host
            if self._given.port != 22:
                self._settings["WINDOWS_SSH_PORT"] = str(self._given.port)
            if self._offline:
                return
            refused = self._run(partial(unanswered, host, self._given.port))
            if not refused:
                return
            if not self._talk.live:
                raise CallOwner(
                    f"--host {host}",
                    f"no SSH at {host}:{self._given.port} ({refused})",
                    "was drova_gate bootstrap's script run there? --offline writes the settings all the same",
                )
            self._talk.tell(
                f"  no SSH at {host}:{self._given.port} ({refused}); is the PC on, and has drova_gate bootstrap's script run there?"
            )
            if self._talk.agreed("Write the station all the same, unseen?"):
                self._offline = True
                return
            if self._given.host is not None:
                raise CallOwner(f"--host {host}", "does not answer", "mend that first; nothing was written")

    # -- host key ----------------------------------------------------------------------------------------------------

    def _ask_host_key(self) -> None:
        host, port = self._settings["WINDOWS_HOST"], self._given.port
        shown = self._run(lambda: read_host_keys(self.name, StationAddress(host, port, "")))
        wanted = (self._given.host_key or "").rstrip("=")
        if wanted:
            if wanted not in [pin.fingerprint for pin in shown]:
                raise HostKeyChanged(
                    self.name,
                    f"{host} shows host key {shown[0]}, --host-key says {wanted}; no login was tried",
                    "is it the right PC? Take the key from the PC's own screen",
                )
            self._talk.tell(f"  its host key is the one that was given: {wanted}")
        else:
            self._compare(shown[0])
        self._settings["WINDOWS_HOST_KEY"] = wanted or shown[0].fingerprint

    def _compare(self, pin: Pin) -> None:
        self._talk.tell(f"  it shows host key {pin}")
        if not self._talk.live:
            self._talk.tell("  nobody compares it here; --host-key takes the one that the PC's own screen shows")
        elif not self._talk.agreed("Does the PC's own screen show the same (the script printed it)?"):
            raise HostKeyChanged(
                self.name,
                "its host key was not recognised; no login was tried",
                "nothing was written; compare it first",
            )

    # -- login -------------------------------------------------------------------------------------------------------

    def _ask_login(self) -> Found | None:
        login = self._talk.ask("Login there, an administrator", _no_login, given=self._given.login)
        self._settings["WINDOWS_LOGIN"] = login
        if self._given.key_file is not None:
            return self._logged_in(key_file=self._given.key_file)
        if self._given.password is not None:
            return self._logged_in(password=self._given.password)
        if (own := read_own_key(self._state_dir)) is not None:
            if self._offline:
                return self._logged_in(key_file=own.file)
            try:
                return self._logged_in(key_file=own.file)
            except LoginRefused:
                self._talk.tell(f"  {login} is not let in with the gate's own key")
        if not self._talk.live:
            raise CallOwner(
                "init",
                "neither a password nor a key that is let in",
                "run bootstrap's script on the PC, or give --password-stdin, --password-file or --key-file",
            )
        return self._by_password(login)

    def _by_password(self, login: str) -> Found | None:
        for left in range(TRIES - 1, -1, -1):
            password = self._talk.ask_hidden(f"Password of {login}")
            if not password:
                self._talk.tell(
                    "  Windows lets nobody in over the network with an empty password; set one, or use the key"
                )
                continue
            try:
                return self._logged_in(password=SecretStr(password))
            except LoginRefused as refused:
                self._talk.tell(f"  {refused.fact}")
                if not left:
                    raise
        raise LoginRefused(self.name, "no password was given", "nothing was written")

    def _logged_in(self, *, key_file: Path | None = None, password: SecretStr | None = None) -> Found | None:
        for name in ("WINDOWS_PASSWORD", "WINDOWS_KEY_FILE"):
            self._settings.pop(name, None)
        if key_file is not None:
            self._settings["WINDOWS_KEY_FILE"] = str(key_file.absolute())
        if password is not None:
            self._settings["WINDOWS_PASSWORD"] = password.get_secret_value()
        if self._offline:
            return None
        config = self._config(protector="none")
        found = self._run(lambda: look_at(config, self._state_dir))
        self._talk.tell(f"  logged in as {config.login} by {'key' if key_file else 'password'}")
        for fact in found.facts:
            self._talk.tell(f"  {fact}")
        return found

    # -- protector ---------------------------------------------------------------------------------------------------

    def _ask_protector(self, found: Found | None) -> None:
        if self._given.no_protector:
            self._settings["DROVA_PROTECTOR"] = "none"
            return
        if found is not None and not found.shadow_defender:
            self._talk.tell(
                "  Shadow Defender: is not installed where it usually is; without it nothing is rolled back"
            )
            if self._talk.live and self._talk.agreed("Guard the station without it?"):
                self._settings["DROVA_PROTECTOR"] = "none"
                return
        if self._given.shadow_password is not None or not self._talk.live:
            if self._given.shadow_password is None:
                raise CallOwner(
                    "init",
                    "Shadow Defender's password is not given",
                    "give --shadow-password-stdin or --shadow-password-file, or --no-protector",
                )
            self._settings["SHADOW_DEFENDER_PASSWORD"] = self._given.shadow_password.get_secret_value()
            if found is not None and found.shadow_defender and (fault := self._protector_fault()):
                raise fault
            return
        while True:
            self._settings["SHADOW_DEFENDER_PASSWORD"] = self._talk.ask_hidden(
                "Password of Shadow Defender (Enter: it has none)"
            )
            if found is None or not found.shadow_defender:
                return
            fault = self._protector_fault()
            if fault is None:
                self._talk.tell("  Shadow Defender takes the password")
                return
            self._talk.tell(f"  {fault.fact}; {fault.advice}")
            if not isinstance(fault, ProtectorRefused):
                return

    def _protector_fault(self) -> GateError | None:
        config = self._config()
        return self._run(lambda: protector_fault(config, self._state_dir))

    # -- relay -------------------------------------------------------------------------------------------------------

    def _ask_port(self, announced: int | None) -> None:
        if self._given.listen is None and self._talk.live:
            self._talk.tell(
                "A port of this machine that players are sent to: they wait there while the station is prepared."
            )
            self._talk.tell("With 'off' there is none: they come in unprepared, and the gate is a second late.")
        if announced is not None and announced not in self._ports:
            self._talk.tell(f"  Drova sends players to port {announced} of the router's outside address")
        default = str(free_port(self._ports, announced))
        port = self._talk.ask("Port to listen on, or 'off'", self._no_port, default=default, given=self._given.listen)
        if port != POLLING:
            self._settings["DROVA_SOCKET_LISTEN"] = port

    def _no_port(self, text: str) -> str:
        if text == POLLING:
            return ""
        if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
            return f"{text!r} is no TCP port; write a number from 1 to 65535, or 'off'"
        if int(text) in self._ports:
            return f"port {text} is another station's; choose another one"
        return ""

    def _config(self, protector: str | None = None) -> StationConfig:
        settings = {**self._around, **self._settings, **({"DROVA_PROTECTOR": protector} if protector else {})}
        return read_config(Mode.VALIDATE, settings).stations[0]


def _no_login(text: str) -> str:
    if not text.strip() or not text.isprintable():
        return f"{text!r} is no login; write the name as C:\\Users or whoami on the PC shows it"
    return ""
