"""Pages whose terminals are played: real commands against a running gate, a simulated station and a simulated account.

``python tests/docs/played.py --write`` writes them anew; the test beside it plays them again and compares. A story is the page with orders:
``>>>12 drova_gate ...  => 1`` stands for a command's terminal (12 lines of it at most, exit code 1), ``!!! name`` for what happens meanwhile.
"""

import asyncio
import contextlib
import io
import logging
import os
import re
import shlex
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # stages.py, also when this is run as a program

from stages import QUICK
from stages import until as _until

from drova_gate.cli import main
from drova_gate.cli.speech import spoken
from drova_gate.config import Mode
from drova_gate.controller import Happening
from drova_gate.core.model import Phase
from drova_gate.demo.stage import Act, Stage
from drova_gate.report.events import EventStore, event_of
from drova_gate.report.server import StatusServer
from drova_gate.sim import cloud_past
from drova_gate.sim.cloud_world import DESKTOP, StationProduct
from drova_gate.sim.player import Player
from drova_gate.sim.windows.installation import CMDTOOL
from drova_gate.sim.windows.registry import number
from drova_gate.station import open_station

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = Path(__file__).parent / "stories"
STORIES = {str(story.relative_to(FOLDER).with_suffix("")): story for story in sorted(FOLDER.rglob("*.md"))}
TOKEN = "merchant-token"
SESSIONS = 60
"""Of each station, past ones."""


ON_PC1 = (
    *("Counter-Strike 2", "Cyberpunk 2077", "Dota 2", "Red Dead Redemption 2", "Grand Theft Auto V Legacy (Steam)"),
    *("PLAYERUNKNOWN'S BATTLEGROUNDS (PUBG)", "Ведьмак 3: Дикая Охота", "Terraria", "Hades"),
)
"""What pc1 offers; Steam has one more there, and has the last two no more."""


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it on a machine that may be very busy."""
    await _until(condition, seconds=60.0)


@dataclass
class Day:
    """What the story is played on."""

    stage: "_Recorded"
    act: Act
    folder: Path
    group: asyncio.TaskGroup
    running: asyncio.Task[None]
    served: bool = True
    player: Player | None = None
    session: str = ""

    # -- what happens between the commands -----------------------------------------------------------------------------

    async def a_player_comes(self) -> None:
        """A desktop session on pc1, through the gate's port, prepared and let in."""
        port = self.act.gate.config.listen_port
        assert port is not None
        self.session = self.stage.cloud.start_session(self.act.server, client_ip="198.18.7.9")
        self.player = Player()
        await self.player.connect("127.0.0.1", port)
        await self.player.wait_ready(60.0)
        self.stage.cloud.set_status(self.session, "ACTIVE")
        await until(lambda: self.act.gate.controller.reason.startswith("in session"))

    async def he_leaves(self) -> None:
        """The session ends; the station is reset and proved clean."""
        self.stage.cloud.finish(self.session)
        await self._left()
        await until(lambda: self.act.phase is Phase.CLEAN and not self.act.gate.controller.record.session)

    async def he_leaves_and_the_power_fails(self) -> None:
        """The session ends, the station does not come back from its reset: quarantine, hidden."""
        self.act.station.faults.add("never_comes_back")
        self._waits_for_a_reset(3.0)
        self.stage.cloud.finish(self.session)
        await self._left()
        await self._quarantined("the station has not come back", answers=False)

    async def the_disk_keeps_everything(self) -> None:
        """A session ends, and the disk was not rolled back."""
        self.act.station.faults.add("not_rolled_back")
        await self.a_player_comes()
        self.stage.cloud.finish(self.session)
        await self._left()
        await self._quarantined("still carries the marker", answers=True)

    async def a_player_takes_a_disk_out(self) -> None:
        """He knows the protector's password; then his session ends, and the station is reset."""
        await self.a_player_comes()
        self.act.station.machine.shadow.exit("D", now=True)
        self.stage.cloud.finish(self.session)
        await self._left()
        await self._quarantined("Shadow Mode was gone from D", answers=True)

    async def the_image_is_restored(self) -> None:
        """The owner puts his image back: marker, locks and all else of the last session are gone."""
        self.act.station.faults.discard("not_rolled_back")
        await self.run("drova_gate repair pc1 --yes")
        await self.act.station.reboot()
        await self.it_is_clean_and_shown()

    async def locks_are_left(self) -> None:
        """Three locks stand on a disk that forgets nothing."""
        machine = self.act.station.machine
        policies = machine.owner.hive + r"\Software\Microsoft\Windows\CurrentVersion\Policies"
        with machine.quietly():
            machine.registry.set(policies + r"\System", "DisableTaskMgr", number(1))
            machine.registry.set(policies + r"\Explorer", "NoRun", number(1))
            machine.registry.set(policies + r"\Explorer", "NoClose", number(1))

    async def windows_is_installed_anew(self) -> None:
        """Another host key, and the agent registered as before."""
        await self.act.station.change_host_key()
        await until(lambda: "host key" in self.act.gate.controller.reason)

    async def the_host_key_is_forgotten(self) -> None:
        (self.folder / "state" / "pc1" / "host_key").unlink()
        await self.the_gate_stops()
        await self.the_gate_starts()
        await until(lambda: self.act.gate.controller.reason == "clean and free")

    async def shadow_defender_is_gone(self) -> None:
        machine = self.act.station.machine
        with machine.quietly():
            machine.files.delete(CMDTOOL)
        server = self.stage.cloud.servers[self.act.server]
        await until(lambda: not server.published)

    async def shadow_defender_is_back(self) -> None:
        machine = self.act.station.machine
        with machine.quietly():
            machine.files.write(CMDTOOL, b"MZ")
        await self.it_is_clean_and_shown()

    async def the_token_is_refused(self) -> None:
        """Drova refuses whatever token it is shown."""
        self.stage.cloud.faults.add("cloud_401")
        await until(lambda: "401" in self.act.gate.controller.reason)

    async def the_token_is_accepted(self) -> None:
        self.stage.cloud.faults.discard("cloud_401")
        await self.the_gate_stops()
        await self.the_gate_starts()

    async def it_was_hidden_by_hand(self) -> None:
        self.stage.cloud.servers[self.act.server].published = False

    async def the_gate_stops(self) -> None:
        self.running.cancel()
        await asyncio.wait({self.running})
        self.served = False

    async def the_gate_starts(self) -> None:
        """A new process reads what the last one left."""
        config, pace = self.act.gate.config, self.stage.pace
        self.act.gate = open_station(
            config,
            Mode.SOCKET,
            self.folder / "state",
            tell=lambda one: self.stage._told(self.act, one),
            timing=pace.timing,
        )
        self.running = self.group.create_task(self.act.gate.run())
        self.served = True
        calm = re.compile(r"in session \w+|clean and free")
        await until(lambda: calm.fullmatch(self.act.gate.controller.reason) is not None)
        await until(lambda: self.act.gate.controller.observer.known(self.act.gate.controller.record).host is not None)

    async def the_state_is_lost(self) -> None:
        """The flash of the router has died; the settings were kept."""
        shutil.rmtree(self.folder / "state" / "pc1")

    async def it_is_clean_and_shown(self) -> None:
        controller, server = self.act.gate.controller, self.stage.cloud.servers[self.act.server]
        # Shown, and read back: the next event may hide it at once, which must not pass for a showing that failed.
        await until(
            lambda: controller.reason == "clean and free" and server.published and not controller.record.hidden_by_us
        )

    async def it_is_switched_on(self) -> None:
        """Somebody presses the power button; the rest is the gate's."""
        self.act.station.faults.discard("never_comes_back")
        self._waits_for_a_reset(self.stage.pace.reset_wait)
        await self.act.station.power_on()
        await self.it_is_clean_and_shown()

    async def _quarantined(self, why: str, *, answers: bool) -> None:
        """Everything that follows is there to be seen: the alarm, the hiding, and the next look at a station that answers."""
        controller, server = self.act.gate.controller, self.stage.cloud.servers[self.act.server]
        await until(lambda: controller.phase is Phase.QUARANTINED and not server.published)
        await until(lambda: any(why in line and line.endswith("look at the station") for line in self.stage.log_lines))
        await until(lambda: not answers or controller.observer.known(controller.record).host is not None)

    def _waits_for_a_reset(self, seconds: float) -> None:
        """Five minutes for a real PC."""
        observer = self.act.gate.controller.observer
        observer.policy = replace(observer.policy, reset_wait_seconds=seconds)

    async def _left(self) -> None:
        if self.player is not None:
            await self.player.close()

    # -- the owner's commands ------------------------------------------------------------------------------------------

    async def run(self, line: str, answers: str = "") -> tuple[int, str]:
        """Type one command; its exit code, and what its terminal showed."""
        words = shlex.split(line)
        assert words[0] == "drova_gate", line
        if words[1] == "events":
            await until(self.stage.is_written)
        out = io.StringIO()

        def command() -> int:
            try:
                return main(words[1:])
            except SystemExit as end:
                return int(end.code or 0)

        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), _typed(answers), _unlogged():
            async with asyncio.timeout(60):
                code = await asyncio.to_thread(command)
        # The gate runs in this very process: what it logs meanwhile is not the command's.
        said = (
            out.getvalue()
            .replace(str(self.folder / "state"), "/var/lib/drova_gate")
            .replace(str(self.folder), "/etc/drova_gate")
        )
        return code, "".join(line for line in said.splitlines(keepends=True) if not _LOGGED.match(line))


_LOGGED = re.compile(r"(?:\d{4}-\S+ \S+ )?(?:DEBUG|INFO|WARNING) ")


@contextlib.contextmanager
def _unlogged() -> Any:
    """Take away the handlers that a command has set up for its own process."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


@contextlib.contextmanager
def _typed(answers: str) -> Any:
    before, sys.stdin = sys.stdin, io.StringIO(answers)
    try:
        yield
    finally:
        sys.stdin = before


def _morning() -> str:
    """Return a time zone in which it is eight o'clock; POSIX counts them westwards."""
    east = (8 - time.gmtime().tm_hour + 12) % 24 - 12
    return f"MSK{-east}"


@contextlib.contextmanager
def _surroundings(folder: Path, language: str) -> Any:
    """The owner's router: its state directory, its settings, his language, and a time at which owners get up."""
    own = {
        "DROVA_STATE_DIR": str(folder / "state"),
        "ENV_LOCATION": str(folder / "owner.env"),
        "DROVA_LANG": language,
        "TZ": _morning(),
        "COLUMNS": "132",
        "LOGNAME": "anna",
        "SUDO_USER": "anna",
    }
    before = {name: os.environ.get(name) for name in (*own, "DROVA_TOKEN", "DROVA_CONFIG", "DROVA_API_URL")}
    at = Path.cwd()
    os.environ.pop("DROVA_TOKEN", None)
    os.environ.update(own)
    os.chdir(folder)
    time.tzset()
    spoken.cache_clear()
    try:
        yield
    finally:
        os.chdir(at)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        time.tzset()
        spoken.cache_clear()


class _Recorded(Stage):
    """A stage whose happenings go into the record, as the daemon's do."""

    events: EventStore
    happened = 0

    def _told(self, act: Act, happening: Happening) -> None:
        super()._told(act, happening)
        self.events.add(event_of(act.name, act.gate.controller, act.gate.past, happening))
        self.happened += 1

    def is_written(self) -> bool:
        """Whether all that has happened is on the disk, which may be busy."""
        with contextlib.closing(sqlite3.connect(f"file:{self.events.path}?mode=ro", uri=True)) as base:
            return int(base.execute("SELECT count(*) FROM events").fetchone()[0]) == self.happened


@asynccontextmanager
async def opened(folder: Path, language: str) -> AsyncIterator[Day]:
    """A gate with one real (simulated) PC, in an account of seven stations with a past."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    pace = replace(QUICK, hold=20.0, reset_wait=30.0, reset_ignored=10.0)
    events = EventStore(state / "events.sqlite", days=90)
    events.open()
    stage = _Recorded(Mode.SOCKET, 1, None, state, lambda act, moment: None, pace=pace)
    stage.events = events
    with _surroundings(folder, language):
        async with stage, asyncio.TaskGroup() as group:
            (act,) = stage.acts
            owner = stage.cloud.servers[act.server].user_id
            world = stage.cloud.world
            pc = [stage.cloud.servers[act.server]]
            titles: dict[str, str] = {}
            for uuid, product in world.products.items():
                titles.setdefault(product.title, uuid)  # of copies the first is the one that is offered
            pc[0].products = {DESKTOP: StationProduct()} | {titles[one]: StationProduct() for one in ON_PC1}
            cloud_past.add_past(world, pc, SESSIONS)
            stage.cloud.fill(owner, stations=6, sessions=SESSIONS, playing=0.4, seed=3)
            stage.cloud.add_merchant_token(TOKEN, owner)
            _write_settings(folder, stage, act)

            day = Day(stage, act, folder, group, group.create_task(act.gate.run()))

            def status(name: str | None, *, addresses: bool) -> dict[str, Any]:
                shown = act.gate.snapshot(now=time.monotonic(), addresses=addresses)
                shown |= {"state_dir": str(state / "pc1"), "stuck_since": None}
                return {"started_at": time.time() - 6 * 86400, "stations": [shown] if day.served else []}

            serving = group.create_task(StatusServer(state, None, status).run())
            await until(lambda: act.phase is Phase.CLEAN and (state / "status.sock").exists())
            yield day
            serving.cancel()
            day.running.cancel()
    await asyncio.to_thread(events.close)


def _write_settings(folder: Path, stage: Stage, act: Act) -> None:
    plan = act.station.plan
    for name in ("owner.env", "stations.toml"):
        (folder / name).touch(mode=0o600)
    (folder / "owner.env").write_text(
        f"DROVA_CONFIG={folder / 'stations.toml'}\nDROVA_API_URL={stage.cloud.url}\nDROVA_TOKEN={TOKEN}\n"
    )
    (folder / "stations.toml").write_text(
        f'[[station]]\nname = "pc1"\nwindows_host = "{act.station.host}"\nwindows_ssh_port = {act.station.ssh_port}\n'
        f'windows_login = "{plan.login}"\nwindows_password = "{plan.password}"\nshadow_defender_password = "{plan.shadow_password}"\n'
        f"drova_target_port = {act.station.agent_port}\n"
    )


# -- the page --------------------------------------------------------------------------------------------------------------

_LINE = re.compile(r"(?P<mark>>>>|!!!)(?P<most>\d*) (?P<text>.*?)(?:  <<< (?P<answers>.*))?(?:  => (?P<code>\d+))?")


async def page(name: str, folder: Path) -> str:
    """Play a story; the page with what every command printed."""
    out = [f"<!-- Written by tests/docs/played.py from tests/docs/stories/{name}.md: change it there. -->"]
    async with opened(folder, "ru" if name.startswith("ru/") else "en") as day:
        for line in STORIES[name].read_text(encoding="utf-8").splitlines():
            found = _LINE.fullmatch(line)
            if found is None:
                out.append(line)
            elif found["mark"] == "!!!":
                await getattr(day, found["text"])()
            else:
                code, said = await day.run(found["text"], (found["answers"] or "").replace(" ", "\n") + "\n")
                assert "--lax" in sys.argv or code == int(found["code"] or 0), (
                    f"{found['text']}: exit code {code}\n{said}"
                )
                out += _block(found["text"], said, int(found["most"] or 0))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)) + "\n"


def _block(command: str, said: str, most: int) -> list[str]:
    lines = [line.rstrip() for line in said.rstrip().splitlines()]
    if most and len(lines) > most:
        lines = [*lines[:most], f"... ({len(lines) - most} more lines)"]
    return ["```text", f"$ {command}", *lines, "```"]


_MASKS = (
    (r"SHA256:[\w/+]+", "KEY"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b", "ID"),
    (r"\d{4}-\d\d-\d\d", "DAY"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "TIME"),
    (r"[-+]?\d+(?:[.,]\d+)*", "N"),
    (r"\bN (?:s|min|h|d|days|ms|с|мин|ч|д|дн|мс)\b", "SPAN"),
    (r"-{3,}", "---"),
    (r"[ \t]+", " "),
)


_LOOSE = (
    r"\n.* held +ready byte seen.*",  # the player and the cloud's list come in either order
    r"(?<=\n)pc1: (?!maintenance is ordered).*\n(?=(?:pc1: .*\n)*pc1: (?:in maintenance|the maintenance is over))",  # what is seen on the way
    r"\n.*\$ drova_gate money(?:\n.*?)*\n```",  # who earned most depends on the day of the month
)


def masked(text: str) -> str:
    """What must be the same in every play: words, names, order; not the numbers, times and ids."""
    for pattern in _LOOSE:
        text = re.sub(pattern, "", text)
    # Where a long line is broken depends on how long the numbers in it are.
    text = re.sub(r"\n {2}(?=\S)", " ", text)
    # Of a station's line in the status its phase: how old each fact is at that moment is nobody's word.
    text = re.sub(r"(\n(?:STATION +PHASE|СТАНЦИЯ +ФАЗА).*\n\S+ +\S+).*", r"\1", text)
    for pattern, said in _MASKS:
        text = re.sub(pattern, said, text)
    return text


def renew(text: str, terminals: dict[str, str]) -> str:
    """Put the played terminals into a page that shows some of them."""

    def newest(found: re.Match[str]) -> str:
        return terminals.get(found[1], found[0])

    return re.sub(r"^```text\n\$ (drova_gate [^\n]*)\n.*?^```$", newest, text, flags=re.MULTILINE | re.DOTALL)


def terminals_of(text: str) -> dict[str, str]:
    """Return a page's terminals by their command; of several the first."""
    found: dict[str, str] = {}
    for block in re.finditer(r"^```text\n\$ (drova_gate [^\n]*)\n.*?^```$", text, re.MULTILINE | re.DOTALL):
        found.setdefault(block[1], block[0])
    return found


SHOWING = ("README.md", "docs/guide.md")
"""Pages that show terminals of the played ones."""


def _main() -> None:
    root, terminals = DOCS.parent, dict[str, str]()
    for name in STORIES:
        with tempfile.TemporaryDirectory() as place:
            written = asyncio.run(page(name, Path(place)))
        if "--write" not in sys.argv:
            sys.stdout.write(written)
            continue
        (DOCS / f"{name}.md").write_text(written, encoding="utf-8")
        if not name.startswith("ru/"):
            terminals = terminals_of(written) | terminals
    for name in SHOWING if terminals else ():
        file = root / name
        if file.exists():
            file.write_text(renew(file.read_text(encoding="utf-8"), terminals), encoding="utf-8")


if __name__ == "__main__":
    _main()
