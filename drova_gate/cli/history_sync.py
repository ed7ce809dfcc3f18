"""``drova_gate history sync``: read what Drova lists into the archive, and say how far it came."""

import argparse
import asyncio
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from drova_gate.archive.files import FILE_NAME, is_damage, set_aside
from drova_gate.cli.owner import with_owner
from drova_gate.cli.progress import Progress as Meter
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines, read_owner_settings
from drova_gate.errors import CallOwner, GateError
from drova_gate.sheet import one_line

if TYPE_CHECKING:
    from drova_gate.archive.store import Archive
    from drova_gate.archive.sync import Progress
    from drova_gate.owner.account import OwnedStation, Owner

__all__ = ["run"]

CACHE_KIB = 32 * 1024


def run(options: argparse.Namespace) -> int:
    """Sync the stations that are meant."""
    path = read_owner_settings(options.env).state_dir / FILE_NAME
    try:
        return with_owner(options, lambda owner: _sync(owner, options, path))
    except (sqlite3.Error, OSError) as error:
        raise (_out_of_the_way if is_damage(error) else refused)(path, error) from error


def _out_of_the_way(path: Path, error: Exception) -> CallOwner:
    """Set an archive aside whose damage shows only where it is written, and make the error that says what to do."""
    try:
        set_aside(path, error)
    except OSError as trouble:
        return refused(path, trouble)
    return CallOwner(f"history {path}", "was damaged", "run it again: it begins a new one")


def refused(path: Path, error: Exception) -> CallOwner:
    """Make the error for a disk that does not let the archive be written."""
    why = error.strerror if isinstance(error, OSError) else str(error)
    return CallOwner(
        f"history {path}",
        f"cannot be written ({why})",
        "make room on the disk, or run it as the user that the gate runs as (sudo); what was stored before is there",
    )


async def _sync(owner: "Owner", options: argparse.Namespace, path: Path) -> int:
    from drova_gate.archive.sync import Progress, Target, sync  # noqa: PLC0415 - see history.py

    stations = await owner.chosen(options.station)
    archive = await asyncio.to_thread(_opened, path)
    progress = Progress(len(stations))
    meter = Meter(len(stations))
    try:
        targets = [Target(one.uuid, one.name, one.client) for one in stations]
        archive.name_stations({one.uuid: one.server.name for one in stations if one.server.name})

        def tell() -> None:
            meter.show(progress.done, f"stations, {progress.kept.new} new sessions")

        await sync(archive, targets, progress, tell, resumable=not options.station)
        meter.close()
        await _sync_rest(owner, archive, path.parent)
    except GateError as error:
        meter.close()
        complain(error)
        complain(_stopped(progress))
        return 1
    except asyncio.CancelledError:
        meter.close()
        complain(_stopped(progress))
        raise
    finally:
        archive.close()
    return _told(progress, stations)


def _opened(path: Path) -> "Archive":
    from drova_gate.archive.store import Archive  # noqa: PLC0415 - see history.py

    try:
        return Archive(path, cache_kib=CACHE_KIB)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        set_aside(path, error)
        return Archive(path, cache_kib=CACHE_KIB)


async def _sync_rest(owner: "Owner", archive: "Archive", state_dir: Path) -> None:
    """Titles and income: good to have, and no reason to call the sync a failure."""
    from drova_gate.cloud.catalog import Catalogue  # noqa: PLC0415 - see history.py

    try:
        if untitled := await asyncio.to_thread(archive.untitled):
            games = await Catalogue(owner.client, state_dir).games()
            archive.title({one: title for one in untitled if (title := games.title(one))})
    except GateError as error:
        complain(f"titles of games: {error}")
    if not (purses := owner.purses()):
        complain(
            "income: a station's token may show that station alone; log in for the whole account: drova_gate login"
        )
    for client, account in purses:
        try:
            at = int(time.time() * 1000)
            usage = await client.usage()
            archive.keep_usage(account, usage.model_dump(mode="json", by_alias=True), at)
        except GateError as error:
            complain(f"income: {error}")


def _told(progress: "Progress", stations: "tuple[OwnedStation, ...]") -> int:
    for name, error in progress.faults:
        complain(f"{one_line(name)}: {error}")
    kept, read = progress.kept, len(stations) - len(progress.faults)
    print_lines(
        [
            spoken().of(
                f"history: {read} of {len(stations)} stations read; {kept.new} new sessions, {kept.changed} changed, {kept.same} known"
            )
        ]
    )
    return 1 if progress.faults else 0


def _stopped(progress: "Progress") -> str:
    return (
        f"history sync: stopped at {progress.done} of {progress.total} stations; what was read is stored, "
        "run it again and it goes on there"
    )
