"""Arguments arrive unchanged under both shells; the shells are modelled here by their documented rules."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drova_gate.errors import AnswerNotUnderstood, ShellNotSupported
from drova_gate.host.commands import (
    Run,
    Say,
    SayVariable,
    Secret,
    Section,
    SetVariable,
    Shell,
    WhenFile,
    render,
    sections,
)
from drova_gate.host.shellprobe import ask_variables, read_shell, read_variables
from drova_gate.sim.windows.program import split_line

PROGRAM = r"C:\Program Files\Shadow Defender\CmdTool.exe"
NASTY = (
    "plain",
    "two words",
    'a"b',
    'a" b',
    '"',
    "100%",
    "%OS%",
    "%OS:W=x%",
    "%%",
    "a^b",
    "a&b|c<d>e",
    "(x)",
    "wow!",
    "it's",
    "it\u2019s",
    "$env:OS `n $(x)",
    "end\\",
    "two words\\",
    "a\\\\b c\\\\",
    'q\\" \\',
    ";,=@",
    "Пароль №1",
    "",
)
PLAIN_TEXT = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)
SHARP_TEXT = st.text("ab \\\"'%^&|<>()!$`;OS:=", max_size=12)

# -- cmd.exe ---------------------------------------------------------------------------------------------------------

VARIABLES = {"os": "Windows_NT", "path": r"C:\Windows"}


def cmd_expanded(line):
    """Percent expansion on a command line: an unknown variable leaves its text."""
    out, at = "", 0
    while at < len(line):
        end = line.find("%", at + 1)
        if line[at] != "%" or end < 0:
            out += line[at]
            at += 1
            continue
        name, colon, change = line[at + 1 : end].partition(":")
        value = VARIABLES.get(name.casefold())
        if value is None:
            out += "%"
            at += 1
            continue
        if colon:
            old, _, new = change.partition("=")
            value = value.replace(old, new) if old else value
        out += value
        at = end + 1
    return out


def cmd_passed(text):
    """What CreateProcess gets: carets outside quotes dropped, an unescaped special character ends the command."""
    out, quoted, at = "", False, 0
    line = cmd_expanded(text)
    while at < len(line):
        char = line[at]
        if char == "^" and not quoted:
            at += 1
            out += line[at]
        elif char in "&|<>" and not quoted:
            raise AssertionError(f"{char} is not hidden in {text}")
        else:
            quoted ^= char == '"'
            out += char
        at += 1
    return out


# -- PowerShell ------------------------------------------------------------------------------------------------------


def powershell_words(text):
    """Single-quoted words of one command; two quotes of a kind are one."""
    marks = "'\u2018\u2019\u201a\u201b"
    words, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        assert text[at] in marks, text
        word, at = "", at + 1
        while True:
            if text[at] in marks:
                if at + 1 < len(text) and text[at + 1] in marks:
                    at += 1
                else:
                    break
            word += text[at]
            at += 1
        words.append(word)
        at += 1
    return words


def needs_quotes(word, *, modern):
    quotes, after_slash, needs = 0, False, False
    for char in word:
        if char == '"' and not (modern and after_slash):
            quotes += 1
        elif char.isspace() and quotes % 2 == 0:
            needs = True
        after_slash = char == "\\"
    return needs


def powershell_passed(words, *, modern):
    """The command line that PowerShell builds: 5.1, or 7 in its legacy mode."""
    line = f'"{words[0]}"'
    for word in words[1:]:
        if not word:
            continue
        slashes = len(word) - len(word.rstrip("\\")) if modern else 0
        line += f' "{word}' + "\\" * slashes + '"' if needs_quotes(word, modern=modern) else f" {word}"
    return line


def powershell_7_passed(words):
    """7.3 and later in their own mode: every word is escaped properly."""
    return words[1:]


def arrives(shell, argument):
    """The program's argument list, by each version of the shell."""
    text = render(shell, [Run(PROGRAM, (Secret("/pwd:", argument), argument, "/list"))]).text
    if shell is Shell.CMD:
        return [split_line(cmd_passed(text))[1:]]
    prefix = "$PSNativeCommandArgumentPassing='Legacy';"
    words = powershell_words(text.removeprefix(prefix).removeprefix("& "))
    found = [split_line(powershell_passed(words, modern=modern))[1:] for modern in (False, True)]
    return found if text.startswith(prefix) else [*found, powershell_7_passed(words)]


@pytest.mark.parametrize("shell", Shell)
@pytest.mark.parametrize("argument", NASTY)
def test_nasty_arguments_arrive_unchanged(shell, argument):
    """A password with blanks, quotes, percent signs, carets and the like arrives as it is."""
    for found in arrives(shell, argument):
        assert found == ["/pwd:" + argument, argument, "/list"]


@settings(deadline=None, max_examples=120)
@given(argument=PLAIN_TEXT | SHARP_TEXT)
@example("%%OS%")
@example("^%OS:a=b^%")
def test_any_argument_arrives_unchanged_under_cmd(argument):
    """No text is changed by cmd.exe on its way to the program."""
    assert arrives(Shell.CMD, argument) == [["/pwd:" + argument, argument, "/list"]]


@settings(deadline=None, max_examples=120)
@given(argument=PLAIN_TEXT | SHARP_TEXT)
def test_any_argument_arrives_unchanged_under_powershell(argument):
    """No text is changed by PowerShell 5.1 or 7 on its way to the program, or it is refused before anything is sent."""
    try:
        found = arrives(Shell.POWERSHELL, argument)
    except ValueError:
        assert '"' in argument
        return
    for each in found:
        assert each == ["/pwd:" + argument, argument, "/list"]


@pytest.mark.parametrize("shell", Shell)
@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b"])
def test_line_ends_are_refused(shell, text):
    """A line end would begin a command of its own."""
    with pytest.raises(ValueError, match="line ends"):
        render(shell, [Run("reg.exe", (Secret("/pwd:", text),))])


# -- the forms -------------------------------------------------------------------------------------------------------

STEPS = (
    SetVariable("DG_A", r"C:\Users\Игрок"),
    Section("x", (Run("reg.exe", ("query", "HKU"), label="r"), Say("done"))),
    WhenFile(PROGRAM, (Run(PROGRAM, ("/list",)),), (SayVariable("os", "OS"),)),
)


def test_forms_for_cmd():
    """cmd.exe: a quoted path stands bare, nothing begins with &."""
    assert render(Shell.CMD, STEPS).text == (
        r'set "DG_A=C:\Users\Игрок"&echo @@ begin x&(reg.exe query HKU&&echo @@ r ok||echo @@ r failed)&echo @@ done'
        rf'&echo @@ end x&(if exist "{PROGRAM}" ("{PROGRAM}" /list) else (echo @@ os %OS%))'
    )


def test_forms_for_powershell():
    """PowerShell: & before each program; a program that cannot be started must not inherit an exit code of 0."""
    assert render(Shell.POWERSHELL, STEPS).text == (
        r"$env:DG_A='C:\Users\Игрок';'@@ begin x';$LASTEXITCODE=1;& 'reg.exe' 'query' 'HKU';"
        "if($LASTEXITCODE -eq 0){'@@ r ok'}else{'@@ r failed'};'@@ done';'@@ end x';"
        rf"if(Test-Path -LiteralPath '{PROGRAM}'){{& '{PROGRAM}' '/list'}}else{{'@@ os '+$env:OS}}"
    )


def test_too_long_for_cmd_is_refused():
    """cmd.exe would cut a command of more than 8191 characters."""
    with pytest.raises(ValueError, match="8191"):
        render(Shell.CMD, [Run("x", ("a" * 9000,))])


def test_secret_is_masked_everywhere():
    """A secret shows its prefix only."""
    for shell in Shell:
        command = render(shell, [Section("s", (Run("x", (Secret("/pwd:", 'ge"heim'),)),))])

        assert "heim" in command.text
        assert "heim" not in str(command) + repr(command)
        assert "/pwd:***" in str(command)


def test_sections_leave_out_what_has_no_end():
    """A section that the link cut is left out."""
    assert sections("@@ begin a\r\n1\r\n@@ end a\r\n@@ begin b\r\n2\r\n") == {"a": "1"}


# -- the probe -------------------------------------------------------------------------------------------------------


def test_probe_tells_the_shells_apart():
    """cmd.exe, PowerShell (with a profile's banner before it), and nothing else."""
    assert read_shell("s", "Windows_NT $PSVersionTable.PSVersion.Major\r\n") is Shell.CMD
    assert read_shell("s", "%OS%\r\n5\r\n") is Shell.POWERSHELL
    assert read_shell("s", "Добро пожаловать\r\n%OS%\r\n7\r\n") is Shell.POWERSHELL
    for answer in ("%OS% .PSVersion.Major\n", "", "Windows_NT\r\n", "%OS%\r\n"):
        with pytest.raises(ShellNotSupported, match="DefaultShell"):
            read_shell("s", answer)


def test_variables_must_all_be_there():
    """Paths are made of them, so an unset one is a fault."""
    answer = "@@ SystemRoot C:\\Windows\r\n@@ ProgramData C:\\ProgramData\r\n@@ USERPROFILE C:\\Users\\a b\r\n@@ COMPUTERNAME PC\r\n"

    assert read_variables("s", answer)["USERPROFILE"] == r"C:\Users\a b"
    for broken in (answer.replace("@@ COMPUTERNAME PC", ""), answer.replace("C:\\Windows", "%SystemRoot%")):
        with pytest.raises(AnswerNotUnderstood):
            read_variables("s", broken)
    assert len(ask_variables()) == 4
