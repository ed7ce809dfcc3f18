"""The matrix can fail: broken gates are found out, each by the rule that it breaks."""

import logging
from pathlib import Path

import pytest

from drova_gate.controller import Happening
from drova_gate.demo.gates import GateInLoop
from drova_gate.demo.matrix import Cell, cells
from drova_gate.demo.trial import Patience, run_cell
from drova_gate.host.commands import Script
from drova_gate.host.link import HostLink
from drova_gate.host.reset import reset
from drova_gate.protect.none import NoProtector
from drova_gate.protect.protector import Protection
from drova_gate.protect.shadow_defender import ShadowDefender

HASTY = Patience(served=3.0, owner=3.0, end=3.0, step=3.0, shown=0.5)
"""What is broken stays broken: no reason to wait for it."""


def cell(name: str) -> Cell:
    (found,) = [one for one in cells() if one.name == name]
    return found


class Liar(ShadowDefender):
    """Never enters Shadow Mode, and says that it did."""

    def enter(self, volumes: frozenset[str]) -> Script:
        return self.status()

    def read_enter(self, sections: dict[str, str], volumes: frozenset[str]) -> Protection:
        return Protection(volumes, frozenset())

    def read_status(self, sections: dict[str, str]) -> Protection:
        # The list after the preparation; that of a look stands beside the marker.
        return super().read_status(sections) if "marker" in sections else Protection(frozenset("CD"))


class GateThatLies(GateInLoop):
    """Its protector lies."""

    async def start(self) -> None:
        await super().start()
        assert self._station is not None
        self._station.controller.observer.protector.__class__ = Liar  # type: ignore[assignment]  # the very protector, turned liar


class GateThatTalks(GateInLoop):
    """Writes its password into the log."""

    async def start(self) -> None:
        logging.getLogger("drova_gate").warning("logs in with %s", self.settings["WINDOWS_PASSWORD"])
        await super().start()


class GateThatStaysDead(GateInLoop):
    """Nobody starts it again."""

    started = False

    async def start(self) -> None:
        if not self.started:
            self.started = True
            await super().start()


class GateThatPanics(GateInLoop):
    """Reboots the station as soon as it has prepared it."""

    def _told(self, happening: Happening) -> None:
        super()._told(happening)
        if happening.kind == "prepared" and self._station is not None:
            self.tasks.create_task(self._reboot(self._station.link))

    async def _reboot(self, link: HostLink) -> None:
        await reset(link, NoProtector(), frozenset(), "stamp")


@pytest.mark.parametrize("mode", ["socket", "poll"])
async def test_a_lying_protector_is_found_out(mode: str, tmp_path: Path):
    """Written to a bare disk, a player let in to it, the owner's files lost: three rules, one lie."""
    outcome = await run_cell(cell(f"station_clock-at_offer-{mode}"), tmp_path, GateThatLies, HASTY)

    rules = {violation.rule for violation in outcome.violations}
    assert {"writes", "lost"} <= rules
    assert mode == "poll" or "entry" in rules


async def test_a_leaked_password_is_found_out(tmp_path: Path):
    """One line of the log is enough."""
    outcome = await run_cell(cell("station_clock-proof-poll"), tmp_path, GateThatTalks)

    assert {violation.rule for violation in outcome.violations} == {"secrets"}


async def test_the_same_cell_without_the_leak_survives(tmp_path: Path):
    """So the violation above is the leak's."""
    outcome = await run_cell(cell("station_clock-proof-poll"), tmp_path)

    assert outcome.violations == ()


async def test_a_gate_that_stays_dead_is_found_out(tmp_path: Path):
    """Stopped in mid-session and never started again: the station is left as it was, and nobody takes it for clean."""
    outcome = await run_cell(cell("state_truncated-in_session-socket"), tmp_path, GateThatStaysDead, HASTY)

    rules = {violation.rule for violation in outcome.violations}
    assert {"left", "ends", "resets", "served"} <= rules


async def test_a_reboot_of_a_live_session_is_found_out(tmp_path: Path):
    """The rule that matters most: the order is seen on the station, the session in the cloud."""
    outcome = await run_cell(cell("station_clock-proof-poll"), tmp_path, GateThatPanics, HASTY)

    assert "live" in {violation.rule for violation in outcome.violations}
