"""Console programs of Windows and of the tools on a station, each with its real output, language and exit codes."""

from drova_gate.sim.windows.program import Handler
from drova_gate.sim.windows.programs import (
    cmdtool,
    console,
    netsh,
    power,
    psexec,
    qwinsta,
    reg,
    schtasks,
    service_control,
    shutdown,
    taskkill,
    tasklist,
    text,
    volumes,
)

__all__ = ["standard_programs"]


def standard_programs() -> dict[str, Handler]:
    """Lower-case image name to handler; a new mapping each time."""
    return {
        "attrib.exe": volumes.attrib,
        "chcp.com": console.chcp,
        "cmdtool.exe": cmdtool.cmdtool,
        "find.exe": text.find,
        "findstr.exe": text.findstr,
        "fsutil.exe": volumes.fsutil,
        "getmac.exe": console.getmac,
        "hostname.exe": console.hostname,
        "icacls.exe": volumes.icacls,
        "netsh.exe": netsh.netsh,
        "ping.exe": console.ping,
        "powercfg.exe": power.powercfg,
        "psexec.exe": psexec.psexec,
        "query.exe": qwinsta.query,
        "qwinsta.exe": qwinsta.qwinsta,
        "reg.exe": reg.reg,
        "sc.exe": service_control.sc,
        "schtasks.exe": schtasks.schtasks,
        "shutdown.exe": shutdown.shutdown,
        "taskkill.exe": taskkill.taskkill,
        "tasklist.exe": tasklist.tasklist,
        "timeout.exe": console.timeout,
        "where.exe": console.where,
        "whoami.exe": console.whoami,
    }
