"""What can be found out about a station while its settings are asked for; changes nothing there."""

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from drova_gate.cloud.client import DrovaClient
from drova_gate.config import StationConfig
from drova_gate.errors import AnswerNotUnderstood, GateError, NobodySignedIn, RegistrationMissing
from drova_gate.host.commands import sections
from drova_gate.host.identity import Registration, read_console, read_registrations
from drova_gate.host.volumes import read_fixed_volumes
from drova_gate.station import protector_of
from drova_gate.visit import first_answer, visiting

__all__ = ["Found", "free_port", "look_at", "no_host", "protector_fault", "unanswered"]

CONNECT_SECONDS = 5.0
"""For a TCP connection in a LAN."""
CLOUD_SECONDS = 5.0
"""For a question that is worth a good default, and no more."""
SHADOW_DEFENDER = r"C:\Program Files\Shadow Defender\CmdTool.exe"
USUAL_PORT = 7985
"""Drova's own; behind it 7001 and so on, as the examples have them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a station told of itself."""

    facts: tuple[str, ...]
    """Sentences for the owner."""
    shadow_defender: bool
    """Its program is where it is usually installed."""
    announced: int | None = None
    """The port that the owner has told Drova to send players to."""


def no_host(text: str) -> str:
    """Say what is wrong with an address; empty: nothing."""
    if not text or re.search(r"[\s/@]", text):
        return f"{text!r} is no address; write one like 192.168.1.20"
    if re.fullmatch(r"[\d.]+|.*:.*", text):
        # The system's resolver takes 192.168.1 for 192.168.0.1.
        try:
            ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return f"{text!r} is no whole address; write one like 192.168.1.20"
    try:
        socket.getaddrinfo(text, None)
    except OSError as error:
        return f"{text!r} is not known to this machine ({error.strerror}); write the address itself, like 192.168.1.20"
    return ""


async def unanswered(host: str, port: int) -> str:
    """Say why nobody takes a connection there; empty: somebody does."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no answer within {CONNECT_SECONDS:g} s"
    except OSError as error:
        return error.strerror or str(error)
    writer.close()
    return ""


async def look_at(config: StationConfig, state_dir: Path) -> Found:
    """Log in and look around; a refusal of the login is raised."""
    async with visiting(config, state_dir) as link:
        await first_answer(link)
        told = []
        announced = None
        try:
            found = await read_registrations(link)
        except (RegistrationMissing, AnswerNotUnderstood) as error:
            told.append(f"Drova: {error.fact}; {error.advice}")
        else:
            more = f", one of {len(found.all)} registrations" if len(found.all) > 1 else ""
            told.append(f"Drova: registered as {found.current.server_id}{more}")
            announced = await _announced(found.current, config.api_url)
        try:
            told.append(f"volumes: {', '.join(sorted(await read_fixed_volumes(link)))}")
        except AnswerNotUnderstood as error:
            told.append(f"volumes: {error.fact}; {error.advice}")
        try:
            console = await read_console(link)
        except (NobodySignedIn, AnswerNotUnderstood) as error:
            told.append(f"desktop: {error.fact}; {error.advice}")
        else:
            whose = "the gate's own login" if console.same_as_login else f"{console.user}, not the gate's login"
            told.append(f"desktop: {whose}, session {console.session_id}")
        return Found(tuple(told), await link.exists(SHADOW_DEFENDER), announced)


async def _announced(registration: Registration, api_url: str) -> int | None:
    """The port that players are sent to by the owner's word; ``None`` also when Drova does not tell: the doctor will say why."""
    client = DrovaClient(registration.token, base_url=api_url, timeout=CLOUD_SECONDS)
    try:
        async with client, asyncio.timeout(CLOUD_SECONDS):
            endpoints = await client.endpoints(registration.server_id)
    except (GateError, TimeoutError):
        return None
    return next((one.base_port for one in endpoints if one.user_defined and one.base_port), None)


async def protector_fault(config: StationConfig, state_dir: Path) -> GateError | None:
    """Ask the protector whether it takes the password; ``None``: it does."""
    async with visiting(config, state_dir) as link:
        await first_answer(link)
        protector = protector_of(config)
        return protector.read_status(sections((await link.run(protector.status())).stdout)).fault


def free_port(taken: frozenset[int], announced: int | None = None) -> int:
    """Propose a port to listen on: the one that players are sent to if it may be, else one that is free and no other station's."""
    port: int
    for port in (*([announced] if announced else ()), USUAL_PORT, *range(7001, 7100)):
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104 - whether it could be; nothing listens
            except OSError:
                continue
        return port
    return USUAL_PORT
