"""A lockdown taken off again, for stations whose disk does not forget."""

from drova_gate.core.model import StepResult
from drova_gate.host.link import HostLink
from drova_gate.steps.apply import PreparationPlan, compiled, side_by_side, target_of
from drova_gate.steps.compile_undo import Undoing, compile_undo, undo_all
from drova_gate.steps.confirm import confirm
from drova_gate.steps.target import Target

__all__ = ["undo", "undo_these"]


async def undo(link: HostLink, plan: PreparationPlan) -> tuple[StepResult, ...]:
    """Take everything that the plan's lockdown and marker write off again, without a rollback; errors are raised."""
    target = target_of(plan.console, plan.program_data)
    return await undo_these(link, undo_all(plan.lockdown, target, plan.volumes), target)


async def undo_these(link: HostLink, undoing: Undoing, target: Target) -> tuple[StepResult, ...]:
    """Take exactly these off; errors are raised."""
    payload = compiled(link, lambda: compile_undo(undoing, target))
    await link.write_all(payload.files)
    done, network = await side_by_side(link, payload, ())
    return confirm(payload.expected, done, network)
