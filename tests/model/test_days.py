"""A hall's days in small: what the benchmark plays for a thousand days must hold for a few."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from days import live


def test_a_month_of_two_stations_breaks_no_promise():
    """One with a relay, one without, with every trouble now and then: nothing broken, nothing left behind, every reset proved."""
    tallies = [live(station, days=30) for station in (0, 1)]

    assert sum(one.rentals for one in tallies) > 60
    assert sum(one.troubles.total() for one in tallies) > 5
    assert [dict(one.broken) for one in tallies] == [{}, {}]
    assert [one.left for one in tallies] == [0, 0]
    assert all(one.resets for one in tallies)
