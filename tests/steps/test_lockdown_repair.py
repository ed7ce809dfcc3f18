"""The plan of a repair against a registry of its own: whatever was switched on goes, whatever was there before stays."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from step_targets import DATA, target

from drova_gate.host.commands import sections
from drova_gate.steps.compile_lockdown import lockdown_registry
from drova_gate.steps.lockdown import load_switches
from drova_gate.steps.lockdown_switches import Lockdown
from drova_gate.steps.payload import ExpectedRegistry
from drova_gate.steps.registry_file import KeyGone, ValueGone, ValueSet
from drova_gate.steps.repair_plan import RepairPlan, Verb, plan_repair

OURS = load_switches(DATA / "lockdown.toml")
PROOF = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
EXPLORER = rf"{target().user_hive}\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
LIST = rf"{EXPLORER}\DisallowRun"
Registry = dict[tuple[str, str], tuple[str, str | int]]

switched = st.sets(st.sampled_from([switch.name for switch in OURS])).map(
    lambda on: Lockdown.of(replace(switch, enabled=switch.name in on) for switch in OURS)
)
owners: st.SearchStrategy[Registry] = st.dictionaries(
    st.tuples(st.sampled_from([EXPLORER, PROOF]), st.sampled_from(["NoInternetIcon", "NoThemesTab", "Club"])),
    st.one_of(st.tuples(st.just("REG_DWORD"), st.integers(0, 9)), st.tuples(st.just("REG_SZ"), st.just("a  b"))),
    max_size=3,
)


def play(registry: Registry, steps: tuple[ExpectedRegistry, ...]) -> Registry:
    """A registry after these edits."""
    after = dict(registry)
    for edit in (edit for each in steps for edit in each.edits):
        match edit:
            case ValueSet(key=key, name=name, kind=kind, data=data):
                after[key, name] = (kind, data)
            case ValueGone(key=key, name=name):
                after.pop((key, name), None)
            case KeyGone(key=gone):
                after = {(key, name): value for (key, name), value in after.items() if key != gone}
    return after


def answer(registry: Registry, rest: str = "@@ task failed") -> str:
    """What the station would print for it."""
    lines = list[str]()
    for key in dict.fromkeys(key for key, _ in registry):
        lines += ["", key]
        for (of, name), (kind, data) in registry.items():
            if of == key:
                lines.append(f"    {name}    {kind}    {f'0x{data:x}' if isinstance(data, int) else data}")
    proof = ["@@ begin proof", PROOF, "    CurrentBuildNumber    REG_SZ    22631", "@@ end proof"]
    text = [*proof, "@@ begin policies", *lines, "@@ end policies", "@@ begin task", rest, "@@ end task"]
    assert set(sections("\r\n".join(text))) == {"proof", "policies", "task"}
    return "\r\n".join(text) + "\r\n"


def planned(switches: Lockdown, registry: Registry, *, home: bool = True) -> RepairPlan:
    plan = plan_repair(switches, target(), answer(registry), markers=frozenset(), home=home)
    assert plan is not None
    return plan


@settings(max_examples=60, deadline=None)
@given(switched, switched, owners)
def test_whatever_was_on_goes_and_the_rest_stays(then: Lockdown, now: Lockdown, own: Registry):
    """Any switches at the preparation, any at the repair: the registry ends as it began, but for normal values written back."""
    locked = play(own, lockdown_registry(then.applied, target()))
    plan = planned(now, locked)
    after = play(locked, plan.undoing.registry)
    normal = {
        (target().key(policy.key), policy.value): ("REG_DWORD", policy.normal)
        for policy in then.applied.policies
        if policy.normal is not None
    }
    assert after == own | normal
    again = planned(now, after, home=False)
    assert not again.needed
    assert again.undoing.registry == ()


@settings(max_examples=40, deadline=None)
@given(switched, owners, st.integers(2, 9))
def test_other_data_is_never_touched(on: Lockdown, own: Registry, data: int):
    """Values of our names with data that no switch writes are kept, on or off, and named where the switch is on."""
    theirs = dict(own)
    for policy in OURS.policies:
        if policy.data not in (data, str(data)):
            theirs[target().key(policy.key), policy.value] = ("REG_DWORD", data)
    plan = planned(on, theirs)
    assert play(theirs, plan.undoing.registry) == theirs
    kept = {finding.name for finding in plan.findings if finding.verb is Verb.KEEP}
    wanted = {f"lockdown.{policy.name}" for policy in on.applied.policies if policy.data not in (data, str(data))}
    assert kept == wanted


@settings(max_examples=40, deadline=None)
@given(switched)
def test_without_a_trace_a_switch_that_is_off_proves_nothing(now: Lockdown):
    """Only switched-off switches match, and nothing else of ours is there: it is the owner's own choice."""
    off = Lockdown.of(replace(switch, enabled=True) for switch in now.policies if not switch.enabled)
    registry = play({}, lockdown_registry(off, target()))
    plan = planned(now, registry, home=False)
    assert not plan.needed
    assert len(plan.findings) == len(off.policies)


def test_entries_are_ours_wherever_they_stand():
    """An earlier version's order of the list counts as well; one entry of the owner keeps the list and its switch."""
    registry: Registry = {
        (EXPLORER, "DisallowRun"): ("REG_DWORD", 1),
        (LIST, "1"): ("REG_SZ", "REGEDIT.exe"),
        (LIST, "77"): ("REG_SZ", "cmd.exe"),
        (LIST, "own"): ("REG_SZ", "cmd.exe"),
        (LIST, "78"): ("REG_SZ", "minesweeper.exe"),
    }
    plan = planned(OURS, registry)
    assert play(registry, plan.undoing.registry) == {
        key: value for key, value in registry.items() if key[1] in ("DisallowRun", "own", "78")
    }
    ours = {key: value for key, value in registry.items() if key[1] in ("DisallowRun", "1", "77")}
    assert play(ours, planned(OURS, ours).undoing.registry) == {}


def test_unreadable_registry_is_no_empty_one():
    """reg.exe that prints nothing, or a script that did not come to its end, gives no plan at all."""
    for text in (
        answer({}).replace("CurrentBuildNumber", "").replace(PROOF, ""),
        answer({}).partition("@@ begin task")[0],
    ):
        assert plan_repair(OURS, target(), text, markers=frozenset(), home=True) is None


def test_task_that_was_left_is_found():
    plan = plan_repair(OURS, target(), answer({}, "@@ task ok"), markers=frozenset("C"), home=False)
    assert plan is not None
    assert [(finding.verb, finding.name) for finding in plan.findings] == [
        (Verb.REMOVE, "marker"),
        (Verb.REMOVE, "task"),
    ]
    assert (plan.undoing.task, plan.undoing.markers) == (True, frozenset("C"))
