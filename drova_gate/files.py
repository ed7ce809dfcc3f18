"""Files that are there whole or not at all, and work that only one of several does."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["claim", "drafted", "give_to_folder", "is_closed", "make_folder", "write_whole"]


def is_closed(file: Path) -> bool:
    """Whether this user may not read a file, or not even see whether there is one: that is neither an absence nor damage."""
    try:
        file.open("rb").close()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file (mode 0600) so that a power cut leaves the old one or the new one; ``OSError`` if the disk refuses."""
    make_folder(path.parent)
    with drafted(path, content, lambda handle: give_to_folder(handle, path.parent)) as draft:
        draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Without this the rename itself may be lost in a power cut.
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def drafted(path: Path, content: bytes, give: Callable[[int], None]) -> Iterator[Path]:
    """A file beside the one that it is to become, whole on the disk; whoever does not move it away leaves nothing behind.

    ``give``: makes it its owner's, by its descriptor, while it is still empty.
    """
    # mkstemp: 0600 from the first byte, and a name of its own when two processes write at once.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            give(handle)
            file.write(content)
            file.flush()
            os.fsync(handle)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder (0700) and those above it that are missing; ``OSError`` if the disk refuses."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    give_to_folder(path, path.parent)


def give_to_folder(file: int | Path, folder: Path) -> None:
    """Let what root has made belong to whom its folder belongs to: the gate runs as a user of its own and must be able to read it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def claim(path: Path) -> Callable[[], None] | None:
    """Claim a piece of work named by a lock file: how to give it back, or ``None`` while another has it.

    It ends with the process whatever becomes of it. It holds between processes and between the stations of one process.
    """
    make_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_to_folder(handle, path.parent)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    return lambda: os.close(handle)
