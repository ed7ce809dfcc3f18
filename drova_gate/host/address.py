"""Where a station is, and what goes wrong on the way there, in words for its owner. Pure."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from drova_gate.errors import HostKeyChanged, LoginRefused, StationUnreachable
from drova_gate.host.pin import Pin

__all__ = ["StationAddress", "host_key_changed", "key_unusable", "login_refused", "unreachable"]


@dataclass(frozen=True, slots=True)
class StationAddress:
    """Where a station is and how to log in: a password, a key, or both."""

    host: str
    port: int
    login: str
    password: SecretStr | None = None
    key_file: Path | None = None
    host_key: str | None = None
    """``SHA256:...`` from the settings; it beats what was learned."""


def unreachable(subject: str, address: StationAddress, reason: str) -> StationUnreachable:
    """Nobody answers there."""
    return StationUnreachable(
        subject,
        f"no SSH at {address.host}:{address.port} ({reason})",
        "is it on, and its OpenSSH server running? tries again",
    )


def login_refused(subject: str, address: StationAddress) -> LoginRefused:
    """The password or the key is wrong."""
    how = "the password"
    if address.key_file:
        how = "the key and the password" if address.password else "the key"
    return LoginRefused(
        subject,
        f"sshd refuses {how} of login {address.login!r}",
        "set WINDOWS_LOGIN and WINDOWS_PASSWORD or WINDOWS_KEY_FILE"
        r" (an administrator's key belongs in C:\ProgramData\ssh\administrators_authorized_keys)",
    )


def key_unusable(subject: str, path: Path, error: Exception) -> LoginRefused:
    """The key file cannot be read, so there is nothing to log in with."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    match error:
        case FileNotFoundError():
            advice = (
                "put it back from a copy; if there is none, drova_gate bootstrap makes a new one,"
                " and its script is to be run on the PC once more"
            )
        case PermissionError():
            advice = "the gate's user must be able to read it, and so must whoever asks: use sudo"
        case _:
            advice = "set WINDOWS_KEY_FILE to a private key without passphrase"
    return LoginRefused(subject, f"key file {path} cannot be used ({reason})", advice)


def host_key_changed(
    subject: str, address: StationAddress, pin_file: Path | None, pin: Pin | None, seen: Pin | None
) -> HostKeyChanged:
    """Another machine, or another Windows, answers at this address."""
    if address.host_key:
        own = "set WINDOWS_HOST_KEY to the new one"
    else:
        own = f"delete {pin_file}" if pin_file else "restart the gate"
    return HostKeyChanged(
        subject,
        f"it shows host key {seen or 'of a kind we do not take'}, pinned is {pin or 'none'}; no login was tried",
        f"if you put Windows on it anew, {own}; if not, another machine answers at {address.host}",
    )
