"""One script more than the interpreter's grammar: end processes by name and by a part of their path, and tell how many.

``foreach`` over ``'name|part;name|part'.Split(';')``, with ``Get-Process -Name``, ``.Path.ToLower().Contains`` and
``taskkill.exe /f /t /pid``. What is written in any other way falls through to the interpreter, which refuses it.
"""

import re
from typing import TYPE_CHECKING

from drova_gate.sim.shells.cmd_state import Write
from drova_gate.sim.windows.processes import Process

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["end_by_path"]

_FIND = (
    r"\$a=\$r\.Split\('\|'\);\$k=@\(Get-Process -Name \$a\[0\] -ErrorAction SilentlyContinue"
    r"\|Where-Object\{\$_\.Path -and \$_\.Path\.ToLower\(\)\.Contains\(\$a\[1\]\)\}\)"
)
_SCRIPT = re.compile(
    r"\$q='(?P<pairs>[^']*)'\.Split\(';'\);\$w=@\(\);\$c=@\(\);"
    rf"foreach\(\$r in \$q\)\{{{_FIND};\$c\+=\$k\.Count;foreach\(\$p in \$k\)\{{\$w\+='/pid';\$w\+=\$p\.Id\}}\}};"
    r"if\(\$w\.Count\)\{taskkill\.exe /f /t \$w 2>\$null\|Out-Null;"
    r"Wait-Process -Id \(\$w\|Where-Object\{\$_ -ne '/pid'\}\) -Timeout \d+ -ErrorAction SilentlyContinue\};"
    rf"\$n=0;foreach\(\$r in \$q\)\{{{_FIND};'(?P<label>@@ \w+\.)'\+\$n\+' '\+\$c\[\$n\]\+' '\+\$k\.Count;\$n\+\+\}}"
)


async def end_by_path(machine: "Machine", script: str, stdout: Write) -> bool:
    """Run the script if it is this one; ``False``: it is another."""
    match = _SCRIPT.fullmatch(script.strip())
    if match is None:
        return False
    rules = [pair.split("|") for pair in match["pairs"].split(";")]
    found = [_matching(machine, name, part) for name, part in rules]
    words = [f"/pid {process.pid}" for each in found for process in each]
    if words:
        environment = machine.environment()
        await machine.start(f"taskkill.exe /f /t {' '.join(words)}", environment=environment, directory="C:\\")
    for number, (name, part) in enumerate(rules):
        left = _matching(machine, name, part)
        stdout(f"{match['label']}{number} {len(found[number])} {len(left)}\r\n".encode("ascii"))
    return True


def _matching(machine: "Machine", name: str, part: str) -> list[Process]:
    return [
        process
        for process in machine.processes.named(f"{name}.exe")
        # Contains() is exact: what is looked for must have been written in lower case.
        if part in process.path.lower()
    ]
