"""What is to be done so that this machine starts the gate by itself: a list of steps to be shown, agreed to and carried out."""

import grp
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from drova_gate.errors import CallOwner, SomethingMissing
from drova_gate.files import write_whole
from drova_gate.onboard.machine import Machine, Starter
from drova_gate.onboard.station_file import GROUP

__all__ = ["Command", "File", "ServicePlan", "carry_out", "is_running", "plan_service"]

SECONDS = 120.0
"""For one command: systemd gives a start 90 s."""
STATE = Path("/var/lib/drova_gate")
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""What ``ProtectHome=`` hides from the service."""
OWN_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - nothing is written there
"""Of which ``PrivateTmp=`` gives it empty ones."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to be written."""

    path: Path
    text: str
    mode: int

    def __str__(self) -> str:
        return f"new file {self.path}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command to be run."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """The steps, and what is said about them."""

    steps: tuple[File | Command, ...]
    look: str
    """How to see it run."""


def is_running(machine: Machine, settings: Path, mode: str = "") -> bool:
    """Whether the gate runs as a service now."""
    questions = {
        Starter.SYSTEMD: ("systemctl", "is-active", "--quiet", _unit(settings, mode)),
        Starter.OPENWRT: (str(machine.root / "etc/init.d/drova_gate"), "running"),
        Starter.ENTWARE: (str(machine.root / "opt/etc/init.d/S99drova_gate"), "status"),
    }
    return machine.starter in questions and not _run(Command(questions[machine.starter]))


def plan_service(
    machine: Machine, settings: Path, program: Path, mode: str = "", *, running: bool = False
) -> ServicePlan:
    """Plan it. ``mode``: empty for all stations of a file, else ``socket`` or ``poll`` for the one of an ``.env``.

    One that runs reads its stations anew, and players who are in stay in. ``CallOwner`` where it cannot be done.
    """
    match machine.starter:
        case Starter.SYSTEMD:
            return _systemd(machine, settings, program, mode, running=running)
        case Starter.OPENWRT | Starter.ENTWARE if mode or settings.parent != machine.settings_dir:
            raise CallOwner(
                str(settings),
                f"the init script for {machine.starter} reads {machine.settings_dir}/stations.toml alone",
                "leave --single and --dir away, or change the script by hand (packaging/README.md)",
            )
        case Starter.OPENWRT:
            script = _script(machine.root / "etc/init.d/drova_gate", "drova_gate.init", "packaging/openwrt", program)
            words = ["enable", "reload" if running else "start"]
            return ServicePlan((script, *_calls(script.path, *words)), "logread -fe drova_gate")
        case Starter.ENTWARE:
            script = _script(
                machine.root / "opt/etc/init.d/S99drova_gate", "S99drova_gate", "packaging/entware", program
            )
            words = ["reload" if running else "start"]
            return ServicePlan((script, *_calls(script.path, *words)), f"{script.path} status")
        case _:
            raise CallOwner(
                "service",
                "nothing that starts services was recognised here (no systemd, OpenWrt, Entware)",
                f"let your own supervisor run: ENV_LOCATION={settings} {program} {mode}"
                if mode
                else f"let your own supervisor run: DROVA_CONFIG={settings} {program} run",
            )


def _calls(script: Path, *words: str) -> tuple[Command, ...]:
    return tuple(Command((str(script), word)) for word in words)


def _script(target: Path, name: str, folder: str, program: Path) -> File:
    lines = _shipped(name, folder).splitlines()
    usual = "/opt/drova_gate/bin/drova_gate"
    return File(target, "\n".join(line.replace(usual, str(program)) for line in lines) + "\n", 0o755)


def _shipped(name: str, folder: str) -> str:
    """A file that came with the program: installed beside it, or of the clone that it runs from."""
    package = Path(__file__).parents[2]
    places = (
        Path(sys.prefix) / "share/drova_gate" / name,
        package / "share/drova_gate" / name,
        package / folder / name,
    )
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise SomethingMissing(
        "service", f"{name} did not come with this installation", f"copy it from {folder} of the source"
    )


# -- systemd ---------------------------------------------------------------------------------------------------------


def _unit(settings: Path, mode: str) -> str:
    return f"drova_{mode}@{settings.stem}.service" if mode else "drova_gate.service"


def _systemd(machine: Machine, settings: Path, program: Path, mode: str, *, running: bool) -> ServicePlan:
    unit = _unit(settings, mode)
    file = f"drova_{mode}@.service" if mode else unit
    here = Path("/", settings.relative_to(machine.root)) if settings.is_relative_to(machine.root) else settings
    if _lies_in(here, HOMES + OWN_TEMPORARY):
        raise CallOwner(
            str(settings),
            "lies where the service is kept from (home directories, /tmp)",
            f"set it up again with another --dir, or without it: in {machine.settings_dir}",
        )
    steps: list[File | Command] = []
    own = machine.root / "etc/systemd/system"
    if not any(
        (machine.root / place / file).is_file()
        for place in ("etc/systemd/system", "lib/systemd/system", "usr/lib/systemd/system")
    ):
        if _lies_in(program, HOMES):
            raise CallOwner(
                "service",
                f"{program} lies in a home directory, which the service is kept from",
                "install it with: python3.11 -m venv /opt/drova_gate && /opt/drova_gate/bin/pip install .",
            )
        text = _shipped(file, "systemd").replace("/opt/drova_gate/bin", str(program.parent))
        steps.append(File(own / file, text, 0o644))
    steps += _account(settings)
    if settings.parent != machine.settings_dir:
        # What is empty takes back what the unit says: its condition and its file at the usual place, which is not there.
        path = str(settings).replace("%", "%%")
        told = f"EnvironmentFile=\nEnvironmentFile={path}" if mode else f'Environment="DROVA_CONFIG={path}"'
        text = f"[Unit]\nConditionPathExists=\n\n[Service]\n{told}\n"
        steps.append(File(own / f"{unit}.d" / "stations.conf", text, 0o644))
    steps.append(Command(("systemctl", "daemon-reload")))
    steps.append(Command(("systemctl", "enable", "--now", unit)))
    if running and not mode:
        steps.append(Command(("systemctl", "reload", unit)))
    return ServicePlan(tuple(steps), f"journalctl -fu {unit}")


def _lies_in(file: Path, folders: Iterable[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


def _account(settings: Path) -> list[File | Command]:
    steps: list[File | Command] = []
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        new = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(STATE))
        steps.append(Command((*new, "--shell", "/usr/sbin/nologin", GROUP)))
    steps.append(Command(("chown", f"root:{GROUP}", str(settings))))
    steps.append(Command(("chmod", "0640", str(settings))))
    if not _is_open(settings.parent):
        steps.append(Command(("chown", f"root:{GROUP}", str(settings.parent))))
        steps.append(Command(("chmod", "0750", str(settings.parent))))
    if STATE.is_dir():
        steps.append(Command(("chown", "-R", f"{GROUP}:{GROUP}", str(STATE))))
    return steps


def _is_open(folder: Path) -> bool:
    """Whether the service gets through as it is: ``--dir /mnt/data`` may name a folder of many, and that one stays as it is."""
    return folder.is_dir() and folder.stat().st_mode & 0o005 == 0o005


# -- carrying it out -------------------------------------------------------------------------------------------------


def carry_out(steps: Iterable[File | Command], tell: Callable[[str], None]) -> None:
    """Do one after the other; the first that fails is told, with what is left to be done by hand."""
    waiting = list(steps)
    while waiting:
        step = waiting[0]
        fault = _write(step) if isinstance(step, File) else _run(step)
        if fault:
            left = "; ".join(str(one) for one in waiting)
            raise CallOwner("service", f"{step}: {fault}", f"do what is left by hand: {left}")
        tell(f"  done: {step}")
        del waiting[0]


def _write(file: File) -> str:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: half a unit would be taken for the package's own the next time, and kept.
        write_whole(file.path, file.text.encode())
        file.path.chmod(file.mode)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _run(command: Command) -> str:
    try:
        done = subprocess.run(
            command.words, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}") if done.returncode else ""
