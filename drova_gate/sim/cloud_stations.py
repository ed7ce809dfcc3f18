"""Calls about the owner's stations: what they are, and what can be switched."""

from typing import TYPE_CHECKING

from aiohttp import web

from drova_gate.sim.cloud_calls import LIMIT_USUAL, USER, Body, Call, Endpoint, Refuse, server_of, visible

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = ["ENDPOINTS"]

_EMPTY = Body({})


def _servers(cloud: "Cloud", call: Call) -> web.Response:
    user = call.uuid("user_id")
    return web.json_response(
        [cloud.world.server(server) for server in visible(cloud, call.user) if server.user_id == user]
    )


def _one_server(cloud: "Cloud", call: Call) -> web.Response:
    call.uuid("user_id")
    return web.json_response(cloud.world.server(server_of(cloud, call)))


def _names(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response({server.uuid: server.name for server in visible(cloud, call.user)})


def _endpoints(cloud: "Cloud", call: Call) -> web.Response:
    server = server_of(cloud, call)
    if call.uuid("server_id") not in (None, server.uuid):
        raise Refuse(400, "server_id: not the station of the path")
    return web.json_response(cloud.world.endpoints(server)[: call.limit(LIMIT_USUAL)])


def _set_published(cloud: "Cloud", call: Call) -> web.Response:
    """200 with an EMPTY body, as the real one; ``true`` shows the station, ``false`` hides it."""
    server = server_of(cloud, call)
    if not call.idle:
        server.published = call.value is not ("publish_inverted" in cloud.faults)
    return web.Response(status=200)


def _set_allow_desktop(cloud: "Cloud", call: Call) -> web.Response:
    server = server_of(cloud, call)
    if not call.idle:
        server.allow_desktop = call.value
    return web.Response(status=200)


def _set_disable_updates(cloud: "Cloud", call: Call) -> web.Response:
    server = server_of(cloud, call)
    if not call.idle:
        server.disable_updates = call.value
    return web.Response(status=200)


def _describe(cloud: "Cloud", call: Call) -> web.Response:
    """Name and description; whichever is not sent is erased, as with the real one."""
    server = server_of(cloud, call)
    if not call.idle:
        server.name = call.body.get("name", "")
        server.description = call.body.get("description", "")
    return web.Response(status=200)


_SERVER = "/server-manager/servers/{server}"
_SWITCH = "{value:true|false}"

ENDPOINTS = (
    Endpoint("GET", "/server-manager/servers", _servers, query=USER, needed=USER),
    # Before the station in the path: the first route that fits is taken.
    Endpoint("GET", "/server-manager/servers/server_names", _names),
    Endpoint("GET", _SERVER, _one_server, query=USER),
    Endpoint("POST", f"{_SERVER}/set_published/{_SWITCH}", _set_published, write="publish"),
    Endpoint("POST", f"{_SERVER}/set_allow_desktop/{_SWITCH}", _set_allow_desktop, body=_EMPTY, write="desktop"),
    Endpoint("POST", f"{_SERVER}/set_disable_updates/{_SWITCH}", _set_disable_updates, body=_EMPTY, write="updates"),
    Endpoint(
        "PUT", _SERVER, _describe, body=Body({"name": (str,), "description": (str,)}, whole=False), write="describe"
    ),
    Endpoint(
        "GET", "/server-manager/serverendpoint/list/{server}", _endpoints, query=frozenset({"server_id", "limit"})
    ),
)
