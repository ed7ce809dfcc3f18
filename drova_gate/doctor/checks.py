"""All checks, in the order in which they are told."""

from drova_gate.doctor import agent, cloud, desktop, protection, reach, router, windows
from drova_gate.doctor.examination import Spec

__all__ = ["CHECKS", "CODES"]

CHECKS: tuple[Spec, ...] = (
    *router.CHECKS,
    cloud.ROUTER_CLOCK,
    *reach.CHECKS,
    *windows.CHECKS,
    *desktop.CHECKS,
    *protection.CHECKS,
    *agent.CHECKS,
    *cloud.CHECKS,
)
"""A check may rest on a later one: they run side by side, and are told in this order."""

CODES = tuple(spec.code for spec in CHECKS)
