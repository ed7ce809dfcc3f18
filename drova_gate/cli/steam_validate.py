"""How ``drova_gate steam validate`` looks: progress while Steam works, one row for each game at the end."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from drova_gate.cli.progress import Progress
from drova_gate.cli.showing import for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.config import StationConfig
from drova_gate.owner.settings import OwnerSettings
from drova_gate.sheet import one_line
from drova_gate.steam.following import Following, Phase, Verdict
from drova_gate.steam.manifest import InstalledApp
from drova_gate.steam.rows import RESULTS, bytes_text, result_row
from drova_gate.steam.scan import scan
from drova_gate.steam.station import account_of, linked_to, place_at_drova
from drova_gate.steam.validation import Done, Leave, Validation, chosen_apps
from drova_gate.steam.verify import Pace

__all__ = ["validate"]

PACE = Pace()
GOOD = (Verdict.VERIFIED, Verdict.REPAIRED, Verdict.SKIPPED)


async def validate(options: argparse.Namespace, settings: OwnerSettings, config: StationConfig) -> int:
    """Verify the chosen games and print what became of each."""
    async with account_of(settings, config) as owner, linked_to(settings, config) as link:
        found = await scan(link)
        for fault in found.faults:
            complain(str(fault))
        apps, left_out = chosen_apps(found, options.app)
        run = Validation(
            config,
            settings,
            link,
            await place_at_drova(link, owner),
            Leave(force=options.force, in_shadow_mode=options.in_shadow_mode),
            PACE,
            warn=complain,
        )
        teller = _Teller(Progress(len(apps)))
        try:
            await run.run(found, apps, teller.tell)
        except asyncio.CancelledError:
            teller.progress.close()
            _say_interrupted(run, len(apps))
            raise
        finally:
            teller.progress.close()
            # Also after an error in the middle: what is done is done.
            if run.done:
                _show(options, (*run.done, *left_out))
    return 0 if all(one.result.verdict in GOOD for one in run.done) else 1


class _Teller:
    """Puts what is going on into one line."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._over: list[int] = []
        self._now: int | None = None
        self._began = 0.0

    def tell(self, app: InstalledApp, following: Following) -> None:
        now = asyncio.get_running_loop().time()
        if self._now != app.app_id:
            self._over += [] if self._now is None else [self._now]
            self._now, self._began = app.app_id, now
        minutes, seconds = divmod(int(now - self._began), 60)
        head = f"{one_line(app.name)} ({bytes_text(app.size)})"
        over = following.phase is Phase.OVER
        self.progress.show(len(self._over) + over, f"{head}: {spoken().of(_words(following))}, {minutes}:{seconds:02}")


def _words(following: Following) -> str:
    if following.phase is Phase.ASKED:
        return "Steam was asked"
    if following.phase is Phase.QUEUED:
        return "waits in Steam's queue"
    if following.phase is Phase.REPAIRING:
        done, total = following.download or (0, 0)
        return f"fetches {bytes_text(done)} of {bytes_text(total)}" if total else "is repaired"
    return "is done" if following.phase is Phase.OVER else "is checked"


def _show(options: argparse.Namespace, done: Sequence[Done]) -> None:
    show(options, RESULTS, [result_row(one.app, one.result, one.seconds) for one in done], flexible="reason")
    if not for_machines(options) and len(done) > 1:
        words = [f"{sum(one.result.verdict is verdict for one in done)} {verdict}" for verdict in Verdict]
        told = ", ".join(word for word in words if not word.startswith("0 "))
        sys.stdout.write(spoken().of(f"{len(done)} games: {told}") + "\n")


def _say_interrupted(run: Validation, count: int) -> None:
    sys.stderr.write("\n")
    now = f"; Steam goes on with {one_line(run.now.name)}, and nothing more is started" if run.now is not None else ""
    complain(f"interrupted: {len(run.done)} of {count} games done{now}")
