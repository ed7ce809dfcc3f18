"""One look at a station: what stands there now, read in one command."""

import asyncio
from dataclasses import replace
from typing import Protocol

from drova_gate.core.model import HostFacts
from drova_gate.errors import GateError
from drova_gate.host.commands import Run, Say, Script, Section, WhenFile, sections
from drova_gate.host.link import HostLink
from drova_gate.host.marks import (
    BOOT_KEY,
    BOOT_VALUE,
    MARKER_KEY,
    MARKER_SESSION_VALUE,
    MARKER_VALUE,
    full_path,
    marker_file,
)
from drova_gate.host.parse import labels, registry_keys

__all__ = ["Askable", "Said", "look", "look_script", "marker_files", "read_look"]

_MARKER_LIMIT = 256
"""Bytes; our marker has 32."""


class Said(Protocol):
    """What a protector's list says."""

    @property
    def shadowed(self) -> frozenset[str] | None:
        """Protected volumes; ``None``: not known."""

    @property
    def fault(self) -> GateError | None:
        """Why they are not known."""


class Askable(Protocol):
    """The part of a protector that a look needs; protectors live a layer above."""

    def status(self) -> Script:
        """Ask which volumes are protected."""

    def read_status(self, sections: dict[str, str]) -> Said:
        """Read the answer."""


def look_script(protector: Askable, volumes: frozenset[str] = frozenset()) -> Script:
    """Ask the protector, the marker, the boot stamp, and on which of ``volumes`` a marker's file lies."""
    files = tuple(step for one in sorted(volumes) for step in _ask_disk(one))
    return (
        *protector.status(),
        Section("marker", (Run("reg.exe", ("query", MARKER_KEY)),)),
        # The whole key, which Windows always fills: with /v alone "not there" could not be told from "reg.exe is barred".
        Section("boot", (Run("reg.exe", ("query", BOOT_KEY)),)),
        *((Section("files", files),) if files else ()),
    )


def _ask_disk(volume: str) -> Script:
    """A volume that is unplugged, or locked by BitLocker, has no file either: that says nothing about Shadow Mode."""
    return (
        WhenFile(marker_file(volume), (Say(f"marked.{volume}"),), (Say(f"unmarked.{volume}"),)),
        WhenFile(f"{volume}:\\", (Say(f"there.{volume}"),), (Say(f"away.{volume}"),)),
    )


def read_look(output: str, protector: Askable, read_at: float, volumes: frozenset[str] = frozenset()) -> HostFacts:
    """Read what ``look_script`` printed; whatever was not seen whole is ``None``, never empty."""
    parts = sections(output)
    protection = protector.read_status(parts)
    boot_keys = registry_keys(parts.get("boot", ""))
    marker: str | None = None
    session: str | None = None
    boot_stamp: str | None = None
    if boot_keys:
        boot = boot_keys.get(full_path(BOOT_KEY))
        boot_stamp = boot.text(BOOT_VALUE) if boot else ""
    if boot_keys and "marker" in parts:
        # reg.exe works, so a marker key that it does not find is not there.
        key = registry_keys(parts["marker"]).get(full_path(MARKER_KEY))
        marker = key.text(MARKER_VALUE) if key else ""
        session = key.text(MARKER_SESSION_VALUE) if key else ""
    files = labels(parts.get("files", "")).keys()
    marked, unmarked, there = (
        frozenset(one for one in volumes if f"{said}.{one}" in files) for said in ("marked", "unmarked", "there")
    )
    told = bool(volumes) and volumes == marked | unmarked
    return HostFacts(
        shadowed=protection.shadowed,
        marker=marker,
        marker_session=session,
        boot_stamp=boot_stamp,
        agent_up=None,
        read_at=read_at,
        protector_fault=str(protection.fault) if protection.fault else "",
        marked=marked if told else None,
        unmarked=unmarked & there,
    )


async def look(link: HostLink, protector: Askable, volumes: frozenset[str] = frozenset()) -> HostFacts:
    """Look at the station, and at the disks of ``volumes``, with one command; ``agent_up`` is left unknown."""
    read_at = asyncio.get_running_loop().time()
    linked_at = link.linked_at
    done = await link.run(look_script(protector, volumes))
    return replace(read_look(done.stdout, protector, read_at, volumes), linked_at=linked_at)


async def marker_files(link: HostLink, volumes: frozenset[str]) -> dict[str, str]:
    """Read the marker files over SFTP: volume letter to id, empty where there is none."""
    found = {}
    for volume in sorted(volumes):
        data = await link.read(marker_file(volume), limit=_MARKER_LIMIT)
        found[volume] = "" if data is None else data.decode("ascii", errors="replace").strip()
    return found
