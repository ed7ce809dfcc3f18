"""Who a station is: its registrations with Drova, and who sits at its console. No localised word is relied on."""

import re
from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from drova_gate.errors import AnswerNotUnderstood, NobodySignedIn, RegistrationMissing
from drova_gate.host.commands import Run, Section, sections
from drova_gate.host.link import HostLink
from drova_gate.host.parse import RegistryKey, RegistryKeys, processes, registry_keys, session_rows

__all__ = ["Console", "Registration", "Registrations", "read_console", "read_registrations"]

_AGENT_KEY = r"HKLM\SOFTWARE\ITKey\Esme"
_AGENT_PATH = r"HKEY_LOCAL_MACHINE\SOFTWARE\ITKey\Esme"
_PROOF_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
"""A key that is always there: when it reads, a key that does not is really missing."""

_USER_SID = re.compile(r"S-1-(?:5-21|12-1)-[0-9-]+")
"""Local, domain (5-21) and Entra ID (12-1) accounts; their ``_Classes`` hives and the system's own accounts fall out."""

_UTF8 = Run("chcp.com", ("65001",))
"""Names outside the console's code page would arrive as question marks."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration of the station with Drova."""

    server_id: UUID
    token: SecretStr
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class Registrations:
    """All registrations that the agent keeps, the one it used last first."""

    all: tuple[Registration, ...]
    last_server: UUID | None

    @property
    def current(self) -> Registration:
        """The one that counts: the agent's last server, else the first."""
        return self.all[0]


@dataclass(frozen=True, slots=True)
class Console:
    """The user at the station's own screen."""

    session_id: int
    sid: str
    """Empty: not known, but it can only be the SSH login itself."""
    user: str
    domain: str
    profile: str
    roaming: str
    local: str
    same_as_login: bool
    """The SSH login is the same account, so HKEY_CURRENT_USER and %APPDATA% are his, too."""


# -- registrations ---------------------------------------------------------------------------------------------------


async def read_registrations(link: HostLink) -> Registrations:
    """Read the agent's registrations with one command; none at all is ``RegistrationMissing``."""
    done = await link.run(
        (
            Section("agent", (Run("reg.exe", ("query", _AGENT_KEY, "/s")),)),
            Section("proof", (Run("reg.exe", ("query", _PROOF_KEY, "/v", "CurrentBuildNumber")),)),
        )
    )
    return find_registrations(link.subject, sections(done.stdout))


def find_registrations(subject: str, parts: dict[str, str]) -> Registrations:
    """Pick the registrations out of the answer."""
    keys = registry_keys(parts.get("agent", ""))
    if not keys and not registry_keys(parts.get("proof", "")):
        raise AnswerNotUnderstood(subject, "its registry cannot be read (reg.exe shows nothing)", "asks again")
    top = keys.get(_AGENT_PATH)
    last = _uuid(top.text("last_server")) if top else None
    found = [
        Registration(server, SecretStr(token), _uuid(key.text("user_id")))
        for key in keys.below(rf"{_AGENT_PATH}\servers")
        if (server := _uuid(key.path.rpartition("\\")[2])) and (token := key.text("auth_token"))
    ]
    if not found:
        raise RegistrationMissing(
            subject,
            rf"the Drova agent has no server id and token in its registry ({_AGENT_KEY}\servers)",
            "start the agent there and sign in; waits for it",
        )
    found.sort(key=lambda registration: registration.server_id != last)
    return Registrations(tuple(found), last)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


# -- console ---------------------------------------------------------------------------------------------------------


async def read_console(link: HostLink) -> Console:
    """Find the user at the console with two commands; nobody there is ``NobodySignedIn``."""
    first = await link.run(
        (
            # sihost.exe lives as long as the sign-in does; explorer.exe may just have been killed.
            Section("sessions", (Run("tasklist.exe", ("/fi", "imagename eq sihost.exe", "/fo", "csv", "/nh")),)),
            Section("rows", (Run("qwinsta.exe"),)),
            Section("hives", (Run("reg.exe", ("query", "HKU")),)),
        )
    )
    parts = sections(first.stdout)
    if "sessions" not in parts or not registry_keys(parts.get("hives", "")):
        raise AnswerNotUnderstood(link.subject, "its sessions cannot be read", "asks again")
    live = {process.session for process in processes(parts["sessions"]) if process.session > 0}
    if not live:
        raise NobodySignedIn(link.subject, "nobody is signed in at its console", "sign in there, or set up autologon")
    screen = {row.session for row in session_rows(parts.get("rows", "")) if row.name.casefold() == "console"}
    sids = _user_sids(registry_keys(parts["hives"]))
    queries = tuple(Run("reg.exe", ("query", rf"HKU\{sid}\Volatile Environment", "/s")) for sid in sids)
    second = await link.run((_UTF8, Section("people", queries))) if queries else None
    people = registry_keys(sections(second.stdout).get("people", "")) if second else RegistryKeys(())
    return choose_console(link.subject, live, screen, sids, people, link.variables["USERPROFILE"])


def _user_sids(hives: RegistryKeys) -> tuple[str, ...]:
    names = (key.path.partition("\\")[2] for key in hives.keys)
    return tuple(name for name in names if _USER_SID.fullmatch(name))


def choose_console(
    subject: str,
    live: set[int],
    screen: set[int],
    sids: tuple[str, ...],
    people: RegistryKeys,
    login_profile: str,
) -> Console:
    """Choose among those signed in: his own word ``Console``, else qwinsta's console row, else the lowest session."""
    found = []
    for sid in sids:
        path = rf"HKEY_USERS\{sid}\Volatile Environment"
        home = people.get(path)
        for key in people.below(path):
            number = key.path.rpartition("\\")[2]
            if home and number.isdecimal() and int(number) in live:
                session = int(number)
                console = key.text("SESSIONNAME").casefold() == "console"
                found.append(
                    ((not console, session not in screen, session), _console(session, sid, home, login_profile))
                )
    if found:
        return min(found, key=lambda each: each[0])[1]
    if len(sids) > 1:
        raise AnswerNotUnderstood(
            subject, f"cannot tell which of {len(sids)} signed-in users is at its console", "sign the others out there"
        )
    session = min(live & screen or live)
    return Console(
        session,
        sids[0] if sids else "",
        "",
        "",
        login_profile,
        rf"{login_profile}\AppData\Roaming",
        rf"{login_profile}\AppData\Local",
        same_as_login=True,
    )


def _console(session: int, sid: str, home: RegistryKey, login_profile: str) -> Console:
    profile = home.text("USERPROFILE") or login_profile
    return Console(
        session_id=session,
        sid=sid,
        user=home.text("USERNAME"),
        domain=home.text("USERDOMAIN"),
        profile=profile,
        roaming=home.text("APPDATA") or rf"{profile}\AppData\Roaming",
        local=home.text("LOCALAPPDATA") or rf"{profile}\AppData\Local",
        same_as_login=profile.casefold() == login_profile.casefold(),
    )
