"""The merchant's common question: one request for all his stations, and never a guess."""

import asyncio
import uuid
from pathlib import Path
from uuid import UUID

import pytest_asyncio
from cloud_peers import MERCHANT_TOKEN, SERVER, USER
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from drova_gate.cloud.merchant import USUAL, MerchantClient, merged
from drova_gate.cloud.models import DESKTOP_PRODUCT, Session
from drova_gate.cloud.token import FileTokenKeeper
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.cloud_calls import Call

SESSIONS = "/session-manager/sessions"


@pytest_asyncio.fixture
async def merchant(cloud: Cloud, tmp_path: Path):
    """The client that a merchant's stations share."""
    keeper = FileTokenKeeper(tmp_path / "token")
    async with MerchantClient(SecretStr(MERCHANT_TOKEN), base_url=cloud.url, keep_token=keeper) as client:
        yield client


def many(cloud: Cloud, count: int) -> list[UUID]:
    servers = [UUID(int=0x4000_8000_0000_0000_0000 + number) for number in range(count)]
    for number, server in enumerate(servers):
        cloud.add_server(str(server), f"pc{number}", str(USER))
    return servers


def asked(cloud: Cloud) -> int:
    return sum(request.path == SESSIONS for request in cloud.requests)


async def all_of(client: MerchantClient, servers: list[UUID]) -> list[tuple[Session, ...]]:
    return await asyncio.gather(*(client.sessions(server) for server in servers))


async def test_one_request_serves_thirty_stations(cloud, merchant):
    """After each was asked for once alone, everybody's answer comes from one common question, and holds his own sessions."""
    servers = many(cloud, 30)
    await all_of(merchant, servers)
    first = asked(cloud)
    sessions = {server: cloud.start_session(str(server)) for server in servers[:20]}

    answers = await all_of(merchant, servers)

    assert first <= 60
    assert asked(cloud) - first == 1
    for server, answer in zip(servers, answers, strict=True):
        assert [str(one.uuid) for one in answer] == ([sessions[server]] if server in sessions else [])


async def test_a_question_is_answered_by_a_request_that_was_sent_after_it(cloud, merchant):
    """Whoever asks while the common request is under way gets the next one: an answer is never older than its question."""
    servers = many(cloud, 2)
    await all_of(merchant, servers)
    cloud.plan = type(cloud.plan)(latency=0.5)
    early = asyncio.create_task(merchant.sessions(servers[0]))
    await asyncio.sleep(0.3)  # sent, and on its way
    session = cloud.start_session(str(servers[1]))
    late = await merchant.sessions(servers[1])
    await early

    assert [str(one.uuid) for one in late] == [session]


async def test_a_long_session_that_left_the_window_is_asked_for_alone(cloud, merchant):
    """Its end is seen although newer sessions of other stations have pushed it out of the common answer."""
    servers = many(cloud, 2)
    long = cloud.start_session(str(servers[0]))
    cloud.set_status(long, "ACTIVE")
    await all_of(merchant, servers)
    for _ in range(40):
        cloud.finish(cloud.start_session(str(servers[1])))
        await merchant.sessions(servers[1])
    (running,) = await merchant.sessions(servers[0])
    cloud.finish(long)
    (ended,) = await merchant.sessions(servers[0])

    assert (running.status, ended.status) == ("ACTIVE", "FINISHED")
    assert str(running.uuid) == long


async def test_a_common_answer_that_goes_farther_back_hides_nobody(cloud, merchant):
    """Few stations with many sessions: the common answer has older rows than the station's own ten, and the player is the newest."""
    (server,) = many(cloud, 1)
    older = [cloud.start_session(str(server)) for _ in range(3 * USUAL)]
    for number, session in enumerate(older):
        cloud.finish(session)
        cloud.world.sessions[session].created_on -= 60_000 * (len(older) - number)
    running = cloud.start_session(str(server))
    cloud.set_status(running, "ACTIVE")

    newest = [running, *reversed(older)][:USUAL]
    for _ in range(2):  # asked for alone, and then with the others
        assert [str(one.uuid) for one in await merchant.sessions(server)] == newest


async def test_a_common_answer_that_leaves_sessions_out_is_not_trusted(cloud, merchant, monkeypatch, caplog):
    """The API takes merchant_id for something else: each station is asked for alone, and it is said once."""
    servers = many(cloud, 3)
    for server in servers:
        cloud.start_session(str(server))
    monkeypatch.setattr(merchant, "_merchant", uuid.uuid4())

    answers = await all_of(merchant, servers)
    again = await all_of(merchant, servers)

    assert [len(answer) for answer in answers + again] == [1] * 6
    assert not merchant.common
    assert "each station is asked for alone" in caplog.text


async def test_a_common_list_that_is_cut_short_ends_no_session(cloud, merchant, monkeypatch, caplog):
    """The API lists five rows whatever is asked for: the list is not full, and a session that goes on is not in it."""
    monkeypatch.setattr(Call, "limit", lambda call, usual: 5 if "merchant_id" in call.query else usual)
    servers = many(cloud, 2)
    long = cloud.start_session(str(servers[0]))
    await all_of(merchant, servers)
    for _ in range(6):
        cloud.finish(cloud.start_session(str(servers[1])))

    assert [str(one.uuid) for one in await merchant.sessions(servers[0])] == [long]
    assert "each station is asked for alone" in caplog.text


async def test_a_call_that_is_given_up_disturbs_nobody(cloud, merchant):
    """A cancelled asker leaves the others' answer alone."""
    servers = many(cloud, 3)
    await all_of(merchant, servers)
    quitter = asyncio.create_task(merchant.sessions(servers[0]))
    stayer = asyncio.create_task(merchant.sessions(servers[1]))
    await asyncio.sleep(0.01)
    quitter.cancel()

    assert await stayer == ()
    assert quitter.cancelled() or (await asyncio.gather(quitter, return_exceptions=True))


async def test_an_unreadable_row_spoils_its_own_stations_answer_only(cloud, merchant, monkeypatch):
    """Another station's odd row is not this one's trouble; its own is no absence."""
    servers = many(cloud, 2)
    await all_of(merchant, servers)
    broken = cloud.start_session(str(servers[0]))
    cloud.world.sessions[broken].product = "no uuid"

    good, bad = await asyncio.gather(
        merchant.sessions(servers[1]), merchant.sessions(servers[0]), return_exceptions=True
    )

    assert good == ()
    assert type(bad).__name__ == "AnswerNotUnderstood"


async def test_closing_ends_those_who_wait(cloud, tmp_path):
    """The process ends while a station waits for the common answer."""
    client = MerchantClient(
        SecretStr(MERCHANT_TOKEN), base_url=cloud.url, keep_token=FileTokenKeeper(tmp_path / "token")
    )
    await client.sessions(SERVER)
    waiting = asyncio.create_task(client.sessions(SERVER))
    await asyncio.sleep(0.01)
    await client.close()

    async with asyncio.timeout(2):
        await asyncio.wait({waiting})
    assert waiting.cancelled()


# -- what is put together, against the whole truth -------------------------------------------------------------------


def row(number: int, created: int, status: str) -> Session:
    return Session(
        uuid=UUID(int=number), server_id=SERVER, product_id=DESKTOP_PRODUCT, created_on=created, status=status
    )


@given(
    st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans(), st.booleans()), max_size=14),
    st.integers(0, 31),
    st.integers(0, 31),
)
@settings(max_examples=150, deadline=None)
def test_what_is_put_together_is_the_truth_or_nothing(
    rows: list[tuple[int, bool, bool, bool]], known_until: int, oldest: int
):
    """A list is either exactly what asking for the station alone would bring now, or it is not given at all.

    Each row: when it began, whether it was over at the first look, whether it is over now, whether it has vanished since.
    """
    before = [
        row(number, at, "FINISHED" if was_over else "ACTIVE")
        for number, (at, was_over, _, _) in enumerate(rows)
        if at <= known_until
    ]
    truth = [
        row(number, at, "FINISHED" if was_over or is_over else "ACTIVE")
        for number, (at, was_over, is_over, gone) in enumerate(rows)
        if not (gone and at > oldest)
    ]
    newest_first = lambda many: tuple(sorted(many, key=lambda one: one.created_on, reverse=True))  # noqa: E731
    window = newest_first(one for one in truth if one.created_on > oldest)

    found = merged(newest_first(before)[:USUAL], known_until, window, oldest)

    if found is not None:
        expected = newest_first(truth)[: len(found)]
        assert [(one.uuid, one.status) for one in sorted(found, key=lambda one: (one.created_on, one.uuid))] == [
            (one.uuid, one.status) for one in sorted(expected, key=lambda one: (one.created_on, one.uuid))
        ] or _ties(found, truth)
        assert len(found) == min(USUAL, len(truth)) or len(found) >= len(window)


def _ties(found: tuple[Session, ...], truth: list[Session]) -> bool:
    """Rows of one millisecond may stand in either order at the cut."""
    return {(one.uuid, one.status) for one in found} <= {(one.uuid, one.status) for one in truth}
