"""Where the recipes and the lockdown stand that come with the gate."""

from pathlib import Path

__all__ = ["LAUNCHERS", "LOCKDOWN"]

_DATA = Path(__file__).parent / "data"
LAUNCHERS, LOCKDOWN = _DATA / "launchers", _DATA / "lockdown.toml"
