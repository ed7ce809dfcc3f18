"""The cloud as one station reaches it."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr

from drova_gate.cloud.budget import Urgency
from drova_gate.cloud.catalog import Catalogue
from drova_gate.cloud.client import DrovaClient

__all__ = ["CloudAccess"]


@dataclass(slots=True)
class CloudAccess:
    """Client and catalogue, made once a token is known."""

    open_client: Callable[[SecretStr], tuple[DrovaClient, Catalogue]]
    client: DrovaClient | None = None
    catalogue: Catalogue | None = None
    merchant: bool = False
    """The token is the owner's setting, not the station's; its client is shared with his other stations."""
    turn: Callable[[Urgency], float] = lambda _: 0.0
    """Seconds until this station may ask for its sessions: all stations share one budget of requests."""

    async def close(self) -> None:
        """Close the client, unless other stations use it too."""
        if self.client is not None and not self.merchant:
            await self.client.close()
