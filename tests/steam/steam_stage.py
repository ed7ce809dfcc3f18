"""An owner with one station that has a Steam, its cloud, and the steam commands as he runs them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from simulated import quick_plan, quick_station, settings_of
from typed import typed

from drova_gate.sim.cloud import Cloud
from drova_gate.sim.cloud_world import StationProduct
from drova_gate.sim.station import Station, StationPlan
from drova_gate.sim.windows.saved_steam import APPS, manifest_path

SERVER, OWN_TOKEN, OWNER = StationPlan().registrations[0]
TOKEN = "merchant-token"


@dataclass
class Stage:
    """What the owner has."""

    station: Station
    cloud: Cloud
    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def products(self) -> dict[str, StationProduct]:
        """What the station offers at Drova, by product."""
        return self.cloud.servers[SERVER].products

    def product(self, title: str) -> str:
        """The id of the one game of the catalogue that Steam starts and that is called so."""
        return next(uuid for uuid, one in self.cloud.world.products.items() if one.title == title)

    def enabled(self) -> set[str]:
        """Titles that players can choose."""
        known = self.cloud.world.products
        return {known[uuid].title for uuid, entry in self.products.items() if entry.enabled}

    def offer(self, title: str, *, enabled: bool = True) -> None:
        self.products[self.product(title)] = StationProduct(enabled=enabled)

    def play(self, status: str) -> str:
        """A player comes; returns his session."""
        session = self.cloud.start_session(SERVER)
        self.cloud.set_status(session, status)
        return session

    def settings(self, token: str = TOKEN) -> Path:
        lines = settings_of(self.station, self.cloud, DROVA_STATE_DIR=str(self.state), DROVA_TOKEN=token)
        file = self.folder / "owner.env"
        file.write_text("".join(f"{name}='{value}'\n" for name, value in lines.items() if value), encoding="utf-8")
        return file

    async def run(self, *arguments: str, token: str = TOKEN) -> tuple[int, str, str]:
        """Run ``drova_gate steam ...`` in a thread, as its process would run it; the station and the cloud answer from this loop."""
        return await typed("steam", *arguments, "--env", self.settings(token))

    def uninstall(self, title: str) -> None:
        """The owner removes a game."""
        self.station.machine.files.delete(manifest_path(next(app for app in APPS if app.name == title)))


@asynccontextmanager
async def staged(folder: Path, *faults: str, **changes: object) -> AsyncIterator[Stage]:
    async with quick_station(quick_plan(*faults, **changes)) as (station, cloud):
        cloud.add_merchant_token(TOKEN, OWNER)
        cloud.servers[SERVER].products.clear()
        yield Stage(station, cloud, folder)
    assert cloud.refused == []
