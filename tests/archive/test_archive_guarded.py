"""The archive in the gate: fed by every station's observer, asked for whole lists only while nobody is waited on."""

from pathlib import Path

import pytest
from archive_rows import SERVER, session
from pydantic import SecretStr

from drova_gate.archive.files import open_for_reading
from drova_gate.cloud.budget import Urgency
from drova_gate.cloud.client import DrovaClient
from drova_gate.config import Mode, read_config
from drova_gate.core.model import Phase
from drova_gate.daemon import Guard, Process


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    config = read_config(
        Mode.POLL,
        {"WINDOWS_HOST": "127.0.0.1", "WINDOWS_LOGIN": "a", "WINDOWS_PASSWORD": "b", "SHADOW_DEFENDER_PASSWORD": "c"},
    )
    guard = Guard(config, Process(tmp_path))
    guard.fleet.open(config.stations)
    return guard


async def test_what_an_observer_reads_is_kept_under_the_stations_name(guard: Guard):
    """No request is made for it."""
    (member,) = guard.fleet.members.values()
    guard.history.open()
    member.station.controller.observer.listed(SERVER, (session(1), session(2)))
    guard.history.close()

    base = open_for_reading(guard.history.path)
    assert base.execute("SELECT count(*) FROM sessions").fetchone() == (2,)
    assert base.execute("SELECT gate_name, full_at FROM stations").fetchall() == [("127.0.0.1", None)]
    base.close()
    assert guard.clouds.requests == 0
    assert guard.status(None, addresses=False)["history_fault"] == ""
    await guard.clouds.close()


async def test_whole_lists_are_asked_for_only_while_nobody_is_waited_on(guard: Guard):
    """Not before it is known who the station is; not while one is being prepared; within the common budget."""
    (member,) = guard.fleet.members.values()
    controller = member.station.controller
    assert guard.lists() == []
    async with DrovaClient(SecretStr("token"), base_url="http://127.0.0.1:9") as client:
        controller.observer.server, controller.observer.access.client = SERVER, client
        (source,) = guard.lists()
        assert (source.gate_name, source.server, source.client) == ("127.0.0.1", SERVER, client)
        assert source.turn(Urgency.REST) == 0.0
        # A few at once, then the pace of all stations together: three a second.
        assert 0.0 < max(source.turn(Urgency.REST) for _ in range(4)) < 1.0
        controller.phase = Phase.PREPARING
        assert guard.lists() == []
    await guard.clouds.close()


async def test_an_account_is_asked_what_it_earned_once_and_by_who_knows_it(tmp_path: Path):
    """Of several stations' tokens each may be told of its station alone: its figures would stand for all. Not while a player is waited on."""
    settings = "WINDOWS_LOGIN='a'\nWINDOWS_PASSWORD='b'\nSHADOW_DEFENDER_PASSWORD='c'\n"
    fleet = tmp_path / "stations.toml"
    fleet.write_text(
        f"[defaults]\n{settings}[[station]]\nname='pc1'\nWINDOWS_HOST='127.0.0.1'\n[[station]]\nname='pc2'\nWINDOWS_HOST='127.0.0.2'\n"
    )
    config = read_config(Mode.POLL, {"DROVA_CONFIG": str(fleet)})
    for stations, merchant, expected in (
        (config.stations[:1], False, 1),
        (config.stations, False, 0),
        (config.stations, True, 1),
    ):
        guard = Guard(config, Process(tmp_path))
        guard.fleet.open(stations)
        controllers = [member.station.controller for member in guard.fleet.members.values()]
        assert guard.purses() == []
        async with DrovaClient(SecretStr("token"), base_url="http://127.0.0.1:9") as client:
            for controller in controllers:
                controller.observer.access.client, controller.observer.access.merchant = client, merchant
            assert [one.client for one in guard.purses()] == [client] * expected
            controllers[0].phase = Phase.PREPARING
            assert guard.purses() == []
        await guard.clouds.close()
