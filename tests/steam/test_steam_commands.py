"""``drova_gate steam scan | validate`` as an owner runs them, against a simulated station and cloud."""

import asyncio
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from steam_stage import SERVER, Stage, staged

from drova_gate.cli import progress, steam_validate
from drova_gate.core.model import Phase, Record
from drova_gate.sim.windows.registry import Value
from drova_gate.sim.windows.saved_steam import APPS, LOG, STEAM, manifest_path
from drova_gate.state import StateFile
from drova_gate.steam.verify import Pace

HOST = "127.0.0.1"
QUICK = Pace(look=0.02, start=0.4, cold_start=0.6, queue=0.4, settle=0.2, alive=0.1, silent=5.0, lost=3.0)
GAMES = len(APPS) - 1
"""Without the redistributables."""


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steam_validate, "PACE", QUICK)
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)


def hurry(stage: Stage) -> None:
    stage.station.steam.seconds = 0.3


def rows(text: str) -> dict[int, dict]:
    return {row["app_id"]: row for row in json.loads(text)}


# -- scan --------------------------------------------------------------------------------------------------------------


async def test_scan_shows_games_libraries_and_what_drova_calls_them(tmp_path: Path):
    async with staged(tmp_path) as stage:
        code, out, err = await stage.run("scan", HOST)
        assert (code, err) == (0, "")
        assert "Ведьмак 3: Дикая Охота" in out
        assert "500 GB" in out
        assert "11 games, 635 GB; 2 not in Drova's catalogue" in out
        assert "Redistributables" not in out

        code, out, _ = await stage.run("scan", HOST, "--json")
        found = rows(out)
        assert len(found) == GAMES
        assert found[578080]["product_ids"] == [stage.product("PLAYERUNKNOWN'S BATTLEGROUNDS (PUBG)")]
        assert found[1627720]["drova"] == []
        assert (found[252490]["ready"], found[252490]["state_flags"]) == (False, 1030)

        code, out, _ = await stage.run("scan", HOST, "--csv")
        assert len(list(csv.DictReader(io.StringIO(out)))) == GAMES


async def test_scan_without_drova_still_scans(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.cloud.world.tokens.clear()
        code, out, err = await stage.run("scan", HOST, "--json")
        assert code == 0
        assert {row["drova"] for row in json.loads(out)} == {None}
        assert "what Drova calls them is not known" in err
        stage.cloud.refused.clear()


async def test_the_stations_own_token_is_enough(tmp_path: Path):
    async with staged(tmp_path) as stage:
        hurry(stage)
        code, out, err = await stage.run("scan", HOST, "--json", token="")
        assert (code, err) == (0, "")
        assert rows(out)[730]["drova"] == ["Counter-Strike 2"]
        assert (await stage.run("validate", HOST, "--app", "730", token=""))[0] == 0
        assert (await stage.run("sync", HOST, token=""))[0] == 3


async def test_scan_names_what_it_could_not_read(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.station.machine.files.write(manifest_path(APPS[1]), b"\0\0")
        code, out, err = await stage.run("scan", HOST, "--json")
    assert code == 1
    assert len(json.loads(out)) == GAMES - 1
    assert err.startswith(rf"{STEAM}\steamapps\appmanifest_730.acf: holds nothing but zeros")


async def test_an_unknown_station_names_the_nearest_and_drovas_name_is_known_once_the_gate_has_run(tmp_path: Path):
    async with staged(tmp_path) as stage:
        for what in (["scan"], ["sync"], ["validate", "--all"]):
            code, out, err = await stage.run(what[0], "127.0.0.2", *what[1:])
            assert (code, out) == (1, "")
            assert "did you mean 127.0.0.1?" in err
        code, _, err = await stage.run("scan", "pc1")
        assert (code, "name it as the settings do: 127.0.0.1" in err) == (1, True)
        StateFile(stage.state / HOST / "state.json").save(Record(server=UUID(SERVER)))
        assert (await stage.run("scan", "PC1"))[0] == 0


async def test_a_station_that_is_off_and_a_steam_that_is_missing(tmp_path: Path):
    async with staged(tmp_path) as stage:
        registry = stage.station.machine.registry
        registry.delete_key(r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam")
        registry.delete_key(rf"{stage.station.machine.owner.hive}\Software\Valve")
        for what in (["scan", HOST], ["sync", HOST], ["validate", HOST, "--all"]):
            code, out, err = await stage.run(*what)
            assert (code, out) == (1, "")
            assert "Steam is not installed there" in err
        await stage.station.power_off()
        code, out, err = await stage.run("scan", HOST)
    assert (code, out) == (1, "")
    assert "no SSH" in err


# -- validate ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shell", "faults"), [("cmd", ()), ("powershell", ("other_console_user", "console_session_2"))]
)
async def test_games_are_verified_one_after_the_other(shell: str, faults: tuple[str, ...], tmp_path: Path):
    async with staged(tmp_path, *faults, shell=shell) as stage:
        hurry(stage)
        stage.station.steam.mismatched[1091500] = (2, 1_234_567)
        code, out, err = await stage.run("validate", HOST, "--app", "730", "--app", "cyberpunk 2077", "--json")
        found = rows(out)
        assert code == 0
        assert (found[730]["verdict"], found[730]["files"], found[730]["wrong_files"]) == ("verified", 2027, 0)
        assert (found[1091500]["verdict"], found[1091500]["wrong_bytes"]) == ("repaired", 1_234_567)
        assert stage.station.steam.opened_addresses == ["steam://validate/730", "steam://validate/1091500"]
        assert not stage.station.machine.tasks.all()
        assert "0 of 2  Counter-Strike 2 (34.6 GB): is checked, 0:00" in err
        assert "fetches" in err
        assert not [entry for entry in stage.station.journal if entry.kind == "write" and "task" not in entry.subject]


async def test_all_games_are_verified_but_not_those_that_steam_installs(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.station.steam.seconds = 0.02
        stage.station.machine.files.write(
            manifest_path(APPS[5]),
            stage.station.machine.files.read(manifest_path(APPS[5])).replace(b'"4"', b'"1026"', 1),
        )
        code, out, _ = await stage.run("validate", HOST, "--all", "--json")
        found = rows(out)
        assert code == 0
        assert len(found) == GAMES
        assert found[578080]["verdict"] == "skipped"
        assert "update required" in found[578080]["reason"]
        assert [app for app in found if found[app]["verdict"] == "verified"] == [app for app in found if app != 578080]
        assert len(stage.station.steam.opened_addresses) == GAMES - 1


async def test_what_steam_says_of_a_failure_and_of_a_game_it_never_starts(tmp_path: Path):
    async with staged(tmp_path) as stage:
        steam = stage.station.steam
        steam.seconds = 0.05
        steam.results[730], steam.newer_words = "Disk write failure", True
        steam.ignores.add(570)
        steam.skips.add(1245620)
        code, out, _ = await stage.run("validate", HOST, "--app", "730", "--app", "570", "--app", "1245620", "--json")
        found = rows(out)
    assert code == 1
    assert (found[730]["verdict"], found[730]["reason"]) == ("failed", "Steam says: Disk write failure")
    assert (found[570]["verdict"], "took no notice" in found[570]["reason"]) == ("not started", True)
    assert found[1245620]["verdict"] == "skipped"


async def test_a_steam_that_is_offline_keeps_it_in_its_queue(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.station.steam.offline = True
        code, out, err = await stage.run("validate", HOST, "--app", "730")
    assert code == 1
    assert "waits in Steam's queue" in out
    assert "waits in Steam's queue" in err


async def test_without_a_log_the_manifest_tells(tmp_path: Path):
    async with staged(tmp_path) as stage:
        hurry(stage)
        stage.station.steam.writes_log = False
        stage.station.machine.files.delete(LOG)
        code, out, _ = await stage.run("validate", HOST, "--app", "730", "--json")
    assert (code, rows(out)[730]["verdict"]) == (0, "verified")
    assert "by the manifest alone" in rows(out)[730]["reason"]


async def test_a_log_that_is_begun_anew_is_followed(tmp_path: Path):
    async with staged(tmp_path) as stage:
        hurry(stage)
        stage.station.machine.files.write(LOG, b"[2025-01-01 00:00:00] old\n" * 40_000)

        def begin_anew(kind: str, subject: str) -> None:
            if kind == "command" and "schtasks" in subject:
                stage.station.machine.files.write(LOG, b"")

        stage.station.watch(begin_anew)
        code, out, _ = await stage.run("validate", HOST, "--app", "730", "--json")
    assert (code, rows(out)[730]["files"]) == (0, 2027)


async def test_a_steam_that_is_closed_meanwhile_is_noticed(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.station.steam.seconds = 20
        running = asyncio.create_task(stage.run("validate", HOST, "--app", "730", "--json"))
        while not stage.station.steam.opened_addresses:
            await asyncio.sleep(0.02)
        for process in stage.station.machine.processes.named("steam.exe"):
            stage.station.machine.processes.kill(process.pid)
        code, out, _ = await running
    assert (code, rows(out)[730]["reason"]) == (1, "Steam was closed before it had ended")


async def test_a_link_that_breaks_meanwhile_is_made_anew(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.station.steam.seconds = 1.5
        running = asyncio.create_task(stage.run("validate", HOST, "--app", "730", "--json"))
        while not stage.station.steam.opened_addresses:
            await asyncio.sleep(0.02)
        await stage.station.drop_ssh()
        code, out, _ = await running
    assert (code, rows(out)[730]["verdict"]) == (0, "verified")


async def test_refused_while_a_player_is_inside(tmp_path: Path):
    async with staged(tmp_path) as stage:
        hurry(stage)
        session = stage.play("ACTIVE")
        code, out, err = await stage.run("validate", HOST, "--app", "730")
        assert (code, out) == (1, "")
        assert "a player is inside" in err
        assert not stage.station.steam.opened_addresses
        assert (await stage.run("validate", HOST, "--app", "730", "--force"))[0] == 0
        stage.cloud.set_status(session, "FINISHED")
        assert (await stage.run("validate", HOST, "--app", "730"))[0] == 0


async def test_a_player_who_comes_ends_the_run_before_the_next_game(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.station.steam.seconds = 0.6
        running = asyncio.create_task(stage.run("validate", HOST, "--app", "730", "--app", "570", "--json"))
        while not stage.station.steam.opened_addresses:
            await asyncio.sleep(0.02)
        stage.play("HANDSHAKE")
        code, out, _ = await running
    found = rows(out)
    assert code == 1
    assert (found[730]["verdict"], found[570]["verdict"]) == ("verified", "not started")
    assert "a player is inside" in found[570]["reason"]


async def test_refused_while_the_gate_is_at_work(tmp_path: Path):
    async with staged(tmp_path) as stage:
        for phase in (Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING):
            StateFile(stage.state / HOST / "state.json").save(Record(phase=phase))
            code, _, err = await stage.run("validate", HOST, "--app", "730")
            assert code == 1
            assert f"the gate's own record says {phase}" in err


async def test_refused_while_what_the_gate_does_cannot_be_read(tmp_path: Path):
    """Its station may be about to restart; and a command leaves a gate's record as it is."""
    async with staged(tmp_path) as stage:
        file = stage.state / HOST / "state.json"
        file.mkdir(parents=True)
        code, _, err = await stage.run("validate", HOST, "--app", "730")
        assert code == 1
        assert "what the gate does there is not known; use sudo, or --force" in err
        file.rmdir()
        file.write_text("{torn", encoding="utf-8")
        hurry(stage)
        assert (await stage.run("validate", HOST, "--app", "730"))[0] == 0
        assert file.read_text(encoding="utf-8") == "{torn"


async def test_refused_in_shadow_mode_where_the_game_lies(tmp_path: Path):
    async with staged(tmp_path) as stage:
        hurry(stage)
        stage.station.machine.shadow.enter("D", now=True)
        code, out, err = await stage.run("validate", HOST, "--app", "1091500")
        assert (code, out) == (1, "")
        assert "D: in Shadow Mode: what Steam repairs there is lost" in err
        assert (await stage.run("validate", HOST, "--app", "730", "--app", "1091500"))[0] == 1
        assert not stage.station.steam.opened_addresses
        assert (await stage.run("validate", HOST, "--app", "730"))[0] == 0
        assert (await stage.run("validate", HOST, "--app", "1091500", "--in-shadow-mode"))[0] == 0


async def test_refused_where_shadow_mode_is_not_known(tmp_path: Path):
    async with staged(tmp_path, "shadow_missing") as stage:
        code, _, err = await stage.run("validate", HOST, "--app", "730")
    assert code == 1
    assert "whether it is in Shadow Mode is not known" in err


async def test_refused_when_nobody_is_signed_in_to_steam_or_to_windows(tmp_path: Path):
    async with staged(tmp_path) as stage:
        key = rf"{stage.station.machine.owner.hive}\Software\Valve\Steam"
        stage.station.machine.registry.set(rf"{key}\ActiveProcess", "ActiveUser", Value("REG_DWORD", 0))
        code, _, err = await stage.run("validate", HOST, "--app", "730")
        assert (code, "nobody is signed in to Steam there" in err) == (1, True)
    async with staged(tmp_path, "nobody_signed_in") as stage:
        code, _, err = await stage.run("validate", HOST, "--app", "730")
        assert (code, "nobody is signed in at its console" in err) == (1, True)


async def test_a_steam_that_does_not_run_is_started(tmp_path: Path):
    async with staged(tmp_path) as stage:
        hurry(stage)
        for process in stage.station.machine.processes.named("steam.exe"):
            stage.station.machine.processes.kill(process.pid)
        assert (await stage.run("validate", HOST, "--app", "730"))[0] == 0
        assert stage.station.machine.processes.named("steam.exe")


async def test_what_is_not_installed_names_the_nearest_and_starts_nothing(tmp_path: Path):
    async with staged(tmp_path) as stage:
        for wanted, hint in (("Cyberpnk", "did you mean Cyberpunk 2077"), ("73", "730"), ("9" * 40, "is not known")):
            code, out, err = await stage.run("validate", HOST, "--app", "730", "--app", wanted)
            assert (code, out) == (1, "")
            assert hint in err
        stage.station.machine.files.write(manifest_path(APPS[1]), b"")
        code, _, err = await stage.run("validate", HOST, "--app", "730")
        assert "its manifest cannot be read" in err
        assert not stage.station.steam.opened_addresses


async def test_a_station_of_another_account_is_refused(tmp_path: Path):
    async with staged(tmp_path) as stage:
        del stage.cloud.servers[SERVER]
        code, _, err = await stage.run("validate", HOST, "--app", "730")
    assert code == 1
    assert "which this account does not have" in err


async def test_ctrl_c_leaves_steam_at_work_and_says_how_far_it_was(tmp_path: Path):
    async with staged(tmp_path) as stage:
        stage.station.steam.seconds = 8
        command = [sys.executable, "-m", "drova_gate", "steam", "validate", HOST, "--app", "730", "--app", "570"]
        env = {"PATH": os.environ["PATH"], "ENV_LOCATION": str(stage.settings())}
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        until = time.monotonic() + 15
        while not stage.station.steam.opened_addresses and time.monotonic() < until:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            _, err = await process.communicate()
        assert process.returncode == 130
        assert "interrupted: 0 of 2 games done; Steam goes on with Counter-Strike 2" in err.decode()
        assert "Traceback" not in err.decode()
        assert stage.station.steam.opened_addresses == ["steam://validate/730"]
