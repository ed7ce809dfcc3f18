"""``drova_gate steam sync``: what a station should offer by what Steam has there, planned, agreed to, carried out, read back."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steam_stage import staged

from drova_gate.cloud import calls
from drova_gate.cloud.game_index import SKIPPED, Game, GameIndex
from drova_gate.games.plan import Disable, Present
from drova_gate.sim.windows.saved_steam import APPS, LIBRARY_FOLDERS, STEAM, manifest_path
from drova_gate.steam.libraries import Library
from drova_gate.steam.manifest import InstalledApp
from drova_gate.steam.matching import match
from drova_gate.steam.scan import Fault, Scan
from drova_gate.steam.sync import plan_sync

HOST = "127.0.0.1"
STATION = uuid4()
MATCHED = {
    "Counter-Strike 2",
    "Cyberpunk 2077",
    "Dota 2",
    "ELDEN RING",
    "Grand Theft Auto V Legacy (Steam)",
    "PLAYERUNKNOWN'S BATTLEGROUNDS (PUBG)",
    "Red Dead Redemption 2",
    "Ведьмак 3: Дикая Охота",
}
"""What is fully installed and known to Drova; Rust is being updated."""


# -- the plan, pure ----------------------------------------------------------------------------------------------------


def game(number: int, app: int | None, account: str = "Steam") -> Game:
    url = "" if app is None else f"https://store.steampowered.com/app/{app}/x/"
    return Game(UUID(int=number), f"Game {number}", required_account=account, in_shop_url=url)


GAMES = (game(1, 10), game(2, 20), game(3, 20), game(4, 30), game(5, None), game(6, 40, "Epic Games"))
INDEX = GameIndex(GAMES)


def found(*apps: tuple[int, int], complete: bool = True, damaged: int | None = None) -> Scan:
    return Scan(
        steam=STEAM,
        libraries=(Library(STEAM, there=True), Library("E:\\x", there=complete)),
        apps=tuple(InstalledApp(app, f"App {app}", STEAM, flags) for app, flags in apps),
        faults=() if damaged is None else (Fault("x", "is empty", damaged),),
    )


def planned(scan: Scan, present: dict[int, bool]):
    shelf = {UUID(int=number): Present(enabled) for number, enabled in present.items()}
    return plan_sync(STATION, scan, match(scan, INDEX), GAMES, shelf)


def words(scan: Scan, present: dict[int, bool]) -> list[str]:
    return [f"{change.kind} {change.product_id.int}" for change in planned(scan, present).changes]


def test_what_is_there_is_offered_under_every_name_and_what_is_gone_is_not():
    assert words(found((20, 4)), {1: True, 2: False}) == ["disable 1", "enable 2", "add 3", "enable 3"]


def test_games_of_other_launchers_are_left_alone():
    assert words(found(), {5: True, 6: True}) == []


def test_a_game_that_is_being_updated_is_neither_enabled_nor_disabled():
    plan = planned(found((10, 1030), (30, 6)), {1: True, 4: False})
    assert plan.changes == ()
    assert [one.app.app_id for one in plan.not_ready] == [10, 30]


def test_what_cannot_be_read_is_not_gone():
    assert words(found(damaged=10), {1: True}) == []
    plan = planned(found((20, 4), complete=False), {1: True, 2: True, 3: True})
    assert plan.changes == ()
    assert [one.product_id.int for one in plan.kept] == [1]
    assert planned(replace(found(), list_read=False), {1: True}).changes == ()


def test_a_copy_that_must_be_skipped_is_neither_offered_nor_taken_off():
    copy = replace(game(7, 10), product_id=next(iter(SKIPPED)))
    games, scan = (*GAMES, copy), found((10, 4))
    for there in (scan, found()):
        plan = plan_sync(
            STATION, there, match(there, GameIndex(games)), games, {copy.product_id: Present(enabled=True)}
        )
        assert copy.product_id not in {change.product_id for change in plan.changes}


def test_products_without_a_shop_link_are_known_by_hand():
    planet_side = Game(UUID("b6346f52-f780-42a9-98a2-1c7d6c4b4473"), "PlanetSide 2", required_account="Steam")
    (one,) = match(found((218230, 4)), GameIndex([planet_side]))
    assert one.products == (planet_side,)


@given(
    st.sets(st.tuples(st.sampled_from([10, 20, 30, 40, 228980]), st.sampled_from([4, 6, 1026, 0])), max_size=5),
    st.dictionaries(st.integers(1, 6), st.booleans()),
    st.booleans(),
)
def test_whatever_is_found_nothing_present_or_foreign_is_disabled(apps, present, complete):
    scan = found(*apps, complete=complete)
    by_id = {one.product_id: one for one in GAMES}
    for change in planned(scan, present).changes:
        app = by_id[change.product_id].steam_id
        assert app is not None
        if isinstance(change, Disable):
            assert complete
            assert app not in scan.known
        else:
            assert (app, 4) in apps


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def writes_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WRITE_SPACING_SECONDS", 0.0)


async def test_the_plan_is_shown_and_nothing_is_done_without_a_yes(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.offer("Half-Life 2")
        code, out, _ = await stage.run("sync", HOST)
        assert code == 3
        assert "1 to disable, 8 to add, 8 to enable, on 1 station" in out
        assert "not yet: Rust: update required, fully installed, update started" in out
        assert 'not in Drova\'s catalogue: Lies of P™ Демо, PEAK "beta"' in out
        assert stage.enabled() == {"Half-Life 2"}


async def test_a_sync_is_carried_out_read_back_and_then_nothing_is_left_to_do(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.offer("Half-Life 2")
        stage.offer("Dota 2", enabled=False)
        code, out, _ = await stage.run("sync", HOST, "--yes")
        assert code == 0
        assert "16 changes made and read back" in out
        assert stage.enabled() == MATCHED
        writes = len(stage.cloud.requests)
        code, out, _ = await stage.run("sync", HOST, "--yes")
        assert (code, "nothing to change" in out) == (0, True)
        assert stage.enabled() == MATCHED
        assert not [one for one in stage.cloud.requests[writes:] if one.method != "GET"]

        stage.uninstall("Dota 2")
        assert (await stage.run("sync", HOST, "--yes"))[0] == 0
        assert stage.enabled() == MATCHED - {"Dota 2"}


async def test_a_library_that_is_gone_takes_nothing_off(tmp_path: Path):
    async with staged(tmp_path) as stage:
        for title in ("Cyberpunk 2077", "Half-Life 2"):
            stage.offer(title)
        text = LIBRARY_FOLDERS.replace("D:\\\\SteamLibrary", "E:\\\\SteamLibrary")
        stage.station.machine.files.write(rf"{STEAM}\steamapps\libraryfolders.vdf", text.encode())
        code, out, err = await stage.run("sync", HOST, "--yes")
        assert code == 0
        assert "its volume is gone" in err
        assert "Half-Life 2: stays enabled: it was not found, but not every library could be read" in out
        assert {"Cyberpunk 2077", "Half-Life 2", "Dota 2"} <= stage.enabled()


async def test_a_damaged_manifest_takes_nothing_off(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.offer("Counter-Strike 2")
        stage.station.machine.files.write(manifest_path(APPS[1]), b"\0" * 99)
        assert (await stage.run("sync", HOST, "--yes"))[0] == 0
        assert "Counter-Strike 2" in stage.enabled()


async def test_refused_while_a_player_is_inside(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.offer("Half-Life 2")
        stage.play("ACTIVE")
        code, _, err = await stage.run("sync", HOST, "--yes")
        assert code == 1
        assert "a player is inside" in err
        assert stage.enabled() == {"Half-Life 2"}
        assert (await stage.run("sync", HOST, "--yes", "--force"))[0] == 0
        assert stage.enabled() == MATCHED


async def test_an_api_that_goes_down_stops_it_and_it_goes_on_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("drova_gate.games.carry.PATIENCE", (0.01,))
    async with staged(tmp_path) as stage:
        stage.cloud.plan = replace(stage.cloud.plan, cloud_down_after=7)
        code, _, err = await stage.run("sync", HOST, "--yes")
        assert code == 1
        assert "steam sync 127.0.0.1: stopped after" in err
        assert "run the same command again: it goes on there" in err
        assert 0 < len(stage.enabled()) < len(MATCHED)
        stage.cloud.faults.discard("cloud_down")
        code, out, _ = await stage.run("sync", HOST, "--yes")
        assert (code, "goes on where it stopped" in out) == (0, True)
        assert stage.enabled() == MATCHED


async def test_where_it_stops_it_says_so_and_goes_on_there(tmp_path: Path):
    """Ctrl-C in the middle: the next run has only the rest to do."""
    async with staged(tmp_path) as stage:
        command = [sys.executable, "-m", "drova_gate", "steam", "sync", HOST, "--yes"]
        env = {"PATH": os.environ["PATH"], "ENV_LOCATION": str(stage.settings())}
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        until = time.monotonic() + 15
        while len(stage.enabled()) < 2 and time.monotonic() < until:
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            _, err = await process.communicate()
        assert process.returncode == 130
        assert "steam sync 127.0.0.1: stopped after" in err.decode()
        before = stage.enabled()
        assert 2 <= len(before) < len(MATCHED)
        code, out, _ = await stage.run("sync", HOST, "--yes")
        assert code == 0
        assert "goes on where it stopped" in out
        assert stage.enabled() == MATCHED
