"""Every switch of the lockdown through Wine's real reg.exe and cmd.exe: written, found by a repair, taken off again."""

import shutil
from dataclasses import replace

import pytest
from test_wine import target
from wine_prefix import Wine

from drova_gate.core.model import StepOutcome
from drova_gate.host.commands import Shell, render
from drova_gate.steps.batch import batch_file
from drova_gate.steps.compile_lockdown import lockdown_registry
from drova_gate.steps.compile_undo import compile_undo
from drova_gate.steps.confirm import confirm
from drova_gate.steps.lockdown import load_switches
from drova_gate.steps.lockdown_switches import Lockdown
from drova_gate.steps.registry_file import registry_file
from drova_gate.steps.repair_plan import RepairPlan, Verb, plan_repair, question
from drova_gate.steps.shipped import LOCKDOWN
from drova_gate.steps.target import Target

__all__ = ["target"]

pytestmark = [
    pytest.mark.wine,
    pytest.mark.xdist_group("wine"),
    pytest.mark.skipif(shutil.which("wine") is None, reason="Wine is not installed: the lockdown is not judged"),
    pytest.mark.timeout(120),  # the first start of a prefix alone takes 10 s
]

EVERYTHING = Lockdown.of(replace(switch, enabled=True) for switch in load_switches(LOCKDOWN))
EXPLORER = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"


def planned(wine: Wine, target: Target) -> RepairPlan:
    wine.put(r"C:\ask.cmd", batch_file(render(Shell.CMD, question(EVERYTHING, target)).text.split("&")))
    answer = wine.run("cmd.exe", "/d", "/c", r"C:\ask.cmd")[1]
    home = wine.path(target.home).exists()
    plan = plan_repair(EVERYTHING, target, answer, markers=frozenset(), home=home)
    assert plan is not None
    return plan


def test_every_switch_is_written_found_and_taken_off(wine: Wine, target: Target):
    """All registry switches at once; the owner's values and his entry in the list of blocked programs outlive it."""
    explorer = rf"{target.user_hive}\{EXPLORER}"
    edits = [edit for each in lockdown_registry(EVERYTHING, target) for edit in each.edits]
    wine.put(r"C:\lock.reg", registry_file(edits))
    wine.put(
        r"C:\lock.cmd",
        batch_file(
            [
                r"reg.exe import C:\lock.reg",
                rf'reg.exe add "{explorer}" /v NoInternetIcon /t REG_DWORD /d 1 /f',
                rf'reg.exe add "{explorer}\DisallowRun" /v 99 /d minesweeper.exe /f',
                rf'reg.exe add "{explorer}" /v NoDrives /t REG_DWORD /d 8 /f',
            ]
        ),
    )
    wine.run("cmd.exe", "/d", "/c", r"C:\lock.cmd")
    wine.put(rf"{target.home}\prepare.cmd", b"")

    plan = planned(wine, target)
    found = {finding.name: finding.verb for finding in plan.findings if finding.name != "lockdown.blocked_programs"}
    verbs = {f"lockdown.{policy.name}": Verb.REMOVE for policy in EVERYTHING.policies}
    verbs |= {"lockdown.no_power_at_sign_in": Verb.RESTORE, "lockdown.hide_drives": Verb.KEEP, "scripts": Verb.REMOVE}
    assert found == verbs

    undoing = compile_undo(plan.undoing, target)
    wine.upload(undoing)
    results = confirm(undoing.expected, wine.play(undoing.prepare), "")
    registry = {each.step for each in undoing.expected.registry}
    assert [step.name for step in results if step.name in registry and step.outcome is StepOutcome.FAILED] == []
    assert wine.registry(explorer) == {"NoInternetIcon": "0x1", "DisallowRun": "0x1", "NoDrives": "0x8"}
    assert wine.registry(rf"{explorer}\DisallowRun") == {"99": "minesweeper.exe"}
    shutil.rmtree(wine.path(target.home))
    assert not planned(wine, target).needed
