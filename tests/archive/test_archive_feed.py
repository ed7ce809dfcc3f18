"""What the guard sees is kept without harm to it: seldom written, never waited for, whatever the disk does."""

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_rows import GAME, HOUR, OTHER, SERVER, T0, session

from drova_gate.archive import feed as feeding
from drova_gate.archive import rounds
from drova_gate.archive.feed import Feed
from drova_gate.archive.files import open_for_reading, open_for_writing
from drova_gate.archive.rounds import FULL_SECONDS, Source, is_due, keep_whole
from drova_gate.errors import CloudUnavailable


def count(path: Path) -> int:
    base = open_for_reading(path)
    try:
        return int(base.execute("SELECT count(*) FROM sessions").fetchone()[0])
    finally:
        base.close()


def until(reached: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.01)


def end(feed: Feed) -> None:
    """Close it, and wait longer than the guard would: a busy disk takes more than the moment that a stop may take."""
    feed.close()
    feed._thread.join(10)
    assert not feed._thread.is_alive()


@pytest.fixture
def feed(tmp_path: Path):
    feed = Feed(tmp_path / "history.sqlite")
    feed.open()
    yield feed
    feed.close()


def test_what_was_seen_last_is_written_at_the_end(feed: Feed):
    """A stop writes what waits; the names of the settings are kept too."""
    until(lambda: feed.listed is not None)
    feed.saw("pc1", SERVER, (session(2), session(1)))
    feed.saw("pc2", OTHER, (session(1, server=OTHER),))
    end(feed)

    assert count(feed.path) == 3
    assert feed.listed is not None
    assert set(feed.listed) == {SERVER, OTHER}


def test_what_is_seen_again_costs_no_write(feed: Feed, monkeypatch: pytest.MonkeyPatch):
    """The guard reads ten rows a second; only what has changed is taken."""
    monkeypatch.setattr(feeding, "WRITE_SECONDS", 0.01)
    for _ in range(5):
        feed.saw("pc1", SERVER, (session(1),))
    until(lambda: feed._queue.empty() and bool(feed.listed))
    size = feed.path.with_name("history.sqlite-wal").stat().st_size
    for _ in range(50):
        feed.saw("pc1", SERVER, (session(1),))

    assert feed._queue.empty()
    assert feed.path.with_name("history.sqlite-wal").stat().st_size == size


def test_changes_of_half_a_minute_are_one_write(feed: Feed):
    """A router's flash is spared: the first at once, the rest together."""
    feed.saw("pc1", SERVER, (session(1, status="NEW", absent=("finished_on",)),))
    until(lambda: bool(feed.listed))
    for status in ("HANDSHAKE", "ACTIVE"):
        feed.saw("pc1", SERVER, (session(1, status=status, absent=("finished_on",)),))
    time.sleep(0.1)

    base = open_for_reading(feed.path)
    assert base.execute("SELECT status FROM sessions").fetchall() == [("NEW",)]
    base.close()


def test_a_disk_that_refuses_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Said once, and when it is over; nothing waits, nothing grows without bound, and what could not be kept is taken again later."""
    monkeypatch.setattr(feeding, "TRY_AGAIN_SECONDS", 0.02)
    caplog.set_level(logging.INFO)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    feed = Feed(blocked / "history.sqlite")
    feed.open()
    until(lambda: bool(feed.fault))
    for number in range(1000):
        feed.saw("pc1", SERVER, (session(number),))
    time.sleep(0.1)
    blocked.unlink()
    until(lambda: not feed.fault)
    until(feed._queue.empty)
    feed.saw("pc1", SERVER, (session(2000),))
    end(feed)

    assert count(feed.path) <= 1 + 2 * feeding.WAITING_MOST
    assert sum("cannot be written" in one.getMessage() for one in caplog.records) == 1
    assert any("written again" in one.getMessage() for one in caplog.records)


def test_a_damaged_archive_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """And it is said how most of it is had back."""
    monkeypatch.setattr(feeding, "TRY_AGAIN_SECONDS", 0.02)
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"nothing that SQLite knows" * 200)
    feed = Feed(path)
    feed.open()
    until(lambda: feed.listed is not None)
    feed.saw("pc1", SERVER, (session(1),))
    end(feed)

    assert count(path) == 1
    assert len(list(tmp_path.glob("history.sqlite.damaged-*"))) == 1
    assert any(".recover" in one.getMessage() for one in caplog.records)


def test_an_archive_of_a_later_version_is_not_touched(tmp_path: Path):
    """The gate guards on; the fault tells why nothing is kept."""
    path = tmp_path / "history.sqlite"
    base = open_for_writing(path)
    base.execute("PRAGMA user_version=99")
    base.close()
    feed = Feed(path)
    feed.open()
    until(lambda: bool(feed.fault))
    feed.saw("pc1", SERVER, (session(1),))
    end(feed)

    assert "later drova_gate" in feed.fault
    base = sqlite3.connect(path)
    assert base.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    base.close()


def test_a_fault_of_our_own_does_not_end_the_thread(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The list that brought it on is left out, the next one is kept."""
    monkeypatch.setattr(feeding, "WRITE_SECONDS", 0.01)
    until(lambda: feed.listed is not None)
    feed.saw("pc1", SERVER, (None,))  # type: ignore[arg-type]
    until(lambda: any("fault of the gate's own" in one.getMessage() for one in caplog.records))
    feed.saw("pc1", SERVER, (session(1),))
    until(lambda: SERVER in (feed.listed or {}))

    assert count(feed.path) == 1


def test_titles_come_from_the_catalogues_copy(tmp_path: Path):
    """Which the guard keeps anyway."""
    (tmp_path / "catalogue.jsonl").write_text(
        f'{{"version": 1, "fetched": {time.time()}, "count": 1}}\n{{"productId": "{GAME}", "title": "Дота 2"}}\n'
    )
    feed = Feed(tmp_path / "history.sqlite")
    feed.open()
    feed.saw("pc1", SERVER, (session(1),))
    end(feed)

    base = open_for_reading(feed.path)
    assert base.execute("SELECT title FROM products").fetchall() == [("Дота 2",)]
    base.close()


@pytest.mark.parametrize(
    ("full_at", "hole_until", "due"),
    [
        (None, 0, True),
        (T0 - 60_000, 0, False),
        (T0 - int(FULL_SECONDS * 1000) - 1, 0, True),
        (T0 + 5 * HOUR, 0, True),
        (T0 - 60_000, T0 - 90_000, False),
        (T0 - 60_000, T0 - 30_000, True),
    ],
)
def test_when_a_whole_list_is_due(full_at: int | None, hole_until: int, due: bool):
    """Never read, old, from a clock that was wrong, or a hole that has come about since: not for one that cannot be filled."""
    assert is_due(full_at, hole_until, T0) is due


class Peer:
    """A station's list, or what is wrong with it."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.asked = list(answers), 0

    async def sessions(self, server: object, limit: int) -> object:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_whole_lists_are_read_one_by_one_and_not_again(feed: Feed, monkeypatch: pytest.MonkeyPatch):
    """Each once; one that fails is left for later, and the other is read nevertheless; the budget is asked for each."""
    import asyncio  # noqa: PLC0415 - only here

    monkeypatch.setattr(rounds, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(rounds, "SPACING_SECONDS", 0.01)
    monkeypatch.setattr(feeding, "WRITE_SECONDS", 0.01)
    peers = [Peer(CloudUnavailable("Drova API", "down")), Peer((session(2, server=OTHER), session(1, server=OTHER)))]
    waits = [0.01, 0.0, 0.0]
    sources = [
        Source("pc1", SERVER, peers[0], lambda _: waits.pop(0)),  # type: ignore[arg-type]
        Source("pc2", OTHER, peers[1], lambda _: waits.pop(0)),  # type: ignore[arg-type]
    ]
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(keep_whole(feed, lambda: sources))
        while OTHER not in (feed.listed or {}):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        task.cancel()

    assert [one.asked for one in peers] == [1, 1]
    assert waits == []
    assert count(feed.path) == 2


async def test_a_fault_in_reading_lists_does_not_end_the_guard_beside_it(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It runs among the guard's tasks: whatever it raised would end them all. The next round goes on."""
    import asyncio  # noqa: PLC0415 - only here

    monkeypatch.setattr(rounds, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(rounds, "SPACING_SECONDS", 0.01)
    monkeypatch.setattr(feeding, "WRITE_SECONDS", 0.01)
    peer = Peer(ValueError("a fault"), (session(1),))
    source = Source("pc1", SERVER, peer, lambda _: 0.0)  # type: ignore[arg-type]  # its sessions are all that is asked of it
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(keep_whole(feed, lambda: [source]))
        while SERVER not in (feed.listed or {}):
            await asyncio.sleep(0.01)
        task.cancel()

    assert sum("fault of the gate's own" in one.getMessage() for one in caplog.records) == 1
