"""Windows PowerShell 5.1 as sshd's shell: the language that the gate sends, and the traps."""

import asyncio
import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.host.commands import Run, Say, SayVariable, Section, SetVariable, Shell, WhenFile, render
from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.shells import cmd, powershell
from drova_gate.sim.shells.powershell_values import native_line
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.windows.program import Call

FREE = Costs(command=0, process=0, reboot=0, ready=0)


def a_machine() -> Machine:
    machine = Machine(StationPlan(costs=FREE, language="en"), [])
    machine.programs["cmd.exe"] = cmd.program
    machine.programs["powershell.exe"] = powershell.program
    machine.files.make_directory("C:\\dg")
    return machine


async def run(text: str, machine: Machine | None = None) -> tuple[int, str, str]:
    out, err = bytearray(), bytearray()
    code = await powershell.run(machine or a_machine(), text, out.extend, err.extend)
    return code, out.decode("cp437"), err.decode("cp437")


@pytest.mark.parametrize(
    "text, stdout, code",
    [
        ("echo %OS% $PSVersionTable.PSVersion.Major", "%OS%\r\n5\r\n", 0),
        ("'@@ x '+$env:OS", "@@ x Windows_NT\r\n", 0),
        ("$env:DG='it''s';'@@ '+$env:DG", "@@ it's\r\n", 0),
        (r"if(Test-Path -LiteralPath 'C:\Windows'){'yes'}else{'no'}", "yes\r\n", 0),
        (r"if(Test-Path -LiteralPath 'C:\None'){'yes'}else{'no';'twice'}", "no\r\ntwice\r\n", 0),
        (r"& 'reg.exe' 'query' 'HKLM\None' 2>$null", "", 1),
        (r"& 'reg.exe' 'query' 'HKLM\None' 2>$null;'ok'", "ok\r\n", 0),
        ("& 'taskkill.exe' '/im' 'none.exe' 2>$null; exit $LASTEXITCODE", "", 128),
        (r"$LASTEXITCODE=1;& 'hostname.exe';if($LASTEXITCODE -eq 0){'@@ ok'}else{'@@ failed'}", "pc1\r\n@@ ok\r\n", 0),
        (r'"C:\Program Files\Shadow Defender\CmdTool.exe"', "C:\\Program Files\\Shadow Defender\\CmdTool.exe\r\n", 0),
        ("$env:NONE;'x'", "x\r\n", 0),
        ('"a $env:OS `$b"', "a Windows_NT $b\r\n", 0),
    ],
)
async def test_what_the_gate_sends(text: str, stdout: str, code: int):
    """Output and exit status are those of PowerShell 5.1."""
    got = await run(text)
    assert (got[1], got[0]) == (stdout, code), got[2]


@pytest.mark.parametrize(
    "text",
    [
        r'"C:\Program Files\Shadow Defender\CmdTool.exe" /list',
        "hostname && hostname",
        "'a' || 'b'",
        "foreach($x in 1,2){$x}",
        "'unclosed",
        "if(1){'x'",
        '"$(hostname)"',
        "& echo x & echo y",
    ],
)
async def test_what_is_not_understood_runs_nothing(text: str):
    """A parse error: nothing printed, nothing run, exit status 1."""
    code, out, err = await run(text)
    assert (code, out) == (1, "")
    assert err


@pytest.mark.parametrize(
    "text, message", [(r"rmdir /S /Q C:\dg", "/Q"), ("nosuch x", "not recognized"), ("dir", "not recognized")]
)
async def test_habits_of_cmd_fail(text: str, message: str):
    """cmd.exe's words are errors here, said on stderr."""
    code, _, err = await run(text)
    assert code == 1
    assert message in err


async def test_sc_is_set_content():
    """Without .exe the service controller is not called: a file named query appears."""
    machine = a_machine()
    assert (await run("sc query sshd", machine))[0] == 0
    assert machine.files.read(r"C:\Users\gate\query") == b"sshd\r\n"


async def test_an_encoded_command_runs_under_both_shells():
    """The shell-neutral form: base64 of UTF-16LE."""
    word = base64.b64encode("'hi';exit 3".encode("utf-16-le")).decode()
    text = f"powershell -NoProfile -NonInteractive -EncodedCommand {word}"
    assert (await run(text))[1] == "hi\r\n"
    out = bytearray()
    assert await cmd.run(a_machine(), text, out.extend, out.extend) == 3
    assert bytes(out) == b"hi\r\n"


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["a", "b c", ""], '"C:\\p.exe" a "b c"'),
        (['say "x y"'], '"C:\\p.exe" "say "x y""'),
        (['/pwd:"x y"'], '"C:\\p.exe" /pwd:"x y"'),
        (["C:\\a b\\"], '"C:\\p.exe" "C:\\a b\\"'),
    ],
)
def test_native_arguments_are_put_together_as_5_1_does(arguments: list[str], line: str):
    """Empty ones vanish, blanks outside quotes bring quotes, nothing inside is escaped."""
    assert native_line("C:\\p.exe", arguments) == line


async def test_a_rendered_script_gives_the_same_evidence_in_both_shells():
    """One script, two shells, the same evidence lines."""
    script = (
        Say("begin"),
        SetVariable("DG_X", r"C:\it's (here)"),
        SayVariable("x", "DG_X"),
        Section("build", (Run("hostname.exe", label="name"),)),
        WhenFile(r"C:\Windows", (Say("there"),), (Say("missing"),)),
        Run("reg.exe", ("query", r"HKLM\None"), label="none"),
        Run("cmd.exe", ("/d", "/c", r"C:\dg\x.cmd")),
    )
    machine = a_machine()
    machine.files.write(r"C:\dg\x.cmd", b"@echo x is %DG_X%\r\n")
    out: dict[Shell, bytearray] = {shell: bytearray() for shell in Shell}
    await cmd.run(machine, render(Shell.CMD, script).text, out[Shell.CMD].extend, bytes)
    await powershell.run(machine, render(Shell.POWERSHELL, script).text, out[Shell.POWERSHELL].extend, bytes)
    lines = {shell: text.decode("cp437").splitlines() for shell, text in out.items()}
    # On one command line cmd.exe expands a variable before the line sets it.
    lines[Shell.CMD][1] = lines[Shell.CMD][1].replace("%DG_X%", r"C:\it's (here)")
    assert lines[Shell.CMD] == lines[Shell.POWERSHELL]
    assert lines[Shell.CMD][-1] == r"x is C:\it's (here)"


@given(st.lists(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x450), max_size=20), max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_the_gate_renders_reaches_the_program_unchanged(arguments: list[str]):
    """What 5.1 would break is refused or quoted beforehand: the program gets the very arguments."""
    machine = a_machine()
    seen: list[list[str]] = []

    async def show(call: Call) -> int:
        seen.append(call.arguments)
        return 0

    machine.files.write(r"C:\dg\show.exe", b"MZ")
    machine.programs["show.exe"] = show
    try:
        command = render(Shell.POWERSHELL, (Run(r"C:\dg\show.exe", tuple(arguments), label="shown"),))
    except ValueError:
        return
    code, out, err = asyncio.run(run(command.text, machine))
    assert (code, out) == (0, "@@ shown ok\r\n"), err
    assert seen == [arguments]
