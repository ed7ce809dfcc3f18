"""Checks of the Drova API as this station needs it: whether it answers, the token, what it says of the station. Reads only."""

import shlex
import time
from email.utils import parsedate_to_datetime
from uuid import UUID

from pydantic import SecretStr

from drova_gate.cloud.answers import Answer, read_json, refusal
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.models import Account, Endpoint, Server
from drova_gate.cloud.token import FileTokenKeeper, token_file
from drova_gate.doctor import facts
from drova_gate.doctor.examination import Examination, Spec, Subject
from drova_gate.doctor.verdict import Cure, Verdict, Where, failed, fine, skipped, throttled, warned
from drova_gate.errors import (
    AnswerNotUnderstood,
    CloudForbidden,
    CloudRefused,
    CloudThrottled,
    CloudUnauthorised,
    CloudUnavailable,
)

__all__ = ["CHECKS"]

CLOCK_OFF = 10.0
CLOCK_WRONG = 300.0
"""Seconds. A date has whole seconds, an answer takes up to two; beyond five minutes certificates and session times no longer fit."""
SILENT_SECONDS = 300.0
"""Without a sign of life for so long a station is offline, whatever its state says."""
PUBLIC_PATH = "/accounting/statistics/most_popular_games"
"""Needs no token, and is small."""


async def _answer(exam: Examination) -> tuple[Answer, float]:
    """Make a public call: its answer, and when it came, in seconds since 1970."""
    answer = await exam.line.ask("GET", PUBLIC_PATH, token=None)
    return answer, time.time()


async def _token(exam: Examination) -> SecretStr:
    """The token that the gate would use: the settings' (or the one it was renewed to), else the station's own."""
    if (configured := exam.config.token) is not None:
        return FileTokenKeeper(token_file(exam.state_dir, configured)).load(configured) or configured
    return (await exam.once(facts.registrations)).current.token


async def _client(exam: Examination) -> DrovaClient:
    # Without a keeper it renews nothing: a renewal would make the running gate's token worthless.
    return DrovaClient(await exam.once(_token), base_url=exam.config.api_url, line=exam.line)


async def _account(exam: Examination) -> Account:
    return await (await exam.once(_client)).account()


async def _server_id(exam: Examination) -> UUID:
    return (await exam.once(facts.registrations)).current.server_id


async def _server(exam: Examination) -> Server:
    owner = (await exam.once(facts.registrations)).current.user_id or (await exam.once(_account)).uuid
    return await (await exam.once(_client)).server(await exam.once(_server_id), owner)


async def _endpoints(exam: Examination) -> tuple[Endpoint, ...]:
    return await (await exam.once(_client)).endpoints(await exam.once(_server_id))


# -- the API and its token -------------------------------------------------------------------------------------------


async def _cloud(exam: Examination) -> Verdict:
    place = exam.config.api_url
    look = Cure(
        Where.ROUTER, shlex.join(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}\\n", f"{place}{PUBLIC_PATH}"])
    )
    try:
        answer, _ = await exam.once(_answer)
    except CloudThrottled as error:
        return throttled(error)
    except CloudUnavailable as error:
        return failed(error.fact, "does this machine reach the internet, and is DROVA_API_URL right?", look)
    fault = refusal(answer, wall=time.time()) or _no_json(answer)
    if isinstance(fault, CloudThrottled):
        return throttled(fault)
    if isinstance(fault, CloudUnavailable):
        return failed(fault.fact, "Drova itself is in trouble; the gate waits, and ends no session for it", look)
    if fault is not None:
        return failed(fault.fact, f"something else than Drova answers; is DROVA_API_URL ({place}) right?", look)
    return fine(f"{place} answers")


def _no_json(answer: Answer) -> AnswerNotUnderstood | None:
    """A page of a provider or a router comes with status 200, too."""
    try:
        read_json(answer)
    except AnswerNotUnderstood as fault:
        return fault
    return None


async def _router_clock(exam: Examination) -> Verdict:
    answer, read_at = await exam.once(_answer)
    try:
        there = parsedate_to_datetime(answer.date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return skipped("the answer carries no date")
    ahead = read_at - there
    mend = Cure(Where.ROUTER, "timedatectl set-ntp true  # without systemd: ntpd -q -p pool.ntp.org")
    how = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} Drova's"
    if abs(ahead) > CLOCK_WRONG:
        return failed(how, "certificates and the times of sessions no longer fit; set it by the network", mend)
    if abs(ahead) > CLOCK_OFF:
        return warned(how, "the times of sessions are off by that; set it by the network", mend)
    return fine("as Drova's")


async def _token_check(exam: Examination) -> Verdict:
    merchant = exam.config.token is not None
    if not merchant:
        await exam.rest_on("registration")
    whose = "DROVA_TOKEN" if merchant else "the station's own token"
    renew = (
        Cure(Where.SETTINGS, "DROVA_TOKEN=  # a new one, from the QR code in Drova's cabinet")
        if merchant
        else Cure(Where.BY_HAND, "on the station, start Drova's program, sign out and in again")
    )
    try:
        await exam.once(_account)
    except CloudUnauthorised as error:
        if merchant:
            return failed(
                error.fact, "if the gate runs, it renews it by itself; if its log says it cannot, take a new one", renew
            )
        return failed(error.fact, "sign in to the Drova agent on the station again", renew)
    except CloudForbidden as error:
        return failed(error.fact, "the token may not even read its own account; take another one", renew)
    return fine(f"{whose} is accepted")


# -- what it says of the station -------------------------------------------------------------------------------------


async def _station(exam: Examination) -> Verdict:
    sign_in = Cure(Where.BY_HAND, "on the station, start Drova's program and sign in as the owner of the token")
    try:
        server = await exam.once(_server)
    except (CloudRefused, CloudForbidden) as error:
        return failed(error.fact, "the token's owner has no such station; whose registration is on the PC?", sign_in)
    name = f"{server.name or server.uuid}: {server.state}"
    if server.deleted:
        return failed(f"{name}, deleted", "Drova keeps it as deleted; register the station anew", sign_in)
    if server.state == "UNVERIFIED" or not server.ever_seen:
        return failed(
            f"{name}: it never reported to Drova", "start the agent, and pass Drova's own check of the station", sign_in
        )
    if server.verified not in (None, "READY"):
        return warned(f"{name}, {server.verified}", "Drova has not cleared it for players; look in the cabinet")
    silent = time.time() - (server.last_heartbeat or 0) / 1000
    if server.state == "OFFLINE" or silent > SILENT_SECONDS:
        ago = f", last heard of {silent / 60:.0f} min ago" if silent > SILENT_SECONDS else ""
        return warned(f"{name}{ago}", "Drova does not see the station; is its agent running, and its line up?")
    return fine(name)


async def _published(exam: Examination) -> Verdict:
    if (await exam.once(_server)).published:
        return fine("shown in the catalogue")
    return warned(
        "hidden from the catalogue",
        "nobody can rent it; show it, unless you hid it (the gate does not undo that)",
        Cure(Where.ROUTER, f"drova_gate publish {exam.config.name}"),
    )


async def _allow_desktop(exam: Examination) -> Verdict:
    if (await exam.once(_server)).allow_desktop is False:
        return warned(
            "the desktop cannot be rented, only single games",
            "the gate prepares desktop sessions; allow it, unless that is meant",
            Cure(Where.ROUTER, f"drova_gate desktop on {exam.config.name}"),
        )
    return fine("the desktop can be rented")


async def _updates(exam: Examination) -> Verdict:
    if (await exam.once(_server)).disable_updates:
        return warned(
            "updates of games are switched off",
            "players meet games that want an update first; switch them on, unless you update them yourself",
            Cure(Where.ROUTER, f"drova_gate updates on {exam.config.name}"),
        )
    return fine("games are updated")


async def _endpoints_check(exam: Examination) -> Verdict:
    found = await exam.once(_endpoints)
    told = ", ".join(f"{each.ip}:{each.base_port}" for each in found)
    if not found:
        return warned("none is announced: the agent has never started", "start the agent on the station")
    port = exam.config.listen_port
    if port is None:
        return fine(told)
    set_port = Cure(
        Where.BY_HAND,
        f"in Drova's cabinet, give the station the router's outside address and the port that leads to {port} here",
    )
    outside = [each for each in found if each.user_defined]
    straight = [each for each in found if not each.user_defined and each.externally_routable]
    if not outside:
        return failed(
            f"{told}: players go straight to the station, past the gate's port {port}",
            "nobody is held at the door while the station is prepared; announce the router's address",
            set_port,
        )
    if straight:
        places = ", ".join(f"{each.ip}:{each.base_port}" for each in straight)
        return failed(
            f"beside the gate's door, players may go straight to {places}",
            "take away the forwarding of that port on the router",
            Cure(Where.BY_HAND, f"on the router, remove the forwarding of port {straight[0].base_port} to the station"),
        )
    if not any(each.base_port == port for each in outside):
        ports = ", ".join(str(each.base_port) for each in outside)
        return warned(
            f"announced is port {ports}, the gate listens on {port}",
            f"fine if the router forwards {ports} to {port} here; otherwise set one of the two",
            Cure(Where.SETTINGS, f"DROVA_SOCKET_LISTEN={outside[0].base_port}"),
            set_port,
        )
    return fine(told)


_NEEDS = ("station",)

ROUTER_CLOCK = Spec("router_clock", Subject.ROUTER, ("cloud",), _router_clock)

CHECKS = (
    Spec("cloud", Subject.DROVA, (), _cloud),
    Spec("token", Subject.DROVA, ("cloud",), _token_check),
    Spec("station", Subject.DROVA, ("token", "registration"), _station),
    Spec("published", Subject.DROVA, _NEEDS, _published),
    Spec("allow_desktop", Subject.DROVA, _NEEDS, _allow_desktop),
    Spec("updates", Subject.DROVA, _NEEDS, _updates),
    Spec("endpoints", Subject.DROVA, _NEEDS, _endpoints_check),
)
