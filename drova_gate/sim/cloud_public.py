"""Calls that need no token: what everybody may see."""

import hashlib
import json
from collections import Counter
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from aiohttp import web

from drova_gate.sim.cloud_calls import USER, Body, Call, Endpoint, Refuse, product_of
from drova_gate.sim.cloud_world import Server

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = ["ENDPOINTS"]

_STATIONS_MOST = 1000
_WEEK_MS = 7 * 86_400_000
_POPULAR_MOST = 96
"""Seen live: 3745 bytes of ids."""
_PLACES = ("Москва", "Московская область", "Санкт-Петербург", "Казань", "Новосибирск", "Екатеринбург", "Самара", "Сочи")


def _shown(server: Server) -> bool:
    return server.published and server.started and server.online


def _public_stations(cloud: "Cloud", call: Call) -> web.Response:
    """Published stations that are online, by words, state and games; what the other fields do is not known, and they do nothing."""
    body: dict[str, Any] = call.body
    limit, offset = body.get("limit", _STATIONS_MOST), body.get("offset", 0)
    if not 1 <= limit <= _STATIONS_MOST or offset < 0:
        raise Refuse(400, f"body: limit: a number from 1 to {_STATIONS_MOST} expected, offset: 0 or more")
    words = (body.get("stationNameOrDescription") or "").casefold()
    status, products = body.get("stationStatus"), body.get("products") or []
    found = (
        server
        for server in cloud.servers.values()
        if _shown(server)
        and words in f"{server.name}\n{server.description}".casefold()
        and status in (None, cloud.world.state(server))
        and (not products or any(product in server.products for product in products))
    )
    return web.json_response([cloud.world.server(server) for server in islice(found, offset, offset + limit)])


def _public_station(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response(cloud.world.server(_anyones(cloud, call, published=True)))


def _anyones(cloud: "Cloud", call: Call, *, published: bool) -> Server:
    server = cloud.servers.get(call.path["server"].lower())
    if server is None or (published and not _shown(server)):
        raise Refuse(404, "Not found", noted=False)
    return server


def _hardware(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response(_anyones(cloud, call, published=False).hardware.shown())


def _product(cloud: "Cloud", call: Call) -> web.Response:
    return web.json_response(product_of(cloud, call).public())


def _catalogue(cloud: "Cloud", call: Call) -> web.Response:
    """The catalogue; with its ETag where the plan says so."""
    call.uuid("user_id")
    products = list(cloud.world.products.values())
    text = json.dumps([one.listed() for one in products[: call.limit(len(products))]], ensure_ascii=False)
    if not cloud.plan.etag:
        return web.Response(text=text, content_type="application/json")
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
    if call.tag == tag:
        return web.Response(status=304, headers={"ETag": tag})
    return web.Response(text=text, content_type="application/json", headers={"ETag": tag})


def _popular(cloud: "Cloud", _call: Call) -> web.Response:
    """Ids only, the most played of this week first."""
    since = cloud.world.now_ms() - _WEEK_MS
    recent = takewhile(lambda session: session.created_on >= since, cloud.world.newest_first())
    played = Counter(session.product for session in recent)
    order = sorted(cloud.world.products, key=lambda product: -played[product])
    return web.json_response(order[:_POPULAR_MOST])


def _places(_cloud: "Cloud", call: Call) -> web.Response:
    """Places whose name begins so. The real schema is not known; about as long as the real answer."""
    prefix = call.query["prefix"].casefold()
    found = [
        {"id": 1000 + number, "name": name, "country": "Россия", "latitude": 55.75, "longitude": 37.61}
        for number, name in enumerate(_PLACES)
        if name.casefold().startswith(prefix)
    ]
    return web.json_response(found, dumps=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")))


_PREFIX = frozenset({"prefix"})
_SEARCH = Body(
    {
        "stationNameOrDescription": (str, None),
        "stationStatus": (str, None),
        "products": (list, None),
        "geo": (dict, None),
        # A text in the catalogue, a yes or no in one description of this call.
        "requiredAccount": (str, bool, None),
        "freeToPlay": (bool, None),
        "license": (str, None),
        "limit": (int,),
        "offset": (int,),
        "published": (bool,),
    },
    whole=False,
)

ENDPOINTS = (
    Endpoint("POST", "/server-manager/servers/public/web", _public_stations, body=_SEARCH, authorised=False),
    Endpoint("GET", "/server-manager/servers/public/{server}", _public_station, authorised=False),
    Endpoint("GET", "/server-manager/hardware/list/{server}", _hardware, authorised=False),
    Endpoint("GET", "/server-manager/product/get2/{product}", _product, authorised=False),
    Endpoint("GET", "/product-manager/product/listfull2", _catalogue, query=USER | {"limit"}, authorised=False),
    Endpoint("GET", "/accounting/statistics/most_popular_games", _popular, authorised=False),
    Endpoint("GET", "/geo/byprefix", _places, query=_PREFIX, needed=_PREFIX, authorised=False),
)
