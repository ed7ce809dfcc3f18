"""How far long work is: one line that is drawn over on a terminal, a plain line now and then elsewhere; on standard error."""

import shutil
import sys
import time

from drova_gate.cli.speech import spoken
from drova_gate.cli.surroundings import print_text
from drova_gate.columns import cut
from drova_gate.sheet import one_line

__all__ = ["Progress"]

PLACES = 20
"""Of the bar itself."""
PLAIN_SECONDS = 30.0
"""Between two lines of a log: a run of 500 changes takes some four minutes."""
DRAWN_SECONDS = 0.1
"""Between two drawings: a remote terminal must not be what the work waits for."""


class Progress:
    """The line of one piece of work; ``close`` at the end, also of one that was broken off."""

    def __init__(self, total: int, *, done: int = 0) -> None:
        self._total, self._from = total, done
        self._began = time.monotonic()
        self._drawn = sys.stderr.isatty()
        # In a log what is soon over need not be told at all.
        self._shown_at = float("-inf") if self._drawn else self._began
        self._open = False

    def show(self, done: int, what: str) -> None:
        """Say how many of the steps are over with, and what is done now."""
        now = time.monotonic()
        last = done >= self._total
        if now - self._shown_at < (DRAWN_SECONDS if self._drawn else PLAIN_SECONDS) and not (last and self._drawn):
            return
        self._shown_at = now
        of = spoken().of
        line = f"{of(f'{done} of {self._total}{self._left(done, now)}')}  {of(one_line(what)) if what else ''}".rstrip()
        if not self._drawn:
            print_text(f"{line}\n", to_errors=True)
        else:
            full = PLACES * done // max(1, self._total)
            line = f"[{'#' * full}{'.' * (PLACES - full)}] {line}"
            # A column is left free: some terminals begin a new line when the last one is taken.
            print_text(f"\r{cut(line, shutil.get_terminal_size().columns - 1)}\x1b[K", to_errors=True)
            self._open = True

    def close(self) -> None:
        """Leave the line; whatever is printed next begins below it."""
        if self._open:
            print_text("\n", to_errors=True)
            self._open = False

    def _left(self, done: int, now: float) -> str:
        made = done - self._from
        if made < 3 or done >= self._total:
            return ""
        seconds = round((now - self._began) / made * (self._total - done))
        return f", {seconds // 60}:{seconds % 60:02} left"
