"""The owner's account: which token opens it, and which station a name means."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from drova_gate.cloud.models import Server
from drova_gate.config import Mode, read_config
from drova_gate.core.model import Record
from drova_gate.errors import CallOwner, CloudUnauthorised, NotKnown
from drova_gate.owner.account import OwnedStation, find_station, opened
from drova_gate.owner.login import forget_login, keep_login, kept_login, login_file
from drova_gate.owner.settings import OwnerSettings
from drova_gate.sim.cloud import Cloud
from drova_gate.state import StateFile

USER = "7b7c1c1e-52a3-4f0e-9d0a-000000000001"
MERCHANT = "merchant-token"
STATION = {
    "WINDOWS_HOST": "10.0.0.9",
    "WINDOWS_LOGIN": "gate",
    "WINDOWS_PASSWORD": "x",
    "SHADOW_DEFENDER_PASSWORD": "",
    "DROVA_TOKEN": MERCHANT,
}


def station(name: str | None, gate: str | None = None, uuid: UUID | None = None) -> OwnedStation:
    server = Server(uuid=uuid or uuid4(), published=True, state="LISTEN", name=name)
    client: Any = None  # a name is found without asking anybody
    return OwnedStation(server, client, UUID(USER), gate)


def settings(cloud: Cloud, state_dir: Path, token: str | None = MERCHANT) -> OwnerSettings:
    return OwnerSettings(cloud.url, None if token is None else SecretStr(token), state_dir)


async def test_a_merchant_token_opens_all_stations_without_any_in_the_settings(tmp_path: Path):
    async with Cloud() as cloud:
        cloud.add_merchant_token(MERCHANT, USER)
        for name in ("b", "А", "c"):
            cloud.add_server(str(uuid4()), name, USER)
        cloud.add_server(str(uuid4()), "another owner's", str(uuid4()))
        cloud.add_server(gone := str(uuid4()), "sold", USER)
        cloud.servers[gone].deleted = True
        async with opened(settings(cloud, tmp_path)) as owner:
            assert [one.name for one in await owner.stations()] == ["b", "c", "А"]
            assert owner.whole
        assert not cloud.refused


async def test_without_a_token_and_a_station_it_says_how_to_log_in(tmp_path: Path):
    async with Cloud() as cloud:
        with pytest.raises(CallOwner, match="drova_gate login"):
            async with opened(settings(cloud, tmp_path, None)):
                raise AssertionError("nothing can be open")


async def test_a_refused_token_is_said(tmp_path: Path):
    async with Cloud() as cloud:
        with pytest.raises(CloudUnauthorised) as refused:
            async with opened(settings(cloud, tmp_path, "nobody's")):
                raise AssertionError("nothing can be open")
        assert "nobody's" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_a_token_that_the_gate_of_another_user_may_have_renewed_is_not_used(tmp_path: Path):
    """It could be refused, and renewed where nobody keeps the new one: then the gate itself would be locked out."""
    async with Cloud() as cloud:
        cloud.add_merchant_token(MERCHANT, USER)
        state = tmp_path / "state"
        await asyncio.to_thread(state.mkdir, 0o700)  # loads the pool of threads while its module can be read
        os.seteuid(65534)
        try:
            with pytest.raises(CallOwner, match="belongs to another user, who may have renewed the token; use sudo"):
                async with opened(settings(cloud, state)):
                    pass
        finally:
            os.seteuid(0)
        async with opened(settings(cloud, state)) as owner:
            assert owner.whole


async def test_the_gates_own_name_is_known_from_its_state(tmp_path: Path):
    uuid = uuid4()
    StateFile(tmp_path / "10.0.0.9" / "state.json").save(replace(Record(), server=uuid))
    async with Cloud() as cloud:
        cloud.add_merchant_token(MERCHANT, USER)
        cloud.add_server(str(uuid), "Игровой ПК", USER)
        stations = read_config(Mode.VALIDATE, STATION | {"DROVA_API_URL": cloud.url}).stations
        known = replace(settings(cloud, tmp_path), stations=stations)
        async with opened(known) as owner:
            (one,) = await owner.chosen(["10.0.0.9"])
    assert (one.uuid, one.names) == (uuid, ("10.0.0.9", "Игровой ПК", str(uuid)))


def test_a_station_is_found_by_any_of_its_names():
    first, second = station("Игровой ПК 🎮", "pc1"), station("');alert(1)//", "pc2")
    for name in ("pc1", "PC1", "игровой пк 🎮", str(first.uuid), str(first.uuid)[:8]):
        assert find_station(name, [first, second]) is first
    assert find_station("');alert(1)//", [first, second]) is second


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Ёлка \u200bс\u00a0пробелом", "ёлка ?с пробелом"),
        ("pc\t1\u202e | три ", "pc?1? | три"),
        ("Санкт-Петербург RTX 5080 #01", "Санкт-Петерб…TX 5080 #01"),
    ],
)
def test_a_station_is_found_as_tables_show_it(name: str, typed: str):
    """What is seen is typed or copied; the nearest names would be answered with the same again."""
    first, second = station(name, None), station("Санкт-Петербург RTX 5080 #02", None)
    assert find_station(typed, [first, second]) is first
    with pytest.raises(NotKnown, match="may be"):
        find_station("Санкт-Петерб…02", [second, station("Санкт-Петербург 02", None)])
    with pytest.raises(NotKnown, match="is not known"):
        find_station("Санкт…", [first, second])


def test_an_unknown_station_names_the_nearest_and_two_of_a_name_their_ids():
    first, second = station("Зал 1", "pc1"), station("зал 1", "pc2")
    with pytest.raises(NotKnown, match=r"did you mean pc1, pc2\?"):
        find_station("pc", [first, second])
    with pytest.raises(NotKnown, match=str(second.uuid)):
        find_station("ЗАЛ 1", [first, second])
    assert find_station("Зал 1", [first, second]) is first


def test_a_login_is_kept_for_its_owner_alone_and_forgotten(tmp_path: Path):
    assert kept_login(tmp_path) is None
    file = keep_login(tmp_path, SecretStr("secret"))
    assert file.stat().st_mode & 0o777 == 0o600
    kept = kept_login(tmp_path)
    assert kept is not None
    assert kept.get_secret_value() == "secret"
    assert forget_login(tmp_path)
    assert kept_login(tmp_path) is None
    assert not forget_login(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": 9, "token": "x"}', b'{"version": 1, "token": 5}'])
def test_a_damaged_login_says_how_to_mend_it(tmp_path: Path, content: bytes):
    login_file(tmp_path).write_bytes(content)
    with pytest.raises(CallOwner, match="drova_gate login"):
        kept_login(tmp_path)
