"""The gates that run on this machine, and following what they do with an order."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drova_gate.cli.speech import spoken
from drova_gate.cli.status import SOCKET_NAME
from drova_gate.cli.surroundings import state_dirs
from drova_gate.columns import cut
from drova_gate.errors import CallOwner
from drova_gate.nearest import not_known
from drova_gate.report.ask import NobodyThere, ask, places
from drova_gate.sheet import one_line

__all__ = ["Progress", "Settled", "chosen", "follow", "running_stations"]

LOOK_SECONDS = 0.5
AWAY_SECONDS = 30.0
"""For a gate that is being restarted to answer again."""
LINE_MOST = 100
"""Places of the line that is redrawn."""

Station = Mapping[str, Any]


def running_stations(env: Path | None) -> dict[str, Station]:
    """Ask all running gates; their stations by name. ``CallOwner`` when one may not be asked, or hangs: then nothing must be guessed."""
    found: dict[str, Station] = {}
    for path in places(state_dirs(env), SOCKET_NAME):
        try:
            status = ask(path, None, addresses=False)
        except NobodyThere as error:
            if isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError):
                continue  # a gate that was killed has left its socket behind
            subject, _, fact = str(error).partition(": ")
            raise CallOwner(subject, fact or "does not answer") from error
        found |= {one["name"]: one for one in status["stations"]}
    return found


def chosen(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The known names that these mean, as written or in another letter case; none: all. ``NotKnown`` has the nearest."""
    if not names:
        return list(known)
    by_fold = {one.casefold(): one for one in known}
    picked = [name if name in known else by_fold.get(name.strip().casefold(), "") for name in names]
    for name, one in zip(names, picked, strict=True):
        if not one:
            raise not_known("station", name, known, "drova_gate status")
    return list(dict.fromkeys(picked))


class Progress:
    """What goes on, on standard error: a line that is redrawn on a terminal, else a line for each thing that is new."""

    def __init__(self) -> None:
        self._screen, self._began, self._told = sys.stderr.isatty(), time.monotonic(), dict[str, str]()
        self._drawn = False

    def tell(self, name: str, text: str) -> None:
        """Say how one station is."""
        line = f"{one_line(name)}: {spoken().of(one_line(text))}"
        if self._screen:
            sys.stderr.write(f"\r\x1b[K{cut(f'{time.monotonic() - self._began:.0f} s  {line}', LINE_MOST)}")
            self._drawn = True
        elif self._told.get(name) != text:
            sys.stderr.write(f"{line}\n")
        self._told[name] = text
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line free for what is said next."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            self._drawn = False


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an order, as its last word."""

    good: bool
    text: str


def follow(
    env: Path | None,
    names: Sequence[str],
    judge: Callable[[Station], Settled | None],
    say: Callable[[str, Settled], None],
    *,
    at_most: float | None = None,
) -> bool:
    """Follow stations until each has settled (``judge``), and ``say`` how; returns whether all went well.

    ``at_most`` seconds: what has not settled by then is said with what it waits for, and did not go well.
    """
    waiting, good, progress = list(names), True, Progress()
    began = seen_at = time.monotonic()
    try:
        while waiting:
            stations, now = running_stations(env), time.monotonic()
            seen_at = now if waiting[0] in stations else seen_at
            late = at_most is not None and now - began > at_most
            for name in list(waiting):
                settled = _settled(stations.get(name), judge, late=late, away=now - seen_at > AWAY_SECONDS)
                if settled is None:
                    continue
                progress.clear()
                say(name, settled)
                waiting.remove(name)
                good, seen_at = good and settled.good, now
            if waiting:
                station = stations.get(waiting[0])
                progress.tell(waiting[0], station["reason"] if station else "its gate does not answer; waits for it")
                time.sleep(LOOK_SECONDS)
    finally:
        progress.clear()
    return good


def _settled(
    station: Station | None, judge: Callable[[Station], Settled | None], *, late: bool, away: bool
) -> Settled | None:
    if station is None:
        text = "its gate has stopped; the order stays, and the gate carries it out when it starts"
        return Settled(good=False, text=text) if away else None
    settled = judge(station)
    if settled is None and late:
        return Settled(good=False, text=f"not yet: {station['reason']}; the gate goes on with it by itself")
    return settled
