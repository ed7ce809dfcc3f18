"""Checks of the station's desktop: who sits there, whether somebody does after a boot, what was left locked, whose launchers are there."""

import asyncio

from drova_gate.core.model import Phase
from drova_gate.doctor import facts
from drova_gate.doctor.examination import Examination, Spec, Subject
from drova_gate.doctor.protection import is_service_up, shadowed
from drova_gate.doctor.verdict import Cure, Verdict, Where, failed, fine, skipped, warned
from drova_gate.errors import NobodySignedIn
from drova_gate.host.look import marker_files
from drova_gate.state import StateFile
from drova_gate.station import recipes_of
from drova_gate.steps.kinds import FileStep
from drova_gate.steps.lockdown import load_switches
from drova_gate.steps.recipes import Level, Recipe, selected
from drova_gate.steps.repair_plan import Verb, plan_repair, question
from drova_gate.steps.shipped import LOCKDOWN
from drova_gate.steps.target import Target, target_of

__all__ = ["CHECKS"]

LOOKS = 16
"""Files looked for at once, over the one SFTP channel."""
_BUSY = (Phase.PREPARING, Phase.IN_SESSION, Phase.RESETTING)
_NAMED = 3
"""Findings that are told by name."""


async def _autologon_user(exam: Examination) -> str | None:
    """Whom Windows signs in at a boot; empty: somebody, but no name is kept; ``None``: nobody."""
    keys = await exam.once(facts.sign_in)
    switch = facts.value(keys, facts.WINLOGON, "AutoAdminLogon")
    if switch is None or switch.data != "1":
        return None
    user = facts.value(keys, facts.WINLOGON, "DefaultUserName")
    return user.data if user else ""


_SET_AUTOLOGON = Cure(
    Where.BY_HAND,
    "on the station, set up autologon with Sysinternals Autologon, which keeps the password encrypted"
    " (or in netplwiz), then reboot",
)


async def _console(exam: Examination) -> Verdict:
    try:
        console = await exam.once(facts.console)
    except NobodySignedIn as nobody:
        if await exam.once(_autologon_user) is not None:
            return warned(nobody.fact, "autologon is set up; is it just booting? sign in there otherwise")
        return failed(nobody.fact, "no session can be prepared; sign in there, and set up autologon", _SET_AUTOLOGON)
    if console.same_as_login:
        return fine(f"session {console.session_id}, the SSH login's own account")
    return warned(
        f"session {console.session_id} is account {console.user}'s, the SSH login is {exam.config.login}",
        "the gate locks and signs out that account; simplest is to log in with the console's own account",
        Cure(Where.SETTINGS, f"WINDOWS_LOGIN={console.user}"),
    )


async def _autologon(exam: Examination) -> Verdict:
    user = await exam.once(_autologon_user)
    if user is None:
        return warned(
            "off: after the reset's reboot nobody is signed in",
            "without a desktop no session can be prepared; set up autologon, unless the account signs in by itself",
            _SET_AUTOLOGON,
        )
    count = facts.value(await exam.once(facts.sign_in), facts.WINLOGON, "AutoLogonCount")
    if count is not None:
        return warned(
            f"on for {user}, but only {count.number} more time(s)",
            "take the count out, or autologon ends by itself",
            Cure(Where.STATION, rf"Remove-ItemProperty 'HKLM:\{facts.WINLOGON[5:]}' AutoLogonCount"),
        )
    try:
        console = await exam.once(facts.console)
    except NobodySignedIn:
        return fine(f"on for {user}")
    named = user.rpartition("\\")[2].casefold()
    # A Microsoft account stands there by its e-mail address, and sits there by a short name.
    if console.user and named and "@" not in named and named != console.user.casefold():
        return warned(
            f"on for {user}, but {console.user} is signed in now",
            "after the next reset another account sits at the desktop; is that meant?",
        )
    return fine(f"on for {user or console.user}")


async def _desktop_start(exam: Examination) -> Verdict:
    listing = (await exam.once(facts.services)).get("scheduler", "")
    if not is_service_up(listing):
        return failed(
            "Task Scheduler does not run: Explorer cannot be started anew on the player's desktop",
            "start it; nothing else is needed, PsExec neither",
            Cure(Where.STATION, "Set-Service Schedule -StartupType Automatic; Start-Service Schedule"),
        )
    running = await exam.once(facts.running)
    try:
        session = (await exam.once(facts.console)).session_id
    except NobodySignedIn:
        return fine("Task Scheduler runs; nobody is signed in")
    if not any(each.name.casefold() == "explorer.exe" and each.session == session for each in running):
        return warned(
            f"Task Scheduler runs, but no Explorer in session {session}",
            "a player would see an empty screen; start it, or reboot the station",
            Cure(Where.BY_HAND, "at the station: Ctrl+Shift+Esc, File, Run new task, explorer.exe"),
        )
    return fine("by Task Scheduler; Explorer runs")


async def _target(exam: Examination) -> Target:
    return target_of(await exam.once(facts.console), exam.link.variables["ProgramData"])


async def _leftovers(exam: Examination) -> Verdict:
    try:
        record = StateFile(exam.state_dir / exam.config.name / "state.json").look()
    except OSError:
        record = None  # another user's: the station itself is asked next
    if record is not None and record.phase in _BUSY:
        return skipped(f"the gate's own record says {record.phase}: what is locked belongs to that session")
    if await exam.once(shadowed):
        return skipped("in Shadow Mode: what is locked is gone at the next boot")
    switches = load_switches(LOCKDOWN, exam.config.launchers_dir)
    target = await exam.once(_target)
    letters = await exam.once(facts.volumes)
    marked = frozenset(letter for letter, text in (await marker_files(exam.link, letters)).items() if text)
    home = await exam.link.exists(target.home)
    plan = plan_repair(switches, target, await exam.output(question(switches, target)), markers=marked, home=home)
    if plan is None:
        return warned("its registry was not read whole", "try again")
    todo = [f"{each.name} ({each.what})" for each in plan.findings if each.verb is not Verb.KEEP]
    if todo:
        more = f" and {len(todo) - _NAMED} more" if len(todo) > _NAMED else ""
        return warned(
            f"{len(todo)} thing(s) of a preparation are left outside Shadow Mode: {', '.join(todo[:_NAMED])}{more}",
            "they lock the owner's desktop, and stay; take them off",
            Cure(Where.ROUTER, f"drova_gate repair {exam.config.name}"),
        )
    return fine("no lockdown is left outside Shadow Mode")


# -- launchers -------------------------------------------------------------------------------------------------------


async def _launchers(exam: Examination) -> Verdict:
    target = await exam.once(_target)
    recipes = recipes_of(exam.config)
    level = Level(exam.config.wipe)
    gate = asyncio.Semaphore(LOOKS)
    there = dict(
        zip(
            (recipe.name for recipe in recipes),
            await asyncio.gather(*(_is_there(exam, recipe, target, gate) for recipe in recipes)),
            strict=True,
        )
    )
    found = [recipe for recipe in recipes if there[recipe.name]]
    if not found:
        return fine("none of those that have a recipe has left a file")
    off = [recipe.title for recipe in found if not recipe.enabled or not selected(recipe, level)]
    acting = [recipe for recipe in found if recipe.title not in off]
    doubtful = [recipe for recipe in acting if recipe.verified == "unverified"]
    marked = (recipe.title + ("*" if recipe in doubtful else "") for recipe in acting)
    told = f"{len(acting)} found and signed out: {'; '.join(marked)}"
    if off:
        told += f". Found, and their recipe is off or has no step at this DROVA_WIPE: {'; '.join(off)}"
    if doubtful:
        return warned(
            told,
            f"those with a * ({len(doubtful)}) nobody has seen work on a real station; try them once,"
            " docs/verify-on-a-real-pc.md says how",
            Cure(
                Where.BY_HAND, "sign in to each, let the gate prepare the station, look whether it asks for a sign-in"
            ),
        )
    return fine(told)


async def _is_there(exam: Examination, recipe: Recipe, target: Target, gate: asyncio.Semaphore) -> bool:
    """Whether one of the places that a recipe clears is on the station: a folder above it, that is the launcher's own."""
    for place in sorted(_own_folders(recipe, target)):
        async with gate:
            if await exam.link.exists(place):
                return True
    return False


def _own_folders(recipe: Recipe, target: Target) -> set[str]:
    found = set[str]()
    for step in recipe.minimum + recipe.full:
        if not isinstance(step, FileStep):
            continue
        path = target.path(recipe.name, step.path)
        if path is None:
            continue
        head = next(folder for folder in [*_by_length(target), ""] if path.startswith(folder))
        parts = [part for part in path[len(head) :].split("\\") if part]
        # What stands before the first wildcard; the file itself when its folder is everybody's.
        plain = parts[: next((at for at, part in enumerate(parts) if "*" in part or "?" in part), len(parts))]
        if head and plain:
            found.add("\\".join([head.rstrip("\\"), *plain]))
    return found


def _by_length(target: Target) -> list[str]:
    return sorted((f"{folder}\\" for folder in target.folders.values()), key=len, reverse=True)


_NEEDS = ("registry",)

CHECKS = (
    Spec("console", Subject.DESKTOP, _NEEDS, _console),
    Spec("autologon", Subject.DESKTOP, _NEEDS, _autologon),
    Spec("desktop_start", Subject.DESKTOP, _NEEDS, _desktop_start),
    Spec("leftovers", Subject.DESKTOP, ("registry", "console", "volumes"), _leftovers),
    Spec("launchers", Subject.DESKTOP, ("registry", "console", "recipes"), _launchers),
)
