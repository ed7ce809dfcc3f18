"""reg.exe: add, delete, import, export, and the way to query.

Where Wine's reg.exe is known to differ: its errors begin with ``reg:`` and go to stdout, ``reg add KEY`` alone sets an
empty default value (on Windows it stays unset, hence the ``/ve`` of many guides), export and import print nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from drova_gate.sim.windows import regfile
from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.programs import reg_query
from drova_gate.sim.windows.programs.paths import absolute
from drova_gate.sim.windows.registry import KeyNotFound, Value, VolatileParent

__all__ = ["reg"]

_ROOTS = ("HKLM", "HKCU", "HKU", "HKCR", "HKCC", "HKEY_")
_WITH_VALUE = frozenset({"/v", "/t", "/d", "/s", "/f"})
_KINDS = (
    *("REG_SZ", "REG_MULTI_SZ", "REG_EXPAND_SZ", "REG_DWORD", "REG_QWORD", "REG_BINARY", "REG_NONE"),
    "REG_DWORD_LITTLE_ENDIAN",
)


class _Refused(Exception):
    """An error of reg.exe: the English and the Russian sentence."""

    def __init__(self, english: str, russian: str) -> None:
        self.english, self.russian = english, russian
        super().__init__(english)


@dataclass(slots=True)
class _Options:
    key: str
    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)


def _missing() -> _Refused:
    return _Refused(
        "The system was unable to find the specified registry key or value.",
        "Не удается найти указанный раздел или параметр в реестре.",
    )


def _syntax(command: str) -> _Refused:
    return _Refused(
        f'Invalid syntax.\r\nType "REG {command.upper()} /?" for usage.',
        f'Недопустимый синтаксис.\r\nДля получения справки введите "REG {command.upper()} /?".',
    )


async def reg(call: Call) -> int:
    """Exit code 0, or 1 for any error, a missing key included."""
    commands: dict[str, Callable[[Call, list[str]], int]] = {
        "query": _query,
        "add": _add,
        "delete": _delete,
        "import": _import,
        "export": _export,
    }
    words = call.arguments
    command = words[0].lower() if words else ""
    try:
        _check_allowed(call)
        if command not in commands:
            raise _syntax("")
        return commands[command](call, words[1:])
    except _Refused as refused:
        _complain(call, refused)
    except KeyNotFound:
        _complain(call, _missing())
    except VolatileParent:
        _complain(
            call,
            _Refused(
                "Cannot create a stable subkey under a volatile parent key.",
                "Невозможно создать постоянный подраздел в изменяемом родительском разделе.",
            ),
        )
    except PermissionError:
        _complain(call, _Refused("Access is denied.", "Отказано в доступе."))
    return 1


def _complain(call: Call, refused: _Refused) -> None:
    call.complain(call.text("ERROR: ", "ОШИБКА: ") + call.text(refused.english, refused.russian))


def _done(call: Call) -> int:
    call.say(call.text("The operation completed successfully.", "Операция успешно завершена."))
    return 0


def _check_allowed(call: Call) -> None:
    """DisableRegistryTools stops reg.exe itself, not only regedit."""
    policy = call.machine.registry.get(
        r"HKCU\Software\Microsoft\Windows\CurrentVersion\Policies\System", "DisableRegistryTools"
    )
    if policy is not None and policy.data in (1, 2):
        raise _Refused(
            "Registry editing has been disabled by your administrator.",
            "Редактирование реестра запрещено администратором системы.",
        )


def _key_path(text: str, flags: set[str]) -> str:
    """The key with its long root name, as reg.exe prints it; ``/reg:32`` looks behind WOW6432Node."""
    path = text.strip("\\")
    root, _, rest = path.partition("\\")
    if not root.upper().startswith(_ROOTS):
        raise _Refused("Invalid key name.", "Недопустимое имя раздела.")
    long = reg_query.LONG_ROOTS.get(root.upper(), root.upper())
    software = "SOFTWARE\\"
    if "/reg:32" in flags and long == "HKEY_LOCAL_MACHINE" and (rest.upper() + "\\").startswith(software):
        below = rest[len(software) :]
        if not below.upper().startswith("WOW6432NODE"):
            rest = rf"SOFTWARE\WOW6432Node\{below}".rstrip("\\")
    return f"{long}\\{rest}" if rest else long


def _options(command: str, words: list[str], with_value: frozenset[str]) -> _Options:
    if not words or words[0].startswith("/"):
        raise _syntax(command)
    options = _Options(words[0])
    rest = iter(words[1:])
    for word in rest:
        flag = word.lower()
        if flag in with_value:
            try:
                options.values[flag] = next(rest)
            except StopIteration:
                raise _syntax(command) from None
        elif flag.startswith("/"):
            options.flags.add(flag)
        else:
            raise _syntax(command)
    return options


def _query(call: Call, words: list[str]) -> int:
    question = _query_words(words)
    path = _key_path(words[0], question.flags)
    call.machine.registry.key(path)  # a missing key is an error, whatever is looked for
    code = reg_query.query(call, path, question)
    if code and question.pattern is None and question.value is not None and "/s" not in question.flags:
        raise _missing()
    return code


def _query_words(words: list[str]) -> reg_query.Question:
    """``/v`` and ``/f`` take a word only when one follows; ``/s`` and the others are flags."""
    if not words or words[0].startswith("/"):
        raise _syntax("query")
    question = reg_query.Question()
    position = 1
    while position < len(words):
        flag = words[position].lower()
        following = words[position + 1] if position + 1 < len(words) else None
        position += 1
        if flag in ("/v", "/f", "/t", "/se"):
            if following is None or following.lower() in reg_query.FLAGS:
                if flag != "/v":
                    raise _syntax("query")
                following = ""
            else:
                position += 1
            if flag == "/v":
                question.value = following
            elif flag == "/f":
                question.pattern = following
            elif flag == "/t":
                question.kinds = tuple(kind.strip().upper() for kind in (following or "").split(","))
            else:
                question.separator = following or ""
        elif flag == "/ve":
            question.value = ""
        elif flag in reg_query.FLAGS:
            question.flags.add(flag)
        else:
            raise _syntax("query")
    return question


def _add(call: Call, words: list[str]) -> int:
    options = _options("add", words, frozenset({"/v", "/t", "/d", "/s"}))
    registry = call.machine.registry
    path = _key_path(options.key, options.flags)
    if "/v" not in options.values and "/ve" not in options.flags and "/d" not in options.values:
        registry.create_key(path)
        return _done(call)
    name = options.values.get("/v", "")
    kind = options.values.get("/t", "REG_SZ").upper()
    if kind not in _KINDS:
        raise _syntax("add")
    value = _typed(kind, options.values.get("/d", ""), options.values.get("/s", "\\0"))
    if registry.get(path, name) is not None and "/f" not in options.flags:
        call.stdout += (
            call.text(
                f"Value {name} exists, overwrite(Yes/No)? ",
                f"Параметр {name} уже существует, перезаписать (Yes - да/No - нет)? ",
            )
        ).encode(call.encoding, "replace")
        if not call.input_text().strip().lower().startswith(("y", "д")):
            call.say(call.text("The operation was canceled by the user.", "Операция была отменена пользователем."))
            return 0
    registry.set(path, name, value)
    return _done(call)


def _typed(kind: str, data: str, separator: str) -> Value:
    wrong = _Refused(
        "Invalid syntax. Specify valid numeric value for '/d'.",
        "Недопустимый синтаксис. Укажите допустимое числовое значение для '/d'.",
    )
    if kind in ("REG_DWORD", "REG_DWORD_LITTLE_ENDIAN", "REG_QWORD"):
        try:
            whole = int(data or "0", 16 if data.lower().startswith("0x") else 10)
        except ValueError:
            raise wrong from None
        if not 0 <= whole < 2 ** (64 if kind == "REG_QWORD" else 32):
            raise wrong
        return Value("REG_QWORD" if kind == "REG_QWORD" else "REG_DWORD", whole)
    if kind in ("REG_BINARY", "REG_NONE"):
        try:
            return Value(kind, bytes.fromhex(data))
        except ValueError:
            raise wrong from None
    if kind == "REG_MULTI_SZ":
        return Value(kind, tuple(part for part in data.split(separator) if part))
    return Value(kind, data)


def _delete(call: Call, words: list[str]) -> int:
    options = _options("delete", words, frozenset({"/v"}))
    registry = call.machine.registry
    path = _key_path(options.key, options.flags)
    key = registry.key(path)
    if "/v" in options.values and options.values["/v"].lower() not in key.values:
        raise _missing()
    if "/f" not in options.flags and not call.input_text().strip().lower().startswith(("y", "д")):
        what = options.values.get("/v", path)
        call.say(
            call.text(
                f"Permanently delete {what} (Yes/No)? ",
                f"Удалить {what} без возможности восстановления (Yes - да/No - нет)? ",
            )
        )
        call.say(call.text("The operation was canceled by the user.", "Операция была отменена пользователем."))
        return 0
    if "/v" in options.values:
        registry.delete_value(path, options.values["/v"])
    elif "/ve" in options.flags:
        registry.delete_value(path, "")
    elif "/va" in options.flags:
        for name, _ in list(key.values.values()):
            registry.delete_value(path, name)
    else:
        registry.delete_key(path)
    return _done(call)


def _import(call: Call, words: list[str]) -> int:
    options = _options("import", words, frozenset())
    path = absolute(call, options.key)
    files = call.machine.files
    if not files.exists(path) or files.is_dir(path):
        raise _Refused(
            "Error opening the file. There may be a disk or file system error.",
            "Ошибка при открытии файла. Возможна ошибка диска или файловой системы.",
        )
    failed = False
    try:
        for order in regfile.parse(files.read(path), call.machine.ansi_encoding):
            failed |= not _carry_out(call, order)
    except regfile.NotARegFile as error:
        raise _Refused(
            "The specified file is not a registry script.", "Указанный файл не является файлом реестра."
        ) from error
    if failed:
        raise _Refused("Error accessing the registry.", "Ошибка при доступе к реестру.")
    # Windows writes the success of an import to stderr.
    call.complain(call.text("The operation completed successfully.", "Операция успешно завершена."))
    return 0


def _carry_out(call: Call, order: regfile.Order) -> bool:
    """One order of a .reg file; whether it could be carried out. What is not there to be deleted is no error."""
    registry = call.machine.registry
    if not order.path.upper().startswith("HKEY_"):
        return False
    try:
        match order:
            case regfile.OpenKey(path):
                registry.create_key(path)
            case regfile.SetValue(path, name, value):
                registry.set(path, name, value)
            case regfile.DeleteValue(path, name):
                if registry.get(path, name) is not None:
                    registry.delete_value(path, name)
            case regfile.DeleteKey(path):
                if registry.has_key(path):
                    registry.delete_key(path)
    except (KeyNotFound, VolatileParent, PermissionError):
        return False
    return True


def _export(call: Call, words: list[str]) -> int:
    if len(words) < 2:
        raise _syntax("export")
    flags = {word.lower() for word in words[2:]}
    path = _key_path(words[0], flags)
    target = absolute(call, words[1])
    content = regfile.dump(call.machine.registry.walk(path))
    files = call.machine.files
    if files.exists(target) and "/y" not in flags:
        call.say(
            call.text(
                f"File {words[1]} already exists. Overwrite (Yes/No)?",
                f"Файл {words[1]} уже существует. Перезаписать (Yes - да/No - нет)?",
            )
        )
        if not call.input_text().strip().lower().startswith(("y", "д")):
            return 1
    try:
        files.write(target, content)
    except OSError:
        raise _Refused(
            "Unable to write to the file. There may be a disk or file system error.",
            "Не удалось записать файл. Возможна ошибка диска или файловой системы.",
        ) from None
    return _done(call)
