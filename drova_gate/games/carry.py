"""Carrying out a list of changes: one write after the other, each read back, so that it may stop anywhere and be run again.

What a station has is read before its first change, and a change that is already true is left out: that is all there is to going on
after a crash. A change that is refused does not end the others. Where the API does not answer any more, the run stops and says where.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from drova_gate.errors import (
    CallOwner,
    CloudThrottled,
    CloudUnauthorised,
    CloudUnavailable,
    GateError,
    NotConfirmed,
    PlayerInside,
    TryAgain,
)
from drova_gate.games.journal import Journal
from drova_gate.games.plan import Add, Change, Disable, Enable, Present, SetPaths, still_to_do
from drova_gate.games.shelf import paths_of, shelf_of
from drova_gate.games.sync import READY
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.player import Inside, who_plays

__all__ = ["Carrying", "Failure", "Outcome", "Tell"]

T = TypeVar("T")

DONE, ALREADY = "done", "already"

PATIENCE = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a question is asked again that the API did not answer: a hiccup passes, an outage ends the run."""
THROTTLED_MOST = 900.0
"""Seconds that one change waits because the API asks for patience; more than that is an outage."""
LOOK_SECONDS = 5.0
"""How long the word on who plays holds for the next game of the same station: two requests for each of 500 would be a burden."""

Tell = Callable[[int, str], None]
"""Told before each step: how many changes are over with, and what comes now."""


def _to_nobody(over_with: int, what: str) -> None:
    del over_with, what


@dataclass(frozen=True, slots=True)
class Failure:
    """A change that was not carried out, and why."""

    change: Change
    why: str


@dataclass(slots=True)
class Outcome:
    """What became of a plan, up to now."""

    results: list[tuple[Change, str]] = field(default_factory=list)
    """Each change that is over with: ``done``, ``already``, or why it was not carried out."""
    stopped: GateError | None = None
    """Why the rest was not tried."""

    @property
    def over_with(self) -> int:
        """How many changes need no more attention in this run."""
        return len(self.results)

    @property
    def done(self) -> int:
        """How many were carried out."""
        return sum(said == DONE for _, said in self.results)

    @property
    def already(self) -> int:
        """How many were found true when their turn came."""
        return sum(said == ALREADY for _, said in self.results)

    @property
    def failed(self) -> list[Failure]:
        """Those that were not carried out."""
        return [Failure(change, said) for change, said in self.results if said not in (DONE, ALREADY)]


class Carrying:
    """One run of one plan; ``outcome`` tells at any moment how far it is, also after it was cancelled."""

    def __init__(
        self,
        changes: Sequence[Change],
        stations: Iterable[OwnedStation],
        journal: Journal,
        *,
        force: bool = False,
        tell: Tell = _to_nobody,
        patience: tuple[float, ...] | None = None,
    ) -> None:
        self.outcome = Outcome()
        self._changes, self._journal, self._force = tuple(changes), journal, force
        self._stations: Mapping[UUID, OwnedStation] = {one.uuid: one for one in stations}
        self._tell, self._patience = tell, PATIENCE if patience is None else patience
        self._shelves: dict[UUID, dict[UUID, Present] | GateError] = {}
        self._failed: set[tuple[UUID, UUID]] = set()
        self._looks: dict[UUID, tuple[float, Inside | None]] = {}

    async def run(self) -> Outcome:
        """Carry out every change, in order; the journal must have begun. It is ended when nothing is left to try."""
        for change in self._changes:
            self._tell(self.outcome.over_with, self._words(change))
            try:
                said = await self._over(change)
                await asyncio.to_thread(self._journal.over, change, said)
            except (CloudUnavailable, CloudUnauthorised) as error:
                self.outcome.stopped = error
                return self.outcome
            except OSError as error:
                self.outcome.stopped = CallOwner(
                    f"games {self._journal.path}", f"cannot be written ({error.strerror})", "make room"
                )
                return self.outcome
        self._tell(self.outcome.over_with, "")
        await asyncio.to_thread(self._journal.end)
        return self.outcome

    async def _over(self, change: Change) -> str:
        """Get one change over with: done, already true or failed; what is raised ends the run."""
        said = await self._tried(change)
        self.outcome.results.append((change, said))
        if said not in (DONE, ALREADY):
            self._failed.add((change.station, change.product_id))
        return said

    async def _tried(self, change: Change) -> str:
        """Try one change; ``DONE``, ``ALREADY`` or why not."""
        if (change.station, change.product_id) in self._failed:
            return "not tried, for what comes before it failed"
        waited = 0.0
        otherwise = ALREADY
        while True:
            if (said := await self._checked(change, otherwise)) is not None:
                return said
            try:
                await self._write(change)
            except CloudThrottled as error:
                # Refused, so nothing was done; or only the reading back was. Either is seen by looking again.
                waited, otherwise = waited + error.retry_after, DONE
                if waited > THROTTLED_MOST:
                    raise
                await self._wait(error.retry_after)
                self._shelves.pop(change.station, None)
            except CloudUnauthorised:
                raise
            except (CallOwner, NotConfirmed) as error:
                return _reason(error)
            except TryAgain as error:
                # Its outcome is not known. It is looked at, never made again: it may still arrive.
                self._shelves.pop(change.station, None)
                return await self._checked(change, DONE) or _reason(error)
            else:
                self._note(change)
                return DONE

    async def _checked(self, change: Change, otherwise: str) -> str | None:
        """Look whether the change is to be made now (``None``); ``otherwise`` if it is true, or why it may not be made."""
        try:
            if not await self._needed(change):
                return otherwise
            await self._refuse_while_played(change)
        except (CloudUnavailable, CloudUnauthorised):
            raise
        except GateError as error:
            return _reason(error)
        return None

    async def _needed(self, change: Change) -> bool:
        """Whether the change is still to be made, by what the station has."""
        shelf = self._shelves.get(change.station)
        if shelf is None:
            station = self._stations[change.station]
            shelf = self._shelves[change.station] = await self._shelf(station)
        if isinstance(shelf, GateError):
            raise shelf
        there = shelf.get(change.product_id)
        if isinstance(change, SetPaths):
            if there is None:
                raise CallOwner(change.title, "is not on the station's list any more", "add it first: games enable")
            return await self._other_paths(change)
        return still_to_do(change, shelf)

    async def _shelf(self, station: OwnedStation) -> dict[UUID, Present] | GateError:
        try:
            return await self._patiently(lambda: shelf_of(station))
        except (CloudUnavailable, CloudUnauthorised):
            raise
        except GateError as error:
            return error

    async def _other_paths(self, change: SetPaths) -> bool:
        station = self._stations[change.station]
        found = await self._patiently(lambda: station.client.station_product(station.uuid, change.product_id))
        if found.verified not in READY and paths_of(found) != change.paths:
            raise CallOwner(
                change.title,
                f"Drova has not released it on this station (verified: {found.verified})",
                "setting its paths would mark it as released; ask Drova first",
            )
        self._present(change.station)[change.product_id] = Present(found.enabled, paths_of(found))
        return paths_of(found) != change.paths

    async def _write(self, change: Change) -> None:
        """Make the change; the client reads it back."""
        station = self._stations[change.station]
        client, where = station.client, (station.uuid, change.product_id)
        match change:
            case Add():
                await client.add_product(*where, station.user_id)
            case Enable():
                await client.set_product_enabled(*where, enabled=True)
            case Disable():
                await client.set_product_enabled(*where, enabled=False)
            case SetPaths(paths=paths):
                enabled = self._present(change.station)[change.product_id].enabled
                await client.update_product(
                    *where,
                    enabled=enabled,
                    game_path=paths.game_path,
                    work_path=paths.work_path,
                    allowed_paths=paths.allowed_paths,
                    args=paths.args,
                )

    def _note(self, change: Change) -> None:
        """Keep in mind what a confirmed write has changed, so that the list need not be read for each."""
        shelf = self._present(change.station)
        before = shelf.get(change.product_id)
        match change:
            case Add():
                shelf[change.product_id] = Present(enabled=False)
            case Enable() | Disable():
                paths = None if before is None else before.paths
                shelf[change.product_id] = Present(isinstance(change, Enable), paths)
            case SetPaths(paths=paths):
                shelf[change.product_id] = Present(before is not None and before.enabled, paths)

    def _present(self, station: UUID) -> dict[UUID, Present]:
        shelf = self._shelves[station]
        if isinstance(shelf, GateError):
            raise shelf
        return shelf

    async def _refuse_while_played(self, change: Change) -> None:
        if self._force or not isinstance(change, Disable):
            return
        station = self._stations[change.station]
        now = asyncio.get_running_loop().time()
        asked, inside = self._looks.get(station.uuid, (float("-inf"), None))
        if now - asked > LOOK_SECONDS:
            inside = await self._patiently(lambda: who_plays(station))
            self._looks[station.uuid] = (now, inside)
        if inside is None or (inside.session is not None and inside.session.product_id != change.product_id):
            return
        playing = "a player plays it" if inside.session is not None else "a player is inside, and his game is not known"
        raise PlayerInside(change.title, f"{playing} ({inside.why})", "wait until he has left, or --force")

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask, and ask again after a while where the API did not answer: reading may be repeated."""
        waited = 0.0
        pauses = iter(self._patience)
        while True:
            try:
                return await ask()
            except CloudThrottled as error:
                waited += error.retry_after
                if waited > THROTTLED_MOST:
                    raise
                await self._wait(error.retry_after)
            except CloudUnavailable:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self._tell(self.outcome.over_with, f"Drova does not answer; asks again in {pause:g} s")
                await asyncio.sleep(pause)

    async def _wait(self, seconds: float) -> None:
        self._tell(self.outcome.over_with, f"Drova asks for patience: goes on in {seconds:.0f} s")
        await asyncio.sleep(seconds)

    def _words(self, change: Change) -> str:
        return f"{self._stations[change.station].name}: {change.kind} {change.title}"


def _reason(error: GateError) -> str:
    return f"{error.fact}; {error.advice}" if error.advice else error.fact
