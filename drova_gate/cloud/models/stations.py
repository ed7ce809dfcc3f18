"""Stations, their addresses and hardware, and the sessions on them."""

from typing import Annotated, Any
from uuid import UUID

from drova_gate.cloud.models.wire import SHOWN, Flag, Id, Int, Milliseconds, Moment, Number, Port, Text, Truth, Wire

__all__ = ["Endpoint", "Graphic", "Hardware", "Processor", "PublicStation", "Server", "Session"]


class Session(Wire):
    """One rental."""

    uuid: UUID
    server_id: UUID
    product_id: UUID
    created_on: Milliseconds
    status: str
    """As sent; NEW, HANDSHAKE, ACTIVE, ABORTED and FINISHED are known, others may come."""
    finished_on: Moment = None
    """Absent while it runs; whether it is over is said by ``status`` alone."""
    client_id: Id = None
    merchant_id: Id = None
    creator_ip: Text = None
    """The player's address as text: nothing promises IPv4."""
    billing_type: Text = None
    """Prepaid, subscription, trial; an open set."""
    abort_comment: Text = None
    score: Number = None
    score_reason: Number = None
    """0 good, 1 the game did not start, 2 lags, 3 technical, 4 updates; an open set."""
    score_text: Text = None


class PublicStation(Wire):
    """One station as everybody sees it; no live sample shows which of these fields the public calls send."""

    uuid: UUID
    name: Text = None
    state: Text = None
    published: Flag = None
    user_id: Id = None
    description: Text = None
    """HTML as the owner wrote it: not safe to show as it is."""
    verified: Number = None
    """READY here; a number in the product lists."""
    allow_desktop: Flag = None
    disable_updates: Flag = None
    deleted: Flag = None
    created_on: Moment = None
    alive_since: Moment = None
    last_heartbeat: Moment = None
    """0: never."""
    city_name: Text = None
    latitude: Number = None
    longitude: Number = None
    distance: Number = None
    product_id: Id = None
    session_id: Id = None
    product_list: Annotated[tuple[UUID, ...] | None, SHOWN] = None
    groups_list: Annotated[tuple[Any, ...] | None, SHOWN] = None
    options_mask: Int = None

    @property
    def ever_seen(self) -> bool:
        """Whether the station's agent has ever reported."""
        return bool(self.last_heartbeat)


class Server(PublicStation):
    """One station in the owner's list."""

    published: Truth
    """Shown in the catalogue."""
    state: str
    """As sent; LISTEN is free, HANDSHAKE and BUSY are taken, OFFLINE and UNVERIFIED (never started) are not there; an open set."""


class Endpoint(Wire):
    """One address under which players reach a station."""

    uuid: UUID
    server_id: UUID
    ip: str
    base_port: Port
    """7985 is the agent's own port; 7995 and 8005 were seen as ports that owners forward."""
    externally_routable: Flag = None
    user_defined: Flag = None
    priority: Int = None
    updated_on: Moment = None


class Processor(Wire):
    """A station's processor."""

    manufacturer: Text = None
    version: Text = None


class Graphic(Wire):
    """One of a station's graphics cards."""

    manufacturer: Text = None
    name: Text = None
    ram_bytes: Int = None


class Hardware(Wire):
    """What a station is made of."""

    ram_bytes: Int = None
    processor: Annotated[Processor | None, SHOWN] = None
    graphic: Annotated[tuple[Graphic, ...] | None, SHOWN] = None
