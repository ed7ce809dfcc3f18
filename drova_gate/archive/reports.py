"""What the archive says about hours, visitors, trials and reviews: rows, most of them made by SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drova_gate.addresses import masked
from drova_gate.archive.shelf import JOINED, Shelf, Wanted, local
from drova_gate.archive.spent import every_day, spent
from drova_gate.archive.trials import Limits, Trial, suspicions
from drova_gate.sheet import Column, minute_cell, one_line
from drova_gate.vocabulary import reason_words

__all__ = ["Report", "clock", "hours", "hours_in_time", "scores", "trials", "visitors"]

TRIAL = "trial"
BAD_UP_TO = 3
"""Of five: a review that is no better counts as bad even if it gives no reason."""
WEEKDAYS = {
    "1": "Monday",
    "2": "Tuesday",
    "3": "Wednesday",
    "4": "Thursday",
    "5": "Friday",
    "6": "Saturday",
    "7": "Sunday",
}
_STATION = "coalesce(stations.name, stations.gate_name)"
_HOURS = "sum(max(0, coalesce(finished - created, 0))) / 3600000.0"


@dataclass(frozen=True, slots=True)
class Report:
    """A report: rows, how they look, and what is said above them."""

    columns: Sequence[Column]
    rows: Sequence[dict[str, Any]]
    notes: Sequence[str | tuple[str, ...]] = ()
    """Lines above the rows; the parts of one that is a list are said one by one."""
    flexible: str | None = None


def clock(hours: Any) -> str:
    """Write hours as people read a long time: ``123:05``."""
    if hours is None:
        return one_line(None)
    minutes = round(float(hours) * 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _share(part: Any) -> str:
    return one_line(None) if part is None else f"{part:.1%}"


def hours(shelf: Shelf, wanted: Wanted, by: str) -> Report:
    """Sessions and hours of each station, each game, or each game on each station."""
    where, values = wanted.where()
    group = {"station": "station", "game": "product", "station-game": "station, product"}[by]
    rows = shelf.base.execute(
        f"SELECT {_STATION}, stations.uuid, products.title, products.uuid, told.* FROM (SELECT station, product, count(*) AS sessions, "  # noqa: S608 - names of ours, values are bound
        f"{_HOURS} AS hours, count(DISTINCT player) AS players, sum(status = 'ABORTED') AS aborted, max(created) AS last "
        f"FROM sessions {where} GROUP BY {group}) AS told JOIN stations ON stations.id = told.station "
        "LEFT JOIN products ON products.id = told.product ORDER BY hours DESC, sessions DESC",
        values,
    ).fetchall()
    total = sum(row[7] for row in rows) or 1.0
    found = []
    for station, server, title, product, _, _, sessions, played, players, aborted, last in rows:
        row: dict[str, Any] = {}
        if "station" in by:
            row |= {"station": station or str(UUID(bytes=server)), "server_id": str(UUID(bytes=server))}
        if "game" in by:
            game = None if product is None else str(UUID(bytes=product))
            row |= {"game": Shelf.title(title, product) or game, "product_id": game}
        row |= {"sessions": sessions, "hours": round(played, 4), "share": played / total, "players": players}
        found.append(row | {"aborted": aborted, "last": local(last)})
    heads = [
        *([Column("station", "STATION")] if "station" in by else []),
        *([Column("game", "GAME")] if "game" in by else []),
        Column("sessions", "SESSIONS", right=True),
        Column("hours", "HOURS", right=True, text=clock),
        Column("share", "SHARE", right=True, text=_share, gives_way=3),
        Column("players", "PLAYERS", right=True, gives_way=1),
        Column("aborted", "ABORTED", right=True, gives_way=2),
        Column("last", "LAST", text=minute_cell),
    ]
    return Report(heads, found, flexible="game" if "game" in by else "station")


def hours_in_time(shelf: Shelf, wanted: Wanted, by: str) -> Report:
    """Sessions and hours of each day, month, weekday or hour of the day; each row knows the hours of each station."""
    where, values = wanted.where()
    rows = shelf.base.execute(f"SELECT station, created, finished FROM sessions {where} ORDER BY created", values)  # noqa: S608 - values are bound
    found = spent(rows, by)
    names = {
        number: name or str(UUID(bytes=uuid))
        for number, name, uuid in shelf.base.execute(f"SELECT id, {_STATION}, uuid FROM stations")  # noqa: S608 - a name of ours
    }
    labels = sorted(found)
    if by == "day" and labels:
        labels = every_day(labels[0], labels[-1])
    elif by == "hour":
        labels = [f"{number:02d}" for number in range(24)]
    elif by == "weekday":
        labels = list(WEEKDAYS)
    lines = []
    for label in labels:
        span = found.get(label)
        lines.append(
            {
                by: {"hour": f"{label}:00", "weekday": WEEKDAYS.get(label, label)}.get(by, label),
                "sessions": span.sessions if span else 0,
                "hours": round(span.milliseconds / 3_600_000, 4) if span else 0.0,
                "stations": {
                    names[number]: round(part / 3_600_000, 4)
                    for number, part in (span.by_station if span else {}).items()
                },
            }
        )
    heads = [
        Column(by, by.upper()),
        Column("sessions", "BEGAN", right=True),
        Column("hours", "HOURS", right=True, text=clock),
    ]
    return Report(heads, lines)


def visitors(shelf: Shelf, wanted: Wanted, *, least: int, newest: int | None, addresses: bool) -> Report:
    """Players who came back, the most frequent first; no more than so many."""
    where, values = wanted.where()
    rows = shelf.base.execute(
        f"SELECT players.uuid, told.* FROM (SELECT player, count(*) AS visits, {_HOURS} AS hours, count(DISTINCT station) AS stations, "  # noqa: S608 - names of ours, values are bound
        f"count(DISTINCT product) AS games, count(DISTINCT address) AS places, sum(lower(billing) = '{TRIAL}') AS trials, "
        f"min(created) AS first, max(created) AS last FROM sessions {where} GROUP BY player HAVING visits >= ?) AS told "
        "JOIN players ON players.id = told.player ORDER BY visits DESC, hours DESC LIMIT ?",
        [*values, least, -1 if newest is None else newest],
    ).fetchall()
    found = [
        {
            "client_id": str(UUID(bytes=uuid)),
            "visits": visits,
            "hours": round(played, 4),
            "stations": stations,
            "games": games,
            "addresses": places,
            "trials": trial or 0,
            "first": local(first),
            "last": local(last),
        }
        for uuid, _, visits, played, stations, games, places, trial, first, last in rows
    ]
    if addresses:
        _add_addresses(shelf, wanted, found, [row[1] for row in rows])
    heads = [
        Column("client_id", "PLAYER"),
        Column("visits", "VISITS", right=True),
        Column("hours", "HOURS", right=True, text=clock),
        Column("stations", "STATIONS", right=True, gives_way=1),
        Column("games", "GAMES", right=True),
        Column("trials", "TRIALS", right=True, gives_way=2),
        Column("addresses", "ADDRESSES", right=True, gives_way=3),
        *([Column("where_from", "FROM", text=", ".join, gives_way=5)] if addresses else []),
        Column("first", "FIRST", text=minute_cell, gives_way=4),
        Column("last", "LAST", text=minute_cell),
    ]
    return Report(heads, found, flexible="client_id")


def _add_addresses(shelf: Shelf, wanted: Wanted, found: Sequence[dict[str, Any]], players: Sequence[int]) -> None:
    seen: dict[int, set[str]] = {player: set() for player in players}
    where, values = wanted.where()
    rows = shelf.base.execute(f"SELECT DISTINCT player, address FROM sessions {where}", values)  # noqa: S608 - values are bound
    for player, address in rows:
        if player in seen and address is not None:
            seen[player].add(address)
    for row, player in zip(found, players, strict=True):
        row["where_from"] = sorted(seen[player])


def trials(shelf: Shelf, wanted: Wanted, limits: Limits, *, addresses: bool) -> Report:
    """Trials that look like one person's."""
    where, values = wanted.where()
    rows = shelf.base.execute(
        f"SELECT players.uuid, address, created, max(0, coalesce(finished - created, 0)), {_STATION} {JOINED} "
        f"{where} {'AND' if where else 'WHERE'} lower(billing) = ?",
        [*values, TRIAL],
    )
    all_trials = [
        Trial(None if player is None else str(UUID(bytes=player)), address, began, length, station or "?")
        for player, address, began, length, station in rows
    ]
    found = []
    for one in suspicions(all_trials, limits):
        row = one.row()
        if one.kind != "player" and not addresses:
            row["what"] = masked(one.what.partition("/")[0])
        found.append(row | {"first": local(one.first), "last": local(one.last)})
    heads = [
        Column("kind", "SAME"),
        Column("what", "WHICH"),
        Column("players", "PLAYERS", right=True),
        Column("trials", "TRIALS", right=True),
        Column("hours", "HOURS", right=True, text=clock),
        Column("stations", "STATIONS", right=True, gives_way=1),
        Column("first", "FIRST", text=minute_cell, gives_way=2),
        Column("last", "LAST", text=minute_cell),
        Column("client_ids", "PLAYERS", for_machines=True),
    ]
    note = f"{len(all_trials)} trials; a suspicion is no proof: an office or a provider's common address has several honest players"
    return Report(heads, found, [note] if all_trials else [], flexible="what")


def scores(shelf: Shelf, wanted: Wanted, *, up_to: float = BAD_UP_TO) -> Report:
    """Sessions with a bad score or a complaint, the latest first; above them how many of which kind."""
    where, values = wanted.where()
    # A score comes as a number or as text; a reason other than 0 is a complaint whatever the score.
    rated = f"{where} {'AND' if where else 'WHERE'} (score IS NOT NULL OR reason IS NOT NULL)"
    bad = "((reason IS NOT NULL AND CAST(reason AS TEXT) <> '0') OR (CAST(score AS REAL) <= ? AND CAST(score AS REAL) > 0))"
    counted = shelf.base.execute(
        f"SELECT reason, count(*), avg(nullif(CAST(score AS REAL), 0)) FROM sessions {rated} GROUP BY CAST(reason AS TEXT) ORDER BY 2 DESC",  # noqa: S608 - values are bound
        values,
    ).fetchall()
    rows = shelf.base.execute(
        f"SELECT sessions.uuid, {_STATION}, stations.uuid, products.title, products.uuid, created, score, reason, review, players.uuid {JOINED} "
        f"{rated} AND {bad} ORDER BY created DESC",
        [*values, up_to],
    ).fetchall()
    found = [
        {
            "started": local(created),
            "station": station or str(UUID(bytes=server)),
            "server_id": str(UUID(bytes=server)),
            "game": Shelf.title(title, product) or (None if product is None else str(UUID(bytes=product))),
            "product_id": None if product is None else str(UUID(bytes=product)),
            "score": score,
            "score_reason": reason,
            "score_reason_text": reason_words(reason),
            "score_text": review,
            "client_id": None if player is None else str(UUID(bytes=player)),
            "uuid": str(UUID(bytes=uuid)),
        }
        for uuid, station, server, title, product, created, score, reason, review, player in rows
    ]
    heads = [
        Column("started", "BEGAN", text=minute_cell),
        Column("station", "STATION"),
        Column("game", "GAME"),
        Column("score", "SCORE", right=True),
        Column("score_reason_text", "REASON", said=True),
        Column("score_text", "REVIEW"),
        Column("client_id", "PLAYER", for_machines=True),
        Column("uuid", "SESSION", for_machines=True),
        Column("server_id", "STATION ID", for_machines=True),
        Column("product_id", "PRODUCT", for_machines=True),
    ]
    total = sum(count for _, count, _ in counted)
    kinds = [
        f"{kind}: {count} (average {mean:.1f})" if mean else f"{kind}: {count}"
        for kind, count, mean in ((reason_words(reason) or "no reason given", *more) for reason, *more in counted)
    ]
    return Report(heads, found, [(f"{total} reviews", *kinds)] if total else [], flexible="score_text")
