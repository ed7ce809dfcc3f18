"""A station's life: reboots, power, and the faults of its links."""

import asyncio
import socket
import time
from contextlib import suppress

import asyncssh
import pytest
from simulated import other_client

from drova_gate.sim import station as station_module
from drova_gate.sim.station import Costs, Station, StationPlan

FREE = Costs(command=0, process=0, reboot=0, ready=0)
CMDTOOL = r'"C:\Program Files\Shadow Defender\CmdTool.exe" /pwd:shadow-password'


def a_plan(*faults: str, **changes) -> StationPlan:
    return StationPlan(**({"costs": FREE, "language": "en", "faults": frozenset(faults)} | changes))


async def run(station: Station, text: str) -> tuple[str, int | None]:
    # A PC that has just booted opens its ports a moment later.
    async with asyncio.timeout(5):
        while await refused(station.host, station.ssh_port):
            await asyncio.sleep(0.01)
    async with other_client(station) as link:
        done = await link.run(text, encoding="utf-8", errors="replace")
        return str(done.stdout), done.exit_status


async def until(holds, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


async def refused(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_a_reboot_forgets_what_shadow_mode_covered():
    """Enter, write, shut down: links drop, the same ports come back, the write and Shadow Mode are gone."""
    async with Station(a_plan()) as station:
        ports, key = (station.ssh_port, station.agent_port), station.host_key_fingerprint
        assert (
            "C: is in shadow mode."
            in (await run(station, f"{CMDTOOL} /enter:C /now&{CMDTOOL} /exit:C&{CMDTOOL} /list"))[0]
        )
        await run(station, r"echo x>C:\ProgramData\left")
        assert station.machine.files.exists(r"C:\ProgramData\left")
        async with other_client(station) as link:
            await link.run("shutdown /r /f /t 0")
            await link.wait_closed()
        await until(lambda: station.machine.boot_count == 2 and station.machine.up)
        await until(lambda: station.agent_port == ports[1])
        assert (station.ssh_port, station.agent_port) == ports
        assert not station.machine.files.exists(r"C:\ProgramData\left")
        assert (await run(station, f"{CMDTOOL} /list"))[0] == ""
        assert station.host_key_fingerprint == key
        assert [entry.kind for entry in station.journal].count("reboot") == 1
        assert [entry.shadowed for entry in station.journal if entry.subject.endswith("left")] == [True, True]


async def test_a_command_that_runs_into_the_reboot_has_no_exit_status():
    """With /t 0 the link goes before the command's end: its status is unknown."""
    async with Station(a_plan(costs=Costs(command=0, process=0.05, reboot=0, ready=0))) as station:
        assert (await run(station, "shutdown /r /f /t 0&hostname&hostname"))[1] is None
        await until(lambda: station.machine.boot_count == 2)


async def test_an_aborted_shutdown_does_not_happen():
    """Shutdown /a within the delay."""
    async with Station(a_plan()) as station:
        assert await run(station, "shutdown /r /t 1") == ("", 0)
        assert await run(station, "shutdown /a") == ("", 0)
        await asyncio.sleep(1.1)
        assert station.machine.boot_count == 1


async def test_power_off_refuses_and_power_on_boots():
    """Both ports refuse while the PC is off; a link that was up ends."""
    async with Station(a_plan()) as station:
        async with other_client(station) as link:
            await station.power_off()
            await link.wait_closed()
        assert await refused(station.host, station.ssh_port)
        assert await refused(station.host, station.agent_port)
        assert not station.machine.up
        await station.power_on()
        assert (await run(station, "echo back"))[0] == "back\r\n"
        assert station.machine.boot_count == 2


async def test_switching_itself_off():
    """Shutdown /s: the station is off."""
    async with Station(a_plan()) as station:
        await run(station, "shutdown /s /f /t 0")
        await until(lambda: not station.machine.up)
        await until(lambda: station.links == 0)
        await station.power_on()
        assert station.machine.up


async def test_its_ports_stay_its_own_while_it_is_down():
    """Once a stranger took one in the quarter of a second that a boot lasts: the station came up halfway and never booted again."""
    async with Station(a_plan()) as station:
        await station.power_off()
        for port in (station.ssh_port, station.agent_port):
            with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
                stranger.bind((station.host, port))


async def test_a_command_that_ends_in_the_midst_of_a_reboot_does_not_switch_it_off():
    """It finds the machine down; that was no ``shutdown /s``."""
    async with Station(a_plan(costs=Costs(command=0, process=0, reboot=0.05, ready=0))) as station:
        rebooting = asyncio.create_task(station.reboot())
        await until(lambda: not station.machine.up)
        station._ended("echo over")
        await rebooting
        await asyncio.sleep(0.05)

        assert (station.machine.up, station.machine.boot_count) == (True, 2)


async def test_what_breaks_a_station_is_said_at_its_end():
    """A watcher that fails as the station goes down ends the task that reboots: nobody must take that for the gate's fault."""

    def fail(kind: str, _: str) -> None:
        if kind == "off":
            raise ValueError("no more")

    async def break_it() -> None:
        async with Station(a_plan()) as station:
            station.watch(fail)
            await run(station, "shutdown /r /f /t 0")
            await until(lambda: not station.machine.up)

    with pytest.raises(ExceptionGroup, match="broke while it was simulated") as caught:
        await break_it()

    (error,) = caught.value.exceptions
    assert str(error) == "no more"
    assert any("watches reboots" in note for note in error.__notes__)


async def test_never_comes_back():
    """The fault never_comes_back: off after the reboot."""
    async with Station(a_plan("never_comes_back")) as station:
        await station.reboot()
        assert await refused(station.host, station.ssh_port)


async def test_slow_boot():
    """The fault slow_boot: five times the reboot."""
    async with Station(a_plan("slow_boot", costs=Costs(command=0, process=0, reboot=0.05, ready=0))) as station:
        began = time.monotonic()
        await station.reboot()
        assert time.monotonic() - began >= 0.25


async def test_station_off(monkeypatch):
    """The fault station_off: refused at first, there after a while."""
    monkeypatch.setattr(station_module, "OFF_SECONDS", 0.2)
    async with Station(a_plan("station_off")) as station:
        assert await refused(station.host, station.ssh_port)
        await until(lambda: station.machine.up)
        await until(lambda: "station_off" not in station.faults)
        await asyncio.sleep(0.05)
        assert (await run(station, "echo back"))[0] == "back\r\n"


async def test_login_refused():
    """The fault login_refused, switched off, lets the owner in again."""
    async with Station(a_plan("login_refused")) as station:
        with pytest.raises(asyncssh.PermissionDenied):
            await run(station, "echo x")
        station.faults.discard("login_refused")
        assert (await run(station, "echo x"))[0] == "x\r\n"


async def test_host_key_changed():
    """The fault host_key_changed: the first login sees the first key, the next connection another one."""
    async with Station(a_plan("host_key_changed")) as station:
        seen = []
        for _ in range(2):
            async with other_client(station) as link:
                seen.append(link.get_server_host_key().get_fingerprint())
        assert seen[0] != seen[1] == station.host_key_fingerprint


async def test_few_sessions():
    """The fault max_sessions_1: SFTP and one command, no more."""
    async with (
        Station(a_plan("max_sessions_1", costs=Costs(command=0.1, process=0, reboot=0, ready=0))) as station,
        other_client(station) as link,
        link.start_sftp_client(),
    ):
        results = await asyncio.gather(link.run("echo a"), link.run("echo b"), return_exceptions=True)
        assert sorted(isinstance(each, asyncssh.ChannelOpenError) for each in results) == [False, True]


async def test_powershell_shell():
    """The fault powershell_shell: sshd starts PowerShell."""
    async with Station(a_plan("powershell_shell")) as station:
        assert (await run(station, "echo %OS% $PSVersionTable.PSVersion.Major"))[0] == "%OS%\r\n5\r\n"


async def test_drop_while_preparing_happens_once_and_the_batch_file_ends():
    """The fault ssh_drop_preparing: cut in the middle of the batch file, which runs on to its end."""
    plan = a_plan("ssh_drop_preparing", costs=Costs(command=0, process=0.02, reboot=0, ready=0))
    async with Station(plan) as station:
        lines = ["@echo off", *["hostname >nul"] * 8, r"echo x>C:\ProgramData\done", "echo end"]
        station.machine.files.write(r"C:\ProgramData\a.cmd", "\r\n".join(lines).encode())
        assert (await run(station, r"cmd.exe /d /c C:\ProgramData\a.cmd"))[1] is None
        await until(lambda: station.machine.files.exists(r"C:\ProgramData\done"))
        assert await run(station, r"cmd.exe /d /c C:\ProgramData\a.cmd") == ("end\r\n", 0)


async def test_drops_in_mid_session(monkeypatch):
    """The fault ssh_drop_session: five cuts once Shadow Mode is on and the preparation has run, none before."""
    monkeypatch.setattr(station_module, "QUIET_SECONDS", 0.05)
    async with Station(a_plan("ssh_drop_session")) as station:
        station.machine.files.write(r"C:\ProgramData\a.cmd", b"@echo prepared\r\n")
        await run(station, f"{CMDTOOL} /enter:CD /now")
        async with other_client(station) as link:
            await asyncio.sleep(0.2)
            assert not link.is_closed()
            await link.run(r"cmd /c C:\ProgramData\a.cmd")
            await link.wait_closed()
        while "ssh_drop_session" in station.faults:
            # On a slow machine a cut may come while the next link is still being made.
            with suppress(OSError, asyncssh.Error):
                async with other_client(station) as link:
                    await link.wait_closed()
        async with other_client(station) as link:
            await asyncio.sleep(0.2)
            assert not link.is_closed()


async def test_closing_a_station_ends_what_runs():
    """No task of a command outlives its station."""
    async with Station(a_plan(costs=Costs(command=0, process=30, reboot=0, ready=0))) as station:
        link = await other_client(station)
        process = await link.create_process("hostname")
        await until(lambda: bool(station.commands))
    await link.wait_closed()
    assert process.exit_status is None
