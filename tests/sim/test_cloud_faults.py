"""The simulated cloud in trouble, and the orders that it takes while it runs."""

import asyncio
import json

import aiohttp
import pytest
from test_cloud import MERCHANT, OWNER, PC1, PC2, STATION, session_ids, two_stations

from drova_gate.sim.cloud import DESKTOP, GAME, OLD_DESKTOP_GAME, Cloud, CloudPlan
from drova_gate.sim.faults import ACCOUNT_FAULTS, FAULTS


async def renew(call, token):
    """The answer of a renewal."""
    return await call("/token-verifier/renewProxyToken", None, method="POST", json={"proxy_token": token})


async def test_cloud_401_once_lasts_for_a_merchant_until_he_renews():
    """The first token seen goes stale; its successor is good."""
    async with two_stations(faults=frozenset({"cloud_401_once"})) as (cloud, call):
        await call("/accounting/myaccount", MERCHANT, status=401)
        await call("/accounting/myaccount", MERCHANT, status=401)
        fresh = (await renew(call, MERCHANT))["proxyToken"]
        await call("/accounting/myaccount", fresh)

        cloud.faults.clear()
        await call("/accounting/myaccount", fresh)
        cloud.faults.add("cloud_401_once")
        await call("/accounting/myaccount", fresh, status=401)
        assert cloud.refused == []


async def test_cloud_401_once_passes_for_a_station_token():
    """A station's token cannot be renewed: one 401, then it works again."""
    async with two_stations(faults=frozenset({"cloud_401_once"})) as (_, call):
        await call("/accounting/myaccount", status=401)
        await call("/accounting/myaccount")


async def test_cloud_401_stays_whatever_is_renewed():
    """Renewal succeeds and does not help; switched off, the new token is good."""
    async with two_stations(faults=frozenset({"cloud_401"})) as (cloud, call):
        await call("/accounting/myaccount", MERCHANT, status=401)
        fresh = (await renew(call, MERCHANT))["proxyToken"]
        await call("/accounting/myaccount", fresh, status=401)
        cloud.faults.discard("cloud_401")
        await call("/accounting/myaccount", fresh)

        assert cloud.refused == []


async def test_cloud_429_passes_and_begins_anew_when_switched_on_again():
    """Some answers of 429 with Retry-After, then none until the fault is switched off and on."""
    async with (
        two_stations(throttle_times=2, retry_after=3, faults=frozenset({"cloud_429"})) as (cloud, call),
        aiohttp.ClientSession(cloud.url, headers={"X-Auth-Token": STATION}) as http,
    ):
        async with http.get("/accounting/myaccount") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "3")
            assert await response.text() == "Too many requests"
        async with http.get("/accounting/myaccount") as response:
            assert response.status == 429
        await call("/accounting/myaccount")
        cloud.faults.discard("cloud_429")
        await call("/accounting/myaccount")
        cloud.faults.add("cloud_429")
        async with http.get("/accounting/myaccount") as response:
            assert response.status == 429


async def test_cloud_500_and_garbage_last_until_switched_off():
    """500 is no JSON; garbage is 200 and no answer, in several ways."""
    async with (
        two_stations(faults=frozenset({"cloud_500"})) as (cloud, call),
        aiohttp.ClientSession(cloud.url, headers={"X-Auth-Token": STATION}) as http,
    ):
        async with http.get("/session-manager/sessions") as response:
            assert (response.status, response.content_type) == (500, "text/plain")
        cloud.faults.clear()
        cloud.faults.add("cloud_garbage")
        texts = []
        for _ in range(6):
            async with http.get("/session-manager/sessions") as response:
                assert response.status == 200
                texts.append(await response.text())
        cloud.faults.clear()

        assert len(set(texts)) == 5
        assert texts[0] == texts[5]
        assert await call("/session-manager/sessions") == {"sessions": []}


async def test_cloud_timeout_holds_the_answer_until_close():
    """The answer never comes while the cloud runs, and close does not wait for it."""
    loop = asyncio.get_running_loop()
    async with Cloud(CloudPlan(faults=frozenset({"cloud_timeout"}))) as cloud, aiohttp.ClientSession() as http:
        with pytest.raises(TimeoutError):
            await http.get(f"{cloud.url}/accounting/myaccount", timeout=aiohttp.ClientTimeout(total=0.1))
        assert [request.status for request in cloud.requests] == [0]

        waiting = asyncio.create_task(http.get(f"{cloud.url}/accounting/myaccount"))
        await asyncio.sleep(0.05)
        began = loop.time()
        await cloud.stop()
        assert loop.time() - began < 0.8
        async with await waiting as response:
            assert response.status == 503


async def test_a_stopped_cloud_refuses_and_comes_back_on_its_port():
    """A cloud that is down is no cloud; started again it has the same address and memory."""
    async with two_stations() as (cloud, call):
        session = cloud.start_session(PC1)
        port = cloud.port
        await cloud.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await call("/accounting/myaccount")
        await cloud.start()

        assert cloud.port == port
        assert await session_ids(call) == [session]


async def test_cloud_empty_empties_the_list_for_a_while_in_mid_session():
    """Nothing is hidden before the session is active; then the list is empty for a while, and whole again."""
    async with two_stations(empty_seconds=0.1, faults=frozenset({"cloud_empty"})) as (cloud, call):
        session = cloud.start_session(PC1)
        before = await session_ids(call)
        cloud.set_status(session, "ACTIVE")
        during = await session_ids(call)
        await asyncio.sleep(0.12)

        assert (before, during, await session_ids(call)) == ([session], [], [session])


async def test_foreign_sessions_stand_first_and_belong_to_others():
    """Other stations' sessions are newer, one of them has ended, and ours is still there."""
    async with two_stations(faults=frozenset({"foreign_sessions"})) as (cloud, call):
        session = cloud.start_session(PC1)
        lines = (await call("/session-manager/sessions", params={"limit": 1}))["sessions"]

        assert [line["status"] for line in lines] == ["ACTIVE", "FINISHED", "HANDSHAKE"]
        assert {line["server_id"] for line in lines[:2]}.isdisjoint({PC1, PC2})
        assert lines[2]["uuid"] == session


async def test_odd_values_come_when_asked_for():
    """A status that nobody knows, an IPv6 player, an old product that opens the desktop."""
    faults = frozenset({"unknown_status", "ipv6_player", "old_uuid_product"})
    async with two_stations(faults=faults) as (cloud, call):
        session = cloud.start_session(PC1)
        game = cloud.start_session(PC1, GAME)
        newer, older = (await call("/session-manager/sessions"))["sessions"]
        cloud.finish(session)

        assert older["uuid"] == session
        assert older["status"] not in {"NEW", "HANDSHAKE", "ACTIVE", "ABORTED", "FINISHED"}
        assert older["creator_ip"].count(":") > 1
        assert (older["product_id"], newer["product_id"], newer["uuid"]) == (OLD_DESKTOP_GAME, GAME, game)
        assert (await call("/session-manager/sessions"))["sessions"][1]["status"] == "FINISHED"


# -- orders over HTTP ----------------------------------------------------------------------------------------------


async def order(cloud, method, path, body=None, status=200):
    """Give an order to the simulation."""
    async with aiohttp.ClientSession(cloud.url) as http, http.request(method, f"/sim{path}", json=body) as response:
        answer = json.loads(await response.text())
        assert response.status == status, answer
        return answer


async def test_a_session_is_played_by_orders():
    """Start, activate and finish a session over HTTP; the state shows it, and no order counts as a request."""
    async with two_stations() as (cloud, _):
        session = (await order(cloud, "POST", "/session", {"server": PC2, "product": DESKTOP}))["session"]
        await order(cloud, "POST", f"/session/{session}/status", {"status": "ACTIVE"})
        active = await order(cloud, "GET", "/state")
        await order(cloud, "POST", f"/session/{session}/status", {"status": "FINISHED"})
        after = await order(cloud, "GET", "/state")

        assert [(one["uuid"], one["status"]) for one in active["sessions"]] == [(session, "ACTIVE")]
        assert [one["state"] for one in active["servers"]] == ["LISTEN", "BUSY"]
        assert after["sessions"][0]["status"] == "FINISHED"
        assert (active["requests"], active["refused"]) == (0, [])
        assert MERCHANT not in json.dumps(after)


async def test_faults_are_switched_by_orders_on_the_side_that_they_belong_to():
    """The cloud's go to the cloud, the others to every station."""
    async with two_stations() as (cloud, _):
        stations = [set(), set()]
        cloud.station_faults.extend(stations)
        await order(cloud, "POST", "/fault/cloud_500")
        await order(cloud, "POST", "/fault/shadow_refuses")
        await order(cloud, "POST", "/fault/agent_silent")
        await order(cloud, "DELETE", "/fault/shadow_refuses")
        state = await order(cloud, "GET", "/state")

        assert cloud.faults == {"cloud_500"}
        assert stations == [{"agent_silent"}, {"agent_silent"}]
        assert state["faults"] == {"cloud": ["cloud_500"], "stations": ["agent_silent"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/session", {}, "server: which one?"),
        ("POST", "/session", {"server": OWNER}, f"no station {OWNER}"),
        ("POST", "/session", {"station": PC1}, "station: unknown"),
        ("POST", "/session", ["server"], "a JSON object of strings"),
        ("POST", "/session/17/status", {"status": "ACTIVE"}, "no session 17"),
        ("POST", "/session/17/status", {}, "status: missing"),
        ("POST", "/fault/cloud_502", None, "no fault cloud_502; there are: shadow_refuses"),
        ("POST", "/fault/back_to_back", None, "played by whoever drives"),
    ],
)
async def test_a_wrong_order_is_answered_with_its_reason(method, path, body, message):
    """400 with words, and nothing changes."""
    async with two_stations() as (cloud, _):
        answer = await order(cloud, method, path, body, status=400)

        assert message in answer["message"]
        assert (cloud.faults, cloud.sessions) == (set(), {})


async def test_the_only_station_needs_no_name():
    """With one station an order without a server starts a desktop session there."""
    async with Cloud() as cloud:
        cloud.add_server(PC1, "pc1", OWNER)
        session = (await order(cloud, "POST", "/session"))["session"]

        assert (cloud.sessions[session].server, cloud.sessions[session].product) == (PC1, DESKTOP)


@pytest.mark.parametrize(
    "name",
    # A cloud that is down reads no call.
    [
        *(name for name, fault in FAULTS.items() if fault.side == "cloud"),
        *(name for name in ACCOUNT_FAULTS if name != "cloud_down"),
    ],
)
async def test_a_wrong_call_is_written_down_under_every_fault(name):
    """Strictness does not wait for good weather."""
    async with (
        two_stations() as (cloud, _),
        aiohttp.ClientSession(cloud.url, headers={"X-Auth-Token": STATION}) as http,
    ):
        cloud.faults.add(name)
        async with http.get("/session-manager/sessions", params={"serveri_id": PC1}) as response:
            assert response.status == 400

        assert [one.message for one in cloud.refused] == ["serveri_id: unknown parameter"]
