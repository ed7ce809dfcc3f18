"""``drova_gate where``: from where a player comes, by files on this machine."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drova_gate.cli.owner import add_env
from drova_gate.cli.showing import add_showing, for_machines, show
from drova_gate.cli.speech import complain, say, spoken
from drova_gate.cli.surroundings import geo_dirs
from drova_gate.sheet import Column, Row

if TYPE_CHECKING:
    from drova_gate.owner.where import Place, Places

__all__ = ["add", "places"]

COLUMNS = (
    Column("address", "ADDRESS"),
    Column("text", "PLACE"),
    Column("region", "REGION"),
    Column("provider", "PROVIDER"),
    Column("asn", "AS", right=True),
    Column("kind", "KIND", for_machines=True),
    Column("city", "CITY", for_machines=True),
    Column("country", "COUNTRY", for_machines=True),
    Column("country_code", "CODE", for_machines=True),
)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "tell city and provider of players' addresses, from GeoIP files on this machine"
    command = commands.add_parser(
        "where",
        help=text,
        description=f"{text[0].upper()}{text[1:]} (GeoLite2 or DB-IP, .mmdb). Nothing is sent to anybody. Exit code 1: one is no address.",
        epilog="Example: drova_gate where 93.158.134.3 2a02:6b8::feed:0ff",
    )
    command.add_argument("address", metavar="IP", nargs="+")
    add_showing(command)
    add_env(command)
    command.set_defaults(command=_where)


@contextmanager
def places(options: argparse.Namespace) -> "Iterator[Places]":
    """Have the files at hand; they are opened when the first address is asked for."""
    from drova_gate.owner.where import Places  # noqa: PLC0415 - most commands ask for no place

    known = Places(geo_dirs(options.env), (spoken().name, "en"))
    try:
        yield known
    finally:
        known.close()


def _where(options: argparse.Namespace) -> int:
    with places(options) as known:
        found = [known.find(address) for address in options.address]
        for fault in known.faults:
            complain(f"{fault}; download it anew")
        show(options, COLUMNS, [_row(one) for one in found], flexible="region")
        if known.sources and not for_machines(options):
            say(f"from {', '.join(known.sources)}")
    return 0 if all(one.valid for one in found) else 1


def _row(place: "Place") -> Row:
    known = ", ".join(one for one in (place.city, place.country or place.country_code) if one)
    return {
        "address": place.address,
        "text": spoken().of(place.kind or known or "in none of the files"),
        "kind": place.kind or "public",
        "city": place.city,
        "region": place.region,
        "country": place.country,
        "country_code": place.country_code,
        "provider": place.provider,
        "asn": place.asn,
    }
