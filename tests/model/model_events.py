"""What may happen to the world of the model, by name."""

from collections.abc import Callable

from model_world import GAME, World

__all__ = ["EVENTS", "Event"]

Event = Callable[[World], None]


def _fault(name: str) -> Event:
    return lambda world: world.faults.add(name)


def _cloud(*, up: bool) -> Event:
    def change(world: World) -> None:
        world.cloud_up = up

    return change


def _owner_hides(world: World) -> None:
    # In the seconds of a try of ours that is not read back yet, nobody could tell his doing from ours: let it be made, and read.
    world.cycle()
    world.cycle()
    if world.published and not world.record.hidden_by_us:
        world.published, world.owner_hid = False, True


def _clock_jumps(world: World) -> None:
    world.wall_skew = -86_400.0 * 365 if world.wall_skew == 0 else 0.0


def _publish_broken(world: World) -> None:
    world.publish_works = False


def _agent_closed(world: World) -> None:
    world.agent = False


def _release(world: World) -> None:
    world.released = True


def _state_lost(world: World) -> None:
    from drova_gate.core.model import Record  # noqa: PLC0415 - used here alone

    world.saved, world.bare_noted = Record(), False
    world.kill()


EVENTS: dict[str, Event] = {
    "rental": World.offer,
    "game": lambda world: world.offer(GAME),
    "arrives again": World.arrive,
    "finished": World.finish,
    "aborted": lambda world: world.finish("ABORTED"),
    "next, end not shown": World.next_without_end,
    "vanishes": World.vanish,
    "cloud down": _cloud(up=False),
    "cloud up": _cloud(up=True),
    "link down": World.link_down,
    "link up": World.link_up,
    "kill": World.kill,
    "kill soon": lambda world: world.kill(1),
    "kill later": lambda world: world.kill(3),
    "kill in the middle": lambda world: world.kill(4),
    "kill at the end": lambda world: world.kill(6),
    "boots by itself": World.own_boot,
    "leaves Shadow Mode": World.leave_shadow,
    "shadow": _fault("shadow"),
    "partial": _fault("partial"),
    "policy": _fault("policy"),
    "refused": _fault("refused"),
    "hang": _fault("hang"),
    "ignored": _fault("ignored"),
    "back shadowed": _fault("back_shadowed"),
    "kept": _fault("kept"),
    "stays off": _fault("stays_off"),
    "owner hides": _owner_hides,
    "publish broken": _publish_broken,
    "agent closed": _agent_closed,
    "clock jumps": _clock_jumps,
    "release": _release,
    "maintenance": World.order_maintenance,
    "maintenance for an hour": lambda world: world.order_maintenance(3600.0),
    "maintenance, no gate": World.order_without_gate,
    "maintenance off": World.end_maintenance,
    "maintenance off, no gate": World.end_without_gate,
}
"""Losing the state file is not among them: that the marker names its session is all that is known then."""
EXTRA: dict[str, Event] = {"state lost": _state_lost}
