"""tasklist.exe: csv, list and table, with filters."""

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne

from drova_gate.sim.windows.processes import Process
from drova_gate.sim.windows.program import Call

__all__ = ["WrongFilter", "accepted", "tasklist"]

_HEADERS = {
    "en": ("Image Name", "PID", "Session Name", "Session#", "Mem Usage"),
    "ru": ("Имя образа", "PID", "Имя сессии", "№ сеанса", "Память"),
}
_WIDTHS = (25, 8, 16, 11, 12)
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "eq": eq,
    "ne": ne,
    "gt": gt,
    "lt": lt,
    "ge": ge,
    "le": le,
}


class WrongFilter(ValueError):
    """A filter that Windows does not know."""


async def tasklist(call: Call) -> int:
    """List processes; 0 also when no process passes the filters, with a localised line on stdout."""
    words = call.arguments
    form, header, filters = "table", True, list[str]()
    position = 0
    while position < len(words):
        flag = words[position].lower().replace("-", "/", 1)
        position += 1
        if flag == "/nh":
            header = False
        elif flag in ("/fo", "/fi") and position < len(words):
            if flag == "/fo":
                form = words[position].lower()
            else:
                filters.append(words[position])
            position += 1
        else:
            return _wrong(call)
    if form not in ("table", "csv", "list"):
        return _wrong(call)
    try:
        found = [process for process in call.machine.processes if accepted(process, filters)]
    except WrongFilter:
        call.complain(
            call.text("ERROR: The search filter cannot be recognized.", "ОШИБКА: Не удается распознать фильтр поиска.")
        )
        return 1
    if not found:
        call.say(
            call.text(
                "INFO: No tasks are running which match the specified criteria.",
                "ИНФОРМАЦИЯ: Задачи, отвечающие заданным критериям, отсутствуют.",
            )
        )
        return 0
    _print(call, [_row(call, process) for process in found], form, header=header)
    return 0


def _wrong(call: Call) -> int:
    call.complain(
        call.text(
            'ERROR: Invalid syntax.\r\nType "TASKLIST /?" for usage.',
            'ОШИБКА: Недопустимый синтаксис.\r\nВведите "TASKLIST /?" для получения справки по использованию.',
        )
    )
    return 1


def _print(call: Call, rows: list[tuple[str, ...]], form: str, *, header: bool) -> None:
    titles = _HEADERS[call.machine.language]
    if form == "csv":
        for row in [titles, *rows] if header else rows:
            call.say(",".join(f'"{cell}"' for cell in row))
    elif form == "list":
        for row in rows:
            call.say()
            for title, cell in zip(titles, row, strict=True):
                call.say(f"{title + ':':<14}{cell}")
    else:
        call.say()
        if header:
            call.say(_columns(titles))
            call.say(" ".join("=" * width for width in _WIDTHS))
        for row in rows:
            call.say(_columns(row))


def _columns(row: tuple[str, ...]) -> str:
    image, pid, name, session, memory = row
    widths = _WIDTHS
    return f"{image[: widths[0]]:<{widths[0]}} {pid:>{widths[1]}} {name:<{widths[2]}} {session:>{widths[3]}} {memory:>{widths[4]}}"


def _row(call: Call, process: Process) -> tuple[str, ...]:
    return (process.image, str(process.pid), _session_name(process), str(process.session), _memory(call, process))


def _session_name(process: Process) -> str:
    return "Services" if process.session == 0 else "Console"


def _memory(call: Call, process: Process) -> str:
    # A Russian Windows groups digits with a no-break space, which cp866 has at 0xFF.
    return call.text(f"{process.kilobytes:,} K", f"{process.kilobytes:,} КБ".replace(",", "\u00a0"))


def accepted(process: Process, filters: list[str]) -> bool:
    """Whether a process passes all filters (``imagename eq x.exe``, ``session eq 1``, ...); they take ``*`` at the end."""
    return all(_passes(process, text) for text in filters)


def _passes(process: Process, text: str) -> bool:
    words = text.split(None, 2)
    if len(words) != 3 or words[1].lower() not in _COMPARE:
        raise WrongFilter(text)
    name, operator, wanted = words[0].lower(), words[1].lower(), words[2].strip()
    numbers = {"pid": process.pid, "session": process.session, "memusage": process.kilobytes}
    if name in numbers:
        if not wanted.isdigit():
            raise WrongFilter(text)
        return _COMPARE[operator](numbers[name], int(wanted))
    texts = {
        "imagename": process.image,
        "sessionname": _session_name(process),
        "username": process.user,
        "status": "RUNNING",
    }
    if name not in texts or operator not in ("eq", "ne"):
        raise WrongFilter(text)
    actual, wanted = texts[name].lower(), wanted.lower()
    if name == "username":
        wanted = wanted.rpartition("\\")[2]
    same = actual.startswith(wanted[:-1]) if wanted.endswith("*") else actual == wanted
    return same if operator == "eq" else not same
