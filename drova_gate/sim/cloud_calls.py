"""The form of the simulated cloud's calls: what each may carry, and how a wrong one is refused."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import MultiMapping

from drova_gate.sim.cloud_world import Product, Server, StationProduct, Token

if TYPE_CHECKING:
    from drova_gate.sim.cloud import Cloud

__all__ = [
    "LIMIT_USUAL",
    "USER",
    "WRITES",
    "Body",
    "Call",
    "Endpoint",
    "Refuse",
    "entry_of",
    "product_of",
    "server_of",
    "visible",
]

USER = frozenset({"user_id"})
LIMIT_USUAL = 100
"""Without a limit; the real figure is not known."""
_LIMIT_MOST = 1000
"""The session list ends there, whatever is asked."""
WRITES = frozenset({"publish", "desktop", "updates", "describe", "add", "enable", "update", "promocodes"})
"""Kinds of calls that change something."""
_KINDS: dict[type | None, str] = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    list: "a list",
    dict: "an object",
    None: "null",
}


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
    tag: str | None = None
    """``If-None-Match``."""
    idle: bool = False
    """A write that is confirmed and not carried out."""

    @property
    def user(self) -> Token:
        """The token of a call that needs one."""
        if self.token is None:
            raise Refuse(401, "Unauthorized")
        return self.token

    @property
    def value(self) -> bool:
        """The word at the end of a path that switches something."""
        return self.path["value"] == "true"

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

    def uuid_of(self, name: str, text: str) -> str:
        """A field of the body that is a uuid."""
        return _uuid(name, text)

    def own(self, name: str) -> str:
        """The owner in the path, who must be the token's."""
        if (owner := str(uuid.UUID(self.path[name]))) != self.user.user_id:
            raise Refuse(403, "Forbidden", noted=False)
        return owner


def _uuid(name: str, text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise Refuse(400, f"{name}: a uuid expected") from error


@dataclass(frozen=True, slots=True)
class Body:
    """The JSON object that a call carries."""

    fields: Mapping[str, tuple[type | None, ...]]
    """The JSON types that each may have; ``None`` stands for null."""
    whole: bool = True
    """Every field is needed."""
    optional: bool = False
    """No body at all will do too."""

    def checked(self, kind: str, text: bytes) -> dict[str, Any]:
        """The fields; ``Refuse`` names what is wrong with them."""
        if self.optional and not text:
            return {}
        if kind != "application/json":
            raise Refuse(400, "Content-Type: application/json expected")
        try:
            found = json.loads(text)
        except ValueError as error:
            raise Refuse(400, "body: JSON expected") from error
        if not isinstance(found, dict):
            raise Refuse(400, "body: an object expected")
        if self.whole and found.keys() != self.fields.keys():
            raise Refuse(400, f"body: exactly these fields expected: {', '.join(sorted(self.fields)) or 'none'}")
        for name, given in found.items():
            kinds = self.fields.get(name)
            if kinds is None:
                raise Refuse(400, f"body: {name}: unknown field")
            # By the type itself: JSON's true is no number.
            if (None if given is None else type(given)) not in kinds:
                names = " or ".join(_KINDS[one] for one in kinds)
                raise Refuse(400, f"body: {name}: {names} expected")
        return found


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
    body: Body | None = None
    """``None``: no body at all."""
    authorised: bool = True
    write: str | None = None
    """Which of ``WRITES`` it is."""

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
            if name not in ("value", "count", "msecs"):
                _uuid(name, text)
        if self.body is not None:
            return self.body.checked(request.content_type, body)
        if body:
            raise Refuse(400, "body: none expected")
        return None


def visible(cloud: "Cloud", token: Token) -> list[Server]:
    """A station's token sees that station; a merchant's sees all of his."""
    return [
        server
        for server in cloud.servers.values()
        if server.user_id == token.user_id and token.server in (None, server.uuid)
    ]


def server_of(cloud: "Cloud", call: Call, text: str | None = None) -> Server:
    """The station in the path (or of that uuid), if it is the token's to see."""
    server = cloud.servers.get(str(uuid.UUID(text or call.path["server"])))
    if server is None:
        raise Refuse(404, "Not found", noted=False)
    token = call.user
    if server.user_id != token.user_id or token.server not in (None, server.uuid):
        raise Refuse(403, "Forbidden", noted=False)
    return server


def product_of(cloud: "Cloud", call: Call, text: str | None = None) -> Product:
    """The product in the path, or of that uuid."""
    product = cloud.world.products.get(str(uuid.UUID(text or call.path["product"])))
    if product is None:
        raise Refuse(404, "Not found", noted=False)
    return product


def entry_of(server: Server, product: Product) -> StationProduct:
    """The product on the station, if it is there."""
    entry = server.products.get(product.uuid)
    if entry is None:
        raise Refuse(404, "Not found", noted=False)
    return entry
