"""Carrying out a plan against a cloud that refuses, throttles, lies, hangs and goes down."""

import asyncio
import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from game_stage import ONE, TWO, adding, disabling, enabled_on, games_of, put

from drova_gate.errors import CallOwner, CloudUnavailable
from drova_gate.games import carry
from drova_gate.games.carry import Carrying
from drova_gate.games.journal import Journal
from drova_gate.games.plan import Add, Change, Enable, Paths, SetPaths
from drova_gate.owner.account import Owner
from drova_gate.sim.cloud import DESKTOP, Cloud

QUICK = (0.01, 0.01)


async def carrying(owner: Owner, tmp_path: Path, changes: list[Change], *, force: bool = False) -> Carrying:
    journal = Journal(tmp_path)
    journal.begin("a test", changes)
    return Carrying(changes, await owner.stations(), journal, force=force, patience=QUICK)


def writes(cloud: Cloud) -> list[str]:
    return [one.path for one in cloud.requests if one.method == "POST"]


async def test_it_adds_enables_disables_and_sets_paths(cloud: Cloud, owner: Owner, tmp_path: Path):
    first, second, third, *_ = games_of(cloud)
    put(cloud, ONE, second)
    put(cloud, TWO, third, args="-old")
    paths = Paths("D:\\x.exe", None, "-new", "C:\\Program Files (x86)\\EasyAntiCheat_EOS")
    changes = [*disabling(ONE, [second]), *adding(ONE, [first]), SetPaths(TWO, third, "third", paths=paths)]
    run = await carrying(owner, tmp_path, changes)
    outcome = await run.run()
    assert (outcome.done, outcome.already, outcome.failed, outcome.stopped) == (4, 0, [], None)
    assert enabled_on(cloud, ONE) == {first}
    entry = cloud.servers[str(TWO)].products[str(third)]
    assert (entry.game_path, entry.args, entry.enabled) == ("D:\\x.exe", "-new", True)
    assert Journal(tmp_path).earlier() is None


async def test_what_is_true_already_is_not_written(cloud: Cloud, owner: Owner, tmp_path: Path):
    games = games_of(cloud)[:3]
    for game in games:
        put(cloud, ONE, game, args="-x")
    changes = [*adding(ONE, games), SetPaths(ONE, games[0], "", paths=Paths(args="-x"))]
    outcome = await (await carrying(owner, tmp_path, changes)).run()
    assert outcome.already == len(changes)
    assert writes(cloud) == []


async def test_an_outage_stops_it_and_the_same_plan_goes_on_there(cloud: Cloud, owner: Owner, tmp_path: Path):
    games = games_of(cloud)[:10]
    changes = adding(ONE, games)
    cloud.plan = type(cloud.plan)(cloud_down_after=7)
    run = await carrying(owner, tmp_path, changes)
    outcome = await run.run()
    assert isinstance(outcome.stopped, CloudUnavailable)
    # The seventh was made, but its reading back never came.
    assert outcome.over_with == 6
    earlier = Journal(tmp_path).earlier()
    assert earlier is not None
    assert (earlier.name, earlier.over_with, earlier.changes) == ("a test", 6, tuple(changes))
    cloud.faults.discard("cloud_down")
    before = len(writes(cloud))
    outcome = await (await carrying(owner, tmp_path, changes)).run()
    assert (outcome.already, outcome.done, outcome.stopped) == (7, 13, None)
    assert len(writes(cloud)) - before == 13
    assert enabled_on(cloud, ONE) == set(games)


async def test_a_hiccup_of_the_api_is_waited_out(cloud: Cloud, owner: Owner, tmp_path: Path):
    game = games_of(cloud)[0]
    told: list[str] = []
    run = await carrying(owner, tmp_path, adding(ONE, [game]))

    def tell(over_with: int, what: str) -> None:
        told.append(what)
        if "does not answer" in what:
            cloud.faults.discard("cloud_500")

    run._tell = tell
    cloud.faults.add("cloud_500")
    outcome = await run.run()
    assert outcome.done == 2
    assert any("does not answer" in what for what in told)


async def test_throttling_is_waited_out_as_told(cloud: Cloud, owner: Owner, tmp_path: Path):
    games = games_of(cloud)[:2]
    run = await carrying(owner, tmp_path, adding(ONE, games))
    cloud.plan = type(cloud.plan)(throttle_times=1, retry_after=1)
    cloud.faults.add("cloud_429")
    began = asyncio.get_running_loop().time()
    outcome = await run.run()
    assert asyncio.get_running_loop().time() - began >= 1.0
    assert (outcome.done, outcome.failed) == (4, [])


async def test_a_write_whose_reading_back_is_throttled_counts_as_made(cloud: Cloud, owner: Owner, tmp_path: Path):
    """It is seen by looking again, and never sent twice."""

    class ThrottledAfterTheWrite(set):
        def __contains__(self, fault: object) -> bool:
            if game not in enabled_on(cloud, ONE):
                self.add("cloud_429")
            return super().__contains__(fault)

    game = games_of(cloud)[0]
    put(cloud, ONE, game)
    run = await carrying(owner, tmp_path, disabling(ONE, [game]))
    cloud.plan = type(cloud.plan)(throttle_times=1, retry_after=0)
    cloud.faults = ThrottledAfterTheWrite()
    outcome = await run.run()
    assert (outcome.done, outcome.already, outcome.failed) == (1, 0, [])
    assert len(writes(cloud)) == 1


async def test_a_change_that_is_refused_does_not_end_the_others(cloud: Cloud, owner: Owner, tmp_path: Path):
    unknown, known = uuid4(), games_of(cloud)[0]
    changes = [*adding(ONE, [unknown]), *adding(ONE, [known]), Enable(ONE, uuid4(), "never added")]
    outcome = await (await carrying(owner, tmp_path, changes)).run()
    assert outcome.done == 2
    assert [one.change.kind for one in outcome.failed] == ["add", "enable", "enable"]
    assert "404" in outcome.failed[0].why
    assert "not tried" in outcome.failed[1].why
    assert enabled_on(cloud, ONE) == {known}


async def test_a_station_that_cannot_be_read_does_not_end_the_others(cloud: Cloud, owner: Owner, tmp_path: Path):
    game = games_of(cloud)[0]
    run = await carrying(owner, tmp_path, [*adding(ONE, [game]), *adding(TWO, [game])])
    del cloud.servers[str(ONE)]
    outcome = await run.run()
    assert (outcome.done, len(outcome.failed)) == (2, 2)


async def test_a_write_that_is_confirmed_and_not_made_is_told(cloud: Cloud, owner: Owner, tmp_path: Path):
    game = games_of(cloud)[0]
    put(cloud, ONE, game)
    cloud.faults.add("writes_lie")
    outcome = await (await carrying(owner, tmp_path, disabling(ONE, [game]))).run()
    assert "still reads as enabled" in outcome.failed[0].why


async def test_a_write_without_an_answer_is_looked_at_and_never_made_again(
    cloud: Cloud, owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    game = games_of(cloud)[0]
    cloud.faults.add("write_hangs")
    run = await carrying(owner, tmp_path, [Add(ONE, game, "")])
    line = run._stations[ONE].client._line
    line.timeout = 0.3
    await line.close()
    outcome = await run.run()
    assert (outcome.done, outcome.failed) == (1, [])
    assert len(writes(cloud)) == 1
    cloud.faults.discard("write_hangs")


async def test_a_game_is_not_taken_from_under_its_player(cloud: Cloud, owner: Owner, tmp_path: Path):
    played, other = games_of(cloud)[:2]
    for game in (played, other):
        put(cloud, ONE, game)
    session = cloud.start_session(str(ONE), str(played), status="ACTIVE")
    outcome = await (await carrying(owner, tmp_path, disabling(ONE, [played, other]))).run()
    assert enabled_on(cloud, ONE) == {played}
    assert "a player plays it" in outcome.failed[0].why
    outcome = await (await carrying(owner, tmp_path, disabling(ONE, [played]), force=True)).run()
    assert enabled_on(cloud, ONE) == set()
    cloud.finish(session)


async def test_a_player_who_comes_in_the_midst_keeps_his_game(
    cloud: Cloud, owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Who plays is looked at again and again: a run of hundreds of changes takes minutes."""
    monkeypatch.setattr(carry, "LOOK_SECONDS", 0.0)
    first, played = games_of(cloud)[:2]
    for game in (first, played):
        put(cloud, ONE, game)
    run = await carrying(owner, tmp_path, disabling(ONE, [first, played]))

    def tell(over_with: int, what: str) -> None:
        if over_with == 1 and str(played) in what:
            cloud.start_session(str(ONE), str(played), status="ACTIVE")

    run._tell = tell
    outcome = await run.run()
    assert (outcome.done, len(outcome.failed)) == (1, 1)
    assert enabled_on(cloud, ONE) == {played}


async def test_a_player_on_the_desktop_is_no_player_of_the_game(cloud: Cloud, owner: Owner, tmp_path: Path):
    game = games_of(cloud)[0]
    put(cloud, ONE, game)
    cloud.start_session(str(ONE), DESKTOP, status="ACTIVE")
    assert (await (await carrying(owner, tmp_path, disabling(ONE, [game]))).run()).done == 1


async def test_paths_of_a_game_that_is_not_released_stay(cloud: Cloud, owner: Owner, tmp_path: Path):
    game = games_of(cloud)[0]
    put(cloud, ONE, game).verified = 1
    outcome = await (await carrying(owner, tmp_path, [SetPaths(ONE, game, "", paths=Paths("x"))])).run()
    assert "has not released it" in outcome.failed[0].why
    assert writes(cloud) == []


async def test_what_somebody_has_taken_off_the_list_meanwhile_is_told(cloud: Cloud, owner: Owner, tmp_path: Path):
    game = games_of(cloud)[0]
    changes: list[Change] = [SetPaths(ONE, game, "", paths=Paths("x")), Enable(ONE, game, "")]
    outcome = await (await carrying(owner, tmp_path, changes)).run()
    assert [one.why.split(";")[0] for one in outcome.failed] == [
        "is not on the station's list any more",
        "not tried, for what comes before it failed",
    ]


async def test_interrupted_it_knows_how_far_it_is(cloud: Cloud, owner: Owner, tmp_path: Path):
    run = await carrying(owner, tmp_path, adding(ONE, games_of(cloud)[:5]))
    reached = asyncio.Event()

    def tell(over_with: int, what: str) -> None:
        if over_with == 3:
            reached.set()

    run._tell = tell
    task = asyncio.create_task(run.run())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 3 <= run.outcome.over_with < 10
    earlier = Journal(tmp_path).earlier()
    assert earlier is not None
    assert earlier.over_with == run.outcome.over_with


def test_the_journal_is_its_owners_alone_and_survives_a_torn_line(tmp_path: Path):
    journal = Journal(tmp_path)
    changes: list[Change] = [
        *adding(ONE, [UUID(int=1)]),
        SetPaths(ONE, UUID(int=1), "Игра \ud83c", paths=Paths(allowed_paths=("a", "b"))),
        *disabling(TWO, [UUID(int=2)]),
    ]
    journal.begin("games sync", changes)
    assert journal.path.stat().st_mode & 0o777 == 0o600
    journal.over(changes[0], "done")
    with journal.path.open("ab") as file:
        file.write(b'{"kind": "ena')
    earlier = journal.earlier()
    assert earlier is not None
    assert earlier.over_with == 1
    assert earlier.changes[2] == SetPaths(ONE, UUID(int=1), "Игра ?", paths=Paths(allowed_paths=("a", "b")))
    assert earlier.changes[3] == changes[3]
    journal.end()
    journal.end()
    assert journal.earlier() is None


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"[]", b'{"version": 9}', b"\xff", b"[" * 9999])
def test_a_damaged_journal_is_no_journal(tmp_path: Path, content: bytes):
    journal = Journal(tmp_path)
    journal.path.parent.mkdir()
    journal.path.write_bytes(content)
    assert journal.earlier() is None
    head = {"version": 1, "name": "x", "began": 1, "changes": [{"kind": "set paths", "station": str(ONE)}]}
    journal.path.write_text(json.dumps(head))
    assert journal.earlier() is None


def test_two_runs_at_once_are_refused(tmp_path: Path):
    give_back = Journal(tmp_path).claim()
    with pytest.raises(CallOwner, match="another command is changing games"):
        Journal(tmp_path).claim()
    give_back()
    Journal(tmp_path).claim()()
