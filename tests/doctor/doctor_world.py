"""A quick station and a cloud that knows it, and the doctor at work on them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from simulated import QUICK, settings_of

from drova_gate.config import Mode, StationConfig, read_config
from drova_gate.doctor.checks import CHECKS
from drova_gate.doctor.examination import Spec
from drova_gate.doctor.run import examine
from drova_gate.doctor.verdict import Check
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Station, StationPlan
from drova_gate.sim.windows.registry import Value, number


@dataclass
class World:
    """What a test plants its faults in."""

    station: Station
    cloud: Cloud
    folder: Path
    settings: dict[str, str]
    settings_files: tuple[Path, ...] = ()

    @property
    def config(self) -> StationConfig:
        (station,) = read_config(Mode.VALIDATE, self.settings).stations
        return replace(station, name="pc1")

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def machine(self):
        return self.station.machine

    @property
    def server(self):
        return self.cloud.servers[self.station.plan.registrations[-1][0]]

    def set(self, key: str, name: str, value: int | str | Sequence[str]) -> None:
        """Set a registry value as Windows or the owner does."""
        if isinstance(value, int):
            held = number(value)
        else:
            held = Value("REG_SZ", value) if isinstance(value, str) else Value("REG_MULTI_SZ", tuple(value))
        with self.machine.quietly():
            self.machine.registry.set(key, name, held)

    def make_key(self, key: str) -> None:
        with self.machine.quietly():
            self.machine.registry.create_key(key)

    def kill(self, image: str) -> None:
        with self.machine.quietly():
            for process in self.machine.processes.named(image):
                self.machine.processes.kill(process.pid)

    def stop(self, service: str) -> None:
        with self.machine.quietly():
            self.machine.services.set_state(service, 1)

    async def examine(self, checks: Sequence[Spec] = CHECKS) -> dict[str, Check]:
        done = await examine(self.config, self.state_dir, settings_files=self.settings_files, checks=checks)
        return {check.code: check for check in done}


@asynccontextmanager
async def world(folder: Path, **plan) -> AsyncIterator[World]:
    """A station, a cloud, settings to reach both; the host key is pinned, as after a gate's first start."""
    made = StationPlan(**{"costs": QUICK, "language": "en", **plan})
    async with Cloud() as cloud, Station(made) as station:
        if made.registrations:
            server, token, owner = made.registrations[-1]
            cloud.add_server(server, made.name, owner, token=token)
        told = World(station, cloud, folder, settings_of(station, cloud))
        pin = told.state_dir / "pc1" / "host_key"
        pin.parent.mkdir(parents=True)
        told.state_dir.chmod(0o700)
        pin.write_text(f"ssh-ed25519 {station.host_key_fingerprint}\n", encoding="ascii")
        yield told
