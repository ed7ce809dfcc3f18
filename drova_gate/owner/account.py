"""An owner's stations as the cloud lists them, each with the client whose token may steer it.

With a merchant token there is one client for all; without, each station of the settings is asked over SSH for its own token, which
opens that station alone.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr

from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.http import ApiLine
from drova_gate.cloud.models import Account, Server
from drova_gate.cloud.token import FileTokenKeeper, token_file
from drova_gate.config import StationConfig
from drova_gate.errors import CallOwner, GateError, NotKnown
from drova_gate.host.identity import read_registrations
from drova_gate.nearest import meant, not_known
from drova_gate.owner.settings import OwnerSettings
from drova_gate.state import StateFile
from drova_gate.visit import first_answer, visiting

__all__ = ["OwnedStation", "Owner", "find_station", "opened"]


@dataclass(frozen=True, slots=True)
class OwnedStation:
    """One station of the owner."""

    server: Server
    """As the cloud listed it when it was asked."""
    client: DrovaClient
    user_id: UUID
    gate_name: str | None = None
    """What the gate's settings call it; ``None``: this gate does not guard it."""

    @property
    def uuid(self) -> UUID:
        """Its id."""
        return self.server.uuid

    @property
    def name(self) -> str:
        """What the owner calls it: in the gate's settings, else at Drova."""
        return self.gate_name or self.server.name or str(self.server.uuid)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it answers to."""
        return tuple(dict.fromkeys(one for one in (self.gate_name, self.server.name, str(self.uuid)) if one))


@dataclass(frozen=True, slots=True)
class _Access:
    """What one token opens."""

    client: DrovaClient
    user_id: UUID
    server_id: UUID | None
    """The one station of a station's own token; ``None``: all of the account."""
    gate_name: str | None = None


class Owner:
    """The owner's account, open for the length of a command."""

    def __init__(
        self, accesses: Sequence[_Access], gate_names: dict[UUID, str], faults: Sequence[GateError], state_dir: Path
    ) -> None:
        self._accesses, self._gate_names = tuple(accesses), gate_names
        self.state_dir = state_dir
        """Where the gate and its owner's commands remember."""
        self.faults = tuple(faults)
        """Stations of the settings whose token could not be had: each text names its station."""

    @property
    def client(self) -> DrovaClient:
        """A client for what belongs to the account as a whole."""
        return self._accesses[0].client

    @property
    def user_id(self) -> UUID:
        """The account's id."""
        return self._accesses[0].user_id

    @property
    def whole(self) -> bool:
        """Whether the token is the merchant's, which opens all of the account's stations."""
        return self._accesses[0].server_id is None

    def purses(self) -> tuple[tuple[DrovaClient, UUID], ...]:
        """Whose figures of money can be asked for, and with what.

        None with several stations' own tokens: each may be told of its station alone, and would stand for the account.
        """
        ones = self._accesses if self.whole or len(self._accesses) == 1 else ()
        return tuple((one.client, one.user_id) for one in ones)

    async def account(self) -> Account:
        """Ask for the account anew."""
        return await self.client.account()

    async def stations(self) -> tuple[OwnedStation, ...]:
        """All stations, asked for anew, in the order of their names; deleted ones are left out."""
        found = {one.uuid: one for access in self._accesses for one in await self._of(access) if not one.server.deleted}
        return tuple(sorted(found.values(), key=lambda one: one.name.casefold()))

    async def chosen(self, names: Sequence[str]) -> tuple[OwnedStation, ...]:
        """The stations that these names or ids mean, without repetition; no names: all. ``NotKnown`` has the nearest names."""
        stations = await self.stations()
        if not names:
            return stations
        picked = [find_station(name, stations) for name in names]
        return tuple({one.uuid: one for one in picked}.values())

    async def _of(self, access: _Access) -> list[OwnedStation]:
        if access.server_id is None:
            servers: Sequence[Server] = await access.client.servers(access.user_id)
        else:
            servers = (await access.client.server(access.server_id, access.user_id),)
        return [
            OwnedStation(one, access.client, access.user_id, access.gate_name or self._gate_names.get(one.uuid))
            for one in servers
        ]


def find_station(name: str, stations: Sequence[OwnedStation]) -> OwnedStation:
    """Find one station by the gate's name, Drova's name or the beginning of its id; several or none are ``NotKnown``."""
    by_id = {one.uuid: one for one in stations}
    found = [by_id[uuid] for uuid in meant(name, {one.uuid: one.names for one in stations})]
    if len(found) == 1:
        return found[0]
    if found:
        which = ", ".join(f"{one.name} ({one.uuid})" for one in found)
        raise NotKnown(f"station {name!r}", f"may be {which}", "write the id of the one you mean")
    known = [each for one in stations for each in (one.gate_name, one.server.name) if each]
    raise not_known("station", name, known, "drova_gate stations")


@asynccontextmanager
async def opened(settings: OwnerSettings) -> AsyncIterator[Owner]:
    """Open the account; ``CallOwner`` when there is nothing to open it with."""
    async with AsyncExitStack() as stack:
        opening = _Opening(settings, stack)
        merchants = list(dict.fromkeys(opening.merchants()))
        if merchants:
            accesses = [await opening.merchant(url, SecretStr(token)) for url, token in merchants]
            yield Owner(accesses, _known_servers(settings), (), settings.state_dir)
            return
        if not settings.stations:
            raise CallOwner(
                "Drova account",
                "there is no token and no station in the settings",
                "log in with the merchant token: drova_gate login; or name the settings with --env",
            )
        found = await asyncio.gather(*map(opening.station, settings.stations))
        faults = [one for one in found if isinstance(one, GateError)]
        opened_ones = [one for one in found if isinstance(one, _Access)]
        if not opened_ones:
            raise faults[0]
        yield Owner(opened_ones, {}, faults, settings.state_dir)


class _Opening:
    """Makes the clients of one command; the stack closes them."""

    def __init__(self, settings: OwnerSettings, stack: AsyncExitStack) -> None:
        self._settings, self._stack = settings, stack
        self._lines: dict[str, ApiLine] = {}

    def merchants(self) -> list[tuple[str, str]]:
        """List the addresses and merchant tokens that the settings name; repetitions included."""
        own = [] if self._settings.token is None else [(self._settings.api_url, self._settings.token)]
        others = [(one.api_url, one.token) for one in self._settings.stations if one.token is not None]
        return [(url, token.get_secret_value()) for url, token in (*own, *others)]

    async def merchant(self, url: str, token: SecretStr) -> _Access:
        """Open the account of a merchant token."""
        keeper = FileTokenKeeper(token_file(self._settings.state_dir, token))
        if await asyncio.to_thread(keeper.forbidden):
            raise CallOwner(
                f"token file {keeper.path}",
                "belongs to another user, who may have renewed the token",
                "use sudo, or set DROVA_STATE_DIR to a folder of your own",
            )
        client = self._client(token, url, keeper)
        return _Access(client, (await client.account()).uuid, None)

    async def station(self, config: StationConfig) -> _Access | GateError:
        """Ask a station for its own token; what goes wrong is returned, for the others may do without it."""
        try:
            async with visiting(config, self._settings.state_dir) as link:
                await first_answer(link)
                registration = (await read_registrations(link)).current
        except GateError as error:
            return error
        client = self._client(registration.token, config.api_url, None)
        try:
            user_id = registration.user_id or (await client.account()).uuid
            # Asked here, where it is this station's trouble: the other stations' tokens may be good.
            await client.server(registration.server_id, user_id)
        except GateError as error:
            error.subject = f"station {config.name}"
            return error
        return _Access(client, user_id, registration.server_id, config.name)

    def _client(self, token: SecretStr, url: str, keeper: FileTokenKeeper | None) -> DrovaClient:
        if url not in self._lines:
            self._lines[url] = ApiLine(url)
            self._stack.push_async_callback(self._lines[url].close)
        client = DrovaClient(token, base_url=url, keep_token=keeper, line=self._lines[url])
        self._stack.push_async_callback(client.close)
        return client


def _known_servers(settings: OwnerSettings) -> dict[UUID, str]:
    """What the gate remembers of its stations' ids; its state is left as it is."""
    known: dict[UUID, str] = {}
    for station in settings.stations:
        try:
            record = StateFile(settings.state_dir / station.name / "state.json").look()
        except OSError:
            continue  # another user's gate: his stations go by Drova's names
        if record is not None and record.server is not None:
            known[record.server] = station.name
    return known
