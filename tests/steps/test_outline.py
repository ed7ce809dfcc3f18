"""What ``drova_gate recipes plan`` says, against what a preparation reports."""

import pytest
from pydantic import SecretStr
from simulated import linked
from step_targets import MARKER, SESSION, lockdown, recipes

from drova_gate.host.identity import read_console
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.outline import outline
from drova_gate.steps.recipes import Level

OF_ITSELF = {"lockdown.explorer", "marker.C", "marker.D", "marker.registry", "shadow.C", "shadow.D"}
"""Reported, and planned in the titles of the parts."""


@pytest.mark.parametrize("level", list(Level))
async def test_the_plan_names_exactly_what_the_report_names(level: Level):
    """No step is done that was not announced, none announced that is not done: by their names."""
    async with linked() as (station, link):
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
        report = await prepare(link, ShadowDefender(SecretStr(station.plan.shadow_password)), plan)
    assert report.fault == ""
    planned = {item.name for part in outline(plan.recipes, plan.lockdown, level) for item in part.items}
    assert {step.name for step in report.steps} == planned | OF_ITSELF
