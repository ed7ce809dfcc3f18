"""Where a command's words go: a reader that has gone, a disk that is full, standard files that its starter has closed."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from owner_shop import Shop

from drova_gate.cli import stations

COMMAND = f"{sys.executable} -m drova_gate"


async def shell(line: str, *, seconds: float = 30) -> tuple[int, str, str]:
    """Run a line of bash; it has no settings but those that it names."""
    process = await asyncio.create_subprocess_shell(
        line,
        executable="/bin/bash",
        env={"PATH": os.environ["PATH"], "DROVA_LANG": "en"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
async def test_a_standard_file_that_is_closed_ends_no_command(shop: Shop, closed: str):
    """Cron and shells do that; uvloop ended the process with a core dump, for its own files got these numbers."""
    code, out, err = await shell(f"{COMMAND} stations --env {shop.settings()} {closed}")

    assert (code, err) == (0, "")
    assert ("pc1" in out) is (">&-" not in closed.split())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
@pytest.mark.parametrize("command", ["stations", "sessions --csv", "current --watch", "where 10.0.0.1"])
async def test_a_full_disk_is_one_line(shop: Shop, command: str):
    """``--csv > file``: no traceback, and no success either."""
    code, out, err = await shell(f"{COMMAND} {command} --env {shop.settings()} > /dev/full")

    assert (code, out) == (1, "")
    assert err == (
        "standard output: cannot be written (No space left on device); make room on that disk, and run it again\n"
    )


@pytest.mark.parametrize("form", ["", "--json"])
async def test_nobody_is_asked_for_a_reader_that_has_gone(shop: Shop, form: str):
    """``current --watch | head -1`` went on for ever, and asked Drova every five seconds."""
    seconds = stations.WATCH_SECONDS * 2 + 10
    line = f"{COMMAND} current --watch {form} --env {shop.settings()} | head -c 5; exit ${{PIPESTATUS[0]}}"
    code, _, err = await shell(line, seconds=seconds)

    assert (code, err) == (0, "")


async def test_errors_that_nobody_reads_break_nothing_off(shop: Shop):
    """What is said on the way is not worth the work; the exit code tells how it ended."""
    code, _, _ = await shell(f"{COMMAND} hide pc1 nobody --env {shop.settings()} 2> /dev/full")

    assert code == 1


async def test_the_watched_status_ends_with_its_reader(tmp_path: Path):
    """Without a traceback; where no gate runs the exit code says so all the same."""
    watched = f"DROVA_STATE_DIR={tmp_path} {COMMAND} status --watch"
    code, out, err = await shell(f"{watched} | head -1; exit ${{PIPESTATUS[0]}}")

    assert (code, err) == (3, "")
    assert out.startswith("no gate runs here")
