"""Small programs around the console: chcp, getmac, hostname, ping, timeout, where, whoami."""

import asyncio

from drova_gate.sim.windows.program import CODE_PAGE, Call

__all__ = ["chcp", "getmac", "hostname", "ping", "timeout", "where", "whoami"]

_PROCESSES_PER_SECOND = 20
"""A real station starts about twenty processes in a second: a wait of one second costs as much here."""


async def chcp(call: Call) -> int:
    """Show or set the console's code page for the programs that follow."""
    wanted = call.arguments[0] if call.arguments else ""
    if wanted and wanted not in ("65001", "866", "437", "1251", "1252"):
        call.complain(call.text("Invalid code page", "Недопустимая кодовая страница"))
        return 1
    if wanted:
        call.environment[CODE_PAGE] = wanted
    page = call.environment.get(CODE_PAGE, call.machine.oem_encoding.removeprefix("cp"))
    call.say(call.text(f"Active code page: {page}", f"Текущая кодовая страница: {page}"))
    return 0


async def hostname(call: Call) -> int:
    """The computer's name."""
    call.say(call.machine.plan.name)
    return 0


async def getmac(call: Call) -> int:
    """``getmac /fo csv /nh``: the wired adapter, and one that has never been plugged in."""
    words = [word.lower() for word in call.arguments]
    if "csv" not in words:
        return 1
    if "/nh" not in words:
        call.say(call.text('"Physical Address","Transport Name"', '"Физический адрес","Имя транспорта"'))
    call.say(f'"{call.machine.plan.mac}","\\Device\\Tcpip_{{6E1F0001-1111-4111-8111-000000000001}}"')
    unplugged = call.text("Media disconnected", "Носитель отключен")
    call.say(f'"00-15-5D-0A-0B-0C","{unplugged}"')
    return 0


async def ping(call: Call) -> int:
    """``ping -n N``: a way to wait N-1 seconds that works without a console."""
    words = [word.lower() for word in call.arguments]
    count = 4
    for flag in ("-n", "/n"):
        if flag in words and words[words.index(flag) + 1 : words.index(flag) + 2]:
            given = words[words.index(flag) + 1]
            count = int(given) if given.isdigit() else count
    wait = (count - 1) * _PROCESSES_PER_SECOND * call.machine.plan.costs.process
    if wait > 0:
        await asyncio.sleep(wait)
    for _ in range(count):
        call.say(
            call.text(
                "Reply from 127.0.0.1: bytes=32 time<1ms TTL=128", "Ответ от 127.0.0.1: число байт=32 время<1мс TTL=128"
            )
        )
    return 0


async def timeout(call: Call) -> int:
    """Refuses to work when its input is no console, as over SSH."""
    call.complain(
        call.text(
            "ERROR: Input redirection is not supported, exiting the process immediately.",
            "ОШИБКА: Перенаправление ввода не поддерживается, немедленный выход из процесса.",
        )
    )
    return 1


async def where(call: Call) -> int:
    """The full path of a program."""
    code = 1
    for name in [word for word in call.arguments if not word.startswith("/")]:
        path = call.machine.find_program(name, environment=call.environment, directory=call.directory)
        if path is not None:
            call.say(path)
            code = 0
    if code:
        call.complain(
            call.text(
                "INFO: Could not find files for the given pattern(s).",
                "ИНФОРМАЦИЯ: не удается найти файлы по заданным шаблонам.",
            )
        )
    return code


async def whoami(call: Call) -> int:
    """``whoami``, ``whoami /user [/fo csv] [/nh]``, ``whoami /groups /fo csv /nh``."""
    user = call.machine.ssh_user
    name = f"{call.machine.computer}\\{user.name}".lower()
    words = [word.lower() for word in call.arguments]
    if not words:
        call.say(name)
        return 0
    if "/groups" in words:
        return _groups(call, with_header="/nh" not in words)
    if "/user" not in words:
        return 1
    titles = call.text('"User Name","SID"', '"Имя пользователя","SID"')
    if "csv" in words:
        if "/nh" not in words:
            call.say(titles)
        call.say(f'"{name}","{user.sid}"')
        return 0
    if "/nh" not in words:
        call.say()
        call.say(call.text("USER INFORMATION", "Сведения о пользователе"))
        call.say("----------------")
        call.say()
    call.say(f"{name} {user.sid}")
    return 0


def _groups(call: Call, *, with_header: bool) -> int:
    """As csv: names and types are localised, SIDs are not; a filtered token keeps the group only to deny."""
    plan = call.machine.plan
    whole = plan.elevated and plan.administrator
    group, enabled = (
        call.text("Alias", "Псевдоним"),
        call.text(
            "Mandatory group, Enabled by default, Enabled group",
            "Обязательная группа, Включены по умолчанию, Включенная группа",
        ),
    )
    denied = call.text("Group used for deny only", "Группа, используемая только для запрета")
    owner = call.text("Group owner", "Владелец группы")
    label = call.text("Mandatory Label", "Обязательная метка")
    level = call.text("High Mandatory Level", "Высокий обязательный уровень")
    if not whole:
        level = call.text("Medium Mandatory Level", "Средний обязательный уровень")
    rows = (
        (call.text("Everyone", "Все"), call.text("Well-known group", "Хорошо известная группа"), "S-1-1-0", enabled),
        (
            call.text(r"BUILTIN\Administrators", r"BUILTIN\Администраторы"),
            group,
            "S-1-5-32-544",
            f"{enabled}, {owner}" if whole else denied,
        ),
        (rf"{label}\{level}", call.text("Label", "Метка"), "S-1-16-12288" if whole else "S-1-16-8192", ""),
    )
    if with_header:
        call.say(call.text('"Group Name","Type","SID","Attributes"', '"Группа","Тип","SID","Атрибуты"'))
    for row in rows if plan.administrator else rows[:1] + rows[2:]:
        call.say(",".join(f'"{cell}"' for cell in row))
    return 0
