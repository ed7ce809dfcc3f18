"""What the owner sees: stations, who plays, sessions of the past."""

import asyncio
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest
from geo_files import write_city
from hypothesis import given, settings
from hypothesis import strategies as st
from owner_shop import Shop

from drova_gate.cli.showing import fitted_table
from drova_gate.cli.stations import STATIONS
from drova_gate.cloud.models import Server, Session
from drova_gate.columns import width
from drova_gate.owner.rows import Spelling, clock_doubt, heartbeat_age, session_row, state_words
from drova_gate.sheet import Column, fitting
from drova_gate.sim.cloud import DESKTOP, GAME

NOW = 1_800_000_000.0
ROOM = "Зал 2 🎮"
PLAYER = "93.158.134.3"


def server(state: str = "LISTEN", seen: float | None = 10.0) -> Server:
    heartbeat = 0 if seen is None else int((NOW - seen) * 1000)
    return Server(uuid="11111111-1111-4111-8111-111111111111", published=True, state=state, last_heartbeat=heartbeat)


def rows_of(out: str) -> dict[str, dict]:
    return {row["station"]: row for row in json.loads(out)}


# -- stations --------------------------------------------------------------------------------------------------------


async def test_stations_tell_state_addresses_and_who_plays(shop: Shop):
    shop.server(ROOM).started = False
    shop.server("pc1").disable_updates = True
    shop.cloud.start_session(shop.ids["pc1"], GAME, PLAYER, status="ACTIVE")
    write_city(shop.state / "GeoLite2-City.mmdb")
    code, out, err = await shop.run("stations", "--json")
    assert (code, err) == (0, "")
    rows = rows_of(out)
    pc1, room = rows["pc1"], rows[ROOM]
    assert (pc1["state"], pc1["state_text"], pc1["published"], pc1["updates"]) == ("BUSY", "taken", True, False)
    assert (pc1["internal"], pc1["external"]) == (["192.168.1.20:7985"], ["203.0.113.20:7995"])
    assert (pc1["game"], pc1["billing"], pc1["from"], pc1["place"]) == (
        "A Game",
        "prepaid",
        "93.158.*.*",
        "Moscow, Russia",
    )
    assert pc1["heartbeat_age"] < 60
    assert datetime.fromisoformat(pc1["since"]).tzinfo is not None
    assert (room["state_text"], room["heartbeat"], room["internal"], room["player"]) == (
        "never started",
        None,
        [],
        False,
    )

    code, out, err = await shop.run("stations")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert re.search(r"^pc1 +taken +BUSY +yes +yes +no .* A Game ", out, re.MULTILINE)
    assert PLAYER not in out
    assert "never" in out


async def test_it_asks_politely_once_for_all_sessions_and_few_at_a_time(shop: Shop):
    assert (await shop.run("stations"))[0] == 0
    asked = [one for one in shop.cloud.requests if one.path.endswith("/sessions")]
    assert len(asked) == 1
    assert "merchant_id" in asked[0].query


async def test_csv_is_whole_and_its_addresses_are_whole_on_demand(shop: Shop):
    shop.cloud.start_session(shop.ids["pc1"], client_ip=PLAYER)
    code, out, _ = await shop.run("stations", "--csv", "--addresses")
    assert code == 0
    (pc1,) = [row for row in csv.DictReader(io.StringIO(out)) if row["station"] == "pc1"]
    assert (pc1["from"], pc1["game"], pc1["state"]) == (PLAYER, "Desktop", "HANDSHAKE")


async def test_what_cannot_be_asked_is_said_and_not_taken_for_nothing(shop: Shop):
    shop.cloud.faults.add("cloud_garbage")
    code, out, err = await shop.run("stations")
    assert (code, out) == (1, "")
    assert "not understood" in err


async def test_a_station_that_drova_describes_oddly_is_not_left_out_in_silence(shop: Shop):
    shop.server("pc1").published = "perhaps"
    code, out, err = await shop.run("stations", "--json")
    assert code == 0
    assert "pc1" not in rows_of(out)
    assert "1 of 3 items are left out" in err


async def test_not_knowing_who_plays_is_not_nobody(shop: Shop):
    class NoSessions(set):
        def __contains__(self, fault: object) -> bool:
            return fault == "cloud_500" and shop.cloud.requests[-1].path.endswith("/sessions")

    shop.server("pc1").online = False
    shop.cloud.start_session(shop.ids[ROOM], GAME, status="ACTIVE")
    shop.cloud.faults = NoSessions()
    code, out, err = await shop.run("stations")
    assert code == 1
    assert re.search(r"^pc1 .* \? +- ", out, re.MULTILINE)
    assert err.count("who plays could not be asked") == 3
    code, out, err = await shop.run("current")
    assert code == 1
    assert "stations: 2 not known, 1 with a player" in out


async def test_an_unknown_station_and_an_api_that_is_down(shop: Shop):
    code, _, err = await shop.run("stations", "--station", "pcl")
    assert code == 1
    assert "did you mean pc1" in err
    shop.cloud.faults.add("cloud_down")
    for command in ("stations", "current", "sessions"):
        code, out, err = await shop.run(command)
        assert (code, out, err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    ("state", "seen", "words", "age"),
    [
        ("LISTEN", 10.0, "free", 10.0),
        ("BUSY", 400.0, "taken, silent", 400.0),
        ("OFFLINE", 4000.0, "offline", 4000.0),
        ("UNVERIFIED", None, "never started", None),
        ("LISTEN", -20.0, "free", 0.0),
        ("LISTEN", -4000.0, "free", None),
        ("DREAMING", 1.0, "DREAMING", 1.0),
    ],
)
def test_a_state_in_words_and_its_age(state: str, seen: float | None, words: str, age: float | None):
    assert (state_words(server(state, seen), NOW), heartbeat_age(server(state, seen), NOW)) == (words, age)


def test_a_wrong_clock_is_said_and_a_silent_station_is_none():
    assert clock_doubt([server(seen=10), server(seen=4000)], NOW) == ""
    assert clock_doubt([server("OFFLINE", 4000), server(seen=4000)], NOW) == ""
    assert "67 min" in clock_doubt([server(seen=4000), server(seen=5000)], NOW)
    assert "in the future" in clock_doubt([server(seen=-4000), server(seen=10)], NOW)
    assert clock_doubt([], NOW) == ""


async def test_a_clock_that_is_wrong_is_said(shop: Shop):
    shop.cloud.world.now_ms = lambda: int((time.time() + 90_000) * 1000)
    code, out, err = await shop.run("stations")
    assert code == 0
    assert "in the future" in err
    assert " ? " in out


# -- current ---------------------------------------------------------------------------------------------------------


async def test_current_has_a_line_for_each_player(shop: Shop):
    code, out, _ = await shop.run("current")
    assert (code, out) == (0, "stations: 3 free\n")
    shop.cloud.start_session(shop.ids["pc1"], DESKTOP, PLAYER, status="ACTIVE")
    shop.cloud.start_session(shop.ids[ROOM], GAME, "2a02:6b8::7")
    code, out, _ = await shop.run("current")
    assert code == 0
    first, second = out.splitlines()[1:3]
    assert re.match(r"pc1 +Desktop +\S+ s +20\S+ \S+ +playing +prepaid +93\.158\.\*\.\*", first)
    assert re.match(r"Зал 2 🎮 +A Game +.* connecting +prepaid +2a02:6b8:\*", second)
    assert out.splitlines()[-1] == "stations: 2 with a player, 1 free"
    _, out, _ = await shop.run("current", "--json", "--station", ROOM)
    (row,) = json.loads(out)
    assert (row["status"], row["status_text"], row["station"]) == ("HANDSHAKE", "connecting", ROOM)


async def test_a_player_whom_the_common_list_does_not_show_is_asked_for(shop: Shop):
    shop.cloud.start_session(shop.ids["pc1"], GAME, status="ACTIVE")
    for _ in range(40):
        shop.cloud.finish(shop.cloud.start_session(shop.ids[ROOM], GAME))
    _, out, _ = await shop.run("current", "--json")
    assert [row["game"] for row in json.loads(out)] == ["A Game"]


async def test_a_session_of_unknown_form_or_word_does_not_hide_a_player(shop: Shop):
    shop.cloud.faults |= {"unknown_status", "ipv6_player", "foreign_sessions"}
    shop.cloud.start_session(shop.ids["pc1"], status="ACTIVE")
    _, out, _ = await shop.run("current", "--json")
    (row,) = json.loads(out)
    assert (row["status"], row["from"]) == ("RECONNECTING", "2001:db8:*")


async def test_watching_goes_on_until_it_is_stopped(shop: Shop):
    shop.cloud.start_session(shop.ids["pc1"], GAME)
    environment = {"PATH": os.environ["PATH"], "ENV_LOCATION": str(shop.settings())}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "drova_gate",
        "current",
        "--watch",
        "--json",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        assert process.stdout is not None
        assert [row["station"] for row in json.loads(await process.stdout.readline())] == ["pc1"]
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")


# -- sessions --------------------------------------------------------------------------------------------------------


def past(shop: Shop, station: str, hours_ago: float, minutes: float = 30, game: str = GAME, **fields: object) -> str:
    uuid = shop.cloud.start_session(shop.ids[station], game, PLAYER)
    shop.cloud.finish(uuid)
    session = shop.cloud.sessions[uuid]
    session.created_on = int((time.time() - hours_ago * 3600) * 1000)
    session.finished_on = session.created_on + int(minutes * 60_000)
    for name, value in fields.items():
        setattr(session, name, value)
    return uuid


async def test_sessions_tell_how_long_how_it_ended_and_what_the_player_said(shop: Shop):
    past(shop, "pc1", 5, score="2", score_reason=2, score_text="лагает;\n=1+1")
    past(shop, ROOM, 4, 0.5, status="ABORTED", abort_comment="=cmd()", billing_type=None)
    shop.cloud.start_session(shop.ids["pc1"], DESKTOP, "10.0.0.7", status="ACTIVE")
    code, out, err = await shop.run("sessions")
    assert (code, err) == (0, "")
    running, aborted, finished = out.splitlines()[1:]
    assert re.search(r"pc1 +Desktop +\S+ s +playing +prepaid +10\.0\.\*\.\* +a private network", running)
    assert re.search(r"Зал 2 🎮 +A Game +30 s +aborted +- +93\.158\.\*\.\* .*=cmd\(\)", aborted)
    assert re.search(r"pc1 +A Game +30 min +finished .*score 2 \(lags\): лагает;\?=1\+1", finished)

    _, out, _ = await shop.run("sessions", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["abort_comment"] for row in rows] == ["", "'=cmd()", ""]
    assert rows[2]["score_reason_text"] == "lags"
    _, out, _ = await shop.run("sessions", "--json", "--short")
    assert json.loads(out)[0]["ended"] is None

    _, out, _ = await shop.run("sessions", "--short")
    assert out.splitlines()[0].split() == ["STARTED", "STATION", "GAME", "LASTED", "END"]


async def test_a_place_that_cannot_be_told_is_no_error(shop: Shop):
    past(shop, "pc1", 1)
    shop.state.mkdir()
    (shop.state / "damaged.mmdb").write_bytes(b"no GeoIP file")
    for command in ("sessions", "stations", "current"):
        code, _, err = await shop.run(command)
        assert (code, err) == (0, "")


async def test_sessions_of_a_time_and_of_a_station(shop: Shop):
    for hours in (1, 5, 30, 60):
        past(shop, "pc1", hours)
    past(shop, ROOM, 2)

    async def count(*arguments: str) -> int:
        code, out, err = await shop.run("sessions", "--json", *arguments)
        assert (code, err) == (0, "")
        return len(json.loads(out))

    assert await count() == 5
    assert await count("--since", "6h") == 3
    assert await count("--since", "2d", "--until", "90m") == 3
    assert await count("--station", "pc1", "--limit", "2") == 2
    assert await count("--station", "pc1", "--station", ROOM) == 5
    today = f"{datetime.now().astimezone():%Y-%m-%d}"
    assert await count("--since", today, "--until", today) == await count("--since", today)
    code, out, _ = await shop.run("sessions", "--until", "2020-01-01")
    assert (code, out) == (0, "no session in that time\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "once"),
        ("--until", "2026-13-01"),
        ("--since", "9999999w"),
        ("--since", "2026-11-21", "--until", "2026-11-20"),
        ("--limit", "0"),
        ("--limit", "1001"),
        ("--limit", "٣"),
        ("--json", "--csv"),
    ],
)
async def test_wrong_times_and_numbers_are_usage_errors(shop: Shop, arguments: tuple[str, ...]):
    code, out, err = await shop.run("sessions", *arguments)
    assert (code, out) == (2, "")
    assert "error: " in err
    assert not shop.cloud.requests


async def test_what_the_api_does_not_tell_any_more_is_said(shop: Shop, monkeypatch):
    monkeypatch.setattr("drova_gate.cli.sessions.MOST", 3)
    for hours in range(1, 6):
        past(shop, "pc1", hours)
    code, out, err = await shop.run("sessions", "--since", "9h", "--json")
    assert (code, len(json.loads(out))) == (0, 3)
    assert "may be missing" in err
    assert (await shop.run("sessions", "--since", "150m"))[2] == ""


async def test_titles_come_from_the_copy_then_one_by_one_then_there_is_the_id(shop: Shop):
    past(shop, "pc1", 1)
    assert "A Game" in (await shop.run("sessions"))[1]
    paths = [one.path for one in shop.cloud.requests]
    assert sum("/product/get/" in path for path in paths) == 1
    games = [product for product in shop.cloud.world.products if product != DESKTOP][:6]
    for number, game in enumerate(games):
        past(shop, "pc1", 2 + number, game=game)
    assert (await shop.run("sessions"))[0] == 0
    assert sum("listfull2" in one.path for one in shop.cloud.requests) == 1
    before = len(shop.cloud.requests)
    _, out, _ = await shop.run("sessions", "--json")
    assert all(row["game"] != row["product_id"] for row in json.loads(out))
    assert [one.path for one in shop.cloud.requests[before:] if "product" in one.path] == []
    before = len(shop.cloud.requests)
    (row,) = json.loads((await shop.run("sessions", "--limit", "1", "--json"))[1])
    assert row["game"] != row["product_id"]
    assert [one.path for one in shop.cloud.requests[before:] if "product" in one.path] == []
    unknown = past(shop, "pc1", 0.5)
    shop.cloud.sessions[unknown].product = "3c1f7a90-0000-4d1c-9a64-8f2f4f6f1b99"
    _, out, _ = await shop.run("sessions", "--json")
    assert json.loads(out)[0]["game"] == "3c1f7a90-0000-4d1c-9a64-8f2f4f6f1b99"


NUMBERS = st.none() | st.integers(-1, 6) | st.floats() | st.text(max_size=4)


@settings(deadline=None)  # the first example builds the models
@given(
    NUMBERS,
    NUMBERS,
    st.none() | st.text(max_size=8),
    st.integers(0, 253_402_214_399_999),
    st.none() | st.integers(0, 10**14),
)
def test_any_session_becomes_a_row(score, reason, text, began: int, ended: int | None):
    uuid = "11111111-1111-4111-8111-111111111111"
    session = Session(
        uuid=uuid,
        server_id=uuid,
        product_id=uuid,
        created_on=began,
        status="FINISHED",
        finished_on=ended,
        score=score,
        score_reason=reason,
        score_text=text,
    )
    row = session_row(session, "pc1", Spelling({}, lambda _: None, now=NOW, addresses=False))
    assert row["seconds"] is None or row["seconds"] >= 0
    assert (row["remark"] is None) is (
        session.score is None and session.score_reason is None and not session.score_text
    )


async def test_a_number_that_nobody_counted_is_not_told(shop: Shop):
    """Two stations' newest session each: that there are two in all is not so."""
    for station in ("pc1", ROOM):
        for _ in range(3):
            shop.cloud.finish(shop.cloud.start_session(shop.ids[station]))
    both = ("sessions", "--station", "pc1", "--station", ROOM, "--limit", "1")
    code, out, err = await shop.run(*both)
    assert (code, len(out.splitlines()), err) == (0, 2, "")
    assert (await shop.run(*both, "--since", "1h"))[2] == "the newest 1 of 6; --limit shows more\n"


# -- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [72, 80, 140, None])
def test_a_table_fits_its_terminal_and_names_what_it_leaves_out(room: int | None):
    row = {
        "station": "Игровой ПК с очень длинным названием 🎮",
        "state": "BUSY",
        "state_text": "taken",
        "published": True,
        "desktop": True,
        "updates": False,
        "seen": "12 s",
        "plays": "A Game With A Long Name: Ultimate Edition",
        "seconds": 400.0,
        "from": "93.158.*.*",
        "place": "Moscow, Russia · A Provider With A Long Name",
        "billing": "prepaid",
        "internal": ["192.168.1.20:7985"],
        "external": ["203.0.113.20:7995"],
    }
    *lines, last = fitted_table(STATIONS, [row], flexible="plays", room=room)
    assert all(width(line) <= (room or 1000) for line in lines)
    left = [head for head in (column.head for column in STATIONS if not column.for_machines) if head not in lines[0]]
    assert (last.startswith("(not shown")) is bool(left)
    assert all(head in last for head in left)
    assert bool(left) is (room is not None)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(0, 90))
def test_columns_give_way_in_their_order(order: list[int], room: int):
    columns = [Column(str(number), "x" * 12, gives_way=weight) for number, weight in enumerate(order)]
    kept = fitting(columns, [], room=room)
    gone = [one for one in columns if one not in kept]
    assert all(one.gives_way for one in gone)
    assert all(one.gives_way <= other.gives_way for one in kept for other in gone)
