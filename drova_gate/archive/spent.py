"""How many hours were played on each day, in each month, on each day of the week or at each hour of it. Pure.

A session over midnight counts on both days, each with its part; it is counted as one where it began.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

__all__ = ["SPANS", "Spent", "every_day", "spent"]

SESSION_MOST_MS = 14 * 86_400_000
"""A session that seems longer has an end that is wrong: it counts as so long."""
_HOUR = 3_600_000


@dataclass(slots=True)
class Spent:
    """Hours and sessions of one day, month, weekday or hour."""

    sessions: int = 0
    milliseconds: int = 0
    by_station: dict[int, int] = field(default_factory=dict)
    """Milliseconds."""


def _day(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day) + timedelta(days=1)  # noqa: DTZ001 - local time, as the clock on the wall


def _month(moment: datetime) -> datetime:
    return datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1)  # noqa: DTZ001 - see above


SPANS: dict[str, tuple[Callable[[datetime], str], Callable[[datetime], datetime] | None]] = {
    "day": (lambda moment: f"{moment:%Y-%m-%d}", _day),
    "month": (lambda moment: f"{moment:%Y-%m}", _month),
    "weekday": (lambda moment: f"{moment:%u}", _day),
    "hour": (lambda moment: f"{moment:%H}", None),
}
"""By name: what a moment belongs to, and when the next one begins (``None``: at each full hour)."""


def spent(rows: Iterable[tuple[int, int, int | None]], by: str) -> dict[str, Spent]:
    """Add up sessions (station, began, ended; milliseconds since 1970), in order of their beginning."""
    label_of, next_of = SPANS[by]
    found: dict[str, Spent] = {}
    # By its beginning: what a span has, and where it ends. A hundred thousand sessions share a few thousand of them.
    spans: dict[int, tuple[Spent, int]] = {}

    def span_from(moment: int) -> tuple[Spent, int]:
        if moment not in spans:
            label, until = _span(moment, label_of, next_of)
            if label not in found:
                found[label] = Spent()
            spans[moment] = found[label], until
        return spans[moment]

    first, edge = Spent(), -1
    for station, began, ended in rows:
        if began >= edge:
            label, edge = _span(began, label_of, next_of)
            first = found.setdefault(label, Spent())
        first.sessions += 1
        if ended is None or ended <= began:
            continue
        end = min(ended, began + SESSION_MOST_MS)
        at, into, until = began, first, edge
        while True:
            part = min(end, until) - at
            into.milliseconds += part
            into.by_station[station] = into.by_station.get(station, 0) + part
            if end <= until:
                break
            at = until
            into, until = span_from(at)
    return found


def _span(
    moment: int, label_of: Callable[[datetime], str], next_of: Callable[[datetime], datetime] | None
) -> tuple[str, int]:
    """What a moment belongs to, and where that ends."""
    at = datetime.fromtimestamp(moment / 1000)  # noqa: DTZ006 - local time is what is asked for
    if next_of is None:
        # Some zones are half an hour off: their full hours are, too.
        past = (at.minute * 60 + at.second) * 1000 + at.microsecond // 1000
        return label_of(at), moment - past + _HOUR
    # A day whose midnight a change of the clock leaves out begins later: never a span that ends before it begins.
    return label_of(at), max(moment + 1, int(next_of(at).timestamp() * 1000))


def every_day(first: str, last: str) -> list[str]:
    """Name all days from one to another: those on which nobody played too."""
    day, end, days = date.fromisoformat(first), date.fromisoformat(last), list[str]()
    while day <= end:
        days.append(day.isoformat())
        day += timedelta(days=1)
    return days
