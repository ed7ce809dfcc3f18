"""Whether a player is on a station: the cloud's two answers, and what becomes of an answer that does not come."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from drova_gate.cloud.models import Server, Session
from drova_gate.errors import CloudUnavailable, PlayerInside
from drova_gate.owner.account import OwnedStation, opened
from drova_gate.owner.player import OVER, player_inside, refuse_while_playing, who_plays
from drova_gate.owner.settings import OwnerSettings
from drova_gate.sim.cloud import Cloud

USER, STATION, OTHER = uuid4(), uuid4(), uuid4()
WORDS = st.sampled_from(["NEW", "HANDSHAKE", "ACTIVE", "FINISHED", "ABORTED", "RECONNECTING"])


def server(state: str = "LISTEN", session: UUID | None = None) -> Server:
    return Server(uuid=STATION, published=True, state=state, session_id=session)


def session(status: str, at: int = 1_700_000_000_000, station: UUID = STATION) -> Session:
    return Session(uuid=uuid4(), server_id=station, product_id=uuid4(), created_on=at, status=status)


@pytest.mark.parametrize("status", ["NEW", "HANDSHAKE", "ACTIVE", "RECONNECTING"])
def test_any_word_but_the_two_that_end_it_means_a_player(status: str):
    inside = player_inside(server(), [session(status)])
    assert inside is not None
    assert status in inside.why


@pytest.mark.parametrize("state", ["BUSY", "HANDSHAKE"])
def test_a_taken_station_has_a_player_though_no_session_is_listed(state: str):
    assert player_inside(server(state), []) is not None
    assert player_inside(server(state), [session("FINISHED")]) is not None


def test_nobody_is_on_a_free_station_whose_newest_session_is_over():
    assert player_inside(server(), [session("FINISHED", 2), session("ACTIVE", 1)]) is None
    assert player_inside(server("OFFLINE"), []) is None
    assert player_inside(server(), [session("ACTIVE", station=OTHER)]) is None


def test_a_session_that_only_the_station_names_counts_until_the_list_says_it_is_over():
    over = session("FINISHED")
    assert player_inside(server(session=uuid4()), [over]) is not None
    assert player_inside(server(session=over.uuid), [over]) is None


@settings(deadline=None)  # the first example builds the models
@given(st.lists(st.tuples(WORDS, st.integers(0, 10**13)), max_size=5, unique_by=lambda one: one[1]))
def test_the_newest_session_decides_whatever_the_order_of_the_list(listed: list[tuple[str, int]]):
    newest = max(listed, key=lambda one: one[1], default=("FINISHED", 0))[0]
    assert (player_inside(server(), [session(*one) for one in listed]) is None) is (newest in OVER)


async def of_cloud(cloud: Cloud, tmp_path: Path) -> OwnerSettings:
    cloud.add_merchant_token("merchant", str(USER))
    cloud.add_server(str(STATION), "pc1", str(USER))
    return OwnerSettings(cloud.url, SecretStr("merchant"), tmp_path)


async def test_it_is_asked_anew_and_refused_until_he_has_left(tmp_path: Path):
    async with Cloud() as cloud, opened(await of_cloud(cloud, tmp_path)) as owner:
        station: OwnedStation
        (station,) = await owner.stations()
        assert await refuse_while_playing(station, risk="he is cut", force=False) is None
        running = cloud.start_session(str(STATION))
        with pytest.raises(PlayerInside, match=r"station pc1: a player is inside .*he is cut; wait"):
            await refuse_while_playing(station, risk="he is cut", force=False)
        forced = await refuse_while_playing(station, risk="he is cut", force=True)
        assert forced is not None
        assert forced.session is not None
        assert str(forced.session.uuid) == running
        cloud.finish(running)
        assert await who_plays(station) is None
        assert not cloud.refused


async def test_no_answer_is_not_nobody(tmp_path: Path):
    async with Cloud() as cloud, opened(await of_cloud(cloud, tmp_path)) as owner:
        (station,) = await owner.stations()
        cloud.faults.add("cloud_500")
        with pytest.raises(CloudUnavailable):
            await refuse_while_playing(station, risk="he is cut", force=False)
