"""The simulated PC: Shadow Mode forgets, faults strike, launchers are there to be signed out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.sim.plan import Costs, Entry, StationPlan
from drova_gate.sim.windows.files import FileInUse
from drova_gate.sim.windows.launchers import LAUNCHERS
from drova_gate.sim.windows.machine import Finished, Machine, ProgramNotFound
from drova_gate.sim.windows.program import split_line
from drova_gate.sim.windows.registry import Value

FREE = Costs(0, 0, 0, 0)
CMDTOOL = '"C:\\Program Files\\Shadow Defender\\CmdTool.exe" /pwd:shadow-password'


def built(*faults: str, **plan) -> tuple[Machine, list[Entry]]:
    journal: list[Entry] = []
    return Machine(StationPlan(costs=FREE, faults=frozenset(faults), **plan), journal), journal


async def run(machine: Machine, line: str) -> Finished:
    return await machine.start(line, environment=machine.environment(), directory=machine.ssh_user.profile)


async def shadowed(machine: Machine) -> str:
    return (await run(machine, f"{CMDTOOL} /list")).stdout.decode("ascii")


def test_unknown_fault_is_refused():
    """A misspelt fault must not pass as a station without faults."""
    with pytest.raises(ValueError, match="shadow_refusess"):
        StationPlan(faults=frozenset({"shadow_refusess"}))


def test_a_fresh_machine_has_everybody_signed_in_and_an_empty_journal():
    """What Windows and the owner did before the first rental is no entry; every launcher is signed in."""
    machine, journal = built()
    assert machine.up
    assert machine.boot_count == 1
    assert journal == []
    assert machine.signed_in() == set(LAUNCHERS)
    assert machine.shell_running()


async def test_shadow_mode_forgets_files_registry_services_firewall_and_tasks():
    """After a boot everything written in Shadow Mode is gone, on every volume."""
    machine, journal = built()
    before = machine.registry.text(r"HKLM\SOFTWARE\ITKey\Esme", "last_server")
    await run(machine, f"{CMDTOOL} /enter:CD /now")
    await run(machine, f"{CMDTOOL} /exit:CD")
    machine.files.write(r"C:\marker", b"x")
    machine.files.write(r"D:\marker", b"x")
    machine.registry.set(r"HKLM\SOFTWARE\drova_gate", "marker", Value("REG_SZ", "1"))
    machine.registry.delete_key(r"HKLM\SOFTWARE\ITKey")
    await run(machine, "sc.exe config FDResPub start= disabled")
    await run(machine, 'netsh advfirewall firewall add rule name="x" dir=out action=block')
    await run(machine, "schtasks /create /tn t /tr explorer.exe /sc once /st 00:00 /it /f")
    assert {entry.shadowed for entry in journal if entry.kind == "write"} == {True}
    machine.boot()
    assert not machine.files.exists(r"C:\marker")
    assert not machine.files.exists(r"D:\marker")
    assert not machine.registry.has_key(r"HKLM\SOFTWARE\drova_gate")
    assert machine.registry.text(r"HKLM\SOFTWARE\ITKey\Esme", "last_server") == before
    assert machine.services.get("fdrespub").start == "demand"
    assert machine.firewall.rules == []
    assert machine.tasks.all() == []
    assert await shadowed(machine) == ""


async def test_writes_without_shadow_mode_stay_and_are_journalled_as_such():
    """The journal tells an unprotected write from a protected one; a boot does not undo it."""
    machine, journal = built()
    machine.files.write(r"C:\left", b"x")
    assert [(entry.kind, entry.subject, entry.shadowed) for entry in journal] == [("write", "C:\\left", False)]
    machine.boot()
    assert machine.files.exists(r"C:\left")


async def test_entered_now_comes_back_shadowed_until_an_exit_is_stored():
    """A plain reboot keeps Shadow Mode (clean); an exit for the next boot ends it."""
    machine, _ = built()
    await run(machine, f"{CMDTOOL} /enter:C /now")
    machine.files.write(r"C:\marker", b"x")
    machine.boot()
    assert not machine.files.exists(r"C:\marker")
    assert await shadowed(machine) == "C: is in shadow mode.\r\n"
    await run(machine, f"{CMDTOOL} /exit:C")
    assert await shadowed(machine) == "C: is in shadow mode.\r\n"
    machine.boot()
    assert await shadowed(machine) == ""


async def test_exit_now_drops_protection_at_once():
    """The mistake of one tool: what is written after /exit /now stays for ever."""
    machine, _ = built()
    await run(machine, f"{CMDTOOL} /enter:C /now")
    machine.registry.set(r"HKLM\SOFTWARE\x", "y", Value("REG_SZ", "z"))
    assert "Change the status of C: successfully." in (await run(machine, f"{CMDTOOL} /exit:C /now")).stdout.decode()
    assert await shadowed(machine) == ""
    machine.boot()
    assert machine.registry.text(r"HKLM\SOFTWARE\x", "y") == "z"


async def test_cmdtool_speaks_like_the_vendors_and_always_ends_with_zero():
    """Exit code 0 whatever happened; a wrong password stops everything, /reboot included."""
    machine, journal = built()
    wrong = await run(machine, CMDTOOL.replace("shadow-password", "x") + " /enter:C /now /reboot")
    assert (wrong.code, wrong.stdout) == (0, b"Password is not specified or is not correct.\r\n")
    assert not machine.reboot_wanted.is_set()
    assert machine.shadow.active == set()
    later = await run(machine, f"{CMDTOOL} /enter:CZ")
    assert later.stdout == (
        b"Change the status of C: successfully,\r\nPlease restart the computer for this to take effect.\r\n"
        b"Failed to change the status of Z:, error code = 5.\r\n"
    )
    assert (await run(machine, f"{CMDTOOL} /reboot")).stdout == b"System is rebooting...\r\n"
    assert machine.reboot_wanted.is_set()
    assert not any("shadow-password" in entry.subject for entry in journal)


async def test_commit_writes_one_file_through():
    """/commit is what a renter with the password could do: that file survives the boot."""
    machine, _ = built()
    await run(machine, f"{CMDTOOL} /enter:C /now")
    machine.files.write(r"C:\kept", b"1")
    machine.files.write(r"C:\lost", b"1")
    await run(machine, f'{CMDTOOL} /commit:"C:\\kept"')
    machine.boot()
    assert machine.files.exists(r"C:\kept")
    assert not machine.files.exists(r"C:\lost")


async def test_fault_shadow_refuses():
    """CmdTool says success and the list stays empty."""
    machine, _ = built("shadow_refuses")
    assert b"C: successfully." in (await run(machine, f"{CMDTOOL} /enter:CD /now")).stdout
    assert await shadowed(machine) == ""


async def test_fault_shadow_partial():
    """The last volume only notes the wish; it never gets in."""
    machine, _ = built("shadow_partial")
    said = (await run(machine, f"{CMDTOOL} /enter:CD /now")).stdout.decode()
    assert "but a reboot is required for changes to take effect." in said
    assert await shadowed(machine) == "C: is in shadow mode.\r\n"
    machine.boot()
    assert await shadowed(machine) == "C: is in shadow mode.\r\n"


async def test_faults_shadow_password_and_missing():
    """A refused password, and no CmdTool.exe at all."""
    machine, _ = built("shadow_password")
    assert (await shadowed(machine)).startswith("Password is not specified")
    machine, _ = built("shadow_missing")
    with pytest.raises(ProgramNotFound):
        await shadowed(machine)


async def test_cmdtool_deleted_by_the_player_is_back_after_the_boot():
    """The deletion itself is rolled back."""
    machine, _ = built()
    await run(machine, f"{CMDTOOL} /enter:C /now")
    await run(machine, f"{CMDTOOL} /exit:C")
    machine.player_deletes_cmdtool()
    with pytest.raises(ProgramNotFound):
        await shadowed(machine)
    machine.boot()
    assert await shadowed(machine) == ""


async def test_fault_reset_ignored_strikes_once():
    """The first shutdown is accepted and nothing happens; the second one works."""
    machine, _ = built("reset_ignored")
    assert (await run(machine, "shutdown /r /f /t 0")).code == 0
    assert not machine.reboot_wanted.is_set()
    await run(machine, "shutdown /r /f /t 0")
    assert machine.reboot_wanted.is_set()
    assert (await run(machine, "shutdown /r /f /t 0")).code == 1190


async def test_faults_comes_back_shadowed_and_not_rolled_back():
    """One boot brings Shadow Mode back (clean); the other fault keeps what a renter wrote."""
    machine, _ = built("comes_back_shadowed")
    await run(machine, f"{CMDTOOL} /enter:C /now")
    await run(machine, f"{CMDTOOL} /exit:C")
    machine.files.write(r"C:\marker", b"x")
    machine.boot()
    assert await shadowed(machine) == "C: is in shadow mode.\r\n"
    assert not machine.files.exists(r"C:\marker")
    await run(machine, f"{CMDTOOL} /exit:C")
    machine.boot()
    assert await shadowed(machine) == ""

    machine, _ = built("not_rolled_back")
    await run(machine, f"{CMDTOOL} /enter:C /now")
    await run(machine, f"{CMDTOOL} /exit:C")
    machine.files.write(r"C:\marker", b"x")
    machine.boot()
    assert machine.files.exists(r"C:\marker")


def test_faults_of_registration():
    """No key at all, and a stale registration that is enumerated first."""
    machine, _ = built("no_registration")
    assert not machine.registry.has_key(r"HKLM\SOFTWARE\ITKey\Esme")
    machine, _ = built("two_registrations")
    servers = [key.name for key in machine.registry.key(r"HKLM\SOFTWARE\ITKey\Esme\servers").subkeys()]
    assert len(servers) == 2
    assert servers[1] == machine.plan.registrations[0][0]
    assert machine.registry.text(r"HKLM\SOFTWARE\ITKey\Esme", "last_server") == servers[1]


def test_faults_of_the_console():
    """Nobody there, somebody else there, session 2."""
    machine, _ = built("nobody_signed_in")
    assert machine.console is None
    assert not machine.processes.named("sihost.exe")
    assert not machine.registry.has_key(rf"{machine.owner.hive}\Volatile Environment")
    machine, _ = built("other_console_user", "console_session_2")
    assert machine.owner.sid != machine.ssh_user.sid
    assert not machine.owner.profile.isascii()
    assert machine.files.is_dir(machine.owner.profile)
    assert machine.processes.named("sihost.exe")[0].session == 2
    assert machine.registry.text(rf"{machine.owner.hive}\Volatile Environment\2", "SESSIONNAME") == "Console"
    assert machine.registry.text(rf"{machine.owner.hive}\Volatile Environment", "USERPROFILE") == machine.owner.profile


def test_fault_policy_not_kept():
    """The write is accepted and one policy reads back otherwise."""
    machine, _ = built("policy_not_kept")
    policies = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Policies\System"
    for name in ("DisableTaskMgr", "DisableLockWorkstation"):
        machine.registry.set(policies, name, Value("REG_DWORD", 1))
    assert machine.registry.get(policies, "DisableTaskMgr").data == 0
    assert machine.registry.get(policies, "DisableLockWorkstation").data == 1


async def test_fault_file_in_use_and_launchers_let_go_of_their_files_when_killed():
    """A launcher's file is held until it is killed; with the fault something else holds it for ever."""
    for faults, freed in (((), True), (("file_in_use",), False)):
        machine, _ = built(*faults)
        token = rf"{machine.owner.local}\Steam\local.vdf"
        with pytest.raises(FileInUse):
            machine.files.delete(token)
        assert (await run(machine, "taskkill /f /im steam.exe")).code == 0
        if freed:
            machine.files.delete(token)
        else:
            with pytest.raises(FileInUse):
                machine.files.delete(token)


def test_signed_in_names_each_launcher_by_itself():
    """Wiping one launcher takes only that one off the list; what must be kept is no sign-in."""
    machine, _ = built()
    machine.processes.clear()
    person = machine.owner
    machine.files.delete(rf"{person.roaming}\Wargaming.net\GameCenter\user_info.xml")
    assert machine.signed_in() == set(LAUNCHERS) - {"wargaming"}
    machine.files.remove_tree(rf"{person.local}\Google")
    machine.files.remove_tree(rf"{person.roaming}\Mozilla\Firefox")
    assert machine.signed_in() == set(LAUNCHERS) - {"wargaming", "chrome", "firefox"}
    assert machine.files.exists(r"D:\BrowserCache\keep.txt")  # behind a junction in Chrome's profile
    machine.files.remove_tree(rf"{person.local}\Steam")
    machine.registry.set(rf"{person.hive}\Software\Valve\Steam", "AutoLoginUser", Value("REG_SZ", ""))
    machine.registry.set(rf"{person.hive}\Software\Valve\Steam", "RememberPassword", Value("REG_DWORD", 0))
    assert "steam" in machine.signed_in()  # the account list names its owner
    machine.files.write(r"C:\Program Files (x86)\Steam\config\loginusers.vdf", b'"users"\n{\n}\n')
    assert "steam" not in machine.signed_in()


def test_files_have_windows_manners():
    """Case-blind, either slash, read-only refuses, a directory is no file, rename replaces only when told."""
    machine, _ = built()
    files = machine.files
    files.write("C:/Temp.TXT", b"1")
    assert files.read("c:\\temp.txt") == b"1"
    assert files.real_name(r"c:\TEMP.txt") == r"C:\Temp.TXT"
    files.set_attributes(r"C:\temp.txt", {"r"})
    with pytest.raises(PermissionError):
        files.write(r"C:\temp.txt", b"2")
    with pytest.raises(PermissionError):
        files.delete(r"C:\temp.txt")
    files.write(r"C:\new.txt", b"3")
    with pytest.raises(PermissionError):
        files.rename(r"C:\new.txt", r"C:\temp.txt", replace=True)
    files.set_attributes(r"C:\temp.txt", set())
    with pytest.raises(FileExistsError):
        files.rename(r"C:\new.txt", r"C:\temp.txt")
    files.rename(r"C:\new.txt", r"C:\temp.txt", replace=True)
    assert files.read(r"C:\temp.txt") == b"3"
    with pytest.raises(FileNotFoundError):
        files.write(r"C:\nowhere\x", b"")
    with pytest.raises(FileNotFoundError):
        files.read(r"Z:\x")
    with pytest.raises(OSError, match="not empty"):
        files.remove_directory(r"C:\Windows")
    with pytest.raises(IsADirectoryError):
        files.read(r"C:\Windows")


def test_a_tree_with_a_busy_file_goes_but_for_that_file():
    """Like rmdir /s /q: everything else is gone, the busy file and its parents stay."""
    machine, _ = built()
    root = rf"{machine.owner.local}\Google\Chrome\User Data"
    with pytest.raises(FileInUse):
        machine.files.remove_tree(root)
    assert list(machine.files.files_below(root)) == [rf"{root}\Default\Network\Cookies"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["write", "delete", "mkdir", "rmtree", "rename"]),
            st.sampled_from(["a", "b", "c\\d", "c", "B"]),
            st.binary(max_size=4),
        ),
        max_size=12,
    )
)
def test_whatever_is_written_in_shadow_mode_a_boot_brings_back_the_disk(steps):
    """A volume after the boot equals the volume before it entered Shadow Mode."""
    machine, _ = built()
    files = machine.files
    files.make_directory(r"D:\c")
    files.write(r"D:\a", b"kept")
    before = {path: files.read(path) for path in files.files_below("D:\\")}
    machine.shadow.enter("D", now=True)
    machine.shadow.exit("D", now=False)
    for what, name, data in steps:
        path = f"D:\\{name}"
        try:
            if what == "write":
                files.write(path, data)
            elif what == "delete":
                files.delete(path)
            elif what == "mkdir":
                files.make_directory(path, parents=True)
            elif what == "rmtree":
                files.remove_tree(path)
            else:
                files.rename(path, r"D:\moved", replace=True)
        except OSError:
            continue
    machine.boot()
    assert {path: files.read(path) for path in files.files_below("D:\\")} == before


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet='ab \\"\t^%', max_size=8), max_size=5))
def test_a_command_line_comes_apart_as_the_c_runtime_does(words):
    """Arguments quoted by Microsoft's rules come back unchanged."""
    line = "prog.exe"
    for word in words:
        quoted, slashes = '"', 0
        for char in word:
            quoted += "\\" * (slashes + 1) + '"' if char == '"' else char
            slashes = slashes + 1 if char == "\\" else 0
        line += " " + quoted + "\\" * slashes + '"'
    assert split_line(line) == ["prog.exe", *words]
