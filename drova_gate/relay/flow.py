"""One direction of a relayed connection: bytes from one socket to the other, at the pace of the slower side.

Small messages go through ``recv`` and ``send``. A read that fills its chunk means bulk: from then on the kernel moves the
bytes itself, through a pipe (``pipes.py``), until a read comes back short.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Protocol

from drova_gate.relay.pipes import NO_SPLICE, Pipe, PipePool
from drova_gate.relay.polling import Poller
from drova_gate.relay.sockets import bound, is_connected

__all__ = ["Ends", "Flow", "Means"]

CHUNK = 16 * 1024
"""Bytes read at once: small messages fit, and it bounds what one direction keeps in our memory (held or stuck)."""

BULK_CHUNK = 256 * 1024
"""Bytes read at once where bulk has to be copied: larger gains nothing, smaller costs a loop turn for every 64 KiB."""

LOOK_AGAIN_SECONDS = 0.1
"""How late a reset may be noticed on uvloop; a look at every read would cost a system call for each message."""

PUMP_ROUNDS = 4
"""Pipes filled and poured in one turn of the loop at most: 2 MiB, about 1 ms, so that others are not kept waiting."""

SHORT = 64 * 1024
"""A fill below this has emptied the source for now: asking again would only bring EAGAIN."""


class Ends(Protocol):
    """Who is told how a flow ends."""

    def broken(self, sock: socket.socket, error: OSError) -> None:
        """Reading from or writing to ``sock`` failed."""

    def drained(self, flow: "Flow") -> None:
        """The source of a flow has ended and all its bytes went out: now its end is to be passed on."""


class Means:
    """What all flows of a listener share."""

    __slots__ = ("_looking", "_recent", "forgets_errors", "loop", "pipes", "poller")

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller, pipes: PipePool) -> None:
        self.loop = loop
        self.poller = poller
        self.pipes = pipes
        self.forgets_errors = type(loop).__module__.partition(".")[0] == "uvloop"
        """libuv calls back once when a socket has failed and then watches it no more (``uv__poll_io``, POLLERR). When that
        call finds bytes that came before the reset, nobody would ever see the reset itself."""
        self._recent: list[Flow] = []
        self._looking: asyncio.TimerHandle | None = None

    def look_later(self, flow: "Flow") -> None:
        """Look at the flow's source once more in a moment."""
        self._recent.append(flow)
        if self._looking is None:
            self._looking = self.loop.call_later(LOOK_AGAIN_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = None
        recent, self._recent = self._recent, []
        for flow in recent:
            flow.look()

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self._recent = []


class _Nobody:
    """Hears for a flow that was stopped; so that relay and flow do not keep each other in memory."""

    def broken(self, sock: socket.socket, error: OSError) -> None:
        """Too late."""

    def drained(self, flow: "Flow") -> None:
        """Too late."""


_NOBODY = _Nobody()


class Flow:
    """Bytes from ``source`` to ``sink``: non-blocking, with back-pressure and half-close."""

    __slots__ = (
        "_bounded",
        "_bulk",
        "_discarding",
        "_ended",
        "_ends",
        "_held",
        "_means",
        "_noted",
        "_pending",
        "_pipe",
        "_reading",
        "_writing",
        "carried",
        "drained",
        "gate",
        "sink",
        "source",
    )

    def __init__(self, means: Means, source: socket.socket, sink: socket.socket, ends: Ends) -> None:
        self._means = means
        self.source = source
        self.sink = sink
        self._ends: Ends = ends
        self.carried = 0
        """Bytes handed to the sink."""
        self.drained = False
        """The source has ended and everything before its end went out."""
        self.gate: Callable[[bytes], bytes] | None = None
        """Looks at each chunk before it goes on and returns what may pass now; while it is set nothing is spliced."""
        self._pending: memoryview | None = None
        self._pipe: Pipe | None = None
        self._reading = self._writing = self._held = self._ended = self._discarding = self._bulk = self._noted = False
        self._bounded = False

    def start(self) -> None:
        """Begin to carry."""
        read = self._read_once if self._means.forgets_errors else self._read
        self._means.poller.add_reader(self.source.fileno(), read)
        self._reading = True

    def stop(self) -> None:
        """Let go of both sockets (before they are closed); what was not sent is dropped."""
        self._pause()
        self._drop_pending()
        self._ended = True
        self._ends = _NOBODY
        self.gate = None

    def hold(self) -> None:
        """Read no more until ``release``; what is on its way still goes out."""
        self._held = True
        self._pause()

    def release(self, kept: bytes) -> None:
        """Send ``kept`` after what is still on its way, and go on."""
        self._held = False
        if self._pending is not None:
            self._pending = memoryview(bytes(self._pending) + kept)
        else:
            self._push(kept)
        self._resume()

    def discard(self) -> None:
        """The sink is gone: go on reading, to notice the source's end, and drop what comes."""
        self._drop_pending()
        self._discarding = True
        self._bulk = False
        self._resume()

    # -- small messages --------------------------------------------------------------------------------------------------

    def _read_once(self) -> None:
        """In place of ``_read`` where the loop may never call again."""
        if not self._noted:
            self._noted = True
            self._means.look_later(self)
        self._read()

    def look(self) -> None:
        """Notice a reset that the loop has kept to itself."""
        self._noted = False
        if not self._reading:
            return
        # Not the state of the connection: an orderly end leaves it closed as well, with bytes that are still to be read.
        number = self.source.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._ends.broken(self.source, OSError(number, os.strerror(number)))

    def _read(self) -> None:
        if self._bulk and self._pump():
            return
        try:
            chunk = self.source.recv(CHUNK if not self._bulk else BULK_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._ends.broken(self.source, error)
            return
        if not chunk:
            self._end()
            return
        if self.gate is not None:
            chunk = self.gate(chunk)
            if not chunk:
                return
        elif len(chunk) >= CHUNK:
            self._begin_bulk()
        elif self._bulk:
            self._bulk = False
        if not self._discarding:
            self._push(chunk)

    def _push(self, chunk: bytes) -> None:
        """Send what the sink takes, keep the rest and stop reading until it is gone."""
        try:
            sent = self.sink.send(chunk)
        except BlockingIOError:
            sent = 0  # also while the connection is still being made
        except OSError as error:
            self._ends.broken(self.sink, error)
            return
        self.carried += sent
        if sent < len(chunk):
            self._pending = memoryview(chunk)[sent:]
            self._pause()
            self._await_room()

    def _writable(self) -> None:
        if self._bulk and self._pending is None and not self._ended and not self._held and self._pump():
            return
        pending = self._pending
        if pending is not None:
            try:
                sent = self.sink.send(pending)
            except BlockingIOError:
                return
            except OSError as error:
                self._ends.broken(self.sink, error)
                return
            self.carried += sent
            if sent < len(pending):
                self._pending = pending[sent:]
                return
            self._pending = None
        self._room_again()
        if self._ended:
            self._pass_end_on()
        else:
            self._resume()

    # -- bulk ------------------------------------------------------------------------------------------------------------

    def _begin_bulk(self) -> None:
        self._bulk = not self._discarding
        if self._bulk and not self._bounded:
            self._bounded = True
            for sock in (self.source, self.sink):
                bound(sock)

    def _pump(self) -> bool:
        """Let the kernel carry what is there; ``False``: it cannot now, copy instead.

        Waits for the source when that has run dry, for the sink when that is full, and otherwise stays with what it waits
        for: a registration changes only when the slower side changes.
        """
        pipe = self._pipe or self._means.pipes.take()
        if pipe is None:
            return False
        self._pipe = pipe
        for _ in range(PUMP_ROUNDS):
            filled = pipe.level or self._fill(pipe)
            if not filled or not self._pour(pipe):
                return True
            if filled < SHORT:
                self._bulk = filled >= CHUNK
                self._await_more()
                break
        self._return_pipe()
        return True

    def _fill(self, pipe: Pipe) -> int:
        """Bytes taken into the empty pipe; 0: none, and what follows from that is done."""
        try:
            filled = pipe.fill(self.source.fileno())
        except BlockingIOError:
            self._return_pipe()
            self._await_more()
            return 0
        except OSError as error:
            self._return_pipe()
            if error.errno in NO_SPLICE:
                # Nothing was taken yet: the next read copies, and shows the error if it is a real one.
                self._means.pipes.give_up(error)
                self._await_more()
            else:
                self._ends.broken(self.source, error)
            return 0
        if not filled:
            self._return_pipe()
            self._await_more()
            self._end()
        return filled

    def _pour(self, pipe: Pipe) -> bool:
        """Whether the pipe is empty again; if not, what follows from that is done."""
        try:
            self.carried += pipe.pour(self.sink.fileno())
        except BlockingIOError:
            pass  # the sink is full: wait for room below
        except OSError as error:
            if error.errno not in NO_SPLICE:
                self._ends.broken(self.sink, error)
                return False
            self._take_back(pipe, error)
            return False
        if not pipe.level:
            return True
        self._pause()
        self._await_room()
        return False

    def _take_back(self, pipe: Pipe, error: OSError) -> None:
        """The sink cannot be spliced to: what is in the pipe goes out by ``send``, and so does the rest from now on."""
        self._means.pipes.give_up(error)
        taken = pipe.read()
        self._return_pipe()
        self._bulk = False
        self._await_more()
        self._push(taken)

    def _return_pipe(self) -> None:
        if self._pipe is not None:
            pipe, self._pipe = self._pipe, None
            self._means.pipes.give_back(pipe)

    # -- between -----------------------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        if self._reading:
            self._means.poller.remove_reader(self.source.fileno())
            self._reading = False

    def _resume(self) -> None:
        if not (self._reading or self._held or self._ended or self._writing):
            self.start()

    def _await_room(self) -> None:
        if not self._writing:
            self._means.poller.add_writer(self.sink.fileno(), self._writable)
            self._writing = True

    def _room_again(self) -> None:
        if self._writing:
            self._means.poller.remove_writer(self.sink.fileno())
            self._writing = False

    def _await_more(self) -> None:
        self._room_again()
        self._resume()

    def _drop_pending(self) -> None:
        self._room_again()
        self._pending = None
        self._return_pipe()

    def _end(self) -> None:
        """The source has ended: pass that on as soon as the sink is there to hear it."""
        self._pause()
        self._ended = True
        # shutdown() on a connection that is still being made would undo it (Linux: SYN_SENT goes back to CLOSE).
        if self.carried or self._discarding or is_connected(self.sink):
            self._pass_end_on()
        else:
            self._await_room()

    def _pass_end_on(self) -> None:
        self.drained = True
        self._ends.drained(self)

    def end_sink(self) -> None:
        """Half-close the sink; not needed where it is closed altogether."""
        if self._discarding:
            return
        try:
            self.sink.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._ends.broken(self.sink, error)
