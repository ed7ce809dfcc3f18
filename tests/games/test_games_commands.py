"""``drova_gate games``: what an owner types and what he reads, against a simulated cloud over real sockets."""

import asyncio
import csv
import io
import json
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from game_stage import MERCHANT, ONE, STATIONS, THREE, TWO, adding, enabled_on, games_of, put
from typed import typed

from drova_gate.cli import main
from drova_gate.games.journal import Journal
from drova_gate.games.plan import Paths, SetPaths
from drova_gate.sim.cloud import DESKTOP, Cloud
from drova_gate.sim.cloud_catalogue import CYBERPUNK, CYBERPUNK_COPY
from drova_gate.sim.cloud_world import StationProduct

OLD_EAC = "C:\\Program Files (x86)\\EasyAntiCheat"


@pytest.fixture
def run(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Type a command; its exit code, what it printed and what it complained of. A process that is started finds the settings as well."""
    env = tmp_path / "env"
    env.write_text(f"DROVA_API_URL={cloud.url}\nDROVA_TOKEN={MERCHANT}\nDROVA_STATE_DIR={tmp_path / 'state'}\n")
    monkeypatch.setenv("ENV_LOCATION", str(env))
    return partial(typed, "games", ENV_LOCATION=str(env))


def titled(cloud: Cloud, title: str) -> UUID:
    return next(UUID(one) for one, product in cloud.world.products.items() if product.title == title)


async def test_the_list_shows_each_game_on_each_station(cloud: Cloud, run):
    first, second = games_of(cloud)[:2]
    put(cloud, ONE, first)
    put(cloud, TWO, first, enabled=False).verified = 1
    for station in STATIONS:
        put(cloud, station, second)
    code, out, _ = await run("list")
    assert code == 0
    assert "🎮 pc3" in out.splitlines()[0]
    title = cloud.world.products[str(first)].title
    line = next(line for line in out.splitlines() if line.startswith(title))
    assert line.split()[-4:] == ["on", "off", "?", "-"]
    code, out, _ = await run("list", "--diff", "--json")
    assert {row["title"] for row in json.loads(out)} == {title}
    assert [row["state"] for row in json.loads(out)] == ["enabled", "disabled", "absent"]
    code, out, _ = await run("list", "--diff", "--station", "pc1")
    assert "same games" in out


async def test_with_many_stations_each_game_has_one_line(cloud: Cloud, run):
    game = games_of(cloud)[0]
    for number in range(12):
        uuid = str(UUID(int=1000 + number))
        cloud.add_server(uuid, f"hall {number}", "7b7c1c1e-52a3-4f0e-9d0a-000000000001").products.clear()
        cloud.servers[uuid].products[str(game)] = StationProduct(enabled=number > 0)
    _, out, _ = await run("list")
    assert "11 of 15" in out
    assert "hall 0" in out


async def test_two_stations_differ(cloud: Cloud, run):
    first, second = games_of(cloud)[:2]
    put(cloud, ONE, first)
    for station, args in ((ONE, "-a"), (TWO, "-b")):
        put(cloud, station, second, args=args)
    code, out, _ = await run("diff", "pc1", "Зал 2")
    assert code == 0
    assert cloud.world.products[str(second)].title not in out
    _, out, _ = await run("diff", "pc1", "Зал 2", "--paths", "--json")
    paths = {row["title"]: row["paths"] for row in json.loads(out)}
    assert paths[cloud.world.products[str(second)].title] == {"args": ["-a", "-b"]}
    code, _, err = await run("diff", "pc1", "pc9")
    assert code == 1
    assert "did you mean pc1" in err


async def test_a_plan_is_only_shown_until_somebody_agrees(cloud: Cloud, run):
    code, out, _ = await run("enable", "dota 2", "steam:730", "--station", "pc1")
    assert code == 3
    assert "2 to add, 2 to enable, on 1 station" in out
    assert enabled_on(cloud, ONE) == set()
    code, out, _ = await run("enable", "dota 2", "steam:730", "--station", "pc1", "--yes")
    assert code == 0
    assert "4 changes made and read back" in out
    assert enabled_on(cloud, ONE) == {titled(cloud, "Dota 2"), titled(cloud, "Counter-Strike 2")}
    code, out, _ = await run("enable", "Dota 2", "--station", "pc1", "--yes")
    assert (code, out.startswith("nothing to change")) == (0, True)
    code, _, _ = await run("disable", "Dota 2", "--all", "--yes")
    assert code == 0
    assert enabled_on(cloud, ONE) == {titled(cloud, "Counter-Strike 2")}


@pytest.mark.parametrize(
    ("game", "said"),
    [
        ("Dotta", "did you mean Dota 2"),
        ("steam:999999999", "no game of the catalogue has this number"),
        ("steam:x", "write it so: steam:570"),
        ("00000000-0000-4000-8000-0000000000ff", "neither the catalogue nor a station"),
        ("zzzzzzzzzz", "games list shows"),
    ],
)
async def test_an_unknown_game_names_the_nearest(run, game: str, said: str):
    code, _, err = await run("enable", game, "--all")
    assert code == 1
    assert said in err


async def test_a_title_of_two_games_lists_both(cloud: Cloud, run):
    first, second = games_of(cloud)[5:7]
    for game in (first, second):
        object.__setattr__(cloud.world.products[str(game)], "title", "Twice")
    code, _, err = await run("disable", "twice", "--all", "--yes")
    assert code == 1
    assert str(first) in err
    assert str(second) in err


async def test_a_copy_is_not_enabled_and_its_title_means_the_other_one(cloud: Cloud, run):
    code, _, err = await run("enable", CYBERPUNK_COPY, "--all", "--yes")
    assert code == 1
    assert "twice" in err
    code, _, _ = await run("enable", "Cyberpunk 2077", "--station", "pc1", "--yes")
    assert enabled_on(cloud, ONE) == {UUID(CYBERPUNK)}


async def test_a_played_game_is_named_before_and_stays(cloud: Cloud, run):
    game = titled(cloud, "Dota 2")
    put(cloud, ONE, game)
    cloud.start_session(str(ONE), str(game), status="ACTIVE")
    code, out, err = await run("disable", "Dota 2", "--station", "pc1", "--yes")
    assert code == 1
    assert "a player plays Dota 2" in err
    assert "1 failed" in out
    assert enabled_on(cloud, ONE) == {game}
    code, _, _ = await run("disable", "Dota 2", "--station", "pc1", "--yes", "--force")
    assert (code, enabled_on(cloud, ONE)) == (0, set())


async def test_sync_makes_the_lists_the_same_and_says_what_it_leaves_out(cloud: Cloud, run):
    first, second, third, fourth = games_of(cloud)[:4]
    put(cloud, ONE, first, args="-x")
    put(cloud, ONE, second, enabled=False)
    put(cloud, ONE, third).verified = 1
    put(cloud, ONE, UUID(CYBERPUNK_COPY))
    put(cloud, ONE, UUID(DESKTOP))
    for game in (second, third, fourth):
        put(cloud, TWO, game)
    code, out, _ = await run("sync", "--from", "pc1", "--to", "Зал 2", "--paths", "--yes")
    assert code == 0, out
    assert out.count("not copied:") == 3
    # What is not copied is left as it is there.
    assert enabled_on(cloud, TWO) == {first, third}
    assert cloud.servers[str(TWO)].products[str(first)].args == "-x"
    assert enabled_on(cloud, THREE) == set()
    code, out, _ = await run("sync", "--from", "pc1", "--to", "Зал 2", "--paths", "--yes")
    assert "nothing to change" in out
    await run("sync", "--from", "pc1", "--to", "all", "--yes")
    assert enabled_on(cloud, THREE) == {first}


async def test_sync_can_leave_other_games_alone(cloud: Cloud, run):
    first, second = games_of(cloud)[:2]
    put(cloud, ONE, first)
    put(cloud, TWO, second)
    await run("sync", "--from", "pc1", "--to", "Зал 2", "--yes", "--keep-others")
    assert enabled_on(cloud, TWO) == {first, second}


async def test_a_list_that_would_empty_a_station_is_refused(cloud: Cloud, run):
    games = games_of(cloud)[:12]
    for game in games:
        put(cloud, ONE, game)
    put(cloud, TWO, games[0])
    # The wrong way round.
    code, _, err = await run("sync", "--from", "Зал 2", "--to", "pc1", "--yes")
    assert code == 1
    assert "would disable 11 of 12 games of pc1" in err
    assert enabled_on(cloud, ONE) == set(games)
    code, out, _ = await run("sync", "--from", "Зал 2", "--to", "pc1", "--yes", "--keep-others")
    assert (code, out.startswith("nothing to change")) == (0, True)
    assert (await run("sync", "--from", "Зал 2", "--to", "pc1", "--force"))[0] == 3


async def test_interrupted_at_the_keyboard_it_says_how_far_it_is(cloud: Cloud, run, tmp_path: Path):
    for game in games_of(cloud)[:8]:
        put(cloud, ONE, game)
    command = [sys.executable, "-m", "drova_gate", "games", "sync", "--from", "pc1", "--to", "Зал 2", "--yes"]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    while cloud.writes < 2 and process.returncode is None:
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, complained = await process.communicate()
    assert process.returncode == 130
    assert "of 16: interrupted" in complained.decode()
    assert "it goes on there" in complained.decode()
    assert b"Traceback" not in complained


async def test_killed_it_goes_on(cloud: Cloud, run, tmp_path: Path):
    games = games_of(cloud)[:4]
    for game in games:
        put(cloud, ONE, game)
    command = [sys.executable, "-m", "drova_gate", "games", "sync", "--from", "pc1", "--to", "Зал 2", "--yes"]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    while cloud.writes < 3 and process.returncode is None:
        await asyncio.sleep(0.01)
    process.kill()
    await process.communicate()
    await asyncio.sleep(0.1)  # what it had sent may still arrive
    made = cloud.writes
    code, out, err = await run("sync", "--from", "pc1", "--to", "Зал 2", "--yes")
    assert code == 0, err
    assert f"goes on where it stopped: {made} of 8 are done" in out
    assert cloud.writes == 8
    assert enabled_on(cloud, TWO) == set(games)


async def test_what_the_list_prints_as_csv_can_be_synced_back(cloud: Cloud, run, tmp_path: Path):
    games = games_of(cloud)[:5]
    object.__setattr__(cloud.world.products[str(games[0])], "title", '=HYPERLINK("x"), ё')
    for place, station in enumerate(STATIONS):
        for game in games[place : place + 3]:
            put(cloud, station, game, enabled=game != games[2])
    before = {station: enabled_on(cloud, station) for station in STATIONS}
    _, out, _ = await run("list", "--csv")
    assert "'=HYPERLINK" in out
    file = tmp_path / "games.csv"
    # As Excel saves it: a mark at the beginning, semicolons.
    rows = list(csv.reader(io.StringIO(out)))
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    file.write_text("\ufeff" + text.getvalue(), encoding="utf-8")
    for station in STATIONS:
        cloud.servers[str(station)].products.clear()
    code, out, err = await run("sync", file, "--yes")
    assert code == 0, err
    assert {station: enabled_on(cloud, station) for station in STATIONS} == before


async def test_a_list_of_one_station_can_be_given_to_another(cloud: Cloud, run, tmp_path: Path):
    game = games_of(cloud)[0]
    put(cloud, ONE, game)
    _, out, _ = await run("list", "--csv", "--station", "pc1")
    (tmp_path / "games.csv").write_text(out, encoding="utf-8")
    assert (await run("sync", tmp_path / "games.csv", "--to", "Зал 2", "--yes"))[0] == 0
    assert enabled_on(cloud, TWO) == {game}


async def test_a_list_kept_by_hand(cloud: Cloud, run, tmp_path: Path):
    file = tmp_path / "games.toml"
    file.write_text(
        '[[game]]\ngame = "dota 2"\nargs = "-novid"\n\n[[game]]\ngame = "steam:730"\nenabled = false\n',
        encoding="utf-8",
    )
    put(cloud, TWO, titled(cloud, "Counter-Strike 2"))
    code, out, _ = await run("sync", file, "--yes", "--json")
    assert code == 0
    assert {row["outcome"] for row in json.loads(out)} == {"done"}
    for station in STATIONS:
        assert enabled_on(cloud, station) == {titled(cloud, "Dota 2")}
        assert cloud.servers[str(station)].products[str(titled(cloud, "Dota 2"))].args == "-novid"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "", "no column says which game"),
        ("a.csv", "game\n", "names no game"),
        ("a.toml", "", "names no game"),
        ("a.toml", "[[game]]\ngame = 5\n", "line 1: game: write a title"),
        ("a.toml", "x = 1\n[[game]]\ngame = 'Dota 2'\n", "x: is not known"),
        ("a.toml", "[[game]\n", "is no TOML"),
        ("a.csv", "game,colour\nDota 2,red\n", "line 1: column 'colour' is not known"),
        ("a.csv", "game;enabled\nDota 2;yes\nRust;perhaps\n", "line 3: enabled: 'perhaps' is not known"),
        (
            "a.csv",
            "game,state\nDota 2,enabled\nDotta 2,enabled\n",
            "line 3: game 'Dotta 2': is not known; did you mean Dota 2",
        ),
        ("a.csv", "game\nDota 2\n\nsteam:570\n", "line 4: game Dota 2 is in line 2 already"),
        ("a.csv", "game\nDota 2,yes,no\n", "line 2: 3 cells, where there are 1 columns"),
        ("a.csv", 'game\n"Dota 2\n', "line"),
        ("a.csv", "game,station\nDota 2,pc9\n", "line 2: station 'pc9'"),
        ("a.csv", "game,enabled\n,yes\n", "line 2: no game is named"),
    ],
)
async def test_a_faulty_list_says_which_line_and_changes_nothing(cloud: Cloud, run, tmp_path: Path, name, text, said):
    (tmp_path / name).write_text(text, encoding="utf-8")
    put(cloud, ONE, games_of(cloud)[0])
    code, _, err = await run("sync", tmp_path / name, "--yes")
    assert code == 1
    assert said in err
    assert cloud.writes == 0


async def test_a_list_that_is_no_text_or_not_there(run, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes("game\nМетро".encode("cp1251"))
    assert "save it as UTF-8" in (await run("sync", tmp_path / "a.csv"))[2]
    assert "cannot be read" in (await run("sync", tmp_path / "none.csv"))[2]


async def test_the_api_goes_down_in_the_middle_and_the_same_command_goes_on(cloud: Cloud, run, monkeypatch):
    monkeypatch.setattr("drova_gate.games.carry.PATIENCE", (0.01,))
    games = games_of(cloud)[:8]
    for game in games:
        put(cloud, ONE, game)
    cloud.plan = type(cloud.plan)(cloud_down_after=10)
    code, _, err = await run("sync", "--from", "pc1", "--to", "Зал 2", "--yes")
    assert code == 1
    assert "stopped after 9 of 16: Drova API" in err
    assert "run the same command again: it goes on there" in err
    cloud.faults.discard("cloud_down")
    code, out, err = await run("sync", "--from", "pc1", "--to", "Зал 2", "--yes")
    assert code == 0, err
    assert "goes on where it stopped: 10 of 16 are done" in out
    assert enabled_on(cloud, TWO) == set(games)


async def test_another_command_says_what_was_broken_off(cloud: Cloud, run, tmp_path: Path):
    journal = Journal(tmp_path / "state")
    changes = adding(ONE, games_of(cloud)[:2])
    journal.begin("games sync --from pc1", changes)
    journal.over(changes[0], "done")
    _, _, err = await run("enable", "Dota 2", "--all", "--yes")
    assert "games sync --from pc1" in err
    assert "stopped after 1 of 4" in err


async def test_other_paths_than_those_of_a_broken_off_run_are_not_called_done(cloud: Cloud, run, tmp_path: Path):
    """Nothing was set by that run: the owner has thought of something else."""
    game = titled(cloud, "Dota 2")
    put(cloud, ONE, game)
    earlier = SetPaths(ONE, game, "Dota 2", paths=Paths(args="-wrong"))
    Journal(tmp_path / "state").begin("games paths pc1 'Dota 2'", [earlier])
    code, out, err = await run("paths", "pc1", "dota 2", "--args=-novid", "--yes")
    assert (code, err) == (0, "")
    assert "goes on where it stopped" not in out


async def test_a_station_that_cannot_be_read_is_left_out_and_said(cloud: Cloud, run):
    game = games_of(cloud)[0]
    put(cloud, ONE, game)
    put(cloud, TWO, game).verified = object()  # what JSON cannot say: answered 500
    code, out, err = await run("list")
    assert code == 1
    assert "Зал 2" in err
    assert cloud.world.products[str(game)].title in out


async def test_paths_are_shown_and_set(cloud: Cloud, run):
    game = titled(cloud, "Dota 2")
    put(cloud, ONE, game, args="")
    code, out, _ = await run("paths", "pc1", "dota 2")
    assert code == 0
    assert '""' in out
    code, out, _ = await run("paths", "pc1", "dota 2", "--game-path", "D:\\x y.exe", "--args=-novid", "--yes")
    assert code == 0
    assert 'game path: "D:\\x y.exe", args: "-novid"' in out
    entry = cloud.servers[str(ONE)].products[str(game)]
    assert (entry.game_path, entry.work_path, entry.args, entry.enabled) == ("D:\\x y.exe", None, "-novid", True)
    code, out, _ = await run("paths", "pc1", "dota 2", "--default", "--yes")
    assert "Drova's defaults" in out
    assert cloud.servers[str(ONE)].products[str(game)].args is None
    code, _, err = await run("paths", "Зал 2", "dota 2", "--args=x")
    assert code == 1
    assert "is not on the list of Зал 2" in err


async def test_the_anti_cheats_new_folder(cloud: Cloud, run):
    own, by_default, fine, odd = games_of(cloud)[:4]
    put(cloud, ONE, own, allowed_paths=f'C:\\Games; "{OLD_EAC.lower()}\\"', args="-x")
    object.__setattr__(cloud.world.products[str(by_default)], "allowed_paths", OLD_EAC)
    put(cloud, ONE, by_default)
    put(cloud, ONE, fine, allowed_paths=f"{OLD_EAC}_EOS")
    put(cloud, ONE, odd, allowed_paths=f"see {OLD_EAC}")
    code, out, err = await run("paths", "pc1", "--eac", "--yes")
    assert code == 0
    assert "2 to get other paths" in out
    assert "a person should look at" in err
    products = cloud.servers[str(ONE)].products
    assert products[str(own)].allowed_paths == f'C:\\Games; "{OLD_EAC}_EOS\\"'
    assert products[str(own)].args == "-x"
    assert products[str(by_default)].allowed_paths == f"{OLD_EAC}_EOS"
    assert products[str(odd)].allowed_paths == f"see {OLD_EAC}"
    code, out, _ = await run("paths", "pc1", "--eac", "--yes")
    assert "nothing to change" in out


async def test_known_places_need_no_account(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ENV_LOCATION", "/dev/null")
    code, out, _ = await run("paths", "--known")
    assert code == 0
    assert "Fortnite" in out


@pytest.mark.parametrize(
    "words",
    [
        ("enable", "x"),
        ("enable", "x", "--all", "--station", "pc1"),
        ("sync",),
        ("sync", "file", "--from", "pc1"),
        ("sync", "file", "--paths"),
        ("paths", "pc1"),
        ("paths", "pc1", "x", "--default", "--args=y"),
        ("paths", "pc1", "--eac", "--default"),
    ],
)
async def test_what_makes_no_sense_is_said_before_anything_is_asked(cloud: Cloud, run, words):
    code, _, err = await run(*words)
    assert code == 2
    assert "usage:" in err
    assert cloud.requests == []


def test_help_is_quick():
    began = time.process_time()
    with pytest.raises(SystemExit):
        main(["games", "sync", "--help"])
    assert time.process_time() - began < 1
