"""The compiled preparation under Wine's real cmd.exe, reg.exe and taskkill.exe.

What Wine 8 lacks, and is therefore not judged here: tasklist.exe, schtasks.exe, sc.exe config and netsh.exe are stubs (exit code 0,
nothing printed), taskkill.exe knows no ``/t`` (the second kill, without it, is the one that counts), and there is no Explorer to restart.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from wine_prefix import Wine

from drova_gate.core.model import StepOutcome
from drova_gate.host.commands import sections
from drova_gate.host.parse import RegistryKey, RegistryKeys, RegistryValue, registry_keys, step_lines
from drova_gate.steps.batch import ROUTINES, batch_file
from drova_gate.steps.compile import compile_again, compile_preparation
from drova_gate.steps.compile_steps import Wipe, compile_wipe, originals_wanted
from drova_gate.steps.compile_undo import compile_undo, undo_all
from drova_gate.steps.confirm import Later, confirm, left_over
from drova_gate.steps.found import Found, registry_keys_of
from drova_gate.steps.lockdown import load_lockdown
from drova_gate.steps.payload import Entries, Payload
from drova_gate.steps.recipes import Level, Recipe, load_recipes, read_recipe
from drova_gate.steps.registry_file import KeyGone, ValueGone, ValueSet, registry_file
from drova_gate.steps.registry_steps import branches, read_index
from drova_gate.steps.target import Target

pytestmark = [
    pytest.mark.wine,
    pytest.mark.xdist_group("wine"),
    pytest.mark.skipif(
        shutil.which("wine") is None, reason="Wine is not installed: the compiled scripts are not judged"
    ),
    pytest.mark.timeout(120),  # the first start of a prefix alone takes 10 s
]

DATA = Path(__file__).parents[2] / "drova_gate" / "steps" / "data"
USER_HIVE = r"HKEY_USERS\S-1-5-21-0-0-0-1000"
"""Wine's own user."""
STEAM = r"C:\Program Files (x86)\Steam"
PROFILE = r"C:\users\Игрок & Co (1) ^!"
SESSION = UUID("11111111-2222-4333-8444-555555555555")
MARKER = "0123456789abcdef0123456789abcde1"


@pytest.fixture
def target() -> Target:
    folders = {
        "profile": PROFILE,
        "local": PROFILE + r"\AppData\Local",
        "roaming": PROFILE + r"\AppData\Roaming",
        "local_low": PROFILE + r"\AppData\LocalLow",
        "documents": PROFILE + r"\Documents",
        "program_data": r"C:\ProgramData",
        "program_files": r"C:\Program Files",
        "program_files_x86": r"C:\Program Files (x86)",
    }
    return Target(USER_HIVE, 1, "", folders, {("steam", "steam"): STEAM})


def looked_up(wine: Wine, target: Target, using: tuple[Recipe, ...]) -> Found:
    """What the earlier look finds: each branch through Wine's own reg.exe."""
    roots = branches(registry_keys_of(using, target, Level.FULL))
    wine.put(
        r"C:\look.cmd", batch_file(f'reg.exe query "{root}"{" /s" if deep else ""}' for root, deep in roots.items())
    )
    return Found(registry=read_index(registry_keys(wine.run("cmd.exe", "/d", "/c", r"C:\look.cmd")[1])))


def compiled(
    target: Target, originals: dict[str, bytes | Entries | None], level: Level, found: Found | None = None
) -> Payload:
    return compile_preparation(
        load_recipes(DATA / "launchers"),
        load_lockdown(DATA / "lockdown.toml"),
        target,
        level=level,
        marker=MARKER,
        boot_stamp="feedbeef",
        session=SESSION,
        volumes=frozenset("C"),
        originals=originals,
        found=found,
    )


def signed_in(wine: Wine, target: Target) -> tuple[list[Path], list[Path]]:
    """Lay out a signed-in owner: what must go, what must stay."""
    local, roaming, steam = target.folders["local"], target.folders["roaming"], STEAM
    gone = [
        wine.put(rf"{local}\Steam\local.vdf"),
        wine.put(rf"{local}\Steam\htmlcache\Network\Cookies"),
        wine.put(rf"{local}\EpicGamesLauncher\Saved\webcache\Cookies"),
        wine.put(rf"{local}\EpicGamesLauncher\Saved\webcache_4430\Network\Cookies"),
        wine.put(rf"{local}\Ubisoft Game Launcher\user.dat"),
        wine.put(rf"{local}\Ubisoft Game Launcher\ConnectSecureStorage.dat"),
        wine.put(rf"{roaming}\Wargaming.net\GameCenter\user_info.xml"),
        wine.put(rf"{local}\Google\Chrome\User Data\Default\Login Data"),
        wine.put(rf"{local}\Microsoft\Edge\User Data\Default\Login Data"),
        wine.put(rf"{roaming}\Mozilla\Firefox\profiles.ini"),
    ]
    gone[4].chmod(0o444)  # read-only for Wine
    kept = [
        wine.put(rf"{local}\EpicGamesLauncher\Saved\Data\catcache.bin"),
        wine.put(rf"{roaming}\Wargaming.net\GameCenter\preferences.xml"),
        wine.put(rf"{steam}\config\libraryfolders.vdf"),
        wine.put(rf"{steam}\steamapps\appmanifest_730.acf"),
    ]
    return gone, kept


def originals_of(
    wine: Wine, target: Target, level: Level, using: tuple[Recipe, ...] | None = None
) -> dict[str, bytes | Entries | None]:
    files, folders = originals_wanted(using or load_recipes(DATA / "launchers"), target, level)
    read = {path: wine.path(path).read_bytes() if wine.path(path).exists() else None for path in files}
    listed = {
        path: Entries(tuple(each.name for each in wine.path(path).iterdir())) if wine.path(path).is_dir() else None
        for path in folders
    }
    return read | listed


@pytest.mark.parametrize("level", list(Level))
def test_preparation_does_what_it_claims(wine: Wine, target: Target, level: Level):
    """Sign-ins go, everything else stays, policies and markers read back through Wine's own reg.exe; a second run finds all clean."""
    gone, kept = signed_in(wine, target)
    steam, local = STEAM, target.folders["local"]
    users = wine.put(rf"{steam}\config\loginusers.vdf", b'"users"\n{\n\t"76561198012345678"\n\t{\n\t}\n}\n')
    users.chmod(0o444)
    ini = wine.put(
        rf"{local}\EpicGamesLauncher\Saved\Config\WindowsEditor\GameUserSettings.ini",
        "[RememberMe]\r\nData=abc\r\n\r\n[Имя]\r\nPaths=C:/\r\nPaths=D:/\r\n".encode("cp1251"),
    )
    wine.run("reg.exe", "add", rf"{USER_HIVE}\Software\Valve\Steam", "/v", "AutoLoginUser", "/d", "owner", "/f")
    wine.run(
        "reg.exe",
        "add",
        rf"{USER_HIVE}\Software\Epic Games\Unreal Engine\Identifiers",
        "/v",
        "AccountId",
        "/d",
        "x",
        "/f",
    )

    found = looked_up(wine, target, load_recipes(DATA / "launchers"))
    payload = compiled(target, originals_of(wine, target, level), level, found)
    wine.upload(payload)
    output = wine.play(payload.prepare)
    results = {step.name: step for step in confirm(payload.expected, output, "")}

    assert [path for path in gone if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    assert b"7656" not in users.read_bytes()
    if level is Level.MIN:
        assert ini.read_bytes() == "[Имя]\r\nPaths=C:/\r\nPaths=D:/\r\n".encode("cp1251")
    else:
        assert not ini.exists()
    assert wine.registry(rf"{USER_HIVE}\Software\Valve\Steam") == {"AutoLoginUser": "", "RememberPassword": "0x0"}
    assert wine.registry(rf"{USER_HIVE}\Software\Epic Games\Unreal Engine\Identifiers") == {}
    disallowed = wine.registry(rf"{USER_HIVE}\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer\DisallowRun")
    assert disallowed["1"] == "Commit.exe"
    assert wine.registry(r"HKEY_LOCAL_MACHINE\SOFTWARE\drova_gate") == {"marker": MARKER, "session": str(SESSION)}
    assert wine.registry(r"HKEY_LOCAL_MACHINE\HARDWARE\DESCRIPTION\System")["drova_gate"] == "feedbeef"
    assert wine.path(r"C:\drova_gate.marker").read_bytes().strip() == MARKER.encode()

    # Wine's tasklist.exe, netsh.exe and sc.exe print nothing: what rests on them cannot be confirmed here.
    judged = {
        name: step
        for name, step in results.items()
        if name != "lockdown.explorer" and step.reason != "not seen: the script did not come to its end"
    }
    assert {name for name, step in judged.items() if step.outcome is StepOutcome.FAILED} == set()
    assert judged["steam.accounts"].outcome is StepOutcome.CHANGED
    assert judged["epic.web_session"].outcome is StepOutcome.CHANGED
    assert judged["lockdown.no_run"].outcome is StepOutcome.CHANGED

    if level is Level.MIN:
        return  # all of it is done by the other level too, once more
    again = compiled(target, originals_of(wine, target, level), level)
    wine.upload(again)
    repeated = {step.name: step for step in confirm(again.expected, wine.play(again.prepare), "")}
    files = [*again.expected.files, *(step.name for step in again.expected.settled)]
    quiet = (StepOutcome.CLEAN, StepOutcome.SKIPPED)  # skipped: a game whose place the registry does not tell
    assert {name: repeated[name].outcome for name in files if repeated[name].outcome not in quiet} == {}


def wait_for_image(image: str) -> None:
    """Wait until Wine runs it: its processes show their Windows command line."""
    until = time.monotonic() + 20
    while not any(_command_line(path).startswith(image.encode()) for path in Path("/proc").glob("[0-9]*/cmdline")):
        assert time.monotonic() < until, f"{image} did not start"
        time.sleep(0.05)


def _command_line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def test_running_launcher_is_killed(wine: Wine, target: Target):
    """A launcher that runs is gone after the preparation."""
    image = wine.path(r"C:\games\wgc.exe")
    image.parent.mkdir(exist_ok=True)
    shutil.copy(wine.path(r"C:\windows\system32\ping.exe"), image)
    with subprocess.Popen(
        ["wine", r"C:\games\wgc.exe", "-n", "100", "127.0.0.1"],
        env=wine.environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as launcher:
        wait_for_image(r"C:\games\wgc.exe")
        payload = compiled(target, originals_of(wine, target, Level.MIN), Level.MIN)
        wine.upload(payload)
        wine.play(payload.prepare)
        launcher.wait(timeout=10)  # it would have taken 99 s


def test_undo_takes_exactly_ours(wine: Wine, target: Target):
    """After the undoing our values, the list and the marker are gone; the owner's own policy beside them stays."""
    explorer = rf"{USER_HIVE}\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
    payload = compiled(target, originals_of(wine, target, Level.MIN), Level.MIN)
    wine.upload(payload)
    wine.play(payload.prepare)
    wine.run("reg.exe", "add", explorer, "/v", "NoInternetIcon", "/t", "REG_DWORD", "/d", "1", "/f")
    undoing = compile_undo(undo_all(load_lockdown(DATA / "lockdown.toml"), target, frozenset("C")), target)
    wine.upload(undoing)
    results = confirm(undoing.expected, wine.play(undoing.prepare), "")
    assert wine.registry(explorer) == {"NoInternetIcon": "0x1"}
    assert wine.registry(explorer + r"\DisallowRun") == {}
    assert wine.registry(r"HKEY_LOCAL_MACHINE\SOFTWARE\drova_gate") == {}
    assert not wine.path(r"C:\drova_gate.marker").exists()
    registry = {each.step for each in undoing.expected.registry}
    assert {step.name for step in results if step.name in registry and step.outcome is StepOutcome.FAILED} == set()


def home_variables(target: Target) -> dict[str, str]:
    return {"DG_HOME": "C:\\"} | {f"DG_{name.upper()}": path for name, path in target.folders.items()}


def whole(wipe: Wipe) -> bytes:
    """A batch file of the wipe alone."""
    return batch_file(['cd /d "%DG_HOME%"', *wipe.lines, "goto :eof", *ROUTINES, *wipe.routines])


RECIPE = """
name = "odd"
title = "Odd names"
verified = "unverified"
{steps}
"""


def test_odd_names(wine: Wine, target: Target):
    """Blanks, ampersands, carets, exclamation marks, brackets, Cyrillic and Chinese names are deleted, and nothing beside them."""
    names = ["a & b", "c^d", "e!f!", "g (h)", "Имя файла", "米哈游", "i[j]", "k;l,m=n", "o'p", "@q", "~r", "s#$t"]
    steps = "".join(
        f"[[min]]\nname = 'f{i}'\nkind = 'delete_file'\npath = '''{{local}}\\odd\\{name}.dat'''\n"
        f"[[min]]\nname = 'd{i}'\nkind = 'delete_directory'\npath = '''{{local}}\\odd\\{name}'''\n"
        for i, name in enumerate(names)
    )
    recipe = read_recipe("odd.toml", RECIPE.format(steps=steps))
    local = target.folders["local"]
    for name in names:
        wine.put(rf"{local}\odd\{name}.dat")
        wine.put(rf"{local}\odd\{name}\in\deep.dat")
    kept = wine.put(rf"{local}\odd\kept.dat")
    wipe = compile_wipe((recipe,), target, Level.MIN, {})
    wine.put(r"C:\odd.cmd", whole(wipe))
    variables = home_variables(target) | wipe.variables
    output = wine.run("cmd.exe", "/d", "/c", r"C:\odd.cmd", variables=variables)[1]
    assert output.split() == [
        word for i in range(len(names)) for kind in "fd" for word in ("@@", "step", f"odd.{kind}{i}", "changed")
    ]
    assert list(wine.path(rf"{local}\odd").iterdir()) == [kept]


def test_wildcards(wine: Wine, target: Target):
    """A wildcard works in the last and in a middle component, for files and for directories; other names stay."""
    steps = r"""
[[min]]
name = "files"
kind = "delete_file"
path = '{local}\wild\ssfn*'
[[min]]
name = "middle"
kind = "delete_file"
path = '{local}\wild\user*\token (1).dat'
[[min]]
name = "directories"
kind = "delete_directory"
path = '{local}\wild\user*\cache'
[[min]]
name = "both"
kind = "delete_directory"
path = '{local}\wild\maker*\*\store'
[[min]]
name = "nothing"
kind = "delete_directory"
path = '{local}\wild\none*'
"""
    local = target.folders["local"]
    gone = [
        rf"{local}\wild\{name}"
        for name in (
            "ssfn1",
            "ssfn2",
            r"user1\token (1).dat",
            r"user 2\token (1).dat",
            r"user1\cache\x",
            r"maker1\A 1\store\x",
            r"maker2\B\store\y",
        )
    ]
    kept = [
        rf"{local}\wild\{name}"
        for name in ("other", r"ssfn folder\x", r"user1\settings", r"guest\token (1).dat", r"maker1\keep", r"A\store\z")
    ]
    for path in (*gone, *kept):
        wine.put(path)
    wipe = compile_wipe((read_recipe("wild.toml", RECIPE.format(steps=steps)),), target, Level.MIN, {})
    wine.put(r"C:\wild.cmd", whole(wipe))
    variables = home_variables(target)
    for outcome in ("changed", "clean"):
        output = wine.run("cmd.exe", "/d", "/c", r"C:\wild.cmd", variables=variables)[1]
        seen = {line.name: line.outcome for line in step_lines(output)}
        names = ("files", "middle", "directories", "both")
        # What was not there prints nothing, or that it was clean.
        assert {name: seen.get(f"odd.{name}", "clean") for name in names} == dict.fromkeys(names, outcome)
        assert seen.get("odd.nothing", "clean") == "clean"
    assert [path for path in gone if wine.path(path).exists()] == []
    assert [path for path in kept if not wine.path(path).exists()] == []


def test_registry_file_through_real_reg(wine: Wine):
    """Names and data with quotes, backslashes, brackets and Cyrillic survive ``reg import``; deletions delete."""
    key = r"HKEY_CURRENT_USER\Software\drova_gate_test\Ключ [1] 米"
    edits = [
        ValueSet(key, 'a "b" \\c', "REG_SZ", 'C:\\x "y" %PATH% Игрок'),
        ValueSet(key, "number", "REG_DWORD", 0xFFFFFFFF),
        ValueSet(key, "gone", "REG_SZ", "x"),
        ValueSet(key + r"\sub", "x", "REG_SZ", "y"),
    ]
    wine.put(r"C:\one.reg", registry_file(edits))
    assert wine.run("reg.exe", "import", r"C:\one.reg")[0] == 0
    wine.put(r"C:\two.reg", registry_file([ValueGone(key, "gone"), KeyGone(key + r"\sub")]))
    assert wine.run("reg.exe", "import", r"C:\two.reg")[0] == 0
    exported = wine.prefix / "drive_c" / "out.reg"
    assert wine.run("reg.exe", "export", r"HKCU\Software\drova_gate_test", r"C:\out.reg", "/y")[0] == 0
    text = exported.read_bytes().decode("utf-16")
    assert registry_file(edits[:2]).decode("utf-16").partition("\r\n\r\n")[2].strip() in text
    assert "gone" not in text
    assert "sub]" not in text


KINDS = r"""
[[min]]
name = "but_some"
kind = "delete_directory"
path = '{local}\kinds\data'
except = ["gamedata.dat*", "Install Data"]
[[min]]
name = "long"
kind = "delete_file"
path = '{local}\kinds\LONG'
[[min]]
name = "sections"
kind = "drop_ini_sections"
path = '{local}\kinds\some.ini'
sections = ["RememberMe"]
[[min]]
name = "keys"
kind = "drop_ini_keys"
path = '{local}\kinds\some.ini'
keys = ["MyComUser*"]
[[min]]
name = "chinese"
kind = "delete_values"
key = 'HKCU\Software\miHoYo\原神'
prefix = "MIHOYOSDK_ADL"
[[min]]
name = "children"
kind = "delete_value"
key = 'HKCU\Software\Кириллица & Co\Launch Options\*'
value = "WEB_TOKEN"
[[min]]
name = "cleared"
kind = "clear_key"
key = 'HKCU\Software\Кириллица & Co\Cleared'
"""


def test_every_kind(wine: Wine, target: Target):
    """Entries but some, a path of 300 characters, two edits of one UTF-16 file, Chinese and Cyrillic keys: as they say."""
    local = target.folders["local"]
    long = "\\".join("x" * 60 for _ in range(4)) + r"\token.dat"
    using = (read_recipe("kinds.toml", RECIPE.format(steps=KINDS.replace("LONG", long))),)
    gone = [wine.put(rf"{local}\kinds\{name}") for name in (r"data\fedata\x", r"data\other.dat")]
    kept = [wine.put(rf"{local}\kinds\{name}") for name in (r"data\gamedata.dat.crc", r"data\Install Data\a")]
    text = "[RememberMe]\r\nData=1\r\n[Имя]\r\nMyComUserMagic=2\r\nFolder=D:\\\r\n"
    ini = wine.put(rf"{local}\kinds\some.ini", b"\xff\xfe" + text.encode("utf-16-le"))
    game, maker = rf"{USER_HIVE}\Software\miHoYo\原神", rf"{USER_HIVE}\Software\Кириллица & Co"
    before = [
        *(ValueSet(game, name, "REG_SZ", "x") for name in ("MIHOYOSDK_ADL_PROD_CN_h1", "MIHOYOSDK_ADL_0", "GENERAL")),
        *(ValueSet(rf"{maker}\Launch Options\{name}", "WEB_TOKEN", "REG_SZ", "x") for name in ("Pro", "Фен")),
        ValueSet(rf"{maker}\Launch Options\Pro", "LANG", "REG_SZ", "ru"),
        ValueSet(rf"{maker}\Cleared", "a", "REG_SZ", "x"),
        ValueSet(rf"{maker}\Cleared\Below", "b", "REG_SZ", "y"),
    ]
    wine.put(r"C:\before.reg", registry_file(before))
    assert wine.run("reg.exe", "import", r"C:\before.reg")[0] == 0
    for outcome in (StepOutcome.CHANGED, StepOutcome.CLEAN):
        # Without a console chcp is refused, and Wine's reg.exe prints question marks: what it holds is told by its export.
        found = Found(registry=read_index(RegistryKeys(tuple(exported(wine)))))
        payload = compile_preparation(
            using,
            load_lockdown(DATA / "lockdown.toml"),
            target,
            level=Level.MIN,
            marker=MARKER,
            boot_stamp="feedbeef",
            session=SESSION,
            volumes=frozenset("C"),
            originals=originals_of(wine, target, Level.MIN, using),
            found=found,
        )
        wine.upload(payload)
        output = wine.play(payload.prepare)
        results = {step.name: step for step in confirm(payload.expected, output, "")}
        files = ("odd.but_some", "odd.sections", "odd.keys")
        assert {name: results[name].outcome for name in files} == dict.fromkeys(files, outcome)
        # What cmd.exe cannot look up is never called clean.
        assert "characters" in results["odd.long"].reason
        assert [path for path in gone if path.exists()] == []
        assert [path for path in kept if not path.exists()] == []
        assert ini.read_bytes()[2:].decode("utf-16-le") == "[Имя]\r\nFolder=D:\\\r\n"
        left = {(key.path, value.name) for key in exported(wine) for value in key.values}
        assert {each for each in left if each[0].startswith((game, maker))} == {
            (game, "GENERAL"),
            (rf"{maker}\Launch Options\Pro", "LANG"),
            (rf"{maker}\Cleared\Below", "b"),
        }


def exported(wine: Wine) -> Iterator[RegistryKey]:
    """The user's keys and the names of their values, from a file in UTF-16."""
    assert wine.run("reg.exe", "export", r"HKCU\Software", r"C:\all.reg", "/y")[0] == 0
    text = (wine.prefix / "drive_c" / "all.reg").read_bytes().decode("utf-16")
    for part in text.replace("HKEY_CURRENT_USER", USER_HIVE).split("\r\n\r\n"):
        if part.startswith("[") and (lines := part.split("\r\n")):
            names = (line.split('"')[1] for line in lines[1:] if line.startswith('"'))
            yield RegistryKey(lines[0].strip("[]"), tuple(RegistryValue(name, "REG_SZ", "") for name in names))


def test_registry_names_that_came_up_since(wine: Wine, target: Target):
    """Values that nobody foresaw show in the read-back, and one more pass takes them away."""
    steps = KINDS[KINDS.index('[[min]]\nname = "chinese"') : KINDS.index('[[min]]\nname = "children"')]
    using = (read_recipe("kinds.toml", RECIPE.format(steps=steps.replace("原神", "Genshin Impact"))),)
    game = rf"{USER_HIVE}\Software\miHoYo\Genshin Impact"
    wine.put(r"C:\late.reg", registry_file([ValueSet(game, "MIHOYOSDK_ADL_9", "REG_SZ", "x")]))
    assert wine.run("reg.exe", "import", r"C:\late.reg")[0] == 0
    payload = compile_preparation(
        using,
        load_lockdown(DATA / "lockdown.toml"),
        target,
        level=Level.MIN,
        marker=MARKER,
        boot_stamp="feedbeef",
        session=SESSION,
        volumes=frozenset("C"),
        originals={},
    )
    wine.upload(payload)
    output = wine.play(payload.prepare)
    edits, roots = left_over(payload.expected, output)
    assert edits == (ValueGone(game, "MIHOYOSDK_ADL_9"),)
    again = compile_again(edits, roots, target)
    wine.upload(again)
    read = registry_keys(sections(wine.play(again.prepare))["registry"])
    (step,) = [
        step for step in confirm(payload.expected, output, "", Later().after(roots, read)) if step.name == "odd.chinese"
    ]
    assert step.outcome is StepOutcome.CHANGED
