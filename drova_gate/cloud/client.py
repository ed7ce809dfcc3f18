"""The client of the Drova API: one token, typed answers, errors named by reaction."""

from drova_gate.cloud.games import GameCalls
from drova_gate.cloud.money import MoneyCalls
from drova_gate.cloud.public import PublicCalls
from drova_gate.cloud.sessions import SessionCalls
from drova_gate.cloud.stations import StationCalls

__all__ = ["DrovaClient"]


class DrovaClient(SessionCalls, StationCalls, GameCalls, MoneyCalls, PublicCalls):
    """The Drova API with one token; ``async with``, or ``close`` at the end.

    With a ``keep_token`` the token is a merchant's and is renewed on 401; without, it is a station's and cannot be.
    A ``line`` is shared with other clients and stays open.
    """
