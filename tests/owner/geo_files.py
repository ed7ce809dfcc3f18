"""Small GeoIP files, written as MaxMind's and DB-IP's are laid out."""

from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet


def write_city(file: Path, city: str = "Moscow") -> Path:
    writer = MMDBWriter(6, "GeoLite2-City", languages=["en", "ru"], ipv4_compatible=True)
    writer.insert_network(
        IPSet(["93.158.134.0/24", "2a02:6b8::/32"]),
        {
            "city": {"names": {"en": city, "ru": "Москва"}},
            "subdivisions": [{"names": {"en": "Moscow Oblast"}}],
            "country": {"iso_code": "RU", "names": {"en": "Russia", "ru": "Россия"}},
        },
    )
    writer.insert_network(IPSet(["8.8.8.0/24"]), {"country": {"iso_code": "US"}, "city": "odd", "subdivisions": []})
    file.parent.mkdir(parents=True, exist_ok=True)
    writer.to_db_file(str(file))
    return file


def write_providers(file: Path) -> Path:
    """A file that knows IPv4 alone."""
    writer = MMDBWriter(4, "DBIP-ASN-Lite", languages=["en"])
    writer.insert_network(
        IPSet(["93.158.134.0/24"]),
        {"autonomous_system_number": 13238, "autonomous_system_organization": "YANDEX LLC\x1b[2J"},
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    writer.to_db_file(str(file))
    return file
