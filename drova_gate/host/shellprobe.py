"""Which shell the station's sshd starts, and the few variables that paths are made of. Pure."""

import re

from drova_gate.errors import AnswerNotUnderstood, ShellNotSupported
from drova_gate.host.commands import SayVariable, Script, Shell
from drova_gate.host.parse import labels

__all__ = ["PROBE", "VARIABLES", "ask_variables", "read_shell", "read_variables"]

PROBE = "echo %OS% $PSVersionTable.PSVersion.Major"
"""cmd.exe fills in the first word, PowerShell the second (and prints each on a line of its own)."""

VARIABLES = ("SystemRoot", "ProgramData", "USERPROFILE", "COMPUTERNAME")

_CMD_ANSWER = "Windows_NT $PSVersionTable.PSVersion.Major"
_POWERSHELL_ANSWER = re.compile(r"^%OS%[ \t]*\r?\n[0-9]+[ \t]*\r?$", re.MULTILINE)


def read_shell(subject: str, answer: str) -> Shell:
    """Tell the shell by its answer to ``PROBE``; a profile script or AutoRun may have printed lines before it."""
    if _CMD_ANSWER in (line.strip() for line in answer.splitlines()):
        return Shell.CMD
    if _POWERSHELL_ANSWER.search(answer):
        return Shell.POWERSHELL
    raise ShellNotSupported(
        subject,
        f"its sshd starts a shell that is neither cmd.exe nor PowerShell (it answered {answer.strip()[:80]!r})",
        r"delete the value DefaultShell in HKLM\SOFTWARE\OpenSSH on the station",
    )


def ask_variables() -> Script:
    """Ask for ``VARIABLES``."""
    return tuple(SayVariable(name, name) for name in VARIABLES)


def read_variables(subject: str, answer: str) -> dict[str, str]:
    """Read the answer to ``ask_variables``; an unset variable is a fault: paths are made of them."""
    said = labels(answer)
    for name in VARIABLES:
        if not said.get(name) or said[name] == f"%{name}%":
            raise AnswerNotUnderstood(subject, f"it does not tell %{name}%", "is it Windows?")
    return {name: said[name] for name in VARIABLES}
