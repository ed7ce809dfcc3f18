"""The interpreter of cmd.exe's command lines: what sshd's shell makes of a command."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.host.commands import Run, Shell, render
from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.shells import cmd
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.registry import number

FREE = Costs(command=0, process=0, reboot=0, ready=0)


def a_machine(language: str = "en", **plan) -> Machine:
    machine = Machine(StationPlan(costs=FREE, language=language, **plan), [])
    machine.programs["cmd.exe"] = cmd.program
    machine.files.make_directory("C:\\dg")
    return machine


async def run(machine: Machine, text: str) -> tuple[int, str, str]:
    out, err = bytearray(), bytearray()
    code = await cmd.run(machine, text, out.extend, err.extend)
    return code, out.decode(machine.oem_encoding), err.decode(machine.oem_encoding)


LINES = [
    ("echo %OS% $PSVersionTable.PSVersion.Major", "Windows_NT $PSVersionTable.PSVersion.Major\r\n", 0),
    (r"(reg.exe query HKLM\SOFTWARE >nul&&echo @@ x ok||echo @@ x failed)", "@@ x ok\r\n", 0),
    (r"(reg.exe query HKLM\Nope 2>nul&&echo @@ x ok||echo @@ x failed)", "@@ x failed\r\n", 0),
    ('echo a^&b ^| ^(x^) ^^ ^> "q^&q"', 'a&b | (x) ^ > "q^&q"\r\n', 0),
    ("set X=5&echo ^%X^%", "%X%\r\n", 0),
    ("echo ^%OS^% %^OS% %OS%", "%OS% %OS% Windows_NT\r\n", 0),
    ("set X=5&echo %X%", "%X%\r\n", 0),
    ("set X=5&cmd /c echo ^%X^%", "5\r\n", 0),
    ("set X=5&call echo %^X%", "5\r\n", 0),
    ("echo %OS:~0,3%x%OS:Windows=Tux%", "WinxTux_NT\r\n", 0),
    ('set "DG_A=b c"&cmd.exe /d /c echo %DG_A%', "b c\r\n", 0),
    (r'(if exist "C:\dg\nope" (echo yes&echo yes2) else (echo no&echo no2))&echo after', "no\r\nno2\r\nafter\r\n", 0),
    (r"if exist C:\windows\system32 echo dir", "dir\r\n", 0),
    (r'if exist "C:\Windows\explorer.exe\*" (echo directory) else (echo none)', "none\r\n", 0),
    ("if 1==2 echo a&echo b", "", 0),
    ("if 1==1 (echo a) else (echo b)&echo c", "a\r\n", 0),
    ("exit /b 4", "", 4),
    ("exit 6", "", 6),
    ("cmd /c exit 300", "", 300),
    ("nosuchprogram", "", 1),
    (r"C:\nope\x.exe", "", 3),
    (r"echo 1>C:\dg\o&type C:\dg\o", "ECHO is on.\r\n", 0),
    (r"echo 1 >C:\dg\o&type C:\dg\o&del C:\dg\o&if not exist C:\dg\o echo gone", "1 \r\ngone\r\n", 0),
    (r"type C:\dg\nope 2>nul||echo failed", "failed\r\n", 0),
    (r"del C:\dg\nope 2>nul&&echo ok||echo failed", "ok\r\n", 0),
    (r"rd /s /q C:\dg\nope 2>nul&&echo ok||echo failed", "failed\r\n", 0),
    (r"rd /s /q C:\dg\nope", "", 2),
    (r"echo x>C:\nope\f||echo bad", "bad\r\n", 0),
    ('(echo a&echo b)|find "b"', "b\r\n", 0),
    ('for %i in (1 2 "3 4") do @echo n%~i', "n1\r\nn2\r\nn3 4\r\n", 0),
    ("for /l %i in (5,-2,1) do @echo %i", "5\r\n3\r\n1\r\n", 0),
    ('for /f "tokens=1,2*" %a in ("x y z w") do @echo %b %a %c', "y x z w\r\n", 0),
    ("for /f %a in ('echo one two ^& echo three') do @echo %a", "one\r\nthree\r\n", 0),
    ("for %i in (x) do echo %i", "\r\nC:\\Users\\gate>echo x \r\nx\r\n", 0),
    ("echo.&echo(x&echo trailing ", "\r\nx\r\ntrailing \r\n", 0),
    ("echo 100% sure a%%b %", "100% sure a%%b %\r\n", 0),
    ('set /a "7/2*3-(1<<4)"', "-7", 0),
    (r"cd C:\dg&echo x>here.txt&if exist C:\dg\here.txt echo relative", "relative\r\n", 0),
    ('"cmd.exe" /c echo q', "q\r\n", 0),
    ('cmd /s /c "echo "a" & echo b"', '"a" \r\nb\r\n', 0),
]


@pytest.mark.parametrize("line, stdout, code", LINES)
async def test_a_line_prints_and_ends_as_in_cmd(line: str, stdout: str, code: int):
    """Output and exit code are those of the real cmd.exe."""
    got = await run(a_machine(), line)
    assert (got[1], got[0]) == (stdout, code), got[2]


@pytest.mark.parametrize(
    "line, token",
    [("& echo x", "&"), ("echo a && && b", "&&"), ("if a b", "b"), ("(echo a) b", "b"), ("for %i on (1) do x", "on")],
)
async def test_what_is_unexpected_is_said_and_nothing_runs(line: str, token: str):
    """A syntax error names the word, ends with 1, and no part of the line has run."""
    code, out, err = await run(a_machine(), line)
    assert (code, out, err) == (1, "", f"{token} was unexpected at this time.\r\n")


async def test_messages_are_russian_in_the_oem_code_page():
    """A Russian station answers in cp866, byte for byte what people's logs show."""
    machine = a_machine("ru")
    err = bytearray()
    assert await cmd.run(machine, "nosuch", bytearray().extend, err.extend) == 1
    assert err.decode("cp866").startswith('"nosuch" не является внутренней или внешней')


async def test_chcp_changes_the_page_for_the_rest_of_the_line():
    """After chcp 65001 cmd.exe's own words are UTF-8, too."""
    machine = a_machine("ru")
    out = bytearray()
    await cmd.run(machine, "chcp 65001 >nul & echo Игрок", out.extend, out.extend)
    assert out.decode("utf-8") == "Игрок\r\n"


async def test_disablecmd_one_stops_everything_two_only_the_prompt():
    """DisableCMD=1 makes cmd.exe refuse /c, DisableCMD=2 does not touch it."""
    machine = a_machine()
    key = r"HKCU\Software\Policies\Microsoft\Windows\System"
    machine.registry.set(key, "DisableCMD", number(2))
    assert (await run(machine, "echo x"))[1] == "x\r\n"
    machine.registry.set(key, "DisableCMD", number(1))
    code, out, _ = await run(machine, "echo x")
    assert code == 1
    assert "disabled by your administrator" in out


async def test_a_line_longer_than_8191_characters_is_refused():
    """cmd.exe does not run what it cannot hold."""
    machine = a_machine()
    assert (await run(machine, "rem " + "x" * 8180))[0] == 0
    assert (await run(machine, "rem " + "x" * 8190))[0] == 1


async def test_what_is_left_running_ends_with_the_shell():
    """A program with windows started from SSH sits in session 0 and is gone when the shell ends."""
    machine = a_machine()
    machine.files.write(r"C:\dg\game.exe", b"MZ")
    code, out, _ = await run(machine, r'start "" /b C:\dg\game.exe&tasklist /fi "imagename eq game.exe" /fo csv /nh')
    assert code == 0
    assert '"game.exe"' in out
    assert not machine.processes.named("game.exe")


async def test_a_nested_cmd_costs_a_process_and_a_builtin_none():
    """Time goes into programs, nested shells and for /f commands, not into built-in commands."""
    plan = StationPlan(costs=Costs(command=0, process=0.02, reboot=0, ready=0))
    machine = Machine(plan, [])
    machine.programs["cmd.exe"] = cmd.program
    loop = asyncio.get_running_loop()

    async def cost(line: str) -> float:
        began = loop.time()
        await run(machine, line)
        return loop.time() - began

    assert await cost("echo a&set X=1&if exist C:\\ echo b") < 0.02
    assert await cost("cmd /c echo x") >= 0.02
    assert await cost("for /f %a in ('hostname') do @echo %a") >= 0.04


async def test_a_file_in_use_stays_and_is_told():
    """Del says so and still ends with 0; only asking for the file tells."""
    machine = a_machine(faults=frozenset({"file_in_use"}))
    held = next(path for process in machine.processes for path in process.holds if machine.files.exists(path))
    code, out, err = await run(machine, f'del /f /q /a "{held}"&if exist "{held}" echo stays')
    assert code == 0
    assert out.endswith("stays\r\n")
    assert err


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60))
@settings(max_examples=80, deadline=None)
def test_a_caret_before_every_character_carries_any_text(text: str):
    """What is escaped character by character arrives as it was typed."""
    line = "echo x" + "".join(f"^{char}" for char in text)
    code, out, _ = asyncio.run(run(a_machine_once(), line))
    assert (code, out) == (0, f"x{text}\r\n")


_once: list[Machine] = []


def a_machine_once() -> Machine:
    if not _once:
        _once.append(a_machine())
    return _once[0]


@given(
    st.lists(
        st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x450), max_size=25), min_size=1, max_size=4
    )
)
@settings(max_examples=60, deadline=None)
def test_what_the_gate_renders_reaches_the_program_unchanged(arguments: list[str]):
    """Quoting for the program and escaping for cmd.exe come off again, in this order, to the very arguments."""
    machine = a_machine()
    seen: list[list[str]] = []

    async def show(call: Call) -> int:
        seen.append(call.arguments)
        return 0

    machine.files.write(r"C:\dg\show.exe", b"MZ")
    machine.programs["show.exe"] = show
    command = render(Shell.CMD, (Run(r"C:\dg\show.exe", tuple(arguments), label="shown"),))
    code, out, _ = asyncio.run(run(machine, command.text))
    assert (code, out) == (0, "@@ shown ok\r\n")
    assert seen == [arguments]
