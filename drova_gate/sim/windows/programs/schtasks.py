"""schtasks.exe: create, run, query, delete."""

from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.tasks import Task

__all__ = ["schtasks"]

_WITH_VALUE = frozenset(
    {
        "/tn",
        "/tr",
        "/sc",
        "/st",
        "/ru",
        "/rp",
        "/rl",
        "/sd",
        "/ed",
        "/mo",
        "/d",
        "/i",
        "/delay",
        "/fo",
        "/u",
        "/p",
        "/s",
    }
)
_SYSTEM = frozenset({"system", "nt authority\\system", "s-1-5-18"})


async def schtasks(call: Call) -> int:
    """0, or 1 for any error."""
    words = call.arguments
    actions = {"/create": _create, "/run": _run, "/delete": _delete, "/query": _query, "/end": _end}
    action = words[0].lower() if words else "/query"
    if action not in actions:
        return _syntax(call)
    options: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        flag = word.lower()
        if not flag.startswith("/"):
            return _syntax(call)
        value = next(rest, None) if flag in _WITH_VALUE else ""
        if value is None:
            return _syntax(call)
        options[flag] = value
    if action != "/query" and "/tn" not in options:
        return _syntax(call)
    return actions[action](call, options)


def _create(call: Call, options: dict[str, str]) -> int:
    if "/tr" not in options or "/sc" not in options:
        return _syntax(call)
    if options["/sc"].lower() == "once" and "/st" not in options:
        return _syntax(call)
    name = options["/tn"].lstrip("\\")
    user = options.get("/ru", call.machine.ssh_user.name)
    account = user.rpartition("\\")[2]
    if not _may_run_as(call, user, account, options):
        return 1
    if call.machine.tasks.get(name) is not None and "/f" not in options:
        question = f'WARNING: The task name "{name}" already exists. Do you want to replace it (Y/N)? '
        russian = f'ПРЕДУПРЕЖДЕНИЕ: Имя задачи "{name}" уже существует. Заменить его (Y/N)? '
        call.say(call.text(question, russian))
        return 1
    if options.get("/sc", "").lower() == "once" and options.get("/st") == "00:00" and "/sd" not in options:
        # Midnight of today has passed: only a warning, on stderr.
        call.complain(
            call.text(
                "WARNING: The task may not run because /ST is earlier than current time.",
                "ПРЕДУПРЕЖДЕНИЕ: Задача может не запуститься, так как значение /ST предшествует текущему времени.",
            )
        )
    if account.lower() == call.machine.owner.sid.lower():
        account = call.machine.owner.name
    call.machine.tasks.put(Task(name, options["/tr"], account, "/it" in options))
    call.say(
        call.text(
            f'SUCCESS: The scheduled task "{name}" has successfully been created.',
            f'УСПЕХ. Запланированная задача "{name}" была успешно создана.',
        )
    )
    return 0


def _may_run_as(call: Call, user: str, account: str, options: dict[str, str]) -> bool:
    """Whether the task may run as this account; says why not."""
    known = {call.machine.ssh_user.name.lower(), call.machine.owner.name.lower(), call.machine.owner.sid.lower()}
    if user.lower() not in _SYSTEM and account.lower() not in known:
        call.complain(
            call.text(
                "ERROR: No mapping between account names and security IDs was done.",
                "ОШИБКА: Сопоставление между именами пользователей и идентификаторами безопасности не было произведено.",
            )
        )
        return False
    foreign = user.lower() not in _SYSTEM and account.lower() != call.machine.ssh_user.name.lower()
    if foreign and "/it" not in options and "/rp" not in options:
        # It would ask for the password, and there is nobody to type it.
        call.say(
            call.text(f"Please enter the run as password for {user}: ", f"Введите пароль запуска от имени {user}: ")
        )
        call.complain(
            call.text(
                "ERROR: Logon failure: unknown user name or bad password.",
                "ОШИБКА: Неверное имя пользователя или пароль.",
            )
        )
        return False
    return True


def _run(call: Call, options: dict[str, str]) -> int:
    task = call.machine.tasks.get(options["/tn"])
    if task is None:
        return _missing(call)
    person = call.machine.console
    # The scheduler starts the program in the user's own session; with nobody signed in it only notes a failure.
    if person is not None and task.user.lower() == person.name.lower():
        call.machine.start_on_desktop(task.command, call.machine.console_session)
    elif not task.interactive:
        image = task.command.strip('"').rpartition("\\")[2].split(" ")[0]
        call.machine.processes.start(image, 0, user=task.user)
    call.say(
        call.text(
            f'SUCCESS: Attempted to run the scheduled task "{task.name}".',
            f'УСПЕХ. Предпринята попытка запуска запланированной задачи "{task.name}".',
        )
    )
    return 0


def _end(call: Call, options: dict[str, str]) -> int:
    task = call.machine.tasks.get(options["/tn"])
    if task is None:
        return _missing(call)
    call.say(
        call.text(
            f'SUCCESS: The scheduled task "{task.name}" has been terminated successfully.',
            f'УСПЕХ. Запланированная задача "{task.name}" успешно завершена.',
        )
    )
    return 0


def _delete(call: Call, options: dict[str, str]) -> int:
    task = call.machine.tasks.get(options["/tn"])
    if task is None:
        return _missing(call)
    if "/f" not in options:
        call.say(
            call.text(
                f'WARNING: Are you sure you want to remove the task "{task.name}" (Y/N)? ',
                f'ПРЕДУПРЕЖДЕНИЕ: Вы действительно хотите удалить задачу "{task.name}" (Y/N)? ',
            )
        )
        return 1
    call.machine.tasks.delete(task.name)
    call.say(
        call.text(
            f'SUCCESS: The scheduled task "{task.name}" was successfully deleted.',
            f'УСПЕХ. Запланированная задача "{task.name}" успешно удалена.',
        )
    )
    return 0


def _query(call: Call, options: dict[str, str]) -> int:
    name = options.get("/tn")
    if name is not None and call.machine.tasks.get(name) is None:
        return _missing(call)
    ready = call.text("Ready", "Готово")
    for task in call.machine.tasks.all():
        if name is None or task is call.machine.tasks.get(name):
            call.say(f'"\\{task.name}","N/A","{ready}"')
    return 0


def _missing(call: Call) -> int:
    call.complain(
        call.text("ERROR: The system cannot find the file specified.", "ОШИБКА: Не удается найти указанный файл.")
    )
    return 1


def _syntax(call: Call) -> int:
    call.complain(
        call.text(
            'ERROR: Invalid syntax.\r\nType "SCHTASKS /?" for usage.',
            'ОШИБКА: Недопустимый синтаксис.\r\nВведите "SCHTASKS /?" для получения справки об использовании.',
        )
    )
    return 1
