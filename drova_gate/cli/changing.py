"""A plan of changes to games, from the look at it to its end: shown, asked about, carried out, and told how it went."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drova_gate.cli.owner import agreed
from drova_gate.cli.progress import Progress
from drova_gate.cli.showing import for_machines, show
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines
from drova_gate.errors import CallOwner, GateError
from drova_gate.games.carry import ALREADY, DONE, Carrying, Outcome
from drova_gate.games.journal import Earlier, Journal
from drova_gate.games.plan import Change, Disable, SetPaths, counted
from drova_gate.moments import minute
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.asking import ask_all
from drova_gate.owner.player import who_plays
from drova_gate.sheet import Column, one_line

__all__ = ["SHOWN_ONLY", "Intent", "add_force", "carry_through"]

SHOWN_ONLY = 3
"""Exit code of a plan that was shown and not carried out."""

_COLUMNS = (
    Column("station", "STATION"),
    Column("change", "CHANGE", said=True),
    Column("title", "GAME"),
    Column("detail", "", said=True),
    Column("station_id", "STATION ID", for_machines=True),
    Column("product_id", "ID", for_machines=True),
    Column("outcome", "OUTCOME", for_machines=True),
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a command is about to change."""

    name: str
    """The command, by which a run that was broken off knows itself again."""
    changes: tuple[Change, ...]
    stations: tuple[OwnedStation, ...]
    """Those that were looked at: what a broken-off run had in mind for others is not known to be done."""
    nothing: str = "nothing to change: the stations are as they should be"
    """Said when there are no changes."""


def add_force(command: argparse.ArgumentParser) -> None:
    """Add ``--force``."""
    command.add_argument("--force", action="store_true", help="disable a game although a player plays it")


async def carry_through(options: argparse.Namespace, intent: Intent, state_dir: Path) -> int:
    """Show the plan; carry it out if the owner agrees. ``options``: json, csv, yes, force."""
    journal = Journal(state_dir)
    give_back = journal.claim()
    try:
        return await _carried(options, intent, journal)
    finally:
        give_back()


async def _carried(options: argparse.Namespace, intent: Intent, journal: Journal) -> int:
    earlier = journal.earlier()
    same = earlier is not None and earlier.name == intent.name
    if not intent.changes:
        if same:
            journal.end()
        if for_machines(options):
            show(options, _COLUMNS, [])
        else:
            print_lines([spoken().of(intent.nothing)])
        return 0
    over_with = _over_with(intent, earlier) if earlier is not None and same else ()
    if not for_machines(options):
        _show_plan(options, intent, over_with)
        if earlier is not None and not same:
            complain(
                f"{earlier.name}: of {minute(earlier.began)} stopped after {earlier.over_with} of {len(earlier.changes)}; "
                "run it again if it is still wanted"
            )
        await _tell_players(intent, force=options.force)
    question = spoken().of(f"carry out {_number(len(intent.changes), 'change')}?")
    if not (options.yes if for_machines(options) else agreed(question, yes=options.yes)):
        if for_machines(options):
            show(options, _COLUMNS, _rows(intent, intent.changes))
        return SHOWN_ONLY
    return await _run(options, intent, journal, over_with)


def _over_with(intent: Intent, earlier: Earlier) -> tuple[Change, ...]:
    """List what the earlier run had in mind and is true now, by what the stations have."""
    # Not by the whole change: other paths may be wanted now, and the earlier ones were never set.
    left = {(one.station, one.product_id, one.kind) for one in intent.changes}
    looked_at = {one.uuid for one in intent.stations}
    return tuple(
        one
        for one in earlier.changes
        if (one.station, one.product_id, one.kind) not in left and one.station in looked_at
    )


async def _run(options: argparse.Namespace, intent: Intent, journal: Journal, over_with: Sequence[Change]) -> int:
    total = len(over_with) + len(intent.changes)
    journal.begin(intent.name, intent.changes, over_with)
    progress = Progress(total, done=len(over_with))

    def tell(done: int, what: str) -> None:
        progress.show(len(over_with) + done, what)

    run = Carrying(intent.changes, intent.stations, journal, force=options.force, tell=tell)
    try:
        await run.run()
    except BaseException:
        progress.close()
        _complain_stopped(intent, len(over_with) + run.outcome.over_with, total, "interrupted")
        raise
    progress.close()
    return _told(options, intent, run.outcome, len(over_with), total)


def _told(options: argparse.Namespace, intent: Intent, outcome: Outcome, before: int, total: int) -> int:
    """Say what became of the plan."""
    if for_machines(options):
        show(options, _COLUMNS, _rows(intent, intent.changes, outcome))
    names = {one.uuid: one.name for one in intent.stations}
    for failure in outcome.failed:
        change = failure.change
        complain(one_line(f"{names[change.station]}: {change.kind} {change.title}: {failure.why}"))
    if outcome.stopped is not None:
        why = f"{outcome.stopped.subject}: {outcome.stopped.fact}"
        _complain_stopped(intent, before + outcome.over_with, total, why)
    elif not for_machines(options):
        already = f", {outcome.already} were so already" if outcome.already else ""
        failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
        print_lines([spoken().of(f"{_number(outcome.done, 'change')} made and read back{already}{failed}")])
    return 1 if outcome.failed or outcome.stopped is not None else 0


def _complain_stopped(intent: Intent, over_with: int, total: int, why: str) -> None:
    fact = f"stopped after {over_with} of {total}: {why}"
    complain(CallOwner(intent.name, fact, "run the same command again: it goes on there"))


def _show_plan(options: argparse.Namespace, intent: Intent, over_with: Sequence[Change]) -> None:
    rows = _rows(intent, intent.changes)
    detailed = any(row["detail"] for row in rows)
    show(options, [one for one in _COLUMNS if detailed or one.key != "detail"], rows, flexible="title")
    stations = len({one.station for one in intent.changes})
    where = f"on {stations} station" if stations == 1 else f"on {stations} stations"
    print_lines([spoken().of(f"{counted(intent.changes)}, {where}")])
    if over_with:
        total = len(over_with) + len(intent.changes)
        print_lines([spoken().of(f"goes on where it stopped: {len(over_with)} of {total} are done")])


async def _tell_players(intent: Intent, *, force: bool) -> None:
    """Say beforehand which games will not be disabled because somebody plays them; where nobody knows, the run will see."""
    concerned = {one.station for one in intent.changes if isinstance(one, Disable)}
    if force or not concerned:
        return
    stations = [one for one in intent.stations if one.uuid in concerned]
    for station, inside in zip(stations, await ask_all(stations, who_plays), strict=True):
        if inside is None or isinstance(inside, GateError) or inside.session is None:
            continue
        game = inside.session.product_id
        for change in intent.changes:
            if isinstance(change, Disable) and change.station == station.uuid and change.product_id == game:
                complain(
                    one_line(f"{station.name}: a player plays {change.title} ({inside.why}): it stays enabled; --force")
                )


def _rows(intent: Intent, changes: Sequence[Change], outcome: Outcome | None = None) -> list[dict[str, Any]]:
    names = {one.uuid: one.name for one in intent.stations}
    results = dict(outcome.results) if outcome is not None else {}
    rows = [
        {
            "station": names[change.station],
            "change": change.kind,
            "title": change.title,
            "detail": _detail(change),
            "station_id": change.station,
            "product_id": change.product_id,
        }
        for change in changes
    ]
    if outcome is None:
        return rows
    words = {DONE: "done", ALREADY: "already so"}
    said = [results.get(change, "not tried") for change in changes]
    return [row | {"outcome": words.get(one, one)} for row, one in zip(rows, said, strict=True)]


def _detail(change: Change) -> str:
    """What a change of paths sets, in words."""
    if not isinstance(change, SetPaths):
        return ""
    paths = change.paths
    allowed = "; ".join(paths.allowed_paths) if isinstance(paths.allowed_paths, tuple) else paths.allowed_paths
    named = {"game path": paths.game_path, "work path": paths.work_path, "args": paths.args, "allowed paths": allowed}
    return ", ".join(f'{words}: "{text}"' for words, text in named.items() if text is not None) or "Drova's defaults"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
