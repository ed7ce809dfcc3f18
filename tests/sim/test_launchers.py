"""The simulated owner's sign-ins: each piece counts by itself, and what is to be kept is watched."""

import pytest

from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.windows.launchers import LAUNCHERS, left_of, started
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.windows.saved import Entry, File, Item, Junction, Partly, expand, user_key
from drova_gate.sim.windows.services import RUNNING


def built(**plan) -> Machine:
    return Machine(StationPlan(costs=Costs(0, 0, 0, 0), **plan), [])


class Owner:
    """The machine as its owner's programs see it."""

    def __init__(self, machine: Machine) -> None:
        machine.processes.clear()
        self.machine = machine

    def content(self, path):
        full, files = expand(path, self.machine.owner), self.machine.files
        return files.read(full) if files.exists(full) and not files.is_dir(full) else None

    def value(self, key, name):
        return self.machine.registry.get(user_key(key, self.machine.owner), name)

    def take(self, item: Item) -> None:
        """Delete it as a clumsy sign-out would."""
        if isinstance(item, Entry):
            self.machine.registry.delete_value(user_key(item.key, self.machine.owner), item.name)
            return
        path = rf"{item.target}\{item.file}" if isinstance(item, Junction) else expand(item.path, self.machine.owner)
        self.machine.files.set_attributes(path, set())
        self.machine.files.delete(path)


@pytest.mark.parametrize("name", sorted(LAUNCHERS))
def test_each_piece_of_a_sign_in_counts(name: str):
    """Signed in until the last piece of it is gone, and nothing but the launcher's own things was hurt by that."""
    owner = Owner(built())
    saved = LAUNCHERS[name]
    assert saved.gone
    assert left_of(name, owner) == saved.gone
    for item in saved.gone:
        assert name in owner.machine.signed_in()
        owner.take(item)
    assert owner.machine.signed_in() == set(LAUNCHERS) - {name}
    partly = {item.path for item in (*saved.kept, *saved.kept_min) if isinstance(item, Partly)}
    hurt = [line for line in owner.machine.damaged() if "was killed" not in line]
    assert len(hurt) == len(partly & {item.path for item in saved.gone if isinstance(item, Partly)})


@pytest.mark.parametrize("name", sorted(name for name, saved in LAUNCHERS.items() if saved.kept or saved.kept_min))
def test_each_kept_thing_is_watched(name: str):
    """Whatever is lost of installed games, saves and settings is named; what a thorough sign-out may take, only without one."""
    owner = Owner(built())
    saved = LAUNCHERS[name]
    for count, item in enumerate((*saved.kept, *saved.kept_min), 1):
        owner.take(item)
        assert sum(line.startswith(f"{name}: ") for line in owner.machine.damaged()) == count
    assert sum(line.startswith(f"{name}: ") for line in owner.machine.damaged(deep=True)) == len(saved.kept)


def test_changed_file_is_damage():
    """A kept file with other content, a value with other data, a settings file that lost its rest: all told."""
    owner = Owner(built())
    machine = owner.machine
    machine.files.write(r"C:\ProgramData\Epic\UnrealEngineLauncher\LauncherInstalled.dat", b"{}")
    machine.registry.set(
        user_key(r"HKCU\Software\RAGE-MP", machine.owner),
        "game_v_path",
        Entry("", "", "elsewhere").typed,
    )
    settings = LAUNCHERS["bsg"].gone[0]
    machine.files.write(expand(settings.path, machine.owner), b"{}")
    told = [line for line in machine.damaged() if "was killed" not in line]
    assert [line.partition(":")[0] for line in told] == ["epic", "bsg", "gta5rp"]


def test_secrets_in_an_edited_file_are_looked_for():
    """Of a file that stays, each secret by itself counts; the rest of it signs nobody in."""
    settings = LAUNCHERS["vkplay"].gone[0]
    assert isinstance(settings, Partly)
    owner = Owner(built())
    path = expand(settings.path, owner.machine.owner)
    for secret in settings.secrets:
        owner.machine.files.write(path, ("\ufeff[Main]\r\n" + secret + "=1\r\n").encode("utf-16-le"))
        assert "vkplay" in owner.machine.signed_in()
    owner.machine.files.write(path, "".join(settings.keeps).encode("utf-16-le"))
    assert "vkplay" not in owner.machine.signed_in()
    assert not [line for line in owner.machine.damaged() if line.startswith("vkplay")]


def test_launchers_run_and_hold_their_files():
    """At least one process for each launcher, held files are there, services run; strangers with the same names run too."""
    machine = built()
    assert machine.damaged() == []
    there = {process.path for process in machine.processes}
    programs = started(machine.owner)
    assert {program.launcher for program in programs if program.path in there} > set(LAUNCHERS)
    assert len(machine.still_running()) == sum(1 for program in programs if program.launcher)
    for program in programs:
        assert all(machine.files.exists(held) for held in program.holds)
        assert not program.child_of or any(other.image == program.child_of for other in programs)
    assert {
        service.state for name in ("Parsec", "EABackgroundService", "vgc") if (service := machine.services.get(name))
    } == {RUNNING}
    stranger = next(process for process in machine.processes if process.path == r"D:\Games\Own Game\Launcher.exe")
    machine.processes.kill(stranger.pid)
    assert machine.damaged() == [r"owner: D:\Games\Own Game\Launcher.exe was killed"]


def test_one_drive_and_another_owner():
    """Without a second drive nothing is missed; the owner's things lie in the profile and hive of whoever sits there."""
    machine = built(drives={"C": 9.0}, faults=frozenset({"other_console_user"}))
    assert machine.damaged() == []
    assert machine.signed_in() == set(LAUNCHERS)
    assert machine.files.exists(machine.owner.local + r"\Steam\local.vdf")
    assert not machine.files.exists(machine.ssh_user.local + r"\Steam\local.vdf")


def test_every_file_is_laid_out_once():
    """No two launchers plant the same path: each would be judged by the other's content."""
    owners = [
        (name, item.path.casefold())
        for name, saved in LAUNCHERS.items()
        for item in saved.items()
        if isinstance(item, File | Partly)
    ]
    assert len({path for _, path in owners}) == len(owners)
