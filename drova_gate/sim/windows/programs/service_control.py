"""sc.exe: 0, or the Windows error number (1060 unknown, 1062 not running, 1056 running already, 1058 disabled)."""

from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.services import RUNNING, STOPPED, Service

__all__ = ["sc"]

_STARTS = {"auto": (2, "AUTO_START"), "demand": (3, "DEMAND_START"), "disabled": (4, "DISABLED")}
_ERRORS = {
    1056: ("An instance of the service is already running.", "Одна копия службы уже запущена."),
    1058: (
        "The service cannot be started, either because it is disabled or because it has no enabled devices associated with it.",
        "Указанная служба не может быть запущена, поскольку она отключена или все связанные с ней устройства отключены.",
    ),
    1060: (
        "The specified service does not exist as an installed service.",
        "Указанная служба не установлена.",
    ),
    1062: ("The service has not been started.", "Служба не запущена."),
}
_INVALID_COMMAND_LINE = 1639
_STOP_PENDING, _START_PENDING = "3  STOP_PENDING", "2  START_PENDING"


async def sc(call: Call) -> int:
    """Query and control services."""
    words = call.arguments
    command = words[0].lower() if words else ""
    if command in ("query", "queryex") and len(words) == 1:
        for each in call.machine.services.all():
            if each.state == RUNNING:
                _state(call, each, display=True)
        return 0
    if len(words) < 2 or command not in ("query", "queryex", "qc", "config", "stop", "start"):
        call.say(
            call.text(
                "DESCRIPTION:\r\n        SC is a command line program used for communicating with the Service Control Manager and services.",
                "ОПИСАНИЕ:\r\n        SC - это программа командной строки, используемая для взаимодействия с диспетчером служб и службами.",
            )
        )
        return _INVALID_COMMAND_LINE
    service = call.machine.services.get(words[1])
    if service is None:
        where = "EnumQueryServicesStatus:OpenService" if command.startswith("query") else "OpenService"
        return _failed(call, where, 1060)
    if command in ("query", "queryex"):
        _state(call, service)
        return 0
    if command == "qc":
        return _configuration(call, service)
    if command == "config":
        return _configure(call, service, words[2:])
    return _start(call, service) if command == "start" else _stop(call, service)


def _start(call: Call, service: Service) -> int:
    if service.state == RUNNING:
        return _failed(call, "StartService", 1056)
    if service.start == "disabled":
        return _failed(call, "StartService", 1058)
    call.machine.services.set_state(service.name, RUNNING)
    _state(call, service, pending=_START_PENDING)
    return 0


def _stop(call: Call, service: Service) -> int:
    if service.state == STOPPED:
        return _failed(call, "ControlService", 1062)
    call.machine.services.set_state(service.name, STOPPED)
    _state(call, service, pending=_STOP_PENDING)
    return 0


def _configure(call: Call, service: Service, words: list[str]) -> int:
    """``start= disabled``: the blank after the equals sign is part of sc's grammar."""
    pairs = list(zip(words[::2], words[1::2], strict=False))
    if not words or len(words) % 2 or any(not name.endswith("=") for name, _ in pairs):
        call.say(
            call.text(
                "DESCRIPTION:\r\n        Modifies a service entry in the registry and Service Database.",
                "ОПИСАНИЕ:\r\n        Изменяет запись службы в реестре и базе данных служб.",
            )
        )
        return _INVALID_COMMAND_LINE
    for name, value in pairs:
        if name.lower() == "start=":
            if value.lower() not in _STARTS:
                return _INVALID_COMMAND_LINE
            call.machine.services.set_start(service.name, value.lower())
    call.say(call.text("[SC] ChangeServiceConfig SUCCESS", "[SC] ChangeServiceConfig: успех"))
    return 0


def _state(call: Call, service: Service, *, pending: str = "", display: bool = False) -> None:
    state = pending or ("4  RUNNING" if service.state == RUNNING else "1  STOPPED")
    call.say()
    call.say(call.text("SERVICE_NAME: ", "Имя_службы: ") + service.name)
    if display:
        call.say(call.text("DISPLAY_NAME: ", "Выводимое_имя: ") + service.display)
    rows = (
        ("TYPE", "Тип", "20  WIN32_SHARE_PROCESS"),
        ("STATE", "Состояние", state),
        ("WIN32_EXIT_CODE", "Код_выхода_Win32", "0  (0x0)"),
        ("SERVICE_EXIT_CODE", "Код_выхода_службы", "0  (0x0)"),
        ("CHECKPOINT", "Контрольная_точка", "0x0"),
        ("WAIT_HINT", "Ожидание", "0x0"),
    )
    for english, russian, value in rows:
        call.say(f"        {call.text(english, russian):<19}: {value} ")
        if english == "STATE":
            accepts = (
                "STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN"
                if state.startswith("4")
                else "NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN"
            )
            call.say(f"                                ({accepts})")


def _configuration(call: Call, service: Service) -> int:
    number, word = _STARTS[service.start]
    call.say(call.text("[SC] QueryServiceConfig SUCCESS", "[SC] QueryServiceConfig: успех"))
    call.say()
    call.say(call.text("SERVICE_NAME: ", "Имя_службы: ") + service.name)
    rows = (
        ("TYPE", "Тип", "20  WIN32_SHARE_PROCESS"),
        ("START_TYPE", "Тип_запуска", f"{number}   {word}"),
        ("ERROR_CONTROL", "Управление_ошибками", "1   NORMAL"),
        ("BINARY_PATH_NAME", "Имя_двоичного_файла", service.binary),
        ("LOAD_ORDER_GROUP", "Группа_запуска", ""),
        ("TAG", "Тег", "0"),
        ("DISPLAY_NAME", "Выводимое_имя", service.display),
        ("DEPENDENCIES", "Зависимости", ""),
        ("SERVICE_START_NAME", "Начальное_имя_службы", r"NT AUTHORITY\LocalService"),
    )
    for english, russian, value in rows:
        call.say(f"        {call.text(english, russian):<19}: {value}")
    return 0


def _failed(call: Call, where: str, code: int) -> int:
    english, russian = _ERRORS[code]
    call.say(call.text(f"[SC] {where} FAILED {code}:", f"[SC] {where}: ошибка: {code}:"))
    call.say()
    call.say(call.text(english, russian))
    call.say()
    return code
