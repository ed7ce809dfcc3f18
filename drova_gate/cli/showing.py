"""Rows on a terminal, or as JSON or CSV: the same options for every command that shows some."""

import argparse
import sys
from collections.abc import Sequence

from drova_gate.cli.surroundings import print_lines, terminal_room
from drova_gate.sheet import Column, Row, csv_text, fitting, json_text, table_lines

__all__ = ["add_showing", "fitted_table", "for_machines", "show"]


def add_showing(command: argparse.ArgumentParser) -> None:
    """Add ``--json`` and ``--csv``."""
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON for machines")
    form.add_argument("--csv", action="store_true", help="print CSV for spreadsheets")


def for_machines(options: argparse.Namespace) -> bool:
    """Whether a machine reads: then nothing but the rows goes to standard output."""
    return bool(options.json or options.csv)


def show(
    options: argparse.Namespace,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    flexible: str | None = None,
    nothing: str = "",
) -> None:
    """Print the rows in the form that was asked for; ``nothing`` is said to people when there are none."""
    if options.json:
        print_lines([json_text(rows)])
    elif options.csv:
        print_lines([csv_text(columns, rows).rstrip("\r\n")])
    elif rows:
        print_lines(fitted_table(columns, rows, flexible=flexible, room=terminal_room()))
    elif nothing:
        sys.stdout.write(f"{nothing}\n")


def fitted_table(
    columns: Sequence[Column], rows: Sequence[Row], *, flexible: str | None, room: int | None
) -> list[str]:
    """Lay the rows out for a terminal; what it has no room for is named below."""
    kept = fitting(columns, rows, flexible=flexible, room=room)
    lines = table_lines(kept, rows, flexible=flexible, room=room)
    left_out = [one.head for one in columns if one not in kept and not one.for_machines]
    if left_out:
        lines.append(f"(not shown for want of room: {', '.join(left_out)}; --json has all)")
    return lines
