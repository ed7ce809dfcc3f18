"""Checks of what makes the disk forget, and of what would hinder it; and of who may reach the station at all."""

import ipaddress
import re

from drova_gate.doctor import facts
from drova_gate.doctor.examination import Examination, Spec, Subject
from drova_gate.doctor.verdict import Cure, Verdict, Where, failed, fine, powershell_word, skipped, warned
from drova_gate.errors import ProtectorMissing, ProtectorRefused
from drova_gate.protect.protector import Protection
from drova_gate.station import protector_of

__all__ = ["CHECKS", "is_service_up", "shadowed"]

ROOM_LEAST = 2e9
ROOM_ENOUGH = 20e9
"""Free bytes of a volume in Shadow Mode: a player's downloads go there until the reset, and a game's update takes some ten GB."""

_RUNNING = re.compile(r":\s+4\s+RUNNING\b")
"""As ``sc.exe`` prints a state: the number and the word are Windows' constants."""
_STATE = re.compile(r":\s+[1-7]\s+(STOPPED|\w+_PENDING|RUNNING|PAUSED)\b")


def is_service_up(listing: str) -> bool:
    """Whether ``sc.exe query`` says that a service runs."""
    return _RUNNING.search(listing) is not None


async def _protection(exam: Examination) -> Protection:
    protector = protector_of(exam.config)
    return protector.read_status(await exam.run(protector.status()))


async def shadowed(exam: Examination) -> frozenset[str]:
    """Volumes in Shadow Mode now; empty also when it is not known."""
    return (await exam.once(_protection)).shadowed or frozenset()


async def _protector(exam: Examination) -> Verdict:
    if not protector_of(exam.config).forgets:
        return warned(
            "DROVA_PROTECTOR=none: what players write stays on the disk",
            "install Shadow Defender, unless something else rolls this station back",
            Cure(Where.SETTINGS, "DROVA_PROTECTOR=shadow_defender"),
        )
    protection = await exam.once(_protection)
    if protection.shadowed is None:
        fault = protection.fault
        if isinstance(fault, ProtectorMissing):
            cure = Cure(Where.BY_HAND, "install Shadow Defender on the station, set its password, reboot")
        elif isinstance(fault, ProtectorRefused):
            cure = Cure(Where.SETTINGS, "SHADOW_DEFENDER_PASSWORD=  # the one that Shadow Defender asks for")
        else:
            cure = Cure(Where.STATION, r"& 'C:\Program Files\Shadow Defender\CmdTool.exe' /pwd:YOURS /list")
        return failed(fault.fact if fault else "its list was not seen", fault.advice if fault else "try again", cure)
    if protection.shadowed:
        letters = "".join(sorted(protection.shadowed))
        return warned(
            f"the password is right; {letters} in Shadow Mode now",
            "fine while a player is in; your own Shadow Mode is left alone by the gate",
        )
    return fine("Shadow Defender takes the password; no volume is in Shadow Mode")


async def _protector_service(exam: Examination) -> Verdict:
    if exam.config.protector != "shadow_defender":
        return skipped("another protector")
    found = await exam.once(facts.services)
    stopped = [
        name
        for name, code in (("its service", "protector"), ("its driver diskpt", "driver"))
        if _STATE.search(found.get(code, "")) and not is_service_up(found[code])
    ]
    if stopped:
        return failed(
            f"{' and '.join(stopped)} of Shadow Defender not running",
            "a list that it tells now is worth nothing; reboot the station, then install it anew if that does not help",
            Cure(Where.STATION, f"Get-Service '{facts.SHADOW_SERVICE}' | Start-Service"),
            Cure(Where.STATION, "shutdown /r /t 0"),
        )
    if not any(is_service_up(found.get(code, "")) for code in ("protector", "driver")):
        return warned(
            "neither its service nor its driver is known to Windows under the names of version 1.5",
            "its own list is what counts; tell us its version if it works",
        )
    return fine("service and driver run")


async def _volumes(exam: Examination) -> Verdict:
    fixed = await exam.once(facts.volumes)
    letters = "".join(sorted(fixed))
    if exam.config.drives is None:
        return fine(f"all fixed volumes are protected: {letters}")
    wanted = "".join(sorted(exam.config.drives))
    if missing := exam.config.drives - fixed:
        return failed(
            f"SHADOW_DEFENDER_DRIVES={wanted}, but {''.join(sorted(missing))} is no fixed volume of the station ({letters})",
            "write letters that are there",
            Cure(Where.SETTINGS, f"SHADOW_DEFENDER_DRIVES={letters}"),
        )
    if left := fixed - exam.config.drives:
        return warned(
            f"{wanted} protected; {''.join(sorted(left))} is not, and players can write there for good",
            "add it to SHADOW_DEFENDER_DRIVES, unless that is meant",
            Cure(Where.SETTINGS, f"SHADOW_DEFENDER_DRIVES={letters}"),
        )
    return fine(f"protected: {wanted}")


async def _free_space(exam: Examination) -> Verdict:
    there = await exam.once(facts.volumes)
    wanted = sorted(there if exam.config.drives is None else there & exam.config.drives)
    free = {letter: await exam.link.free_space(f"{letter}:\\") for letter in wanted}
    told = {letter: room for letter, room in free.items() if room is not None}
    if not told:
        return skipped("this SSH server does not tell the space left on a volume")
    shown = ", ".join(f"{letter}: {room / 1e9:.0f} GB" for letter, room in told.items())
    least = min(told.values())
    if least < ROOM_ENOUGH:
        hint = "a player's downloads go there until the reset, and a full volume stops his game; make room"
        cure = Cure(Where.STATION, "Get-Volume; cleanmgr /lowdisk")
        found = f"left: {shown}"
        return failed(found, hint, cure) if least < ROOM_LEAST else warned(found, hint, cure)
    return fine(f"left: {shown}")


async def _memory_integrity(exam: Examination) -> Verdict:
    if exam.config.protector != "shadow_defender":
        return skipped("matters to Shadow Defender only")
    key = rf"{facts.CONTROL}\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity"
    switch = facts.value(await exam.once(facts.system), key, "Enabled")
    if switch is not None and switch.number == 1:
        return warned(
            "Memory Integrity (HVCI) is on; Shadow Defender's driver is known to clash with it",
            "switch it off in Windows Security, Device security, Core isolation",
            Cure(Where.STATION, rf"Set-ItemProperty 'HKLM:\{key[5:]}' Enabled 0"),
            Cure(Where.STATION, "shutdown /r /t 0"),
        )
    return fine("off, as Shadow Defender needs it")


async def _capture(exam: Examination) -> Verdict:
    if any(each.name.casefold() == "ffmpeg.exe" for each in await exam.once(facts.running)):
        return warned(
            "ffmpeg.exe runs: with a capture of the desktop under way Shadow Mode has been seen to fail",
            "end it before sessions, or let it record from outside the station",
            Cure(Where.STATION, "Get-Process ffmpeg | Stop-Process"),
        )
    return fine("none that hinders Shadow Mode")


# -- the firewall ----------------------------------------------------------------------------------------------------


_PROFILES = {
    rf"{facts.FIREWALL}\DomainProfile": "Domain",
    rf"{facts.FIREWALL}\StandardProfile": "Private",
    rf"{facts.FIREWALL}\PublicProfile": "Public",
}
"""Kinds of networks by their keys, as ``Get-NetFirewallProfile`` names them."""


def _addresses(fields: dict[str, list[str]]) -> list[str]:
    return [text for name in ("RA4", "RA42", "RA6", "RA62") for text in fields.get(name, [])]


def _covers(place: str, address: str) -> bool:
    try:
        low, _, high = place.partition("-")
        if high:
            return ipaddress.ip_address(low) <= ipaddress.ip_address(address) <= ipaddress.ip_address(high)  # type: ignore[operator]  # one family, or TypeError
        return ipaddress.ip_address(address) in ipaddress.ip_network(place, strict=False)
    except (ValueError, TypeError):
        return False


def _is_about(fields: dict[str, list[str]], port: int, program: str) -> bool:
    """Whether a rule is about this port or this program."""
    ports, programs = fields.get("LPort", []), fields.get("App", [])
    ours = any(each.casefold().endswith(program) for each in programs)
    if programs and not ours:
        return False
    if fields.get("Protocol", ["6"]) != ["6"] or "Svc" in fields:
        return False
    return _holds(ports, port) if ports else ours


def _holds(ports: list[str], port: int) -> bool:
    for text in ports:
        low, _, high = text.partition("-")
        if low.isdecimal() and int(low) <= port <= int(high if high.isdecimal() else low):
            return True
    return False


async def _firewall_ssh(exam: Examination) -> Verdict:
    profiles = await exam.once(facts.firewall)
    # Which of them holds is the network's: one that is off may be the one.
    off = [
        name
        for key, name in _PROFILES.items()
        if (on := facts.value(profiles, key, "EnableFirewall")) and not on.number
    ]
    if off:
        return warned(
            "Windows Firewall is off"
            if len(off) == len(_PROFILES)
            else f"Windows Firewall is off for {', '.join(off)}",
            "everybody in the station's network may try its SSH password; switch it on",
            Cure(Where.STATION, "Set-NetFirewallProfile -All -Enabled True"),
        )
    words = (await exam.once(facts.surroundings))["connection"].split()
    us = words[0] if len(words) == 4 else ""
    port = int(words[3]) if len(words) == 4 and words[3].isdecimal() else exam.config.ssh_port
    open_to: dict[str, list[str]] = {
        name: _addresses(fields)
        for name, fields in await exam.once(facts.rules)
        if fields.get("Action") == ["Allow"] and _is_about(fields, port, r"\sshd.exe")
    }
    if not open_to:
        return warned(
            f"no rule lets port {port} in, and yet it is open",
            "is another firewall at work there? see to it that only this machine may reach the port",
            Cure(
                Where.STATION, "Get-NetFirewallRule -Direction Inbound -Enabled True | Where-Object Name -like '*ssh*'"
            ),
        )
    limit = us if _is_address(us) else "ADDRESS-OF-THE-ROUTER"
    wide = [name for name, places in open_to.items() if not places or not all(_narrow(each, us) for each in places)]
    if wide:
        whom = "anybody" if any(not open_to[name] for name in wide) else "more than this machine"
        return warned(
            f"lets {whom} in (rule {', '.join(wide)})",
            "a neighbour or a renter on the same network may try the password; let this machine in alone",
            *(
                Cure(Where.STATION, f"Set-NetFirewallRule -Name {powershell_word(name)} -RemoteAddress {limit}")
                for name in wide
            ),
        )
    return fine(f"lets in {us or 'single addresses'} alone")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _narrow(place: str, us: str) -> bool:
    """Whether a rule's address is a single one; ours, when we know it."""
    if us:
        try:
            network = ipaddress.ip_network(place, strict=False)
        except ValueError:
            return False
        return network.num_addresses == 1 and _covers(place, us)
    return "-" not in place and place[:1].isdigit() and "/" not in place


async def _firewall_agent(exam: Examination) -> Verdict:
    port = exam.config.target_port
    words = (await exam.once(facts.surroundings))["connection"].split()
    us = words[0] if len(words) == 4 else ""
    blocking = [
        name
        for name, fields in await exam.once(facts.rules)
        if fields.get("Action") == ["Block"]
        and any(_is_about(fields, port, program) for program in (r"\esme.exe", r"\ese.exe"))
        and (not _addresses(fields) or not us or any(_covers(each, us) for each in _addresses(fields)))
    ]
    if blocking:
        return failed(
            f"a rule blocks port {port} or the agent (rule {', '.join(blocking)})",
            "a block beats every permission, Drova's own too; take it out",
            *(Cure(Where.STATION, f"Disable-NetFirewallRule -Name {powershell_word(name)}") for name in blocking),
        )
    return fine(f"nothing blocks port {port}")


_NEEDS = ("registry",)

CHECKS = (
    Spec("protector", Subject.PROTECTION, ("max_sessions",), _protector),
    Spec("protector_service", Subject.PROTECTION, ("protector",), _protector_service),
    Spec("volumes", Subject.PROTECTION, _NEEDS, _volumes),
    Spec("free_space", Subject.PROTECTION, ("volumes",), _free_space),
    Spec("memory_integrity", Subject.PROTECTION, _NEEDS, _memory_integrity),
    Spec("capture", Subject.PROTECTION, ("max_sessions",), _capture),
    Spec("firewall_ssh", Subject.PROTECTION, _NEEDS, _firewall_ssh),
    Spec("firewall_agent", Subject.PROTECTION, _NEEDS, _firewall_agent),
)
