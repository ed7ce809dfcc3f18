"""The systemd units: valid, hardened, alike."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parent.parent / "systemd").glob("*.service"))
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy whose program exists here."""
    copy = tmp_path / request.param.name
    copy.write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", request.param.read_text(encoding="utf-8"), flags=re.MULTILINE),
        encoding="utf-8",
    )
    return copy


@needs_systemd
def test_systemd_accepts_the_unit(unit: Path):
    """``systemd-analyze verify`` finds nothing to say."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False, timeout=30
    )

    said = [line for line in (done.stdout + done.stderr).splitlines() if unit.name.split("@")[0] in line]
    assert said == []
    assert done.returncode == 0, done.stderr


@needs_systemd
def test_exposure_is_at_most_two(unit: Path):
    """``systemd-analyze security`` rates the unit 2.0 or better."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    rated = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout + done.stderr)
    assert rated is not None, done.stdout + done.stderr
    assert float(rated[1]) <= 2.0
    assert done.returncode == 0


def test_the_units_start_programs_that_the_package_installs():
    """F11: a misspelt program in the unit never starts."""
    scripts = re.findall(
        r"^(drova_\w+) = ", (UNITS[0].parent.parent / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    for file in UNITS:
        (program,) = re.findall(r"^ExecStart=(\S+)(?: run)?$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert Path(program).name in scripts
        assert Path(program).name == file.stem.split("@")[0]


def test_the_units_differ_in_nothing_but_program_and_description():
    """Hardening of one unit is hardening of all, and so is their account; the one for all stations has files of its own besides."""
    own = r"(Description|ExecStart|ExecReload|Environment|EnvironmentFile|(State|Runtime)Directory(Mode)?)"
    bodies = {re.sub(rf"^({own}=|#).*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE) for file in UNITS}

    assert [file.name for file in UNITS] == ["drova_gate.service", "drova_poll@.service", "drova_socket@.service"]
    assert len(bodies) == 1


def test_the_unit_for_all_stations_reloads_by_the_signal_that_the_program_takes():
    """``systemctl reload`` works with every systemd that knows Type=notify."""
    text = (UNITS[0].parent / "drova_gate.service").read_text(encoding="utf-8")

    assert "ExecReload=/bin/kill -HUP $MAINPID" in text
    assert "Type=notify\n" in text
    assert "User=drova_gate\n" in text


def test_exit_zero_and_faults_restart_but_wrong_settings_do_not():
    """F3: a daemon that ends is started again whatever its exit code, except for wrong settings."""
    text = UNITS[0].read_text(encoding="utf-8")

    assert "Restart=always" in text
    assert "RestartPreventExitStatus=78" in text
    assert "WatchdogSec=" in text
    assert "network-online.target" not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE)


def test_an_instance_gets_into_the_folder_of_the_service_for_all(unit: Path):
    """``/var/lib/drova_gate`` is 0700: instances with ``DynamicUser=`` below it never started where the package or that service had been."""
    text = unit.read_text(encoding="utf-8")

    assert "User=drova_gate\nGroup=drova_gate\nStateDirectory=drova_gate" in text
    assert "DynamicUser=yes\n" not in text
