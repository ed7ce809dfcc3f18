"""Orders for a running simulation, over HTTP on the cloud's own port.

::

    POST   /sim/session                  {"server": uuid, "product": uuid, "client_ip": text}  -> {"session": uuid}
                                         product: the desktop when left out; server: the only one when left out
    POST   /sim/session/{uuid}/status    {"status": "ACTIVE"}      any word; FINISHED and ABORTED end the session
    GET    /sim/state                    stations, sessions (the newest thousand), faults, refused calls
    POST   /sim/fault/{name}             switch a fault on (of the cloud, of all stations, of all agents)
    DELETE /sim/fault/{name}             switch it off

A wrong order gets 400 with ``{"message": ...}``.
"""

import json
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiohttp import web

from drova_gate.sim.cloud_world import DESKTOP
from drova_gate.sim.faults import ACCOUNT_FAULTS, FAULTS

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = ["routes"]

_SESSIONS_SHOWN = 1000

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(cloud: "Cloud") -> list[web.RouteDef]:
    """The routes below ``/sim/``."""

    async def start_session(request: web.Request) -> web.Response:
        order = await _order(request, {"server", "product", "client_ip"})
        server = order.get("server") or _only_server(cloud)
        product, client_ip = order.get("product", DESKTOP), order.get("client_ip", "203.0.113.7")
        return web.json_response({"session": cloud.start_session(server, product, client_ip)})

    async def set_status(request: web.Request) -> web.Response:
        order = await _order(request, {"status"})
        if "status" not in order:
            raise ValueError("status: missing")
        cloud.set_status(request.match_info["session"], order["status"])
        return web.json_response({"session": request.match_info["session"], "status": order["status"]})

    async def show_state(_request: web.Request) -> web.Response:
        return web.json_response(_state(cloud))

    async def switch_fault(request: web.Request) -> web.Response:
        name, on = request.match_info["name"], request.method == "POST"
        fault = FAULTS.get(name) or ACCOUNT_FAULTS.get(name)
        if fault is None:
            raise LookupError(f"no fault {name}; there are: {', '.join((*FAULTS, *ACCOUNT_FAULTS))}")
        if fault.side == "script":
            raise ValueError(f"{name}: played by whoever drives the session, cannot be switched")
        for faults in [cloud.faults] if fault.side == "cloud" else cloud.station_faults:
            if on:
                faults.add(name)
            else:
                faults.discard(name)
        return web.json_response({"fault": name, "on": on, "line": fault.line})

    return [
        web.post("/sim/session", _answering(start_session)),
        web.post("/sim/session/{session}/status", _answering(set_status)),
        web.get("/sim/state", _answering(show_state)),
        web.post("/sim/fault/{name}", _answering(switch_fault)),
        web.delete("/sim/fault/{name}", _answering(switch_fault)),
    ]


def _answering(handler: _Handler) -> _Handler:
    """Answer a wrong order with its reason."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (LookupError, ValueError) as error:
            return web.json_response({"message": str(error)}, status=400)

    return answer


async def _order(request: web.Request, names: set[str]) -> dict[str, str]:
    body = await request.read()
    order = json.loads(body) if body else {}
    if not isinstance(order, dict) or not all(isinstance(text, str) for text in order.values()):
        raise ValueError("body: a JSON object of strings expected")
    if unknown := order.keys() - names:
        raise ValueError(f"{', '.join(sorted(unknown))}: unknown; known are {', '.join(sorted(names))}")
    return order


def _only_server(cloud: "Cloud") -> str:
    if len(cloud.servers) != 1:
        raise ValueError("server: which one? " + ", ".join(cloud.servers))
    return next(iter(cloud.servers))


def _state(cloud: "Cloud") -> dict[str, Any]:
    world = cloud.world
    return {
        "faults": {
            "cloud": sorted(cloud.faults),
            "stations": sorted(set[str]().union(*cloud.station_faults)),
        },
        "refused": [f"{one.method} {one.path}: {one.status} {one.message}" for one in cloud.refused],
        "requests": len(cloud.requests),
        "servers": [world.server(server) for server in world.servers.values()],
        "sessions": [session.shown() for session in islice(world.newest_first(), _SESSIONS_SHOWN)],
    }
