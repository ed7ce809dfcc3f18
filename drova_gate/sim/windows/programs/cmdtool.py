"""Shadow Defender's CmdTool: exit code 0 whatever happened, plain English on every Windows."""

import re

from drova_gate.sim.windows.program import Call
from drova_gate.sim.windows.programs.paths import absolute
from drova_gate.sim.windows.shadow import Change

__all__ = ["cmdtool"]


async def cmdtool(call: Call) -> int:
    """Carry out every option of the call, in its order; nothing of it when the password is wrong."""
    options = [_option(word) for word in call.arguments]
    words = " ".join(re.sub(r"(?i)^/pwd:.*", "/pwd:***", word) for word in call.arguments)
    call.machine.record("shadow", f"CmdTool {words}")
    if "shadow_silent" in call.machine.faults:
        return 0
    password = next((value for name, value in options if name == "/pwd"), None)
    if not call.machine.shadow.accepts(password):
        call.say("Password is not specified or is not correct.")
        return 0
    now = any(name == "/now" for name, _ in options)
    for name, value in options:
        if name in ("/enter", "/exit"):
            _change(call, name, value, now=now)
        elif name == "/list":
            for letter in sorted(call.machine.shadow.active):
                call.say(f"{letter}: is in shadow mode.")
        elif name == "/commit":
            _commit(call, value)
    names = {name for name, _ in options}
    if "/reboot" in names:
        call.say("System is rebooting...")
        call.machine.want_reboot()
    elif "/shutdown" in names:
        call.say("System is shutting down...")
        call.machine.halt()
    return 0


def _option(word: str) -> tuple[str, str]:
    name, _, value = word.partition(":")
    return name.lower().replace("-", "/", 1) if name.startswith("-") else name.lower(), value


def _change(call: Call, name: str, letters: str, *, now: bool) -> None:
    shadow = call.machine.shadow
    for letter in letters.upper():
        if not letter.isalpha():
            continue
        change = shadow.enter(letter, now=now) if name == "/enter" else shadow.exit(letter, now=now)
        if change is Change.FAILED:
            call.say(f"Failed to change the status of {letter}:, error code = 5.")
        elif change is Change.DONE:
            call.say(f"Change the status of {letter}: successfully.")
        else:
            call.say(f"Change the status of {letter}: successfully,")
            call.say(change.value)


def _commit(call: Call, path: str) -> None:
    whole = absolute(call, path)
    if call.machine.files.exists(whole) and call.machine.files.commit(whole):
        call.say(f"Commit {whole} successfully.")
    else:
        call.say(f"Failed to commit {whole}, error code = 2.")
