"""Ending a player's stream on the station itself: the last means where no door is ours."""

from drova_gate.host.commands import Run, Script
from drova_gate.host.link import HostLink
from drova_gate.host.parse import labels

__all__ = ["evict", "evict_script"]

STREAM = "ese.exe"
"""The Drova agent's streaming program: one runs for each player, and none without. The agent itself, esme.exe, is left alone."""


def evict_script() -> Script:
    """End the stream."""
    return (Run("taskkill.exe", ("/f", "/im", STREAM), label="evict"),)


async def evict(link: HostLink) -> bool:
    """End the stream; ``False``: there was none, or it cannot be ended."""
    return labels((await link.run(evict_script())).stdout).get("evict") == "ok"
