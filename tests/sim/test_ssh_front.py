"""The simulated sshd: logins, sessions, commands that outlive their link, SFTP as Windows does it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
import pytest

from drova_gate.sim.station import Costs, Station, StationPlan

FREE = Costs(command=0, process=0, reboot=0, ready=0)


@asynccontextmanager
async def linked(station: Station, **options) -> AsyncIterator[asyncssh.SSHClientConnection]:
    settings = {"username": station.plan.login, "password": station.plan.password, "client_keys": None} | options
    async with asyncssh.connect(
        station.host, station.ssh_port, known_hosts=None, config=None, agent_path=None, **settings
    ) as link:
        yield link


def a_plan(**changes) -> StationPlan:
    return StationPlan(**({"costs": FREE, "language": "en"} | changes))


async def test_a_command_gives_raw_bytes_and_its_exit_code():
    """Stdout, stderr and the code arrive as Windows sent them, and the server names itself."""
    async with Station(a_plan(language="ru")) as station, linked(station) as link:
        assert link.get_extra_info("server_version") == "SSH-2.0-OpenSSH_for_Windows_9.5"
        done = await link.run("echo %OS%&nosuch&exit 128", encoding=None)
        assert (done.stdout, done.exit_status) == (b"Windows_NT\r\n", 128)
        assert done.stderr.decode("cp866").startswith('"nosuch" не является')
        assert station.commands[0] == "echo %OS%&nosuch&exit 128"
        assert [entry.kind for entry in station.journal] == ["login"]


async def test_wrong_password_is_refused():
    """So is a wrong name; nothing is logged as a login."""
    async with Station(a_plan()) as station:
        for wrong in ({"password": "nope"}, {"username": "nobody"}):
            with pytest.raises(asyncssh.PermissionDenied):
                async with linked(station, **wrong):
                    pass
        assert not [entry for entry in station.journal if entry.kind == "login"]


async def test_login_with_a_key():
    """The authorised key logs in, another one does not."""
    key, other = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    async with Station(a_plan(authorized_key=key.export_public_key().decode())) as station:
        async with linked(station, password=None, client_keys=[key]) as link:
            assert (await link.run("echo in")).stdout == "in\r\n"
        with pytest.raises(asyncssh.PermissionDenied):
            async with linked(station, password=None, client_keys=[other]):
                pass


async def test_the_eleventh_session_is_refused_and_the_link_lives():
    """MaxSessions 10, an open SFTP client counted; the refusal is code 2, "open failed"."""
    async with (
        Station(a_plan(costs=Costs(command=0.2, process=0, reboot=0, ready=0))) as station,
        linked(station) as link,
        link.start_sftp_client(),
    ):
        results = await asyncio.gather(*(link.run("echo x") for _ in range(12)), return_exceptions=True)
        refused = [each for each in results if isinstance(each, BaseException)]
        assert len(refused) == 3
        for error in refused:
            assert isinstance(error, asyncssh.ChannelOpenError)
            assert (error.code, error.reason) == (asyncssh.OPEN_CONNECT_FAILED, "open failed")
        assert (await link.run("echo again")).stdout == "again\r\n"


async def test_neither_terminal_nor_shell():
    """Only commands and SFTP are served."""
    async with Station(a_plan()) as station, linked(station) as link:
        for options in ({"command": "echo x", "term_type": "xterm"}, {}):
            with pytest.raises(asyncssh.ChannelOpenError):
                await link.create_process(**options)


async def test_a_dropped_link_does_not_stop_the_command():
    """The command runs to its end; who asked gets no exit status."""
    async with Station(a_plan(costs=Costs(command=0, process=0.05, reboot=0, ready=0))) as station:
        async with linked(station) as link:
            running = asyncio.create_task(link.run(r"echo a& hostname & hostname & echo x>C:\ProgramData\done"))
            while not station.commands:
                await asyncio.sleep(0.01)
            await station.drop_ssh()
            done = await running
        assert done.exit_status is None
        assert not station.machine.files.exists(r"C:\ProgramData\done")
        while not station.machine.files.exists(r"C:\ProgramData\done"):
            await asyncio.sleep(0.01)


async def test_a_command_costs_what_the_plan_says():
    """0.1 s for the command, 0.05 s for each program; SFTP beside it is free."""
    async with (
        Station(a_plan(costs=Costs(command=0.1, process=0.05, reboot=0, ready=0))) as station,
        linked(station) as link,
    ):
        began = asyncio.get_running_loop().time()
        await link.run("hostname&hostname")
        assert 0.2 <= asyncio.get_running_loop().time() - began < 0.5


@pytest.mark.parametrize("path", ["/C:/ProgramData/x.txt", "C:/ProgramData/X.TXT", r"c:\programdata\x.txt"])
async def test_sftp_paths(path: str):
    """All forms of an absolute path, in any case, name the same file."""
    async with Station(a_plan()) as station, linked(station) as link, link.start_sftp_client() as sftp:
        station.machine.files.write(r"C:\ProgramData\x.txt", b"here")
        async with sftp.open(path, "rb") as file:
            assert await file.read() == b"here"
        assert await sftp.exists(path)
        assert (await sftp.stat(path)).size == 4


async def test_sftp_relative_paths_root_and_variables():
    """Relative to the profile, the root lists the drives, variables are plain text."""
    async with Station(a_plan()) as station, linked(station) as link, link.start_sftp_client() as sftp:
        assert await sftp.realpath(".") == "/C:/Users/gate"
        assert await sftp.realpath(r"AppData\..\x") == "/C:/Users/gate/x"
        assert await sftp.realpath("C:") == "/C:/"
        assert sorted(await sftp.listdir("/")) == ["C:", "D:"]
        async with sftp.open("note.txt", "wb") as file:
            await file.write(b"x")
        assert station.machine.files.read(r"C:\Users\gate\note.txt") == b"x"
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.stat("%APPDATA%/x")
        assert "note.txt" in await sftp.listdir("C:/Users/gate")


async def test_sftp_errors():
    """Missing, read-only, in use, a directory: each has Windows' own status."""
    plan = a_plan(faults=frozenset({"file_in_use"}))
    async with Station(plan) as station, linked(station) as link, link.start_sftp_client() as sftp:
        files = station.machine.files
        held = next(
            path for process in station.machine.processes for path in process.holds if files.exists(path)
        ).replace("\\", "/")
        files.write(r"C:\ProgramData\ro", b"x")
        files.set_attributes(r"C:\ProgramData\ro", {"r"})
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open("C:/ProgramData/none", "rb")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open("C:/None/x", "wb")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.remove(held)
        with pytest.raises(asyncssh.SFTPFailure):
            await sftp.open(held, "wb")
        for act in (sftp.remove, lambda path: sftp.open(path, "wb")):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await act("C:/ProgramData/ro")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.remove("C:/ProgramData")


async def test_sftp_rename_replaces_only_as_posix_rename():
    """Upload-then-rename is the way to replace a file."""
    async with Station(a_plan()) as station, linked(station) as link, link.start_sftp_client() as sftp:
        files = station.machine.files
        for name in ("a", "b"):
            files.write(rf"C:\ProgramData\{name}", name.encode())
        with pytest.raises(asyncssh.SFTPFailure):
            await sftp.rename("C:/ProgramData/a", "C:/ProgramData/b")
        await sftp.posix_rename("C:/ProgramData/a", "C:/ProgramData/b")
        assert files.read(r"C:\ProgramData\b") == b"a"
        await sftp.mkdir("C:/ProgramData/dir")
        await sftp.rmdir("C:/ProgramData/dir")
        assert not files.exists(r"C:\ProgramData\dir")


async def test_sftp_carries_large_files_in_parallel():
    """Pipelined reads and writes of many files at once arrive whole."""
    content = bytes(range(256)) * 4000
    async with Station(a_plan()) as station, linked(station) as link, link.start_sftp_client() as sftp:

        async def there_and_back(number: int) -> bool:
            path = f"C:/ProgramData/big{number}"
            async with sftp.open(path, "wb") as file:
                await file.write(content)
            async with sftp.open(path, "rb") as file:
                return await file.read() == content

        assert all(await asyncio.gather(*(there_and_back(number) for number in range(6))))
        writes = [entry for entry in station.journal if entry.kind == "write"]
        assert len(writes) == 12
        assert not any(entry.shadowed for entry in writes)
