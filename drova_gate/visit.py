"""A short visit to one station, by a command that an owner runs beside the daemon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from drova_gate.config import StationConfig
from drova_gate.files import is_closed
from drova_gate.host.link import HostLink
from drova_gate.station import station_address

__all__ = ["first_answer", "visiting"]

LINK_SECONDS = 30.0
"""For login, shell probe and SFTP on a slow station."""


@asynccontextmanager
async def visiting(config: StationConfig, state_dir: Path) -> AsyncIterator[HostLink]:
    """Keep a link like the daemon's, with its pin if there is one; a new key is not pinned: that is the daemon's first step.

    An error of the visitor passes as it is.
    """
    pin_file = state_dir / config.name / "host_key"
    # Behind a door that is closed to this user there may be a pin: who cannot tell, must not log in to whoever answers.
    pinned = is_closed(pin_file) or pin_file.exists()
    link = HostLink(config.name, station_address(config), pin_file if pinned else None)
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(link.keep_up())
            try:
                yield link
            finally:
                await link.close()
                keeping.cancel()
    except BaseExceptionGroup as both:
        if len(both.exceptions) > 1:
            raise
        # The link's own task raises none: this is the visitor's own, and he expects it as he raised it.
        raise both.exceptions[0] from both.exceptions[0].__cause__


async def first_answer(link: HostLink) -> None:
    """Wait for the link, but no longer than for its first refusal, which is raised."""
    changed = asyncio.Event()
    link.on_change = changed.set
    try:
        async with asyncio.timeout(LINK_SECONDS):
            if not link.answered:
                await changed.wait()
    except TimeoutError:
        raise link.down() from None
    if not link.up:
        raise link.down()
