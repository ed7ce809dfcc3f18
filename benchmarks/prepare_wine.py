"""The files and the registry of a sign-out on Wine's real cmd.exe and reg.exe: compiled, and one command per channel.

Wine has neither Shadow Mode nor an Explorer to restart nor a firewall, so those are left out of both ways. It starts a process in several
tenths of a second, many times what Windows takes: only the ratio says something.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import peers
from pydantic import SecretStr

from drova_gate.host.commands import Run
from drova_gate.host.identity import Console
from drova_gate.host.link import HostLink, StationAddress
from drova_gate.sim.windows import regfile
from drova_gate.sim.windows.launchers import LAUNCHERS, left_of, owners_files
from drova_gate.sim.windows.people import Person
from drova_gate.sim.windows.registry import Key, Value
from drova_gate.sim.windows.saved import Entry, expand
from drova_gate.sim.wine import PrefixFiles, WinePrefix, WineStation
from drova_gate.steps.batch import ROUTINES, batch_file
from drova_gate.steps.compile_steps import compile_wipe, originals_wanted
from drova_gate.steps.found import Found, find_places
from drova_gate.steps.frame import needed, run_batch
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.recipes import Level, Recipe
from drova_gate.steps.registry_file import registry_file
from drova_gate.steps.side_by_side import read_files, read_folders
from drova_gate.steps.target import Target, target_of

__all__ = ["WineResult", "on_wine"]

_PROGRAM_DATA = r"C:\ProgramData"
_SHELL_FOLDERS = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
_LONG = {"HKCU": "HKEY_CURRENT_USER", "HKLM": "HKEY_LOCAL_MACHINE"}


@dataclass(frozen=True, slots=True)
class WineResult:
    """One sign-out."""

    way: str
    seconds: float
    commands: int
    saved: int
    """Sign-ins that were there for these recipes."""
    left: tuple[str, ...]
    """Those of them that are still usable."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """A prefix seen from its user: what of his sign-ins is there (``Reader`` of the simulator)."""

    files: PrefixFiles
    person: Person
    values: dict[tuple[str, str], Value]

    def content(self, path: str) -> bytes | None:
        full = expand(path, self.person)
        return self.files.read(full) if self.files.exists(full) and not self.files.is_dir(full) else None

    def value(self, key: str, name: str) -> Value | None:
        return self.values.get((_long(key).casefold(), name.casefold()))

    def signed_in(self, recipes: Iterable[Recipe]) -> tuple[str, ...]:
        return tuple(recipe.name for recipe in recipes if recipe.name in LAUNCHERS and left_of(recipe.name, self))


async def on_wine(
    seven: tuple[Recipe, ...], every: tuple[Recipe, ...], repeats: int, at_once: int
) -> list[list[WineResult]]:
    """Run each way so many times, each time another one first: for every repeat its results."""
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        prefix = await WinePrefix(Path(folder) / "prefix").create("CD")
        try:
            for number in range(repeats):
                ways: list[Callable[[], Awaitable[WineResult]]] = [
                    lambda: _measured(prefix, f"ours, compiled, {len(seven)} recipes", seven, None),
                    lambda: _measured(prefix, f"one command per channel, {len(seven)} recipes", seven, at_once),
                    lambda: _measured(prefix, f"ours, compiled, {len(every)} recipes", every, None),
                ]
                turn = number % len(ways)
                results = [await way() for way in ways[turn:] + ways[:turn]]
                rounds.append(results[len(ways) - turn :] + results[: len(ways) - turn])
        finally:
            await prefix.stop()
    return rounds


async def _measured(prefix: WinePrefix, way: str, recipes: tuple[Recipe, ...], at_once: int | None) -> WineResult:
    person = Person(prefix.profile.rpartition("\\")[2], "S-1-5-21-0-0-0-1000")
    async with WineStation(prefix) as station, _linked(station) as link:
        await _sign_in(link, prefix, person)
        console = Console(1, "", person.name, "", person.profile, person.roaming, person.local, same_as_login=True)
        found = await find_places(link, recipes, console)
        target = target_of(console, _PROGRAM_DATA, found.documents, found.places)
        saved = (await _owner(link, prefix, person)).signed_in(recipes)
        if at_once is None:
            seconds, commands = await _our_way(link, recipes, target, found)
        else:
            seconds, commands = await _peers_way(station, recipes, target, at_once)
        left = (await _owner(link, prefix, person)).signed_in(recipes)
        return WineResult(way, seconds, commands, len(saved), left)


async def _our_way(link: HostLink, recipes: tuple[Recipe, ...], target: Target, found: Found) -> tuple[float, int]:
    began, sent = time.perf_counter(), link.commands_sent
    files, folders = originals_wanted(recipes, target, Level.FULL)
    originals = await read_files(link, files) | await read_folders(link, folders)
    wipe = compile_wipe(recipes, target, Level.FULL, originals, found.registry)
    home = target.home
    lines = [
        *needed(target),
        *wipe.lines,
        r'reg.exe import "%DG_HOME%\wipe.reg" >nul 2>nul',
        "echo @@ finished wipe",
        "exit /b 0",
        *ROUTINES,
        *wipe.routines,
    ]
    await link.write_all(
        {
            rf"{home}\wipe.cmd": batch_file(lines),
            rf"{home}\wipe.reg": registry_file(wipe.edits),
            **{rf"{home}\{name}": content for name, content in wipe.staged.items()},
        }
    )
    done = await link.run(run_batch(target, "wipe.cmd", wipe.variables), timeout=120)
    if "@@ finished wipe" not in done.stdout:
        raise SystemExit(f"Wine broke the batch file off: {done.stdout[-200:]!r}")
    return time.perf_counter() - began, link.commands_sent - sent


async def _peers_way(
    station: WineStation, recipes: tuple[Recipe, ...], target: Target, at_once: int
) -> tuple[float, int]:
    work = peers.Work(recipes, Lockdown(), target, Level.FULL)
    async with asyncssh.connect(
        station.host,
        station.ssh_port,
        username=station.login,
        password=station.password,
        known_hosts=None,
        client_keys=None,
        config=None,
        agent_path=None,
    ) as connection:
        seconds, commands, _ = await peers.wipe(connection, work, at_once)
    return seconds, commands


# -- the owner's things ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def _linked(station: WineStation) -> AsyncIterator[HostLink]:
    async with asyncio.TaskGroup() as group:
        link = HostLink(
            "wine", StationAddress(station.host, station.ssh_port, station.login, SecretStr(station.password))
        )
        keeping = group.create_task(link.keep_up())
        try:
            await link.wait_up(60)
            yield link
        finally:
            await link.close()
            keeping.cancel()


async def _sign_in(link: HostLink, prefix: WinePrefix, person: Person) -> None:
    files = PrefixFiles(prefix)
    for path, data, _ in owners_files():
        full = expand(path, person)
        if full[0] in files.letters():
            files.make_directory(full.rpartition("\\")[0], parents=True)
            files.write(full, data)
    keys = dict[str, Key]()
    for saved in LAUNCHERS.values():
        for item in saved.items():
            if isinstance(item, Entry):
                key = keys.setdefault(_long(item.key), Key(item.key.rpartition("\\")[2]))
                key.values[item.name.casefold()] = (item.name, item.typed)
    documents = Key("User Shell Folders")
    path = expand("%DOCUMENTS%", person).replace(person.profile, "%USERPROFILE%")
    documents.values["personal"] = ("Personal", Value("REG_EXPAND_SZ", path))
    keys[_long(_SHELL_FOLDERS)] = documents
    files.write(r"C:\saved.reg", regfile.dump(iter(keys.items())))
    await link.run((Run("reg.exe", ("import", r"C:\saved.reg")),), timeout=60)


async def _owner(link: HostLink, prefix: WinePrefix, person: Person) -> _Owner:
    files, values = PrefixFiles(prefix), dict[tuple[str, str], Value]()
    for root in (r"HKCU\Software", r"HKLM\Software"):
        await link.run((Run("reg.exe", ("export", root, r"C:\look.reg", "/y")),), timeout=60)
        for order in regfile.parse(files.read(r"C:\look.reg"), "cp1251"):
            if isinstance(order, regfile.SetValue):
                values[order.path.casefold(), order.name.casefold()] = order.value
    return _Owner(files, person, values)


def _long(key: str) -> str:
    hive, _, rest = key.partition("\\")
    return rf"{_LONG[hive]}\{rest}"
