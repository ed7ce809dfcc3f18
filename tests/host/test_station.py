"""The host side against a simulated station: both shells, both languages."""

import asyncio
import logging
import uuid
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest
from pydantic import SecretStr
from simulated import address_of, kept, linked, quick_plan

from drova_gate.errors import (
    GateError,
    HostKeyChanged,
    LoginRefused,
    NobodySignedIn,
    NotConfirmed,
    ProtectorMissing,
    ProtectorRefused,
    RegistrationMissing,
    SettingsFault,
    StationUnreachable,
)
from drova_gate.host.commands import Run, Shell, sections
from drova_gate.host.identity import read_console, read_registrations
from drova_gate.host.link import HostLink
from drova_gate.host.look import look, marker_files
from drova_gate.host.marks import BOOT_KEY, BOOT_VALUE, MARKER_KEY, marker_file
from drova_gate.host.probe import port_open
from drova_gate.host.reset import ResetAnswer, reset
from drova_gate.host.volumes import read_fixed_volumes
from drova_gate.protect.none import NoProtector
from drova_gate.protect.shadow_defender import ShadowDefender
from drova_gate.sim.station import Station

BOTH = frozenset("CD")
KINDS = [(shell, language) for shell in ("cmd", "powershell") for language in ("ru", "en")]
each_kind = pytest.mark.parametrize("shell, language", KINDS)


def guard(station: Station) -> ShadowDefender:
    return ShadowDefender(SecretStr(station.plan.shadow_password))


async def until(link: HostLink, *, up: bool) -> None:
    """Wait until the link is up, or down."""
    turned = asyncio.Event()
    link.on_change = turned.set
    async with asyncio.timeout(15):
        while link.up is not up:
            link.retry_soon()
            with suppress(TimeoutError):
                await asyncio.wait_for(turned.wait(), 0.05)
            turned.clear()


async def until_back(link: HostLink) -> None:
    """Wait through a reboot: down, then up."""
    await until(link, up=False)
    await until(link, up=True)


# -- the link --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (None, "drova_gate bootstrap makes a new one, and its script is to be run on the PC once more"),
        ("no key", "set WINDOWS_KEY_FILE to a private key without passphrase"),
    ],
)
async def test_a_key_that_is_lost_is_told_from_one_that_is_none(content: str | None, advice: str, tmp_path: Path):
    """The state folder, where the gate's own key lies, may be lost while the settings are whole."""
    if content is not None:
        (tmp_path / "gate_key").write_text(content, encoding="ascii")
    async with (
        Station(quick_plan()) as station,
        kept(HostLink("pc1", address_of(station, password=None, key_file=tmp_path / "gate_key"))) as link,
    ):
        with pytest.raises(LoginRefused, match=advice):
            await link.wait_up(10)


@each_kind
async def test_link_comes_up(shell, language):
    """The shell and the variables are known, whatever the shell and the language."""
    async with linked(shell=shell, language=language) as (station, link):
        assert link.shell is Shell(shell)
        assert link.variables["ProgramData"] == r"C:\ProgramData"
        assert link.variables["USERPROFILE"].casefold() == rf"c:\users\{station.plan.login}"


async def test_key_login(tmp_path):
    """A private key does instead of a password."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "key")
    async with (
        Station(quick_plan(authorized_key=key.export_public_key().decode())) as station,
        kept(HostLink("pc1", address_of(station, password=None, key_file=tmp_path / "key"))) as link,
    ):
        await link.wait_up(10)


async def test_pinned_key_of_the_station(tmp_path):
    """The learned pin is the station's own fingerprint; another key later is refused before any login."""
    pin = tmp_path / "pin"
    async with Station(quick_plan()) as station:
        async with kept(HostLink("pc1", address_of(station), pin)) as link:
            await link.wait_up(10)
        assert pin.read_text().split()[1] == station.host_key_fingerprint
        pin.write_text("ssh-ed25519 SHA256:" + "y" * 43 + "\n")
        logins = sum(entry.kind == "login" for entry in station.journal)
        async with kept(HostLink("pc1", address_of(station), pin)) as link:
            with pytest.raises(HostKeyChanged):
                await link.wait_up(1)
        assert sum(entry.kind == "login" for entry in station.journal) == logins


async def test_login_refused_is_for_the_owner(caplog):
    """A wrong password: one warning without the password, and a long wait."""
    async with Station(quick_plan()) as station:
        link = HostLink("pc1", address_of(station, password=SecretStr("falsch-geheim")))
        async with kept(link):
            link.retry_soon()
            with pytest.raises(LoginRefused):
                await link.wait_up(1.5)
    loud = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert [record.levelname for record in loud if "refuses" in record.getMessage()] == ["WARNING"]
    assert "falsch-geheim" not in caplog.text


async def test_drops_are_told_once_each(caplog):
    """Acceptance 2: links cut again and again: up again each time, nothing sent but the two greetings."""
    caplog.set_level(logging.INFO, "drova_gate")
    async with linked() as (station, link):
        for _ in range(2):
            await station.drop_ssh()
            await until_back(link)
        assert link.connections == 3
        assert len(station.commands) == 6
    lines = [record.getMessage() for record in caplog.records]
    assert sum("SSH link lost" in line for line in lines) == 2
    assert sum("up again after" in line for line in lines) == 2


async def test_a_link_that_is_down_says_why_at_once():
    """Nothing hangs on a link that is down: the reason is raised."""
    async with linked() as (station, link):
        await station.power_off()
        await until(link, up=False)
        for attempt in (link.run([Run("hostname.exe")]), link.read(r"C:\x"), link.write_all({r"C:\x": b""})):
            with pytest.raises(StationUnreachable):
                await attempt


@pytest.mark.parametrize("fault", ["max_sessions_1", "powershell_shell", "english_windows", "station_off"])
async def test_link_lives_with(fault):
    """A small MaxSessions, the other shell, the other language, a late start: four commands at once all end."""
    async with linked(fault) as (_, link):
        done = await asyncio.gather(*(link.run([Run("hostname.exe", label="h")]) for _ in range(4)))

        assert all("@@ h ok" in each.stdout for each in done)


@each_kind
async def test_missing_program_is_a_failure(shell, language):
    """A program that is not there is never ok, not even after one that was."""
    async with linked(shell=shell, language=language) as (_, link):
        done = await link.run([Run("hostname.exe", label="a"), Run("no_such_program.exe", label="b")])

        assert "@@ a ok" in done.stdout
        assert "@@ b failed" in done.stdout


async def test_files_over_sftp():
    """Windows paths, Cyrillic ones too; absence is None."""
    async with linked() as (_, link):
        path = r"C:\ProgramData\drova_gate\Игрок и пробел.ini"
        await link.write_all({path: b"\xff\xfe1"})

        assert await link.read(path.upper()) == b"\xff\xfe1"
        assert await link.exists(r"C:\ProgramData\drova_gate")
        assert await link.remove(path)
        assert await link.read(path) is None
        assert await link.read(r"C:\no\such.ini") is None


async def test_space_and_folders_of_volumes_that_may_be_gone():
    """A volume that is gone is an absence, not an error; free space is sshd's own word."""
    async with linked() as (_, link):
        assert await link.free_space("D:\\") == pytest.approx(500e9, abs=4096)
        assert await link.free_space("E:\\") is None
        assert await link.names_if_there(r"E:\SteamLibrary\steamapps") is None
        assert "Windows" in (await link.names_if_there("C:\\") or [])


async def test_no_secret_in_the_log(caplog):
    """At the noisiest level neither password shows."""
    caplog.set_level(logging.DEBUG)
    async with linked() as (station, link):
        await link.run(guard(station).enter(BOTH))
        secrets = (station.plan.password, station.plan.shadow_password)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("drova_gate.host"))
    assert "/pwd:***" in ours
    assert not [secret for secret in secrets if secret in caplog.text]


# -- identity --------------------------------------------------------------------------------------------------------


@each_kind
async def test_identity(shell, language):
    """Registrations and the console user are read in any language, in three commands."""
    async with linked(shell=shell, language=language) as (station, link):
        before = link.commands_sent
        registrations = await read_registrations(link)
        console = await read_console(link)

        assert link.commands_sent - before == 3
        server, token, user = station.plan.registrations[0]
        assert registrations.current.server_id == registrations.last_server == uuid.UUID(server)
        assert registrations.current.token.get_secret_value() == token
        assert registrations.current.user_id == uuid.UUID(user)
        assert token not in repr(registrations)
        assert (console.session_id, console.same_as_login) == (1, True)
        assert console.sid.startswith("S-1-5-21-")
        assert console.profile.casefold() == link.variables["USERPROFILE"].casefold()


async def test_two_registrations():
    """Acceptance: a stale one first; the agent's last server counts, the other is kept."""
    async with linked("two_registrations") as (station, link):
        registrations = await read_registrations(link)

        assert len(registrations.all) == 2
        assert str(registrations.current.server_id) == station.plan.registrations[-1][0]


async def test_no_registration():
    """No agent key: a named condition for the owner, not a reboot."""
    async with linked("no_registration") as (_, link):
        with pytest.raises(RegistrationMissing, match="Esme"):
            await read_registrations(link)


@each_kind
async def test_other_console_user(shell, language):
    """Another user than the login sits there, with a Cyrillic name: his SID and folders, letter by letter."""
    async with linked("other_console_user", shell=shell, language=language) as (_, link):
        console = await read_console(link)

        assert not console.same_as_login
        assert console.user == "Игрок"
        assert console.roaming == r"C:\Users\Игрок\AppData\Roaming"
        assert console.local == r"C:\Users\Игрок\AppData\Local"


async def test_console_session_2():
    """The console session is not always 1."""
    async with linked("console_session_2") as (_, link):
        assert (await read_console(link)).session_id == 2


@each_kind
async def test_nobody_signed_in(shell, language):
    """Nobody at the console: named."""
    async with linked("nobody_signed_in", shell=shell, language=language) as (_, link):
        with pytest.raises(NobodySignedIn):
            await read_console(link)


@each_kind
async def test_fixed_volumes(shell, language):
    """All fixed volumes and nothing else: letters of a stick and of a sold disk fall out."""
    async with linked(shell=shell, language=language) as (_, link):
        assert await read_fixed_volumes(link) == BOTH


# -- look, protect, reset --------------------------------------------------------------------------------------------


@each_kind
async def test_a_clean_station(shell, language):
    """One command tells: no Shadow Mode, no marker, no stamp, each known."""
    async with linked(shell=shell, language=language) as (station, link):
        before = link.commands_sent
        facts = await look(link, guard(station))

        assert link.commands_sent - before == 1
        assert (facts.shadowed, facts.marker, facts.marker_session, facts.boot_stamp) == (frozenset(), "", "", "")
        assert facts.agent_up is None
        assert facts.protector_fault == ""
        assert facts.marked is None  # nobody asked


@each_kind
async def test_protect_and_reset(shell, language):
    """Enter, marks, reset: accepted, and after the boot no Shadow Mode, no marker, no stamp; exactly one reboot."""
    async with linked(shell=shell, language=language) as (station, link):
        protector = guard(station)
        done = await link.run(protector.enter(BOTH))
        entered = protector.read_enter(sections(done.stdout), BOTH)
        assert (entered.shadowed, entered.before, entered.fault) == (BOTH, frozenset(), None)
        add = ("/t", "REG_SZ", "/f", "/d")
        await link.run(
            [
                Run("reg.exe", ("add", MARKER_KEY, "/v", "marker", *add, "m1")),
                Run("reg.exe", ("add", MARKER_KEY, "/v", "session", *add, "s1")),
                Run("reg.exe", ("add", BOOT_KEY, "/v", BOOT_VALUE, *add, "b1")),
            ]
        )
        await link.write_all({marker_file(volume): b"m1" for volume in BOTH})
        facts = await look(link, protector, BOTH)
        assert (facts.shadowed, facts.marker, facts.marker_session, facts.boot_stamp) == (BOTH, "m1", "s1", "b1")
        assert facts.marked == BOTH
        assert await marker_files(link, BOTH) == {"C": "m1", "D": "m1"}
        boots = station.machine.boot_count

        answer = await reset(link, protector, BOTH, "b2")
        await until_back(link)

        assert answer in (ResetAnswer.ACCEPTED, ResetAnswer.UNKNOWN)
        facts = await look(link, protector, BOTH)
        assert (facts.shadowed, facts.marker, facts.boot_stamp) == (frozenset(), "", "")
        assert facts.marked == frozenset()
        assert await marker_files(link, BOTH) == {"C": "", "D": ""}
        assert station.machine.boot_count == boots + 1


@pytest.mark.parametrize("shell", ["cmd", "powershell"])
async def test_reset_without_cmdtool(shell):
    """The player deleted CmdTool.exe: the reboot alone rolls back."""
    async with linked(shell=shell) as (station, link):
        protector = guard(station)
        await link.run(protector.enter(BOTH))
        await link.remove(r"C:\Program Files\Shadow Defender\CmdTool.exe")
        assert "not on the station" in (await look(link, protector)).protector_fault

        await reset(link, protector, BOTH, "b2")
        await until_back(link)

        assert (await look(link, protector)).shadowed == frozenset()


async def test_reset_ignored_shows_in_the_stamp():
    """A station that says yes and does not boot keeps the stamp: that is how it is found out."""
    async with linked("reset_ignored") as (station, link):
        assert await reset(link, guard(station), frozenset(), "b9") is ResetAnswer.ACCEPTED
        assert (await look(link, guard(station))).boot_stamp == "b9"


FAULTS = [
    ("shadow_refuses", NotConfirmed),
    ("shadow_partial", NotConfirmed),
    ("shadow_password", ProtectorRefused),
    ("shadow_missing", ProtectorMissing),
]


@pytest.mark.parametrize("shell", ["cmd", "powershell"])
@pytest.mark.parametrize("fault, kind", FAULTS)
async def test_not_confirmed(fault, kind, shell):
    """F1: whatever keeps Shadow Mode from being whole is named, and the disk was not written to."""
    async with linked(fault, shell=shell) as (station, link):
        protector = guard(station)
        read = protector.read_enter(sections((await link.run(protector.enter(BOTH))).stdout), BOTH)

        assert isinstance(read.fault, kind)
        assert isinstance(read.fault, GateError)
        assert not [entry for entry in station.journal if entry.kind == "write"]


PASSWORDS = [
    "two words",
    'a"b',
    "100%",
    "%OS%",
    "a^b&c|d<e>f!",
    "(x)",
    "it's",
    "end\\",
    "two words\\",
    "$env:OS`n",
    "Пароль",
    "%OS:W=x%",
]


@pytest.mark.parametrize("shell", ["cmd", "powershell"])
@pytest.mark.parametrize("password", PASSWORDS)
async def test_nasty_passwords_arrive(password, shell):
    """A Shadow Defender password arrives unchanged through the simulated shells."""
    async with linked(shell=shell, shadow_password=password) as (station, link):
        facts = await look(link, guard(station))

        assert (facts.protector_fault, facts.shadowed) == ("", frozenset())


async def test_password_that_powershell_cannot_carry_is_named():
    """A quote and several blanks in a row: refused before anything is sent, without showing it."""
    async with linked(shell="powershell", shadow_password='a"  b') as (station, link):  # noqa: S604 -- a setting of the plan
        sent = len(station.commands)
        with pytest.raises(SettingsFault, match="change the password") as caught:
            await look(link, guard(station))

        assert 'a"  b' not in str(caught.value)
        assert len(station.commands) == sent


async def test_barred_reg_is_not_an_absence():
    """A look without reg.exe knows nothing of marker and stamp: it must not say they are gone."""
    async with linked() as (station, link):
        station.machine.files.delete(r"C:\Windows\System32\reg.exe")
        facts = await look(link, NoProtector())

        assert (facts.marker, facts.boot_stamp) == (None, None)
        with pytest.raises(GateError, match="cannot be read"):
            await read_registrations(link)


async def test_port_open():
    """The agent's port: open, and closed when the station is off."""
    async with Station(quick_plan()) as station:
        assert await port_open(station.host, station.agent_port, 1.0)
        await station.power_off()
        assert not await port_open(station.host, station.agent_port, 0.3)


async def test_the_home_of_whoever_runs_it_is_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Found by a newcomer's first hour: a home that may not be read kept the gate from every station."""
    # A name too long cannot be looked at by anybody, root included.
    monkeypatch.setenv("HOME", str(tmp_path / ("x" * 300)))
    async with linked() as (_, link):
        assert link.up
