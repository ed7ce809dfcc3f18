"""What every test gets: no task left behind. And who runs it, where there are several workers."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

# Whoever runs the tests may guard stations with this very shell: his settings and his language are none of theirs. Their own variables
# begin with GATE_, which is no setting's beginning.
for _name in [
    one for one in os.environ if one.startswith(("DROVA_", "WINDOWS_", "SHADOW_DEFENDER_", "ENV_LOCATION", "LC_"))
]:
    del os.environ[_name]
os.environ["LANG"] = "C.UTF-8"
# What pytest makes of each file's asserts is kept beside it, whatever the shell says: every worker would make it anew.
sys.dont_write_bytecode = False
# A shell starts what is to run behind it with Ctrl-C switched off, and programs hand that on to those that they start: tests that press it
# would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = ("wine", "test_shipped_recipes_station", "test_architecture")
"""Parts of names of files whose tests share what takes longer to make than to look at: a Wine prefix, a prepared station, all source."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests that talk to the real Drova run only when they are asked to."""
    group = parser.getgroup("live", "the real Drova API (its token in GATE_LIVE_TOKEN)")
    group.addoption("--live", action="store_true", help="read from it; nothing is changed there")
    group.addoption("--live-write", metavar="STATION_UUID", help="change this test station too, and change it back")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give to one worker what shares something that is dear to make.

    By the file's name: pytest 9 has no place any more for the group that pytest-xdist 3.8 writes into a test's id.
    """
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling  # noqa: PLC0415 -- only where it is installed

    class ByFile(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((shared for shared in SHARED if shared in file), None) or super()._split_scope(nodeid)

    return ByFile(config, log)


@pytest.fixture(autouse=True)
def the_log_is_as_before() -> Iterator[None]:
    """Give the log back: a command that is run in this process makes it its own, and quieter than the next test may want it."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    for one in root.handlers[:]:
        if type(one) is logging.StreamHandler and one not in handlers:
            root.removeHandler(one)


@pytest_asyncio.fixture(autouse=True)
async def no_task_left_behind() -> AsyncIterator[None]:
    """Fail a test that ends with tasks still running: in a daemon each of them is a leak."""
    before = asyncio.all_tasks()
    yield
    # Cancelled tasks need a turn or two of the loop to end.
    for _ in range(5):
        left = {task for task in asyncio.all_tasks() - before if not task.done()} - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0.01)
    names = sorted(repr(task.get_coro()) for task in left)
    raise AssertionError("tasks left behind: " + "; ".join(names))
