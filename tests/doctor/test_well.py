"""A station that is as it should be: every check says so, quickly, and nothing is changed."""

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest
from doctor_world import world
from simulated import QUICK, settings_of

from drova_gate.config import Mode, read_config
from drova_gate.doctor.checks import CHECKS, CODES
from drova_gate.doctor.rounds import PLANNED, WELL, Telling, examine_all
from drova_gate.doctor.verdict import Outcome
from drova_gate.sim.cloud import Cloud
from drova_gate.sim.station import Costs, Station, StationPlan
from drova_gate.sim.windows.machine import Machine

ALWAYS_SKIPPED = {"wake"}
"""Without DROVA_WOL_MAC."""
DOUBTFUL = {"launchers"}
"""A simulated station has every launcher, unverified recipes' too."""
SECOND = (("6f0c2a9e-6a1d-4f57-9f5e-2d3b8c1a7e41", "token-2", "a1b2c3d4-1111-4222-8333-444455556666"),)


def snapshot(machine: Machine) -> dict[str, object]:
    """Everything that there is on a station, memory included."""
    return {
        "files": {letter: dict(volume.now.nodes) for letter, volume in sorted(machine.files._volumes.items())},
        "registry": deepcopy(machine.registry._root),
        "services": dict(machine.services._table),
        "firewall": deepcopy(machine.firewall._now),
        "tasks": dict(machine.tasks._table),
        "processes": list(machine.processes),
        "shadow": (set(machine.shadow.active), set(machine.shadow.at_boot)),
        "boots": machine.boot_count,
    }


def files_of(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize(("language", "shell"), [("ru", "cmd"), ("en", "powershell")])
async def test_a_good_station_is_found_good_and_left_as_it_is(language: str, shell: str, tmp_path: Path):
    """Each check is ok in both languages and shells; files, registry, services, tasks, firewall and processes stay byte for byte."""
    async with world(tmp_path, language=language, shell=shell) as here:
        before, held = snapshot(here.machine), files_of(tmp_path)

        checks = await here.examine()

        assert {code: check.verdict.found for code, check in checks.items() if check.outcome is Outcome.FAIL} == {}
        assert {code for code, check in checks.items() if check.outcome is Outcome.WARN} == DOUBTFUL
        assert {code for code, check in checks.items() if check.outcome is Outcome.SKIP} == ALWAYS_SKIPPED
        assert snapshot(here.machine) == before
        asked = [entry for entry in here.station.journal if entry.kind != "login"]
        assert [(entry.kind, entry.subject) for entry in asked] == [("shadow", "CmdTool /pwd:*** /list")]
        assert here.cloud.refused == []
        assert {request.method for request in here.cloud.requests} == {"GET"}
        assert files_of(tmp_path) == held
    assert tuple(checks) == CODES


async def test_no_secret_is_told(tmp_path: Path):
    """Neither the settings' passwords nor the one that Windows keeps for autologon, nor a token."""
    lines: list[str] = []
    async with world(tmp_path) as here:
        config = read_config(Mode.VALIDATE, here.settings)
        assert await examine_all(config, here.state_dir, Telling(lines.extend, fix_plan=True)) == PLANNED
        assert await examine_all(config, here.state_dir, Telling(lines.extend, as_json=True)) == WELL
        secrets = (here.station.plan.password, here.station.plan.shadow_password, here.station.plan.registrations[0][1])
    text = "\n".join(lines)
    assert [secret for secret in secrets if secret in text] == []
    assert "pc1: LISTEN" in text


async def test_it_asks_few_questions_and_asks_them_side_by_side(tmp_path: Path):
    """What makes it quick on a station that takes 0.1 s for a command (benchmarks/doctor.py measures it)."""
    at_once: list[int] = []
    async with world(tmp_path, costs=Costs(command=0.02, process=0.0)) as here:
        here.station.watch(
            lambda kind, _: at_once.append(len(here.station._ssh.running)) if kind == "command" else None
        )
        await here.examine()
        commands = len(here.station.commands)
    assert commands <= 20
    assert max(at_once) >= 5


async def test_many_stations_are_checked_side_by_side(tmp_path: Path):
    """A good one and one that is off: each told whole under its own name, in the settings' order, and the exit code is 1."""
    one, two = StationPlan(name="one", costs=QUICK), StationPlan(name="two", costs=QUICK, registrations=SECOND)
    async with Cloud() as cloud, Station(one) as first_pc, Station(two) as second_pc:
        tables = []
        for pc in (first_pc, second_pc):
            server, token, owner = pc.plan.registrations[0]
            cloud.add_server(server, pc.plan.name, owner, token=token)
            rows = "".join(f'{name} = "{value}"\n' for name, value in settings_of(pc, cloud).items())
            tables.append(f'[[station]]\nname = "{pc.plan.name}"\n{rows}')
        await second_pc.power_off()
        file = tmp_path / "stations.toml"
        file.write_text("\n".join(tables), encoding="utf-8")
        config = read_config(Mode.VALIDATE, {"DROVA_CONFIG": str(file)})
        lines, told = list[str](), list[str]()

        code = await examine_all(config, tmp_path / "state", Telling(lines.extend, as_json=True))
        await examine_all(config, tmp_path / "state", Telling(told.extend))

    assert code == 1
    first, second = (json.loads(line) for line in lines)
    assert (first["station"], first["failed"]) == ("one", 0)
    assert second["station"] == "two"
    assert {check["code"] for check in second["checks"] if check["outcome"] == "FAIL"} == {"tcp", "agent_port"}
    assert {check["found"] for check in second["checks"] if check["outcome"] == "skip"} == {"needs tcp"}
    heads = [at for at, line in enumerate(told) if line.startswith("station ")]
    assert [told[at].split()[1] for at in heads] == ["one", "two"]
    assert len([line for line in told[heads[1] :] if "needs tcp" in line]) <= 3, "what was skipped stands together"


async def test_the_json_has_a_stable_form(tmp_path: Path):
    """Fields, their order, and the codes in order."""
    lines: list[str] = []
    async with world(tmp_path) as here:
        await here.station.power_off()
        config = read_config(Mode.VALIDATE, here.settings)
        await examine_all(config, here.state_dir, Telling(lines.extend, as_json=True))
    (told,) = (json.loads(line) for line in lines)
    assert list(told) == ["schema", "station", "host", "failed", "warned", "seconds", "checks"]
    assert told["schema"] == 1
    fields = ["code", "subject", "outcome", "found", "hint", "cures", "link", "seconds"]
    assert all(list(check) == fields for check in told["checks"])
    assert [check["code"] for check in told["checks"]] == list(CODES)
    assert {check["outcome"] for check in told["checks"]} <= {"ok", "warn", "FAIL", "skip"}
    assert {cure["where"] for check in told["checks"] for cure in check["cures"]} <= {
        "station",
        "router",
        "settings",
        "by hand",
    }


def test_codes_are_plain_words_and_their_needs_are_checks():
    """A code is for ever; what a check rests on exists, and nothing rests on itself."""
    assert len(set(CODES)) == len(CODES)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in CODES)
    needs = {spec.code: spec.needs for spec in CHECKS}
    assert {need for each in needs.values() for need in each} <= set(CODES)
    done: set[str] = set()
    while left := [code for code in CODES if code not in done]:
        ready = {code for code in left if set(needs[code]) <= done}
        assert ready, f"in a circle: {left}"
        done |= ready
