"""The compiled preparation under Wine's real cmd.exe, reg.exe and taskkill.exe.

What Wine 8 lacks, and is therefore not judged here: tasklist.exe, schtasks.exe, sc.exe config and netsh.exe are stubs (exit code 0,
nothing printed), taskkill.exe knows no ``/t`` (the second kill, without it, is the one that counts), and there is no Explorer to restart.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from drova_gate.core.model import StepOutcome
from drova_gate.host.commands import Run, Script, SetVariable
from drova_gate.host.parse import decode, registry_keys
from drova_gate.steps.batch import batch_file
from drova_gate.steps.compile import compile_preparation, compile_undo
from drova_gate.steps.compile_steps import compile_wipe, originals_wanted
from drova_gate.steps.confirm import confirm
from drova_gate.steps.lockdown import load_lockdown
from drova_gate.steps.payload import Payload
from drova_gate.steps.recipes import Level, load_recipes, read_recipe
from drova_gate.steps.registry_file import KeyGone, ValueGone, ValueSet, registry_file
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
PROFILE = r"C:\users\Игрок & Co (1) ^!"
SESSION = UUID("11111111-2222-4333-8444-555555555555")
MARKER = "0123456789abcdef0123456789abcde1"


@dataclass
class Wine:
    """A prefix of its own."""

    prefix: Path

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        quiet = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=", "LC_ALL": "C.UTF-8"}
        return {**os.environ, **quiet, "WINEPREFIX": str(self.prefix), "DISPLAY": "", **extra}

    def run(self, *words: str, variables: dict[str, str] | None = None) -> tuple[int, str]:
        done = subprocess.run(
            ["wine", *words], env=self.environment(variables or {}), capture_output=True, timeout=60, check=False
        )
        return done.returncode, decode(done.stdout)

    def play(self, script: Script) -> str:
        """Run a command's steps: the variables as they travel in it, then its program."""
        variables = {step.name: step.value for step in script if isinstance(step, SetVariable)}
        (program,) = [step for step in script if isinstance(step, Run)]
        return self.run(program.program, *map(str, program.arguments), variables=variables)[1]

    def path(self, windows: str) -> Path:
        return self.prefix / "drive_c" / windows.removeprefix("C:\\").replace("\\", "/")

    def put(self, windows: str, content: bytes = b"owner's sign-in") -> Path:
        path = self.path(windows)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def upload(self, payload: Payload) -> None:
        for windows, content in payload.files.items():
            # There is no Explorer to wait for: the pauses between the looks are left out.
            self.put(windows, content.replace(b"ping.exe -n 2", b"rem"))

    def registry(self, key: str) -> dict[str, str]:
        found = registry_keys(self.run("reg.exe", "query", key)[1]).get(key)
        return {value.name: value.data for value in found.values} if found else {}


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory):
    made = Wine(tmp_path_factory.mktemp("wine") / "prefix")
    made.prefix.mkdir()
    # It stays between commands: its end is Wine's reboot, which takes HKLM\\HARDWARE with it (as it should).
    subprocess.run(["wineserver", "--persistent"], env=made.environment({}), timeout=30, check=True)
    # No pipes: Wine's services inherit them and stay.
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        subprocess.run(["wineboot", "--init"], env=made.environment({}), timeout=100, check=True, **nowhere)
        yield made
    finally:
        subprocess.run(["wineserver", "--kill"], env=made.environment({}), timeout=30, check=False, **nowhere)


@pytest.fixture
def target() -> Target:
    folders = {
        "profile": PROFILE,
        "local": PROFILE + r"\AppData\Local",
        "roaming": PROFILE + r"\AppData\Roaming",
        "local_low": PROFILE + r"\AppData\LocalLow",
        "program_data": r"C:\ProgramData",
        "program_files_x86": r"C:\Program Files (x86)",
        "steam": r"C:\Program Files (x86)\Steam",
    }
    return Target(USER_HIVE, 1, "", folders)


def compiled(target: Target, originals: dict[str, bytes | None], level: Level) -> Payload:
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
    )


def signed_in(wine: Wine, target: Target) -> tuple[list[Path], list[Path]]:
    """Lay out a signed-in owner: what must go, what must stay."""
    local, roaming, steam = target.folders["local"], target.folders["roaming"], target.folders["steam"]
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


def originals_of(wine: Wine, target: Target, level: Level) -> dict[str, bytes | None]:
    wanted = originals_wanted(load_recipes(DATA / "launchers"), target, level)
    return {path: wine.path(path).read_bytes() if wine.path(path).exists() else None for path in wanted}


@pytest.mark.parametrize("level", list(Level))
def test_preparation_does_what_it_claims(wine: Wine, target: Target, level: Level):
    """Sign-ins go, everything else stays, policies and markers read back through Wine's own reg.exe, a second run finds all clean."""
    gone, kept = signed_in(wine, target)
    steam, local = target.folders["steam"], target.folders["local"]
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

    payload = compiled(target, originals_of(wine, target, level), level)
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

    again = compiled(target, originals_of(wine, target, level), level)
    wine.upload(again)
    repeated = {step.name: step for step in confirm(again.expected, wine.play(again.prepare), "")}
    files = [*again.expected.files, *(step.name for step in again.expected.settled)]
    assert {name: repeated[name].outcome for name in files if repeated[name].outcome is not StepOutcome.CLEAN} == {}


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
    undoing = compile_undo(load_lockdown(DATA / "lockdown.toml"), target, frozenset("C"))
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
    wine.put(r"C:\odd.cmd", batch_file(wipe.lines))
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
name = "nothing"
kind = "delete_directory"
path = '{local}\wild\none*'
"""
    local = target.folders["local"]
    gone = [
        rf"{local}\wild\{name}"
        for name in ("ssfn1", "ssfn2", r"user1\token (1).dat", r"user 2\token (1).dat", r"user1\cache\x")
    ]
    kept = [rf"{local}\wild\{name}" for name in ("other", r"user1\settings", r"guest\token (1).dat")]
    for path in (*gone, *kept):
        wine.put(path)
    wipe = compile_wipe((read_recipe("wild.toml", RECIPE.format(steps=steps)),), target, Level.MIN, {})
    wine.put(r"C:\wild.cmd", batch_file(wipe.lines))
    variables = home_variables(target)
    for outcome in ("changed", "clean"):
        output = wine.run("cmd.exe", "/d", "/c", r"C:\wild.cmd", variables=variables)[1]
        steps_seen = [line.split(" ", 2)[2] for line in output.splitlines()]
        assert steps_seen == [
            f"odd.files {outcome}",
            f"odd.middle {outcome}",
            f"odd.directories {outcome}",
            "odd.nothing clean",
        ]
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
