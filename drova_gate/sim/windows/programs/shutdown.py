"""shutdown.exe: 0 accepted, 1190 already scheduled, 1116 nothing to abort, 87 wrong words."""

from drova_gate.sim.windows.program import Call

__all__ = ["shutdown"]

_DEFAULT_DELAY = 30.0
"""Seconds, when ``/t`` is not given."""


async def shutdown(call: Call) -> int:
    """Restart, power off or abort."""
    machine = call.machine
    flags: set[str] = set()
    delay = _DEFAULT_DELAY
    words = iter(call.arguments)
    for word in words:
        flag = "/" + word[1:].lower()
        if flag in ("/t", "/d", "/c"):
            value = next(words, "")
            if flag == "/t":
                if not value.isdigit():
                    return _usage(call)
                delay = float(value)
        elif flag in ("/r", "/s", "/f", "/a", "/g", "/sg", "/p"):
            flags.add(flag)
        else:
            return _usage(call)
    if "/a" in flags:
        if not machine.reboot_wanted.is_set():
            call.complain(
                call.text(
                    "Unable to abort the system shutdown because no shutdown was in progress.(1116)",
                    "Не удается прервать завершение работы системы, так как завершение работы не выполняется.(1116)",
                )
            )
            return 1116
        machine.reboot_wanted.clear()
        return 0
    if not flags & {"/r", "/s", "/g", "/sg", "/p"}:
        return _usage(call)
    if machine.reboot_wanted.is_set():
        call.complain(
            call.text(
                "A system shutdown has already been scheduled.(1190)",
                "Завершение работы системы уже запланировано.(1190)",
            )
        )
        return 1190
    if flags & {"/r", "/g"}:
        machine.want_reboot(delay)
    else:
        machine.halt()
    return 0


def _usage(call: Call) -> int:
    call.say(
        call.text(
            "Usage: shutdown [/i | /l | /s | /sg | /r | /g | /a | /p]",
            "Использование: shutdown [/i | /l | /s | /sg | /r | /g | /a | /p]",
        )
    )
    return 87
