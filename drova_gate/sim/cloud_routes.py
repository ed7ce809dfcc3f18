"""The calls of the simulated cloud: what each takes, where, and what it answers."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import MultiMapping

from drova_gate.sim.cloud_world import DESKTOP, Server, Session, Token

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = ["ENDPOINTS", "Call", "Endpoint", "Refuse"]

_LIMIT_MOST = 1000
"""The session list ends there, whatever is asked."""
_LIMIT_USUAL = 100
"""Without a limit; the real figure is not known."""
_FOREIGN_SERVERS = ("0b5b1d06-55cc-4d54-8d2f-6f3f8d0c0a01", "0b5b1d06-55cc-4d54-8d2f-6f3f8d0c0a02")
_UNKNOWN_STATUS = "RECONNECTING"


class Refuse(Exception):
    """A call is refused; ``noted``: no correct client makes it."""

    def __init__(self, status: int, message: str, *, noted: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.noted = noted


@dataclass(frozen=True, slots=True)
class Call:
    """A well-formed call."""

    path: Mapping[str, str]
    query: MultiMapping[str]
    body: Any
    token: Token | None

    @property
    def user(self) -> Token:
        """The token of a call that needs one."""
        if self.token is None:
            raise Refuse(401, "Unauthorized")
        return self.token

    def limit(self, usual: int) -> int:
        """The ``limit`` parameter."""
        text = self.query.get("limit")
        if text is None:
            return usual
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _LIMIT_MOST:
            raise Refuse(400, f"limit: a number from 1 to {_LIMIT_MOST} expected")
        return int(text)

    def uuid(self, name: str) -> str | None:
        """A query parameter that is a uuid."""
        text = self.query.get(name)
        return None if text is None else _uuid(name, text)


def _uuid(name: str, text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise Refuse(400, f"{name}: a uuid expected") from error


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call: its form, and what answers it."""

    method: str
    path: str
    answer: "Callable[[Cloud, Call], web.Response]"
    query: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    """Query parameters that may come more than once."""
    needed: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    """Fields of the JSON body, all needed; none: no body at all."""
    authorised: bool = True

    def checked(self, request: web.Request, body: bytes) -> Any:
        """The body, when the call has the right form; ``Refuse`` names what is wrong with it."""
        for name in request.query:
            if name not in self.query | self.repeated:
                raise Refuse(400, f"{name}: unknown parameter")
            if name not in self.repeated and len(request.query.getall(name)) > 1:
                raise Refuse(400, f"{name}: given more than once")
        for name in self.needed:
            if name not in request.query:
                raise Refuse(400, f"{name}: missing")
        for name, text in request.match_info.items():
            if name != "value":
                _uuid(name, text)
        if not self.fields:
            if body:
                raise Refuse(400, "body: none expected")
            return None
        return self._fields(request, body)

    def _fields(self, request: web.Request, body: bytes) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise Refuse(400, "Content-Type: application/json expected")
        try:
            fields = json.loads(body)
        except ValueError as error:
            raise Refuse(400, "body: JSON expected") from error
        if not isinstance(fields, dict) or fields.keys() != self.fields:
            raise Refuse(400, f"body: exactly these fields expected: {', '.join(sorted(self.fields))}")
        return fields


def _server(cloud: "Cloud", call: Call) -> Server:
    """The station in the path, if it is the token's to see."""
    server = cloud.servers.get(str(uuid.UUID(call.path["server"])))
    if server is None:
        raise Refuse(404, "Not found", noted=False)
    if server not in _visible(cloud, call.user):
        raise Refuse(403, "Forbidden", noted=False)
    return server


def _visible(cloud: "Cloud", token: Token) -> list[Server]:
    """A station's token sees that station; a merchant's sees all of his."""
    return [
        server
        for server in cloud.servers.values()
        if server.user_id == token.user_id and token.server in (None, server.uuid)
    ]


def _account(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response(cloud.world.account(call.user.user_id))


def _renew(cloud: "Cloud", call: Call) -> web.Response:
    old = call.body["proxy_token"]
    if not isinstance(old, str):
        raise Refuse(400, "proxy_token: a string expected")
    renewed = cloud.world.renew(old)
    if renewed is None:
        return web.json_response(
            {
                "client_id": None,
                "client_roles": [],
                "proxyToken": None,
                "server_id": None,
                "session_id": None,
                "verificationStatus": "failed",
            }
        )
    fresh, token = renewed
    return web.json_response(
        {
            "client_id": token.user_id,
            "client_roles": ["client", "merchant"],
            "proxyToken": fresh,
            "server_id": None,
            "session_id": None,
            "verificationStatus": "success",
        }
    )


def _sessions(cloud: "Cloud", call: Call) -> web.Response:
    """The session list: newest first; a station's token gets its own whatever ``server_id`` says."""
    token, limit = call.user, call.limit(_LIMIT_USUAL)
    asked, merchant = call.uuid("server_id"), call.uuid("merchant_id")
    seen = {server.uuid for server in _visible(cloud, token)}
    if token.server is None and asked is not None:
        seen &= {asked}
    found = [
        session
        for session in cloud.world.newest_first()
        if session.server in seen and merchant in (None, session.merchant_id)
    ]
    if cloud.plan.filters_work:
        wanted = {*call.query.getall("status", []), *call.query.getall("state", [])}
        found = [session for session in found if not wanted or session.status in wanted]
    lines = [_line(cloud, session) for session in found[:limit]]
    if cloud.session_list_empty():
        lines = []
    elif "foreign_sessions" in cloud.faults:
        lines = [*_foreign(cloud, token), *lines]
    return web.json_response({"sessions": lines})


def _line(cloud: "Cloud", session: Session) -> dict[str, Any]:
    line = session.shown()
    if "unknown_status" in cloud.faults and not session.over:
        line["status"] = _UNKNOWN_STATUS
    if "ipv6_player" in cloud.faults:
        line["creator_ip"] = "2001:db8:7::1d"
    return line


def _foreign(cloud: "Cloud", token: Token) -> list[dict[str, Any]]:
    """Newer sessions of stations that are not ours, on top of the limit: a rental that goes on, and one that just ended."""
    now = cloud.world.now_ms()
    lines = []
    for number, (server, status) in enumerate(zip(_FOREIGN_SERVERS, ("ACTIVE", "FINISHED"), strict=True)):
        session = Session(
            uuid=str(uuid.uuid5(uuid.UUID(server), "session")),
            server=server,
            merchant_id=token.user_id,
            client_id=str(uuid.uuid5(uuid.UUID(server), "client")),
            product=DESKTOP,
            created_on=now - 1000 * number,
            creator_ip="198.51.100.9",
            status=status,
            finished_on=now if status == "FINISHED" else None,
        )
        lines.append(session.shown())
    return lines


def _servers(cloud: "Cloud", call: Call) -> web.Response:
    user = call.uuid("user_id")
    return web.json_response(
        [cloud.world.server(server) for server in _visible(cloud, call.user) if server.user_id == user]
    )


def _one_server(cloud: "Cloud", call: Call) -> web.Response:
    call.uuid("user_id")
    return web.json_response(cloud.world.server(_server(cloud, call)))


def _set_published(cloud: "Cloud", call: Call) -> web.Response:
    """200 with an EMPTY body, as the real one; ``true`` shows the station, ``false`` hides it."""
    server = _server(cloud, call)
    if "publish_lies" not in cloud.faults:
        server.published = call.path["value"] == "true"
    return web.Response(status=200)


def _product(cloud: "Cloud", call: Call) -> web.Response:
    product = cloud.world.products.get(str(uuid.UUID(call.path["product"])))
    if product is None:
        raise Refuse(404, "Not found", noted=False)
    return web.json_response(product.info())


def _catalogue(cloud: "Cloud", call: Call) -> web.Response:
    call.uuid("user_id")
    products = list(cloud.world.products.values())
    return web.json_response([product.listed() for product in products[: call.limit(len(products))]])


def _station_products(cloud: "Cloud", call: Call) -> web.Response:
    call.uuid("user_id")
    server = _server(cloud, call)
    return web.json_response([cloud.world.products[product].on_station() for product in server.products])


def _endpoints(cloud: "Cloud", call: Call) -> web.Response:
    server = _server(cloud, call)
    if call.uuid("server_id") not in (None, server.uuid):
        raise Refuse(400, "server_id: not the station of the path")
    return web.json_response(cloud.world.endpoints(server)[: call.limit(_LIMIT_USUAL)])


_USER = frozenset({"user_id"})

ENDPOINTS = (
    Endpoint("GET", "/accounting/myaccount", _account),
    Endpoint("POST", "/token-verifier/renewProxyToken", _renew, fields=frozenset({"proxy_token"}), authorised=False),
    Endpoint(
        "GET",
        "/session-manager/sessions",
        _sessions,
        query=frozenset({"server_id", "merchant_id", "limit"}),
        repeated=frozenset({"status", "state"}),
    ),
    Endpoint("GET", "/server-manager/servers", _servers, query=_USER, needed=_USER),
    Endpoint("GET", "/server-manager/servers/{server}", _one_server, query=_USER),
    Endpoint("POST", "/server-manager/servers/{server}/set_published/{value:true|false}", _set_published),
    Endpoint("GET", "/server-manager/product/get/{product}", _product),
    Endpoint("GET", "/product-manager/product/listfull2", _catalogue, query=_USER | {"limit"}, authorised=False),
    Endpoint("GET", "/server-manager/serverproduct/list4edit2/{server}", _station_products, query=_USER),
    Endpoint(
        "GET", "/server-manager/serverendpoint/list/{server}", _endpoints, query=frozenset({"server_id", "limit"})
    ),
)
