"""The merchant token that ``drova_gate login`` keeps: a file of mode 0600 in the state directory."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from drova_gate.errors import CallOwner
from drova_gate.files import write_whole

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["forget_login", "keep_login", "kept_login", "login_file"]

VERSION = 1
"""Of the file's layout."""


def login_file(state_dir: Path) -> Path:
    """Where the token is kept."""
    return state_dir / "login"


def kept_login(state_dir: Path) -> "SecretStr | None":
    """Read the token; ``None``: nobody has logged in here. A file that cannot be read is ``CallOwner``."""
    from pydantic import SecretStr  # noqa: PLC0415 - most commands that ask have no such file

    file = login_file(state_dir)
    try:
        stored = json.loads(file.read_bytes())
        version, token = stored["version"], stored["token"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CallOwner(f"login {file}", f"cannot be read ({error.strerror})", "use sudo, or log in anew") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CallOwner(f"login {file}", "is damaged", "log in anew: drova_gate login") from None
    if version != VERSION or not isinstance(token, str) or not token:
        raise CallOwner(f"login {file}", "is of another version", "log in anew: drova_gate login")
    return SecretStr(token)


def keep_login(state_dir: Path, token: "SecretStr") -> Path:
    """Keep the token; ``OSError`` if the disk refuses."""
    file = login_file(state_dir)
    write_whole(file, json.dumps({"version": VERSION, "token": token.get_secret_value()}).encode() + b"\n")
    return file


def forget_login(state_dir: Path) -> bool:
    """Delete the token; whether there was one. ``OSError`` if the folder cannot be written."""
    file = login_file(state_dir)
    was_there = file.exists()
    file.unlink(missing_ok=True)
    return was_there
