"""The simulated Drova cloud: an HTTP server on loopback with every call of the real one that is known, and no others.

It is strict: an unknown or misplaced parameter, a body where none belongs, a missing or unknown token are refused *and* written down in
``Cloud.refused``, so that a test can assert that a client never made such a call. A stale token is an ordinary event and only
answered with 401.

Faults (``Cloud.faults``, switchable while it runs) last until they are taken out of the set, except that ``cloud_401_once``,
``cloud_429`` and ``cloud_empty`` pass by themselves; taken out and put in again they begin anew. ``write_hangs`` and ``writes_lie``
are for writes alone, those of the plan's kinds; ``cloud_down_after`` puts ``cloud_down`` in by itself.

The same port takes orders for the simulation under ``/sim/`` (see ``cloud_control``).
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, MutableSet, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Literal, Self

from aiohttp import web
from multidict import MultiMapping

from drova_gate.sim import cloud_control, cloud_past
from drova_gate.sim.cloud_calls import WRITES, Call, Endpoint, Refuse
from drova_gate.sim.cloud_routes import ENDPOINTS
from drova_gate.sim.cloud_world import DESKTOP, GAME, OLD_DESKTOP_GAME, OLD_GAME, Server, Session, Token, World
from drova_gate.sim.faults import ACCOUNT_FAULTS, FAULTS
from drova_gate.sim.port import Port

__all__ = ["DESKTOP", "GAME", "OLD_DESKTOP_GAME", "OLD_GAME", "Cloud", "CloudPlan", "Refusal", "Request"]

_CLOSE_SECONDS = 1.0
"""How long open requests may take to end at close; the held ones end at once."""

_HELD_LOOK_SECONDS = 0.1
"""How soon a held request ends when ``cloud_timeout`` is taken out."""

_GARBAGE = (
    ("text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    ("application/json", '{"sessions":[{"uuid":"'),
    ("application/json", "null"),
    ("application/json", '{"sessions":null,"message":"internal"}'),
    ("application/json", '{"sessions":[{"uuid":17,"status":{}}]}'),
)
"""What stands in for an answer under ``cloud_garbage``, one after the other, all with status 200."""


@dataclass(frozen=True, slots=True)
class CloudPlan:
    """A cloud to be simulated; ``ValueError`` for a fault that is not the cloud's."""

    host: str = "127.0.0.1"
    port: int = 0
    latency: float = 0.0
    """Seconds before each answer; the real one was seen at 0.05 to 1.4."""
    catalogue: int = 60
    """Products in the catalogue; the real one has about a thousand."""
    filters_work: bool = False
    """Obey ``status`` and ``state`` in the session list; whether the real cloud does is not known."""
    throttle_times: int = 3
    """Answers 429 of ``cloud_429``."""
    retry_after: int | None = 1
    """Seconds in their ``Retry-After``; ``None``: they have none."""
    empty_seconds: float = 1.5
    """How long the session list stays empty under ``cloud_empty``."""
    finished_late_seconds: float = 5.0
    """How much later the list shows the end of a session under ``finished_late``; the real delay is not known."""
    lying_writes: frozenset[str] = WRITES
    """Kinds of writes that ``writes_lie`` is about."""
    hanging_writes: frozenset[str] = WRITES
    """Kinds of writes that ``write_hangs`` is about."""
    cloud_down_after: int | None = None
    """After so many writes ``cloud_down`` begins, once."""
    etag: bool = False
    """The catalogue has an ETag; whether the real one does is not known."""
    money: Literal["number", "text"] = "number"
    """How amounts are written; the live samples do not tell."""
    faults: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        known = {name for name, fault in FAULTS.items() if fault.side == "cloud"} | ACCOUNT_FAULTS.keys()
        if unknown := sorted(self.faults - known):
            raise ValueError(f"cloud: unknown faults {', '.join(unknown)}")
        if unknown := sorted((self.lying_writes | self.hanging_writes) - WRITES):
            raise ValueError(f"cloud: unknown writes {', '.join(unknown)}; there are: {', '.join(sorted(WRITES))}")


@dataclass(slots=True)
class Request:
    """One request to the API, in order of arrival; without its token."""

    method: str
    path: str
    query: MultiMapping[str]
    body: bytes
    at: float
    """Seconds of the monotonic clock."""
    status: int = 0
    """0: not answered yet."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that no correct client makes."""

    method: str
    path: str
    status: int
    message: str


class Cloud:
    """The cloud; ``async with`` or ``start`` and ``stop`` (started again it has the same port)."""

    def __init__(self, plan: CloudPlan | None = None) -> None:
        self.plan = plan or CloudPlan()
        self.faults: set[str] = set(self.plan.faults)
        self.station_faults: list[MutableSet[str]] = []
        """Fault sets of stations and agents that ``/sim/fault`` switches too."""
        self.world = World(catalogue_size=self.plan.catalogue)
        self.requests: list[Request] = []
        self.refused: list[Refusal] = []
        self._port = Port(self.plan.host, self.plan.port)
        self.clock_ahead = 0.0
        """Seconds by which the answers' ``Date`` is before ours."""
        self.writes = 0
        """How many were answered, or left without an answer under ``write_hangs``."""
        self._spent: dict[str, Any] = {}
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """Stays the same when it is stopped and started again; 0 before the first start, unless it was chosen."""
        return self._port.number

    @property
    def url(self) -> str:
        """The base address for a client."""
        return f"http://{self.plan.host}:{self.port}"

    @property
    def servers(self) -> dict[str, Server]:
        """Stations by uuid."""
        return self.world.servers

    @property
    def sessions(self) -> dict[str, Session]:
        """Sessions by uuid."""
        return self.world.sessions

    async def start(self) -> None:
        """Open the port."""
        self._closing = asyncio.Event()
        application = web.Application(middlewares=[self._front])
        for endpoint in ENDPOINTS:
            application.router.add_route(endpoint.method, endpoint.path, self._serving(endpoint))
        application.add_routes(cloud_control.routes(self))
        # A client that hangs up ends its handler: held requests must not pile up.
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_SECONDS
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._port.bound()).start()

    async def stop(self) -> None:
        """Refuse whoever connects, until the next start; held requests end with it."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._port.give_back()

    # -- what a test or a demonstration does to it --------------------------------------------------------------------

    def add_server(self, server: str, name: str, user_id: str, *, token: str | None = None) -> Server:
        """Make a station known, with its station token if given."""
        made = Server(str(uuid.UUID(server)), name, str(uuid.UUID(user_id)), created_on=self.world.now_ms())
        self.world.servers[made.uuid] = made
        if token is not None:
            self.world.tokens[token] = Token(made.user_id, server=made.uuid)
        return made

    def add_merchant_token(self, token: str, user_id: str) -> None:
        """Make a merchant's proxy token known: it sees all stations of that user, and can be renewed."""
        self.world.tokens[token] = Token(str(uuid.UUID(user_id)))

    def fill(
        self,
        owner: str,
        *,
        stations: int,
        sessions: int,
        playing: float = 0.0,
        odd_names: bool = False,
        all_well: bool = False,
        networks: Sequence[str] = cloud_past.NETWORKS,
        seed: int = 7985,
    ) -> list[Server]:
        """Make stations with so many sessions each, the same in every run; those that the owner has already get none.

        ``playing``: share of those online with a session that goes on. Some are off, hidden or never started (and so without
        a past) unless ``all_well``. ``networks``: where players' addresses are from.
        """
        owner = str(uuid.UUID(owner))
        made = cloud_past.add_stations(self.world, owner, stations, odd_names=odd_names, all_well=all_well, seed=seed)
        cloud_past.add_past(
            self.world, made, sessions, playing=playing, odd_texts=odd_names, networks=networks, seed=seed
        )
        return made

    def expire_token(self, token: str) -> None:
        """From now on 401, until it is renewed (a station's token: for ever)."""
        self.world.tokens[token].stale = True

    def start_session(
        self, server: str, product: str = DESKTOP, client_ip: str = "203.0.113.7", *, status: str = "HANDSHAKE"
    ) -> str:
        """A rental begins; its uuid. ``LookupError`` for a station or product that nobody knows."""
        owner = self.world.servers.get(server)
        if owner is None:
            raise LookupError(f"no station {server}")
        if product == DESKTOP and "old_uuid_product" in self.faults:
            product = OLD_DESKTOP_GAME
        if product not in self.world.products:
            raise LookupError(f"no product {product}")
        session = Session(
            uuid=str(uuid.uuid4()),
            server=owner.uuid,
            merchant_id=owner.user_id,
            client_id=str(uuid.uuid4()),
            product=product,
            created_on=self.world.next_moment(),
            creator_ip=client_ip,
            status=status,
        )
        return self.world.add_session(session).uuid

    def set_status(self, session: str, status: str) -> None:
        """Give a session any status word; FINISHED and ABORTED end it. ``LookupError`` for an unknown one."""
        known = self.world.sessions.get(session)
        if known is None:
            raise LookupError(f"no session {session}")
        if not known.over:
            known.before_end = known.status
        known.status = status
        if known.over:
            known.finished_on = max(self.world.now_ms(), known.created_on)
        if status == "ABORTED":
            known.abort_comment = "aborted by client"

    def finish(self, session: str) -> None:
        """The player left."""
        self.set_status(session, "FINISHED")

    def abort(self, session: str) -> None:
        """The session came to nothing."""
        self.set_status(session, "ABORTED")

    def hide(self, session: str) -> None:
        """Show the session in no list any more."""
        self.world.sessions[session].hidden = True

    # -- answering ----------------------------------------------------------------------------------------------------

    @web.middleware
    async def _front(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Write the request down, answer it, give the answer its id."""
        if request.path.startswith("/sim/"):
            return await handler(request)
        if "cloud_down" in self.faults:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        noted = Request(request.method, request.path, request.query, await request.read(), time.monotonic())
        self.requests.append(noted)
        if self.plan.latency:
            await asyncio.sleep(self.plan.latency)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = self._refuse(request, Refuse(error.status, f"{error.reason}: no such call"))
        except Refuse as refusal:
            response = self._refuse(request, refusal)
        noted.status = response.status
        if self.clock_ahead:
            response.headers["Date"] = formatdate(time.time() + self.clock_ahead, usegmt=True)
        response.headers["X-Request-Id"] = uuid.uuid4().hex
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    def _refuse(self, request: web.Request, refusal: Refuse) -> web.Response:
        if refusal.noted:
            self.refused.append(Refusal(request.method, request.path, refusal.status, refusal.message))
        return web.json_response({"message": refusal.message}, status=refusal.status)

    def _serving(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            # The form is checked before any fault: a wrong call is written down whatever the cloud's state.
            body = endpoint.checked(request, await request.read())
            if (trouble := await self._trouble()) is not None:
                return trouble
            token = self._token(request) if endpoint.authorised else None
            path, tag = dict(request.match_info), request.headers.get("If-None-Match")
            kind = endpoint.write
            answer = endpoint.answer(self, Call(path, request.query, body, token, tag, idle=self._lies(kind)))
            if kind is not None:
                await self._wrote(kind)
            return answer

        return serve

    def _lies(self, kind: str | None) -> bool:
        """Whether a write is confirmed and not carried out."""
        if kind == "publish" and "publish_lies" in self.faults:
            return True
        return kind in self.plan.lying_writes and "writes_lie" in self.faults

    async def _wrote(self, kind: str) -> None:
        """Count a write; hold its answer back where it is to hang."""
        self.writes += 1
        if self.writes == self.plan.cloud_down_after:
            self.faults.add("cloud_down")
        if kind in self.plan.hanging_writes:
            await self._held("write_hangs")

    async def _held(self, fault: str) -> None:
        """Wait as long as the fault lasts, and not beyond close."""
        while fault in self.faults and not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _HELD_LOOK_SECONDS)

    def _token(self, request: web.Request) -> Token:
        text = request.headers.get("X-Auth-Token")
        token = self.world.tokens.get(text) if text is not None else None
        if text is None or token is None:
            raise Refuse(401, "Unauthorized")
        if "cloud_401_once" in self.faults:
            spent = self._spent.setdefault("cloud_401_once", set())
            if (holder := token.server or token.user_id) not in spent:
                spent.add(holder)
                # A station's token cannot be renewed: for it the trouble passes with this answer.
                token.stale = token.server is None
                raise Refuse(401, "Unauthorized", noted=False)
        if token.stale or "cloud_401" in self.faults:
            raise Refuse(401, "Unauthorized", noted=False)
        return token

    async def _trouble(self) -> web.StreamResponse | None:
        """The answer of a cloud in trouble, if it is in any that does not look at the call."""
        for name in self._spent.keys() - self.faults:
            del self._spent[name]
        if "cloud_timeout" in self.faults:
            await self._held("cloud_timeout")
            return web.json_response({"message": "shutting down"}, status=503)
        if "cloud_500" in self.faults:
            return web.Response(status=500, text="Internal Server Error")
        if "cloud_429" in self.faults and self._count("cloud_429") <= self.plan.throttle_times:
            wait = self.plan.retry_after
            headers = {} if wait is None else {"Retry-After": str(wait)}
            return web.Response(status=429, text="Too many requests", headers=headers)
        if "cloud_garbage" in self.faults:
            kind, text = _GARBAGE[(self._count("cloud_garbage") - 1) % len(_GARBAGE)]
            return web.Response(text=text, content_type=kind)
        return None

    def _count(self, name: str) -> int:
        self._spent[name] = count = int(self._spent.get(name, 0)) + 1
        return count

    def session_list_empty(self) -> bool:
        """Whether ``cloud_empty`` empties the list now: for a while, from the first look at a session in its midst."""
        if "cloud_empty" not in self.faults:
            return False
        active = next((one.uuid for one in self.world.newest_first() if one.status == "ACTIVE"), None)
        if active is None:
            return False
        began: dict[str, float] = self._spent.setdefault("cloud_empty", {})
        return time.monotonic() < began.setdefault(active, time.monotonic()) + self.plan.empty_seconds

    def end_is_late(self, session: Session) -> bool:
        """Whether the list still shows a session as before its end."""
        if "finished_late" not in self.faults or session.finished_on is None:
            return False
        return self.world.now_ms() < session.finished_on + 1000 * self.plan.finished_late_seconds

    def money(self, amount: float) -> float | str:
        """An amount as the plan has it written."""
        return f"{amount:.2f}" if self.plan.money == "text" else round(amount, 2)
