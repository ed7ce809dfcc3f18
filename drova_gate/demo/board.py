"""How the fault matrix looks on a terminal: a table that fills as cells end, and the figures at the end."""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from drova_gate.config import Mode
from drova_gate.demo.invariants import RULES
from drova_gate.demo.matrix import MATRIX, STEPS, Cell

__all__ = ["Board", "Ending"]

GOOD, BAD, DIM, BOLD = "32", "31", "2", "1"
WAITS, SURVIVED, BROKEN, NOTHING = "·", "+", "X", " "
MODES = (Mode.SOCKET, Mode.POLL)
NAME_WIDTH = max(map(len, MATRIX)) + 2


@dataclass(frozen=True, slots=True)
class Ending:
    """How one cell ended, as its process tells it."""

    cell: Cell
    violations: tuple[tuple[str, str], ...]
    """Rule and evidence."""
    seconds: float
    last_word: str = ""

    @property
    def survived(self) -> bool:
        """No rule was broken."""
        return not self.violations


class Board:
    """The table; ``live`` redraws it in place, otherwise a row is written when its last cell has ended."""

    def __init__(
        self, write: Callable[[str], object], tried: Iterable[Cell], *, colour: bool, live: bool, width: int = 100
    ) -> None:
        self._write, self._colour, self._live, self._width = write, colour, live, width
        self._tried = {cell.name: cell for cell in tried}
        self._endings: dict[str, Ending] = {}
        self._drawn = 0

    def open(self) -> None:
        """The head: what the columns and signs mean."""
        legend = ", ".join(f"{number} {step.replace('_', ' ')}" for number, step in enumerate(STEPS, 1))
        self._lines(textwrap.wrap(f"Steps: {legend}.", self._width))
        self._lines(
            [f"Each cell: socket mode, poll mode. {SURVIVED} survived, {BROKEN} broken, blank: nothing to try.", ""]
        )
        numbers = " ".join(f"{number:>2}" for number in range(1, len(STEPS) + 1))
        self._lines([self._paint(f"{'':<{NAME_WIDTH}}{numbers}", BOLD)])
        if self._live:
            self._draw()

    def add(self, ending: Ending) -> None:
        """A cell has ended."""
        self._endings[ending.cell.name] = ending
        if self._live:
            self._draw()
        elif all(name in self._endings for name in self._row(ending.cell.fault.name)):
            self._lines([self._row_text(ending.cell.fault.name)])

    def close(self, seconds: float) -> int:
        """Every violation with its evidence, then the figures; returns how many there were."""
        broken = [ending for ending in self._endings.values() if not ending.survived]
        self._lines([""])
        for ending in broken:
            self._lines([self._paint(ending.cell.name, BAD)])
            for rule, found in ending.violations:
                self._lines(self._wrapped(f"{RULES.get(rule, rule)}: {found}"))
            self._lines(self._wrapped(f"at the end: {ending.last_word}") if ending.last_word else [])
        counts = self._counts()
        total = sum(counts.values())
        faults = len({cell.fault.name for cell in self._tried.values()})
        missing = len(self._tried) - len(self._endings)
        rows = [
            ("faults tried", f"{len(self._endings)} cells of {faults} faults in {seconds:.0f} s"),
            ("survived", f"{len(self._endings) - len(broken)}"),
            *((text, str(counts[rule])) for rule, text in RULES.items()),
            ("violations", str(total)),
        ]
        if missing:
            rows.append(("cells that never reported", str(missing)))
        room = max(len(text) for text, _ in rows) + 2
        for text, figure in rows:
            self._lines([f"{text:<{room}}{self._paint(figure, BAD if self._bad(text, figure) else BOLD)}"])
        return total + missing

    def _counts(self) -> Mapping[str, int]:
        counts = dict.fromkeys(RULES, 0)
        for ending in self._endings.values():
            for rule, _ in ending.violations:
                counts[rule] += 1
        return counts

    @staticmethod
    def _bad(text: str, figure: str) -> bool:
        return text not in ("faults tried", "survived") and figure != "0"

    def _row(self, fault: str) -> list[str]:
        return [name for name, cell in self._tried.items() if cell.fault.name == fault]

    def _row_text(self, fault: str) -> str:
        signs = " ".join("".join(self._sign(Cell(MATRIX[fault], step, mode)) for mode in MODES) for step in STEPS)
        return f"{fault:<{NAME_WIDTH}}{signs}"

    def _sign(self, cell: Cell) -> str:
        if cell.name not in self._tried:
            return NOTHING
        ending = self._endings.get(cell.name)
        if ending is None:
            return self._paint(WAITS, DIM)
        return self._paint(SURVIVED, GOOD) if ending.survived else self._paint(BROKEN, BAD)

    def _draw(self) -> None:
        tried = {cell.fault.name for cell in self._tried.values()}
        rows = [name for name in MATRIX if name in tried]
        done = f"{len(self._endings)} of {len(self._tried)} cells"
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        text = "".join(f"\x1b[K{line}\n" for line in [*map(self._row_text, rows), self._paint(done, DIM)])
        self._write(up + text)
        self._drawn = len(rows) + 1

    def _wrapped(self, text: str) -> list[str]:
        return textwrap.wrap(text, self._width, initial_indent="    ", subsequent_indent="      ")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._write(line + "\n")
