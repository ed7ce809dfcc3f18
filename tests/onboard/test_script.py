"""The script for the PC, read by a grammar of PowerShell that is not ours. Nobody has run it on a real Windows here."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.onboard.script import ForPc, as_file, fetch_command, script_text

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== drova_gate"
TOLD = ForPc("192.168.1.1", KEY, "/var/lib/drova_gate/gate_key")
PWSH = shutil.which("pwsh") or shutil.which("powershell")
POWERSHELL = tree_sitter.Language(tree_sitter_powershell.language())

KNOWN = {
    # What Windows PowerShell 5.1 on Windows 10 and 11 has; a slip of the pen is in no list.
    *("Add-LocalGroupMember", "Add-WindowsCapability", "ConvertTo-SecureString", "Copy-Item", "Expand-Archive"),
    *("ForEach-Object", "Get-Acl", "Get-AuthenticodeSignature", "Get-ChildItem", "Get-CimInstance", "Get-Content"),
    *("Get-Date", "Get-Item", "Get-LocalGroupMember", "Get-NetFirewallAddressFilter", "Get-NetFirewallPortFilter"),
    *("Get-NetFirewallProfile", "Get-NetFirewallRule", "Get-Process", "Get-Service", "Get-WindowsCapability"),
    *("Invoke-CimMethod", "Join-Path", "New-Item", "New-LocalUser", "New-NetFirewallRule", "New-Object", "Out-Null"),
    *(
        "Remove-Item",
        "Remove-LocalUser",
        "Resolve-Path",
        "Restart-Service",
        "Select-Object",
        "Set-ItemProperty",
        "Set-NetFirewallRule",
    ),
    *("Set-Service", "Set-StrictMode", "Sort-Object", "Split-Path", "Start-Process", "Start-Service"),
    *("Test-Connection", "Test-Path", "Where-Object", "Write-Host"),
}
CHANGES = re.compile(
    r"^(Add|Copy|Expand|New-Item|New-Local|New-Net|Remove|Restart|Set-(?!StrictMode)|Start)-?", re.IGNORECASE
)


def parsed(text: str) -> tree_sitter.Node:
    return tree_sitter.Parser(POWERSHELL).parse(text.encode()).root_node


def nodes(root: tree_sitter.Node, *kinds: str) -> Iterator[tree_sitter.Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in kinds:
            yield node
        waiting.extend(node.children)


def words(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


@pytest.fixture(scope="module")
def root() -> tree_sitter.Node:
    return parsed(script_text(TOLD))


def function_of(node: tree_sitter.Node) -> tree_sitter.Node | None:
    above = node.parent
    while above is not None and above.type != "function_statement":
        above = above.parent
    return above


def functions(root: tree_sitter.Node) -> dict[str, tree_sitter.Node]:
    return {words(next(nodes(one, "function_name"))): one for one in nodes(root, "function_statement")}


def calls(root: tree_sitter.Node) -> list[tuple[str, tree_sitter.Node]]:
    found = []
    for one in nodes(root, "command"):
        name = one.child_by_field_name("command_name")
        if name is not None and name.type == "command_name":
            found.append((words(name), one))
    return found


def test_the_script_parses(root: tree_sitter.Node):
    assert not root.has_error


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters='"/\\[]:;|=,+*?<>'), max_size=20))
def test_no_login_breaks_out_of_its_quotes(login: str):
    """Typographic quotes end a string of PowerShell, too."""
    text = script_text(ForPc("192.168.1.1", KEY, "/k", login))
    (line,) = [one for one in text.split("\n") if one.startswith("    [string] $Login = ")]
    inside = line.removeprefix("    [string] $Login = '").removesuffix("',")
    assert re.fullmatch(r"(?:[^'\u2018\u2019\u201a\u201b]|(['\u2018\u2019\u201a\u201b])\1)*", inside)


@pytest.mark.parametrize(
    "told",
    [
        {"router": "192.168.1"},
        {"router": "$(calc)"},
        {"login": "a\nb"},
        {"login": "a;b"},
        {"key_line": "ssh-ed25519 'x"},
        {"key_file": "/a\nb"},
    ],
)
def test_what_is_odd_is_not_written_into_a_script(told: dict[str, str]):
    with pytest.raises(ValueError):
        ForPc(**{"router": "192.168.1.1", "key_line": KEY, "key_file": "/k"} | told)


def test_the_file_is_what_5_1_reads_right():
    """The mark, without which Cyrillic is read as cp1251, and Windows' ends of lines only."""
    content = as_file(script_text(TOLD))

    assert content.startswith(b"\xef\xbb\xbf#Requires -Version 5.1\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    assert b"{{" not in content
    assert "PRIVATE" not in content.decode("utf-8-sig")


def test_nothing_newer_than_5_1_is_used(root: tree_sitter.Node):
    """No chains, no ternary, no ``??``, and no cmdlet that 5.1 does not have."""
    leaves = {words(one) for one in _leaves(root)}
    assert leaves & {"&&", "||", "?", "??", "??=", "?.", "?["} == set()
    own = set(functions(root))
    assert own
    assert {name for name, _ in calls(root)} - own - KNOWN - {"T"} == set()


def _leaves(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if "string" in node.type or node.type == "comment":
            continue
        if not node.children:
            yield node
        waiting.extend(node.children)


def test_every_change_is_asked_of_what_if_first(root: tree_sitter.Node):
    """``-WhatIf`` changes nothing: each changing call stands behind ``Test-Change``, in its own function or in all that call it."""
    changing = [
        (name, call)
        for name, call in calls(root)
        if (name in KNOWN and CHANGES.match(name)) or name == "Invoke-Program"
    ]
    for name, call in changing:
        assert _is_guarded(call, root), f"{name} at line {call.start_point[0] + 1}"
    writes = [one for one in nodes(root, "invokation_expression") if "WriteAllText" in words(one)]
    assert len(writes) == 2
    assert all(_is_guarded(one, root) for one in writes)
    assert len(changing) > 15


def _is_guarded(node: tree_sitter.Node, root: tree_sitter.Node) -> bool:
    function = function_of(node)
    if function is None:
        return False
    before = (function.text or b"")[: node.start_byte - function.start_byte].decode()
    if "Test-Change" in before:
        return True
    name = words(next(nodes(function, "function_name")))
    callers = [call for called, call in calls(root) if called == name]
    return bool(callers) and all(_is_guarded(call, root) for call in callers)


def test_no_firewall_rule_comes_out_of_a_pipe_to_be_changed(root: tree_sitter.Node):
    """What is changed is named: an empty pipe into a cmdlet of the firewall may mean all rules."""
    changed = [words(call) for name, call in calls(root) if name == "Set-NetFirewallRule"]
    assert len(changed) == 2
    assert all(re.search(r"-Name (\$RuleName|\$other\.Name)", one) for one in changed)
    assert re.search(r"\|\s*(Set|Get)-NetFirewallRule", words(root)) is None


def test_a_genuine_server_does_not_vouch_for_the_installer_beside_it(root: tree_sitter.Node):
    """Of a .zip only sshd.exe was checked, and install-sshd.ps1 run as administrator: all that is run must be Microsoft's."""
    install = words(functions(root)["Install-FromZip"])
    checked = re.search(r"Where-Object \{ (.+) -contains \$_\.Extension \}", install)

    assert checked is not None
    assert {"'.exe'", "'.dll'", "'.ps1'", "'.psm1'", "'.psd1'"} == set(checked[1].split(", "))
    assert 0 < install.index("Confirm-Signature $program.FullName") < install.index("Copy-Item")


def test_half_an_account_is_taken_back(root: tree_sitter.Node):
    """Where it could not join the administrators it stayed, and every next run, with -NewAccount too, said to run it with -NewAccount."""
    made = words(functions(root)["New-GateAccount"])
    (finally_,) = nodes(functions(root)["New-GateAccount"], "finally_clause")

    assert "if (-not $whole) { Remove-LocalUser -Name $Name }" in words(finally_)
    assert made.index("New-LocalUser") < made.index("Add-LocalGroupMember") < made.index("$whole = $true")
    assert made.index("$whole = $true") < made.index("Remove-LocalUser")


def test_a_key_that_was_taken_out_with_a_hash_is_written_again(root: tree_sitter.Node):
    """``#ssh-ed25519 AAAA... drova_gate`` was told to stand there, and sshd let nobody in."""
    (known,) = [
        words(one)
        for one in nodes(functions(root)["Install-Key"], "assignment_expression")
        if words(one).startswith("$known")
    ]
    taken_out = re.search(r"\$_ -notmatch '([^']+)' -and ", known)

    assert taken_out is not None
    assert re.search(taken_out[1], f" # {KEY}")
    assert not re.search(taken_out[1], KEY)


def test_what_the_owner_wrote_into_sshd_config_comes_out_as_it_went_in(root: tree_sitter.Node):
    """A Cyrillic comment in cp1251, which is no UTF-8, was made question marks. Latin-1 takes every byte for itself."""
    update = words(functions(root)["Update-Config"])

    assert "New-Object Text.UTF8Encoding $false, $true" in update, "strict"
    assert "[Text.Encoding]::GetEncoding(28591)" in update
    assert len(re.findall(r"(?:ReadAllText|WriteAllText)\(", update)) == len(re.findall(r", \$encoding\)", update)) == 3


def test_a_server_that_waits_for_a_reboot_is_not_blamed_on_windows_update(root: tree_sitter.Node):
    install = words(functions(root)["Install-FromWindows"])

    assert "RestartNeeded" in install
    assert 0 < install.index("(T 'ssh_reboot')") < install.rindex("(T 'ssh_no_update'")


def test_minutes_of_silence_are_announced(root: tree_sitter.Node):
    """ShouldProcess prints nothing without -WhatIf, and Windows Update takes its time: the script seemed to hang."""
    install = words(functions(root)["Install-FromWindows"])
    assert 0 < install.index("Show-Line '...' 'Gray' (T 'do_capability')") < install.index("Add-WindowsCapability")


def test_a_cmdlet_that_only_asks_is_not_held_up_by_what_if(root: tree_sitter.Node):
    """``Invoke-CimMethod`` supports -WhatIf, and would not ask who sits at the desktop."""
    asked = [words(call) for name, call in calls(root) if name == "Invoke-CimMethod"]
    assert asked
    assert all("-WhatIf:$false" in one for one in asked)


def test_every_text_is_there_in_both_languages(root: tree_sitter.Node):
    """The same fillings in both, Cyrillic in the second, none unused, none missing."""
    text = script_text(TOLD)
    table = dict(re.findall(r"^    (\w+) += @\((.*)\)$", text, re.MULTILINE))
    used = set(re.findall(r"\(T '(\w+)'", text))

    assert used == set(table)
    for key, pair in table.items():
        both = re.findall(r"'((?:[^']|'')*)'", pair)
        assert len(both) == 2, key
        english, russian = (set(re.findall(r"\{\d\}", one)) for one in both)
        assert english == russian, key
        assert re.search("[а-яё]", both[1]), key
        assert not re.search("[А-Яа-яё]", both[0]), key


def test_every_text_gets_as_much_as_it_has_room_for(root: tree_sitter.Node):
    """``-f`` with too little is an error on the owner's screen."""
    table = dict(re.findall(r"^    (\w+) += @\((.*)\)$", script_text(TOLD), re.MULTILINE))
    for name, call in calls(root):
        if name != "T":
            continue
        elements = call.child_by_field_name("command_elements")
        assert elements is not None
        key, *filled = [words(one) for one in elements.children if one.type != "command_argument_sep"]
        room = set(re.findall(r"\{(\d)\}", table[key.strip("'")]))
        assert len(filled) == len(room), words(call)


@pytest.mark.skipif(not PWSH, reason="PowerShell is not installed: the script was read by another grammar alone")
def test_powershells_own_parser_takes_it(tmp_path: Path):
    file = tmp_path / "pc.ps1"
    file.write_bytes(as_file(script_text(TOLD)))
    ask = (
        "$faults = $null; [void] [System.Management.Automation.Language.Parser]::ParseFile("
        f"'{file}', [ref] $null, [ref] $faults); $faults | ForEach-Object {{ \"$_\" }}"
    )
    done = subprocess.run(
        [str(PWSH), "-NoProfile", "-Command", ask], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


def test_no_translated_name_is_relied_on():
    """Groups by their SIDs; the one name stands in a comparison whose other side is looked up by SID."""
    code = re.sub(r"@\('.*'\)", "", script_text(TOLD))
    assert re.findall(r"Администратор|BUILTIN|'Users'|NT AUTHORITY|Everyone", code) == []
    assert "S-1-5-32-544" in code
    assert "S-1-5-18" in code
    assert "/inheritance:r" in code


def test_the_one_line_checks_what_it_fetched():
    """Plain HTTP in a network with renters' PCs: the digest decides, and a quote cannot leave the line."""
    command = fetch_command("http://192.168.1.1:8480/x/y.ps1", b"abc")

    assert "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD" in command
    assert "\n" not in command
    assert not parsed(command).has_error
    assert len(command) < 400, "a QR code of it fits a terminal of 80 columns"
