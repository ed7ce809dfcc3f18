"""The station's host key, pinned: learned at first use, kept in a small file of the state folder."""

from dataclasses import dataclass
from pathlib import Path

from drova_gate.errors import SettingsFault
from drova_gate.files import write_whole

__all__ = ["Pin", "host_key_algorithms", "read_pin", "write_pin"]

# In the order that OpenSSH's own client asks for them.
_ALGORITHMS = (
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512"),
    ("ssh-rsa", "rsa-sha2-256"),
)
"""Key type, signature algorithm."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A host key's fingerprint (``SHA256:...``) and, when known, its type."""

    fingerprint: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.fingerprint} ({self.kind})" if self.kind else self.fingerprint


def host_key_algorithms(pin: Pin | None) -> list[str]:
    """Signature algorithms to offer: the pinned key's first, or a server with several keys might show another one."""
    kind = pin.kind if pin else ""
    return [name for _, name in sorted(_ALGORITHMS, key=lambda pair: pair[0] != kind)]


def read_pin(path: Path) -> Pin | None:
    """Read a pin file; ``None`` when there is none yet; a damaged one is for the owner, never silently learned anew."""
    try:
        words = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise SettingsFault(
            [f"host key file {path} may not be read by this user; use sudo, or set WINDOWS_HOST_KEY"]
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFault([f"host key file {path} cannot be read ({error}); mend it, or delete it"]) from error
    if len(words) != 2 or not words[1].startswith("SHA256:"):
        raise SettingsFault([f"host key file {path} is damaged; delete it and the key is learned again"])
    return Pin(words[1], words[0])


def write_pin(path: Path, pin: Pin) -> None:
    """Write a pin file, readable for us alone; whole or not at all."""
    write_whole(path, f"{pin.kind} {pin.fingerprint}\n".encode("ascii"))
