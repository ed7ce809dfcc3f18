"""A station's fixed volumes, without wmic (gone from new Windows), PowerShell or a translated word."""

import re

from drova_gate.errors import AnswerNotUnderstood
from drova_gate.host.commands import Run, Section, sections
from drova_gate.host.link import HostLink
from drova_gate.host.parse import registry_keys

__all__ = ["read_fixed_volumes"]

_LETTER = re.compile(r"\b([A-Z]):\\")
_MOUNTED = re.compile(r"\\DosDevices\\([A-Z]):", re.IGNORECASE)
_GPT = "444D494F3A49443A"
"""``DMIO:ID:``, then the partition's GUID."""
_MBR_DIGITS = 24
"""Disk signature (4 bytes) and the partition's offset (8 bytes). Removable media carry a device name in UTF-16 instead."""


async def read_fixed_volumes(link: HostLink) -> frozenset[str]:
    """Read the letters of all volumes on fixed disks that are there now, with one command."""
    done = await link.run(
        (
            Section("drives", (Run("fsutil.exe", ("fsinfo", "drives")),)),
            Section("mounted", (Run("reg.exe", ("query", r"HKLM\SYSTEM\MountedDevices")),)),
        )
    )
    return find_fixed_volumes(link.subject, sections(done.stdout), link.variables["SystemRoot"][:1].upper())


def find_fixed_volumes(subject: str, parts: dict[str, str], system: str) -> frozenset[str]:
    """Volumes that are there and that the mount manager knows by their place on a disk."""
    there = set(_LETTER.findall(parts.get("drives", "").upper()))
    fixed = {
        match[1].upper()
        for key in registry_keys(parts.get("mounted", "")).keys
        for value in key.values
        if (match := _MOUNTED.fullmatch(value.name))
        and (value.data.upper().startswith(_GPT) or len(value.data) == _MBR_DIGITS)
    }
    if system not in there & fixed:
        raise AnswerNotUnderstood(
            subject, "cannot tell its fixed volumes", "set SHADOW_DEFENDER_DRIVES to their letters, for example CD"
        )
    return frozenset(there & fixed)
