"""Every shipped recipe on a simulated station where the owner is signed in to everything, and on one where nothing is installed.

One preparation for all recipes of a level, asked about each of them: a station for each recipe would take minutes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import pytest
from simulated import linked
from test_apply import failed, guard, planned

from drova_gate.core.model import PreparationReport, StepOutcome
from drova_gate.sim.windows.files import parent_of
from drova_gate.sim.windows.launchers import LAUNCHERS as PLANTED
from drova_gate.sim.windows.launchers import left_of, owners_files, started
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.windows.saved import Entry, Item, Junction, expand, user_key
from drova_gate.sim.windows.saved_games import WITHOUT_SIGN_IN
from drova_gate.sim.windows.services import RUNNING
from drova_gate.steps.apply import prepare
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.recipes import Level, Recipe, load_recipes, selected
from drova_gate.steps.shipped import LAUNCHERS

RECIPES = {recipe.name: recipe for recipe in load_recipes(LAUNCHERS) if recipe.enabled}
EVERYTHING = {**PLANTED, **WITHOUT_SIGN_IN}
FILE_OR_FOLDER = "jagex.account"
"""One of two steps for a thing that may be a file or a folder: skipped where it is a folder."""

each_case = pytest.mark.parametrize(("name", "level"), [(name, level) for name in RECIPES for level in Level])


@dataclass(frozen=True)
class Played:
    """What two preparations made of a station."""

    first: PreparationReport
    second: PreparationReport
    left: Mapping[str, tuple[Item, ...]]
    """Launcher to the pieces of its sign-in that are still there."""
    damaged: list[str]
    running: frozenset[str]
    """Launchers of which some process still runs."""
    services: frozenset[str]
    """Short names of services that run."""


class Desk:
    """A simulated PC, as the judgement of its owner's sign-ins asks for it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def content(self, path):
        full, files = expand(path, self.machine.owner), self.machine.files
        return files.read(full) if files.exists(full) and not files.is_dir(full) else None

    def value(self, key, name):
        return self.machine.registry.get(user_key(key, self.machine.owner), name)


@cache
def signed_in_station(level: Level) -> Played:
    """Prepare a station with everybody signed in, then once more as for another session."""

    async def play() -> Played:
        async with linked() as (station, link):
            machine = station.machine
            assert machine.signed_in() == set(PLANTED)
            first = await prepare(link, guard(station), await planned(link, level=level))
            desk = Desk(machine)
            there = {process.path for process in machine.processes}
            played = Played(
                first,
                first,
                {name: left_of(name, desk, deep=level is Level.FULL) for name in PLANTED},
                machine.damaged(deep=level is Level.FULL),
                frozenset(program.launcher for program in started(machine.owner) if program.path in there),
                frozenset(service.name for service in machine.services.all() if service.state == RUNNING),
            )
            # A new look at the station, as between two sessions; another marker, so that nothing counts as done.
            plan = await planned(link, level=level, enter=frozenset(), marker="fedcba9876543210fedcba9876543210")
            second = await prepare(link, guard(station), plan)
            assert machine.damaged(deep=level is Level.FULL) == played.damaged
            return Played(first, second, played.left, played.damaged, played.running, played.services)

    return asyncio.run(play())


@cache
def empty_station(level: Level) -> tuple[PreparationReport, list[str]]:
    """Prepare a station without any launcher, lockdown left out; what came up on its disk and in its registry."""

    async def play() -> tuple[PreparationReport, list[str]]:
        async with linked() as (station, link):
            _uninstall(station.machine)
            before = _traces(station.machine)
            report = await prepare(link, guard(station), await planned(link, level=level, lockdown=Lockdown()))
            return report, sorted(_traces(station.machine) - before)

    return asyncio.run(play())


def _uninstall(machine: Machine) -> None:
    """Take away all that launchers have on the PC: processes, services, files, keys."""
    owner = machine.owner
    machine.processes.clear()
    machine.boot()
    ours = {program.path for program in started(owner)}
    for process in [each for each in machine.processes if each.path in ours]:
        machine.processes.kill(process.pid)
    for path, _, _ in owners_files():
        full = expand(path, owner)
        if machine.files.exists(full):
            machine.files.set_attributes(full, set())
            machine.files.delete(full)
            folder = parent_of(full)
            # Down to what Windows makes itself: AppData and Documents in a profile, Program Files elsewhere.
            while folder.count("\\") > (4 if folder.startswith(owner.profile) else 1) and not machine.files.listing(
                folder
            ):
                machine.files.remove_directory(folder)
                folder = parent_of(folder)
    for folder in (owner.local, owner.roaming, rf"{owner.profile}\AppData\LocalLow", r"C:\ProgramData"):
        machine.files.remove_tree(folder)
        machine.files.make_directory(folder, parents=True)
    for saved in EVERYTHING.values():
        for service in saved.services:
            machine.registry.delete_key(rf"HKLM\SYSTEM\CurrentControlSet\Services\{service}")
        for item in saved.items():
            if isinstance(item, Entry):
                maker = "\\".join(user_key(item.key, owner).split("\\")[: 5 if "WOW6432Node" in item.key else 4])
                if "Microsoft" not in maker and machine.registry.has_key(maker):
                    machine.registry.delete_key(maker)
            elif isinstance(item, Junction) and machine.files.is_dir(item.target):
                machine.files.remove_tree(item.target)


def _traces(machine: Machine) -> set[str]:
    """Every file, folder, key and value that is there."""
    owner = machine.owner
    found = {path for letter in machine.files.letters() for path in machine.files.files_below(f"{letter}:\\")}
    for root in (owner.hive, r"HKLM\SOFTWARE"):
        for path, key in machine.registry.walk(root):
            found |= {path, *(rf"{path}\{name}" for name, _ in key.values.values())}
    for folder in (owner.local, owner.roaming, r"C:\Program Files (x86)", r"C:\ProgramData"):
        found |= {rf"{folder}\{name}" for name in machine.files.listing(folder)}
    return found


def outcomes(report: PreparationReport, recipe: Recipe) -> dict[str, StepOutcome]:
    return {step.name: step.outcome for step in report.steps if step.name.partition(".")[0] == recipe.name}


@each_case
def test_signed_in_station_is_signed_out(name: str, level: Level):
    """The sign-in is gone, by the simulator's own judgement; what the owner keeps is as it was; processes and services are down."""
    played = signed_in_station(level)
    assert played.left.get(name, ()) == ()
    assert [line for line in played.damaged if line.startswith(f"{name}:")] == []
    assert name not in played.running
    assert played.services & set(EVERYTHING[name].services) == set()


@each_case
def test_each_step_found_its_target(name: str, level: Level):
    """No step misses what is there: each of them reports a change on a station with that sign-in, and so do kill and stop."""
    recipe = RECIPES[name]
    found = outcomes(signed_in_station(level).first, recipe)
    wanted = {f"{name}.{step.name}" for step in selected(recipe, level)}
    assert wanted <= set(found)
    unchanged = {step for step, outcome in found.items() if outcome is not StepOutcome.CHANGED and step in wanted}
    assert unchanged - {FILE_OR_FOLDER} == set()


@each_case
def test_clean_station_is_left_alone(name: str, level: Level):
    """Signed out already: every step is clean, and nothing is touched."""
    found = outcomes(signed_in_station(level).second, RECIPES[name])
    assert found
    assert {step: outcome for step, outcome in found.items() if outcome is not StepOutcome.CLEAN} == {}


@each_case
def test_launcher_that_is_not_installed(name: str, level: Level):
    """Nothing fails and nothing is changed; a place that the registry does not know is a reason to skip."""
    report, _ = empty_station(level)
    found = outcomes(report, RECIPES[name])
    assert found
    odd = {step: outcome for step, outcome in found.items() if outcome is not StepOutcome.CLEAN}
    if name == "steam":
        # Values to set, in a key that is not there and is not made.
        assert odd.pop("steam.auto_login") is odd.pop("steam.remember") is StepOutcome.SKIPPED
    places = {f"{{{place.name}}}" for place in RECIPES[name].places}
    skippable = {
        f"{name}.{step.name}"
        for step in selected(RECIPES[name], level)
        if getattr(step, "path", "").partition("\\")[0] in places
    }
    assert set(odd) <= skippable
    assert set(odd.values()) <= {StepOutcome.SKIPPED}


@pytest.mark.parametrize(("shell", "language"), [("powershell", "ru"), ("cmd", "en")])
async def test_another_owner(shell: str, language: str):
    """Somebody with a Cyrillic name sits at the console, SSH comes in as another: his things are wiped, in either shell and language."""
    async with linked("other_console_user", shell=shell, language=language) as (station, link):
        report = await prepare(link, guard(station), await planned(link, level=Level.FULL))
        assert (report.fault, failed(report)) == ("", {})
        desk = Desk(station.machine)
        assert {name: left for name in PLANTED if (left := left_of(name, desk, deep=True))} == {}
        assert station.machine.damaged(deep=True) == []
        assert station.machine.still_running() == []


async def test_sign_in_that_came_up_since_the_look():
    """What the look before the session did not see, under Chinese names too, is seen by the read-back, wiped and told."""
    async with linked() as (station, link):
        plan = await planned(link, level=Level.MIN)
        late = replace(plan, found=replace(plan.found, registry={}))
        report = await prepare(link, guard(station), late)
        desk = Desk(station.machine)
        assert (report.fault, failed(report)) == ("", {})
        assert {name: left for name in PLANTED if (left := left_of(name, desk))} == {}
        found = outcomes(report, RECIPES["hoyoverse"])
        assert found["hoyoverse.genshin_china"] is found["hoyoverse.star_rail_china_last"] is StepOutcome.CHANGED


@pytest.mark.parametrize("level", list(Level))
def test_whole_station(level: Level):
    """Nothing failed at all, everybody is signed out, nobody else's program or file was hurt, in three commands."""
    played = signed_in_station(level)
    assert (played.first.fault, failed(played.first)) == ("", {})
    assert (played.second.fault, failed(played.second)) == ("", {})
    assert played.first.prepared
    assert played.first.commands == 3
    assert {name: left for name, left in played.left.items() if left} == {}
    assert played.damaged == []
    assert played.running == {""}
    assert {"vgc", "FACEITService", "AnyDesk", "RustDesk"} <= played.services


@pytest.mark.parametrize("level", list(Level))
def test_nothing_is_created_where_nothing_is_installed(level: Level):
    """On a station without launchers a preparation leaves our own files and marker, nothing else."""
    report, created = empty_station(level)
    assert (report.fault, failed(report)) == ("", {})
    assert [path for path in created if "drova_gate" not in path] == []
