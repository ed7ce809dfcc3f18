"""A simulated station at a pace for tests, its cloud, and the ways to it: the settings that lead there, a config read from them, a link."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import asyncssh
from pydantic import SecretStr

from drova_gate.config import Mode, StationConfig, read_config
from drova_gate.host.link import HostLink, StationAddress
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Costs, Station, StationPlan
from drova_gate.sim.wine import WineStation

__all__ = [
    "QUICK",
    "address_of",
    "config_of",
    "free_port",
    "kept",
    "linked",
    "other_client",
    "quick_plan",
    "quick_station",
    "settings_of",
    "written",
]

QUICK = Costs(command=0.0, process=0.0, reboot=0.2, ready=0.05)
"""Answers at once; a reboot and an agent that is not there yet can still be seen."""


def quick_plan(*faults: str, **changes: object) -> StationPlan:
    """A station that answers at once."""
    return replace(StationPlan(costs=QUICK, faults=frozenset(faults)), **changes)  # type: ignore[arg-type] -- a test's shorthand


@asynccontextmanager
async def quick_station(plan: StationPlan | None = None, *, shown: bool = True) -> AsyncIterator[tuple[Station, Cloud]]:
    """A station, and a cloud that knows it by its first registration."""
    plan = plan or quick_plan()
    async with Cloud() as cloud, Station(plan) as station:
        server, token, owner = plan.registrations[0]
        cloud.add_server(server, plan.name, owner, token=token).published = shown
        yield station, cloud


def settings_of(station: Station, cloud: Cloud, **more: str) -> dict[str, str]:
    """The settings that lead to them, as a file has them."""
    return {
        "WINDOWS_HOST": station.host,
        "WINDOWS_SSH_PORT": str(station.ssh_port),
        "WINDOWS_LOGIN": station.plan.login,
        "WINDOWS_PASSWORD": station.plan.password,
        "SHADOW_DEFENDER_PASSWORD": station.plan.shadow_password,
        "DROVA_TARGET_PORT": str(station.agent_port),
        "DROVA_API_URL": cloud.url,
        **more,
    }


def config_of(station: Station, cloud: Cloud, **changes: object) -> StationConfig:
    """The same, read as the gate reads it, under the station's own name."""
    (config,) = read_config(Mode.VALIDATE, settings_of(station, cloud)).stations
    return replace(config, name=station.plan.name, **changes)  # type: ignore[arg-type] -- a test's shorthand


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def address_of(station: Station, **changes: object) -> StationAddress:
    """Where the station's SSH is, with its password."""
    plan = station.plan
    address = StationAddress(station.host, station.ssh_port, plan.login, password=SecretStr(plan.password))
    return replace(address, **changes)  # type: ignore[arg-type] -- a test's shorthand


def other_client(station: Station | WineStation) -> AbstractAsyncContextManager[asyncssh.SSHClientConnection]:
    """A connection to a station's SSH that the gate has no part in."""
    known = station.plan if isinstance(station, Station) else station
    return asyncssh.connect(  # type: ignore[no-any-return] -- asyncssh's own
        station.host,
        station.ssh_port,
        username=known.login,
        password=known.password,
        known_hosts=None,
        client_keys=None,
        config=None,
        agent_path=None,
    )


@asynccontextmanager
async def kept(link: HostLink) -> AsyncIterator[HostLink]:
    """Keep a link up meanwhile."""
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(link.keep_up())
        try:
            yield link
        finally:
            await link.close()
            keeping.cancel()


@asynccontextmanager
async def linked(*faults: str, **changes: object) -> AsyncIterator[tuple[Station, HostLink]]:
    """A station that answers at once, and a link to it that is up."""
    async with (
        Station(quick_plan(*faults, **changes)) as station,
        kept(HostLink(station.plan.name, address_of(station))) as link,
    ):
        await link.wait_up(10)
        yield station, link


def written(station: Station) -> list[str]:
    """What was written to the station's disks and killed there."""
    return [entry.subject for entry in station.journal if entry.kind in ("write", "kill")]
