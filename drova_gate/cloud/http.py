"""The way to one address of the Drova API: pooled connections, one budget, a request and its answer.

Shared by all clients of that address: thirty stations have one pool, and what the API asks of one it asks of all.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TypedDict, Unpack

import aiohttp
from pydantic import SecretStr

from drova_gate.cloud.answers import Answer, plain
from drova_gate.cloud.budget import Budget
from drova_gate.errors import CallOwner, CloudThrottled, CloudUnavailable

__all__ = ["TOTAL_SECONDS", "ApiLine", "Sent"]

log = logging.getLogger(__name__)

TOTAL_SECONDS = 10.0
"""For one call, from name look-up to the last byte. Usual answers took 0.05 to 1.4 s over the months; anything shorter
than a few seconds would call a slow day an outage, anything longer would leave the end of a session unseen."""
CONNECT_SECONDS = 5.0
"""For one TCP connection: three SYNs (0, 1 and 3 s) and time for the answer."""
KEEP_ALIVE_SECONDS = 60.0
"""Below nginx's default of 75, so that an idle connection is closed by us and not under a request of ours."""
CONNECTIONS = 16
"""At once to the API; a station has two or three calls going on at most, and thirty of them share these."""
BODY_MOST = 16 * 1024 * 1024
"""Bytes; ten times the catalogue, and what a router can still hold."""
BLOCK = 64 * 1024


class Sent(TypedDict, total=False):
    """What goes along with a request."""

    query: Mapping[str, str] | None
    body: Mapping[str, object]
    once: bool
    """It changes something, so it must not be sent again when the connection breaks; a reading may be."""


class ApiLine:
    """Connections to one base address; opened at the first request, ``close`` at the end."""

    def __init__(self, base_url: str, *, timeout: float = TOTAL_SECONDS, budget: Budget | None = None) -> None:
        self.timeout = timeout
        self.budget = budget
        self.requests = 0
        """Sent since the start."""
        self.writing = asyncio.Lock()
        """Held by the client that writes: writes go one after the other, whichever station they are for."""
        self.written_at = float("-inf")
        """When the last write ended, by the loop's clock."""
        self._base = base_url.rstrip("/")
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: SecretStr | None,
        known: str = "",
        **sent: Unpack[Sent],
    ) -> Answer:
        """Send one request and read its whole answer, whatever its status; ``CloudUnavailable`` when there is none.

        ``CallOwner`` for a token that cannot be sent.

        ``known``: the ETag of the version that we have, if the server may answer "not changed".
        """
        call = f"{method} {path}"
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = Answer(call, 0, b"")
        if token is not None and not token.get_secret_value().isprintable():
            fact = "the token holds a line's end or another character that no token has; nothing was sent"
            raise CallOwner(answer.subject, fact, "write it anew, as one word")
        self._count(answer)
        headers = {} if token is None else {"X-Auth-Token": token.get_secret_value()}
        if known:
            headers["If-None-Match"] = known
        try:
            async with self.session().request(
                method,
                self._base + path,
                params=sent.get("query"),
                json=sent.get("body"),
                headers=headers,
                allow_redirects=False,  # aiohttp would take the token along to another host
                trace_request_ctx=_Connected() if sent.get("once") else None,
            ) as response:
                answer = _headed(call, response)
                answer = replace(answer, body=await _body(response, answer))
        except TimeoutError as error:
            fact = f"no whole answer within {self.timeout:g} s{answer.mark}"
            raise CloudUnavailable(answer.subject, fact, "it may pass by itself") from error
        except (aiohttp.ClientError, OSError) as error:
            fact = f"{plain(str(error)) or type(error).__name__}{answer.mark}"
            raise CloudUnavailable(answer.subject, fact, "it may pass by itself; look at the line") from error
        log.debug(
            "%s: %d, %d bytes in %.0f ms%s",
            answer.subject,
            answer.status,
            len(answer.body),
            (loop.time() - started) * 1000,
            answer.mark,
        )
        return answer

    def throttled(self, seconds: float) -> None:
        """Keep everybody quiet for so long: a 429 is about the address, not about one station."""
        if self.budget is not None:
            self.budget.pause(seconds)

    def _count(self, answer: Answer) -> None:
        if self.budget is not None:
            if pause := self.budget.paused():
                fact = f"asks for patience: nothing is sent for {pause:.0f} s"
                raise CloudThrottled(answer.subject, fact, "wait so long", retry_after=pause)
            self.budget.spend()
        self.requests += 1

    def session(self) -> aiohttp.ClientSession:
        """The pool of connections."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=self.timeout, sock_connect=min(CONNECT_SECONDS, self.timeout)),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "User-Agent": "drova_gate"},
                trace_configs=[_never_again()],
            )
        return self._http


@dataclass(slots=True)
class _Connected:
    """Whether a request that must be sent once has got its connection."""

    yet: bool = False


def _never_again() -> aiohttp.TraceConfig:
    """Keep aiohttp from sending a request anew that must be sent once: by itself it does so with every GET and PUT, once."""

    async def connects(_session: aiohttp.ClientSession, context: SimpleNamespace, _told: object) -> None:
        request = context.trace_request_ctx
        if isinstance(request, _Connected):
            if request.yet:
                raise aiohttp.ServerDisconnectedError
            request.yet = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_start.append(connects)
    config.on_connection_reuseconn.append(connects)
    return config


def _headed(call: str, response: aiohttp.ClientResponse) -> Answer:
    """Take what the headers say."""
    headers = response.headers
    return Answer(
        call,
        response.status,
        b"",
        request_id=plain(headers.get("X-Request-Id", "")),
        retry_after=headers.get("Retry-After", ""),
        date=headers.get("Date", ""),
        etag=plain(headers.get("ETag", "")),
    )


async def _body(response: aiohttp.ClientResponse, answer: Answer) -> bytes:
    """Read the body, up to a bound."""
    body = bytearray()
    async for block in response.content.iter_chunked(BLOCK):
        body += block
        if len(body) > BODY_MOST:
            raise answer.not_understood(f"it is longer than {BODY_MOST} bytes")
    return bytes(body)
