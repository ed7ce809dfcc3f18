"""The state file: whole or not at all, set aside when damaged."""

import json
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.core.model import Phase, Record
from drova_gate.files import write_whole
from drova_gate.host.pin import Pin, write_pin
from drova_gate.state import StateFile

RECORD = Record(
    Phase.IN_SESSION,
    UUID(int=7),
    123,
    prepared=True,
    marker="ab",
    boot_stamp="cd",
    entered=frozenset("CD"),
    bared=frozenset("D"),
    hidden_by_us=True,
    failed=2,
    failed_why="lockdown.x: reads otherwise",
    resets=(1, 2),
    empty_since=5,
    server=UUID(int=9),
)


def test_what_is_saved_is_loaded(tmp_path: Path):
    """Every field survives, and nobody else may read the file."""
    file = StateFile(tmp_path / "pc1" / "state.json")

    file.save(RECORD)

    assert file.load() == RECORD
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["state.json"]


def test_a_first_start_has_an_empty_record(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """A missing file is no fault."""
    assert StateFile(tmp_path / "state.json").load() == Record()
    assert caplog.records == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1}',
        b'{"version": 2, "resets": [1.5]}',
        b'{"version": 99, "phase": "clean"}',
        b'{"version": 1, "phase": "asleep"}',
        b"\xff\xfe",
        b"null",
    ],
)
def test_a_damaged_file_is_set_aside_and_said(raw: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Damage is one clear line and an empty record; the damaged file stays for a look."""
    file = StateFile(tmp_path / "state.json")
    file.path.write_bytes(raw)

    with caplog.at_level(logging.ERROR):
        assert file.load() == Record()

    assert [path.read_bytes() for path in tmp_path.glob("state.json.damaged-*")] == [raw]
    assert "set aside" in caplog.text
    file.save(RECORD)
    assert file.load() == RECORD


@pytest.mark.parametrize(
    ("version", "later"),
    [
        (1, {"failed": 0, "failed_why": "", "resets": (), "empty_since": 0, "bared": frozenset()}),
        (2, {"empty_since": 0, "bared": frozenset()}),
        (3, {"bared": frozenset()}),
    ],
)
def test_the_file_of_an_earlier_version_is_read(tmp_path: Path, version: int, later: dict[str, Any]):
    """An update of the gate in mid-session forgets nothing."""
    file = StateFile(tmp_path / "state.json")
    file.save(RECORD)
    stored = json.loads(file.path.read_text())
    for name in later:
        del stored[name]
    file.path.write_text(json.dumps(stored | {"version": version}))

    assert file.load() == replace(RECORD, **later)


def test_a_release_is_ordered_once(tmp_path: Path):
    """A file beside the state file, taken away once it is obeyed; taking it away twice is no fault."""
    file = StateFile(tmp_path / "pc1" / "state.json")
    assert not file.release_asked()
    file.ask_release()
    assert file.release_asked()
    file.release_done()
    file.release_done()

    assert not file.release_asked()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_content_of_the_file_crashes_the_start(raw: bytes):
    """Whatever a power cut left there, loading ends with a record."""
    import tempfile  # noqa: PLC0415 - hypothesis may not share a fixture between examples

    with tempfile.TemporaryDirectory() as folder:
        file = StateFile(Path(folder) / "state.json")
        file.path.write_bytes(raw)
        assert isinstance(file.load(), Record)


def test_a_cut_off_write_leaves_the_old_record(tmp_path: Path):
    """The new file only ever takes the old one's place whole."""
    file = StateFile(tmp_path / "state.json")
    file.save(RECORD)
    file.path.with_name("state.json.new").write_bytes(b'{"version": 1, "pha')

    assert file.load() == RECORD


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_raises(tmp_path: Path):
    """The caller must hear that nothing was kept."""
    tmp_path.chmod(0o500)

    with pytest.raises(OSError):
        StateFile(tmp_path / "state.json").save(RECORD)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes folders for others")
def test_what_roots_command_makes_in_the_gates_folder_is_the_gates(tmp_path: Path):
    """Found by a newcomer's first hour: ``sudo drova_gate rehearse`` left a folder that the gate, a user of its own, could not enter."""
    os.chown(tmp_path, 12345, 12346)
    StateFile(tmp_path / "pc1" / "state.json").save(Record())
    StateFile(tmp_path / "pc1" / "state.json").ask_release()
    write_pin(tmp_path / "pc2" / "host_key", Pin("SHA256:" + "A" * 43, "ssh-ed25519"))
    write_whole(tmp_path / "pc3" / "deeper" / "maintenance", b"")
    made = sorted(tmp_path.rglob("*"))
    assert len(made) == 8
    assert {(one.stat().st_uid, one.stat().st_gid) for one in made} == {(12345, 12346)}


def test_a_folder_that_cannot_be_looked_into_does_not_end_the_guard(tmp_path: Path):
    folder = tmp_path / ("x" * 300)  # a name too long refuses a look for everybody, root included
    assert not StateFile(folder / "state.json").release_asked()
