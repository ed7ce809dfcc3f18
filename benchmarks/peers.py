"""One command per channel: the way in which today's tools prepare a station, with our recipes as its work.

Written anew from what those tools are known to do: a ``taskkill`` for each image, a delete for each path, files edited over SFTP, two ``reg``
calls for each registry value, ``netsh`` and ``sc`` calls of their own, Explorer started by PsExec in the session that ``qwinsta`` shows; no more than
so many channels at a time, and no result is looked at. Names that several programs bear are killed by name, because ``taskkill`` knows no path,
and keys are looked up in the console's own code page. In its favour here: everything that may run side by side does, the link is up
already, and there is no ``gpupdate`` (5 to 8 s in the field).
"""

import asyncio
import fnmatch
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from drova_gate.host.parse import decode, registry_keys, session_rows
from drova_gate.steps.edit import drop_ini_keys, drop_ini_sections, drop_vdf_blocks
from drova_gate.steps.edit_json import drop_json_keys
from drova_gate.steps.kinds import (
    ClearKey,
    DeleteDirectory,
    DeleteFile,
    DeleteKey,
    DeleteValue,
    DeleteValues,
    DropIniKeys,
    DropIniSections,
    DropJsonKeys,
    DropVdfBlocks,
    EditStep,
    FileStep,
    RecipeStep,
    RegistryStep,
    SetValue,
    WriteFile,
)
from drova_gate.steps.lockdown import Lockdown
from drova_gate.steps.recipes import Level, Recipe, selected
from drova_gate.steps.target import Target

__all__ = ["Work", "prepare", "wipe"]

_SHADOW_DEFENDER = r"C:\Program Files\Shadow Defender\CmdTool.exe"


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, the same for both ways."""

    recipes: tuple[Recipe, ...]
    lockdown: Lockdown
    target: Target
    level: Level
    volumes: str = ""
    shadow_password: str = ""


@dataclass(slots=True)
class _Peer:
    """An open link, so many channels of it at a time."""

    work: Work
    connection: asyncssh.SSHClientConnection
    sftp: asyncssh.SFTPClient
    free: asyncio.Semaphore
    commands: int = 0
    refused: list[str] = field(default_factory=list)
    """Commands whose channel sshd did not open: today's tools lose them."""

    async def run(self, line: str) -> str:
        async with self.free:
            self.commands += 1
            try:
                done = await self.connection.run(line, encoding=None)
            except asyncssh.ChannelOpenError:
                self.refused.append(line)
                return ""
        return decode(done.stdout) if isinstance(done.stdout, bytes) else ""


async def prepare(connection: asyncssh.SSHClientConnection, work: Work, at_once: int) -> tuple[float, int, int]:
    """Prepare: seconds, commands, and how many of them sshd refused."""
    async with connection.start_sftp_client() as sftp:
        peer = _Peer(work, connection, sftp, asyncio.Semaphore(at_once))
        began = time.perf_counter()
        if work.volumes:
            call = f'"{_SHADOW_DEFENDER}" /pwd:{work.shadow_password}'
            await peer.run(f"{call} /enter:{work.volumes} /now")
            await peer.run(f"{call} /exit:{work.volumes}")
        await _side_by_side(_ended(peer, [recipe for recipe in work.recipes if recipe.enabled]))
        await _side_by_side(_files(peer))
        await _side_by_side(
            [*_values(peer), *_locked(peer, work.lockdown, work.target), *_network(peer, work.lockdown)]
        )
        await _explorer(peer)
        return time.perf_counter() - began, peer.commands, len(peer.refused)


async def wipe(connection: asyncssh.SSHClientConnection, work: Work, at_once: int) -> tuple[float, int, int]:
    """Do the files and the registry values of the recipes alone: seconds, commands, and how many of them sshd refused."""
    async with connection.start_sftp_client() as sftp:
        peer = _Peer(work, connection, sftp, asyncio.Semaphore(at_once))
        began = time.perf_counter()
        await _side_by_side(_files(peer))
        await _side_by_side(_values(peer))
        return time.perf_counter() - began, peer.commands, len(peer.refused)


def _files(peer: _Peer) -> Iterable[Coroutine[Any, Any, None]]:
    return (_wiped(peer, recipe, step) for recipe, step in _steps(peer.work) if isinstance(step, FileStep))


def _values(peer: _Peer) -> Iterable[Coroutine[Any, Any, None]]:
    return (_registry(peer, step) for _, step in _steps(peer.work) if isinstance(step, RegistryStep))


def _steps(work: Work) -> Iterable[tuple[str, RecipeStep]]:
    return ((one.name, step) for one in work.recipes if one.enabled for step in selected(one, work.level))


async def _side_by_side(parts: Iterable[Coroutine[Any, Any, object]]) -> None:
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part)


# -- processes -------------------------------------------------------------------------------------------------------


def _ended(peer: _Peer, recipes: Iterable[Recipe]) -> Iterable[Coroutine[Any, Any, str]]:
    images = dict.fromkeys(
        image for recipe in recipes for image in (*recipe.kill, *(kill.image for kill in recipe.kill_under))
    )
    for image in images:
        yield peer.run(f'taskkill /f /im "{image}"')
    for service in dict.fromkeys(service for recipe in recipes for service in recipe.services):
        yield peer.run(f'sc.exe stop "{service}"')


async def _explorer(peer: _Peer) -> None:
    rows = session_rows(await peer.run("qwinsta"))
    session = next((row.session for row in rows if row.name == "console"), 1)
    await peer.run("taskkill /f /im explorer.exe")
    await peer.run(rf"psexec -accepteula -nobanner -d -i {session} C:\Windows\explorer.exe")


# -- files -----------------------------------------------------------------------------------------------------------


async def _wiped(peer: _Peer, recipe: str, step: FileStep) -> None:
    path = peer.work.target.path(recipe, step.path)
    if path is None:
        return
    for found in await _matching(peer, path):
        if isinstance(step, DeleteFile):
            await peer.run(f'del /f /q "{found}"')
        elif not isinstance(step, DeleteDirectory):
            await _edit(peer, found, step)
        elif not step.excepted:
            await peer.run(f'rmdir /s /q "{found}"')
        else:
            for name in await _names(peer, found):
                if not any(fnmatch.fnmatch(name.casefold(), kept.casefold()) for kept in step.excepted):
                    await peer.run(f'rmdir /s /q "{found}\\{name}"')


async def _matching(peer: _Peer, path: str) -> list[str]:
    """The paths that a pattern stands for, looked up over SFTP; a plain path is deleted unseen."""
    found = [""]
    for part in path.split("\\"):
        found = [
            f"{head}\\{name}" if head else name
            for head in found
            for name in (await _names(peer, head, part) if "*" in part else [part])
        ]
    return found


async def _names(peer: _Peer, folder: str, pattern: str = "*") -> list[str]:
    try:
        names = await peer.sftp.listdir(_over_sftp(folder))
    except asyncssh.SFTPError:
        return []
    return [
        str(name)
        for name in names
        if name not in (".", "..") and fnmatch.fnmatch(str(name).casefold(), pattern.casefold())
    ]


async def _edit(peer: _Peer, path: str, step: EditStep) -> None:
    try:
        async with peer.sftp.open(_over_sftp(path), "rb") as file:
            old: bytes = await file.read()
    except asyncssh.SFTPError:
        return
    match step:
        case WriteFile(content=content):
            new: bytes | None = content.encode()
        case DropIniSections(sections=sections):
            new = drop_ini_sections(old, sections)
        case DropIniKeys(keys=keys, section=section):
            new = drop_ini_keys(old, keys, section)
        case DropJsonKeys(keys=keys):
            new = drop_json_keys(old, keys)
        case DropVdfBlocks(blocks=blocks):
            new = drop_vdf_blocks(old, blocks)
    if new is not None and new != old:
        async with peer.sftp.open(_over_sftp(path), "wb") as file:
            await file.write(new)


def _over_sftp(path: str) -> str:
    return "/" + path.replace("\\", "/")


# -- registry and network --------------------------------------------------------------------------------------------


async def _registry(peer: _Peer, step: RegistryStep) -> None:
    key = peer.work.target.key(step.key)
    if isinstance(step, SetValue):
        await _add(peer, key, step.value, step.kind, step.data)
        return
    for found in await _matching_keys(peer, key):
        match step:
            case DeleteKey():
                await peer.run(f'reg delete "{found}" /f')
            case ClearKey():
                await peer.run(f'reg delete "{found}" /va /f')
            case DeleteValue(value=value):
                await peer.run(f'reg delete "{found}" /v "{value}" /f')
            case DeleteValues(prefix=prefix):
                there = registry_keys(await peer.run(f'reg query "{found}"')).get(found)
                for each in there.values if there else ():
                    if each.name.casefold().startswith(prefix.casefold()):
                        await peer.run(f'reg delete "{found}" /v "{each.name}" /f')


async def _matching_keys(peer: _Peer, key: str) -> list[str]:
    if "*" not in key:
        return [key]
    head, _, tail = key.partition("\\*")
    listed = registry_keys(await peer.run(f'reg query "{head}"'))
    return [each.path + tail for each in listed.keys if each.path.casefold() != head.casefold()]


async def _add(peer: _Peer, key: str, value: str, kind: str, data: str | int) -> None:
    await peer.run(f'reg add "{key}" /f')
    await peer.run(f'reg add "{key}" /v "{value}" /t {kind} /d "{data}" /f')


def _locked(peer: _Peer, lockdown: Lockdown, target: Target) -> Iterable[Coroutine[Any, Any, None]]:
    for policy in lockdown.policies:
        yield _add(peer, target.key(policy.key), policy.value, policy.kind, policy.data)
    for blocked in lockdown.blocked:
        yield _add(peer, target.key(blocked.key), blocked.value, "REG_DWORD", 1)
        for number, program in enumerate(blocked.programs, 1):
            yield _add(peer, target.key(blocked.list_key), str(number), "REG_SZ", program)


def _network(peer: _Peer, lockdown: Lockdown) -> Iterable[Coroutine[Any, Any, str]]:
    for rule in lockdown.rules:
        ports = f"protocol={rule.protocol} remoteport={','.join(map(str, rule.ports))}" if rule.ports else ""
        yield peer.run(f'netsh advfirewall firewall add rule name="{rule.name}" dir=out action=block {ports}')
    for group in lockdown.groups:
        yield peer.run(f'netsh advfirewall firewall set rule group="{group.group}" new enable=no')
    for service in lockdown.services:
        yield peer.run(f"sc.exe config {service.service} start= disabled")
        yield peer.run(f"sc.exe stop {service.service}")
