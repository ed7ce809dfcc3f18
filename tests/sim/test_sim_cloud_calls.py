"""Every call of the simulated cloud refuses what no correct client sends, and writes it down."""

import json

import aiohttp
import pytest
from test_cloud import MERCHANT, OWNER, PC1, two_stations

from drova_gate.sim.cloud import GAME, Refusal
from drova_gate.sim.cloud_routes import ENDPOINTS

UPDATE = {
    "server_id": PC1,
    "product_id": GAME,
    "verified": "READY",
    "enabled": True,
    "game_path": "C:\\Games\\game.exe",
    "work_path": None,
    "args": None,
    "allowed_paths": None,
}
VALUES = {
    "{server}": PC1,
    "{product}": GAME,
    "{merchant}": OWNER,
    "{user}": OWNER,
    "{value:true|false}": "true",
    r"{count:\d{1,9}}": "2",
    r"{msecs:\d{1,12}}": "60000",
}
BODIES = {
    "/token-verifier/renewProxyToken": {"proxy_token": "none of ours"},
    "/server-manager/serverproduct/update": UPDATE,
    "/server-manager/servers/{server}": {"name": "pc1", "description": ""},
}


def path_of(endpoint):
    path = endpoint.path
    for name, value in VALUES.items():
        path = path.replace(name, value)
    return path


def options_of(endpoint):
    """The parameters and the body that make a right call of it."""
    options = {"params": {name: OWNER if name == "user_id" else "Мос" for name in endpoint.needed}}
    if endpoint.body is not None:
        options["json"] = BODIES.get(endpoint.path, {})
    return options


every = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")


@every
async def test_a_right_call_is_answered_and_a_write_by_nothing(endpoint):
    """200 and JSON; a write by POST or PUT 200 with an empty body."""
    async with two_stations() as (cloud, call):
        answer = await call(path_of(endpoint), MERCHANT, method=endpoint.method, **options_of(endpoint))

        assert (answer is None) == (endpoint.write is not None and endpoint.method != "GET")
        assert cloud.refused == []


@every
async def test_a_wrong_call_is_refused_and_written_down(endpoint):
    """No token, an unknown parameter, a wrong body, a wrong method: each by its reason."""
    path, options = path_of(endpoint), options_of(endpoint)
    async with two_stations() as (cloud, call):

        async def refused(status, message, *, token=MERCHANT, method=endpoint.method, **changed):
            answer = await call(path, token, method=method, status=status, **{**options, **changed})
            assert message in answer["message"]
            assert cloud.refused.pop() == Refusal(method, path, status, answer["message"])
            assert cloud.refused == []

        if endpoint.authorised:
            await refused(401, "Unauthorized", token=None)
        await refused(400, "colour: unknown parameter", params={**options["params"], "colour": "red"})
        for name in endpoint.needed:
            await refused(400, f"{name}: missing", params={})
        if endpoint.body is None:
            await refused(400, "body: none expected", json={})
        else:
            await refused(400, "body", json={**options["json"], "colour": "red"})
            await refused(400, "body: an object expected", json=[])
            await refused(400, "Content-Type", json=None, data=b"x")
        await refused(405, "no such call", method="DELETE")
        assert cloud.writes == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/server-manager/serverproduct/update", {**UPDATE, "verified": 2}, "verified: a string expected"),
        ("POST", "/server-manager/serverproduct/update", {**UPDATE, "verified": "YES"}, 'verified: "READY" expected'),
        ("POST", "/server-manager/serverproduct/update", {**UPDATE, "enabled": "true"}, "enabled: true or false"),
        ("POST", "/server-manager/serverproduct/update", {**UPDATE, "args": ["-x"]}, "args: a string or null"),
        ("POST", "/server-manager/serverproduct/update", {**UPDATE, "allowed_paths": [1]}, "allowed_paths: texts"),
        ("POST", "/server-manager/serverproduct/update", {**UPDATE, "server_id": "pc1"}, "server_id: a uuid"),
        ("POST", "/server-manager/serverproduct/update", {"server_id": PC1}, "body: exactly these fields"),
        ("PUT", f"/server-manager/servers/{PC1}", {"name": None}, "name: a string expected"),
        ("PUT", f"/server-manager/servers/{PC1}", {"title": "pc"}, "title: unknown field"),
        ("POST", "/server-manager/servers/public/web", {"limit": "10"}, "limit: a number expected"),
        ("POST", "/server-manager/servers/public/web", {"limit": True}, "limit: a number expected"),
        ("POST", "/server-manager/servers/public/web", {"limit": 1001}, "limit: a number from 1 to 1000"),
        ("POST", "/server-manager/servers/public/web", {"offset": -1}, "offset: 0 or more"),
        ("GET", "/accounting/prepaid/issue_promocodes/10000/60000", None, "count: a number from 1 to 9999"),
        ("GET", "/accounting/prepaid/issue_promocodes/0/60000", None, "count: a number from 1 to 9999"),
        ("GET", "/accounting/prepaid/issue_promocodes/1/0", None, "playtime_msecs: more than 0"),
    ],
)
async def test_a_field_of_the_wrong_type_is_named(method, path, body, message):
    """The types of a body are held, and nothing is changed by a wrong one."""
    async with two_stations() as (cloud, call):
        answer = await call(path, MERCHANT, method=method, status=400, json=body)

        assert message in answer["message"]
        assert [one.status for one in cloud.refused] == [400]
        assert (cloud.writes, cloud.servers[PC1].name) == (0, "pc1")


async def test_what_is_not_there_or_not_ours_is_no_wrong_call():
    """404 and 403 are what a correct client may meet."""
    async with two_stations() as (cloud, call):
        other = cloud.add_server(OWNER, "stranger", PC1).uuid
        for path in (f"/server-manager/serverproduct/list4edit2/{other}", f"/accounting/unpayedstats/{PC1}"):
            await call(path, MERCHANT, status=403)
        del cloud.servers[PC1].products[GAME]
        for path in (
            f"/server-manager/serverproduct/list4edit2/{PC1}/{GAME}",
            f"/server-manager/product/get2/{PC1}",
            f"/server-manager/hardware/list/{GAME}",
            f"/server-manager/servers/public/{GAME}",
        ):
            await call(path, MERCHANT, status=404)

        assert cloud.refused == []


async def test_set_enabled_takes_both_bodies_that_clients_send():
    """The site sends none, others an empty object."""
    async with two_stations() as (cloud, call):
        path = f"/server-manager/serverproduct/set_enabled/{PC1}/{GAME}/false"
        for options in ({}, {"json": {}}):
            cloud.servers[PC1].products[GAME].enabled = True
            await call(path, method="POST", **options)
            assert cloud.servers[PC1].products[GAME].enabled is False


async def test_the_catalogue_has_an_etag_where_the_plan_says_so():
    """The same catalogue has the same tag and is not sent again; without the switch there is none."""
    path = "/product-manager/product/listfull2"
    async with two_stations(etag=True) as (cloud, _), aiohttp.ClientSession(cloud.url) as http:
        async with http.get(path) as response:
            tag, products = response.headers["ETag"], json.loads(await response.text())
        async with http.get(path, headers={"If-None-Match": tag}) as response:
            assert (response.status, await response.read()) == (304, b"")
        cloud.world.products.popitem()
        async with http.get(path, headers={"If-None-Match": tag}) as response:
            assert len(json.loads(await response.text())) == len(products) - 1
            assert response.headers["ETag"] != tag
    async with two_stations() as (cloud, _), aiohttp.ClientSession(cloud.url) as http, http.get(path) as response:
        assert "ETag" not in response.headers
