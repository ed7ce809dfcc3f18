"""Reading many lists at once from a cloud that fails: what was read stays, what was not is read the next time, nobody is pressed."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from drova_gate.archive import sync as syncing
from drova_gate.archive.store import Archive
from drova_gate.archive.sync import Progress, Target, sync
from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import CloudThrottled, CloudUnavailable
from drova_gate.sim.cloud import Cloud, CloudPlan

USER = "7b7c1c1e-52a3-4f0e-9d0a-000000000001"
TOKEN = "merchant-token"
STATIONS, SESSIONS = 12, 8


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with Cloud(CloudPlan(latency=0.005)) as cloud:
        cloud.add_merchant_token(TOKEN, USER)
        cloud.fill(USER, stations=STATIONS, sessions=SESSIONS, all_well=True)
        yield cloud
        assert not cloud.refused


@pytest.fixture
async def client(cloud: Cloud) -> AsyncIterator[DrovaClient]:
    async with DrovaClient(SecretStr(TOKEN), base_url=cloud.url) as client:
        yield client


@pytest.fixture
def archive(tmp_path: Path):
    archive = Archive(tmp_path / "history.sqlite")
    yield archive
    archive.close()


def targets(cloud: Cloud, client: DrovaClient) -> list[Target]:
    return [Target(UUID(uuid), server.name, client) for uuid, server in cloud.servers.items()]


def lists(cloud: Cloud) -> list[tuple[str, int]]:
    """Stations whose list was asked for, and what was answered."""
    return [(one.query["server_id"], one.status) for one in cloud.requests if one.path.endswith("/sessions")]


def stored(path: Path) -> int:
    base = sqlite3.connect(path)
    try:
        return int(base.execute("SELECT count(*) FROM sessions").fetchone()[0])
    finally:
        base.close()


async def test_every_station_is_read_once_and_again_changes_nothing(
    cloud: Cloud, client: DrovaClient, archive: Archive
):
    """A few at once; the second time all is known."""
    first, second = Progress(STATIONS), Progress(STATIONS)
    await sync(archive, targets(cloud, client), first)
    assert sorted(lists(cloud)) == sorted((uuid, 200) for uuid in cloud.servers)
    await sync(archive, targets(cloud, client), second)

    assert (first.done, first.kept.new, first.resumed) == (STATIONS, STATIONS * SESSIONS, 0)
    assert (second.kept.new, second.kept.changed, second.kept.same) == (0, 0, STATIONS * SESSIONS)


async def test_a_sync_that_stops_is_gone_on_with(
    cloud: Cloud, client: DrovaClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    """The cloud goes down in the midst: an error, all that was read is stored, and the next sync asks for the rest alone."""
    monkeypatch.setattr(syncing, "PAUSE_SECONDS", 0.001)
    progress = Progress(STATIONS)

    def fail_at_five() -> None:
        if progress.done >= 5:
            cloud.faults.add("cloud_500")

    with pytest.raises(CloudUnavailable):
        await sync(archive, targets(cloud, client), progress, fail_at_five)
    done = progress.done
    assert stored(archive.path) == done * SESSIONS
    cloud.faults.clear()
    again = Progress(STATIONS)
    await sync(archive, targets(cloud, client), again)

    assert 5 <= done < STATIONS
    assert (again.resumed, again.done) == (done, STATIONS)
    assert sorted(uuid for uuid, status in lists(cloud) if status == 200) == sorted(cloud.servers)
    assert stored(archive.path) == STATIONS * SESSIONS


async def test_a_cloud_that_asks_for_patience_gets_it(cloud: Cloud, client: DrovaClient, archive: Archive):
    """After a 429 nobody asks until its time is over; then it goes on, and nothing is missing."""
    cloud.faults.add("cloud_429")
    await sync(archive, targets(cloud, client), Progress(STATIONS))
    sent = [one.at for one in cloud.requests if one.path.endswith("/sessions")]
    refused = [one.at for one in cloud.requests if one.status == 429]
    later = [at for at in sent if at > max(refused)]

    assert len(refused) == 3
    assert min(later) - max(refused) > 0.9 or len(later) == STATIONS
    assert stored(archive.path) == STATIONS * SESSIONS


async def test_a_pause_too_long_to_wait_for_ends_it_at_once(cloud: Cloud, client: DrovaClient, archive: Archive):
    """What is asked for is what is waited: an hour is not shortened to a second, the owner runs it again later."""
    cloud.plan = replace(cloud.plan, retry_after=300)
    cloud.faults.add("cloud_429")
    with pytest.raises(CloudThrottled) as caught:
        await sync(archive, targets(cloud, client), Progress(STATIONS))
    assert caught.value.retry_after == 300


async def test_one_list_that_is_not_understood_does_not_stop_the_others(
    cloud: Cloud, client: DrovaClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    """It is named in the end; without having been read it is not taken for empty."""
    odd = next(iter(cloud.servers))
    for session in cloud.sessions.values():
        if session.server == odd:
            session.created_on = -5  # no moment
    progress = Progress(STATIONS)
    await sync(archive, targets(cloud, client), progress)

    assert [name for name, _ in progress.faults] == [cloud.servers[odd].name]
    assert stored(archive.path) == (STATIONS - 1) * SESSIONS
    assert UUID(odd) not in archive.listed()


async def test_some_stations_alone_neither_resume_nor_are_resumed(cloud: Cloud, client: DrovaClient, archive: Archive):
    """Who names a station wants it read now."""
    one = targets(cloud, client)[:1]
    for _ in range(2):
        await sync(archive, one, Progress(1), resumable=False)

    assert len(lists(cloud)) == 2


async def test_killed_in_the_midst_it_has_lost_nothing_that_was_stored(cloud: Cloud, tmp_path: Path):
    """SIGKILL: whole lists are there or not at all; the next sync reads the others."""
    path = tmp_path / "history.sqlite"
    settings = tmp_path / "owner.env"
    settings.write_text(f"DROVA_API_URL={cloud.url}\nDROVA_TOKEN={TOKEN}\nDROVA_STATE_DIR={tmp_path}\n")

    async def run() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "drova_gate",
            "history",
            "sync",
            "--env",
            str(settings),
            env={"PATH": os.environ["PATH"]},
        )

    process = await run()
    await until(lambda: sum(status == 200 for _, status in lists(cloud)) >= 5)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    left = stored(path)
    assert left % SESSIONS == 0
    again = await run()

    assert await again.wait() == 0
    assert stored(path) == STATIONS * SESSIONS
    base = sqlite3.connect(path)
    assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert base.execute("SELECT count(*) FROM stretches").fetchone() == (STATIONS,)
    base.close()


async def test_ctrl_c_says_how_far_it_came(cloud: Cloud, tmp_path: Path):
    """And what was read is stored."""
    settings = tmp_path / "owner.env"
    settings.write_text(f"DROVA_API_URL={cloud.url}\nDROVA_TOKEN={TOKEN}\nDROVA_STATE_DIR={tmp_path}\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drova_gate", "history", "sync", "--env", str(settings)),
        env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    await until(lambda: sum(status == 200 for _, status in lists(cloud)) >= 5)
    cloud.faults.add("cloud_timeout")  # the rest is never answered
    await until(lambda: sum(not status for _, status in lists(cloud)) == syncing.ABREAST)
    process.send_signal(signal.SIGINT)
    _, said = await process.communicate()
    done = stored(tmp_path / "history.sqlite") // SESSIONS

    assert process.returncode == 130
    assert said.decode().startswith(f"history sync: stopped at {done} of {STATIONS} stations; what was read is stored")
    assert 5 <= done < STATIONS


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():
            await asyncio.sleep(0.001)
