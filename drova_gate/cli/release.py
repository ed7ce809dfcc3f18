"""``drova_gate release``: lift a quarantine by hand."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drova_gate.cli.speech import complain, say
from drova_gate.cli.status import gathered
from drova_gate.host.marks import marker_file
from drova_gate.state import StateFile

__all__ = ["add"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "lift the quarantine of a station by hand, and say what is still wrong with it"
    command = commands.add_parser("release", help=text, description=text, epilog="Example: drova_gate release pc1")
    command.add_argument("station", metavar="STATION")
    command.add_argument(
        "--env", type=Path, help="read DROVA_STATE_DIR from this settings file (instead of ENV_LOCATION)"
    )
    command.set_defaults(command=_release)


def _release(options: argparse.Namespace) -> int:
    status, faults = gathered(options.env, options.station)
    found = next(iter(status["stations"]), None)
    if found is None:
        for line in faults:
            complain(line)
        return 1
    name = found["name"]
    if found["phase"] != "quarantined" and not found["hidden_by_us"]:
        say(f"{name}: is not quarantined ({found['phase']}: {found['reason']}); nothing to release")
        return 0
    if found["phase"] != "quarantined" and (bare := found["protection"].get("bared")):
        say(
            f"{name}: is not quarantined yet ({found['phase']}: {found['reason']}); release it after its reset, when you have gone through {bare}"
        )
        return 0
    order = StateFile(Path(found["state_dir"]) / "state.json")
    try:
        order.ask_release()
    except OSError as error:
        complain(f"{name}: the order cannot be left in {order.path.parent} ({error.strerror}); use sudo")
        return 1
    held = "the quarantine is lifted" if found["phase"] == "quarantined" else "what is held against it is forgotten"
    say(f"{name}: {held} at the next look; it was: {found['reason']}")
    for line in _still_wrong(found):
        say(f"  still wrong: {line}")
    say(f"  watch it: drova_gate status --watch {name}")
    return 0


def _still_wrong(station: Mapping[str, Any]) -> list[str]:
    """What the facts say against a release; the owner decides, but not without having read it."""
    protection = station["protection"]
    wrong = [f"{what}: {fault}" for what, fault in station["faults"].items() if fault]
    if protection["marker"] is None:
        wrong.append("the station does not answer: whether it was rolled back is not known")
    elif protection["marker"]:
        wrong.append("it carries the marker of its last session: it was not rolled back")
    elif marked := protection.get("marked"):
        files = ", ".join(marker_file(one) for one in marked)
        wrong.append(f"{files} is still there: delete it, or the next session ends in quarantine again")
    if protection["shadowed"]:
        wrong.append(f"still in Shadow Mode: {', '.join(protection['shadowed'])}")
    if protection["fault"]:
        wrong.append(protection["fault"])
    return list(dict.fromkeys(wrong)) or ["nothing that can be seen from the gate"]
