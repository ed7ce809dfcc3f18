"""The catalogue on disk: a heading and one game a line, so that reading it never holds the interpreter for long."""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from drova_gate.cloud.game_index import Game, GameIndex, game_of
from drova_gate.files import claim, write_whole

if TYPE_CHECKING:
    from drova_gate.cloud.models import CatalogueItem

__all__ = ["CatalogueCopy", "Heading"]

log = logging.getLogger(__name__)

VERSION = 1
"""Of the copy's layout; any other is fetched anew."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line of a copy."""

    fetched: float
    """Seconds since 1970; when it was last known to be what Drova has."""
    count: int
    etag: str = ""
    """The version's name, if Drova gives one."""


class CatalogueCopy:
    """The copy in one folder.

    Every method but ``claim`` reads or writes a megabyte: in a loop they belong into a worker thread.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "catalogue.jsonl"

    def heading(self) -> Heading | None:
        """Read how old the copy is and how many games it holds; ``None``: there is none that can be used."""
        try:
            with self.path.open("rb") as file:
                return _heading(file.readline())
        except OSError:
            return None

    def games(self) -> GameIndex:
        """Read the whole copy for looking things up; empty when there is none. A damaged one is removed."""
        games: list[Game] = []
        try:
            games = [game_of(json.loads(line)) for line in self._lines()]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._remove()
        return GameIndex(games)

    def items(self) -> "tuple[CatalogueItem, ...]":
        """Read the whole copy with all that Drova says of each game; empty when there is none. A damaged one is removed."""
        from drova_gate.cloud.models import CatalogueItem  # noqa: PLC0415 - looking up titles needs no models

        try:
            return tuple(CatalogueItem.model_validate_json(line) for line in self._lines())
        except ValueError:
            self._remove()
            return ()

    def flag(self, product_id: UUID) -> bool | None:
        """Whether a game gives the desktop; ``None``: the copy does not say."""
        game = self.games().get(product_id)
        return None if game is None else game.use_default_desktop

    def write(self, items: "Iterable[CatalogueItem]", etag: str = "") -> None:
        """Replace the copy; ``OSError`` if the disk refuses."""
        lines = [
            json.dumps(item.model_dump(mode="json", by_alias=True, exclude_unset=True), ensure_ascii=False)
            for item in items
        ]
        # JSON may hold half a surrogate pair, UTF-8 may not: such a character becomes "?".
        self._write(Heading(time.time(), len(lines), etag), [line.encode("utf-8", "replace") for line in lines])

    def confirm(self) -> bool:
        """Note that the copy is what Drova has now; ``False``: it is damaged. ``OSError`` if the disk refuses."""
        heading = self.heading()
        if heading is None or not len(self.games()):
            return False
        self._write(replace(heading, fetched=time.time()), self._lines())
        return True

    def claim(self) -> Callable[[], None] | None:
        """Claim the fetching; ``None`` while another station of this folder does it; ``OSError``."""
        return claim(self.path.with_name("catalogue.lock"))

    def _write(self, heading: Heading, lines: list[bytes]) -> None:
        first = json.dumps({"version": VERSION, **asdict(heading)}).encode()
        write_whole(self.path, b"\n".join((first, *lines, b"")))

    def _lines(self) -> list[bytes]:
        """Every game's line; none when there is no whole copy."""
        try:
            # Not splitlines: what it takes for the end of a line may stand in the middle of a text.
            first, *lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            log.warning("catalogue: its copy %s cannot be read (%s)", self.path, error.strerror)
            return []
        if lines and not lines[-1]:
            del lines[-1]
        heading = _heading(first)
        if heading is None or heading.count != len(lines):
            self._remove()
            return []
        return lines

    def _remove(self) -> None:
        log.warning("catalogue: its copy %s is damaged; it is fetched anew", self.path)
        with contextlib.suppress(OSError):
            # Whoever may only look here goes on without it; whoever may write fetches it anew all the same.
            self.path.unlink(missing_ok=True)


def _heading(line: bytes) -> Heading | None:
    try:
        raw = json.loads(line)
        if raw["version"] != VERSION:
            return None
        return Heading(float(raw["fetched"]), int(raw["count"]), str(raw.get("etag", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
