"""Everything that the client reads, from the simulated cloud and from answers that it does not give."""

import json
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from cloud_peers import MERCHANT_TOKEN, OTHER, SERVER, STATION_TOKEN, USER
from pydantic import SecretStr

from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import AnswerNotUnderstood, CloudNotFound
from drova_gate.sim.cloud import DESKTOP, GAME
from drova_gate.sim.cloud_world import CYBERPUNK_COPY

GAME_ID = UUID(GAME)


@pytest_asyncio.fixture
async def merchant(cloud):
    """A client with the merchant's token."""
    async with DrovaClient(MERCHANT_TOKEN, base_url=cloud.url) as client:
        yield client


async def test_a_token_may_be_a_plain_text(cloud):
    """As a library's user writes it; it is kept as a secret."""
    async with DrovaClient(STATION_TOKEN, base_url=cloud.url) as client:
        assert (await client.account()).uuid == USER
        assert STATION_TOKEN not in repr(vars(client))


async def test_all_sessions_of_a_merchant_newest_first(cloud, merchant):
    """One question for all stations; the limit cuts the oldest off."""
    cloud.add_server(str(OTHER), "pc2", str(USER))
    started = [cloud.start_session(str(server)) for server in (SERVER, OTHER, SERVER)]
    assert [str(one.uuid) for one in await merchant.merchant_sessions(USER)] == started[::-1]
    assert [str(one.uuid) for one in await merchant.merchant_sessions(USER, limit=1)] == started[:1:-1]


@pytest.mark.parametrize("status", ["FINISHED", "ACTIVE", None])
async def test_an_odd_session_is_left_out_only_when_it_is_over(peer, raw, status):
    """A rental that may go on is never hidden by a fault in its line."""
    good = {"uuid": str(uuid4()), "server_id": str(SERVER), "product_id": GAME, "created_on": 1, "status": "ACTIVE"}
    peer.body = json.dumps({"sessions": [{**good, "product_id": None, "status": status}, good]}).encode()
    if status == "FINISHED":
        assert [one.status for one in await raw.merchant_sessions(USER)] == ["ACTIVE"]
    else:
        with pytest.raises(AnswerNotUnderstood, match=r"sessions\[0\]"):
            await raw.merchant_sessions(USER)


async def test_names_and_addresses_of_stations(cloud, merchant):
    """Names by id; the agent's own port and the one that the owner forwards; none for a station that never started."""
    cloud.add_server(str(OTHER), "Станция «2»", str(USER)).started = False
    assert await merchant.server_names() == {SERVER: "pc1", OTHER: "Станция «2»"}
    found = await merchant.endpoints(SERVER)
    assert {one.base_port: one.user_defined for one in found} == {7985: False, 7995: True}
    assert {one.server_id for one in found} == {SERVER}
    assert await merchant.endpoints(OTHER) == ()


async def test_a_name_that_is_none_is_left_out(peer, raw, caplog):
    """Ids that are none and names that are none do not spoil the rest; all of them do."""
    peer.body = json.dumps({str(SERVER): "pc1", str(OTHER): None, "x": "y"}).encode()
    assert await raw.server_names() == {SERVER: "pc1"}
    assert "2 of 3 items are left out" in caplog.text
    peer.body = b'{"x":"y"}'
    with pytest.raises(AnswerNotUnderstood, match="x: an id was expected"):
        await raw.server_names()


async def test_the_games_of_a_station_in_three_spellings(cloud, merchant):
    """The list, the game's settings, the other list: the same game, ``verified`` a number here and a word there."""
    cloud.servers[str(SERVER)].products[GAME].game_path = r"D:\game.exe"
    (listed,) = (one for one in await merchant.station_products(SERVER, USER) if one.product_id == GAME_ID)
    settings = await merchant.station_product(SERVER, GAME_ID)
    (other,) = (one for one in await merchant.listed_products(SERVER) if one.product_id == GAME_ID)
    assert listed.enabled
    assert settings.enabled
    assert other.enabled
    assert (listed.verified, settings.verified, other.verified) == (2, 2, "READY")
    assert (settings.game_path, settings.work_path, other.game_path) == (r"D:\game.exe", None, r"D:\game.exe")
    assert settings.default_game_path
    assert settings.title == listed.title
    assert await merchant.station_products(SERVER) == await merchant.station_products(SERVER, USER)


async def test_the_settings_must_be_of_the_game_asked_for(peer, raw):
    """Another game's paths are not this one's."""
    peer.body = json.dumps({"productId": DESKTOP, "enabled": True}).encode()
    with pytest.raises(AnswerNotUnderstood, match="productId: it is about"):
        await raw.station_product(SERVER, GAME_ID)


async def test_money(cloud, merchant):
    """Account, usage, trial, prepaid minutes, sales, deals: amounts as they were sent."""
    session = cloud.start_session(str(SERVER), GAME)
    cloud.finish(session)
    sale = cloud.world.ledger.sell(str(USER), 30, cloud.world.now_ms())
    account = await merchant.account()
    usage = await merchant.usage()
    today = usage.today_stat
    assert today.total_stat.session_count == 1
    assert today.per_server_stats[SERVER].per_game_stats[GAME_ID].session_count == 1
    assert today.per_game_stats[GAME_ID] == today.per_server_stats[SERVER].per_game_stats[GAME_ID]
    assert isinstance((await merchant.unpaid_stats(USER)).trial_msecs_left, int)
    assert (await merchant.prepaid_stats(USER)).merchant_id == account.uuid
    (sold,) = await merchant.prepaid_sales(USER)
    assert (str(sold.uuid), sold.client_id, sold.playtime_msecs) == (sale.uuid, None, 1_800_000)
    assert await merchant.open_deals() == ()


@pytest.mark.parametrize("amount", [0, 12, 12.5, "1 250,50 ₽", "12.50"])
async def test_an_amount_is_kept_as_sent(peer, raw, amount):
    """Number or text; its type is not known, so it is not changed."""
    peer.body = json.dumps([{"dealId": 7, "sum": amount, "payout": amount}]).encode()
    (deal,) = await raw.open_deals()
    assert (deal.deal_id, deal.sum, type(deal.sum)) == (7, amount, type(amount))


@pytest.mark.parametrize("amount", [True, None, [1], {"rub": 1}])
async def test_what_is_no_amount_is_unknown(peer, raw, amount):
    """``true`` is not one rouble."""
    peer.body = json.dumps([{"dealId": 7, "sum": amount}]).encode()
    (deal,) = await raw.open_deals()
    assert deal.sum is None


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (lambda client: client.public_stations(), b"[]"),
        (lambda client: client.public_station(SERVER), json.dumps({"uuid": str(SERVER)}).encode()),
        (lambda client: client.hardware(SERVER), b"{}"),
        (lambda client: client.public_product(GAME_ID), b"{}"),
        (lambda client: client.popular_games(), b"[]"),
        (lambda client: client.catalogue(), b"[]"),
        (lambda client: client.catalogue_since(""), b"[]"),
        (lambda client: client.geo_by_prefix("x"), b"{}"),
    ],
)
async def test_no_token_goes_where_none_is_needed(peer, raw, call, body):
    """Not even a valid one."""
    peer.body = body
    await call(raw)
    assert "X-Auth-Token" not in peer.requests[0]


async def test_what_everybody_sees(cloud):
    """A token that nobody accepts is in nobody's way."""
    async with DrovaClient("nobodys-token", base_url=cloud.url) as client:
        (station,) = await client.public_stations(text="PC", products=(GAME_ID,), limit=10)
        assert (await client.public_station(SERVER)).name == station.name == "pc1"
        assert (await client.hardware(SERVER)).graphic[0].ram_bytes > 1 << 30
        assert (await client.public_product(GAME_ID)).title
        assert await client.public_stations(text="elsewhere") == ()
        popular = await client.popular_games()
        assert {one.product_id for one in await client.catalogue()} >= set(popular)
        (place,) = await client.geo_by_prefix("Каз")
        assert place["name"] == "Казань"


async def test_a_hidden_station_is_not_found(cloud, station):
    """404 is an error of its own."""
    cloud.servers[str(SERVER)].published = False
    with pytest.raises(CloudNotFound):
        await station.public_station(SERVER)


async def test_popular_games_keep_their_order(peer, raw, caplog):
    """Ids of any version; what is none is left out and said."""
    old = "d5f88d94-87d5-11e7-bb31-000000003778"
    peer.body = json.dumps([old, 17, None, CYBERPUNK_COPY]).encode()
    assert await raw.popular_games() == (UUID(old), UUID(CYBERPUNK_COPY))
    assert "[1]: an id was expected" in caplog.text


async def test_the_version_is_handed_on_as_text(peer, raw):
    """Nobody has seen it; one line, nothing that a terminal would obey."""
    peer.body = b"1.2.3\x1b[31m\n"
    assert await raw.version() == "1.2.3?[31m"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
async def test_what_is_no_json_number_is_no_answer(peer, raw, word):
    """Python's parser takes them; nothing can be reckoned with them."""
    peer.body = f'[{{"dealId":1,"sum":{word}}}]'.encode()
    with pytest.raises(AnswerNotUnderstood, match="it is not JSON"):
        await raw.open_deals()


@pytest.mark.parametrize("value", ["false", "true", 0, 1, "off", None, [], "missing"])
async def test_nothing_but_a_truth_value_says_whether_a_station_is_shown(peer, raw, value):
    """Neither "false" nor 1 nor nothing is taken for one."""
    station = {"uuid": str(SERVER), "state": "LISTEN", "published": value}
    if value == "missing":
        del station["published"]
    peer.body = json.dumps(station).encode()
    with pytest.raises(AnswerNotUnderstood, match=r"published: .*X-Request-Id request-4711"):
        await raw.server(SERVER, USER)


async def test_a_secret_token_stays_a_secret(cloud):
    """Given as text or as a secret, it is the same to the client."""
    async with DrovaClient(SecretStr(STATION_TOKEN), base_url=cloud.url) as client:
        assert (await client.account()).uuid == USER
