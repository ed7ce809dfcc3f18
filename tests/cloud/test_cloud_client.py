"""The client against the simulated cloud: what a session needs."""

import asyncio
import time
from uuid import UUID, uuid4

import pytest
from cloud_peers import OTHER, SERVER, STATION_TOKEN, USER
from pydantic import SecretStr

from drova_gate.cloud.calls import WRITE_SPACING_SECONDS
from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import (
    AnswerNotUnderstood,
    CallOwner,
    CloudForbidden,
    CloudRefused,
    CloudThrottled,
    CloudUnauthorised,
    CloudUnavailable,
    NotConfirmed,
)
from drova_gate.sim.cloud import DESKTOP, OLD_DESKTOP_GAME


async def test_a_session_is_seen_from_its_start_to_its_end(cloud, station):
    """The list shows each status as it is, and ``finished_on`` only once it is there."""
    session = cloud.start_session(str(SERVER), DESKTOP)
    (seen,) = await station.sessions(SERVER)
    assert (str(seen.uuid), seen.status, seen.finished_on, str(seen.product_id)) == (
        session,
        "HANDSHAKE",
        None,
        DESKTOP,
    )
    cloud.set_status(session, "ACTIVE")
    assert [one.status for one in await station.sessions(SERVER)] == ["ACTIVE"]
    cloud.finish(session)
    (seen,) = await station.sessions(SERVER)
    assert seen.status == "FINISHED"
    assert seen.finished_on >= seen.created_on


async def test_no_session_is_an_empty_answer_and_no_error(station):
    """A station that nobody rented has no sessions."""
    assert await station.sessions(SERVER) == ()


async def test_the_session_list_is_asked_for_in_the_query_and_without_filters(cloud, station):
    """``server_id`` and ``limit`` in the query, neither ``status`` nor ``state``, no body."""
    await station.sessions(SERVER, limit=3)
    (request,) = cloud.requests
    assert dict(request.query) == {"server_id": str(SERVER), "limit": "3"}
    assert request.body == b""


async def test_sessions_come_newest_first_and_no_more_than_asked_for(cloud, station):
    """The order is by ``created_on``."""
    started = [cloud.start_session(str(SERVER)) for _ in range(5)]
    assert [str(one.uuid) for one in await station.sessions(SERVER, limit=3)] == started[:1:-1]


async def test_other_stations_sessions_are_left_out(cloud, station):
    """An answer that holds foreign sessions shows only this station's."""
    cloud.faults.add("foreign_sessions")
    assert await station.sessions(SERVER) == ()
    session = cloud.start_session(str(SERVER))
    assert [str(one.uuid) for one in await station.sessions(SERVER)] == [session]


async def test_a_full_list_with_foreign_sessions_is_asked_for_whole(cloud, station):
    """When others may have pushed this station's sessions out of the list, the longest list is asked for."""
    cloud.faults.add("foreign_sessions")
    session = cloud.start_session(str(SERVER))
    assert [str(one.uuid) for one in await station.sessions(SERVER, limit=2)] == [session]
    assert [request.query["limit"] for request in cloud.requests] == ["2", "1000"]


async def test_a_session_status_that_nobody_knows_is_kept_as_sent(cloud, station):
    """A new word breaks nothing."""
    cloud.faults.add("unknown_status")
    cloud.start_session(str(SERVER))
    (seen,) = await station.sessions(SERVER)
    assert seen.status not in ("NEW", "HANDSHAKE", "ACTIVE", "ABORTED", "FINISHED")


async def test_an_ipv6_player_is_a_player(cloud, station):
    """Nothing promises IPv4."""
    cloud.faults.add("ipv6_player")
    cloud.start_session(str(SERVER))
    (seen,) = await station.sessions(SERVER)
    assert ":" in seen.creator_ip


async def test_an_old_product_id_is_a_product(cloud, station):
    """UUIDs of version 1 are real ids of the catalogue."""
    cloud.faults.add("old_uuid_product")
    cloud.start_session(str(SERVER))
    (seen,) = await station.sessions(SERVER)
    assert seen.product_id.version == 1
    assert (await station.product(seen.product_id)).use_default_desktop


async def test_account_servers_and_one_server_agree(station):
    """The account's stations hold the one that is asked for by its id."""
    assert (await station.account()).uuid == USER
    (listed,) = await station.servers(USER)
    one = await station.server(SERVER, USER)
    assert (listed.uuid, listed.name, listed.state) == (one.uuid, "pc1", "LISTEN")
    assert one.published
    assert one.ever_seen


async def test_a_station_that_never_started_was_never_seen(cloud, station):
    """Heartbeat 0 is no date."""
    cloud.servers[str(SERVER)].started = False
    seen = await station.server(SERVER, USER)
    assert (seen.state, seen.last_heartbeat, seen.alive_since, seen.ever_seen) == ("UNVERIFIED", 0, None, False)


async def test_hiding_and_showing_are_read_back(cloud, station):
    """After ``set_published`` the station reads as asked; the empty answer is no fault."""
    for visible in (False, True):
        await station.set_published(SERVER, USER, visible=visible)
        assert cloud.servers[str(SERVER)].published is visible
    assert [request.method for request in cloud.requests] == ["POST", "GET"] * 2
    assert cloud.requests[0].path.endswith("/set_published/false")


async def test_a_publication_that_is_only_claimed_is_not_confirmed(cloud, station):
    """200 is not the effect."""
    cloud.faults.add("publish_lies")
    with pytest.raises(NotConfirmed, match="still reads as shown"):
        await station.set_published(SERVER, USER, visible=False)


async def test_writes_keep_their_distance(cloud, station):
    """Two writes at once go out one after the other, at least 350 ms apart."""
    await asyncio.gather(
        station.set_published(SERVER, USER, visible=True), station.set_published(SERVER, USER, visible=True)
    )
    first, second = (request.at for request in cloud.requests if request.method == "POST")
    assert second - first >= WRITE_SPACING_SECONDS


@pytest.mark.parametrize("fault", ["cloud_500", "cloud_garbage", "cloud_429"])
async def test_a_write_is_never_repeated(cloud, station, fault):
    """Whatever the answer is, one POST was sent."""
    cloud.faults.add(fault)
    # Garbage with status 200 is no refusal: the read-back that follows is what cannot be understood.
    with pytest.raises((CloudUnavailable, AnswerNotUnderstood)):
        await station.set_published(SERVER, USER, visible=False)
    assert [request.method for request in cloud.requests].count("POST") == 1


async def test_a_write_without_an_answer_says_that_its_effect_is_not_known(cloud):
    """A time-out of a write is not "nothing happened"."""
    cloud.faults.add("cloud_timeout")
    async with DrovaClient(SecretStr(STATION_TOKEN), base_url=cloud.url, timeout=0.2) as client:
        with pytest.raises(CloudUnavailable, match="whether it was carried out is not known"):
            await client.set_published(SERVER, USER, visible=False)
    assert len(cloud.requests) == 1


async def test_a_station_token_that_is_refused_is_a_matter_for_the_owner(cloud, station):
    """A station's token cannot be renewed: 401 is said, no renewal is tried."""
    cloud.expire_token(STATION_TOKEN)
    with pytest.raises(CloudUnauthorised, match=r"answered 401 “Unauthorized” \(X-Request-Id [0-9a-f]{32}\)"):
        await station.sessions(SERVER)
    with pytest.raises(CloudUnauthorised, match="cannot be renewed"):
        await station.renew_token()
    assert [request.method for request in cloud.requests] == ["GET"]


async def test_the_registrys_new_token_is_used_at_once(cloud, station):
    """After ``token_changed`` the calls go through again."""
    cloud.expire_token(STATION_TOKEN)
    with pytest.raises(CloudUnauthorised):
        await station.account()
    cloud.add_server(str(SERVER), "pc1", str(USER), token="station-token-5b1d0655cc4d-next")
    station.token_changed(SecretStr("station-token-5b1d0655cc4d-next"))
    assert (await station.account()).uuid == USER


async def test_another_owners_station_is_forbidden(cloud, station):
    """403 is a matter for the owner too."""
    cloud.add_server(str(OTHER), "pc2", str(USER))
    with pytest.raises(CloudForbidden, match="403"):
        await station.server(OTHER, USER)


async def test_a_product_that_is_not_there_is_refused(station):
    """404 is an error by itself, not an empty answer."""
    with pytest.raises(CloudRefused, match="404"):
        await station.product(uuid4())


async def test_throttling_says_how_long(cloud, station):
    """``Retry-After`` is handed on in seconds; afterwards the call goes through."""
    cloud.faults.add("cloud_429")
    for _ in range(cloud.plan.throttle_times):
        with pytest.raises(CloudThrottled) as caught:
            await station.sessions(SERVER)
        assert caught.value.retry_after == cloud.plan.retry_after
    assert await station.sessions(SERVER) == ()


async def test_a_server_error_is_unavailable(cloud, station):
    """500 is never an empty list."""
    cloud.faults.add("cloud_500")
    with pytest.raises(CloudUnavailable, match="answered 500"):
        await station.sessions(SERVER)
    assert len(cloud.requests) == 1


async def test_no_answer_in_time_is_unavailable(cloud):
    """The total time-out ends a call that nobody answers."""
    cloud.faults.add("cloud_timeout")
    started = time.monotonic()
    async with DrovaClient(SecretStr(STATION_TOKEN), base_url=cloud.url, timeout=0.2) as client:
        with pytest.raises(CloudUnavailable, match=r"no whole answer within 0\.2 s"):
            await client.sessions(SERVER)
    assert time.monotonic() - started < 2


async def test_a_closed_port_is_unavailable(cloud, station):
    """A refused connection names where it went; when the cloud is back, so is the client."""
    await cloud.stop()
    with pytest.raises(CloudUnavailable, match=r"127\.0\.0\.1"):
        await station.sessions(SERVER)
    await cloud.start()
    assert await station.sessions(SERVER) == ()


async def test_garbage_is_not_understood(cloud, station):
    """Each kind of garbage is an error that names the call; none is an empty list."""
    cloud.faults.add("cloud_garbage")
    for _ in range(5):
        with pytest.raises(AnswerNotUnderstood, match="Drova API, GET /session-manager/sessions: the answer"):
            await station.sessions(SERVER)


async def test_connections_are_kept_open(cloud, station):
    """Ten calls in a row use one connection."""
    for _ in range(10):
        await station.sessions(SERVER)
    assert len(station._line.session().connector._conns) == 1


async def test_closing_ends_what_runs_beside_the_calls(cloud):
    """A task that the client owns is cancelled by ``close``; closing twice is harmless."""
    client = DrovaClient(SecretStr(STATION_TOKEN), base_url=cloud.url)
    task = client.own(asyncio.sleep(60))
    await client.close()
    await client.close()
    assert task.cancelled()


async def test_the_answer_must_be_about_the_thing_asked_for(cloud, station, monkeypatch):
    """A product under another id than asked is not understood."""
    asked = UUID(OLD_DESKTOP_GAME)
    monkeypatch.setitem(cloud.world.products, OLD_DESKTOP_GAME, cloud.world.products[DESKTOP])
    with pytest.raises(AnswerNotUnderstood, match="product_id: it is about"):
        await station.product(asked)


@pytest.mark.parametrize("token", ["token\r", "tok\nen", "tok\x01en", "tok\ud800en"])
async def test_a_token_that_cannot_be_sent_is_the_owners_to_mend(cloud, token):
    """As an environment file with Windows' line ends leaves it."""
    async with DrovaClient(SecretStr(token), base_url=cloud.url) as client:
        with pytest.raises(CallOwner, match="nothing was sent; write it anew, as one word") as caught:
            await client.account()
    assert "tok" not in str(caught.value).replace("token", "")
    assert cloud.requests == []
