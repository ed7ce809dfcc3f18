"""What the simulated Drova cloud knows: accounts' tokens, stations, sessions, products; and its JSON, in the real shapes.

``null`` and *absent* are two things there, and both are kept: a session that runs has no ``finished_on`` at all, a station that
is free has ``session_id: null``. Times are milliseconds since 1970.
"""

import heapq
import time
import uuid
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from drova_gate.sim.cloud_catalogue import (
    CYBERPUNK,
    CYBERPUNK_COPY,
    DESKTOP,
    GAME,
    OLD_DESKTOP_GAME,
    OLD_GAME,
    PRODUCTS,
    Product,
    catalogue,
)
from drova_gate.sim.cloud_ledger import Ledger

__all__ = [
    "CYBERPUNK",
    "CYBERPUNK_COPY",
    "DESKTOP",
    "GAME",
    "OLD_DESKTOP_GAME",
    "OLD_GAME",
    "PRODUCTS",
    "Hardware",
    "Product",
    "Server",
    "Session",
    "StationProduct",
    "Token",
    "World",
]

Json = dict[str, Any]

OVER = ("FINISHED", "ABORTED")

_READY = 2
"""``verified`` of a product is a number; ``"READY"`` elsewhere."""


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
    score_reason: int | None = None
    score_text: str | None = None
    hidden: bool = False
    """Not shown in any list (the cloud shows the end of a session late, or never)."""
    before_end: str = "ACTIVE"
    """The status that a list shows which does not know of the end yet."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in OVER

    def shown(self, *, ended: bool = True) -> Json:
        """A line of the session list; what does not apply is absent. ``ended=False``: as before its end."""
        line: Json = {}
        # In the order of the names, as the real one.
        if ended and self.abort_comment is not None:
            line["abort_comment"] = self.abort_comment
        if self.billing_type is not None:
            line["billing_type"] = self.billing_type
        line["client_id"] = self.client_id
        line["created_on"] = self.created_on
        line["creator_ip"] = self.creator_ip
        if ended and self.finished_on is not None:
            line["finished_on"] = self.finished_on
        line["merchant_id"] = self.merchant_id
        line["product_id"] = self.product
        if ended and self.score is not None:
            line["score"] = self.score
        if ended and self.score_reason is not None:
            line["score_reason"] = self.score_reason
        if ended and self.score_text is not None:
            line["score_text"] = self.score_text
        line["server_id"] = self.server
        line["status"] = self.status if ended else self.before_end
        line["uuid"] = self.uuid
        return line


@dataclass(slots=True)
class StationProduct:
    """A product on a station; ``None`` stands for the product's own path."""

    enabled: bool = True
    game_path: str | None = None
    work_path: str | None = None
    args: str | None = None
    allowed_paths: str | list[str] | None = None
    verified: int = _READY
    """Anything else: Drova has not released the game on this station."""

    def line(self, product: Product) -> Json:
        """A line of ``list4edit2``: camelCase, ``verified`` is a number here."""
        return {
            "available": True,
            "enabled": self.enabled,
            "needVpn": False,
            "productId": product.uuid,
            "published": True,
            "title": product.title,
            "useDefaultDesktop": product.desktop,
            "verified": self.verified,
        }

    def settings(self, product: Product) -> Json:
        """The answer of ``list4edit2`` about one product."""
        return {
            "allowedPaths": self.allowed_paths,
            "args": self.args,
            "available": True,
            "defaultAllowedPaths": product.allowed_paths,
            "defaultArgs": product.args,
            "defaultGamePath": product.game_path,
            "defaultWorkPath": product.work_path,
            "enabled": self.enabled,
            "gamePath": self.game_path,
            "productId": product.uuid,
            "published": True,
            "title": product.title,
            "verified": self.verified,
            "workPath": self.work_path,
        }

    def listed(self, product: Product) -> Json:
        """A line of ``product-manager/serverproduct/list``: snake_case, ``verified`` is a word."""
        return {
            "args": product.args if self.args is None else self.args,
            "enabled": self.enabled,
            "game_path": product.game_path if self.game_path is None else self.game_path,
            "product_id": product.uuid,
            "verified": "READY",
            "work_path": product.work_path if self.work_path is None else self.work_path,
        }


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a station is made of."""

    processor: tuple[str, str] = ("AMD", "AMD Ryzen 7 5800X3D 8-Core Processor")
    """Manufacturer and version."""
    graphics: tuple[tuple[str, str, int], ...] = (("NVIDIA", "NVIDIA GeForce RTX 4070", 12 << 30),)
    """Manufacturer, name and bytes of each card."""
    ram_bytes: int = 32 << 30

    def shown(self) -> Json:
        """The answer of ``hardware/list``."""
        manufacturer, version = self.processor
        return {
            "graphic": [{"manufacturer": maker, "name": name, "ram_bytes": ram} for maker, name, ram in self.graphics],
            "processor": {"manufacturer": manufacturer, "version": version},
            "ram_bytes": self.ram_bytes,
        }


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
    disable_updates: bool = False
    deleted: bool = False
    """The owner took it off his account; whether the real list still names such a one is not known."""
    description: str = "<p>A simulated station</p>"
    city: str = "Moscow"
    last_heartbeat: int | None = None
    """Of a station that is off; ``None``: as old as the station."""
    groups: tuple[str, ...] = ()
    hardware: Hardware = Hardware()
    products: dict[str, StationProduct] = field(
        default_factory=lambda: {product.uuid: StationProduct() for product in PRODUCTS}
    )
    """By the product's uuid."""
    ports: tuple[tuple[int, bool], ...] = ((7995, True), (7985, False))
    """(port, set by the owner)."""
    forwarded: frozenset[int] = frozenset()
    """Ports of the station's own that the cloud reaches from outside all the same."""


def _age(session: Session) -> int:
    return session.created_on


class World:
    """The cloud's memory. ``now_ms`` gives the time."""

    def __init__(
        self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000, catalogue_size: int = 60
    ) -> None:
        self.now_ms = now_ms
        self.servers: dict[str, Server] = {}
        self.sessions: dict[str, Session] = {}
        """To be read; ``add_session`` adds."""
        self.tokens: dict[str, Token] = {}
        self.products: dict[str, Product] = catalogue(catalogue_size)
        self.ledger = Ledger()
        self._oldest_first: dict[str, list[Session]] = {}
        """Each station's sessions: a list call must not sort a hundred thousand."""
        self._newest_ms = 0

    def add_session(self, session: Session) -> Session:
        """Remember a session."""
        self.sessions[session.uuid] = session
        line = self._oldest_first.setdefault(session.server, [])
        if line and line[-1].created_on > session.created_on:
            insort(line, session, key=_age)
        else:
            line.append(session)
        self._newest_ms = max(self._newest_ms, session.created_on)
        return session

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
        newest = next(self.newest_first([server]), None)
        return None if newest is None or newest.over else newest

    def newest_first(self, servers: Iterable[str] | None = None) -> Iterator[Session]:
        """Sessions that are not hidden, of some stations or of all."""
        wanted = self._oldest_first if servers is None else servers
        lines = [self._oldest_first[server] for server in wanted if server in self._oldest_first]
        merged = (
            reversed(lines[0])
            if len(lines) == 1
            else heapq.merge(*(reversed(line) for line in lines), key=_age, reverse=True)
        )
        return (session for session in merged if not session.hidden)

    def next_moment(self) -> int:
        """Now, and later than every session so far: their order is by this."""
        return max(self.now_ms(), self._newest_ms + 1)

    def server(self, server: Server) -> Json:
        """One station as ``server-manager/servers`` shows it."""
        running = self.running(server.uuid)
        now = self.now_ms()
        alive = server.started and server.online
        return {
            "alive_since": server.created_on if alive else None,
            "allow_desktop": server.allow_desktop,
            "city_name": server.city if server.started else None,
            "created_on": server.created_on,
            "deleted": server.deleted,
            "description": server.description,
            "disable_updates": server.disable_updates,
            "distance": None,
            "groups_list": list(server.groups),
            "last_heartbeat": now if alive else (server.last_heartbeat or server.created_on) if server.started else 0,
            "latitude": 55.75,
            "longitude": 37.61,
            "name": server.name,
            "options_mask": 0,
            "product_id": running.product if running else None,
            # Seen live: the enabled ones only.
            "product_list": [product for product, entry in server.products.items() if entry.enabled],
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
                "externally_routable": by_owner or port in server.forwarded,
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
