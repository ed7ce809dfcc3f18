"""What cmd.exe says, in English and Russian."""

from typing import Literal

__all__ = ["WORDS", "say"]

WORDS: dict[str, tuple[str, str]] = {
    "unknown": (
        "'{0}' is not recognized as an internal or external command,\r\noperable program or batch file.",
        '"{0}" не является внутренней или внешней\r\nкомандой, исполняемой программой или пакетным файлом.',
    ),
    "no path": ("The system cannot find the path specified.", "Системе не удается найти указанный путь."),
    "no file": ("The system cannot find the file specified.", "Не удается найти указанный файл."),
    "no file named": ("The system cannot find the file {0}.", "Не удается найти файл {0}."),
    "not found": ("Could Not Find {0}", "Не удается найти {0}"),
    "no drive": ("The system cannot find the drive specified.", "Системе не удается найти указанный диск."),
    "denied": ("Access is denied.", "Отказано в доступе."),
    "in use": (
        "The process cannot access the file because it is being used by another process.",
        "Процесс не может получить доступ к файлу, так как этот файл занят другим процессом.",
    ),
    "not empty": ("The directory is not empty.", "Папка не пуста."),
    "no directory": ("The directory name is invalid.", "Неверно задано имя папки."),
    "already there": (
        "A subdirectory or file {0} already exists.",
        "Подпапка или файл {0} уже существует.",
    ),
    "duplicate": (
        "A duplicate file name exists, or the file\r\ncannot be found.",
        "Файл с таким именем уже существует или не найден.",
    ),
    "unexpected": ("{0} was unexpected at this time.", "Непредвиденное появление: {0}."),
    "syntax": ("The syntax of the command is incorrect.", "Ошибка в синтаксисе команды."),
    "switch": ('Invalid switch - "{0}".', 'Недопустимый ключ - "{0}".'),
    "label": (
        "The system cannot find the batch label specified - {0}",
        "Не удается найти указанную метку пакетного файла - {0}",
    ),
    "call outside": (
        "Invalid attempt to call batch label outside of batch script.",
        "Недопустимая попытка вызова метки пакетного файла вне сценария пакетного файла.",
    ),
    "copied": ("{0:>9} file(s) copied.", "Скопировано файлов: {0:>9}."),
    "moved": ("{0:>9} file(s) moved.", "Перемещено файлов: {0:>9}."),
    "moved directory": ("{0:>9} dir(s) moved.", "Перемещено папок: {0:>9}."),
    "overwrite": ("Overwrite {0}? (Yes/No/All): ", "Заменить {0} [Yes (да)/No (нет)/All (все)]: "),
    "sure": ("{0}, Are you sure (Y/N)? ", "{0}, вы уверены [Y(да)/N(нет)]? "),
    "no variable": ("Environment variable {0} not defined", "Переменная среды {0} не определена"),
    "line long": ("The input line is too long.", "Слишком длинная входная строка."),
    "command long": ("The command line is too long.", "Слишком длинная командная строка."),
    "echo on": ("ECHO is on.", "Режим вывода команд на экран (ECHO) включен."),
    "echo off": ("ECHO is off.", "Режим вывода команд на экран (ECHO) отключен."),
    "disabled": (
        "The command prompt has been disabled by your administrator.",
        "Приглашение командной строки отключено вашим администратором.",
    ),
    "any key": ("Press any key to continue . . . ", "Для продолжения нажмите любую клавишу . . . "),
    "operand": ("Missing operand.", "Отсутствует операнд."),
    "operator": ("Missing operator.", "Отсутствует оператор."),
    "number": (
        "Invalid number.  Numeric constants are either decimal (17),\r\nhexadecimal (0x11), or octal (021).",
        (
            "Недопустимое число. Числовые константы могут быть десятичными (17),\r\n"
            "шестнадцатеричными (0x11) или восьмеричными (021)."
        ),
    ),
    "parentheses": ("Unbalanced parenthesis.", "Непарные скобки."),
    "zero": ("Divide by zero error.", "Ошибка деления на ноль."),
    "version": ("Microsoft Windows [Version {0}]", "Microsoft Windows [Version {0}]"),
    "invalid start": (
        "The system cannot find the file {0}.",
        "Не удается найти файл {0}.",
    ),
}


def say(language: Literal["en", "ru"], word: str, *values: object) -> str:
    """One message in the language of this Windows."""
    english, russian = WORDS[word]
    return (russian if language == "ru" else english).format(*values)
