"""Shadow Defender's words, and what may be believed."""

from pydantic import SecretStr

from drova_gate.errors import AnswerNotUnderstood, NotConfirmed, ProtectorMissing, ProtectorRefused
from drova_gate.host.commands import Shell, render, sections
from drova_gate.protect.none import NoProtector
from drova_gate.protect.protector import Protector
from drova_gate.protect.shadow_defender import ShadowDefender

GUARD = ShadowDefender(SecretStr("geheim"))
BOTH = frozenset("CD")
REFUSED = "Password is not specified or is not correct.\r\n"


def listed(letters, *, ran="ok"):
    return "".join(f"{letter}: is in shadow mode.\r\n" for letter in letters) + f"@@ cmdtool {ran}\r\n"


def entered(before, between, after, *, enter=""):
    return {
        "shadow_before": listed(before),
        "shadow_enter": enter,
        "shadow_between": listed(between),
        "shadow_way_out": "",
        "shadow_list": listed(after),
    }


def test_protectors_keep_the_protocol():
    """Both protectors fit the interface."""
    both: list[Protector] = [GUARD, NoProtector()]

    assert [each.forgets for each in both] == [True, False]


def test_the_password_is_never_shown():
    """Neither the masked form of a command nor any repr holds the password."""
    for shell in Shell:
        command = render(shell, GUARD.enter(BOTH))

        assert "geheim" in command.text
        assert "geheim" not in f"{command} {command!r} {GUARD!r} {GUARD.enter(BOTH)!r}"


def test_way_out_is_a_call_of_its_own_without_now():
    """/now stands only with /enter: with /exit it would drop the protection at once."""
    calls = render(Shell.CMD, GUARD.enter(BOTH)).text.split("&")

    assert [call for call in calls if "/now" in call] == [call for call in calls if "/enter:CD" in call]
    assert not [call for call in calls if "/exit:CD" in call and "/now" in call]
    assert sum("/list" in call for call in calls) == 2


def test_empty_list_is_no_volume():
    """No line at all means no volume, when the program ran."""
    assert GUARD.read_status({"shadow_list": listed("")}).shadowed == frozenset()


def test_list_is_read():
    """A line per volume."""
    assert GUARD.read_status({"shadow_list": listed("CD")}).shadowed == BOTH


def test_not_run_or_not_seen_is_not_empty():
    """A program that never ran, or a list that broke off, is not known: never an absence."""
    for parts in (
        {},
        {"shadow_list": listed("", ran="failed")},
        {"shadow_list": ""},
        {"shadow_list": "Trial is over\r\n@@ cmdtool ok"},
    ):
        read = GUARD.read_status(parts)

        assert read.shadowed is None
        assert isinstance(read.fault, AnswerNotUnderstood)


def test_broken_off_output_is_not_an_empty_list():
    """A section whose end was never seen does not count."""
    assert GUARD.read_status(sections("@@ begin shadow_list\r\n@@ cmdtool ok\r\n")).shadowed is None


def test_password_refused():
    """A refused password is named and nothing is concluded from it."""
    read = GUARD.read_status({"shadow_list": REFUSED + listed("")})

    assert read.shadowed is None
    assert isinstance(read.fault, ProtectorRefused)


def test_program_missing():
    """No CmdTool.exe: named, unknown."""
    read = GUARD.read_enter({"shadow_missing": "@@ missing"}, BOTH)

    assert read.shadowed is None
    assert isinstance(read.fault, ProtectorMissing)


def test_entered_and_confirmed():
    """All wanted volumes in the last list: no fault; the owner's own ones are told apart."""
    read = GUARD.read_enter(entered("D", "CD", "CD"), BOTH)

    assert (read.shadowed, read.before, read.fault) == (BOTH, frozenset("D"), None)


def test_success_words_prove_nothing():
    """F1: CmdTool says success, its list stays empty: not confirmed, naming the volumes."""
    words = "Change the status of C: successfully,\r\nbut a reboot is required for changes to take effect.\r\n"
    read = GUARD.read_enter(entered("", "", "", enter=words), BOTH)

    assert isinstance(read.fault, NotConfirmed)
    assert "C:, D:" in read.fault.fact


def test_one_volume_missing_is_named_with_its_code():
    """The missing volume is named, with CmdTool's error code."""
    words = "Change the status of C: successfully.\r\nFailed to change the status of D:, error code = 5.\r\n"
    read = GUARD.read_enter(entered("", "C", "C", enter=words), BOTH)

    assert read.shadowed == frozenset("C")
    assert "D: (D: error code 5)" in str(read.fault)


def test_way_out_that_dropped_the_protection_is_seen():
    """The list after the way out is the one that counts."""
    words = "Change the status of C: successfully.\r\nChange the status of D: successfully.\r\n"
    read = GUARD.read_enter(entered("", "CD", "", enter=words), BOTH)

    assert isinstance(read.fault, NotConfirmed)
    assert "left it when the way out was scheduled" in read.fault.fact


def test_leave_nothing_is_no_call():
    """Nothing of ours to leave: nothing is sent, the owner's own Shadow Mode stays."""
    assert GUARD.leave(frozenset()) == ()


def test_none_asks_nothing():
    """The protector none sends nothing and confirms nothing."""
    nobody = NoProtector()

    assert nobody.status() == nobody.enter(BOTH) == nobody.leave(BOTH) == ()
    assert nobody.read_enter({}, BOTH).shadowed == frozenset()
