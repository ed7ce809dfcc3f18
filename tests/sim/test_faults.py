"""The list of faults is whole and readable."""

import re

import pytest

from drova_gate.sim.faults import ACCOUNT_FAULTS, FAULTS
from drova_gate.sim.plan import AGENT_FAULTS, STATION_FAULTS


def test_every_fault_of_station_and_agent_is_listed_and_no_other():
    """What the station can play and what people can choose are the same names."""
    assert {name for name, fault in FAULTS.items() if fault.side == "station"} == STATION_FAULTS
    assert {name for name, fault in FAULTS.items() if fault.side == "agent"} == AGENT_FAULTS


@pytest.mark.parametrize("name", [*FAULTS, *ACCOUNT_FAULTS])
def test_a_fault_has_a_line_for_people(name):
    """One short line, no full stop, its own name as key; one right end, not two."""
    fault = {**FAULTS, **ACCOUNT_FAULTS}[name]

    assert fault.name == name
    assert re.fullmatch(r"[a-z0-9_]+", name)
    assert 15 <= len(fault.line) <= 90
    assert not fault.line.endswith(".")
    assert not (fault.refused and fault.quarantined)


def test_the_sides_come_in_order():
    """Station, agent, cloud, script: the order in which people meet them."""
    sides = [fault.side for fault in FAULTS.values()]

    assert sorted(sides, key=["station", "agent", "cloud", "script"].index) == sides


def test_faults_of_the_account_are_the_clouds_and_no_others():
    """They are switched where the cloud's are; the demo, which plays all of the others, does not have them."""
    assert {fault.side for fault in ACCOUNT_FAULTS.values()} == {"cloud"}
    assert ACCOUNT_FAULTS.keys().isdisjoint(FAULTS)


def test_a_player_is_never_let_in_without_shadow_mode():
    """Whatever keeps a disk from Shadow Mode ends in a refusal."""
    names = ("shadow_refuses", "shadow_partial", "shadow_password", "shadow_missing", "login_refused")

    assert all(FAULTS[name].refused for name in names)
