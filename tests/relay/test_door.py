"""The door: who waits, for how long, and what they are told."""

import asyncio
import logging
import time

import pytest
from relay_peers import open_door

from drova_gate.core.model import RelayFacts, Verdict
from drova_gate.relay.door import Visitor


def visitor(host: str = "203.0.113.7") -> Visitor:
    return Visitor(host, 40000, time.monotonic())


async def test_all_who_wait_get_the_same_answer() -> None:
    """One answer lets everyone in who knocked before it; nobody stays counted."""
    door = open_door(hold_seconds=5)
    knocks = [asyncio.create_task(door.knock(visitor())) for _ in range(3)]
    await asyncio.sleep(0)

    facts = door.facts(time.monotonic())
    door.answer(Verdict.ADMIT, "prepared")

    assert facts.held == 3
    assert facts.oldest_at is not None
    assert facts.newest_at is not None
    assert facts.oldest_at <= facts.newest_at <= time.monotonic()
    assert door.facts(time.monotonic()).held == 0
    assert await asyncio.gather(*knocks) == [Verdict.ADMIT] * 3


async def test_a_later_knock_waits_for_the_next_answer() -> None:
    """An answer is for those who wait now: the next session's player does not slip in on it."""
    door = open_door(hold_seconds=5)
    door.answer(Verdict.ADMIT, "nobody there")
    knock = asyncio.create_task(door.knock(visitor()))
    await asyncio.sleep(0.02)

    assert not knock.done()
    door.answer(Verdict.REFUSE, "not clean")
    assert await knock is Verdict.REFUSE


@pytest.mark.parametrize("policy", list(Verdict))
async def test_the_policy_decides_when_no_answer_comes(policy: Verdict, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits longer than the hold time; the policy's verdict is said loudly, with the setting to turn."""
    door = open_door(hold_seconds=0.05, unprotected=policy)
    began = time.monotonic()

    verdict = await door.knock(visitor())

    assert verdict is policy
    assert 0.04 <= time.monotonic() - began < 2
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "203.0.*.*" in record.getMessage()
    assert "203.0.113.7" not in record.getMessage(), "a player's whole address stands in no log line"
    assert "DROVA_" in record.getMessage()
    assert door.facts(time.monotonic()).held == 0


async def test_without_a_hold_time_nobody_waits() -> None:
    """hold_seconds=0: admitted at once, never counted as held, yet the controller is woken."""
    door = open_door(hold_seconds=0)
    woken: list[int] = []
    door.stir = lambda: woken.append(door.facts(time.monotonic()).held)

    assert await door.knock(visitor()) is Verdict.ADMIT
    assert woken == [0]


async def test_who_stopped_waiting_is_not_counted() -> None:
    """A cancelled knock (the client is gone) leaves no trace."""
    door = open_door(hold_seconds=5)
    knock = asyncio.create_task(door.knock(visitor()))
    await asyncio.sleep(0)
    assert door.facts(time.monotonic()).held == 1

    knock.cancel()
    await asyncio.gather(knock, return_exceptions=True)

    assert knock.cancelled()
    assert door.facts(time.monotonic()).held == 0


async def test_whose_time_is_over_is_not_counted() -> None:
    """The facts of a later moment leave out those whose wait has run out by then."""
    door = open_door(hold_seconds=5)
    knock = asyncio.create_task(door.knock(visitor()))
    await asyncio.sleep(0)

    assert door.facts(time.monotonic() + 6).held == 0
    door.answer(Verdict.ADMIT, "in time")
    await knock


async def test_the_controller_is_woken_by_every_change() -> None:
    """Opening, knocking and closing each stir once; closing twice does not."""
    door = open_door(hold_seconds=5)
    stirs: list[RelayFacts] = []
    door.stir = lambda: stirs.append(door.facts(time.monotonic()))
    guest = visitor()

    door.opened(guest)
    knock = asyncio.create_task(door.knock(guest))
    await asyncio.sleep(0)
    door.answer(Verdict.ADMIT, "prepared")
    await knock
    door.closed(guest)
    door.closed(guest)

    assert [(facts.live, facts.held) for facts in stirs] == [(1, 0), (1, 1), (0, 0)]
