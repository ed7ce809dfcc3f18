"""The gate's own key pair: made once, kept in the state directory; the private half never leaves this machine."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drova_gate.errors import CallOwner
from drova_gate.files import drafted, give_to_folder, make_folder

__all__ = ["OwnKey", "keep_own_key", "key_path", "not_written", "read_own_key"]

COMMENT = "drova_gate"
"""Stands behind the key in the PC's file, so that an owner knows whose it is."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """Where the private key lies, and the line that lets it in."""

    file: Path
    line: str
    """As in ``authorized_keys``."""
    is_new: bool = False


def key_path(state_dir: Path) -> Path:
    """Where the private key lies, if it was made."""
    return state_dir / "gate_key"


def keep_own_key(state_dir: Path) -> OwnKey:
    """Return the gate's key, made if there is none yet; never overwritten. ``CallOwner`` if it can't be read or written."""
    file = key_path(state_dir)
    try:
        made = not file.exists() and _make(file)
    except OSError as error:
        raise not_written(file, error) from error
    return OwnKey(file, _public(file), made)


def not_written(file: Path, error: OSError) -> CallOwner:
    """Say what to do about a key that cannot be kept."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return CallOwner(
        f"key file {file}",
        f"cannot be written ({error.strerror})",
        "make room there, or set DROVA_STATE_DIR to a folder that can be written and outlives a reboot"
        if full
        else "use sudo, or set DROVA_STATE_DIR to a folder that can be written and outlives a reboot",
    )


def read_own_key(state_dir: Path) -> OwnKey | None:
    """Return the gate's key; ``None``: it was never made, or is another user's."""
    file = key_path(state_dir)
    return OwnKey(file, _public(file)) if os.access(file, os.R_OK) else None


def _make(file: Path) -> bool:
    """Make it; ``False``: another process was quicker, and its key is the one."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    make_folder(file.parent)
    with drafted(file, text, lambda handle: give_to_folder(handle, file.parent)) as draft:
        try:
            # Unlike a rename a link does not replace: the first one stays.
            file.hardlink_to(draft)
        except FileExistsError:
            return False
    return True


def _public(file: Path) -> str:
    try:
        key = form.load_ssh_private_key(file.read_bytes(), password=None)
        line = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    except OSError as error:
        raise CallOwner(f"key file {file}", f"cannot be read ({error.strerror})", "use sudo") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CallOwner(
            f"key file {file}",
            "is no private key without passphrase",
            "move it away, and a new one is made; the PC must then be told the new one",
        ) from error
    return f"{line.decode('ascii')} {COMMENT}"
