"""``drova_validate``: ordered checks of settings, station and cloud through the same code that guards them; changes nothing.

A check's code is a stable word. A check that rests on one that failed is skipped, and says on which.
"""

import errno
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from drova_gate.cloud.client import DrovaClient
from drova_gate.config import Config, StationConfig
from drova_gate.errors import CloudUnavailable, GateError, NobodySignedIn
from drova_gate.host.commands import Run, Section, sections
from drova_gate.host.identity import Registration, read_console, read_registrations
from drova_gate.host.link import HostLink
from drova_gate.host.parse import registry_keys
from drova_gate.host.probe import port_open
from drova_gate.host.volumes import read_fixed_volumes
from drova_gate.station import lockdown_of, protector_of, recipes_of
from drova_gate.visit import first_answer, visiting

__all__ = ["Check", "Outcome", "check_station", "validate_all"]

TCP_SECONDS = 5.0
"""For a TCP connection on a LAN; a station that is off answers nothing at all."""
CODE_WIDTH = len("memory_integrity")
"""The longest of the codes."""
HVCI_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity"
"""Memory Integrity of Windows 11, with which Shadow Defender's driver clashes."""


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"
    SKIPPED = "-"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table."""

    code: str
    outcome: Outcome
    found: str
    hint: str = ""


async def validate_all(config: Config, state_dir: Path, *, as_json: bool, colour: bool) -> int:
    """Check every station; 0 when nothing failed, 1 otherwise."""
    failed = False
    for station in config.stations:
        checks: list[Check] = []
        if not as_json:
            _print(f"station {station.name}" + (f" ({station.host})" if station.host != station.name else ""))
        async for check in check_station(station, state_dir):
            checks.append(check)
            if not as_json:
                # Line by line: a station that is off takes its time.
                _print(_as_lines(check, colour=colour))
        bad = sum(check.outcome is Outcome.FAIL for check in checks)
        failed = failed or bad > 0
        _print(_as_json(station, checks) if as_json else f"  {bad} failed" if bad else "  all right")
    return 1 if failed else 0


async def check_station(config: StationConfig, state_dir: Path) -> AsyncIterator[Check]:
    """Run the checks in order and yield each result as it is known."""
    yield Check("settings", Outcome.OK, "complete")
    yield _recipes(config)
    if config.listen_port is not None:
        yield _listen_port(config)
    if not await port_open(config.host, config.ssh_port, TCP_SECONDS):
        hint = "is the station on, its OpenSSH server running, and port 22 allowed in its firewall?"
        yield Check("tcp", Outcome.FAIL, f"no connection to {config.host}:{config.ssh_port}", hint)
        for code in ("ssh", "sftp", "protector", "volumes", "console", "registration", "cloud", "agent_port"):
            yield Check(code, Outcome.SKIPPED, "needs tcp")
        return
    yield Check("tcp", Outcome.OK, f"{config.host}:{config.ssh_port} takes connections")
    async with visiting(config, state_dir) as link:
        async for check in _over_ssh(config, link):
            yield check
    if await port_open(config.host, config.target_port, TCP_SECONDS):
        yield Check("agent_port", Outcome.OK, f"port {config.target_port} takes connections")
    else:
        yield Check(
            "agent_port",
            Outcome.FAIL,
            f"port {config.target_port} is closed",
            "start the Drova agent on the station, or set DROVA_TARGET_PORT",
        )


async def _over_ssh(config: StationConfig, link: HostLink) -> AsyncIterator[Check]:
    try:
        await first_answer(link)
    except GateError as error:
        yield Check("ssh", Outcome.FAIL, error.fact, error.advice)
        for code in ("sftp", "protector", "volumes", "console", "registration", "cloud"):
            yield Check(code, Outcome.SKIPPED, "needs ssh")
        return
    pinned = config.host_key or ("pinned" if link.pin_file else "is pinned at the gate's first start")
    yield Check(
        "ssh",
        Outcome.OK,
        f"logged in as {config.login}, shell {link.shell}, host key {link.host_key or '?'} ({pinned})",
    )
    yield await _guarded("sftp", lambda: _sftp(link))
    yield await _guarded("protector", lambda: _protection(config, link))
    yield await _guarded("volumes", lambda: _volumes(config, link))
    yield await _guarded("console", lambda: _console(link))
    yield await _guarded("memory_integrity", lambda: _memory_integrity(config, link))
    registrations: list[Registration] = []
    yield await _guarded("registration", lambda: _registration(link, registrations))
    if not registrations:
        yield Check("cloud", Outcome.SKIPPED, "needs registration")
        return
    yield await _guarded("cloud", lambda: _cloud(config, registrations))


async def _guarded(code: str, check: Callable[[], Awaitable[Check]]) -> Check:
    try:
        return await check()
    except NobodySignedIn as error:
        return Check(code, Outcome.WARN, error.fact, error.advice)
    except CloudUnavailable as error:
        return Check(
            code, Outcome.FAIL, error.fact, "does this machine reach the internet, and is DROVA_API_URL right?"
        )
    except GateError as error:
        return Check(code, Outcome.FAIL, error.fact, error.advice)


# -- single checks ---------------------------------------------------------------------------------------------------


def _recipes(config: StationConfig) -> Check:
    try:
        recipes = recipes_of(config)
        lockdown = lockdown_of(config)
    except GateError as error:
        return Check("recipes", Outcome.FAIL, str(error))
    locks = sum(1 for _ in lockdown)
    signed_out = sum(recipe.enabled for recipe in recipes)
    return Check(
        "recipes", Outcome.OK, f"{signed_out} launchers and browsers are signed out, {locks} switches lock the desktop"
    )


def _listen_port(config: StationConfig) -> Check:
    family = socket.AF_INET6 if ":" in config.listen_host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.listen_host, config.listen_port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return Check(
                    "listen_port",
                    Outcome.WARN,
                    f"port {config.listen_port} is in use",
                    "fine if the gate itself runs now; otherwise choose another DROVA_SOCKET_LISTEN",
                )
            return Check(
                "listen_port",
                Outcome.FAIL,
                f"{config.listen_host}:{config.listen_port} cannot be opened ({error.strerror})",
                "set DROVA_LISTEN_HOST to an address of this machine and DROVA_SOCKET_LISTEN to a port above 1023",
            )
    return Check("listen_port", Outcome.OK, f"port {config.listen_port} is free")


async def _sftp(link: HostLink) -> Check:
    folder = link.variables["ProgramData"]
    if not await link.exists(folder):
        return Check(
            "sftp",
            Outcome.FAIL,
            f"{folder} is not to be seen over SFTP",
            "look for Subsystem sftp in the station's sshd_config",
        )
    return Check("sftp", Outcome.OK, f"{folder} is there")


async def _protection(config: StationConfig, link: HostLink) -> Check:
    protector = protector_of(config)
    if not protector.forgets:
        return Check(
            "protector",
            Outcome.WARN,
            "DROVA_PROTECTOR=none: what players write stays on the disk",
            "install Shadow Defender, unless something else rolls this station back",
        )
    done = await link.run(protector.status())
    protection = protector.read_status(sections(done.stdout))
    if protection.fault is not None or protection.shadowed is None:
        fault = protection.fault
        return Check(
            "protector",
            Outcome.FAIL,
            fault.fact if fault else "its list was not seen",
            fault.advice if fault else "try again",
        )
    if protection.shadowed:
        letters = "".join(sorted(protection.shadowed))
        return Check(
            "protector",
            Outcome.WARN,
            f"the password is right; {letters} in Shadow Mode now",
            "fine while a player is in; your own Shadow Mode is left alone by the gate",
        )
    return Check("protector", Outcome.OK, "Shadow Defender takes the password; no volume is in Shadow Mode")


async def _volumes(config: StationConfig, link: HostLink) -> Check:
    fixed = await read_fixed_volumes(link)
    letters = "".join(sorted(fixed))
    if config.drives is None:
        return Check("volumes", Outcome.OK, f"all fixed volumes are protected: {letters}")
    wanted = "".join(sorted(config.drives))
    if missing := config.drives - fixed:
        return Check(
            "volumes",
            Outcome.FAIL,
            f"SHADOW_DEFENDER_DRIVES={wanted}, but {''.join(sorted(missing))} is no fixed volume of the station ({letters})",
            "write letters that are there",
        )
    if left := fixed - config.drives:
        return Check(
            "volumes",
            Outcome.WARN,
            f"{wanted} protected; {''.join(sorted(left))} is not, and players can write there for good",
            "add it to SHADOW_DEFENDER_DRIVES, unless that is meant",
        )
    return Check("volumes", Outcome.OK, f"protected: {wanted}")


async def _console(link: HostLink) -> Check:
    console = await read_console(link)
    account = "the SSH login's own account" if console.same_as_login else f"account {console.user}"
    return Check("console", Outcome.OK, f"session {console.session_id}, {account}")


async def _memory_integrity(config: StationConfig, link: HostLink) -> Check:
    if config.protector != "shadow_defender":
        return Check("memory_integrity", Outcome.SKIPPED, "matters to Shadow Defender only")
    done = await link.run((Section("hvci", (Run("reg.exe", ("query", HVCI_KEY, "/v", "Enabled")),)),))
    keys = registry_keys(sections(done.stdout).get("hvci", ""))
    on = any(
        value.data.casefold() == "0x1"
        for key in keys.keys
        for value in key.values
        if value.name.casefold() == "enabled"
    )
    if on:
        return Check(
            "memory_integrity",
            Outcome.WARN,
            "Memory Integrity (HVCI) is on; Shadow Defender's driver is known to clash with it",
            "switch it off in Windows Security, Device security, Core isolation",
        )
    return Check("memory_integrity", Outcome.OK, "off, as Shadow Defender needs it")


async def _registration(link: HostLink, found: list[Registration]) -> Check:
    registrations = await read_registrations(link)
    found.extend(registrations.all)
    if len(found) > 1:
        return Check(
            "registration",
            Outcome.WARN,
            f"{len(found)} registrations; the agent last used {found[0].server_id}",
            "remove old ones if this is not the station you mean",
        )
    return Check("registration", Outcome.OK, f"server {found[0].server_id}")


async def _cloud(config: StationConfig, registrations: list[Registration]) -> Check:
    first = registrations[0]
    async with DrovaClient(config.token or first.token, base_url=config.api_url) as client:
        sessions = await client.sessions(first.server_id, limit=5)
        owner = first.user_id or (await client.account()).uuid
        server = await client.server(first.server_id, owner)
    shown = "shown in the catalogue" if server.published else "hidden from the catalogue"
    running = sum(session.status not in ("FINISHED", "ABORTED") for session in sessions)
    return Check("cloud", Outcome.OK, f"{server.name}: {server.state}, {shown}, {running} session(s) going on")


# -- output ----------------------------------------------------------------------------------------------------------

_COLOURS = {Outcome.OK: "32", Outcome.WARN: "33", Outcome.FAIL: "31", Outcome.SKIPPED: "2"}


def _as_lines(check: Check, *, colour: bool) -> str:
    mark = f"{check.outcome:<4}"
    if colour:
        mark = f"\x1b[{_COLOURS[check.outcome]}m{mark}\x1b[0m"
    line = f"  {mark}  {check.code:<{CODE_WIDTH}}  {check.found}"
    if check.hint and check.outcome in (Outcome.WARN, Outcome.FAIL):
        line += f"\n  {'':4}  {'':{CODE_WIDTH}}  -> {check.hint}"
    return line


def _as_json(config: StationConfig, checks: list[Check]) -> str:
    return json.dumps(
        {
            "station": config.name,
            "checks": [
                {"code": one.code, "outcome": one.outcome, "found": one.found, "hint": one.hint} for one in checks
            ],
        },
        ensure_ascii=False,
    )


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
