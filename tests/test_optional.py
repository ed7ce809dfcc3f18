"""What is said where an optional library is missing can be typed as it stands, whichever way we were installed."""

import shlex
import subprocess
import sys
from pathlib import Path

from drova_gate.optional import OF_DEBIANS_PACKAGE, how_to_get, library_missing


def test_our_own_python_gets_it_by_name_and_never_us():
    """``pip install 'drova_gate[qr]'`` typed elsewhere would fetch whatever bears our name in the public index."""
    words = shlex.split(how_to_get("segno", "python3-segno"))
    assert words == [sys.executable, "-m", "pip", "install", "segno"]
    asked = subprocess.run([*words[:4], "--help"], capture_output=True, timeout=60, check=False)
    assert asked.returncode == 0


def test_debians_package_gets_debians():
    """Its Python is the system's, where pip refuses."""
    assert how_to_get("segno", "python3-segno", OF_DEBIANS_PACKAGE / "drova_gate/optional.py") == (
        "apt install python3-segno"
    )
    build = (Path(__file__).parents[1] / "packaging" / "build-deb").read_text(encoding="utf-8")
    assert f"library=$root{OF_DEBIANS_PACKAGE}\n" in build


def test_another_way_is_named_behind_it():
    """In one sentence."""
    said = str(library_missing("export", "x", "python3-x", instead="; or export to .csv"))
    assert said.startswith("export: needs the library x; ")
    assert said.endswith(" install x; or export to .csv")
