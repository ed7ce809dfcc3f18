"""The init scripts for routers without systemd: their syntax, and the Entware one in action under BusyBox's shell."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
SCRIPTS = (
    "build-deb",
    "check-deb",
    "clean-root",
    "entware/S99drova_gate",
    "openwrt/drova_gate.init",
    "debian/postinst",
    "debian/prerm",
    "debian/postrm",
)
BUSYBOX = shutil.which("busybox") or ""
SHELLCHECK = shutil.which("shellcheck") or ""

STUB = """#!/bin/sh
# Stands in for the gate: notes its starts and signals, and ends as the file "code" says.
echo "start $1 $DROVA_CONFIG $DROVA_STATE_DIR" >>"$0.log"
trap 'echo reload >>"$0.log"' HUP
trap 'echo term >>"$0.log"; exit 0' TERM
echo $$ >"$0.pid"
[ -e "$0.code" ] && exit "$(cat "$0.code")"
while :; do sleep 0.05; done
"""


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.skipif(not SHELLCHECK, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(name: str):
    done = subprocess.run([SHELLCHECK, "-s", "sh", PACKAGING / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.skipif(not BUSYBOX, reason="busybox is not installed")
def test_busyboxs_shell_can_read_it(name: str):
    done = subprocess.run([BUSYBOX, "sh", "-n", PACKAGING / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class Router:
    """A folder that looks like Entware's, with a stub for the gate."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gate = root / "gate"
        self.gate.write_text(STUB)
        self.gate.chmod(0o755)
        (root / "settings").mkdir()
        (root / "settings" / "stations.toml").touch()
        # BusyBox's own sh is asked for by name: "$0 supervise" must run under it, too.
        self.script = root / "S99drova_gate"
        text = (PACKAGING / "entware" / "S99drova_gate").read_text().replace("#!/bin/sh", f"#!{BUSYBOX} sh", 1)
        self.script.write_text(text)
        self.script.chmod(0o755)
        self.environment = {
            "DROVA_PROGRAM": str(self.gate),
            "DROVA_SETTINGS": str(root / "settings"),
            "DROVA_STATE": str(root / "state"),
            "DROVA_RUN": str(root / "run"),
            "DROVA_PAUSE": "0.1",
            "DROVA_LOGGER": f"tee {root / 'syslog'}",
        }

    def __call__(self, verb: str) -> tuple[int, str]:
        done = subprocess.run(
            [self.script, verb],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout

    def log(self) -> list[str]:
        file = self.root / "gate.log"
        return file.read_text().splitlines() if file.exists() else []

    def until(self, what: Callable[[], bool]) -> None:
        ends = time.monotonic() + 10
        while not what():
            assert time.monotonic() < ends, (self.log(), (self.root / "syslog").read_text())
            time.sleep(0.02)


@pytest.fixture
def router(tmp_path: Path):
    if not BUSYBOX:
        pytest.skip("busybox is not installed")
    made = Router(tmp_path)
    yield made
    made("stop")


def test_on_entware_it_starts_once_reloads_and_stops(router: Router):
    assert router("status")[0] == 3
    assert "started" in router("start")[1]
    router.until(lambda: bool(router.log()))
    assert "runs already" in router("start")[1]
    assert router("status")[0] == 0
    assert router.log() == [f"start run {router.root}/settings/stations.toml {router.root}/state"]
    router("reload")
    router.until(lambda: router.log()[-1] == "reload")
    router("stop")
    assert router.log()[-1] == "term"
    assert router("status")[0] == 3
    assert (router.root / "state").stat().st_mode & 0o077 == 0


def test_on_entware_a_number_of_before_a_power_cut_is_no_running_gate(router: Router):
    """/opt is a disk: the file stayed, its number was another process' after the boot, and the station had no guard."""
    (router.root / "run").mkdir()
    with subprocess.Popen(["sleep", "60"]) as somebody:
        (router.root / "run" / "drova_gate.pid").write_text(f"{somebody.pid}\n")
        stood, started = router("status")[0], router("start")[1]
        somebody.kill()

    assert stood == 3
    assert "started" in started
    router.until(lambda: bool(router.log()))


def test_on_openwrt_an_account_that_is_younger_than_the_settings_gets_to_them():
    """The folder was made 0700 for root: the gate as drova_gate could read nothing in it."""
    text = (PACKAGING / "openwrt" / "drova_gate.init").read_text(encoding="utf-8")

    assert 'chgrp drova_gate "$SETTINGS" && chmod 750 "$SETTINGS"' in text


def test_on_entware_a_gate_that_died_is_started_again(router: Router):
    router("start")
    router.until(lambda: (router.root / "gate.pid").exists() and bool(router.log()))
    os.kill(int((router.root / "gate.pid").read_text()), signal.SIGKILL)
    router.until(lambda: len(router.log()) == 2)
    router.until(lambda: "ended with code 137" in (router.root / "syslog").read_text())


def test_on_entware_a_gate_that_hangs_is_ended_too(router: Router):
    """Only its supervisor was killed: the gate went on alone, and the next start put a second one beside it."""
    router.gate.write_text(STUB.replace("trap 'echo term >>\"$0.log\"; exit 0' TERM", "trap '' TERM"))
    router.environment["DROVA_GRACE"] = "1"
    router("start")
    router.until((router.root / "gate.pid").exists)
    gate = int((router.root / "gate.pid").read_text())
    router("stop")

    with pytest.raises(ProcessLookupError):
        os.kill(gate, 0)


def test_on_entware_a_log_that_nobody_takes_costs_no_gate(router: Router):
    """The supervisor ended of its first line into the broken pipe, and with it whoever would start the gate again."""
    router.environment["DROVA_LOGGER"] = "true"
    (router.root / "gate.code").write_text("1")
    router("start")
    router.until(lambda: len(router.log()) >= 3)

    assert router("status")[0] == 0


def test_on_entware_wrong_settings_are_said_and_not_tried_again(router: Router):
    (router.root / "gate.code").write_text("78")
    router("start")
    router.until(lambda: router("status")[0] == 3)
    assert len(router.log()) == 1
    assert "wrong settings" in (router.root / "syslog").read_text()


def test_on_entware_missing_settings_name_the_command_that_writes_them(router: Router):
    (router.root / "settings" / "stations.toml").unlink()
    done = subprocess.run(
        [router.script, "start"], env=router.environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "gate init" in done.stderr
