"""PsExec: everything it says goes to stderr; with ``-d`` the exit code is the new process's id."""

from drova_gate.sim.windows.program import Call, ProgramNotFound, split_line

__all__ = ["psexec"]

_BANNER = "\r\nPsExec v2.43 - Execute processes remotely\r\nCopyright (C) 2001-2023 Mark Russinovich\r\nSysinternals - www.sysinternals.com\r\n"
_EULA = r"HKCU\Software\Sysinternals\PsExec"
_WITH_VALUE = frozenset({"-u", "-p", "-n", "-w", "-a", "-r"})
_FLAGS = frozenset({"-d", "-h", "-l", "-s", "-e", "-accepteula", "-nobanner", "-x", "-c", "-f", "-v"})


async def psexec(call: Call) -> int:
    """Start a program on the desktop (``-i``) or in session 0."""
    words = call.arguments
    flags: set[str] = set()
    session: int | None = None
    position = 0
    while position < len(words) and words[position][:1] in "-/":
        flag = "-" + words[position][1:].lower()
        position += 1
        if flag == "-i":
            session = call.machine.console_session
            if position < len(words) and words[position].isdigit():
                session = int(words[position])
                position += 1
        elif flag in _WITH_VALUE:
            position += 1
        elif flag in _FLAGS:
            flags.add(flag)
        else:
            return _usage(call)
    command = words[position:]
    if not command:
        return _usage(call)
    accepted = call.machine.registry.get(_EULA, "EulaAccepted")
    if "-accepteula" not in flags and accepted is None:
        # The licence dialog waits for a click that never comes; -1 is what a user sees after ending it.
        call.complain("This is the first run of this program. You must accept EULA to continue.")
        return 0xFFFFFFFF
    if "-nobanner" not in flags:
        call.complain(_BANNER)
    return await _start(call, command, session, detached="-d" in flags)


async def _start(call: Call, command: list[str], session: int | None, *, detached: bool) -> int:
    line = " ".join(f'"{word}"' if " " in word else word for word in command)
    if session is not None:
        process = call.machine.start_on_desktop(line, session)
        if process is None:
            return _could_not(call, command[0])
        if detached:
            call.complain(f"{command[0]} started on {call.machine.computer} with process ID {process.pid}.")
            return process.pid
        call.complain(f"{command[0]} exited on {call.machine.computer} with error code 0.")
        return 0
    try:
        finished = await call.machine.start(line, environment=call.environment, directory=call.directory)
    except ProgramNotFound:
        return _could_not(call, command[0])
    call.stdout += finished.stdout
    call.stderr += finished.stderr
    image = split_line(line)[0].rpartition("\\")[2]
    if detached:
        pid = call.machine.processes.start(image, 0).pid
        call.machine.processes.kill(pid)
        call.complain(f"{command[0]} started on {call.machine.computer} with process ID {pid}.")
        return pid
    call.complain(f"{command[0]} exited on {call.machine.computer} with error code {finished.code}.")
    return finished.code


def _could_not(call: Call, program: str) -> int:
    call.complain(f"PsExec could not start {program} on {call.machine.computer}:")
    call.complain(call.text("The system cannot find the file specified.", "Не удается найти указанный файл."))
    return 2


def _usage(call: Call) -> int:
    call.complain(
        "Usage: psexec [\\\\computer[,computer2[,...] | @file]][-u user [-p psswd]][-n s][-r servicename] cmd [arguments]"
    )
    return 0xFFFFFFFF
