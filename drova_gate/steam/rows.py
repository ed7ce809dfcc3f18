"""Rows about Steam's games for tables, JSON and CSV. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drova_gate.columns import cut
from drova_gate.sheet import Column, Row, one_line
from drova_gate.steam.following import Result
from drova_gate.steam.manifest import InstalledApp
from drova_gate.steam.matching import Match
from drova_gate.steam.scan import Scan

__all__ = [
    "GAMES",
    "LIBRARIES",
    "RESULTS",
    "bytes_text",
    "game_rows",
    "result_row",
    "rows_of_libraries",
    "summary",
]

FULL = "fully installed"
TITLE_ROOM = 30
"""Places for Drova's title in a table: it stands beside Steam's name, which is mostly the same."""
UNITS = ("B", "KB", "MB", "GB", "TB")


def bytes_text(value: Any) -> str:
    """Write a size as Steam and disk makers do, in thousands: ``34.6 GB``."""
    if not isinstance(value, int):
        return one_line(None)
    size, unit = float(value), 0
    while size >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {UNITS[unit]}"


def _day(value: Any) -> str:
    return f"{value.astimezone():%Y-%m-%d}" if isinstance(value, datetime) else one_line(None)


def _duration(value: Any) -> str:
    return f"{int(value) // 60}:{int(value) % 60:02}" if isinstance(value, int | float) else one_line(None)


def _titles(value: Any) -> str:
    return cut(one_line(" | ".join(value)), TITLE_ROOM) if value else one_line(None)


def _state(value: Any) -> str:
    """Say for people what is not as it should be; most games are fully installed and nothing else."""
    words = str(value).split(", ")
    return ", ".join(word for word in words if word != FULL) or "installed"


GAMES = (
    Column("app_id", "APP", right=True),
    Column("name", "GAME"),
    Column("size", "SIZE", right=True, text=bytes_text),
    Column("updated_at", "UPDATED", text=_day, gives_way=3),
    Column("updates", "UPDATES", said=True, gives_way=2),
    Column("state", "STATE", text=_state, said=True),
    Column("library", "LIBRARY", gives_way=1),
    Column("drova", "AT DROVA", text=_titles),
    Column("build", "BUILD", for_machines=True),
    Column("volume", "VOLUME", for_machines=True),
    Column("ready", "READY", for_machines=True),
    Column("state_flags", "STATE FLAGS", for_machines=True),
    Column("update_behaviour", "UPDATE BEHAVIOUR", for_machines=True),
    Column("library_free", "FREE", for_machines=True),
    Column("product_ids", "PRODUCT IDS", for_machines=True),
)
LIBRARIES = (
    Column("library", "LIBRARY"),
    Column("games", "GAMES", right=True),
    Column("size", "SIZE", right=True, text=bytes_text),
    Column("free", "FREE", right=True, text=bytes_text),
)
RESULTS = (
    Column("app_id", "APP", right=True),
    Column("name", "GAME"),
    Column("verdict", "RESULT", said=True),
    Column("files", "FILES", right=True),
    Column("wrong_files", "WRONG", right=True),
    Column("wrong_bytes", "FETCHED ANEW", right=True, text=bytes_text),
    Column("seconds", "TOOK", right=True, text=_duration, said=True),
    Column("reason", "WHY", said=True),
)


def game_rows(scan: Scan, matches: Sequence[Match], *, catalogue: bool = True) -> list[Row]:
    """One row for each installed game; ``drova`` is empty where the catalogue has none, ``None`` without a ``catalogue``."""
    free = {library.path: library.free for library in scan.libraries}
    return [
        {
            "app_id": app.app_id,
            "name": app.name,
            "size": app.size,
            "build": app.build,
            "updated_at": app.updated_at,
            "updates": app.updates,
            "update_behaviour": app.update_behaviour,
            "state": app.state,
            "state_flags": app.flags,
            "ready": app.ready,
            "library": app.in_library,
            "volume": app.volume,
            "library_free": free.get(app.in_library),
            "drova": [game.title for game in one.products] if catalogue else None,
            "product_ids": [game.product_id for game in one.products] if catalogue else None,
        }
        for one in matches
        for app in (one.app,)
    ]


def rows_of_libraries(scan: Scan) -> list[Row]:
    """One row for each library, with what its games take and what is free."""
    rows: list[Row] = []
    for library in scan.libraries:
        inside = [app for app in scan.apps if app.in_library == library.path]
        rows.append(
            {
                "library": library.path,
                "games": len(inside) if library.there else None,
                "size": sum(app.size or 0 for app in inside) if library.there else None,
                "free": library.free,
            }
        )
    return rows


def summary(matches: Sequence[Match], *, catalogue: bool = True) -> str:
    """Sum the games up in one line."""
    size = bytes_text(sum(one.app.size or 0 for one in matches))
    unmatched = sum(not one.products for one in matches)
    return f"{len(matches)} games, {size}" + (f"; {unmatched} not in Drova's catalogue" if catalogue else "")


def result_row(app: InstalledApp, result: Result, seconds: float | None) -> Row:
    """One verification's end."""
    return {
        "app_id": app.app_id,
        "name": app.name,
        "verdict": result.verdict,
        "files": result.files,
        "wrong_files": result.wrong_files,
        "wrong_bytes": result.wrong_bytes,
        "seconds": None if seconds is None else round(seconds, 1),
        "reason": result.reason,
    }
