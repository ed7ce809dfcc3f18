"""The shop of an owner, open for the length of a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from owner_shop import STATIONS, TOKEN, USER, Shop

from drova_gate.sim.cloud import Cloud


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Cloud() as cloud:
        cloud.add_merchant_token(TOKEN, USER)
        for name, uuid in STATIONS.items():
            cloud.add_server(uuid, name, USER)
        yield Shop(cloud, tmp_path)
        assert not cloud.refused, cloud.refused
