"""The way of a call to the Drova API: its token and the renewal, the distance between writes, one request and its answer.

A call is made once: when to ask again is the caller's business (``core.backoff``). The one exception is a 401, which says that
nothing was done: the token is renewed and the call made once more.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, Unpack
from uuid import UUID

from pydantic import SecretStr

from drova_gate.cloud.answers import Answer, refusal, single
from drova_gate.cloud.http import TOTAL_SECONDS, ApiLine, Sent
from drova_gate.cloud.models import RenewedToken
from drova_gate.cloud.token import TokenKeeper
from drova_gate.errors import (
    CloudForbidden,
    CloudRefused,
    CloudThrottled,
    CloudUnauthorised,
    CloudUnavailable,
)

__all__ = ["BASE_URL", "NOT_MODIFIED", "WRITE_SPACING_SECONDS", "Calls", "word"]

log = logging.getLogger(__name__)

BASE_URL = "https://services.drova.io"
RENEW_PATH = "/token-verifier/renewProxyToken"
NEW_TOKEN = "take a new one from the QR code in the cabinet"  # noqa: S105  advice, not a token

WRITE_SPACING_SECONDS = 0.35
"""Between writes of all stations: the pace that an owner's tool with hundreds of writes in a row keeps without being throttled."""
CLAIM_LOOK_SECONDS = 0.05
"""How often it is looked whether another client has finished renewing the token that both use."""
CLOSE_SECONDS = 1.0
"""How long a renewal may run on at close: a token that is issued but not kept would be lost."""
NOT_MODIFIED = 304


def word(value: bool) -> str:  # noqa: FBT001 - it is the value itself
    """Write a truth value as the API's paths do."""
    return "true" if value else "false"


class Calls:
    """What every subject's calls stand on; ``async with``, or ``close`` at the end.

    With a ``keep_token`` the token is a merchant's and is renewed on 401; without, it is a station's and cannot be.
    A ``line`` is shared with other clients and stays open.
    """

    def __init__(
        self,
        token: SecretStr | str,
        *,
        base_url: str = BASE_URL,
        keep_token: TokenKeeper | None = None,
        timeout: float = TOTAL_SECONDS,
        line: ApiLine | None = None,
    ) -> None:
        self._configured = self._token = token if isinstance(token, SecretStr) else SecretStr(token)
        self._keeper = keep_token
        self._line = line or ApiLine(base_url, timeout=timeout)
        self._own_line = line is None
        self._opening = asyncio.Lock()
        self._loaded = keep_token is None
        self._renewal: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End what the client still does and close its connections; a renewal under way gets a moment to be kept."""
        if self._renewal is not None and not self._renewal.done():
            await asyncio.wait({self._renewal}, timeout=CLOSE_SECONDS)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._own_line:
            await self._line.close()

    def own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the calls that ends with the client at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Read here because everyone who waited for it may have been cancelled.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def renew_token(self) -> None:
        """Exchange the merchant token for a new one and keep it; ``CloudUnauthorised`` when that is not possible."""
        await self._load_kept()
        await self._replace(self._token)

    def token_changed(self, new: SecretStr) -> None:
        """Take another token, as the station's registry now shows it."""
        self._configured = self._token = new
        self._loaded = self._keeper is None

    # -- the way of a call -------------------------------------------------------------------------------------------

    async def _write(self, method: str, path: str, **sent: Unpack[Sent]) -> Answer:
        """Make a writing call, at some distance from the last one, and never twice; its answer may be an empty body."""
        loop = asyncio.get_running_loop()
        sent["once"] = True
        async with self._line.writing:
            await asyncio.sleep(max(0.0, self._line.written_at + WRITE_SPACING_SECONDS - loop.time()))
            try:
                return await self._call(method, path, **sent)
            except CloudThrottled:
                raise
            except CloudUnavailable as error:
                advice = "whether it was carried out is not known; read it back before it is done again"
                raise CloudUnavailable(error.subject, error.fact, advice) from error
            finally:
                self._line.written_at = loop.time()

    async def _read(self, path: str, **query: str | int | UUID | None) -> Answer:
        """Make a reading call; a parameter that is ``None`` is left out."""
        return await self._call("GET", path, query=_sent(query))

    async def _public(self, method: str, path: str, **sent: Unpack[Sent]) -> Answer:
        """Make a call that needs no token: so the token stays here."""
        return await self._once(method, path, token=None, **sent)

    async def _call(self, method: str, path: str, **sent: Unpack[Sent]) -> Answer:
        """Make a call with the token; after a 401 once more with a new one."""
        await self._load_kept()
        used = self._token
        try:
            return await self._once(method, path, token=used, **sent)
        except CloudUnauthorised:
            if self._token == used and self._keeper is None:
                raise
            # A 401 means that nothing was done, so even a write may be made again.
            await self._replace(used)
        return await self._once(method, path, token=self._token, **sent)

    async def _once(
        self,
        method: str,
        path: str,
        *,
        token: SecretStr | None,
        known: str = "",
        **sent: Unpack[Sent],
    ) -> Answer:
        """Send one request and read its answer; any status but a success is an error, and 304 when a version is ``known``."""
        answer = await self._line.ask(method, path, token=token, known=known, **sent)
        if known and answer.status == NOT_MODIFIED:
            return answer
        secrets = {one.get_secret_value() for one in (self._token, self._configured, token) if one is not None}
        fault = refusal(answer, secrets=secrets - {""}, wall=time.time())
        if isinstance(fault, CloudThrottled):
            self._line.throttled(fault.retry_after)
        if fault is not None:
            raise fault
        return answer

    # -- the token ---------------------------------------------------------------------------------------------------

    async def _load_kept(self) -> None:
        """Before the first call: a token that was renewed in an earlier life replaces the configured one."""
        async with self._opening:
            if self._loaded or self._keeper is None:
                return
            configured = self._configured
            kept = await asyncio.to_thread(self._keeper.load, configured)
            if configured == self._configured:
                self._token, self._loaded = kept or configured, True

    async def _replace(self, used: SecretStr) -> None:
        """See to it that another token than ``used`` is there; however many ask, one renewal is made."""
        if self._token != used:
            return
        if self._keeper is None:
            raise CloudUnauthorised(
                f"Drova API, POST {RENEW_PATH}",
                "a station's token cannot be renewed",
                "the station's registry holds the one that counts",
            )
        if self._renewal is None or self._renewal.done():
            self._renewal = self.own(self._renew(self._keeper, used))
        # Shielded: the new token must be kept even if the call that wanted it is given up.
        await asyncio.shield(self._renewal)

    async def _renew(self, keeper: TokenKeeper, used: SecretStr) -> None:
        configured = self._configured
        give_back = await self._claim(keeper)
        try:
            kept = await asyncio.to_thread(keeper.load, configured)
            if kept is None or kept == used:
                kept = await self._exchange(used)
                try:
                    await asyncio.to_thread(keeper.save, configured, kept)
                except OSError as error:
                    log.error(
                        "Drova token: renewed, but it cannot be kept on disk (%s); it is lost at the next start, make room",
                        error.strerror,
                    )
                else:
                    log.info("Drova token: renewed and kept")
        finally:
            give_back()
        if self._token == used:
            self._token = kept

    async def _claim(self, keeper: TokenKeeper) -> Callable[[], None]:
        """Wait until no other client renews the same token."""
        try:
            # A renewal takes one call; whoever holds the claim longer than two hangs.
            async with asyncio.timeout(2 * self._line.timeout):
                while (give_back := keeper.claim()) is None:  # noqa: ASYNC110  another process has no event
                    await asyncio.sleep(CLAIM_LOOK_SECONDS)
        except TimeoutError as error:
            raise CloudUnavailable(
                "Drova token", "another client is renewing it and does not end", "tried later"
            ) from error
        except OSError as error:
            log.warning("Drova token: its lock file cannot be used (%s); renews it nevertheless", error.strerror)
            return lambda: None
        return give_back

    async def _exchange(self, used: SecretStr) -> SecretStr:
        try:
            answer = await self._once("POST", RENEW_PATH, body={"proxy_token": used.get_secret_value()}, token=None)
        except (CloudUnauthorised, CloudForbidden, CloudRefused) as error:
            raise CloudUnauthorised(error.subject, f"the renewal was refused: {error.fact}", NEW_TOKEN) from error
        renewed = single(answer, RenewedToken)
        if renewed.refused:
            raise CloudUnauthorised(answer.subject, f"the token cannot be renewed any more{answer.mark}", NEW_TOKEN)
        if not renewed.proxy_token:
            raise answer.not_understood("proxyToken: a token was expected")
        return renewed.proxy_token


def _sent(query: Mapping[str, str | int | UUID | None]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}
