"""What the matrix rests on: the simulated world breaks as it should, and its records tell the truth."""

import asyncio

import asyncssh
import pytest
from simulated import other_client

from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.player import Player
from drova_gate.sim.station import Costs, Station, StationPlan
from drova_gate.sim.windows.installation import CMDTOOL

SWIFT = Costs(command=0.0, process=0.0, reboot=0.05, ready=0.0)
LIST = '"C:\\Program Files\\Shadow Defender\\CmdTool.exe" /pwd:shadow-password /list'
ENTER = '"C:\\Program Files\\Shadow Defender\\CmdTool.exe" /pwd:shadow-password /enter:CD /now'
LEAVE = '"C:\\Program Files\\Shadow Defender\\CmdTool.exe" /pwd:shadow-password /exit:CD'


async def run(connection: asyncssh.SSHClientConnection, command: str) -> tuple[int | None, str]:
    done = await connection.run(command, encoding=None)
    return done.exit_status, (done.stdout or b"").decode("cp866")  # type: ignore[union-attr]  # bytes without an encoding


# -- records -----------------------------------------------------------------------------------------------------------


async def test_a_watcher_is_told_of_everything_in_order():
    """Journal entries, commands, the power, the ready byte: what a step of the matrix begins with."""
    seen: list[str] = []
    async with Station(StationPlan(costs=SWIFT)) as station:
        station.watch(lambda kind, subject: seen.append(kind))
        async with Player() as player:
            await player.connect(station.host, station.agent_port)
            await player.wait_ready()
        async with other_client(station) as connection:
            await run(connection, LIST)
        await station.reboot()

    assert seen == ["ready", "login", "command", "shadow", "off", "reboot"]


async def test_the_disk_is_the_same_after_a_session_in_shadow_mode():
    """What was written under an overlay is in no lasting record, neither during nor after it."""
    async with Station(StationPlan(costs=SWIFT)) as station:
        before = station.machine.lasting()
        async with other_client(station) as connection:
            await run(connection, ENTER)
            await run(connection, LEAVE)
            await run(
                connection,
                r"echo mine> C:\left.txt & reg add HKLM\SOFTWARE\left /f & sc config wuauserv start= disabled",
            )
            during = station.machine.lasting()
        assert station.machine.files.exists(r"C:\left.txt")
        await station.reboot()

        assert before == during == station.machine.lasting()


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        (r"echo mine> C:\left.txt", ["files"]),
        (r"del C:\Windows\System32\drivers\etc\hosts", ["files"]),
        (r"reg add HKLM\SOFTWARE\left /f", ["registry"]),
        ("sc config wuauserv start= disabled", ["services"]),
        (r"schtasks /create /tn left /tr C:\Windows\explorer.exe /sc once /st 00:00", ["tasks"]),
        ("netsh advfirewall firewall add rule name=left dir=in action=block", ["registry", "firewall"]),
    ],
)
async def test_whatever_lasts_is_seen(command: str, parts: list[str]):
    """Outside Shadow Mode each kind of change shows in the record of the disks, and in no other part; firewall rules lie in the registry."""
    async with Station(StationPlan(costs=SWIFT)) as station:
        before = station.machine.lasting()
        async with other_client(station) as connection:
            await run(connection, command)
        now = station.machine.lasting()

    assert [name for name in now if now[name] != before[name]] == parts


async def test_the_owners_own_doing_is_not_written_down():
    """Mending a station is no write of the gate's."""
    async with Station(StationPlan(costs=SWIFT)) as station:
        count = len(station.journal)
        with station.machine.quietly():
            station.machine.files.delete(CMDTOOL)

        assert len(station.journal) == count


# -- faults ------------------------------------------------------------------------------------------------------------


async def test_a_full_disk_takes_nothing_but_tiny_files():
    """A marker finds room in the volume's own table, a script does not."""
    async with Station(StationPlan(costs=SWIFT, faults=frozenset({"disk_full"}))) as station:
        async with other_client(station) as connection, connection.start_sftp_client() as sftp:
            async with sftp.open("/C:/tiny.txt", "wb") as tiny:
                await tiny.write(b"id")
            with pytest.raises(asyncssh.SFTPError):
                async with sftp.open("/C:/large.txt", "wb") as large:
                    await large.write(b"x" * 10_000)
        files = station.machine.files

        assert (files.read(r"C:\tiny.txt"), files.read(r"C:\large.txt")) == (b"id", b"")


async def test_killed_scripts_end_half_way_with_an_exit_code():
    """The channel ends, the rest of the command never runs."""
    slow = Costs(command=0.0, process=0.2, reboot=0.05)
    async with Station(StationPlan(costs=slow)) as station, other_client(station) as connection:
        running = asyncio.create_task(run(connection, r"whoami & whoami & echo late> C:\late.txt"))
        async with asyncio.timeout(5):
            while not station.commands:
                await asyncio.sleep(0.01)
        await station.kill_scripts()
        code, _ = await running

        assert code == 1
        assert not station.machine.files.exists(r"C:\late.txt")


async def test_a_silent_protector_does_nothing():
    """It prints nothing and changes nothing, and its exit code is 0 as always."""
    async with Station(StationPlan(costs=SWIFT, faults=frozenset({"shadow_silent"}))) as station:
        async with other_client(station) as connection:
            entered = await run(connection, ENTER)

        assert entered == (0, "")
        assert not station.machine.shadow.active


async def test_orders_to_reboot_are_taken_and_ignored():
    """``reboot_never`` is not spent by the first order."""
    async with Station(StationPlan(costs=SWIFT, faults=frozenset({"reboot_never"}))) as station:
        async with other_client(station) as connection:
            codes = [(await run(connection, "shutdown /r /f /t 0"))[0] for _ in range(2)]
        await asyncio.sleep(0.1)

        assert codes == [0, 0]
        assert (station.machine.up, station.machine.boot_count) == (True, 1)


async def test_explorer_does_not_come_up_again():
    """Nothing of the desktop starts any more, though the scheduler says that it has tried."""
    async with Station(StationPlan(costs=SWIFT, faults=frozenset({"explorer_gone"}))) as station:
        async with other_client(station) as connection:
            await run(connection, "taskkill /f /im explorer.exe")
            await run(connection, r"schtasks /create /f /tn shell /tr C:\Windows\explorer.exe /sc once /st 00:00 /it")
            code, _ = await run(connection, "schtasks /run /tn shell")

        assert code == 0
        assert not station.machine.shell_running()


async def test_another_host_key_cuts_the_links():
    """Whoever connects next is shown a stranger."""
    async with Station(StationPlan(costs=SWIFT)) as station:
        before = station.host_key_fingerprint
        async with other_client(station) as connection:
            await station.change_host_key()
            await connection.wait_closed()

        assert station.host_key_fingerprint != before


async def test_held_calls_end_when_the_cloud_recovers():
    """A client with a long time-out is not kept waiting for it."""
    async with Cloud(CloudPlan(faults=frozenset({"cloud_timeout"}))) as cloud:
        reader, writer = await asyncio.open_connection("127.0.0.1", cloud.port)
        writer.write(b"GET /product-manager/product/listfull2 HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readline()
        cloud.faults.discard("cloud_timeout")
        async with asyncio.timeout(2):
            status = await reader.readline()
        writer.close()
        await writer.wait_closed()

    assert b"503" in status


async def test_a_wrong_clock_shows_in_the_files():
    """A station whose clock runs a day ahead dates its files so."""
    async with Station(StationPlan(costs=SWIFT)) as station:
        station.machine.files.write(r"C:\before.txt", b"")
        station.machine.files.clock_ahead = 86_400.0
        station.machine.files.write(r"C:\after.txt", b"")
        ahead = station.machine.files.modified(r"C:\after.txt") - station.machine.files.modified(r"C:\before.txt")

    assert 86_400.0 <= ahead < 86_410.0
