"""Windows paths as the station's SFTP server takes them. Pure."""

import re

__all__ = ["folder_of", "sftp_path"]

_DRIVE = re.compile(r"[A-Za-z]:(?:[\\/]|$)")


def sftp_path(path: str) -> str:
    r"""Turn ``C:\x\y`` into ``/C:/x/y``; a path that begins with ``/`` stays, anything else is refused.

    asyncssh takes paths apart at ``/`` only, and the server expands no variables: a relative path or a ``%NAME%``
    would end up in the login's profile.
    """
    if path.startswith("/"):
        return path
    if not _DRIVE.match(path):
        raise ValueError(f"not an absolute Windows path: {path!r}")
    return "/" + path.replace("\\", "/")


def folder_of(path: str) -> str:
    """Return the SFTP path of the folder that holds ``path``."""
    return sftp_path(path).rpartition("/")[0]
