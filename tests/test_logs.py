"""What others have said stands in log lines and in what commands say: it must not pass for ours, nor steer the terminal."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from drova_gate.cli.speech import complain, say
from drova_gate.errors import NotConfirmed
from drova_gate.logs import configure_logging

PLANTED = "Steam\x1b[2J\x9b31m\r\nINFO pc1: clean and free"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_a_renter_has_left_forges_no_line_of_the_log(log_format: str, monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(log_format, "INFO", under_systemd=True)
    logging.getLogger("drova_gate.x").warning("%s: cannot be deleted", PLANTED)

    written = stream.getvalue()
    assert written.count("\n") == 1
    assert "\x1b" not in written
    assert "\x9b" not in written
    if log_format == "json":
        assert json.loads(written)["message"].startswith(PLANTED)


def test_a_trace_in_the_log_keeps_its_lines(monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("text", "INFO", under_systemd=True)
    try:
        int("odd")
    except ValueError:
        logging.getLogger("drova_gate.x").exception("fault")

    assert len(stream.getvalue().splitlines()) > 3


def test_what_a_station_says_steers_no_terminal(capsys: pytest.CaptureFixture[str]):
    complain(NotConfirmed("pc1", "still on the station: a\x1b]0;owned\x07\x9b2J", "look"))
    say("desktop: \x1b[31mroot, session 1")

    shown = capsys.readouterr()
    assert shown.err == "pc1: still on the station: a?]0;owned??2J; look\n"
    assert shown.out == "desktop: ?[31mroot, session 1\n"
