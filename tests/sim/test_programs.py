"""Console programs: real output, languages, exit codes."""

import pytest

from drova_gate.sim.plan import Costs, Entry, StationPlan
from drova_gate.sim.windows.machine import Finished, Machine, ProgramNotFound

ESME = r"HKLM\SOFTWARE\ITKey\Esme"


class Desk:
    """A machine with a short way to run a line and read its text."""

    def __init__(self, *faults: str, **plan) -> None:
        self.journal: list[Entry] = []
        self.machine = Machine(StationPlan(costs=Costs(0, 0, 0, 0), faults=frozenset(faults), **plan), self.journal)
        self.environment = self.machine.environment()
        self.last = Finished(0)

    async def run(self, line: str, stdin: bytes = b"") -> int:
        self.last = await self.machine.start(
            line, environment=self.environment, directory=self.machine.ssh_user.profile, stdin=stdin
        )
        return self.last.code

    @property
    def out(self) -> str:
        return self.last.stdout.decode(self.machine.oem_encoding)

    @property
    def err(self) -> str:
        return self.last.stderr.decode(self.machine.oem_encoding)


async def test_reg_query_prints_keys_values_and_subkeys():
    """Blank line, key, four-blank indents, blank line, then subkeys; with /s each key in a block of its own."""
    desk = Desk(registrations=(("s-1", "t-1", "u-1"),))
    assert await desk.run(f"reg query {ESME}") == 0
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\ITKey\Esme"
    head = f"\r\n{key}\r\n    last_server    REG_SZ    s-1\r\n\r\n{key}\\servers\r\n"
    assert desk.out == head
    assert await desk.run(f"reg query {ESME} /s") == 0
    assert desk.out == (
        f"{head}\r\n{key}\\servers\\s-1\r\n    auth_token    REG_SZ    t-1\r\n    user_id    REG_SZ    u-1\r\n\r\n"
    )
    assert await desk.run(f"reg query {ESME} /v LAST_SERVER") == 0
    assert desk.out == f"\r\n{key}\r\n    LAST_SERVER    REG_SZ    s-1\r\n\r\n"
    assert await desk.run(r"reg query HKLM\SOFTWARE\ITKey") == 0
    assert desk.out == f"\r\n{key}\r\n"


async def test_reg_query_search_counts_its_matches():
    """/f finds values by name, ends with a localised count, and is 1 when nothing is found."""
    desk = Desk()
    assert await desk.run(f"reg query {ESME} /s /f auth_token /t REG_SZ /reg:64") == 0
    assert desk.out.endswith("\r\nКонец поиска: найдено совпадений: 1.\r\n")
    assert await desk.run(f"reg query {ESME} /s /f nothing /e") == 1
    assert await desk.run(f"reg query {ESME} /s /v user_id") == 0
    english = Desk("english_windows")
    assert await english.run(f"reg query {ESME} /s /f nothing") == 1
    assert english.out == "\r\nEnd of search: 0 match(es) found.\r\n"


@pytest.mark.parametrize(
    ("faults", "text"),
    [
        ((), "ОШИБКА: Не удается найти указанный раздел или параметр в реестре.\r\n"),
        (("english_windows",), "ERROR: The system was unable to find the specified registry key or value.\r\n"),
    ],
)
async def test_reg_says_what_is_missing_in_its_own_language(faults, text):
    """A missing key, a missing value, a missing thing to delete: exit code 1, stderr, localised, OEM bytes."""
    desk = Desk(*faults)
    for line in (r"query HKLM\SOFTWARE\x", f"query {ESME} /v x", f"delete {ESME} /v x /f", r"delete HKCU\x /f"):
        assert await desk.run(f"reg {line}") == 1
        assert (desk.out, desk.err) == ("", text)


async def test_regression_strict_cp1251_breaks_on_reg_errors():
    """Byte 0x98 in a Russian error text has no meaning in cp1251: a strict decoder drops the SSH link."""
    desk = Desk()
    await desk.run(r"reg query HKLM\SOFTWARE\x")
    with pytest.raises(UnicodeDecodeError):
        desk.last.stderr.decode("cp1251")


async def test_reg_add_and_delete():
    """Every type; a missing key is made; an existing value is only replaced with /f."""
    desk = Desk()
    key = r"HKCU\Software\Drova Gate"
    for words in ("/v d /t REG_DWORD /d 0x1F", "/v q /t REG_QWORD /d 5", "/v b /t REG_BINARY /d 0aff"):
        assert await desk.run(f'reg add "{key}" {words} /f') == 0
    assert await desk.run(f'reg add "{key}" /v m /t REG_MULTI_SZ /d a\\0b /f') == 0
    assert desk.out == "Операция успешно завершена.\r\n"
    await desk.run(f'reg query "{key}"')
    for line in (
        "d    REG_DWORD    0x1f",
        "q    REG_QWORD    0x5",
        "b    REG_BINARY    0AFF",
        r"m    REG_MULTI_SZ    a\0b",
    ):
        assert f"    {line}\r\n" in desk.out
    assert await desk.run(f'reg add "{key}" /v d /t REG_DWORD /d twelve /f') == 1
    await desk.run(f'reg add "{key}" /v d /t REG_DWORD /d 1')
    assert desk.machine.registry.get(key, "d").data == 0x1F
    assert await desk.run(f'reg delete "{key}" /v d /f') == 0
    assert await desk.run(f'reg delete "{key}" /f') == 0
    assert not desk.machine.registry.has_key(key)
    assert await desk.run(r"reg add HKLM\HARDWARE\DESCRIPTION\System\sub /f") == 1
    assert await desk.run(r"reg add HKLM\HARDWARE\DESCRIPTION\System /v drova_gate /d id /f") == 0
    assert await desk.run(r"reg add HKLM\SOFTWARE\x /v y /d z /f /reg:32") == 0
    assert desk.machine.registry.text(r"HKLM\SOFTWARE\WOW6432Node\x", "y") == "z"


async def test_reg_import_says_success_on_stderr():
    """Success is on stderr with code 0; one bad key makes it 1 and the rest is still carried out."""
    desk = Desk()
    body = 'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\drova_gate]\r\n"marker"="1"\r\n'
    desk.machine.files.write(r"C:\ok.reg", b"\xff\xfe" + body.encode("utf-16-le"))
    assert await desk.run(r"reg import C:\ok.reg") == 0
    assert (desk.out, desk.err) == ("", "Операция успешно завершена.\r\n")
    bad = (
        body.replace("HKEY_LOCAL_MACHINE\\SOFTWARE", "HKEY_LOCAL_MACHINE\\HARDWARE")
        + '[HKEY_USERS\\.DEFAULT\\x]\r\n"a"="b"\r\n'
    )
    desk.machine.files.write(r"C:\bad.reg", b"\xff\xfe" + bad.encode("utf-16-le"))
    assert await desk.run(r"reg import C:\bad.reg") == 1
    assert desk.machine.registry.text(r"HKU\.DEFAULT\x", "a") == "b"
    assert await desk.run(r"reg import C:\missing.reg") == 1
    assert await desk.run(r"reg export HKLM\SOFTWARE\drova_gate C:\out.reg /y") == 0
    assert desk.machine.files.read(r"C:\out.reg") == (b"\xff\xfe" + (body + "\r\n").encode("utf-16-le"))


async def test_disable_registry_tools_stops_reg_itself():
    """The policy that some set-ups write locks the operator out of reg.exe, for reading too."""
    desk = Desk()
    policies = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Policies\System"
    assert await desk.run(f"reg add {policies} /v DisableRegistryTools /t REG_DWORD /d 1 /f") == 0
    assert await desk.run(f"reg query {ESME}") == 1


async def test_tasklist_finds_the_console_session_without_words():
    """The csv form without header: the fourth column is the session; nothing found is a localised line and code 0."""
    desk = Desk("console_session_2")
    assert await desk.run('tasklist /fi "imagename eq sihost.exe" /fo csv /nh') == 0
    assert desk.out.split(",")[3] == '"2"'
    assert desk.out.endswith('27\u00a0456 КБ"\r\n')
    assert await desk.run('tasklist /fi "imagename eq nope.exe" /fo csv /nh') == 0
    assert desk.out == "ИНФОРМАЦИЯ: Задачи, отвечающие заданным критериям, отсутствуют.\r\n"
    assert await desk.run('tasklist /fi "session eq 2" /fi "imagename eq steam*" /fo csv') == 0
    assert [line.split(",")[0] for line in desk.out.splitlines()[1:]] == ['"steam.exe"', '"steamwebhelper.exe"']
    assert await desk.run('tasklist /fi "colour eq red"') == 1
    await desk.run("tasklist")
    assert desk.out.splitlines()[2].startswith("=========================")


async def test_taskkill_codes():
    """0 killed, 128 one of them not found, 1 refused; many /im in one call; /t takes children along."""
    desk = Desk("english_windows")
    assert await desk.run("taskkill /f /im upc.exe /im wgc.exe") == 0
    assert not desk.machine.processes.named("upc.exe")
    assert await desk.run("taskkill /f /t /im Steam.exe /im nope.exe") == 128
    assert 'SUCCESS: The process "steam.exe" with PID' in desk.out
    assert desk.err == 'ERROR: The process "nope.exe" not found.\r\n'
    assert not desk.machine.processes.named("steamwebhelper.exe")
    assert await desk.run("taskkill /im chrome.exe") == 1
    assert "forcefully" in desk.err
    assert await desk.run("taskkill /f /im csrss.exe") == 1
    assert await desk.run('taskkill /f /fi "imagename eq chrome.exe"') == 0
    assert await desk.run("taskkill /f") == 1
    assert [entry.subject for entry in desk.journal if entry.kind == "kill"][:2] == ["upc.exe", "wgc.exe"]


async def test_killed_explorer_stays_dead_until_a_task_starts_it_on_the_desktop():
    """After taskkill there is no shell; a second start only opens a folder window."""
    desk = Desk()
    await desk.run("taskkill /f /im explorer.exe")
    assert not desk.machine.shell_running()
    assert await desk.run(r"schtasks /create /tn dg /tr C:\Windows\explorer.exe /sc once /st 00:00 /it /f") == 0
    assert desk.err.startswith("ПРЕДУПРЕЖДЕНИЕ")
    for windows in (False, True):
        assert await desk.run("schtasks /run /tn dg") == 0
        assert desk.machine.shell_running()
        assert desk.machine.processes.named("explorer.exe")[-1].window is windows
    assert await desk.run("schtasks /delete /tn dg /f") == 0
    assert await desk.run("schtasks /run /tn dg") == 1


async def test_a_task_for_another_user_needs_it_and_starts_only_when_he_is_signed_in():
    """/ru names the console user: without /it a password would be asked for; without him nothing starts."""
    desk = Desk("other_console_user")
    line = r"schtasks /create /tn dg /tr C:\Windows\explorer.exe /sc once /st 00:00 /f"
    await desk.run("taskkill /f /im explorer.exe")
    assert await desk.run(f"{line} /ru {desk.machine.owner.name}") == 1
    assert await desk.run(f"{line} /it") == 0
    await desk.run("schtasks /run /tn dg")
    assert not desk.machine.shell_running()
    assert await desk.run(f"{line} /it /ru {desk.machine.computer}\\{desk.machine.owner.name}") == 0
    await desk.run("schtasks /run /tn dg")
    assert desk.machine.shell_running()
    nobody = Desk("nobody_signed_in")
    await nobody.run(f"{line} /it")
    assert await nobody.run("schtasks /run /tn dg") == 0
    assert not nobody.machine.shell_running()


async def test_psexec_returns_the_process_id_and_speaks_on_stderr():
    """With -d the exit code is the new process's id, so it is never 0."""
    desk = Desk()
    await desk.run("taskkill /f /im explorer.exe")
    code = await desk.run(r"psexec -accepteula -nobanner -d -i 1 C:\Windows\explorer.exe")
    assert desk.machine.processes.get(code).image == "explorer.exe"
    assert desk.err == f"C:\\Windows\\explorer.exe started on PC1 with process ID {code}.\r\n"
    assert await desk.run("psexec -accepteula -nobanner -d -i nothere.exe") == 2
    assert "could not start" in desk.err
    assert await desk.run("psexec -accepteula -nobanner -s sc.exe query nix") == 1060


async def test_qwinsta_in_both_languages():
    """The words are Windows' own; ids end under the ID of the header; nobody signed in leaves the name empty."""
    desk = Desk()
    assert await desk.run("query session") == 0
    header, services, console, listener = desk.out.splitlines()
    assert header == " СЕАНС             ПОЛЬЗОВАТЕЛЬ             ID  СТАТУС  ТИП         УСТР-ВО"
    assert services.rstrip() == " services                                    0  Диск"
    assert console.split() == ["console", "gate", "1", "Активно"]
    assert listener.rstrip() == " rdp-tcp                                 65537  Прием"
    empty = Desk("nobody_signed_in", "english_windows")
    assert await empty.run("qwinsta") == 0
    assert empty.out.splitlines()[2].split() == ["console", "1", "Conn"]


async def test_sc_codes():
    """Windows error numbers are the exit codes; the blank after start= is needed."""
    desk = Desk()
    assert await desk.run("sc.exe query nix") == 1060
    assert await desk.run("sc.exe stop fdphost") == 0
    assert await desk.run("sc.exe stop fdphost") == 1062
    assert await desk.run("sc.exe config fdphost start=disabled") == 1639
    assert await desk.run("sc.exe config fdphost start= disabled") == 0
    assert await desk.run("sc.exe start fdphost") == 1058
    assert await desk.run("sc.exe start sshd") == 1056
    assert await desk.run("sc.exe qc fdphost") == 0
    assert "4   DISABLED" in desk.out
    assert await desk.run("sc.exe query fdphost") == 0
    assert "        Состояние          : 1  STOPPED" in desk.out


async def test_netsh_rules_and_groups():
    """Add twice is two rules, delete takes both and is 1 when none is left; a group goes by its id on any language."""
    desk = Desk()
    rule = (
        'netsh advfirewall firewall add rule name="drova-gate smb" dir=out action=block protocol=TCP remoteport=139,445'
    )
    for _ in range(2):
        assert await desk.run(rule) == 0
    assert desk.out == "ОК.\r\n\r\n"
    assert await desk.run('netsh advfirewall firewall show rule name="drova-gate smb"') == 0
    assert desk.out.count("139,445") == 2
    delete = 'netsh advfirewall firewall delete rule name="drova-gate smb"'
    assert [await desk.run(delete), await desk.run(delete)] == [0, 1]
    assert await desk.run(rule.replace(" protocol=TCP", "")) == 1
    for group, code in (("Network Discovery", 1), ("@FirewallAPI.dll,-32752", 0), ("Обнаружение сети", 0)):
        assert await desk.run(f'netsh advfirewall firewall set rule group="{group}" new enable=no') == code
    assert not desk.machine.firewall.groups[0].enabled


async def test_netsh_script_runs_many_lines_in_one_process():
    """A failed line does not stop the script."""
    desk = Desk()
    lines = 'advfirewall firewall delete rule name="x"\r\n# a comment\r\nadvfirewall firewall add rule name="x" dir=out action=block\r\n'
    desk.machine.files.write(r"C:\rules.txt", lines.encode())
    assert await desk.run(r"netsh -f C:\rules.txt") == 1
    assert [rule.name for rule in desk.machine.firewall.rules] == ["x"]
    assert await desk.run(r"netsh -f C:\missing.txt") == 1


async def test_find_and_findstr_filter_files_and_pipes():
    """0 found, 1 not found, 2 no such file; the text of find must stand in quotes."""
    desk = Desk()
    desk.machine.files.write(r"C:\t.txt", b"alpha\r\nBeta 1\r\n")
    assert await desk.run(r'findstr /i /c:"beta 1" C:\t.txt') == 0
    assert desk.out == "Beta 1\r\n"
    assert await desk.run(r"findstr /r ^[0-9] C:\t.txt") == 1
    assert await desk.run(r"findstr x C:\missing") == 2
    assert await desk.run("findstr /v alpha", stdin=b"alpha\r\nbeta\r\n") == 0
    assert desk.out == "beta\r\n"
    assert await desk.run('find /c /i "ALPHA"', stdin=b"alpha\r\nbeta\r\n") == 0
    assert desk.out == "1\r\n"
    assert await desk.run("find alpha", stdin=b"alpha") == 2


async def test_attrib_clears_read_only():
    """The read-only INI of a launcher can be written once attrib has cleared it."""
    desk = Desk()
    ini = rf"{desk.machine.owner.local}\EpicGamesLauncher\Saved\Config\Windows\GameUserSettings.ini"
    with pytest.raises(PermissionError):
        desk.machine.files.write(ini, b"")
    assert await desk.run(f'attrib -r -h -s "{ini}"') == 0
    desk.machine.files.write(ini, b"")
    assert await desk.run(rf'attrib +r "{desk.machine.owner.local}\Steam\*" /s') == 0
    assert "r" in desk.machine.files.attributes(rf"{desk.machine.owner.local}\Steam\htmlcache\Local State")
    assert await desk.run(r"attrib C:\missing") == 0


async def test_small_programs():
    """A chcp changes the page for what follows in the same environment; timeout refuses a pipe; others just answer."""
    desk = Desk()
    assert await desk.run("chcp 65001") == 0
    await desk.run(r"reg query HKLM\SOFTWARE\x")
    assert desk.last.stderr.decode("utf-8").startswith("ОШИБКА")
    desk.environment.pop("=CODEPAGE")
    assert await desk.run("chcp") == 0
    assert desk.out == "Текущая кодовая страница: 866\r\n"
    assert await desk.run("timeout /t 1") == 1
    assert await desk.run("ping -n 2 127.0.0.1") == 0
    assert await desk.run("hostname") == 0
    assert await desk.run("where reg") == 0
    assert desk.out == "C:\\Windows\\System32\\reg.exe\r\n"
    assert await desk.run("whoami /user /fo csv /nh") == 0
    assert desk.out == f'"pc1\\gate","{desk.machine.ssh_user.sid}"\r\n'
    assert await desk.run(r"icacls C:\Windows /grant *S-1-5-18:F") == 0
    assert await desk.run("fsutil fsinfo drives") == 0
    assert desk.out.endswith("C:\\ D:\\\r\n")
    assert await desk.run("fsutil volume diskfree D:") == 0
    assert await desk.run("fsutil fsinfo drivetype C:") == 0


async def test_shutdown_abort_and_power_off():
    """/a takes a scheduled reboot back; /s leaves the PC off."""
    desk = Desk()
    assert await desk.run("shutdown /a") == 1116
    assert await desk.run("shutdown /r /t 10") == 0
    assert desk.machine.reboot_delay == 10
    assert await desk.run("shutdown /a") == 0
    assert not desk.machine.reboot_wanted.is_set()
    assert await desk.run("shutdown /x") == 87
    assert await desk.run("shutdown /s /f /t 0") == 0
    assert not desk.machine.up


async def test_wmic_is_absent_and_programs_are_found_by_path():
    """Fresh Windows 11 has no wmic; a batch file needs the shell that registers cmd.exe."""
    desk = Desk()
    with pytest.raises(ProgramNotFound, match="wmic"):
        await desk.run("wmic os get lastbootuptime")
    desk.machine.files.write(rf"{desk.machine.ssh_user.profile}\x.cmd", b"echo 1")
    seen = []

    async def shell(call) -> int:
        seen.append(call.argv)
        return 7

    desk.machine.programs["cmd.exe"] = shell
    assert await desk.run("x a") == 7
    assert seen == [["cmd.exe", "/c", "x a"]]
