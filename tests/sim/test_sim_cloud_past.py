"""A past of many stations and sessions for the simulated cloud: plausible, the same in every run, and quick to ask."""

import re
from collections import Counter, defaultdict
from itertools import pairwise
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from test_cloud import MERCHANT, OWNER, PC1, PC2, session_ids, two_stations

from drova_gate.sim.cloud import DESKTOP, Cloud, CloudPlan
from drova_gate.sim.cloud_catalogue import CYBERPUNK, CYBERPUNK_COPY, PRODUCTS, catalogue
from drova_gate.sim.cloud_past import ODD_NAMES
from drova_gate.sim.cloud_world import Session

NOW = 1_780_000_000_000


def filled(**options):
    cloud = Cloud(CloudPlan(catalogue=200))
    cloud.world.now_ms = lambda: NOW
    cloud.fill(OWNER, **{"stations": 30, "sessions": 100, **options})
    return cloud


@pytest.fixture(scope="module")
def past():
    return filled(playing=0.5, odd_names=True)


def test_the_same_seed_is_the_same_past(past):
    """Stations, sessions and money, to the last id; another seed is another past."""
    again, other = filled(playing=0.5, odd_names=True), filled(playing=0.5, odd_names=True, seed=1)

    assert again.servers == past.servers
    assert again.sessions == past.sessions
    assert again.world.ledger.sales == past.world.ledger.sales
    assert other.sessions.keys().isdisjoint(past.sessions)


def test_sessions_of_a_station_follow_each_other_up_to_now(past):
    """None overlaps the next, each has a known game that is enabled there, each station that was started has a hundred."""
    for server in past.servers.values():
        newest = list(past.world.newest_first([server.uuid]))
        running = [session for session in newest if not session.over]
        enabled = {product for product, entry in server.products.items() if entry.enabled}

        assert len(newest) - len(running) == (100 if server.started else 0)
        assert running == newest[: len(running)]
        assert len(running) <= (1 if server.online else 0)
        assert all(older.finished_on < newer.created_on for newer, older in pairwise(newest))
        assert all(session.created_on <= (session.finished_on or NOW) <= NOW for session in newest)
        assert {session.product for session in newest} <= enabled


def test_players_come_back_try_for_nothing_and_complain(past):
    """What reports look for is there, in shares that a person could have seen."""
    sessions = [session for session in past.sessions.values() if session.over]
    visits = Counter(session.client_id for session in sessions)
    trials = defaultdict(set)
    for session in sessions:
        if session.billing_type == "trial":
            trials[session.creator_ip].add(session.client_id)
    scored = [session for session in sessions if session.score is not None]

    assert sum(count > 3 for count in visits.values()) > 100
    assert sum(len(clients) > 2 for clients in trials.values()) >= 3, "trials of one person under many names"
    assert {session.billing_type for session in sessions} == {"prepaid", "subscription", "trial", None}
    assert 0.03 < sum(session.status == "ABORTED" for session in sessions) / len(sessions) < 0.1
    assert all((session.status == "ABORTED") == (session.abort_comment is not None) for session in sessions)
    assert {type(session.score) for session in scored} == {int, str}
    assert {session.score_reason for session in scored} == {0, 1, 2, 3, 4}
    assert 0.15 < sum(session.product == DESKTOP for session in sessions) / len(sessions) < 0.5
    assert {past.world.state(server) for server in past.servers.values()} == {"LISTEN", "BUSY", "OFFLINE", "UNVERIFIED"}
    assert [server.name for server in past.servers.values()][: len(ODD_NAMES)] == list(ODD_NAMES)


def test_all_can_be_well():
    """A benchmark wants so many stations times so many sessions, exactly."""
    cloud = filled(stations=25, sessions=4, all_well=True, networks=("81.2.69.144/28",))

    assert len(cloud.sessions) == 100
    assert {cloud.world.state(server) for server in cloud.servers.values()} == {"LISTEN"}
    assert all(server.published for server in cloud.servers.values())
    assert all(session.creator_ip.startswith("81.2.69.1") for session in cloud.sessions.values())


async def test_a_filled_account_is_served(past):
    """Its sessions, income, sales and open deals through the calls; the sums agree."""
    past.add_merchant_token(MERCHANT, OWNER)
    async with two_stations() as (cloud, call):
        cloud.world = past.world
        first = next(iter(past.servers))
        newest = await session_ids(call, MERCHANT, server_id=first, limit=1000)
        ten = await session_ids(call, MERCHANT, merchant_id=OWNER, limit=10)
        month = (await call("/accounting/statistics/myserverusageprepared", MERCHANT))["monthStat"]
        prepaid = await call(f"/accounting/prepaid/prepaid_stats4merchant/{OWNER}", MERCHANT)
        sales = await call(f"/accounting/prepaid/list4merchant/{OWNER}", MERCHANT)
        deals = await call("/accounting/tinkoff/prepaid/getOpenedDeals", MERCHANT)
        popular = await call("/accounting/statistics/most_popular_games", None)

    known = past.sessions
    assert newest == [one.uuid for one in past.world.newest_first([first])]
    assert ten == sorted(known, key=lambda uuid: -known[uuid].created_on)[:10]
    for name in ("sessionCount", "totalMsecs"):
        parts = [server["totalStat"][name] for server in month["perServerStats"].values()]
        assert month["totalStat"][name] == sum(parts) == sum(game[name] for game in month["perGameStats"].values()) > 0
    assert month["totalStat"]["totalIncome"] > 0
    assert 0 < prepaid["sold_minutes"] < prepaid["used_minutes"]
    assert {sale["client_id"] is None for sale in sales} == {True, False}
    assert [deal.keys() for deal in deals] == [{"created_on", "dealId", "payout", "sum", "terminal_index"}] * 2
    assert popular[0] == DESKTOP
    assert len(popular) == 96


async def test_sessions_are_listed_by_age_whenever_they_were_added():
    """An older one that is added later stands where it belongs, alone and among other stations'."""
    async with two_stations() as (cloud, call):
        for number, pc in ((5, PC1), (2, PC1), (4, PC2), (3, PC1), (1, PC2)):
            uuid = str(UUID(int=number))
            cloud.world.add_session(Session(uuid, pc, OWNER, OWNER, DESKTOP, number * 1000, "203.0.113.1", "FINISHED"))

        assert [UUID(one).int for one in await session_ids(call, MERCHANT)] == [5, 4, 3, 2, 1]
        assert [UUID(one).int for one in await session_ids(call, MERCHANT, server_id=PC1, limit=2)] == [5, 3]


def test_a_thousand_games_are_like_the_real_ones():
    """Accounts, old ids, desktops and shop addresses in the real proportions; Cyberpunk twice; the same in every run."""
    games = catalogue(1000)
    lines = [game.listed() for game in games.values()]
    accounts = Counter(line["requiredAccount"] for line in lines)
    shops = [line["inShopUrl"] for line in lines if line["inShopUrl"] is not None]

    assert len(games) == 1000
    assert games == catalogue(1000)
    assert Counter(UUID(uuid).version for uuid in games).keys() == {1, 4}
    assert 700 < accounts["Steam"] < 850
    assert 60 < accounts["Epic Games"] < 130
    assert {"Origin", "Ubisoft", "Battle.net", "hoYoverse", "Wargaming", "Lesta", None} <= accounts.keys()
    assert 20 < sum(line["useDefaultDesktop"] for line in lines) < 80
    assert len(shops) > 650
    assert all(re.fullmatch(r"/app/\d+/", urlsplit(shop).path) for shop in shops)
    assert games[CYBERPUNK].title == games[CYBERPUNK_COPY].title == "Cyberpunk 2077"
    assert games[CYBERPUNK].shop == "https://store.steampowered.com/app/1091500/"
    assert len({game.title for game in games.values()}) == 999, "only Cyberpunk stands there twice"
    assert any(re.search("[а-я]", game.title) for game in games.values())


def test_the_smallest_catalogue_has_what_sessions_are_played_with():
    """Nothing is added to the four."""
    assert list(catalogue(0).values()) == list(PRODUCTS)
