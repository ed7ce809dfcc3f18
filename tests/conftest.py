"""What every test gets: no task left behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio


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
