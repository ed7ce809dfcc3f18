"""Who sits at the console, which registration counts, which volumes are fixed: from text alone."""

import pytest

from drova_gate.errors import AnswerNotUnderstood, RegistrationMissing
from drova_gate.host.identity import choose_console, find_registrations
from drova_gate.host.parse import registry_keys
from drova_gate.host.volumes import find_fixed_volumes

GATE, PLAYER = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
LOGIN = r"C:\Users\gate"


def signed_in(*people):
    """``reg query ... /s`` of (sid, user, session, session name)."""
    text = ""
    for sid, user, session, name in people:
        key = rf"HKEY_USERS\{sid}\Volatile Environment"
        text += (
            f"\r\n{key}\r\n    USERNAME    REG_SZ    {user}\r\n    USERDOMAIN    REG_SZ    PC\r\n"
            f"    USERPROFILE    REG_SZ    C:\\Users\\{user}\r\n    APPDATA    REG_SZ    C:\\Users\\{user}\\AppData\\Roaming\r\n"
            f"\r\n{key}\\{session}\r\n    SESSIONNAME    REG_SZ    {name}\r\n"
        )
    return registry_keys(text)


def chosen(people, *, live, screen=frozenset(), sids=(GATE, PLAYER)):
    return choose_console("s", set(live), set(screen), sids, people, LOGIN)


def test_his_own_word_wins():
    """Several signed in: the one whose session is named Console, whatever its case and number."""
    console = chosen(
        signed_in((GATE, "gate", 1, "RDP-Tcp#0"), (PLAYER, "Игрок", 3, "console")), live={1, 3}, screen={1}
    )

    assert (console.session_id, console.sid, console.same_as_login) == (3, PLAYER, False)
    assert console.roaming == r"C:\Users\Игрок\AppData\Roaming"
    assert console.local == r"C:\Users\Игрок\AppData\Local"


def test_then_the_console_row_then_the_lowest():
    """Without the word: qwinsta's console row, else the lowest session."""
    people = signed_in((GATE, "gate", 2, ""), (PLAYER, "player", 3, ""))

    assert chosen(people, live={2, 3}, screen={3}).sid == PLAYER
    assert chosen(people, live={2, 3}).sid == GATE


def test_ended_sessions_do_not_count():
    """A key left by a session without a living sihost.exe is passed over."""
    assert chosen(signed_in((GATE, "gate", 1, "Console"), (PLAYER, "player", 2, "")), live={2}).sid == PLAYER


def test_only_one_hive_needs_no_word():
    """No session key, but only one person's hive: it is his."""
    console = chosen(registry_keys(""), live={1}, sids=(GATE,))

    assert (console.session_id, console.sid, console.profile, console.same_as_login) == (1, GATE, LOGIN, True)


def test_several_hives_and_no_word_is_not_guessed():
    """Which of two it is cannot be told: writing into the wrong hive would protect nobody."""
    with pytest.raises(AnswerNotUnderstood, match="2 signed-in users"):
        chosen(registry_keys(""), live={1})


SERVERS = r"HKEY_LOCAL_MACHINE\SOFTWARE\ITKey\Esme\servers"
PROOF = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\r\n    CurrentBuildNumber    REG_SZ    22631\r\n"
FIRST, LAST = "11111111-1111-1111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def agent(last, *servers):
    text = f"\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\ITKey\\Esme\r\n    last_server    REG_SZ    {last}\r\n"
    for server, token in servers:
        text += f"\r\n{SERVERS}\\{server}\r\n    auth_token    REG_SZ    {token}\r\n    user_id    REG_SZ    \r\n"
    return {"agent": text, "proof": PROOF}


def test_last_server_comes_first():
    """Several registrations: the agent's last one leads, an empty user id is none."""
    found = find_registrations("s", agent(LAST, (FIRST, "a"), (LAST, "b")))

    assert [str(each.server_id) for each in found.all] == [LAST, FIRST]
    assert found.current.user_id is None


def test_broken_entries_are_passed_over():
    """A key that is no uuid, or without a token, is no registration."""
    found = find_registrations("s", agent("nonsense", ("junk", "a"), (FIRST, ""), (LAST, "b")))

    assert [str(each.server_id) for each in found.all] == [LAST]
    assert found.last_server is None


def test_unreadable_registry_is_not_missing_registration():
    """reg.exe showing nothing at all is not known; only a registry that reads proves an absence."""
    with pytest.raises(AnswerNotUnderstood):
        find_registrations("s", {"agent": "", "proof": ""})
    with pytest.raises(RegistrationMissing):
        find_registrations("s", {"agent": "", "proof": PROOF})


MOUNTED = (
    "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\MountedDevices\r\n"
    "    \\DosDevices\\C:    REG_BINARY    444D494F3A49443A00112233445566778899AABBCCDDEEFF\r\n"
    "    \\DosDevices\\D:    REG_BINARY    A1B2C3D40000100000000000\r\n"
    "    \\DosDevices\\E:    REG_BINARY    5F003F003F005F00550053004200\r\n"
    "    \\DosDevices\\Q:    REG_BINARY    A1B2C3D50000100000000000\r\n"
    "    \\??\\Volume{1}    REG_BINARY    A1B2C3D40000100000000000\r\n"
)


@pytest.mark.parametrize("word", ["Drives:", "Диски:"])
def test_fixed_volumes(word):
    """There now and on a disk by the mount manager: no stick, no network drive, no disk long gone."""
    parts = {"drives": f"\r\n{word} C:\\ D:\\ E:\\ Z:\\\r\n", "mounted": MOUNTED}

    assert find_fixed_volumes("s", parts, "C") == frozenset("CD")


def test_fixed_volumes_without_the_system_drive_are_not_believed():
    """An answer that lacks Windows' own drive is not one."""
    for parts in ({}, {"drives": "D:\\", "mounted": MOUNTED}, {"drives": "C:\\ D:\\"}):
        with pytest.raises(AnswerNotUnderstood, match="SHADOW_DEFENDER_DRIVES"):
            find_fixed_volumes("s", parts, "C")
