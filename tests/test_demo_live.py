"""The demonstration's live table: it fits its screen, and a play on a terminal ends with what came of it."""

import os
import pty
import re
import subprocess
import sys
import termios
import threading
from fcntl import ioctl
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.demo.live import STATES, Row, screen_lines, summary_lines
from drova_gate.demo.promises import Promise

TIMES = st.none() | st.floats(0, 1e6)
ROWS = st.lists(
    st.builds(
        Row, st.text(max_size=12), st.sampled_from(sorted(STATES)), st.text(max_size=120), TIMES, TIMES, TIMES, TIMES
    ),
    min_size=1,
    max_size=60,
)


@given(ROWS, st.integers(60, 200), st.integers(8, 60))
@settings(max_examples=60, deadline=None)
def test_a_picture_fits_its_screen(rows: list[Row], width: int, height: int):
    """Never more lines than the screen has (one stays for the cursor), and no text that moves the cursor."""
    lines = screen_lines(rows, "a title", 12.3, width=width, height=height, colour=False)

    assert len(lines) <= height - 1 or height < 8
    assert all(char.isprintable() for line in lines for char in line)


def test_whoever_is_busy_is_shown_first_on_a_small_screen():
    """Thirty stations, ten lines: the quarantined and the playing ones, in their own order, and how many more there are."""
    rows = [Row(f"pc{number}", "clean", "proved clean") for number in range(28)]
    rows.insert(20, Row("pcX", "quarantined", "not proved clean"))
    rows.insert(3, Row("pcY", "plays", "plays"))
    lines = screen_lines(rows, "a title", 1.0, width=100, height=10, colour=False)
    text = "\n".join(lines)

    assert "pcX" in text
    assert text.index("pcY") < text.index("pcX")
    assert "more stations" in lines[-1]


def test_a_broken_promise_names_its_station():
    """The summary counts, and says where and what."""
    promises = [
        ("pc1", Promise("kept it", kept=True, found="yes")),
        ("pc2", Promise("kept it", kept=False, found="3 writes")),
    ]
    text = "\n".join(summary_lines([Row("pc1", "clean", "", waited=1.0)], promises, colour=False))

    assert "BROKEN" in text
    assert "on 1 of 2 stations" in text
    assert "pc2: 3 writes" in text


def test_many_rentals_on_a_terminal_are_one_table():
    """Drawn in place, the cursor is given back, every promise is kept on every station, exit code 0."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, pack("HHHH", 30, 100, 0, 0))
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
    shown = bytearray()

    def read() -> None:
        try:
            while block := os.read(master, 65536):
                shown.extend(block)
        except OSError:
            return  # the other end is closed

    reading = threading.Thread(target=read)
    with subprocess.Popen(
        [sys.executable, "-m", "drova_gate", "demo", "--stations", "3"], stdout=slave, stderr=slave, env=environment
    ) as play:
        os.close(slave)
        reading.start()
        code = play.wait(50)
    reading.join(5)
    os.close(master)
    text = shown.decode()

    assert code == 0, text[-3000:]
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert re.search(r"\x1b\[\d+A", text), "drawn in place"
    assert len(re.findall("on 3 of 3 stations", text)) >= 6
    assert "every promise kept" in text
    assert "Traceback" not in text
