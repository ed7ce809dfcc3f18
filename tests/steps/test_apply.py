"""The whole preparation against a simulated station, over its real SSH and SFTP."""

import asyncio
import gc
from collections.abc import Iterable
from dataclasses import replace

import pytest
from pydantic import SecretStr
from simulated import linked
from step_targets import MARKER, SESSION, lockdown, recipes

from drova_gate.core.model import PreparationReport, StepOutcome
from drova_gate.host.commands import Run, Script, Secret
from drova_gate.host.identity import read_console
from drova_gate.host.link import HostLink
from drova_gate.host.look import look, marker_files
from drova_gate.host.parse import RegistryKey
from drova_gate.protect.none import NoProtector
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.sim.station import Costs, Station
from drova_gate.sim.windows.registry import Value
from drova_gate.steps.apply import PreparationPlan, prepare
from drova_gate.steps.found import Found, Places, find_places
from drova_gate.steps.recipes import Level, load_recipes, read_recipe
from drova_gate.steps.shipped import LAUNCHERS
from drova_gate.steps.undo import undo

BOTH = frozenset("CD")
CMDTOOL = r"C:\Program Files\Shadow Defender\CmdTool.exe"
KINDS = [(shell, language) for shell in ("cmd", "powershell") for language in ("ru", "en")]
POLICIES = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
# What the simulator calls a write to the disk; HKLM\HARDWARE is kind "volatile".
WRITES = frozenset({"write", "volatile", "kill"})


async def planned(link: HostLink, **changes: object) -> PreparationPlan:
    console = await read_console(link)
    using = changes.get("recipes", recipes())
    plan = PreparationPlan(
        session=SESSION,
        marker=MARKER,
        boot_stamp="feedbeef",
        volumes=BOTH,
        enter=BOTH,
        console=console,
        program_data=link.variables["ProgramData"],
        level=Level.FULL,
        recipes=recipes(),
        lockdown=lockdown(),
        found=await find_places(link, using, console),
    )
    return replace(plan, **changes)


def guard(station: Station) -> ShadowDefender:
    return ShadowDefender(SecretStr(station.plan.shadow_password))


def failed(report: PreparationReport) -> dict[str, str]:
    return {step.name: step.reason for step in report.steps if step.outcome is StepOutcome.FAILED}


def written(station: Station, kinds: Iterable[str] = WRITES) -> list[str]:
    return [entry.subject for entry in station.journal if entry.kind in kinds]


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize(("shell", "language"), KINDS)
async def test_station_is_prepared(shell: str, language: str, level: Level):
    """Both shells, both languages, both levels: three commands, everything confirmed, every write under Shadow Mode."""
    async with linked(shell=shell, language=language) as (station, link):
        owner = station.machine.owner
        plan = await planned(link, level=level)
        station.journal.clear()
        report = await prepare(link, guard(station), plan)
        assert (report.fault, failed(report)) == ("", {})
        assert report.prepared
        assert report.commands == 3
        assert (report.shadowed, report.entered) == (BOTH, BOTH)
        unshadowed = [entry.subject for entry in station.journal if entry.kind == "write" and not entry.shadowed]
        assert unshadowed == []
        files, registry = station.machine.files, station.machine.registry
        assert not files.exists(owner.local + r"\Steam\local.vdf")
        assert not files.exists(owner.local + r"\Google\Chrome\User Data")
        assert not files.exists(owner.roaming + r"\Mozilla\Firefox")
        # A junction goes, what it leads to stays.
        assert files.exists(r"D:\BrowserCache\keep.txt")
        assert files.exists(r"C:\ProgramData\Epic\UnrealEngineLauncher\LauncherInstalled.dat")
        assert files.exists(r"C:\Program Files (x86)\Steam\config\libraryfolders.vdf")
        assert b"7656" not in files.read(r"C:\Program Files (x86)\Steam\config\loginusers.vdf")
        assert registry.text(rf"{owner.hive}\Software\Valve\Steam", "AutoLoginUser") == ""
        assert registry.text(rf"{owner.hive}\{POLICIES}\DisallowRun", "1") == "Commit.exe"
        facts = await look(link, guard(station))
        assert (facts.marker, facts.marker_session, facts.boot_stamp) == (MARKER, str(SESSION), "feedbeef")
        assert await marker_files(link, BOTH) == {"C": MARKER, "D": MARKER}


@pytest.mark.parametrize("level", list(Level))
async def test_second_preparation_finds_all_clean(level: Level):
    """On a station that is prepared already no file is touched by the wipe; a retry is harmless."""
    async with linked() as (station, link):
        plan = await planned(link, level=level)
        assert (await prepare(link, guard(station), plan)).prepared
        report = await prepare(link, guard(station), replace(plan, enter=frozenset()))
        assert report.prepared
        assert report.entered == frozenset()
        wiped = {
            name
            for recipe in recipes()
            for name in (f"{recipe.name}.{step.name}" for step in recipe.minimum + recipe.full)
        }
        registry = {"epic.account", "steam.auto_login", "steam.remember"}
        outcomes = {step.name: step.outcome for step in report.steps if step.name in wiped - registry}
        assert set(outcomes.values()) == {StepOutcome.CLEAN}


@pytest.mark.parametrize("shell", ["cmd", "powershell"])
async def test_other_console_user(shell: str):
    """Somebody else sits at the console, with a Cyrillic name: his hive, his folders, his session; the SSH user's stay."""
    async with linked("other_console_user", shell=shell) as (station, link):
        machine = station.machine
        report = await prepare(link, guard(station), await planned(link))
        assert (report.fault, failed(report)) == ("", {})
        assert not machine.files.exists(machine.owner.local + r"\Steam\local.vdf")
        assert machine.registry.text(rf"{machine.owner.hive}\{POLICIES}\DisallowRun", "1") == "Commit.exe"
        assert machine.registry.text(rf"{machine.ssh_user.hive}\{POLICIES}\DisallowRun", "1") == ""


async def test_console_session_2():
    """The console is session 2: Explorer comes back there and that is confirmed."""
    async with linked("console_session_2") as (station, link):
        plan = await planned(link)
        assert plan.console.session_id == 2
        report = await prepare(link, guard(station), plan)
        assert (report.fault, failed(report)) == ("", {})


@pytest.mark.parametrize("fault", ["shadow_refuses", "shadow_partial", "shadow_password", "shadow_missing"])
async def test_nothing_is_written_without_shadow_mode(fault: str):
    """Promise 1: Shadow Mode not confirmed on every volume means no upload, no wipe, no lock, no kill, and a loud reason."""
    async with linked(fault) as (station, link):
        plan = await planned(link)
        station.journal.clear()
        report = await prepare(link, guard(station), plan)
        assert report.fault
        assert not report.prepared
        assert report.steps == ()
        assert report.commands == 1
        assert written(station) == []
        assert report.entered == (frozenset("C") if fault == "shadow_partial" else frozenset())


class DropsOut(ShadowDefender):
    """Leaves Shadow Mode at once, just before its last list."""

    def status(self) -> Script:
        return (
            Run(CMDTOOL, (Secret("/pwd:", self._password.get_secret_value()), "/exit:CD", "/now")),
            *super().status(),
        )


async def test_nothing_more_is_written_once_shadow_mode_is_gone():
    """The read-back asks for one more pass, and the list beside it shows no volume any more: nothing else goes to the bare disk."""
    async with linked() as (station, link):
        # Nothing was looked up, so that the read-back finds names nobody foresaw.
        plan = await planned(link, recipes=load_recipes(LAUNCHERS), found=Found())
        report = await prepare(link, DropsOut(SecretStr(station.plan.shadow_password)), plan)
        assert not report.prepared
        assert report.shadowed == frozenset()
        assert report.commands == 3
        assert {f"shadow.{letter}" for letter in BOTH} <= failed(report).keys()
        assert [entry.subject for entry in station.journal if entry.kind == "write" and not entry.shadowed] == []


async def test_no_volume_is_no_protection():
    """A protector that forgets, with no volume named: refused before anything is sent."""
    async with linked() as (station, link):
        plan = await planned(link, volumes=frozenset(), enter=frozenset())
        station.journal.clear()
        report = await prepare(link, guard(station), plan)
        assert "no volume is named" in report.fault
        assert report.commands == 0
        assert written(station) == []


async def test_policy_that_does_not_stick_is_named():
    """The import says fine, one value reads back otherwise: that policy fails, and it is a must."""
    async with linked("policy_not_kept") as (station, link):
        report = await prepare(link, guard(station), await planned(link))
        assert report.fault == ""
        assert not report.prepared
        (name,) = failed(report)
        assert name.startswith("lockdown.")
        assert "reads back as" in failed(report)[name] or "is not there" in failed(report)[name]


async def test_file_in_use_is_named_and_does_not_stop_the_rest():
    """One file that cannot be deleted is a failed step of its own launcher; the station is prepared all the same."""
    async with linked("file_in_use") as (station, link):
        report = await prepare(link, guard(station), await planned(link))
        assert report.prepared
        assert list(failed(report).values()) == ["still in use, it could not be deleted"]


async def test_one_channel_is_enough():
    """Where sshd allows one command beside SFTP, the network part waits for its turn."""
    async with linked("max_sessions_1") as (station, link):
        report = await prepare(link, guard(station), await planned(link))
        assert (report.fault, failed(report)) == ("", {})


async def test_link_that_breaks_is_unknown_and_a_retry_mends_it():
    """The link is cut while the script runs: not known, not a success; the next try prepares the station."""
    async with linked("ssh_drop_preparing") as (station, link):
        plan = await planned(link)
        report = await prepare(link, guard(station), plan)
        assert report.fault.startswith("unknown, will look again")
        assert not report.prepared
        link.retry_soon()
        await link.wait_up(10)
        # The first script may still run: then Explorer may be started twice, which the next try sees and mends.
        for _ in range(3):
            enter = plan.volumes - (await look(link, guard(station))).shadowed
            again = await prepare(link, guard(station), replace(plan, enter=enter))
            if again.prepared:
                break
        assert (again.fault, failed(again)) == ("", {})


async def test_steam_elsewhere_is_found():
    """Steam's folder comes from the registry, on the way or from an earlier question."""
    async with linked() as (station, link):
        elsewhere = r"D:\Игры & Co\Steam"
        machine = station.machine
        machine.registry.set(
            r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam",
            "InstallPath",
            replace(machine.registry.get(r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam", "InstallPath"), data=elsewhere),
        )
        machine.files.make_directory(elsewhere + r"\config", parents=True)
        machine.files.write(elsewhere + r"\config\loginusers.vdf", b'"users" { "7656" { } }')
        machine.files.write(elsewhere + r"\ssfn123", b"x")
        found = await find_places(link, recipes(), await read_console(link))
        assert found.places["steam", "steam"] == elsewhere
        report = await prepare(link, guard(station), await planned(link))
        assert (report.fault, failed(report)) == ("", {})
        assert b"7656" not in machine.files.read(elsewhere + r"\config\loginusers.vdf")
        assert not machine.files.exists(elsewhere + r"\ssfn123")


async def test_what_was_looked_up_is_kept_whole_and_small():
    """Thirty stations' registries lie in a router's memory between sessions: packed, and none of their keys as an object."""
    async with linked() as (_, link):
        console = await read_console(link)
        places = Places(link)
        places.recipes = recipes()
        assert places.found is None
        before = registry_keys_in_memory()
        await places.look_up(console)
        assert registry_keys_in_memory() == before
        assert places.found == await find_places(link, recipes(), console)
        assert places.found.registry
        places.forget()
        assert places.found is None


def registry_keys_in_memory() -> int:
    gc.collect()
    return sum(isinstance(each, RegistryKey) for each in gc.get_objects())


async def test_nothing_installed_is_clean():
    """No launcher on the station: nothing fails, nothing is reported as changed by the wipe."""
    async with linked() as (station, link):
        machine = station.machine
        named = {image.casefold() for recipe in recipes() for image in recipe.kill}
        named |= {rule.image.casefold() for recipe in recipes() for rule in recipe.kill_under}
        for process in [each for each in machine.processes if each.image.casefold() in named]:
            machine.processes.kill(process.pid)
        programs = (r"C:\Program Files (x86)\Steam", r"C:\Program Files (x86)\Ubisoft")
        for folder in (machine.owner.local, machine.owner.roaming, *programs):
            machine.files.remove_tree(folder)
        machine.registry.delete_key(r"HKLM\SOFTWARE\WOW6432Node\Valve")
        report = await prepare(link, guard(station), await planned(link))
        assert (report.fault, failed(report)) == ("", {})
        files = [
            step for step in report.steps if step.name.startswith(("chrome.", "ubisoft.", "wargaming.", "firefox."))
        ]
        assert {step.outcome for step in files} == {StepOutcome.CLEAN}


async def test_undo_brings_the_desktop_back():
    """Without a protector the lockdown is taken off again: values, list, marker, rules, group, services."""
    async with linked() as (station, link):
        machine = station.machine
        groups = machine.firewall.groups
        plan = await planned(link, volumes=frozenset(), enter=frozenset(), recipes=())
        report = await prepare(link, NoProtector(), plan)
        assert (report.fault, failed(report)) == ("", {})
        assert machine.firewall.named("drova_gate")
        results = await undo(link, plan)
        assert [step for step in results if step.outcome is StepOutcome.FAILED] == []
        assert machine.registry.text(rf"{machine.owner.hive}\{POLICIES}\DisallowRun", "1") == ""
        assert machine.registry.get(rf"{machine.owner.hive}\{POLICIES}", "NoRun") is None
        assert machine.firewall.named("drova_gate") == []
        assert machine.firewall.groups == groups
        assert (await look(link, NoProtector())).marker == ""


async def test_cancelled_preparation_passes_on():
    """A cancelled preparation ends as cancelled, and leaves no task behind."""
    async with linked(costs=Costs(command=0.3, process=0.05, reboot=0.2, ready=0.0)) as (station, link):
        plan = await planned(link)
        task = asyncio.create_task(prepare(link, guard(station), plan))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_more_recipes_than_one_question_takes():
    """Two hundred recipes of the owner's own, not looked up before: asked in commands of their own, and every place is found."""
    text = """
name = "r{n}"
title = "Recipe {n}"
verified = "unverified"
[[place]]
name = "folder"
key = 'HKLM\\SOFTWARE\\WOW6432Node\\Maker With A Long Name {n}\\Launcher'
value = "InstallPath"
[[min]]
name = "one"
kind = "delete_file"
path = '{{folder}}\\token.dat'
"""
    many = tuple(read_recipe(f"r{n}.toml", text.format(n=n)) for n in range(200))
    async with linked() as (station, link):
        for n in (0, 199):
            key = rf"HKLM\SOFTWARE\WOW6432Node\Maker With A Long Name {n}\Launcher"
            station.machine.registry.set(key, "InstallPath", Value("REG_SZ", rf"C:\Games\Launcher {n}"))
            station.machine.files.make_directory(rf"C:\Games\Launcher {n}", parents=True)
            station.machine.files.write(rf"C:\Games\Launcher {n}\token.dat", b"x")
        plan = replace(await planned(link), recipes=many, found=None)
        report = await prepare(link, guard(station), plan)
        assert (report.fault, failed(report)) == ("", {})
        outcomes = {step.name: step.outcome for step in report.steps if step.name.endswith(".one")}
        changed = {name for name, outcome in outcomes.items() if outcome is StepOutcome.CHANGED}
        assert changed == {"r0.one", "r199.one"}
