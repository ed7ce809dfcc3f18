"""The registry and its .reg files."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.windows import regfile
from drova_gate.sim.windows.machine import Machine
from drova_gate.sim.windows.registry import Key, KeyNotFound, Value, VolatileParent

STAMP = r"HKLM\HARDWARE\DESCRIPTION\System"
BOM = b"\xff\xfe"


def built() -> Machine:
    return Machine(StationPlan(costs=Costs(0, 0, 0, 0)), [])


def wide(text: str) -> bytes:
    return BOM + text.replace("\n", "\r\n").encode("utf-16-le")


def test_names_are_case_blind_and_keep_their_first_spelling():
    """Windows compares without case and shows what was written first."""
    registry = built().registry
    registry.set(r"HKLM\Software\DrovaGate", "Marker", Value("REG_SZ", "1"))
    registry.set(r"hkey_local_machine\SOFTWARE\drovagate", "MARKER", Value("REG_SZ", "2"))
    key = registry.key(r"HKLM\SOFTWARE\DROVAGATE")
    assert key.name == "DrovaGate"
    assert list(key.values.values()) == [("Marker", Value("REG_SZ", "2"))]


def test_hkcu_is_the_hive_of_the_ssh_user():
    r"""HKCU and HKU\<SID> are one and the same hive."""
    machine = built()
    machine.registry.set(r"HKCU\Software\x", "y", Value("REG_SZ", "z"))
    assert machine.registry.text(rf"HKU\{machine.ssh_user.sid}\Software\x", "y") == "z"


def test_memory_only_keys_take_values_but_no_lasting_subkey_and_are_gone_at_boot():
    r"""The boot stamp's promise: a value under HKLM\HARDWARE lives exactly until Windows boots anew."""
    machine = built()
    with pytest.raises(VolatileParent):
        machine.registry.create_key(rf"{STAMP}\drova_gate")
    machine.registry.set(STAMP, "drova_gate", Value("REG_SZ", "stamp"))
    assert machine.registry.text(STAMP, "drova_gate") == "stamp"
    machine.boot()
    assert machine.registry.get(STAMP, "drova_gate") is None
    assert machine.registry.text(STAMP, "Identifier") == "AT/AT COMPATIBLE"


def test_memory_only_writes_are_journalled_as_such():
    """A stamp is no write to a disk."""
    journal = []
    machine = Machine(StationPlan(costs=Costs(0, 0, 0, 0)), journal)
    machine.registry.set(STAMP, "drova_gate", Value("REG_SZ", "stamp"))
    machine.registry.set(r"HKLM\SOFTWARE\x", "y", Value("REG_SZ", "z"))
    assert [entry.kind for entry in journal] == ["volatile", "write", "write"]


def test_hives_and_roots_cannot_be_made_or_deleted():
    """Nothing can be created right under a root, and no hive deleted."""
    registry = built().registry
    with pytest.raises(KeyNotFound):
        registry.create_key(r"HKLM\NEW")
    with pytest.raises(KeyNotFound):
        registry.key(r"HKXX\SOFTWARE")
    with pytest.raises(PermissionError):
        registry.delete_key(r"HKLM\SOFTWARE")


def test_a_reg_file_is_read_in_all_its_forms():
    """Every type, both deletions, escapes, continuation lines, comments."""
    content = wide(
        'Windows Registry Editor Version 5.00\n\n; comment\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\a]\n@="d"\n'
        '"q\\"\\\\"="Игрок \\"x\\""\n"n"=dword:0000000a\n"b"=hex:01,\\\n  02\n"e"=hex(2):25,00,00,00\n'
        '"m"=hex(7):61,00,00,00,62,00,00,00,00,00\n"w"=hex(b):01,00,00,00,00,00,00,00\n"gone"=-\n'
        "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\b]\n"
    )
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\a"
    assert list(regfile.parse(content, "cp1251")) == [
        regfile.OpenKey(key),
        regfile.SetValue(key, "", Value("REG_SZ", "d")),
        regfile.SetValue(key, 'q"\\', Value("REG_SZ", 'Игрок "x"')),
        regfile.SetValue(key, "n", Value("REG_DWORD", 10)),
        regfile.SetValue(key, "b", Value("REG_BINARY", b"\x01\x02")),
        regfile.SetValue(key, "e", Value("REG_EXPAND_SZ", "%")),
        regfile.SetValue(key, "m", Value("REG_MULTI_SZ", ("a", "b"))),
        regfile.SetValue(key, "w", Value("REG_QWORD", 1)),
        regfile.DeleteValue(key, "gone"),
        regfile.DeleteKey(r"HKEY_LOCAL_MACHINE\SOFTWARE\b"),
    ]


def test_a_reg_file_without_a_byte_order_mark_is_read_as_ansi():
    """UTF-8 Cyrillic comes out spoilt, and UTF-16 without its mark is no registry file at all."""
    text = 'Windows Registry Editor Version 5.00\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\a]\r\n"n"="Игрок"\r\n'
    orders = list(regfile.parse(text.encode("utf-8"), "cp1251"))
    assert orders[1].value.data != "Игрок"
    assert list(regfile.parse(text.encode("cp1251"), "cp1251"))[1].value.data == "Игрок"
    with pytest.raises(regfile.NotARegFile):
        list(regfile.parse(text.encode("utf-16-le"), "cp1251"))


values = st.one_of(
    st.text(alphabet='ab"\\ Ж=%[]', max_size=10).map(lambda text: Value("REG_SZ", text)),
    st.integers(0, 2**32 - 1).map(lambda number: Value("REG_DWORD", number)),
    st.integers(0, 2**64 - 1).map(lambda number: Value("REG_QWORD", number)),
    st.binary(max_size=60).map(lambda raw: Value("REG_BINARY", raw)),
    st.text(alphabet="ab%Ж", max_size=40).map(lambda text: Value("REG_EXPAND_SZ", text)),
    st.lists(st.text(alphabet="abЖ", min_size=1, max_size=5), max_size=4).map(
        lambda texts: Value("REG_MULTI_SZ", tuple(texts))
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(alphabet='abc"\\= Ж', min_size=1, max_size=8), values, max_size=5))
def test_what_is_exported_reads_back_unchanged(given_values):
    """Export and import are each other's inverse."""
    key = Key("k", {name.lower(): (name, value) for name, value in given_values.items()})
    path = r"HKEY_LOCAL_MACHINE\SOFTWARE\k"
    orders = list(regfile.parse(regfile.dump(iter([(path, key)])), "cp1251"))
    assert orders == [
        regfile.OpenKey(path),
        *(regfile.SetValue(path, name, value) for name, value in key.values.values()),
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text):
    """A damaged file is passed over line by line, never an error of ours."""
    list(regfile.parse(wide("Windows Registry Editor Version 5.00\n\n[HKEY_USERS\\x]\n" + text), "cp1251"))
