"""Every answer that the client reads: its call, how it is read, and an example in the live shape."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cloud_peers import SERVER, USER

from drova_gate.cloud import answers, models
from drova_gate.cloud.answers import Answer
from drova_gate.sim.cloud import DESKTOP, GAME

MOMENT = 1_779_118_505_307
SESSION = {
    "abort_comment": "left",
    "billing_type": "prepaid",
    "client_id": str(USER),
    "created_on": MOMENT,
    "creator_ip": "203.0.113.5",
    "finished_on": MOMENT + 60_000,
    "merchant_id": str(USER),
    "product_id": GAME,
    "server_id": str(SERVER),
    "status": "ABORTED",
    "uuid": "0d5a3d1e-2f64-4e7b-8d3c-0c9a4f1b2c30",
}
STATION = {
    "alive_since": None,
    "allow_desktop": False,
    "city_name": "Москва",
    "created_on": MOMENT,
    "deleted": False,
    "description": "<b>PC</b>",
    "disable_updates": True,
    "distance": None,
    "groups_list": ["Free trial volunteers"],
    "last_heartbeat": 0,
    "latitude": 55.75,
    "longitude": 37.61,
    "name": "pc1",
    "options_mask": 0,
    "product_id": None,
    "product_list": [GAME, DESKTOP],
    "published": False,
    "session_id": None,
    "state": "UNVERIFIED",
    "user_id": str(USER),
    "uuid": str(SERVER),
    "verified": "READY",
}
STAT = {"sessionCount": 3, "totalIncome": 120.5, "totalMsecs": 7_200_000}
PERIOD = {
    "totalStat": STAT,
    "perServerStats": {str(SERVER): {"totalStat": STAT, "perGameStats": {GAME: STAT}}},
    "perGameStats": {GAME: STAT},
}
PROMOCODE = {
    "created_on": MOMENT,
    "expired": False,
    "expired_on": MOMENT + 2_678_400_000,
    "id": 14037,
    "merchant_id": str(USER),
    "playtime_msecs": 60_000,
    "promocode": "22945015",
}
ACCOUNT = {
    "balance": 1250.5,
    "created_on": MOMENT,
    "disabled": False,
    "emails": ["a@example.org"],
    "exportable_money": "1000",
    "name": "Ivan",
    "roles": ["client", "merchant"],
    "trial_msecs_left": 0,
    "use_prepaid": True,
    "uuid": str(USER),
}
STATION_PRODUCT = {
    "available": True,
    "enabled": False,
    "needVpn": False,
    "productId": GAME,
    "published": True,
    "title": "Marvel Rivals",
    "useDefaultDesktop": False,
    "verified": 2,
}
SETTINGS = {
    "allowedPaths": None,
    "args": None,
    "available": True,
    "defaultAllowedPaths": "",
    "defaultArgs": "steam://rungameid/610370",
    "defaultGamePath": r"C:\Program Files (x86)\Steam\Steam.exe",
    "defaultWorkPath": "C:\\Program Files (x86)\\Steam\\",
    "enabled": True,
    "gamePath": r"D:\game.exe",
    "productId": GAME,
    "published": True,
    "title": "Desperados III",
    "verified": 2,
    "workPath": None,
}
CATALOGUE_ITEM = {
    "productId": "d5f88d94-87d5-11e7-bb31-000000003778",
    "title": "Fortnite",
    "displayName": "Fortnite",
    "aliases": None,
    "inShopUrl": "https://store.steampowered.com/app/610370/",
    "requiredAccount": "Epic Games",
    "licenseType": "Require",
    "metacriticScore": "81",
    "noLicenseRequred": True,
    "needVpn": False,
    "useDefaultDesktop": True,
}


@dataclass(frozen=True)
class Shape:
    """One kind of answer."""

    call: str
    """Method and path, as a pattern."""
    path: str
    """Where the simulated cloud answers it."""
    read: Callable[[Answer], Any]
    """As the client does; written out as JSON would have it."""
    example: Any
    exact: frozenset[str] = frozenset()
    """Fields that are there and of their type in everything that is read."""


def _out(model: models.Wire) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _many(model: type[models.Wire]) -> Callable[[Answer], Any]:
    return lambda answer: [_out(one) for one in answers.several(answer, model)]


def _single(model: type[models.Wire]) -> Callable[[Answer], Any]:
    return lambda answer: _out(answers.single(answer, model))


def _sessions(answer: Answer) -> Any:
    return {"sessions": [_out(one) for one in answers.all_sessions(answer)]}


def _own(answer: Answer) -> Any:
    sessions, _ = answers.own_sessions(answer, _station_in(json.loads(answer.body)))
    return {"sessions": [_out(one) for one in sessions]}


def _station_in(raw: Any) -> UUID:
    """Whose list it is: the first session's."""
    try:
        return UUID(raw["sessions"][0]["server_id"])
    except (KeyError, TypeError, IndexError, ValueError, AttributeError):
        return SERVER


def _names(answer: Answer) -> Any:
    return {str(server): name for server, name in answers.names(answer).items()}


def _ids(answer: Answer) -> Any:
    return [str(one) for one in answers.ids(answer)]


ONE = r"[^/]+"
MANAGED = "/server-manager"
SESSION_FIELDS = frozenset({"uuid", "server_id", "product_id", "created_on", "status"})

SHAPES: tuple[Shape, ...] = (
    Shape("GET /accounting/myaccount", "/accounting/myaccount", _single(models.Account), ACCOUNT, frozenset({"uuid"})),
    Shape(
        "GET /session-manager/sessions", "/session-manager/sessions", _own, {"sessions": [SESSION] * 2}, SESSION_FIELDS
    ),
    Shape(
        "GET /session-manager/sessions of a merchant",
        f"/session-manager/sessions?merchant_id={USER}",
        _sessions,
        {"sessions": [SESSION] * 2},
        SESSION_FIELDS,
    ),
    Shape(
        f"GET {MANAGED}/servers",
        f"{MANAGED}/servers?user_id={USER}",
        _many(models.Server),
        [STATION] * 2,
        frozenset({"uuid", "published", "state"}),
    ),
    Shape(f"GET {MANAGED}/servers/server_names", f"{MANAGED}/servers/server_names", _names, {str(SERVER): "pc1"}),
    Shape(
        f"GET {MANAGED}/servers/{ONE}",
        f"{MANAGED}/servers/{SERVER}?user_id={USER}",
        _single(models.Server),
        STATION,
        frozenset({"uuid", "published", "state"}),
    ),
    Shape(
        f"GET {MANAGED}/servers/public/{ONE}",
        f"{MANAGED}/servers/public/{SERVER}",
        _single(models.PublicStation),
        STATION,
        frozenset({"uuid"}),
    ),
    Shape(
        f"GET {MANAGED}/serverproduct/list4edit2/{ONE}",
        f"{MANAGED}/serverproduct/list4edit2/{SERVER}",
        _many(models.StationProduct),
        [STATION_PRODUCT] * 2,
        frozenset({"productId", "enabled"}),
    ),
    Shape(
        f"GET {MANAGED}/serverproduct/list4edit2/{ONE}/{ONE}",
        f"{MANAGED}/serverproduct/list4edit2/{SERVER}/{GAME}",
        _single(models.ProductSettings),
        SETTINGS,
        frozenset({"productId", "enabled"}),
    ),
    Shape(
        f"GET /product-manager/serverproduct/list/{ONE}",
        f"/product-manager/serverproduct/list/{SERVER}",
        _many(models.ListedProduct),
        [{"product_id": GAME, "enabled": True, "verified": "READY", "game_path": "x", "work_path": "", "args": None}],
        frozenset({"product_id", "enabled"}),
    ),
    Shape(
        f"GET {MANAGED}/serverendpoint/list/{ONE}",
        f"{MANAGED}/serverendpoint/list/{SERVER}",
        _many(models.Endpoint),
        [{"uuid": str(USER), "server_id": str(SERVER), "ip": "203.0.113.9", "base_port": 7995, "user_defined": True}],
        frozenset({"uuid", "server_id", "ip", "base_port"}),
    ),
    Shape(
        f"GET {MANAGED}/product/get/{ONE}",
        f"{MANAGED}/product/get/{GAME}",
        _single(models.Product),
        {"product_id": GAME, "title": "Game", "use_default_desktop": False, "game_path": "x", "args": ""},
        frozenset({"product_id", "use_default_desktop"}),
    ),
    Shape(
        f"GET {MANAGED}/product/get2/{ONE}",
        f"{MANAGED}/product/get2/{GAME}",
        _single(models.PublicProduct),
        {"displayName": "Game", "title": "Game", "cardPicture": "x.jpg"},
    ),
    Shape(
        "GET /product-manager/product/listfull2",
        "/product-manager/product/listfull2",
        _many(models.CatalogueItem),
        [CATALOGUE_ITEM] * 2,
        frozenset({"productId"}),
    ),
    Shape(
        f"GET {MANAGED}/hardware/list/{ONE}",
        f"{MANAGED}/hardware/list/{SERVER}",
        _single(models.Hardware),
        {
            "ram_bytes": 1 << 35,
            "processor": {"manufacturer": "AMD", "version": "Ryzen"},
            "graphic": [{"manufacturer": "NVIDIA", "name": "RTX", "ram_bytes": 1 << 33}],
        },
    ),
    Shape(
        "GET /accounting/statistics/most_popular_games", "/accounting/statistics/most_popular_games", _ids, [GAME] * 2
    ),
    Shape(
        "GET /accounting/statistics/myserverusageprepared",
        "/accounting/statistics/myserverusageprepared",
        _single(models.Usage),
        {"todayStat": PERIOD, "weekStat": PERIOD, "monthStat": PERIOD},
        frozenset({"todayStat", "weekStat", "monthStat"}),
    ),
    Shape(
        f"GET /accounting/unpayedstats/{ONE}",
        f"/accounting/unpayedstats/{USER}",
        _single(models.UnpaidStats),
        {"trial_msecs_left": 600_000},
    ),
    Shape(
        "GET /accounting/prepaid/list_unused_promocodes/false",
        "/accounting/prepaid/list_unused_promocodes/false",
        _many(models.Promocode),
        [PROMOCODE] * 2,
        frozenset({"promocode"}),
    ),
    Shape(
        f"GET /accounting/prepaid/prepaid_stats4merchant/{ONE}",
        f"/accounting/prepaid/prepaid_stats4merchant/{USER}",
        _single(models.PrepaidStats),
        {"allowed_to_sell_minutes": 2683, "balance": 12.5, "merchant_id": str(USER), "sold_minutes": 205126},
    ),
    Shape(
        f"GET /accounting/prepaid/list4merchant/{ONE}",
        f"/accounting/prepaid/list4merchant/{USER}",
        _many(models.PrepaidSale),
        [{"client_id": None, "created_on": MOMENT, "has_order": False, "playtime_msecs": 1, "uuid": str(SERVER)}],
        frozenset({"uuid"}),
    ),
    Shape(
        "GET /accounting/tinkoff/prepaid/getOpenedDeals",
        "/accounting/tinkoff/prepaid/getOpenedDeals",
        _many(models.OpenDeal),
        [{"created_on": MOMENT, "dealId": "d-1", "payout": 10, "sum": 12.5, "terminal_index": 0}],
    ),
)


def holds(kept: Any, sent: Any, place: str = "") -> list[str]:
    """Name whatever of ``sent`` is missing or different in ``kept``."""
    if isinstance(sent, dict):
        gone = [f"{place}.{name}" for name in sent if not isinstance(kept, dict) or name not in kept]
        return gone or [fault for name in sent for fault in holds(kept[name], sent[name], f"{place}.{name}")]
    if isinstance(sent, list):
        if not isinstance(kept, list) or len(kept) != len(sent):
            return [place]
        return [fault for index, value in enumerate(sent) for fault in holds(kept[index], value, f"{place}[{index}]")]
    return [] if kept == sent and type(kept) is type(sent) else [place]


def names_in(value: Any, place: str = "") -> set[str]:
    """Every field by its place; the items of a list count as one, ids that are names of fields as "id"."""
    if isinstance(value, dict):
        keys = {name: "id" if name.count("-") == 4 else name for name in value}
        return {f"{place}.{key}" for key in keys.values()}.union(
            *(names_in(value[name], f"{place}.{key}") for name, key in keys.items())
        )
    if isinstance(value, list):
        return set().union(*(names_in(item, f"{place}[]") for item in value))
    return set()
