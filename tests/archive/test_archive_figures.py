"""What was earned is kept by the gate itself: a day's figures are gone on the next day, and no list brings them back."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest
from archive_rows import SERVER
from pydantic import SecretStr

from drova_gate.archive import feed as feeding
from drova_gate.archive import figures
from drova_gate.archive.feed import Feed
from drova_gate.archive.figures import Purse, figures_due, keep_figures
from drova_gate.archive.files import open_for_reading
from drova_gate.archive.store import Archive
from drova_gate.cloud.client import DrovaClient
from drova_gate.sim.cloud import Cloud

USER = "7b7c1c1e-52a3-4f0e-9d0a-000000000001"
PATH = "/accounting/statistics/myserverusageprepared"


def ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


@pytest.mark.parametrize(
    ("read", "now", "due"),
    [
        (None, "2026-11-21 12:00", True),
        ("2026-11-20 23:50", "2026-11-21 12:00", False),
        ("2026-11-20 23:50", "2026-11-21 23:44", False),
        ("2026-11-20 23:50", "2026-11-21 23:46", True),
        ("2026-11-21 12:00", "2026-11-21 23:46", True),
        ("2026-11-21 23:46", "2026-11-21 23:59", False),
        ("2026-11-20 23:50", "2026-11-22 02:00", True),
        ("2026-11-22 12:00", "2026-11-21 12:00", True),
    ],
)
def test_they_are_read_late_in_the_evening_once(read: str | None, now: str, due: bool):
    """Never read, missed in the evening, from a clock that was wrong: at once; else a quarter of an hour before midnight."""
    assert figures_due(None if read is None else ms(read), datetime.fromisoformat(now), 900.0) is due


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with Cloud() as cloud:
        cloud.add_merchant_token("merchant-token", USER)
        cloud.add_server(str(SERVER), "pc1", USER)
        cloud.finish(cloud.start_session(str(SERVER)))
        yield cloud


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module, name in ((figures, "FIRST_SECONDS"), (figures, "LOOK_SECONDS"), (feeding, "WRITE_SECONDS")):
        monkeypatch.setattr(module, name, 0.01)
    feed = Feed(tmp_path / "history.sqlite")
    feed.open()
    yield feed
    feed.close()
    feed._thread.join(10)


def asked(cloud: Cloud, path: str = PATH) -> int:
    return sum(one.path == path for one in cloud.requests)


async def kept_until(feed: Feed, purse: Purse, reached: Callable[[], object], rest: float) -> None:
    """Keep them until something is so, and then for a while longer: a busy disk takes its time with the archive's first write."""
    task = asyncio.create_task(keep_figures(feed, lambda: [purse]))
    try:
        async with asyncio.timeout(20):
            while not reached():
                await asyncio.sleep(0.01)
        await asyncio.sleep(rest)
    finally:
        task.cancel()


async def test_the_gate_reads_them_once_and_keeps_them(cloud: Cloud, feed: Feed):
    """Two requests, each in its turn; what is kept is what the income report reads."""
    turns: list[object] = []
    async with DrovaClient(SecretStr("merchant-token"), base_url=cloud.url) as client:
        purse = Purse(client, lambda urgency: turns.append(urgency) or 0.0)
        await kept_until(feed, purse, lambda: feed.usage_at, 0.5)

    assert (asked(cloud), asked(cloud, "/accounting/myaccount"), len(turns)) == (1, 1, 2)
    base = open_for_reading(feed.path)
    ((answer,),) = base.execute("SELECT answer FROM usage").fetchall()
    base.close()
    assert str(SERVER) in json.loads(zlib.decompress(answer))["todayStat"]["perServerStats"]


async def test_an_account_that_does_not_answer_is_left_alone_for_a_while(cloud: Cloud, feed: Feed):
    """The budget is for what guards stations."""
    cloud.faults.add("cloud_500")
    async with DrovaClient(SecretStr("merchant-token"), base_url=cloud.url) as client:
        await kept_until(feed, Purse(client, lambda _: 0.0), lambda: cloud.requests, 1.0)

    assert 1 <= len(cloud.requests) <= 4
    assert feed.usage_at == {}


async def test_the_same_figures_after_midnight_do_not_take_the_last_days_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Midnight is the owner's, as in the report by day; in Moscow it comes three hours before that of UTC."""
    import time  # noqa: PLC0415 - only here

    monkeypatch.setenv("TZ", "MSK-3")
    time.tzset()
    try:
        archive = Archive(tmp_path / "history.sqlite")
        assert archive.keep_usage(SERVER, {"todayStat": {}}, ms("2026-11-20 23:50"))
        assert archive.keep_usage(SERVER, {"todayStat": {}}, ms("2026-11-21 00:40"))
        assert not archive.keep_usage(SERVER, {"todayStat": {}}, ms("2026-11-21 03:10"))
        assert archive.usage_at() == {SERVER: ms("2026-11-21 03:10")}
        archive.close()
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_fault_of_our_own_does_not_end_the_guard_beside_it(
    cloud: Cloud, feed: Feed, caplog: pytest.LogCaptureFixture
):
    """It runs among the guard's tasks: whatever it raised would end them all. The next look goes on."""
    looks = 0

    async with DrovaClient(SecretStr("merchant-token"), base_url=cloud.url) as client:

        def purses() -> list[Purse]:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise ValueError("a fault")
            return [Purse(client, lambda _: 0.0)]

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(keep_figures(feed, purses))
            while not feed.usage_at:
                await asyncio.sleep(0.01)
            task.cancel()

    assert sum("fault of the gate's own" in one.getMessage() for one in caplog.records) == 1
