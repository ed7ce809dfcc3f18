"""Sessions as the API's client gives them, made readings of the archive. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drova_gate.archive.merge import Reading

if TYPE_CHECKING:
    from uuid import UUID

    from drova_gate.cloud.models import Session

__all__ = ["Figures", "Listing", "reading_of"]

_GREATEST = 2**63 - 1
"""Of a number that SQLite keeps."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of a station's newest sessions, as the API gave it."""

    server: "UUID"
    sessions: "Sequence[Session]"
    asked: int
    """How many rows were asked for; 0: so few that it says nothing of those before."""
    at: int
    """When, milliseconds since 1970."""
    gate_name: str | None = None
    """What the gate's settings call the station."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What Drova says an account has earned."""

    account: "UUID"
    answer: Mapping[str, Any]
    at: int
    """When, milliseconds since 1970."""


def reading_of(session: "Session", at: int) -> Reading:
    """Make a reading of a session: what is absent or empty is left out, what nobody knows is kept."""
    fields: dict[str, Any] = {
        "station": session.server_id.bytes,
        "product": session.product_id.bytes,
        "created": session.created_on,
    }
    if session.client_id is not None:
        fields["player"] = session.client_id.bytes
    if session.merchant_id is not None:
        fields["merchant"] = session.merchant_id.bytes
    for name, value in (
        ("finished", session.finished_on),
        ("billing", session.billing_type),
        ("address", session.creator_ip),
        ("comment", session.abort_comment),
        ("score", session.score),
        ("reason", session.score_reason),
        ("review", session.score_text),
    ):
        if value is not None and value != "":
            fields[name] = _kept(value)
    for name, value in (session.model_extra or {}).items():
        if value is not None:
            fields[f"+{_text(name)}"] = _plain(value)
    return Reading(session.uuid.bytes, at, _text(session.status), fields)


def _kept(value: float | str) -> int | float | str:
    """A value that SQLite can keep as it is: not every number and not every text of JSON is one."""
    if isinstance(value, str):
        return _text(value)
    fits = math.isfinite(value) if isinstance(value, float) else abs(value) <= _GREATEST
    return value if fits else str(value)


def _plain(value: Any) -> Any:
    """A value of whatever shape, of parts that SQLite's JSON and UTF-8 know: 1e999 is infinite to Python."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {_text(name): _plain(one) for name, one in value.items()}
    return _kept(value) if isinstance(value, int | float | str) else value


def _text(value: str) -> str:
    # JSON may hold half a surrogate pair, UTF-8 may not.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
