"""Without a merchant token: each station is asked over SSH for its own, which opens that station alone."""

from contextlib import AsyncExitStack
from pathlib import Path

from owner_shop import Shop
from simulated import quick_plan, quick_station, settings_of

from drova_gate.sim.cloud import GAME
from drova_gate.sim.station import Station


async def test_the_owners_commands_do_with_what_the_station_has(tmp_path: Path):
    async with quick_station(quick_plan(name="Игровой ПК")) as (station, cloud):
        server = station.plan.registrations[0][0]
        made = cloud.servers[server]
        settings = settings_of(station, cloud, DROVA_TOKEN="")
        shop = Shop(cloud, tmp_path)
        code, out, err = await shop.run("stations", **settings)
        assert (code, err) == (0, "")
        assert station.host in out

        code, out, err = await shop.run("hide", "Игровой ПК", **settings)
        assert (code, err) == (0, "")
        assert not made.published

        folder = shop.state / station.host
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "maintenance").write_text("new disk", encoding="utf-8")
        code, out, err = await shop.run("publish", station.host, **settings)
        assert (code, out) == (1, "")
        assert "under maintenance (new disk)" in err

        cloud.start_session(server, GAME)
        code, out, err = await shop.run("current", **settings)
        assert (code, err) == (0, "")
        assert "A Game" in out
        assert "A Game" in (await shop.run("sessions", **settings))[1]
        assert not cloud.refused


async def test_a_station_whose_token_is_refused_is_named_and_the_others_are_there(tmp_path: Path):
    """Its registry holds a token that Drova has withdrawn."""
    withdrawn = ("22222222-2222-4222-8222-222222222222", "withdrawn-token", "7b7c1c1e-52a3-4f0e-9d0a-000000000001")
    plan = quick_plan(registrations=(withdrawn,))
    async with quick_station(quick_plan(name="PC")) as (station, cloud), quick_station(plan) as (other, _):
        fleet = tmp_path / "stations.toml"
        fleet.write_text(
            "".join(
                f"""[[station]]
name = "{name}"
WINDOWS_HOST = "{one.host}"
WINDOWS_SSH_PORT = {one.ssh_port}
WINDOWS_LOGIN = "{one.plan.login}"
WINDOWS_PASSWORD = "{one.plan.password}"
SHADOW_DEFENDER_PASSWORD = "{one.plan.shadow_password}"
"""
                for name, one in (("pc1", station), ("pc2", other))
            ),
            encoding="utf-8",
        )
        shop, settings = Shop(cloud, tmp_path), {"DROVA_TOKEN": "", "DROVA_CONFIG": str(fleet)}
        code, out, err = await shop.run("stations", **settings)
        assert code == 1
        assert "pc1" in out
        assert "station pc2: answered 401" in err
        assert (await shop.run("hide", "pc1", **settings))[0] == 0
        assert not cloud.servers[station.plan.registrations[0][0]].published


async def test_a_station_whose_token_cannot_be_had_is_said_and_the_others_are_there(tmp_path: Path):
    async with quick_station(quick_plan(name="PC")) as (station, cloud):
        plan = station.plan
        fleet = tmp_path / "stations.toml"
        fleet.write_text(
            f"""[defaults]
WINDOWS_LOGIN = "{plan.login}"
WINDOWS_PASSWORD = "{plan.password}"
SHADOW_DEFENDER_PASSWORD = "{plan.shadow_password}"
[[station]]
name = "pc1"
WINDOWS_HOST = "{station.host}"
WINDOWS_SSH_PORT = {station.ssh_port}
[[station]]
name = "pc2"
WINDOWS_HOST = "127.0.0.1"
WINDOWS_SSH_PORT = 9
""",
            encoding="utf-8",
        )
        shop, settings = Shop(cloud, tmp_path), {"DROVA_TOKEN": "", "DROVA_CONFIG": str(fleet)}
        code, out, err = await shop.run("stations", **settings)
        assert code == 1
        assert "pc1" in out
        assert "127.0.0.1" in err
        assert (await shop.run("stations", "--station", "pc1", **settings))[0] == 0


async def test_figures_of_one_station_do_not_stand_for_the_account(tmp_path: Path):
    """With several stations' tokens nobody knows what the account earned: that is said, and nothing wrong is archived."""
    second = "22222222-2222-4222-8222-222222222222"
    async with quick_station(quick_plan(name="pc1")) as (station, cloud), AsyncExitStack() as stack:
        owner = station.plan.registrations[0][2]
        plan = quick_plan(name="pc2", registrations=((second, "token of pc2", owner),))
        cloud.add_server(second, "pc2", owner, token="token of pc2")
        other = await stack.enter_async_context(Station(plan))
        shop = Shop(cloud, tmp_path)
        alone = settings_of(station, cloud, DROVA_TOKEN="")
        assert (await shop.run("history", "sync", **alone))[::2] == (0, "")
        assert "Drova's own figures" in (await shop.run("history", "show", "--report", "income", **alone))[1]

        (shop.state / "history.sqlite").unlink()
        fleet = tmp_path / "stations.toml"
        fleet.write_text(
            "".join(
                f"[[station]]\nname='{one.plan.name}'\nWINDOWS_HOST='{one.host}'\nWINDOWS_SSH_PORT={one.ssh_port}\n"
                f"WINDOWS_LOGIN='{one.plan.login}'\nWINDOWS_PASSWORD='{one.plan.password}'\n"
                f"SHADOW_DEFENDER_PASSWORD='{one.plan.shadow_password}'\n"
                for one in (station, other)
            )
        )
        both = {"DROVA_TOKEN": "", "DROVA_CONFIG": str(fleet)}
        code, _, err = await shop.run("history", "sync", **both)
        assert code == 0
        assert err == (
            "income: a station's token may show that station alone; log in for the whole account: drova_gate login\n"
        )
        out = (await shop.run("history", "show", "--report", "income", **both))[1]
        assert out == "no usage statistics are archived yet; run drova_gate history sync\n"
