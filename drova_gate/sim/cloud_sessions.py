"""Calls about the account's token and its sessions."""

import uuid
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiohttp import web

from drova_gate.sim.cloud_calls import LIMIT_USUAL, Body, Call, Endpoint, visible
from drova_gate.sim.cloud_world import DESKTOP, Session, Token

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = ["ENDPOINTS"]

_FOREIGN_SERVERS = ("0b5b1d06-55cc-4d54-8d2f-6f3f8d0c0a01", "0b5b1d06-55cc-4d54-8d2f-6f3f8d0c0a02")
_UNKNOWN_STATUS = "RECONNECTING"


def _renew(cloud: "Cloud", call: Call) -> web.Response:
    renewed = cloud.world.renew(call.body["proxy_token"])
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
    token, limit = call.user, call.limit(LIMIT_USUAL)
    asked, merchant = call.uuid("server_id"), call.uuid("merchant_id")
    seen = [
        server.uuid
        for server in visible(cloud, token)
        if token.server is not None or asked is None or server.uuid == asked
    ]
    found = (one for one in cloud.world.newest_first(seen) if merchant in (None, one.merchant_id))
    if cloud.plan.filters_work:
        wanted = {*call.query.getall("status", []), *call.query.getall("state", [])}
        found = (one for one in found if not wanted or one.status in wanted)
    lines = [_line(cloud, session) for session in islice(found, limit)]
    if cloud.session_list_empty():
        lines = []
    elif "foreign_sessions" in cloud.faults:
        lines = [*_foreign(cloud, token), *lines]
    return web.json_response({"sessions": lines})


def _line(cloud: "Cloud", session: Session) -> dict[str, Any]:
    line = session.shown(ended=not cloud.end_is_late(session))
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


def _version(_cloud: "Cloud", _call: Call) -> web.Response:
    """Seen in one client and never verified; a guess at its shape."""
    return web.json_response({"version": "1.0.0-simulated"})


ENDPOINTS = (
    Endpoint("POST", "/token-verifier/renewProxyToken", _renew, body=Body({"proxy_token": (str,)}), authorised=False),
    Endpoint(
        "GET",
        "/session-manager/sessions",
        _sessions,
        query=frozenset({"server_id", "merchant_id", "limit"}),
        repeated=frozenset({"status", "state"}),
    ),
    Endpoint("GET", "/session-manager/version", _version, authorised=False),
)
