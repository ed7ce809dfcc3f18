"""What the stations of one process share of the cloud: a pool and a budget for each address, a client for each merchant token."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from drova_gate.cloud.budget import Budget, CommonTurn, Turn, Urgency
from drova_gate.cloud.catalog import Catalogue
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.http import ApiLine
from drova_gate.cloud.merchant import MerchantClient
from drova_gate.cloud.token import FileTokenKeeper, token_file

__all__ = ["Clouds", "token_file"]


@dataclass(slots=True)
class _Merchant:
    client: MerchantClient
    catalogue: Catalogue


class Clouds:
    """The clients of one process; ``close`` when all stations have ended."""

    def __init__(self, state_dir: Path, clock: Callable[[], float]) -> None:
        self._state_dir, self._clock = state_dir, clock
        self._lines: dict[str, ApiLine] = {}
        self._merchants: dict[tuple[str, str], _Merchant] = {}

    @property
    def requests(self) -> int:
        """Sent since the start, to all addresses."""
        return sum(line.requests for line in self._lines.values())

    def station(self, base_url: str, token: SecretStr) -> tuple[DrovaClient, Catalogue]:
        """Make the client of one station's own token; whoever asked closes it."""
        client = DrovaClient(token, base_url=base_url, line=self._line(base_url))
        return client, Catalogue(client, self._state_dir)

    def merchant(self, base_url: str, token: SecretStr) -> tuple[MerchantClient, Catalogue]:
        """Return the one client of a merchant token; it stays open until ``close``."""
        key = (base_url, token.get_secret_value())
        if key not in self._merchants:
            keeper = FileTokenKeeper(token_file(self._state_dir, token))
            client = MerchantClient(token, base_url=base_url, keep_token=keeper, line=self._line(base_url))
            self._merchants[key] = _Merchant(client, Catalogue(client, self._state_dir))
        shared = self._merchants[key]
        return shared.client, shared.catalogue

    def turn(self, base_url: str, token: SecretStr | None) -> Callable[[Urgency], float]:
        """How long a station has to wait before it may ask, by how much it matters; 0: now."""
        alone = Turn(self._budget(base_url), self._clock)
        if token is None:
            return alone.wait
        together = CommonTurn(self._clock)
        key = (base_url, token.get_secret_value())

        def wait(urgency: Urgency) -> float:
            shared = self._merchants.get(key)
            return (together if shared is None or shared.client.common else alone).wait(urgency)

        return wait

    async def close(self) -> None:
        """Close everything that stations share."""
        for shared in self._merchants.values():
            await shared.client.close()
        for line in self._lines.values():
            await line.close()

    def _line(self, base_url: str) -> ApiLine:
        if base_url not in self._lines:
            self._lines[base_url] = ApiLine(base_url, budget=Budget(self._clock))
        return self._lines[base_url]

    def _budget(self, base_url: str) -> Budget:
        budget = self._line(base_url).budget
        assert budget is not None  # noqa: S101 - every line here is made with one
        return budget
