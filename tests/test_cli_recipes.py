"""``drova_gate recipes``: what owners read of the recipes, without a station."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.cli import main
from drova_gate.columns import cut, lines_of, width
from drova_gate.steps.describe import describe, kind_of
from drova_gate.steps.doubts import doubts
from drova_gate.steps.recipes import KINDS, Level, load_recipes, read_recipe, selected
from drova_gate.steps.shipped import LAUNCHERS

SHIPPED = load_recipes(LAUNCHERS)

STEPS = r"""
[[place]]
name = "mine"
key = 'HKLM\SOFTWARE\Mine'
value = "Folder"

[[min]]
name = "one"
kind = "delete_file"
path = '{mine}\a*.dat'
[[min]]
name = "two"
kind = "delete_directory"
path = '{local}\Mine\Cache'
except = ["keep", "logs*"]
[[min]]
name = "three"
kind = "write_file"
path = '{local}\Mine\x.txt'
content = "top secret"
[[min]]
name = "four"
kind = "drop_ini_sections"
path = '{local}\Mine\x.ini'
sections = ["RememberMe", "Вход"]
[[min]]
name = "five"
kind = "drop_ini_keys"
path = '{local}\Mine\x.ini'
keys = ["User", "Token*"]
section = "Login"
[[full]]
name = "six"
kind = "drop_json_keys"
path = '{local}\Mine\x.json'
keys = ["Client.AutoLogin"]
unreadable = "keep"
[[full]]
name = "seven"
kind = "drop_vdf_blocks"
path = '{local}\Mine\x.vdf'
blocks = ["Accounts"]
[[full]]
name = "eight"
kind = "set_value"
key = 'HKCU\Software\Mine'
value = "Auto"
data = 0
[[full]]
name = "nine"
kind = "delete_value"
key = 'HKCU\Software\Mine'
value = ""
[[full]]
name = "ten"
kind = "delete_values"
key = 'HKCU\Software\Mine'
prefix = "Tok"
[[full]]
name = "eleven"
kind = "clear_key"
key = 'HKCU\Software\Mine\Accounts'
[[full]]
name = "twelve"
kind = "delete_key"
key = 'HKCU\Software\Mine\Sessions'
"""
LINES = {
    "one": r"delete files {mine}\a*.dat",
    "two": r"delete folder {local}\Mine\Cache, all but keep, logs*",
    "three": r"replace the content of {local}\Mine\x.txt (10 bytes)",
    "four": r"take [RememberMe], [Вход] out of {local}\Mine\x.ini",
    "five": r"take User, Token* of [Login] out of {local}\Mine\x.ini",
    "six": r"take Client.AutoLogin out of {local}\Mine\x.json (left as it is when unreadable)",
    "seven": r"take block Accounts out of {local}\Mine\x.vdf",
    "eight": r"set HKCU\Software\Mine : Auto = 0",
    "nine": r"delete value HKCU\Software\Mine : (default)",
    "ten": r"delete values HKCU\Software\Mine : Tok*",
    "eleven": r"delete all values of HKCU\Software\Mine\Accounts",
    "twelve": r"delete key HKCU\Software\Mine\Sessions",
}


def recipe_text(name: str = "mine", *, head: str = 'note = "why"\nkill = ["mine.exe"]', steps: str = STEPS) -> str:
    return f'name = "{name}"\ntitle = "Мой лаунчер 米哈游"\nverified = "unverified"\n{head}\n{steps}'


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a setting nor a settings file."""
    for name in list(os.environ):
        if name.startswith(("DROVA_", "WINDOWS_", "SHADOW_", "ENV_LOCATION", "CREDENTIALS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An owner's folder, as DROVA_LAUNCHERS_DIR names it."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("DROVA_LAUNCHERS_DIR", str(folder))
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["recipes", *words])
    out, err = capsys.readouterr()
    return code, out, err


# -- list ------------------------------------------------------------------------------------------------------------


def test_list_tells_every_recipe_that_is_shipped(capsys: pytest.CaptureFixture[str]):
    """Name, counts and state of each, the same for people and for machines."""
    code, table, err = run(capsys, "list")
    listed = json.loads(run(capsys, "list", "--json")[1])
    assert (code, err) == (0, "")
    assert [each["name"] for each in listed] == [recipe.name for recipe in SHIPPED]
    rows = {line.split()[0]: line for line in table.splitlines()[1:] if line}
    for recipe, each in zip(SHIPPED, listed, strict=True):
        numbers = [
            len(recipe.minimum),
            len(recipe.minimum) + len(recipe.full),
            len(recipe.kill) + len(recipe.kill_under),
        ]
        assert [each["min"], each["full"], each["kills"]] == numbers
        state = "on" if recipe.enabled else "off"
        assert rows[recipe.name].split()[-6:] == [state, recipe.verified, *map(str, numbers), "ours"]
        assert recipe.title in rows[recipe.name]


def test_list_says_whose_each_recipe_is(owners: Path, capsys: pytest.CaptureFixture[str]):
    """An owner's own, one that replaces ours and is off, and all the others ours; no other setting is needed."""
    (owners / "mine.toml").write_text(recipe_text(), encoding="utf-8")
    (owners / "x.toml").write_text(recipe_text("steam", head='enabled = false\nnote = "why"'), encoding="utf-8")
    listed = {each["name"]: each for each in json.loads(run(capsys, "list", "--json")[1])}
    assert listed["mine"]["whose"] == "owner's"
    assert (listed["steam"]["whose"], listed["steam"]["enabled"]) == ("replaces ours", False)
    assert {each["whose"] for name, each in listed.items() if name not in ("mine", "steam")} == {"ours"}
    assert len(listed) == len(SHIPPED) + 1


def test_settings_file_without_a_station(
    owners: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """``--env FILE`` that holds the two settings alone is enough."""
    (owners / "mine.toml").write_text(recipe_text(), encoding="utf-8")
    file = tmp_path / "pc.env"
    file.write_text(f"DROVA_LAUNCHERS_DIR={owners}\nDROVA_WIPE=min\n", encoding="utf-8")
    monkeypatch.delenv("DROVA_LAUNCHERS_DIR")
    assert "mine" not in [each["name"] for each in json.loads(run(capsys, "list", "--json")[1])]
    assert "mine" in [each["name"] for each in json.loads(run(capsys, "list", "--json", "--env", str(file))[1])]
    plan = json.loads(run(capsys, "plan", "--json", "--env", str(file))[1])
    assert (plan["level"], "mine" in plan["on"]) == ("min", True)


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Exit code 78, as everywhere."""
    monkeypatch.setenv("DROVA_WIPE", "most")
    code, out, err = run(capsys, "plan")
    assert (code, out) == (78, "")
    assert err.startswith("settings: DROVA_WIPE: 'most'")
    monkeypatch.setenv("DROVA_LAUNCHERS_DIR", "/nowhere/at/all")
    monkeypatch.delenv("DROVA_WIPE")
    code, out, err = run(capsys, "list")
    assert (code, out) == (78, "")
    assert "/nowhere/at/all is not a folder" in err


def test_many_stations_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Where the stations differ one must be named; where what counts is the same, none need be."""
    file = tmp_path / "stations.toml"
    file.write_text('[[station]]\nname = "pc1"\n[[station]]\nname = "pc2"\nDROVA_WIPE = "min"\n', encoding="utf-8")
    monkeypatch.setenv("DROVA_CONFIG", str(file))
    code, out, err = run(capsys, "plan")
    assert (code, out) == (78, "")
    assert "pc1, pc2" in err
    assert "'pc3' is not known" in run(capsys, "plan", "--station", "pc3")[2]
    for station, level in (("pc1", "full"), ("pc2", "min")):
        plan = json.loads(run(capsys, "plan", "--station", station, "--json")[1])
        assert (plan["station"], plan["level"]) == (station, level)
    assert run(capsys, "list")[0] == 0
    assert json.loads(run(capsys, "plan", "--level", "full", "--json")[1])["station"] == ""


# -- show ------------------------------------------------------------------------------------------------------------


def test_every_kind_has_its_line():
    """One step of each kind, in words; the content of a file is not among them."""
    recipe = read_recipe("mine.toml", recipe_text())
    steps = recipe.minimum + recipe.full
    assert {kind_of(step) for step in steps} == set(KINDS)
    assert {step.name: describe(step) for step in steps} == LINES


def test_show_tells_everything_of_one(owners: Path, capsys: pytest.CaptureFixture[str]):
    """Title, sources, processes, places, and each step with its line."""
    head = (
        'sources = ["a forum", "мой ПК"]\nnote = "try it"\nkill = ["mine.exe"]\nservices = ["Mine Service"]\n'
        "kill_under = [{ image = \"Launcher.exe\", folder = '\\Mine\\' }]"
    )
    (owners / "mine.toml").write_text(recipe_text(head=head), encoding="utf-8")
    code, out, err = run(capsys, "show", "mine")
    assert (code, err) == (0, "")
    for name, line in LINES.items():
        assert any(each.split(maxsplit=1) == [name, line] for each in out.splitlines()), name
    for text in (
        "Мой лаунчер 米哈游",
        "owner's",
        "a forum",
        "мой ПК",
        "try it",
        "mine.exe",
        "Mine Service",
        r"Launcher.exe (only where its path holds \Mine\)",
        r"{mine} is where HKLM\SOFTWARE\Mine : Folder says",
        r"{local} is C:\Users\<user>\AppData\Local",
    ):
        assert text in out
    assert "top secret" not in out


@pytest.mark.parametrize("name", [recipe.name for recipe in SHIPPED])
def test_show_knows_every_shipped_recipe(name: str, capsys: pytest.CaptureFixture[str]):
    """Every step of every recipe has its line."""
    code, out, _ = run(capsys, "show", name)
    assert code == 0
    recipe = next(one for one in SHIPPED if one.name == name)
    shown = [line.split(maxsplit=1) for line in out.splitlines()]
    assert all([step.name, describe(step)] in shown for step in recipe.minimum + recipe.full)


@pytest.mark.parametrize(
    ("asked", "named"), [("steem", "steam"), ("STEAM", "steam"), ("Center", "wargaming"), ("zzzzzz", "recipes list")]
)
def test_an_unknown_name_gets_the_nearest(asked: str, named: str, capsys: pytest.CaptureFixture[str]):
    """By its letters or by a word of the title; exit code 2, like every argument that is not known."""
    code, out, err = run(capsys, "show", asked)
    assert (code, out) == (2, "")
    assert err.startswith(f"drova_gate recipes show: no recipe is called {asked!r}; ")
    assert named in err


# -- check -----------------------------------------------------------------------------------------------------------


def test_our_own_recipes_are_good_and_raise_no_doubt(capsys: pytest.CaptureFixture[str]):
    """What we ship passes our own check; each file is named like its recipe, which the check rests on."""
    code, out, err = run(capsys, "check", str(LAUNCHERS))
    assert (code, err) == (0, "")
    assert "warn" not in out
    assert out.splitlines()[-1] == f"{len(SHIPPED)} good"
    assert sorted(path.stem for path in LAUNCHERS.glob("*.toml")) == [recipe.name for recipe in SHIPPED]


def test_every_fault_of_every_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """No fault hides another one, in a file or among files; the path that was given leads each line."""
    bad = recipe_text(
        "Bad Name",
        steps="[[min]]\nname = 'x'\nkind = 'delete_file'\npath = 'C:\\Windows'\n[[full]]\nname='y'\nkind='del'\n",
    )
    (tmp_path / "bad.toml").write_text(bad, encoding="utf-8")
    (tmp_path / "good.toml").write_text(recipe_text(), encoding="utf-8")
    (tmp_path / "text.toml").write_bytes("title = 'Игра'".encode("cp1251"))
    (tmp_path / "quotes.toml").write_text('name = "x"\npath = "C:\\Users"\n', encoding="utf-8")
    code, out, err = run(capsys, "check", str(tmp_path), str(tmp_path / "none.toml"))
    assert (code, err) == (1, "")
    lines = out.splitlines()
    faults = [line.removeprefix("FAIL  ").split(": ", 1) for line in lines if line.startswith("FAIL")]
    assert sorted({Path(file).name for file, _ in faults}) == ["bad.toml", "none.toml", "quotes.toml", "text.toml"]
    told = "\n".join(text for _, text in faults)
    for expected in (
        "'Bad Name': a name is",
        r"'C:\Windows': nothing in C:\Windows may be touched",
        "'del' is not known",
        "cannot be read (No such file or directory)",
        "is not UTF-8 text",
        "(at line 2, column",
    ):
        assert expected in told
    assert any(line.startswith(f"ok    {tmp_path / 'good.toml'}: mine, 5 min and 7 full steps") for line in lines)
    assert lines[-1] == "1 good, 4 with faults"


def test_two_files_of_one_name_are_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """In one folder; the same file named twice, or files of two folders, are not."""
    for place in ("a.toml", "b.toml", "other/a.toml"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(recipe_text(), encoding="utf-8")
    first, second, third = (str(tmp_path / place) for place in ("a.toml", "b.toml", "other/a.toml"))
    assert run(capsys, "check", first, first, third)[0] == 0
    code, out, _ = run(capsys, "check", first, second)
    assert code == 1
    assert "b.toml: name: 'mine' is taken by a.toml of the same folder" in out


def test_an_empty_folder_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It is most likely not the one that was meant."""
    assert run(capsys, "check", str(tmp_path))[0] == 1


def test_the_lockdowns_file_of_the_same_folder_is_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """By the lockdown's own schema, over our entries."""
    file = tmp_path / "lockdown.toml"
    file.write_text('[[policy]]\nname = "no_shutdown"\nenabled = false\n', encoding="utf-8")
    assert run(capsys, "check", str(tmp_path))[0] == 0
    file.write_text('[[policy]]\nname = "no_shutdwon"\nenabled = false\n', encoding="utf-8")
    code, out, _ = run(capsys, "check", str(tmp_path))
    assert code == 1
    assert "no_shutdown" in out


DIRECTORY = "[[{level}]]\nname = '{name}'\nkind = 'delete_directory'\npath = '{path}'\n"


def directory(level: str, name: str, path: str) -> str:
    return DIRECTORY.format(level=level, name=name, path=path)


@pytest.mark.parametrize(
    ("head", "steps", "told"),
    [
        ('kill = ["x.exe"]', directory("min", "a", r"{local}\x"), "note: unverified"),
        ('kill = ["x.exe"]\nenabled = false', directory("min", "a", r"{local}\x"), "note: switched off"),
        ('note = "n"', directory("min", "a", r"{local}\x"), "kill: no process"),
        ('note = "n"\nkill = ["x.exe"]', directory("full", "a", r"{local}\x"), "min: there is no step"),
        (
            'note = "n"\nkill = ["x.exe"]',
            directory("min", "a", r"{local}\x\y")
            + directory("full", "b", r"{local}\x")
            + directory("full", "c", r"{local}\X\z"),
            "[[full]] c: never done",
        ),
        (
            'note = "n"\nkill = ["x.exe"]',
            directory("min", "a", r"{local}\x\y") + directory("min", "b", r"{local}\x"),
            "[[min]] a: never done",
        ),
        (
            'note = "n"\nkill = ["x.exe"]',
            directory("min", "a", r"C:\Users\Vasya\AppData\Local\x"),
            "a: C:\\Users\\Vasya",
        ),
        (
            'note = "n"\nkill = ["x.exe"]',
            '[[place]]\nname = "mine"\nkey = \'HKLM\\SOFTWARE\\Mine\'\nvalue = "F"\n'
            + directory("min", "a", r"{local}\x"),
            "[[place]] mine: no path",
        ),
    ],
)
def test_what_is_odd_is_told_and_no_fault(
    head: str, steps: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """One doubt each, exit code 0."""
    text = recipe_text(head=head, steps=steps)
    assert [doubt.startswith(told) for doubt in doubts(read_recipe("x.toml", text))] == [True]
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    code, out, _ = run(capsys, "check", str(tmp_path / "x.toml"))
    assert code == 0
    assert f"warn  {tmp_path / 'x.toml'}: {told}" in out


# -- plan ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", list(Level))
def test_plan_holds_every_step_of_its_level_and_no_other(level: Level, capsys: pytest.CaptureFixture[str]):
    """Files and registry of all recipes that are on, processes and services; the counts are those of the list."""
    plan = json.loads(run(capsys, "plan", "--level", level, "--json")[1])
    items = [item for part in plan["parts"] for item in part["items"]]
    on = [recipe for recipe in SHIPPED if recipe.enabled]
    wanted = {f"{recipe.name}.{step.name}": describe(step) for recipe in on for step in selected(recipe, level)}
    assert {item["name"]: item["text"] for item in items if item["kind"] in KINDS} == wanted
    assert sum(item["kind"] == "kill" for item in items) == sum(len(recipe.kill) for recipe in on)
    assert sum(plan["counts"].values()) == len(items)
    assert (plan["on"], plan["off"]) == (
        [recipe.name for recipe in on],
        [recipe.name for recipe in SHIPPED if not recipe.enabled],
    )


def test_plan_for_people_is_in_the_order_of_the_preparation(owners: Path, capsys: pytest.CaptureFixture[str]):
    """Shadow Mode first, the read-back last; nothing that a file is given is shown, nor any secret of the settings."""
    (owners / "mine.toml").write_text(recipe_text(), encoding="utf-8")
    code, out, err = run(capsys, "plan")
    assert (code, err) == (0, "")
    order = ["1. Shadow Mode", "mine.processes", "lockdown.", "mine.one", "mine.eight", "start Explorer", "Read back"]
    places = [out.index(text) for text in order]
    assert places == sorted(places)
    assert "top secret" not in out


def test_plan_shows_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Whatever else the settings hold."""
    for name in ("WINDOWS_PASSWORD", "SHADOW_DEFENDER_PASSWORD", "DROVA_TOKEN"):
        monkeypatch.setenv(name, "s3cr3t-word")
    for words in (("plan",), ("plan", "--json"), ("list", "--json"), ("show", "steam")):
        code, out, err = run(capsys, *words)
        assert (code, "s3cr3t-word" in out + err) == (0, False)


# -- columns ---------------------------------------------------------------------------------------------------------


def test_columns_stand_straight_in_every_script():
    """A Chinese character takes two places, a Cyrillic one, a combining accent none."""
    rows = [("原神", "1"), ("Игра", "22"), ("cafe\u0301", "333")]
    assert lines_of(("name", "n"), rows, right=frozenset({1})) == [
        "name    n",
        "原神    1",
        "Игра   22",
        "cafe\u0301  333",
    ]
    assert lines_of((), [("原神启动器", "x"), ("abc", "y")], room=8 + 3) == ["原神启…   x", "abc       y"]


@settings(max_examples=60)
@given(st.text(st.characters(codec="utf-8"), max_size=20), st.integers(1, 30))
def test_what_is_cut_fits(text: str, room: int):
    """Never wider than allowed, the beginning kept, and nothing cut that fits."""
    short = cut(text, room)
    assert width(short) <= room
    assert text.startswith(short.removesuffix("…")) or short == text
    assert (short == text) == (width(text) <= room)


# -- the process -----------------------------------------------------------------------------------------------------


def test_no_network_library_is_loaded():
    """These commands start at once on a router: no event loop, no SSH, no HTTP, no model library."""
    heavy = "{'asyncio', 'asyncssh', 'aiohttp', 'pydantic', 'cryptography'}"
    for words in (["list"], ["plan"], ["show", "steam"], ["check", str(LAUNCHERS)]):
        code = f"import sys; from drova_gate.cli import main; main(['recipes', *{words!r}]); sys.stderr.write(str({heavy} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr == "set()", words


def test_a_reader_that_has_seen_enough_is_no_error():
    """``drova_gate recipes plan | head -1``, and a terminal that knows no Chinese."""
    line = f"{sys.executable} -m drova_gate recipes plan | head -1; exit ${{PIPESTATUS[0]}}"
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "koi8-r"}
    done = subprocess.run(["/bin/bash", "-c", line], capture_output=True, timeout=60, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    done = subprocess.run(
        [sys.executable, "-m", "drova_gate", "recipes", "list"],
        capture_output=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
