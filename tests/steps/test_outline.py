"""What ``drova_gate recipes plan`` says, against what a preparation reports."""

import asyncio

import pytest
from pydantic import SecretStr
from step_targets import MARKER, SESSION, lockdown, recipes

from drova_gate.host.identity import read_console
from drova_gate.host.link import HostLink, StationAddress
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.sim.station import Costs, Station, StationPlan
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.outline import outline
from drova_gate.steps.recipes import Level

QUICK = Costs(command=0.0, process=0.0, reboot=0.2, ready=0.0)
OF_ITSELF = {"lockdown.explorer", "marker.C", "marker.D", "marker.registry", "shadow.C", "shadow.D"}
"""Reported, and planned in the titles of the parts."""


@pytest.mark.parametrize("level", list(Level))
async def test_the_plan_names_exactly_what_the_report_names(level: Level):
    """No step is done that was not announced, none announced that is not done: by their names."""
    station_plan = StationPlan(costs=QUICK)
    async with Station(station_plan) as station, asyncio.TaskGroup() as group:
        link = HostLink(
            "pc1",
            StationAddress(station.host, station.ssh_port, station_plan.login, SecretStr(station_plan.password)),
        )
        keeping = group.create_task(link.keep_up())
        await link.wait_up(10)
        plan = PreparationPlan(
            session=SESSION,
            marker=MARKER,
            boot_stamp="feedbeef",
            volumes=frozenset("CD"),
            enter=frozenset("CD"),
            console=await read_console(link),
            program_data=link.variables["ProgramData"],
            level=level,
            recipes=recipes(),
            lockdown=lockdown(),
        )
        report = await prepare(link, ShadowDefender(SecretStr(station_plan.shadow_password)), plan)
        await link.close()
        keeping.cancel()
    assert report.fault == ""
    planned = {item.name for part in outline(plan.recipes, plan.lockdown, level) for item in part.items}
    assert {step.name for step in report.steps} == planned | OF_ITSELF
