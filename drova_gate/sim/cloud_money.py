"""Calls about the owner's money."""

from typing import TYPE_CHECKING

from aiohttp import web

from drova_gate.sim import cloud_ledger
from drova_gate.sim.cloud_calls import Call, Endpoint, Refuse, visible

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = ["ENDPOINTS"]

_PROMOCODES_MOST = 9999
"""Of one call; what the site's own form allows."""


def _account(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response(cloud_ledger.account(call.user.user_id, cloud.money))


def _usage(cloud: "Cloud", call: Call) -> web.Response:
    servers = [server.uuid for server in visible(cloud, call.user)]
    return web.json_response(cloud_ledger.usage(cloud.world, servers, cloud.money))


def _unpaid(_cloud: "Cloud", call: Call) -> web.Response:
    call.own("user")
    return web.json_response({"trial_msecs_left": 600_000})


def _issue(cloud: "Cloud", call: Call) -> web.Response:
    """A GET that makes promocodes: each call makes new ones."""
    count, msecs = int(call.path["count"]), int(call.path["msecs"])
    if not 1 <= count <= _PROMOCODES_MOST:
        raise Refuse(400, f"count: a number from 1 to {_PROMOCODES_MOST} expected")
    if not msecs:
        raise Refuse(400, "playtime_msecs: more than 0 expected")
    now, ledger = cloud.world.now_ms(), cloud.world.ledger
    made = ledger.make_promocodes(call.user.user_id, count, msecs, now)
    if not call.idle:
        ledger.keep(made)
    return web.json_response([one.shown(now) for one in made])


def _unused(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response(cloud.world.ledger.unused(call.user.user_id, cloud.world.now_ms()))


def _prepaid_stats(cloud: "Cloud", call: Call) -> web.Response:
    owner = call.own("merchant")
    servers = [server.uuid for server in visible(cloud, call.user)]
    return web.json_response(cloud_ledger.prepaid_stats(cloud.world, owner, servers, cloud.money))


def _sales(cloud: "Cloud", call: Call) -> web.Response:
    owner = call.own("merchant")
    sales = cloud.world.ledger.sales
    return web.json_response([one.shown() for one in reversed(sales) if one.merchant_id == owner])


def _deals(cloud: "Cloud", call: Call) -> web.Response:
    deals = cloud.world.ledger.deals.get(call.user.user_id, [])
    return web.json_response([one.shown(cloud.money) for one in deals])


ENDPOINTS = (
    Endpoint("GET", "/accounting/myaccount", _account),
    Endpoint("GET", "/accounting/statistics/myserverusageprepared", _usage),
    Endpoint("GET", "/accounting/unpayedstats/{user}", _unpaid),
    Endpoint(
        "GET", r"/accounting/prepaid/issue_promocodes/{count:\d{1,9}}/{msecs:\d{1,12}}", _issue, write="promocodes"
    ),
    Endpoint("GET", "/accounting/prepaid/list_unused_promocodes/false", _unused),
    Endpoint("GET", "/accounting/prepaid/prepaid_stats4merchant/{merchant}", _prepaid_stats),
    Endpoint("GET", "/accounting/prepaid/list4merchant/{merchant}", _sales),
    Endpoint("GET", "/accounting/tinkoff/prepaid/getOpenedDeals", _deals),
)
