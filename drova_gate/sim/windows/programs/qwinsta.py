"""qwinsta.exe and ``query session``: headers and states are localised, session names are not."""

from drova_gate.sim.windows.program import Call

__all__ = ["query", "qwinsta"]

_STATES = {
    "en": {"active": "Active", "idle": "Conn", "gone": "Disc", "listen": "Listen"},
    "ru": {"active": "Активно", "idle": "Подключено", "gone": "Диск", "listen": "Прием"},
}


async def query(call: Call) -> int:
    """``query session``."""
    if [word.lower() for word in call.arguments[:1]] != ["session"]:
        call.complain(call.text("Invalid parameter(s)", "Недопустимые параметры"))
        return 1
    return _sessions(call)


async def qwinsta(call: Call) -> int:
    """List sessions."""
    return _sessions(call)


def _sessions(call: Call) -> int:
    states = _STATES[call.machine.language]
    person, session = call.machine.console, call.machine.console_session
    call.say(
        call.text(
            " SESSIONNAME       USERNAME                 ID  STATE   TYPE        DEVICE ",
            " СЕАНС             ПОЛЬЗОВАТЕЛЬ             ID  СТАТУС  ТИП         УСТР-ВО",
        )
    )
    rows = [
        ("services", "", 0, states["gone"]),
        ("console", person.name if person else "", session, states["active" if person else "idle"]),
        ("rdp-tcp", "", 65537, states["listen"]),  # a listener, no session
    ]
    for name, user, number, state in rows:
        call.say(f" {name:<17} {user:<20} {number:>6}  {state:<24}")
    return 0
