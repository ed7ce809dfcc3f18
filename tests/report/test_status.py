"""The status: the socket's manners, and the table that people read."""

import asyncio
import errno
import grp
import json
import os
import socket
import stat
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drova_gate.addresses import masked
from drova_gate.report import server as status_server
from drova_gate.report.ask import NobodyThere, ask, places
from drova_gate.report.server import StatusServer
from drova_gate.report.table import duration, event_lines, fitted, status_lines


def station(name: str = "pc1", **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "name": name,
        "host": "192.168.1.20",
        "mode": "socket",
        "phase": "clean",
        "reason": "clean and free",
        "since": 1000.0,
        "maintenance": None,
        "session": None,
        "hidden_by_us": False,
        "last_alarm": None,
        "relay": None,
        "stuck_since": None,
        "protection": {"protector": "shadow_defender", "shadowed": "", "wanted": "CD", "marker": False, "fault": ""},
        "last_reset": None,
        "faults": {"cloud": "", "station": ""},
        "ages": {"cycle": 0.1, "cloud": 3.0, "station": 20.0, "link": 90.0},
        "restarts": 0,
        "leaving": False,
        "state_dir": "/x",
    }
    return usual | more


def whole(*stations: dict[str, Any]) -> dict[str, Any]:
    return {"started_at": 900.0, "stations": list(stations)}


@asynccontextmanager
async def serving(
    folder: Path, status: Callable[..., dict[str, Any]] | None = None, group: str | None = None
) -> AsyncIterator[Path]:
    path = folder / "status.sock"
    answer = status or (lambda name, *, addresses: whole(station(name or "pc1", host=str(addresses))))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(StatusServer(folder, group, answer).run())
        async with asyncio.timeout(5):
            while not path.exists():
                await asyncio.sleep(0.01)
        yield path
        task.cancel()


async def asked(path: Path, station: str | None = None, *, addresses: bool = False) -> dict[str, Any]:
    return await asyncio.to_thread(ask, path, station, addresses=addresses)


async def test_a_question_gets_its_answer_and_the_file_is_the_owners_alone(tmp_path: Path):
    """Station and addresses arrive as asked; 0600; gone when the gate has ended."""
    async with serving(tmp_path) as path:
        plain, named = await asked(path), await asked(path, "pc7", addresses=True)
        mode = stat.S_IMODE(path.stat().st_mode)

    assert plain["stations"][0]["name"] == "pc1"
    assert (named["stations"][0]["name"], named["stations"][0]["host"]) == ("pc7", "True")
    assert mode == 0o600
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to a group takes root, or a membership")
async def test_a_group_may_be_let_in(tmp_path: Path):
    """DROVA_STATUS_GROUP: 0660 and the way through the folder, which stays closed to all others."""
    tmp_path.chmod(0o700)
    async with serving(tmp_path, group="daemon") as path:
        async with asyncio.timeout(5):
            while stat.S_IMODE(path.stat().st_mode) != 0o660:
                await asyncio.sleep(0.01)
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o710


async def test_the_gates_own_group_is_let_in_where_giving_away_is_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Our units refuse ``chown`` altogether (``@privileged``): DROVA_STATUS_GROUP=drova_gate, as the unit says it, never worked."""

    def refuses(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chown", refuses)
    tmp_path.chmod(0o700)
    async with serving(tmp_path, group=grp.getgrgid(os.getegid()).gr_name) as path:
        async with asyncio.timeout(5):
            while stat.S_IMODE(path.stat().st_mode) != 0o660:
                await asyncio.sleep(0.01)
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o710
    assert "DROVA_STATUS_GROUP" not in caplog.text


async def test_an_unknown_group_is_said_and_the_owner_is_served(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A setting that cannot be kept must not cost the status."""
    async with serving(tmp_path, group="no-such-group") as path:
        assert (await asked(path))["stations"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "DROVA_STATUS_GROUP" in caplog.text


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"[]\n", b'{"command": "reboot"}\n', b"\xff\xfe\n", b"{" * 4000, b"null\n"]
)
async def test_any_question_is_answered_in_json_and_nothing_breaks(line: bytes, tmp_path: Path):
    """Whatever comes: an answer, and the next asker is served."""
    async with serving(tmp_path) as path:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(line)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        assert "error" in json.loads(answer)
        assert (await asked(path))["stations"]


async def test_slow_and_silent_askers_are_bounded_and_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A large answer that nobody takes and eight askers that say nothing: the ninth is served soon."""
    monkeypatch.setattr(status_server, "PATIENCE", 0.2)
    big = whole(*(station(f"pc{number}", reason="x" * 5000) for number in range(400)))
    async with serving(tmp_path, lambda *_, **__: big) as path:
        askers = []
        for number in range(status_server.ASKERS_MOST):
            one = socket.socket(socket.AF_UNIX)
            one.connect(str(path))
            if number % 2:
                one.sendall(b'{"command": "status"}\n')
            askers.append(one)
        found = await asked(path)
        for one in askers:
            one.close()

    assert len(found["stations"]) == 400


async def test_a_fault_in_showing_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The status function breaks: the asker gets no answer, the server goes on."""
    answers = iter([RuntimeError("a fault of ours"), None])

    def status(*_: object, **__: object) -> dict[str, Any]:
        if (error := next(answers)) is not None:
            raise error
        return whole(station())

    async with serving(tmp_path, status) as path:
        with pytest.raises(NobodyThere):
            await asked(path)
        assert (await asked(path))["stations"]
    assert "a fault of ours" in caplog.text


async def test_what_a_killed_gate_has_left_is_taken_over_but_a_living_ones_socket_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """SIGKILL leaves the file; a second gate with the same state directory is told so."""
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "status.sock"))
    left.close()
    async with serving(tmp_path) as path:
        async with asyncio.timeout(5):
            while "stations" not in await answered(path):
                await asyncio.sleep(0.02)
        async with asyncio.TaskGroup() as tasks:
            second = tasks.create_task(StatusServer(tmp_path, None, lambda *_, **__: whole()).run())
            await asyncio.sleep(0.1)
            second.cancel()
        assert (await asked(path))["stations"]
    assert "another gate runs with this state directory" in caplog.text


async def answered(path: Path) -> dict[str, Any]:
    try:
        return await asked(path)
    except NobodyThere:
        return {}


async def test_a_state_directory_with_a_long_path_has_a_socket_too(tmp_path: Path):
    """The kernel's bound of 107 bytes is no bound of ours."""
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    async with serving(folder) as path:
        assert (await asked(path))["stations"]


def test_nobody_there_is_said_with_what_to_do(tmp_path: Path):
    """No socket, and a socket that nobody serves."""
    with pytest.raises(NobodyThere):
        ask(tmp_path / "status.sock", None, addresses=False)
    assert places([tmp_path / "none"], "status.sock") == []


def test_sockets_of_a_unit_for_each_station_are_found(tmp_path: Path):
    """Own folder first, then one below."""
    (tmp_path / "pc1").mkdir()
    (tmp_path / "pc1" / "status.sock").touch()
    (tmp_path / "status.sock").touch()

    assert places([tmp_path], "status.sock") == [tmp_path / "status.sock", tmp_path / "pc1" / "status.sock"]


# -- what people read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.7", "203.0.*.*"),
        ("2001:db8:7::1d", "2001:db8:*"),
        (None, None),
        ("", None),
        ("nonsense", "nonsense.*.*"),
    ],
)
def test_an_address_is_masked(address: str | None, shown: str | None):
    """Its second half is nobody's business."""
    assert masked(address) == shown


def test_the_table_shows_what_an_owner_wants_to_know():
    """Phase, who plays what since when from where, protection, last reset, age, why; totals; what is wrong in full."""
    playing = station(
        "pc2",
        phase="in_session",
        reason="in session 358c7e9d",
        session={"game": "desktop", "since": 1000.0, "address": "203.0.*.*", "status": "ACTIVE"},
        protection=station()["protection"] | {"shadowed": "CD"},
    )
    bad = station(
        "pc3",
        phase="quarantined",
        reason="quarantine: still in Shadow Mode after 2 resets",
        faults={"cloud": "", "station": "no SSH"},
        last_reset={"at": 1000.0, "seconds": None, "proved": False},
    )
    lines = status_lines(whole(station(), playing, bad), width=150, colour=False, now=4600.0)
    text = "\n".join(lines)

    assert lines[0].startswith("STATION")
    assert "desktop 60 min" in lines[2]
    assert "203.0.*.*" in lines[2]
    assert " CD " in lines[2]
    assert "not proved yet" in lines[3]
    assert "3 stations: 1 clean, 1 in_session, 1 quarantined" in text
    assert "drova_gate release pc3" in text
    assert "no SSH" in text


def test_an_order_of_the_owner_stands_whole_below_the_table():
    """However narrow the terminal is, he reads until when, and why."""
    text = "maintenance by owner since 2026-11-21 20:00, until 2026-11-21 22:30: new disk"
    order = {"text": text, "why": "new disk", "by": "owner", "since": 1, "until": 2, "hides": True, "over": ""}
    lines = status_lines(whole(station(phase="maintenance", maintenance=order)), width=80, colour=False, now=1060.0)

    assert f"pc1: {text}" in " ".join(" ".join(lines).split())


@given(
    st.text(max_size=40),
    st.text(max_size=200),
    st.integers(20, 220),
    st.sampled_from(["clean", "strange", "quarantined"]),
)
@settings(max_examples=60, deadline=None)
def test_no_row_is_wider_than_the_terminal_and_no_text_moves_the_cursor(name: str, reason: str, width: int, phase: str):
    """Whatever a station is called and whatever it says."""
    lines = status_lines(whole(station(name, reason=reason, phase=phase)), width=width, colour=False, now=5000.0)

    assert all(len(line) <= width for line in lines[:2])
    assert all(char.isprintable() for line in lines[:2] for char in line)


@given(st.text(max_size=60), st.integers(1, 40))
@example("⺀0", 2)
def test_a_text_is_fitted_exactly(text: str, width: int):
    """Cut with an ellipsis or filled; double-width letters count twice, marks above other letters take no place."""
    places = [
        0 if unicodedata.category(char) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in fitted(text, width)
    ]

    assert sum(places) == width


@given(st.floats(-5, 1e9))
def test_a_duration_is_short(seconds: float):
    """At most seven characters, whatever it is."""
    assert len(duration(seconds)) <= 7


def test_an_event_shows_failed_steps_always_and_all_when_asked():
    """Masked by default to what went wrong."""
    event = {
        "at": 1e9,
        "station": "pc1",
        "session": "834d5cb8-1",
        "kind": "not_prepared",
        "text": "no\x1b[2J",
        "seconds": 1.3,
        "steps": [["steam.token", "changed", "", True], ["lockdown.no_run", "failed", "not there", True]],
    }

    assert len(event_lines(event, colour=False, steps=False)) == 2
    assert len(event_lines(event, colour=False, steps=True)) == 3
    assert "\x1b" not in "".join(event_lines(event, colour=False, steps=True))
