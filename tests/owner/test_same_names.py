"""One session has the same names and the same words wherever machines read of it: Drova's list, the archive, who plays now, a report."""

import csv
import io
import json
from datetime import datetime
from typing import Any

from owner_shop import Shop

RUNS = {"seconds", "from", "place"}
"""How long it has lasted so far is known to Drova's list alone; a place to whoever has the files."""


async def rows(shop: Shop, *command: str) -> dict[str, dict[str, Any]]:
    code, out, err = await shop.run(*command, "--json")
    assert (code, err) == (0, "")
    return {row["uuid"]: row for row in json.loads(out)}


def told(row: dict[str, Any], name: str) -> Any:
    value = row[name]
    return datetime.fromisoformat(value) if name in ("started", "ended") and value else value


def rated(shop: Shop) -> str:
    """A session that was complained of."""
    uuid = shop.cloud.start_session(shop.ids["pc1"])
    shop.cloud.set_status(uuid, "ABORTED")
    session = shop.cloud.sessions[uuid]
    session.abort_comment, session.score, session.score_reason, session.score_text = "=lost", 2, 2, "фризы"
    return uuid


async def test_a_session_is_told_under_the_same_names_everywhere(shop: Shop):
    """A script that reads the list reads the archive too."""
    uuid = rated(shop)
    running = shop.cloud.start_session(shop.ids["pc1"], status="ACTIVE")
    assert (await shop.run("history", "sync"))[0] == 0
    listed, archived = await rows(shop, "sessions"), await rows(shop, "history", "show")
    current, scores = await rows(shop, "current"), await rows(shop, "history", "show", "--report", "scores")

    assert set(listed) == set(archived) == {uuid, running}
    assert (set(current), set(scores)) == ({running}, {uuid})
    assert set(listed[uuid]) - set(archived[uuid]) == {"place"}
    assert set(scores[uuid]) < set(listed[uuid])
    assert set(current[running]) - set(listed[running]) == {"why"}
    for one, others in (
        (archived[uuid], listed[uuid]),
        (scores[uuid], listed[uuid]),
        (current[running], listed[running]),
    ):
        for name in (set(one) & set(others)) - RUNS:
            assert told(one, name) == told(others, name), name
    assert listed[uuid]["remark"] == "=lost; score 2 (lags): фризы"


async def test_the_columns_of_csv_are_the_names_of_json(shop: Shop):
    """Each of a session's names has its column, so that nothing is lost on the way to a spreadsheet."""
    rated(shop)
    await shop.run("history", "sync")
    for command in (("sessions",), ("history", "show")):
        _, out, _ = await shop.run(*command, "--csv")
        (row,) = csv.DictReader(io.StringIO(out))
        named = await rows(shop, *command)
        assert set(row) == set(*map(set, named.values())) - {"over"}
