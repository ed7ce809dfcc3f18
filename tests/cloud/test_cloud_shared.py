"""What stations of one process share: connections, a budget, a merchant's client; and what owners do not share."""

import asyncio
import itertools
import json
import time
from pathlib import Path

import pytest
import pytest_asyncio
from cloud_peers import MERCHANT_TOKEN, SERVER, STATION_TOKEN, USER
from pydantic import SecretStr

from drova_gate.cloud.calls import WRITE_SPACING_SECONDS
from drova_gate.cloud.shared import Clouds
from drova_gate.cloud.token import FileTokenKeeper, token_file
from drova_gate.errors import CloudThrottled

OTHER_TOKEN = "merchant-token-of-another-owner"
USER_2 = "22222222-2222-4333-8444-555555555555"


@pytest_asyncio.fixture
async def clouds(tmp_path: Path):
    clouds = Clouds(tmp_path, time.monotonic)
    yield clouds
    await clouds.close()


async def test_stations_of_one_address_share_its_connections(cloud, clouds):
    """Ten clients, one after the other: one connection."""
    for _ in range(10):
        client, _ = clouds.station(cloud.url, SecretStr(STATION_TOKEN))
        await client.sessions(SERVER)
        await client.close()
    line = clouds._line(cloud.url)

    assert len(line.session().connector._conns) == 1
    assert clouds.requests == 10


async def test_a_429_for_one_keeps_all_quiet(cloud, clouds):
    """Retry-After is obeyed by every station of that address: nothing more is sent, and the error says for how long."""
    first, _ = clouds.station(cloud.url, SecretStr(STATION_TOKEN))
    second, _ = clouds.station(cloud.url, SecretStr(STATION_TOKEN))
    cloud.faults.add("cloud_429")
    with pytest.raises(CloudThrottled):
        await first.sessions(SERVER)
    sent = len(cloud.requests)
    cloud.faults.clear()
    with pytest.raises(CloudThrottled) as caught:
        await second.sessions(SERVER)

    assert len(cloud.requests) == sent
    assert 0 < caught.value.retry_after <= cloud.plan.retry_after
    await asyncio.sleep(caught.value.retry_after + 0.05)
    assert await second.sessions(SERVER) == ()


async def test_writes_of_all_stations_keep_their_distance(cloud, clouds):
    """A hall that is hidden at once: one write after the other, at the pace that is known to be borne."""
    clients = [clouds.station(cloud.url, SecretStr(STATION_TOKEN))[0] for _ in range(3)]
    await asyncio.gather(*(client.set_published(SERVER, USER, visible=False) for client in clients))
    times = [request.at for request in cloud.requests if request.method == "POST"]

    assert len(times) == 3
    assert min(b - a for a, b in itertools.pairwise(times)) >= WRITE_SPACING_SECONDS * 0.95


async def test_a_merchants_stations_share_one_client(cloud, clouds):
    """The same token and address: the same client, so one renewal and one common question."""
    one, _ = clouds.merchant(cloud.url, SecretStr(MERCHANT_TOKEN))
    other, _ = clouds.merchant(cloud.url, SecretStr(MERCHANT_TOKEN))

    assert one is other


async def test_two_owners_keep_their_renewed_tokens_apart(cloud, clouds, tmp_path):
    """Both are renewed; after a restart each still has his own."""
    cloud.add_merchant_token(OTHER_TOKEN, USER_2)
    for token in (MERCHANT_TOKEN, OTHER_TOKEN):
        cloud.expire_token(token)
        client, _ = clouds.merchant(cloud.url, SecretStr(token))
        await client.account()
    kept = [
        FileTokenKeeper(token_file(tmp_path, SecretStr(token))).load(SecretStr(token))
        for token in (MERCHANT_TOKEN, OTHER_TOKEN)
    ]

    assert len({one.get_secret_value() for one in kept if one is not None}) == 2


def test_the_one_file_of_the_first_version_is_taken_over_by_its_owner_alone(tmp_path):
    """A renewed token that lies under the old name is not lost, and is nobody else's."""
    mine, other = SecretStr(MERCHANT_TOKEN), SecretStr(OTHER_TOKEN)
    FileTokenKeeper(tmp_path / "token").save(mine, SecretStr("renewed-token-1"))

    strangers = token_file(tmp_path, other)
    assert not strangers.exists()
    own = token_file(tmp_path, mine)

    assert json.loads(own.read_text())["token"] == "renewed-token-1"
    assert not (tmp_path / "token").exists()
    assert MERCHANT_TOKEN not in own.name
