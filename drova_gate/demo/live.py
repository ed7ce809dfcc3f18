"""Many rentals on one screen: a row for each station, in place, and what came of all of them at the end."""

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drova_gate.core.model import Phase
from drova_gate.demo.promises import Promise
from drova_gate.demo.stage import Act
from drova_gate.report.table import duration, fitted, paint

__all__ = ["Hall", "Row", "row_of", "screen_lines", "summary_lines"]

FRAME_SECONDS = 0.1
"""Between two pictures: quick enough to look alive, slow enough for a serial console."""
STATES = {
    "starts": "2",
    "free": "2",
    "offered": "34",
    "held": "33",
    "preparing": "33",
    "plays": "36",
    "resetting": "35",
    "clean": "32",
    "quarantined": "1;31",
}
"""What a rental goes through, in order, each with its colour."""
ORDER = ("quarantined", "held", "preparing", "plays", "resetting", "offered", "starts", "free", "clean")
"""Who is shown first where the screen has too few lines for all."""
BOLD, DIM, GOOD, BAD = "1", "2", "32", "31"
LEAST_TEXT = 16


@dataclass(frozen=True, slots=True)
class Row:
    """One station at one moment; times are seconds, ``None`` while there is nothing to tell."""

    name: str
    state: str
    """One of ``STATES``."""
    text: str
    waited: float | None = None
    """At the door."""
    prepared: float | None = None
    played: float | None = None
    reset: float | None = None


def row_of(act: Act, now: float) -> Row:
    """Read a station's row from what has happened on it; ``now`` by the loop's clock."""
    at = {moment.kind: moment.at for moment in act.moments}  # the last of each kind
    left = at.get("leave") or at.get("abort")
    sent = min((one.at for one in act.moments if one.kind == "reset"), default=None)
    proved = act.clean_at if act.clean_at is not None and act.phase is Phase.CLEAN else None
    prepared = next((report.seconds for report in act.reports if report.prepared), None)
    # The player counts from his knock; the gate sees the ready byte only when it has a moment to look.
    knocked = min((one.at for one in act.moments if one.kind == "connect"), default=act.ready_sent_at)
    return Row(
        name=act.name,
        state=_state(act, ended=left is not None),
        text=_text(act),
        waited=None if knocked is None else (act.player_in_at or left or now) - knocked,
        prepared=prepared,
        played=None if act.player_in_at is None else (left or now) - act.player_in_at,
        reset=None if sent is None else (proved or now) - sent,
    )


def _state(act: Act, *, ended: bool) -> str:
    match act.phase:
        case Phase.QUARANTINED:
            return "quarantined"
        case Phase.RESETTING:
            return "resetting"
        case Phase.PREPARING:
            return "held" if act.ready_sent_at is not None and act.player_in_at is None else "preparing"
        case Phase.IN_SESSION:
            return "plays"
        case Phase.CLEAN:
            return "clean" if ended else "offered" if act.session else "free"
        case _:
            return "starts"


def _text(act: Act) -> str:
    if not act.moments:
        return "waits for a player" if act.phase is Phase.CLEAN else act.gate.controller.reason
    last = act.moments[-1]
    return last.text if last.who == "gate" else f"{last.who} {last.text}"


def screen_lines(
    rows: Sequence[Row], title: str, seconds: float, *, width: int, height: int, colour: bool
) -> list[str]:
    """Draw one picture: title, progress, the rows that fit; never more lines than the screen has."""
    done = sum(row.state in ("clean", "quarantined") for row in rows)
    clock = f"{seconds:.1f} s"
    lines = [paint(fitted(title, width - len(clock) - 1), BOLD, colour=colour) + " " + clock]
    lines += [_progress(rows, done, width, colour=colour), ""]
    lines.append(paint(_head(width), DIM, colour=colour))
    room = max(1, height - len(lines) - 1)
    shown = list(rows)
    if len(rows) > room:
        # What goes on is worth more lines than what waits or is done; those that are shown keep their order.
        first = sorted(range(len(rows)), key=lambda index: ORDER.index(rows[index].state))
        shown = [rows[index] for index in sorted(first[: room - 1])]
    lines += [_line(row, width, colour=colour) for row in shown]
    if len(shown) < len(rows):
        lines.append(paint(f"... and {len(rows) - len(shown)} more stations", DIM, colour=colour))
    return lines


_TIMES = (("WAITED", "waited"), ("PREPARED", "prepared"), ("PLAYED", "played"), ("RESET", "reset"))
_FIXED = 8 + 1 + 14 + sum(max(len(name), 6) + 2 for name, _ in _TIMES)


def _head(width: int) -> str:
    times = "".join(f"  {name:>{max(len(name), 6)}}" for name, _ in _TIMES)
    return f"{'STATION':<8} {'STATE':<14}{fitted('WHAT HAPPENS', max(LEAST_TEXT, width - _FIXED))}{times}"[:width]


def _line(row: Row, width: int, *, colour: bool) -> str:
    code = STATES[row.state]
    times = "".join(
        f"  {duration(value) if (value := getattr(row, field)) is not None else '':>{max(len(name), 6)}}"
        for name, field in _TIMES
    )
    state = paint(fitted(f"● {row.state}", 14), code, colour=colour)
    text = fitted(row.text, max(LEAST_TEXT, width - _FIXED))
    loud = BAD if row.state == "quarantined" else DIM if row.state in ("clean", "free", "starts") else ""
    return f"{fitted(row.name, 8)} {state}{paint(text, loud, colour=colour)}{times if width >= _FIXED + LEAST_TEXT else ''}"


def _progress(rows: Sequence[Row], done: int, width: int, *, colour: bool) -> str:
    count = {state: sum(row.state == state for row in rows) for state in STATES}
    legend = "  ".join(
        paint(f"{number} {state}", STATES[state], colour=colour) for state, number in count.items() if number
    )
    plain = "  ".join(f"{number} {state}" for state, number in count.items() if number)
    room = min(40, width - len(plain) - 20)
    if room < 8:
        return legend
    filled = round(room * done / len(rows))
    bar = paint("█" * filled, GOOD, colour=colour) + paint("░" * (room - filled), DIM, colour=colour)
    return f"{bar} {done} of {len(rows)}  {legend}"


def summary_lines(rows: Sequence[Row], promises: Sequence[tuple[str, Promise]], *, colour: bool) -> list[str]:
    """What came of all rentals: times, and each promise with the number of stations it was kept on."""
    lines = ["", paint("Times", BOLD, colour=colour) + paint("                 median   longest", DIM, colour=colour)]
    for label, name in (("waited at the door", "waited"), ("prepared", "prepared"), ("reset proved", "reset")):
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        if values:
            lines.append(f"  {label:<18}  {statistics.median(values):>6.2f} s  {max(values):>6.2f} s")
    lines += ["", paint("Promises", BOLD, colour=colour)]
    texts = list(dict.fromkeys(promise.text for _, promise in promises))
    width = max(map(len, texts), default=0)
    for text in texts:
        of_it = [(name, promise) for name, promise in promises if promise.text == text]
        broken = [(name, promise) for name, promise in of_it if not promise.kept]
        mark = paint("BROKEN", BAD, colour=colour) if broken else paint("kept  ", GOOD, colour=colour)
        lines.append(f"  {mark}  {text:<{width}}  on {len(of_it) - len(broken)} of {len(of_it)} stations")
        lines += [paint(f"          {name}: {promise.found}", BAD, colour=colour) for name, promise in broken]
    return lines


class Hall:
    """Draws the acts in place until told to stop."""

    def __init__(
        self, write: Callable[[str], object], title: str, size: Callable[[], tuple[int, int]], *, colour: bool
    ) -> None:
        self._write, self._title, self._size, self._colour = write, title, size, colour
        self._drawn = 0
        self._began = asyncio.get_running_loop().time()

    async def run(self, acts: Sequence[Act]) -> None:
        """Draw a picture again and again, until cancelled."""
        while True:
            self.draw(acts)
            await asyncio.sleep(FRAME_SECONDS)

    def draw(self, acts: Sequence[Act], *, whole: bool = False) -> None:
        """Draw one picture over the last one; ``whole``: all rows, however few lines the screen has."""
        now = asyncio.get_running_loop().time()
        columns, lines = self._size()
        rows = [row_of(act, now) for act in acts]
        height = 10_000 if whole else lines
        picture = screen_lines(
            rows, self._title, now - self._began, width=columns - 1, height=height, colour=self._colour
        )
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        # Line by line over the old picture: nothing flickers; what is left of a longer one is cleared.
        self._write(up + "".join(f"\r{line}\x1b[K\n" for line in picture) + "\x1b[J")
        self._drawn = len(picture)
