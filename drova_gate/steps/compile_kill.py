r"""Which processes go and which services stop. Pure.

``taskkill`` ends a process by its name alone. Names that several programs bear (``Launcher.exe``) are told apart by their path, which only
PowerShell shows on every Windows (wmic is gone from new ones). Its start takes 0.3 to 0.5 s, so it is started only when the process list
shows such a name at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drova_gate.steps import batch
from drova_gate.steps.kinds import KillUnder
from drova_gate.steps.payload import ExpectedKill
from drova_gate.steps.recipes import Recipe

__all__ = ["Kills", "kill_lines", "kills_of", "look_lines", "stop_lines", "under_lines", "word"]

_QUIET = ">nul 2>nul"
_ROOM = 6000
"""Characters of image names in one line: it has other commands beside them."""
_ROOM_FOR_RULES = 4000
"""Characters of rules in one line: the script around them and the lanes beside it take a thousand."""


@dataclass(frozen=True, slots=True)
class Kills:
    """All that is to be ended on one station."""

    images: tuple[str, ...]
    under: tuple[KillUnder, ...]
    services: tuple[tuple[str, str], ...]
    """Step and service; those that the station has."""
    absent: tuple[str, ...]
    """Steps of services that it has not."""
    expected: tuple[ExpectedKill, ...]


def kills_of(recipes: Iterable[Recipe], installed: frozenset[str] | None) -> Kills:
    """Gather what enabled recipes name, each once; ``installed``: the station's services, ``None``: not known."""
    enabled = [recipe for recipe in recipes if recipe.enabled]
    under = tuple(dict.fromkeys(rule for recipe in enabled for rule in recipe.kill_under))
    services = [
        (f"{recipe.name}.service{number}", service)
        for recipe in enabled
        for number, service in enumerate(recipe.services, 1)
    ]
    return Kills(
        images=_once(image for recipe in enabled for image in recipe.kill),
        under=under,
        services=tuple(each for each in services if installed is None or each[1].casefold() in installed),
        absent=tuple(
            step for step, service in services if installed is not None and service.casefold() not in installed
        ),
        expected=tuple(
            ExpectedKill(
                f"{recipe.name}.processes",
                recipe.kill,
                tuple((rule.image, under.index(rule)) for rule in recipe.kill_under),
            )
            for recipe in enabled
            if recipe.kill or recipe.kill_under
        ),
    )


def _once(images: Iterable[str]) -> tuple[str, ...]:
    return tuple({image.casefold(): image for image in images}.values())


def kill_lines(images: Sequence[str], *, tree: bool) -> list[str]:
    """Commands that kill by name, as few as fit; the exit code is no proof (128: none was there), the process list is."""
    switches = "/f /t" if tree else "/f"
    return [
        f"taskkill.exe {switches} {words} {_QUIET}"
        for words in batch.chunks([f"/im {word(image)}" for image in images], _ROOM)
    ]


def look_lines(rules: Sequence[KillUnder], tasks: str) -> list[str]:
    """Look through the process list in ``tasks`` for names whose path must be looked at; ``DG_UNDER`` is set when one runs."""
    if not rules:
        return []
    images = _once(rule.image for rule in rules)
    rows = f'for /f "usebackq tokens=1 delims=," %%a in ("{tasks}") do'
    return [
        # One variable for each running name: then nothing more is started to look for ours.
        f'{rows} set "DG_RUNS_%%~a=1"',
        *(f'if defined DG_RUNS_{image} set "DG_UNDER=1"' for image in images if " " not in image),
        # The name after "defined" ends at its first blank.
        *(f'{rows} if /i "%%~a"=="{image}" set "DG_UNDER=1"' for image in images if " " in image),
    ]


def under_lines(rules: Sequence[KillUnder]) -> list[str]:
    """Kill what lies in the rules' folders, and tell ``@@ under.<rule> <killed> <left>`` for each rule; one line but for very many."""
    texts = [f"{rule.image[: -len('.exe')]}|{rule.folder.lower()}" for rule in rules]
    parts: list[list[str]] = []
    for text in texts:
        if not parts or sum(len(each) + 1 for each in parts[-1]) + len(text) > _ROOM_FOR_RULES:
            parts.append([])
        parts[-1].append(text)
    starts = [sum(len(part) for part in parts[:number]) for number in range(len(parts))]
    return [_under_line(part, start) for part, start in zip(parts, starts, strict=True)]


def _under_line(texts: Iterable[str], start: int) -> str:
    find = (
        "$a=$r.Split('|');$k=@(Get-Process -Name $a[0] -ErrorAction SilentlyContinue"
        "|Where-Object{$_.Path -and $_.Path.ToLower().Contains($a[1])})"
    )
    # Rules are counted on from the lines before.
    counts = f"@(0)*{start}" if start else "@()"
    script = (
        f"$q='{';'.join(texts)}'.Split(';');$w=@();$c={counts};"
        f"foreach($r in $q){{{find};$c+=$k.Count;foreach($p in $k){{$w+='/pid';$w+=$p.Id}}}};"
        "if($w.Count){taskkill.exe /f /t $w 2>$null|Out-Null;"
        "Wait-Process -Id ($w|Where-Object{$_ -ne '/pid'}) -Timeout 2 -ErrorAction SilentlyContinue};"
        f"$n={start};foreach($r in $q){{{find};'@@ under.'+$n+' '+$c[$n]+' '+$k.Count;$n++}}"
    )
    # Standard input closed: PowerShell would wait for one that stays open.
    return f'powershell.exe -NoProfile -NonInteractive -Command "{script}" <nul 2>nul'


def stop_lines(services: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Stop services; ``sc.exe`` returns at once, the second kill ends what is slow to stop."""
    for step, service in services:
        yield f'sc.exe stop "{service}" {_QUIET}'
        yield f"echo @@ code.{step} %errorlevel%"


def word(image: str) -> str:
    """An image's name as one argument."""
    return f'"{image}"' if " " in image else image
