"""Every test of the relay runs on asyncio's own loop, on the relay's, and on uvloop where that is installed."""

import asyncio
from collections.abc import Callable

import pytest
import relay_peers

from drova_gate.relay.polling import RelayLoop

try:
    import uvloop
except ImportError:  # no wheel for this machine: the gate runs on asyncio there, and so do the tests
    uvloop = None


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops under test."""
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "asyncio": asyncio.new_event_loop,
        "relay": RelayLoop,
    }
    if uvloop is not None:
        factories["uvloop"] = uvloop.new_event_loop
    return factories


@pytest.fixture(params=["splice", "copy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How bulk is carried: by the kernel, or copied where splice is not to be had."""
    monkeypatch.setattr(relay_peers, "SPLICE", request.param == "splice")
    return str(request.param)
