"""Many connections at once that do everything a connection can do, with every stream checked at both ends.

A few seconds by default; ``RELAY_TORTURE_SECONDS=60`` plays the long form.
"""

import asyncio
import contextlib
import hashlib
import os
import random
import time
from pathlib import Path

import pytest
from relay_peers import FakeStation, Peer, gate, open_door, sockets_and_pipes, until

from drova_gate.core.model import Verdict
from drova_gate.relay.door import Door
from drova_gate.relay.listener import Limits

SECONDS = float(os.environ.get("RELAY_TORTURE_SECONDS", "2"))
AT_ONCE = 200 if SECONDS >= 30 else 50
LONGEST = 600_000
"""Bytes of one direction at most: both small-message and bulk streams come up."""

BLOCK = random.Random(7985).randbytes(2_000_000)
"""Every stream is a piece of this, so that what arrived can be told without keeping what was sent. 0x01 is everywhere in it."""


class Script:
    """What one side of one connection will do, from its own dice."""

    def __init__(self, dice: random.Random, *, may_reset: bool) -> None:
        self.dice = random.Random(dice.random())
        self.total = int(LONGEST ** self.dice.random())
        self.start = self.dice.randrange(len(BLOCK) - LONGEST)
        self.reset_at = self.dice.randrange(self.total + 1) if may_reset else None
        self.slow = self.dice.random() < 0.3
        self.linger = self.dice.random() < 0.3

    async def speak(self, peer: Peer) -> None:
        """Send the stream in pieces of any size, with pauses, then end it or break it."""
        sent = 0
        digest = hashlib.sha256()
        while sent < self.total:
            if self.reset_at is not None and sent >= self.reset_at:
                break
            piece = BLOCK[self.start + sent : self.start + min(self.total, sent + int(200_000 ** self.dice.random()))]
            await peer.send(piece)
            digest.update(piece)
            sent += len(piece)
            if self.dice.random() < 0.3:
                await asyncio.sleep(self.dice.random() * 0.01)
        if self.reset_at is not None:
            peer.reset()
            return
        if self.linger:
            await asyncio.sleep(self.dice.random() * 0.05)
        peer.half_close()
        assert digest.digest() == self.digest(self.total)

    async def listen(self, peer: Peer) -> tuple[int, bytes]:
        """Read to the end at this side's own pace; how much came, and its digest."""
        digest = hashlib.sha256()
        count = 0
        with contextlib.suppress(OSError):
            while piece := await peer.reader.read(1 + self.dice.randrange(100_000)):
                digest.update(piece)
                count += len(piece)
                if self.slow and self.dice.random() < 0.3:
                    await asyncio.sleep(self.dice.random() * 0.01)
        return count, digest.digest()

    def digest(self, count: int) -> bytes:
        return hashlib.sha256(BLOCK[self.start : self.start + count]).digest()


async def play(number: int, dice: random.Random, port: int, station: FakeStation) -> bool:
    """One connection; whether it went through to an orderly end."""
    breaks = dice.random()
    ours = Script(dice, may_reset=breaks < 0.1)
    theirs = Script(dice, may_reset=0.1 <= breaks < 0.2)
    orderly = ours.reset_at is None and theirs.reset_at is None
    client = await Peer.connect(port)
    # The station takes connections in any order: the client says which one it is.
    client.writer.write(number.to_bytes(8, "big"))
    agent = await station.found(number)

    async def speak(script: Script, peer: Peer) -> None:
        # The other side's reset may meet us anywhere; uvloop's transports then say RuntimeError.
        with contextlib.suppress(OSError, RuntimeError):
            await script.speak(peer)

    _, _, heard, answered = await asyncio.gather(
        speak(ours, client), speak(theirs, agent), theirs.listen(agent), ours.listen(client)
    )
    await client.close()
    await agent.close()
    for (count, digest), script in ((heard, ours), (answered, theirs)):
        assert digest == script.digest(count), "bytes changed on the way, or came from another connection"
        assert not orderly or count == script.total, "bytes were lost"
    return orderly


class NumberedStation(FakeStation):
    """Finds the connection of a given client by the number it says first."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[int, asyncio.Future[Peer]] = {}

    def _future(self, number: int) -> asyncio.Future[Peer]:
        return self._found.setdefault(number, asyncio.get_running_loop().create_future())

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self._peers.append(peer)
        try:
            number = int.from_bytes(await reader.readexactly(8), "big")
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        if not self._future(number).done():
            self._future(number).set_result(peer)

    async def found(self, number: int) -> Peer:
        try:
            async with asyncio.timeout(20):
                return await self._future(number)
        finally:
            del self._found[number]


async def let_in(door: Door) -> None:
    """A controller that answers from time to time."""
    while True:
        await asyncio.sleep(0.01)
        door.answer(Verdict.ADMIT, "torture")


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.usefixtures("way")
async def test_torture() -> None:
    """Every byte of every orderly stream arrives, no stream carries another's bytes, nothing is left behind."""
    dice = random.Random(4)
    door = open_door(hold_seconds=10)
    limits = Limits(connections=1000, per_address=1000)
    before, memory = sockets_and_pipes(), resident()
    finished = orderly = 0
    async with NumberedStation() as station, gate(station.port, door, limits) as listener:
        letting_in = asyncio.create_task(let_in(door))
        end = time.monotonic() + SECONDS

        async def one_after_another(first: int) -> None:
            nonlocal finished, orderly
            number = first
            while time.monotonic() < end:
                orderly += await play(number, dice, listener.port, station)
                finished += 1
                number += AT_ONCE

        try:
            async with asyncio.TaskGroup() as players:
                for first in range(AT_ONCE):
                    players.create_task(one_after_another(first))
            await until(lambda: listener.live == 0)
        finally:
            letting_in.cancel()
            await asyncio.gather(letting_in, return_exceptions=True)

        assert listener.pipes.lent == 0
        assert listener.figures().connections_ever == finished
        assert door.facts(time.monotonic()).live == 0
    assert finished >= AT_ONCE
    assert orderly
    await until(lambda: sockets_and_pipes() <= before)
    assert resident() - memory < 200 * 1024 * 1024
