"""taskkill.exe: 0 killed, 128 no such process, 1 refused or wrong words."""

from fnmatch import fnmatchcase

from drova_gate.sim.windows.processes import Process
from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.programs.tasklist import WrongFilter, accepted

__all__ = ["taskkill"]

_NOT_FOUND = 128


async def taskkill(call: Call) -> int:
    """End processes by image name, id or filter."""
    words = call.arguments
    forced = tree = False
    images: list[str] = []
    pids: list[int] = []
    filters: list[str] = []
    position = 0
    while position < len(words):
        flag = words[position].lower().replace("-", "/", 1)
        position += 1
        if flag == "/f":
            forced = True
        elif flag == "/t":
            tree = True
        elif flag in ("/im", "/pid", "/fi") and position < len(words):
            value = words[position]
            position += 1
            if flag == "/im":
                images.append(value)
            elif flag == "/fi":
                filters.append(value)
            elif value.isdigit():
                pids.append(int(value))
            else:
                return _not_found(call, value)
        else:
            return _syntax(call, words[position - 1])
    if not images and not pids and not filters:
        return _syntax(call, "")
    try:
        return _kill_all(call, images, pids, filters, forced=forced, tree=tree)
    except WrongFilter:
        call.complain(
            call.text("ERROR: The search filter cannot be recognized.", "ОШИБКА: Не удается распознать фильтр поиска.")
        )
        return 1


def _kill_all(call: Call, images: list[str], pids: list[int], filters: list[str], *, forced: bool, tree: bool) -> int:
    code = 0
    if not images and not pids:
        images = ["*"]
    for pid in pids:
        process = call.machine.processes.get(pid)
        wanted = [process] if process is not None and accepted(process, filters) else []
        code = _kill_some(call, str(pid), wanted, forced=forced, tree=tree) or code
    for image in images:
        low = image.lower()
        wanted = [
            process
            for process in call.machine.processes
            if fnmatchcase(process.image.lower(), low) and accepted(process, filters)
        ]
        if not wanted and filters:
            # A filter that nothing passes is no error.
            call.say(
                call.text(
                    "INFO: No tasks running with the specified criteria.",
                    "ИНФОРМАЦИЯ: Задачи, отвечающие заданным критериям, отсутствуют.",
                )
            )
            continue
        code = _kill_some(call, image, wanted, forced=forced, tree=tree) or code
    return code


def _kill_some(call: Call, what: str, wanted: list[Process], *, forced: bool, tree: bool) -> int:
    if not wanted:
        return _not_found(call, what)
    code = 0
    for process in wanted:
        if call.machine.processes.get(process.pid) is None:
            continue  # went down as the child of one before
        family = [*call.machine.processes.children(process.pid), process] if tree else [process]
        for member in family:
            code = _kill(call, member, process, forced=forced) or code
    return code


def _kill(call: Call, process: Process, asked: Process, *, forced: bool) -> int:
    if process.protected or not forced:
        english, russian = ("Access is denied.", "Отказано в доступе.")
        if not process.protected:
            # A desktop program cannot be asked to close from sshd's session 0.
            english = "This process can only be terminated forcefully (with /F option)."
            russian = "Этот процесс можно завершить только принудительно (с параметром /F)."
        call.complain(
            call.text(
                f'ERROR: The process "{process.image}" with PID {process.pid} could not be terminated.\r\nReason: {english}',
                f'ОШИБКА: Не удается завершить процесс "{process.image}" с идентификатором {process.pid}.\r\nПричина: {russian}',
            )
        )
        return 1
    call.machine.processes.kill(process.pid)
    if process is asked:
        call.say(
            call.text(
                f'SUCCESS: The process "{process.image}" with PID {process.pid} has been terminated.',
                f'УСПЕХ: Процесс "{process.image}" с идентификатором {process.pid} был завершен.',
            )
        )
    else:
        call.say(
            call.text(
                f"SUCCESS: The process with PID {process.pid} (child process of PID {process.parent}) has been terminated.",
                f"УСПЕХ: Процесс с идентификатором {process.pid} (дочерний процесса с идентификатором {process.parent}) был завершен.",
            )
        )
    return 0


def _not_found(call: Call, what: str) -> int:
    call.complain(call.text(f'ERROR: The process "{what}" not found.', f'ОШИБКА: Не удалось найти процесс "{what}".'))
    return _NOT_FOUND


def _syntax(call: Call, word: str) -> int:
    call.complain(
        call.text(
            f"ERROR: Invalid argument/option - '{word}'.\r\nType \"TASKKILL /?\" for usage.",
            f'ОШИБКА: Недопустимый аргумент или параметр - "{word}".\r\nВведите "TASKKILL /?" для получения справки по использованию.',
        )
    )
    return 1
