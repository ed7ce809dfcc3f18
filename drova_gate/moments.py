"""Moments as owners write and read them, in the time zone of the process. Pure."""

import re
from datetime import datetime, timedelta

from drova_gate.errors import OptionFault

__all__ = ["ACCEPTED", "ACCEPTED_AHEAD", "deadline", "minute", "moment", "period"]

ACCEPTED = "2026-11-21, 21.11.2026, each with 18:30 if wanted, today, yesterday, 12h, 7d, 2w"
"""For help texts and errors."""
ACCEPTED_AHEAD = "22:30, 2h, 1h30m, 3d, tomorrow 08:00, 2026-11-22T08:00"
"""For help texts and errors."""
FARTHEST = timedelta(days=366)
NEXT_DAY_HOURS = timedelta(hours=12)
"""A time of the day that has passed is tomorrow's if that is no farther: 02:00 at 23:00 is, 22:30 at 22:31 is a slip."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORMS = ("%Y-%m-%d", "%d.%m.%Y")
_CLOCKS = ("%H:%M", "%H:%M:%S")
_DAYS_AHEAD = {"today": 0, "сегодня": 0, "tomorrow": 1, "завтра": 1}
_DAYS_BACK = {"today": 0, "сегодня": 0, "yesterday": 1, "вчера": 1}


def minute(seconds: float) -> str:
    """Name a moment (seconds since 1970) as its owner's clocks show it, to the minute."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"


def moment(text: str, now: datetime, *, end: bool = False) -> datetime:
    """Read a moment; a day alone is its beginning, or with ``end`` its end. ``ValueError`` for anything else.

    ``now`` says what ``7d`` counts from; it has no zone and neither has the result: local time.
    """
    said = re.sub(r"(?<=\d)(t|\s+)(?=\d)", " ", text.strip().casefold())
    if found := re.fullmatch(r"(\d{1,6})\s*([smhdw])", said):
        return _away(now, -timedelta(**{_UNITS[found[2]]: int(found[1])}), by_day=found[2] in "dw")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if said in _DAYS_BACK:
        day = today - timedelta(days=_DAYS_BACK[said])
        return day + timedelta(days=1) if end else day
    if (at := _with_clock(said)) is not None:
        return at
    for form in _FORMS:
        try:
            day = datetime.strptime(said, form)  # noqa: DTZ007 - see below
        except ValueError:
            continue
        return day + timedelta(days=1) if end else day
    if (exact := datetime.fromisoformat(text.strip())).tzinfo is not None:
        return exact.astimezone().replace(tzinfo=None)  # as a machine writes it, with its zone
    raise ValueError(text)


def deadline(text: str, now: datetime) -> datetime:
    """Read a moment to come; ``ValueError`` says what is wrong with it. Local time, as in ``moment``."""
    said = " ".join(text.strip().casefold().split())
    try:
        found = _ahead(said, now)
    except OverflowError:
        found = now + 2 * FARTHEST
    if found is None:
        raise ValueError(f"{text!r} is no time to come; write {ACCEPTED_AHEAD}")
    # In the night in which the clock is put back its times come twice: the second one is later.
    if found <= now and found.fold <= now.fold:
        raise ValueError(f"{text!r} has passed ({found:%Y-%m-%d %H:%M}); write {ACCEPTED_AHEAD}")
    if found - now > FARTHEST:
        raise ValueError(f"{text!r} is more than a year ahead; write a nearer time, or none")
    return found


def _ahead(said: str, now: datetime) -> datetime | None:
    spans = re.findall(r"(\d{1,5})([mhdw])", said.replace(" ", ""))
    if spans and "".join(map("".join, spans)) == said.replace(" ", ""):
        for count, unit in spans:
            now = _away(now, timedelta(**{_UNITS[unit]: int(count)}), by_day=unit in "dw")
        return now
    found = re.fullmatch(r"(?:(\w+) )?([01]?\d|2[0-3]):([0-5]\d)", said)
    if found and (found[1] or "today") in _DAYS_AHEAD:
        at = now.replace(hour=int(found[2]), minute=int(found[3]), second=0, microsecond=0)
        if found[1]:
            return at + timedelta(days=_DAYS_AHEAD[found[1]])
        tomorrow = at + timedelta(days=1)
        return tomorrow if at <= now and tomorrow - now <= NEXT_DAY_HOURS else at
    return _with_clock(re.sub(r"(?<=\d)(t|\s+)(?=\d)", " ", said))


def _away(now: datetime, span: timedelta, *, by_day: bool) -> datetime:
    """So much later or earlier by a stopwatch; ``by_day``: at the same time of another day, whatever was done to the clock meanwhile."""
    return now + span if by_day else datetime.fromtimestamp(now.timestamp() + span.total_seconds())  # noqa: DTZ006 - local time


def _with_clock(said: str) -> datetime | None:
    """A day and a time of day in one of the forms that are read; ``None``: neither."""
    for form in _FORMS:
        for clock in _CLOCKS:
            try:
                return datetime.strptime(said, f"{form} {clock}")  # noqa: DTZ007 - local time, as its owner reads a clock
            except ValueError:
                continue
    return None


def period(since: str | None, until: str | None, now: datetime) -> tuple[int | None, int | None]:
    """Read ``--since`` and ``--until`` as milliseconds since 1970 (from, and up to but not with); ``OptionFault`` names what is wrong."""
    faults: list[str] = []
    read: list[int | None] = []
    for option, text, end in (("--since", since, False), ("--until", until, True)):
        read.append(None)
        if text is None:
            continue
        try:
            read[-1] = int(moment(text, now, end=end).timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            faults.append(f"{option}: {text!r} is no time; write {ACCEPTED}")
    if not faults and read[0] is not None and read[1] is not None and read[0] >= read[1]:
        faults.append(f"--until: {until!r} is not later than --since {since!r}; write the later one there")
    if faults:
        raise OptionFault(faults)
    return read[0], read[1]
