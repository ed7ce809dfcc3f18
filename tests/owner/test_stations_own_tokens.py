"""Without a merchant token: each station is asked over SSH for its own, which opens that station alone."""

from pathlib import Path

from owner_shop import Shop
from simulated import quick_plan, quick_station, settings_of

from drova_gate.sim.cloud import GAME


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
