"""Steam's own files: what they say, in every layout, and what is said of damaged ones."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drova_gate.columns import printable
from drova_gate.sim.windows.saved_steam import APPS, LIBRARIES, LIBRARY_FOLDERS, STEAM, manifest_text
from drova_gate.steam.keyvalues import Damaged, read_tree
from drova_gate.steam.libraries import app_of, listed_libraries
from drova_gate.steam.manifest import State, read_manifest, state_words, update_words

OLD = '"LibraryFolders"\n{\n\t"TimeNextStatsReport"\t\t"1"\n\t"ContentStatsID"\t\t"-5"\n\t"1"\t\t"D:\\\\Игры"\n\t"2"\t\t"e:/games/"\n}\n'


def test_the_new_list_names_every_library_with_its_apps():
    found = listed_libraries(LIBRARY_FOLDERS.encode(), "c:/program files (x86)/steam")
    assert [one.path for one in found] == [
        STEAM.replace("Program Files (x86)\\Steam", "program files (x86)\\steam"),
        *LIBRARIES[1:],
    ]
    assert found[0].apps == {228980, 730, 570, 3527290}


def test_the_old_list_has_no_place_for_steams_own_folder():
    found = listed_libraries(OLD.encode(), STEAM)
    assert [one.path for one in found] == [STEAM, "D:\\Игры", "E:\\games"]
    assert all(one.apps is None for one in found)
    assert [one.path for one in listed_libraries(None, STEAM)] == [STEAM]


def test_a_list_of_june_2021_has_the_new_layout_without_steams_own_folder():
    text = '"libraryfolders"\n{\n\t"contentstatsid"\t\t"-574"\n\t"1"\n\t{\n\t\t"path"\t\t"D:\\\\Steam"\n\t\t"apps"\n\t\t{\n\t\t}\n\t}\n}\n'
    found = listed_libraries(text.encode(), STEAM)
    assert [(one.path, one.apps) for one in found] == [(STEAM, None), ("D:\\Steam", frozenset())]


def test_a_library_that_is_listed_twice_is_one():
    paths = ("C:\\\\Steam", "c:\\\\STEAM\\\\", "D:\\\\", "d:/")
    lines = "".join(f'\t"{number}"\t\t"{path}"\n' for number, path in enumerate(paths))
    text = f'"libraryfolders"\n{{\n{lines}}}\n'
    assert [one.path for one in listed_libraries(text.encode(), "C:\\Steam")] == ["C:\\Steam", "D:\\"]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"\0" * 4096, "nothing but zeros"),
        ("\ufeff".encode() + b'"AppState"\n{\n\t"appid"\t\t"7', r"quote that is not closed \(line 3\)"),
        (b'"AppState"\n{\n\t"appid"\t\t"730"\n', "ends too soon"),
        (b'"AppState"\n{\n}\n}\n', r"bracket too many \(line 4\)"),
        (b'"Other"\n{\n}\n', "has no 'AppState'"),
        (b'"AppState"\t\t"x"\n', "has no 'AppState'"),
        (b"\xff\xfe\x00", r"not UTF-8 text \(byte 0\)"),
        (b'"AppState"\n{\n\t"StateFlags"\t\t"4"\n}\n', "says appid None"),
        (b'"AppState"\n{\n\t"appid"\t\t"731"\n\t"StateFlags"\t\t"4"\n}\n', "named for app 730, but says appid '731'"),
        (b'"AppState"\n{\n\t"appid"\t\t"730"\n\t"StateFlags"\t\t"four"\n}\n', "says no StateFlags"),
    ],
)
def test_a_damaged_manifest_says_what_is_wrong(data: bytes, what: str):
    with pytest.raises(Damaged, match=what):
        read_manifest(data, STEAM, 730)


def test_a_library_without_a_drive_is_damage():
    for path in (b"\\\\\\\\nas\\\\games", b"games", b"D:\\\\\x1b[2J"):
        with pytest.raises(Damaged, match="without a drive") as damage:
            listed_libraries(b'"libraryfolders"\n{\n\t"1"\t\t"' + path + b'"\n}\n', STEAM)
        assert str(damage.value).isprintable()


@given(st.binary(max_size=300))
@example(b'"' + b"\n" * 200)
@example(b'"a"' * 60)
@example(b"{" * 200)
def test_no_bytes_do_harm(data: bytes):
    for root in ("AppState", "libraryfolders"):
        with suppress(Damaged):
            assert isinstance(read_tree(data, root), dict)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n'), min_size=1, max_size=40), st.integers(0, 2**32)
)
def test_any_name_and_any_flags_come_through(name: str, flags: int):
    app = read_manifest(manifest_text(APPS[1], name=name, StateFlags=flags).encode(), STEAM, 730)
    assert app.name == (printable(name).strip() or "app 730")
    assert len(app.name.splitlines()) == 1
    assert app.flags == flags
    assert app.state


def test_a_manifest_says_what_an_owner_asks():
    rust = next(app for app in APPS if app.name == "Rust")
    app = read_manifest(manifest_text(rust).encode(), "D:\\x", rust.app_id)
    assert (app.state, app.ready, app.busy) == ("update required, fully installed, update started", False, False)
    assert (app.to_download, app.downloaded, app.size) == (2_000_000_000, 700_000_000, 31_000_000_000)
    assert app.updated_at is not None
    assert app.updated_at > datetime(2025, 11, 1, tzinfo=UTC)
    peak = next(app for app in APPS if "beta" in app.name)
    assert read_manifest(manifest_text(peak).encode(), STEAM, peak.app_id).name == 'PEAK "beta"'


@pytest.mark.parametrize(
    ("flags", "words", "ready"),
    [
        (4, "fully installed", True),
        (4 | State.APP_RUNNING, "fully installed, app running", True),
        (4 | State.UPDATE_QUEUED, "fully installed, update queued", True),
        (6, "update required, fully installed", False),
        (1026, "update required, update started", False),
        (4 | State.VALIDATING, "fully installed, validating", False),
        (4 | 1 << 30, "fully installed, 0x40000000", False),
        (0, "not installed", False),
    ],
)
def test_state_flags_in_words(flags: int, words: str, ready: bool):
    assert state_words(flags) == words
    assert read_manifest(manifest_text(APPS[1], StateFlags=flags).encode(), STEAM, 730).ready is ready


def test_update_behaviour_in_words():
    assert [update_words(one) for one in (0, 1, 2, 7, None)] == ["always", "at launch", "first of all", "7", ""]


def test_only_manifests_are_manifests():
    assert app_of("appmanifest_730.acf") == 730
    assert app_of("AppManifest_730.ACF") == 730
    for name in ("appmanifest_730.acf.tmp", "appmanifest_x.acf", "workshop", "appmanifest_12345678901.acf"):
        assert app_of(name) is None
