"""An owner with three stations at the simulated cloud, and his commands as he runs them."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from typed import typed

from drova_gate.core.model import Record
from drova_gate.sim.cloud import Cloud
from drova_gate.state import StateFile

USER = "7b7c1c1e-52a3-4f0e-9d0a-000000000001"
TOKEN = "merchant-token"
STATIONS = {
    "pc1": "11111111-1111-4111-8111-111111111111",
    "Зал 2 🎮": "22222222-2222-4222-8222-222222222222",
    "<b>\"o'3\x1b[2J": "33333333-3333-4333-8333-333333333333",
}


@dataclass
class Shop:
    """What an owner has: a cloud, a folder, commands."""

    cloud: Cloud
    folder: Path
    ids: dict[str, str] = field(default_factory=lambda: dict(STATIONS))

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def server(self, name: str):
        return self.cloud.servers[self.ids[name]]

    def settings(self, **others: str) -> Path:
        file = self.folder / "owner.env"
        lines = {"DROVA_API_URL": self.cloud.url, "DROVA_STATE_DIR": str(self.state), "DROVA_TOKEN": TOKEN} | others
        file.write_text("".join(f"{name}='{value}'\n" for name, value in lines.items() if value), encoding="utf-8")
        return file

    async def run(self, *arguments: str, stdin: str = "", **settings: str) -> tuple[int, str, str]:
        """Run a command in a thread, as its process would run it; the cloud answers from this loop."""
        return await typed(*arguments, "--env", self.settings(**settings), stdin=stdin)

    def writes(self) -> list[str]:
        return [
            one.path for one in self.cloud.requests if one.method in ("PUT", "POST") and "server-manager" in one.path
        ]

    def hold(self, station: str, **record: object) -> None:
        """Let a gate of this machine have written a state about a station."""
        known = replace(Record(), server=UUID(self.ids[station]), **record)
        StateFile(self.state / "gate-pc" / "state.json").save(known)
