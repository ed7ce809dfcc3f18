"""A look at a station, and the boot that it was of."""

import asyncio
import time
from pathlib import Path

import pytest
from stages import playing, set_up, until

from drova_gate.config import Mode
from drova_gate.core.model import Phase
from drova_gate.sight import Sight


async def test_a_look_that_the_station_boots_under_tells_of_the_link_that_it_came_over(tmp_path: Path):
    """Taken for one over the link from before, it would say that markers and Shadow Mode went in the boot of the preparation."""
    async with playing(set_up(tmp_path, Mode.POLL)) as act:
        await until(lambda: act.phase is Phase.CLEAN)
        observer = act.gate.controller.observer
        link = observer.link
        before, links = link.linked_at, link.connections

        async def learn(_: Phase) -> bool:
            await act.station.reboot()
            await until(lambda: link.up and link.connections > links)
            return True

        async def unasked(_: Phase) -> None:
            return None

        async def nothing() -> None:
            return None

        sight = Sight(
            link,
            observer.protector,
            time.monotonic,
            settled=1.0,
            soon=0.1,
            learn=learn,
            agent_open=unasked,
            held=lambda: 0,
            relinked=lambda: None,
            find=nothing,
            volumes=lambda: frozenset("CD"),
        )
        looking = asyncio.create_task(sight.look_when_asked(lambda: None))
        await sight.read(Phase.IN_SESSION, frozenset("CD"))
        looking.cancel()

        assert sight.host is not None
        assert sight.host.linked_at == pytest.approx(link.linked_at)
        assert sight.host.linked_at > before + 0.1
        assert sight.host.unmarked == frozenset("CD")
