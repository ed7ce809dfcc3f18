"""A station's Steam as it is found over SSH and SFTP: nothing is written, and nothing that cannot be read hides the rest."""

import pytest
from simulated import linked

from drova_gate.errors import AnswerNotUnderstood, CallOwner, StationUnreachable
from drova_gate.sim.station import Station
from drova_gate.sim.windows.registry import Value
from drova_gate.sim.windows.saved_steam import APPS, CYRILLIC, LIBRARIES, LIBRARY_FOLDERS, STEAM, manifest_path
from drova_gate.steam.place import SteamClient, find_steam, read_client
from drova_gate.steam.scan import scan

MACHINE_KEY = r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam"
KINDS = [(shell, language) for shell in ("cmd", "powershell") for language in ("ru", "en")]


def put(station: Station, path: str, data: bytes) -> None:
    station.machine.files.write(path, data)


@pytest.mark.parametrize(("shell", "language"), KINDS)
async def test_everything_that_is_installed_is_found(shell: str, language: str):
    async with linked(shell=shell, language=language) as (station, link):
        station.journal.clear()
        commands = len(station.commands)
        found = await scan(link)
        assert len(station.commands) - commands == 1
        assert not [entry for entry in station.journal if entry.kind == "write"]
    assert [library.path for library in found.libraries] == list(LIBRARIES)
    assert {app.app_id: app.in_library for app in found.apps} == {app.app_id: app.in_library for app in APPS}
    assert [library.free // 10**9 for library in found.libraries] == [200, 499, 499]
    assert found.complete
    assert not found.faults
    assert {app.name for app in found.apps} == {app.name for app in APPS}


async def test_a_damaged_manifest_is_named_and_the_rest_goes_on():
    async with linked() as (station, link):
        put(station, manifest_path(APPS[1]), b"\0" * 1200)
        put(station, manifest_path(APPS[3]), b'"AppState"\n{\n')
        found = await scan(link)
    assert len(found.apps) == len(APPS) - 2
    assert sorted(str(fault) for fault in found.faults) == [
        rf"{STEAM}\steamapps\appmanifest_730.acf: holds nothing but zeros: a power cut took its content",
        r"D:\SteamLibrary\steamapps\appmanifest_1091500.acf: ends too soon or has a bracket too many (line 2)",
    ]
    assert found.complete  # both games are known to be there
    assert found.known == {app.app_id for app in APPS}


async def test_a_library_on_a_volume_that_is_gone_leaves_open_what_is_installed():
    text = LIBRARY_FOLDERS.replace("D:\\\\SteamLibrary", "E:\\\\SteamLibrary")
    async with linked() as (station, link):
        put(station, rf"{STEAM}\steamapps\libraryfolders.vdf", text.encode())
        found = await scan(link)
    assert [library.there for library in found.libraries] == [True, False, True]
    assert not found.complete
    (fault,) = found.faults
    assert str(fault).startswith(r"E:\SteamLibrary\steamapps: is not there: its volume is gone")


async def test_a_damaged_list_has_a_copy():
    async with linked() as (station, link):
        put(station, rf"{STEAM}\steamapps\libraryfolders.vdf", b"\0\0\0")
        assert (await scan(link)).complete
        put(station, rf"{STEAM}\config\libraryfolders.vdf", b'"libraryfolders"')
        found = await scan(link)
    assert not found.complete
    assert [library.path for library in found.libraries] == [STEAM]
    assert len(found.faults) == 2


async def test_steam_is_found_by_the_users_key_as_well():
    async with linked("other_console_user") as (station, link):
        station.machine.registry.delete_key(MACHINE_KEY)
        assert await find_steam(link) == r"C:\program files (x86)\steam"
        assert len((await scan(link)).apps) == len(APPS)


async def test_without_steam_it_says_so():
    async with linked() as (station, link):
        station.machine.registry.delete_key(MACHINE_KEY)
        station.machine.registry.delete_key(rf"{station.machine.owner.hive}\Software\Valve")
        with pytest.raises(CallOwner, match="Steam is not installed there"):
            await scan(link)


async def test_a_barred_registry_is_not_an_absence():
    async with linked() as (station, link):
        station.machine.files.delete(r"C:\Windows\System32\reg.exe")
        with pytest.raises(AnswerNotUnderstood, match="registry cannot be read"):
            await scan(link)


async def test_a_link_that_breaks_is_no_fault_of_a_file():
    async with linked() as (station, link):
        await station.power_off()
        with pytest.raises(StationUnreachable):
            await scan(link)


async def test_a_moved_steam_with_a_cyrillic_path_is_found():
    async with linked() as (station, link):
        station.machine.registry.set(MACHINE_KEY, "InstallPath", Value("REG_SZ", CYRILLIC))
        assert (await find_steam(link)) == CYRILLIC


async def test_the_client_and_who_is_signed_in():
    async with linked("other_console_user") as (station, link):
        sid = station.machine.owner.sid
        assert await read_client(link, sid) == SteamClient(running=True, signed_in=True, signs_in_by_itself=True)
        for process in station.machine.processes.named("steam.exe"):
            station.machine.processes.kill(process.pid)
        # Who was signed in stays in the registry of a Steam that was killed.
        assert await read_client(link, sid) == SteamClient(running=False, signed_in=False, signs_in_by_itself=True)


async def test_a_client_at_its_sign_in_form():
    async with linked() as (station, link):
        key = rf"{station.machine.owner.hive}\Software\Valve\Steam"
        station.machine.registry.set(rf"{key}\ActiveProcess", "ActiveUser", Value("REG_DWORD", 0))
        station.machine.registry.set(key, "AutoLoginUser", Value("REG_SZ", ""))
        assert await read_client(link, "") == SteamClient(running=True, signed_in=False, signs_in_by_itself=False)
