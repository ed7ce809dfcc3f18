"""Reports: hours split at midnight, income in Drova's own figures, who comes back, who tries too often, what was complained of."""

from pathlib import Path
from uuid import UUID

import pytest
from archive_rows import GAME, HOUR, MINUTE, OLD_GAME, OTHER, SERVER, T0, listing, player, session
from hypothesis import given
from hypothesis import strategies as st

from drova_gate.archive import income, reports
from drova_gate.archive.shelf import Shelf, Wanted
from drova_gate.archive.spent import SPANS, spent
from drova_gate.archive.store import Archive
from drova_gate.archive.trials import Limits, network_of
from drova_gate.errors import NotKnown

DAY = 24 * HOUR

pytestmark = pytest.mark.usefixtures("moscow")


@pytest.fixture
def shelf(tmp_path: Path):
    """Opens what was archived: sessions by station, and usage answers."""
    opened: list[Shelf] = []

    def made(*sessions, usage=(), titles=None) -> Shelf:
        path = tmp_path / "history.sqlite"
        archive = Archive(path)
        for server in {one.server_id for one in sessions}:
            archive.keep([listing(*(one for one in sessions if one.server_id == server), server=server)])
        archive.name_stations({SERVER: "pc1", OTHER: "Зал 2"})
        archive.title(titles or {GAME: "Dota 2", OLD_GAME: "Fortnite"})
        for at, answer in usage:
            archive.keep_usage(UUID(int=1), answer, at)
        archive.close()
        opened.append(Shelf(path))
        return opened[0]

    yield made
    for one in opened:
        one.close()


SESSIONS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(T0, T0 + 40 * DAY), st.one_of(st.none(), st.integers(-DAY, 3 * DAY))),
    max_size=12,
)


@given(SESSIONS, st.sampled_from(list(SPANS)))
def test_no_minute_is_lost_or_counted_twice(sessions: list[tuple[int, int, int | None]], by: str):
    """Whatever it is split by, all hours are there, at each station; a session is counted once."""
    rows = [(station, at, None if length is None else at + length) for station, at, length in sessions]
    rows.sort(key=lambda row: row[1])
    found = spent(rows, by)

    played = sum(max(0, ended - began) for _, began, ended in rows if ended is not None)
    assert sum(one.milliseconds for one in found.values()) == played
    assert sum(sum(one.by_station.values()) for one in found.values()) == played
    assert sum(one.sessions for one in found.values()) == len(rows)
    if by == "day":
        assert all(max(one.by_station.values(), default=0) <= DAY * len(rows) for one in found.values())


def test_a_session_over_midnight_belongs_to_both_days(shelf):
    """The owner's midnight; days on which nobody played are there too."""
    night = 1_779_051_600_000  # 2026-05-18, midnight in Moscow
    opened = shelf(
        session(1, created_on=night - 30 * MINUTE, finished_on=night + HOUR),
        session(2, created_on=night + 2 * DAY, finished_on=None, status="ACTIVE"),
    )
    report = reports.hours_in_time(opened, Wanted(), "day")

    assert [(row["day"], row["sessions"], row["hours"]) for row in report.rows] == [
        ("2026-05-17", 1, 0.5),
        ("2026-05-18", 0, 1.0),
        ("2026-05-19", 0, 0.0),
        ("2026-05-20", 1, 0.0),
    ]
    by_hour = reports.hours_in_time(opened, Wanted(), "hour").rows
    assert [(row["hour"], row["hours"]) for row in by_hour if row["hours"]] == [("00:00", 1.0), ("23:00", 0.5)]
    assert reports.hours_in_time(opened, Wanted(), "weekday").rows[6]["weekday"] == "Sunday"


def test_hours_of_games_and_stations(shelf):
    """A session without an end counts as a session and adds no hours; filters are minded."""
    opened = shelf(
        session(1),
        session(2, client_id=player(1)),
        session(3, product_id=str(OLD_GAME), finished_on=None, status="ACTIVE"),
        session(1, server=OTHER, status="ABORTED"),
    )
    rows = reports.hours(opened, Wanted(), "station-game").rows

    assert [
        (row["station"], row["game"], row["sessions"], row["hours"], row["players"], row["aborted"]) for row in rows
    ] == [
        ("pc1", "Dota 2", 2, 1.0, 1, 0),
        ("Зал 2", "Dota 2", 1, 0.5, 1, 1),
        ("pc1", "Fortnite", 1, 0.0, 1, 0),
    ]
    only = Wanted(stations=opened.stations(["зал 2"]))
    assert [row["hours"] for row in reports.hours(opened, only, "station").rows] == [0.5]
    assert [row["game"] for row in reports.hours(opened, Wanted(), "game").rows] == ["Dota 2", "Fortnite"]


def test_who_comes_back(shelf):
    """The most frequent first; addresses for those alone who ask for them."""
    one, other = player(1), player(2)
    opened = shelf(
        *(session(n, client_id=one, creator_ip=f"198.51.100.{n}") for n in range(3)),
        *(session(n, client_id=other, billing_type="Trial") for n in (10, 11)),
        session(20, client_id=player(3)),
    )
    rows = reports.visitors(opened, Wanted(), least=2, newest=None, addresses=False).rows

    assert [(row["client_id"], row["visits"], row["addresses"], row["trials"]) for row in rows] == [
        (one, 3, 3, 0),
        (other, 2, 2, 2),
    ]
    assert "198.51" not in str(rows)
    (first,) = reports.visitors(opened, Wanted(), least=2, newest=1, addresses=True).rows
    assert first["where_from"] == ["198.51.100.0", "198.51.100.1", "198.51.100.2"]
    late = Wanted(since=T0 + HOUR)
    (first,) = reports.visitors(opened, late, least=2, newest=1, addresses=True).rows
    assert (first["addresses"], len(first["where_from"])) == (2, 2)  # of that time alone


def test_trials_that_look_like_one_persons(shelf):
    """Several accounts from an address or a network, one account with many; what is paid for is nobody's business."""
    trial = {"billing_type": "trial"}
    opened = shelf(
        *(session(n, client_id=player(n), creator_ip="198.51.100.7", **trial) for n in (1, 2)),
        *(session(n, client_id=player(n), creator_ip=f"2a02:6b8:1:2::{n}", **trial) for n in range(10, 14)),
        *(session(n, client_id=player(30), creator_ip=f"100.{n}.1.1", **trial) for n in (20, 21, 22)),
        *(session(n, client_id=player(n), creator_ip="192.0.2.9") for n in (40, 41)),
        *(session(n, client_id=player(n), creator_ip="10.0.0.9", **trial) for n in (50,)),
        session(60, absent=("client_id", "creator_ip"), **trial),
    )
    rows = reports.trials(opened, Wanted(), Limits(), addresses=True).rows

    assert [(row["kind"], row["what"], row["players"], row["trials"]) for row in rows] == [
        ("network", "2a02:6b8:1:2::/64", 4, 4),
        ("address", "198.51.100.7", 2, 2),
        ("player", player(30), 1, 3),
    ]
    hidden = reports.trials(opened, Wanted(), Limits(), addresses=False).rows
    assert [row["what"] for row in hidden] == ["2a02:6b8:*", "198.51.*.*", player(30)]
    assert reports.trials(opened, Wanted(), Limits(9, 9, 9), addresses=True).rows == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("93.158.134.3", "93.158.134.0/24"),
        ("::ffff:93.158.134.3", "93.158.134.0/24"),
        ("2a02:6b8::1", "2a02:6b8::/64"),
        ("10.1.2.3", None),
        ("100.64.3.4", None),
        ("fe80::1", None),
        ("not an address", None),
    ],
)
def test_the_network_of_an_address(address: str, network: str | None):
    """None for one that many share by its nature."""
    assert network_of(address) == network


def test_bad_scores_are_told_with_their_reasons(shelf):
    """A reason counts whatever the score, a score as text counts as a number, an unknown reason stays a number."""
    opened = shelf(
        session(1, score=1, score_reason=2, score_text="тормозит"),
        session(2, score="5", score_reason=1),
        session(3, score="2"),
        session(4, score=5, score_reason=0),
        session(5, score=4, score_reason=17),
        session(6),
        session(7, score=3, score_reason="0"),
    )
    report = reports.scores(opened, Wanted())

    assert [(row["score"], row["score_reason_text"]) for row in report.rows] == [
        (3, "ok"),
        (4, "reason 17"),
        ("2", None),
        ("5", "the game did not start"),
        (1, "lags"),
    ]
    assert report.rows[-1]["score_text"] == "тормозит"
    assert report.notes[0][0] == "6 reviews"
    assert "reason 17: 1 (average 4.0)" in report.notes[0]


STAT = {"sessionCount": 2, "totalIncome": "100,5", "totalMsecs": HOUR}


def answer(**more: object) -> dict[str, object]:
    whole = {
        "totalStat": STAT,
        "perGameStats": {str(GAME): STAT},
        "perServerStats": {
            str(SERVER): {
                "totalStat": STAT,
                "perGameStats": {str(GAME): STAT, str(OLD_GAME): STAT | {"totalIncome": 7}},
            },
            str(OTHER): {"totalStat": STAT | {"totalIncome": "<redacted>"}, "perGameStats": {}},
        },
    }
    return {"todayStat": whole, "weekStat": whole, "monthStat": whole} | more


def test_income_is_drovas_own_and_never_made_up(shelf):
    """Amounts as numbers or text; one that cannot be read is unknown, not nothing. The last answer counts."""
    opened = shelf(
        session(1), session(2, product_id=str(OLD_GAME)), usage=[(T0, {"todayStat": 1}), (T0 + DAY, answer())]
    )
    by_both = income.income(opened, (), (), "station-game")
    by_station = income.income(opened, (), (), "station").rows

    assert [(row["station"], row["game"], row["income_month"], row["hours_month"]) for row in by_both.rows] == [
        ("pc1", "Dota 2", 100.5, 1.0),
        ("pc1", "Fortnite", 7.0, 1.0),
    ]
    assert [(row["station"], row["income_today"]) for row in by_station] == [("pc1", 100.5), ("Зал 2", None)]
    assert [row["game"] for row in income.income(opened, (), opened.products(["fortnite"]), "station-game").rows] == [
        "Fortnite"
    ]
    assert "no prices" in by_both.notes[0]


def test_income_of_days_is_what_was_known_last_on_each(shelf):
    """Three answers of two days: two rows."""
    less = answer(todayStat={"totalStat": STAT | {"totalIncome": 1}})
    opened = shelf(session(1), usage=[(T0, less), (T0 + HOUR, answer()), (T0 + DAY, less)])

    assert [(row["day"], row["income"]) for row in income.income_by_day(opened).rows] == [
        ("2026-05-17", 100.5),
        ("2026-05-18", 1.0),
    ]


def test_two_accounts_of_one_archive_are_added_up_exactly(shelf):
    """A day is not that account's alone which was read last; what one of them does not tell is unknown."""

    def earned(today: object) -> dict[str, object]:
        stat = {"totalStat": STAT | {"totalIncome": today}, "perGameStats": {str(GAME): STAT | {"totalIncome": today}}}
        return {"todayStat": stat, "weekStat": stat, "monthStat": stat}

    opened = shelf(session(1), usage=[(T0, earned(0.2)), (T0 + DAY, earned(0.1)), (T0 + 2 * DAY, earned(0.1))])
    archive = Archive(opened.path)
    for at, today in ((T0, 0.2), (T0 + HOUR, 0.1), (T0 + DAY, "?"), (T0 + 2 * DAY, 0.2)):
        archive.keep_usage(UUID(int=2), earned(today), at)
    archive.close()

    assert [(row["income"], row["sessions"]) for row in income.income_by_day(opened).rows] == [
        (0.3, 4),
        (None, 4),
        (0.3, 4),
    ]
    (dota,) = income.income(opened, (), (), "game").rows
    assert dota["income_month"] == 0.3


def test_what_is_asked_for_by_name(shelf):
    """Exactly, in any letters' case, by id, or by the beginning of a player's id; else the nearest names."""
    opened = shelf(session(1, server=OTHER), session(2))

    assert len(opened.products(["DOTA 2", str(GAME)])) == 1
    assert opened.stations(["pc1"]) == opened.stations([str(SERVER)])
    assert opened.player(player(1)) == opened.player(player(1).replace("-", "").upper())
    for wrong, advice in (
        (lambda: opened.products(["Dotta"]), "did you mean Dota 2"),
        (lambda: opened.stations(["pc"]), "did you mean pc1"),
        (lambda: opened.player("4c00"), "may be"),
        (lambda: opened.player("x"), "is no id"),
        (lambda: opened.player("ffff"), f"the nearest are {player(2)}"),
    ):
        with pytest.raises(NotKnown, match=advice):
            wrong()
