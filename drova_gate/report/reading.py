"""Reading the record of events, also while the gate writes it and also when no gate runs."""

import json
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["Reader", "as_json", "last_resets"]

_COLUMNS = ("id", "at", "station", "session", "kind", "phase", "text", "seconds", "steps")


class Reader:
    """One record of events; ``sqlite3.Error`` when it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Read-only: looking at it must not change whose file it is. The record stays readable when its gate is gone.
        self._base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)
        self._last = 0

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def stations(self) -> frozenset[str]:
        """The stations that it tells of."""
        return frozenset(str(name) for (name,) in self._base.execute("SELECT DISTINCT station FROM events"))

    def new(
        self, *, station: str | None = None, since: float | None = None, last: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Read what has come since the last call, oldest first; ``last``: no more than so many, the newest."""
        where = "id > ? AND at >= ? AND (? IS NULL OR station = ?)"
        order = "SELECT * FROM (SELECT {0} FROM events WHERE {1} ORDER BY id DESC LIMIT ?) ORDER BY id"
        rows = self._base.execute(
            order.format(", ".join(_COLUMNS), where),
            (self._last, since or 0.0, station, station, -1 if last is None else last),
        )
        for row in rows:
            event = dict(zip(_COLUMNS, row, strict=True))
            self._last = max(self._last, int(event["id"]))
            event["steps"] = _steps(event["steps"])
            yield event


def last_resets(path: Path) -> dict[str, tuple[float, float]]:
    """The last proved reset of each station, from the record: when it was proved (seconds since 1970), how long it took."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)) as base:
            rows = base.execute(
                # SQLite takes the other columns from the row that has the greatest ``at``.
                "SELECT station, max(at), seconds FROM events "
                "WHERE kind = 'phase' AND phase = 'clean' AND seconds IS NOT NULL GROUP BY station"
            )
            return {str(station): (float(at), float(seconds)) for station, at, seconds in rows}
    except (sqlite3.Error, OSError, ValueError, TypeError):
        return {}  # none yet, or damaged: that is said when it is written


def _steps(packed: bytes | None) -> list[Any]:
    if not packed:
        return []
    try:
        steps = json.loads(zlib.decompress(packed))
    except (zlib.error, ValueError):
        return []
    return steps if isinstance(steps, list) else []


def as_json(event: dict[str, Any]) -> str:
    """One event as a line for machines."""
    steps = [
        {"name": name, "outcome": outcome, "reason": reason, "must": must}
        for name, outcome, reason, must in event["steps"]
    ]
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(event["at"])) + f".{int(event['at'] * 1000) % 1000:03d}Z"
    return json.dumps(event | {"time": moment, "steps": steps}, ensure_ascii=False)
