"""Whether a player is on a station: asked of the cloud right before anything that could disturb him.

An error is never an absence: when the cloud does not answer, the question stays open and the error passes to whoever asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drova_gate.cloud.models import Server, Session
from drova_gate.errors import PlayerInside
from drova_gate.moments import minute
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.asking import ask_both
from drova_gate.vocabulary import OVER

__all__ = ["Inside", "look", "player_inside", "refuse", "refuse_while_playing", "running_session", "who_plays"]

TAKEN = ("BUSY", "HANDSHAKE")
"""The station's own words for it."""
NEWEST = 2
"""Sessions asked for: the newest decides, and the one before it shows whether the list has an order at all."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A player who is on a station, or may be."""

    session: Session | None
    """``None``: only the station's state tells of him."""
    why: str
    """From which it is known, in words."""


def running_session(sessions: Sequence[Session]) -> Session | None:
    """Return the newest of a station's sessions if it is not over; one that began before another is over, whatever its status says."""
    newest = max(sessions, key=lambda one: one.created_on, default=None)
    return None if newest is None or newest.status in OVER else newest


def player_inside(server: Server, sessions: Sequence[Session]) -> Inside | None:
    """Judge what the cloud says of a station; where its two answers differ, the one that tells of a player counts."""
    running = running_session([one for one in sessions if one.server_id == server.uuid])
    if running is not None:
        since = minute(running.created_on / 1000)
        return Inside(running, f"session {_short(running.uuid)} is {running.status} since {since}")
    if server.state in TAKEN:
        return Inside(None, f"the station's state is {server.state}")
    if server.session_id is not None and server.session_id not in {one.uuid for one in sessions if one.status in OVER}:
        return Inside(None, f"the cloud names session {_short(server.session_id)} on it")
    return None


async def look(station: OwnedStation) -> tuple[Server, Inside | None]:
    """Ask the cloud anew how the station is and who is on it; a ``GateError`` is no answer."""
    server, sessions = await ask_both(
        station.client.server(station.uuid, station.user_id), station.client.sessions(station.uuid, NEWEST)
    )
    return server, player_inside(server, sessions)


async def who_plays(station: OwnedStation) -> Inside | None:
    """Ask the cloud anew; ``None``: nobody is on the station. A ``GateError`` is no answer."""
    _, inside = await look(station)
    return inside


def refuse(name: str, inside: Inside | None, *, risk: str, force: bool) -> None:
    """Raise ``PlayerInside`` if there is a player, unless the owner insists; ``risk`` says what he might notice."""
    if inside is not None and not force:
        raise PlayerInside(
            f"station {name}", f"a player is inside ({inside.why}): {risk}", "wait until he has left, or --force"
        )


async def refuse_while_playing(station: OwnedStation, *, risk: str, force: bool) -> Inside | None:
    """Ask anew, and raise ``PlayerInside`` while a player is on the station, unless the owner insists.

    What was found is returned, so that a command that was forced can say whom it may have disturbed.
    """
    inside = await who_plays(station)
    refuse(station.name, inside, risk=risk, force=force)
    return inside


def _short(uuid: UUID) -> str:
    return str(uuid)[:8]
