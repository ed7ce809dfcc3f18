"""The simulated cloud's calls: shapes, scopes of tokens, strictness."""

import json
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
import pytest

from drova_gate.sim.cloud import DESKTOP, GAME, OLD_DESKTOP_GAME, Cloud, CloudPlan, Refusal

PC1 = "5f0c2a9e-6a1d-4f57-9f5e-2d3b8c1a7e40"
PC2 = "6f0c2a9e-6a1d-4f57-9f5e-2d3b8c1a7e41"
OWNER = "a1b2c3d4-1111-4222-8333-444455556666"
STATION, MERCHANT = "station-token", "merchant-token"


@asynccontextmanager
async def two_stations(**plan):
    """A cloud with two stations of one owner, a token of the first and the owner's own; and a way to call it."""
    async with Cloud(CloudPlan(**plan)) as cloud, aiohttp.ClientSession(cloud.url) as http:
        cloud.add_server(PC1, "pc1", OWNER, token=STATION)
        cloud.add_server(PC2, "pc2", OWNER, token="other-token")
        cloud.add_merchant_token(MERCHANT, OWNER)

        async def call(path, token=STATION, *, method="GET", status=200, **options):
            headers = {} if token is None else {"X-Auth-Token": token}
            async with http.request(method, path, headers=headers, **options) as response:
                text = await response.text()
                assert response.status == status, text
                assert len(response.headers["X-Request-Id"]) == 32
                return json.loads(text) if text else None

        yield cloud, call


async def session_ids(call, token=STATION, **query):
    """Uuids of the session list."""
    return [line["uuid"] for line in (await call("/session-manager/sessions", token, params=query))["sessions"]]


async def test_a_session_from_start_to_end_has_only_the_fields_that_apply():
    """finished_on, abort_comment and score are absent, not null, until there is one."""
    async with two_stations() as (cloud, call):
        uuid = cloud.start_session(PC1)
        [running] = (await call("/session-manager/sessions", params={"server_id": PC1, "limit": "2"}))["sessions"]
        server = await call(f"/server-manager/servers/{PC1}")
        cloud.set_status(uuid, "ACTIVE")
        busy = await call(f"/server-manager/servers/{PC1}", params={"user_id": OWNER})
        cloud.finish(uuid)
        [finished] = (await call("/session-manager/sessions"))["sessions"]
        aborted_uuid = cloud.start_session(PC1, GAME, "198.51.100.4")
        cloud.abort(aborted_uuid)
        cloud.sessions[aborted_uuid].billing_type = None
        cloud.sessions[aborted_uuid].score = "5"
        [aborted, _] = (await call("/session-manager/sessions"))["sessions"]

        common = {"client_id", "created_on", "creator_ip", "merchant_id", "product_id", "server_id", "status", "uuid"}
        assert running.keys() == common | {"billing_type"}
        assert (running["uuid"], running["status"], running["product_id"]) == (uuid, "HANDSHAKE", DESKTOP)
        assert running["creator_ip"] == "203.0.113.7"
        assert (server["state"], server["session_id"], server["product_id"]) == ("HANDSHAKE", uuid, DESKTOP)
        assert busy["state"] == "BUSY"
        assert finished["finished_on"] >= finished["created_on"] == running["created_on"]
        assert aborted.keys() == common | {"abort_comment", "finished_on", "score"}
        assert aborted["status"] == "ABORTED"
        assert cloud.refused == []


async def test_a_station_token_gets_its_own_sessions_whatever_server_it_names():
    """Station tokens are bound to their station; merchant tokens see all stations, or the one that they ask for."""
    async with two_stations() as (cloud, call):
        first, second = cloud.start_session(PC1), cloud.start_session(PC2)
        third = cloud.start_session(PC1)

        assert await session_ids(call) == [third, first]
        assert await session_ids(call, server_id=PC2) == [third, first]
        assert await session_ids(call, MERCHANT) == [third, second, first]
        assert await session_ids(call, MERCHANT, server_id=PC2) == [second]
        assert await session_ids(call, MERCHANT, merchant_id=OWNER, limit=1) == [third]
        assert await session_ids(call, MERCHANT, merchant_id=PC1) == []
        assert [one["uuid"] for one in await call("/server-manager/servers", params={"user_id": OWNER})] == [PC1]
        assert len(await call("/server-manager/servers", MERCHANT, params={"user_id": OWNER})) == 2
        await call(f"/server-manager/servers/{PC2}", status=403)
        await call(f"/server-manager/servers/{OWNER}", status=404)
        assert cloud.refused == []


async def test_a_hidden_session_is_in_no_list():
    """Hide plays the end of a session that is never shown."""
    async with two_stations() as (cloud, call):
        first = cloud.start_session(PC1)
        cloud.hide(first)
        second = cloud.start_session(PC1)

        assert await session_ids(call) == [second]


@pytest.mark.parametrize(("works", "expected"), [(False, 2), (True, 1)])
async def test_status_filters_are_taken_and_obeyed_only_if_the_plan_says_so(works, expected):
    """Whether the real cloud filters is not known, so a client must work with both."""
    async with two_stations(filters_work=works) as (cloud, call):
        cloud.finish(cloud.start_session(PC1))
        cloud.start_session(PC1)
        query = [("status", "NEW"), ("status", "HANDSHAKE"), ("state", "NEW")]

        assert len((await call("/session-manager/sessions", params=query))["sessions"]) == expected


async def test_set_published_really_changes_what_servers_says_and_has_no_body():
    """True shows the station, false hides it; the answer is 200 and empty."""
    async with two_stations() as (cloud, call):
        path = f"/server-manager/servers/{PC1}"
        assert await call(f"{path}/set_published/false", method="POST") is None
        hidden = (await call(path))["published"]
        assert await call(f"{path}/set_published/true", MERCHANT, method="POST") is None

        assert hidden is False
        assert (await call(path))["published"] is True
        assert cloud.servers[PC1].published
        assert cloud.refused == []

        cloud.faults.add("publish_lies")
        await call(f"{path}/set_published/false", method="POST")
        assert (await call(path))["published"] is True


async def test_products_have_their_two_spellings_and_old_uuids():
    """product/get is snake_case, the catalogue is camelCase, and some ids are of version 1."""
    async with two_stations(catalogue=30) as (_, call):
        catalogue = await call("/product-manager/product/listfull2", None)
        desktop = await call(f"/server-manager/product/get/{DESKTOP}")
        old = await call(f"/server-manager/product/get/{OLD_DESKTOP_GAME}")
        listed = await call(f"/server-manager/serverproduct/list4edit2/{PC1}", params={"user_id": OWNER})

        assert isinstance(catalogue, list)
        assert len(catalogue) == 30
        assert {UUID(line["productId"]).version for line in catalogue} == {1, 4}
        assert sum(line["useDefaultDesktop"] for line in catalogue) == 2
        assert {"product_id", "title", "game_path", "work_path", "args", "use_default_desktop"} <= desktop.keys()
        assert old["use_default_desktop"] is True
        assert listed[0]["verified"] == 2
        assert len(await call("/product-manager/product/listfull2", None, params={"limit": 5})) == 5
        await call(f"/server-manager/product/get/{OWNER}", status=404)


async def test_endpoints_are_empty_for_a_station_that_never_started():
    """7985 is the automatic one; a station never started has none, and is UNVERIFIED."""
    async with two_stations() as (cloud, call):
        ports = await call(f"/server-manager/serverendpoint/list/{PC1}", params={"server_id": PC1, "limit": 5})
        cloud.servers[PC1].started = False

        assert [(line["base_port"], line["user_defined"]) for line in ports] == [(7995, True), (7985, False)]
        assert await call(f"/server-manager/serverendpoint/list/{PC1}") == []
        station = await call(f"/server-manager/servers/{PC1}")
        assert (station["state"], station["alive_since"], station["last_heartbeat"]) == ("UNVERIFIED", None, 0)
        cloud.servers[PC1].started, cloud.servers[PC1].online = True, False
        assert (await call(f"/server-manager/servers/{PC1}"))["state"] == "OFFLINE"


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "message"),
    [
        ("GET", "/session-manager/sessions", {"params": {"serveri_id": PC1}}, 400, "serveri_id: unknown parameter"),
        ("GET", "/session-manager/sessions", {"json": {"server_id": PC1}}, 400, "body: none expected"),
        ("GET", "/session-manager/sessions", {"params": {"limit": "many"}}, 400, "limit: a number from 1 to 1000"),
        ("GET", "/session-manager/sessions", {"params": {"limit": "0"}}, 400, "limit: a number from 1 to 1000"),
        ("GET", "/session-manager/sessions", {"params": {"server_id": "pc1"}}, 400, "server_id: a uuid expected"),
        ("GET", "/session-manager/sessions", {"params": [("limit", "1"), ("limit", "2")]}, 400, "limit: given more"),
        ("GET", "/session-manager/sessions", {"token": None}, 401, "Unauthorized"),
        ("GET", "/session-manager/sessions", {"token": "made up"}, 401, "Unauthorized"),
        ("GET", "/accounting/myaccount", {"params": {"user_id": OWNER}}, 400, "user_id: unknown parameter"),
        ("GET", "/server-manager/servers", {}, 400, "user_id: missing"),
        ("GET", "/server-manager/servers/pc1", {}, 400, "server: a uuid expected"),
        ("GET", "/server-manager/product/list", {}, 404, "no such call"),
        (
            "GET",
            f"/server-manager/serverendpoint/list/{PC1}",
            {"params": {"server_id": PC2}},
            400,
            "server_id: not the",
        ),
        ("POST", f"/server-manager/servers/{PC1}/set_published/true", {"json": {}}, 400, "body: none expected"),
        ("POST", f"/server-manager/servers/{PC1}/set_published/1", {}, 404, "no such call"),
        ("GET", f"/server-manager/servers/{PC1}/set_published/true", {}, 405, "no such call"),
        ("POST", "/token-verifier/renewProxyToken", {"json": {"proxyToken": MERCHANT}}, 400, "body: exactly these"),
        ("POST", "/token-verifier/renewProxyToken", {"json": {"proxy_token": 5}}, 400, "body: proxy_token: a string"),
        ("POST", "/token-verifier/renewProxyToken", {"data": b"{"}, 400, "Content-Type: application/json"),
    ],
)
async def test_a_call_of_the_wrong_form_is_refused_and_written_down(method, path, options, status, message):
    """Misspelt, misplaced, repeated, missing: each is refused with its reason (F10)."""
    async with two_stations() as (cloud, call):
        answer = await call(path, method=method, status=status, **options)

        assert message in answer["message"]
        assert cloud.refused == [Refusal(method, path, status, answer["message"])]
        assert cloud.requests[-1].status == status


async def test_a_stale_merchant_token_is_renewed_once():
    """401 until renewed; the old token can be renewed only once, and neither is a wrong call."""
    async with two_stations() as (cloud, call):
        cloud.expire_token(MERCHANT)
        refused = await call("/accounting/myaccount", MERCHANT, status=401)
        body = {"proxy_token": MERCHANT}
        renewed = await call("/token-verifier/renewProxyToken", None, method="POST", json=body)
        again = await call("/token-verifier/renewProxyToken", None, method="POST", json=body)
        await call("/accounting/myaccount", MERCHANT, status=401)
        account = await call("/accounting/myaccount", renewed["proxyToken"])

        assert refused == {"message": "Unauthorized"}
        assert renewed["verificationStatus"] == "success"
        assert renewed["client_id"] == account["uuid"] == OWNER
        assert again["verificationStatus"] != "success"
        assert again["proxyToken"] is None
        assert cloud.refused == []


async def test_a_station_token_cannot_be_renewed():
    """Its renewal answers 200 with a status that is no success."""
    async with two_stations() as (cloud, call):
        cloud.expire_token(STATION)
        answer = await call("/token-verifier/renewProxyToken", None, method="POST", json={"proxy_token": STATION})

        assert answer["verificationStatus"] != "success"
        await call("/accounting/myaccount", status=401)


async def test_requests_are_written_down_without_their_token():
    """Method, path, query, body, status and time of each request, in order; no secret among them."""
    async with two_stations() as (cloud, call):
        await call("/session-manager/sessions", params={"limit": 2})
        await call(f"/server-manager/servers/{PC1}/set_published/false", method="POST")

        first, second = cloud.requests
        assert (first.method, first.path, first.query["limit"], first.status) == (
            "GET",
            "/session-manager/sessions",
            "2",
            200,
        )
        assert (second.method, second.body) == ("POST", b"")
        assert first.at <= second.at
        assert STATION not in repr(cloud.requests)


async def test_unknown_stations_products_and_faults_are_named():
    """A mistake of the test is told, not played."""
    async with two_stations() as (cloud, _):
        with pytest.raises(LookupError, match="no station pc9"):
            cloud.start_session("pc9")
        with pytest.raises(LookupError, match="no product chess"):
            cloud.start_session(PC1, "chess")
        with pytest.raises(LookupError, match="no session 17"):
            cloud.finish("17")
        with pytest.raises(ValueError, match="unknown faults shadow_refuses"):
            CloudPlan(faults=frozenset({"shadow_refuses", "cloud_500"}))
