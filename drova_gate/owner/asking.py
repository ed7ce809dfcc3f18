"""Many questions to the cloud side by side, a few at a time: quick for the owner, polite to the API."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from drova_gate.errors import GateError

__all__ = ["AT_ONCE", "ask_all", "ask_both"]

A = TypeVar("A")
B = TypeVar("B")
Q = TypeVar("Q")

AT_ONCE = 4
"""Requests under way: at 0.05 to 0.1 s for an answer, thirty stations take under a second, and no second sees more than some forty."""


async def ask_all(questions: Iterable[Q], ask: Callable[[Q], Awaitable[A]]) -> list[A | GateError]:
    """Ask each question; an answer that could not be had is its error, in its place: the others go on."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(question: Q) -> A | GateError:
        async with free:
            try:
                return await ask(question)
            except GateError as error:
                return error

    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(one(question)) for question in questions]
    return [task.result() for task in asked]


async def ask_both(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """Await two answers side by side; the first error passes when both have ended."""

    async def settled(answer: Awaitable[A | B]) -> A | B | GateError:
        try:
            return await answer
        except GateError as error:
            return error

    async with asyncio.TaskGroup() as tasks:
        one, other = tasks.create_task(settled(first)), tasks.create_task(settled(second))
    for result in (one.result(), other.result()):
        if isinstance(result, GateError):
            raise result
    return one.result(), other.result()  # type: ignore[return-value] # an error was raised above
