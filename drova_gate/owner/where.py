"""From where a player comes: city and provider of an address, from GeoIP files on this machine. Nothing is asked of anybody.

The files are those of MaxMind (GeoLite2, GeoIP2) or DB-IP in the ``.mmdb`` format, for cities and for providers (ASN); several may lie
side by side, and the newest that knows a fact tells it.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drova_gate.errors import SomethingMissing
from drova_gate.optional import library_missing

if TYPE_CHECKING:
    from maxminddb import Reader

__all__ = ["Place", "Places", "kind_of", "place_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

SUFFIX = "*.mmdb"
INVALID = "no IP address"
PUBLIC = ""
"""The kind of an address that a file may know."""

SPECIAL: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "no address of anybody"),
    ("127.0.0.0/8", "this machine itself"),
    ("10.0.0.0/8", "a private network (LAN or VPN)"),
    ("172.16.0.0/12", "a private network (LAN or VPN)"),
    ("192.168.0.0/16", "a private network (LAN or VPN)"),
    ("100.64.0.0/10", "behind a provider's shared address (CGNAT)"),
    ("169.254.0.0/16", "a neighbour on the same cable (link-local)"),
    ("192.0.2.0/24", "an example in documents"),
    ("198.51.100.0/24", "an example in documents"),
    ("203.0.113.0/24", "an example in documents"),
    ("198.18.0.0/15", "a test network"),
    ("224.0.0.0/4", "a multicast group"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "no address of anybody"),
    ("::1/128", "this machine itself"),
    ("fc00::/7", "a private network (LAN or VPN)"),
    ("fe80::/10", "a neighbour on the same cable (link-local)"),
    ("2001:db8::/32", "an example in documents"),
    ("ff00::/8", "a multicast group"),
)
"""Networks of which no file can tell a place: the IANA registries of special-purpose addresses."""

_NETWORKS = tuple((ipaddress.ip_network(network), kind) for network, kind in SPECIAL)


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of one address."""

    address: str
    kind: str = PUBLIC
    """Why no place can be told, in words; empty: it is somebody's address in the Internet."""
    city: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None
    provider: str | None = None
    asn: int | None = None

    @property
    def valid(self) -> bool:
        """Whether it is an IP address."""
        return self.kind != INVALID

    @property
    def text(self) -> str:
        """All of it in a few words; empty: nothing is known."""
        if self.kind:
            return self.kind
        where = ", ".join(one for one in (self.city or self.region, self.country or self.country_code) if one)
        return " · ".join(one for one in (where, self.provider) if one)


def kind_of(text: str) -> tuple[Address | None, str]:
    """Read an address; the words say why no place can be told of it."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None, INVALID
    if isinstance(address, ipaddress.IPv6Address):
        # ::ffff:1.2.3.4 is how a socket for both kinds shows an IPv4 player.
        inner: Address = address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    else:
        inner = address
    for network, kind in _NETWORKS:
        if inner.version == network.version and inner in network:
            return inner, kind
    return inner, PUBLIC


def place_of(address: str, records: Iterable[Mapping[str, Any]], languages: Sequence[str]) -> Place:
    """Put together what several files say of one address; the first that knows a fact tells it."""
    place = Place(address)
    for record in records:
        divisions = record.get("subdivisions")
        region = divisions[0] if isinstance(divisions, list) and divisions else None
        traits = record.get("traits")
        said = {**record, **(traits if isinstance(traits, Mapping) else {})}
        number = said.get("autonomous_system_number")
        country = record.get("country") or record.get("registered_country")
        found = Place(
            address,
            city=_named(record.get("city"), languages),
            region=_named(region, languages),
            country=_named(country, languages),
            country_code=_text(country.get("iso_code")) if isinstance(country, Mapping) else None,
            provider=_text(said.get("isp")) or _text(said.get("autonomous_system_organization")),
            asn=number if isinstance(number, int) else None,
        )
        missing = {
            name: getattr(found, name)
            for name in ("city", "region", "country", "country_code", "provider", "asn")
            if getattr(place, name) is None
        }
        place = replace(place, **missing)
    return place


def _named(raw: Any, languages: Sequence[str]) -> str | None:
    names = raw.get("names") if isinstance(raw, Mapping) else None
    if not isinstance(names, Mapping):
        return None
    return next((text for one in (*languages, "en", *names) if (text := _text(names.get(one)))), None)


def _text(raw: Any) -> str | None:
    return raw if isinstance(raw, str) and raw else None


class Places:
    """The files of one or several folders; opened when the first address is asked for that they may know."""

    def __init__(self, folders: Sequence[Path], languages: Sequence[str] = ("en",)) -> None:
        self.folders = tuple(folders)
        self.faults: list[str] = []
        """Files that cannot be used, and why; known once they were opened."""
        self._languages = tuple(languages)
        self._readers: list[Reader] | None = None

    def find(self, text: str) -> Place:
        """Look one address up; ``SomethingMissing`` without the library or a file that can be used."""
        address, kind = kind_of(text)
        shown = text.strip()
        if address is None or kind:
            return Place(shown, kind)
        records = [record for reader in self._opened() if isinstance(record := _record(reader, address), dict)]
        return place_of(shown, records, self._languages)

    def text(self, address: str | None) -> str | None:
        """Say the place in a few words where one is known: never an error."""
        try:
            return self.find(address).text or None if address else None
        except SomethingMissing:
            return None

    @property
    def sources(self) -> list[str]:
        """The files in use and of when they are."""
        return [
            f"{reader.metadata().database_type} of {datetime.fromtimestamp(reader.metadata().build_epoch, UTC):%Y-%m-%d}"
            for reader in self._readers or ()
        ]

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers or ():
            reader.close()
        self._readers = None

    def _opened(self) -> "list[Reader]":
        if self._readers is None:
            self._readers = self._open()
        if not self._readers:
            where = ", ".join(map(str, self.folders))
            fact = "; ".join(self.faults) or f"there is no {SUFFIX} file in {where}"
            raise SomethingMissing(
                "GeoIP files", fact, f"{HOW_TO_GET}, unpack them and put them into {self.folders[0]}"
            )
        return self._readers

    def _open(self) -> "list[Reader]":
        try:
            import maxminddb  # noqa: PLC0415 - optional, and only where a place is asked for
        except ImportError as error:
            raise library_missing("where", "maxminddb", "python3-maxminddb") from error
        readers: list[Reader] = []
        for file in _files(self.folders):
            try:
                readers.append(maxminddb.open_database(file))
            except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "is no GeoIP file, or damaged"
                self.faults.append(f"{file}: {why}")
        # The newest first: its word counts.
        return sorted(readers, key=lambda one: -one.metadata().build_epoch)


HOW_TO_GET = (
    "download GeoLite2-City and GeoLite2-ASN (https://dev.maxmind.com/geoip/geolite2-free-geolocation-data) "
    "or DB-IP's lite files (https://db-ip.com/db/lite.php)"
)


def _files(folders: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        try:
            found += sorted(folder.glob(SUFFIX))
        except OSError:
            continue  # a folder that is not ours to read has no files for us
    return list(dict.fromkeys(found))


def _record(reader: "Reader", address: Address) -> object:
    try:
        return reader.get(address)
    except (ValueError, RuntimeError):
        # An IPv6 address and a file of IPv4 alone; a damaged record (InvalidDatabaseError is a RuntimeError).
        return None
