"""A station with Steam, and a link to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest
from pydantic import SecretStr

from drova_gate.host.link import HostLink, StationAddress
from drova_gate.sim.station import Costs, Station, StationPlan

Linked = Callable[..., AbstractAsyncContextManager[tuple[Station, HostLink]]]


@asynccontextmanager
async def _linked(*faults: str, **changes: object) -> AsyncIterator[tuple[Station, HostLink]]:
    plan = replace(StationPlan(costs=Costs(0.0, 0.0, 0.2, 0.0), faults=frozenset(faults)), **changes)
    async with Station(plan) as station:
        address = StationAddress(station.host, station.ssh_port, plan.login, password=SecretStr(plan.password))
        link = HostLink(plan.name, address)
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(link.keep_up())
            try:
                await link.wait_up(10)
                yield station, link
            finally:
                await link.close()
                keeping.cancel()


@pytest.fixture
def linked() -> Linked:
    return _linked
