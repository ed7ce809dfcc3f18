"""The PowerShell script for the PC: the template beside this file with what is special about this router. Pure."""

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from importlib import resources

__all__ = ["FILE_NAME", "ForPc", "as_file", "fetch_command", "script_text"]

FILE_NAME = "drova_gate_pc.ps1"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class ForPc:
    """What the script is told; none of it is secret."""

    router: str
    """The only address that may connect."""
    key_line: str
    """The gate's public key, as in ``authorized_keys``."""
    key_file: str
    """Where the private one lies on the router: printed among the settings."""
    login: str = ""
    """Empty: whoever is at the desktop."""
    port: int = 22

    def __post_init__(self) -> None:
        """Raise ValueError for what could end a quoted text or a line of the script."""
        ipaddress.ip_address(self.router)
        if not re.fullmatch(r"[a-z0-9-]+ [A-Za-z0-9+/=]+( [\w.@-]+)?", self.key_line):
            raise ValueError("no public key")
        # What Windows itself does not take in the name of an account.
        if re.search(r'[\x00-\x1f"/\[\]:;|=,+*?<>]', self.login) or len(self.login) > 104:
            raise ValueError(f"--login: {self.login!r} is no name of a Windows account; write it as the PC shows it")
        if not self.key_file.isprintable():
            raise ValueError("a path with control characters")


def script_text(told: ForPc) -> str:
    """Fill the template in; lines end with LF."""
    values = {
        "ROUTER": told.router,
        "LOGIN": told.login,
        "PORT": str(told.port),
        "KEY": told.key_line,
        "KEY_FILE": told.key_file,
    }
    template = resources.files("drova_gate.onboard").joinpath("station.ps1").read_text(encoding="utf-8")
    # All places stand in single quotes, where a doubled quote is all there is to escape; PowerShell takes typographic ones for them, too.
    return _PLACE.sub(lambda place: re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", values[place[1]]), template)


def as_file(text: str) -> bytes:
    """UTF-8 with its mark, or Windows PowerShell 5.1 reads Cyrillic as cp1251; CRLF, as Windows' editors want it."""
    return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()


def fetch_command(url: str, content: bytes) -> str:
    """One line for an administrator's PowerShell: fetch the script, check that it is this very one, run it.

    The way is plain HTTP in the owner's network, where a renter's PC may sit, too: what decides is the digest, not the way.
    """
    digest = hashlib.sha256(content).hexdigest().upper()
    return (
        f"$f=\"$env:TEMP\\{FILE_NAME}\";(New-Object Net.WebClient).DownloadFile('{url}',$f);"
        f"if((Get-FileHash $f).Hash -eq '{digest}'){{powershell -NoProfile -ExecutionPolicy Bypass -File $f}}"
        "else{'NOT RUN: this is not the script of your router'}"
    )
