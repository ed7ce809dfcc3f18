"""The money of the simulated cloud: income and hours counted from its sessions, promocodes, prepaid sales, deals."""

import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drova_gate.sim.cloud_world import Session, World

__all__ = ["Deal", "Ledger", "Promocode", "Sale", "account", "income", "prepaid_stats", "usage"]

Json = dict[str, Any]
Money = Callable[[float], float | str]
"""How an amount is written: the JSON type of real amounts is not known."""

_DAY_MS = 86_400_000
_MOSCOW_MS = 3 * 3_600_000
"""Where a day begins is not known; the service is Moscow's."""
_PROMOCODE_MS = 31 * _DAY_MS
"""Seen live: a promocode is good for 31 days."""
_SPANS_DAYS = {"todayStat": 1, "weekStat": 7, "monthStat": 30}
_RATES = {"prepaid": 1.5, "subscription": 0.8, "trial": 0.0}
"""Roubles a minute that a station earns, by ``billing_type``."""


@dataclass(frozen=True, slots=True)
class Promocode:
    """Minutes of play that an owner gave away."""

    number: int
    code: str
    created_on: int
    merchant_id: str
    playtime_msecs: int

    def shown(self, now: int) -> Json:
        """An item of both promocode calls."""
        expired_on = self.created_on + _PROMOCODE_MS
        return {
            "created_on": self.created_on,
            "expired": now >= expired_on,
            "expired_on": expired_on,
            "id": self.number,
            "merchant_id": self.merchant_id,
            "playtime_msecs": self.playtime_msecs,
            "promocode": self.code,
        }


@dataclass(frozen=True, slots=True)
class Sale:
    """Prepaid minutes sold; without a client until somebody takes them."""

    uuid: str
    merchant_id: str
    created_on: int
    playtime_msecs: int
    client_id: str | None = None
    has_order: bool = False

    def shown(self) -> Json:
        """An item of ``prepaid/list4merchant``."""
        return {
            "client_id": self.client_id,
            "created_on": self.created_on,
            "has_order": self.has_order,
            "playtime_msecs": self.playtime_msecs,
            "uuid": self.uuid,
        }


@dataclass(frozen=True, slots=True)
class Deal:
    """A payout that is not closed yet."""

    deal_id: str
    created_on: int
    total: float
    payout: float
    terminal: int = 0

    def shown(self, money: Money) -> Json:
        """An item of ``getOpenedDeals``."""
        return {
            "created_on": self.created_on,
            "dealId": self.deal_id,
            "payout": money(self.payout),
            "sum": money(self.total),
            "terminal_index": self.terminal,
        }


@dataclass(slots=True)
class Ledger:
    """What owners issued, sold and are owed."""

    promocodes: list[Promocode] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    deals: dict[str, list[Deal]] = field(default_factory=dict)
    """By owner."""
    chance: random.Random = field(default_factory=lambda: random.Random(7985))

    def make_promocodes(self, merchant_id: str, count: int, playtime_msecs: int, now: int) -> list[Promocode]:
        """So many new promocodes, of value only once they are ``keep``-ed."""
        first = 14_000 + len(self.promocodes)
        return [
            Promocode(first + number, f"{self.chance.randrange(10**8):08}", now, merchant_id, playtime_msecs)
            for number in range(count)
        ]

    def keep(self, made: Iterable[Promocode]) -> None:
        """Remember promocodes as issued."""
        self.promocodes += made

    def unused(self, merchant_id: str, now: int) -> list[Json]:
        """The owner's promocodes that are good, newest first."""
        shown = (one.shown(now) for one in reversed(self.promocodes) if one.merchant_id == merchant_id)
        return [one for one in shown if not one["expired"]]

    def sell(self, merchant_id: str, minutes: int, now: int, client_id: str | None = None) -> Sale:
        """Prepaid minutes change hands."""
        made = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        sale = Sale(made, merchant_id, now, 60_000 * minutes, client_id, has_order=client_id is not None)
        self.sales.append(sale)
        return sale


def income(session: "Session", now: int) -> float:
    """Roubles that a session has earned."""
    if session.status == "ABORTED":
        return 0.0
    return (
        _RATES.get(session.billing_type or "", 0.0) * max(0, (session.finished_on or now) - session.created_on) / 60_000
    )


class _Sum:
    """Sessions counted together."""

    __slots__ = ("count", "income", "msecs")

    def __init__(self) -> None:
        self.count, self.msecs, self.income = 0, 0, 0.0

    def add(self, msecs: int, roubles: float) -> None:
        self.count += 1
        self.msecs += msecs
        self.income += roubles

    def shown(self, money: Money) -> Json:
        return {"sessionCount": self.count, "totalIncome": money(self.income), "totalMsecs": self.msecs}


class _Span:
    """The sums of one span of days."""

    def __init__(self, servers: Iterable[str]) -> None:
        self.total = _Sum()
        self.games: dict[str, _Sum] = {}
        self.servers: dict[str, tuple[_Sum, dict[str, _Sum]]] = {server: (_Sum(), {}) for server in servers}

    def add(self, session: "Session", now: int) -> None:
        msecs, roubles = max(0, (session.finished_on or now) - session.created_on), income(session, now)
        total, games = self.servers[session.server]
        for one in (
            self.total,
            self.games.setdefault(session.product, _Sum()),
            total,
            games.setdefault(session.product, _Sum()),
        ):
            one.add(msecs, roubles)

    def shown(self, money: Money) -> Json:
        def by_game(games: dict[str, _Sum]) -> Json:
            return {product: one.shown(money) for product, one in games.items()}

        return {
            "perGameStats": by_game(self.games),
            "perServerStats": {
                server: {"perGameStats": by_game(games), "totalStat": total.shown(money)}
                for server, (total, games) in self.servers.items()
                if total.count
            },
            "totalStat": self.total.shown(money),
        }


def usage(world: "World", servers: list[str], money: Money) -> Json:
    """The answer of ``myserverusageprepared``: sessions by when they began; today begins at midnight in Moscow."""
    now = world.now_ms()
    midnight = (now + _MOSCOW_MS) // _DAY_MS * _DAY_MS - _MOSCOW_MS
    since = {name: midnight - (days - 1) * _DAY_MS for name, days in _SPANS_DAYS.items()}
    spans = {name: _Span(servers) for name in since}
    for session in world.newest_first(servers):
        if session.created_on < since["monthStat"]:
            break
        for name, span in spans.items():
            if session.created_on >= since[name]:
                span.add(session, now)
    return {name: span.shown(money) for name, span in spans.items()}


def prepaid_stats(world: "World", merchant_id: str, servers: list[str], money: Money) -> Json:
    """The answer of ``prepaid_stats4merchant``; minutes that prepaid sessions took are used ones."""
    now = world.now_ms()
    played = sum(
        (session.finished_on or now) - session.created_on
        for session in world.newest_first(servers)
        if session.billing_type == "prepaid" and session.status != "ABORTED"
    )
    sold = sum(one.playtime_msecs for one in world.ledger.sales if one.merchant_id == merchant_id)
    return {
        # The live figures: what was used and is not sold yet, within minutes.
        "allowed_to_sell_minutes": max(0, (played - sold) // 60_000),
        "balance": money(1250.5),
        "merchant_id": merchant_id,
        "sold_minutes": sold // 60_000,
        "used_minutes": played // 60_000,
    }


def account(user_id: str, money: Money) -> Json:
    """The answer of ``accounting/myaccount``."""
    return {
        "balance": money(1250.5),
        "created_on": 1_660_000_000_000,
        "disabled": False,
        "emails": "owner@example.org",
        "exportable_money": money(1000),
        "mts_msisdn": "",
        "mts_pcr": "",
        "name": "Station owner",
        "primary_qiwi_bankcard_id": None,
        "qiwi_wallet": None,
        "roles": ["client", "merchant"],
        "trial_msecs_left": 0,
        "unlimited_credit": True,
        "use_mts_billing": False,
        "use_prepaid": True,
        "use_subscription": False,
        "uuid": user_id,
    }
