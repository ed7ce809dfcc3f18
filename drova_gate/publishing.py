"""A station's place in the catalogue: hidden and shown by us, and never shown if it was not we who hid it.

That we hide it is written down before it is hidden, so a crash in between costs nothing: a station that turns out to be visible is simply
no longer ours to show.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from functools import partial

from drova_gate.alarms import Alarms
from drova_gate.core.backoff import Backoff
from drova_gate.core.model import Facts, Publish, Record
from drova_gate.core.record import hidden, not_hidden, shown
from drova_gate.errors import CloudForbidden, CloudRefused, CloudUnauthorised, GateError
from drova_gate.observe import Observer

__all__ = ["Publisher"]

log = logging.getLogger(__name__)


class Publisher:
    """Hides and shows one station; a try that failed is made again ever more seldom."""

    def __init__(
        self,
        name: str,
        observer: Observer,
        remember: Callable[[Callable[[Record], Record]], Awaitable[None]],
        alarms: Alarms,
        clock: Callable[[], float],
    ) -> None:
        self._name, self._observer, self._remember, self._alarms, self._clock = (
            name,
            observer,
            remember,
            alarms,
            clock,
        )
        self._due = {True: 0.0, False: 0.0}
        self._backoff = {True: Backoff(10.0, 300.0), False: Backoff(10.0, 60.0)}

    async def publish(self, action: Publish, facts: Facts) -> str:
        """Hide or show the station and read it back; returns what was done, in words, or nothing."""
        visible, observer = action.visible, self._observer
        tries = observer.policy.prepare_tries
        if facts.cloud is not None and facts.cloud.published:
            # Not hidden after all, or shown by the owner meanwhile: whoever hides it now, it was not we.
            await self._remember(partial(shown, prepare_tries=tries) if visible else not_hidden)
            if visible:
                return ""
        client, server = observer.access.client, observer.server
        if self._clock() < self._due[visible] or client is None or server is None:
            return ""
        self._due[visible] = self._clock() + self._backoff[visible].next(random.random())
        if not visible:
            await self._remember(hidden)
        try:
            await client.set_published(server, await observer.owner(), visible=visible)
        except GateError as error:
            if not visible and isinstance(error, CloudForbidden | CloudRefused | CloudUnauthorised):
                # Plainly refused, so it was not we who hid it, should it be hidden later.
                await self._remember(not_hidden)
            text = f"the station could not be {'shown in' if visible else 'hidden from'} the catalogue"
            # The error's own text has an id of the request: new each time.
            self._alarms.sound(f"{text}: {error}", about=text)
            observer.listing.forget()
            return ""
        observer.listing.confirmed(published=visible)
        self._backoff[visible].reset()
        self._due[visible] = 0.0
        if visible:
            await self._remember(partial(shown, prepare_tries=tries))
        done = f"{'shown again in' if visible else 'hidden from'} the catalogue"
        log.info("%s: %s (%s)", self._name, done, action.why)
        return f"{'shown in' if visible else 'hidden from'} the catalogue: {action.why}"
