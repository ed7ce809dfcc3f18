"""A simulated cloud that must find no fault with the client, raw answers, and a watch on secrets."""

import logging
import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from cloud_peers import MERCHANT_TOKEN, SECRETS, SERVER, STATION_TOKEN, USER, RawPeer, raw_peer
from pydantic import SecretStr

from drova_gate.cloud.client import DrovaClient
from drova_gate.sim.cloud import Cloud


@pytest.fixture(autouse=True)
def no_secret_is_said(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which a token came into any log line, down to DEBUG, or into the text of a logged error."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in (*caplog.get_records("setup"), *caplog.get_records("call")):
        text = record.getMessage() + (caplog.handler.format(record) if record.exc_info else "")
        assert not any(secret in text for secret in SECRETS), record.name


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[Cloud]:
    """A cloud with one station and both kinds of token; a call that no correct client makes fails the test."""
    async with Cloud() as cloud:
        cloud.add_server(str(SERVER), "pc1", str(USER), token=STATION_TOKEN)
        cloud.add_merchant_token(MERCHANT_TOKEN, str(USER))
        yield cloud
    assert cloud.refused == []


@pytest_asyncio.fixture
async def station(cloud: Cloud) -> AsyncIterator[DrovaClient]:
    """A client with the station's token."""
    async with DrovaClient(SecretStr(STATION_TOKEN), base_url=cloud.url) as client:
        yield client


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[RawPeer]:
    """A raw peer on loopback."""
    async with raw_peer() as peer:
        yield peer


@pytest_asyncio.fixture
async def raw(peer: RawPeer) -> AsyncIterator[DrovaClient]:
    """A client of the raw peer, with the station's token and little patience."""
    async with DrovaClient(SecretStr(STATION_TOKEN), base_url=peer.url, timeout=1.0) as client:
        yield client


@pytest.fixture
def live_token(request: pytest.FixtureRequest) -> SecretStr:
    """The real token; the test is skipped unless ``--live`` or ``--live-write`` asks for it."""
    if not (request.config.getoption("--live") or request.config.getoption("--live-write")):
        pytest.skip("needs --live and a token in GATE_LIVE_TOKEN")
    token = os.environ.get("GATE_LIVE_TOKEN", "")
    if not token:
        pytest.fail("--live: GATE_LIVE_TOKEN holds no token")
    return SecretStr(token)
