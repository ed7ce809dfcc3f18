"""An owner with three stations in a simulated cloud that must find no fault with what we send."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from game_stage import MERCHANT, STATIONS, USER
from pydantic import SecretStr

from drova_gate.cloud import calls
from drova_gate.owner.account import Owner, opened
from drova_gate.owner.settings import OwnerSettings
from drova_gate.sim.cloud import Cloud


@pytest.fixture(autouse=True)
def writes_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the number: the pause between writes is tested where the client is."""
    monkeypatch.setattr(calls, "WRITE_SPACING_SECONDS", 0.0)


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with Cloud() as cloud:
        cloud.add_merchant_token(MERCHANT, str(USER))
        for uuid, name in STATIONS.items():
            cloud.add_server(str(uuid), name, str(USER)).products.clear()
        yield cloud
    assert cloud.refused == []


@pytest_asyncio.fixture
async def owner(cloud: Cloud, tmp_path: Path) -> AsyncIterator[Owner]:
    async with opened(OwnerSettings(cloud.url, SecretStr(MERCHANT), tmp_path)) as owner:
        yield owner
