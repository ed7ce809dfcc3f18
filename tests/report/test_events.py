"""The record of events: kept, pruned, masked; a full disk or a damaged file is said once and hurts nobody."""

import json
import logging
import sqlite3
import time
from pathlib import Path

import pytest

from drova_gate.cli import main
from drova_gate.report import events
from drova_gate.report.events import Event, EventStore
from drova_gate.report.reading import Reader, as_json, last_resets

STEPS = (("steam.token", "changed", "", True), ("lockdown.no_run", "failed", "not there", True))


def event(
    number: int = 0, *, station: str = "pc1", at: float | None = None, kind: str = "phase", **more: object
) -> Event:
    return Event(at or time.time(), station, "834d5cb8-0000", kind, "clean", f"event {number}", **more)  # type: ignore[arg-type]


def written(path: Path, *many: Event, days: float = 90) -> EventStore:
    store = EventStore(path, days=days)
    store.open()
    for one in many:
        store.add(one)
    store.close()
    return store


def read(path: Path, **how: object) -> list[dict[str, object]]:
    reader = Reader(path)
    try:
        return list(reader.new(**how))  # type: ignore[arg-type]
    finally:
        reader.close()


def until(reached, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.01)


def test_what_happened_is_there_after_a_restart_with_every_step(tmp_path: Path):
    """Two lives of the gate, one record, in order, steps with outcome and reason."""
    path = tmp_path / "events.sqlite"
    written(path, event(1, kind="not_prepared", seconds=1.3, steps=STEPS))
    written(path, event(2))

    first, second = read(path)

    assert [first["text"], second["text"]] == ["event 1", "event 2"]
    assert [tuple(step) for step in first["steps"]] == list(STEPS)  # type: ignore[attr-defined]
    assert first["seconds"] == 1.3
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(as_json(first))["steps"][1] == {
        "name": "lockdown.no_run",
        "outcome": "failed",
        "reason": "not there",
        "must": True,
    }


def test_only_what_is_new_is_read_again_and_only_what_was_asked_for(tmp_path: Path):
    """Following sees each event once; station, time and number are minded."""
    path = tmp_path / "events.sqlite"
    now = time.time()
    written(path, *(event(n, station=f"pc{n % 2}", at=now - 100 + n) for n in range(10)))
    reader = Reader(path)

    assert [one["text"] for one in reader.new(last=3)] == ["event 7", "event 8", "event 9"]
    assert list(reader.new()) == []
    written(path, event(10))
    assert [one["text"] for one in reader.new()] == ["event 10"]
    reader.close()
    assert [one["text"] for one in read(path, station="pc1", since=now - 94.5)] == [
        "event 7",
        "event 9",
        "event 10",
    ]


def test_old_events_go(tmp_path: Path):
    """Pruned by age at the start."""
    path = tmp_path / "events.sqlite"
    written(path, event(1, at=time.time() - 3 * 86400), days=90)
    written(path, event(2), days=2)

    assert [one["text"] for one in read(path)] == ["event 2"]


@pytest.mark.parametrize(
    "damage", [b"", b"no database at all, whatever its name says" * 50, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_damaged_file_is_set_aside_once_and_a_new_one_begun(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
):
    """What can be saved is kept for whoever wants to look; the record goes on. An empty file is a new one."""
    path = tmp_path / "events.sqlite"
    path.write_bytes(damage)
    store = EventStore(path, days=90)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "TRY_AGAIN_SECONDS", 0.05)
        store.open()
        store.add(event(1))
        until(lambda: not store.fault and path.exists() and sqlite_has(path, 1))
        store.close()

    assert [one["text"] for one in read(path)] == ["event 1"]
    assert len(list(tmp_path.glob("*.damaged-*"))) == (1 if damage else 0)
    assert sum("set aside" in record.getMessage() for record in caplog.records) == (1 if damage else 0)


def sqlite_has(path: Path, count: int) -> bool:
    try:
        return len(read(path)) == count
    except sqlite3.Error:
        return False


def test_a_disk_that_refuses_is_said_once_and_nothing_is_lost_when_it_takes_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """The folder cannot be made (a file stands there); later it can."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(events, "TRY_AGAIN_SECONDS", 0.05)
    folder = tmp_path / "state"
    folder.write_text("in the way")
    store = EventStore(folder / "events.sqlite", days=90)
    store.open()
    for number in range(5):
        store.add(event(number))
        time.sleep(0.03)
    until(lambda: bool(store.fault))
    folder.unlink()
    until(lambda: not store.fault)
    store.close()

    assert [one["text"] for one in read(folder / "events.sqlite")] == [f"event {n}" for n in range(5)]
    assert sum("cannot be written" in record.getMessage() for record in caplog.records) == 1


def test_a_flood_is_bounded_and_costs_the_caller_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """While the disk refuses, ten thousand events are taken at once, most of them lost and counted."""
    monkeypatch.setattr(events, "TRY_AGAIN_SECONDS", 30.0)
    folder = tmp_path / "state"
    folder.write_text("in the way")
    store = EventStore(folder / "events.sqlite", days=90)
    store.open()
    store.add(event())
    until(lambda: bool(store.fault))
    began = time.monotonic()
    for number in range(10_000):
        store.add(event(number))

    assert time.monotonic() - began < 2
    assert store.lost >= 10_000 - 2 * events.WAITING_MOST - events.BATCH_MOST
    store.close()


def test_a_record_that_has_grown_too_large_loses_its_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The size is bounded: new events go on being written, the oldest go."""
    monkeypatch.setattr(events, "SIZE_MOST", 400 * 4096)
    path = tmp_path / "events.sqlite"
    store = EventStore(path, days=90)
    store.open()
    for number in range(6):
        for part in range(100):
            store.add(Event(time.time(), "pc1", None, "phase", "clean", f"{number * 100 + part} " + "x" * 3000))
        until(store._queue.empty)
    store.close()
    kept = [int(str(one["text"]).split()[0]) for one in read(path)]

    assert kept[-1] == 599
    assert kept[0] > 0
    assert path.stat().st_size <= 401 * 4096


def test_the_last_reset_of_each_station_is_found_again(tmp_path: Path):
    """After a restart the status still knows when the last reset was and how long it took."""
    path = tmp_path / "events.sqlite"
    written(
        path,
        event(1, at=100.0 + 1e9, seconds=50.0),
        event(2, at=200.0 + 1e9, seconds=61.0),
        event(3, station="pc2", at=150.0 + 1e9, seconds=70.0),
        event(4, at=300.0 + 1e9),
        days=36500,
    )

    assert last_resets(path) == {"pc1": (200.0 + 1e9, 61.0), "pc2": (150.0 + 1e9, 70.0)}
    assert last_resets(tmp_path / "none.sqlite") == {}


def test_a_misspelt_station_is_said_and_not_taken_for_a_quiet_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With the nearest names; one that is known and quiet prints nothing."""
    written(tmp_path / "events.sqlite", event(1), event(2, station="pc2"))
    monkeypatch.setenv("DROVA_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DROVA_LANG", "en")

    assert main(["events", "pc", "--since", "1d"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("station 'pc': is not known; did you mean pc1, pc2? drova_gate events")
    assert main(["events", "pc2"]) == 0
    assert "event 2" in capsys.readouterr().out
