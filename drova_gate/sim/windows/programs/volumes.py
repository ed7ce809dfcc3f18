"""attrib.exe, fsutil.exe and icacls.exe."""

from collections.abc import Iterator

from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.programs.paths import absolute, matching

__all__ = ["attrib", "fsutil", "icacls"]

_SHOWN = "ashr"
_COLUMNS = {"a": 0, "s": 4, "h": 5, "r": 8}
"""Column of each letter in attrib's output."""


async def attrib(call: Call) -> int:
    """Show or change attributes; 0 also when the file is missing, as the real one."""
    changes = [word.lower() for word in call.arguments if word[:1] in "+-" and len(word) == 2]
    flags = {word.lower() for word in call.arguments if word.startswith("/")}
    names = [word for word in call.arguments if not word.startswith(("+", "-", "/"))] or ["*"]
    if any(change[1] not in _SHOWN for change in changes):
        call.say(call.text(f"Invalid switch - {changes[0]}", f"Недопустимый параметр - {changes[0]}"))
        return 1
    for name in names:
        paths = list(_named(call, name, deep="/s" in flags, folders="/d" in flags))
        if not paths:
            call.say(call.text(f"File not found - {name}", f"Не найден файл: {name}"))
        for path in paths:
            _apply(call, path, changes)
    return 0


def _named(call: Call, name: str, *, deep: bool, folders: bool) -> Iterator[str]:
    files = call.machine.files
    whole = absolute(call, name)
    if deep:
        folder, _, last = whole.rpartition("\\")
        for path in files.files_below(folder):
            if path in matching(call, path.rpartition("\\")[0] + "\\" + last):
                yield path
        return
    for path in matching(call, name):
        if folders or not files.is_dir(path) or "*" not in name:
            yield path


def _apply(call: Call, path: str, changes: list[str]) -> None:
    files = call.machine.files
    flags = files.attributes(path)
    if not changes:
        shown = [" "] * 20
        for letter in flags & set(_COLUMNS):
            shown[_COLUMNS[letter]] = letter.upper()
        call.say("".join(shown) + " " + path)
        return
    for change in changes:
        flags = flags | {change[1]} if change[0] == "+" else flags - {change[1]}
    files.set_attributes(path, flags)


async def icacls(call: Call) -> int:
    """Rights are not modelled: it reports the success that it always has here."""
    names = [word for word in call.arguments if not word.startswith("/")]
    if not names or not call.machine.files.exists(absolute(call, names[0])):
        call.complain(call.text("The system cannot find the file specified.", "Не удается найти указанный файл."))
        return 2
    call.say(
        call.text(
            "Successfully processed 1 files; Failed processing 0 files",
            "Успешно обработано 1 файлов; не удалось обработать 0 файлов",
        )
    )
    return 0


async def fsutil(call: Call) -> int:
    """``fsinfo drives``, ``fsinfo drivetype C:``, ``volume diskfree C:``."""
    words = [word.lower() for word in call.arguments]
    files = call.machine.files
    if words == ["fsinfo", "drives"]:
        call.say()
        call.say(call.text("Drives: ", "Диски: ") + " ".join(f"{letter}:\\" for letter in files.letters()))
        return 0
    letter = words[2][:1].upper() if len(words) == 3 else ""
    if words[:2] == ["fsinfo", "drivetype"] and letter:
        kind = call.text("Fixed Drive", "Несъемный диск")
        if letter not in files.letters():
            kind = call.text("No such Root Directory", "Нет такого корневого каталога")
        call.say(f"{letter}: - {kind}")
        return 0
    if words[:2] == ["volume", "diskfree"] and letter in files.letters():
        free = files.free(letter)
        shown = f"{free:,}".replace(",", call.text(",", "\u00a0"))
        gigabytes = f"{free / 2**30:.1f}"
        call.say(
            call.text("Total free bytes                ", "Всего свободных байт            ")
            + f": {shown} ({gigabytes} GB)"
        )
        return 0
    call.complain(
        call.text(
            "Error 3: The system cannot find the path specified.", "Ошибка 3: Системе не удается найти указанный путь."
        )
    )
    return 1
