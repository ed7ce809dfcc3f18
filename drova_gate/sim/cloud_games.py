"""Calls about products: on a station, and in themselves."""

from typing import TYPE_CHECKING

from aiohttp import web

from drova_gate.sim.cloud_calls import USER, Body, Call, Endpoint, Refuse, entry_of, product_of, server_of
from drova_gate.sim.cloud_world import StationProduct

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = ["ENDPOINTS"]


def _product(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response(product_of(cloud, call).info())


def _list_for_edit(cloud: "Cloud", call: Call) -> web.Response:
    call.uuid("user_id")
    products = server_of(cloud, call).products
    return web.json_response([entry.line(cloud.world.products[product]) for product, entry in products.items()])


def _one_for_edit(cloud: "Cloud", call: Call) -> web.Response:
    server, product = server_of(cloud, call), product_of(cloud, call)
    return web.json_response(entry_of(server, product).settings(product))


def _list(cloud: "Cloud", call: Call) -> web.Response:
    products = server_of(cloud, call).products
    return web.json_response([entry.listed(cloud.world.products[product]) for product, entry in products.items()])


def _add(cloud: "Cloud", call: Call) -> web.Response:
    """The product is on the station then and not enabled; one that is there stays as it is."""
    call.uuid("user_id")
    server, product = server_of(cloud, call), product_of(cloud, call)
    if not call.idle:
        server.products.setdefault(product.uuid, StationProduct(enabled=False))
    return web.Response(status=200)


def _set_enabled(cloud: "Cloud", call: Call) -> web.Response:
    entry = entry_of(server_of(cloud, call), product_of(cloud, call))
    if not call.idle:
        entry.enabled = call.value
    return web.Response(status=200)


def _update(cloud: "Cloud", call: Call) -> web.Response:
    body = call.body
    for name in ("server_id", "product_id"):
        call.uuid_of(name, body[name])
    if body["verified"] != "READY":
        raise Refuse(400, 'body: verified: "READY" expected')
    if isinstance(paths := body["allowed_paths"], list) and not all(isinstance(path, str) for path in paths):
        raise Refuse(400, "body: allowed_paths: texts expected")
    entry = entry_of(server_of(cloud, call, body["server_id"]), product_of(cloud, call, body["product_id"]))
    if not call.idle:
        entry.enabled = body["enabled"]
        entry.game_path, entry.work_path, entry.args = body["game_path"], body["work_path"], body["args"]
        entry.allowed_paths = paths
    return web.Response(status=200)


_TEXT = (str, None)
_UPDATE = Body(
    {
        "server_id": (str,),
        "product_id": (str,),
        "verified": (str,),
        "enabled": (bool,),
        "game_path": _TEXT,
        "work_path": _TEXT,
        "args": _TEXT,
        # One source has a list of texts, the live answer one text.
        "allowed_paths": (str, list, None),
    }
)
_ON_STATION = "/server-manager/serverproduct"

ENDPOINTS = (
    Endpoint("GET", "/server-manager/product/get/{product}", _product),
    Endpoint("GET", f"{_ON_STATION}/list4edit2/{{server}}", _list_for_edit, query=USER),
    # The list takes it, so does, presumably, its one item; clients were seen to leave it out.
    Endpoint("GET", f"{_ON_STATION}/list4edit2/{{server}}/{{product}}", _one_for_edit, query=USER),
    Endpoint("GET", "/product-manager/serverproduct/list/{server}", _list),
    Endpoint("POST", f"{_ON_STATION}/add/{{server}}/{{product}}", _add, query=USER, write="add"),
    Endpoint(
        "POST",
        f"{_ON_STATION}/set_enabled/{{server}}/{{product}}/{{value:true|false}}",
        _set_enabled,
        # Two clients send {}, the site nothing: the real one takes both.
        body=Body({}, optional=True),
        write="enable",
    ),
    Endpoint("POST", f"{_ON_STATION}/update", _update, body=_UPDATE, write="update"),
)
