"""Rows on a terminal, or as JSON or CSV: the same options for every command that shows some."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from drova_gate.cli.speech import say, spoken
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
) -> bool:
    """Print the rows in the form that was asked for; ``nothing`` is said to people when there are none. ``False``: nobody reads any more."""
    if options.json:
        return print_lines([json_text(rows)])
    if options.csv:
        return print_lines([csv_text(columns, rows).rstrip("\r\n")])
    if rows:
        return print_lines(fitted_table(columns, rows, flexible=flexible, room=terminal_room()))
    if nothing:
        say(nothing)
    return True


def fitted_table(
    columns: Sequence[Column], rows: Sequence[Row], *, flexible: str | None, room: int | None
) -> list[str]:
    """Lay the rows out for a terminal; what it has no room for is named below."""
    turned = [_turned(one) for one in columns if not one.for_machines]
    kept = fitting(turned, rows, flexible=flexible, room=room)
    lines = table_lines(kept, rows, flexible=flexible, room=room)
    left_out = [one.head for one in turned if one not in kept]
    if left_out:
        lines.append(spoken().of(f"(not shown for want of room: {', '.join(left_out)}; --json has all)"))
    return lines


def _turned(column: Column) -> Column:
    """A column in the reader's language: its head, and what stands below it where that is our own words."""
    of = spoken().of
    text = (lambda value: of(column.text(value))) if column.said else column.text
    return replace(column, head=of(column.head), text=text)
