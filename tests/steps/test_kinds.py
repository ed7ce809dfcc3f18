"""Every kind of step on a simulated station: before, after, already clean, not installed."""

from dataclasses import replace

import pytest
from simulated import linked
from test_apply import failed, guard, planned, written

from drova_gate.core.model import PreparationReport, StepOutcome
from drova_gate.sim.windows.registry import Value
from drova_gate.steps.apply import prepare
from drova_gate.steps.recipes import Level, Recipe, read_recipe

HEAD = """
name = "game"
title = "Some game"
verified = "unverified"
"""
INI = "[RememberMe]\r\nData=1\r\n[Имя]\r\nMyComUserMagic=2\r\nFolder=D:\\\r\n"


def recipe(text: str) -> tuple[Recipe, ...]:
    return (read_recipe("game.toml", HEAD + text),)


def step(name: str, kind: str, **words: str) -> str:
    return f"[[min]]\nname = '{name}'\nkind = '{kind}'\n" + "".join(
        f"{key} = {value}\n" for key, value in words.items()
    )


def outcomes(report: PreparationReport) -> dict[str, tuple[StepOutcome, str]]:
    return {each.name: (each.outcome, each.reason) for each in report.steps if each.name.startswith("game.")}


EDITS = {
    "sections": (step("one", "drop_ini_sections", path="'{local}\\Game\\f'", sections="['RememberMe']"), INI, INI[22:]),
    "keys": (
        step("one", "drop_ini_keys", path="'{local}\\Game\\f'", keys="['MyComUser*']", section="'Имя'"),
        INI,
        INI.replace("MyComUserMagic=2\r\n", ""),
    ),
    "json": (
        step("one", "drop_json_keys", path="'{local}\\Game\\f'", keys="['Client.AutoLogin', 'Games.*.token']"),
        '{"Client": {"AutoLogin": true, "Path": "D:"}, "Games": {"a": {"token": 1}}}',
        '{"Client": {"Path": "D:"}, "Games": {"a": {}}}',
    ),
    "vdf": (
        step("one", "drop_vdf_blocks", path="'{local}\\Game\\f'", blocks="['Accounts']"),
        '"a"\n{\n\t"Accounts"\n\t{\n\t}\n\t"b"\t"c"\n}\n',
        '"a"\n{\n\t"b"\t"c"\n}\n',
    ),
    "content": (step("one", "write_file", path="'{local}\\Game\\f'", content="'x'"), "anything", "x"),
}


@pytest.mark.parametrize("kind", EDITS)
async def test_edit(kind: str):
    """What is named goes out of a read-only file; the next session finds it clean, and a station without it too."""
    text, before, after = EDITS[kind]
    async with linked() as (station, link):
        path = station.machine.owner.local + r"\Game\f"
        files = station.machine.files
        plan = await planned(link, recipes=recipe(text))
        assert outcomes(await prepare(link, guard(station), plan)) == {"game.one": (StepOutcome.CLEAN, "")}
        files.make_directory(path.removesuffix(r"\f"), parents=True)
        files.write(path, before.encode())
        files.set_attributes(path, {"r"})
        for marker, outcome in (("a" * 32, StepOutcome.CHANGED), ("b" * 32, StepOutcome.CLEAN)):
            report = await prepare(link, guard(station), replace(plan, marker=marker, enter=frozenset()))
            assert outcomes(report) == {"game.one": (outcome, "")}
            assert files.read(path) == after.encode()


@pytest.mark.parametrize("kind", ["sections", "keys", "json", "vdf"])
@pytest.mark.parametrize("unreadable", ["delete", "keep"])
@pytest.mark.parametrize("content", [b"\0garbled", b"x" * (5 << 20)])
async def test_file_that_cannot_be_edited(kind: str, unreadable: str, content: bytes):
    """Far too large or garbled: it goes with its sign-in or stays, as the recipe says; nothing else is hurt."""
    text = EDITS[kind][0] + f"unreadable = '{unreadable}'\n"
    async with linked() as (station, link):
        files, folder = station.machine.files, station.machine.owner.local + r"\Game"
        files.make_directory(folder, parents=True)
        for name in ("f", "other"):
            files.write(rf"{folder}\{name}", content)
        report = await prepare(link, guard(station), await planned(link, recipes=recipe(text)))
        outcome, reason = outcomes(report)["game.one"]
        assert (failed(report), report.prepared) == ({}, True)
        assert outcome is (StepOutcome.CHANGED if unreadable == "delete" else StepOutcome.SKIPPED)
        assert files.exists(folder + r"\f") is (unreadable == "keep")
        assert reason == "" or reason.startswith("left as it is: ")
        assert files.read(folder + r"\other") == content


async def test_directory_where_a_file_is_expected():
    """It is left alone, and the step says so."""
    text = "".join(part[0].replace("'one'", f"'{kind}'") for kind, part in EDITS.items())
    async with linked() as (station, link):
        inside = station.machine.owner.local + r"\Game\f\inside"
        station.machine.files.make_directory(inside, parents=True)
        report = await prepare(link, guard(station), await planned(link, recipes=recipe(text)))
        assert {outcome for outcome, _ in outcomes(report).values()} == {StepOutcome.SKIPPED}
        assert station.machine.files.exists(inside)


async def test_two_edits_of_one_file_keep_each_other():
    """The second edit works on what the first one left: neither brings the other's sign-in back."""
    text = EDITS["sections"][0] + EDITS["keys"][0].replace("'one'", "'two'")
    async with linked() as (station, link):
        path = station.machine.owner.local + r"\Game\f"
        station.machine.files.make_directory(path.removesuffix(r"\f"), parents=True)
        station.machine.files.write(path, b"\xff\xfe" + INI.encode("utf-16-le"))
        report = await prepare(link, guard(station), await planned(link, recipes=recipe(text)))
        assert {outcome for outcome, _ in outcomes(report).values()} == {StepOutcome.CHANGED}
        assert station.machine.files.read(path)[2:].decode("utf-16-le") == "[Имя]\r\nFolder=D:\\\r\n"


async def test_directory_but_some():
    """Named entries stay, by name and by beginning; everything else at its top goes, a junction without being followed."""
    text = step("one", "delete_directory", path="'{local}\\Game'") + "except = ['gamedata.dat*', 'InstallData']\n"
    async with linked() as (station, link):
        files, folder = station.machine.files, station.machine.owner.local + r"\Game"
        plan = await planned(link, recipes=recipe(text))
        assert outcomes(await prepare(link, guard(station), plan)) == {"game.one": (StepOutcome.CLEAN, "")}
        for name in ("InstallData", "fedata & Ж!^"):
            files.make_directory(rf"{folder}\{name}", parents=True)
            files.write(rf"{folder}\{name}\x", b"x")
        for name in ("gamedata.dat", "gamedata.dat.crc", "user (1).dat"):
            files.write(rf"{folder}\{name}", b"x")
        for marker, outcome in (("a" * 32, StepOutcome.CHANGED), ("b" * 32, StepOutcome.CLEAN)):
            report = await prepare(link, guard(station), replace(plan, marker=marker, enter=frozenset()))
            assert outcomes(report) == {"game.one": (outcome, "")}
        assert sorted(await link.names(folder)) == ["InstallData", "gamedata.dat", "gamedata.dat.crc"]
        assert files.read(folder + r"\InstallData\x") == b"x"


REGISTRY = (
    step("prefix", "delete_values", key="'HKCU\\Software\\miHoYo\\原神'", prefix="'MIHOYOSDK_ADL'")
    + step("value", "delete_value", key="'HKCU\\Software\\Maker\\Launch Options\\*'", value="'WEB_TOKEN'")
    + step("cleared", "clear_key", key="'HKCU\\Software\\Maker\\Identity'")
    + step("key", "delete_key", key="'HKCU\\Software\\MakerSDK'")
    + step("set", "set_value", key="'HKCU\\Software\\Maker'", value="'Auto'", data="0")
)


@pytest.mark.parametrize("foreseen", [True, False])
async def test_registry(foreseen: bool):
    """Names by beginning, below a wildcard and in Chinese go; what came up since the last look costs one or two more commands."""
    async with linked() as (station, link):
        machine = station.machine
        hive = machine.owner.hive
        plan = await planned(link, recipes=recipe(REGISTRY))
        game = rf"{hive}\Software\miHoYo\原神"
        for key, name in (
            (game, "MIHOYOSDK_ADL_PROD_CN_h3123967166"),
            (game, "GENERAL_DATA"),
            (rf"{hive}\Software\Maker\Launch Options\Pro", "WEB_TOKEN"),
            (rf"{hive}\Software\Maker\Launch Options\Фен & Co", "WEB_TOKEN"),
            (rf"{hive}\Software\Maker\Launch Options\Pro", "LANG"),
            (rf"{hive}\Software\Maker\Identity", "a"),
            (rf"{hive}\Software\Maker\Identity\Below", "b"),
            (rf"{hive}\Software\MakerSDK\Sub", "c"),
        ):
            machine.registry.set(key, name, Value("REG_SZ", "x"))
        if foreseen:
            plan = await planned(link, recipes=recipe(REGISTRY))
        report = await prepare(link, guard(station), plan)
        assert failed(report) == {}
        assert {outcome for outcome, _ in outcomes(report).values()} == {StepOutcome.CHANGED}
        assert report.commands == 3 if foreseen else report.commands in (4, 5)
        assert [
            machine.registry.text(game, name) for name in ("MIHOYOSDK_ADL_PROD_CN_h3123967166", "GENERAL_DATA")
        ] == ["", "x"]
        assert machine.registry.text(rf"{hive}\Software\Maker\Launch Options\Фен & Co", "WEB_TOKEN") == ""
        assert machine.registry.text(rf"{hive}\Software\Maker\Launch Options\Pro", "LANG") == "x"
        assert machine.registry.text(rf"{hive}\Software\Maker\Identity\Below", "b") == "x"
        assert machine.registry.text(rf"{hive}\Software\MakerSDK\Sub", "c") == ""
        later = replace(await planned(link, recipes=recipe(REGISTRY)), marker="b" * 32, enter=frozenset())
        again = outcomes(await prepare(link, guard(station), later))
        assert {outcome for outcome, _ in again.values()} == {StepOutcome.CLEAN}


async def test_makers_that_never_ran_here_are_clean():
    """No key of the makers: all clean, three commands, and none of their keys made."""
    text = REGISTRY.replace(step("set", "set_value", key="'HKCU\\Software\\Maker'", value="'Auto'", data="0"), "")
    text = text.replace("miHoYo", "NoSuchMaker")
    async with linked() as (station, link):
        report = await prepare(link, guard(station), await planned(link, recipes=recipe(text)))
        assert {outcome for outcome, _ in outcomes(report).values()} == {StepOutcome.CLEAN}
        assert report.commands == 3
        below = station.machine.registry
        assert not below.has_key(rf"{station.machine.owner.hive}\Software\Maker")


KILLS = """
kill_under = [{ image = "Launcher.exe", folder = '\\Rockstar Games\\' }]
services = ["Some Service"]
kill = ["Helper.exe"]
"""


async def test_only_the_makers_own_process_is_killed():
    """Of two programs of one name the one in the maker's folder goes; PowerShell starts only where such a name runs."""
    async with linked() as (station, link):
        machine = station.machine
        plan = await planned(link, recipes=recipe(KILLS))
        for image in ("Launcher.exe", "Helper.exe"):
            for process in machine.processes.named(image):
                machine.processes.kill(process.pid)
        quiet = await prepare(link, guard(station), plan)
        assert outcomes(quiet)["game.processes"] == (StepOutcome.CLEAN, "")
        machine.processes.start("Launcher.exe", 1, path=r"C:\Program Files\Rockstar Games\Launcher\Launcher.exe")
        stranger = machine.processes.start("Launcher.exe", 1, path=r"C:\Games\Other\Launcher.exe")
        report = await prepare(link, guard(station), replace(plan, marker="b" * 32, enter=frozenset()))
        assert outcomes(report)["game.processes"] == (StepOutcome.CHANGED, "")
        assert outcomes(report)["game.service1"][0] is StepOutcome.CLEAN
        assert [process.pid for process in machine.processes.named("Launcher.exe")] == [stranger.pid]


async def test_prepared_station_is_left_alone():
    """For the same session again nothing is killed, wiped or restarted, and the player's own new sign-in stays."""
    async with linked() as (station, link):
        machine = station.machine
        plan = await planned(link)
        assert (await prepare(link, guard(station), plan)).prepared
        machine.files.make_directory(machine.owner.local + r"\Steam", parents=True)
        machine.files.write(machine.owner.local + r"\Steam\local.vdf", b"the player's")
        steam = machine.processes.start("steam.exe", machine.console_session)
        explorer = machine.processes.named("explorer.exe")
        station.journal.clear()
        report = await prepare(link, guard(station), replace(plan, enter=frozenset()))
        assert report.prepared
        assert {each.outcome for each in report.steps} <= {StepOutcome.CLEAN, StepOutcome.SKIPPED}
        assert report.commands == 3
        assert machine.files.read(machine.owner.local + r"\Steam\local.vdf") == b"the player's"
        assert machine.processes.get(steam.pid) is not None
        assert machine.processes.named("explorer.exe") == explorer
        assert written(station, {"kill"}) == []


async def test_lockdown_that_was_lost_is_mended_without_a_wipe():
    """A policy is missing on a station that was wiped for this session: it is written again, the player's files stay."""
    async with linked() as (station, link):
        machine = station.machine
        plan = await planned(link)
        assert (await prepare(link, guard(station), plan)).prepared
        key = rf"{machine.owner.hive}\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
        machine.registry.delete_value(key, "NoRun")
        machine.files.make_directory(machine.owner.local + r"\Steam", parents=True)
        machine.files.write(machine.owner.local + r"\Steam\local.vdf", b"the player's")
        report = await prepare(link, guard(station), replace(plan, enter=frozenset()))
        assert (report.prepared, failed(report)) == (True, {})
        assert machine.registry.get(key, "NoRun") is not None
        assert machine.files.exists(machine.owner.local + r"\Steam\local.vdf")


async def test_owners_own_shadow_mode_is_not_ours():
    """What the owner protected since we looked last is not counted as entered by us."""
    async with linked() as (station, link):
        plan = await planned(link, level=Level.MIN, recipes=())
        station.machine.shadow.enter("D", now=True)
        report = await prepare(link, guard(station), plan)
        assert report.prepared
        assert report.entered == frozenset("C")
