"""Keeping a renewed merchant token: the old one may be worthless the moment the new one is issued."""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from drova_gate.files import claim, is_closed, write_whole

__all__ = ["FileTokenKeeper", "TokenKeeper", "token_file"]

VERSION = 1
"""Of the file's layout; any other is not read."""

log = logging.getLogger(__name__)


class TokenKeeper(Protocol):
    """Where renewed tokens outlive the process; ``load`` and ``save`` are called from a worker thread."""

    def load(self, configured: SecretStr) -> SecretStr | None:
        """Return the newest token that descends from the configured one; ``None``: none is kept."""

    def save(self, configured: SecretStr, renewed: SecretStr) -> None:
        """Keep a renewed token durably; ``OSError`` if the disk refuses."""

    def claim(self) -> Callable[[], None] | None:
        """Claim the renewal, at once: how to give it back, or ``None`` while another client renews; ``OSError``."""


class FileTokenKeeper:
    """A token in a file of mode 0600.

    The file says (by digest) which configured token it descends from: when the owner configures another, his word wins.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, configured: SecretStr) -> SecretStr | None:
        """Read the file; a missing, damaged or foreign one is as good as none (a damaged one is said)."""
        try:
            stored = json.loads(self.path.read_bytes())
            version, origin, token = stored["version"], stored["configured_sha256"], stored["token"]
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("token file %s: cannot be read (%s); the configured token is used", self.path, error.strerror)
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            log.warning("token file %s: is damaged; the configured token is used", self.path)
            return None
        if version != VERSION or not isinstance(origin, str) or not isinstance(token, str) or not token:
            log.warning("token file %s: is of another version; the configured token is used", self.path)
            return None
        if not hmac.compare_digest(origin.encode(), _digest(configured).encode()):
            log.info("token file %s: descends from another token than the configured one; not used", self.path)
            return None
        return SecretStr(token)

    def forbidden(self) -> bool:
        """Whether this user may not see what is kept: the token that he has may have been renewed there."""
        return is_closed(self.path)

    def save(self, configured: SecretStr, renewed: SecretStr) -> None:
        """Write the file whole."""
        stored = {
            "version": VERSION,
            "configured_sha256": _digest(configured),
            "token": renewed.get_secret_value(),
        }
        write_whole(self.path, json.dumps(stored).encode() + b"\n")

    def claim(self) -> Callable[[], None] | None:
        """Lock a file beside the token's: stations of one owner share a token, and it can be renewed only once."""
        return claim(self.path.with_name(f"{self.path.name}.lock"))


def token_file(state_dir: Path, configured: SecretStr) -> Path:
    """Where the tokens that descend from a configured one are kept: owners who share a state directory have a file each."""
    file = state_dir / f"token-{_digest(configured)[:16]}"
    before = state_dir / "token"  # the name that all owners shared in the first version
    try:
        if not file.exists() and json.loads(before.read_bytes())["configured_sha256"] == _digest(configured):
            before.rename(file)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # none, or not this owner's
    return file


def _digest(token: SecretStr) -> str:
    return hashlib.sha256(token.get_secret_value().encode()).hexdigest()
