"""How the relay's sockets are watched: cheaper than an event loop does it, on asyncio's own loop and beside others.

asyncio makes a handle for each registration, and for each event it builds a list, queues the handle, and goes round its whole
loop: more work than the relay has with a small message. :class:`RelayLoop` is asyncio's loop on a selector that calls the
relay's callbacks as soon as the kernel names their sockets, and returns to asyncio only when there is something for it. On any
other loop (uvloop) the relay has an epoll object of its own, which that loop watches.
"""

import asyncio
import contextlib
import select
import selectors
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from typing import Any, Protocol, TypeVarTuple, Unpack

__all__ = ["Poller", "RelayLoop", "poller_on"]

_READ, _WRITE = getattr(select, "EPOLLIN", 1), getattr(select, "EPOLLOUT", 4)
Callback = Callable[[], object]
_Ts = TypeVarTuple("_Ts")

MOST_EVENTS = 64
"""Taken from the kernel at once: it names the others at the next turn, and room for more would be made each time."""

MOVE_AFTER_EVENTS = 16
"""Of one descriptor: then it is no short connection, and the loop's own way is the cheaper one."""


class Poller(Protocol):
    """Calls back while a descriptor can be read or written."""

    def add_reader(self, fd: int, callback: Callback, /) -> object:
        """Call back while there is something to read: bytes, an end, an error."""

    def remove_reader(self, fd: int, /) -> object:
        """No more of that; harmless when there was none."""

    def add_writer(self, fd: int, callback: Callback, /) -> object:
        """Call back while there is room to write, or an error."""

    def remove_writer(self, fd: int, /) -> object:
        """No more of that; harmless when there was none."""


class _Epoll:
    """One epoll object and who is called for which descriptor; removing is harmless where there is nothing."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self._epoll = select.epoll()
        self._readers: dict[int, Callback] = {}
        self._writers: dict[int, Callback] = {}

    def add_reader(self, fd: int, callback: Callback, /) -> None:
        self._readers[fd] = callback
        if fd in self._writers:
            self._epoll.modify(fd, _READ | _WRITE)
        else:
            self._epoll.register(fd, _READ)

    def remove_reader(self, fd: int, /) -> None:
        if self._readers.pop(fd, None) is not None:
            if fd in self._writers:
                self._epoll.modify(fd, _WRITE)
            else:
                self._epoll.unregister(fd)

    def add_writer(self, fd: int, callback: Callback, /) -> None:
        self._writers[fd] = callback
        if fd in self._readers:
            self._epoll.modify(fd, _READ | _WRITE)
        else:
            self._epoll.register(fd, _WRITE)

    def remove_writer(self, fd: int, /) -> None:
        if self._writers.pop(fd, None) is not None:
            if fd in self._readers:
                self._epoll.modify(fd, _READ)
            else:
                self._epoll.unregister(fd)

    def _serve(self, events: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Call those who wait for these events; events for which nobody is registered are returned.

        A callback may close a descriptor that comes later, and its number may be another's by then: only who was registered
        when the kernel spoke is called.
        """
        known = [(fd, mask, self._readers.get(fd), self._writers.get(fd)) for fd, mask in events]
        others = []
        for fd, mask, reader, writer in known:
            if reader is None and writer is None:
                others.append((fd, mask))
                continue
            # An error or a hang-up wakes whoever waits, reader or writer.
            if reader is not None and mask & ~_WRITE and self._readers.get(fd) is reader:
                self._call(reader)
            if writer is not None and mask & ~_READ and self._writers.get(fd) is writer:
                self._call(writer)
        return others

    def _call(self, callback: Callback) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - the top of a loop: as asyncio does, say it and serve the others
            self._failed(error)


class _Beside(_Epoll):
    """Beside a loop of another kind, which watches the epoll object as a whole.

    A registration costs such a loop ten times what it costs the kernel, and most connections are short or quiet. Where events
    keep coming the detour through the second epoll object is what costs: those descriptors move over to the loop itself.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(lambda error: _say_failed(loop, error))
        self._loop = loop
        self._events: Counter[int] = Counter()
        """Since a descriptor was registered here."""
        self._moved: dict[int, int] = {}
        """Descriptors that the loop watches itself, and what for: ``_READ``, ``_WRITE``."""
        loop.add_reader(self._epoll.fileno(), self._turn)

    def add_reader(self, fd: int, callback: Callback, /) -> None:
        if fd in self._moved:
            self._moved[fd] |= _READ
            self._loop.add_reader(fd, callback)
        else:
            super().add_reader(fd, callback)

    def remove_reader(self, fd: int, /) -> None:
        if fd in self._moved:
            self._loop.remove_reader(fd)
            self._left(fd, _READ)
        else:
            super().remove_reader(fd)
            self._events.pop(fd, None)

    def add_writer(self, fd: int, callback: Callback, /) -> None:
        if fd in self._moved:
            self._moved[fd] |= _WRITE
            self._loop.add_writer(fd, callback)
        else:
            super().add_writer(fd, callback)

    def remove_writer(self, fd: int, /) -> None:
        if fd in self._moved:
            self._loop.remove_writer(fd)
            self._left(fd, _WRITE)
        else:
            super().remove_writer(fd)

    def close(self) -> None:
        """Watch nothing any more."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _left(self, fd: int, what: int) -> None:
        self._moved[fd] &= ~what
        if not self._moved[fd]:
            del self._moved[fd]

    def _turn(self) -> None:
        events = self._epoll.poll(0, MOST_EVENTS)
        self._serve(events)
        for fd, _ in events:
            if fd in self._readers and fd not in self._writers:
                self._events[fd] += 1
                if self._events[fd] >= MOVE_AFTER_EVENTS:
                    self._move(fd)

    def _move(self, fd: int) -> None:
        reader = self._readers[fd]
        self.remove_reader(fd)
        self._loop.add_reader(fd, reader)
        self._moved[fd] = _READ


class _Polling(_Epoll, selectors.BaseSelector):
    """asyncio's selector on the same epoll object; of the relay's descriptors asyncio never hears."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        super().__init__(failed)
        self.wanted = False
        """Whether the loop has got something to do since it asked."""
        self._keys: dict[int, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Call the relay's callbacks until the time is over, asyncio has events of its own, or something for it came up."""
        self.wanted = False
        poll, readers, writers = self._epoll.poll, self._readers, self._writers
        wait, end = -1.0, 0.0
        if timeout is not None:
            wait, end = (timeout, time.monotonic() + timeout) if timeout > 0 else (0.0, 0.0)
        while True:
            # poll() itself rounds up to the milliseconds of epoll_wait(2).
            events = poll(wait, MOST_EVENTS)
            if len(events) == 1 and (reader := readers.get(fd := events[0][0])) is not None and fd not in writers:
                # By far the most frequent: a message on one socket.
                try:
                    reader()
                except Exception as error:  # noqa: BLE001 - see _call
                    self._failed(error)
            elif others := self._serve(events):
                return self._of_asyncio(others)
            if self.wanted:
                return []
            if timeout is not None:
                wait = end - time.monotonic()
                if wait <= 0:
                    return []

    def _of_asyncio(self, events: list[tuple[int, int]]) -> list[tuple[selectors.SelectorKey, int]]:
        ready = []
        for fd, mask in events:
            if (key := self._keys.get(fd)) is not None:
                happened = (selectors.EVENT_READ if mask & ~_WRITE else 0) | (
                    selectors.EVENT_WRITE if mask & ~_READ else 0
                )
                ready.append((key, happened & key.events))
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, _number(fileobj), events, data)
        self._epoll.register(key.fd, _mask(events))
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self._keys.pop(_number(fileobj))
        # Closed already: the kernel has forgotten it.
        with contextlib.suppress(OSError):
            self._epoll.unregister(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[_number(fileobj)]._replace(events=events, data=data)
        self._epoll.modify(key.fd, _mask(events))
        self._keys[key.fd] = key
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys[_number(fileobj)]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._epoll.close()
        self._keys.clear()


def _number(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())


def _mask(events: int) -> int:
    return (_READ if events & selectors.EVENT_READ else 0) | (_WRITE if events & selectors.EVENT_WRITE else 0)


class RelayLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, with ``polling`` for the relay's sockets."""

    def __init__(self) -> None:
        self.polling = _Polling(lambda error: _say_failed(self, error))
        super().__init__(self.polling)

    def call_soon(
        self, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As every loop; and the selector comes back to have it called."""
        self.polling.wanted = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As every loop; and the selector comes back, because it may now have to wait less long."""
        self.polling.wanted = True
        return super().call_at(when, callback, *args, context=context)


@contextlib.contextmanager
def poller_on(loop: asyncio.AbstractEventLoop) -> Iterator[Poller]:
    """The cheapest way to watch the relay's sockets on this loop; at the end nothing may be watched any more."""
    if isinstance(loop, RelayLoop):
        yield loop.polling
        return
    beside = _Beside(loop)
    try:
        yield beside
    finally:
        beside.close()


def _say_failed(loop: asyncio.AbstractEventLoop, error: Exception) -> None:
    loop.call_exception_handler({"message": "a callback of the relay failed", "exception": error})
