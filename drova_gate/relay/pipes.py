"""Kernel pipes for bulk bytes (socket -> pipe -> socket without a copy), lent out only while bytes pass or are stuck."""

import errno
import fcntl
import logging
import os

__all__ = ["Pipe", "PipePool"]

logger = logging.getLogger(__name__)

PIPE_BYTES = 1024 * 1024
"""256 slots of a page or a packet each, the most that an ordinary user may have. A quarter of them holds only 92 KB of packets
of an MTU of 1500, and costs a fifth to a quarter more CPU per GB there and on loopback alike. Empty it costs 10 KiB."""

FILL_BYTES = 512 * 1024
"""Taken from a socket at once, and so the most that a stalled reader keeps in a pipe. More is no cheaper."""

SMALLEST_USEFUL_BYTES = 64 * 1024
"""Below the kernel's usual size splicing costs more than copying (16 KiB: more than twice as much)."""

SPARE_PIPES = 4
"""Unused pipes kept ready: a station has one or two players. A pipe costs two descriptors."""

LENT_PIPES = 32
"""Lent at once at most: 16 MiB of bytes that are stuck; whoever comes later copies."""

NO_SPLICE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP})
"""This kernel, file kind or seccomp filter does not splice."""

try:
    _FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
except AttributeError:  # no Linux
    _FLAGS = 0


class Pipe:
    """One kernel pipe and how many bytes are in it."""

    __slots__ = ("_read_end", "_write_end", "level")

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.level = 0
        """Bytes inside: taken from one socket, not yet given to the other."""

    def fill(self, source: int) -> int:
        """Take up to ``FILL_BYTES`` from a socket; 0: its stream has ended. Only while the pipe is empty."""
        self.level = os.splice(source, self._write_end, FILL_BYTES, flags=_FLAGS)
        return self.level

    def pour(self, sink: int) -> int:
        """Give what is inside to a socket; returns how much it took."""
        sent = os.splice(self._read_end, sink, self.level, flags=_FLAGS)
        self.level -= sent
        return sent

    def read(self) -> bytes:
        """Take back what is inside."""
        taken = os.read(self._read_end, self.level) if self.level else b""
        while len(taken) < self.level:
            taken += os.read(self._read_end, self.level - len(taken))
        self.level = 0
        return taken

    def grow(self) -> int:
        """Make it as large as it should be, or as large as this user may; returns its size."""
        for size in (PIPE_BYTES, PIPE_BYTES // 4):
            try:
                return fcntl.fcntl(self._write_end, fcntl.F_SETPIPE_SZ, size)
            except OSError:
                # Over /proc/sys/fs/pipe-user-pages-soft (64 MiB of pipes in all), or pipe-max-size is smaller.
                continue
        return fcntl.fcntl(self._write_end, fcntl.F_GETPIPE_SZ)

    def close(self) -> None:
        """Close both ends; what was inside is gone."""
        os.close(self._read_end)
        os.close(self._write_end)


class PipePool:
    """Lends pipes and takes them back empty; a pipe with bytes inside is never lent again."""

    __slots__ = ("_lent", "_spare", "usable")

    def __init__(self, *, usable: bool = hasattr(os, "splice")) -> None:
        self.usable = usable
        """Whether splicing works here; ``False``: everything is copied."""
        self._spare: list[Pipe] = []
        self._lent = 0

    @property
    def lent(self) -> int:
        """Pipes that are out now."""
        return self._lent

    @property
    def spare(self) -> int:
        """Pipes that wait here."""
        return len(self._spare)

    def take(self) -> Pipe | None:
        """An empty pipe; ``None``: none to be had now, copy instead."""
        if self._spare:
            self._lent += 1
            return self._spare.pop()
        if not self.usable or self._lent >= LENT_PIPES:
            return None
        try:
            pipe = Pipe()
        except OSError as error:
            logger.debug("relay: no pipe to be had (%s), bytes are copied instead", error)
            return None
        if pipe.grow() < SMALLEST_USEFUL_BYTES:
            pipe.close()
            return None
        self._lent += 1
        return pipe

    def give_back(self, pipe: Pipe) -> None:
        """Return a pipe; if bytes are left in it (its connection broke) it is closed: they belong to nobody else."""
        self._lent -= 1
        if pipe.level or not self.usable or len(self._spare) >= SPARE_PIPES:
            pipe.close()
        else:
            self._spare.append(pipe)

    def give_up(self, error: OSError) -> None:
        """Splicing does not work here: copy from now on."""
        if self.usable:
            logger.info(
                "relay: this system does not splice (%s); bytes are copied, which costs more CPU", error.strerror
            )
        self.usable = False
        self.close()

    def close(self) -> None:
        """Close the pipes that wait here."""
        while self._spare:
            self._spare.pop().close()
