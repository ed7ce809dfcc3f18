"""Stations and who plays on them, asked of the cloud with as few requests as will do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.models import Endpoint, Session
from drova_gate.cloud.sessions import SESSIONS_MOST
from drova_gate.errors import GateError
from drova_gate.owner.account import OwnedStation, Owner
from drova_gate.owner.asking import ask_all
from drova_gate.owner.player import NEWEST, Inside, player_inside

__all__ = ["Past", "Seen", "look_at", "past_sessions"]

PER_STATION = 3
"""Sessions asked for in the common question, for each station: the newest, and a few short ones after it."""
LEAST_ASKED = 30
ALONE = 2
"""Stations up to which each is asked for alone: a merchant's whole list takes four times as long as a station's."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One station as it was seen."""

    station: OwnedStation
    inside: Inside | None
    inside_fault: GateError | None = None
    """Whether somebody plays is not known."""
    endpoints: tuple[Endpoint, ...] | None = None
    """``None``: not asked for, or not known."""
    endpoints_fault: GateError | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Sessions of several stations, newest first, and how far back they are whole."""

    sessions: tuple[Session, ...]
    whole_since_ms: int
    """Older ones may be missing; 0: all there are."""
    faults: tuple[GateError, ...] = ()


async def look_at(stations: Sequence[OwnedStation], *, whole: bool, endpoints: bool) -> list[Seen]:
    """See who plays on each station; ``whole``: the account's token may ask for all stations at once."""
    sessions = await _newest(stations, whole=whole and len(stations) > ALONE)
    addresses: Sequence[tuple[Endpoint, ...] | GateError | None] = [None] * len(stations)
    if endpoints:
        addresses = await ask_all(stations, lambda one: one.client.endpoints(one.uuid))
    return [_seen(one, sessions[one.uuid], found) for one, found in zip(stations, addresses, strict=True)]


def _seen(
    station: OwnedStation,
    sessions: tuple[Session, ...] | GateError,
    endpoints: tuple[Endpoint, ...] | GateError | None,
) -> Seen:
    known = () if isinstance(sessions, GateError) else sessions
    return Seen(
        station,
        player_inside(station.server, known),
        sessions if isinstance(sessions, GateError) else None,
        None if isinstance(endpoints, GateError) else endpoints,
        endpoints if isinstance(endpoints, GateError) else None,
    )


async def _newest(stations: Sequence[OwnedStation], *, whole: bool) -> dict[UUID, tuple[Session, ...] | GateError]:
    """The newest sessions of each station; those that the common answer leaves in doubt are asked for alone."""
    found: dict[UUID, tuple[Session, ...] | GateError] = {}
    if whole:
        limit = min(SESSIONS_MOST, max(LEAST_ASKED, PER_STATION * len(stations)))
        common = await ask_all(_accounts(stations), lambda one: one[0].merchant_sessions(one[1], limit))
        listed = [one for answer in common if not isinstance(answer, GateError) for one in answer]
        # A list that is not full has every session: a station that it does not name has none.
        whole_list = len(listed) < limit and not any(isinstance(one, GateError) for one in common)
        for station in stations:
            own = tuple(one for one in listed if one.server_id == station.uuid)
            if own or whole_list:
                found[station.uuid] = own
    alone = [one for one in stations if one.uuid not in found]
    answers = await ask_all(alone, lambda one: one.client.sessions(one.uuid, NEWEST))
    return found | {one.uuid: answer for one, answer in zip(alone, answers, strict=True)}


async def past_sessions(owner: Owner, stations: Sequence[OwnedStation], *, limit: int, every_station: bool) -> Past:
    """Ask for the newest sessions; ``every_station``: of the whole account, with one question where the token allows it."""
    if every_station and owner.whole:
        answers = await ask_all(_accounts(stations), lambda one: one[0].merchant_sessions(one[1], limit))
    else:
        answers = await ask_all(stations, lambda one: one.client.sessions(one.uuid, limit))
    faults = tuple(one for one in answers if isinstance(one, GateError))
    lists = [one for one in answers if not isinstance(one, GateError)]
    # A list that is not full has them all; of a full one whatever is older than its last may be missing.
    whole_since = max((one[-1].created_on for one in lists if len(one) >= limit), default=0)
    found = {one.uuid: one for answer in lists for one in answer}
    return Past(tuple(sorted(found.values(), key=lambda one: -one.created_on)), whole_since, faults)


def _accounts(stations: Iterable[OwnedStation]) -> list[tuple[DrovaClient, UUID]]:
    """The clients of these stations, each once."""
    return list({id(one.client): (one.client, one.user_id) for one in stations}.values())
