"""``drova_gate init`` as its users meet it: scripts, and people who slip, go away and come back."""

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from dotenv import dotenv_values
from onboard_world import World, changes_of

from drova_gate.config import Mode, read_config
from drova_gate.onboard.discover import no_host
from drova_gate.sim.station import Station

SHADOW = ("--shadow-password-stdin",)


def stations(file: Path) -> list[tuple[str, int | None]]:
    config = read_config(Mode.RUN, {"DROVA_CONFIG": str(file)})
    return [(one.name, one.listen_port) for one in config.stations]


# -- scripts ---------------------------------------------------------------------------------------------------------


async def test_a_script_sets_a_station_up_with_the_gates_own_key(world_with_key: World):
    """Nothing but the lines of the PC's script and Shadow Defender's password; nothing is changed on the station."""
    world = world_with_key
    key = world.station.host_key_fingerprint
    code, out, err = await world.init_by_itself(
        *("pc1", *world.at(), "--login", "gate", "--host-key", key, *SHADOW, "--listen", "7999", "--yes"),
        stdin="shadow-password\n",
    )

    assert code == 0, out + err
    assert stations(world.file) == [("pc1", 7999)]
    (station,) = read_config(Mode.RUN, {"DROVA_CONFIG": str(world.file)}).stations
    assert station.key_file == world.folder / "state" / "gate_key"
    assert station.password is None
    assert station.host_key == key
    assert stat.S_IMODE(world.file.stat().st_mode) & 0o027 == 0
    assert "logged in as gate by key" in out
    assert "ok    ssh" in out, "the doctor has looked"
    assert changes_of(world.station) == []
    assert "shadow-password" not in out + err


async def test_a_second_station_leaves_the_first_as_it_is(world: World):
    """Comments stay; its name and its port are taken."""
    world.file.parent.mkdir()
    owners = '# mine\n[[station]]\nname = "pc1"\nwindows_host = "10.0.0.9"\nwindows_login = "x"\nwindows_password = "y"\nshadow_defender_password = ""\ndrova_socket_listen = 7985\n'
    world.file.write_text(owners, encoding="utf-8")
    common = (*world.at(), "--login", "gate", "--password-stdin", *SHADOW, "--yes", "--no-doctor")
    secrets = "station-password\nshadow-password\n"

    taken = await world.init("pc1", *common, stdin=secrets)
    port = await world.init("pc2", *common, "--listen", "7985", stdin=secrets)
    assert world.file.read_text(encoding="utf-8") == owners
    good = await world.init("pc2", *common, stdin=secrets)

    assert taken[0] == port[0] == 1
    assert "is there already" in taken[2]
    assert "another station's" in port[2]
    assert good[0] == 0, good
    assert world.file.read_text(encoding="utf-8").startswith(owners)
    assert [name for name, _ in stations(world.file)] == ["pc1", "pc2"]
    assert stations(world.file)[1][1] not in (None, 7985)
    assert "station-password" not in good[1] + good[2]


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (("--login", "gate", "--password-stdin", "--no-protector"), "wrong\n", "refuses the password"),
        (("--login", "gate", "--password-stdin", *SHADOW), "station-password\nwrong\n", "refuses the password"),
        (("--login", "gate", "--password-stdin"), "station-password\n", "Shadow Defender's password is not given"),
        (("--login", "gate", "--host-key", "SHA256:" + "A" * 43), "", "is it the right PC?"),
        (("--login", "gate", "--password-file", "none.txt"), "", "none.txt cannot be read"),
        (
            ("--login", "gate", "--password-stdin", "--no-protector", "--listen", "x"),
            "station-password\n",
            "no TCP port",
        ),
    ],
)
async def test_a_script_that_gives_too_little_or_wrong_gets_one_line_and_no_file(
    arguments: tuple[str, ...], stdin: str, says: str, world: World
):
    code, out, err = await world.init("pc1", *world.at(), *arguments, "--yes", stdin=stdin)

    assert code == 1, out + err
    assert says in err
    assert "Traceback" not in err
    assert not world.file.exists()
    assert changes_of(world.station) == []


@pytest.mark.parametrize(
    "host", ["192.168.1", "192.168.1.", "pc one", "no-such-name.invalid", "256.1.1.1", "http://x", "", "fe80:"]
)
def test_a_half_typed_address_is_said(host: str):
    assert no_host(host).startswith(repr(host))
    assert "; write " in no_host(host)


@pytest.mark.parametrize("host", ["192.168.1.20", "localhost", "::1"])
def test_a_whole_address_is_taken(host: str):
    assert no_host(host) == ""


async def test_an_unreachable_pc_is_refused_unless_it_is_wanted_so(world: World):
    world.station.faults.add("station_off")
    await world.station.power_off()
    rest = ("--login", "gate", "--password-stdin", "--no-protector", "--listen", "off", "--yes")

    refused = await world.init("pc1", *world.at(), *rest, stdin="p\n")
    assert not world.file.exists()
    written = await world.init("pc1", *world.at(), *rest, "--offline", stdin="p\n")

    assert refused[0] == 1
    assert "--offline" in refused[2]
    assert written[0] == 0, written
    assert stations(world.file) == [("pc1", None)]


async def test_a_host_key_that_nobody_compares_is_said_to_be_so(world: World):
    """A script's password goes to whoever answers there; the given key is compared before any login."""
    rest = ("--login", "gate", "--password-stdin", "--no-protector", "--listen", "off", "--yes", "--no-doctor")
    believed = await world.init("pc1", *world.at(), *rest, stdin="station-password\n")
    compared = await world.init(
        *("pc2", *world.at(), "--host-key", world.station.host_key_fingerprint, *rest), stdin="station-password\n"
    )

    assert (believed[0], compared[0]) == (0, 0), (believed, compared)
    assert "nobody compares it here; --host-key" in believed[1]
    assert "nobody compares it here" not in compared[1]


async def test_single_writes_a_file_for_one_process(world: World):
    code, out, err = await world.init(
        *("pc1", *world.at(), "--login", "gate", "--password-stdin", *SHADOW, "--yes", "--single", "--listen", "off"),
        *("--no-doctor",),
        stdin="station-password\nshadow-password\n",
    )
    again = await world.init("pc1", *world.at(), "--login", "x", "--no-protector", "--single", "--yes")

    file = world.file.with_name("pc1.env")
    assert code == 0, out + err
    assert stat.S_IMODE(file.stat().st_mode) & 0o027 == 0
    assert dotenv_values(file)["WINDOWS_PASSWORD"] == "station-password"
    assert again[0] == 1
    assert "is there already" in again[2]


async def test_a_place_that_cannot_be_written_is_said_before_anything_is_asked(world: World):
    """As another user where root would get in everywhere."""
    closed = world.folder / "closed"
    closed.mkdir(mode=0o500)
    code = (
        "import os, sys; from drova_gate.cli import main; import drova_gate.logs; import drova_gate.onboard.first_station, drova_gate.onboard.station_file; "
        "os.geteuid() or os.setuid(65534); sys.exit(main(['init', '--dir', sys.argv[1]]))"
    )
    world.folder.chmod(0o755)
    for parent in world.folder.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, str(closed / "etc")],
        env=world.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert "cannot be written" in done.stderr
    assert "--dir" in done.stderr
    assert "Traceback" not in done.stderr


# -- people ----------------------------------------------------------------------------------------------------------


async def test_a_person_slips_and_still_gets_there(world: World):
    """Each slip is said at once and asked again; secrets do not show; the file is there at the end alone."""
    async with world.terminal("--port", str(world.station.ssh_port), "--no-doctor") as screen:
        await screen.sees("Name of the station [pc1]: ")
        screen.types("pc 1\n")
        await screen.sees("is no name")
        screen.types("\n")
        await screen.sees("Address of the PC: ")
        screen.types("127.0.\n")
        await screen.sees("is no whole address")
        screen.types(f"{world.station.host}\n")
        await screen.sees(world.station.host_key_fingerprint)
        screen.types("да\n")
        await screen.sees("Login there")
        screen.types("gate\n")
        await screen.sees("Password of gate: ")
        screen.types("wrong\n")
        await screen.sees("refuses the password")
        await screen.sees("Password of gate: ")
        screen.types("station-password\n")
        await screen.sees("logged in as gate by password")
        await screen.sees("Drova: registered as")
        await screen.sees("volumes: C, D")
        await screen.sees("Password of Shadow Defender")
        screen.types("nope\n")
        await screen.sees("refuses the password")
        await screen.sees("Password of Shadow Defender")
        screen.types("shadow-password\n")
        await screen.sees("Port to listen on")
        screen.types("70000\n")
        await screen.sees("is no TCP port")
        screen.types("off\n")
        await screen.sees("[Y/n] ")
        assert not world.file.exists()
        screen.types("\n")
        await screen.sees("written")
        await screen.sees("drova_gate login")
        assert await screen.ended() == 0

    assert stations(world.file) == [("pc1", None)]
    assert not {"station-password", "shadow-password", "nope", "wrong"} & set(screen.seen.split())
    assert changes_of(world.station) == []


async def test_the_gates_own_key_needs_no_password(world_with_key: World):
    world = world_with_key
    async with world.terminal("pc1", *world.at(), "--login", "gate", "--no-protector", "--no-doctor") as screen:
        await screen.sees("[y/N] ")
        screen.types("y\n")
        await screen.sees("logged in as gate by key")
        await screen.sees("Port to listen on")
        screen.types("\n")
        await screen.sees("[Y/n] ")
        screen.types("n\n")
        await screen.sees("nothing was written")
        assert await screen.ended() == 1
    assert not world.file.exists()


async def test_another_host_key_ends_it_before_a_password_is_asked_for(world: World):
    async with world.terminal("pc1", *world.at()) as screen:
        await screen.sees("[y/N] ")
        screen.types("\n")
        await screen.sees("no login was tried")
        assert await screen.ended() == 1
    assert "Password" not in screen.seen
    assert not world.file.exists()


@pytest.mark.parametrize(("key", "code"), [(b"\x03", 130), (b"\x04", 1)], ids=["Ctrl-C", "Ctrl-D"])
async def test_whoever_goes_away_leaves_nothing_behind(key: bytes, code: int, world: World):
    async with world.terminal("pc1") as screen:
        await screen.sees("Address of the PC: ")
        await screen.presses(key)
        await screen.sees("nothing was written")
        assert await screen.ended() == code
    assert not world.file.parent.exists()
    assert "Traceback" not in screen.seen


async def test_a_pc_that_is_off_can_be_written_all_the_same(world: World):
    await world.station.power_off()
    async with world.terminal("pc1", "--port", str(world.station.ssh_port), "--no-protector") as screen:
        await screen.sees("Address of the PC: ")
        screen.types(f"{world.station.host}\n")
        await screen.sees("no SSH at")
        await screen.sees("is the PC on, and has drova_gate bootstrap's script run there?")
        screen.types("n\n")
        await screen.sees("Address of the PC: ")
        screen.types(f"{world.station.host}\n")
        await screen.sees("[y/N] ")
        screen.types("y\n")
        await screen.sees("Login there")
        screen.types("gate\n")
        await screen.sees("Password of gate")
        screen.types("secret\n")
        await screen.sees("Port to listen on")
        screen.types("off\n")
        await screen.sees("[Y/n] ")
        screen.types("y\n")
        assert await screen.ended() == 0
    assert stations(world.file) == [("pc1", None)]


async def test_a_terminal_of_another_encoding_is_no_crash(world: World):
    """Bytes that are no text of it are asked for anew; what it cannot show are question marks."""
    async with world.terminal(PYTHONIOENCODING="ascii", DROVA_LANG="ru") as screen:
        await screen.sees(" [pc1]: ")
        screen.types("пк\n".encode("koi8-r"))
        await screen.sees(" [pc1]: ")
        await screen.presses(b"\x03")
        assert await screen.ended() == 130
    assert "Traceback" not in screen.seen


async def test_without_an_agent_it_says_so_and_goes_on(world: World):
    plan = replace(world.station.plan, faults=frozenset({"no_registration"}))
    async with Station(plan) as station:
        code, out, err = await world.init(
            *("pc1", "--host", station.host, "--port", str(station.ssh_port), "--login", "gate", "--password-stdin"),
            *(*SHADOW, "--yes", "--no-doctor", "--listen", "off"),
            stdin="station-password\nshadow-password\n",
        )

    assert code == 0, out + err
    assert "no server id and token" in out
    assert stations(world.file) == [("pc1", None)]
