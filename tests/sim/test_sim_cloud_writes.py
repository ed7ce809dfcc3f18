"""What is written to the simulated cloud is what its lists say; and the ways in which a write can go wrong."""

import asyncio

import aiohttp
import pytest
from test_cloud import MERCHANT, OWNER, PC1, PC2, two_stations
from test_sim_cloud_calls import UPDATE

from drova_gate.sim.cloud import DESKTOP, GAME, OLD_GAME, CloudPlan
from drova_gate.sim.cloud_calls import WRITES

STATION_PATH = f"/server-manager/servers/{PC1}"
PRODUCTS_PATH = "/server-manager/serverproduct"


async def write(call, kind):
    """Make one write of that kind; its answer."""
    method, path, options = {
        "publish": ("POST", f"{STATION_PATH}/set_published/false", {}),
        "desktop": ("POST", f"{STATION_PATH}/set_allow_desktop/false", {"json": {}}),
        "updates": ("POST", f"{STATION_PATH}/set_disable_updates/true", {"json": {}}),
        "describe": ("PUT", STATION_PATH, {"json": {"name": "Люкс", "description": "<b>new</b>"}}),
        "add": ("POST", f"{PRODUCTS_PATH}/add/{PC1}/{OLD_GAME}", {"params": {"user_id": OWNER}}),
        "enable": ("POST", f"{PRODUCTS_PATH}/set_enabled/{PC1}/{GAME}/false", {"json": {}}),
        "update": ("POST", f"{PRODUCTS_PATH}/update", {"json": {**UPDATE, "args": "-new"}}),
        "promocodes": ("GET", "/accounting/prepaid/issue_promocodes/2/60000", {}),
    }[kind]
    return await call(path, MERCHANT, method=method, **options)


async def all_lists(call):
    """Whatever a write could change, without what the time changes."""
    server = await call(STATION_PATH, MERCHANT)
    for moving in ("last_heartbeat", "alive_since"):
        del server[moving]
    return {
        "server": server,
        "products": await call(f"{PRODUCTS_PATH}/list4edit2/{PC1}", MERCHANT),
        "product": await call(f"{PRODUCTS_PATH}/list4edit2/{PC1}/{GAME}", MERCHANT),
        "listed": await call(f"/product-manager/serverproduct/list/{PC1}", MERCHANT),
        "promocodes": await call("/accounting/prepaid/list_unused_promocodes/false", MERCHANT),
    }


def without_old_game(cloud):
    del cloud.servers[PC1].products[OLD_GAME]


async def test_each_switch_of_a_station_changes_what_the_lists_say():
    """Published, desktop, updates, name and description; the list of all and the one station agree."""
    async with two_stations() as (cloud, call):
        for kind in ("publish", "desktop", "updates", "describe"):
            assert await write(call, kind) is None
        one = await call(STATION_PATH, MERCHANT)
        listed = await call("/server-manager/servers", MERCHANT, params={"user_id": OWNER})
        names = await call("/server-manager/servers/server_names", MERCHANT)

        for server in (one, listed[0]):
            assert (server["published"], server["allow_desktop"], server["disable_updates"]) == (False, False, True)
            assert (server["name"], server["description"]) == ("Люкс", "<b>new</b>")
        assert names == {PC1: "Люкс", PC2: "pc2"}
        assert cloud.writes == 4


@pytest.mark.parametrize(("sent", "erased"), [("name", "description"), ("description", "name")])
async def test_a_name_without_its_description_erases_it(sent, erased):
    """PUT puts both: what is not sent is gone."""
    async with two_stations() as (_, call):
        await call(STATION_PATH, method="PUT", json={sent: "new"})
        server = await call(STATION_PATH)

        assert (server[sent], server[erased]) == ("new", "")


async def test_a_game_is_added_enabled_and_given_paths():
    """Added it is not enabled; enabled it is in the station's list; paths differ from the product's own until they are null again."""
    async with two_stations() as (cloud, call):
        without_old_game(cloud)
        await write(call, "add")
        added = (await all_lists(call))["products"][-1]
        await call(f"{PRODUCTS_PATH}/set_enabled/{PC1}/{OLD_GAME}/true", method="POST", json={})
        enabled = await all_lists(call)
        new = {"game_path": "D:\\g.exe", "work_path": "D:\\", "args": "-x", "allowed_paths": "D:\\"}
        await call(f"{PRODUCTS_PATH}/update", method="POST", json={**UPDATE, **new, "enabled": False})
        updated = await all_lists(call)
        # A second time nothing is lost.
        await call(f"{PRODUCTS_PATH}/add/{PC1}/{GAME}", method="POST")

        assert (added["productId"], added["enabled"], added["verified"]) == (OLD_GAME, False, 2)
        assert enabled["products"][-1]["enabled"] is True
        assert OLD_GAME in enabled["server"]["product_list"]
        assert enabled["product"]["gamePath"] is None
        assert [updated["product"][name] for name in ("gamePath", "workPath", "args", "allowedPaths")] == [
            *new.values()
        ]
        assert updated["product"]["defaultGamePath"] == "C:\\Games\\game.exe"
        line = next(line for line in updated["listed"] if line["product_id"] == GAME)
        assert (line["game_path"], line["enabled"], line["verified"]) == ("D:\\g.exe", False, "READY")
        assert GAME not in updated["server"]["product_list"]
        assert (await all_lists(call))["product"] == updated["product"]


async def test_issued_promocodes_are_in_the_list_and_run_out():
    """Good for 31 days, the newest first; each call makes new ones, though it is a GET."""
    async with two_stations() as (cloud, call):
        first = await write(call, "promocodes")
        second = await write(call, "promocodes")
        unused = (await all_lists(call))["promocodes"]
        now = cloud.world.now_ms()
        cloud.world.now_ms = lambda: now + 31 * 86_400_000 + 60_000

        assert unused == [*reversed(second), *reversed(first)]
        assert len({one["promocode"] for one in unused}) == 4
        assert all(one["expired_on"] - one["created_on"] == 31 * 86_400_000 for one in unused)
        assert (await all_lists(call))["promocodes"] == []


async def test_the_public_list_has_published_stations_that_are_online():
    """No token is asked; hidden, off and never started ones are not there; words and products narrow it."""
    async with two_stations() as (cloud, call):

        async def public(**body):
            lines = await call("/server-manager/servers/public/web", None, method="POST", json=body)
            return [line["uuid"] for line in lines]

        assert await public() == [PC1, PC2]
        assert await public(stationNameOrDescription="PC2") == [PC2]
        assert await public(stationStatus="BUSY") == []
        assert await public(products=[GAME], limit=1, offset=1) == [PC2]
        cloud.servers[PC2].online = False
        await call(f"/server-manager/servers/public/{PC1}", None)
        await call(f"/server-manager/servers/public/{PC2}", None, status=404)
        await write(call, "publish")
        assert await public() == []
        await call(f"/server-manager/servers/public/{PC1}", None, status=404)


async def test_usage_counts_sessions_and_income_by_station_and_game():
    """Every sum is that of its parts; prepaid earns, a trial does not, an aborted one neither."""
    async with two_stations() as (cloud, call):
        now = cloud.world.now_ms()
        cloud.world.now_ms = lambda: now
        for pc, game, kind in ((PC1, GAME, "prepaid"), (PC1, DESKTOP, "trial"), (PC2, GAME, "prepaid")):
            session = cloud.sessions[cloud.start_session(pc, game)]
            session.billing_type, session.status, session.finished_on = kind, "FINISHED", session.created_on + 600_000
        aborted = cloud.sessions[cloud.start_session(PC2)]
        aborted.status, aborted.finished_on = "ABORTED", aborted.created_on + 600_000
        stats = await call("/accounting/statistics/myserverusageprepared", MERCHANT)
        own = await call("/accounting/statistics/myserverusageprepared")
        prepaid = await call(f"/accounting/prepaid/prepaid_stats4merchant/{OWNER}", MERCHANT)

        assert stats.keys() == {"todayStat", "weekStat", "monthStat"}
        month = stats["monthStat"]
        assert month["totalStat"]["sessionCount"] == 4
        assert month["perGameStats"][GAME] == {"sessionCount": 2, "totalIncome": 30.0, "totalMsecs": 1_200_000}
        assert month["perGameStats"][DESKTOP] == {"sessionCount": 2, "totalIncome": 0.0, "totalMsecs": 1_200_000}
        assert month["perServerStats"][PC1]["totalStat"]["totalIncome"] == 15.0
        assert month["perServerStats"][PC1]["perGameStats"].keys() == {GAME, DESKTOP}
        assert own["monthStat"]["perServerStats"].keys() == {PC1}
        assert (prepaid["used_minutes"], prepaid["sold_minutes"], prepaid["merchant_id"]) == (20, 0, OWNER)


@pytest.mark.parametrize(("money", "kind"), [("number", float), ("text", str)])
async def test_amounts_are_numbers_or_texts(money, kind):
    """Nobody knows which the real ones are."""
    async with two_stations(money=money) as (_, call):
        stats = await call("/accounting/statistics/myserverusageprepared")

        assert isinstance((await call("/accounting/myaccount"))["balance"], kind)
        assert isinstance(stats["todayStat"]["totalStat"]["totalIncome"], kind)


async def test_inverted_publishing_does_the_opposite():
    """The direction that one source claims."""
    async with two_stations(faults=frozenset({"publish_inverted"})) as (_, call):
        await call(f"{STATION_PATH}/set_published/true", method="POST")
        hidden = (await call(STATION_PATH))["published"]
        await call(f"{STATION_PATH}/set_published/false", method="POST")

        assert (hidden, (await call(STATION_PATH))["published"]) == (False, True)


@pytest.mark.parametrize("kind", sorted(WRITES))
async def test_a_lying_write_is_confirmed_and_changes_nothing(kind):
    """The answer is that of a write that is carried out; other kinds of writes still are."""
    async with two_stations(lying_writes=frozenset({kind}), faults=frozenset({"writes_lie"})) as (cloud, call):
        without_old_game(cloud)
        before = await all_lists(call)
        answer = await write(call, kind)
        lied = await all_lists(call)
        cloud.faults.clear()
        await write(call, kind)

        assert (answer is None) == (kind != "promocodes")
        assert lied == before
        assert await all_lists(call) != before


async def test_a_hanging_write_is_carried_out_and_not_answered():
    """The change is there though its answer never comes; a read does not hang; switched off, the answer comes."""
    async with two_stations(hanging_writes=frozenset({"publish"}), faults=frozenset({"write_hangs"})) as (cloud, call):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(write(call, "publish"), 0.1)
        assert (await call(STATION_PATH))["published"] is False
        await write(call, "desktop")

        waiting = asyncio.create_task(write(call, "publish"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        cloud.faults.clear()
        await waiting
        assert cloud.writes == 3


async def test_the_cloud_goes_down_after_so_many_writes_and_can_come_back():
    """The writes up to then are carried out and answered; then no connection is answered, until the fault is taken out."""
    async with two_stations(cloud_down_after=2) as (cloud, call):
        await write(call, "publish")
        await write(call, "desktop")
        for _ in range(2):
            with pytest.raises(aiohttp.ClientConnectionError):
                await write(call, "describe")
        asked = len(cloud.requests)
        cloud.faults.discard("cloud_down")
        await write(call, "updates")
        server = await call(STATION_PATH)

        assert asked == 2
        assert (server["published"], server["allow_desktop"], server["disable_updates"]) == (False, False, True)
        assert server["name"] == "pc1"


async def test_a_late_end_is_shown_as_going_on_for_a_while():
    """The list has the session as before its end, without any field of the end; then all at once."""
    async with two_stations(finished_late_seconds=5, faults=frozenset({"finished_late"})) as (cloud, call):
        now = cloud.world.now_ms()
        cloud.world.now_ms = lambda: now
        session = cloud.start_session(PC1)
        cloud.set_status(session, "ACTIVE")
        cloud.sessions[session].score = 5
        cloud.finish(session)
        [late] = (await call("/session-manager/sessions"))["sessions"]
        ended = cloud.sessions[session].finished_on
        cloud.world.now_ms = lambda: ended + 5000
        [shown] = (await call("/session-manager/sessions"))["sessions"]

        assert late["status"] == "ACTIVE"
        assert late.keys().isdisjoint({"finished_on", "score", "abort_comment"})
        assert (shown["status"], shown["finished_on"], shown["score"]) == ("FINISHED", ended, 5)


async def test_a_429_may_come_without_saying_when():
    """Retry-After is not promised."""
    async with (
        two_stations(retry_after=None, faults=frozenset({"cloud_429"})) as (cloud, _),
        aiohttp.ClientSession(cloud.url) as http,
        http.get("/product-manager/product/listfull2") as response,
    ):
        assert response.status == 429
        assert "Retry-After" not in response.headers


def test_an_unknown_kind_of_write_is_named():
    """A misspelt plan is told, not played."""
    with pytest.raises(ValueError, match="unknown writes pubish; there are: add, describe"):
        CloudPlan(lying_writes=frozenset({"pubish"}))
