"""Things done to a station at the same time: commands, files read and listed. Faults wait until all have ended."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, TypeVar

from drova_gate.errors import GateError, OutcomeUnknown, RecipeFault, StationUnreachable, TryAgain
from drova_gate.host.commands import Script, render
from drova_gate.host.link import HostLink
from drova_gate.steps.edit import LARGEST
from drova_gate.steps.payload import Entries, Payload, Unreadable

__all__ = ["both", "compiled", "read_files", "read_folders", "side_by_side"]

PREPARE_SECONDS = 60.0
"""Kills, deletions of browser profiles of some GB, three more tries for held files, the wait for Explorer."""

A = TypeVar("A")
B = TypeVar("B")


async def side_by_side(link: HostLink, payload: Payload, last: Script) -> tuple[str, str]:
    """Run both commands at once; ``last`` follows the preparation in its command: what it says holds for all that was written."""
    done, network = await both(
        lambda: link.run((*payload.prepare, *last), timeout=PREPARE_SECONDS),
        lambda: link.run(payload.network, timeout=PREPARE_SECONDS),
    )
    return done.stdout, network.stdout


def compiled(link: HostLink, compile_: Callable[[], Payload]) -> Payload:
    """Compile, and render once, so that what a shell cannot carry is found before anything is uploaded."""
    try:
        payload = compile_()
        render(link.shell, payload.prepare)
        render(link.shell, payload.network)
    except ValueError as error:
        raise RecipeFault(
            link.subject, f"its preparation cannot be written down ({error})", "look for a percent sign in its paths"
        ) from error
    return payload


async def read_files(link: HostLink, paths: Iterable[str]) -> dict[str, bytes | Entries | Unreadable | None]:
    """Read files to be edited, all at once; one that cannot be read is told apart from one that is not there."""

    async def read_one(path: str) -> bytes | Entries | Unreadable | None:
        try:
            return await link.read(path, limit=LARGEST)
        except (StationUnreachable, OutcomeUnknown):
            raise
        except TryAgain as error:
            # A directory of that name is left alone; what cannot be listed is a file.
            listed = await _names(link, path)
            return listed if isinstance(listed, Entries) else Unreadable(error.fact)

    return await _each(paths, read_one)


async def read_folders(link: HostLink, paths: Iterable[str]) -> dict[str, bytes | Entries | Unreadable | None]:
    """List folders, all at once."""

    async def list_one(path: str) -> bytes | Entries | Unreadable | None:
        listed = await _names(link, path)
        if isinstance(listed, Unreadable) and not await link.exists(path):
            return None
        return listed

    return await _each(paths, list_one)


async def both(one: Callable[[], Coroutine[Any, Any, A]], other: Callable[[], Coroutine[Any, Any, B]]) -> tuple[A, B]:
    """Do both; when one fails the other is still waited for, because cancelling would not stop it on the station."""
    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(_settled(one)), group.create_task(_settled(other))
    return _value(first.result()), _value(second.result())


async def _names(link: HostLink, path: str) -> Entries | Unreadable:
    try:
        return Entries(tuple(await link.names(path)))
    except (StationUnreachable, OutcomeUnknown):
        raise
    except TryAgain as error:
        return Unreadable(error.fact)


async def _each(paths: Iterable[str], act: Callable[[str], Coroutine[Any, Any, A]]) -> dict[str, A]:
    async with asyncio.TaskGroup() as group:
        tasks = {path: group.create_task(_settled(partial(act, path))) for path in paths}
    return {path: _value(task.result()) for path, task in tasks.items()}


async def _settled(part: Callable[[], Coroutine[Any, Any, A]]) -> A | GateError:
    try:
        return await part()
    except GateError as error:
        return error


def _value(result: A | GateError) -> A:
    if isinstance(result, GateError):
        raise result
    return result
