"""The status and the events as people read them. Pure: values in, lines out."""

import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drova_gate.columns import cut, printable
from drova_gate.columns import width as places_of

__all__ = ["PHASE_COLOURS", "duration", "event_lines", "fitted", "paint", "status_lines"]

PHASE_COLOURS = {
    "clean": "32",
    "preparing": "33",
    "in_session": "36",
    "resetting": "35",
    "quarantined": "1;31",
    "maintenance": "34",
    "unknown": "2",
}
BOLD, DIM, BAD = "1", "2", "31"
OLD_SECONDS = 120.0
"""A fact older than this is shown with its age in red: nothing is read so rarely while all is well."""
LEAST_WHY = 20
HEADS = (("PHASE", 11), ("FOR", 6), ("PLAYS", 22), ("FROM", 12), ("SHADOW", 6), ("RESET", 14), ("AGE", 6))
"""Heads and the places that what stands below them takes in English."""
OURS = ("desktop", "a game")
"""What is played, where it is no game, or its name is not known."""
Say = Callable[[str], str]
"""Into the reader's language."""


def paint(text: str, code: str, *, colour: bool) -> str:
    """Colour a text, if colours are wanted."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code and text else text


def duration(seconds: float | None) -> str:
    """Say a time span in at most six characters."""
    if seconds is None:
        return "-"
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 99.5:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 99.5 else f"{hours / 24:.0f} d"


def fitted(text: str, places: int) -> str:
    """Cut and fill to so many places of a terminal."""
    # What comes from elsewhere must not move the cursor.
    shown = cut(printable(text), places)
    return shown + " " * (places - places_of(shown))


def status_lines(status: Mapping[str, Any], *, width: int, colour: bool, now: float, say: Say = str) -> list[str]:
    """The table of all stations and what is wrong below it; ``now`` is seconds since 1970."""
    stations: Sequence[Mapping[str, Any]] = status["stations"]
    columns = _columns(stations, say)
    heads = _joined([(title, wide, "") for title, wide in columns], say("WHY"), width, colour=False)
    lines = [paint(heads, BOLD, colour=colour)]
    lines += [_row(one, [wide for _, wide in columns], width, colour=colour, now=now, say=say) for one in stations]
    lines += ["", *_totals(stations, status, colour=colour, now=now, say=say)]
    for one in stations:
        lines += _troubles(one, width, colour=colour, now=now, say=say)
    return lines


def _columns(stations: Sequence[Mapping[str, Any]], say: Say) -> list[tuple[str, int]]:
    names = min(20, max([places_of(say("STATION")), *(places_of(one["name"]) for one in stations)]))
    words = {"PHASE": PHASE_COLOURS, "SHADOW": ("none", "off"), "RESET": ("not proved yet",)}
    columns = [(say("STATION"), names)]
    for title, wide in HEADS:
        head = say(title)
        columns.append((head, max(wide, *(places_of(say(word)) for word in (title, *words.get(title, ()))))))
    return columns


def _row(one: Mapping[str, Any], widths: Sequence[int], width: int, *, colour: bool, now: float, say: Say) -> str:
    session, age = one["session"], _worst_age(one)
    since = session.get("since") if session else None
    # A game is called what it is called, even where its name is one of our words.
    game = (session or {}).get("game") or "a game"
    plays = f"{say(game) if game in OURS else game} {say(duration(now - since))}" if session and since else "-"
    texts = (
        (one["name"], ""),
        (say(one["phase"]), PHASE_COLOURS.get(one["phase"], "")),
        (say(duration(now - one["since"])), ""),
        (plays, ""),
        ((session or {}).get("address") or "-", ""),
        (_shadow(one["protection"], say), ""),
        (say(_reset(one["last_reset"], now)), ""),
        (say(duration(age)), BAD if age is None or age > OLD_SECONDS else DIM),
    )
    cells = [(text, wide, code) for (text, code), wide in zip(texts, widths, strict=True)]
    return _joined(cells, say(one["reason"]), width, colour=colour)


def _joined(cells: Sequence[tuple[str, int, str]], last: str, width: int, *, colour: bool) -> str:
    """One line of cells (text, width, colour): those that fit, and the last text in what is left."""
    line, used = "", 0
    for text, wide, code in cells:
        if used + wide > width:
            return line.rstrip()
        line += paint(fitted(text, wide), code, colour=colour) + "  "
        used += wide + 2
    return line + fitted(last, width - used).rstrip() if width - used >= LEAST_WHY else line.rstrip()


def _shadow(protection: Mapping[str, Any], say: Say) -> str:
    if protection["protector"] == "none":
        return say("none")
    shadowed = protection["shadowed"]
    return "?" if shadowed is None else shadowed or say("off")


def _reset(last: Mapping[str, Any] | None, now: float) -> str:
    if last is None:
        return "-"
    if not last["proved"]:
        return "not proved yet"
    return f"{duration(last['seconds'])}, {duration(now - last['at'])}"


def _worst_age(one: Mapping[str, Any]) -> float | None:
    ages = [one["ages"].get(fact) for fact in ("cloud", "station")]
    return None if any(age is None for age in ages) else max(ages)


def _totals(
    stations: Sequence[Mapping[str, Any]], status: Mapping[str, Any], *, colour: bool, now: float, say: Say
) -> list[str]:
    count: dict[str, int] = {}
    for one in stations:
        count[one["phase"]] = count.get(one["phase"], 0) + 1
    parts = [
        paint(say(f"{number} {phase}"), PHASE_COLOURS.get(phase, ""), colour=colour)
        for phase, number in sorted(count.items(), key=lambda item: -item[1])
    ]
    up = duration(now - status["started_at"]) if status.get("started_at") else "-"
    noun = "station" if len(stations) == 1 else "stations"
    return [say(f"{len(stations)} {noun}: {', '.join(parts) or 'none'}; the gate runs for {up}")]


def _troubles(one: Mapping[str, Any], width: int, *, colour: bool, now: float, say: Say) -> list[str]:
    told: list[str] = []
    if one["phase"] == "quarantined":
        told.append(f"{one['reason']}; look at the station, or: drova_gate release {one['name']}")
    if one.get("stuck_since"):
        told.append(f"its loop has not turned for {duration(now - one['stuck_since'])}; it is put together anew")
    order = one.get("maintenance")
    if order and order["text"] not in one["reason"]:
        told.append(order["text"] + (f" (over: {order['over']})" if order["over"] else ""))
    told += [f"{what}: {fault}" for what, fault in one["faults"].items() if fault and fault not in one["reason"]]
    alarm = one["last_alarm"]
    if alarm and now - alarm["at"] < 3600:
        told.append(f"alarm {duration(now - alarm['at'])} ago: {alarm['text']}")
    lines: list[str] = []
    for text in dict.fromkeys(told):
        wrapped = textwrap.wrap(f"{one['name']}: {say(text)}", max(40, width - 2), subsequent_indent="  ")
        lines += [paint(line, BAD, colour=colour) for line in wrapped]
    return lines


EVENT_COLOURS = {
    "alarm": "31",
    "not_prepared": "31",
    "refused": "31",
    "prepared": "32",
    "admitted": "32",
    "reset": "35",
    "held": "33",
}


def event_lines(event: Mapping[str, Any], *, colour: bool, steps: bool, say: Say = str) -> list[str]:
    """One event as a line, its steps below it if they are wanted or failed; its kind is a code, and stays."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["at"]))
    session = (event["session"] or "-")[:8]
    text = printable(say(event["text"]), " ")
    timed = event["seconds"] is not None and "in " not in event["text"]
    took = f"  ({say(duration(event['seconds']))})" if timed else ""
    head = f"{fitted(event['station'], max(8, places_of(event['station'])))} {session:<8} "
    kind = paint(f"{event['kind']:<12}", EVENT_COLOURS.get(event["kind"], ""), colour=colour)
    lines = [f"{paint(stamp, DIM, colour=colour)}  {head}{kind} {text}{took}"]
    for name, outcome, reason, must in event["steps"]:
        if steps or outcome == "failed":
            why = f": {say(reason)}" if reason else ""
            needed = f" ({say('must')})" if must and outcome == "failed" else ""
            line = f"{'':21}{outcome:<8} {name}{needed}{why}"
            lines.append(paint(line, BAD if outcome == "failed" else DIM, colour=colour))
    return lines
