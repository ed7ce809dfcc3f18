"""What an owner's command needs of the settings: a way to the API, and the stations if there are any."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import SecretStr

    from drova_gate.config import StationConfig

__all__ = ["OwnerSettings"]


@dataclass(frozen=True, slots=True)
class OwnerSettings:
    """Where the API is, what opens it, and the stations that the settings name."""

    api_url: str
    token: "SecretStr | None"
    """``DROVA_TOKEN``, else the token that ``drova_gate login`` kept; ``None``: only the stations' own."""
    state_dir: Path
    stations: "tuple[StationConfig, ...]" = ()
    """Empty where the settings name none: with a merchant token none is needed."""
    named_tokens: "tuple[SecretStr, ...]" = ()
    """Every ``DROVA_TOKEN`` of the settings: the gate goes by those, whoever logs in or out."""
