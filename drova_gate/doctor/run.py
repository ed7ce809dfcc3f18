"""Runs the checks of a station side by side, each as soon as what it rests on is known."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from drova_gate.cloud.http import ApiLine
from drova_gate.config import StationConfig
from drova_gate.doctor.checks import CHECKS
from drova_gate.doctor.examination import Blocked, Examination, Spec
from drova_gate.doctor.verdict import Check, Outcome, Verdict, broken, failed, skipped, throttled
from drova_gate.errors import CloudThrottled, CloudUnavailable, GateError, NobodySignedIn
from drova_gate.visit import visiting

__all__ = ["examine"]

log = logging.getLogger(__name__)

CHECK_SECONDS = 90.0
"""For one check, its waiting for others included: beyond the slowest command on a station that has just booted."""


async def examine(
    config: StationConfig,
    state_dir: Path,
    *,
    settings_files: Sequence[Path] = (),
    tell: Callable[[Check], None] = lambda _: None,
    checks: Sequence[Spec] = CHECKS,
) -> tuple[Check, ...]:
    """Make the checks of one station; ``tell`` hears each in order, as soon as it and those before it are known.

    Changes nothing: not on the station, not in the cloud, not here.
    """
    done: list[Check] = []
    line = ApiLine(config.api_url)
    try:
        async with visiting(config, state_dir) as link, asyncio.TaskGroup() as group:
            exam = Examination(config, state_dir, settings_files, link, line, group)
            runner = _Runner(exam, checks)
            exam.blocker = runner.blocker
            tasks = [group.create_task(runner.run(spec), name=f"check {spec.code}") for spec in checks]
            for task in tasks:
                done.append(await task)
                tell(done[-1])
    finally:
        await line.close()
    return tuple(done)


class _Runner:
    """One run of all checks."""

    def __init__(self, exam: Examination, checks: Sequence[Spec]) -> None:
        self._exam = exam
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self._ended: dict[str, asyncio.Future[Verdict]] = {spec.code: loop.create_future() for spec in checks}
        self._roots: dict[str, str] = {}
        """For a check that others cannot do without: the one at the root of its not being well."""

    async def run(self, spec: Spec) -> Check:
        """Wait for what the check rests on, then look; whatever goes wrong, it ends with a verdict."""
        began = self._now()
        verdict = await self._verdict(spec)
        self._ended[spec.code].set_result(verdict)
        return Check(spec.code, verdict, self._now() - began)

    async def blocker(self, code: str) -> str | None:
        """Wait for a check; the one at the root of its not being well."""
        before = self._ended.get(code)  # a part of the checks may be run alone
        if before is not None and (await before).outcome in (Outcome.FAIL, Outcome.SKIP):
            return self._roots.get(code, code)
        return None

    async def _verdict(self, spec: Spec) -> Verdict:
        try:
            for code in spec.needs:
                await self._exam.rest_on(code)
            async with asyncio.timeout(CHECK_SECONDS):
                return await spec.look(self._exam)
        except Blocked as blocked:
            self._roots[spec.code] = blocked.root
            return skipped(f"needs {blocked.root}")
        except NobodySignedIn:
            return skipped("needs console: nobody is signed in")
        except CloudThrottled as error:
            return throttled(error)
        except CloudUnavailable as error:
            return failed(error.fact, "does this machine reach the internet, and is Drova up? run this again")
        except GateError as error:
            return failed(error.fact, error.advice)
        except TimeoutError:
            return failed(
                f"no answer within {CHECK_SECONDS:g} s", "is the station very busy, or just booting? run this again"
            )
        except Exception as error:
            log.debug("check %s", spec.code, exc_info=True)
            return broken(error)
