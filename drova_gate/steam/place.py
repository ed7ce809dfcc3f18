"""Where Steam is on a station, and whether it runs and who is signed in to it: from the registry, no translated word relied on."""

import re
from dataclasses import dataclass

from drova_gate.errors import AnswerNotUnderstood, CallOwner
from drova_gate.host.commands import Run, Section, sections
from drova_gate.host.link import HostLink
from drova_gate.host.parse import RegistryKeys, processes, registry_keys
from drova_gate.steam.libraries import windows_path

__all__ = ["SteamClient", "find_steam", "read_client"]

_MACHINE_KEYS = (r"HKLM\SOFTWARE\WOW6432Node\Valve\Steam", r"HKLM\SOFTWARE\Valve\Steam")
_USER_KEY = r"Software\Valve\Steam"
_UTF8 = Run("chcp.com", ("65001",))
"""A folder outside the console's code page would arrive as question marks."""
_USER_HIVE = re.compile(r"HKEY_USERS\\(S-1-(?:5-21|12-1)-[0-9-]+)")


async def find_steam(link: HostLink) -> str:
    """Find Steam's folder: the machine's word, else a user's; ``CallOwner`` when it is not installed."""
    done = await link.run(
        (
            _UTF8,
            Section("machine", tuple(Run("reg.exe", ("query", key, "/v", "InstallPath")) for key in _MACHINE_KEYS)),
            Section("hives", (Run("reg.exe", ("query", "HKU")),)),
        )
    )
    parts = sections(done.stdout)
    found = _first(registry_keys(parts.get("machine", "")), "InstallPath")
    if found:
        return found
    hives = registry_keys(parts.get("hives", ""))
    if not hives:
        raise AnswerNotUnderstood(link.subject, "its registry cannot be read (reg.exe shows nothing)", "asks again")
    sids = [match[1] for key in hives.keys if (match := _USER_HIVE.fullmatch(key.path))]
    if sids:
        queries = tuple(Run("reg.exe", ("query", rf"HKU\{sid}\{_USER_KEY}", "/v", "SteamPath")) for sid in sids)
        done = await link.run((_UTF8, Section("users", queries)))
        found = _first(registry_keys(sections(done.stdout).get("users", "")), "SteamPath")
    if not found:
        raise CallOwner(link.subject, "Steam is not installed there (its registry names no folder)", "install it there")
    return found


def _first(keys: RegistryKeys, name: str) -> str:
    return next((windows_path(text) for key in keys.keys if (text := key.text(name))), "")


@dataclass(frozen=True, slots=True)
class SteamClient:
    """The Steam of the console's user."""

    running: bool
    signed_in: bool
    """Somebody is signed in to the Steam that runs."""
    signs_in_by_itself: bool
    """An account is remembered, so that a Steam that is started signs in without a person."""


async def read_client(link: HostLink, sid: str) -> SteamClient:
    """Ask, with one command, whether the console user's Steam runs and who is signed in; ``sid`` may be empty: the SSH login himself."""
    key = rf"HKU\{sid}\{_USER_KEY}" if sid else rf"HKCU\{_USER_KEY}"
    done = await link.run(
        (
            Section("running", (Run("tasklist.exe", ("/fi", "imagename eq steam.exe", "/fo", "csv", "/nh")),)),
            # Without /s: below it are hundreds of apps.
            Section("user", (Run("reg.exe", ("query", key)), Run("reg.exe", ("query", rf"{key}\ActiveProcess")))),
        )
    )
    parts = sections(done.stdout)
    if "running" not in parts or "user" not in parts:
        raise AnswerNotUnderstood(link.subject, "its processes cannot be read", "asks again")
    keys = registry_keys(parts["user"]).keys
    active = next((value for one in keys if (value := one.value("ActiveUser"))), None)
    running = bool(processes(parts["running"]))
    return SteamClient(
        running=running,
        signed_in=running and active is not None and bool(active.number),
        signs_in_by_itself=any(one.text("AutoLoginUser").strip() for one in keys),
    )
