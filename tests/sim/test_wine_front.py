"""Our cmd.exe against Wine's real one, and Wine behind the SSH front.

The same lines run in both. Where they disagree our interpreter is wrong, or it is one of Wine's gaps, each of which is named.
"""

import asyncio
import shutil
from collections.abc import Iterator

import asyncssh
import pytest
from simulated import other_client

from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.shells import cmd
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.wine import PrefixFiles, WinePrefix, WineStation

pytestmark = [
    pytest.mark.wine,
    pytest.mark.xdist_group("wine"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("wine") is None, reason="Wine is not installed"),
]


def batch(*lines: str) -> str:
    return "\r\n".join(["@echo off", *lines, ""])


FILES = {
    "list.csv": '"-","0"\r\n"Explorer.exe","123","Console"\r\nplain,x y,z\r\n\r\n',
    "args.cmd": batch("echo %0 %1 %2 %~2 %3 %%x%% %UNDEFINED_X% 100%%"),
    "path.cmd": "@echo %~dp0 %~nx0\r\n",
    "sub.cmd": batch(
        "setlocal EnableExtensions DisableDelayedExpansion",
        'call :sub "a b" c "d=e"',
        "echo back %errorlevel%",
        "exit /b 7",
        ":sub",
        "echo [%~1] [%1] [%2] [%~3] [%4] [%*]",
        "exit /b 3",
    ),
    "loop.cmd": batch(
        'set "N=0"',
        ":look",
        "set /a N+=1",
        "if %N% geq 3 goto seen",
        "echo round %N%",
        "goto look",
        ":seen",
        "echo %N%",
    ),
    "forf.cmd": batch(
        'set "S="',
        'for /f "usebackq tokens=1 delims=," %%a in ("C:\\dg\\list.csv") do if /i "%%~a"=="explorer.exe" set "S=1"',
        "if defined S (echo seen) else (echo not seen)",
        'for /f "usebackq tokens=1,2* delims=," %%a in ("C:\\dg\\list.csv") do echo [%%a][%%~b][%%c]',
        'for /f "tokens=2" %%i in ("one two three") do echo %%i',
        "for /f \"delims=\" %%i in ('echo from command') do echo got %%i",
    ),
    "wipe.cmd": batch(
        'set "P=C:\\dg\\gone.txt"',
        'if exist "%P%\\*" (echo directory) else if exist "%P%" (echo file) else (echo clean)',
        'echo x>"%P%"',
        'if exist "%P%\\*" (echo directory) else if exist "%P%" (del /f /q /a "%P%" >nul 2>nul& '
        'if exist "%P%" (echo held& set "H=1") else (echo changed)) else (echo clean)',
        'md "C:\\dg\\tree (1)\\a b" 2>nul',
        'echo y>"C:\\dg\\tree (1)\\a b\\f.txt"',
        'set "P=C:\\dg\\tree (1)"',
        'if exist "%P%\\*" (rd /s /q "%P%" >nul 2>nul& if exist "%P%\\*" (echo held) else (echo changed)) else (echo clean)',
        'if not exist "%P%" echo really gone',
    ),
    "codes.cmd": batch(
        "cmd.exe /c exit 5",
        "echo code %errorlevel%",
        "if errorlevel 5 echo at least 5",
        "if not errorlevel 6 echo less than 6",
        '(echo marker>"C:\\dg\\m.txt") >nul 2>nul',
        'if exist "C:\\dg\\m.txt" (echo @@ yes) else (echo @@ no)',
        "type C:\\dg\\m.txt",
        "del C:\\dg\\m.txt",
    ),
    "append.cmd": batch('>"C:\\dg\\t.csv" echo "-","0"', 'echo "b","1">>"C:\\dg\\t.csv"', 'type "C:\\dg\\t.csv"'),
    "delayed.cmd": batch(
        "setlocal EnableDelayedExpansion",
        "set X=before",
        "(",
        "set X=after",
        "echo %X% !X!",
        ")",
        "endlocal",
        "echo [!X!] [%X%]",
    ),
    "cut.cmd": batch('set "V=abcdef"', "echo %V:~1,3% %V:~-2% %V:b=X% %V:~0,-1%", 'set "V=a^b&c"', 'echo "%V%"'),
    "twice.cmd": batch(
        "set A=B",
        "set B=value",
        "call echo %%%A%%%",
        'call C:\\dg\\args.cmd 1 "2 3"',
        "echo after",
        "C:\\dg\\args.cmd x",
        "echo never",
    ),
    "rem.cmd": batch("rem comment & echo no", ":: other comment & echo no", "echo yes & rem tail"),
    "ifs.cmd": batch(
        'if "a"=="A" (echo no) else (echo case)',
        'if /i "a"=="A" echo blind',
        'if not "a"=="b" echo differ',
        "if 10 gtr 9 echo number",
        'if "10" gtr "9" (echo number) else echo text',
        "if 1 equ 1 if 2 equ 2 echo nested",
    ),
    "local.cmd": batch("set X=1", "setlocal", "set X=2", "endlocal", "echo %X%"),
    "joined.cmd": batch("echo line ^", "joined", "for %%a in (", " one", " two", ") do echo %%a"),
    "move.cmd": batch(
        "echo 1>C:\\dg\\c1.txt",
        "echo 2 >C:\\dg\\c1.txt",
        "copy /y C:\\dg\\c1.txt C:\\dg\\c2.txt >nul",
        "echo %errorlevel%",
        "move /y C:\\dg\\c1.txt C:\\dg\\c2.txt >nul 2>nul",
        "if exist C:\\dg\\c1.txt (echo stays) else (echo moved)",
        "ren C:\\dg\\c2.txt c3.txt",
        "if exist C:\\dg\\c3.txt echo renamed",
        "del /q C:\\dg\\c3.txt C:\\dg\\nope.txt 2>nul",
        "echo %errorlevel%",
    ),
    "unknown.cmd": batch("nosuchprogram 2>nul", "echo %errorlevel%"),
    "shift.cmd": batch(":next", 'if "%~1"=="" goto :eof', "echo %~1", "shift", "goto next"),
    "label.cmd": batch("goto nowhere", "echo never"),
    "quoted_d.cmd": batch("md C:\\dg\\p1", 'for /d %%d in ("C:\\dg\\p*") do echo %%~d', "rd C:\\dg\\p1"),
    "plain_d.cmd": batch("md C:\\dg\\p1", "for /d %%d in (C:\\dg\\p*) do echo %%~d", "rd C:\\dg\\p1"),
    "eol.cmd": batch('for /f "delims=," %%a in (";comment,1") do echo %%a', "echo end"),
}

SAME = [
    *(
        rf"cmd.exe /d /c C:\dg\{name}.cmd"
        for name in (
            "path",
            "sub",
            "loop",
            "forf",
            "wipe",
            "codes",
            "append",
            "delayed",
            "cut",
            "twice",
            "rem",
            "ifs",
            "local",
            "joined",
            "move",
            "unknown",
            "plain_d",
        )
    ),
    r'"C:\dg\args.cmd" one "two x"',
    r'C:\dg\shift.cmd a "b c" d',
    "echo %OS% $PSVersionTable.PSVersion.Major",
    r'echo a^&b ^| ^(x^) ^^ ^> "q^&q"',
    "set X=5&cmd /c echo %X%",
    "echo %OS:~0,3%x%OS:Windows=Tux%",
    'echo "%OS%" ^"%OS%^"',
    'set "DG_A=b c"&cmd.exe /d /c echo %DG_A%',
    r'if exist "C:\dg\*" (echo yes) else (echo no)',
    r'(if exist "C:\dg\nope" (echo yes&echo yes2) else (echo no&echo no2))&echo after',
    r"if exist C:\windows\system32 echo directory",
    "echo @@ begin x&ver >nul&echo @@ end x",
    "cmd /c exit 300",
    "exit /b 4",
    r"echo one>C:\dg\o.txt&echo two>>C:\dg\o.txt&type C:\dg\o.txt&del C:\dg\o.txt",
    r"md C:\dg\new&if exist C:\dg\new\* echo made&rd C:\dg\new&if not exist C:\dg\new echo gone",
    'echo x|find "x"',
    "for %i in (1 2 3) do @echo n%i",
    "for /l %i in (1,2,5) do @echo %i",
    'for /f "tokens=1,2" %a in ("x y z") do @echo %b %a',
    r"cd /d C:\dg&cd",
    "echo.",
    "set /a 7/2*3",
    "if 1==2 echo a&echo b",
    "if 1==1 (echo a) else (echo b)&echo c",
    "if 1==2 (echo a) else (echo b)&echo c",
    "echo 100% sure %DG_NOPE% a%%b",
    '"cmd.exe" /c echo q',
    r"echo x>C:\nope\f 2>nul||echo bad",
]
"""What both print alike, to the byte, with the same exit code."""

GAPS = [
    # Wine 8 runs what follows && and || whatever happened before.
    ("cmd /c exit 1&&echo b||echo c", "c\r\n", 0),
    ("cmd /c exit 0&&echo b||echo c", "b\r\n", 0),
    # Wine's reg.exe complains on stdout.
    (r"(reg.exe query HKLM\Nope 2>nul&&echo @@ x ok||echo @@ x failed)", "@@ x failed\r\n", 0),
    # Wine looks for the variable's name without the caret.
    ("set X=5&echo ^%X^%", "%X%\r\n", 0),
    ("echo ^%OS^% ^%^O^S^%", "%OS% %OS%\r\n", 0),
    # Wine expands after the commands before it have run.
    (r"cd C:\windows&echo %CD%", "C:\\Users\\gate\r\n", 0),
    # Wine's code is 9009 on the command line, too.
    ("nosuchprogram 2>nul", "", 1),
    # Wine's rd reports success.
    (r"rd /s /q C:\dg\nope 2>nul", "", 2),
    # Wine takes only "." and the like right after echo.
    ("echo(x", "x\r\n", 0),
    # Wine takes these for no error.
    ("& echo x", "", 1),
    ("(echo a", "", 1),
    (r"cmd.exe /d /c C:\dg\label.cmd", "", 1),
    # Wine gives a block in front of a pipe its own output.
    ('(echo a&echo b)|find "b"', "b\r\n", 0),
    # Wine echoes nothing in a loop on the command line.
    ("for %i in (1) do echo n%i", "\r\nC:\\Users\\gate>echo n1 \r\nn1\r\n", 0),
    # Wine's for /d finds nothing when the pattern stands in quotes.
    (r"cmd.exe /d /c C:\dg\quoted_d.cmd", "C:\\dg\\p1\r\n", 0),
    # Wine knows no end-of-line character unless told.
    (r"cmd.exe /d /c C:\dg\eol.cmd", "end\r\n", 0),
]
"""Lines that Wine 8 gets wrong, with what Windows does."""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WinePrefix]:
    """One prefix for all: making it takes seconds."""

    async def make() -> WinePrefix:
        made = await WinePrefix(tmp_path_factory.mktemp("wine") / "prefix").create("CD")
        files = PrefixFiles(made)
        files.make_directory(r"C:\dg")
        for name, text in FILES.items():
            files.write(rf"C:\dg\{name}", text.encode("ascii"))
        return made

    made = asyncio.run(make())
    yield made
    asyncio.run(made.stop())


@pytest.fixture
def machine() -> Machine:
    made = Machine(StationPlan(costs=Costs(command=0, process=0, reboot=0, ready=0), language="en"), [])
    made.programs["cmd.exe"] = cmd.program
    made.files.make_directory(r"C:\dg")
    for name, text in FILES.items():
        made.files.write(rf"C:\dg\{name}", text.encode("ascii"))
    return made


async def ours(machine: Machine, line: str) -> tuple[str, int]:
    out = bytearray()
    code = await cmd.run(machine, line, out.extend, bytearray().extend)
    return out.decode("ascii"), code


@pytest.mark.parametrize("line", SAME)
async def test_both_agree(prefix: WinePrefix, machine: Machine, line: str):
    """The same output and the same exit code as Wine's cmd.exe."""
    out = bytearray()
    code = await prefix.execute(line, out.extend, bytearray().extend)
    assert await ours(machine, line) == (out.decode("ascii"), code)


@pytest.mark.parametrize("line, stdout, code", GAPS)
async def test_where_wine_is_wrong_we_do_as_windows(machine: Machine, line: str, stdout: str, code: int):
    """Each disagreement is one of Wine's named gaps."""
    assert await ours(machine, line) == (stdout, code)


async def test_the_ssh_front_with_wine_behind_it(prefix: WinePrefix):
    """Commands run in Wine's cmd.exe, SFTP reaches the prefix's drives in any case, reg.exe writes a real registry."""
    async with (
        WineStation(prefix) as station,
        other_client(station) as link,
        link.start_sftp_client() as sftp,
    ):
        done = await link.run("echo %OS%&exit 5", encoding=None)
        assert (done.stdout, done.exit_status) == (b"Windows_NT\r\n", 5)
        assert sorted(await sftp.listdir("/")) == ["C:", "D:"]
        async with sftp.open("/d:/From Gate.cmd", "wb") as file:
            await file.write(b"@echo %~1 from %DG_WHO%\r\n")
        done = await link.run(r'set "DG_WHO=sftp"&cmd.exe /d /c ""D:\from gate.cmd" "hello there""', encoding=None)
        assert done.stdout == b"hello there from sftp\r\n"
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open("C:/dg/none", "rb")
        await link.run(r"reg add HKCU\Software\dg /v x /t REG_SZ /d Игрок /f", encoding=None)
        await link.run(r'md "C:\dg\Игрок (1)"', encoding=None)
        assert await sftp.isdir("C:/DG/Игрок (1)")
        done = await link.run(r"reg query HKCU\Software\dg /v x >nul", encoding=None)
        assert done.exit_status == 0
        assert len(station.commands) == 5
