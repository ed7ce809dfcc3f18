"""Places of addresses: from files alone, with words for whatever has no place."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from geo_files import write_city, write_providers
from hypothesis import given
from hypothesis import strategies as st
from owner_shop import Shop

from drova_gate.errors import SomethingMissing
from drova_gate.owner.where import INVALID, Places, kind_of, place_of

PLAYER = "93.158.134.3"
PLAYER_6 = "2a02:6b8::feed:ff"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_city(tmp_path / "geo" / "GeoLite2-City.mmdb")
    write_providers(tmp_path / "geo" / "dbip-asn-lite-2026-11.mmdb")
    return tmp_path / "geo"


async def test_city_and_provider_from_two_files(shop: Shop, folder: Path):
    code, out, err = await shop.run("where", PLAYER, PLAYER_6, "192.168.1.5", "9.9.9.9", DROVA_GEO_DIR=str(folder))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["ADDRESS", "PLACE", "REGION", "PROVIDER", "AS"]
    assert lines[1].split("  ")[0] == PLAYER
    for word in ("Moscow, Russia", "Moscow Oblast", "YANDEX LLC?[2J", "13238"):
        assert word in lines[1]
    assert "Moscow, Russia" in lines[2]
    assert "a private network (LAN or VPN)" in lines[3]
    assert "in none of the files" in lines[4]
    assert "GeoLite2-City of 20" in lines[5]
    assert not shop.cloud.requests


async def test_rows_for_machines(shop: Shop, folder: Path):
    settings = {"DROVA_GEO_DIR": str(folder)}
    _, out, _ = await shop.run("where", PLAYER, "8.8.8.8", "--json", **settings)
    first, second = json.loads(out)
    assert (first["city"], first["country_code"], first["asn"], first["kind"]) == ("Moscow", "RU", 13238, "public")
    assert (second["city"], second["country"], second["country_code"]) == (None, None, "US")
    _, out, _ = await shop.run("where", "100.64.0.1", "--csv", **settings)
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["kind"] == "behind a provider's shared address (CGNAT)"


async def test_what_is_no_address_is_said_and_needs_no_files(shop: Shop):
    code, out, err = await shop.run("where", "pc1", "127.0.0.1", "300.1.1.1", "\x1b[2J", DROVA_GEO_DIR="/nowhere")
    assert (code, err) == (1, "")
    assert out.count(INVALID) == 3
    assert "this machine itself" in out
    assert "\x1b" not in out


async def test_without_files_it_says_what_to_download_and_where_to_put_it(shop: Shop, tmp_path: Path):
    code, out, err = await shop.run("where", PLAYER, DROVA_GEO_DIR=str(tmp_path))
    assert (code, out) == (1, "")
    assert "GeoLite2-City" in err
    assert str(tmp_path) in err
    assert err.count("\n") == 1


async def test_without_the_library_it_says_how_to_get_it(shop: Shop, folder: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    code, _, err = await shop.run("where", PLAYER, DROVA_GEO_DIR=str(folder))
    assert code == 1
    assert "-m pip install maxminddb" in err
    assert Places([folder]).text(PLAYER) is None


async def test_a_damaged_file_is_said_and_the_others_are_used(shop: Shop, folder: Path):
    (folder / "broken.mmdb").write_bytes(b"\xab\xcd\xefMaxMind.com nothing")
    (folder / "empty.mmdb").write_bytes(b"")
    whole = (folder / "GeoLite2-City.mmdb").read_bytes()
    (folder / "half.mmdb").write_bytes(whole[:90])
    code, out, err = await shop.run("where", PLAYER, DROVA_GEO_DIR=str(folder))
    assert code == 0
    assert "Moscow" in out
    assert [line.partition(":")[0].rpartition("/")[2] for line in err.splitlines()] == [
        "broken.mmdb",
        "empty.mmdb",
        "half.mmdb",
    ]


def test_a_command_without_network_loads_none_of_what_a_network_needs(tmp_path: Path):
    """Start time by its cause: a clock on a busy machine would measure the neighbours."""
    heavy = ("asyncio", "ssl", "aiohttp", "asyncssh", "pydantic", "maxminddb")
    code = f"import sys; from drova_gate.cli import main; main(['where', '10.0.0.1']); print([m for m in {heavy} if m in sys.modules])"
    environment = {"PATH": os.environ["PATH"], "DROVA_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


def test_the_folder_beside_the_state_is_looked_at_by_itself(folder: Path):
    with pytest.raises(SomethingMissing):
        Places([folder / "none"]).find(PLAYER)
    known = Places([folder / "none", folder], ("ru", "en"))
    assert known.text(PLAYER) == "Москва, Россия · YANDEX LLC\x1b[2J"
    assert known.text(None) is None
    known.close()


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_the_newest_file_tells_what_several_know(tmp_path: Path, monkeypatch, names: tuple[str, str]):
    old, new = names
    for name, city, built in ((old, "Old Town", 1_700_000_000), (new, "New Town", 1_790_000_000)):
        monkeypatch.setattr("mmdb_writer.time.time", lambda built=built: built)
        write_city(tmp_path / f"{name}.mmdb", city)
    known = Places([tmp_path])
    assert known.find(PLAYER).city == "New Town"
    known.close()


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("10.1.2.3", "private"),
        ("::ffff:10.1.2.3", "private"),
        ("fd00::1", "private"),
        ("100.127.255.255", "CGNAT"),
        ("169.254.1.1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("::1", "this machine"),
        ("0.0.0.0", "nobody"),
        ("203.0.113.7", "example"),
        ("224.0.0.1", "multicast"),
        ("", "no IP"),
        ("1.2.3.4:7985", "no IP"),
    ],
)
def test_addresses_that_have_no_place(address: str, word: str):
    assert word in kind_of(address)[1].replace("no address of anybody", "nobody")


@given(st.ip_addresses())
def test_every_address_has_a_kind_and_what_is_global_may_have_a_place(address):
    found, kind = kind_of(str(address))
    assert found is not None
    assert not (kind and address.is_global and address.version == 4 and not address.is_multicast)


@given(st.text())
def test_any_text_is_an_address_or_none(text: str):
    assert kind_of(text)[1] is not None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["names", "en", "iso_code"]), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["city", "country", "subdivisions", "traits", "isp", "autonomous_system_number"]), JUNK
    )
)
def test_a_record_of_any_form_is_read_without_a_crash(record):
    assert isinstance(place_of("1.1.1.1", [record], ("en",)).text, str)
