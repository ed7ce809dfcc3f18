"""``drova_gate steam sync``: looks at the station, plans, and hands the plan to what carries out changes of games."""

import argparse

from drova_gate.cli.changing import Intent, carry_through
from drova_gate.cli.showing import for_machines
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines
from drova_gate.config import StationConfig
from drova_gate.games.shelf import shelf_of
from drova_gate.owner.player import refuse_while_playing
from drova_gate.owner.settings import OwnerSettings
from drova_gate.sheet import one_line
from drova_gate.steam.matching import match
from drova_gate.steam.scan import scan
from drova_gate.steam.station import account_of, catalogue_of, linked_to, place_at_drova
from drova_gate.steam.sync import SyncPlan, plan_sync

__all__ = ["sync"]

_RISK = "what is installed now may be his own and gone at the next reset, and what he plays may be taken off"


async def sync(options: argparse.Namespace, settings: OwnerSettings, config: StationConfig) -> int:
    """Plan, show, ask and carry out; what cannot be read is said and takes nothing off the station's offer."""
    async with account_of(settings, config) as owner:
        async with linked_to(settings, config) as link:
            station = await place_at_drova(link, owner)
            await refuse_while_playing(station, risk=_RISK, force=options.force)
            found = await scan(link)
        catalogue = await catalogue_of(owner, settings)
        plan = plan_sync(station.uuid, found, match(found, catalogue), catalogue.games, await shelf_of(station))
        for fault in found.faults:
            complain(str(fault))
        if not for_machines(options):
            print_lines(_left_alone(plan))
        nothing = "nothing to change: the station offers what Steam has there"
        intent = Intent(f"steam sync {config.name}", plan.changes, (station,), nothing)
        return await carry_through(options, intent, settings.state_dir)


def _left_alone(plan: SyncPlan) -> list[str]:
    """Say what the plan leaves alone on purpose."""
    say = spoken().of
    lines = [f"{say('not yet')}: {one_line(one.app.name)}: {one.app.state}" for one in plan.not_ready]
    why = say("stays enabled: it was not found, but not every library could be read")
    lines += [f"{one_line(game.title)}: {why}" for game in plan.kept]
    if plan.unmatched:
        heading, names = say("not in Drova's catalogue"), (one_line(one.app.name) for one in plan.unmatched)
        lines.append(f"{heading}: {', '.join(names)}")
    return lines
