"""One station of the settings, with what a command about its Steam needs: its link, its place at Drova, the catalogue."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from drova_gate.cloud.catalog import Catalogue
from drova_gate.cloud.game_index import GameIndex
from drova_gate.config import StationConfig
from drova_gate.errors import CallOwner, GateError, NotKnown, TryAgain
from drova_gate.host.identity import read_registrations
from drova_gate.host.link import HostLink
from drova_gate.nearest import not_known
from drova_gate.owner.account import OwnedStation, Owner, find_station, opened
from drova_gate.owner.asking import ask_both
from drova_gate.owner.settings import OwnerSettings
from drova_gate.steam.scan import Scan, scan
from drova_gate.visit import first_answer, visiting

__all__ = ["account_of", "catalogue_of", "linked_to", "named_station", "place_at_drova", "scan_and_catalogue"]


async def named_station(settings: OwnerSettings, name: str) -> StationConfig:
    """Find a station by the gate's name for it, else by Drova's, where a merchant's token tells those; ``NotKnown`` has the nearest."""
    if not settings.stations:
        raise CallOwner(
            f"station {name!r}", "the settings name no station, so there is no way in", "name the settings with --env"
        )
    wanted = name.strip().casefold()
    found = [one for one in settings.stations if wanted in (one.name.casefold(), one.host.casefold())]
    if len(found) == 1:
        return found[0]
    known = [one.name for one in settings.stations]
    if settings.token is not None:
        with contextlib.suppress(NotKnown, TryAgain):
            async with opened(settings) as owner:
                at_drova = find_station(name, await owner.stations())
            return _way_in(settings, at_drova)
    raise not_known("station", name, known, "the settings file")


def _way_in(settings: OwnerSettings, at_drova: OwnedStation) -> StationConfig:
    config = next((one for one in settings.stations if one.name == at_drova.gate_name), None)
    if config is None:
        known = ", ".join(one.name for one in settings.stations)
        raise CallOwner(
            f"station {at_drova.name}",
            "which of the settings' stations it is the gate has not seen yet",
            f"name it as the settings do: {known}",
        )
    return config


@asynccontextmanager
async def linked_to(settings: OwnerSettings, config: StationConfig) -> AsyncIterator[HostLink]:
    """Keep a link to the station; a ``GateError`` when there is none."""
    async with visiting(config, settings.state_dir) as link:
        await first_answer(link)
        yield link


@asynccontextmanager
async def account_of(settings: OwnerSettings, config: StationConfig) -> AsyncIterator[Owner]:
    """Open the account for this station: without a merchant's token only this one is asked for its own."""
    async with opened(replace(settings, stations=(config,))) as owner:
        yield owner


async def place_at_drova(link: HostLink, owner: Owner) -> OwnedStation:
    """Find the station among the account's, by the id that its own agent has."""
    server = (await read_registrations(link)).current.server_id
    stations: Sequence[OwnedStation] = await owner.stations()
    found = next((one for one in stations if one.uuid == server), None)
    if found is None:
        raise CallOwner(
            link.subject,
            f"it is registered as {server}, which this account does not have",
            "log in with the token of the account that it belongs to",
        )
    return found


async def catalogue_of(owner: Owner, settings: OwnerSettings) -> GameIndex:
    """Read Drova's catalogue: the day's copy, else asked for anew."""
    return await Catalogue(owner.client, settings.state_dir).games()


async def scan_and_catalogue(settings: OwnerSettings, config: StationConfig) -> tuple[Scan, GameIndex | str]:
    """Scan the station and read the catalogue side by side; why there is none is a text: the scan is worth having without."""

    async def installed() -> Scan:
        async with linked_to(settings, config) as link:
            return await scan(link)

    async def catalogue() -> GameIndex | str:
        try:
            async with account_of(settings, config) as owner:
                return await catalogue_of(owner, settings)
        except GateError as error:
            return str(error)

    return await ask_both(installed(), catalogue())
