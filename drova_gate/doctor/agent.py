"""Checks of Drova's agent on the station: its registration, its process, its port."""

from drova_gate.doctor import facts
from drova_gate.doctor.examination import Examination, Spec, Subject
from drova_gate.doctor.verdict import Cure, Verdict, Where, failed, fine, warned
from drova_gate.errors import RegistrationMissing
from drova_gate.host.probe import port_open

__all__ = ["CHECKS"]

TCP_SECONDS = 5.0


async def _registration(exam: Examination) -> Verdict:
    try:
        found = await exam.once(facts.registrations)
    except RegistrationMissing as missing:
        return failed(
            missing.fact,
            "start the Drova agent there and sign in to it",
            Cure(Where.BY_HAND, "on the station, start Drova's program and sign in as the owner, then run this again"),
        )
    if len(found.all) > 1:
        old = [each.server_id for each in found.all[1:]]
        return warned(
            f"{len(found.all)} registrations; the agent last used {found.current.server_id}",
            "the gate takes that one; remove the others if it is the station you mean",
            *(
                Cure(Where.STATION, rf"Remove-Item 'HKLM:\SOFTWARE\ITKey\Esme\servers\{each}'")
                for each in old
                if found.last_server is not None
            ),
        )
    if found.last_server is not None and found.last_server != found.current.server_id:
        return warned(
            f"server {found.current.server_id}, but the agent last used {found.last_server}, which has no token",
            "start the agent and sign in again, so that both are one",
        )
    return fine(f"server {found.current.server_id}")


async def _agent(exam: Examination) -> Verdict:
    if not any(each.name.casefold() == facts.AGENT_PROGRAM for each in await exam.once(facts.running)):
        return failed(
            f"{facts.AGENT_PROGRAM} does not run",
            "the station is offline for players; start the Drova agent",
            Cure(Where.BY_HAND, "on the station, start Drova's program, and see to it that it starts with Windows"),
        )
    return fine(f"{facts.AGENT_PROGRAM} runs")


async def _agent_port(exam: Examination) -> Verdict:
    port = exam.config.target_port
    if await port_open(exam.config.host, port, TCP_SECONDS):
        return fine(f"port {port} takes connections")
    return failed(
        f"port {port} is closed",
        "start the Drova agent on the station, or set DROVA_TARGET_PORT",
        Cure(Where.STATION, f"Get-Process esme, ese; Get-NetTCPConnection -State Listen -LocalPort {port}"),
        Cure(Where.SETTINGS, "DROVA_TARGET_PORT=7985"),
    )


CHECKS = (
    Spec("registration", Subject.DROVA, ("registry",), _registration),
    Spec("agent", Subject.DROVA, ("max_sessions",), _agent),
    Spec("agent_port", Subject.DROVA, (), _agent_port),
)
