"""Sessions as the API lists them, made for tests."""

import uuid
from typing import Any

from drova_gate.archive.readings import Listing
from drova_gate.cloud.models import Session

SERVER = uuid.UUID("9a1f5a36-0b0d-4a53-9c1d-10de7ae0a001")
OTHER = uuid.UUID("9a1f5a36-0b0d-4a53-9c1d-10de7ae0a002")
GAME = uuid.UUID("39e835b0-44a1-4bc9-9fb5-98bad5fdc959")
OLD_GAME = uuid.UUID("d5f88d94-87d5-11e7-bb31-000000003778")
MERCHANT = uuid.UUID("5b5c2a1e-7f3b-4a0e-8f57-d0d1bd9f3a11")
T0 = 1_779_000_000_000
"""2026-05-17, 06:40 UTC."""
MINUTE = 60_000
HOUR = 60 * MINUTE


def player(number: int) -> str:
    return str(uuid.UUID(int=(0x4C << 120) + number))


def session(number: int, *, server: uuid.UUID = SERVER, absent: tuple[str, ...] = (), **fields: Any) -> Session:
    """The session of this number: one each hour, half an hour long, FINISHED, unless the fields say otherwise."""
    created = T0 + number * HOUR
    row = {
        "uuid": str(uuid.uuid5(server, str(number))),
        "server_id": str(server),
        "product_id": str(GAME),
        "merchant_id": str(MERCHANT),
        "client_id": player(number),
        "created_on": created,
        "finished_on": created + 30 * MINUTE,
        "status": "FINISHED",
        "creator_ip": f"203.0.113.{number % 250}",
        "billing_type": "prepaid",
    }
    row |= fields
    return Session.model_validate({name: value for name, value in row.items() if name not in absent})


def listing(
    *sessions: Session,
    server: uuid.UUID = SERVER,
    asked: int = 1000,
    at: int = T0 + 1000 * HOUR,
    name: str | None = None,
) -> Listing:
    return Listing(server, sessions, asked, at, name)
