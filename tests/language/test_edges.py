"""Where people read, it is Russian; where machines do, and in the log, it is English. With real processes against the simulator."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from simulated import free_port, quick_station, settings_of
from test_catalogue import RU

from drova_gate.columns import width as places
from drova_gate.report.table import event_lines, status_lines
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Station
from drova_gate.steps.recipes import load_recipes
from drova_gate.steps.shipped import LAUNCHERS

CYRILLIC = re.compile(r"[А-Яа-яЁё]")
ENGLISH = re.compile(r"(?<![\w./'\"-])[a-z]{2,} [a-z]{2,} [a-z]{2,}(?![\w./'\"-])")
"""Three words in a row are a sentence that was forgotten."""
RECIPE = re.compile("|".join(sorted(re.escape(recipe.title) for recipe in load_recipes(LAUNCHERS))))


def of_station(name: str, **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "name": name,
        "phase": "clean",
        "reason": "clean and free",
        "since": 1000.0,
        "maintenance": None,
        "session": None,
        "last_alarm": None,
        "stuck_since": None,
        "protection": {"protector": "shadow_defender", "shadowed": ""},
        "last_reset": {"at": 900.0, "seconds": 95.0, "proved": True},
        "faults": {"cloud": "", "station": ""},
        "ages": {"cloud": 1.0, "station": 40.0},
    }
    return usual | more


FLEET = {
    "started_at": 1.0,
    "stations": [
        of_station("pc1"),
        of_station(
            "станция-2",
            phase="in_session",
            reason="in session 358c7e9d; no whole answer within 10 s, so it is taken as going on",
            session={"game": "clean", "since": 940.0, "address": "203.0.*.*"},
            protection={"protector": "shadow_defender", "shadowed": "CD"},
        ),
        of_station(
            "pc3",
            phase="quarantined",
            reason="quarantine (the station has not come back 900 s after its reset): no SSH at 10.0.0.3:22 (timed out)",
            last_reset={"at": 900.0, "seconds": None, "proved": False},
            faults={"cloud": "Drova API: no answer", "station": ""},
            last_alarm={"at": 940.0, "text": "quarantine: the station does not answer; look at the station"},
        ),
        of_station("pc4", phase="maintenance", protection={"protector": "none", "shadowed": None}, stuck_since=400.0),
    ],
}


@pytest.mark.parametrize("width", [80, 100, 140, 220])
def test_the_table_is_russian_and_its_columns_stand(width: int):
    lines = status_lines(FLEET, width=width, colour=False, now=1000.0, say=RU.of)
    head, *rows = lines[: 1 + len(FLEET["stations"])]

    assert all(places(line) <= width for line in (head, *rows))
    for title in re.findall(r"\S+", head)[1:]:
        at = head.index(title)
        assert all(len(row) <= at or (row[at - 1] == " " and row[at] != " ") for row in rows), (title, lines)
    assert "станция-2  сессия" in "\n".join(rows)
    assert "clean 60 с" in rows[1], "a game is called what it is called"
    assert "4 станции: чиста: 1, сессия: 1, карантин: 1, обслуживание: 1; шлюз работает 17 мин" in lines
    assert not ENGLISH.search("\n".join(lines)), "\n".join(lines)


def test_an_event_is_russian_and_its_kind_a_code():
    event = {
        "at": 1e9,
        "station": "pc1",
        "session": "834d5cb8-1",
        "kind": "not_prepared",
        "text": "session 834d5cb8 is NOT prepared: steam.token: still in use, it could not be deleted",
        "seconds": 1.3,
        "steps": [["steam.token", "failed", "still in use, it could not be deleted", True]],
    }
    first, second = event_lines(event, colour=False, steps=False, say=RU.of)

    assert "not_prepared сессия 834d5cb8 НЕ подготовлена: steam.token: всё ещё занят, удалить не удалось" in first
    assert second.strip() == "failed   steam.token (обязателен): всё ещё занят, удалить не удалось"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Station, Cloud, dict[str, str]]]:
    """A quick station, a cloud that knows it, and Russian settings to reach both."""
    async with quick_station() as (station, cloud):
        environment = settings_of(
            station,
            cloud,
            PATH=os.environ["PATH"],
            HOME=str(tmp_path),
            DROVA_SOCKET_LISTEN=str(free_port()),
            DROVA_LISTEN_HOST="127.0.0.1",
            DROVA_STATE_DIR=str(tmp_path / "state"),
            ENV_LOCATION="",
            DROVA_LANG="ru",
        )
        yield station, cloud, environment


async def start(*command: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drova_gate", *command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def said(*command: str, env: dict[str, str]) -> str:
    process = await start(*command, env=env)
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return (out + err).decode()


async def test_a_gate_logs_in_english_and_speaks_russian(world: tuple[Station, Cloud, dict[str, str]]):
    """The log of a whole preparation has no Russian but the names of Windows; status, events and doctor no English sentence."""
    station, cloud, env = world
    cloud.set_status(cloud.start_session(station.plan.registrations[0][0]), "ACTIVE")
    gate = await start("socket", env=env | {"DROVA_LOG_LEVEL": "DEBUG"})
    try:
        began, status = time.monotonic(), {"stations": []}
        while not any(one["phase"] == "in_session" for one in status["stations"]):
            assert time.monotonic() - began < 20, status
            status = json.loads(await said("status", "--json", env=env))
        shown, events, told = [await said(one, env=env) for one in ("status", "events", "doctor")]
        examined = json.loads(await said("doctor", "--json", env=env))
    finally:
        gate.terminate()
        _, log = await gate.communicate()

    names = re.compile(r"'[^']*'|\\\S*|Игрок\S*")
    assert [line for line in log.decode().splitlines() if CYRILLIC.search(names.sub("", line))] == []
    assert not CYRILLIC.search(names.sub("", json.dumps(status, ensure_ascii=False)))
    assert "takes connections" in next(one["found"] for one in examined["checks"] if one["code"] == "tcp")
    assert "сессия" in shown
    assert "готов" in events
    assert re.search(r"ok +tcp +\S+ принимает подключения", told), told
    for text in (shown, events, told):
        # Recipes have their programs' names, and words of their own after them.
        left = ENGLISH.search("\n".join(line for line in text.splitlines() if not RECIPE.search(line)))
        assert not left, left


async def test_the_settings_file_that_is_named_says_the_language(tmp_path: Path):
    file = tmp_path / "pc.env"
    file.write_text("DROVA_LANG=ru\nWINDOWS_HOST=10.0.0.1\n", encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "ENV_LOCATION": ""}

    assert "WINDOWS_LOGIN: не задан; напишите логин SSH" in await said("doctor", "--env", str(file), env=env)
    assert "WINDOWS_LOGIN: не задан" in await said("doctor", f"--env={file}", env=env)
    assert "WINDOWS_LOGIN: is missing" in await said("doctor", "--env", str(file), env=env | {"DROVA_LANG": "en"})
