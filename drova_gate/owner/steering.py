"""What an owner changes on a station at Drova: shown or hidden, desktop, updates, name and description.

One station at a time: looked at, refused while a player is on it, sent once, read back, and said plainly, also when nobody can tell
what became of it.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from drova_gate.cloud.models import Server
from drova_gate.errors import (
    CallOwner,
    CloudThrottled,
    GateError,
    NotConfirmed,
)
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.held import Held, Holds
from drova_gate.owner.plain_text import excerpt
from drova_gate.owner.player import Inside, look, refuse
from drova_gate.sheet import one_line

__all__ = ["Done", "Order", "Outcome", "describe", "desktop", "publish", "steer", "updates"]


NOBODY = Server(uuid=UUID(int=0), published=False, state="")
"""Stands in where only what is wanted is put into words."""


class Done(StrEnum):
    """How an order ended on one station."""

    CHANGED = "changed"
    ALREADY = "already"
    """It was so before; nothing was sent."""
    REFUSED = "refused"
    """By us or by Drova; nothing was changed."""
    NOT_CONFIRMED = "not_confirmed"
    """Accepted, and read back otherwise."""
    UNKNOWN = "unknown"
    """Sent, and nobody can tell what became of it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One change of a station."""

    name: str
    fulfilled: Callable[[Server], bool]
    told: Callable[[Server], str]
    """How the station is in this respect, in words."""
    wanted: str
    """The same words once it is carried out."""
    send: Callable[[OwnedStation], Coroutine[Any, Any, object]]
    """Send and read back."""
    risk: str
    """What a player who is inside might notice, as far as it is known."""
    shows: bool = False
    """It brings players: not against the will of the gate that guards the station."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended on one station."""

    station: OwnedStation
    done: Done
    text: str
    """In words, without the station's name."""
    before: str = ""
    after: str = ""
    note: str = ""
    """What the owner should know besides."""

    @property
    def good(self) -> bool:
        """Whether the station is as the owner wants it."""
        return self.done in (Done.CHANGED, Done.ALREADY)


# -- the orders ------------------------------------------------------------------------------------------------------


def publish(*, visible: bool) -> Order:
    """Show a station in the catalogue, or hide it."""
    return Order(
        "publish" if visible else "hide",
        lambda server: server.published is visible,
        lambda server: "shown" if server.published else "hidden",
        "shown" if visible else "hidden",
        lambda one: one.client.set_published(one.uuid, one.user_id, visible=visible),
        risk="by all that is known it does not end his session",
        shows=visible,
    )


def desktop(*, allowed: bool) -> Order:
    """Let players have the desktop, or games alone."""
    return Order(
        f"desktop {_switch(allowed)}",
        lambda server: server.allow_desktop is allowed,
        lambda server: f"desktop {_switch(server.allow_desktop)}",
        f"desktop {_switch(allowed)}",
        lambda one: one.client.set_allow_desktop(one.uuid, one.user_id, allowed=allowed),
        risk="whether it ends a session on the desktop is not known",
    )


def updates(*, allowed: bool) -> Order:
    """Let Drova update the station's games, or not."""
    return Order(
        f"updates {_switch(allowed)}",
        lambda server: server.disable_updates is (not allowed),
        lambda server: f"updates {_switch(None if server.disable_updates is None else not server.disable_updates)}",
        f"updates {_switch(allowed)}",
        lambda one: one.client.set_updates(one.uuid, one.user_id, allowed=allowed),
        risk="updates may begin while he plays" if allowed else "an update that he waits for may stop",
    )


def describe(*, name: str | None, description: str | None) -> Order:
    """Set a station's name, its description (HTML), or both."""

    def told(server: Server, name_now: str | None = None, description_now: str | None = None) -> str:
        parts = []
        if name is not None:
            parts.append(f"named {one_line(server.name if name_now is None else name_now)!r}")
        if description is not None:
            text = (server.description or "") if description_now is None else description_now
            parts.append(f"described as {excerpt(text)!r}" if text else "without a description")
        return " and ".join(parts)

    def fulfilled(server: Server) -> bool:
        same_name = name is None or (server.name or "") == name
        return same_name and (description is None or (server.description or "") == description)

    return Order(
        "describe",
        fulfilled,
        told,
        told(NOBODY, name, description),
        lambda one: one.client.describe(one.uuid, one.user_id, name=name, description=description),
        risk="nothing is known that he would notice",
    )


def _switch(value: bool | None) -> str:  # noqa: FBT001 - it is the value itself
    return "not known" if value is None else "on" if value else "off"


# -- carrying one out ------------------------------------------------------------------------------------------------


async def steer(station: OwnedStation, order: Order, *, force: bool, holds: Holds) -> Outcome:
    """Carry an order out on one station; what goes wrong is an outcome, for the next station goes on."""
    try:
        server, inside = await look(station)
    except GateError as error:
        return Outcome(station, Done.REFUSED, f"{error}; nothing was sent")
    before = order.told(server)
    held = holds.of(station)
    if order.fulfilled(server):
        return Outcome(
            station, Done.ALREADY, f"is {before} already; nothing was sent", before, before, _held_note(held)
        )
    try:
        _refuse_held(station, order, held, holds, force=force)
        refuse(station.name, inside, risk=order.risk, force=force)
    except CallOwner as error:
        return Outcome(station, Done.REFUSED, f"{error.fact}; {error.advice}", before, before)
    note = "; ".join(filter(None, (_forced_note(inside, order), _overruled_note(held, order))))
    return await _send(station, order, before, note)


async def _send(station: OwnedStation, order: Order, before: str, note: str) -> Outcome:
    def ended(done: Done, text: str, after: str = "") -> Outcome:
        return Outcome(station, done, text, before, after, note)

    try:
        await order.send(station)
    except NotConfirmed as error:
        now = await _read_again(station)
        return ended(Done.NOT_CONFIRMED, str(error), "" if now is None else order.told(now))
    except GateError as error:
        return ended(*_made_of(error, before, await _read_again(station), order))
    return ended(Done.CHANGED, f"was {before}, is {order.wanted} now (read back)", order.wanted)


def _made_of(error: GateError, before: str, now: Server | None, order: Order) -> tuple[Done, str, str]:
    """Tell from how the station reads now what became of an order whose sending or reading back went wrong."""
    if now is None:
        return (
            Done.UNKNOWN,
            f"was {before}; what became of it is not known ({error.fact}); look: drova_gate stations",
            "",
        )
    after = order.told(now)
    # Not by the words: of two descriptions they may show the same beginning.
    if order.fulfilled(now):
        return Done.CHANGED, f"was {before}, is {after} now (read back; first: {error.fact})", after
    if isinstance(error, CallOwner | CloudThrottled):
        return Done.REFUSED, f"{error}; it reads as {after} as before", after
    told = f"no usable answer came ({error.fact}) and it still reads as {after}"
    return Done.UNKNOWN, f"{told}: it may still be carried out; look again: drova_gate stations", after


async def _read_again(station: OwnedStation) -> Server | None:
    """Read the station as it is now; ``None``: it cannot be read."""
    try:
        return await station.client.server(station.uuid, station.user_id)
    except GateError:
        return None


# -- what is said of the gate and of the player ----------------------------------------------------------------------


def _refuse_held(station: OwnedStation, order: Order, held: Held | None, holds: Holds, *, force: bool) -> None:
    if not order.shows or force:
        return
    if held is not None:
        raise CallOwner(
            f"station {station.name}", f"stays hidden: {held.why}", f"end that first ({held.release}), or --force"
        )
    if holds.unread:
        raise CallOwner(
            f"station {station.name}",
            f"whether the gate holds it hidden is not known: {holds.unread}",
            "use sudo, or --force",
        )


def _held_note(held: Held | None) -> str:
    return "" if held is None else f"{held.why}; to end that: {held.release}"


def _overruled_note(held: Held | None, order: Order) -> str:
    if held is None or not order.shows:
        return ""
    again = ", and will hide it again while that lasts" if held.hides_again else ""
    return f"{held.why}{again}; to end it: {held.release}"


def _forced_note(inside: Inside | None, order: Order) -> str:
    return "" if inside is None else f"a player is inside ({inside.why}): {order.risk}"
