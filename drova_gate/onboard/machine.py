"""The machine that the gate lives on: its addresses, where settings and state belong there, what starts the gate."""

import errno
import fcntl
import ipaddress
import os
import socket
import struct
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["Machine", "Starter", "own_address_towards", "own_addresses", "why_not_writable"]

_SIOCGIFADDR = 0x8915
"""Of Linux' ``linux/sockios.h``: the IPv4 address of an interface."""


class Starter(StrEnum):
    """What starts services here."""

    SYSTEMD = "systemd"
    OPENWRT = "OpenWrt"
    ENTWARE = "Entware"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Machine:
    """What kind of machine this is."""

    starter: Starter
    root: Path = Path("/")

    @classmethod
    def look(cls, root: Path = Path("/")) -> "Machine":
        """Look what starts services here; ``root`` is for tests."""
        if (root / "run/systemd/system").is_dir():
            return cls(Starter.SYSTEMD, root)
        if (root / "etc/rc.common").is_file():
            return cls(Starter.OPENWRT, root)
        if (root / "opt/etc/init.d/rc.func").is_file():
            return cls(Starter.ENTWARE, root)
        return cls(Starter.NONE, root)

    @property
    def settings_dir(self) -> Path:
        """Where the service looks for its stations."""
        return self.root / ("opt/etc/drova_gate" if self.starter is Starter.ENTWARE else "etc/drova_gate")

    @property
    def state_dir(self) -> Path | None:
        """Where the init script keeps the state; ``None``: the usual place does, ``/var`` outlives a reboot."""
        lasting = {Starter.OPENWRT: "etc/drova_gate/state", Starter.ENTWARE: "opt/var/lib/drova_gate"}
        return self.root / lasting[self.starter] if self.starter in lasting else None


def own_addresses() -> list[str]:
    """Return the IPv4 addresses of this machine's interfaces, without loopback."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:  # it has none
                continue
            address = ipaddress.ip_address(answer[20:24])
            if not address.is_loopback:
                found.append(str(address))
    return found


def own_address_towards(host: str) -> str | None:
    """Return the address that this machine uses towards another; nothing is sent. ``None``: no way there, or no such name."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(place)
            return str(probe.getsockname()[0])
    except OSError:
        return None


def why_not_writable(folder: Path) -> OSError | None:
    """Say why no file can be made in a folder, or in the one where it would be made; ``None``: it can."""
    there = next(one for one in (folder, *folder.parents) if _is_there(one))
    if not there.is_dir():
        return OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:  # not there, or behind a closed door: then the door tells why
        return False
    return True
