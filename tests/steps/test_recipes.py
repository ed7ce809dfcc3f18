"""Recipes and lockdown files: what is accepted, and what an owner reads when it is not."""

from pathlib import Path

import pytest

from drova_gate.errors import RecipeFault
from drova_gate.steps.guard import image_fault, key_fault, path_fault
from drova_gate.steps.lockdown import load_lockdown, read_lockdown
from drova_gate.steps.recipes import (
    DeleteDirectory,
    DeleteFile,
    DropIniSections,
    Level,
    load_recipes,
    read_recipe,
    selected,
)

DATA = Path(__file__).parents[2] / "drova_gate" / "steps" / "data"

GOOD = """
name = "game"
title = "Some game"
verified = "unverified"
kill = ["Game Launcher.exe"]
[[min]]
name = "token"
kind = "delete_file"
path = '{local}\\Game\\token.dat'
"""


def test_shipped_lockdown_loads():
    """The default set is on, the optional switches are off, DisallowRun's list is clean."""
    lockdown = load_lockdown(DATA / "lockdown.toml")
    values = {policy.value: policy.data for policy in lockdown.policies}
    assert values == {
        "DisableCMD": 2,
        "DisableTaskMgr": 1,
        "RestrictToPermittedSnapins": 1,
        "NoRun": 1,
        "NoClose": 1,
        "HidePowerOptions": 1,
        "NoLogoff": 1,
        "StartMenuLogOff": 1,
        "HideFastUserSwitching": 1,
        "DisableLockWorkstation": 1,
        "DisableChangePassword": 1,
    }
    (blocked,) = lockdown.blocked
    assert blocked.list_key.endswith(r"Policies\Explorer\DisallowRun")
    assert {"Commit.exe", "CmdTool.exe", "Defender.exe", "wt.exe", "WindowsTerminal.exe", "pwsh.exe"} <= set(
        blocked.programs
    )
    assert len({program.casefold() for program in blocked.programs}) == len(blocked.programs)
    assert [service.service for service in lockdown.services] == ["FDResPub", "fdPHost", "SSDPSRV"]
    assert [group.group for group in lockdown.groups] == ["@FirewallAPI.dll,-32752"]


def test_full_level_leaves_needless_steps_out():
    """At level full an edit of a file that is deleted anyway, and a file in a folder that goes, are left out."""
    recipes = {recipe.name: recipe for recipe in load_recipes(DATA / "launchers")}
    assert any(isinstance(step, DropIniSections) for step in selected(recipes["epic"], Level.MIN))
    assert not any(isinstance(step, DropIniSections) for step in selected(recipes["epic"], Level.FULL))
    assert [type(step) for step in selected(recipes["ubisoft"], Level.MIN)] == [DeleteFile, DeleteFile]
    assert [type(step) for step in selected(recipes["ubisoft"], Level.FULL)] == [DeleteDirectory, DeleteDirectory]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('name = "game"', 'nmae = "game"'), "game.toml: name: is missing (you wrote 'nmae'?)"),
        (("title", "tilte"), "tilte: is not known (did you mean 'title'?)"),
        (('"unverified"', '"certain"'), "verified: 'certain' is not known; allowed are field, sources, unverified"),
        (('"unverified"', '"field"'), "sources: verified = 'field' needs at least one source"),
        (
            ('"delete_file"', '"delete_fiel"'),
            "[[min]] token: kind: 'delete_fiel' is not known (did you mean 'delete_file'?)",
        ),
        (
            ("{local}", "{locale}"),
            "path: '{locale}\\Game\\token.dat': unknown variable {locale} (did you mean {local}?)",
        ),
        (("\\Game\\token.dat", "/Game/token.dat"), "uses backslashes"),
        (("Game Launcher.exe", "explorer.exe"), "kill: 'explorer.exe': Windows, the SSH link"),
        (("Game Launcher.exe", "Launcher.exe"), "several programs bear this name"),
        (('kill = ["Game Launcher.exe"]', "kill = 5"), 'kill: 5 is not allowed; write a list of texts: ["one", "two"]'),
        (("[[min]]", "[min]"), "min: {"),
        (('name = "game"', 'name = "Game!"'), "a name is 1 to 40 small letters"),
        (("title", 'title = "x"\ntitle'), "not valid TOML"),
    ],
)
def test_fault_is_told_in_the_owners_words(change: tuple[str, str], told: str):
    """Each fault names the file, the key, what is allowed and the nearest known name."""
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(RecipeFault) as caught:
        read_recipe("game.toml", text)
    assert told in str(caught.value)
    assert str(caught.value).startswith("game.toml: ")


def test_every_fault_of_a_file_is_told_at_once():
    """Three faults give three lines."""
    text = GOOD.replace('"unverified"', '"certain"').replace("Game Launcher.exe", "cmd.exe").replace("title", "tilte")
    with pytest.raises(RecipeFault) as caught:
        read_recipe("game.toml", text)
    assert len(str(caught.value).splitlines()) == 4


BAD_PATHS = [
    "{local}",
    "{profile}\\AppData",
    "{profile}\\Documents",
    "{local}\\*",
    "{local}\\M*",
    "{local}\\Microsoft",
    "{local}\\Micro*",
    "{roaming}\\Microsoft\\Windows",
    "{program_data}\\Microsoft",
    "{program_data}\\ssh\\x",
    "{program_data}\\drova_gate",
    "{program_files_x86}\\Steam",
    "{steam}\\steamapps",
    "{steam}\\steam*",
    "{local}\\..\\..",
    "{local}\\x\\..\\..\\..",
    "{local}\\a*\\b*",
    "{local}\\a\\",
    "{local}\\a:b",
    "{local}\\%TEMP%",
    "{local}\\a?b",
    "C:",
    "C:\\",
    "D:\\",
    "c:\\windows",
    "D:\\Windows\\System32\\drivers\\etc\\hosts",
    "C:\\Users",
    "C:\\Users\\Bob",
    "C:\\Users\\Bo*",
    "C:\\Users\\Bob\\AppData\\Local",
    "C:\\Program Files",
    "C:\\Program*",
    "\\\\server\\share",
    "relative\\path",
    "/etc",
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_path_that_would_hurt_is_refused(path: str):
    """A drive root, a profile, Windows, installed games, and whatever a wildcard could make of them: refused."""
    assert path_fault(path, deletes=True, places=("steam",))


@pytest.mark.parametrize(
    "path",
    [
        "{local}\\Steam",
        "{steam}\\ssfn*",
        "{local}\\EpicGamesLauncher\\Saved\\webcache*",
        "{local}\\Google\\Chrome\\User Data",
        "{roaming}\\Mozilla\\Firefox",
        "{local}\\Имя & Co (1)\\米哈游.dat",
        "D:\\Games\\Launcher\\token.dat",
        "{profile}\\Documents\\Rockstar Games\\Social Club\\Profiles",
        "{local}\\Microsoft\\Edge\\User Data",
    ],
)
def test_path_of_a_launcher_is_accepted(path: str):
    """What recipes really need passes."""
    assert path_fault(path, deletes=True, places=("steam",)) == ""


@pytest.mark.parametrize(
    "key",
    [
        "HKLM",
        "HKLM\\SOFTWARE",
        "HKLM\\SOFTWARE\\Microsoft",
        "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
        "HKLM\\SYSTEM\\CurrentControlSet\\Services\\sshd",
        "HKLM\\SOFTWARE\\ITKey\\Esme",
        "HKLM\\SOFTWARE\\WOW6432Node",
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies",
        "HKCU\\Software",
        "HKCU\\Software\\Microsoft\\Windows",
        "HKCU\\Environment",
        "HKCU\\\\x",
        "HKU\\S-1-5-18\\Software\\x",
        "HKCR\\exefile",
        "Software\\Valve",
    ],
)
def test_key_that_would_hurt_is_refused(key: str):
    """Whole branches of Windows, the Drova agent's key and foreign hives are refused."""
    assert key_fault(key, deletes=True)


@pytest.mark.parametrize(
    "key", ["HKCU\\Software\\Valve\\Steam", "HKCU\\Software\\miHoYoSDK", "HKLM\\SOFTWARE\\WOW6432Node\\EA\\x"]
)
def test_key_of_a_launcher_is_accepted(key: str):
    """What recipes really need passes."""
    assert key_fault(key, deletes=True) == ""


@pytest.mark.parametrize(
    "image", ["svchost.exe", "ESME.exe", "steam", "..\\steam.exe", 'a".exe', "launcher.exe", "sshd.exe"]
)
def test_image_that_would_hurt_is_refused(image: str):
    """Windows, the link, the Drova agent and shared names are never killed."""
    assert image_fault(image)


POLICY = """
[[policy]]
name = "one"
effect = "something"
key = 'HKCU\\Software\\Policies\\Microsoft\\Windows\\System'
value = "{value}"
data = {data}
"""


@pytest.mark.parametrize(
    ("value", "data", "told"),
    [
        ("DisableCMD", "1", "with 1 no SSH command runs any more; write 2"),
        ("DisableRegistryTools", "2", "reg.exe obeys it too"),
        ("RestrictRun", "1", "games included"),
        ("NoRun", "-1", "a whole number from 0 to 4294967295"),
    ],
)
def test_policy_that_locks_us_out_is_refused(value: str, data: str, told: str):
    """What would stop our own commands, or every game, is never accepted."""
    with pytest.raises(RecipeFault) as caught:
        read_lockdown("lockdown.toml", POLICY.format(value=value, data=data))
    assert told in str(caught.value)


def test_owners_recipe_replaces_ours(tmp_path: Path):
    """A recipe of the same name wins, and may be switched off; a folder that is not there is told."""
    (tmp_path / "my_steam.toml").write_text(GOOD.replace('"game"', '"steam"\nenabled = false'), encoding="utf-8")
    recipes = {recipe.name: recipe for recipe in load_recipes(DATA / "launchers", tmp_path)}
    assert recipes["steam"].title == "Some game"
    assert not recipes["steam"].enabled
    with pytest.raises(RecipeFault, match="is not a folder"):
        load_recipes(DATA / "launchers", tmp_path / "nowhere")
