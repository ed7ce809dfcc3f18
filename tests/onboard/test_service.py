"""What a machine starts the gate with: planned by what is there, done step by step, and what fails is said with the rest."""

import ipaddress
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from drova_gate.errors import CallOwner
from drova_gate.onboard.machine import Machine, Starter, own_address_towards, own_addresses, why_not_writable
from drova_gate.onboard.service import Command, File, carry_out, is_running, plan_service

ROOT = Path(__file__).parents[2]
PROGRAM = Path("/opt/other/bin/drova_gate")


def machine(root: Path, starter: Starter) -> Machine:
    marks = {
        Starter.SYSTEMD: "run/systemd/system/x",
        Starter.OPENWRT: "etc/rc.common",
        Starter.ENTWARE: "opt/etc/init.d/rc.func",
    }
    if starter in marks:
        (root / marks[starter]).parent.mkdir(parents=True)
        (root / marks[starter]).touch()
    return Machine.look(root)


@pytest.mark.parametrize("starter", list(Starter))
def test_each_kind_of_machine_is_recognised(starter: Starter, tmp_path: Path):
    found = machine(tmp_path, starter)

    assert found.starter is starter
    assert (found.state_dir is None) is (starter in (Starter.SYSTEMD, Starter.NONE)), "where /var is in memory"
    assert not is_running(Machine(Starter.NONE), found.settings_dir)


def test_systemd_gets_the_unit_with_this_program_the_account_and_the_rights(tmp_path: Path):
    found = machine(tmp_path, Starter.SYSTEMD)
    settings = found.settings_dir / "stations.toml"
    plan = plan_service(found, settings, PROGRAM)
    (unit,) = [step for step in plan.steps if isinstance(step, File)]
    commands = [str(step) for step in plan.steps if isinstance(step, Command)]

    assert unit.path == tmp_path / "etc/systemd/system/drova_gate.service"
    assert "ExecStart=/opt/other/bin/drova_gate run\n" in unit.text
    assert unit.text.replace("/opt/other/bin", "/opt/drova_gate/bin") == (
        ROOT / "systemd/drova_gate.service"
    ).read_text(encoding="utf-8")
    assert f"chown root:drova_gate {settings}" in commands
    assert f"chown root:drova_gate {settings.parent}" in commands
    assert commands[-2:] == ["systemctl daemon-reload", "systemctl enable --now drova_gate.service"]


def test_a_unit_that_is_there_is_kept_and_a_gate_that_runs_reads_anew(tmp_path: Path):
    """The package's; players who are in stay in."""
    found = machine(tmp_path, Starter.SYSTEMD)
    (tmp_path / "lib/systemd/system").mkdir(parents=True)
    (tmp_path / "lib/systemd/system/drova_gate.service").touch()
    plan = plan_service(found, found.settings_dir / "stations.toml", PROGRAM, running=True)

    assert not [step for step in plan.steps if isinstance(step, File)]
    assert str(plan.steps[-1]) == "systemctl reload drova_gate.service"
    assert not [step for step in plan.steps if "restart" in str(step)]


def test_settings_elsewhere_are_told_to_the_unit(tmp_path: Path):
    found = machine(tmp_path, Starter.SYSTEMD)
    plan = plan_service(found, Path("/mnt/data/stations.toml"), PROGRAM)
    (drop_in,) = [step for step in plan.steps if isinstance(step, File) and step.path.name == "stations.conf"]

    assert drop_in.path.parent.name == "drova_gate.service.d"
    assert 'Environment="DROVA_CONFIG=/mnt/data/stations.toml"\n' in drop_in.text
    assert "ConditionPathExists=\n" in drop_in.text


def test_settings_of_one_station_elsewhere_take_the_place_of_the_usual_ones(tmp_path: Path):
    """Beside /etc/drova_gate/pc1.env, which is not there, they were one file too many: the instance never started."""
    found = machine(tmp_path, Starter.SYSTEMD)
    plan = plan_service(found, Path("/mnt/100% data/pc1.env"), PROGRAM, "poll")
    (drop_in,) = [step for step in plan.steps if isinstance(step, File) and step.path.name == "stations.conf"]
    files = [line for line in drop_in.text.splitlines() if line.startswith("EnvironmentFile=")]

    assert drop_in.path.parent.name == "drova_poll@pc1.service.d"
    assert files == ["EnvironmentFile=", "EnvironmentFile=/mnt/100%% data/pc1.env"]


def test_a_single_station_gets_its_own_instance(tmp_path: Path):
    found = machine(tmp_path, Starter.SYSTEMD)
    plan = plan_service(found, found.settings_dir / "pc1.env", PROGRAM, "socket")

    assert plan.steps[0].path.name == "drova_socket@.service"  # type: ignore[union-attr] # a File
    assert str(plan.steps[-1]) == "systemctl enable --now drova_socket@pc1.service"
    assert f"chown root:drova_gate {found.settings_dir / 'pc1.env'}" in map(str, plan.steps)


def test_a_folder_of_many_keeps_its_rights(tmp_path: Path):
    """``init --dir /etc --service`` closed /etc to everybody but root and the gate."""
    found = machine(tmp_path, Starter.SYSTEMD)
    many = tmp_path / "mnt" / "data"
    many.mkdir(parents=True)
    for mode, touched in ((0o755, False), (0o700, True)):
        many.chmod(mode)
        steps = map(str, plan_service(found, many / "stations.toml", PROGRAM).steps)
        assert any(one.startswith(("chown", "chmod")) and one.endswith(f" {many}") for one in steps) is touched


@pytest.mark.parametrize("folder", ["/root/gate", "/home/anna", "/tmp"])
def test_settings_that_the_service_could_not_see_are_refused(folder: str, tmp_path: Path):
    """The unit has ``ProtectHome=`` and ``PrivateTmp=``: it ended at once, with "No such file" of a file that is there."""
    found = machine(tmp_path, Starter.SYSTEMD)
    with pytest.raises(CallOwner, match=r"lies where the service is kept from .*; set it up again with another --dir"):
        plan_service(found, Path(folder, "stations.toml"), PROGRAM)


@pytest.mark.parametrize("starter", [Starter.OPENWRT, Starter.ENTWARE])
def test_routers_get_their_script_with_this_program(starter: Starter, tmp_path: Path):
    """Written, executable, still a script that BusyBox's shell reads; enabled and started by itself."""
    found = machine(tmp_path, starter)
    plan = plan_service(found, found.settings_dir / "stations.toml", PROGRAM)
    told: list[str] = []
    carry_out([step for step in plan.steps if isinstance(step, File)], told.append)
    (script,) = [step for step in plan.steps if isinstance(step, File)]

    assert os.access(script.path, os.X_OK)
    assert str(PROGRAM) in script.text
    assert "/opt/drova_gate/bin" not in script.text
    assert subprocess.run(["sh", "-n", script.path], check=False, timeout=10).returncode == 0
    assert str(plan.steps[-1]).endswith("start")
    with pytest.raises(CallOwner, match=r"reads .*stations.toml alone"):
        plan_service(found, Path("/mnt/stations.toml"), PROGRAM)


def test_where_nothing_starts_services_the_command_is_told(tmp_path: Path):
    with pytest.raises(CallOwner, match=r"DROVA_CONFIG=/x/stations\.toml /opt/other/bin/drova_gate run"):
        plan_service(machine(tmp_path, Starter.NONE), Path("/x/stations.toml"), PROGRAM)
    # An .env is no list of stations.
    with pytest.raises(CallOwner, match=r"run: ENV_LOCATION=/x/pc1\.env /opt/other/bin/drova_gate poll"):
        plan_service(Machine(Starter.NONE), Path("/x/pc1.env"), PROGRAM, "poll")


@pytest.mark.parametrize("program", ["/root/.local/bin/drova_gate", "/home/me/.venv/bin/drova_gate"])
def test_a_program_that_the_service_cannot_see_is_not_installed_for_it(program: str, tmp_path: Path):
    with pytest.raises(CallOwner, match="home directory"):
        plan_service(machine(tmp_path, Starter.SYSTEMD), tmp_path / "etc/drova_gate/x", Path(program))


def test_what_fails_is_said_with_all_that_is_left(tmp_path: Path):
    told: list[str] = []
    steps = (
        Command((sys.executable, "-c", "")),
        Command((sys.executable, "-c", "import sys; sys.exit('no such unit')")),
        File(tmp_path / "never", "", 0o644),
    )
    with pytest.raises(CallOwner, match=r"no such unit; do what is left by hand: .*; new file .*/never$"):
        carry_out(steps, told.append)

    assert len(told) == 1
    assert not (tmp_path / "never").exists()
    with pytest.raises(CallOwner, match="No such file"):
        carry_out([Command(("/no/such/program",))], told.append)


def test_half_a_unit_is_never_left(tmp_path: Path):
    """A full disk left half of it, which the next init took for a unit that is there, and kept."""
    unit = tmp_path / "system" / "drova_gate.service"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
        with pytest.raises(CallOwner, match="do what is left by hand"):
            carry_out([File(unit, "[Unit]\n" * 100, 0o644)], [].append)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list(unit.parent.iterdir()) == []
    carry_out([File(unit, "[Unit]\n", 0o644)], [].append)
    assert unit.stat().st_mode & 0o777 == 0o644


def test_addresses_of_this_machine_are_those_that_others_see():
    assert all(not ipaddress.ip_address(one).is_loopback for one in own_addresses())
    assert own_address_towards("127.0.0.1") == "127.0.0.1"
    assert own_address_towards("no-such-name.invalid") is None


def test_a_file_in_the_way_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    fault = why_not_writable(tmp_path / "file" / "below")

    assert fault is not None
    assert why_not_writable(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == [tmp_path / "file"], "nothing was made by looking"
