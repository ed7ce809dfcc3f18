"""Shadow Defender, by its command line program CmdTool.exe.

The program's exit code is 0 whatever happened and its word for a change proves nothing (a change may be stored for the
next boot only), so every reading rests on ``/list``. Its output is plain English on every Windows.
"""

import re

from pydantic import SecretStr

from drova_gate.errors import AnswerNotUnderstood, GateError, NotConfirmed, ProtectorMissing, ProtectorRefused
from drova_gate.host.commands import Run, Say, Script, Secret, Section, WhenFile
from drova_gate.host.parse import labels
from drova_gate.protect.protector import Protection

__all__ = ["ShadowDefender"]

_FOLDER = r"C:\Program Files\Shadow Defender"

_SHADOWED = re.compile(r"([A-Za-z]): is in shadow mode\.?")
_FAILED = re.compile(r"Failed to change the status of ([A-Za-z]):, error code = (\d+)")
_DONE = re.compile(r"Change the status of ([A-Za-z]): successfully\.")
"""Done at once; with a comma in place of the full stop it is stored for the next boot only."""
_PASSWORD = "Password is not specified or is not correct"  # noqa: S105 -- the program's own sentence

# Sections of the output. The list after everything else is the one that counts.
_LIST, _BEFORE, _ENTER, _WAY_OUT, _MISSING = (
    "shadow_list",
    "shadow_before",
    "shadow_enter",
    "shadow_way_out",
    "shadow_missing",
)
_RAN = "cmdtool"


class ShadowDefender:
    """The protector ``shadow_defender``."""

    name = "shadow_defender"
    forgets = True

    def __init__(self, password: SecretStr, *, folder: str = _FOLDER) -> None:
        self._password = password
        self._program = rf"{folder}\CmdTool.exe"

    def status(self) -> Script:
        """Ask which volumes are in Shadow Mode; changes nothing."""
        return self._if_there(self._call(_LIST, "/list"))

    def enter(self, volumes: frozenset[str]) -> Script:
        """List, enter now, schedule the way out, list again.

        The way out is a call of its own without ``/now``: ``/now`` holds for a whole call and would drop the protection. It
        is scheduled at once because a player may delete CmdTool.exe; the next boot is normal all the same.
        """
        letters = _letters(volumes)
        return self._if_there(
            self._call(_BEFORE, "/list"),
            self._call(_ENTER, f"/enter:{letters}", "/now"),
            self._call(_WAY_OUT, f"/exit:{letters}"),
            self._call(_LIST, "/list"),
        )

    def leave(self, volumes: frozenset[str]) -> Script:
        """Schedule the way out for the next boot; a deleted CmdTool.exe is no hindrance, the reboot itself rolls back."""
        return self._if_there(self._call(_WAY_OUT, f"/exit:{_letters(volumes)}")) if volumes else ()

    def read_status(self, sections: dict[str, str]) -> Protection:
        """Read what ``status`` printed."""
        if _MISSING in sections:
            return Protection(None, fault=self._missing())
        return _listed(sections.get(_LIST))

    def read_enter(self, sections: dict[str, str], volumes: frozenset[str]) -> Protection:
        """Read what ``enter`` printed; a volume of ``volumes`` that is not in the last list is a fault."""
        after = self.read_status(sections)
        before = _listed(sections.get(_BEFORE)).shadowed
        if after.shadowed is None:
            return Protection(None, before, after.fault)
        lacking = volumes - after.shadowed
        if not lacking:
            return Protection(after.shadowed, before)
        fact = f"not in Shadow Mode by its own list: {_spoken(lacking)}"
        entered = frozenset(letter.upper() for letter in _DONE.findall(sections.get(_ENTER, "")))
        if dropped := lacking & entered:
            fact += f" (by its word {_spoken(dropped)} entered, and left it when the way out was scheduled)"
        for letter, code in _FAILED.findall(sections.get(_ENTER, "")):
            fact += f" ({letter.upper()}: error code {code})"
        advice = "look at Shadow Defender on the station: licence, free space, Memory Integrity (HVCI) off"
        return Protection(after.shadowed, before, NotConfirmed("Shadow Defender", fact, advice))

    def _call(self, section: str, *options: str) -> Section:
        password = Secret("/pwd:", self._password.get_secret_value())
        return Section(section, (Run(self._program, (password, *options), label=_RAN),))

    def _if_there(self, *calls: Section) -> Script:
        return (WhenFile(self._program, calls, (Section(_MISSING, (Say("missing"),)),)),)

    def _missing(self) -> GateError:
        return ProtectorMissing(
            "Shadow Defender",
            f"{self._program} is not on the station",
            "install Shadow Defender there, or set DROVA_PROTECTOR=none to go without protection",
        )


def _listed(text: str | None) -> Protection:
    """Read one ``/list``: no line at all means no volume, but only if the program ran."""
    if text is None:
        return Protection(
            None, fault=AnswerNotUnderstood("Shadow Defender", "its list was not seen to the end", "asks again")
        )
    if _PASSWORD in text:
        return Protection(
            None, fault=ProtectorRefused("Shadow Defender", "it refuses the password", "set SHADOW_DEFENDER_PASSWORD")
        )
    spoken = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("@@ ")]
    found = frozenset(match[1].upper() for line in spoken if (match := _SHADOWED.match(line)))
    if found or (not spoken and labels(text).get(_RAN) == "ok"):
        return Protection(found)
    fact = f"its list says {spoken[0][:80]!r}" if spoken else "CmdTool.exe could not be run"
    return Protection(
        None,
        fault=AnswerNotUnderstood("Shadow Defender", fact, "run CmdTool.exe /list on the station as administrator"),
    )


def _letters(volumes: frozenset[str]) -> str:
    return "".join(sorted(volumes))


def _spoken(volumes: frozenset[str]) -> str:
    return ", ".join(f"{letter}:" for letter in sorted(volumes))
