"""``drova_gate history`` as an owner runs it: synced, looked at, exported, and every wrong word answered with what to write."""

import asyncio
import contextlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from owner_shop import STATIONS, USER, Shop
from typed import typed

from drova_gate.columns import width

NAMES = list(STATIONS)


@pytest.fixture(autouse=True)
def own_clock(monkeypatch: pytest.MonkeyPatch):
    """``--timezone`` changes the process' clock: a test must not leave it so."""
    monkeypatch.setenv("TZ", os.environ.get("TZ", "UTC"))


def play(shop: Shop, count: int, station: str = "pc1") -> None:
    for _ in range(count):
        shop.cloud.finish(shop.cloud.start_session(shop.ids[station]))


async def test_an_owners_history(shop: Shop):
    """Synced, synced again, shown, filtered, counted, exported."""
    play(shop, 3)
    play(shop, 2, NAMES[1])
    code, out, err = await shop.run("history", "sync")
    assert (code, out, err) == (0, "history: 3 of 3 stations read; 5 new sessions, 0 changed, 0 known\n", "")
    assert (await shop.run("history", "sync"))[
        1
    ] == "history: 3 of 3 stations read; 0 new sessions, 0 changed, 5 known\n"

    code, out, err = await shop.run("history", "show", "--station", "PC1", "--since", "1h")
    assert code == 0
    assert len(out.splitlines()) == 4
    assert "203.0.*.*" in out
    assert "203.0.113.7" not in out
    code, out, _ = await shop.run("history", "show", "--json", "--addresses", "--limit", "0")
    found = json.loads(out)
    assert [row["station"] for row in found].count("pc1") == 3
    assert {row["from"] for row in found} == {"203.0.113.7"}
    assert {row["game"] for row in found} == {"Desktop"}
    code, out, _ = await shop.run("history", "show", "--report", "income", "--by", "station")
    assert code == 0
    assert "Drova's own figures" in out
    file = shop.folder / "all.csv"
    code, out, _ = await shop.run("history", "export", str(file), "--station", "pc1")
    assert (code, out) == (0, f"{file}: 3 sessions written\n")
    assert len(file.read_text().splitlines()) == 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert (await shop.run("history", "export", str(file)))[0] == 2
    assert (await shop.run("history", "export", str(file), "--force"))[0] == 0


async def test_complaints_are_told_in_the_owners_language(shop: Shop):
    """Their kinds, in the sum above and in every row; what a player wrote is his."""
    for reason in (2, 4):
        uuid = shop.cloud.start_session(shop.ids["pc1"])
        session = shop.cloud.sessions[uuid]
        session.score, session.score_reason, session.score_text = 1, reason, "lags"
        shop.cloud.finish(uuid)
    await shop.run("history", "sync")
    code, out, _ = await typed("history", "show", "--report", "scores", "--env", shop.settings(), DROVA_LANG="ru")

    assert code == 0
    head, _, *rows = out.splitlines()
    assert head.startswith("отзывов: 2, ")
    assert {"лаги: 1 (в среднем 1.0)", "обновления: 1 (в среднем 1.0)"} == set(head.split(", ")[1:])
    assert {tuple(row.split()[-2:]) for row in rows} == {("лаги", "lags"), ("обновления", "lags")}


def on_terminal(columns: int, words: tuple[str, ...]) -> str:
    """Run a command on a terminal that is so wide; what it shows."""
    ours, its = pty.openpty()
    settings = {"PATH": os.environ["PATH"], "COLUMNS": str(columns), "DROVA_LANG": "en", "TZ": "UTC"}
    with subprocess.Popen(
        [sys.executable, "-m", "drova_gate", *words], stdout=its, stderr=subprocess.DEVNULL, env=settings
    ):
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal tells that its other side has ended
            while part := os.read(ours, 65536):
                shown += part
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize(
    "report", [(), *(("--report", one) for one in ("hours", "visitors", "trials", "scores", "income"))], ids=" ".join
)
async def test_a_usual_terminal_has_room_for_it(shop: Shop, report: tuple[str, ...]):
    """Eighty places, as over SSH on a router: no row is broken, however long the names are."""
    shop.server("pc1").name = "Санкт-Петербург, Невский проспект RTX 5080 #01"
    for address in ("203.0.113.7", "203.0.113.8"):
        uuid = shop.cloud.start_session(shop.ids["pc1"], client_ip=address)
        session = shop.cloud.sessions[uuid]
        session.billing_type, session.score, session.score_reason = "trial", 1, 1
        session.score_text = "чёрный экран вместо игры, и так три раза подряд"
        shop.cloud.finish(uuid)
    await shop.run("history", "sync")
    words = ("history", "show", "--visits", "1", "--same-player", "1", *report, "--env", str(shop.settings()))
    out = await asyncio.to_thread(on_terminal, 80, words)

    rows = [line for line in out.splitlines() if "  " in line]  # a sentence may be broken anywhere
    assert len(rows) >= 2
    assert max(map(width, rows)) <= 80


async def test_a_station_goes_by_the_same_names_as_elsewhere(shop: Shop):
    """The beginning of its id, its name as a table shows it."""
    play(shop, 1, NAMES[2])
    await shop.run("history", "sync")
    for name in (NAMES[2], "<b>\"o'3?[2J", STATIONS[NAMES[2]][:8]):
        code, out, err = await shop.run("history", "show", "--json", "--station", name)
        assert (code, err, len(json.loads(out))) == (0, "", 1)


async def test_what_the_list_has_lost_is_said(shop: Shop):
    """More than a thousand sessions between two syncs: those between are gone, and the owner is told when they were."""
    play(shop, 2)
    await shop.run("history", "sync")
    play(shop, 1001)
    await shop.run("history", "sync", "--station", "pc1")
    code, out, err = await shop.run("history", "show", "--limit", "0")

    assert code == 0
    assert len(out.splitlines()) == 1 + 1002
    assert "history: sessions of pc1 between " in err
    assert (await shop.run("history", "show", "--limit", "5"))[2] == ""
    assert (await shop.run("history", "show", "--station", NAMES[1]))[2] == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "--station", "pc"), 1, "did you mean pc1"),
        (("show", "--game", "Desktp"), 1, "did you mean Desktop"),
        (("show", "--player", "no"), 1, "is no id"),
        (("show", "--since", "2026-31-01"), 2, "--since: '2026-31-01' is no time; write 2026-11-21"),
        (("show", "--timezone", "Europe/Moskva"), 2, "did you mean Europe/Minsk, Europe/Moscow"),
        (("show", "--timezone", "../etc"), 2, "--timezone: '../etc' is not known"),
        (("show", "--plot", "x.svg"), 2, "--plot: draws a report; say which one with --report"),
        (("show", "--by", "day"), 2, "--by: belongs to --report"),
        (("show", "--report", "income", "--since", "1d", "--by", "hour"), 2, "leave --since"),
        (("show", "--limit", "-1"), 2, "is no number"),
        (("show", "--archive", "/nowhere"), 2, "--archive: /nowhere is no file"),
        (("export", "x.ods"), 2, "ends neither in .xlsx nor in .csv"),
        (("export", "x.xlsx", "--excel"), 2, "--excel: is for .csv"),
        (("export", "/nowhere/x.csv"), 1, "cannot be written"),
        (("export", "x.csv", "--status", "never"), 1, "no archived session is meant by this; nothing was written"),
    ],
)
async def test_a_wrong_word_is_answered_with_what_to_write(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
):
    """One clear line, the right exit code, and no file left behind."""
    play(shop, 1)
    await shop.run("history", "sync")
    monkeypatch.chdir(shop.folder)
    before = set(shop.folder.iterdir())
    found, out, err = await shop.run("history", *arguments)

    assert (found, out) == (code, "")
    assert said in err
    assert set(shop.folder.iterdir()) == before


async def test_an_archive_that_is_not_there_or_empty(shop: Shop):
    """What to run first."""
    assert "run drova_gate history sync" in (await shop.run("history", "show"))[2]
    await shop.run("history", "sync")
    assert (await shop.run("history", "show"))[1] == "history: nothing is archived yet; run drova_gate history sync\n"
    assert (await shop.run("history", "export", str(shop.folder / "x.csv")))[0] == 1


async def test_an_archive_that_is_begun_and_has_no_tables_yet(shop: Shop):
    """Its writer makes the file first and the tables a moment later: no error of SQLite's is shown for that moment."""
    shop.state.mkdir(exist_ok=True)
    (shop.state / "history.sqlite").touch()

    code, _, err = await shop.run("history", "show")

    assert (
        code,
        err.endswith("history.sqlite: nothing is in it yet; run drova_gate history sync, or try again in a moment\n"),
    ) == (1, True)
    assert (await shop.run("history", "sync"))[0] == 0


async def test_an_archive_that_cannot_be_used(shop: Shop):
    """Of a later version: left alone. Damaged: shown as such, set aside by the next sync. No place to write: said."""
    await shop.run("history", "sync")
    file = shop.state / "history.sqlite"
    base = sqlite3.connect(file)
    base.execute("PRAGMA user_version=99")
    base.close()
    for action in ("show", "sync"):
        code, _, err = await shop.run("history", action)
        assert code == 1
        assert "later drova_gate" in err
    file.write_bytes(b"no archive at all" * 500)
    assert "cannot be read (file is not a database)" in (await shop.run("history", "show"))[2]
    assert (await shop.run("history", "sync"))[0] == 0
    assert len(list(shop.state.glob("history.sqlite.damaged-*"))) == 1

    blocked = shop.folder / "blocked"
    blocked.mkdir()
    (blocked / "history.sqlite").mkdir()
    code, _, err = await shop.run("history", "sync", DROVA_STATE_DIR=str(blocked))
    assert code == 1
    assert "history.sqlite: cannot be written (" in err


async def test_an_archive_that_is_damaged_in_its_midst_is_set_aside(shop: Shop):
    """Its head is sound, so that it opens; the damage is no full disk."""
    play(shop, 300)
    await shop.run("history", "sync")
    file = shop.state / "history.sqlite"
    content = bytearray(file.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    file.write_bytes(content)

    code, out, err = await shop.run("history", "sync")
    assert (code, out) == (1, "")
    assert err.endswith("history.sqlite: was damaged; run it again: it begins a new one\n")
    assert [one.read_bytes() for one in shop.state.glob("history.sqlite.damaged-*")] == [content]
    assert "300 new sessions" in (await shop.run("history", "sync"))[1]


async def test_a_station_that_is_not_understood_is_named(shop: Shop):
    """The others are read; exit code 1."""
    play(shop, 1)
    play(shop, 1, NAMES[1])
    for session in shop.cloud.sessions.values():
        if session.server == shop.ids["pc1"]:
            session.created_on = -5
    code, out, err = await shop.run("history", "sync")

    assert code == 1
    assert out == "history: 2 of 3 stations read; 1 new sessions, 0 changed, 0 known\n"
    assert err.startswith("pc1: Drova API, GET /session-manager/sessions: the answer is not understood")


async def test_a_cloud_that_is_down(shop: Shop):
    """One line; what was stored is still shown."""
    play(shop, 1)
    await shop.run("history", "sync")
    shop.cloud.faults.add("cloud_500")
    code, _, err = await shop.run("history", "sync")
    assert code == 1
    assert len(err.splitlines()) == 1

    assert "Desktop" in (await shop.run("history", "show"))[1]


def test_looking_imports_neither_models_nor_sockets(tmp_path: Path):
    """A command without network starts in a quarter of a second on this machine, and in less than two on a router."""
    script = (
        "import sys; from drova_gate.cli import main; main(['history', 'show', '--report', 'hours']);"
        "print([one for one in ('pydantic', 'aiohttp', 'asyncssh', 'asyncio', 'matplotlib') if one in sys.modules])"
    )
    environment = {"PATH": os.environ["PATH"], "DROVA_STATE_DIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"
    assert "there is no archive in" in ended.stderr
    assert USER not in ended.stderr


@pytest.mark.parametrize("name", ["full.csv", "full.xlsx"])
async def test_a_disk_that_is_full_leaves_nothing_behind(shop: Shop, name: str):
    """Neither half a file nor what the library writes beside it; one line tells why."""
    play(shop, 400)
    await shop.run("history", "sync")
    folder = shop.folder / "exports"
    folder.mkdir()
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from drova_gate.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ("history", "export", str(folder / name), "--env", str(shop.settings()))
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"{folder / name}: cannot be written (File too large); look at the folder and its disk; nothing was changed"
    ]
    assert list(folder.iterdir()) == []
