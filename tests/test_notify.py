"""systemd's notifications: whole lines, said once, harmless when nobody listens."""

import socket
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.notify import STATUS_MOST, Notifier


def heard(listening: socket.socket) -> list[str]:
    listening.setblocking(False)
    found = []
    while True:
        try:
            found.append(listening.recv(65536).decode())
        except BlockingIOError:
            return found


def test_a_status_is_said_once_and_again_when_it_changes(tmp_path: Path):
    """The journal is no place for the same line every second."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        notifier = Notifier(str(tmp_path / "notify"))
        for text in ("one", "one", "two\nlines"):
            notifier.status(text)
        notifier.say("READY=1")
        notifier.close()

        assert heard(listening) == ["STATUS=one", "STATUS=two lines", "READY=1"]


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=800))
@settings(max_examples=40, deadline=None)
def test_any_status_is_one_datagram_of_one_line(text: str):
    """Thirty stations' reasons in Russian: cut between letters, never within one."""
    name = b"\0drova-gate-test-" + str(id(text)).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        notifier = Notifier("@" + name[1:].decode())
        notifier.status(text)
        notifier.close()
        (said,) = heard(listening)

    assert said.startswith("STATUS=")
    assert "\n" not in said
    assert len(said.encode()) <= STATUS_MOST + len("STATUS=")


def test_nobody_listens(tmp_path: Path):
    """No socket is named, or systemd is gone: nothing happens."""
    for address in (None, str(tmp_path / "gone")):
        notifier = Notifier(address)
        notifier.say("WATCHDOG=1")
        notifier.status("still here")
        notifier.close()
