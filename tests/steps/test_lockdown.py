"""Lockdown files: what is shipped, what an owner may change in a file of his own, and what is never written."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_targets import DATA, recipes, target

from drova_gate.cli import main
from drova_gate.config import Mode, read_config
from drova_gate.core.model import StepOutcome
from drova_gate.errors import RecipeFault
from drova_gate.station import lockdown_of
from drova_gate.steps.compile_lockdown import lockdown_registry, network_script, network_steps
from drova_gate.steps.confirm_network import confirm_network
from drova_gate.steps.lockdown import load_lockdown, load_switches, read_lockdown
from drova_gate.steps.lockdown_switches import FirewallRule, Lockdown, PolicyValue
from drova_gate.steps.payload import Expected
from drova_gate.steps.recipes import load_recipes
from drova_gate.steps.registry_file import ValueSet

OURS = load_switches(DATA / "lockdown.toml")
NAMES = [switch.name for switch in OURS]
OWN_POLICY = r"""
[[policy]]
name = "{name}"
effect = "of my own"
key = 'HKCU\Software\Policies\Acme\Club'
value = "{value}"
data = {data}
"""


def faults(text: str, ours: Lockdown | None = OURS) -> list[str]:
    with pytest.raises(RecipeFault) as caught:
        read_lockdown("own.toml", text, ours)
    return str(caught.value).split("own.toml: ")[1:]


def applied(text: str) -> dict[str, object]:
    return {switch.name: switch for switch in read_lockdown("own.toml", text, OURS).applied}


# -- what is shipped -------------------------------------------------------------------------------------------------


def test_every_switch_says_what_it_does():
    """One line each, no two of the same name, and the optional ones are off."""
    assert len(set(NAMES)) == len(NAMES)
    assert all(switch.effect and "\n" not in switch.effect for switch in OURS)
    assert {switch.name for switch in OURS.applied} & {"no_lan", "no_control_panel", "hide_settings_pages"} == set()
    assert {"no_lan", "no_control_panel", "hide_settings_pages", "no_script_host", "no_remote_desktop"} <= set(NAMES)


def test_values_that_windows_ignores_are_not_shipped():
    """The four of the seed: a wrong key for the script host, a wrong hive, NoLogoff with 0, and a policy that does not exist."""
    by_value = {policy.value: policy for policy in OURS.policies}
    assert "DisableGpedit" not in by_value
    assert by_value["NoLogoff"].data == 1
    assert by_value["Enabled"].key == r"HKCU\Software\Microsoft\Windows Script Host\Settings"
    power = by_value["ShutdownWithoutLogon"]
    assert (power.key.partition("\\")[0], power.enabled, power.normal) == ("HKLM", False, 1)


def test_nothing_that_locks_us_out_is_shipped():
    """Whatever is switched on: cmd.exe /c and reg.exe work on, installers too."""
    data = {policy.value.casefold(): policy.data for policy in OURS.policies}
    assert data["disablecmd"] == 2
    assert not data.keys() & {"disableregistrytools", "restrictrun", "disablemsi", "enablescripts", "enablelua"}
    for program in OURS.blocked[0].programs:
        assert program.casefold() not in {"explorer.exe", "msiexec.exe", "setup.exe", "rundll32.exe", "conhost.exe"}


def test_rules_are_outbound_blocks_whatever_is_switched_on():
    """An inbound block would beat Drova's and SSH's own rules: none is ever written."""
    script = network_script(OURS).decode()
    rules = [line for line in script.splitlines() if " add rule " in line]
    assert len(rules) == len(OURS.rules)
    assert all(" dir=out action=block " in line for line in rules)
    assert " localport=" not in script


def test_keys_are_where_windows_reads_them():
    """A policy stands in one of the branches that Explorer and Windows read, in the hive of the console user or of the machine."""
    for policy in OURS.policies:
        assert re.match(
            r"(HKCU|HKLM)\\Software\\(Microsoft\\Windows\\CurrentVersion\\Policies|Policies\\Microsoft|Microsoft\\Windows Script Host)\\",
            policy.key,
            re.IGNORECASE,
        ), policy


# -- an owner's own --------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(NAMES)), st.booleans())
def test_name_and_enabled_are_enough(chosen: set[str], on: bool):
    """Any set of ours can be switched on or off by two lines each; everything else stays as it is."""
    kinds = {
        **dict.fromkeys((switch.name for switch in OURS.policies), "policy"),
        **dict.fromkeys((switch.name for switch in OURS.blocked), "blocked_programs"),
        **dict.fromkeys((switch.name for switch in OURS.rules), "firewall_rule"),
        **dict.fromkeys((switch.name for switch in OURS.groups), "firewall_group"),
        **dict.fromkeys((switch.name for switch in OURS.services), "service"),
    }
    text = "".join(f'[[{kinds[name]}]]\nname = "{name}"\nenabled = {str(on).lower()}\n' for name in sorted(chosen))
    read = {switch.name: switch for switch in read_lockdown("own.toml", text, OURS)}
    for switch in OURS:
        same = {field: getattr(switch, field) for field in switch.__dataclass_fields__ if field != "enabled"}
        assert {field: getattr(read[switch.name], field) for field in same} == same
        assert read[switch.name].enabled == (on if switch.name in chosen else switch.enabled)


def test_entry_keeps_what_it_does_not_say():
    """Another list of programs, without the rest of the entry."""
    (blocked,) = read_lockdown(
        "own.toml", '[[blocked_programs]]\nname = "blocked_programs"\nprograms = ["cmd.exe"]\n', OURS
    ).blocked
    assert (blocked.programs, blocked.enabled, blocked.value) == (("cmd.exe",), True, "DisallowRun")


def test_owner_s_own_entry_is_added():
    """A whole entry of a new name is on, and a must."""
    found = applied(OWN_POLICY.format(name="club", value="Kiosk", data=1))
    club = found["club"]
    assert isinstance(club, PolicyValue)
    assert (club.data, club.enabled, club.must, club.normal) == (1, True, True, None)
    assert len(found) == len(list(OURS.applied)) + 1


def test_file_in_the_folder_of_recipes(tmp_path: Path):
    """lockdown.toml among an owner's recipes is read as a lockdown, and not taken for a recipe; without it ours counts."""
    assert load_lockdown(DATA / "lockdown.toml", tmp_path) == OURS.applied
    (tmp_path / "lockdown.toml").write_text(
        '\ufeff[[policy]]\nname = "no_windows_keys"\nenabled = true\n', encoding="utf-8"
    )
    names = {switch.name for switch in load_lockdown(DATA / "lockdown.toml", tmp_path)}
    assert names == {switch.name for switch in OURS.applied} | {"no_windows_keys"}
    assert load_recipes(DATA / "launchers", tmp_path) == recipes()


def test_fault_names_the_owner_s_file(tmp_path: Path):
    (tmp_path / "lockdown.toml").write_text("[[policy]\n", encoding="utf-8")
    with pytest.raises(RecipeFault, match=r"lockdown\.toml.*line 1"):
        load_lockdown(DATA / "lockdown.toml", tmp_path)


def test_all_faults_at_once_each_with_its_place():
    """Table, name, key, what is wrong, the nearest known name."""
    text = (
        '[[policy]]\nname = "no_window_keys"\nenabled = true\n'
        '[[policy]]\nname = "no_lan"\nenabled = true\n'
        '[[firewall_rule]]\nname = "no_file_shares"\nport = [445]\n'
        '[[service]]\nname = "ssdp"\nnormal = "manual"\n'
        '[[polcy]]\nname = "x"\n'
    )
    assert [line.strip() for line in faults(text)] == [
        "[[policy]] no_window_keys: name: there is no 'no_window_keys' (did you mean 'no_windows_keys'?)",
        "[[policy]] no_lan: name: 'no_lan' is one of [[firewall_rule]]: write it there",
        "[[service]] ssdp: normal: 'manual' is not known; allowed are demand, auto",
        "polcy: is not known (did you mean 'policy'?); known are blocked_programs, firewall_group, firewall_rule, policy, service",
        "[[firewall_rule]] no_file_shares: port: is not known (did you mean 'ports'?); known are effect, enabled, leave_out, must, name, ports, protocol, remote",
    ]


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ("DisableCMD", 1),
        ("disablecmd", 3),
        ("DisableRegistryTools", 1),
        ("DisableRegistryTools", 2),
        ("RestrictRun", 1),
        ("RestrictRun", '"1"'),
        ("DisableMSI", 2),
        ("EnableScripts", 0),
        ("EnableLUA", 0),
    ],
)
def test_what_would_lock_ourselves_out_is_refused(value: str, data: int | str):
    assert ["never written" in line for line in faults(OWN_POLICY.format(name="x", value=value, data=data))] == [True]


@pytest.mark.parametrize(("value", "data"), [("DisableCMD", 2), ("DisableCMD", 0), ("EnableScripts", 1), ("Kiosk", 7)])
def test_harmless_data_is_taken(value: str, data: int):
    assert applied(OWN_POLICY.format(name="x", value=value, data=data))


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ('[[firewall_rule]]\nname = "no_lan"\ndir = "in"\n', "dir"),
        ('[[firewall_rule]]\nname = "no_lan"\nremote = ["0.0.0.0/0"]\n', "cut the station off"),
        ('[[firewall_rule]]\nname = "no_lan"\nremote = []\n', "everything would be blocked"),
        ('[[firewall_rule]]\nname = "no_lan"\nports = [445]\n', "belongs to TCP or UDP"),
        ('[[firewall_rule]]\nname = "no_file_shares"\nleave_out = ["192.168.1.5"]\n', "without remote"),
        ('[[firewall_group]]\nname = "network_discovery"\ngroup = "Network Discovery"\n', "translated"),
        ('[[service]]\nname = "ssdp"\nservice = "sshd"\n', "needs it"),
        ('[[blocked_programs]]\nname = "blocked_programs"\nprograms = ["explorer.exe"]\n', "need it"),
        ('[[blocked_programs]]\nname = "blocked_programs"\nprograms = ["gpedit.msc"]\n', "does nothing"),
        ('[[blocked_programs]]\nname = "blocked_programs"\nvalue = "RestrictRun"\n', "never written"),
        ("[[policy]]\nname = \"no_run\"\nkey = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\sshd'\n", "key"),
    ],
)
def test_harmful_entry_is_refused_with_its_reason(entry: str, word: str):
    (fault,) = faults(entry)
    assert word in fault


def test_same_name_twice():
    text = '[[policy]]\nname = "no_run"\nenabled = false\n' * 2
    assert ["used twice" in line for line in faults(text)] == [True]


# -- compiled --------------------------------------------------------------------------------------------------------


def test_text_policy_is_written_as_text():
    """SettingsPageVisibility is a string value, whole: semicolons and all."""
    lockdown = read_lockdown("own.toml", '[[policy]]\nname = "hide_settings_pages"\nenabled = true\n', OURS).applied
    edits = [
        edit for each in lockdown_registry(lockdown, target()) for edit in each.edits if isinstance(edit, ValueSet)
    ]
    (pages,) = (edit for edit in edits if edit.name == "SettingsPageVisibility")
    assert pages.kind == "REG_SZ"
    assert str(pages.data).startswith("hide:signinoptions;")
    assert pages.key.startswith("HKEY_USERS\\S-1-5-21-")


def test_rule_with_addresses_is_written_for_netsh():
    """Addresses and ports side by side, each list without a blank."""
    rule = FirewallRule("x", "x", "TCP", (80, 443), ("10.0.0.1-10.0.0.9", "10.0.0.11"), (), enabled=True, must=True)
    script = network_script(Lockdown.of([rule])).decode()
    assert (
        'add rule name="drova_gate" dir=out action=block protocol=TCP remoteport=80,443 '
        "remoteip=10.0.0.1-10.0.0.9,10.0.0.11 profile=any\r\n" in script
    )


# -- confirmed -------------------------------------------------------------------------------------------------------

LISTED = (
    "\r\n{label}:                          {name}\r\n" + "-" * 70 + "\r\nRemoteIP:                {remote}\r\n"
    "Protocol:                TCP\r\nRemotePort:              {ports}\r\nAction:                  Block\r\n"
)


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ([("drova_gate", "10.0.0.0/8", "80,443")], StepOutcome.CHANGED),
        ([("other", "Any", "9"), ("drova_gate", "10.0.0.0-10.255.255.255", "80,443")], StepOutcome.CHANGED),
        # One rule's ports and another one's addresses are no rule.
        ([("drova_gate", "Any", "80,443"), ("drova_gate", "10.0.0.0/8", "445")], StepOutcome.FAILED),
        ([("drova_gate", "10.0.0.0/9", "80,443")], StepOutcome.FAILED),
        ([("drova_gate", "Any", "80,443")], StepOutcome.FAILED),
        ([("drova_gate2", "10.0.0.0/8", "80,443")], StepOutcome.FAILED),
        ([], StepOutcome.FAILED),
    ],
)
@pytest.mark.parametrize("label", ["Rule Name", "Имя правила"])
def test_rule_is_confirmed_by_name_ports_and_addresses(
    label: str, rules: list[tuple[str, str, str]], outcome: StepOutcome
):
    """All three of one and the same rule, whatever the labels say."""
    rule = FirewallRule("x", "x", "TCP", (80, 443), ("10.0.0.0-10.255.255.255",), (), enabled=True, must=True)
    expected, _, _ = network_steps(Lockdown.of([rule]))
    listing = "".join(
        LISTED.format(label=label, name=name, remote=remote, ports=ports) for name, remote, ports in rules
    )
    output = f"@@ begin firewall\r\n{listing}Ok.\r\n\r\n@@ end firewall\r\n"
    (step,) = confirm_network(Expected(rules=expected), output)
    assert (step.name, step.outcome, step.must) == ("lockdown.x", outcome, True)


def test_gate_uses_the_owner_s_file(tmp_path: Path):
    """Settings of a station lead to its lockdown, and a fault in it is told."""
    (tmp_path / "lockdown.toml").write_text('[[policy]]\nname = "no_run"\nenabled = false\n')
    settings = {
        "WINDOWS_HOST": "pc1",
        "WINDOWS_LOGIN": "gate",
        "WINDOWS_PASSWORD": "x",
        "DROVA_PROTECTOR": "none",
        "DROVA_LAUNCHERS_DIR": str(tmp_path),
    }
    (station,) = read_config(Mode.VALIDATE, settings).stations
    assert {one.name for one in OURS.applied} - {one.name for one in lockdown_of(station)} == {"no_run"}
    (tmp_path / "lockdown.toml").write_text('[[policy]]\nname = "no_runs"\nenabled = false\n')
    with pytest.raises(RecipeFault, match="did you mean 'no_run'"):
        lockdown_of(station)


# -- the command -----------------------------------------------------------------------------------------------------


def test_command_lists_every_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Name, on or off, must, whose, effect; ours and the owner's, without any other setting."""
    (tmp_path / "lockdown.toml").write_text(
        '[[policy]]\nname = "no_run"\nenabled = false\n' + OWN_POLICY.format(name="club", value="Kiosk", data=1)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DROVA_LAUNCHERS_DIR", str(tmp_path))
    assert main(["lockdown", "list"]) == 0
    rows = {words[0]: words for line in capsys.readouterr().out.splitlines() if (words := line.split())}
    assert set(NAMES) <= rows.keys()
    assert rows["no_run"][1:4] == ["off", "must", "changed"]
    assert rows["club"][1:4] == ["on", "must", "owner's"]
    assert rows["ssdp"][1:3] == ["on", "ours"]
    assert main(["lockdown", "list", "--json"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert set(listed) == {*NAMES, "club"}
    assert listed["no_lan"] == {
        "name": "no_lan",
        "enabled": False,
        "must": True,
        "effect": "no connection to other devices of the house (IPv4); the router and the gate stay reachable",
        "whose": "ours",
    }


def test_command_tells_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A lockdown.toml that is wrong is a settings fault: exit code 78, the file, the entry, the nearest name."""
    (tmp_path / "lockdown.toml").write_text('[[policy]]\nname = "no_windows_key"\nenabled = true\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DROVA_LAUNCHERS_DIR", str(tmp_path))
    assert main(["lockdown", "list"]) == 78
    told = capsys.readouterr().err
    assert str(tmp_path / "lockdown.toml") in told
    assert "did you mean 'no_windows_keys'?" in told
