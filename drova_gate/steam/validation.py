"""Verifying games of a station one after the other: when it may be done, which games, and what became of each."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from drova_gate.config import StationConfig
from drova_gate.core.model import Phase as GatePhase
from drova_gate.errors import CallOwner, GateError, PlayerInside, TryAgain
from drova_gate.host.identity import Console, read_console
from drova_gate.host.link import HostLink
from drova_gate.host.look import look
from drova_gate.nearest import not_known
from drova_gate.owner.account import OwnedStation
from drova_gate.owner.player import refuse_while_playing
from drova_gate.owner.settings import OwnerSettings
from drova_gate.state import StateFile
from drova_gate.station import protector_of
from drova_gate.steam.following import Following, Result, Verdict
from drova_gate.steam.manifest import TOOLS, InstalledApp, State
from drova_gate.steam.place import read_client
from drova_gate.steam.scan import Scan
from drova_gate.steam.verify import Pace, Verification

__all__ = ["Done", "Leave", "Validation", "chosen_apps"]

_BUSY = frozenset({GatePhase.PREPARING, GatePhase.IN_SESSION, GatePhase.RESETTING})
_RISK = "Steam's verification takes the disk and the line of his game, and may change its files"


@dataclass(frozen=True, slots=True)
class Leave:
    """What the owner allows beyond what is safe."""

    force: bool = False
    """Although a player is inside, or may be."""
    in_shadow_mode: bool = False
    """Although the disk will forget what was repaired."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one game."""

    app: InstalledApp
    result: Result
    seconds: float | None = None


def chosen_apps(scan: Scan, wanted: Iterable[str]) -> tuple[tuple[InstalledApp, ...], tuple[Done, ...]]:
    """Choose by number or name, or all when nothing is named: what is to be verified, and what cannot be just now.

    ``NotKnown`` for what is not installed. All of them leaves out tools, and what Steam is still installing.
    """
    names = list(wanted)
    if names:
        return tuple({app.app_id: app for app in (_named(scan, name) for name in names)}.values()), ()
    apps = {app.app_id: app for app in reversed(scan.apps) if app.app_id not in TOOLS}
    good = [app for app in reversed(apps.values()) if app.flags & State.FULLY_INSTALLED and not app.busy]
    bad = [app for app in reversed(apps.values()) if app not in good]
    return tuple(good), tuple(Done(app, Result(Verdict.SKIPPED, f"Steam says: {app.state}")) for app in bad)


def _named(scan: Scan, name: str) -> InstalledApp:
    wanted = name.strip().casefold()
    found = scan.app(int(wanted)) if wanted.isascii() and wanted.isdecimal() and len(wanted) <= 10 else None
    found = found or next((app for app in scan.apps if app.name.casefold() == wanted), None)
    if found is None:
        fault = next((fault for fault in scan.faults if fault.app_id is not None and str(fault.app_id) == wanted), None)
        if fault is not None:
            raise CallOwner(
                f"app {name}", f"its manifest cannot be read ({fault})", "let Steam mend it: start the game there"
            )
        known = [one for app in scan.apps for one in (app.name, str(app.app_id))]
        raise not_known("installed app", name, known, "drova_gate steam scan")
    return found


@dataclass(slots=True)
class Validation:
    """One run; ``done`` tells at any moment how far it is, also after it was cancelled."""

    config: StationConfig
    settings: OwnerSettings
    link: HostLink
    at_drova: OwnedStation
    leave: Leave = field(default_factory=Leave)
    pace: Pace = field(default_factory=Pace)
    warn: Callable[[GateError], None] = lambda _: None
    done: list[Done] = field(default_factory=list)
    now: InstalledApp | None = None
    """The game that Steam is at work on."""

    async def run(
        self, scan: Scan, apps: Sequence[InstalledApp], told: Callable[[InstalledApp, Following], None]
    ) -> tuple[Done, ...]:
        """Verify these games in turn; what forbids it before the first one is raised, before a later one it ends the run."""
        clock = asyncio.get_running_loop().time
        # All of them at once: a run must not stop in its middle over what could be seen before.
        await self._refuse_shadow_mode(apps)
        for app in apps:
            try:
                console, running = await self._may_begin(app)
            except (CallOwner, PlayerInside) as error:
                if not self.done:
                    raise
                self.done += [Done(one, Result(Verdict.NOT_STARTED, error.fact)) for one in apps[len(self.done) :]]
                break
            began, self.now = clock(), app
            verification = Verification(self.link, scan.steam, app, console, running=running)
            result = await verification.run(partial(told, app), self.pace)
            self.now = None
            self.done.append(Done(app, result, clock() - began))
        return tuple(self.done)

    async def _may_begin(self, app: InstalledApp) -> tuple[Console, bool]:
        """Refuse while it would disturb or be lost; returns the console's user and whether his Steam runs."""
        await self._refuse_player()
        await self._refuse_shadow_mode((app,))
        console = await read_console(self.link)
        client = await read_client(self.link, console.sid)
        if not client.signed_in and (client.running or not client.signs_in_by_itself):
            raise CallOwner(
                self.link.subject,
                "nobody is signed in to Steam there: it would only show its sign-in form",
                "sign in to it at the console with 'remember me'",
            )
        return console, client.running

    async def _refuse_player(self) -> None:
        file = StateFile(self.settings.state_dir / self.config.name / "state.json")
        try:
            record = file.look()
        except OSError as error:
            if not self.leave.force:
                fact = f"{file.path} cannot be read ({error.strerror}), so what the gate does there is not known"
                raise CallOwner(self.link.subject, fact, "use sudo, or --force") from error
            record = None
        phase = None if record is None else record.phase
        if phase in _BUSY and not self.leave.force:
            raise PlayerInside(
                self.link.subject,
                f"the gate's own record says {phase}: {_RISK}",
                "wait until it says clean, or --force",
            )
        try:
            await refuse_while_playing(self.at_drova, risk=_RISK, force=self.leave.force)
        except TryAgain as error:
            if not self.leave.force:
                raise
            self.warn(error)

    async def _refuse_shadow_mode(self, apps: Sequence[InstalledApp]) -> None:
        if self.leave.in_shadow_mode:
            return
        facts = await look(self.link, protector_of(self.config))
        advice = "leave Shadow Mode with a restart, or --in-shadow-mode"
        if facts.shadowed is None:
            fault = facts.protector_fault or "its list was not seen"
            raise CallOwner(self.link.subject, f"whether it is in Shadow Mode is not known ({fault})", advice)
        covered = sorted({app.volume for app in apps} & facts.shadowed)
        if covered:
            letters = ", ".join(f"{letter}:" for letter in covered)
            raise CallOwner(
                self.link.subject,
                f"{letters} in Shadow Mode: what Steam repairs there is lost at the next reset",
                advice,
            )
