"""The archive on disk: what was read stays, holes are known, a damaged file is set aside, a later one is left alone."""

import sqlite3
import stat
import uuid
from pathlib import Path

import pytest
from archive_rows import GAME, HOUR, OLD_GAME, OTHER, SERVER, T0, listing, session
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.archive import files
from drova_gate.archive.files import is_damage, open_for_reading, open_for_writing, set_aside
from drova_gate.archive.store import Archive
from drova_gate.errors import CallOwner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.sqlite"


@pytest.fixture
def archive(path: Path):
    archive = Archive(path)
    yield archive
    archive.close()


def rows(path: Path) -> list[sqlite3.Row]:
    base = open_for_reading(path)
    base.row_factory = sqlite3.Row
    try:
        return base.execute("SELECT * FROM sessions ORDER BY created").fetchall()
    finally:
        base.close()


def dump(path: Path) -> list[tuple[object, ...]]:
    """Everything that is told of sessions, whatever the numbers inside."""
    base = open_for_reading(path)
    try:
        return base.execute(
            "SELECT sessions.uuid, stations.uuid, products.uuid, players.uuid, created, finished, status, billing, address, comment, "
            "score, reason, review, extra, first_at, past FROM sessions LEFT JOIN stations ON stations.id = station "
            "LEFT JOIN products ON products.id = product LEFT JOIN players ON players.id = player ORDER BY 1"
        ).fetchall()
    finally:
        base.close()


def test_the_file_is_its_owners_alone(archive: Archive, path: Path):
    """It holds players' addresses."""
    archive.keep([listing(session(1))])

    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_the_list_no_longer_shows_stays(archive: Archive, path: Path):
    """Beyond the API's thousand: what was archived once is never taken out."""
    archive.keep([listing(session(1), session(2))])
    archive.keep([listing(session(2), session(3), at=T0 + 2000 * HOUR)])

    assert [row["created"] for row in rows(path)] == [T0 + n * HOUR for n in (1, 2, 3)]


def test_what_comes_late_is_added_and_what_is_absent_takes_nothing_away(archive: Archive, path: Path):
    """End, score and review come with later lists; a list without them changes nothing."""
    running = session(1, absent=("finished_on",), status="ACTIVE")
    rated = session(1, score=1, score_reason=2, score_text="тормозит", sched_hints={"gpu": 1})
    archive.keep([listing(running, at=1)])
    kept = archive.keep([listing(rated, at=2)])
    again = archive.keep([listing(session(1, absent=("billing_type",)), at=3)])

    (row,) = rows(path)
    assert (row["status"], row["score"], row["reason"], row["review"]) == ("FINISHED", 1, 2, "тормозит")
    assert row["finished"] == session(1).finished_on
    assert row["billing"] == "prepaid"
    assert row["extra"] == '{"sched_hints": {"gpu": 1}}'
    assert (kept.new, kept.changed, again.changed, again.same) == (0, 1, 0, 1)


def test_odd_values_are_kept_as_far_as_they_can_be(archive: Archive, path: Path):
    """A score as text, a number that is none, half a surrogate, an old kind of id: nothing of it stops a list."""
    odd = [
        session(1, score="5", product_id=str(OLD_GAME), score_text="\ud83d rest", status="LOST\ud800"),
        session(2, score=2**70, creator_ip="2001:db8::1", client_id=None, merchant_id="nobody"),
        session(3, score=float("nan"), strange=float("inf"), abort_comment="a\x00b"),
    ]
    archive.keep([listing(*odd)])
    again = archive.keep([listing(*odd)])

    assert [row["score"] for row in rows(path)] == ["5", str(2**70), "nan"]
    assert again.same == 3


@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_lists_in_any_order_make_the_same_archive(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory):
    """The guard's rows, whole lists and those of a command come as they come."""
    made = [
        session(
            number,
            absent=data.draw(st.sampled_from([(), ("finished_on",), ("billing_type", "client_id")])),
            status=data.draw(st.sampled_from(["ACTIVE", "FINISHED"])),
            score=data.draw(st.sampled_from([None, 1, 5])),
            parent=data.draw(st.sampled_from([None, "x"])),
        )
        for number in data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=6))
    ]
    lists = [
        listing(one, at=data.draw(st.integers(1, 5)), asked=data.draw(st.sampled_from([0, 1])), name="pc1")
        for one in made
    ]
    folder = tmp_path_factory.mktemp("order")
    dumps = []
    for number, order in enumerate((lists, lists[::-1], data.draw(st.permutations(lists)))):
        one = Archive(folder / f"{number}.sqlite")
        try:
            for each in order:
                one.keep([each])
            dumps.append((dump(folder / f"{number}.sqlite"), one.listed()))
        finally:
            one.close()

    assert dumps[0] == dumps[1] == dumps[2]
    assert len(dumps[0][0]) == len({one.uuid for one in made})


def test_a_hole_is_known_until_it_is_filled(archive: Archive):
    """A full list that does not reach back to what is archived leaves a hole; each station has its own."""
    full = [session(5000 + n) for n in range(1000)]
    archive.keep([listing(session(1), session(2)), listing(session(1, server=OTHER), server=OTHER)])
    archive.keep([listing(*full, at=T0 + 9000 * HOUR)])

    assert archive.listed() == {
        SERVER: (T0 + 9000 * HOUR, full[0].created_on),
        OTHER: (T0 + 1000 * HOUR, 0),
    }
    archive.keep([listing(*(session(n) for n in range(2, 5001)), asked=0)])
    assert archive.listed()[SERVER][1] == 0


def test_titles_and_names_are_kept(archive: Archive, path: Path):
    """Of games that were played, and of stations."""
    archive.keep([listing(session(1), session(2, product_id=str(OLD_GAME)), name="pc1")])
    archive.title({GAME: "Dota 2", uuid.uuid4(): "Never played"})
    archive.name_stations({SERVER: "Станция 1"})

    assert archive.untitled() == {OLD_GAME}
    base = open_for_reading(path)
    assert base.execute("SELECT name, gate_name FROM stations").fetchall() == [("Станция 1", "pc1")]
    assert base.execute("SELECT title FROM products WHERE title IS NOT NULL").fetchall() == [("Dota 2",)]
    base.close()


def test_usage_answers_are_kept_once_for_each_day_and_figure(archive: Archive, path: Path):
    """The same figures an hour later are the same; on the next day they are that day's."""
    day = 86_400_000
    kept = [
        archive.keep_usage(SERVER, {"todayStat": {"a": figure}}, at)
        for figure, at in ((1, 100), (1, 200), (2, 300), (2, day + 1))
    ]

    assert kept == [True, False, True, True]


def test_a_batch_is_stored_whole_or_not_at_all(archive: Archive, path: Path):
    """An error in its midst leaves what was there; what comes after it is stored."""
    archive.keep([listing(session(1))])
    broken = listing(session(3))
    object.__setattr__(broken, "sessions", (session(3), None))
    with pytest.raises(AttributeError):
        archive.keep([listing(session(2, server=OTHER), server=OTHER), broken])

    archive.keep([listing(session(4, server=OTHER), server=OTHER)])
    assert [row["created"] for row in rows(path)] == [T0 + HOUR, T0 + 4 * HOUR]


@pytest.mark.parametrize("content", [b"no database" * 999, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_damaged_file_is_set_aside_whole(path: Path, content: bytes):
    """Most of a damaged archive can be had back by hand: it is kept."""
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        Archive(path)

    assert is_damage(caught.value)
    assert set_aside(path, caught.value).read_bytes() == content
    Archive(path).close()


def test_a_later_versions_file_is_left_alone(path: Path):
    """To read it wrongly would be worse than not to read it."""
    base = open_for_writing(path)
    base.execute("PRAGMA user_version=99")
    base.close()

    for opened in (Archive, open_for_reading):
        with pytest.raises(CallOwner, match=r"later drova_gate .* nothing was changed"):
            opened(path)


def test_it_is_read_where_nothing_can_be_written(archive: Archive, path: Path, monkeypatch: pytest.MonkeyPatch):
    """A copy on a read-only disk: no lock file can be made beside it."""
    archive.keep([listing(session(1))])
    archive.close()
    tried = []

    def refused_once(base: sqlite3.Connection, where: Path) -> None:
        tried.append(where)
        if len(tried) == 1:
            raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(files, "_check_version", refused_once)

    assert len(rows(path)) == 1
    assert len(tried) == 2
