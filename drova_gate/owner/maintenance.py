"""An owner's maintenance while no gate runs: the command does at Drova what the gate would do, and notes it where the gate finds it.

The gate's own record is the gate's alone to write. What the command did to the catalogue stands in the lease, before it is done.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from drova_gate.config import StationConfig
from drova_gate.core.model import Lease, Phase, Record
from drova_gate.errors import GateError
from drova_gate.host.look import look as look_at_host
from drova_gate.host.probe import port_open
from drova_gate.lease import LeaseFile
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.held import Holds
from drova_gate.owner.player import look, who_plays
from drova_gate.owner.steering import Done, publish, steer
from drova_gate.state import StateFile
from drova_gate.station import protector_of
from drova_gate.visit import first_answer, visiting

__all__ = ["Told", "hide_for", "show_after", "wait_for_players_end"]

PORT_SECONDS = 2.0
ASK_SECONDS = 5.0
"""Between two questions whether the player has left."""
_SETTLED = (Phase.UNKNOWN, Phase.CLEAN, Phase.MAINTENANCE)
"""Phases in which nothing of a session is left for the gate to do."""
_NO_HOLDS = Holds({})
"""The gate's own hold is what ends here."""


@dataclass(frozen=True, slots=True)
class Told:
    """How it ended on one station, in words without its name."""

    good: bool
    text: str


async def hide_for(station: OwnedStation, file: LeaseFile, lease: Lease) -> Told:
    """Leave the lease and hide the station; whatever becomes of that, the gate takes over from there."""
    file.save(lease)
    try:
        server, _ = await look(station)
    except GateError as error:
        return Told(good=False, text=f"is not hidden: {error}")
    if not server.published:
        return Told(good=True, text="was hidden before, and stays so afterwards unless the gate had hidden it")
    file.save(replace(lease, hidden=True))
    outcome = await steer(station, publish(visible=False), force=True, holds=_NO_HOLDS)
    if outcome.done is Done.REFUSED:
        file.save(lease)
    if not outcome.good:
        return Told(good=False, text=outcome.text)
    return Told(good=True, text="hidden from the catalogue (read back)")


async def wait_for_players_end(station: OwnedStation, tell: Callable[[str], None]) -> None:
    """Wait until the cloud says that nobody is on the station; a cloud that does not answer is waited for too."""
    while True:
        try:
            inside = await who_plays(station)
        except GateError as error:
            tell(str(error))
        else:
            if inside is None:
                return
            tell(f"a player is inside: {inside.why}")
        await asyncio.sleep(ASK_SECONDS)


async def show_after(
    station: OwnedStation, config: StationConfig | None, state_dir: Path, file: LeaseFile, lease: Lease
) -> Told:
    """End the lease; show the station if it was hidden for it and is seen clean, else leave that to the gate."""
    over = replace(lease, ended=True)
    file.save(over)
    record = StateFile(file.path.with_name("state.json")).look() or Record()
    if lease.hidden is False or not (lease.hidden or record.hidden_by_us):
        file.end(over)
        return Told(good=True, text="the maintenance is over; in the catalogue it is as it was before")
    missing = _unsettled(record) or await _unseen(config, state_dir)
    if missing:
        return Told(
            good=False,
            text=f"the maintenance is over, and it stays hidden: {missing}; the gate shows it when it runs and sees it clean",
        )
    outcome = await steer(station, publish(visible=True), force=False, holds=_NO_HOLDS)
    if not outcome.good:
        return Told(good=False, text=f"the maintenance is over, and it stays hidden: {outcome.text}")
    if record.hidden_by_us:
        # Its record still says so: it must not undo what the owner hides from now on.
        file.save(replace(over, hidden=False))
    else:
        file.end(over)
    return Told(good=True, text="the maintenance is over; shown in the catalogue again (read back)")


def _unsettled(record: Record) -> str:
    """What the last gate had not brought to its end."""
    if record.session is not None or record.phase not in _SETTLED:
        return f"the gate left it {record.phase}"
    return ""


async def _unseen(config: StationConfig | None, state_dir: Path) -> str:
    """What keeps the station from being seen clean; empty: nothing."""
    if config is None:
        return "it is not in these settings, so it cannot be looked at"
    try:
        async with visiting(config, state_dir) as link:
            await first_answer(link)
            seen = await look_at_host(link, protector_of(config))
    except GateError as error:
        return str(error)
    if seen.marker != "":
        return "it carries the marker of its last session" if seen.marker else "its registry cannot be read"
    if not await port_open(config.host, config.target_port, PORT_SECONDS):
        return "the Drova agent's port is not open"
    return ""
