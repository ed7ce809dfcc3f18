"""``drova_gate history export``: archived sessions as a file for a spreadsheet."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drova_gate.cli.history_show import opened, use_timezone, wanted_of, warn_of_holes
from drova_gate.cli.progress import Progress
from drova_gate.cli.speech import complain, spoken
from drova_gate.cli.surroundings import print_lines
from drova_gate.cli.where import places
from drova_gate.errors import CallOwner, OptionFault, SomethingMissing

if TYPE_CHECKING:
    from drova_gate.archive.columns import Locate
    from drova_gate.archive.shelf import Shelf, Wanted
    from drova_gate.owner.where import Places

__all__ = ["run"]

PROBE = "8.8.8.8"
"""Any address that a file could know: whether there is one."""
TOLD_EVERY = 500
"""Rows between two looks at the clock."""


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    use_timezone(options.timezone)
    path = Path(options.file)
    _check(options, path)
    with opened(options) as shelf, places(options) as known:
        wanted = wanted_of(options, shelf)
        total = shelf.number(wanted)
        if not total:
            complain(
                "history: no archived session is meant by this; nothing was written"
                if shelf.count
                else "history: nothing is archived yet; run drova_gate history sync"
            )
            return 1
        with _written(path) as temporary:
            _export(options, shelf, wanted, total, _locate(known), path.suffix.lower(), temporary)
        warn_of_holes(shelf, wanted)
    print_lines([spoken().of(f"{path}: {total} sessions written")])
    return 0


def _check(options: argparse.Namespace, path: Path) -> None:
    faults = []
    if path.suffix.lower() not in (".xlsx", ".csv"):
        faults.append(f"FILE: {path.name!r} ends neither in .xlsx nor in .csv; its ending says what is written")
    if options.excel and path.suffix.lower() == ".xlsx":
        faults.append("--excel: is for .csv files; an .xlsx file is Excel's own")
    if path.exists() and not options.force:
        faults.append(f"FILE: {path} is there already; write another name, or --force to write over it")
    if faults:
        raise OptionFault(faults)


def _export(
    options: argparse.Namespace,
    shelf: "Shelf",
    wanted: "Wanted",
    total: int,
    locate: "Locate | None",
    kind: str,
    path: Path,
) -> None:
    from drova_gate.archive.columns import chosen, finished  # noqa: PLC0415 - see history.py
    from drova_gate.archive.export import write_csv, write_xlsx  # noqa: PLC0415 - see history.py

    language = options.language or spoken().name
    fields = chosen(places=locate is not None, extras=shelf.extras())
    meter = Progress(total)

    def rows() -> Iterator[dict[str, Any]]:
        for number, row in enumerate(shelf.sessions(wanted, oldest_first=True)):
            if number % TOLD_EVERY == 0:
                meter.show(number, "sessions")
            yield finished(row, addresses=options.addresses, locate=locate, language=language)

    try:
        if kind == ".csv":
            write_csv(path, rows(), fields, language=language, excel=options.excel)
        else:
            write_xlsx(path, rows(), fields, language=language)
    finally:
        meter.close()


def _locate(known: "Places") -> "Locate | None":
    """City and provider of an address, if files tell them; each address is looked up once."""
    try:
        known.find(PROBE)
    except SomethingMissing:
        return None
    found: dict[str, tuple[str | None, str | None]] = {}

    def locate(address: str) -> tuple[str | None, str | None]:
        if address not in found:
            place = known.find(address)
            found[address] = (place.city or place.region or place.country, place.provider)
        return found[address]

    return locate


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """A file that takes the wanted name once it is whole: players' ids are in it, so it is its owner's alone."""
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise CallOwner(
            f"{path}",
            f"cannot be written ({error.strerror or error})",
            "look at the folder and its disk; nothing was changed",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
