"""``python -m drova_gate.sim`` as people start it: a process of its own."""

import asyncio
import json
import re
import signal
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest

from drova_gate.sim.__main__ import main
from drova_gate.sim.faults import ACCOUNT_FAULTS, FAULTS
from drova_gate.sim.player import Player


@asynccontextmanager
async def simulation(*arguments):
    """The running process, and what it printed up to its ready line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "drova_gate.sim", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        lines = []
        async with asyncio.timeout(30):
            while not lines or not lines[-1].startswith("# ready"):
                line = (await process.stdout.readline()).decode()
                assert line, (await process.stderr.read()).decode()
                lines.append(line.rstrip("\n"))
        yield process, lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def settings_of(lines):
    """The settings of each block, as an env file is read."""
    blocks = []
    for line in lines:
        if line.startswith("# station "):
            blocks.append({"server": line.split()[-1]})
        elif "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            blocks[-1][name] = value
    return blocks


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_it_prints_settings_that_lead_to_a_station_and_a_cloud_and_stops_clean(stop):
    """Each block has every setting; agent and cloud answer at them; a signal ends it with exit code 0."""
    async with simulation("--stations", "2", "--speed", "10", "--fault", "foreign_sessions") as (process, lines):
        first, second = settings_of(lines)
        async with aiohttp.ClientSession(first["DROVA_API_URL"]) as http:
            async with http.post("/sim/session", data=json.dumps({"server": second["server"]})) as response:
                session = (await response.json())["session"]
            async with http.post(f"/sim/session/{session}/status", data=b'{"status": "ACTIVE"}') as response:
                assert response.status == 200
            async with http.post("/sim/fault/agent_silent") as response:
                assert response.status == 200
            async with http.get("/sim/state") as response:
                state = await response.json()
        async with Player() as player:
            await player.connect(first["WINDOWS_HOST"], int(first["DROVA_TARGET_PORT"]))
            with pytest.raises(TimeoutError):
                await player.wait_ready(0.3)
        _, ssh_writer = await asyncio.open_connection(second["WINDOWS_HOST"], int(second["WINDOWS_SSH_PORT"]))
        ssh_writer.close()
        await ssh_writer.wait_closed()
        process.send_signal(stop)
        async with asyncio.timeout(5):
            _, errors = await process.communicate()

        assert process.returncode == 0, errors.decode()
        assert errors.decode() == "simulator: stopping\n"
        assert first.keys() == {
            *("server", "WINDOWS_HOST", "WINDOWS_SSH_PORT", "WINDOWS_LOGIN", "WINDOWS_PASSWORD"),
            *("SHADOW_DEFENDER_PASSWORD", "DROVA_TARGET_PORT", "DROVA_API_URL"),
        }
        assert {one["server_id"] for one in state["sessions"]} == {second["server"]}
        assert state["faults"] == {"cloud": ["foreign_sessions"], "stations": ["agent_silent"]}
        assert any(FAULTS["foreign_sessions"].line in line for line in lines)


async def test_it_can_serve_an_owners_account():
    """A past for every station, stations that only the cloud knows, and the owner's token among the settings."""
    asked = ("--history", "40", "--cloud-only", "20", "--catalogue", "150", "--odd-names", "--merchant")
    async with simulation("--fault", "finished_late", *asked) as (_, lines):
        [settings] = settings_of(lines)
        token = {"X-Auth-Token": settings["DROVA_TOKEN"]}
        async with aiohttp.ClientSession(settings["DROVA_API_URL"], headers=token) as http:

            async def get(path, **query):
                async with http.get(path, params=query) as response:
                    assert response.status == 200
                    return await response.json()

            servers = await get("/server-manager/servers", user_id=(await get("/accounting/myaccount"))["uuid"])
            own = await get("/session-manager/sessions", server_id=settings["server"], limit="1000")
            catalogue = await get("/product-manager/product/listfull2")

        assert "# and 20 stations that only the cloud knows" in lines
        assert len(servers) == 21
        assert {"LISTEN", "BUSY", "OFFLINE"} <= {server["state"] for server in servers}
        assert {server["state"] for server in servers if server["uuid"] == settings["server"]} == {"LISTEN"}
        assert "=1+1" in {server["name"] for server in servers}
        assert len(own["sessions"]) == 40
        assert len(catalogue) == 150


def test_list_faults_prints_every_fault_with_its_line(capsys):
    """One line each, in order."""
    assert main(["--list-faults"]) == 0
    printed = capsys.readouterr().out.splitlines()
    every = [*FAULTS.values(), *ACCOUNT_FAULTS.values()]

    assert [line.split()[0] for line in printed] == [fault.name for fault in every]
    assert all(fault.line in line for fault, line in zip(every, printed, strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "cloud_502"], "no fault 'cloud_502'; see --list-faults"),
        (["--fault", "back_to_back"], "is played by whoever drives the session"),
        (["--stations", "0"], "a number from 1 to 200 expected"),
        (["--history", "many"], "a number from 0 to 5000 expected"),
        (["--cloud-only", "201"], "a number from 0 to 200 expected"),
        (["--speed", "fast"], "a number from 0.01 to 1000 expected"),
        (["--language", "de"], "invalid choice"),
    ],
)
def test_a_wrong_argument_is_named(arguments, message, capsys):
    """Exit code 2 and the reason."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert re.sub(r"\s+", " ", capsys.readouterr().err).count(message) == 1
