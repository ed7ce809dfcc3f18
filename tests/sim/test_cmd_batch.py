"""The interpreter of batch files."""

import pytest

from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.shells import cmd
from drova_gate.sim.windows.machine import Machine

FREE = Costs(command=0, process=0, reboot=0, ready=0)


async def run_batch(*lines: str, arguments: str = "", files: dict[str, str] | None = None, language: str = "en"):
    machine = Machine(StationPlan(costs=FREE, language=language), [])
    machine.programs["cmd.exe"] = cmd.program
    machine.files.make_directory("C:\\dg")
    for name, text in ({"a.cmd": "\r\n".join(["@echo off", *lines])} | (files or {})).items():
        machine.files.write(f"C:\\dg\\{name}", text.encode(machine.oem_encoding))
    out, err = bytearray(), bytearray()
    code = await cmd.run(machine, f"cmd.exe /d /c C:\\dg\\a.cmd {arguments}", out.extend, err.extend)
    said = out.decode(machine.oem_encoding).split("\r\n")
    assert said.pop() == ""
    return code, said, err.decode(machine.oem_encoding), machine


async def test_arguments_and_their_modifiers():
    """%1, %~1, %*, %~dp0 and %~nx1 are what the caller gave."""
    code, said, _, _ = await run_batch(
        "echo [%1] [%~1] [%2] [%9] [%*]", "echo %~dp0 %~nx0 %~x1", arguments='"C:\\x y\\f.txt" b,c'
    )
    assert said == [
        '["C:\\x y\\f.txt"] [C:\\x y\\f.txt] [b] [] ["C:\\x y\\f.txt" b,c]',
        "C:\\dg\\ a.cmd .txt",
    ]
    assert code == 0


async def test_percent_signs_in_a_batch_file():
    """Two are one, undefined variables vanish, and the command line's caret trick does not work."""
    _, said, _, _ = await run_batch("set X=5", "echo %%X%% %UNDEFINED% %X% ^%X^% 100%%")
    assert said == ["%X%  5  100%"]


async def test_subroutines_return_their_code():
    """Call :label has its own arguments, exit /b its own code, and execution goes on behind the call."""
    code, said, _, _ = await run_batch(
        'call :sub "a b" c', "echo back %errorlevel%", "exit /b 7", ":sub", "echo %~1 %2 %0", "exit /b 3"
    )
    assert (code, said) == (7, ["a b c :sub", "back 3"])


async def test_variables_of_a_block_are_read_before_it():
    """%X% in parentheses is the value from before; !X! is the present one."""
    _, said, _, _ = await run_batch(
        "setlocal EnableDelayedExpansion", "set X=old", "(", "set X=new", "echo %X% !X!", ")", "echo %X%"
    )
    assert said == ["old new", "new"]


async def test_a_counting_loop_with_goto():
    """Set /a, geq and goto make a loop that ends."""
    _, said, _, _ = await run_batch(
        'set "N=0"', ":look", "set /a N+=1", "if %N% geq 3 goto seen", "echo %N%", "goto look", ":seen", "echo end %N%"
    )
    assert said == ["1", "2", "end 3"]


async def test_for_f_reads_a_csv_file():
    """usebackq, tokens and delims read what tasklist writes; quotes go by the tilde."""
    _, said, _, _ = await run_batch(
        'for /f "usebackq tokens=1,3 delims=," %%a in ("C:\\dg\\t.csv") do if /i "%%~a"=="explorer.exe" echo %%b %%~b',
        'for /f "usebackq skip=1 tokens=2* eol=s delims=," %%a in ("C:\\dg\\t.csv") do echo %%a/%%b',
        files={"t.csv": '"-","0","-"\r\n\r\n"Explorer.exe","12","Con sole","x"\r\nsvchost,1\r\n'},
    )
    assert said == ['"Con sole" Con sole', '"12"/"Con sole","x"']


async def test_for_d_with_a_quoted_wildcard_and_loop_variables_in_paths():
    """Directories only, with the path that was written before the wildcard."""
    _, said, _, machine = await run_batch(
        "md C:\\dg\\p1 C:\\dg\\p2",
        "echo x>C:\\dg\\p3",
        "echo x>C:\\dg\\p2\\f",
        'set "P=C:\\dg\\p*"',
        'set "R=clean"',
        'for /d %%d in ("%P%") do if exist "%%~d\\f" (set "R=changed"& del /f /q /a "%%~d\\f" >nul 2>nul)',
        "echo %R%",
        'for /d %%d in ("%P%") do echo %%~d %%~nxd',
    )
    assert said == ["changed", "C:\\dg\\p1 p1", "C:\\dg\\p2 p2"]
    assert not machine.files.exists("C:\\dg\\p2\\f")


async def test_deleting_is_proved_by_asking():
    """If exist before and after tells a file from a directory, deleted from held."""
    wipe = (
        'if exist "%P%\\*" (rd /s /q "%P%" >nul 2>nul& if exist "%P%\\*" (echo held) else (echo changed)) '
        'else if exist "%P%" (echo file) else (echo clean)'
    )
    _, said, _, _ = await run_batch(
        'set "P=C:\\dg\\tree (1)"', wipe, 'md "%P%\\deep"', 'echo x>"%P%\\deep\\f"', wipe, 'echo x>"%P%"', wipe
    )
    assert said == ["clean", "changed", "file"]


async def test_errorlevel_of_builtins_and_programs():
    """Programs set it, echo and rd leave it, del clears it, set clears it in a .cmd file, || makes up for rd."""
    _, said, _, _ = await run_batch(
        "cmd /c exit 5",
        "echo %errorlevel%",
        "rd C:\\dg\\nope 2>nul",
        "echo %errorlevel%",
        'set "X=1"',
        "echo %errorlevel%",
        "rd C:\\dg\\nope 2>nul || rem",
        "echo %errorlevel%",
        "del C:\\dg\\nope 2>nul",
        "echo %errorlevel%",
        "nosuch 2>nul",
        "echo %errorlevel%",
    )
    assert said == ["5", "5", "0", "2", "0", "9009"]


async def test_a_batch_file_that_is_not_called_never_returns():
    """Only call comes back."""
    files = {"b.cmd": "@echo in b %1\r\n"}
    _, said, _, _ = await run_batch("call C:\\dg\\b.cmd 1", "echo back", "C:\\dg\\b.cmd 2", "echo never", files=files)
    assert said == ["in b 1", "back", "in b 2"]


async def test_call_expands_percent_signs_twice():
    """The old way to an indirect variable."""
    _, said, _, _ = await run_batch("set A=B", "set B=value", "call echo %%%A%%%")
    assert said == ["value"]


async def test_setlocal_ends_with_the_file():
    """What is set after setlocal is gone at endlocal, and at the end of a subroutine."""
    _, said, _, _ = await run_batch(
        "set X=1",
        "call :sub",
        "echo %X%",
        "setlocal",
        "set X=3",
        "endlocal",
        "echo %X%",
        "exit /b",
        ":sub",
        "setlocal",
        "set X=2",
        "goto :eof",
    )
    assert said == ["1", "1"]


@pytest.mark.parametrize("bad", ["if exist x (echo a", "if", "for %%a in (1 2", "(echo a) else (echo b)"])
async def test_a_syntax_error_ends_the_file(bad: str):
    """Nothing behind it runs, and the code is 255."""
    code, said, err, _ = await run_batch("echo before", bad, "echo after")
    assert (code, said) == (255, ["before"])
    assert err


async def test_a_comment_with_colons_before_a_closing_parenthesis_is_a_syntax_error():
    """The well-known trap: a label may not be the last line of a block."""
    code, said, _, _ = await run_batch("(", "echo a", ":: comment", ")", "echo after")
    assert (code, said) == (255, [])


async def test_a_missing_label_ends_the_file():
    """Goto to nowhere: the rest does not run."""
    code, said, err, _ = await run_batch("goto nowhere", "echo never")
    assert (code, said) == (1, [])
    assert "nowhere" in err


async def test_the_file_is_read_in_the_oem_code_page():
    """A Cyrillic path written in cp866 works on a Russian station."""
    _, said, _, machine = await run_batch('md "C:\\dg\\Игрок"', "echo Игрок", language="ru")
    assert said == ["Игрок"]
    assert machine.files.is_dir("C:\\dg\\Игрок")


async def test_redirections_of_blocks_and_before_commands():
    """A block's redirection holds for all in it; one may stand before its command."""
    _, said, _, machine = await run_batch(
        '(echo marker>"C:\\dg\\m (x)") >nul 2>nul',
        'type "C:\\dg\\m (x)"',
        '>"C:\\dg\\t" echo a',
        '(echo b& echo c)>>"C:\\dg\\t"',
        "echo lost >nul",
        'nosuch 2>&1 | find "nosuch" >nul && echo piped',
        "set /p LINE=<C:\\dg\\t",
        "echo %LINE%",
    )
    assert said == ["marker", "piped", "a"]
    assert machine.files.read("C:\\dg\\t") == b"a\r\nb\r\nc\r\n"


async def test_caret_joins_lines_and_quotes_hide_operators():
    """A caret at a line's end goes on in the next line; & in quotes is text."""
    _, said, _, _ = await run_batch("echo one ^", "two", 'echo "a & b" ^& c')
    assert said == ["one two", '"a & b" & c']


async def test_move_does_not_replace_a_read_only_file():
    """Move fails on a read-only target; after del /f /a it goes."""
    _, said, _, _ = await run_batch(
        "echo old>C:\\dg\\t",
        "echo new>C:\\dg\\s",
        "attrib +r C:\\dg\\t",
        "move /y C:\\dg\\s C:\\dg\\t >nul 2>nul",
        "echo %errorlevel%",
        "del /f /q /a C:\\dg\\t",
        "move /y C:\\dg\\s C:\\dg\\t >nul",
        "type C:\\dg\\t",
    )
    assert said == ["1", "new"]
