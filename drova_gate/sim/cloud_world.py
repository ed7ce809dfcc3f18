"""What the simulated Drova cloud knows: accounts' tokens, stations, sessions, products; and its JSON, in the real shapes.

``null`` and *absent* are two things there, and both are kept: a session that runs has no ``finished_on`` at all, a station that
is free has ``session_id: null``. Times are milliseconds since 1970.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "DESKTOP",
    "GAME",
    "OLD_DESKTOP_GAME",
    "OLD_GAME",
    "PRODUCTS",
    "Product",
    "Server",
    "Session",
    "Token",
    "World",
]

Json = dict[str, Any]

DESKTOP = "9fd0eb43-b2bb-4ce3-93b8-9df63f209098"
"""The product that is the desktop itself; the one id that is the same everywhere."""
GAME = "3c1f7a90-5b0e-4d1c-9a64-8f2f4f6f1b01"
OLD_DESKTOP_GAME = "d5f8a0c4-87d5-11e7-bb31-0000000f0042"
"""An old entry with a version 1 uuid (the real catalogue has such) that opens the desktop."""
OLD_GAME = "d5f8a0c4-87d5-11e7-bb31-0000000f0043"

OVER = ("FINISHED", "ABORTED")


@dataclass(frozen=True, slots=True)
class Product:
    """A game of the catalogue, or the desktop."""

    uuid: str
    title: str
    desktop: bool = False
    game_path: str = "C:\\Games\\game.exe"
    work_path: str = "C:\\Games\\"
    args: str = ""
    required_account: str | None = "Steam"

    def info(self) -> Json:
        """The answer of ``server-manager/product/get``: snake_case."""
        return {
            "allowed_paths": None,
            "args": self.args,
            "game_path": self.game_path,
            "product_id": self.uuid,
            "title": self.title,
            "use_default_desktop": self.desktop,
            "work_path": self.work_path,
        }

    def listed(self) -> Json:
        """A line of ``listfull2``: camelCase, half of it null, one name misspelt as it is."""
        return {
            "ageGroup": None,
            "aliases": None,
            "cardPicture": f"{self.uuid}.jpg",
            "descriptionEn": "",
            "descriptionRu": "",
            "developer": None,
            "displayName": self.title,
            "inShopUrl": None,
            "licenseType": "Required",
            "metacriticScore": None,
            "needVpn": False,
            "noLicenseRequred": None,
            "pagePicture": f"{self.uuid}.page.jpg",
            "productId": self.uuid,
            "publisher": "",
            "requiredAccount": self.required_account,
            "title": self.title,
            "useDefaultDesktop": self.desktop,
        }

    def on_station(self) -> Json:
        """A line of ``list4edit2``: camelCase, ``verified`` is a number here."""
        return {
            "available": True,
            "enabled": True,
            "needVpn": False,
            "productId": self.uuid,
            "published": True,
            "title": self.title,
            "useDefaultDesktop": self.desktop,
            "verified": 2,
        }


PRODUCTS = (
    Product(DESKTOP, "Desktop", desktop=True, game_path="", work_path="", required_account=None),
    Product(GAME, "A Game"),
    Product(OLD_DESKTOP_GAME, "An Old Game With A Launcher", desktop=True, required_account="Epic Games"),
    Product(OLD_GAME, "An Old Game"),
)


@dataclass(slots=True)
class Token:
    """A token; a station's token is bound to that station and cannot be renewed."""

    user_id: str
    server: str | None = None
    stale: bool = False
    """Answered with 401 until it is renewed."""
    renewed: bool = False
    """It has been exchanged for a new one: stale for ever."""


@dataclass(slots=True)
class Session:
    """One rental."""

    uuid: str
    server: str
    merchant_id: str
    client_id: str
    product: str
    created_on: int
    creator_ip: str
    status: str = "HANDSHAKE"
    finished_on: int | None = None
    billing_type: str | None = "prepaid"
    abort_comment: str | None = None
    score: int | str | None = None
    hidden: bool = False
    """Not shown in any list (the cloud shows the end of a session late, or never)."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in OVER

    def shown(self) -> Json:
        """A line of the session list; what does not apply is absent."""
        optional = {
            "abort_comment": self.abort_comment,
            "billing_type": self.billing_type,
            "finished_on": self.finished_on,
            "score": self.score,
        }
        line: Json = {
            "client_id": self.client_id,
            "created_on": self.created_on,
            "creator_ip": self.creator_ip,
            "merchant_id": self.merchant_id,
            "product_id": self.product,
            "server_id": self.server,
            "status": self.status,
            "uuid": self.uuid,
        }
        line.update({name: value for name, value in optional.items() if value is not None})
        return dict(sorted(line.items()))


@dataclass(slots=True)
class Server:
    """One station as the cloud sees it."""

    uuid: str
    name: str
    user_id: str
    created_on: int
    published: bool = True
    online: bool = True
    started: bool = True
    """``False``: the agent has never run, the state is UNVERIFIED and there are no endpoints."""
    allow_desktop: bool = True
    products: list[str] = field(default_factory=lambda: [product.uuid for product in PRODUCTS])
    ports: tuple[tuple[int, bool], ...] = ((7995, True), (7985, False))
    """(port, set by the owner)."""


class World:
    """The cloud's memory. ``now_ms`` gives the time."""

    def __init__(self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000, catalogue: int = 60) -> None:
        self.now_ms = now_ms
        self.servers: dict[str, Server] = {}
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, Token] = {}
        self.products: dict[str, Product] = {product.uuid: product for product in PRODUCTS}
        # The same catalogue in every run.
        chance = random.Random(7985)
        for number in range(max(0, catalogue - len(PRODUCTS))):
            made = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            self.products[made] = Product(made, f"Game {number}")

    def state(self, server: Server) -> str:
        """The station's state word."""
        if not server.started:
            return "UNVERIFIED"
        if not server.online:
            return "OFFLINE"
        running = self.running(server.uuid)
        if running is None:
            return "LISTEN"
        return "BUSY" if running.status == "ACTIVE" else "HANDSHAKE"

    def running(self, server: str) -> Session | None:
        """The newest session of a station, if it has not ended."""
        newest = next(self.newest_first(server), None)
        return None if newest is None or newest.over else newest

    def newest_first(self, server: str | None = None) -> Iterator[Session]:
        """Sessions that are not hidden, of one station or of all."""
        for session in sorted(self.sessions.values(), key=lambda one: one.created_on, reverse=True):
            if not session.hidden and server in (None, session.server):
                yield session

    def next_moment(self) -> int:
        """Now, and later than every session so far: their order is by this."""
        newest = max((session.created_on for session in self.sessions.values()), default=0)
        return max(self.now_ms(), newest + 1)

    def account(self, user_id: str) -> Json:
        """The answer of ``accounting/myaccount``."""
        return {
            "balance": 1250.5,
            "created_on": 1_660_000_000_000,
            "disabled": False,
            "emails": "owner@example.org",
            "exportable_money": 1000,
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

    def server(self, server: Server) -> Json:
        """One station as ``server-manager/servers`` shows it."""
        running = self.running(server.uuid)
        now = self.now_ms()
        alive = server.started and server.online
        return {
            "alive_since": server.created_on if alive else None,
            "allow_desktop": server.allow_desktop,
            "city_name": "Moscow" if server.started else None,
            "created_on": server.created_on,
            "deleted": False,
            "description": "<p>A simulated station</p>",
            "disable_updates": False,
            "distance": None,
            "groups_list": [],
            "last_heartbeat": now if alive else (server.created_on if server.started else 0),
            "latitude": 55.75,
            "longitude": 37.61,
            "name": server.name,
            "options_mask": 0,
            "product_id": running.product if running else None,
            "product_list": list(server.products),
            "published": server.published,
            "session_id": running.uuid if running else None,
            "state": self.state(server),
            "user_id": server.user_id,
            "uuid": server.uuid,
            "verified": "READY",
        }

    def endpoints(self, server: Server) -> list[Json]:
        """The answer of ``serverendpoint/list``: empty for a station that was never started."""
        if not server.started:
            return []
        return [
            {
                "base_port": port,
                "externally_routable": by_owner,
                "ip": "203.0.113.20" if by_owner else "192.168.1.20",
                "priority": 0,
                "server_id": server.uuid,
                "updated_on": self.now_ms(),
                "user_defined": by_owner,
                "uuid": str(uuid.uuid5(uuid.UUID(server.uuid), str(port))),
            }
            for port, by_owner in server.ports
        ]

    def renew(self, old: str) -> tuple[str, Token] | None:
        """A new token for an old merchant token (which ends with it); ``None`` for a station's, an unknown or a renewed one."""
        token = self.tokens.get(old)
        if token is None or token.server is not None or token.renewed:
            return None
        token.stale = token.renewed = True
        fresh = str(uuid.uuid4())
        self.tokens[fresh] = Token(token.user_id)
        return fresh, self.tokens[fresh]
