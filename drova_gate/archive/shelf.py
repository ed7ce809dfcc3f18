"""Reading the archive: what is asked for by name, sessions as rows, holes in words. SQL does the work: a hundred thousand rows are usual."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from drova_gate.archive.coverage import Stretch, holes, joined
from drova_gate.archive.files import open_for_reading
from drova_gate.errors import NotKnown
from drova_gate.nearest import meant, not_known
from drova_gate.vocabulary import DESKTOP_TITLE, OVER, STATUSES, reason_words, remark

__all__ = ["DESKTOP", "Hole", "Shelf", "Wanted", "local"]

DESKTOP = UUID("9fd0eb43-b2bb-4ce3-93b8-9df63f209098").bytes
"""The product that is the desktop itself; no catalogue has a title for it."""
ID_LEAST = 4
"""Characters of a player's id that may stand for the whole."""
_STATION = "coalesce(stations.name, stations.gate_name)"
"""Drova's own name, which the cabinet shows, else the gate's."""
JOINED = (
    "FROM sessions JOIN stations ON stations.id = sessions.station LEFT JOIN products ON products.id = sessions.product "
    "LEFT JOIN players ON players.id = sessions.player LEFT JOIN merchants ON merchants.id = sessions.merchant"
)
_ROW = (
    f"SELECT sessions.uuid, {_STATION}, stations.uuid, products.title, products.uuid, players.uuid, merchants.uuid, created, finished, "
    f"status, billing, address, comment, score, reason, review, extra {JOINED}"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions are meant; they belong to the time at which they began."""

    since: int | None = None
    """Milliseconds since 1970."""
    until: int | None = None
    stations: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    player: int | None = None
    status: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Write it as SQL, with its values."""
        parts, values = list[str](), list[Any]()
        for part, value in (
            ("created >= ?", self.since),
            ("created < ?", self.until),
            ("player = ?", self.player),
            ("status = ?", self.status),
        ):
            if value is not None:
                parts.append(f"sessions.{part}")
                values.append(value)
        for column, ids in (("station", self.stations), ("product", self.products)):
            if ids:
                parts.append(f"sessions.{column} IN ({', '.join('?' * len(ids))})")
                values += ids
        return f"WHERE {' AND '.join(parts)}" if parts else "", values


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of time of a station, of which nobody knows whether sessions are missing; milliseconds since 1970."""

    station: str
    after: int
    """0: from the station's first session on."""
    until: int


class Shelf:
    """The archive, open to be read; ``close`` at the end. ``sqlite3.Error`` when it cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.base = open_for_reading(path)

    def close(self) -> None:
        """Close the file."""
        self.base.close()

    @property
    def count(self) -> int:
        """Sessions in all."""
        return int(self.base.execute("SELECT count(*) FROM sessions").fetchone()[0])

    # -- by name -----------------------------------------------------------------------------------------------------

    def stations(self, names: list[str]) -> tuple[int, ...]:
        """Numbers of the stations of these names or ids; ``NotKnown`` has the nearest ones."""
        rows = self.base.execute("SELECT id, uuid, name, gate_name FROM stations").fetchall()
        known = {number: tuple(filter(None, (name, gate, str(UUID(bytes=uuid))))) for number, uuid, name, gate in rows}
        return tuple(dict.fromkeys(self._one("station", name, known) for name in names))

    def products(self, names: list[str]) -> tuple[int, ...]:
        """Numbers of the games of these titles or ids; of a title every game that has it."""
        rows = self.base.execute("SELECT id, uuid, title FROM products").fetchall()
        found: list[int] = []
        for name in names:
            wanted = name.strip().casefold()
            fits = [
                number
                for number, uuid, title in rows
                if wanted in ((self.title(title, uuid) or "").casefold(), str(UUID(bytes=uuid)))
            ]
            if not fits:
                titles = [title for _, uuid, row in rows if (title := self.title(row, uuid))]
                raise not_known("game", name, titles, "drova_gate history show --report hours --by game")
            found += fits
        return tuple(dict.fromkeys(found))

    def player(self, text: str) -> int:
        """Return the number of the player whose id begins so."""
        wanted = text.strip().casefold().replace("-", "")
        where = "drova_gate history show --report visitors"
        if len(wanted) < ID_LEAST or len(wanted) > 32 or not all(char in "0123456789abcdef" for char in wanted):
            raise NotKnown(
                f"player {text!r}", "is no id", f"write at least {ID_LEAST} of its characters, as {where} shows them"
            )
        # Ids are in order: those that begin so are neighbours.
        low, high = bytes.fromhex(wanted.ljust(32, "0")), bytes.fromhex(wanted.ljust(32, "f"))
        rows = self.base.execute(
            "SELECT id, uuid FROM players WHERE uuid BETWEEN ? AND ? LIMIT 4", (low, high)
        ).fetchall()
        if len(rows) == 1:
            return int(rows[0][0])
        if rows:
            several = ", ".join(str(UUID(bytes=uuid)) for _, uuid in rows[:3])
            raise NotKnown(
                f"player {text!r}", f"may be {several}{' or others' if len(rows) > 3 else ''}", "write more of it"
            )
        near = self.base.execute(
            "SELECT uuid FROM (SELECT * FROM (SELECT uuid FROM players WHERE uuid < ? ORDER BY uuid DESC LIMIT 1) "
            "UNION SELECT * FROM (SELECT uuid FROM players WHERE uuid > ? ORDER BY uuid LIMIT 1))",
            (low, high),
        ).fetchall()
        known = [str(UUID(bytes=uuid)) for (uuid,) in near]
        advice = f"the nearest are {' and '.join(known)}" if known else f"{where} shows those that are"
        raise NotKnown(f"player {text!r}", "is not in the archive", advice)

    @staticmethod
    def _one(what: str, name: str, known: dict[int, tuple[str, ...]]) -> int:
        found = meant(name, known)
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(known[number][-1] for number in found)
            raise NotKnown(f"{what} {name!r}", f"may be {ids}", "write the id of the one you mean")
        raise not_known(what, name, [each for names in known.values() for each in names[:-1]], "drova_gate stations")

    @staticmethod
    def title(title: str | None, product: bytes | None) -> str | None:
        """What a game is called."""
        return title or (DESKTOP_TITLE if product == DESKTOP else None)

    # -- rows --------------------------------------------------------------------------------------------------------

    def sessions(
        self, wanted: Wanted, *, newest: int | None = None, oldest_first: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Read sessions as rows for showing; ``newest``: no more than so many of the latest ones."""
        where, values = wanted.where()
        order = "ORDER BY created, sessions.id" if oldest_first else "ORDER BY created DESC, sessions.id DESC"
        limit = "" if newest is None else f" LIMIT {newest:d}"
        for row in self.base.execute(f"{_ROW} {where} {order}{limit}", values):
            yield _shown(row)

    def number(self, wanted: Wanted) -> int:
        """Count sessions."""
        where, values = wanted.where()
        return int(self.base.execute(f"SELECT count(*) FROM sessions {where}", values).fetchone()[0])  # noqa: S608 - values are bound

    def holes(self, wanted: Wanted) -> list[Hole]:
        """Return where sessions may be missing, of the stations and the time that are asked for."""
        rows = self.base.execute(
            f"SELECT stations.id, {_STATION}, stations.uuid, after, until FROM stretches JOIN stations ON stations.id = station "  # noqa: S608 - names of ours
            "ORDER BY after"
        ).fetchall()
        parts: dict[int, tuple[str, list[Stretch]]] = {}
        for number, name, uuid, after, until in rows:
            if not wanted.stations or number in wanted.stations:
                parts.setdefault(number, (name or str(UUID(bytes=uuid)), []))[1].append(Stretch(after, until))
        found = []
        for name, stretches in parts.values():
            whole = joined(stretches)
            begins = [(0, whole[0].after)] if whole[0].after else []
            found += [
                Hole(name, after, until)
                for after, until in [*begins, *holes(whole)]
                if until > (wanted.since or 0) and (wanted.until is None or after < wanted.until)
            ]
        return sorted(found, key=lambda one: (one.station.casefold(), one.after))

    def extras(self) -> frozenset[str]:
        """Names of the fields that some session has beyond those that are known."""
        rows = self.base.execute(
            "SELECT DISTINCT each.key FROM sessions, json_each(sessions.extra) AS each WHERE extra IS NOT NULL"
        )
        return frozenset(name for (name,) in rows)

    def last_read(self) -> int | None:
        """When a whole list was read last; ``None``: never."""
        found = self.base.execute("SELECT max(full_at) FROM stations").fetchone()[0]
        return None if found is None else int(found)


def local(moment: int | None) -> datetime | None:
    """Turn milliseconds since 1970 into the owner's time."""
    return None if moment is None else datetime.fromtimestamp(moment / 1000).astimezone()


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    """Make a session's row: what ``drova_gate sessions`` says of it too, it says under the same names."""
    session, station, server, title, product, player, merchant, created, finished, status, *rest = row
    billing, address, comment, score, reason, review, extra = rest
    return {
        "uuid": str(UUID(bytes=session)),
        "station": station or str(UUID(bytes=server)),
        "server_id": str(UUID(bytes=server)),
        "game": Shelf.title(title, product) or _uuid(product),
        "product_id": _uuid(product),
        "client_id": _uuid(player),
        "merchant_id": _uuid(merchant),
        "started": local(created),
        "ended": local(finished),
        "created_on": created,
        "finished_on": finished,
        "seconds": None if finished is None else max(0.0, (finished - created) / 1000),
        "status": status,
        "status_text": STATUSES.get(status, status),
        "over": status in OVER,
        "billing": billing,
        "from": address,
        "remark": remark(comment, score, reason, review),
        "abort_comment": comment,
        "score": score,
        "score_reason": reason,
        "score_reason_text": reason_words(reason),
        "score_text": review,
        "extra": json.loads(extra) if extra else {},
    }


def _uuid(value: bytes | None) -> str | None:
    return None if value is None else str(UUID(bytes=value))
