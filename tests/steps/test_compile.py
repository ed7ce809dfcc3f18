"""The compiled payload: its structure, and what it costs the station."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_targets import MARKER, SESSION, compiled, lockdown, recipes, target

from drova_gate.core.model import StepOutcome
from drova_gate.host.commands import CMD_LIMIT, Shell, render
from drova_gate.steps.batch import LINE_LIMIT, chunks
from drova_gate.steps.compile import compile_preparation
from drova_gate.steps.compile_steps import compile_wipe, originals_wanted
from drova_gate.steps.compile_undo import compile_undo, undo_all
from drova_gate.steps.payload import Payload, Unreadable
from drova_gate.steps.recipes import Level, read_recipe
from drova_gate.steps.registry_file import ValueSet, registry_file

HOME = r"C:\ProgramData\drova_gate"
STEAM = r"C:\Program Files (x86)\Steam\config"
USERS = STEAM + r"\loginusers.vdf"
PROGRAMS = re.compile(r"(?:^|\| )([a-z]+\.(?:exe|com)) ", re.MULTILINE)


def lines(payload: Payload, name: str) -> list[str]:
    text = payload.files[rf"{HOME}\{name}"].decode("ascii")
    assert text.count("\n") == text.count("\r\n")
    return text.split("\r\n")[:-1]


def reg(payload: Payload, name: str = "wipe.reg") -> str:
    data = payload.files[rf"{HOME}\{name}"]
    assert data.startswith(b"\xff\xfe")
    return data.decode("utf-16")


def started(payload: Payload, name: str) -> list[str]:
    return [
        program for line in lines(payload, name) if not line.startswith("if ") for program in PROGRAMS.findall(line)
    ]


def rows_of(payload: Payload) -> dict[str, list[str]]:
    """The lines that start programs, by the label that they stand below; at the top: the empty one."""
    rows, label = dict[str, list[str]](), ""
    for line in lines(payload, "prepare.cmd"):
        if line.startswith(":"):
            label = line[1:]
        if not line.startswith("if ") and PROGRAMS.search(line):
            rows.setdefault(label, []).append(line)
    return rows


def test_cost_in_processes_is_within_budget():
    """Three rows of programs stand one after the other, two in the longest lane; in the network part one row."""
    payload = compiled(using=())
    rows = rows_of(payload)
    assert len(rows[""]) == 3
    assert len(rows["early"]) == 2
    assert len(started(payload, "prepare.cmd")) <= 24
    assert len(started(payload, "network.cmd")) <= 14


def test_powershell_is_waited_for_by_nothing():
    """Where a name runs that only PowerShell can judge, it runs beside the same lanes as stand there without it."""
    rows = rows_of(compiled())
    with_it, without = rows[""][-1], rows["alone"][-1]
    assert with_it.rpartition("powershell.exe")[0] == f"{without} | "


def test_very_many_names_to_be_judged_by_path():
    """More rules than one line of PowerShell takes: each is judged once, by its own number, and no line is too long."""
    rules = "".join(
        f"[[kill_under]]\nimage = \"Launcher {n}.exe\"\nfolder = '\\Some Long Maker Name {n}\\'\n" for n in range(300)
    )
    text = f'name = "many"\ntitle = "Many"\nverified = "unverified"\n{rules}'
    payload = compiled(using=(read_recipe("many.toml", text),))
    told = [line for line in lines(payload, "prepare.cmd") if "powershell.exe" in line]
    listed = [rule for line in told for rule in re.search(r"\$q='([^']*)'", line)[1].split(";")]
    starts = [int(re.search(r"\$n=(\d+);", line)[1]) for line in told]
    assert len(told) > 1
    assert listed == [f"Launcher {n}|\\some long maker name {n}\\" for n in range(300)]
    assert [listed[start] for start in starts] == [re.search(r"\$q='([^;']*)", line)[1] for line in told]
    # A name with a blank is no word for "if defined".
    assert not [line for line in lines(payload, "prepare.cmd") if "if defined DG_RUNS_" in line]
    assert sum('"%%~a"=="Launcher ' in line for line in lines(payload, "prepare.cmd")) == 300


def test_branch_is_read_after_the_last_kill_of_its_recipe():
    """A recipe that ends processes by their path has its branch read last, with the list of makers; policies are read first."""
    rows = rows_of(compiled())
    late = "".join(line for label, found in rows.items() if label.startswith("late") for line in found)
    early = "".join(line for label, found in rows.items() if label.startswith("early") for line in found)
    assert "Blizzard Entertainment" in late
    assert 'Software" 2>nul' in late
    assert "Blizzard" not in early
    assert "Policies" in "".join(rows["policies1"])
    assert "Policies" not in early + late


def test_more_recipes_start_no_more_programs():
    """Two hundred recipes that delete files start as many programs as seven do; their lines stay within what cmd.exe takes."""
    text = """
name = "r{n}"
title = "Recipe {n}"
verified = "unverified"
kill = ["Some Long Launcher Name {n}.exe", "AnotherHelper{n}.exe"]
[[min]]
name = "one"
kind = "delete_file"
path = '{{local}}\\Launcher {n}\\token.dat'
"""
    many = tuple(read_recipe(f"r{n}.toml", text.format(n=n)) for n in range(200))
    few = compiled(using=())
    added = compiled(using=many)
    count = [len(started(payload, "prepare.cmd")) for payload in (few, added)]
    # Two taskkill commands, each cut to the length of a command line.
    assert count[1] - count[0] <= 6
    assert max(map(len, lines(added, "prepare.cmd"))) <= LINE_LIMIT < CMD_LIMIT


def test_order_is_kill_wipe_write_restart_read():
    """Kill and write the policies first, then wipe, kill again and write the rest beside Explorer's restart, wipe again and look."""
    text = "\n".join(lines(compiled(), "prepare.cmd"))
    at = 0
    for part in (
        "if not defined DG_LOCAL",
        "taskkill.exe /f /t /im ",
        'reg.exe import "%DG_HOME%\\policies.reg"',
        "schtasks.exe /create",
        " early >early.txt",
        "\ncall :wipe",
        " late1 >late1.txt",
        "@@ finished prepare",
        "\n:early",
        "call :wipe",
        "taskkill.exe /f /im ",
        'reg.exe import "%DG_HOME%\\wipe.reg"',
        " early1 >early1.txt",
        "\n:shell",
        "taskkill.exe /f /im explorer.exe ",
        "schtasks.exe /run",
        "tasklist.exe",
        "schtasks.exe /delete",
        "\n:late1",
        "reg.exe query",
        "\n:wipe",
    ):
        assert part in text[at:], part
        at = text.index(part, at) + 1


def test_registry_file_holds_everything_and_the_marker_last():
    """Policies go to the console user's hive, the list to its subkey, and the marker closes the file."""
    text = reg(compiled(), "policies.reg")
    assert (
        r"[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer\DisallowRun]"
        in text
    )
    assert '"1"="Commit.exe"' in text
    assert '"0"=' not in text
    assert '"NoLogoff"=dword:00000001' in text
    assert "HKEY_CURRENT_USER" not in text
    text = reg(compiled())
    assert text.rstrip().endswith(
        f'[HKEY_LOCAL_MACHINE\\HARDWARE\\DESCRIPTION\\System]\r\n"drova_gate"="feedbeef"\r\n\r\n'
        f'[HKEY_LOCAL_MACHINE\\SOFTWARE\\drova_gate]\r\n"marker"="{MARKER}"\r\n"session"="{SESSION}"'
    )


def test_unicode_profile_travels_by_variables_only():
    """A Cyrillic console user: the .cmd stays ASCII, his paths and name are set in the command line of both shells."""
    payload = compiled(target(r"C:\Users\Игрок & Co", task_user="PC1\\Игрок & Co"))
    for name in ("prepare.cmd", "network.cmd", "network.txt"):
        payload.files[rf"{HOME}\{name}"].decode("ascii")
    assert '/ru "%DG_USER%"' in "\n".join(lines(payload, "prepare.cmd"))
    for shell in Shell:
        text = render(shell, payload.prepare).text
        assert r"C:\Users\Игрок & Co\AppData\Local" in text
        assert "PC1\\Игрок & Co" in text
        assert len(text) < CMD_LIMIT


def test_same_user_needs_no_account_name():
    """The SSH login sits at the console: the task runs as the caller himself, no account is named."""
    text = "\n".join(lines(compiled(), "prepare.cmd"))
    assert "/ru " not in text
    assert " /it >nul" in text


def test_batch_file_holds_no_trap():
    """No call with more than a step's name, no errorlevel or unquoted variable inside a block, balanced brackets, no bare else."""
    for name in ("prepare.cmd", "network.cmd"):
        for line in lines(compiled(), name):
            assert re.fullmatch(r"(?:.*?call :\w+(?: [a-z0-9_.]+)?\)?)?", line) or "call :" not in line
            if "(" in line.replace("(x86)", ""):
                assert "%errorlevel%" not in line
            unquoted = re.sub(r'"[^"]*"', '""', line)
            if not re.match(r"for /d .* do \($|\)$", line):
                assert unquoted.count("(") == unquoted.count(")")
            assert not re.search(r"%(P|S|DG_(?!HELD)\w+)%", unquoted), line
            assert not re.search(r"else (?![(i])", line)


def test_steam_missing_is_skipped_with_a_reason():
    """No Steam in the registry: its folder's steps are skipped by name, the others stay."""
    payload = compiled(target(steam=False))
    skipped = {
        step.name: step.reason
        for step in payload.expected.settled
        if step.outcome is StepOutcome.SKIPPED and step.name.startswith("steam.")
    }
    assert skipped == {
        "steam.accounts": "{steam} was not found on the station: not installed",
        "steam.config": "{steam} was not found on the station: not installed",
        "steam.sentry": "{steam} was not found on the station: not installed",
    }
    assert "DG_STEAM" not in "\n".join(lines(payload, "prepare.cmd"))


def test_edited_file_is_staged_and_moved():
    """What must be edited is uploaded beside the script and moved into its place; one that needs no change is not touched."""
    emptied = b'"users"\n{\n}\n'
    steam = tuple(recipe for recipe in recipes() if recipe.name == "steam")
    payload = compiled(originals={USERS: b'"users"\n{\n\t"7656"\n\t{\n\t}\n}\n'}, using=steam)
    assert payload.files[rf"{HOME}\edited1.new"] == emptied
    assert any(r'set "S=%DG_HOME%\edited1.new"' in line for line in lines(payload, "prepare.cmd"))
    again = compiled(originals={USERS: emptied}, using=steam)
    assert rf"{HOME}\edited1.new" not in again.files
    assert {step.name: step.outcome for step in again.expected.settled} == {"steam.accounts": StepOutcome.CLEAN}


@pytest.mark.parametrize("original", [Unreadable("in use"), b"[x]\0\0"])
def test_file_that_cannot_be_edited(original: bytes | Unreadable):
    """A sign-in that cannot be cut out goes with its file, unless the recipe says that the file is worth more."""
    epic = next(recipe for recipe in recipes() if recipe.name == "epic")
    where = target()
    files, _ = originals_wanted((epic,), where, Level.MIN)
    wipe = compile_wipe((epic,), where, Level.MIN, dict.fromkeys(files, original))
    assert sum("call :file epic.remember_me" in line for line in wipe.lines) == 2
    assert not wipe.staged
    config = STEAM + r"\config.vdf"
    payload = compiled(originals={config: original})
    (kept,) = [step for step in payload.expected.settled if step.name == "steam.config"]
    assert kept.outcome is StepOutcome.SKIPPED
    assert kept.reason.startswith("left as it is")


def test_network_script_blocks_outbound_only():
    """Rules carry our one name, block outbound remote ports, are listed, and the group goes by its id."""
    script = compiled().files[rf"{HOME}\network.txt"].decode("ascii").split("\r\n")
    assert script == [
        'advfirewall firewall add rule name="drova_gate" dir=out action=block protocol=TCP remoteport=139,445 profile=any',
        'advfirewall firewall add rule name="drova_gate" dir=out action=block protocol=UDP remoteport=137,138,1900,3702,5353,5355 profile=any',
        'advfirewall firewall show rule name="drova_gate"',
        'advfirewall firewall set rule group="@FirewallAPI.dll,-32752" new enable=no',
        "",
    ]


def test_undo_names_exactly_what_was_written():
    """Every value of the lockdown is deleted, nothing else; the list goes as a key; services and group come back."""
    undoing = compile_undo(undo_all(lockdown(), target(), frozenset("C")), target())
    text = reg(undoing, "undo.reg")
    written = {
        line.partition("=")[0] for line in reg(compiled(using=()), "policies.reg").splitlines() if line.startswith('"')
    }
    written -= {'"drova_gate"', '"marker"', '"session"'}
    deleted = {line.removesuffix("=-") for line in text.splitlines() if line.endswith("=-")}
    assert deleted == {name for name in written if not name.strip('"').isdecimal()}
    assert r"Policies\Explorer\DisallowRun]" in text
    assert "=dword" not in text
    network = lines(undoing, "undo_network.cmd")
    assert "sc.exe config FDResPub start= demand >nul 2>nul" in network
    assert not any("sc.exe stop" in line for line in network)
    assert "enable=yes" in undoing.files[rf"{HOME}\network.txt"].decode()


@pytest.mark.parametrize("marker", ["", "a b", "x&calc", "a%b", "Ж"])
def test_marker_that_is_not_plain_is_refused(marker: str):
    """The marker is echoed by the script: nothing but letters and digits."""
    with pytest.raises(ValueError, match="marker"):
        compile_preparation(
            (),
            lockdown(),
            target(),
            level=Level.MIN,
            marker=marker,
            boot_stamp="b",
            session=SESSION,
            volumes=frozenset(),
            originals={},
        )


@settings(max_examples=50, deadline=None)
@given(words=st.lists(st.text("ab c", min_size=1, max_size=30), max_size=60), room=st.integers(40, 200))
def test_chunks_lose_nothing(words: list[str], room: int):
    """Joined again, the lines hold every word in order, and none is too long."""
    made = list(chunks(words, room))
    assert " ".join(made) == " ".join(words)
    assert all(len(line) <= room for line in made)


@settings(max_examples=50, deadline=None)
@given(
    name=st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20),
    data=st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20),
)
def test_registry_text_is_escaped(name: str, data: str):
    """Quotes and backslashes are escaped in names and data, everything else stays."""
    text = registry_file([ValueSet(r"HKEY_LOCAL_MACHINE\SOFTWARE\x", name, "REG_SZ", data)]).decode("utf-16")
    line = text.split("\r\n")[3]
    found = re.fullmatch(r'"((?:[^"\\]|\\.)*)"="((?:[^"\\]|\\.)*)"', line, re.DOTALL)
    assert found
    assert [re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in found.groups()] == [name, data]
