"""The relay of one station: its port, its life, and the clients it takes from the kernel."""

import asyncio
import logging
import socket
from functools import partial

from drova_gate.relay.complaint import Complaint
from drova_gate.relay.door import Door
from drova_gate.relay.figures import ConnectionFigures, RelayFigures
from drova_gate.relay.limits import Limits
from drova_gate.relay.pipes import PipePool
from drova_gate.relay.polling import Poller, poller_on
from drova_gate.relay.relays import Relays
from drova_gate.relay.sockets import OUT_OF_DESCRIPTORS, client_address, open_listeners
from drova_gate.relay.target import Target

__all__ = ["Limits", "RelayListener"]

logger = logging.getLogger(__name__)

ACCEPT_PAUSE_SECONDS = 1.0
"""Rest after the process ran out of descriptors: something must be closed first, trying again at once is a busy loop."""


class RelayListener:
    """Relays ``listen_host:listen_port`` to the station; ``start``, then ``serve`` in a task group, ``stop`` to end it.

    ``watch=False`` makes it a plain relay: the bytes are not looked at and nobody is held.
    """

    def __init__(
        self,
        listen_host: str,
        listen_port: int,
        target_host: str,
        target_port: int,
        door: Door,
        limits: Limits | None = None,
        *,
        watch: bool = True,
        pipes: PipePool | None = None,
    ) -> None:
        self.door = door
        self.limits = limits or Limits()
        self.pipes = pipes or PipePool()
        """Shared between listeners, or this one's own."""
        self._listen_host = listen_host
        self._listen_port = listen_port
        self._target = Target(target_host, target_port)
        self._relays = Relays(self._target, door, self.limits, self.pipes, watch=watch)
        self._listeners: list[socket.socket] = []
        self._stopped = asyncio.Event()
        self._poller: Poller | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._no_descriptors = Complaint(logger)

    # -- life ---------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the port; clients wait in the kernel until ``serve``. Raises PortNotOpened, saying what to do."""
        self._listeners = await open_listeners(self._listen_host, self._listen_port, self.limits.names)
        await self._target.look_up()

    @property
    def port(self) -> int:
        """The port that is listened on (also when 0 was asked for); only between ``start`` and ``stop``."""
        return int(self._listeners[0].getsockname()[1])

    @property
    def live(self) -> int:
        """Connections right now."""
        return len(self._relays)

    def figures(self) -> RelayFigures:
        """What this relay has seen and done, as of now."""
        return self._relays.figures()

    def connections(self) -> tuple[ConnectionFigures, ...]:
        """Who is there now, the oldest first."""
        return self._relays.connections()

    async def serve(self) -> None:
        """Take clients until ``stop``; cancelling it cuts every connection at once."""
        loop = asyncio.get_running_loop()
        try:
            with poller_on(loop) as poller:
                async with asyncio.TaskGroup() as tasks:
                    self._relays.open(poller)
                    self._relays.tasks = tasks
                    looking_after = tasks.create_task(self._relays.look_after())
                    self._listen(loop, poller)
                    try:
                        await self._stopped.wait()
                    finally:
                        self._close_listeners()
                        self._relays.cut("the gate stops")
                        looking_after.cancel()
        finally:
            self._relays.tasks = None
            self.pipes.close()

    async def stop(self, drain_seconds: float = 0.0) -> None:
        """Take no more clients at once; those that are there have ``drain_seconds`` to end, then they are cut."""
        self._close_listeners()
        if self.live and drain_seconds > 0:
            logger.info("station %s: no new players; %d connections may end by themselves", self.door.name, self.live)
            try:
                async with asyncio.timeout(drain_seconds):
                    await self._relays.empty.wait()
            except TimeoutError:
                logger.warning(
                    "station %s: %d connections still open after %g s are cut; set %s higher to wait longer",
                    self.door.name,
                    self.live,
                    drain_seconds,
                    self.limits.names.drain,
                )
        self._relays.cut("the gate stops")
        self._stopped.set()

    # -- accepting ----------------------------------------------------------------------------------------------------------

    def _listen(self, loop: asyncio.AbstractEventLoop, poller: Poller) -> None:
        self._poller, self._pause = poller, None
        for sock in self._listeners:
            poller.add_reader(sock.fileno(), partial(self._accept, loop, poller, sock))

    def _unlisten(self) -> None:
        if self._poller is not None:
            for sock in self._listeners:
                self._poller.remove_reader(sock.fileno())

    def _close_listeners(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._unlisten()
        for sock in self._listeners:
            sock.close()
        self._listeners = []

    def _accept(self, loop: asyncio.AbstractEventLoop, poller: Poller, listener: socket.socket) -> None:
        """Take one client: others wait their turn behind the running sessions, also in a rush."""
        try:
            client, address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in OUT_OF_DESCRIPTORS:
                self._rest(loop, poller)
            else:
                # The client was gone before we took it, or its network was: accept(2) says to go on.
                logger.debug("station %s: a client was gone before it was taken (%s)", self.door.name, error)
            return
        client.setblocking(False)
        if not self._relays.take(client, *client_address(address)):
            self._rest(loop, poller)

    def _rest(self, loop: asyncio.AbstractEventLoop, poller: Poller) -> None:
        self._no_descriptors.say(
            f"station {self.door.name}: no new player can be taken, the system is short of descriptors or memory; "
            f"raise LimitNOFILE= of the service (`ulimit -n`). Running sessions go on"
        )
        self._unlisten()
        self._pause = loop.call_later(ACCEPT_PAUSE_SECONDS, self._listen, loop, poller)
