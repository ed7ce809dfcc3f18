"""Stations and sessions as rows: values for machines, and the words that people read. Pure."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drova_gate.addresses import masked
from drova_gate.cloud.models import Endpoint, Server, Session
from drova_gate.owner.overview import Seen
from drova_gate.owner.player import TAKEN
from drova_gate.sheet import Row
from drova_gate.vocabulary import OVER, STATUSES, reason_words, remark

__all__ = [
    "Spelling",
    "clock_doubt",
    "current_row",
    "heartbeat_age",
    "session_row",
    "state_words",
    "station_row",
]

STATES = {
    "LISTEN": "free",
    "IDLE": "free",
    "HANDSHAKE": "connecting",
    "BUSY": "taken",
    "OFFLINE": "offline",
    "UNVERIFIED": "never started",
}
"""The station's state in words; any other is shown as it is."""

ONLINE = ("LISTEN", "IDLE", *TAKEN)
SILENT_SECONDS = 300.0
"""A heartbeat older than this is none, whatever the state says: the age that other tools take too."""
DOUBT_SECONDS = 300.0
"""A heartbeat this far in the future says that one of the clocks is wrong; less is how clocks differ."""


class Spelling:
    """How this reader wants titles, addresses and places."""

    def __init__(
        self,
        titles: Mapping[UUID, str],
        place: Callable[[str | None], str | None],
        *,
        now: float,
        addresses: bool,
    ) -> None:
        self.now = now
        """Seconds since 1970."""
        self._titles, self._place, self._addresses = titles, place, addresses

    def title(self, product: UUID) -> str:
        """What a game is called."""
        return self._titles.get(product, str(product))

    def player(self, address: str | None) -> dict[str, str | None]:
        """From where he plays; his whole address only for who asked for it."""
        return {"from": address if self._addresses else masked(address), "place": self._place(address)}


# -- stations --------------------------------------------------------------------------------------------------------


def heartbeat_age(server: Server, now: float) -> float | None:
    """Seconds since the station's agent last reported; ``None``: never, or one of the clocks is wrong."""
    if not server.last_heartbeat:
        return None
    age = now - server.last_heartbeat / 1000
    return None if age < -DOUBT_SECONDS else max(0.0, age)


def clock_doubt(servers: Sequence[Server], now: float) -> str:
    """Why the ages are not to be trusted: this machine's clock against the cloud's; empty: nothing speaks against it."""
    ages = [now - one.last_heartbeat / 1000 for one in servers if one.last_heartbeat]
    online = [now - one.last_heartbeat / 1000 for one in servers if one.last_heartbeat and one.state in ONLINE]
    if ages and min(ages) < -DOUBT_SECONDS:
        return f"a station reported {_minutes(-min(ages))} in the future"
    if len(online) > 1 and min(online) > SILENT_SECONDS:
        return f"no station that is online reported in the last {_minutes(min(online))}"
    return ""


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.0f} h"


def state_words(server: Server, now: float) -> str:
    """Put a station's state into words, with a doubt where its agent has long been silent."""
    words = STATES.get(server.state, server.state)
    age = heartbeat_age(server, now)
    silent = server.state in ONLINE and age is not None and age > SILENT_SECONDS
    return f"{words}, silent" if silent else words


def station_row(seen: Seen, spelling: Spelling) -> Row:
    """One station."""
    server = seen.station.server
    row: dict[str, Any] = {
        "station": seen.station.name,
        "uuid": server.uuid,
        "name": server.name,
        "gate": seen.station.gate_name,
        "state": server.state,
        "state_text": state_words(server, spelling.now),
        "published": server.published,
        "desktop": server.allow_desktop,
        "updates": None if server.disable_updates is None else not server.disable_updates,
        "heartbeat": _moment(server.last_heartbeat),
        "heartbeat_age": _rounded(heartbeat_age(server, spelling.now)),
        "ever_seen": server.ever_seen,
        "city": server.city_name,
        "internal": _endpoints(seen.endpoints, outside=False),
        "external": _endpoints(seen.endpoints, outside=True),
        "player": None if seen.inside_fault is not None and seen.inside is None else seen.inside is not None,
        "why": seen.inside.why if seen.inside else None,
    }
    session = seen.inside.session if seen.inside else None
    product = session.product_id if session else server.product_id if seen.inside else None
    return row | {
        "game": spelling.title(product) if product else None,
        "product_id": product,
        "session": session.uuid if session else server.session_id if seen.inside else None,
        "since": _moment(session.created_on) if session else None,
        "seconds": _length(session, spelling.now) if session else None,
        "billing": session.billing_type if session else None,
        **spelling.player(session.creator_ip if session else None),
    }


def _endpoints(endpoints: Sequence[Endpoint] | None, *, outside: bool) -> list[str] | None:
    if endpoints is None:
        return None
    ordered = sorted(endpoints, key=lambda one: (-(one.priority or 0), one.base_port))
    return [_address(one) for one in ordered if bool(one.externally_routable or one.user_defined) is outside]


def _address(endpoint: Endpoint) -> str:
    try:
        six = ipaddress.ip_address(endpoint.ip).version == 6
    except ValueError:
        six = False
    return f"[{endpoint.ip}]:{endpoint.base_port}" if six else f"{endpoint.ip}:{endpoint.base_port}"


# -- sessions --------------------------------------------------------------------------------------------------------


def current_row(seen: Seen, spelling: Spelling) -> Row:
    """What goes on on a station where somebody plays, under the names of a session's row."""
    row = dict(station_row(seen, spelling))
    session = seen.inside.session if seen.inside else None
    kept = ("station", "game", "product_id", "seconds", "billing", "from", "place", "why")
    status = session.status if session else None
    words = STATUSES.get(session.status, session.status) if session else row["state_text"]
    return {
        "started": row["since"],
        **{name: row[name] for name in kept},
        "status": status,
        "status_text": words,
        "uuid": row["session"],
        "server_id": row["uuid"],
    }


def session_row(session: Session, station: str, spelling: Spelling) -> Row:
    """One session of the past, or one that goes on."""
    over = session.status in OVER
    return {
        "started": _moment(session.created_on),
        "ended": _moment(session.finished_on) if over else None,
        "station": station,
        "game": spelling.title(session.product_id),
        "seconds": _length(session, spelling.now),
        "status": session.status,
        "status_text": STATUSES.get(session.status, session.status),
        "billing": session.billing_type,
        **spelling.player(session.creator_ip),
        "remark": remark(session.abort_comment, session.score, session.score_reason, session.score_text),
        "abort_comment": session.abort_comment,
        "score": session.score,
        "score_reason": session.score_reason,
        "score_reason_text": reason_words(session.score_reason),
        "score_text": session.score_text,
        "uuid": session.uuid,
        "server_id": session.server_id,
        "product_id": session.product_id,
        "client_id": session.client_id,
    }


def _length(session: Session, now: float) -> float | None:
    """Seconds that it lasted, or lasts; ``None``: it is over and nobody says since when."""
    if session.status in OVER and session.finished_on is None:
        return None
    end = session.finished_on / 1000 if session.status in OVER and session.finished_on is not None else now
    return _rounded(max(0.0, end - session.created_on / 1000))


def _moment(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
